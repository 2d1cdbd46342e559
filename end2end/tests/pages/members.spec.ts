// Members: invitations, roles, removal, and several accounts of one person.
import { admin } from "../support/acme.ts";
import type { Acme } from "../support/acme.ts";
import { Client } from "../support/client.ts";
import type { Site } from "../support/site.ts";
import { expect, test } from "../fixtures.ts";

const path = "/acme/admin/members";
const heading = "Members";
const tokens = "Git Personal Access Tokens";
const jonas = { name: "Jonas Weber", email: "jonas@acme.example", password: "correct horse battery" };

/** A new invitation into the account: the path of its link. */
async function invited(acme: Acme, fields: Record<string, string> = {}, account = "acme"): Promise<string> {
    const { link } = await acme.mira.done("invite", { account, role: "member", email: "", ...fields });
    return new URL(link).pathname;
}

const codeOf = (link: string) => link.replace("/join/", "");

/** Jonas, who has joined and signed in. */
async function joined(acme: Acme): Promise<Client> {
    const client = new Client(acme.patchbay.url);
    await client.done("join-as-new", { code: codeOf(await invited(acme)), ...jonas });
    return client;
}

/** The form of the page of an invitation by which somebody new comes in. */
const newcomer = (site: Site) => site.page.locator("form").filter({ has: site.page.getByRole("heading", { name: "Join Acme" }) });

/** The account's log of requests and events knows nothing of a link. */
function notLogged(acme: Acme, link: string) {
    expect(acme.patchbay.errors() + acme.patchbay.output()).not.toContain(codeOf(link));
}

/** The members as their page lists them, with what it says of each. */
const line = (site: Site, name: string) => site.row(name);

