//! What holds for every provider: a token is one's alone, and faults come in each one's own words.

use forge::{Fault, FaultRule, Forge, IssuedToken, NewToken, Provider, TokenKind};
use serde_json::{Value, json};

use crate::client::{Answer, Request};
use crate::stage::{NOW, ask_as_nobody, forge, token};

/// A kind of token of each provider, scopes that open the question who it is, and where that is asked.
const QUESTIONS: [(TokenKind, &[&str], &str); 7] = [
    (TokenKind::Classic, &["repo"], "/api/v3/user"),
    (TokenKind::GitlabPersonal, &["read_api"], "/api/v4/user"),
    (TokenKind::BitbucketApi, &["read:user:bitbucket"], "/2.0/user"),
    (TokenKind::BitbucketHttp, &["REPO_READ"], "/rest/api/latest/users"),
    (TokenKind::Gitea, &["read:user"], "/gitea/api/v1/user"),
    (TokenKind::Forgejo, &["read:user"], "/forgejo/api/v1/user"),
    (TokenKind::GerritToken, &[], "/a/accounts/self"),
];

fn make(forge: &Forge, kind: TokenKind, scopes: &[&str]) -> IssuedToken {
    crate::stage::make(forge, NewToken::of_kind(kind, "ada", scopes.iter().copied()))
}

/// Asks as this kind of token is to be presented.
async fn ask(forge: &Forge, kind: TokenKind, path: &str, token: &str) -> Answer {
    let request = Request::get(path);
    let request = match kind.provider() {
        Provider::BitbucketCloud if kind == TokenKind::BitbucketApi => request.basic("ada@acme.example", token),
        Provider::Gerrit => request.basic("ada", token),
        _ => request.bearer(token),
    };
    request.send(forge.address()).await
}

/// A forge in which this fault befalls everybody, asked as each provider is.
async fn with(fault: Fault, mut see: impl FnMut(Provider, &Answer)) {
    let forge = forge().await;
    forge.add_fault(FaultRule::new(fault));
    for (kind, scopes, path) in QUESTIONS {
        let token = make(&forge, kind, scopes);
        see(kind.provider(), &ask(&forge, kind, path, &token.value).await);
    }
}

#[tokio::test]
async fn a_token_opens_its_own_provider_and_no_other() {
    let forge = forge().await;
    for (kind, scopes, own) in QUESTIONS {
        let token = make(&forge, kind, scopes);
        for (other, _, path) in QUESTIONS {
            let answer = ask(&forge, other, path, &token.value).await;
            let expected = if path == own { 200 } else { 401 };
            assert_eq!(answer.status, expected, "{kind:?} at {path}");
        }
    }
}

#[tokio::test]
async fn every_provider_is_reached_at_the_url_that_the_control_tells() {
    let forge = forge().await;
    let told = Request::get("/_control/providers").send(forge.address()).await.json();
    assert_eq!(told.as_object().map(serde_json::Map::len), Some(Provider::ALL.len()));
    for (name, provider) in [
        ("github", Provider::GitHub),
        ("gitlab", Provider::GitLab),
        ("bitbucket_cloud", Provider::BitbucketCloud),
        ("bitbucket_data_center", Provider::BitbucketDataCenter),
        ("gitea", Provider::Gitea),
        ("forgejo", Provider::Forgejo),
        ("gerrit", Provider::Gerrit),
    ] {
        assert_eq!(told[name], forge.url_of(provider));
    }
    assert_eq!(forge.url_of(Provider::Gitea), format!("{}/gitea", forge.url()));
    assert_eq!(forge.url_of(Provider::Forgejo), format!("{}/forgejo", forge.url()));
    assert_eq!(forge.url_of(Provider::GitHub), forge.url());
}

#[tokio::test]
async fn a_token_of_every_kind_is_made_by_json() {
    let forge = forge().await;
    for (kind, prefix) in [
        ("classic", "ghp_"),
        ("fine_grained", "github_pat_"),
        ("oauth", "gho_"),
        ("gitlab_personal", "glpat-"),
        ("gitlab_oauth", ""),
        ("bitbucket_api", "ATATT"),
        ("bitbucket_workspace", "ATCTT"),
        ("bitbucket_project", "ATCTT"),
        ("bitbucket_repository", "ATCTT"),
        ("bitbucket_app_password", "ATBB"),
        ("bitbucket_oauth", ""),
        ("bitbucket_http", "BBDC-"),
        ("bitbucket_data_center_oauth", ""),
        ("gitea", ""),
        ("forgejo", ""),
        ("gitea_oauth", ""),
        ("forgejo_oauth", ""),
        ("gerrit_token", ""),
        ("gerrit_password", ""),
    ] {
        let request = Request::new("POST", "/_control/tokens").json(&json!({ "account": "ada", "kind": kind }));
        let answer = request.send(forge.address()).await;
        assert_eq!(answer.status, 201, "{kind}");
        let hint = answer.json()["hint"].as_str().expect("a hint").to_owned();
        assert!(hint.starts_with(&format!("{prefix}…")), "{kind}: {hint}");
    }
    assert_eq!(forge.tokens().len(), 19);
}

