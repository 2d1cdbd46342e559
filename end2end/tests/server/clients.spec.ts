// The stand-in providers, asked by other people's clients. These know the real providers and nothing of us: where one of
// them stumbles, the stand-in is wrong, and with it whatever we believe because of it.
import { Gitlab } from "@gitbeaker/rest";
import { Octokit } from "@octokit/rest";
// A module of the old kind, whose exports Node does not see one by one.
import bitbucketModule from "bitbucket";
import { giteaApi } from "gitea-js";
import { type Forge, login } from "../support/forge.ts";
import { expect, test } from "../fixtures.ts";

const { Bitbucket } = bitbucketModule;

/** What stands beside an API token of Bitbucket Cloud: the address of an account that was given none. */
const email = `${login}@example.com`;

test.beforeEach(async ({ forge }) => {
    await forge.repository("acme/web");
    await forge.repository("ada/notes");
});

/** What a call is refused with. */
async function refusal<Reason>(call: Promise<unknown>): Promise<Reason> {
    try {
        await call;
    } catch (reason) {
        return reason as Reason;
    }
    throw new Error("it was not refused");
}

test.describe("GitHub, by Octokit", () => {
    // It would write every refusal to the console.
    const log = { debug() {}, info() {}, warn() {}, error() {} };
    const client = (forge: Forge, token: string) => new Octokit({ auth: token, baseUrl: `${forge.url}/api/v3`, log });

    test("a token is told who it is, what it has and when it ends", async ({ forge }) => {
        const token = await forge.token({ scopes: ["repo"], expires_at: "2999-01-01T00:00:00Z" });
        const { data, headers } = await client(forge, token.value).users.getAuthenticated();
        expect(data.login).toBe(login);
        expect(headers["x-oauth-scopes"]).toBe("repo");
        expect(headers["github-authentication-token-expiration"]).toBe("2999-01-01 00:00:00 UTC");
    });

    test("every page of a list is found", async ({ forge }) => {
        const octokit = client(forge, (await forge.token()).value);
        const all = await octokit.paginate(octokit.repos.listForAuthenticatedUser, { per_page: 1 });
        expect(all.map(({ full_name }) => full_name)).toEqual(["acme/web", "ada/notes"]);
        const { data } = await octokit.repos.getBranch({ owner: "acme", repo: "web", branch: "main" });
        expect(data.name).toBe("main");
    });

    test("anybody may revoke what was found, and a token may not", async ({ forge }) => {
        const token = await forge.token();
        const wish = { credentials: [token.value] };
        const itself = client(forge, token.value).request("POST /credentials/revoke", wish);
        expect(await refusal(itself)).toMatchObject({ status: 403 });
        const anybody = new Octokit({ baseUrl: `${forge.url}/api/v3`, log });
        expect((await anybody.request("POST /credentials/revoke", wish)).status).toBe(202);
        const asked = client(forge, token.value).users.getAuthenticated();
        expect(await refusal(asked)).toMatchObject({ status: 401 });
    });

    test("a revoked token is bad credentials", async ({ forge }) => {
        const token = await forge.token();
        await forge.revoke(token);
        const asked = client(forge, token.value).users.getAuthenticated();
        expect(await refusal(asked)).toMatchObject({ status: 401, response: { data: { message: "Bad credentials" } } });
    });
});

