// The account that most tests start from, filled over HTTP: what a test is not about should not take its time.
import { Client } from "./client.ts";
import { type Forge, type NewToken, type Provider, type Token } from "./forge.ts";
import { text } from "./http.ts";
import type { Patchbay } from "./patchbay.ts";

export const admin = { name: "Mira Sand", email: "mira@acme.example", password: "correct horse battery" };

export class Acme {
    private constructor(
        readonly patchbay: Patchbay,
        readonly forge: Forge,
        /** Signed in as the admin. */
        readonly mira: Client,
    ) {}

    /** The account `acme`, with its admin and nothing else. */
    static async make(patchbay: Patchbay, forge: Forge): Promise<Acme> {
        const mira = new Client(patchbay.url);
        const code = patchbay.setUpPath.replace("/setup/", "");
        await mira.done("set-up", { code, account_name: "Acme", ...admin });
        return new Acme(patchbay, forge, mira);
    }

    /** The account as somebody else has made it. */
    static of(patchbay: Patchbay, forge: Forge, mira: Client): Acme {
        return new Acme(patchbay, forge, mira);
    }

    /** A Git provider, the forge as GitHub unless another address or kind is given; gives its id. */
    async provider(name = "forge", baseUrl = this.forge.url, kind: Provider = "github"): Promise<string> {
        const form = { account: "acme", kind, name, base_url: baseUrl, allow_unverified: "on" };
        await this.mira.done("save-git-provider", form);
        return this.idOf("git-authentication", name);
    }

    /** A runtime of a provider, which is registered for it if none is given; gives its id. */
    async runtime(name: string, provider?: string): Promise<string> {
        await this.mira.done("save-runtime", { account: "acme", name, provider: provider ?? (await this.provider()) });
        return this.idOf("runtimes", name);
    }

    /** The id of what a list has under this name. */
    async idOf(list: "git-authentication" | "runtimes", name: string): Promise<string> {
        // The action that edits it says what it is about.
        const texts = await this.mira.read("page", { account: "acme", page: `admin/${list}` });
        const edit = texts.find((text, at) => text.startsWith("edit-") && texts[at + 2] === name);
        if (!edit) throw new Error(`${name} is not there`);
        return edit.replace("edit-", "");
    }

    /** A stored token of Mira's for the runtime. */
    async stored(runtime: string, wanted: NewToken = {}): Promise<Token> {
        const token = await this.forge.token(wanted);
        await this.mira.done("put-token", { account: "acme", runtime, token: token.value });
        return token;
    }

    /** What the page says of Mira's token for the runtime, if there is one. */
    async token(runtime: string): Promise<string | undefined> {
        const rows = text(await this.mira.send("/acme/tokens")).split("<tr>");
        const row = rows.find((row) => row.includes(`id="replace-${runtime}"`));
        return row?.replace(/<[^>]*>/g, " ");
    }
}
