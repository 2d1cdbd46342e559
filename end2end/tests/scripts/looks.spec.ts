// Every page in every state, light and dark, narrow and wide: accessible by axe's rules, and no wider than the window.
// A picture of each goes to target/screens, for people to look at.
import fs from "node:fs";
import path from "node:path";
import { AxeBuilder } from "@axe-core/playwright";
import type { Acme } from "../support/acme.ts";
import { Client } from "../support/client.ts";
import { screens } from "../support/places.ts";
import { Site } from "../support/site.ts";
import { Watch } from "../support/watch.ts";
import { expect, test } from "../fixtures.ts";

const widths = { 320: 640, 1280: 800 };
const day = 24 * 60 * 60 * 1000;
const inDays = (days: number) => new Date(Date.now() + days * day).toISOString().replace(/\.\d+Z$/, "Z");

interface State {
    name: string;
    /** Brings the page to be looked at on the screen; called once for each size and theme. */
    show: (site: Site, acme: Acme, ids: Ids) => Promise<void>;
}

interface Ids {
    provider: string;
    runtime: string;
}

const tokens = "/acme/tokens";
const runtimes = "/acme/admin/runtimes";
const providers = "/acme/admin/git-authentication";
const expiring = "/acme/admin/expiring";
const audit = "/acme/admin/audit";
const settings = "/acme/admin/settings";

/** On a server that is not set up. */
const before: { name: string; show: (site: Site, setUpPath: string) => Promise<void> }[] = [
    { name: "set-up-missing", show: (site) => site.open("/") },
    { name: "set-up", show: (site, setUpPath) => site.open(setUpPath) },
    { name: "set-up-wrong-link", show: (site) => site.open("/setup/wrong", 404) },
    {
        name: "set-up-errors",
        show: async (site, setUpPath) => {
            await site.open(setUpPath);
            await site.button("Create account").click();
            await expect(site.field("E-mail")).toHaveAttribute("aria-invalid", "true");
        },
    },
];

/** In an account without anything. */
const empty: State[] = [
    { name: "tokens-empty", show: (site) => site.open(tokens) },
    { name: "runtimes-empty", show: (site) => site.open(runtimes) },
    { name: "git-authentication-empty", show: (site) => site.open(providers) },
    { name: "expiring-empty", show: (site) => site.open(expiring) },
    { name: "notifications-empty", show: (site) => site.open("/acme/notifications") },
    { name: "settings-empty", show: (site) => site.open(settings) },
];

