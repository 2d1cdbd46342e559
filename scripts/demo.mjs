// `make demo`: the server with the stand-in Git providers and a filled example account, all of it new at every start.
import { spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { createInterface } from "node:readline";
import { bold, fail, release, root } from "./lib.mjs";

const data = path.join(root, "target/demo");
const children = [];

/** Starts a program and waits for the line of its output that says it is ready; all of its output is passed on. */
function start(name, args, env, ready) {
    const child = spawn(path.join(release, name), args, { cwd: root, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "inherit"] });
    children.push(child);
    return new Promise((resolve, reject) => {
        const lines = [];
        child.on("error", reject);
        child.on("exit", (code) => {
            stop();
            reject(new Error(`${name} ended (exit code ${code})`));
        });
        createInterface({ input: child.stdout }).on("line", (line) => {
            console.log(`${name}: ${line}`);
            lines.push(line);
            if (ready.test(line)) resolve(lines.join("\n"));
        });
    });
}

function stop() {
    for (const child of children) child.kill();
}

const person = { name: "Mira Rao", email: "mira@acme.example", password: "demo demo demo demo" };
const day = 86_400_000;

/** Fills the example account through the same forms that a person uses. */
async function seed({ forge, patchbay, setUpLink }) {
    const control = async (method, what, body) => {
        const answer = await fetch(`${forge}/_control/${what}`, {
            method,
            headers: { "content-type": "application/json" },
            body: JSON.stringify(body),
        });
        if (!answer.ok) throw new Error(`forge refused ${what}: ${await answer.text()}`);
        return answer.status === 204 ? undefined : answer.json();
    };
    await control("PUT", "accounts/mira-rao", { password: person.password, name: person.name });
    await control("PUT", "repos/mira-rao/site", { private: true });

    let cookie = "";
    const post = async (form, fields) => {
        const answer = await fetch(`${patchbay}api/ui/${form}`, {
            method: "POST",
            headers: { accept: "application/json", cookie, "sec-fetch-site": "same-origin" },
            body: new URLSearchParams(fields),
        });
        cookie = answer.headers.getSetCookie().find((line) => line.startsWith("patchbay="))?.split(";")[0] ?? cookie;
        const reply = await answer.json();
        if (!reply[0]) throw new Error(`Patchbay refused ${form}: ${JSON.stringify(reply)}`);
    };
    // The id of what a list has under a name: the action that edits it says what it is about.
    const idOf = async (list, name) => {
        const answer = await fetch(`${patchbay}api/ui/${list}?account=acme-platform`, { headers: { cookie } });
        const texts = await answer.json();
        return texts.find((text, at) => text.startsWith("edit-") && texts[at + 2] === name).replace("edit-", "");
    };
    await post("set-up", { code: setUpLink.split("/").at(-1), account_name: "Acme Platform", ...person });
    const account = "acme-platform";
    const register = async (kind, name, base_url) => {
        await post("save-git-provider", { account, kind, name, base_url, allow_unverified: "on" });
        return idOf("git-providers", name);
    };
    const provider = await register("github", "GitHub (stand-in)", forge);
    const addresses = await control("GET", "providers");
    const gitlab = await register("gitlab", "GitLab (stand-in)", addresses.gitlab);
    const forgejo = await register("forgejo", "Forgejo (stand-in)", addresses.forgejo);

    const fine = { kind: "fine_grained", permissions: { contents: "write", metadata: "read" } };
    const inDays = (days) => new Date(Date.now() + days * day).toISOString();
    // One runtime for each status; `after` is what happens to the token once it is stored.
    const runtimes = [
        { name: "build-farm", token: { scopes: ["repo"], expires_at: inDays(200) } },
        { name: "canary-eu", token: { scopes: ["repo"] }, after: (id) => control("DELETE", `tokens/${id}`) },
        { name: "edge-lab", token: { ...fine, expires_at: inDays(90) } },
        { name: "prod-eu", token: { scopes: ["repo", "delete_repo"], expires_at: inDays(120) } },
        { name: "prod-us", token: { scopes: ["repo"], expires_at: inDays(5) } },
        { name: "sandbox" },
        {
            name: "gitlab-eu",
            provider: gitlab,
            token: { kind: "gitlab_personal", scopes: ["api"], expires_at: inDays(45) },
            shared: "gitlab-us",
        },
        { name: "gitlab-us", provider: gitlab },
        {
            name: "forgejo-sync",
            provider: forgejo,
            token: { kind: "forgejo", scopes: ["write:repository", "read:user"] },
        },
        {
            name: "staging-us",
            token: { scopes: ["repo"], expires_at: inDays(80) },
            after: (id) => control("PATCH", `tokens/${id}`, { scopes: ["public_repo"] }),
        },
        {
            name: "vault-sync",
            token: { scopes: ["repo"], expires_at: inDays(60) },
            after: (id) =>
                control("POST", "faults", {
                    scope: { token: id },
                    fault: { kind: "sso_required", url: `${forge}/orgs/acme/sso?authorization_request=demo` },
                }),
        },
    ];
    const ids = {};
    for (const { name, provider: own = provider } of runtimes) {
        await post("save-runtime", { account, name, provider: own });
        ids[name] = await idOf("runtimes", name);
    }
    for (const { name, token, after, shared } of runtimes.filter(({ token }) => token)) {
        const { id, value } = await control("POST", "tokens", { account: "mira-rao", kind: "classic", ...token });
        await post("put-token", { account, runtime: ids[name], token: value });
        if (shared) await post("share-token", { account, runtime: ids[name], "targets[]": ids[shared] });
        if (after) {
            await after(id);
            await post("check-token", { account, runtime: ids[name] });
        }
    }
    const spare = await control("POST", "tokens", { account: "mira-rao", kind: "classic", scopes: ["repo"] });
    console.log(`
Sign in as ${person.email} with the password: ${person.password}
To add a token for the runtime sandbox, make one at ${forge}/settings/tokens/new
(sign in there as mira-rao, same password), or paste this one: ${spare.value}`);
}

try {
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, stop);
    fs.rmSync(data, { recursive: true, force: true });

    const forge = (await start("forge", [], {}, /^forge listens/)).match(/http:\S+(?=\))/)[0];
    const environment = { PATCHBAY_DATA_DIR: data, PATCHBAY_EGRESS_ALLOW: "127.0.0.1", PATCHBAY_LOG: "warn" };
    const output = await start("patchbay", [], environment, /^Patchbay serves/);
    const patchbay = output.match(/^Patchbay serves (\S+)/m)[1];
    await seed({ forge, patchbay, setUpLink: output.match(/^ +(http\S+)/m)?.[1] });
    console.log(bold(`\nThe demo is at ${patchbay} (Ctrl-C stops it)\n`));
} catch (error) {
    stop();
    fail(error);
}
