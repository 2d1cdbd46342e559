// Requests that another site's page makes a browser send.
import { admin } from "../support/acme.ts";
import { form, formType, header, send, text } from "../support/http.ts";
import { expect, test } from "../fixtures.ts";

const own = (origin: string): [string, Record<string, string>][] => [
    ["the browser's word", { "sec-fetch-site": "same-origin" }],
    ["our own origin", { origin }],
];
const foreign = (origin: string): [string, Record<string, string>][] => [
    ["neither", {}],
    ["another site", { "sec-fetch-site": "cross-site" }],
    ["a neighbouring host", { "sec-fetch-site": "same-site" }],
    ["no page at all", { "sec-fetch-site": "none" }],
    ["another site that claims our origin", { "sec-fetch-site": "cross-site", origin }],
    ["another origin", { origin: "https://evil.example" }],
    ["another port", { origin: "http://127.0.0.1:1" }],
    ["our name as another's", { origin: `${origin}.evil.example` }],
    ["an opaque origin", { origin: "null" }],
    ["a page of ours by its address alone", { referer: `${origin}/acme/tokens` }],
];

test("a request that changes something must come from a page of ours", async ({ patchbay, acme }) => {
    const cookie = [...acme.mira.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const post = (call: string, headers: Record<string, string>, fields: Record<string, string>) =>
        send(`${patchbay.url}/api/ui/${call}`, {
            method: "POST",
            headers: { ...formType, cookie, accept: "application/json", ...headers },
            body: form(fields),
        });
    for (const [whence, headers] of foreign(patchbay.url)) {
        for (const [call, fields] of [
            ["save-git-provider", { account: "acme", kind: "github", name: whence, base_url: "https://evil.example" }],
            ["sign-in", { email: admin.email, password: admin.password, next: "" }],
            ["sign-out", {}],
            ["theme", { theme: "dark" }],
        ] as const) {
            const answer = await post(call, headers, fields);
            expect(answer.status, `${call} from ${whence}`).toBe(403);
            expect(text(answer)).toContain("did not come from a page of Patchbay");
            expect(header(answer, "set-cookie")).toBeUndefined();
        }
    }
    expect(await acme.mira.read("page", { account: "acme", page: "admin/git-authentication" })).toContain("No Git providers yet");
    for (const [whence, headers] of own(patchbay.url)) {
        const answer = await post("theme", headers, { theme: "dark" });
        expect(answer.status, whence).toBe(200);
    }
});

test("what changes something is not done by GET, whatever cookie comes along", async ({ acme }) => {
    const runtime = await acme.runtime("prod-eu");
    for (const [call, fields] of [
        ["delete-runtime", { account: "acme", id: runtime }],
        ["sign-out", {}],
        ["theme", { theme: "dark" }],
    ] as const) {
        const answer = await acme.mira.send(`/api/ui/${call}?${form(fields)}`);
        expect(answer.status, call).toBeGreaterThanOrEqual(400);
    }
    expect(await acme.mira.read("page", { account: "acme", page: "admin/runtimes" })).toContain("1 runtime");
});

test("no page of another site may read an answer", async ({ acme }) => {
    const answer = await acme.mira.send("/api/ui/page?account=acme&page=tokens", { headers: { origin: "https://evil.example" } });
    expect(answer.headers.filter(([name]) => name.startsWith("access-control-"))).toEqual([]);
});
