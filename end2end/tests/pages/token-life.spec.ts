// The life of a token: shared among runtimes, its end, whose it is, what it needs, and the runtimes' own.
import type { Acme } from "../support/acme.ts";
import { Client } from "../support/client.ts";
import type { Forge, Token } from "../support/forge.ts";
import type { Site } from "../support/site.ts";
import { expect, test } from "../fixtures.ts";

const path = "/acme/tokens";
const heading = "Git Personal Access Tokens";
const runtimes = "/acme/admin/runtimes";
const providers = "/acme/admin/git-authentication";
const day = 24 * 60 * 60 * 1000;
/** As `2027-01-20`. */
const isoDay = (days: number) => new Date(Date.now() + days * day).toISOString().slice(0, 10);

/** Chooses an action of a row, from the menu if it is there. */
async function act(site: Site, row: string, action: string) {
    await site.settled();
    await site.choose(row, action);
    await expect(site.page.getByRole("dialog")).toBeVisible();
    await site.settled();
}

/** Pastes a token into the open panel and sends it. */
async function paste(site: Site, token: string, button = "Add token") {
    await site.field("Personal access token").fill(token);
    await site.button(button).click();
}

test.beforeEach(async ({ site, acme }) => {
    await site.become(acme.mira);
});

test("a token is pasted once and serves the runtimes that one ticks", async ({ site, acme, forge }) => {
    const provider = await acme.provider();
    for (const name of ["dev", "prod", "stage"]) await acme.runtime(name, provider);
    await site.open(path);
    await act(site, "dev", "Add token for dev");
    await paste(site, (await forge.token()).value);

    // Stored for the one; the others are offered.
    const panel = site.dialog("Use the token for dev for more runtimes?");
    await expect(panel).toBeVisible();
    await expect(site.notice).toContainText("Token checked and stored.");
    await site.settled();
    const group = panel.getByRole("group", { name: "Runtimes" });
    await expect(group.getByRole("checkbox")).toHaveCount(2);
    await expect(site.field("prod", group)).not.toBeChecked();
    await expect(site.field("prod", group)).toHaveAccessibleDescription("Has no token yet.");
    await site.field("prod", group).check();
    const before = (await forge.requests()).length;
    await site.button("Authorize ticked runtimes", panel).click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("prod uses the token too.");
    expect((await forge.requests()).length).toBe(before + 1);
    await expect(site.row("dev")).toContainText("shared by 2 runtimes");
    await expect(site.row("prod")).toContainText("shared by 2 runtimes");
    await expect(site.row("stage")).toContainText("No token yet");

    // Later, from the menu.
    await act(site, "prod", "Use for more runtimes token for prod");
    const later = site.dialog("Use the token for prod for more runtimes?");
    await expect(site.field("dev", later)).toBeDisabled();
    await expect(site.field("dev", later)).toHaveAccessibleDescription("Uses this token already.");
    await site.button("Authorize ticked runtimes", later).click();
    await expect(later).toContainText("Tick at least one runtime");
    await site.settled();
    await site.field("stage", later).check();
    await site.button("Authorize ticked runtimes", later).click();
    await site.arrived(path, heading);
    await expect(site.row("stage")).toContainText("shared by 3 runtimes");
});

test("replacing a shared token offers to replace the others", async ({ site, acme, forge }) => {
    const provider = await acme.provider();
    const dev = await acme.runtime("dev", provider);
    const prod = await acme.runtime("prod", provider);
    const stage = await acme.runtime("stage", provider);
    await acme.stored(dev);
    await acme.mira.done("share-token", { account: "acme", runtime: dev, "targets[]": prod });
    await acme.stored(stage);
    const next = await forge.token();
    await site.open(path);
    await act(site, "dev", "Replace token for dev");
    await paste(site, next.value, "Replace");
    const panel = site.dialog("Use the token for dev for more runtimes?");
    await expect(panel).toBeVisible();
    await site.settled();
    await expect(site.field("prod", panel)).toBeChecked();
    await expect(site.field("stage", panel)).not.toBeChecked();
    await expect(site.field("stage", panel)).toHaveAccessibleDescription(/^Has ghp_….{4} now, which this replaces\.$/);
    await site.button("Authorize ticked runtimes", panel).click();
    await site.arrived(path, heading);
    for (const name of ["dev", "prod"]) await expect(site.row(name)).toContainText(next.hint);
    await expect(site.row("stage")).not.toContainText(next.hint);
});

