// Git Personal Access Tokens: add, look, check, replace, delete.
import type { Site } from "../support/site.ts";
import { expect, test } from "../fixtures.ts";

const path = "/acme/tokens";
const heading = "Git Personal Access Tokens";
const day = 24 * 60 * 60 * 1000;
const inDays = (days: number) => new Date(Date.now() + days * day);
const rfc3339 = (date: Date) => date.toISOString().replace(/\.\d+Z$/, "Z");
/** As `27 Nov 2026`. */
const shown = (date: Date) =>
    `${date.getUTCDate()} ${date.toLocaleString("en-US", { month: "short", timeZone: "UTC" })} ${date.getUTCFullYear()}`;

async function openPanel(site: Site, action: string) {
    await site.open(path);
    await site.link(action).click();
    await expect(site.page.getByRole("dialog")).toBeVisible();
    await site.settled();
}

/** Adds a token by the page. */
async function add(site: Site, runtime: string, token: string) {
    await openPanel(site, `Add token for ${runtime}`);
    await site.field("Personal access token").fill(token);
    await site.button("Add token").click();
    // On to the further runtimes that it could serve, if there are any.
    await expect(site.page).toHaveURL(/\/acme\/tokens(\?share=[\w-]+)?$/);
    await expect(site.notice).toContainText("Token checked and stored.");
    await site.settled();
}

test.beforeEach(async ({ site, acme }) => {
    await site.become(acme.mira);
});

test("without a runtime the page says what comes next", async ({ site }) => {
    await site.open(path);
    await expect(site.page.getByRole("heading", { name: "No runtimes yet" })).toBeVisible();
    await site.link("Register a runtime").click();
    await site.arrived("/acme/admin/runtimes", "Runtimes");
});

test("a runtime without a token says so, and what a token for it needs", async ({ site, acme, forge }) => {
    await acme.runtime("prod-eu");
    await site.open(path);
    const row = site.row("prod-eu");
    await expect(row).toContainText(forge.host);
    await expect(row).toContainText("No token yet");
    await expect(row).toContainText("Not authorized");
    await expect(row).toContainText("repo");
    await expect(site.page.getByText("0 of 1 authorized")).toBeVisible();
});

test("the panel has the field, the steps to generate a token, and a link with everything filled in", async ({
    site,
    acme,
    forge,
}) => {
    await acme.runtime("prod-eu");
    await openPanel(site, "Add token for prod-eu");
    const panel = site.dialog("Add token for prod-eu");
    await expect(panel).toContainText(`forge · ${forge.host}`);

    const oauth = site.button("Authorize access to GitHub", panel);
    await expect(oauth).toHaveAttribute("aria-disabled", "true");
    await expect(oauth).toHaveAccessibleDescription(
        "No OAuth application is registered for this provider. Contact your admin for help",
    );

    await expect(panel.getByText("Advanced authorization options", { exact: true })).toBeVisible();
    await expect(site.field("Personal access token", panel)).toBeVisible();
    await expect(site.field("Personal access token", panel)).toHaveAttribute("type", "password");
    await expect(panel.getByRole("listitem")).toHaveCount(5);
    const link = site.link("Open GitHub, filled in (opens in a new tab)", panel);
    await expect(link).toHaveAttribute(
        "href",
        `${forge.url}/settings/tokens/new?description=Patchbay+prod-eu&scopes=repo`,
    );
    await expect(link).toHaveAttribute("rel", /noopener/);
});

test("a good token is listed with identity, scopes and expiry", async ({ site, acme, forge }) => {
    await acme.runtime("prod-eu");
    const end = inDays(90);
    const token = await forge.token({ expires_at: rfc3339(end) });
    await add(site, "prod-eu", token.value);
    const row = site.row("prod-eu");
    await expect(row).toContainText(`ghp_…${token.value.slice(-4)}`);
    await expect(row).toContainText("ada");
    await expect(row.getByText("repo (granted, declared by the provider)")).toHaveCount(1);
    await expect(row).toContainText("Valid");
    await expect(row).toContainText(shown(end));
    await expect(row).toContainText(/in [23] months|in 89 days/);
    await expect(row).toContainText("checked just now");
    await expect(site.page.getByText("1 of 1 authorized")).toBeVisible();
    await expect(site.page.getByText("needs you")).toHaveCount(0);
    expect((await forge.requests()).filter((request) => request.write || request.token_in_url)).toEqual([]);
});

test("white space around a pasted token does not matter", async ({ site, acme, forge }) => {
    await acme.runtime("prod-eu");
    const token = await forge.token();
    await add(site, "prod-eu", `  ${token.value}\t `);
    await expect(site.row("prod-eu")).toContainText(`ghp_…${token.value.slice(-4)}`);
});

