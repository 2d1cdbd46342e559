// Access keys: issued by an admin, used by a runtime, revoked again.
import type { Acme } from "../support/acme.ts";
import { type Answer, header, send, text } from "../support/http.ts";
import type { Site } from "../support/site.ts";
import { expect, test } from "../fixtures.ts";

const path = "/acme/admin/runtimes";
const heading = "Runtimes";

interface Credentials {
    runtime: { name: string };
    credentials: { holder: { kind: string; email: string | null }; username: string; password: string }[];
    unusable: { status: string; why: string }[];
}

/** What a runtime gets for a key. */
function fetched(acme: Acme, key: string, headers: Record<string, string> = {}): Promise<Answer> {
    const authorization = `Bearer ${key}`;
    return send(`${acme.patchbay.url}/api/v1/runtime/credentials`, { headers: { authorization, ...headers } });
}

/** Issues a key in the page; it is shown this once. */
async function issue(site: Site, name: string): Promise<string> {
    await site.open(path);
    await site.choose("prod-eu", "Access keys of prod-eu");
    const panel = site.dialog("Access keys of prod-eu");
    await expect(panel).toBeVisible();
    await site.settled();
    await site.field("Name of a new key", panel).fill(name);
    await site.button("Issue access key", panel).click();
    await expect(site.notice).toContainText(`Here is the access key ${name}.`);
    return /pbk_[\w-]+/.exec((await site.notice.textContent()) ?? "")?.[0] ?? "";
}

test.beforeEach(async ({ site, acme }) => {
    await site.become(acme.mira);
});

test("a key that is issued opens the credentials of its runtime, until it is revoked", async ({ site, acme }) => {
    const token = await acme.stored(await acme.runtime("prod-eu"));
    const key = await issue(site, "argocd");
    expect(key.length).toBeGreaterThan(40);
    // It is shown this once.
    await site.open(path);
    await expect(site.page.locator("body")).not.toContainText(key);

    const answer = await fetched(acme, key);
    expect(answer.status, text(answer)).toBe(200);
    expect(header(answer, "cache-control")).toBe("no-store");
    const { runtime, credentials } = JSON.parse(text(answer)) as Credentials;
    expect(runtime.name).toBe("prod-eu");
    expect(credentials).toMatchObject([
        { holder: { kind: "user", email: "mira@acme.example" }, username: "x-access-token", password: token.value },
    ]);
    const unchanged = await fetched(acme, key, { "if-none-match": header(answer, "etag") ?? "" });
    expect([unchanged.status, text(unchanged)]).toEqual([304, ""]);

    // Its holder, the dashboard and the log know of it.
    await site.open("/acme/tokens");
    await expect(site.row("prod-eu")).toContainText("used just now");
    await site.open("/acme/admin/expiring");
    const row = site.row("prod-eu");
    await expect(row).toContainText("just now");
    await expect(row).not.toContainText("never used");
    await site.link("Details of prod-eu of Mira Sand").click();
    await expect(site.page.getByRole("dialog")).toContainText("last fetched just now");
    await expect(site.page.getByRole("dialog")).toContainText("Token handed out, by argocd");
    await site.open("/acme/admin/audit?who=access-key");
    // The request, and the one credential that was new to the key.
    await expect(site.page.getByRole("main").getByRole("row")).toHaveCount(3);
    await expect(site.page.getByRole("main").getByRole("row").nth(1)).toContainText("Credentials fetched");
    await expect(site.page.getByRole("main").getByRole("row").nth(2)).toContainText("Token handed out");
    await expect(site.page.getByRole("main").getByRole("row").nth(2)).toContainText("127.0.0.1");

    await site.open(path);
    await site.choose("prod-eu", "Access keys of prod-eu");
    await expect(site.page.getByRole("dialog")).toContainText("last used just now");
    await site.link("Revoke argocd").click();
    const question = site.dialog("Revoke argocd?");
    await expect(question).toContainText("gets no credentials for prod-eu any more");
    await site.settled();
    await site.button("Revoke access key", question).click();
    await expect(site.dialog("Access keys of prod-eu")).toContainText("There is none yet");
    const refused = await fetched(acme, key);
    expect([refused.status, header(refused, "content-type")]).toEqual([401, "application/problem+json"]);
    expect(text(refused)).not.toContain(key);
    expect(acme.patchbay.errors() + acme.patchbay.output()).not.toContain(key);
});

test("a key without a name, or with one that is taken, is not issued", async ({ site, acme }) => {
    await acme.runtime("prod-eu");
    await issue(site, "argocd");
    await site.open(path);
    await site.choose("prod-eu", "Access keys of prod-eu");
    const panel = site.dialog("Access keys of prod-eu");
    for (const [name, complaint] of [
        ["", "Enter a name"],
        ["argocd", "has this name"],
    ] as const) {
        await expect(panel).toBeVisible();
        await site.settled();
        await site.field("Name of a new key", panel).fill(name);
        await site.button("Issue access key", panel).click();
        await expect(panel).toContainText(complaint);
        await expect(site.field("Name of a new key", panel)).toHaveValue(name);
    }
    await site.link("Close", panel).first().click();
    await site.arrived(path, heading);
});

test("a secret is no name of a key, and does not come back", async ({ site, acme }) => {
    await acme.runtime("prod-eu");
    await site.open(path);
    await site.choose("prod-eu", "Access keys of prod-eu");
    const panel = site.dialog("Access keys of prod-eu");
    await site.settled();
    await site.field("Name of a new key", panel).fill("pbk_pasted-into-the-wrong-field");
    await site.button("Issue access key", panel).click();
    await expect(panel).toContainText("This looks like a secret, which everybody would see.");
    expect(await site.page.content()).not.toContain("pbk_pasted");
});

test("a runtime takes its keys along", async ({ site, acme }) => {
    await acme.runtime("prod-eu");
    const key = await issue(site, "argocd");
    await site.open(path);
    await site.choose("prod-eu", "Delete prod-eu");
    const question = site.dialog("Delete prod-eu?");
    await expect(question).toContainText("Its access key is revoked.");
    await site.settled();
    await site.button("Delete runtime", question).click();
    await expect(site.notice).toContainText("Runtime deleted.");
    expect((await fetched(acme, key)).status).toBe(401);
    await site.open("/acme/admin/audit?q=argocd");
    await expect(site.page.getByRole("main").getByRole("row").nth(1)).toContainText("Access key revoked");
});

test("without a key nothing is handed out", async ({ acme }) => {
    for (const headers of [{}, { authorization: "Basic pbk_abc" }] as Record<string, string>[]) {
        const answer = await send(`${acme.patchbay.url}/api/v1/runtime/credentials`, { headers });
        expect(answer.status).toBe(401);
        expect(header(answer, "www-authenticate")).toContain("Bearer");
        expect(JSON.parse(text(answer))).toMatchObject({ status: 401, title: "No valid access key" });
    }
    const posted = await send(`${acme.patchbay.url}/api/v1/runtime/credentials`, { method: "POST" });
    expect([posted.status, header(posted, "allow")]).toEqual([405, "GET, HEAD"]);
    expect(JSON.parse(text(posted))).toMatchObject({ status: 405, title: "Method not allowed" });
});
