import { defineConfig } from "@playwright/test";
import { findChromium } from "./chromium.mjs";

const runsAsRoot = process.getuid?.() === 0;

// Every test starts a server and stand-in providers of its own (tests/fixtures.ts), so there is none here.
export default defineConfig({
    testDir: "tests",
    outputDir: "../target/playwright",
    fullyParallel: true,
    forbidOnly: Boolean(process.env.CI),
    // A test that passes at the second try has found something out.
    retries: 0,
    workers: 2,
    timeout: 60_000,
    expect: { timeout: 10_000 },
    // `make test` reads the numbers from the JSON file.
    reporter: [["list"], ["json", { outputFile: "../target/playwright.json" }]],
    use: {
        browserName: "chromium",
        colorScheme: "light",
        locale: "en-GB",
        timezoneId: "UTC",
        viewport: { width: 1280, height: 800 },
        trace: "retain-on-failure",
        launchOptions: {
            executablePath: findChromium(),
            // The browser must neither ask nor call home; its sandbox does not work for root.
            args: [
                "--disable-background-networking",
                "--disable-component-update",
                "--disable-gpu",
                "--disable-quic",
                "--disable-sync",
                "--no-first-run",
                ...(runsAsRoot ? ["--no-sandbox"] : []),
            ],
        },
    },
    projects: [
        // What a person does, in a browser; some of it is about scripts.
        { name: "js", testDir: "tests", testIgnore: "server/**" },
        // Every page and form must also work without JavaScript.
        { name: "nojs", testDir: "tests/pages", use: { javaScriptEnabled: false } },
        // What a browser does not show: the wire, the log, the memory.
        { name: "server", testDir: "tests/server" },
    ],
});
