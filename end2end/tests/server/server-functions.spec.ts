// Every server function, as it stands in the source: a new one is tested from the day it is written.
import fs from "node:fs";
import path from "node:path";
import { Client } from "../support/client.ts";
import { header, text } from "../support/http.ts";
import { root } from "../support/places.ts";
import { expect, test } from "../fixtures.ts";

interface ServerFunction {
    name: string;
    reads: boolean;
}

/** Those that somebody who has not signed in may call, each for its reason. */
const open = {
    door: "tells where one belongs",
    "set-up-link": "the link is the secret",
    "set-up": "the link is the secret",
    "sign-in": "the way in",
    invitation: "the link is the secret",
    join: "the link is the secret",
    "join-as-new": "the link is the secret",
    "sign-out": "does nothing for who is not in",
    theme: "is about the browser, not the person",
};

const calls = path.join(root, "app/src/calls");
const functions: ServerFunction[] = fs
    .readdirSync(calls)
    .flatMap((file) => [...fs.readFileSync(path.join(calls, file), "utf8").matchAll(/^#\[server\((.*)\)\]$/gm)])
    .map(([, attributes = ""]) => ({
        name: /endpoint = "ui\/([^"]+)"/.exec(attributes)?.[1] ?? `without an address: ${attributes}`,
        reads: attributes.includes("GetUrl"),
    }));

test("the server functions are found", () => {
    expect(functions.length).toBeGreaterThanOrEqual(16);
    const names = functions.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining([...Object.keys(open), "put-token", "save-runtime", "git-providers"]));
});

for (const { name, reads } of functions.filter(({ name }) => !(name in open))) {
    test(`${name} refuses who is not signed in`, async ({ patchbay, acme }) => {
        const runtime = await acme.runtime("prod-eu");
        const fields = { account: "acme", runtime, id: runtime, name: "eve", token: "ghp_0123" };
        const nobody = new Client(patchbay.url);
        const stale = new Client(patchbay.url);
        stale.cookies.set("patchbay", "a-session-that-has-ended");
        for (const visitor of [nobody, stale]) {
            if (reads) {
                const answer = await visitor.send(`/api/ui/${name}?${new URLSearchParams(fields).toString()}`);
                expect(answer.status).toBe(401);
                expect(text(answer)).toContain("not_signed_in");
                expect(header(answer, "cache-control")).toBe("no-store");
            } else {
                expect(await visitor.refused(name, fields)).toEqual(["not_signed_in"]);
            }
        }
        const runtimes = await acme.mira.read("page", { account: "acme", page: "admin/runtimes" });
        expect(runtimes.filter((text) => text.startsWith("edit-"))).toEqual([`edit-${runtime}`]);
    });

    test(`${name} refuses an account that is not one's own`, async ({ acme }) => {
        const fields = { account: "other", runtime: "x", id: "x", name: "eve", token: "ghp_0123" };
        if (reads) {
            const answer = await acme.mira.send(`/api/ui/${name}?${new URLSearchParams(fields).toString()}`);
            expect(answer.status).toBe(404);
        } else {
            expect(await acme.mira.refused(name, fields)).toEqual(["not_found"]);
        }
    });
}

test("sign-out leads whoever is not signed in to sign-in, too", async ({ patchbay }) => {
    expect(await new Client(patchbay.url).done("sign-out", {})).toMatchObject({ location: "/sign-in" });
});

test("a request that is no form gets an answer that does not repeat it", async ({ acme }) => {
    const secret = "hunter2-hunter2-hunter2";
    // What can be read as a form without fields gets the answer to that; what cannot, is the sender's error.
    for (const [type, body, status] of [
        ["application/json", JSON.stringify({ token: secret }), 200],
        ["multipart/form-data; boundary=x", `--x\r\nContent-Disposition: form-data; name="token"\r\n\r\n${secret}\r\n--x--`, 200],
        ["application/x-www-form-urlencoded", `token=${secret}&token=${secret}`, 400],
        ["application/x-www-form-urlencoded", `token[${secret}]=%ff%fe`, 400],
        ["text/plain", secret, 200],
    ] as const) {
        const answer = await acme.mira.send("/api/ui/put-token", {
            method: "POST",
            headers: { origin: acme.patchbay.url, accept: "application/json", "content-type": type },
            body,
        });
        expect(answer.status, body).toBe(status);
        expect(text(answer), type).not.toContain("hunter2");
        expect(answer.headers.flat().join("\n"), type).not.toContain("hunter2");
    }
});

test("a form that is far too large is refused", async ({ acme }) => {
    const answer = await acme.mira.post("put-token", { account: "acme", runtime: "x", token: "x".repeat(200_000) });
    expect(answer.status).toBe(413);
});