test("a runtime that cannot be authorized is named, and keeps what it has", async ({ site, acme, forge }) => {
    const provider = await acme.provider();
    const dev = await acme.runtime("dev", provider);
    await acme.runtime("prod", provider);
    await acme.stored(dev);
    await site.open(`${path}?share=${dev}`);
    await site.field("prod").check();
    await forge.fault({ kind: "status", status: 503 });
    await site.button("Authorize ticked runtimes").click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("Not authorized: prod: GitHub could not be asked: it answered with the error 503.");
    await expect(site.row("prod")).toContainText("No token yet");
});

test("where the provider does not tell when a token ends, one enters it", async ({ site, acme, forge }) => {
    const provider = await acme.provider("forge", await forge.urlOf("forgejo"), "forgejo");
    await acme.runtime("prod-eu", provider);
    await site.open(path);
    await act(site, "prod-eu", "Add token for prod-eu");
    const token = await forge.token({ kind: "forgejo", scopes: ["write:repository", "read:user"] });
    await site.field("Expires on (optional)").fill(isoDay(-3));
    await paste(site, token.value);
    await expect(site.page.getByRole("dialog")).toContainText("This date has passed.");
    await site.settled();
    await expect(site.field("Expires on (optional)")).toHaveValue(isoDay(-3));
    await site.field("Expires on (optional)").fill(isoDay(10));
    await paste(site, token.value);
    await site.arrived(path, heading);
    await expect(site.row("prod-eu")).toContainText("Expires soon");
    await expect(site.row("prod-eu")).toContainText("as entered, Forgejo does not tell");

    await act(site, "prod-eu", "Set expiry token for prod-eu");
    await expect(site.field("Expires on (optional)")).toHaveValue(isoDay(10));
    await site.field("Expires on (optional)").fill(isoDay(90));
    await site.button("Save").click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("Expiry saved.");
    await expect(site.row("prod-eu")).toContainText("Permissions unverified");
    await act(site, "prod-eu", "Set expiry token for prod-eu");
    await site.field("Expires on (optional)").fill("");
    await site.button("Save").click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("Expiry removed.");
    await expect(site.row("prod-eu")).toContainText("unknown");
});

test("a token of an identity other than one's own is asked back", async ({ site, acme, forge }) => {
    const provider = await acme.provider();
    await acme.stored(await acme.runtime("dev", provider));
    await acme.runtime("prod", provider);
    await forge.control("PUT", "/accounts/robot", { password: "not used" });
    const robots = await forge.token({ account: "robot" });
    await site.open(path);
    await act(site, "prod", "Add token for prod");
    await paste(site, robots.value);
    await expect(site.alert).toContainText("This token belongs to robot. Your other tokens at this provider belong to ada.");
    await site.settled();
    await expect(site.field("Personal access token")).toHaveValue("");
    await site.field("robot is my account too").check();
    await paste(site, robots.value);
    await site.arrived(path, heading);
    await expect(site.row("prod")).toContainText("robot");
});

test("somebody else's token is refused before it is sent anywhere", async ({ site, acme, forge, patchbay }) => {
    const runtime = await acme.runtime("prod-eu");
    const miras = await acme.stored(runtime);
    const password = "staple battery horse correct";
    const args = ["admin", "create", "--email", "jonas@acme.example", "--name", "Jonas Weber"];
    expect(await patchbay.command(args, `${password}\n`)).toMatchObject({ code: 0 });
    const jonas = new Client(patchbay.url);
    await jonas.done("sign-in", { email: "jonas@acme.example", password });
    await site.become(jonas);
    const before = (await forge.requests()).length;
    await site.open(path);
    await act(site, "prod-eu", "Add token for prod-eu");
    await paste(site, miras.value);
    await expect(site.alert).toContainText("Mira Sand has stored this very token here.");
    expect((await forge.requests()).length).toBe(before);
    await site.settled();
    // Another one of the same account is asked back.
    await paste(site, (await forge.token()).value);
    await expect(site.alert).toContainText("This token belongs to ada, whose tokens Mira Sand has stored here.");
});

