// By keyboard alone, and where the focus goes.
import { admin } from "../support/acme.ts";
import { expect, test } from "../fixtures.ts";

test("a token is added with Tab, Enter and Escape alone", async ({ site, acme, forge }) => {
    await acme.runtime("prod-eu");
    await site.become(acme.mira);
    const token = await forge.token();
    const keyboard = site.page.keyboard;
    await site.open("/acme/tokens");

    const opener = site.link("Add token for prod-eu");
    const panel = site.dialog("Add token for prod-eu");
    const field = site.field("Personal access token");
    await site.tabTo(opener);
    await keyboard.press("Enter");
    await expect(panel).toBeVisible();
    // The focus goes into the panel, to the field that it is about.
    await expect(field).toBeFocused();

    // It stays inside however far one goes.
    for (let steps = 0; steps < 12; steps++) {
        await keyboard.press("Tab");
        expect(await panel.evaluate((dialog) => dialog.contains(document.activeElement) || document.activeElement === document.body)).toBe(true);
    }

    await keyboard.press("Escape");
    await expect(panel).toHaveCount(0);
    await expect(opener).toBeFocused();
    await expect(site.page).toHaveURL(`${site.origin}/acme/tokens`);

    await keyboard.press("Enter");
    await expect(panel).toBeVisible();
    await expect(field).toBeFocused();
    await keyboard.type("ghp_mistyped");
    await keyboard.press("Enter");
    await expect(site.alert).toContainText("GitHub does not accept this token.");
    await expect(site.alert).toBeFocused();

    await site.tabTo(field);
    await keyboard.type(token.value);
    await keyboard.press("Enter");
    await expect(site.row("prod-eu")).toContainText("Valid");
    await expect(panel).toHaveCount(0);
    // What opened the panel is gone; what stands in its place takes the focus.
    await expect(site.link("Replace token for prod-eu")).toBeFocused();
});

test("every way to close the panel gives the focus back to what opened it", async ({ site, acme }) => {
    await acme.runtime("prod-eu");
    await site.become(acme.mira);
    await site.open("/acme/tokens");
    const opener = site.link("Add token for prod-eu");
    const panel = site.dialog("Add token for prod-eu");
    for (const close of ["Close", "Cancel"]) {
        await opener.click();
        await expect(panel).toBeVisible();
        await site.link(close, panel).click();
        await expect(panel).toHaveCount(0);
        await expect(opener).toBeFocused();
    }
});

test("a deletion asks first, and can be left with Escape", async ({ site, acme }) => {
    await acme.stored(await acme.runtime("prod-eu"));
    await site.become(acme.mira);
    await site.open("/acme/tokens");
    const opener = site.link("Delete token for prod-eu");
    await site.tabTo(opener);
    await site.page.keyboard.press("Enter");
    const dialog = site.dialog("Delete the token for prod-eu?");
    await expect(dialog.getByRole("heading", { level: 2 })).toBeFocused();
    await site.page.keyboard.press("Escape");
    await expect(dialog).toHaveCount(0);
    await expect(opener).toBeFocused();

    await site.page.keyboard.press("Enter");
    await expect(dialog).toBeVisible();
    await site.tabTo(site.button("Delete token"));
    await site.page.keyboard.press("Enter");
    await expect(site.row("prod-eu")).toContainText("Not authorized");
    await expect(site.link("Add token for prod-eu")).toBeFocused();
});

test("after a deletion the focus is not on what would delete the next one", async ({ site, acme }) => {
    const provider = await acme.provider();
    for (const name of ["first", "second"]) await acme.runtime(name, provider);
    await site.become(acme.mira);
    await site.open("/acme/admin/runtimes");
    await site.link("Delete first").click();
    await site.button("Delete runtime").click();
    await expect(site.row("first")).toHaveCount(0);
    await expect(site.page.getByRole("heading", { level: 1 })).toBeFocused();
});

test("the first Tab offers to skip the navigation", async ({ site, acme }) => {
    await acme.runtime("prod-eu");
    await site.become(acme.mira);
    await site.open("/acme/tokens");
    const skip = site.link("Skip to the content");
    await site.page.keyboard.press("Tab");
    await expect(skip).toBeFocused();
    await expect(skip).toBeInViewport();
    await site.page.keyboard.press("Enter");
    await expect(site.page.getByRole("main")).toBeFocused();
    await site.page.keyboard.press("Tab");
    await expect(site.link("Add token for prod-eu")).toBeFocused();
});

test("signing in takes a keyboard only, and begins in the first field", async ({ site, acme }) => {
    expect(acme.mira.cookies.size).toBe(1);
    await site.open("/sign-in");
    await expect(site.field("E-mail")).toBeFocused();
    await site.page.keyboard.type(admin.email);
    await site.page.keyboard.press("Tab");
    await site.page.keyboard.type("not the right one");
    await site.page.keyboard.press("Enter");
    await expect(site.alert).toBeFocused();
    await site.tabTo(site.field("Password"));
    await site.page.keyboard.type(admin.password);
    await site.page.keyboard.press("Enter");
    await site.arrived("/acme/tokens", "Git Personal Access Tokens");
});

test("the theme is chosen by keyboard", async ({ site }) => {
    await site.open("/sign-in");
    await site.tabTo(site.button("Dark theme"), "Shift+Tab");
    await site.page.keyboard.press("Space");
    await expect(site.button("Dark theme")).toHaveAttribute("aria-pressed", "true");
    await expect(site.button("Dark theme")).toBeFocused();
});
