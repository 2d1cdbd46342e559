// A program that a test starts, listens to and stops.
import { type ChildProcess, spawn } from "node:child_process";
import fs from "node:fs";
import { program } from "./places.ts";

export interface Ending {
    code: number | null;
    signal: NodeJS.Signals | null;
}

const running = new Set<ChildProcess>();
// A worker that ends early, as at Ctrl-C, leaves nothing behind either.
process.on("exit", () => {
    for (const child of running) child.kill("SIGKILL");
});

export interface Options {
    args?: string[];
    env?: Record<string, string>;
    cwd: string;
    /** The file that its standard error is added to. */
    log: string;
    input?: string;
}

export class Program {
    /** Everything it has printed so far. */
    stdout = "";
    readonly ended: Promise<Ending>;
    private readonly child: ChildProcess;
    private listeners: (() => void)[] = [];

    /** Starts a program of the build, with nothing in its environment but what is given. */
    constructor(
        readonly name: string,
        { args = [], env = {}, cwd, log, input }: Options,
    ) {
        const errors = fs.openSync(log, "a", 0o600);
        const child = spawn(program(name), args, {
            cwd,
            env: { PATH: process.env.PATH ?? "", HOME: process.env.HOME ?? "", ...env },
            stdio: ["pipe", "pipe", errors],
        });
        fs.closeSync(errors);
        this.child = child;
        running.add(child);
        // One that ends at once does not read it.
        child.stdin?.on("error", () => undefined);
        child.stdin?.end(input ?? "");
        child.stdout?.setEncoding("utf8").on("data", (text: string) => {
            this.stdout += text;
            for (const listener of this.listeners) listener();
        });
        this.ended = new Promise((resolve, reject) => {
            child.on("error", reject);
            // `close` comes after the last of its output.
            child.on("close", (code, signal) => {
                running.delete(child);
                resolve({ code, signal });
            });
        });
        // Whoever waits for its end hears of a failed start; nobody has to.
        this.ended.catch(() => undefined);
    }

    get pid(): number {
        if (this.child.pid === undefined) throw new Error(`${this.name} did not start`);
        return this.child.pid;
    }

    /** Waits until its output fits; `undefined` if it ends before. */
    async printed(pattern: RegExp): Promise<RegExpExecArray | undefined> {
        const seen = new Promise<RegExpExecArray>((resolve) => {
            const look = () => {
                const match = pattern.exec(this.stdout);
                if (match) resolve(match);
            };
            this.listeners.push(look);
            look();
        });
        try {
            return await Promise.race([seen, this.ended.then(() => pattern.exec(this.stdout) ?? undefined)]);
        } finally {
            this.listeners = [];
        }
    }

    /** Asks it to end, and waits until it has. */
    async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Ending> {
        if (running.has(this.child)) this.child.kill(signal);
        return this.ended;
    }
}