test("tokens that nobody can verify are taken where an admin allows it", async ({ site, acme, forge }) => {
    await acme.runtime("prod-eu");
    const token = await forge.token({ kind: "fine_grained", permissions: { metadata: "read", contents: "write" } });
    await site.open(providers);
    await expect(site.row("forge")).toContainText("accepts unverified tokens");
    await act(site, "forge", "Edit forge");
    await site.field("Accept tokens whose permissions cannot be verified").uncheck();
    await site.button("Save").click();
    await site.arrived(providers, "Git authentication");
    await expect(site.row("forge")).not.toContainText("accepts unverified tokens");

    await site.open(path);
    await act(site, "prod-eu", "Add token for prod-eu");
    await paste(site, token.value);
    await expect(site.alert).toContainText("GitHub knows this token of ada, but does not tell what it may do.");

    await site.open(providers);
    await act(site, "forge", "Edit forge");
    await site.field("Accept tokens whose permissions cannot be verified").check();
    await site.button("Save").click();
    await site.arrived(providers, "Git authentication");
    await site.open(path);
    await act(site, "prod-eu", "Add token for prod-eu");
    await paste(site, token.value);
    await site.arrived(path, heading);
    await expect(site.row("prod-eu")).toContainText("Permissions unverified");
});

test("an admin chooses which scopes tokens need", async ({ site, acme, forge }) => {
    await acme.runtime("prod-eu");
    await site.open(providers);
    await act(site, "forge", "Scopes of forge");
    const panel = site.dialog("Scopes that tokens need at forge");
    const people = panel.getByRole("group").filter({ hasText: "Tokens of people" });
    await expect(site.field("Classic token (optional)", people)).toHaveValue("repo");
    await expect(site.field("Classic token (optional)", people)).toHaveAccessibleDescription("By default: repo");
    await site.field("Classic token (optional)", people).fill("public_repo, répo");
    await site.button("Save").click();
    await expect(panel).toContainText("répo is no scope.");
    await site.settled();
    await expect(site.field("Classic token (optional)", people)).toHaveValue("public_repo, répo");
    await site.field("Classic token (optional)", people).fill("public_repo, gist");
    await site.button("Save").click();
    await site.arrived(providers, "Git authentication");
    await expect(site.notice).toContainText("Scopes saved.");

    await site.open(path);
    await expect(site.row("prod-eu")).toContainText("gist");
    await act(site, "prod-eu", "Add token for prod-eu");
    await paste(site, (await forge.token()).value);
    await expect(site.alert).toContainText("it lacks a scope that this runtime needs: gist");
    await site.settled();
    await paste(site, (await forge.token({ scopes: ["public_repo", "gist"] })).value);
    await site.arrived(path, heading);
    await expect(site.row("prod-eu")).toContainText("Valid");
});

test("a runtime has a token of its own, which an admin sets, checks, replaces and deletes", async ({ site, acme, forge }) => {
    await acme.runtime("prod-eu");
    await site.open(runtimes);
    await expect(site.row("prod-eu")).toContainText("none");
    await act(site, "prod-eu", "Set runtime token for prod-eu");
    await paste(site, (await forge.token()).value, "Set runtime token");
    await expect(site.alert).toContainText("it lacks a scope that this runtime needs: admin:repo_hook");
    await site.settled();
    const good = await forge.token({ scopes: ["repo", "admin:repo_hook"] });
    await paste(site, good.value, "Set runtime token");
    await site.arrived(runtimes, "Runtimes");
    await expect(site.notice).toContainText("Token checked and stored.");
    await expect(site.row("prod-eu")).toContainText(good.hint);
    await expect(site.row("prod-eu")).toContainText("Valid");
    await expect(site.row("prod-eu")).toContainText("0 of 1 person");

    await forge.revoke(good);
    await site.button("More for prod-eu").click();
    await site.button("Check now runtime token of prod-eu").click();
    await expect(site.notice).toContainText("Checked just now: Invalid or revoked.");
    await expect(site.row("prod-eu")).toContainText("Invalid or revoked");

    const next = await forge.token({ scopes: ["repo", "admin:repo_hook"] });
    await act(site, "prod-eu", "Replace runtime token of prod-eu");
    await paste(site, next.value, "Replace");
    await site.arrived(runtimes, "Runtimes");
    await expect(site.row("prod-eu")).toContainText(next.hint);

    await act(site, "prod-eu", "Delete runtime token of prod-eu");
    await expect(site.dialog("Delete the runtime token of prod-eu?")).toContainText("can no longer do anything on its own");
    await site.button("Delete token").click();
    await site.arrived(runtimes, "Runtimes");
    await expect(site.row("prod-eu")).toContainText("none");
});

/** A runtime at GitLab, with a token of Mira's that may rotate itself. */
async function atGitLab(acme: Acme, forge: Forge, names: string[]): Promise<{ ids: string[]; token: Token }> {
    const provider = await acme.provider("gitlab", await forge.urlOf("gitlab"), "gitlab");
    const ids: string[] = [];
    for (const name of names) ids.push(await acme.runtime(name, provider));
    const scopes = ["read_api", "write_repository", "self_rotate"];
    const expires = new Date(Date.now() + 20 * day).toISOString();
    const token = await acme.stored(ids[0] ?? "", { kind: "gitlab_personal", scopes, expires_at: expires });
    return { ids, token };
}

