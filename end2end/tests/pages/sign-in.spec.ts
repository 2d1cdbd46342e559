// Signing in and out, and coming back to where one wanted to go.
import { admin } from "../support/acme.ts";
import { Client } from "../support/client.ts";
import type { Site } from "../support/site.ts";
import { expect, test } from "../fixtures.ts";

const tokens = "Git Personal Access Tokens";

async function signIn(site: Site, { email, password } = admin) {
    await site.field("E-mail").fill(email);
    await site.field("Password").fill(password);
    await site.button("Sign in").click();
}

const cookie = async (site: Site) => (await site.page.context().cookies()).find(({ name }) => name === "patchbay");

test.beforeEach(({ acme }) => {
    expect(acme.mira.cookies.size).toBe(1);
});

test("the right password leads to one's tokens, and the session is the browser's alone", async ({ site }) => {
    await site.open("/");
    await site.arrived("/sign-in", "Sign in");
    await signIn(site);
    await site.arrived("/acme/tokens", tokens);
    await expect(site.page.getByRole("banner")).toContainText(admin.name);
    const first = await cookie(site);
    expect(first).toMatchObject({ httpOnly: true, sameSite: "Lax", path: "/", expires: -1 });
    expect(await site.page.evaluate(() => document.cookie)).toBe("");
});

test("every sign-in makes a new session", async ({ site }) => {
    const stale = "a-value-that-somebody-else-has-planted-here";
    await site.page.context().addCookies([{ name: "patchbay", value: stale, url: site.origin }]);
    await site.open("/sign-in");
    await signIn(site);
    await site.arrived("/acme/tokens", tokens);
    const first = await cookie(site);
    expect(first?.value).not.toBe(stale);
    await site.button("Sign out").click();
    await site.arrived("/sign-in", "Sign in");
    await signIn(site);
    await site.arrived("/acme/tokens", tokens);
    expect((await cookie(site))?.value).not.toBe(first?.value);
});

test("the e-mail address is the same however it is written", async ({ site }) => {
    await site.open("/sign-in");
    await signIn(site, { ...admin, email: ` ${admin.email.toUpperCase()} ` });
    await site.arrived("/acme/tokens", tokens);
});

test("a wrong password and an unknown person are told the same, and the address stays", async ({ site }) => {
    await site.open("/sign-in");
    const said: (string | null)[] = [];
    for (const email of [admin.email, "nobody@acme.example"]) {
        await signIn(site, { ...admin, email, password: "not the right one" });
        await expect(site.alert).toContainText("The e-mail address or the password is wrong.");
        await site.settled();
        said.push(await site.alert.textContent());
        await expect(site.field("E-mail")).toHaveValue(email);
        await expect(site.field("Password")).toHaveValue("");
    }
    expect(said[0]).toBe(said[1]);
    expect(await cookie(site)).toBeUndefined();
});

test("empty fields are named", async ({ site }) => {
    await site.open("/sign-in");
    await site.button("Sign in").click();
    await expect(site.field("E-mail")).toHaveAccessibleDescription(/Enter an e-mail address/);
    await expect(site.field("Password")).toHaveAccessibleDescription(/Enter your password\./);
});

test("after many wrong tries the next one has to wait, even with the right password", async ({ site, patchbay }) => {
    const guesser = new Client(patchbay.url);
    for (let tries = 0; tries < 5; tries++) {
        const reason = await guesser.refused("sign-in", { email: admin.email, password: `guess number ${tries}`, next: "" });
        expect(reason).toContain("The e-mail address or the password is wrong.");
    }
    await site.open("/sign-in");
    await signIn(site);
    await expect(site.alert).toContainText("Too many tries.");
    await expect(site.alert).toContainText(/Wait until \d+ \w+ \d{4}, \d\d:\d\d UTC, then try again\./);
    await expect(site.field("E-mail")).toHaveValue(admin.email);
    expect(await cookie(site)).toBeUndefined();
});

test("who is not signed in comes back to where one wanted to go", async ({ site, acme }) => {
    const runtime = await acme.runtime("prod-eu");
    for (const [wanted, heading] of [
        ["/acme/admin/runtimes", "Runtimes"],
        [`/acme/tokens?add=${runtime}`, tokens],
    ] as const) {
        await site.page.context().clearCookies();
        await site.page.goto(site.origin + wanted);
        await site.arrived(`/sign-in?next=${encodeURIComponent(wanted).replaceAll("%2F", "/")}`, "Sign in");
        await signIn(site);
        await site.arrived(wanted, heading);
    }
    await expect(site.dialog("Add token for prod-eu")).toBeVisible();
});

test("a wrong password on the way does not lose where one wanted to go", async ({ site }) => {
    await site.open("/sign-in?next=/acme/admin/runtimes");
    await signIn(site, { ...admin, password: "not the right one" });
    await expect(site.alert).toContainText("is wrong");
    await site.settled();
    await signIn(site);
    await site.arrived("/acme/admin/runtimes", "Runtimes");
});

for (const foreign of [
    "https://evil.example/",
    "//evil.example/",
    "/\\evil.example/",
    "/%09/evil.example",
    "javascript:alert(1)",
]) {
    test(`sign-in does not lead on to ${foreign}`, async ({ site }) => {
        const next = foreign.includes("%") ? foreign : encodeURIComponent(foreign);
        await site.open(`/sign-in?next=${next}`);
        await signIn(site);
        await site.arrived("/acme/tokens", tokens);
        // Nor does the page lead there whoever is signed in already.
        await site.page.goto(`${site.origin}/sign-in?next=${next}`);
        await site.arrived("/acme/tokens", tokens);
    });
}

test("who is signed in already is led on from the sign-in page", async ({ site, acme }) => {
    await site.become(acme.mira);
    await site.page.goto(`${site.origin}/sign-in`);
    await site.arrived("/acme/tokens", tokens);
    await site.page.goto(`${site.origin}/sign-in?next=/acme/admin/runtimes`);
    await site.arrived("/acme/admin/runtimes", "Runtimes");
});

test("signing out ends the session, not only the cookie", async ({ site, acme }) => {
    await site.become(acme.mira);
    await site.open("/acme/tokens");
    await site.button("Sign out").click();
    await site.arrived("/sign-in", "Sign in");
    await expect(site.notice).toContainText("You are signed out.");
    expect(await cookie(site)).toBeUndefined();
    expect((await acme.mira.send("/api/ui/page?account=acme&page=tokens")).status).toBe(401);

    await site.page.goto(`${site.origin}/acme/tokens`);
    await site.arrived("/sign-in?next=/acme/tokens", "Sign in");
});

test("a session that ended elsewhere leads to sign-in, and back to the form", async ({ site, acme }) => {
    await acme.provider();
    await site.become(acme.mira);
    const page = "/acme/admin/runtimes?register=";
    await site.open(page);
    await acme.mira.done("sign-out", {});
    await site.field("Name").fill("prod-eu");
    await site.button("Register runtime").click();
    await site.arrived(`/sign-in?next=${encodeURIComponent(page).replaceAll("%2F", "/")}`, "Sign in");
    await signIn(site);
    await site.arrived(page, "Runtimes");
    await expect(site.dialog("Register runtime")).toBeVisible();
});

test("an account that one does not belong to looks like none", async ({ site, acme }) => {
    await site.become(acme.mira);
    for (const path of ["/other/tokens", "/other/admin/runtimes", "/other/admin/git-authentication"]) {
        await site.open(path, 404);
        await expect(site.alert).toContainText("There is nothing at this address, or it is not yours to see.");
        await expect(site.page.getByRole("navigation")).toHaveCount(0);
    }
});
