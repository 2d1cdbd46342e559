// Authorising access by OAuth 2: two clicks here, and what the provider asks; and what an admin sets up for that.
import type { Page } from "@playwright/test";
import { type Acme, admin } from "../support/acme.ts";
import { type Forge, type OAuthApplication, type Provider, login } from "../support/forge.ts";
import type { Site } from "../support/site.ts";
import { expect, test } from "../fixtures.ts";

const path = "/acme/tokens";
const heading = "Git Personal Access Tokens";
const providers = "/acme/admin/git-authentication";

const kinds: [Provider, string][] = [
    ["github", "GitHub"],
    ["gitlab", "GitLab"],
    ["bitbucket_cloud", "Bitbucket Cloud"],
    ["bitbucket_data_center", "Bitbucket Data Center"],
    ["gitea", "Gitea"],
    ["forgejo", "Forgejo"],
];
/** What tokens need by default, and so what an application asks for. */
const scopes: Partial<Record<Provider, string[]>> = {
    github: ["repo"],
    gitlab: ["write_repository", "read_api"],
    bitbucket_cloud: ["account", "repository:write"],
    bitbucket_data_center: ["REPO_WRITE"],
    gitea: ["write:repository", "read:user"],
    forgejo: ["write:repository", "read:user"],
};

interface Stage {
    runtime: string;
    provider: string;
    application: OAuthApplication;
}

/** The callback URL that the next application of a Git provider gets, and its id. */
async function next(acme: Acme, provider: string): Promise<{ callback: string; id: string }> {
    const texts = await acme.mira.read("sheet", {
        account: "acme",
        page: "admin/git-authentication",
        query: `application=${provider}`,
    });
    const callback = texts.find((text) => text.includes("/oauth/callback/")) ?? "";
    return { callback, id: callback.split("/").pop() ?? "" };
}

/** A runtime, its Git provider and an OAuth application of that, registered at both ends. */
async function stage(acme: Acme, forge: Forge, kind: Provider = "github", name = "prod-eu"): Promise<Stage> {
    const provider = await acme.provider(kind, await forge.urlOf(kind), kind);
    const runtime = await acme.runtime(name, provider);
    const { callback, id } = await next(acme, provider);
    const wanted = scopes[kind] ?? [];
    const application = await forge.application({ provider: kind, name: "Patchbay of Acme", redirect_uris: [callback], scopes: wanted });
    await acme.mira.done("save-application", {
        account: "acme",
        provider,
        id,
        client_id: application.client_id,
        client_secret: application.client_secret,
        scopes: wanted.join(","),
        "runtimes[]": runtime,
    });
    return { runtime, provider, application };
}

/** Signs in at the stand-in. */
async function signIn(page: Page, account = login) {
    await page.getByLabel("Username or email address").fill(account);
    await page.getByLabel("Password").fill("not used");
    await page.getByRole("button", { name: "Sign in" }).click();
}

/** Opens the panel of a runtime and follows it to the provider. */
async function toProvider(site: Site, forge: Forge, provider: string, row = "prod-eu", action = `Add token for ${row}`) {
    await site.choose(row, action);
    await expect(site.page.getByRole("dialog")).toBeVisible();
    await site.settled();
    await site.button(`Authorize access to ${provider}`).click();
    await expect(site.page).toHaveURL(new RegExp(`^${forge.url.replaceAll(".", "\\.")}/`));
}

test.beforeEach(async ({ site, acme }) => {
    await site.become(acme.mira);
});

for (const [kind, name] of kinds) {
    test(`access is authorized at ${name}`, async ({ site, acme, forge }) => {
        await stage(acme, forge, kind);
        await site.open(path);
        await toProvider(site, forge, name);
        await signIn(site.page);
        await expect(site.heading("Authorize Patchbay of Acme")).toBeVisible();
        await site.page.getByRole("button", { name: "Authorize" }).click();

        await site.arrived(path, heading);
        await expect(site.notice).toContainText(`Access authorized as ${login}.`);
        const row = site.row("prod-eu");
        await expect(row).toContainText("Valid");
        await expect(row).toContainText(login);
        if (kind !== "github") await expect(row).toContainText("refreshed automatically");
        // Neither code nor state is in the history: going back leads to the panel or the page before, and not to the callback.
        expect(site.page.url()).not.toContain("code=");
        expect((await forge.requests()).filter((request) => request.token_in_url)).toEqual([]);
    });
}