test.describe("for an admin", () => {
    test.beforeEach(async ({ site, acme }) => {
        await site.become(acme.mira);
    });

    test("somebody is invited by a link that is shown once", async ({ site, acme }) => {
        await site.open(path);
        await expect(site.page.getByRole("heading", { name: "No open invitations" })).toBeVisible();
        await site.link("Invite").click();
        const sheet = site.dialog("Invite somebody");
        await expect(sheet).toBeVisible();
        await site.settled();
        await site.field("They will be", sheet).selectOption({ label: "Admin" });
        await site.field("E-mail (optional)", sheet).fill(" Jonas@acme.example ");
        await site.button("Make link", sheet).click();
        await site.arrived(path, heading);
        await expect(site.notice).toContainText("It works once");
        const link = (await site.notice.getByRole("code").textContent()) ?? "";
        expect(link).toMatch(new RegExp(`^${site.origin}/join/[\\w-]{43}$`));
        if (site.scripts) {
            await expect(site.button("Copy the link", site.notice)).toBeVisible();
            // It stays until one has it.
            await expect(site.notice).toContainText(link);
        }
        await expect(line(site, "jonas@acme.example")).toContainText("Admin");
        await expect(line(site, "jonas@acme.example")).toContainText(admin.name);
        expect(site.page.url()).not.toContain("/join/");

        await site.open(path);
        await expect(site.page.locator("body")).not.toContainText("/join/");
        notLogged(acme, new URL(link).pathname);
    });

    test("what is wrong with an invitation stands at its fields", async ({ site }) => {
        await site.open(`${path}?invite=`);
        await site.field("E-mail (optional)").fill(admin.email);
        await site.button("Make link").click();
        await expect(site.field("E-mail (optional)")).toHaveAccessibleDescription(/Mira Sand is a member already\./);
        await site.settled();
        await expect(site.field("E-mail (optional)")).toHaveValue(admin.email);
        await site.field("E-mail (optional)").fill("nobody");
        await site.button("Make link").click();
        await expect(site.field("E-mail (optional)")).toHaveAccessibleDescription(/Enter an e-mail address/);
    });

    test("an invitation is revoked, and its link says so", async ({ site, acme }) => {
        const link = await invited(acme, { email: jonas.email });
        await site.open(path);
        await site.choose(jonas.email, `Revoke ${jonas.email}`);
        const sheet = site.dialog("Revoke this invitation?");
        await expect(sheet).toContainText(`The link for ${jonas.email} no longer works.`);
        await site.settled();
        await site.button("Revoke invitation", sheet).click();
        await site.arrived(path, heading);
        await expect(site.notice).toContainText("Invitation revoked.");
        await expect(site.page.getByRole("heading", { name: "No open invitations" })).toBeVisible();
        await site.page.context().clearCookies();
        await site.open(link, 410);
        await expect(site.heading("This invitation was taken back.")).toBeVisible();
    });

    test("a member becomes an admin, and a member again", async ({ site, acme }) => {
        await joined(acme);
        await site.open(path);
        await expect(line(site, jonas.name)).toContainText("Member");
        await site.choose(jonas.name, `Make admin ${jonas.name}`);
        const promotion = site.dialog(`Make ${jonas.name} an admin?`);
        await expect(promotion).toContainText("invite and remove people");
        await site.settled();
        await site.button("Make admin", promotion).click();
        await site.arrived(path, heading);
        await expect(site.notice).toContainText("Role changed.");
        await expect(line(site, jonas.name)).toContainText("Admin");

        await site.choose(jonas.name, `Make member ${jonas.name}`);
        await site.settled();
        await site.button("Make member", site.dialog(`Make ${jonas.name} a member?`)).click();
        await site.arrived(path, heading);
        await expect(line(site, jonas.name)).toContainText("Member");
    });

    test("the last admin stays one", async ({ site, acme }) => {
        await joined(acme);
        await site.open(path);
        await site.choose(admin.name, `Make member ${admin.name}`);
        const demotion = site.dialog(`Make ${admin.name} a member?`);
        await expect(demotion).toContainText("is the only admin");
        await expect(site.button("Make member", demotion)).toHaveCount(0);
        await site.open(path);
        await site.choose(admin.name, `Leave ${admin.name}`);
        await expect(site.dialog("Leave this account?")).toContainText("an account needs one");
    });

    test("whoever goes is named with the access keys that they issued", async ({ site, acme }) => {
        const runtime = await acme.runtime("prod-eu");
        const code = codeOf(await invited(acme, { role: "admin" }));
        const client = new Client(acme.patchbay.url);
        await client.done("join-as-new", { code, ...jonas });
        await client.done("issue-access-key", { account: "acme", id: runtime, name: "argocd" });
        await site.open(path);
        await site.choose(jonas.name, `Remove ${jonas.name}`);
        const sheet = site.dialog(`Remove ${jonas.name}?`);
        await expect(sheet).toContainText("Access keys that they issued go on working: argocd (prod-eu).");
        await site.open(path);
        await site.choose(jonas.name, `Make member ${jonas.name}`);
        await expect(site.dialog(`Make ${jonas.name} a member?`)).toContainText("Access keys that they issued go on working");
    });

    test("removing somebody names their tokens and asks what becomes of them", async ({ site, acme }) => {
        const provider = await acme.provider();
        const [eu, us] = [await acme.runtime("prod-eu", provider), await acme.runtime("prod-us", provider)];
        const client = await joined(acme);
        const token = await acme.forge.token();
        await client.done("put-token", { account: "acme", runtime: eu, token: token.value });
        await client.done("share-token", { account: "acme", runtime: eu, "targets[]": us });
        await site.open(path);
        await expect(line(site, jonas.name)).toContainText("for 2 of 2 runtimes");
        await site.choose(jonas.name, `Remove ${jonas.name}`);
        const sheet = site.dialog(`Remove ${jonas.name}?`);
        await expect(sheet).toContainText("2 tokens are stored, for prod-eu, prod-us.");
        await expect(sheet).not.toContainText("Access keys");
        await site.settled();
        await site.field("Their tokens", sheet).selectOption({ label: "Keep them until they end" });
        await site.button("Remove member", sheet).click();
        await site.arrived(path, heading);
        await expect(site.notice).toContainText(`${jonas.name} removed. The tokens are kept.`);
        await expect(line(site, jonas.name)).toHaveCount(0);

        // At once, also for who is signed in.
        expect((await client.send("/acme/tokens")).status).toBe(404);
        await site.open("/acme/admin/runtimes");
        await expect(site.row("prod-eu")).toContainText("0 of 1 person");
        await expect(site.row("prod-eu")).toContainText("and 1 who was removed");

        // Who comes back finds what was kept.
        await client.done("join", { code: codeOf(await invited(acme, { email: jonas.email })) });
        await site.open(path);
        await expect(line(site, jonas.name)).toContainText("for 2 of 2 runtimes");
        await site.choose(jonas.name, `Remove ${jonas.name}`);
        await site.settled();
        await site.button("Remove member", site.dialog(`Remove ${jonas.name}?`)).click();
        await site.arrived(path, heading);
        await expect(site.notice).toContainText("their Git providers are being asked to revoke them");
        await expect.poll(async () => (await acme.forge.requests()).filter(({ write }) => write).length).toBe(1);
    });
});

