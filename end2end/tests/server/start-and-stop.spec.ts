// Starting and stopping: what is refused with which words, and what a stop waits for.
import fs from "node:fs";
import path from "node:path";
import { Client } from "../support/client.ts";
import { send, text } from "../support/http.ts";
import { Patchbay } from "../support/patchbay.ts";
import { expect, test } from "../fixtures.ts";

test("health and readiness are told without signing in", async ({ patchbay }) => {
    for (const [path, words] of [["/healthz", "alive\n"], ["/readyz", "ready\n"]] as const) {
        const answer = await send(patchbay.url + path);
        expect(answer.status).toBe(200);
        expect(text(answer)).toBe(words);
    }
});

test("the set-up link is printed until an account exists, once each start", async ({ patchbay }) => {
    const links = () => patchbay.output().match(/\/setup\//g)?.length ?? 0;
    expect(links()).toBe(1);
    await patchbay.restart();
    expect(links()).toBe(2);
    const code = patchbay.setUpPath.replace("/setup/", "");
    const fields = { code, account_name: "Acme", name: "Mira", email: "mira@acme.example", password: "correct horse battery" };
    await new Client(patchbay.url).done("set-up", fields);
    await patchbay.restart();
    expect(links()).toBe(2);
    expect((await send(`${patchbay.url}/sign-in`)).status).toBe(200);
});

test("data and master key are for their owner alone", ({ patchbay }) => {
    const mode = (file: string) => (fs.statSync(path.join(patchbay.data, file)).mode & 0o777).toString(8);
    expect(mode(".")).toBe("700");
    expect(mode("master.key")).toBe("600");
    expect(patchbay.errors()).toContain("Back it up");
});

test("a stop waits for the check that is under way", async ({ patchbay, acme, forge }) => {
    const runtime = await acme.runtime("prod-eu");
    const token = await forge.token();
    await forge.fault({ kind: "delay", millis: 2_000 });
    const reply = acme.mira.done("put-token", { account: "acme", runtime, token: token.value });
    await expect.poll(async () => (await forge.requests()).length).toBe(1);
    const ending = patchbay.stop();
    expect(await reply).toMatchObject({ message: "Token checked and stored." });
    expect(await ending).toEqual({ code: 0, signal: null });
    await expect(send(`${patchbay.url}/healthz`)).rejects.toThrow();
    await patchbay.start();
    expect(await acme.token(runtime)).toContain("Valid");
});

test("SIGINT stops it as SIGTERM does", async ({ patchbay }) => {
    expect(await patchbay.stop("SIGINT")).toEqual({ code: 0, signal: null });
});

test("a master key of another installation is refused", async ({ patchbay, acme, folder }) => {
    await acme.stored(await acme.runtime("prod-eu"));
    await patchbay.stop();
    const other = await Patchbay.start(path.join(folder, "other"));
    await other.stop();
    const key = path.join(patchbay.data, "master.key");
    const kept = fs.readFileSync(key);
    fs.copyFileSync(path.join(other.data, "master.key"), key);
    const failure = await patchbay.start();
    expect(failure?.code).toBe(1);
    expect(failure?.complaint).toMatch(/^patchbay: .*master key/m);
    expect(failure?.complaint).not.toContain(fs.readFileSync(key, "utf8").trim());

    fs.rmSync(key);
    const gone = await patchbay.start();
    expect(gone?.code).toBe(1);
    expect(gone?.complaint).toContain("Put the file back from its backup");
    expect(fs.existsSync(key)).toBe(false);

    fs.writeFileSync(key, kept, { mode: 0o600 });
    expect(await patchbay.start()).toBeUndefined();
});

test("a master key that others may read is refused", async ({ patchbay }) => {
    await patchbay.stop();
    fs.chmodSync(path.join(patchbay.data, "master.key"), 0o644);
    const failure = await patchbay.start();
    expect(failure?.code).toBe(1);
    expect(failure?.complaint).toMatch(/^patchbay: .*master\.key/m);
});

const refused: [what: string, env: Record<string, string>, says: RegExp][] = [
    ["a variable that it does not know", { PATCHBAY_LISTN: "x" }, /PATCHBAY_LISTN, which Patchbay does not know\. It knows: PATCHBAY_CONFIG/],
    ["a public URL by plain http", { PATCHBAY_PUBLIC_URL: "http://patchbay.example" }, /would travel unencrypted/],
    ["a public URL with a path", { PATCHBAY_PUBLIC_URL: "https://example.com/patchbay" }, /a host of its own/],
    ["an address without a port", { PATCHBAY_LISTEN: "127.0.0.1" }, /give an address with a port/],
    ["the world as address without a public URL", { PATCHBAY_LISTEN: "0.0.0.0:1" }, /Set PATCHBAY_PUBLIC_URL/],
    ["a nonsensical list of hosts", { PATCHBAY_EGRESS_ALLOW: "10.0.0.0/99" }, /egress_allow/],
    ["a nonsensical log filter", { PATCHBAY_LOG: "patchbay=loud" }, /log is "patchbay=loud"/],
    ["the master key twice", { PATCHBAY_MASTER_KEY: "x", PATCHBAY_MASTER_KEY_FILE: "y" }, /given twice/],
    ["a configuration file that is not there", { PATCHBAY_CONFIG: "missing.toml" }, /missing\.toml cannot be read/],
    ["a folder without the site", { PATCHBAY_SITE_DIR: "/nowhere" }, /make build/],
];

for (const [what, env, says] of refused) {
    test(`${what} is refused at the start, in one line that says what to do`, async ({ folder }) => {
        const patchbay = await Patchbay.prepare(path.join(folder, "refused"), { env });
        const failure = await patchbay.start();
        expect(failure?.code).toBe(1);
        const complaints = failure?.complaint.match(/^patchbay: .*$/gm) ?? [];
        expect(complaints).toHaveLength(1);
        expect(complaints[0]).toMatch(says);
        expect(patchbay.output()).not.toContain("/setup/");
    });
}

test("a port that is taken is named", async ({ patchbay, folder }) => {
    const env = { PATCHBAY_LISTEN: new URL(patchbay.url).host };
    const second = await Patchbay.prepare(path.join(folder, "second"), { env });
    const failure = await second.start();
    expect(failure?.complaint).toContain(`cannot listen on ${env.PATCHBAY_LISTEN}`);
});

test("an admin made on the command line can sign in", async ({ patchbay, acme }) => {
    expect(acme.mira.cookies.size).toBe(1);
    const args = ["admin", "create", "--email", "Ada@acme.example", "--name", "Ada"];
    const short = await patchbay.command(args, "too short\n");
    expect(short.code).toBe(1);
    expect(short.complaint).toContain("15 characters");
    const made = await patchbay.command(args, "a few unrelated words\n");
    expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining("is now an admin of acme") });
    expect((await patchbay.command(args, "a few unrelated words\n")).complaint).toContain("already");
    const ada = new Client(patchbay.url);
    await ada.done("sign-in", { email: "ada@acme.example", password: "a few unrelated words", next: "" });
    expect(await ada.read("frame", { account: "acme" })).toEqual(expect.arrayContaining(["Ada", "Acme · admin"]));
});

test("the doctor finds nothing wrong with a server that runs", async ({ patchbay, acme }) => {
    await acme.stored(await acme.runtime("prod-eu"));
    const finding = await patchbay.command(["doctor"]);
    expect(finding.stdout).not.toContain("problem");
    expect(finding.code).toBe(0);
});
