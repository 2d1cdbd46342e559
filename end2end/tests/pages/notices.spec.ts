// Notifications and settings: what people hear of, what they do about it, and where else it goes.
import { createHmac } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { SMTPServer } from "smtp-server";
import type { Acme } from "../support/acme.ts";
import type { Site } from "../support/site.ts";
import { expect, test } from "../fixtures.ts";

const page = "/acme/notifications";
const heading = "Notifications";
const settings = "/acme/admin/settings";

/** Mira has a token, and is reminded of it. */
async function reminded(site: Site, acme: Acme) {
    await acme.stored(await acme.runtime("prod-eu"), { expires_at: "2031-01-20T00:00:00Z" });
    await site.open("/acme/admin/expiring");
    await site.page.getByRole("checkbox", { name: "Select prod-eu of Mira Sand" }).check();
    await site.button("Remind holders").click();
    await expect(site.notice).toContainText("1 person was reminded.");
}

test.beforeEach(async ({ site, acme }) => {
    await site.become(acme.mira);
});

test("who needs nothing is told so", async ({ site }) => {
    await site.open(page);
    await expect(site.heading(heading)).toBeVisible();
    await expect(site.page.getByRole("main")).toContainText("Nothing needs you");
});

test("a notice is counted at the bell until it is acknowledged", async ({ site, acme }) => {
    await reminded(site, acme);
    await site.open(page);
    const bell = site.page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: /^Notifications/ });
    await expect(bell).toContainText("1");
    const own = site.page.getByRole("table").first().getByRole("row").nth(1);
    await expect(own).toContainText("Mira Sand's token for prod-eu");
    await expect(own).toContainText("20 Jan 2031");
    await expect(own).toContainText("Reminder");
    await own.getByRole("button", { name: /^Acknowledge/ }).click();
    await expect(own).toContainText("Acknowledged");
    await expect(bell).not.toContainText("1");
});

test("a notice is put off for as long as one says", async ({ site, acme }) => {
    await reminded(site, acme);
    await site.open(page);
    const own = site.page.getByRole("table").first().getByRole("row").nth(1);
    await own.getByRole("link", { name: /^Put off/ }).click();
    const panel = site.dialog("Put this off");
    await expect(panel).toContainText("Until then you hear nothing of it");
    await site.settled();
    await site.button("Put off", panel).click();
    await site.arrived(page, heading);
    await expect(own).toContainText("Put off");
    await expect(own).toContainText("until");
});

test("a runtime is muted, and heard of again", async ({ site, acme }) => {
    await reminded(site, acme);
    await site.open(page);
    const main = site.page.getByRole("main");
    await site.page.getByRole("table").first().getByRole("row").nth(1).getByRole("button", { name: /^Mute this runtime/ }).click();
    await expect(main).toContainText("Muted runtimes");
    await site.open("/acme/tokens");
    await expect(site.row("prod-eu")).toContainText("muted");
    await site.open(page);
    await site.row("prod-eu").getByRole("button", { name: /^Hear of it again/ }).click();
    await expect(main).not.toContainText("Muted runtimes");
});

test("when people are told is the admins' to say", async ({ site }) => {
    await site.open(settings);
    await expect(site.page.getByRole("main")).toContainText("60, 30, 14, 7, 3, 1 days before");
    await site.link("Edit when people are told").click();
    const panel = site.dialog("When people are told");
    await expect(panel).toBeVisible();
    await site.settled();
    await site.field("Days before an end", panel).fill("never");
    await site.button("Save", panel).click();
    await expect(site.field("Days before an end", panel)).toHaveAttribute("aria-invalid", "true");
    await expect(site.field("Days before an end", panel)).toHaveValue("never");
    await site.settled();
    await site.field("Days before an end", panel).fill("45, 10");
    await site.button("Save", panel).click();
    await site.arrived(settings, "Settings");
    await expect(site.page.getByRole("main")).toContainText("45, 10 days before");
});