test.describe("for whoever is invited", () => {
    test("somebody new joins, and the link is used up", async ({ site, acme }) => {
        const link = await invited(acme);
        await site.open(link);
        await expect(site.heading("Invitation")).toBeVisible();
        await expect(site.page.getByRole("main")).toContainText(`${admin.name} invites you to Acme as a member.`);
        const form = newcomer(site);
        await site.field("Your name", form).fill(jonas.name);
        await site.field("E-mail", form).fill("jonas at acme");
        await site.field("Password", form).fill("too short");
        await site.button("Join Acme", form).click();
        await expect(site.field("E-mail", form)).toHaveAccessibleDescription(/Enter an e-mail address/);
        await expect(site.field("Password", form)).toHaveAccessibleDescription(/Use at least 15 characters/);
        await site.settled();
        await expect(site.field("Your name", form)).toHaveValue(jonas.name);
        await site.field("E-mail", form).fill(jonas.email);
        await site.field("Password", form).fill(jonas.password);
        await site.button("Join Acme", form).click();
        await site.arrived("/acme/tokens", tokens);
        await expect(site.notice).toContainText("You are a member now.");
        await expect(site.page.getByRole("banner")).toContainText(jonas.name);
        await expect(site.page.getByRole("banner")).toContainText("Acme · member");

        // Who comes back is told where they are; anybody else, that it was used.
        await site.open(link, 409);
        await expect(site.heading("You are a member of Acme already.")).toBeVisible();
        await site.page.context().clearCookies();
        await site.open(link, 410);
        await expect(site.heading("This invitation was used already.")).toBeVisible();
        notLogged(acme, link);
    });

    test("a link that was never made says so", async ({ site, acme }) => {
        expect(acme.mira.cookies.size).toBe(1);
        await site.open("/join/never-made", 404);
        await expect(site.heading("This invitation link does not work.")).toBeVisible();
    });

    test("an invitation for an address fixes it", async ({ site, acme }) => {
        const link = await invited(acme, { email: jonas.email });
        await site.open(link);
        const form = newcomer(site);
        await expect(site.field("E-mail", form)).toHaveValue(jonas.email);
        await expect(site.field("E-mail", form)).toBeDisabled();
        await site.field("Your name", form).fill(jonas.name);
        await site.field("Password", form).fill(jonas.password);
        await site.button("Join Acme", form).click();
        await site.arrived("/acme/tokens", tokens);

        // Not for whoever else has it.
        const other = await invited(acme, { email: "ada@acme.example" });
        await site.open(other, 409);
        await acme.patchbay.command(["account", "create", "--name", "Globex", "--admin", admin.email]);
        const elsewhere = await invited(acme, { email: "ada@acme.example" }, "globex");
        await site.open(elsewhere, 403);
        await expect(site.heading("This invitation is for ada@acme.example.")).toBeVisible();
        await expect(site.alert).toContainText(`You are signed in with ${jonas.email}.`);
    });

    test("somebody who is known signs in first, and has two accounts to switch between", async ({ site, acme }) => {
        await joined(acme);
        expect((await acme.patchbay.command(["account", "create", "--name", "Globex", "--admin", admin.email])).stdout).toContain(
            "/globex/tokens",
        );
        const link = await invited(acme, { role: "admin" }, "globex");
        await site.open(link);
        const form = site.page.locator("form").filter({ has: site.page.getByRole("heading", { name: "Join Globex" }) });
        await site.field("Your name", form).fill(jonas.name);
        await site.field("E-mail", form).fill(jonas.email);
        await site.field("Password", form).fill("some other words, long enough");
        await site.button("Join Globex", form).click();
        await expect(site.field("E-mail", form)).toHaveAccessibleDescription(/Somebody signs in with this address already\./);
        await site.settled();

        const known = site.page.locator("form").filter({ has: site.page.getByRole("heading", { name: "You have signed in here before?" }) });
        await site.field("E-mail", known).fill(jonas.email);
        await site.field("Password", known).fill("not the right one");
        await site.button("Sign in first", known).click();
        await expect(site.alert).toContainText("The e-mail address or the password is wrong.");
        await site.settled();
        await site.field("E-mail", known).fill(jonas.email);
        await site.field("Password", known).fill(jonas.password);
        await site.button("Sign in first", known).click();
        await expect(site.page.getByRole("main")).toContainText("invites you to Globex as an admin.");
        await site.settled();
        expect(site.page.url()).toBe(site.origin + link);
        await site.button(`Join Globex as ${jonas.name}`).click();
        await site.arrived("/globex/tokens", tokens);
        await expect(site.page.getByRole("banner")).toContainText("Globex · admin");

        const accounts = site.page.getByRole("group", { name: "Accounts" });
        await expect(accounts).toBeHidden();
        await site.button("Globex · admin Accounts").click();
        await expect(site.link("Globex", accounts)).toHaveAttribute("aria-current", "true");
        await site.link("Acme", accounts).click();
        await site.arrived("/acme/tokens", tokens);
        await expect(site.page.getByRole("banner")).toContainText("Acme · member");

        // The start page leads to the one that was used last.
        await site.open("/");
        await site.arrived("/acme/tokens", tokens);
        notLogged(acme, link);
    });

    test("one leaves an account, and is told that one belongs to none", async ({ site, acme }) => {
        const client = await joined(acme);
        await site.become(client);
        await site.open("/acme/tokens");
        await site.button("Acme · member Accounts").click();
        await site.link("Leave Acme").click();
        const sheet = site.dialog("Leave this account?");
        await expect(sheet).toContainText("You can no longer open this account");
        await site.settled();
        await site.button("Leave account", sheet).click();
        await site.arrived("/", "No account yet");
        await expect(site.notice).toContainText("You have left the account.");
        expect((await client.send("/acme/tokens")).status).toBe(404);
    });

    test("a member has no page of members", async ({ site, acme }) => {
        await site.become(await joined(acme));
        await site.open(path, 403);
        await expect(site.heading("For admins only")).toBeVisible();
        await expect(site.link("Members")).toHaveCount(0);
    });
});
