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

/** Fills the example account. `setUpLink` makes the first admin; `forge` is the stand-in providers' address. */
async function seed({ forge, patchbay, setUpLink }) {
    console.log(`Nothing is filled in yet: ${patchbay} (set-up link ${setUpLink}), providers at ${forge}`);
}

try {
    for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, stop);
    fs.rmSync(data, { recursive: true, force: true });

    const forge = (await start("forge", [], {}, /^forge listens/)).match(/http:\S+(?=\))/)[0];
    const environment = { PATCHBAY_DATA_DIR: data, PATCHBAY_EGRESS_ALLOW: "127.0.0.1" };
    const output = await start("patchbay", [], environment, /^Patchbay serves/);
    const patchbay = output.match(/^Patchbay serves (\S+)/m)[1];
    await seed({ forge, patchbay, setUpLink: output.match(/^ +(http\S+)/m)?.[1] });
    console.log(bold(`\nThe demo is at ${patchbay} (Ctrl-C stops it)\n`));
} catch (error) {
    stop();
    fail(error);
}