test("a second factor and a consent given before are the provider's own business", async ({ site, acme, forge }) => {
    await forge.control("PUT", `/accounts/${login}`, { password: "not used", second_factor: "314159" });
    await stage(acme, forge);
    await site.open(path);
    await toProvider(site, forge, "GitHub");
    await signIn(site.page);
    await site.page.getByLabel("Authentication code").fill("314159");
    await site.page.getByRole("button", { name: "Verify" }).click();
    await site.page.getByRole("button", { name: "Authorize" }).click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("Access authorized");

    // The provider remembers: two clicks, and nothing else.
    await site.choose("prod-eu", "Replace token for prod-eu");
    await expect(site.page.getByRole("dialog")).toBeVisible();
    await site.settled();
    await site.button("Authorize access to GitHub").click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("Access authorized");
    // The token before was taken back.
    const grants = await forge.grants();
    expect(grants.flatMap((grant) => grant.live_tokens)).toHaveLength(1);
});

test("who says no at the provider comes back to what can be done", async ({ site, acme, forge }) => {
    await stage(acme, forge, "gitlab");
    await site.open(path);
    await toProvider(site, forge, "GitLab");
    await signIn(site.page);
    await site.page.getByRole("button", { name: "Cancel" }).click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("Access was not authorized at GitLab.");
    await expect(site.notice).toContainText("Nothing was stored.");
    await expect(site.row("prod-eu")).toContainText("No token yet");
});

test("an authorization that grants too little is refused, and said", async ({ site, acme, forge }) => {
    const { application } = await stage(acme, forge, "gitlab");
    await forge.changeApplication(application, { grants: ["read_api"] });
    await site.open(path);
    await toProvider(site, forge, "GitLab");
    await signIn(site.page);
    await site.page.getByRole("button", { name: "Authorize" }).click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("GitLab granted less than this runtime needs.");
    await expect(site.notice).toContainText("write_repository");
    await expect(site.row("prod-eu")).toContainText("No token yet");
});

test("another identity than before is asked about", async ({ site, acme, forge }) => {
    await forge.control("PUT", "/accounts/mira-private", { password: "not used" });
    const { runtime } = await stage(acme, forge, "gitlab");
    await site.open(path);
    await toProvider(site, forge, "GitLab");
    await signIn(site.page);
    await site.page.getByRole("button", { name: "Authorize" }).click();
    await site.arrived(path, heading);
    await site.page.context().clearCookies({ name: "forge_signed_in" });

    const asOther = async () => {
        await toProvider(site, forge, "GitLab", "prod-eu", "Replace token for prod-eu");
        await signIn(site.page, "mira-private");
        await site.page.getByRole("button", { name: "Authorize" }).click();
    };
    await asOther();
    const dialog = site.dialog("Act as mira-private in prod-eu?");
    await expect(dialog).toBeVisible();
    await site.settled();
    await expect(dialog).toContainText(`Until now this runtime acts for you as ${login}.`);
    await site.button("Discard the authorization", dialog).click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("Authorization discarded.");
    await expect(site.row("prod-eu")).toContainText(login);

    // The provider remembers the consent now.
    await site.settled();
    await site.choose("prod-eu", "Replace token for prod-eu");
    await site.settled();
    await site.button("Authorize access to GitLab").click();
    await expect(site.page).toHaveURL(`${site.origin}${path}?confirm=${runtime}`);
    await site.settled();
    await site.button("Use mira-private", dialog).click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("Access authorized as mira-private.");
    await expect(site.row("prod-eu")).toContainText("mira-private");
});