#[tokio::test]
async fn a_token_in_any_header_is_known_to_the_record_and_hidden_in_it() {
    let forge = forge().await;
    let token = token(&forge, TokenKind::GitlabPersonal, ["api"]);
    let request = Request::get(&format!("/api/v4/user?private_token={}", token.value));
    request
        .header("private-token", &token.value)
        .send(forge.address())
        .await;
    let record = forge.requests();
    assert_eq!(record[0].token, Some(token.id));
    assert!(record[0].token_in_url);
    assert_eq!(record[0].query.as_deref(), Some("private_token=[token]"));
    assert!(record[0].header_names.contains(&"private-token".to_owned()));
}

#[tokio::test]
async fn the_header_of_gitlab_is_nothing_to_the_others() {
    let forge = forge().await;
    for (kind, scopes, path) in QUESTIONS {
        let token = make(&forge, kind, scopes);
        let answer = Request::get(path)
            .header("private-token", &token.value)
            .send(forge.address())
            .await;
        let nobody = ask_as_nobody(&forge, path).await;
        let expected = if kind.provider() == Provider::GitLab {
            200
        } else {
            nobody.status
        };
        assert_eq!(answer.status, expected, "{kind:?}");
    }
    let open = Request::get("/api/v3/meta").header("private-token", "glpat-nobodyknowsthisone");
    assert_eq!(open.send(forge.address()).await.status, 200);
}

#[tokio::test]
async fn a_token_that_had_to_be_encoded_for_the_address_is_hidden_as_well() {
    let forge = forge().await;
    let new = NewToken::of_kind(TokenKind::BitbucketHttp, "ada", ["REPO_READ"]).value("BBDC-a+b/c=");
    crate::stage::make(&forge, new);
    ask_as_nobody(&forge, "/rest/api/latest/users?token=BBDC-a%2Bb%2Fc%3D").await;
    let record = forge.requests();
    assert!(record[0].token_in_url);
    assert_eq!(record[0].query.as_deref(), Some("token=[token]"));
}

#[tokio::test]
async fn a_public_repository_is_seen_by_every_token() {
    let forge = forge().await;
    forge.put_repository("acme", "open", forge::Repository::public());
    for (path, kind, scopes) in [
        ("/api/v4/projects/acme%2Fopen", TokenKind::GitlabPersonal, ["read_api"]),
        (
            "/2.0/repositories/acme/open",
            TokenKind::BitbucketRepository,
            ["repository"],
        ),
        ("/gitea/api/v1/repos/acme/open", TokenKind::Gitea, ["read:repository"]),
    ] {
        let new = NewToken::of_kind(kind, "grace", scopes).only_repositories(["grace/none"]);
        let token = crate::stage::make(&forge, new);
        assert_eq!(ask(&forge, kind, path, &token.value).await.status, 200, "{path}");
    }
    assert_eq!(ask_as_nobody(&forge, "/projects/acme%2Fopen").await.status, 200);
}

