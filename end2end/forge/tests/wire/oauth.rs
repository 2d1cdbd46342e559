//! Applications that people give tokens to: what holds for every provider, and what each does in its own way.

mod browser;
mod codes;
mod control;
mod refreshing;
mod revoking;
mod scopes;

use forge::{Forge, NewOAuthApplication, OAuthApplication, Provider};
use serde_json::Value;
use url::Url;

use crate::client::{Answer, Request};

/// Where people are sent back to.
const CALLBACK: &str = "https://patchbay.example/oauth/callback";
/// A verifier and its challenge, from the appendix of RFC 7636.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// Another one.
const OTHER_VERIFIER: &str = "ks02i3jdikdo2k0dkfodf3m39rjfjsdk0wk349rj3jrhf";

/// What a provider is asked, and with which words.
#[derive(Clone, Copy, Debug)]
struct Case {
    provider: Provider,
    authorize: &'static str,
    token: &'static str,
    /// Scopes that open `user` and the repository.
    scopes: &'static [&'static str],
    /// How the answer says them; `None` where it does not.
    told: Option<&'static str>,
    /// Who one is.
    user: &'static str,
    /// What a scope opens.
    repository: &'static str,
    /// Seconds until an access token ends.
    lifetime: u64,
}

const CASES: [Case; 6] = [
    Case {
        provider: Provider::GitHub,
        authorize: "/login/oauth/authorize",
        token: "/login/oauth/access_token",
        scopes: &["repo", "read:org"],
        told: Some("repo,read:org"),
        user: "/api/v3/user",
        repository: "/api/v3/repos/acme/web",
        lifetime: 28_800,
    },
    Case {
        provider: Provider::GitLab,
        authorize: "/oauth/authorize",
        token: "/oauth/token",
        scopes: &["read_user", "read_api"],
        told: Some("read_user read_api"),
        user: "/api/v4/user",
        repository: "/api/v4/projects/acme%2Fweb",
        lifetime: 7_200,
    },
    Case {
        provider: Provider::BitbucketCloud,
        authorize: "/site/oauth2/authorize",
        token: "/site/oauth2/access_token",
        scopes: &["account", "repository:write"],
        told: Some("account repository:write"),
        user: "/2.0/user",
        repository: "/2.0/repositories/acme/web",
        lifetime: 7_200,
    },
    Case {
        provider: Provider::BitbucketDataCenter,
        authorize: "/rest/oauth2/latest/authorize",
        token: "/rest/oauth2/latest/token",
        scopes: &["PUBLIC_REPOS", "REPO_READ"],
        told: Some("PUBLIC_REPOS REPO_READ"),
        user: "/rest/api/latest/users/ada",
        repository: "/rest/api/latest/projects/ACME/repos/web",
        lifetime: 3_600,
    },
    Case {
        provider: Provider::Gitea,
        authorize: "/gitea/login/oauth/authorize",
        token: "/gitea/login/oauth/access_token",
        scopes: &["read:user", "write:repository"],
        told: None,
        user: "/gitea/api/v1/user",
        repository: "/gitea/api/v1/repos/acme/web",
        lifetime: 3_600,
    },
    Case {
        provider: Provider::Forgejo,
        authorize: "/forgejo/login/oauth/authorize",
        token: "/forgejo/login/oauth/access_token",
        scopes: &["read:user", "write:repository"],
        told: None,
        user: "/forgejo/api/v1/user",
        repository: "/forgejo/api/v1/repos/acme/web",
        lifetime: 3_600,
    },
];

/// Those of the providers that know challenges (PKCE).
fn with_challenges() -> impl Iterator<Item = &'static Case> {
    CASES.iter().filter(|case| case.provider != Provider::BitbucketCloud)
}

