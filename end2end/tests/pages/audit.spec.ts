// The audit log: who did what, found again, and taken away as a file.
import { createHash } from "node:crypto";
import { expect, test } from "../fixtures.ts";
import { Client } from "../support/client.ts";
import { text } from "../support/http.ts";

const path = "/acme/admin/audit";
const heading = "Audit log";

test.beforeEach(async ({ site, acme }) => {
    await site.become(acme.mira);
});

test("what was done stands in the log, the newest first", async ({ site, acme }) => {
    await acme.runtime("prod-eu");
    await site.open(path);
    await expect(site.heading(heading)).toBeVisible();
    const rows = site.page.getByRole("main").getByRole("row");
    await expect(rows.nth(1)).toContainText("Runtime registered");
    await expect(rows.nth(1)).toContainText("Mira Sand");
    await expect(rows.nth(1)).toContainText("mira@acme.example");
    await expect(rows.nth(1)).toContainText("prod-eu");
    await expect(rows.nth(1)).toContainText("127.0.0.1");
    await expect(rows.nth(1)).toContainText("Done");
    await expect(rows.nth(2)).toContainText("Git provider registered");
    await expect(rows.last()).toContainText("Account created");
});

test("words and choices stand in the address, and survive the way back", async ({ site, acme }) => {
    const provider = await acme.provider();
    await acme.runtime("prod-eu", provider);
    await acme.runtime("staging", provider);
    await site.open(path);
    await site.field("Search").fill("prod");
    await site.field("About").selectOption("Runtimes");
    await site.button("Apply").click();
    await site.arrived(/\/acme\/admin\/audit\?.*q=prod/, heading);
    await expect(site.page).toHaveURL(/about=runtimes/);
    const main = site.page.getByRole("main");
    await expect(main).toContainText("prod-eu");
    await expect(main.getByRole("cell", { name: "staging" })).toHaveCount(0);
    await site.page.reload();
    await site.settled();
    await expect(site.field("Search")).toHaveValue("prod");
    await expect(main.getByRole("cell", { name: "staging" })).toHaveCount(0);
    await site.link("Clear").click();
    await site.arrived(path, heading);
    await expect(main).toContainText("staging");
    await site.page.goBack();
    await site.settled();
    await expect(site.field("Search")).toHaveValue("prod");
});

test("a choice that fits nothing says so", async ({ site }) => {
    await site.open(`${path}?q=nothing-is-called-so`);
    await expect(site.page.getByRole("main")).toContainText("No event fits.");
    await site.link("Clear").click();
    await site.arrived(path, heading);
    await expect(site.page.getByRole("main")).toContainText("Account created");
});

test("a long log has pages", async ({ site, acme }) => {
    const id = await acme.provider();
    for (let n = 0; n < 55; n++) {
        await acme.mira.done("save-git-provider", {
            account: "acme",
            id,
            kind: "github",
            name: `forge ${n}`,
            base_url: acme.forge.url,
        });
    }
    await site.open(path);
    const main = site.page.getByRole("main");
    await expect(main).toContainText("forge 54 at");
    await expect(main.getByRole("row")).toHaveCount(51);
    await site.link("Older").click();
    await site.arrived(/\/acme\/admin\/audit\?before=\d+$/, heading);
    await expect(main).toContainText("Account created");
    await expect(main).not.toContainText("forge 54 at");
    await expect(site.link("Older")).toHaveCount(0);
    await site.link("Newest").click();
    await site.arrived(path, heading);
    await expect(main).toContainText("forge 54 at");
});

test("an event is shown in full, with its hashes", async ({ site, acme }) => {
    await acme.runtime("prod-eu");
    await site.open(path);
    await site.page.getByRole("link", { name: /^Details event \d+, Runtime registered$/ }).click();
    const sheet = site.dialog("Runtime registered");
    await expect(sheet).toContainText("runtime.registered");
    await expect(sheet).toContainText("Mira Sand · mira@acme.example");
    await expect(sheet.getByText(/^[0-9a-f]{64}$/)).toHaveCount(2);
});

test("the log is downloaded as JSON lines that verify, and as CSV", async ({ site, acme }) => {
    await acme.runtime("prod-eu");
    await site.open(path);
    for (const [label, file] of [
        ["CSV", "audit-acme.csv"],
        ["JSON lines", "audit-acme.jsonl"],
    ] as const) {
        const download = site.page.waitForEvent("download");
        await site.link(label).click();
        expect((await download).suggestedFilename()).toBe(file);
    }
    const lines = text(await acme.mira.send(`${path}/export?format=jsonl`)).trimEnd().split("\n");
    const events = lines.map((line) => JSON.parse(line) as Record<string, string | number | null>);
    const hashed = Object.keys(events[0] ?? {}).filter((name) => !["previous", "hash", "time"].includes(name));
    const field = (value: string | number | null | undefined) => {
        const bytes = Buffer.from(String(value));
        return value === null ? "-," : `${bytes.length}:${bytes.toString()},`;
    };
    let previous = "0".repeat(64);
    for (const event of events) {
        expect(event.previous).toBe(previous);
        const fields = ["patchbay audit 1", ...hashed.map((name) => event[name])].map(field).join("");
        previous = createHash("sha256").update(Buffer.from(previous, "hex")).update(fields).digest("hex");
        expect(event.hash).toBe(previous);
    }
    const chosen = text(await acme.mira.send(`${path}/export?format=csv&q=prod-eu`)).trimEnd().split("\r\n");
    expect(chosen).toHaveLength(2);
    expect(chosen[1]).toContain("runtime.registered");
});

test("nobody else gets the log", async ({ acme, patchbay }) => {
    const stranger = new Client(patchbay.url);
    const away = await stranger.send(`${path}/export`);
    expect(away.status).toBe(303);
    const elsewhere = await acme.mira.send("/globex/admin/audit/export");
    expect(elsewhere.status).toBe(404);
});
