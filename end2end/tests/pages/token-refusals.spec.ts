// A token that is not accepted: each reason has its own words and says what to do, and nothing is stored.
import { login, type Fault, type Forge } from "../support/forge.ts";
import { expect, test } from "../fixtures.ts";

interface Refusal {
    /** What is wrong, as the end of the test's name. */
    when: string;
    /** Makes it so; gives the token to paste. */
    given: (forge: Forge) => Promise<string>;
    /** What is said. */
    says: (string | RegExp)[];
    /** The link that is offered: its words and address. */
    link?: (forge: Forge) => [words: string, href: string];
}

const nothingStored = "Nothing was stored.";
const saysNothing = "That says nothing about the token. Nothing was changed";

/** A good token that meets a fault. */
const meets = (fault: Fault["fault"]) => async (forge: Forge) => {
    await forge.fault(fault);
    return (await forge.token()).value;
};

const refusals: Refusal[] = [
    {
        when: "was revoked",
        given: async (forge) => {
            const token = await forge.token();
            await forge.revoke(token);
            return token.value;
        },
        says: ["GitHub does not accept this token.", "Copy it again, or generate a new one.", nothingStored],
    },
    {
        when: "never was one",
        given: () => Promise.resolve("hunter2-hunter2-hunter2"),
        says: ["GitHub does not accept this token.", nothingStored],
    },
    {
        when: "lacks a scope",
        given: async (forge) => (await forge.token({ scopes: ["public_repo", "repo:status"] })).value,
        says: [
            `GitHub knows this token of ${login}, but it lacks a scope that this runtime needs: repo`,
            "Generate a token with all of them and paste it here.",
            nothingStored,
        ],
        link: (forge) => [
            "Generate one, filled in (opens in a new tab)",
            `${forge.url}/settings/tokens/new?description=Patchbay+prod-eu&scopes=repo`,
        ],
    },
    {
        when: "has expired",
        given: async (forge) => {
            // To the forge it is still good; its end, which the answer names, has passed for us.
            await forge.clock("2020-01-15T00:00:00Z");
            return (await forge.token({ expires_at: "2020-02-01T00:00:00Z" })).value;
        },
        says: ["This token expired on 1 Feb 2020.", "Generate a new one with a later expiration date.", nothingStored],
    },
    {
        when: "wants single sign-on",
        given: (forge) => meets({ kind: "sso_required", url: `${forge.url}/orgs/acme/sso?authorization_request=A1` })(forge),
        says: ["An organization at GitHub wants this token authorized for single sign-on.", nothingStored],
        link: (forge) => [
            "Authorize it for single sign-on (opens in a new tab)",
            `${forge.url}/orgs/acme/sso?authorization_request=A1`,
        ],
    },
    {
        when: "wants single sign-on at an address that is not the provider's",
        given: meets({ kind: "sso_required", url: "https://evil.example/orgs/acme/sso" }),
        says: ["wants this token authorized for single sign-on.", "choose Configure SSO", nothingStored],
    },
    {
        when: "meets the rate limit",
        given: meets({ kind: "rate_limited", status: 403, reset_in: 1800 }),
        says: [
            "GitHub takes no more requests for now.",
            saysNothing,
            /try again after \d+ \w+ \d{4}, \d\d:\d\d UTC\./,
        ],
    },
    {
        when: "meets the secondary rate limit without a time",
        given: meets({ kind: "secondary_rate_limited", status: 429, retry_after: null }),
        says: ["GitHub takes no more requests for now.", saysNothing, "try again in a few minutes."],
    },
    {
        when: "meets a provider that answers with an error",
        given: meets({ kind: "status", status: 502 }),
        says: ["GitHub could not be asked: it answered with the error 502.", saysNothing],
    },
    {
        when: "meets a provider that is down",
        given: async (forge) => {
            const token = await forge.token();
            await forge.stop();
            return token.value;
        },
        says: ["GitHub could not be asked: no connection could be made to it.", saysNothing],
    },
    {
        when: "meets a web page instead of the API",
        given: meets({ kind: "html" }),
        says: ["GitHub could not be asked: its answer is not one of this provider's API.", saysNothing],
    },
    {
        when: "meets a refusal that is not its own",
        given: meets({ kind: "status", status: 403 }),
        says: ["GitHub refused the request for a reason that is not the token's.", "tell your admin"],
    },
    {
        when: "meets a way to a metadata address",
        given: meets({ kind: "redirect", status: 302, location: "http://169.254.169.254/latest/meta-data/" }),
        says: ["GitHub could not be asked: its address is in a private network that this server may not reach", saysNothing],
    },
];