test("a webhook is added, tried, and signs what it sends", async ({ site, acme }) => {
    const heard: { headers: http.IncomingHttpHeaders; body: string }[] = [];
    const listener = http.createServer((request, response) => {
        let body = "";
        request.on("data", (part) => (body += part));
        request.on("end", () => {
            heard.push({ headers: request.headers, body });
            response.end();
        });
    });
    await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
    try {
        const address = `http://127.0.0.1:${(listener.address() as AddressInfo).port}/hook`;
        await site.open(settings);
        await site.link("Add webhook").click();
        const panel = site.dialog("Add webhook");
        await expect(panel).toBeVisible();
        await site.settled();
        await site.field("Name", panel).fill("Pager");
        await site.field("Address", panel).fill(address);
        await site.button("Add", panel).or(site.button("Save", panel)).click();
        await site.arrived(settings, "Settings");
        const secret = /whsec_([\w+/=-]+)/.exec((await site.notice.textContent()) ?? "")?.[1] ?? "";
        expect(Buffer.from(secret, "base64").length).toBeGreaterThanOrEqual(24);
        await site.open(settings);
        await expect(site.page.locator("body")).not.toContainText(secret);

        const row = site.row("Pager");
        const more = row.getByRole("button", { name: /^More for/ });
        if (await more.isVisible()) await more.click();
        await row.getByRole("button", { name: /^Test/ }).click();
        await expect.poll(() => heard.length).toBe(1);
        const [{ headers, body }] = heard as [(typeof heard)[0]];
        const signed = `${String(headers["webhook-id"])}.${String(headers["webhook-timestamp"])}.${body}`;
        const signature = createHmac("sha256", Buffer.from(secret, "base64")).update(signed).digest("base64");
        expect(headers["webhook-signature"]).toBe(`v1,${signature}`);
        await expect(site.notice).toContainText("ms)");
        expect(acme.patchbay.errors() + acme.patchbay.output()).not.toContain(secret);
    } finally {
        listener.close();
        listener.closeAllConnections();
    }
});

test("a mail server is set up, tried, and keeps its password to itself", async ({ site, acme }) => {
    const mails: { to: string[]; text: string }[] = [];
    const password = "a password of the mail server";
    const server = new SMTPServer({
        // On loopback, without a certificate.
        disabledCommands: ["STARTTLS"],
        allowInsecureAuth: true,
        onAuth: ({ username, password: given }, _, done) =>
            username === "patchbay" && given === password ? done(null, { user: username }) : done(new Error("wrong password")),
        onData: (stream, { envelope }, done) => {
            let text = "";
            stream.on("data", (part) => (text += part));
            stream.on("end", () => {
                mails.push({ to: envelope.rcptTo.map(({ address }) => address), text });
                done();
            });
        },
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
        await site.open(settings);
        await site.link("Set up e-mail").click();
        const panel = site.dialog("Mail server");
        await expect(panel).toBeVisible();
        await site.settled();
        await site.field("Mail server", panel).fill("127.0.0.1");
        await site.field("Encryption", panel).selectOption("None, in a network of our own");
        await panel.getByLabel(/^Port/).fill(String((server.server.address() as AddressInfo).port));
        await panel.getByLabel(/^Username/).fill("patchbay");
        await panel.getByLabel(/^Password/).fill("another one");
        await site.field("Sender", panel).fill("patchbay@acme.example");
        await site.button("Save", panel).click();
        await site.arrived(settings, "Settings");

        // A wrong password is told, and the right one put in its place.
        const row = site.row("E-mail");
        await row.getByRole("button", { name: /^Test/ }).click();
        await expect(site.notice).toContainText("The mail server answered 535: wrong password");
        expect(mails).toHaveLength(0);
        await site.open(settings);
        await site.choose("E-mail", "Edit E-mail");
        await expect(panel).toBeVisible();
        await site.settled();
        await expect(panel.getByLabel(/^Password/)).toHaveValue("");
        await panel.getByLabel(/^Password/).fill(password);
        await site.button("Save", panel).click();
        await site.arrived(settings, "Settings");
        await row.getByRole("button", { name: /^Test/ }).click();
        await expect.poll(() => mails.length).toBe(1);
        expect(mails[0]?.to).toEqual(["mira@acme.example"]);
        expect(mails[0]?.text).toContain("text/html");
        await expect(site.page.locator("body")).not.toContainText(password);
        expect(acme.patchbay.errors() + acme.patchbay.output()).not.toContain(password);
    } finally {
        await new Promise<void>((resolve) => server.close(resolve));
    }
});