test.describe("GitLab, by Gitbeaker", () => {
    const client = (forge: Forge, token: string) => new Gitlab({ host: forge.url, token });

    test("a token is told who it is, what it has and when it ends", async ({ forge }) => {
        const token = await forge.token({
            kind: "gitlab_personal",
            name: "argo-prod",
            scopes: ["read_api", "write_repository"],
            expires_at: "2999-12-31T00:00:00Z",
        });
        const gitlab = client(forge, token.value);
        expect((await gitlab.Users.showCurrentUser()).username).toBe(login);
        expect((await gitlab.Metadata.show()).version).toMatch(/^\d+\.\d+/);
        expect(await gitlab.PersonalAccessTokens.show()).toMatchObject({
            name: "argo-prod",
            scopes: ["read_api", "write_repository"],
            expires_at: "2999-12-31",
            active: true,
            revoked: false,
        });
    });

    test("rotating and revoking do what they say", async ({ forge }) => {
        const old = await forge.token({ kind: "gitlab_personal", scopes: ["api"] });
        const inDays = (days: number) => new Date(Date.now() + days * 86_400_000).toISOString().slice(0, 10);
        const rotate = (expiresAt: string) => client(forge, old.value).PersonalAccessTokens.rotate("self", { expiresAt });
        for (const wrong of [inDays(-1), inDays(400)]) {
            const refused = await refusal<Error & { cause: { response: Response } }>(rotate(wrong));
            expect(refused.cause.response.status).toBe(400);
        }
        const rotated = await rotate(inDays(90));
        expect(rotated.expires_at).toBe(inDays(90));
        const asked = client(forge, old.value).PersonalAccessTokens.show();
        const reason = await refusal<Error & { cause: { description: string; response: Response } }>(asked);
        expect(reason.cause.response.status).toBe(401);
        expect(reason.cause.description).toContain("invalid_token");
        const gitlab = client(forge, String(rotated.token));
        expect(await gitlab.PersonalAccessTokens.show()).toMatchObject({ id: rotated.id, scopes: ["api"] });
        await gitlab.PersonalAccessTokens.remove();
        await refusal(gitlab.PersonalAccessTokens.show());
    });

    test("every page of a list is found", async ({ forge }) => {
        const gitlab = client(forge, (await forge.token({ kind: "gitlab_personal", scopes: ["read_api"] })).value);
        const all = await gitlab.Projects.all({ membership: true, perPage: 1 });
        expect(all.map((project) => project.path_with_namespace)).toEqual(["acme/web", "ada/notes"]);
        expect(await gitlab.Projects.show("acme/web")).toMatchObject({ default_branch: "main" });
        expect((await gitlab.Branches.all("acme/web"))[0]).toMatchObject({ name: "main" });
        expect(await gitlab.ProjectHooks.all("ada/notes")).toEqual([]);
    });

    test("an OAuth token works as one", async ({ forge }) => {
        const token = await forge.token({ kind: "gitlab_oauth", scopes: ["read_user"] });
        const gitlab = new Gitlab({ host: forge.url, oauthToken: token.value });
        expect((await gitlab.Users.showCurrentUser()).username).toBe(login);
    });

    test("a missing scope is told from a bad token", async ({ forge }) => {
        const token = await forge.token({ kind: "gitlab_personal", scopes: ["write_repository"] });
        const asked = client(forge, token.value).Users.showCurrentUser();
        const reason = await refusal<Error & { cause: { response: Response } }>(asked);
        expect(reason.cause.response.status).toBe(403);
        expect(await client(forge, token.value).PersonalAccessTokens.show()).toMatchObject({ active: true });
    });

    test("a rate limit is waited out", async ({ forge }) => {
        const token = await forge.token({ kind: "gitlab_personal", scopes: ["read_api"] });
        await forge.fault({ kind: "rate_limited", status: 429, reset_in: 1 }, { times: 1 });
        expect((await client(forge, token.value).Users.showCurrentUser()).username).toBe(login);
        expect((await forge.requests()).map(({ status }) => status)).toEqual([429, 200]);
    });
});

