// The admins' pages by keyboard alone, and where the focus goes.
import type { Acme } from "../support/acme.ts";
import { expect, test } from "../fixtures.ts";

/** Two runtimes with a token each. */
async function tokens(acme: Acme) {
    const provider = await acme.provider();
    for (const name of ["prod-eu", "staging"]) {
        await acme.stored(await acme.runtime(name, provider), { expires_at: "2031-01-20T00:00:00Z" });
    }
}

test.beforeEach(async ({ site, acme }) => {
    await site.become(acme.mira);
});

test("what breaks is found, looked at and reminded of with the keyboard alone", async ({ site, acme }) => {
    await tokens(acme);
    const { page } = site;
    await site.open("/acme/admin/expiring");

    // A number leads to what it counts, and stays where the focus is.
    const never = page.getByRole("navigation", { name: "Tokens by what is to be done" }).getByRole("link", { name: /^No expiry/ });
    await site.tabTo(never);
    await page.keyboard.press("Enter");
    await expect(never).toHaveAttribute("aria-current", "true");
    await expect(never).toBeFocused();
    await page.keyboard.press("Enter");
    await site.arrived("/acme/admin/expiring", "Expiring tokens");

    // A search is sent with Enter.
    await site.tabTo(site.field("Search"));
    await page.keyboard.type("staging");
    await page.keyboard.press("Enter");
    await site.arrived(/\?q=staging/, "Expiring tokens");
    await expect(page.getByRole("table").last().getByRole("rowheader")).toHaveCount(1);

    // The columns' heads sort.
    const sort = page.getByRole("columnheader", { name: "Expires" }).getByRole("link");
    await site.tabTo(sort);
    await page.keyboard.press("Enter");
    await site.arrived(/sort=-ends/, "Expiring tokens");
    await expect(sort).toBeFocused();

    // A row's panel opens, scrolls and closes, and gives the focus back.
    const opener = site.link("Details of staging of Mira Sand");
    await site.tabTo(opener);
    await page.keyboard.press("Enter");
    const panel = site.dialog("staging, Mira Sand");
    await expect(panel).toBeVisible();
    await site.tabTo(panel.getByRole("region"));
    await page.keyboard.press("Escape");
    await expect(panel).toHaveCount(0);
    await expect(opener).toBeFocused();

    // Rows are ticked with the space bar.
    const tick = page.getByRole("checkbox", { name: "Select staging of Mira Sand" });
    await site.tabTo(tick, "Shift+Tab");
    await page.keyboard.press("Space");
    await expect(tick).toBeChecked();
    await site.tabTo(site.button("Remind holders"), "Shift+Tab");
    await page.keyboard.press("Enter");
    await expect(site.notice).toContainText("1 person was reminded.");
});

test("a notice is put off and acknowledged with the keyboard alone", async ({ site, acme }) => {
    await tokens(acme);
    await site.open("/acme/admin/expiring");
    await site.page.getByRole("checkbox", { name: "Select prod-eu of Mira Sand" }).check();
    await site.button("Remind holders").click();
    await expect(site.notice).toContainText("reminded");
    await site.open("/acme/notifications");
    const own = site.page.getByRole("table").first().getByRole("row").nth(1);
    await site.tabTo(own.getByRole("link", { name: /^Put off/ }));
    await site.page.keyboard.press("Enter");
    const panel = site.dialog("Put this off");
    await expect(panel).toBeVisible();
    await site.page.keyboard.press("Escape");
    await expect(panel).toHaveCount(0);
    await expect(own.getByRole("link", { name: /^Put off/ })).toBeFocused();
    await site.tabTo(own.getByRole("button", { name: /^Acknowledge/ }), "Shift+Tab");
    await site.page.keyboard.press("Enter");
    await expect(own).toContainText("Acknowledged");
});

test("somebody is invited, and an event of the log read, with the keyboard alone", async ({ site }) => {
    const { keyboard } = site.page;
    await site.open("/acme/admin/members");
    await site.tabTo(site.link("Invite"));
    await keyboard.press("Enter");
    const panel = site.dialog("Invite somebody");
    await expect(panel).toBeVisible();
    await site.tabTo(panel.getByLabel(/^E-mail/));
    await keyboard.type("jonas@acme.example");
    await keyboard.press("Enter");
    await expect(site.notice).toContainText("/join/");

    await site.open("/acme/admin/audit");
    await site.tabTo(site.page.getByRole("row").nth(1).getByRole("link").first());
    await keyboard.press("Enter");
    const event = site.page.getByRole("dialog");
    await expect(event).toContainText("Member invited");
    await keyboard.press("Escape");
    await expect(event).toHaveCount(0);
});