for (const { when, given, says, link } of refusals) {
    test(`a token that ${when} is refused`, async ({ site, acme, forge }) => {
        const runtime = await acme.runtime("prod-eu");
        await site.become(acme.mira);
        const page = `/acme/tokens?add=${runtime}`;
        await site.open(page);
        await site.field("Personal access token").fill(await given(forge));
        await site.button("Add token").click();
        for (const words of says) await expect(site.alert).toContainText(words);
        if (link) {
            const [words, href] = link(forge);
            await expect(site.link(words, site.alert)).toHaveAttribute("href", href);
        } else {
            await expect(site.alert.getByRole("link")).toHaveCount(0);
        }
        await expect(site.page).toHaveURL(site.origin + page);
        await expect(site.field("Personal access token")).toHaveValue("");
        await expect(site.field("Personal access token")).toBeVisible();
        await expect(site.alert).toBeFocused();
        expect(await acme.token(runtime)).toBeUndefined();

        await site.open("/acme/tokens");
        await expect(site.row("prod-eu")).toContainText("Not authorized");
    });
}

const objections: [when: string, token: string, says: RegExp][] = [
    ["nothing", "  ", /Paste the token\./],
    [
        "another provider's token",
        "glpat-0123456789abcdefghij",
        /This is a GitLab personal access token, and this runtime uses GitHub\. Paste a token that starts with ghp_ or/,
    ],
    [
        "a token of another kind",
        "gho_0123456789abcdefghijklmnopqrstuvwxyz",
        /This is a GitHub OAuth access token\. Paste a personal access token, which starts with ghp_ or github_pat_\./,
    ],
    ["more than one word", "ghp_0123 and something else", /A token is one word of letters, digits and signs\./],
    ["far too much", `ghp_${"a".repeat(8_200)}`, /This is too long for a token\./],
];

for (const [what, token, says] of objections) {
    test(`${what} in the field is refused without asking the provider`, async ({ site, acme, forge }) => {
        const runtime = await acme.runtime("prod-eu");
        await site.become(acme.mira);
        await site.open(`/acme/tokens?add=${runtime}`);
        const field = site.field("Personal access token");
        await field.fill(token);
        await site.button("Add token").click();
        await expect(field).toHaveAttribute("aria-invalid", "true");
        await expect(field).toHaveAccessibleDescription(says);
        await expect(field).toHaveValue("");
        expect(await forge.requests()).toEqual([]);
        expect(await acme.token(runtime)).toBeUndefined();
    });
}

test.describe("on a server that may not reach private networks", () => {
    test.use({ settings: { env: { PATCHBAY_EGRESS_ALLOW: "" } } });

    test("a provider at a private address is not asked", async ({ site, acme, forge }) => {
        const runtime = await acme.runtime("prod-eu");
        await site.become(acme.mira);
        await site.open(`/acme/tokens?add=${runtime}`);
        await site.field("Personal access token").fill((await forge.token()).value);
        await site.button("Add token").click();
        await expect(site.alert).toContainText("its address is in a private network that this server may not reach");
        await expect(site.alert).toContainText("PATCHBAY_EGRESS_ALLOW");
        expect(await forge.requests()).toEqual([]);
    });
});
