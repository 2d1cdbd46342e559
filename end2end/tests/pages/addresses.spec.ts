// Addresses: they can be shared, loaded again and gone back from.
import { expect, test } from "../fixtures.ts";

const path = "/acme/tokens";
const heading = "Git Personal Access Tokens";

test.beforeEach(async ({ site, acme }) => {
    await site.become(acme.mira);
});

test("the panel is part of the address: it is shared, reloaded, closed and gone back to", async ({ site, acme }) => {
    const runtime = await acme.runtime("prod-eu");
    const open = `${path}?add=${runtime}`;
    const panel = site.dialog("Add token for prod-eu");
    await site.open(open);
    await expect(panel).toBeVisible();

    await site.page.reload();
    await site.settled();
    await expect(panel).toBeVisible();

    await site.link("Close").click();
    await site.arrived(path, heading);
    await expect(panel).toHaveCount(0);

    await site.page.goBack();
    await site.arrived(open, heading);
    await expect(panel).toBeVisible();

    await site.page.goForward();
    await site.arrived(path, heading);
    await expect(panel).toHaveCount(0);
});

test("back closes the panel that was opened from the list", async ({ site, acme }) => {
    await acme.runtime("prod-eu");
    await site.open(path);
    await site.link("Add token for prod-eu").click();
    await expect(site.dialog("Add token for prod-eu")).toBeVisible();
    await site.settled();
    await site.page.goBack();
    await site.arrived(path, heading);
    await expect(site.page.getByRole("dialog")).toHaveCount(0);
});

test("an error does not outlive the form that it belongs to", async ({ site, acme }) => {
    const runtime = await acme.runtime("prod-eu");
    await site.open(`${path}?add=${runtime}`);
    await site.button("Add token").click();
    await expect(site.field("Personal access token")).toHaveAttribute("aria-invalid", "true");
    await site.settled();
    await site.link("Cancel").click();
    await site.arrived(path, heading);
    await site.link("Add token for prod-eu").click();
    await expect(site.dialog("Add token for prod-eu")).toBeVisible();
    await expect(site.field("Personal access token")).not.toHaveAttribute("aria-invalid");
});

test("an address that names what is not there shows the page alone", async ({ site, acme }) => {
    await acme.runtime("prod-eu");
    for (const query of ["add=nonsense", "add=00000000-0000-0000-0000-000000000000", "replace=", "delete=x", "other=1"]) {
        await site.open(`${path}?${query}`);
        await expect(site.row("prod-eu")).toBeVisible();
        await expect(site.page.getByRole("dialog")).toHaveCount(0);
    }
});

test("the pages are reached from each other", async ({ site, acme }) => {
    await acme.runtime("prod-eu");
    await site.open("/");
    await site.arrived(path, heading);
    const navigation = site.page.getByRole("navigation", { name: "Main" });
    for (const [label, address, title] of [
        ["Runtimes", "/acme/admin/runtimes", "Runtimes"],
        ["Git authentication", "/acme/admin/git-authentication", "Git authentication"],
        ["Git tokens", path, heading],
    ] as const) {
        await site.link(label, navigation).click();
        await site.arrived(address, title);
        await expect(site.page).toHaveTitle(`${title} · Patchbay`);
        await expect(site.link(label, navigation)).toHaveAttribute("aria-current", "page");
        await expect(navigation.locator("[aria-current]")).toHaveCount(1);
        if (site.scripts) await expect(site.heading(title)).toBeFocused();
    }
    await site.page.goBack();
    await site.arrived("/acme/admin/git-authentication", "Git authentication");
});

test("an account's own address leads to its tokens", async ({ site }) => {
    await site.page.goto(`${site.origin}/acme`);
    await site.arrived(path, heading);
});

for (const address of ["/acme/nothing-here", "/acme/admin/nothing-here", "/acme/tokens/further"]) {
    test(`${address} is not found, within the account`, async ({ site }) => {
        await site.open(address, 404);
        await expect(site.heading("Page not found")).toBeVisible();
        await site.link("Git tokens").click();
        await site.arrived(path, heading);
    });
}

test("nothing is at an address outside of every account", async ({ site }) => {
    await site.open("/a/b/c/d", 404);
    await expect(site.heading("Page not found")).toBeVisible();
    await site.link("Go to the start page").click();
    await site.arrived(path, heading);
});
