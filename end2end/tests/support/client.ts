// A visitor without a browser: keeps cookies, and asks as our own pages do.
import { expect } from "@playwright/test";
import { type Answer, type Request, form, formType, send, text } from "./http.ts";

export interface Done {
    message: string;
    caution: boolean;
    location: string;
    reload: boolean;
    /** What is shown this once. */
    link: string;
}
/** What became of a form: it is done, or why not, as the server packs it: what went wrong in a word, and what there is to say. */
export type Reply = { done: Done } | { failed: string[] };

export class Client {
    readonly cookies = new Map<string, string>();

    /** `heard` sees every answer. */
    constructor(
        readonly origin: string,
        private readonly heard: (url: string, answer: Answer) => void = () => undefined,
    ) {}

    async send(path: string, request: Request = {}): Promise<Answer> {
        const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
        const headers = { ...(cookie ? { cookie } : {}), ...request.headers };
        const url = this.origin + path;
        const answer = await send(url, { ...request, headers });
        this.heard(url, answer);
        for (const [, value] of answer.headers.filter(([name]) => name === "set-cookie")) this.keep(value);
        return answer;
    }

    private keep(cookie: string) {
        const [, name = "", value = ""] = /^([^=]+)=([^;]*)/.exec(cookie) ?? [];
        if (value === "") this.cookies.delete(name);
        else this.cookies.set(name, value);
    }

    /** The answer of a server function that reads: a list of texts, field after field (`domain::packed`). */
    async read(call: string, query: Record<string, string> = {}): Promise<string[]> {
        const answer = await this.send(`/api/ui/${call}?${form(query)}`);
        expect(answer.status, `${call}: ${text(answer)}`).toBe(200);
        return JSON.parse(text(answer)) as string[];
    }

    /** Posts a form as the scripts of our pages do. */
    post(call: string, fields: Record<string, string>): Promise<Answer> {
        return this.send(`/api/ui/${call}`, {
            method: "POST",
            headers: { ...formType, origin: this.origin, accept: "application/json" },
            body: form(fields),
        });
    }

    async reply(call: string, fields: Record<string, string>): Promise<Reply> {
        const answer = await this.post(call, fields);
        expect(answer.status, `${call}: ${text(answer)}`).toBe(200);
        const [done, ...texts] = JSON.parse(text(answer)) as string[];
        if (!done) return { failed: texts };
        const [message = "", caution = "", location = "", reload = "", link = ""] = texts;
        return { done: { message, caution: caution !== "", location, reload: reload !== "", link } };
    }

    /** Posts a form that must be accepted. */
    async done(call: string, fields: Record<string, string>): Promise<Done> {
        const reply = await this.reply(call, fields);
        if ("failed" in reply) throw new Error(`${call} failed: ${JSON.stringify(reply.failed)}`);
        return reply.done;
    }

    /** Posts a form that must be refused; gives the reason. */
    async refused(call: string, fields: Record<string, string>): Promise<string[]> {
        const reply = await this.reply(call, fields);
        if ("done" in reply) throw new Error(`${call} was accepted`);
        return reply.failed;
    }
}