test("without an application the button says why, and the admins are told once", async ({ site, acme }) => {
    await acme.runtime("prod-eu");
    await site.open(path);
    await site.choose("prod-eu", "Add token for prod-eu");
    const panel = site.dialog("Add token for prod-eu");
    await expect(panel).toBeVisible();
    await site.settled();
    const button = site.button("Authorize access to GitHub", panel);
    await expect(button).toHaveAttribute("aria-disabled", "true");
    await expect(button).toHaveAccessibleDescription(
        "No OAuth application is registered for this provider. Contact your admin for help",
    );
    await site.button("Notify admins", panel).click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("Your admins see your request under Git authentication.");
    await site.settled();
    await site.choose("prod-eu", "Add token for prod-eu");
    await expect(panel).toContainText("Your admins have your request.");
    await expect(site.button("Notify admins", panel)).toHaveCount(0);

    await site.open(providers);
    await expect(site.page.getByText(`${admin.name} asked for an OAuth application for forge.`)).toBeVisible();
});

test("Gerrit has no OAuth, so its panel takes a token", async ({ site, acme, forge }) => {
    const provider = await acme.provider("Gerrit", await forge.urlOf("gerrit"), "gerrit");
    await acme.runtime("review", provider);
    await site.open(path);
    await site.choose("review", "Add token for review");
    const panel = site.dialog("Add token for review");
    await expect(panel).toContainText("Gerrit knows no OAuth");
    await expect(site.field("Personal access token", panel)).toBeVisible();
    await expect(panel.getByText("Authorize access")).toHaveCount(0);
});

