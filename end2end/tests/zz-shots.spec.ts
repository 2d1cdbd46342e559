import { type Acme } from "./support/acme.ts";
import { type Forge, type Provider, login } from "./support/forge.ts";
import { expect, test } from "./fixtures.ts";

const scopes: Partial<Record<Provider, string[]>> = { github: ["repo"], gitlab: ["write_repository", "read_api"] };
async function stage(acme: Acme, forge: Forge, kind: Provider, names: string[]) {
    const provider = await acme.provider(kind === "gitlab" ? "GitLab of Acme" : "GitHub", await forge.urlOf(kind), kind);
    const runtimes = [];
    for (const name of names) runtimes.push(await acme.runtime(name, provider));
    const texts = await acme.mira.read("sheet", { account: "acme", page: "admin/git-authentication", query: `application=${provider}` });
    const callback = texts.find((text) => text.includes("/oauth/callback/")) ?? "";
    const id = callback.split("/").pop() ?? "";
    const wanted = scopes[kind] ?? [];
    const application = await forge.application({ provider: kind, name: "Patchbay of Acme", redirect_uris: [callback], scopes: wanted });
    await acme.mira.done("save-application", { account: "acme", provider, id, client_id: application.client_id, client_secret: application.client_secret, scopes: wanted.join(","), secret_ends_on: "2026-12-10", "runtimes[]": runtimes[0] ?? "" });
    return { provider, runtimes, application, id };
}
for (const theme of ["light", "dark"] as const) {
    test(`shots ${theme}`, async ({ site, acme, forge }) => {
        test.setTimeout(240_000);
        await site.become(acme.mira);
        await site.page.emulateMedia({ colorScheme: theme });
        const shot = async (name: string, full = true) => {
            await site.settled();
            for (const width of [1280, 320]) {
                await site.page.setViewportSize({ width, height: width === 320 ? 640 : 800 });
                await site.page.screenshot({ path: `/tmp/shots/${name}-${theme}-${width}.png`, fullPage: full });
            }
            await site.page.setViewportSize({ width: 1280, height: 800 });
        };
        const admin = "/acme/admin/git-authentication";
        const lonely = await acme.runtime("dev", await acme.provider("Forgejo", await forge.urlOf("forgejo"), "forgejo"));
        await site.open(admin);
        await shot("admin-empty");
        await site.open(`/acme/tokens?add=${lonely}`);
        await shot("panel-none", false);
        await acme.mira.done("request-application", { account: "acme", runtime: lonely });
        const hub = await stage(acme, forge, "github", ["prod-eu", "prod-us"]);
        const lab = await stage(acme, forge, "gitlab", ["stage", "build"]);
        await site.open(`${admin}?application=${lab.provider}`);
        await shot("register", false);
        await acme.mira.done("test-application", { account: "acme", id: hub.id });
        await forge.changeApplication(lab.application, { client_secret: "other" });
        await acme.mira.done("test-application", { account: "acme", id: lab.id });
        await site.open(admin);
        await shot("admin-full");
        await site.open(`${admin}?test=${lab.id}`);
        await shot("test-bad", false);
        await site.open(`${admin}?method=${lab.runtimes[0]}`);
        await shot("method", false);
        await forge.changeApplication(lab.application, { client_secret: lab.application.client_secret });
        await site.open(`/acme/tokens?add=${lab.runtimes[0]}`);
        await shot("panel-oauth", false);
        const authorize = async (provider: string) => {
            await site.button(`Authorize access to ${provider}`).click();
            if (await site.page.getByLabel("Password").isVisible().catch(() => false)) {
                await site.page.getByLabel("Username or email address").fill(login);
                await site.page.getByLabel("Password").fill("not used");
                await site.page.getByRole("button", { name: "Sign in" }).click();
            }
            await site.page.getByRole("button", { name: "Authorize" }).click();
            await site.arrived("/acme/tokens", "Git Personal Access Tokens");
        };
        await site.button("Authorize access to GitLab").click();
        await site.page.getByLabel("Username or email address").fill(login);
        await site.page.getByLabel("Password").fill("not used");
        await site.page.getByRole("button", { name: "Sign in" }).click();
        await site.page.getByRole("button", { name: "Authorize" }).click();
        await site.arrived("/acme/tokens", "Git Personal Access Tokens");
        await shot("tokens-notice", false);
        await site.open(`/acme/tokens?add=${hub.runtimes[0]}`);
        await authorize("GitHub");
        await site.open("/acme/tokens");
        await shot("tokens");
        await site.open(`/acme/tokens?delete=${lab.runtimes[0]}`);
        await shot("delete-token", false);
        await site.open(`${admin}?delete-application=${lab.id}`);
        await shot("delete-application", false);
        await forge.control("PUT", "/accounts/mira-private", { password: "not used" });
        await site.page.context().clearCookies({ name: "forge_signed_in" });
        await site.open(`/acme/tokens?replace=${lab.runtimes[0]}`);
        await site.button("Authorize access to GitLab").click();
        await site.page.getByLabel("Username or email address").fill("mira-private");
        await site.page.getByLabel("Password").fill("not used");
        await site.page.getByRole("button", { name: "Sign in" }).click();
        await site.page.getByRole("button", { name: "Authorize" }).click();
        await expect(site.page.getByRole("dialog")).toBeVisible();
        await shot("question", false);
        await acme.mira.done("delete-application", { account: "acme", id: lab.id });
        await site.open("/acme/tokens");
        await shot("tokens-orphan");
        await site.open(`/acme/tokens?add=${lonely}`);
        await shot("panel-asked", false);
    });
}
