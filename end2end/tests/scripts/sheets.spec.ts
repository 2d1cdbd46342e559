// What is open over a page: asked of the server when the address wants it, and never shown late.
import type { Site } from "../support/site.ts";
import { expect, test } from "../fixtures.ts";

const path = "/acme/tokens";

/** The address that is asked for the panel of a runtime. */
const asked = (runtime: string) => `/api/ui/sheet?account=acme&query=add%3D${runtime}&page=tokens`;

/** An element of a packed list of actions: a link. */
const link = (id: string, label: string, to: string) => ["1", id, label, "for prod-eu", "", "", to, ""];

/** Gives the row of the runtime further actions, as the page will be told by the server. */
async function addActions(site: Site, runtime: string, labels: string[]) {
    await site.page.route("**/api/ui/page?*", async (route) => {
        const response = await route.fetch();
        const texts = (await response.json()) as string[];
        const further = labels.flatMap((label, at) => link(`further-${at}`, label, `${path}?delete=${runtime}`));
        // Behind the row's last action, which has seven fields, its id first.
        texts.splice(texts.indexOf(`delete-${runtime}`) + 7, 0, ...further);
        await route.fulfill({ response, json: texts });
    });
}

/** Opens the page from another one, so that it asks by itself. */
async function goToTokens(site: Site) {
    await site.open("/acme/admin/runtimes");
    await site.link("Git tokens").click();
    await site.arrived(path, "Git Personal Access Tokens");
}

test("a sheet that comes late is not shown over another address", async ({ site, acme }) => {
    const provider = await acme.provider();
    const first = await acme.runtime("first", provider);
    await acme.runtime("second", provider);
    await site.become(acme.mira);
    await site.open(path);
    const release = await site.hold(`**/api/ui/sheet?*${first}*`);
    const late = site.page.waitForResponse((response) => response.url().includes(first));

    await site.link("Add token for first").click();
    await expect(site.page).toHaveURL(`${site.origin}${path}?add=${first}`);
    await site.link("Add token for second").click();
    await expect(site.dialog("Add token for second")).toBeVisible();
    await site.field("Personal access token").fill("ghp_typed");
    release();
    await (await late).finished();
    await expect(site.page.getByRole("dialog")).toHaveCount(1);
    await expect(site.dialog("Add token for second")).toBeVisible();
    await expect(site.field("Personal access token")).toHaveValue("ghp_typed");
});

test("a sheet that comes after it was closed is not shown", async ({ site, acme }) => {
    const runtime = await acme.runtime("prod-eu");
    await site.become(acme.mira);
    await site.open(path);
    const release = await site.hold("**/api/ui/sheet?*");
    const late = site.page.waitForResponse((response) => response.url().includes(runtime));
    await site.link("Add token for prod-eu").click();
    await expect(site.page).toHaveURL(`${site.origin}${path}?add=${runtime}`);
    await site.page.goBack();
    await expect(site.page).toHaveURL(site.origin + path);
    release();
    await (await late).finished();
    // Whatever would come of it has come once another one is there and gone.
    await site.link("Add token for prod-eu").click();
    await expect(site.dialog("Add token for prod-eu")).toBeVisible();
    await site.link("Cancel").click();
    await expect(site.page.getByRole("dialog")).toHaveCount(0);
});

test("where the server cannot be reached it is said, and one may try again", async ({ site, acme }) => {
    const runtime = await acme.runtime("prod-eu");
    await site.become(acme.mira);
    await site.open(path);
    await site.page.route("**/api/ui/sheet?*", (route) => route.abort("internetdisconnected"));
    site.watch.expectFailure(asked(runtime));
    await site.link("Add token for prod-eu").click();
    await expect(site.notice).toContainText("Patchbay cannot be reached.");
    await expect(site.page).toHaveURL(site.origin + path);
    await expect(site.page.getByRole("dialog")).toHaveCount(0);

    await site.page.unroute("**/api/ui/sheet?*");
    await site.link("Add token for prod-eu").click();
    await expect(site.dialog("Add token for prod-eu")).toBeVisible();
});

test("what somebody else deleted meanwhile is said to be gone", async ({ site, acme }) => {
    const runtime = await acme.runtime("prod-eu");
    await site.become(acme.mira);
    await site.open("/acme/admin/runtimes");
    await acme.mira.done("delete-runtime", { account: "acme", id: runtime });
    await site.link("Edit prod-eu").click();
    await expect(site.notice).toContainText("This is no longer here.");
    await expect(site.page).toHaveURL(`${site.origin}/acme/admin/runtimes`);
});

test("whoever is signed out meanwhile is led to sign in, and back to what was opened", async ({ site, acme }) => {
    const runtime = await acme.runtime("prod-eu");
    await site.become(acme.mira);
    await site.open(path);
    await site.page.context().clearCookies();
    site.watch.expect(401, asked(runtime));
    await site.link("Add token for prod-eu").click();
    await site.arrived(`/sign-in?next=${path}%3Fadd%3D${runtime}`, "Sign in");
});

