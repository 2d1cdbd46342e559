// What a test starts from. Every test has a server and a stand-in Git provider of its own: both start in a fraction of a
// second, and no test can disturb another.
import fs from "node:fs";
import os from "node:os";
import path from "node:path";
import { test as base, expect } from "@playwright/test";
import { Acme } from "./support/acme.ts";
import { Forge } from "./support/forge.ts";
import { Patchbay, type Settings } from "./support/patchbay.ts";
import { Site } from "./support/site.ts";
import { Watch } from "./support/watch.ts";

interface Fixtures {
    /** How the server is started. */
    settings: Settings;
    /** A folder of the test's own, gone after it. */
    folder: string;
    forge: Forge;
    /** The server, started and not set up. */
    patchbay: Patchbay;
    /** The account `acme` on it, with an admin who has signed in and nothing else. */
    acme: Acme;
    site: Site;
}

export const test = base.extend<Fixtures>({
    settings: [{}, { option: true }],

    folder: async ({}, use, info) => {
        const folder = fs.mkdtempSync(path.join(os.tmpdir(), "patchbay-test-"));
        await use(folder);
        if (info.status !== info.expectedStatus) {
            for (const log of fs.readdirSync(folder, { recursive: true, encoding: "utf8" })) {
                if (log.endsWith(".log")) await info.attach(log, { path: path.join(folder, log) });
            }
        }
        fs.rmSync(folder, { recursive: true, force: true });
    },

    forge: async ({ folder }, use) => {
        const forge = await Forge.start(folder);
        await use(forge);
        await forge.stop();
    },

    patchbay: async ({ folder, settings }, use) => {
        const patchbay = await Patchbay.start(path.join(folder, "patchbay"), settings);
        await use(patchbay);
        await patchbay.stop();
    },

    acme: async ({ patchbay, forge }, use) => {
        await use(await Acme.make(patchbay, forge));
    },

    site: async ({ page, patchbay, javaScriptEnabled }, use) => {
        const scripts = javaScriptEnabled ?? true;
        const watch = new Watch(page.context(), patchbay.url, scripts);
        await Site.prepare(page);
        await use(new Site(page, patchbay.url, scripts, watch));
        // Without a page there is nothing left that could go wrong while the rest is taken down.
        const problems = watch.end();
        await page.close();
        expect(problems, "what the browser complained about").toEqual([]);
    },
});

export { expect };
