// Every kind of Git provider: registered, and a token added, refused, replaced and deleted.
import type { Site } from "../support/site.ts";
import type { Acme } from "../support/acme.ts";
import type { Forge, NewToken, Provider } from "../support/forge.ts";
import { expect, test } from "../fixtures.ts";

const path = "/acme/tokens";
const heading = "Git Personal Access Tokens";
const field = "Personal access token";

interface Kind {
    provider: Provider;
    /** What the page calls it. */
    name: string;
    /** The path of its API. */
    api: string;
    /** A token that a runtime accepts. */
    good: NewToken;
    status: string;
    /** Who it belongs to. */
    login: string;
    /** The field for what goes beside it, and what to type there. */
    username?: { label: string; typed: string };
    /** A token that lacks something, and what. */
    short?: { token: NewToken; lacks: string };
    /** Where one generates a token: the words and what its address ends in. */
    generate: { words: string; href: RegExp };
    /** What is said of it below the field. */
    recognised?: string;
}

const cloudScopes = [
    "read:user:bitbucket",
    "read:workspace:bitbucket",
    "read:repository:bitbucket",
    "write:repository:bitbucket",
];
const beside = "Bitbucket username or Atlassian e-mail (optional)";

const kinds: Kind[] = [
    {
        provider: "github",
        name: "GitHub",
        api: "/api/v3",
        good: { kind: "classic", scopes: ["repo"] },
        status: "Valid",
        login: "ada",
        short: { token: { kind: "classic", scopes: ["gist"] }, lacks: "repo" },
        generate: { words: "Open GitHub, filled in", href: /\/settings\/tokens\/new\?description=Patchbay\+prod-eu&scopes=repo$/ },
        recognised: "GitHub personal access token (classic)",
    },
    {
        provider: "gitlab",
        name: "GitLab",
        api: "/api/v4",
        good: { kind: "gitlab_personal", scopes: ["read_api", "write_repository"] },
        status: "Valid",
        login: "ada",
        short: { token: { kind: "gitlab_personal", scopes: ["read_api"] }, lacks: "write_repository" },
        generate: {
            words: "Open GitLab, filled in",
            href: /\/-\/user_settings\/personal_access_tokens\?name=Patchbay\+prod-eu&scopes=write_repository%2Cread_api$/,
        },
        recognised: "GitLab personal access token",
    },
    {
        provider: "bitbucket_cloud",
        name: "Bitbucket Cloud",
        api: "/2.0",
        good: { kind: "bitbucket_api", scopes: cloudScopes },
        status: "Valid",
        login: "ada",
        username: { label: beside, typed: "ada@example.com" },
        short: { token: { kind: "bitbucket_api", scopes: cloudScopes.slice(0, 3) }, lacks: "write:repository:bitbucket" },
        generate: { words: "Open Bitbucket Cloud", href: /^https:\/\/id\.atlassian\.com\/manage-profile\/security\/api-tokens$/ },
        recognised: "Bitbucket API token. It goes with the e-mail address of your Atlassian account.",
    },
    {
        provider: "bitbucket_data_center",
        name: "Bitbucket Data Center",
        api: "/rest",
        good: { kind: "bitbucket_http", scopes: ["PROJECT_READ", "REPO_WRITE"] },
        status: "Valid",
        login: "ada",
        short: { token: { kind: "bitbucket_http", scopes: ["PROJECT_READ", "REPO_READ"] }, lacks: "REPO_WRITE" },
        generate: { words: "Open Bitbucket Data Center", href: /\/plugins\/servlet\/access-tokens\/manage$/ },
        recognised: "Bitbucket Data Center HTTP access token",
    },
    {
        provider: "gitea",
        name: "Gitea",
        api: "/api/v1",
        good: { kind: "gitea", scopes: ["write:repository", "read:user"] },
        status: "Valid",
        login: "ada",
        short: { token: { kind: "gitea", scopes: ["read:repository", "read:user"] }, lacks: "write:repository" },
        generate: { words: "Open Gitea", href: /\/user\/settings\/applications$/ },
    },
    {
        provider: "forgejo",
        name: "Forgejo",
        api: "/api/v1",
        good: { kind: "forgejo", scopes: ["write:repository", "read:user"] },
        status: "Permissions unverified",
        login: "ada",
        short: { token: { kind: "forgejo", scopes: ["read:user"] }, lacks: "write:repository" },
        generate: { words: "Open Forgejo", href: /\/forgejo\/user\/settings\/applications$/ },
    },
    {
        provider: "gerrit",
        name: "Gerrit",
        api: "/a",
        good: { kind: "gerrit_token", scopes: [] },
        status: "Valid",
        login: "ada",
        username: { label: "Gerrit username", typed: "ada" },
        generate: { words: "Open Gerrit", href: /\/settings\/#HTTPCredentials$/ },
    },
];

async function openPanel(site: Site, action: string) {
    await site.open(path);
    await site.link(action).click();
    await expect(site.page.getByRole("dialog")).toBeVisible();
    await site.settled();
}

/** Fills the panel that is open, and sends it. */
async function send(site: Site, kind: Kind, token: string, button: string) {
    await site.field(field).fill(token);
    if (kind.username) await site.field(kind.username.label).fill(kind.username.typed);
    await site.button(button).click();
}

for (const kind of kinds) {
    const stored = async (acme: Acme, forge: Forge) => {
        const runtime = await acme.runtime("prod-eu", await acme.provider(kind.name, await forge.urlOf(kind.provider), kind.provider));
        const token = await forge.token(kind.good);
        await acme.mira.done("put-token", { account: "acme", runtime, token: token.value, username: kind.username?.typed ?? "" });
        return token;
    };

    test.describe(`at ${kind.name}`, () => {
        test.beforeEach(async ({ site, acme }) => {
            await site.become(acme.mira);
        });

        test("an admin registers it, and a person adds a token", async ({ site, acme, forge }) => {
            await site.open("/acme/admin/git-authentication?register=");
            await site.field("Kind").selectOption(kind.provider);
            await site.field("Name (optional)").fill("Ours");
            await site.field("Base URL").fill(await forge.urlOf(kind.provider));
            if (kind.status === "Permissions unverified") {
                await site.field("Accept tokens whose permissions cannot be verified").check();
            }
            await site.button("Register Git provider").click();
            await site.arrived("/acme/admin/git-authentication", "Git authentication");
            await expect(site.row("Ours")).toContainText(kind.name);
            await expect(site.row("Ours")).toContainText((await forge.urlOf(kind.provider)) + kind.api);
            await acme.runtime("prod-eu", await acme.idOf("git-authentication", "Ours"));

            await openPanel(site, "Add token for prod-eu");
            const panel = site.dialog("Add token for prod-eu");
            const generate = site.link(`${kind.generate.words} (opens in a new tab)`, panel);
            await expect(generate).toHaveAttribute("href", kind.generate.href);
            expect(await panel.getByRole("listitem").count()).toBeGreaterThan(2);
            const token = await forge.token(kind.good);
            if (site.scripts && kind.recognised) {
                await site.field(field).fill(token.value);
                await expect(panel.getByText(kind.recognised, { exact: true })).toBeVisible();
            }
            await send(site, kind, token.value, "Add token");
            await site.arrived(path, heading);
            await expect(site.notice).toContainText("Token checked and stored.");
            await expect(site.row("prod-eu")).toContainText(kind.status);
            await expect(site.row("prod-eu")).toContainText(kind.login);
            await expect(site.row("prod-eu")).toContainText(token.value.slice(-4));
            await site.button("Check now prod-eu").click();
            await expect(site.notice).toContainText(`Checked just now: ${kind.status}.`);
            expect((await forge.requests()).filter((request) => request.write || request.token_in_url)).toEqual([]);
        });

        test("a token that is not accepted is refused, and what goes beside it stays", async ({ site, acme, forge }) => {
            await acme.runtime("prod-eu", await acme.provider(kind.name, await forge.urlOf(kind.provider), kind.provider));
            const revoked = await forge.token(kind.good);
            await forge.revoke(revoked);
            await openPanel(site, "Add token for prod-eu");
            await send(site, kind, revoked.value, "Add token");
            await expect(site.alert).toContainText(`${kind.name} does not accept this token.`);
            await expect(site.alert).toContainText("Nothing was stored.");
            await expect(site.field(field)).toHaveValue("");
            if (kind.username) await expect(site.field(kind.username.label)).toHaveValue(kind.username.typed);

            if (kind.short) {
                await site.settled();
                await send(site, kind, (await forge.token(kind.short.token)).value, "Add token");
                await expect(site.alert).toContainText(kind.short.lacks);
                await expect(site.alert).toContainText("Nothing was stored.");
            }
            await site.open(path);
            await expect(site.row("prod-eu")).toContainText("Not authorized");
        });

        test("a token is shared with another runtime", async ({ site, acme, forge }) => {
            const token = await stored(acme, forge);
            await acme.runtime("prod-us", await acme.idOf("git-authentication", kind.name));
            await site.open(path);
            await site.choose("prod-eu", "Use for more runtimes token for prod-eu");
            const panel = site.dialog("Use the token for prod-eu for more runtimes?");
            await expect(panel).toBeVisible();
            await site.settled();
            await site.field("prod-us", panel).check();
            await site.button("Authorize ticked runtimes", panel).click();
            await site.arrived(path, heading);
            await expect(site.notice).toContainText("prod-us uses the token too.");
            for (const runtime of ["prod-eu", "prod-us"]) {
                await expect(site.row(runtime)).toContainText(`…${token.value.slice(-4)}`);
                await expect(site.row(runtime)).toContainText("shared by 2 runtimes");
            }
            // It works there, with what goes beside it.
            await site.button("Check now prod-us").click();
            await expect(site.notice).toContainText(`Checked just now: ${kind.status}.`);
        });

        test("a token is replaced, and deleted", async ({ site, acme, forge }) => {
            const old = await stored(acme, forge);
            const fresh = await forge.token(kind.good);
            await openPanel(site, "Replace token for prod-eu");
            if (kind.username) await expect(site.field(kind.username.label)).toHaveValue(kind.username.typed);
            await send(site, kind, fresh.value, "Replace");
            await site.arrived(path, heading);
            await expect(site.row("prod-eu")).toContainText(`…${fresh.value.slice(-4)}`);
            await expect(site.row("prod-eu")).not.toContainText(`…${old.value.slice(-4)}`);

            await site.choose("prod-eu", "Delete token for prod-eu");
            const dialog = site.dialog("Delete the token for prod-eu?");
            await expect(dialog).toContainText(`The token itself stays valid at ${kind.name}`);
            await expect(dialog.getByRole("link", { name: "revoke it there" })).toHaveAttribute("href", /^https?:\/\//);
            await site.settled();
            await site.button("Delete token").click();
            await site.arrived(path, heading);
            await expect(site.notice).toContainText("Token deleted.");
            await expect(site.row("prod-eu")).toContainText("Not authorized");
        });
    });
}

test.describe("at Bitbucket Cloud, besides API tokens", () => {
    test.beforeEach(async ({ site, acme, forge }) => {
        await site.become(acme.mira);
        const provider = await acme.provider("Bitbucket", await forge.urlOf("bitbucket_cloud"), "bitbucket_cloud");
        await acme.runtime("prod-eu", provider);
        await openPanel(site, "Add token for prod-eu");
    });

    test("an access token of a repository goes alone", async ({ site, forge }) => {
        const token = await forge.token({ kind: "bitbucket_repository", scopes: ["repository:write"] });
        await site.field(field).fill(token.value);
        await site.button("Add token").click();
        await site.arrived(path, heading);
        await expect(site.row("prod-eu")).toContainText("repo access token");
    });

    test("an API token without the e-mail address is not sent anywhere", async ({ site, forge }) => {
        await site.field(field).fill((await forge.token({ kind: "bitbucket_api", scopes: cloudScopes })).value);
        await site.field(beside).fill("ada");
        await site.button("Add token").click();
        await expect(site.field(beside)).toHaveAccessibleDescription(/goes with the e-mail address/);
        await expect(site.field(beside)).toHaveValue("ada");
        expect(await forge.requests()).toEqual([]);
    });

    test("a token in the field for the username is not taken, and does not come back", async ({ site, forge }) => {
        const token = await forge.token({ kind: "bitbucket_api", scopes: cloudScopes });
        await site.field(field).fill(token.value);
        await site.field(beside).fill(token.value);
        await site.button("Add token").click();
        await expect(site.field(beside)).toHaveAttribute("aria-invalid", "true");
        if (!site.scripts) expect(await site.page.content()).not.toContain(token.value);
        expect(await forge.requests()).toEqual([]);
    });

    test("an app password is told that it was switched off", async ({ site, forge }) => {
        const panel = site.dialog("Add token for prod-eu");
        const off = "bitbucket.org has switched";
        await expect(panel.getByText("App passwords (ATBB…) no longer work").first()).toContainText(`${off} them off since 2026-07-28`);
        const token = await forge.token({ kind: "bitbucket_app_password", scopes: ["repository:write"] });
        await site.field(field).fill(token.value);
        if (site.scripts) await expect(panel.getByText("Bitbucket app password.")).toContainText("Generate an API token instead.");
        await site.field(beside).fill("ada");
        await site.button("Add token").click();
        await expect(site.alert).toContainText("Bitbucket Cloud does not accept this token.");
        await expect(site.alert).toContainText(`${off} app passwords off since 2026-07-28. Generate an API token instead.`);
    });
});

test("the base URL follows the kind until somebody types one", async ({ site, acme }) => {
    await site.become(acme.mira);
    await site.open("/acme/admin/git-authentication?register=");
    await expect(site.field("Base URL")).toHaveValue("https://github.com");
    await site.field("Kind").selectOption("gitlab");
    if (site.scripts) {
        await expect(site.field("Base URL")).toHaveValue("https://gitlab.com");
        await expect(site.field("API base URL (optional)")).toHaveAccessibleDescription(/https:\/\/gitlab\.com\/api\/v4/);
        await site.field("Kind").selectOption("gitea");
        await expect(site.field("Base URL")).toHaveValue("");
        await site.field("Base URL").fill("https://git.acme.example");
        await site.field("Kind").selectOption("gerrit");
        await expect(site.field("Base URL")).toHaveValue("https://git.acme.example");
        await expect(site.field("API base URL (optional)")).toHaveAccessibleDescription(/https:\/\/git\.acme\.example\/a/);
    } else {
        await site.button("Register Git provider").click();
        await expect(site.field("Base URL")).toHaveAccessibleDescription(/This is the address of GitHub\. Enter that of GitLab\./);
        await expect(site.field("Kind")).toHaveValue("gitlab");
    }
});
