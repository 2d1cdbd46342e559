// What screen readers meet on the admins' pages: names, roles, states and order.
import type { Acme } from "../support/acme.ts";
import { Client } from "../support/client.ts";
import type { Site } from "../support/site.ts";
import { expect, test } from "../fixtures.ts";

/** A token, a runtime without one, a further member, and somebody who is invited. */
async function populate(acme: Acme) {
    const provider = await acme.provider();
    await acme.stored(await acme.runtime("prod-eu", provider), { expires_at: "2031-01-20T00:00:00Z" });
    await acme.runtime("staging", provider);
    const { link } = await acme.mira.done("invite", { account: "acme", role: "member", email: "" });
    const code = new URL(link).pathname.replace("/join/", "");
    const jonas = { name: "Jonas", email: "jonas@acme.example", password: "correct horse battery" };
    await new Client(acme.patchbay.url).done("join-as-new", { code, ...jonas });
    await acme.mira.done("invite", { account: "acme", role: "member", email: "ada@acme.example" });
}

const main = (site: Site) => site.page.getByRole("main");

test.beforeEach(async ({ site, acme }) => {
    await populate(acme);
    await site.become(acme.mira);
});

test("Expiring tokens: numbers, the weeks as a table, the choice, and the rows", async ({ site }) => {
    await site.open("/acme/admin/expiring");
    await expect(main(site)).toMatchAriaSnapshot(`
      - heading "Expiring tokens" [level=1]
      - navigation "Tokens by what is to be done":
        - list:
          - listitem:
            - link "Expired 0 do not work any more"
          - listitem:
            - link /^In 7 days 0 until \\d+ \\w+ \\d+$/
          - listitem:
            - link /^In 30 days 0/
          - listitem:
            - link /^In 60 days 0/
          - listitem:
            - link "No expiry 0 0 never end, 0 unknown"
          - listitem:
            - link "Invalid 0 refused or lacking scopes"
          - listitem:
            - link "Missing 3 people without a valid token"
          - listitem:
            - link /^Refresh ends 0/
      - heading "Expiries by week" [level=2]
      - group: Show as a table
      - heading "Tokens" [level=2]
      - link "CSV"
      - link "Calendar"
      - search:
        - searchbox "Search"
        - combobox "Runtime"
        - combobox "Status"
        - combobox "Kind"
        - button "Apply"
      - button "Check now"
      - button "Remind holders"
      - table "Tokens":
        - rowgroup:
          - row "Selected Runtime Holder Git identity Status Expires Last check Last use Actions"
        - rowgroup:
          - row /prod-eu/:
            - cell:
              - checkbox "Select prod-eu of Mira Sand"
            - rowheader /^prod-eu/
            - cell "Mira Sand mira@acme.example"
            - cell /^ada ghp_/
            - cell "Valid"
            - cell /^20 Jan 2031 in \\d+ years$/
            - cell "just now"
            - cell "never"
            - cell:
              - link "Details of prod-eu of Mira Sand"
    `);
    await site.page.getByText("Show as a table").click();
    const weeks = main(site).getByRole("group");
    await expect(weeks).toMatchAriaSnapshot(`
      - group:
        - table:
          - rowgroup:
            - row "Week Tokens that end Remark"
    `);
    await expect(weeks.getByRole("row")).toHaveCount(27);
});

test("Expiring tokens: a choice is said to be current, and a token's panel is a dialog with regions", async ({ site }) => {
    await site.open("/acme/admin/expiring?show=missing");
    const chosen = site.page.getByRole("link", { name: /^Missing/ });
    await expect(chosen).toHaveAttribute("aria-current", "true");
    await expect(main(site)).toMatchAriaSnapshot(`
      - heading "People without a token" [level=2]
      - table "People without a token":
        - rowgroup:
          - row "Person Runtime Git provider Actions"
        - rowgroup:
          - row /^Jonas jonas@acme.example prod-eu/
          - row /^Jonas jonas@acme.example staging/
          - row /^Mira Sand mira@acme.example staging/
    `);
    await site.open("/acme/admin/expiring");
    await site.link("Details of prod-eu of Mira Sand").click();
    await expect(site.page.getByRole("dialog")).toMatchAriaSnapshot(`
      - dialog "prod-eu, Mira Sand":
        - heading "prod-eu, Mira Sand" [level=2]
        - link "Close"
        - region "prod-eu, Mira Sand":
          - term: Holder
          - definition: Mira Sand · mira@acme.example
          - term: Git identity
          - definition: ada
          - heading "What stops working on 20 Jan 2031" [level=3]
          - term: prod-eu
          - definition: what it does for Mira Sand never fetched by this runtime
          - heading "Scopes" [level=3]
          - term: repo
          - definition: granted, declared by the provider
          - heading "Checks" [level=3]
          - heading "Audit log" [level=3]
        - link "Close"
        - button "Check now"
    `);
});

