// Secrets that are easy to find again, and everything in which they might be found.
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";
import type { BrowserContext } from "@playwright/test";
import type { Answer } from "./http.ts";
import type { Place, Secret } from "./search.ts";

/** Letters and digits that nobody could have by chance. */
export const random = (length: number) =>
    Array.from({ length }, () => "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"[crypto.randomInt(56)]).join("");
/** A password with every kind of character that some encoding writes differently. */
export const password = () => `${random(12)} &"<ä+/%=${random(14)}`;

/** The secrets of the run. */
export class Canaries {
    readonly all: Secret[] = [];
    /** Those that stand in an address by nature: set-up codes, which a person opens a link with. */
    readonly codes: Secret[] = [];

    add(name: string, value: string): string {
        if (!this.all.some((secret) => secret.value === value)) this.all.push({ name, value });
        return value;
    }

    code(name: string, value: string): string {
        this.codes.push({ name, value });
        return this.add(name, value);
    }
}

/** What leads to a Git provider and back: state and code of an authorisation stand there, and nowhere else. */
export const wayToProvider = "the way to the provider and back";
const isOnTheWay = (url: string) => /\/oauth\/(away|callback\/)/.test(url);

/** Everything that comes out of the server, by kind. */
export class Traffic {
    private readonly kinds = new Map<string, Buffer[]>();
    private readonly pending: Promise<void>[] = [];
    /** Pages of a set-up link hold its code, since their form sends it. */
    setUpPages = 0;

    private keep(kind: string, bytes: string | Buffer) {
        const kept = this.kinds.get(kind) ?? [];
        kept.push(Buffer.from(bytes), Buffer.from("\n"));
        this.kinds.set(kind, kept);
    }

    answer(url: string, { headers, body }: Pick<Answer, "headers" | "body">) {
        if (isOnTheWay(url)) return this.keep(wayToProvider, Buffer.concat([Buffer.from(JSON.stringify(headers)), body]));
        const type = headers.find(([name]) => name === "content-type")?.[1] ?? "";
        if (/\/setup\//.test(url)) this.setUpPages++;
        this.keep(/\/setup\//.test(url) ? "set-up pages" : type.includes("html") ? "HTML" : "other bodies", body);
        // Where they belong: the session's value in its cookie, and the way back to the page of a set-up link.
        const shown = headers.map(([name, value]) =>
            name === "set-cookie"
                ? `${name}: ${value.replace(/^patchbay=[^;]*/, "patchbay=")}`
                : `${name}: ${name === "location" ? value.replace(/^\/setup\/.*/, "/setup/") : value}`,
        );
        this.keep(/\/setup\//.test(url) ? "headers of set-up pages" : "headers", shown.join("\n"));
    }

    url(url: string) {
        if (isOnTheWay(url)) return this.keep(wayToProvider, url);
        this.keep(/\/setup\//.test(url) ? "set-up addresses" : "addresses", url);
    }

    /** Listens to a browser. */
    watch(context: BrowserContext) {
        context.on("request", (request) => this.url(request.url()));
        context.on("response", (response) => {
            const read = async () => {
                const headers = (await response.headersArray()).map(({ name, value }): [string, string] => [name.toLowerCase(), value]);
                // A redirect has no body that a browser would give.
                const body = await response.body().catch(() => Buffer.alloc(0));
                this.answer(response.url(), { headers, body });
            };
            this.pending.push(read().catch(() => undefined));
        });
    }

    async places(): Promise<Place[]> {
        await Promise.all(this.pending);
        return [...this.kinds].map(([name, chunks]) => ({ name, bytes: Buffer.concat(chunks) }));
    }
}

/** Every file below a folder. */
export function filesBelow(folder: string, label: string): Place[] {
    return fs
        .readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => {
            const file = path.join(entry.parentPath ?? entry.path, entry.name);
            return { name: `${label}: ${path.relative(folder, file)}`, bytes: fs.readFileSync(file) };
        });
}