test("a token is rotated at its provider, for every runtime that it serves", async ({ site, acme, forge }) => {
    const { ids, token } = await atGitLab(acme, forge, ["dev", "prod"]);
    await acme.mira.done("share-token", { account: "acme", runtime: ids[0] ?? "", "targets[]": ids[1] ?? "" });
    await site.open(path);
    await expect(site.row("dev")).toContainText("Expires soon");
    await act(site, "dev", "Rotate token for dev");
    const panel = site.dialog("Rotate the token for dev?");
    await expect(panel).toContainText("The new one is stored for prod as well.");
    await expect(panel).toContainText("Whatever else uses this token stops working");
    await site.button("Rotate token", panel).click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("Token rotated. The new one ends on ");
    for (const name of ["dev", "prod"]) {
        await expect(site.row(name)).not.toContainText(token.hint);
        await expect(site.row(name)).toContainText("shared by 2 runtimes");
    }
    await site.settled();
    await site.button("Check now dev").click();
    await expect(site.notice).toContainText("Checked just now: ");
    await expect(site.row("dev")).not.toContainText("Invalid");
});

test("a token that may not rotate itself says so and stays", async ({ site, acme, forge }) => {
    const { ids } = await atGitLab(acme, forge, ["dev"]);
    const plain = await acme.stored(ids[0] ?? "", { kind: "gitlab_personal", scopes: ["read_api", "write_repository"] });
    await site.open(path);
    await act(site, "dev", "Rotate token for dev");
    await site.button("Rotate token").click();
    await expect(site.alert).toContainText("The token may not rotate itself: that needs the scope api or self_rotate.");
    await site.open(path);
    await expect(site.row("dev")).toContainText(plain.hint);
    await expect(site.row("dev")).toContainText("self_rotate");
});

test("deleting a token revokes it where that is ticked, and names what dies with it", async ({ site, acme, forge }) => {
    const { ids } = await atGitLab(acme, forge, ["dev", "prod"]);
    await acme.mira.done("share-token", { account: "acme", runtime: ids[0] ?? "", "targets[]": ids[1] ?? "" });
    await site.open(path);
    await act(site, "dev", "Delete token for dev");
    const dialog = site.dialog("Delete the token for dev?");
    await expect(dialog).toContainText("The same token goes on serving prod.");
    await expect(site.field("Also revoke it at GitLab", dialog)).toHaveAccessibleDescription("Then prod can no longer use it either.");
    await site.field("Also revoke it at GitLab", dialog).check();
    await site.button("Delete token", dialog).click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("Token deleted. GitLab has revoked it.");
    await expect(site.row("dev")).toContainText("No token yet");
    await expect(site.row("prod")).toContainText("Invalid or revoked");
});

test("a revocation that fails is said, and the token is deleted all the same", async ({ site, acme, forge }) => {
    await atGitLab(acme, forge, ["dev"]);
    await site.open(path);
    await act(site, "dev", "Delete token for dev");
    await site.field("Also revoke it at GitLab").check();
    await forge.fault({ kind: "status", status: 503 });
    await site.button("Delete token").click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("Token deleted. It could not be revoked at GitLab");
    await expect(site.row("dev")).toContainText("No token yet");
});

test("an admin has all tokens of a runtime checked, and switches on their rotation", async ({ site, acme, forge }) => {
    const runtime = await acme.runtime("prod-eu");
    const token = await acme.stored(runtime);
    await site.open(runtimes);
    await act(site, "prod-eu", "Edit prod-eu");
    await site.field("Rotate tokens before they end").check();
    await site.button("Save").click();
    await site.arrived(runtimes, "Runtimes");
    await act(site, "prod-eu", "Edit prod-eu");
    await expect(site.field("Rotate tokens before they end")).toBeChecked();
    await site.link("Cancel").click();
    await site.arrived(runtimes, "Runtimes");

    await forge.revoke(token);
    await site.button("More for prod-eu").click();
    await site.button("Check all tokens of prod-eu").click();
    await expect(site.notice).toContainText("1 token is checked as soon as its Git provider takes requests.");
    await expect(async () => {
        expect(await acme.token(runtime)).toContain("Invalid or revoked");
    }).toPass({ timeout: 40_000 });
    await site.open(path);
    await expect(site.row("prod-eu")).toContainText("Invalid or revoked");
});
