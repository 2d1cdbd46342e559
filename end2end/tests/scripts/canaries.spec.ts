// Two hundred secrets go through a whole run, by the pages and by the wire, right and wrong ones. Afterwards they are
// searched for wherever they might have been left behind. None is found; one that was planted is.
import fs from "node:fs";
import path from "node:path";
import { Acme, admin } from "../support/acme.ts";
import { Canaries, Traffic, filesBelow, password, random, wayToProvider } from "../support/canaries.ts";
import { Client } from "../support/client.ts";
import { type Answer, form, formType } from "../support/http.ts";
import { site as built } from "../support/places.ts";
import { type Place, Search, type Secret, encodings } from "../support/search.ts";
import { Site } from "../support/site.ts";
import { Watch } from "../support/watch.ts";
import { expect, test } from "../fixtures.ts";

const wanted = 200;

test.use({ settings: { env: { PATCHBAY_LOG: "trace" } } });

test("no secret of a whole run is left anywhere, and a planted one is found", async ({ browser, patchbay, forge, folder }) => {
    test.setTimeout(180_000);
    const canaries = new Canaries();
    const traffic = new Traffic();
    const heard = (url: string, answer: Answer) => {
        traffic.url(url);
        traffic.answer(url, answer);
    };
    const visitor = () => new Client(patchbay.url, heard);

    // --- Set-up: wrong links, passwords that are refused, and the right ones ---
    const setUpCode = canaries.code("set-up code", patchbay.setUpPath.replace("/setup/", ""));
    const stranger = visitor();
    for (let number = 0; number < 8; number++) {
        const code = canaries.code("wrong set-up code", random(43));
        await stranger.send(`/setup/${code}`, { headers: { accept: "text/html" } });
        await stranger.refused("set-up", { code, account_name: "Acme", ...admin, password: canaries.add("password with a wrong link", password()) });
    }
    const enter = async (scripts: boolean) => {
        const context = await browser.newContext({ javaScriptEnabled: scripts });
        traffic.watch(context);
        const page = await context.newPage();
        await Site.prepare(page);
        return new Site(page, patchbay.url, scripts, new Watch(context, patchbay.url, scripts));
    };
    const scripted = await enter(true);
    const plain = await enter(false);
    const both = [scripted, plain];

    const adminPassword = canaries.add("password of the admin", password());
    for (const site of both) {
        await site.open(patchbay.setUpPath);
        for (const [email, secret] of [
            [admin.email, canaries.add("short password at set-up", random(13))],
            ["no address", canaries.add("password at set-up beside other errors", password())],
        ] as const) {
            await site.field("Account name").fill("Acme");
            await site.field("Your name").fill(admin.name);
            await site.field("E-mail").fill(email);
            await site.field("Password").fill(secret);
            await site.button("Create account").click();
            await expect(site.page.locator("[aria-invalid]")).toHaveCount(1);
            await site.settled();
        }
    }
    await scripted.field("E-mail").fill(admin.email);
    await scripted.field("Password").fill(adminPassword);
    await scripted.button("Create account").click();
    await scripted.arrived("/acme/tokens", "Git Personal Access Tokens");

    // --- Passwords: right ones, wrong ones, for people who do not exist, and while one has to wait ---
    for (const name of ["ada", "grace", "linus"]) {
        const secret = canaries.add("password made on the command line", password());
        const args = ["admin", "create", "--email", `${name}@acme.example`, "--name", name];
        expect((await patchbay.command(args, `${canaries.add("short password on the command line", random(14))}\n`)).code).toBe(1);
        expect((await patchbay.command(args, `${secret}\n`)).code).toBe(0);
        const client = visitor();
        await client.done("sign-in", { email: `${name}@acme.example`, password: secret, next: "" });
        canaries.add("session", client.cookies.get("patchbay") ?? "");
        if (name === "ada") await client.done("sign-out", {});
    }
    const mira = visitor();
    await mira.done("sign-in", { email: admin.email, password: adminPassword, next: "" });
    const miras = canaries.add("session", mira.cookies.get("patchbay") ?? "");
    for (let number = 0; number < 20; number++) {
        const secret = canaries.add("wrong password", password());
        const email = number % 3 === 0 ? "ada@acme.example" : `nobody${number}@acme.example`;
        if (number % 2 === 0) await stranger.refused("sign-in", { email, password: secret, next: "" });
        else await plainPost(stranger, "sign-in", { email, password: secret, next: "" });
    }
    await plain.open("/sign-in");
    for (let number = 0; number < 3; number++) {
        await plain.field("E-mail").fill("nobody@acme.example");
        await plain.field("Password").fill(canaries.add("wrong password", password()));
        await plain.button("Sign in").click();
        await expect(plain.alert).toContainText("wrong");
    }
    await plain.field("E-mail").fill(admin.email);
    await plain.field("Password").fill(adminPassword);
    await plain.button("Sign in").click();
    await plain.arrived("/acme/tokens", "Git Personal Access Tokens");
    for (let number = 0; number < 8; number++) {
        const invented = visitor();
        invented.cookies.set("patchbay", canaries.add("invented session", random(43)));
        await invented.send("/acme/tokens", { headers: { accept: "text/html" } });
        const secret = canaries.add("unasked-for Authorization", random(40));
        await invented.send("/api/ui/page?account=acme&page=tokens", { headers: { authorization: `Bearer ${secret}` } });
    }

    // --- Tokens: good ones, and bad ones of every kind ---
    const acme = Acme.of(patchbay, forge, mira);
    const provider = await acme.provider();
    const runtime = await acme.runtime("prod-eu", provider);
    await acme.runtime("staging", provider);
    // Two answers have secrets in them on purpose, and are not searched: the one that shows a new key, and what it opens.
    const unheard = new Client(patchbay.url);
    unheard.cookies.set("patchbay", miras);
    const { link } = await unheard.done("issue-access-key", { account: "acme", id: runtime, name: "argocd" });
    const fetchWith = (client: Client, key: string) =>
        client.send("/api/v1/runtime/credentials", { headers: { authorization: `Bearer ${key}` } });
    expect((await fetchWith(unheard, canaries.add("access key", link))).status).toBe(200);
    expect((await fetchWith(stranger, canaries.add("unknown access key", `pbk_${random(43)}`))).status).toBe(401);
    const put = (token: string, plain: boolean) => {
        const fields = { account: "acme", runtime, token };
        return plain ? plainPost(mira, "put-token", fields) : mira.post("put-token", fields);
    };
    const goodToken = async () => canaries.add("good token", (await forge.token({ value: `ghp_${random(36)}` })).value);
    const invented = (name: string, prefix: string, length: number) => canaries.add(name, prefix + random(length));

    for (const site of both) {
        await site.open(`/acme/tokens?add=${runtime}`);
        const add = site.page.getByRole("button", { name: /^(Add token|Replace)$/ });
        for (const [token, complaint] of [
            [invented("unknown token", "ghp_", 36), "does not accept this token"],
            [invented("another provider's token", "glpat-", 30), "starts with ghp_ or"],
            [invented("unknown token without a prefix", "", 40), "does not accept this token"],
            [`${invented("token beside other words", "ghp_", 36)} and more`, "one word of letters"],
        ] as const) {
            await site.field("Personal access token").fill(token);
            await add.click();
            await expect(site.page.getByText(complaint)).toBeVisible();
            await site.settled();
        }
        await site.field("Personal access token").fill(await goodToken());
        await add.click();
        await expect(site.notice).toContainText("Token checked and stored.");
        await site.open("/acme/tokens");
        await site.button("Check now prod-eu").click();
        await expect(site.notice).toContainText("Checked just now: Valid.");
    }
    for (const asPlain of [false, true]) {
        for (let number = 0; number < 6; number++) await put(invented("unknown token", "ghp_", 36), asPlain);
        for (const prefix of ["gho_", "ghu_", "ghs_", "ghr_", "ATATT", "ATCTT", "ATBB", "glpat-"]) {
            await put(invented(`token that starts with ${prefix}`, prefix, 40), asPlain);
        }
        await put(`${invented("token with more around it", "ghp_", 36)}\r\nSet-Cookie: x=y`, asPlain);
        await put(`ä${invented("token that is not ASCII", "ghp_", 36)}`, asPlain);
        await put(invented("token that is far too long", "ghp_", 40).padEnd(9_000, "x"), asPlain);
        await put(invented("token in a form that is far too large", "ghp_", 40).padEnd(90_000, "x"), asPlain);

        const short = await forge.token({ value: invented("token that lacks a scope", "ghp_", 36), scopes: ["gist"] });
        await put(short.value, asPlain);
        const fine = await forge.token({ kind: "fine_grained", value: invented("fine-grained token", "github_pat_", 80), permissions: { metadata: "read" } });
        await put(fine.value, asPlain);
        for (const fault of [
            { kind: "sso_required", url: `${forge.url}/orgs/acme/sso` },
            { kind: "rate_limited", status: 403, reset_in: 1800 },
            { kind: "secondary_rate_limited", status: 429, retry_after: 60 },
            { kind: "status", status: 500 },
            { kind: "html" },
            { kind: "malformed_json" },
            { kind: "close_mid_body" },
            { kind: "redirect", status: 307, location: "http://localhost:1/" },
            { kind: "redirect", status: 307, location: `${forge.url}/settings/tokens` },
        ]) {
            await forge.fault(fault);
            await put(await goodToken(), asPlain);
            await forge.mend();
        }
    }
    const kept = await goodToken();
    await put(kept, false);
    await mira.done("check-token", { account: "acme", runtime });
    for (const [type, body] of [
        ["application/json", JSON.stringify({ account: "acme", runtime, token: invented("token in JSON", "ghp_", 36) })],
        ["text/plain", invented("token as plain text", "ghp_", 36)],
        ["multipart/form-data; boundary=x", `--x\r\nContent-Disposition: form-data; name="token"\r\n\r\n${invented("token in a multipart form", "ghp_", 36)}\r\n--x--\r\n`],
        [formType["content-type"], `token=${invented("token given twice", "ghp_", 36)}&token=${invented("token given twice", "ghp_", 36)}`],
        [formType["content-type"], `${invented("token as a field's name", "ghp_", 36)}=1`],
        [formType["content-type"], `token=%ff%fe${invented("token beside broken text", "ghp_", 36)}`],
    ] as const) {
        for (const accept of ["application/json", "text/html"]) {
            const headers = { origin: patchbay.url, accept, "content-type": type };
            await mira.send("/api/ui/put-token", { method: "POST", headers, body });
        }
    }
    // A form of another site comes with the cookies of ours.
    await mira.send("/api/ui/put-token", { method: "POST", headers: { ...formType, origin: "https://evil.example" }, body: form({ account: "acme", runtime, token: invented("token from another site", "ghp_", 36) }) });

    // --- OAuth: client secrets, right and wrong ones; states and codes, used, replayed and refused ---
    const lab = await acme.provider("GitLab", await forge.urlOf("gitlab"), "gitlab");
    const authorized = await acme.runtime("authorized", lab);
    const sheet = await mira.read("sheet", { account: "acme", page: "admin/git-authentication", query: `application=${lab}` });
    const callback = sheet.find((text) => text.includes("/oauth/callback/")) ?? "";
    const id = callback.split("/").pop() ?? "";
    const scopes = ["write_repository", "read_api"];
    const application = await forge.application({ provider: "gitlab", redirect_uris: [callback], scopes });
    canaries.add("client secret", application.client_secret);
    const registered = { account: "acme", id, client_id: application.client_id, scopes: scopes.join(",") };
    const wrongSecret = canaries.add("wrong client secret", random(40));
    await mira.done("save-application", { ...registered, provider: lab, client_secret: wrongSecret, "runtimes[]": authorized });
    await mira.done("test-application", { account: "acme", id });
    for (const field of ["client_id", "scopes", "name", "secret_ends_on"]) {
        const misplaced = { ...registered, client_secret: canaries.add("client secret beside an error", random(40)), [field]: "\u0000" };
        await mira.post("save-application", misplaced);
        await plainPost(mira, "save-application", misplaced);
    }
    const authorize = async (answered: (address: string) => Promise<string>) => {
        await mira.done("authorize", { account: "acme", runtime: authorized });
        const away = await mira.send("/oauth/away", { headers: { accept: "text/html" } });
        const address = /href="([^"]*)"/.exec(away.body.toString("utf8"))?.[1]?.replaceAll("&amp;", "&") ?? "";
        canaries.add("state", new URL(address).searchParams.get("state") ?? "");
        const back = new URL(await answered(address));
        const code = back.searchParams.get("code");
        if (code) canaries.add("code", code);
        for (let time = 0; time < 2; time++) await mira.send(back.pathname + back.search, { headers: { accept: "text/html" } });
    };
    await authorize((address) => forge.approve(address));
    await mira.done("save-application", { ...registered, client_secret: application.client_secret });
    await mira.done("test-application", { account: "acme", id });
    await authorize((address) => forge.deny(address));
    await authorize((address) => forge.approve(address));
    expect(await acme.token(authorized), "it was authorised").toContain("refreshed automatically");

    // --- A restart, and more of the same until there are enough ---
    await patchbay.restart();
    const open = visitor();
    open.cookies.set("patchbay", miras);
    while (canaries.all.length < wanted) {
        await open.done("put-token", { account: "acme", runtime, token: await goodToken() });
    }
    await open.done("check-token", { account: "acme", runtime });
    for (const address of ["/acme/tokens", `/acme/tokens?replace=${runtime}`, "/acme/admin/runtimes", "/acme/admin/git-authentication"]) {
        expect((await open.send(address, { headers: { accept: "text/html" } })).status).toBe(200);
    }
    for (const site of both) {
        const cookies = await site.page.context().cookies();
        canaries.add("session", cookies.find(({ name }) => name === "patchbay")?.value ?? "");
    }
    expect(canaries.all.length).toBeGreaterThanOrEqual(wanted);
    expect(Math.min(...canaries.all.map(({ value }) => value.length))).toBeGreaterThanOrEqual(13);

    // --- The search ---
    const output = patchbay.output();
    expect(output.split(setUpCode).length - 1, "how often the set-up link is printed").toBe(1);
    const trafficked = await traffic.places();
    const places: Place[] = [
        ...filesBelow(patchbay.data, "data while it runs"),
        { name: "standard output", bytes: Buffer.from(output.replace(setUpCode, "")) },
        { name: "log", bytes: fs.readFileSync(patchbay.log) },
        ...trafficked,
        { name: "what the forge was asked", bytes: Buffer.from(JSON.stringify(await forge.requests())) },
        ...filesBelow(built, "site"),
    ];
    for (const site of both) await site.page.context().close();
    await patchbay.stop();
    places.push(...filesBelow(patchbay.data, "data after it stopped"));
    for (const place of ["data while it runs: patchbay.db", "data while it runs: patchbay.db-wal", "data after it stopped: patchbay.db", "HTML", "other bodies", "headers", "addresses", "set-up pages", "log", "what the forge was asked"]) {
        expect(places.find(({ name }) => name === place)?.bytes.length ?? 0, place).toBeGreaterThan(1_000);
    }
    expect(places.find(({ name }) => name === "log")?.bytes.includes("TRACE"), "the log is at trace level").toBe(true);
    expect(places.some(({ name }) => name.endsWith(".wasm")), "the WASM is searched").toBe(true);

    const search = new Search(canaries.all);
    const isByNature = (place: string, secret: string) =>
        // A link is opened by its address, and its page sends its code back.
        (place === "set-up addresses" && canaries.codes.some(({ name }) => name === secret)) ||
        (place === "set-up pages" && secret === "set-up code") ||
        // They go by the browser: a redirect has no other way.
        (place === wayToProvider && (secret === "state" || secret === "code"));
    const found = places.flatMap((place) => search.find(place)).filter(({ place, secret }) => !isByNature(place, secret));
    expect(found).toEqual([]);

    // --- The search finds what is there: one secret in each way of writing it, planted in a copy of every place ---
    const copies = path.join(folder, "planted");
    places.forEach(({ name, bytes }, number) => {
        const planted: Secret = { name: "planted", value: canaries.all[(number * 7) % canaries.all.length]?.value ?? "" };
        const ways = encodings(planted.value);
        const middle = bytes.length >> 1;
        const file = path.join(copies, String(number));
        fs.mkdirSync(copies, { recursive: true });
        fs.writeFileSync(file, Buffer.concat([bytes.subarray(0, middle), ...ways.values(), bytes.subarray(middle)]));
        const hits = new Set(new Search([planted]).find({ name, bytes: fs.readFileSync(file) }).map(({ encoding }) => encoding));
        const different = new Set([...ways].map(([, way]) => way.toString("latin1")));
        expect(hits.size, `ways of writing found in ${name}`).toBe(different.size);
        fs.rmSync(file);
    });
});

/** Posts a form as a browser without scripts does. */
function plainPost(client: Client, call: string, fields: Record<string, string>): Promise<Answer> {
    const headers = { ...formType, origin: client.origin, accept: "text/html", referer: `${client.origin}/acme/tokens` };
    return client.send(`/api/ui/${call}`, { method: "POST", headers, body: form(fields) });
}
