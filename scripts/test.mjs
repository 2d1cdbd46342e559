// Every check there is, one after the other; a failed one does not keep the others from running. The last line is the
// sum over all tests: Rust's, the leak guard's and Playwright's. With `lint` it stops before the tests.
import fs from "node:fs";
import path from "node:path";
import { bold, root, seconds, step, wasmTarget } from "./lib.mjs";

const lintOnly = process.argv[2] === "lint";
const started = Date.now();
const total = { passed: 0, failed: 0 };
const summary = [];

/** A step that went wrong without a failed test counts as one, so that the last line never looks better than it was. */
function note(name, ok, tests) {
    total.passed += tests?.passed ?? 0;
    total.failed += tests?.failed || (ok ? 0 : 1);
    summary.push({ name, ok, tests });
}

/** Runs one step and adds up its tests; `count` turns its output into numbers. Says whether it went well. */
async function run(name, command, { count } = {}) {
    let output = "";
    let ok = true;
    const onOutput = count && ((chunk) => (output += chunk));
    await step(name, command, { onOutput }).catch((error) => {
        ok = false;
        console.log(`    ${error.message}`);
    });
    const tests = count?.(output);
    // A run of tests that finds none has gone wrong somewhere.
    if (tests?.failed || (count && tests.passed === 0)) ok = false;
    note(name, ok, tests);
    return ok;
}

/** Adds up all lines that the pattern matches; its groups are the passed and the failed. */
const sumOf = (pattern) => (output) => {
    const sum = { passed: 0, failed: 0 };
    for (const [, passed, failed] of output.matchAll(pattern)) {
        sum.passed += Number(passed);
        sum.failed += Number(failed);
    }
    return sum;
};

const rustTests = sumOf(/^test result: \w+\. (\d+) passed; (\d+) failed/gm);
const leakChecks = sumOf(/^leak guard: (\d+) passed, (\d+) failed$/gm);

const playwrightReport = path.join(root, "target/playwright.json");
function playwrightTests() {
    if (!fs.existsSync(playwrightReport)) return { passed: 0, failed: 0 };
    const { stats } = JSON.parse(fs.readFileSync(playwrightReport, "utf8"));
    return { passed: stats.expected, failed: stats.unexpected + stats.flaky };
}

const host = ["--locked", "--workspace", "--exclude", "frontend"];
const denyWarnings = ["--", "-D", "warnings"];

async function lint() {
    await run("Format", ["cargo", "fmt", "--all", "--check"]);
    await run("Lints: server", ["cargo", "clippy", ...host, "--all-targets", ...denyWarnings]);
    await run("Lints: browser", [
        ...["cargo", "clippy", "--locked", "-p", "frontend", "-p", "app", "--target", wasmTarget],
        ...denyWarnings,
    ]);
    await run("Types of the browser tests", ["end2end/node_modules/.bin/tsc", "-p", "end2end"]);
}

async function test() {
    await run("Rust tests", ["cargo", "test", ...host, "--no-fail-fast"], { count: rustTests });

    // The browser's tests drive what people get: the release build, and the stand-in providers.
    let built = await run("Release build", ["node", "scripts/build.mjs"]);
    built = (await run("Stand-in providers", ["cargo", "build", "--locked", "--release", "-p", "forge"])) && built;
    if (!built) {
        note("Leak guard and browser tests: not run, there is no build", false);
        return;
    }
    await run("Leak guard", ["node", "scripts/leak-guard.mjs"], { count: leakChecks });
    fs.rmSync(playwrightReport, { force: true });
    await run("Browser tests", ["npm", "--prefix", "end2end", "test"], { count: playwrightTests });
}

await lint();
if (!lintOnly) await test();

console.log(bold(`\nAll of it took ${seconds(started)} s.`));
for (const { name, ok, tests } of summary) {
    console.log(`${ok ? "ok  " : "FAIL"} ${name}${tests ? `: ${tests.passed} passed, ${tests.failed} failed` : ""}`);
}
if (!lintOnly) console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed === 0 ? 0 : 1;