impl Case {
    fn of(provider: Provider) -> &'static Self {
        let found = CASES.iter().find(|case| case.provider == provider);
        found.expect("a provider that knows applications")
    }

    /// An application whose tokens end and are refreshed, which is the default but at GitHub.
    fn application(&self) -> NewOAuthApplication {
        NewOAuthApplication::new(self.provider, CALLBACK)
            .named("Patchbay <prod>")
            .scopes(self.scopes.iter().copied())
            .expiring(true)
    }

    fn register(&self, forge: &Forge) -> OAuthApplication {
        forge.create_oauth_application(self.application())
    }

    /// The address to send a person to, with these parameters in place of or beside the usual ones; an empty one is left out.
    fn link(&self, forge: &Forge, application: &OAuthApplication, other: &[(&str, &str)]) -> String {
        let scopes = self.scopes.join(" ");
        let usual = [
            ("client_id", application.client_id.as_str()),
            ("redirect_uri", CALLBACK),
            ("response_type", "code"),
            ("scope", scopes.as_str()),
            ("state", "s-1?"),
        ];
        let kept = usual
            .iter()
            .filter(|(name, _)| other.iter().all(|(changed, _)| changed != name));
        let pairs = kept.chain(other).filter(|(_, value)| !value.is_empty());
        let mut url = Url::parse(&format!("{}{}", forge.url(), self.authorize)).expect("an address");
        url.query_pairs_mut().extend_pairs(pairs);
        url.into()
    }

    /// A code that Ada gave.
    fn code(&self, forge: &Forge, application: &OAuthApplication, other: &[(&str, &str)]) -> String {
        let link = self.link(forge, application, other);
        let back = forge.approve(&link, "ada").expect("a sound request");
        parameter(&back, "code").expect("a code")
    }

    /// Asks for tokens as this provider wants it, with these fields; an empty one is left out.
    async fn ask(&self, forge: &Forge, application: &OAuthApplication, fields: &[(&str, &str)]) -> Answer {
        let (id, secret) = (application.client_id.as_str(), application.client_secret.as_str());
        let mut fields: Vec<(&str, &str)> = fields.iter().copied().filter(|(_, value)| !value.is_empty()).collect();
        let mut request = Request::new("POST", self.token).header("accept", "application/json");
        if self.provider == Provider::BitbucketCloud {
            request = request.basic(id, secret);
        } else {
            fields.extend([("client_id", id), ("client_secret", secret)]);
        }
        request.form(&fields).send(forge.address()).await
    }

    async fn redeem(&self, forge: &Forge, application: &OAuthApplication, code: &str, verifier: &str) -> Answer {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", verifier),
        ];
        self.ask(forge, application, &fields).await
    }

    async fn refresh(&self, forge: &Forge, application: &OAuthApplication, token: &str) -> Answer {
        let fields = [
            ("grant_type", "refresh_token"),
            ("refresh_token", token),
            ("redirect_uri", CALLBACK),
        ];
        self.ask(forge, application, &fields).await
    }

    /// What Ada gave the application, without a challenge.
    async fn tokens(&self, forge: &Forge, application: &OAuthApplication) -> Tokens {
        let code = self.code(forge, application, &[]);
        Tokens::of(&self.redeem(forge, application, &code, "").await)
    }

    /// The status that this token gets for the question who it is.
    async fn status(&self, forge: &Forge, access: &str) -> u16 {
        Request::get(self.user)
            .bearer(access)
            .send(forge.address())
            .await
            .status
    }
}

/// An access token and the refresh token beside it, empty when there is none.
#[derive(Debug)]
struct Tokens {
    access: String,
    refresh: String,
}

impl Tokens {
    fn of(answer: &Answer) -> Self {
        assert_eq!(answer.status, 200, "{}", answer.text());
        let body = answer.json();
        let text = |name: &str| body[name].as_str().unwrap_or_default().to_owned();
        assert_ne!(text("access_token"), "", "{body}");
        Self {
            access: text("access_token"),
            refresh: text("refresh_token"),
        }
    }
}

/// The status and the error code of a refusal.
fn refusal(answer: &Answer) -> (u16, String) {
    let body = answer.json();
    assert!(body.get("access_token").is_none(), "{body}");
    assert!(body["error_description"].is_string(), "{body}");
    (answer.status, body["error"].as_str().unwrap_or_default().to_owned())
}

/// What an address says under this name.
fn parameter(url: &str, name: &str) -> Option<String> {
    let url = Url::parse(url).expect("an address");
    let mut pairs = url.query_pairs();
    pairs.find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}

/// Says something to the forge as another process does.
async fn control(forge: &Forge, method: &str, path: &str, body: Value) -> Answer {
    let request = Request::new(method, &format!("/_control/oauth{path}"));
    request.json(&body).send(forge.address()).await
}