test.describe("Bitbucket Cloud, by bitbucket.js", () => {
    interface Refusal {
        status: number;
        error: { error?: { message: string; detail?: unknown } };
        headers: Record<string, string>;
    }
    const at = (forge: Forge, auth: { token: string } | { username: string; password: string }) =>
        new Bitbucket({ baseUrl: `${forge.url}/2.0`, auth, notice: false });

    test("an API token goes beside the mail address, and its headers tell what it has", async ({ forge }) => {
        const scopes = ["read:user:bitbucket", "read:repository:bitbucket", "read:webhook:bitbucket"];
        const token = await forge.token({ kind: "bitbucket_api", scopes });
        const bitbucket = at(forge, { username: email, password: token.value });
        const { data, headers } = await bitbucket.users.getAuthedUser({});
        expect(data).toMatchObject({ type: "user", display_name: login });
        expect(headers).toMatchObject({ "x-oauth-scopes": scopes.join(", "), "x-credential-type": "api_token" });
        const place = { workspace: "acme", repo_slug: "web" };
        expect((await bitbucket.repositories.get(place)).data.full_name).toBe("acme/web");
        expect((await bitbucket.repositories.listWebhooks(place)).data.values).toEqual([]);
        expect((await bitbucket.refs.listBranches(place)).data.values?.[0]?.name).toBe("main");
    });

    test("every page of a list is found", async ({ forge }) => {
        await forge.repository("acme/api");
        const token = await forge.token({ kind: "bitbucket_api", scopes: ["read:repository:bitbucket"] });
        const bitbucket = at(forge, { username: email, password: token.value });
        const first = (await bitbucket.repositories.list({ workspace: "acme", pagelen: 1 })).data;
        expect(first.values?.map(({ slug }) => slug)).toEqual(["web"]);
        expect(bitbucket.hasNextPage(first)).toBe(true);
        const second = (await bitbucket.getNextPage(first)).data as typeof first;
        expect(second.values?.map(({ slug }) => slug)).toEqual(["api"]);
        expect(bitbucket.hasNextPage(second)).toBe(false);
    });

    test("an API token as bearer is refused, and so is one beside the login", async ({ forge }) => {
        const { value } = await forge.token({ kind: "bitbucket_api", scopes: ["read:user:bitbucket"] });
        for (const auth of [{ token: value }, { username: login, password: value }]) {
            const reason = await refusal<Refusal>(at(forge, auth).users.getAuthedUser({}));
            expect(reason.status).toBe(401);
            expect(reason.error.error?.message).toContain("Token is invalid, expired, or not supported");
        }
    });

    test("an access token is nobody and opens its repository", async ({ forge }) => {
        const token = await forge.token({
            kind: "bitbucket_repository",
            scopes: ["repository:write"],
            repositories: ["acme/web"],
        });
        const bitbucket = at(forge, { token: token.value });
        const reason = await refusal<Refusal>(bitbucket.users.getAuthedUser({}));
        expect(reason.status).toBe(403);
        expect(reason.headers).toMatchObject({
            "x-credential-type": "repo_access_token",
            "x-oauth-scopes": "repository:write",
        });
        const { data } = await bitbucket.repositories.get({ workspace: "acme", repo_slug: "web" });
        expect(data.slug).toBe("web");
    });

    test("a missing scope is named", async ({ forge }) => {
        const token = await forge.token({ kind: "bitbucket_api", scopes: ["write:repository:bitbucket"] });
        const bitbucket = at(forge, { username: email, password: token.value });
        const reason = await refusal<Refusal>(bitbucket.repositories.get({ workspace: "acme", repo_slug: "web" }));
        expect(reason.error.error?.detail).toEqual({
            granted: ["write:repository:bitbucket"],
            required: ["read:repository:bitbucket"],
        });
    });

    test("an app password is switched off", async ({ forge }) => {
        const token = await forge.token({ kind: "bitbucket_app_password", scopes: ["account"] });
        const bitbucket = at(forge, { username: login, password: token.value });
        const reason = await refusal<Refusal>(bitbucket.users.getAuthedUser({}));
        expect(reason.status).toBe(401);
        expect(reason.error.error?.message).toContain("App passwords are deprecated");
    });
});

for (const provider of ["gitea", "forgejo"] as const) {
    test.describe(`${provider}, by gitea-js`, () => {
        interface Refusal {
            status: number;
            error: { message: string };
        }
        const client = async (forge: Forge, token: string) => giteaApi(await forge.urlOf(provider), { token });

        test("a token is told who it is and what it sees", async ({ forge }) => {
            const token = await forge.token({ kind: provider, scopes: ["read:user", "write:repository"] });
            const gitea = await client(forge, token.value);
            expect((await gitea.version.getVersion()).data.version).toMatch(/^\d+\.\d+/);
            expect((await gitea.user.userGetCurrent()).data.login).toBe(login);
            const list = await gitea.user.userCurrentListRepos({ limit: 1 });
            expect(list.data.map(({ full_name }) => full_name)).toEqual(["acme/web"]);
            expect(list.headers.get("x-total-count")).toBe("2");
            expect((await gitea.repos.repoGet("acme", "web")).data.default_branch).toBe("main");
            expect((await gitea.repos.repoListBranches("acme", "web")).data[0]?.name).toBe("main");
            expect((await gitea.repos.repoListHooks("ada", "notes")).data).toEqual([]);
        });

        test("a missing scope is named and a revoked token is not", async ({ forge }) => {
            const token = await forge.token({ kind: provider, scopes: ["write:repository"] });
            const gitea = await client(forge, token.value);
            const short = await refusal<Refusal>(gitea.user.userGetCurrent());
            expect(short.status).toBe(403);
            expect(short.error.message).toContain("read:user");
            await forge.revoke(token);
            const revoked = await refusal<Refusal>(gitea.user.userGetCurrent());
            expect(revoked.status).toBe(401);
            expect(revoked.error.message).not.toContain("read:user");
        });

        test("a token may not look at tokens", async ({ forge }) => {
            const token = await forge.token({ kind: provider, scopes: ["all"] });
            const gitea = await client(forge, token.value);
            expect(await refusal(gitea.users.userGetTokens(login))).toMatchObject({ status: 401 });
        });
    });
}