test("an admin registers an application with the callback URL that is shown, tests it, and people authorize", async ({
    site,
    acme,
    forge,
}) => {
    const provider = await acme.provider("GitLab", await forge.urlOf("gitlab"), "gitlab");
    await acme.runtime("prod-eu", provider);
    await site.open(providers);
    await site.link("Add OAuth application for GitLab").click();
    const panel = site.dialog("Register OAuth application");
    await expect(panel).toBeVisible();
    await site.settled();
    const callback = await panel.getByText(/\/oauth\/callback\//).innerText();
    expect(callback.startsWith(`${site.origin}/oauth/callback/`)).toBe(true);
    await expect(site.link("Open GitLab (opens in a new tab)", panel)).toHaveAttribute(
        "href",
        `${await forge.urlOf("gitlab")}/-/user_settings/applications`,
    );
    await expect(site.field("Scopes", panel)).toHaveValue("write_repository,read_api");
    await expect(site.field("prod-eu", panel)).toBeChecked();

    // What is wrong stands at its field, and the secret does not come back.
    await site.field("Client ID", panel).fill("two words");
    await site.field("Client secret", panel).fill("typed-secret");
    await site.button("Register OAuth application", panel).click();
    await expect(panel).toContainText("A client id is one word of letters, digits and signs.");
    await site.settled();
    await expect(site.field("Client secret", panel)).toHaveValue("");

    const wanted = scopes.gitlab ?? [];
    const application = await forge.application({ provider: "gitlab", name: "Patchbay", redirect_uris: [callback], scopes: wanted });
    await site.field("Client ID", panel).fill(application.client_id);
    await site.field("Client secret", panel).fill(application.client_secret);
    await site.button("Register OAuth application", panel).click();
    const test = site.dialog("Test GitLab");
    await expect(test).toBeVisible();
    await site.settled();
    await expect(test).toContainText("Not tested yet.");
    await site.button("Test now", test).click();
    await expect(test).toContainText("GitLab accepts them.");
    await expect(test).toContainText("It asks for what tokens need here, and no more.");

    await site.open(providers);
    const applications = site.page.getByRole("row").filter({ hasText: application.client_id });
    await expect(applications).toContainText("prod-eu");
    await expect(site.page.getByRole("row").filter({ has: site.link("Change the method of prod-eu") })).toContainText("OAuth application");

    await site.open(path);
    await toProvider(site, forge, "GitLab");
    await signIn(site.page);
    await site.page.getByRole("button", { name: "Authorize" }).click();
    await site.arrived(path, heading);
    await expect(site.row("prod-eu")).toContainText("refreshed automatically");
});

test("a client secret that the provider does not accept is found by the test", async ({ site, acme, forge }) => {
    const { application } = await stage(acme, forge, "gitlab");
    await forge.changeApplication(application, { client_secret: "another" });
    await site.open(providers);
    await site.link("Test gitlab").click();
    await site.settled();
    await site.button("Test now").click();
    await expect(site.dialog("Test gitlab")).toContainText("GitLab does not accept them (invalid_client).");
    await site.open(providers);
    await expect(site.page.getByRole("row").filter({ hasText: application.client_id })).toContainText("Does not work");
});

test("which runtime uses which application is changed at any time, and stored tokens keep working", async ({ site, acme, forge }) => {
    await stage(acme, forge, "gitlab");
    await site.open(path);
    await toProvider(site, forge, "GitLab");
    await signIn(site.page);
    await site.page.getByRole("button", { name: "Authorize" }).click();
    await site.arrived(path, heading);

    await site.open(providers);
    await site.link("Change the method of prod-eu").click();
    const panel = site.dialog("How people authorize access for prod-eu");
    await expect(panel).toBeVisible();
    await site.settled();
    await site.field("Method", panel).selectOption("Tokens only");
    await site.button("Save", panel).click();
    await site.arrived(providers, "Git authentication");
    await expect(site.notice).toContainText("Stored tokens keep working.");
    await site.open(path);
    await expect(site.row("prod-eu")).toContainText("refreshed automatically");
    await site.choose("prod-eu", "Replace token for prod-eu");
    await expect(site.page.getByRole("dialog")).toContainText("An admin chose tokens only for it");
    await expect(site.button("Authorize access to GitLab")).toHaveCount(0);
});

test("deleting an application says whose tokens are no longer refreshed", async ({ site, acme, forge }) => {
    await stage(acme, forge, "gitlab");
    await site.open(path);
    await toProvider(site, forge, "GitLab");
    await signIn(site.page);
    await site.page.getByRole("button", { name: "Authorize" }).click();
    await site.arrived(path, heading);

    await site.open(providers);
    // The Git provider and its application have one name, and an action of this name each.
    await site.page.locator("a[id^=delete-application]").click();
    const dialog = site.dialog("Delete gitlab?");
    await expect(dialog).toBeVisible();
    await site.settled();
    await expect(dialog).toContainText("From then on tokens only: prod-eu.");
    await expect(dialog).toContainText("1 token is no longer refreshed");
    await expect(dialog).toContainText(`${admin.name} in prod-eu`);
    await site.button("Delete OAuth application", dialog).click();
    await site.arrived(providers, "Git authentication");
    await expect(site.page.getByRole("row").filter({ has: site.link("Change the method of prod-eu") })).toContainText("Tokens only");
    await site.open(path);
    await expect(site.row("prod-eu")).toContainText("Its OAuth application was deleted");
});

test("a token that was authorized is deleted here and at its provider", async ({ site, acme, forge }) => {
    await stage(acme, forge, "gitlab");
    await site.open(path);
    await toProvider(site, forge, "GitLab");
    await signIn(site.page);
    await site.page.getByRole("button", { name: "Authorize" }).click();
    await site.arrived(path, heading);
    await site.choose("prod-eu", "Delete token for prod-eu");
    const dialog = site.dialog("Delete the token for prod-eu?");
    await expect(dialog).toContainText("It is also revoked at GitLab, this token alone.");
    await site.settled();
    await site.button("Delete token", dialog).click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("Token deleted. GitLab has revoked it.");
    expect((await forge.grants()).flatMap((grant) => grant.live_tokens)).toEqual([]);
});

test("a callback that nobody waits for changes nothing, and leads nowhere else", async ({ site, acme, forge }) => {
    const { runtime } = await stage(acme, forge);
    const { id } = await next(acme, (await stageIds(acme)).provider);
    for (const query of [
        "",
        "?code=x&state=y",
        "?error=access_denied&state=y",
        "?code=x&state=https://evil.example/&iss=https://evil.example",
    ]) {
        await site.open(`/oauth/callback/${id}${query}`);
        await expect(site.page).toHaveURL(`${site.origin}${path}`);
        await expect(site.notice).toContainText("This authorization was used already, or began elsewhere.");
    }
    await site.open("/oauth/callback/nonsense?state=y");
    await site.open("/oauth/away");
    expect(site.page.url().startsWith(site.origin)).toBe(true);
    expect(await acme.token(runtime)).toBeUndefined();
});

async function stageIds(acme: Acme): Promise<{ provider: string }> {
    return { provider: await acme.idOf("git-authentication", "github") };
}
