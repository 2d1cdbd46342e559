// The stand-in Git provider, and what a test tells it. See end2end/forge/README.md.
import path from "node:path";
import { Program } from "./program.ts";
import { send, text } from "./http.ts";

/** The stand-in speaks for all of these; each has its base URL. */
export type Provider =
    | "github"
    | "gitlab"
    | "bitbucket_cloud"
    | "bitbucket_data_center"
    | "gitea"
    | "forgejo"
    | "gerrit";

export type TokenKind =
    | "classic"
    | "fine_grained"
    | "oauth"
    | "gitlab_personal"
    | "gitlab_oauth"
    | "bitbucket_api"
    | "bitbucket_workspace"
    | "bitbucket_project"
    | "bitbucket_repository"
    | "bitbucket_app_password"
    | "bitbucket_oauth"
    | "bitbucket_http"
    | "bitbucket_data_center_oauth"
    | "gitea"
    | "forgejo"
    | "gitea_oauth"
    | "forgejo_oauth"
    | "gerrit_token"
    | "gerrit_password";

export interface NewToken {
    account?: string;
    kind?: TokenKind;
    name?: string;
    scopes?: string[];
    permissions?: Record<string, "read" | "write" | "admin">;
    repositories?: string[];
    expires_at?: string;
    expiry_header?: "utc" | { offset: number } | "current_time" | "absent";
    sso_required?: string;
    value?: string;
}

export interface Token {
    id: number;
    value: string;
    hint: string;
}

/** An application to be registered; what is left out is as the provider has it by default. */
export interface NewOAuthApplication {
    provider: Provider;
    redirect_uris: string[];
    name?: string;
    scopes?: string[];
    /** Seconds. */
    access_lifetime?: number | null;
    refresh_lifetime?: number | null;
    expiring?: boolean | null;
    refreshes?: boolean;
    require_pkce?: boolean;
    send_iss?: string | null;
    grants?: string[] | null;
}

export type OAuthApplicationChange = Partial<Omit<NewOAuthApplication, "provider" | "name">> & { client_secret?: string };

export interface OAuthApplication {
    id: number;
    client_id: string;
    client_secret: string;
}

export interface IssuedGrant {
    grant: number;
    access: Token;
    refresh: string | null;
    expires_in: number | null;
    refresh_expires_in: number | null;
    scopes: string[];
    made_at: string;
}

export interface Grant {
    id: number;
    application: number;
    account: string;
    scopes: string[];
    live_tokens: number[];
    killed: boolean;
    refreshes: number;
}

export interface RefreshCall {
    at: string;
    application: number | null;
    grant: number | null;
    outcome:
        | "ok"
        | "reused"
        | "expired"
        | "revoked"
        | "unknown"
        | "other_application"
        | "wrong_client"
        | "wrong_redirect_uri";
    token: number | null;
}

export interface Fault {
    scope?: { path_prefix?: string; token?: number; method?: string };
    times?: number;
    fault: { kind: string } & Record<string, unknown>;
}

export interface Recorded {
    method: string;
    path: string;
    query: string | null;
    token: number | null;
    token_in_url: boolean;
    write: boolean;
    status: number | null;
}

/** The account at the forge that tokens belong to unless a test says otherwise. */
export const login = "ada";

export class Forge {
    private constructor(
        private readonly program: Program,
        readonly url: string,
    ) {}

    static async start(folder: string): Promise<Forge> {
        const program = new Program("forge", {
            args: ["--listen", "127.0.0.1:0"],
            cwd: folder,
            log: path.join(folder, "forge.log"),
        });
        const match = await program.printed(/^forge listens on \S+ \((\S+)\)$/m);
        if (!match?.[1]) throw new Error("the forge did not start");
        const forge = new Forge(program, match[1].replace(/\/$/, ""));
        await forge.control("PUT", `/accounts/${login}`, { password: "not used" });
        return forge;
    }

    get host() {
        return new URL(this.url).host;
    }

    async control<T>(method: string, address: string, body?: unknown): Promise<T> {
        const answer = await send(`${this.url}/_control${address}`, {
            method,
            headers: { "content-type": "application/json" },
            body: body === undefined ? undefined : JSON.stringify(body),
        });
        if (answer.status >= 300) throw new Error(`forge: ${method} ${address}: ${answer.status} ${text(answer)}`);
        return (answer.body.length > 0 ? JSON.parse(text(answer)) : undefined) as T;
    }

    /** The base URL of a provider. */
    async urlOf(provider: Provider): Promise<string> {
        return (await this.control<Record<Provider, string>>("GET", "/providers"))[provider];
    }

    /** A token; without a word about it, one that a runtime accepts as valid, without an end. */
    token(wanted: NewToken = {}): Promise<Token> {
        const kind = wanted.kind ?? "classic";
        const scopes = kind === "fine_grained" ? [] : ["repo"];
        return this.control("POST", "/tokens", { account: login, kind, scopes, ...wanted });
    }

    change(token: Token, change: Partial<NewToken>): Promise<void> {
        return this.control("PATCH", `/tokens/${token.id}`, change);
    }

    revoke(token: Token): Promise<void> {
        return this.control("DELETE", `/tokens/${token.id}`);
    }

    application(application: NewOAuthApplication): Promise<OAuthApplication> {
        return this.control("POST", "/oauth/applications", application);
    }

    changeApplication(application: OAuthApplication, change: OAuthApplicationChange): Promise<void> {
        return this.control("PATCH", `/oauth/applications/${application.id}`, change);
    }

    deleteApplication(application: OAuthApplication): Promise<void> {
        return this.control("DELETE", `/oauth/applications/${application.id}`);
    }

    /** What the application would have got if the account's person had consented in a browser. */
    issueGrant(application: OAuthApplication, scopes: string[], account = login): Promise<IssuedGrant> {
        return this.control("POST", "/oauth/grants", { application: application.id, account, scopes });
    }

    grants(): Promise<Grant[]> {
        return this.control("GET", "/oauth/grants");
    }

    /** As the person who gave it may on the provider's page. */
    revokeGrant(id: number): Promise<void> {
        return this.control("DELETE", `/oauth/grants/${id}`);
    }

    /** Where the account's person is sent from the page at `url` after consenting. */
    async approve(url: string, account = login): Promise<string> {
        return (await this.control<{ redirect: string }>("POST", "/oauth/approve", { url, account })).redirect;
    }

    /** Where a person is sent from the page at `url` after cancelling. */
    async deny(url: string): Promise<string> {
        return (await this.control<{ redirect: string }>("POST", "/oauth/deny", { url })).redirect;
    }

    refreshes(): Promise<RefreshCall[]> {
        return this.control("GET", "/oauth/refreshes");
    }

    repository(name: string): Promise<void> {
        return this.control("PUT", `/repos/${name}`, { private: true });
    }

    fault(fault: Fault["fault"], rule: Omit<Fault, "fault"> = {}): Promise<void> {
        return this.control("POST", "/faults", { ...rule, fault });
    }

    mend(): Promise<void> {
        return this.control("DELETE", "/faults");
    }

    clock(now: string | null): Promise<void> {
        return this.control("PUT", "/clock", { now });
    }

    requests(): Promise<Recorded[]> {
        return this.control("GET", "/requests");
    }

    async stop(): Promise<void> {
        await this.program.stop();
    }
}
