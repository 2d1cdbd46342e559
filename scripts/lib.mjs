// What the build and test scripts share: where things are, and how a long step is run.
import { execFileSync, spawn } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
export const wasmTarget = "wasm32-unknown-unknown";
export const release = path.join(root, "target/release");
/** The browser's half as rustc leaves it, before wasm-bindgen and wasm-opt. */
export const frontendWasm = path.join(root, "target", wasmTarget, "wasm-release/frontend.wasm");

/** The settings under `[[workspace.metadata.leptos]]`, the same that cargo-leptos reads. */
export function leptosSettings() {
    const json = execFileSync("cargo", ["metadata", "--format-version=1", "--no-deps", "--locked"], {
        cwd: root,
        maxBuffer: 1 << 28,
        stdio: ["ignore", "pipe", "inherit"],
    });
    return JSON.parse(json).metadata.leptos[0];
}

export const seconds = (since) => ((Date.now() - since) / 1000).toFixed(1);

/**
 * Runs one step, saying what it does, now and then that it is alive, and how long it took. `work` may be a function or a
 * command line; the output of a command is passed through, and handed to `onOutput` as well if there is one.
 */
export async function step(text, work, { onOutput } = {}) {
    const started = Date.now();
    console.log(bold(`==> ${text}`));
    const alive = setInterval(() => console.log(`    ... still at it: ${text} (${seconds(started)} s)`), 20_000);
    try {
        const result = typeof work === "function" ? await work() : await run(work, { onOutput });
        console.log(`    done in ${seconds(started)} s`);
        return result;
    } finally {
        clearInterval(alive);
    }
}

/** Runs a command in the project's root; rejects when it fails. */
export function run([command, ...args], { onOutput } = {}) {
    return new Promise((resolve, reject) => {
        const child = spawn(command, args, {
            cwd: root,
                stdio: ["ignore", onOutput ? "pipe" : "inherit", "inherit"],
        });
        child.stdout?.on("data", (chunk) => {
            process.stdout.write(chunk);
            onOutput(chunk);
        });
        child.on("error", reject);
        child.on("close", (code, signal) => {
            if (code === 0) resolve();
            else reject(new Error(`${command} ${args.join(" ")}: ${signal ?? `exit code ${code}`}`));
        });
    });
}

export const bold = (text) => (process.stdout.isTTY ? `\x1b[1m${text}\x1b[0m` : text);

/** For the last line of a script: a failed build step needs its message, not a stack trace through this file. */
export function fail(error) {
    console.error(`\n${error.message ?? error}`);
    process.exit(1);
}
