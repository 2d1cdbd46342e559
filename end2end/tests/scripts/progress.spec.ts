// What scripts add to the forms: progress, a recognised token, and no harm while they are still on their way.
import { expect, test } from "../fixtures.ts";

test("while a check runs the button says so and takes no second press", async ({ site, acme, forge }) => {
    const runtime = await acme.runtime("prod-eu");
    await site.become(acme.mira);
    await site.open(`/acme/tokens?add=${runtime}`);
    const release = await site.hold("**/api/ui/put-token");
    await site.field("Personal access token").fill((await forge.token()).value);
    await site.button("Add token").click();
    const busy = site.button("Checking with GitHub…");
    await expect(busy).toHaveAttribute("aria-disabled", "true");
    await expect(site.dialog("Add token for prod-eu").getByRole("status").filter({ hasText: "Please wait" })).toHaveCount(1);
    await busy.click({ force: true });
    release();
    await site.arrived("/acme/tokens", "Git Personal Access Tokens");
    await expect(site.row("prod-eu")).toContainText("Valid");
    expect((await forge.requests()).map(({ path }) => path)).toEqual(["/api/v3/user"]);
});

test("who leaves the panel while a check runs is told of its end all the same", async ({ site, acme, forge }) => {
    const runtime = await acme.runtime("prod-eu");
    await site.become(acme.mira);
    await site.open(`/acme/tokens?add=${runtime}`);
    const release = await site.hold("**/api/ui/put-token");
    await site.field("Personal access token").fill((await forge.token()).value);
    await site.button("Add token").click();
    await expect(site.button("Checking with GitHub…")).toBeVisible();
    await site.link("Cancel").click();
    await expect(site.page.getByRole("dialog")).toHaveCount(0);
    release();
    await expect(site.notice).toContainText("Token checked and stored.");
    await expect(site.row("prod-eu")).toContainText("Valid");
});

test("a pasted token is recognised at once, and another provider's is named", async ({ site, acme, forge }) => {
    const runtime = await acme.runtime("prod-eu");
    await site.become(acme.mira);
    await site.open(`/acme/tokens?add=${runtime}`);
    const field = site.field("Personal access token");
    for (const [token, words] of [
        ["ghp_0123", "GitHub personal access token (classic)"],
        ["github_pat_0123", "GitHub fine-grained personal access token"],
        ["glpat-0123", "This is a GitLab personal access token, and this runtime uses GitHub."],
        ["ATATT0123", "This is a Bitbucket API token, and this runtime uses GitHub."],
        ["ghr_0123", "This is a GitHub refresh token."],
    ] as const) {
        await field.fill(token);
        await expect(field).toHaveAccessibleDescription(new RegExp(words.replace(/[()]/g, "\\$&")));
    }
    await field.fill("");
    await expect(field).toHaveAccessibleDescription(/^Checked with GitHub before it is stored\./);
    expect(await forge.requests()).toEqual([]);
});

test("what is typed before the scripts have arrived stays, and the form works", async ({ site, acme, forge }) => {
    const runtime = await acme.runtime("prod-eu");
    await site.become(acme.mira);
    const release = await site.hold("**/*.wasm");
    // The scripts are still on their way, so the page is not waited for.
    await site.page.goto(`${site.origin}/acme/tokens?add=${runtime}`, { waitUntil: "commit" });
    const token = await forge.token();
    await site.field("Personal access token").fill(token.value);
    release();
    await site.settled();
    await expect(site.field("Personal access token")).toHaveValue(token.value);
    await site.button("Add token").click();
    await site.arrived("/acme/tokens", "Git Personal Access Tokens");
    await expect(site.row("prod-eu")).toContainText(`…${token.value.slice(-4)}`);
});

test("a server that cannot be reached is told, and the token may be sent again", async ({ site, acme, forge }) => {
    const runtime = await acme.runtime("prod-eu");
    await site.become(acme.mira);
    await site.open(`/acme/tokens?add=${runtime}`);
    const token = await forge.token();
    await site.field("Personal access token").fill(token.value);
    await site.page.route("**/api/ui/put-token", (route) => route.abort("internetdisconnected"));
    site.watch.expectFailure("/api/ui/put-token");
    await site.button("Add token").click();
    await expect(site.alert).toContainText("Patchbay cannot be reached.");
    await expect(site.field("Personal access token")).toHaveValue(token.value);
    await site.page.unroute("**/api/ui/put-token");
    await site.button("Add token").click();
    await site.arrived("/acme/tokens", "Git Personal Access Tokens");
    await expect(site.row("prod-eu")).toContainText("Valid");
});

test("a notice is dismissed", async ({ site, acme }) => {
    await acme.stored(await acme.runtime("prod-eu"));
    await site.become(acme.mira);
    await site.open("/acme/tokens");
    await site.button("Check now prod-eu").click();
    await expect(site.notice).toContainText("Checked just now: Valid.");
    await site.button("Dismiss").click();
    await expect(site.page.getByText("Checked just now: Valid.")).toHaveCount(0);
});

test("a page that is gone on to has dropped the notice of the last one", async ({ site, acme }) => {
    await acme.stored(await acme.runtime("prod-eu"));
    await site.become(acme.mira);
    await site.open("/acme/tokens");
    await site.button("Check now prod-eu").click();
    await expect(site.notice).toContainText("Checked just now: Valid.");
    await site.link("Runtimes").click();
    await site.arrived("/acme/admin/runtimes", "Runtimes");
    await expect(site.page.getByText("Checked just now: Valid.")).toHaveCount(0);
});

test("pages are gone through without loading anew", async ({ site, acme }) => {
    await acme.runtime("prod-eu");
    await site.become(acme.mira);
    await site.open("/acme/tokens");
    await site.page.evaluate(() => Object.assign(window, { mark: "still the same document" }));
    await site.link("Runtimes").click();
    await site.arrived("/acme/admin/runtimes", "Runtimes");
    await site.link("Edit prod-eu").click();
    await expect(site.dialog("Edit prod-eu")).toBeVisible();
    await site.page.goBack();
    await site.page.goBack();
    await site.arrived("/acme/tokens", "Git Personal Access Tokens");
    expect(await site.page.evaluate(() => "mark" in window)).toBe(true);
});