/** In an account with all that there can be. */
const full: State[] = [
    { name: "tokens", show: (site) => site.open(tokens) },
    { name: "tokens-add", show: (site, _, { runtime }) => site.open(`${tokens}?add=${runtime}`) },
    {
        name: "tokens-add-recognised",
        show: async (site, _, { runtime }) => {
            await site.open(`${tokens}?add=${runtime}`);
            await site.field("Personal access token").fill("ghp_0123");
        },
    },
    {
        name: "tokens-add-refused",
        show: async (site, acme, { runtime }) => {
            await site.open(`${tokens}?add=${runtime}`);
            const short = await acme.forge.token({ scopes: ["public_repo"] });
            await site.field("Personal access token").fill(short.value);
            await site.button("Add token").click();
            await expect(site.alert).toContainText("it lacks a scope");
        },
    },
    {
        name: "tokens-add-other-provider",
        show: async (site, _, { runtime }) => {
            await site.open(`${tokens}?add=${runtime}`);
            await site.field("Personal access token").fill("glpat-0123456789abcdefghij");
            await site.button("Add token").click();
            await expect(site.field("Personal access token")).toHaveAttribute("aria-invalid", "true");
        },
    },
    {
        name: "tokens-checking",
        show: async (site, _, { runtime }) => {
            await site.open(`${tokens}?add=${runtime}`);
            await site.hold("**/api/ui/put-token");
            await site.field("Personal access token").fill("ghp_0123");
            await site.button("Add token").click();
            await expect(site.button("Checking with GitHub…")).toBeVisible();
        },
    },
    {
        name: "tokens-checked",
        show: async (site) => {
            await site.open(tokens);
            await site.button("Check now valid-forever").click();
            await expect(site.notice).toContainText("Checked just now: Valid.");
        },
    },
    {
        name: "tokens-replace",
        show: async (site) => {
            await site.open(tokens);
            await site.link("Replace token for valid-forever").click();
            await expect(site.dialog("Replace token for valid-forever")).toBeVisible();
        },
    },
    {
        name: "tokens-delete",
        show: async (site) => {
            await site.open(tokens);
            await site.choose("valid-forever", "Delete token for valid-forever");
            await expect(site.dialog("Delete the token for valid-forever?")).toBeVisible();
        },
    },
    { name: "runtimes", show: (site) => site.open(runtimes) },
    { name: "runtimes-register", show: (site) => site.open(`${runtimes}?register=`) },
    {
        name: "runtimes-register-errors",
        show: async (site) => {
            await site.open(`${runtimes}?register=`);
            await site.button("Register runtime").click();
            await expect(site.field("Name")).toHaveAttribute("aria-invalid", "true");
        },
    },
    { name: "runtimes-edit", show: (site, _, { runtime }) => site.open(`${runtimes}?edit=${runtime}`) },
    { name: "runtimes-delete", show: (site, _, { runtime }) => site.open(`${runtimes}?delete=${runtime}`) },
    {
        name: "runtimes-keys",
        show: async (site, acme, { runtime }) => {
            await acme.mira.post("issue-access-key", { account: "acme", id: runtime, name: "argocd-in-the-cluster" });
            await site.open(`${runtimes}?keys=${runtime}`);
            await expect(site.page.getByRole("dialog")).toContainText("never used");
        },
    },
    {
        name: "runtimes-key-issued",
        show: async (site, _, { runtime }) => {
            await site.open(`${runtimes}?keys=${runtime}`);
            await site.field("Name of a new key").fill(`key-${Date.now()}`);
            await site.button("Issue access key").click();
            await expect(site.notice).toContainText("pbk_");
        },
    },
    {
        name: "runtimes-key-revoke",
        show: async (site, acme, { runtime }) => {
            await acme.mira.post("issue-access-key", { account: "acme", id: runtime, name: "flux" });
            await site.open(`${runtimes}?keys=${runtime}`);
            await site.link("Revoke flux").click();
            await expect(site.dialog("Revoke flux?")).toBeVisible();
        },
    },
    { name: "git-authentication", show: (site) => site.open(providers) },
    { name: "git-authentication-register", show: (site) => site.open(`${providers}?register=`) },
    {
        name: "git-authentication-register-errors",
        show: async (site) => {
            await site.open(`${providers}?register=`);
            await site.field("Base URL").fill("github.com");
            await site.button("Register Git provider").click();
            await expect(site.field("Base URL")).toHaveAttribute("aria-invalid", "true");
        },
    },
    { name: "git-authentication-edit", show: (site, _, { provider }) => site.open(`${providers}?edit=${provider}`) },
    { name: "git-authentication-delete", show: (site, _, { provider }) => site.open(`${providers}?delete=${provider}`) },
    { name: "expiring", show: (site) => site.open(expiring) },
    { name: "expiring-missing", show: (site) => site.open(`${expiring}?show=missing`) },
    { name: "expiring-nothing-found", show: (site) => site.open(`${expiring}?q=nobody&show=invalid`) },
    {
        name: "expiring-table",
        show: async (site) => {
            await site.open(expiring);
            await site.page.getByText("Show as a table").click();
        },
    },
    {
        name: "expiring-details",
        show: async (site) => {
            await site.open(expiring);
            await site.page.getByRole("link", { name: /^Details of / }).first().click();
            await expect(site.page.getByRole("dialog")).toBeVisible();
        },
    },
    { name: "expiring-calendar", show: (site) => site.open(`${expiring}?calendar=link`) },
    { name: "audit", show: (site) => site.open(audit) },
    { name: "audit-nothing-found", show: (site) => site.open(`${audit}?q=nothing-is-called-so`) },
    {
        name: "audit-event",
        show: async (site) => {
            await site.open(audit);
            await site.page.getByRole("row").nth(1).getByRole("link").first().click();
            await expect(site.page.getByRole("dialog")).toBeVisible();
        },
    },
    {
        name: "notifications",
        show: async (site) => {
            await site.open(expiring);
            await site.page.getByRole("checkbox").first().check();
            await site.button("Remind holders").click();
            await expect(site.notice).toContainText("reminded");
            await site.open("/acme/notifications");
        },
    },
    { name: "settings", show: (site) => site.open(settings) },
    { name: "settings-register", show: (site) => site.open(`${settings}?register=`) },
    { name: "not-found", show: (site) => site.open("/acme/nothing-here", 404) },
    { name: "not-found-outside", show: (site) => site.open("/a/b/c/d", 404) },
    { name: "not-a-member", show: (site) => site.open("/other/tokens", 404) },
];

const members = "/acme/admin/members";

