// Git authentication: the Git providers of the account.
import type { Site } from "../support/site.ts";
import { expect, test } from "../fixtures.ts";

const path = "/acme/admin/git-authentication";
const heading = "Git authentication";

async function openForm(site: Site) {
    await site.open(path);
    await site.link("Register Git provider").click();
    await site.arrived(`${path}?register=`, heading);
    await expect(site.dialog("Register Git provider")).toBeVisible();
}

test.beforeEach(async ({ site, acme }) => {
    await site.become(acme.mira);
});

test("GitHub is preset, and is registered with nothing typed", async ({ site }) => {
    await site.open(path);
    await expect(site.page.getByRole("heading", { name: "No Git providers yet" })).toBeVisible();
    await openForm(site);
    await expect(site.field("Kind")).toHaveValue("github");
    await expect(site.field("Base URL")).toHaveValue("https://github.com");
    await expect(site.field("API base URL (optional)")).toHaveValue("");
    await expect(site.field("API base URL (optional)")).toHaveAccessibleDescription(/https:\/\/api\.github\.com/);
    await site.button("Register Git provider").click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("Git provider registered.");
    await expect(site.row("github.com")).toContainText("https://api.github.com");
    await expect(site.row("github.com")).toContainText("from the base URL");
});

test("the API base follows from any other base URL", async ({ site, forge }) => {
    await openForm(site);
    await site.field("Name (optional)").fill("Our forge");
    await site.field("Base URL").fill(`${forge.url}/`);
    if (site.scripts) {
        await expect(site.field("API base URL (optional)")).toHaveAccessibleDescription(
            new RegExp(`${forge.url}/api/v3`),
        );
    }
    await site.button("Register Git provider").click();
    await site.arrived(path, heading);
    await expect(site.row("Our forge")).toContainText(`${forge.url}/api/v3`);
    await expect(site.row("Our forge")).toContainText("from the base URL");
});

test("an API base that is given is kept as given", async ({ site }) => {
    await openForm(site);
    await site.field("Name (optional)").fill("Behind a proxy");
    await site.field("Base URL").fill("https://git.acme.example");
    await site.field("API base URL (optional)").fill("https://api.git.acme.example/v3/");
    await site.button("Register Git provider").click();
    await site.arrived(path, heading);
    await expect(site.row("Behind a proxy")).toContainText("https://api.git.acme.example/v3");
    await expect(site.row("Behind a proxy")).toContainText("as given");
});

test("errors stand at their fields, and what was typed stays", async ({ site, acme }) => {
    await acme.provider("taken");
    await openForm(site);
    const typed = {
        "Name (optional)": "x".repeat(201),
        "Base URL": "https://user:pass@git.acme.example",
        "API base URL (optional)": "git.acme.example/api",
    };
    for (const [label, value] of Object.entries(typed)) await site.field(label).fill(value);
    await site.button("Register Git provider").click();
    await expect(site.field("Name (optional)")).toHaveAccessibleDescription(/Use at most 200 characters\./);
    await expect(site.field("Base URL")).toHaveAccessibleDescription(/Leave user name and password out/);
    await expect(site.field("API base URL (optional)")).toHaveAccessibleDescription(
        /Enter an address that starts with https:\/\//,
    );
    for (const [label, value] of Object.entries(typed)) await expect(site.field(label)).toHaveValue(value);

    await site.settled();
    await site.field("Name (optional)").fill("taken");
    await site.field("Base URL").fill("https://git.acme.example");
    await site.field("API base URL (optional)").fill("");
    await site.button("Register Git provider").click();
    await expect(site.field("Name (optional)")).toHaveAccessibleDescription(/Another Git provider has this name\./);
    await site.link("Cancel").click();
    await site.arrived(path, heading);
    await expect(site.page.getByRole("rowheader")).toHaveCount(1);
});

test("a Git provider is edited", async ({ site, acme }) => {
    await acme.provider("old name", "https://git.acme.example");
    await site.open(path);
    await site.link("Edit old name").click();
    await expect(site.dialog("Edit old name")).toBeVisible();
    await site.settled();
    await expect(site.field("Base URL")).toHaveValue("https://git.acme.example");
    await site.field("Name (optional)").fill("new name");
    await site.field("Base URL").fill("https://github.acme.example");
    await site.button("Save").click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("Git provider saved.");
    await expect(site.row("new name")).toContainText("https://github.acme.example/api/v3");
    await expect(site.row("old name")).toHaveCount(0);
});

test("the address stays while tokens are stored for it", async ({ site, acme, forge }) => {
    const provider = await acme.provider();
    await acme.stored(await acme.runtime("prod-eu", provider));
    await site.open(`${path}?edit=${provider}`);
    await site.field("Base URL").fill("https://elsewhere.example");
    await site.button("Save").click();
    await expect(site.field("Base URL")).toHaveAccessibleDescription(
        /1 token is stored for this address and would be sent to the new one\./,
    );
    await expect(site.field("Base URL")).toHaveValue("https://elsewhere.example");
    await site.open(path);
    await expect(site.row("forge")).toContainText(forge.url);
});

test("a Git provider in use is not deleted, and says what uses it", async ({ site, acme }) => {
    const provider = await acme.provider();
    await acme.runtime("prod-eu", provider);
    await acme.runtime("staging", provider);
    await site.open(path);
    await site.link("Delete forge").click();
    const dialog = site.dialog("Delete forge?");
    await expect(dialog).toContainText("It cannot be deleted while runtimes use it: prod-eu, staging.");
    await expect(site.button("Delete Git provider")).toHaveCount(0);
    // Somebody may still have the dialog of before open.
    const reason = await acme.mira.refused("delete-git-provider", { account: "acme", id: provider });
    expect(reason.join(" ")).toContain("Delete these runtimes first, or give them another provider: prod-eu, staging.");
});

test("a runtime registered meanwhile keeps the Git provider from being deleted", async ({ site, acme }) => {
    const provider = await acme.provider();
    await site.open(`${path}?delete=${provider}`);
    await acme.runtime("prod-eu", provider);
    await site.button("Delete Git provider").click();
    await expect(site.alert).toContainText("Runtimes still use this Git provider.");
    await expect(site.alert).toContainText("prod-eu");
});

test("a Git provider that nothing uses is deleted", async ({ site, acme }) => {
    await acme.provider();
    await site.open(path);
    await site.link("Delete forge").click();
    await expect(site.dialog("Delete forge?")).toContainText("No runtime uses it now.");
    await site.settled();
    await site.button("Delete Git provider").click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("Git provider deleted.");
    await expect(site.page.getByRole("heading", { name: "No Git providers yet" })).toBeVisible();
});