#[tokio::test]
async fn a_rate_limit_that_is_told_names_its_end_in_each_ones_headers() {
    let reset = (NOW + time::Duration::seconds(90)).unix_timestamp().to_string();
    let fault = Fault::RateLimited {
        status: 429,
        reset_in: 90,
    };
    with(fault, |provider, answer| {
        assert_eq!(answer.status, 429);
        let header = |name| answer.header(name);
        match provider {
            Provider::GitHub => {
                assert_eq!(header("x-ratelimit-reset"), Some(reset.as_str()));
                assert_eq!(header("retry-after"), None);
            }
            Provider::GitLab => {
                assert_eq!(header("ratelimit-remaining"), Some("0"));
                assert_eq!(header("ratelimit-reset"), Some(reset.as_str()));
                assert_eq!(header("retry-after"), Some("90"));
                assert_eq!(answer.text(), "Retry later\n");
            }
            Provider::BitbucketCloud => {
                assert_eq!(header("x-ratelimit-resource"), Some("api-repositories"));
                assert_eq!(header("retry-after"), Some("90"));
                let words = "Rate limit for this resource has been exceeded";
                assert_eq!(answer.json()["error"]["message"], words);
            }
            Provider::BitbucketDataCenter => {
                assert_eq!(header("x-ratelimit-remaining"), Some("0"));
                assert_eq!(header("retry-after"), Some("90"));
                assert!(answer.json()["errors"].is_array());
            }
            Provider::Gitea | Provider::Forgejo | Provider::Gerrit => {
                assert_eq!(header("retry-after"), Some("90"));
                assert!(header("content-type").is_some_and(|kind| kind.starts_with("text/plain")));
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_rate_limit_may_come_with_retry_after_alone_or_without_a_word() {
    for retry_after in [Some(7), None] {
        let fault = Fault::SecondaryRateLimited {
            status: 429,
            retry_after,
        };
        with(fault, |provider, answer| {
            assert_eq!(answer.status, 429, "{provider:?}");
            let expected = retry_after.map(|seconds| seconds.to_string());
            assert_eq!(answer.header("retry-after"), expected.as_deref(), "{provider:?}");
            assert_ne!(answer.header("ratelimit-remaining"), Some("0"), "{provider:?}");
            assert_ne!(answer.header("x-ratelimit-remaining"), Some("0"), "{provider:?}");
        })
        .await;
    }
}

#[tokio::test]
async fn a_failure_is_in_each_ones_own_words() {
    let forge = forge().await;
    let gitea = json!({ "message": "", "url": format!("{}/api/swagger", forge.url_of(Provider::Gitea)) });
    forge.add_fault(FaultRule::new(Fault::Status { status: 500 }));
    for (path, body) in [
        ("/api/v3/user", json!({ "message": "Server Error" })),
        ("/api/v4/user", json!({ "message": "500 Internal Server Error" })),
        (
            "/2.0/user",
            json!({ "type": "error", "error": { "message": "Something went wrong" } }),
        ),
        ("/gitea/api/v1/user", gitea),
    ] {
        let answer = ask_as_nobody(&forge, path).await;
        assert_eq!((answer.status, answer.json()), (500, body), "{path}");
    }
    let data_center = ask_as_nobody(&forge, "/rest/api/latest/users").await.json();
    assert_eq!(data_center["errors"][0]["exceptionName"], Value::Null);
    assert_eq!(
        ask_as_nobody(&forge, "/a/accounts/self").await.text(),
        "Internal server error"
    );
}

#[tokio::test]
async fn the_proxy_before_each_of_them_fails_with_a_page() {
    with(Fault::Status { status: 502 }, |provider, answer| {
        assert_eq!(answer.status, 502, "{provider:?}");
        assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    })
    .await;
}

#[tokio::test]
async fn wrong_content_comes_from_each_of_them() {
    with(Fault::Html, |_, answer| {
        assert_eq!(answer.status, 200);
        assert!(answer.text().starts_with("<!DOCTYPE html>"));
    })
    .await;
    with(Fault::EmptyBody, |_, answer| {
        assert_eq!((answer.status, answer.body.len()), (200, 0));
    })
    .await;
    with(Fault::MalformedJson, |provider, answer| {
        assert!(answer.complete);
        assert!(serde_json::from_str::<Value>(&behind_the_prefix(provider, answer)).is_err());
    })
    .await;
    with(Fault::HugeBody { mebibytes: 1 }, |provider, answer| {
        assert!(answer.body.len() > 1024 * 1024);
        assert!(serde_json::from_str::<Value>(&behind_the_prefix(provider, answer)).is_ok());
    })
    .await;
    with(Fault::CloseMidBody, |_, answer| assert!(!answer.complete)).await;
}

/// Only the fault is to be seen, not also the lack of the line that Gerrit begins with.
fn behind_the_prefix(provider: Provider, answer: &Answer) -> String {
    let text = answer.text();
    let prefix = if provider == Provider::Gerrit { ")]}'\n" } else { "" };
    text.strip_prefix(prefix).expect("the prefix").to_owned()
}

#[tokio::test]
async fn single_sign_on_befalls_github_alone() {
    let fault = Fault::SsoRequired {
        url: "https://github.example/orgs/acme/sso".to_owned(),
    };
    with(fault, |provider, answer| {
        let expected = if provider == Provider::GitHub { 403 } else { 200 };
        assert_eq!(answer.status, expected, "{provider:?}");
    })
    .await;
}
