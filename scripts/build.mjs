// The release build: the server, and the site that it serves. It does what `cargo leptos build --release` would, and
// names the files the same way, but needs no tool that takes twenty minutes to install.
//
//   target/release/patchbay   the server
//   target/release/hash.txt   the hashes in the site's file names; Leptos reads it beside the server
//   target/site               static files, and pkg/ with patchbay.<hash>.{js,wasm,css}; each also as .br and .gz
import { createHash } from "node:crypto";
import fs from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import zlib from "node:zlib";
import * as esbuild from "esbuild";
import { bold, fail, frontendWasm, leptosSettings, release, root, step, wasmTarget } from "./lib.mjs";

// What the first page may cost over the wire, in bytes after brotli.
const limit = 200_000;

const settings = leptosSettings();
const name = settings["output-name"];
const site = path.join(root, settings["site-root"]);
const pkg = path.join(site, settings["site-pkg-dir"]);
const styleFile = path.join(root, settings["style-file"]);
const assets = path.join(root, settings["assets-dir"]);
const hashFile = path.join(release, settings["hash-file-name"]);
const stamp = path.join(root, "target/site.stamp");
const bindgenOut = path.join(root, "target/wasm-bindgen");

// The proposals that rustc's WASM makes use of. wasm-opt must know them, and every browser of the last years does.
const wasmFeatures = [
    "bulk-memory",
    "multivalue",
    "mutable-globals",
    "nontrapping-float-to-int",
    "reference-types",
    "sign-ext",
];

const brotli = promisify(zlib.brotliCompress);
const gzip = promisify(zlib.gzip);

async function main() {
    const { "lib-package": lib, "bin-package": bin, "lib-profile-release": profile } = settings;
    await step(`Building the server (${bin})`, ["cargo", "build", "--locked", "--release", "-p", bin]);
    await step(`Building the browser's half (${lib}, ${wasmTarget})`, [
        ...["cargo", "build", "--locked", "--profile", profile, "--target", wasmTarget, "-p", lib],
    ]);

    const inputs = await fingerprint();
    if ((await siteIsThere()) && (await fs.readFile(stamp, "utf8").catch(() => "")) === inputs) {
        console.log("==> The site is up to date");
    } else {
        // Until the stamp is written again, a half-built site counts as none.
        await fs.rm(stamp, { force: true });
        await buildSite();
        await fs.writeFile(stamp, inputs);
    }
    await report();
}

/** One hash over everything that the site is made from, this script included. */
async function fingerprint() {
    const hash = createHash("sha256");
    const add = async (file) => hash.update(`${path.relative(root, file)}\0`).update(await fs.readFile(file));
    await add(frontendWasm);
    await add(path.join(root, "Cargo.toml"));
    await add(path.join(root, "Cargo.lock"));
    await add(path.join(root, "scripts/build.mjs"));
    await add(path.join(root, "scripts/package-lock.json"));
    for (const file of await filesUnder(path.dirname(styleFile))) await add(file);
    return hash.digest("hex");
}

/** Whether the files are there that the server will ask for: cargo-leptos builds into the same folder. */
async function siteIsThere() {
    const hashes = await fs.readFile(hashFile, "utf8").catch(() => "");
    const names = [...hashes.matchAll(/^(\w+): (.+)$/gm)].map(([, kind, hash]) => `${name}.${hash}.${kind}.br`);
    const there = await fs.readdir(pkg).catch(() => []);
    return names.length === 3 && names.every((file) => there.includes(file));
}