test("Notifications: what needs the person, and what to do about it", async ({ site }) => {
    await site.open("/acme/admin/expiring");
    await site.page.getByRole("checkbox").first().check();
    await site.button("Remind holders").click();
    await expect(site.notice).toContainText("1 person was reminded.");
    await site.open("/acme/notifications");
    await expect(main(site)).toMatchAriaSnapshot(`
      - heading "Notifications" [level=1]
      - heading "Your notifications" [level=2]
      - table "Your notifications":
        - rowgroup:
          - row "Notification What Ends Told State Actions"
        - rowgroup:
          - row /Mira Sand's token for prod-eu/:
            - rowheader /expires on 20 Jan 2031/
            - cell "Reminder"
            - cell /^20 Jan 2031/
            - cell "just now"
            - cell "Open"
            - cell:
              - button /^Acknowledge/
              - link /^Put off/
              - button /^Mute this runtime/
      - heading "Told in the account" [level=2]
    `);
    await expect(site.page.getByRole("navigation", { name: "Main" })).toMatchAriaSnapshot(`
      - link /^Notifications 1/
    `);
});

test("Settings, Members and Audit log", async ({ site }) => {
    await site.open("/acme/admin/settings");
    await expect(main(site)).toMatchAriaSnapshot(`
      - heading "Settings" [level=1]
      - heading "When people are told" [level=2]
      - link "Edit when people are told"
      - table "When people are told":
        - rowgroup:
          - row "What When Actions"
        - rowgroup:
          - row "An end 60, 30, 14, 7, 3, 1 days before"
          - row /^If nothing happens the runtime's owner/
          - row /^Daily mail/
      - 'heading "E-mail: none" [level=2]'
      - link "Set up e-mail"
      - 'heading "Webhooks: none" [level=2]'
      - link "Add webhook"
      - 'heading "Chats: none" [level=2]'
      - link "Add chat"
    `);
    await site.open("/acme/admin/members");
    await expect(main(site)).toMatchAriaSnapshot(`
      - heading "Members" [level=1]
      - heading "2 members" [level=2]
      - link "Invite"
      - table "2 members":
        - rowgroup:
          - row "Name Role Working tokens Last seen Joined Actions"
        - rowgroup:
          - row /^Jonas/:
            - rowheader "Jonas jonas@acme.example"
            - cell "Member"
            - cell "for 0 of 2 runtimes"
            - cell
            - cell
            - cell:
              - link "Make admin Jonas"
              - link "Remove Jonas"
          - row /^Mira Sand/:
            - rowheader "Mira Sand mira@acme.example you"
      - heading "1 open invitation" [level=2]
      - table "1 open invitation":
        - rowgroup
        - rowgroup:
          - row /^ada@acme.example Member Mira Sand/
    `);
    await site.open("/acme/admin/audit");
    await expect(main(site)).toMatchAriaSnapshot(`
      - heading "Audit log" [level=1]
      - heading "Events" [level=2]
      - link "CSV"
      - link "JSON lines"
      - search:
        - searchbox "Search"
        - combobox "About"
        - combobox "Who"
        - combobox "Outcome"
        - combobox "Runtime"
        - textbox "From"
        - textbox "To"
        - button "Apply"
      - table "Events":
        - rowgroup:
          - row "When Who What On what From Outcome Actions"
        - rowgroup:
          - row /Member invited/:
            - rowheader /^\\d+ \\w+ \\d+, \\d\\d:\\d\\d UTC just now$/
            - cell "Mira Sand mira@acme.example"
            - cell "Member invited ada@acme.example as member"
            - cell
            - cell "127.0.0.1"
            - cell "Done"
            - cell:
              - link /^Details event \\d+, Member invited$/
    `);
});
