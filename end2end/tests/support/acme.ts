// The account that most tests start from, filled over HTTP: what a test is not about should not take its time.
import { Client } from "./client.ts";
import { type Forge, type NewToken, type Provider, type Token } from "./forge.ts";
import type { Patchbay } from "./patchbay.ts";

export const admin = { name: "Mira Sand", email: "mira@acme.example", password: "correct horse battery" };

interface Named {
    id: string;
    name: string;
}

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
        const page = await this.mira.read<{ providers: { id: string; label: { name: string } }[] }>("git-providers", {
            account: "acme",
        });
        return found(page.providers.map(({ id, label }) => ({ id, name: label.name })), name);
    }

    /** A runtime of a provider, which is registered for it if none is given; gives its id. */
    async runtime(name: string, provider?: string): Promise<string> {
        await this.mira.done("save-runtime", { account: "acme", name, provider: provider ?? (await this.provider()) });
        const page = await this.mira.read<{ runtimes: Named[] }>("runtimes", { account: "acme" });
        return found(page.runtimes, name);
    }

    /** A stored token of Mira's for the runtime. */
    async stored(runtime: string, wanted: NewToken = {}): Promise<Token> {
        const token = await this.forge.token(wanted);
        await this.mira.done("put-token", { account: "acme", runtime, token: token.value });
        return token;
    }

    /** What is stored for the runtime: the hint of Mira's token and its status, if there is one. */
    async token(runtime: string): Promise<{ hint: string; status: string } | undefined> {
        const page = await this.mira.read<{
            page: { rows: { runtime: string; token: { hint: string; status: string } | null }[] };
        }>("tokens", { account: "acme" });
        return page.page.rows.find((row) => row.runtime === runtime)?.token ?? undefined;
    }
}

function found(list: Named[], name: string): string {
    const id = list.find((item) => item.name === name)?.id;
    if (!id) throw new Error(`${name} is not there`);
    return id;
}