async function buildSite() {
    await fs.rm(site, { recursive: true, force: true });
    await fs.rm(bindgenOut, { recursive: true, force: true });
    await fs.mkdir(pkg, { recursive: true });

    await step("Generating the JavaScript bindings (wasm-bindgen)", [
        ...["wasm-bindgen", frontendWasm, "--target", "web", "--no-typescript"],
        "--remove-producers-section",
        ...["--out-dir", bindgenOut, "--out-name", name],
    ]);
    const wasmOpt = [
        path.join(root, "scripts/node_modules/.bin/wasm-opt"),
        ...wasmFeatures.map((feature) => `--enable-${feature}`),
    ];
    const named = path.join(bindgenOut, "named.wasm");
    const optimised = path.join(bindgenOut, "optimised.wasm");
    await step("Optimising the WASM for size (wasm-opt)", [
        ...wasmOpt,
        // Inlining makes near-equal functions differ, and they then compress worse: 265 kB rather than 248 when measured.
        ...["-Oz", "--skip-pass=inlining-optimizing"],
        // What is computed once and kept in a local compresses worse than what is computed twice: 1 kB of 188.
        "--skip-pass=local-cse",
        // Functions of one name were made from one generic: side by side they compress better, by 3 kB of 234.
        ...["--skip-pass=reorder-functions", "--reorder-functions-by-name", "--debuginfo"],
        ...[path.join(bindgenOut, `${name}_bg.wasm`), "-o", named],
    ]);
    await step("Dropping the names of functions (wasm-opt)", [...wasmOpt, "--strip-debug", named, "-o", optimised]);

    const files = {
        js: await minify(path.join(bindgenOut, `${name}.js`)),
        wasm: await fs.readFile(optimised),
        css: await minify(styleFile),
    };
    let hashes = "";
    for (const [kind, content] of Object.entries(files)) {
        const hash = createHash("sha256").update(content).digest("base64url").slice(0, 22);
        await fs.writeFile(path.join(pkg, `${name}.${hash}.${kind}`), content);
        hashes += `${kind}: ${hash}\n`;
    }
    await fs.writeFile(hashFile, hashes);
    await fs.cp(assets, site, { recursive: true });
    await step("Compressing (brotli and gzip)", compressSite);
}

/** Minified, with what it imports drawn in, and in the language it was written in: browsers as old as that are not meant. */
async function minify(file) {
    const { outputFiles } = await esbuild.build({
        absWorkingDir: root,
        entryPoints: [file],
        bundle: true,
        minify: true,
        write: false,
        format: "esm",
        target: "esnext",
        charset: "utf8",
        legalComments: "none",
        // Addresses such as url("/icons.svg") are the browser's, not files to draw in.
        external: ["/*"],
        logLevel: "warning",
    });
    return outputFiles[0].contents;
}

async function compressSite() {
    for (const file of await filesUnder(site)) {
        if (!/\.(css|ico|js|json|svg|txt|wasm|webmanifest|xml)$/.test(file)) continue;
        const content = await fs.readFile(file);
        const options = {
            [zlib.constants.BROTLI_PARAM_QUALITY]: 11,
            [zlib.constants.BROTLI_PARAM_SIZE_HINT]: content.length,
        };
        const compressed = { br: await brotli(content, { params: options }), gz: await gzip(content, { level: 9 }) };
        for (const [suffix, smaller] of Object.entries(compressed)) {
            if (smaller.length < content.length) await fs.writeFile(`${file}.${suffix}`, smaller);
        }
    }
}

/** The table of sizes. A first page over the limit is an error: it would otherwise grow one dependency at a time. */
async function report() {
    const rows = [];
    for (const file of (await filesUnder(site)).filter((file) => !/\.(br|gz)$/.test(file))) {
        const size = async (suffix) => (await fs.stat(file + suffix).catch(() => fs.stat(file))).size;
        rows.push({ file: path.relative(site, file), raw: await size(""), gzip: await size(".gz"), brotli: await size(".br") });
    }
    const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
    const total = { file: "all that the first page loads", raw: sum("raw"), gzip: sum("gzip"), brotli: sum("brotli") };

    const width = Math.max(...[...rows, total].map((row) => row.file.length));
    const number = (value) => (typeof value === "number" ? value.toLocaleString("en-GB") : value).padStart(12);
    const line = (row) => row.file.padEnd(width) + number(row.raw) + number(row.gzip) + number(row.brotli);
    console.log(bold(`\n${line({ file: "bytes", raw: "raw", gzip: "gzip", brotli: "brotli" })}`));
    for (const row of rows.sort((a, b) => b.brotli - a.brotli)) console.log(line(row));
    console.log(bold(line(total)));
    const bytes = (value) => `${value.toLocaleString("en-GB")} bytes`;
    if (total.brotli > limit) {
        throw new Error(`The first page loads ${bytes(total.brotli)} (brotli); the limit is ${bytes(limit)}.`);
    }
    console.log(`Within the limit of ${bytes(limit)} (brotli).\n`);
}

async function filesUnder(folder) {
    const entries = await fs.readdir(folder, { recursive: true, withFileTypes: true });
    return entries
        .filter((entry) => entry.isFile())
        .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
        .sort();
}

await main().catch(fail);
