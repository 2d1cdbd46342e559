// Runtimes: register, edit, delete.
import { expect, test } from "../fixtures.ts";

const path = "/acme/admin/runtimes";
const heading = "Runtimes";

test.beforeEach(async ({ site, acme }) => {
    await site.become(acme.mira);
});

test("without a Git provider the first step is to register one", async ({ site }) => {
    await site.open(path);
    await expect(site.page.getByRole("heading", { name: "No runtimes yet" })).toBeVisible();
    await expect(site.page.getByRole("main")).toContainText("A runtime uses a Git provider, so register that first.");
    await site.link("Register Git provider").click();
    await site.arrived("/acme/admin/git-authentication?register=", "Git authentication");
});

test("a runtime is registered with its Git provider", async ({ site, acme, forge }) => {
    await acme.provider("first", "https://first.example");
    await acme.provider("second");
    await site.open(path);
    await site.link("Register runtime").click();
    await expect(site.dialog("Register runtime")).toBeVisible();
    await site.settled();
    await site.field("Name").fill("  prod-eu ");
    await site.field("Git provider").selectOption({ label: `second (${forge.host})` });
    await site.button("Register runtime").click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("Runtime prod-eu registered.");
    await expect(site.row("prod-eu")).toContainText("second");
    await expect(site.row("prod-eu")).toContainText("0 of 1 person");
});

test("errors stand at their fields, and what was typed stays", async ({ site, acme, forge }) => {
    await acme.provider("first", "https://first.example");
    await acme.runtime("taken", await acme.provider("second"));
    await site.open(`${path}?register=`);
    const second = `second (${forge.host})`;
    await site.field("Git provider").selectOption({ label: second });
    for (const [name, complaint] of [
        ["", /Enter the runtime's name\./],
        ["Prod EU", /Use lower-case letters, digits and hyphens/],
        ["taken", /Another runtime has this name\./],
    ] as const) {
        await site.field("Name").fill(name);
        await site.button("Register runtime").click();
        await expect(site.field("Name")).toHaveAccessibleDescription(complaint);
        await expect(site.field("Name")).toHaveValue(name);
        await expect(site.field("Git provider").locator("option:checked")).toHaveText(second);
        await site.settled();
    }
    if (site.scripts) await expect(site.field("Name")).toBeFocused();
});

test("a Git provider that was deleted meanwhile is to be chosen anew", async ({ site, acme }) => {
    await acme.provider("first", "https://first.example");
    const second = await acme.provider("second");
    await site.open(`${path}?register=`);
    await site.field("Name").fill("prod-eu");
    await site.field("Git provider").selectOption(second);
    await acme.mira.done("delete-git-provider", { account: "acme", id: second });
    await site.button("Register runtime").click();
    await expect(site.field("Git provider")).toHaveAccessibleDescription(/Choose the Git provider that the runtime uses/);
    await expect(site.field("Name")).toHaveValue("prod-eu");
});

test("a runtime is renamed", async ({ site, acme }) => {
    await acme.runtime("prod-eu");
    await site.open(path);
    await site.link("Edit prod-eu").click();
    await expect(site.dialog("Edit prod-eu")).toBeVisible();
    await site.settled();
    await expect(site.field("Name")).toHaveValue("prod-eu");
    await site.field("Name").fill("prod-europe");
    await site.button("Save").click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("Runtime prod-europe saved.");
    await expect(site.row("prod-europe")).toHaveCount(1);
    await expect(site.page.getByRole("rowheader")).toHaveCount(1);
});

test("a runtime keeps its Git provider while a token is stored for it", async ({ site, acme }) => {
    const runtime = await acme.runtime("prod-eu");
    const other = await acme.provider("other", "https://other.example");
    await acme.stored(runtime);
    await site.open(`${path}?edit=${runtime}`);
    await site.field("Git provider").selectOption(other);
    await site.button("Save").click();
    await expect(site.field("Git provider")).toHaveAccessibleDescription(
        /Tokens of the present Git provider are stored for this runtime\./,
    );
    await expect(site.field("Git provider")).toHaveValue(other);
});

test("deleting a runtime that nobody has a token for says so", async ({ site, acme }) => {
    await acme.runtime("prod-eu");
    await site.open(path);
    await site.link("Delete prod-eu").click();
    await expect(site.dialog("Delete prod-eu?")).toContainText("Nobody has a token for it.");
    await site.settled();
    await site.button("Delete runtime").click();
    await site.arrived(path, heading);
    await expect(site.notice).toContainText("Runtime deleted.");
    await expect(site.page.getByRole("heading", { name: "No runtimes yet" })).toBeVisible();
});

test("deleting a runtime names the tokens that go with it, and they go", async ({ site, acme }) => {
    const provider = await acme.provider();
    const runtime = await acme.runtime("prod-eu", provider);
    await acme.stored(runtime);
    await site.open(path);
    await expect(site.row("prod-eu")).toContainText("1 of 1 person");
    await site.link("Delete prod-eu").click();
    await expect(site.dialog("Delete prod-eu?")).toContainText("the token that 1 person has for it is deleted with it");
    await site.settled();
    await site.button("Delete runtime").click();
    await site.arrived(path, heading);
    // One of the same name starts without a token.
    expect(await acme.token(await acme.runtime("prod-eu", provider))).toBeUndefined();
});

test("what another admin deleted is no longer there", async ({ site, acme }) => {
    const runtime = await acme.runtime("prod-eu");
    await site.open(`${path}?delete=${runtime}`);
    await acme.mira.done("delete-runtime", { account: "acme", id: runtime });
    await site.button("Delete runtime").click();
    await expect(site.page.getByRole("main")).toContainText("This is no longer here.");
});
