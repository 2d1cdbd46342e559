// Finds the browser for the tests: the one named by TEST_CHROMIUM, else Playwright's own, else an installed
// one.
// Run by itself it prints the path, and fails when there is none.
import fs from "node:fs";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";

const installed = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

export function findChromium() {
    return [process.env.TEST_CHROMIUM, chromium.executablePath(), ...installed].find((file) => file && fs.existsSync(file));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
    console.log(findChromium() ?? "no Chromium found");
    process.exitCode = findChromium() ? 0 : 1;
}