test("many actions of a row are in a menu, by mouse", async ({ site, acme }) => {
    const runtime = await acme.runtime("prod-eu");
    await acme.stored(runtime);
    await site.become(acme.mira);
    await addActions(site, runtime, ["Share", "Enter expiry"]);
    await goToTokens(site);
    const row = site.row("prod-eu");
    await expect(site.link("Replace token for prod-eu", row)).toBeVisible();
    await expect(site.button("Check now prod-eu", row)).toBeVisible();
    const item = site.link("Share for prod-eu", row);
    await expect(item).toBeHidden();
    await expect(site.link("Delete token for prod-eu", row)).toBeHidden();

    const more = site.button("More for prod-eu", row);
    await more.click();
    await expect(item).toBeInViewport({ ratio: 1 });
    await site.heading("Git Personal Access Tokens").click();
    await expect(item).toBeHidden();

    await more.click();
    await item.click();
    const dialog = site.dialog("Delete the token for prod-eu?");
    await expect(dialog).toBeVisible();
    await expect(item).toBeHidden();
    await site.link("Cancel").click();
    await expect(dialog).toHaveCount(0);
    // What opened it is in the menu, so the menu's button stands for it.
    await expect(more).toBeFocused();
});

test("many actions of a row are in a menu, by keyboard", async ({ site, acme }) => {
    const runtime = await acme.runtime("prod-eu");
    await acme.stored(runtime);
    await site.become(acme.mira);
    await addActions(site, runtime, ["Share", "Enter expiry"]);
    await goToTokens(site);
    const keyboard = site.page.keyboard;
    const more = site.button("More for prod-eu");
    await site.tabTo(more);
    await keyboard.press("Enter");
    await keyboard.press("Tab");
    await expect(site.link("Delete token for prod-eu")).toBeFocused();
    await keyboard.press("Escape");
    await expect(site.link("Delete token for prod-eu")).toBeHidden();
    await expect(more).toBeFocused();

    await keyboard.press("Space");
    await site.tabTo(site.link("Enter expiry for prod-eu"));
    await keyboard.press("Enter");
    await expect(site.dialog("Delete the token for prod-eu?")).toBeVisible();
    await keyboard.press("Escape");
    await expect(more).toBeFocused();
});

test("a sheet may have every part there is", async ({ site, acme }) => {
    await acme.runtime("prod-eu");
    await site.become(acme.mira);
    await site.open(path);
    const field = (values: Partial<Record<string, string>>) =>
        ["name", "label", "value", "kind", "hint", "placeholder", "autocomplete", "optional", "mono", "autofocus", "checked", "disabled"].map(
            (name) => values[name] ?? "",
        );
    const box = (value: string, more = {}) => ["1", ...field({ name: "runtimes", label: `Use it for ${value}`, value, ...more })];
    const parts = [
        ["n", "warn", "Two of them |*share| it."],
        ["p", ""],
        ["f", ...field({ name: "end", label: "Expiry date", kind: "date", hint: "As at |@https://x.example the provider" })],
        ["c", "Runtimes", ...box("first", { checked: "1" }), ...box("second", { hint: "Has none yet." }), ...box("third", { disabled: "1" }), ""],
    ];
    const sheet = ["", "Share it", "", "/api/ui/check-token", "share", "1", "account", "acme", "", "", "1", "Share", "Sharing…", "", ""];
    const packed = ["1", ...sheet, ...parts.flatMap((part) => ["1", ...part]), ""];
    await site.page.route("**/api/ui/sheet?*", (route) => route.fulfill({ json: packed }));
    await site.link("Add token for prod-eu").click();
    const panel = site.dialog("Share it");
    await expect(panel).toContainText("Two of them share it.");
    await expect(site.field("Expiry date", panel)).toHaveAttribute("type", "date");
    await expect(site.field("Expiry date", panel)).toHaveAccessibleDescription("As at the provider (opens in a new tab)");
    const group = panel.getByRole("group", { name: "Runtimes" });
    await expect(site.field("Use it for first", group)).toBeChecked();
    await expect(site.field("Use it for third", group)).toBeDisabled();
    await expect(site.field("Use it for second", group)).toHaveAccessibleDescription("Has none yet.");
    await site.field("Use it for second", group).check();
    await site.field("Expiry date", panel).fill("2027-01-31");

    const posted = site.page.waitForRequest("**/api/ui/check-token");
    const invalid = ["", "invalid", "1", "end", "It ends earlier.", "1", "runtimes", "Choose fewer.", ""];
    await site.page.route("**/api/ui/check-token", (route) => route.fulfill({ json: invalid }));
    await site.button("Share", panel).click();
    expect((await posted).postData()).toBe("end=2027-01-31&runtimes=first&runtimes=second&account=acme");
    await expect(site.field("Expiry date", panel)).toHaveAccessibleDescription(/^It ends earlier\./);
    await expect(group).toContainText("Choose fewer.");
    await expect(site.field("Use it for second", group)).toHaveAccessibleDescription("Choose fewer. Has none yet.");
});
