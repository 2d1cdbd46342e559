// Expiring tokens: what breaks when, found, looked at and taken away.
import type { Acme } from "../support/acme.ts";
import { Client } from "../support/client.ts";
import { text } from "../support/http.ts";
import { expect, test } from "../fixtures.ts";

const path = "/acme/admin/expiring";
const heading = "Expiring tokens";
const day = 24 * 60 * 60 * 1000;
const inDays = (days: number) => new Date(Date.now() + days * day).toISOString().replace(/\.\d+Z$/, "Z");

/** Five runtimes: with tokens that end soon, later and never, one that was revoked, and one without a token. */
async function tokens(acme: Acme) {
    const provider = await acme.provider();
    const runtime = (name: string) => acme.runtime(name, provider);
    await acme.stored(await runtime("prod-eu"), { expires_at: inDays(5) });
    await acme.stored(await runtime("prod-us"), { expires_at: inDays(20) });
    await acme.stored(await runtime("staging"), { expires_at: inDays(50) });
    const lab = await runtime("lab");
    const revoked = await acme.stored(lab, { expires_at: inDays(100) });
    await acme.forge.revoke(revoked);
    await acme.mira.done("check-token", { account: "acme", runtime: lab });
    await runtime("edge");
}

test.beforeEach(async ({ site, acme }) => {
    await site.become(acme.mira);
});

test("without tokens it says what will stand here", async ({ site }) => {
    await site.open(path);
    await expect(site.heading(heading)).toBeVisible();
    await expect(site.page.getByRole("main")).toContainText("As soon as somebody has a token for a runtime");
    await expect(site.page.getByRole("link", { name: "Expired" })).toContainText("0");
});

test("those without a valid token are searched by runtime, and only what is known is counted", async ({ site, acme }) => {
    await tokens(acme);
    await site.open(`${path}?show=missing`);
    const none = site.page.getByRole("table", { name: "People without a token" });
    const broken = site.page.getByRole("table", { name: "People whose token does not work" });
    await expect(none).toContainText("edge");
    await expect(broken).toContainText("lab");
    await site.settled();
    await site.field("Search").fill("edge");
    await site.button("Apply").click();
    await expect(site.page).toHaveURL(/q=edge/);
    await expect(none).toContainText("edge");
    await expect(broken).toHaveCount(0);
    await site.open(`${path}?show=missing&q=lab`);
    await expect(broken).toContainText("lab");
    await expect(none).toHaveCount(0);
    // The file has both sorts.
    const file = await acme.mira.send(`${path}/export?show=missing`);
    const lines = text(file).trim().split("\r\n");
    expect(lines[0]).toBe("person,email,runtime,git_provider,token");
    expect(lines.slice(1).map((line) => line.split(",").filter((_, at) => at === 2 || at === 4))).toEqual([
        ["edge", "None"],
        ["lab", "Invalid or revoked"],
    ]);
});

test("every number leads to what it counts", async ({ site, acme }) => {
    await tokens(acme);
    await site.open(path);
    const numbers = site.page.getByRole("navigation", { name: "Tokens by what is to be done" });
    const main = site.page.getByRole("main");
    for (const [label, count, rows] of [
        ["Expired", 0, []],
        ["In 7 days", 1, ["prod-eu"]],
        ["In 30 days", 2, ["prod-eu", "prod-us"]],
        ["In 60 days", 3, ["prod-eu", "prod-us", "staging"]],
        ["No expiry", 0, []],
        ["Invalid", 1, ["lab"]],
        ["Missing", 2, ["Mira Sand, edge", "lab"]],
    ] as const) {
        const tile = numbers.getByRole("link", { name: new RegExp(`^${label}`) });
        await expect(tile).toContainText(String(count));
        await tile.click();
        await expect(tile).toHaveAttribute("aria-current", "true");
        await site.settled();
        await expect(main.getByRole("rowheader").filter({ hasNot: site.page.getByRole("link") })).toHaveCount(rows.length);
        // The same again takes the choice away.
        await tile.click();
        await site.arrived(path, heading);
    }
});

test("a choice stands in the address, and survives the way back", async ({ site, acme }) => {
    await tokens(acme);
    await site.open(path);
    const rows = site.page.getByRole("table").last().getByRole("rowheader");
    await expect(rows.first()).toContainText("prod-eu");
    await expect(rows).toHaveCount(4);
    await site.field("Search").fill("prod");
    await site.field("Status").selectOption("Works");
    await site.button("Apply").click();
    await site.arrived(/\/acme\/admin\/expiring\?q=prod.*status=working/, heading);
    await expect(rows).toHaveCount(2);
    await site.page.getByRole("columnheader", { name: "Expires" }).getByRole("link").click();
    await site.arrived(/sort=-ends/, heading);
    await expect(rows.first()).toContainText("prod-us");
    await expect(site.page.getByRole("columnheader", { name: "Expires" })).toHaveAttribute("aria-sort", "descending");
    await site.page.reload();
    await site.settled();
    await expect(rows.first()).toContainText("prod-us");
    await expect(site.field("Search")).toHaveValue("prod");
    await site.page.goBack();
    await site.settled();
    await expect(rows.first()).toContainText("prod-eu");
    await site.link("Clear").click();
    await site.arrived(path, heading);
    await expect(rows).toHaveCount(4);
    await site.field("Search").fill("nobody");
    await site.button("Apply").click();
    await expect(site.page.getByRole("main")).toContainText("Nobody and nothing is called so.");
});