/** In an account with a further member, and somebody who is invited. */
const people: State[] = [
    { name: "members", show: (site) => site.open(members) },
    { name: "members-invite", show: (site) => site.open(`${members}?invite=`) },
    {
        name: "members-link",
        show: async (site) => {
            await site.open(`${members}?invite=`);
            await site.button("Make link").click();
            await expect(site.notice).toContainText("/join/");
        },
    },
    {
        name: "members-remove",
        show: async (site) => {
            await site.open(members);
            await site.choose("Jonas", "Remove Jonas");
            await expect(site.dialog("Remove Jonas?")).toContainText("1 token is stored");
        },
    },
    {
        name: "members-role",
        show: async (site) => {
            await site.open(members);
            await site.choose("Jonas", "Make admin Jonas");
            await expect(site.dialog("Make Jonas an admin?")).toBeVisible();
        },
    },
    {
        name: "accounts",
        show: async (site) => {
            await site.open(tokens);
            await site.button("Acme · admin Accounts").click();
            await expect(site.link("Leave Acme")).toBeVisible();
        },
    },
    {
        name: "join-already",
        show: async (site, acme) => site.open(await invitation(acme), 409),
    },
    {
        name: "join",
        show: async (site, acme) => {
            await site.page.context().clearCookies();
            await site.open(await invitation(acme, "someone.with.a.long.address@acme.example"));
        },
    },
    {
        name: "join-errors",
        show: async (site, acme) => {
            await site.page.context().clearCookies();
            await site.open(await invitation(acme));
            await site.button("Join Acme").click();
            await expect(site.page.locator("[aria-invalid=true]").first()).toBeVisible();
        },
    },
    {
        name: "join-wrong-link",
        show: (site) => site.open("/join/wrong", 404),
    },
];

/** The path of a new invitation's link. */
async function invitation(acme: Acme, email = ""): Promise<string> {
    const { link } = await acme.mira.done("invite", { account: "acme", role: "member", email });
    return new URL(link).pathname;
}

/** Has Jonas join, with a token, and invites one more; the admin has a second account. */
async function populate(acme: Acme) {
    const jonas = new Client(acme.patchbay.url);
    const code = (await invitation(acme)).replace("/join/", "");
    const person = { name: "Jonas", email: "jonas@acme.example", password: "correct horse battery" };
    await jonas.done("join-as-new", { code, ...person });
    const runtime = await acme.runtime("prod-eu");
    await jonas.done("put-token", { account: "acme", runtime, token: (await acme.forge.token()).value });
    await invitation(acme, "ada@acme.example");
    await acme.patchbay.command(["account", "create", "--name", "Globex of the whole wide world", "--admin", "mira@acme.example"]);
}

/** At the door. */
const door: State[] = [
    { name: "sign-in", show: (site) => site.open("/sign-in") },
    {
        name: "sign-in-errors",
        show: async (site) => {
            await site.open("/sign-in");
            await site.button("Sign in").click();
            await expect(site.field("E-mail")).toHaveAttribute("aria-invalid", "true");
        },
    },
    {
        name: "sign-in-wrong",
        show: async (site) => {
            await site.open("/sign-in");
            await site.field("E-mail").fill("nobody@acme.example");
            await site.field("Password").fill("not the right one");
            await site.button("Sign in").click();
            await expect(site.alert).toContainText("is wrong");
        },
    },
    {
        name: "sign-in-throttled",
        show: async (site, acme) => {
            const wrong = { email: "nobody@acme.example", password: "not the right one", next: "" };
            const visitor = new Client(acme.patchbay.url);
            for (let tries = 0; tries < 6; tries++) await visitor.refused("sign-in", wrong);
            await site.open("/sign-in");
            await site.field("E-mail").fill(wrong.email);
            await site.field("Password").fill(wrong.password);
            await site.button("Sign in").click();
            await expect(site.alert).toContainText("Too many tries.");
        },
    },
];