test("a token without an end says who says so", async ({ site, acme, forge }) => {
    await acme.runtime("prod-eu");
    await add(site, "prod-eu", (await forge.token()).value);
    await expect(site.row("prod-eu")).toContainText("never");
    await expect(site.row("prod-eu")).toContainText("says GitHub");
});

test("a token that ends within a month is named above the list", async ({ site, acme, forge }) => {
    await acme.runtime("prod-eu");
    await add(site, "prod-eu", (await forge.token({ expires_at: rfc3339(inDays(5.5)) })).value);
    await expect(site.row("prod-eu")).toContainText("Expires soon");
    await expect(site.page.getByRole("main")).toContainText("One of your tokens needs you.");
    await expect(site.page.getByText("prod-eu stops working in 5 days")).toBeVisible();
    await expect(site.page.getByRole("navigation")).toContainText("1 need attention");
});

test("a token that may do more than is needed says what", async ({ site, acme, forge }) => {
    await acme.runtime("prod-eu");
    await add(site, "prod-eu", (await forge.token({ scopes: ["repo", "delete_repo"] })).value);
    await expect(site.row("prod-eu")).toContainText("Excess scopes");
    await expect(site.row("prod-eu")).toContainText("delete_repo");
    await expect(site.row("prod-eu")).toContainText("Works, but allows more than this runtime needs.");
});

test("a broader scope stands in for the needed one", async ({ site, acme, forge }) => {
    await acme.runtime("prod-eu");
    await add(site, "prod-eu", (await forge.token({ scopes: ["public_repo", "repo", "repo:status"] })).value);
    await expect(site.row("prod-eu")).toContainText("Valid");
});

test("a fine-grained token is shown as unverified, with what was probed by reading", async ({ site, acme, forge }) => {
    await acme.runtime("prod-eu");
    await forge.repository("ada/deploy");
    const token = await forge.token({ kind: "fine_grained", permissions: { metadata: "read", contents: "write" } });
    await add(site, "prod-eu", token.value);
    const row = site.row("prod-eu");
    await expect(row).toContainText("Permissions unverified");
    await expect(row).toContainText(`github_pat_…${token.value.slice(-4)}`);
    await expect(row.getByText("contents:read (granted, probed by reading)")).toHaveCount(1);
    await expect(row.getByText("contents:write ? (may or may not be granted)")).toHaveCount(1);
    await expect(row).toContainText("Reading worked; writing was not tried.");
    expect((await forge.requests()).filter((request) => request.write)).toEqual([]);
});

test("after a restart of the server everything is still there", async ({ site, acme, forge, patchbay }) => {
    await acme.runtime("prod-eu");
    const token = await forge.token({ expires_at: rfc3339(inDays(90)) });
    await add(site, "prod-eu", token.value);
    await site.leave();
    await patchbay.restart();
    await site.open(path);
    await expect(site.row("prod-eu")).toContainText(`ghp_…${token.value.slice(-4)}`);
    await expect(site.row("prod-eu")).toContainText("Valid");
    await expect(site.row("prod-eu")).toContainText("ada");
    // The token itself can be opened again, too: it is what the check sends.
    await site.button("Check now prod-eu").click();
    await expect(site.notice).toContainText("Checked just now: Valid.");
    expect((await forge.requests()).at(-1)).toMatchObject({ path: "/api/v3/user", token: token.id, status: 200 });
});

test("Check now tells what became of the token", async ({ site, acme, forge }) => {
    const token = await acme.stored(await acme.runtime("prod-eu"));
    const checkNow = async () => {
        await site.settled();
        await site.button("Check now prod-eu").click();
    };
    await site.open(path);
    await checkNow();
    await expect(site.notice).toContainText("Checked just now: Valid.");

    await forge.change(token, { scopes: ["public_repo"] });
    await checkNow();
    await expect(site.notice).toContainText("Checked just now: Missing scopes.");
    await expect(site.row("prod-eu")).toContainText("repo missing");
    await expect(site.row("prod-eu")).toContainText("Replace it with a token that has the missing scopes.");

    await forge.revoke(token);
    await checkNow();
    await expect(site.notice).toContainText("Checked just now: Invalid or revoked.");
    await expect(site.row("prod-eu")).toContainText("Invalid or revoked");
    await expect(site.page.getByRole("main")).toContainText("One of your tokens needs you.");
    await expect(site.page.getByText("prod-eu: GitHub no longer accepts the token")).toBeVisible();
    await expect(site.page.getByRole("navigation")).toContainText("1 need attention");
});

