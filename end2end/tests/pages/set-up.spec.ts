// The first start: the link that the server printed, and the account that is made with it.
import { admin } from "../support/acme.ts";
import { Client } from "../support/client.ts";
import { expect, test } from "../fixtures.ts";

test("before set-up every way in says where the link is", async ({ site }) => {
    for (const path of ["/", "/sign-in"]) {
        await site.open(path);
        await expect(site.heading("Patchbay is not set up yet")).toBeVisible();
        await expect(site.page.getByRole("main")).toContainText("/setup/");
    }
    await site.page.goto(`${site.origin}/acme/tokens`);
    await expect(site.heading("Patchbay is not set up yet")).toBeVisible();
});

test("a link that was never printed says that it does not work", async ({ site }) => {
    await site.open("/setup/never-printed", 404);
    await expect(site.heading("This set-up link does not work.")).toBeVisible();
    await expect(site.alert).toContainText("It was used already, or the server has been started again since");
    await expect(site.button("Create account")).toHaveCount(0);
});

test("errors stand at their fields, and what was typed stays, except the password", async ({ site, patchbay }) => {
    await site.open(patchbay.setUpPath);
    await site.field("Account name").fill("  ");
    await site.field("Your name").fill("Mira <b>Sand</b> & Söhne");
    await site.field("E-mail").fill("mira at acme");
    await site.field("Password").fill("too short");
    await site.button("Create account").click();

    await expect(site.field("Account name")).toHaveAccessibleDescription(/Enter the account's name\./);
    await expect(site.field("E-mail")).toHaveAccessibleDescription(/Enter an e-mail address, as in/);
    await expect(site.field("Password")).toHaveAccessibleDescription(/Use at least 15 characters/);
    for (const label of ["Account name", "E-mail", "Password"]) {
        await expect(site.field(label)).toHaveAttribute("aria-invalid", "true");
    }
    await expect(site.field("Your name")).not.toHaveAttribute("aria-invalid");

    await expect(site.field("Your name")).toHaveValue("Mira <b>Sand</b> & Söhne");
    await expect(site.field("E-mail")).toHaveValue("mira at acme");
    await expect(site.field("Password")).toHaveValue("");
    await expect(site.page).toHaveURL(site.origin + patchbay.setUpPath);
    await expect(site.field("Account name")).toBeFocused();
});

test("set-up makes the account, signs its admin in, and says what comes next", async ({ site, patchbay }) => {
    await site.open(patchbay.setUpPath);
    await expect(site.heading("Set up Patchbay")).toBeVisible();
    await site.field("Account name").fill("Acme Platform");
    await site.field("Your name").fill(admin.name);
    await site.field("E-mail").fill(admin.email);
    await site.field("Password").fill(admin.password);
    await site.button("Create account").click();
    await site.arrived("/acme-platform/tokens", "Git Personal Access Tokens");
    await expect(site.page.getByRole("banner")).toContainText("Mira Sand");
    await expect(site.page.getByRole("heading", { name: "No runtimes yet" })).toBeVisible();

    await site.link("Register a runtime").click();
    await site.arrived("/acme-platform/admin/runtimes", "Runtimes");
    await site.link("Register Git provider").click();
    await site.arrived("/acme-platform/admin/git-authentication?register=", "Git authentication");
    await expect(site.dialog("Register Git provider")).toBeVisible();
});

test("the link works once", async ({ site, patchbay, acme }) => {
    expect(acme.mira.cookies.size).toBe(1);
    await site.open(patchbay.setUpPath, 404);
    await expect(site.alert).toContainText("This set-up link does not work.");
    const late = new Client(patchbay.url);
    const code = patchbay.setUpPath.replace("/setup/", "");
    const again = { ...admin, email: "eve@acme.example", account_name: "Other", code };
    expect(await late.refused("set-up", again)).toContain("This set-up link does not work.");
});

test("a link of an earlier start no longer works", async ({ site, patchbay }) => {
    const old = patchbay.setUpPath;
    await patchbay.restart();
    expect(patchbay.setUpPath).not.toBe(old);
    await site.open(old, 404);
    await site.open(patchbay.setUpPath);
    await expect(site.button("Create account")).toBeVisible();
});