/** Fills the account with a runtime in every state that a token can be in. */
async function fill(acme: Acme): Promise<Ids> {
    const { forge } = acme;
    await acme.provider("GitHub Enterprise of the whole company", "https://github.enterprise.some-long-name.acme.example");
    await acme.provider("github.com", "https://github.com");
    const provider = await acme.provider();
    await forge.repository("ada/deploy");
    const runtime = await acme.runtime("a-runtime-with-a-name-that-is-as-long-as-names-of-runtimes-get", provider);
    const stored = async (name: string, token: Parameters<Acme["stored"]>[1]) => {
        const id = await acme.runtime(name, provider);
        return { id, token: await acme.stored(id, token) };
    };
    await stored("valid-forever", {});
    await stored("valid-for-a-while", { expires_at: inDays(200) });
    await stored("expires-soon", { expires_at: inDays(5.5) });
    await stored("excess", { scopes: ["repo", "delete_repo", "admin:org", "admin:repo_hook", "workflow"] });
    await stored("unverified", { kind: "fine_grained", permissions: { metadata: "read", contents: "read" } });
    await stored("expiry-unknown", { expires_at: inDays(200), expiry_header: "current_time" });
    const missing = await stored("missing", {});
    await forge.change(missing.token, { scopes: ["public_repo"] });
    const revoked = await stored("revoked", {});
    await forge.revoke(revoked.token);
    const sso = await stored("sso", {});
    await forge.fault({ kind: "sso_required", url: `${forge.url}/orgs/acme/sso?authorization_request=A1` }, { scope: { token: sso.token.id } });
    const limited = await stored("limited", {});
    await forge.fault({ kind: "rate_limited", status: 403, reset_in: 1800 }, { scope: { token: limited.token.id } });
    for (const { id } of [missing, revoked, sso, limited]) {
        await acme.mira.done("check-token", { account: "acme", runtime: id });
    }
    return { provider, runtime };
}

/** Looks at what is on the screen in both themes, at one width. */
async function inspect(site: Site, name: string, width: number) {
    fs.mkdirSync(screens, { recursive: true });
    for (const theme of ["light", "dark"] as const) {
        await site.page.emulateMedia({ colorScheme: theme, reducedMotion: "reduce" });
        const file = path.join(screens, `${name}-${theme}-${width}.png`);
        // What lies over the page is as high as the window.
        const fullPage = (await site.page.getByRole("dialog").count()) === 0;
        await site.page.screenshot({ path: file, fullPage, animations: "disabled" });
        const { passes, violations } = await new AxeBuilder({ page: site.page }).analyze();
        expect(passes.length, "rules that axe found something to look at for").toBeGreaterThan(10);
        const found = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
        expect.soft(found, `${name}, ${theme}, ${width} px`).toEqual([]);
    }
    expect.soft(await site.cutOff(), `what does not fit on ${name} at ${width} px`).toEqual([]);
}

async function atEveryWidth(site: Site, name: string, show: () => Promise<void>) {
    for (const [width, height] of Object.entries(widths)) {
        await site.page.setViewportSize({ width: Number(width), height });
        await show();
        await inspect(site, name, Number(width));
    }
}

for (const { name, show } of before) {
    test(`${name} is accessible and fits`, async ({ site, patchbay }) => {
        await atEveryWidth(site, name, () => show(site, patchbay.setUpPath));
    });
}

for (const { name, show } of empty) {
    test(`${name} is accessible and fits`, async ({ site, acme }) => {
        await site.become(acme.mira);
        await atEveryWidth(site, name, () => show(site, acme, { provider: "", runtime: "" }));
    });
}

for (const { name, show } of full) {
    test(`${name} is accessible and fits`, async ({ site, acme }) => {
        const ids = await fill(acme);
        await site.become(acme.mira);
        await atEveryWidth(site, name, () => show(site, acme, ids));
    });
}

for (const { name, show } of people) {
    test(`${name} is accessible and fits`, async ({ site, acme }) => {
        await populate(acme);
        await site.become(acme.mira);
        await atEveryWidth(site, name, () => show(site, acme, { provider: "", runtime: "" }));
    });
}

for (const { name, show } of door) {
    test(`${name} is accessible and fits`, async ({ site, acme }) => {
        await atEveryWidth(site, name, () => show(site, acme, { provider: "", runtime: "" }));
    });
}

test("a panel without scripts fits", async ({ browser, acme, patchbay }) => {
    const { runtime } = await fill(acme);
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    const site = new Site(page, patchbay.url, false, new Watch(context, patchbay.url, false));
    await site.become(acme.mira);
    for (const [width, height] of Object.entries(widths)) {
        await page.setViewportSize({ width: Number(width), height });
        await site.open(`${tokens}?add=${runtime}`);
        for (const theme of ["light", "dark"] as const) {
            await page.emulateMedia({ colorScheme: theme });
            await page.screenshot({ path: path.join(screens, `nojs-tokens-add-${theme}-${width}.png`) });
        }
        await expect(site.field("Personal access token")).toBeInViewport();
        expect.soft((await site.cutOff()).filter((what) => what.startsWith("html"))).toEqual([]);
    }
    await context.close();
});