test("a provider in trouble changes no status", async ({ site, acme, forge }) => {
    await acme.stored(await acme.runtime("prod-eu"));
    await site.open(path);
    for (const [fault, notice, remark] of [
        [{ kind: "status", status: 503 }, "could not be asked", "GitHub could not be asked, it answered with the error 503"],
        [{ kind: "rate_limited", status: 403, reset_in: 1800 }, "takes no more requests", "GitHub took no more requests"],
        [{ kind: "html" }, "could not be asked", "its answer is not one of this provider's API"],
    ] as const) {
        await forge.fault(fault);
        await site.button("Check now prod-eu").click();
        await expect(site.notice).toContainText(notice);
        await expect(site.notice).toContainText("That says nothing about the token.");
        await expect(site.row("prod-eu")).toContainText(remark);
        await expect(site.row("prod-eu")).toContainText("Valid");
        await forge.mend();
        await site.settled();
    }
});

test("a token that wants single sign-on meanwhile links to where it is authorized", async ({ site, acme, forge }) => {
    await acme.stored(await acme.runtime("prod-eu"));
    const sso = `${forge.url}/orgs/acme/sso?authorization_request=AZSCKtL4`;
    await forge.fault({ kind: "sso_required", url: sso });
    await site.open(path);
    await site.button("Check now prod-eu").click();
    await expect(site.notice).toContainText("Checked just now: SSO authorization needed.");
    await expect(site.link("Authorize it at GitHub (opens in a new tab)", site.row("prod-eu"))).toHaveAttribute("href", sso);
});

test("a token is replaced", async ({ site, acme, forge }) => {
    const old = await acme.stored(await acme.runtime("prod-eu"));
    await forge.control("PUT", "/accounts/grace", { password: "not used" });
    const token = await forge.token({ account: "grace" });
    await openPanel(site, "Replace token for prod-eu");
    await expect(site.dialog("Replace token for prod-eu")).toBeVisible();
    await site.field("Personal access token").fill(token.value);
    await site.button("Replace").click();
    await site.arrived(path, heading);
    const row = site.row("prod-eu");
    await expect(row).toContainText(`…${token.value.slice(-4)}`);
    await expect(row).toContainText("grace");
    await expect(row).not.toContainText(`…${old.value.slice(-4)}`);
});

test("a replacement that is refused leaves the old token as it was", async ({ site, acme, forge }) => {
    const runtime = await acme.runtime("prod-eu");
    const old = await acme.stored(runtime);
    const bad = await forge.token();
    await forge.revoke(bad);
    await openPanel(site, "Replace token for prod-eu");
    await site.field("Personal access token").fill(bad.value);
    await site.button("Replace").click();
    await expect(site.alert).toContainText("GitHub does not accept this token.");
    await expect(site.field("Personal access token")).toHaveValue("");
    await site.settled();
    await site.link("Cancel").click();
    await site.arrived(path, heading);
    await expect(site.row("prod-eu")).toContainText(`…${old.value.slice(-4)}`);
    await expect(site.row("prod-eu")).toContainText("Valid");
    await site.button("Check now prod-eu").click();
    await expect(site.notice).toContainText("Checked just now: Valid.");
    expect((await forge.requests()).at(-1)).toMatchObject({ token: old.id });
});

test("a token is deleted, with the consequence named before", async ({ site, acme, forge }) => {
    const runtime = await acme.runtime("prod-eu");
    await acme.stored(runtime);
    await openPanel(site, "Delete token for prod-eu");
    const dialog = site.dialog("Delete the token for prod-eu?");
    await expect(dialog).toContainText("prod-eu can no longer act for you.");
    await expect(dialog).toContainText("The runtime itself and the tokens of others are not affected.");
    await expect(dialog).toContainText("The token itself stays valid at GitHub");
    await expect(dialog.getByRole("link", { name: "revoke it there" })).toHaveAttribute("href", `${forge.url}/settings/tokens`);

    await site.link("Cancel").click();
    await site.arrived(path, heading);
    await expect(site.row("prod-eu")).toContainText("Valid");

    await site.link("Delete token for prod-eu").click();
    await expect(dialog).toBeVisible();
    await site.settled();
    await site.button("Delete token").click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("Token deleted.");
    await expect(site.row("prod-eu")).toContainText("Not authorized");
    expect(await acme.token(runtime)).toBeUndefined();
});

test("each runtime has a token of its own", async ({ site, acme, forge }) => {
    const provider = await acme.provider();
    await acme.runtime("prod-eu", provider);
    const staging = await acme.stored(await acme.runtime("staging", provider));
    await acme.runtime("test", provider);
    const token = await forge.token();
    await add(site, "prod-eu", token.value);
    await expect(site.page.getByText("2 of 3 authorized")).toBeVisible();
    await expect(site.row("prod-eu")).toContainText(`…${token.value.slice(-4)}`);
    await expect(site.row("staging")).toContainText(`…${staging.value.slice(-4)}`);
    await expect(site.row("test")).toContainText("No token yet");
});