test("a token's details say what stops working with it", async ({ site, acme }) => {
    await tokens(acme);
    await site.open(`${path}?show=30`);
    await site.link("Details of prod-us of Mira Sand").click();
    const panel = site.dialog("prod-us, Mira Sand");
    await expect(panel).toBeVisible();
    await expect(panel).toContainText("What stops working on");
    await expect(panel).toContainText("what it does for Mira Sand");
    await expect(panel).toContainText("repo");
    await expect(panel).toContainText("declared by the provider");
    await expect(panel).toContainText("Valid for ada");
    await expect(panel).toContainText("Token stored");
    await site.settled();
    await site.link("Close", panel).first().click();
    // The list behind is as it was.
    await site.arrived(`${path}?show=30`, heading);
    await expect(panel).toHaveCount(0);
});

test("tokens that are ticked are checked, and the list stays as it is", async ({ site, acme }) => {
    await tokens(acme);
    await site.open(`${path}?show=60`);
    await site.page.getByRole("checkbox", { name: "Select prod-eu of Mira Sand" }).check();
    await site.page.getByRole("checkbox", { name: "Select staging of Mira Sand" }).check();
    await site.button("Check now").click();
    await expect(site.notice).toContainText("2 tokens are checked now");
    await site.arrived(`${path}?show=60`, heading);
    if (site.scripts) await expect(site.button("Check now")).toBeVisible();
});

test("the holders of tokens that are ticked are reminded", async ({ site, acme }) => {
    await tokens(acme);
    await site.open(`${path}?show=7`);
    await site.page.getByRole("checkbox", { name: "Select prod-eu of Mira Sand" }).check();
    await site.button("Remind holders").click();
    await expect(site.notice).toContainText("1 person was reminded.");
    await site.open(`${path}?show=7`);
    await site.page.getByRole("checkbox", { name: "Select prod-eu of Mira Sand" }).check();
    await site.button("Remind holders").click();
    await expect(site.notice).toContainText("the holders were told today");
});

test("to check nothing is refused with words", async ({ site, acme }) => {
    await tokens(acme);
    await site.open(path);
    await site.button("Check now").click();
    await expect(site.notice).toContainText("No token is ticked.");
});

test("the weeks stand in a table, each with a way to its tokens", async ({ site, acme }) => {
    await tokens(acme);
    await site.open(path);
    await site.page.getByText("Show as a table").click();
    const weeks = site.page.getByRole("table").first();
    await expect(weeks.getByRole("row")).toHaveCount(27);
    const week = weeks.getByRole("row").filter({ has: site.page.getByRole("cell", { name: "1", exact: true }) }).first();
    await week.getByRole("link").click();
    await site.arrived(/status=working&from=\d{4}-\d\d-\d\d&to=\d{4}-\d\d-\d\d$/, heading);
    await expect(site.page.getByRole("main")).toContainText("that end from");
});

test("the list is a file, too", async ({ acme }) => {
    await tokens(acme);
    const file = await acme.mira.send(`${path}/export?show=30`);
    expect(file.status).toBe(200);
    const lines = text(file).split("\r\n");
    expect(lines[0]).toMatch(/^runtime,git_provider,holder,/);
    expect(lines.slice(1, 3).map((line) => line.split(",")[0])).toEqual(["prod-eu", "prod-us"]);
    expect(lines).toHaveLength(4);
    const stranger = new Client(acme.patchbay.url);
    expect((await stranger.send(`${path}/export`)).status).toBe(303);
});

test("a calendar reads what ends when, under a link that is shown once", async ({ site, acme }) => {
    await tokens(acme);
    await site.open(path);
    await site.link("Calendar").click();
    const panel = site.dialog("Expiries in your calendar");
    await expect(panel).toContainText("Whoever has the link can read");
    await site.settled();
    await site.button("Make a link", panel).click();
    await site.arrived(path, heading);
    const link = (await site.notice.getByRole("code").textContent()) ?? "";
    expect(link).toMatch(new RegExp(`^${site.origin}/api/calendar/[\\w-]{43}\\.ics$`));
    const stranger = new Client(acme.patchbay.url);
    const file = new URL(link).pathname;
    const calendar = await stranger.send(file);
    expect(calendar.status).toBe(200);
    expect(text(calendar)).toContain("SUMMARY:A Git token ends: prod-eu (Mira Sand)");
    expect(acme.patchbay.errors() + acme.patchbay.output()).not.toContain(file.replace("/api/calendar/", ""));

    await site.open(`${path}?calendar=link`);
    await expect(panel).toContainText("Your link was made on");
    await expect(panel).not.toContainText("/api/calendar/");
    await site.button("Remove the link", panel).click();
    await expect(site.notice).toContainText("leads nowhere any more");
    expect((await stranger.send(file)).status).toBe(404);
});

test("it is the admins'", async ({ site, acme }) => {
    const { link } = await acme.mira.done("invite", { account: "acme", role: "member", email: "" });
    const jonas = new Client(acme.patchbay.url);
    const code = new URL(link).pathname.replace("/join/", "");
    await jonas.done("join-as-new", { code, name: "Jonas", email: "jonas@acme.example", password: "correct horse battery" });
    await site.page.context().clearCookies();
    await site.become(jonas);
    await site.open(path, 403);
    await expect(site.page.getByRole("link", { name: heading })).toHaveCount(0);
    expect((await jonas.send(`${path}/export`)).status).toBe(403);
});
