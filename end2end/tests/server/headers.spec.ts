// The headers of every answer, and how the assets are served.
import fs from "node:fs";
import path from "node:path";
import zlib from "node:zlib";
import { root } from "../support/places.ts";
import { type Answer, header, send, text } from "../support/http.ts";
import { expect, test } from "../fixtures.ts";

const fixed = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
};

function directives(answer: Answer): Map<string, string[]> {
    const policy = header(answer, "content-security-policy") ?? "";
    return new Map(
        policy.split(";").map((directive): [string, string[]] => {
            const [name = "", ...sources] = directive.trim().split(/\s+/);
            return [name, sources];
        }),
    );
}

/** The files under /pkg that a page names. */
const assetsOf = (page: Answer) => [...new Set(text(page).match(/\/pkg\/[\w.-]+/g))].sort();

test("every answer has the security headers", async ({ patchbay, acme }) => {
    const page = await acme.mira.send("/acme/tokens");
    for (const [path, status] of [
        ["/acme/tokens", 200],
        ["/sign-in", 303],
        ["/a/b/c/d", 404],
        ["/api/ui/page?account=acme&page=tokens", 200],
        ["/api/ui/page?account=other&page=tokens", 404],
        ["/api/ui/nothing-here", 400],
        ["/healthz", 200],
        ["/static/favicon.svg", 200],
        ["/pkg/nothing-here.js", 404],
        [assetsOf(page)[0] ?? "", 200],
    ] as const) {
        const answer = await acme.mira.send(path);
        expect(answer.status, path).toBe(status);
        for (const [name, value] of Object.entries(fixed)) expect(header(answer, name), `${name} of ${path}`).toBe(value);
        expect(header(answer, "permissions-policy"), path).toContain("camera=()");
        expect(directives(answer).get("frame-ancestors"), path).toEqual(["'none'"]);
        expect(directives(answer).get("default-src"), path).toEqual(["'none'"]);
        expect(header(answer, "server"), path).toBeUndefined();
        // What was asked for by name and is there may be kept; anything else may not.
        const kept = path.startsWith("/static/") || (path.startsWith("/pkg/") && status === 200);
        expect(header(answer, "cache-control"), path).toMatch(kept ? /^public, max-age=\d+/ : /^no-store$/);
    }
    expect(header(await send(`${patchbay.url}/healthz`), "strict-transport-security")).toBeUndefined();
});

test("a page's policy has a nonce that no other page has, and allows nothing inline", async ({ acme }) => {
    const nonces = new Set<string>();
    for (const path of ["/acme/tokens", "/acme/tokens", "/a/b/c/d", "/acme/admin/runtimes", "/other/tokens"]) {
        const page = await acme.mira.send(path);
        const policy = directives(page);
        const all = header(page, "content-security-policy") ?? "";
        expect(all).not.toContain("unsafe-inline");
        expect(all).not.toContain("'unsafe-eval'");
        expect(all).not.toMatch(/https?:|\*/);
        expect(policy.get("base-uri")).toEqual(["'none'"]);
        expect(policy.get("form-action")).toEqual(["'self'"]);
        const nonce = policy.get("script-src")?.join(" ").match(/'nonce-([^']+)'/)?.[1] ?? "";
        expect(nonce.length).toBeGreaterThanOrEqual(22);
        nonces.add(nonce);
        for (const [tag] of text(page).matchAll(/<script\b[^>]*>/g)) {
            expect(tag).toContain(`nonce="${nonce}"`);
        }
        expect(text(page)).not.toMatch(/<style\b|\sstyle=|\son\w+=/);
    }
    expect(nonces.size).toBe(5);
});

test("assets have a hash in their name, come compressed, and may be kept for ever", async ({ patchbay }) => {
    const page = await send(`${patchbay.url}/sign-in`);
    const assets = assetsOf(page);
    expect(assets.map((path) => path.split(".").at(-1))).toEqual(expect.arrayContaining(["css", "js", "wasm"]));
    let onTheWire = 0;
    for (const path of assets) {
        expect(path).toMatch(/^\/pkg\/patchbay\.[\w-]{16,}\.(css|js|wasm)$/);
        const plain = await send(patchbay.url + path);
        for (const [encoding, decode] of [
            ["br", zlib.brotliDecompressSync],
            ["gzip", zlib.gunzipSync],
        ] as const) {
            const answer = await send(patchbay.url + path, { headers: { "accept-encoding": encoding } });
            expect(header(answer, "content-encoding"), path).toBe(encoding);
            expect(header(answer, "cache-control"), path).toContain("immutable");
            expect(header(answer, "vary"), path).toMatch(/accept-encoding/i);
            expect(decode(answer.body).equals(plain.body), path).toBe(true);
            if (encoding === "br") onTheWire += answer.body.length;
        }
    }
    // What the first page loads, in bytes: the limit of the build, kept by what is really served.
    const script = fs.readFileSync(path.join(root, "scripts/build.mjs"), "utf8");
    const limit = Number(/^const limit = ([\d_]+);$/m.exec(script)?.[1]?.replaceAll("_", ""));
    expect(onTheWire).toBeGreaterThan(50_000);
    expect(onTheWire).toBeLessThanOrEqual(limit);
});

test("assets have the types that browsers demand", async ({ patchbay }) => {
    const types = { css: "text/css", js: "text/javascript", wasm: "application/wasm" };
    const page = await send(`${patchbay.url}/sign-in`);
    for (const path of assetsOf(page)) {
        const type = types[path.split(".").at(-1) as keyof typeof types];
        expect(header(await send(patchbay.url + path), "content-type"), path).toContain(type);
    }
});

test("no file outside of the site is served", async ({ patchbay }) => {
    for (const path of ["/pkg/../hash.txt", "/pkg/..%2fhash.txt", "/static/%2e%2e/pkg/", "/pkg/", "/static/", "/.env"]) {
        const answer = await send(patchbay.url.replace(/$/, "") + path);
        expect(answer.status, path).toBeGreaterThanOrEqual(300);
        expect(text(answer), path).not.toContain("wasm: ");
    }
});

test.describe("reached by https", () => {
    test.use({ settings: { env: { PATCHBAY_PUBLIC_URL: "https://patchbay.example" } } });

    test("cookies are held to https and this host, and browsers are told to stay with https", async ({ patchbay }) => {
        const answer = await send(`${patchbay.url}/api/ui/theme`, {
            method: "POST",
            headers: { "content-type": "application/x-www-form-urlencoded", origin: "https://patchbay.example" },
            body: "theme=dark",
        });
        expect(answer.status).toBe(200);
        expect(header(answer, "set-cookie")).toMatch(/^__Host-patchbay-theme=dark; Path=\/; HttpOnly; SameSite=Lax; Secure/);
        expect(header(answer, "strict-transport-security")).toMatch(/max-age=\d{7,}/);
    });
});
