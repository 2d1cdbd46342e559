// Proves that nothing of the server reaches the browser: neither as a dependency nor as text inside the WASM. A secret
// store whose code is only hidden by a `cfg` is one forgotten attribute away from shipping it.
import { execFileSync } from "node:child_process";
import fs from "node:fs";
import { fail, frontendWasm, leptosSettings, root, wasmTarget } from "./lib.mjs";

const serverCrates = [
    "argon2",
    "axum",
    "backend",
    "chacha20poly1305",
    "migrations",
    "reqwest",
    "sea-orm",
    "secrecy",
    "sqlx",
    "tokio",
];

// Text that these crates leave behind in a binary: paths of their source in panics, names, SQL.
const serverText = [
    "argon2",
    "axum-0.",
    "backend/src",
    "chacha20poly1305",
    "INSERT INTO",
    "migrations/src",
    "PRAGMA ",
    "reqwest",
    "sea_orm",
    "sea-orm",
    "SELECT ",
    "sqlx",
];

const checks = [];
const check = (name, passed, detail = "") => {
    checks.push(passed);
    console.log(`${passed ? "ok  " : "FAIL"} ${name}`);
    if (!passed && detail) console.log(detail.replace(/^/gm, "       "));
};

const treeArguments = ["tree", "--locked", "-p", "frontend", "--target", wasmTarget];
const cargo = (...args) => execFileSync("cargo", [...treeArguments, ...args], { cwd: root, encoding: "utf8" });

/** The packages that the browser's half is built from, by name: `tokio v1.54.0 (proc-macro)` counts as `tokio`. */
const packages = () => new Map(cargo("--prefix=none", "--format={p}").split("\n").map((line) => line.split(" v")));

function checkDependencies() {
    const found = packages();
    check("self-test: the dependencies can be read (leptos is one)", found.has("leptos"));
    for (const name of serverCrates) {
        const version = found.get(name)?.split(" ")[0];
        check(`${name} is no dependency of the WASM`, !version, version && cargo("-i", `${name}@${version}`));
    }
}

const textIn = (binary) => serverText.filter((text) => binary.includes(text));

function checkText(label, binary) {
    check(`self-test: text planted in ${label} is found`, serverText.every((text) => {
        const middle = binary.length >> 1;
        return textIn(Buffer.concat([binary.subarray(0, middle), Buffer.from(text), binary.subarray(middle)])).includes(text);
    }));
    const found = textIn(binary);
    for (const text of serverText) {
        check(`${label} does not contain "${text}"`, !found.includes(text), around(binary, text));
    }
}

function around(binary, text) {
    const at = binary.indexOf(text);
    return at < 0 ? "" : `... ${binary.toString("latin1", at - 60, at + 100).replace(/[^ -~]/g, ".")} ...`;
}

/** The file that browsers get. */
function servedWasm() {
    const settings = leptosSettings();
    const folder = `${root}/${settings["site-root"]}/${settings["site-pkg-dir"]}`;
    return `${folder}/${fs.readdirSync(folder).find((file) => file.endsWith(".wasm"))}`;
}

try {
    checkDependencies();
    checkText("the compiled WASM", fs.readFileSync(frontendWasm));
    checkText("the served WASM", fs.readFileSync(servedWasm()));
} catch (error) {
    fail(error);
}
const passed = checks.filter(Boolean).length;
console.log(`leak guard: ${passed} passed, ${checks.length - passed} failed`);
process.exitCode = passed === checks.length ? 0 : 1;
