// The server under test, as people run it: the release build, a data folder of its own, a free port.
import fs from "node:fs";
import net from "node:net";
import path from "node:path";
import { expect } from "@playwright/test";
import { send } from "./http.ts";
import { type Ending, Program } from "./program.ts";

// Below the ports that systems give to outgoing connections, so that none of those takes one between our look and the
// server's start. Each worker has a stretch of its own.
const firstPort = 20_000 + (Number(process.env.TEST_PARALLEL_INDEX ?? 0) % 10) * 1_000;
let tried = 0;

function isFree(port: number): Promise<boolean> {
    return new Promise((resolve) => {
        const probe = net.createServer();
        probe.once("error", () => resolve(false));
        probe.listen(port, "127.0.0.1", () => probe.close(() => resolve(true)));
    });
}

async function freePort(): Promise<number> {
    for (;;) {
        const port = firstPort + (tried++ % 1_000);
        if (await isFree(port)) return port;
    }
}

export interface Settings {
    /** Further variables. */
    env?: Record<string, string>;
}

/** What a start that failed left: its last words, and its exit code. */
export interface Failure extends Ending {
    complaint: string;
}

export class Patchbay {
    readonly url: string;
    readonly data: string;
    readonly log: string;
    private program: Program | undefined;
    private readonly earlier: string[] = [];

    private constructor(
        private readonly folder: string,
        private readonly port: number,
        private readonly env: Record<string, string>,
    ) {
        this.url = `http://127.0.0.1:${port}`;
        this.data = path.join(folder, "data");
        this.log = path.join(folder, "patchbay.log");
    }

    /** A server that is not started yet. Everything of it is in `folder`. */
    static async prepare(folder: string, { env = {} }: Settings = {}): Promise<Patchbay> {
        fs.mkdirSync(folder, { recursive: true });
        return new Patchbay(folder, await freePort(), { PATCHBAY_EGRESS_ALLOW: "127.0.0.1", ...env });
    }

    static async start(folder: string, settings: Settings = {}): Promise<Patchbay> {
        for (;;) {
            const server = await Patchbay.prepare(folder, settings);
            const failure = await server.start();
            if (!failure) return server;
            // Somebody took the port since our look: on to the next one.
            if (!failure.complaint.includes("cannot listen")) throw new Error(failure.complaint);
        }
    }

    private spawn(args: string[], input?: string): Program {
        return new Program("patchbay", {
            args,
            env: {
                PATCHBAY_LISTEN: `127.0.0.1:${this.port}`,
                PATCHBAY_DATA_DIR: this.data,
                PATCHBAY_LOG: "info",
                ...this.env,
            },
            cwd: this.folder,
            log: this.log,
            input,
        });
    }

    /** Starts and waits until it is ready; tells why if it does not get there. */
    async start(): Promise<Failure | undefined> {
        const before = this.errors().length;
        const program = this.spawn(["serve"]);
        this.program = program;
        if (!(await program.printed(/^Patchbay serves /m))) {
            const ending = await program.ended;
            this.earlier.push(program.stdout);
            this.program = undefined;
            return { ...ending, complaint: this.errors().slice(before) };
        }
        await expect.poll(async () => (await send(`${this.url}/readyz`)).status).toBe(200);
        return undefined;
    }

    /** Runs another command of the program on the same data. */
    async command(args: string[], input?: string): Promise<Failure & { stdout: string }> {
        const before = this.errors().length;
        const program = this.spawn(args, input);
        const ending = await program.ended;
        this.earlier.push(program.stdout);
        return { ...ending, stdout: program.stdout, complaint: this.errors().slice(before) };
    }

    /** Tells it to end, and waits until it has; what it was started for is done. */
    async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<Ending | undefined> {
        const program = this.program;
        this.program = undefined;
        const ending = await program?.stop(signal);
        if (program) this.earlier.push(program.stdout);
        return ending;
    }

    /** Stops and starts on the same data and the same port. */
    async restart(): Promise<void> {
        expect(await this.stop()).toEqual({ code: 0, signal: null });
        const failure = await this.start();
        if (failure) throw new Error(failure.complaint);
    }

    get pid(): number {
        if (!this.program) throw new Error("the server is not running");
        return this.program.pid;
    }

    /** Its standard output over all starts. */
    output(): string {
        return [...this.earlier, this.program?.stdout ?? ""].join("");
    }

    /** Its standard error, which has the log, over all starts. */
    errors(): string {
        return fs.existsSync(this.log) ? fs.readFileSync(this.log, "utf8") : "";
    }

    /** The path of the set-up link that the present start printed. */
    get setUpPath(): string {
        const path = /^ +http\S+?(\/setup\/\S+)$/m.exec(this.program?.stdout ?? "")?.[1];
        if (!path) throw new Error("no set-up link was printed");
        return path;
    }

    /** Memory that the system holds for it, in bytes (Linux). */
    residentMemory(): number {
        const status = fs.readFileSync(`/proc/${this.pid}/status`, "utf8");
        return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024;
    }
}
