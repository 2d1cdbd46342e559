//! Bitbucket Cloud: which token goes how, what its headers tell, and what refuses it.

use forge::{Forge, IssuedToken, NewToken, TokenKind};
use serde_json::{Value, json};
use time::macros::datetime;

use crate::client::{Answer, Request};
use crate::stage::{ask, ask_as_nobody, forge, make, token};

const EMAIL: &str = "ada@acme.example";
const USER: &str = "/2.0/user";
const ACCESS_TOKENS: [(TokenKind, &str); 3] = [
    (TokenKind::BitbucketWorkspace, "workspace_access_token"),
    (TokenKind::BitbucketProject, "project_access_token"),
    (TokenKind::BitbucketRepository, "repo_access_token"),
];

async fn ask_as(forge: &Forge, path: &str, username: &str, token: &IssuedToken) -> Answer {
    Request::get(path)
        .basic(username, &token.value)
        .send(forge.address())
        .await
}

fn api_token<const N: usize>(forge: &Forge, scopes: [&str; N]) -> IssuedToken {
    token(forge, TokenKind::BitbucketApi, scopes)
}

#[tokio::test]
async fn an_api_token_beside_its_mail_address_is_told_who_it_is_and_what_it_has() {
    let forge = forge().await;
    let token = api_token(&forge, ["read:user:bitbucket", "write:repository:bitbucket"]);
    assert!(token.value.starts_with("ATATT"));
    let answer = ask_as(&forge, USER, EMAIL, &token).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["type"], "user");
    assert_eq!(answer.json()["username"], "ada");
    assert_eq!(answer.json()["display_name"], "Ada Lovelace");
    assert!(
        answer.json()["uuid"]
            .as_str()
            .is_some_and(|id| id.starts_with('{') && id.ends_with('}'))
    );
    assert_eq!(
        answer.header("x-oauth-scopes"),
        Some("read:user:bitbucket, write:repository:bitbucket")
    );
    assert_eq!(answer.header("x-credential-type"), Some("api_token"));
    assert_eq!(answer.header("x-accepted-oauth-scopes"), Some("read:user:bitbucket"));
}

#[tokio::test]
async fn an_api_token_goes_beside_no_other_name_and_not_as_bearer() {
    let forge = forge().await;
    let token = api_token(&forge, ["read:user:bitbucket"]);
    for username in ["ada", "x-bitbucket-api-token-auth", "grace@example.com", ""] {
        assert_invalid(&ask_as(&forge, USER, username, &token).await);
    }
    assert_invalid(&ask(&forge, USER, &token).await);
    assert_eq!(ask_as(&forge, USER, "ADA@acme.example", &token).await.status, 200);
}

fn assert_invalid(answer: &Answer) {
    assert_eq!(answer.status, 401);
    let words = "Token is invalid, expired, or not supported for this endpoint.";
    assert_eq!(answer.json(), json!({ "type": "error", "error": { "message": words } }));
    assert_eq!(answer.header("x-oauth-scopes"), None);
}

#[tokio::test]
async fn an_account_without_a_mail_address_has_one_all_the_same() {
    let forge = forge().await;
    let new = NewToken::of_kind(TokenKind::BitbucketApi, "grace", ["read:user:bitbucket"]);
    let token = make(&forge, new);
    assert_eq!(ask_as(&forge, USER, "grace@example.com", &token).await.status, 200);
}

#[tokio::test]
async fn revoked_expired_and_unknown_are_one_to_bitbucket() {
    let forge = forge().await;
    let revoked = api_token(&forge, ["read:user:bitbucket"]);
    forge.revoke_token(revoked.id).expect("it is there");
    assert_invalid(&ask_as(&forge, USER, EMAIL, &revoked).await);
    let new = NewToken::of_kind(TokenKind::BitbucketApi, "ada", ["read:user:bitbucket"])
        .expires_at(datetime!(2026-02-01 00:00 UTC));
    let expiring = make(&forge, new);
    let before = ask_as(&forge, USER, EMAIL, &expiring).await;
    assert_eq!(before.status, 200);
    assert!(!before.text().contains("2026-02"), "the end is told nowhere");
    forge.set_clock(Some(datetime!(2026-02-01 00:00 UTC)));
    assert_invalid(&ask_as(&forge, USER, EMAIL, &expiring).await);
    let unknown = Request::get(USER).basic(EMAIL, "ATATT3xFfGF0nobodyknowsthisone");
    assert_invalid(&unknown.send(forge.address()).await);
}

#[tokio::test]
async fn without_a_token_or_with_a_plain_password_the_body_is_empty() {
    let forge = forge().await;
    let password = Request::get(USER).basic("ada", "pw").send(forge.address()).await;
    for answer in [password, ask_as_nobody(&forge, USER).await] {
        assert_eq!((answer.status, answer.body.len()), (401, 0));
        assert_eq!(
            answer.header("www-authenticate"),
            Some("Basic realm=\"Bitbucket.org HTTP\"")
        );
    }
}

#[tokio::test]
async fn an_app_password_is_switched_off() {
    let forge = forge().await;
    let token = token(&forge, TokenKind::BitbucketAppPassword, ["account", "repository:write"]);
    assert!(token.value.starts_with("ATBB"));
    let answer = ask_as(&forge, USER, "ada", &token).await;
    assert_eq!(answer.status, 401);
    let words = "App passwords are deprecated and must be replaced with API tokens.";
    assert_eq!(answer.json()["error"]["message"], words);
}

#[tokio::test]
async fn a_missing_scope_is_named_beside_those_that_there_are() {
    let forge = forge().await;
    let token = api_token(&forge, ["write:repository:bitbucket"]);
    let answer = ask_as(&forge, USER, EMAIL, &token).await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        answer.json(),
        json!({ "type": "error", "error": {
            "message": "Your credentials lack one or more required privilege scopes.",
            "detail": { "granted": ["write:repository:bitbucket"], "required": ["read:user:bitbucket"] },
        }})
    );
    assert_eq!(answer.header("x-oauth-scopes"), Some("write:repository:bitbucket"));
}

#[tokio::test]
async fn writing_and_administering_do_not_include_reading_for_an_api_token() {
    let forge = forge().await;
    let short = api_token(&forge, ["write:repository:bitbucket", "admin:repository:bitbucket"]);
    let enough = api_token(&forge, ["read:repository:bitbucket"]);
    for (token, status) in [(short, 403), (enough, 200)] {
        assert_eq!(
            ask_as(&forge, "/2.0/repositories/acme/web", EMAIL, &token).await.status,
            status
        );
    }
}

#[tokio::test]
async fn an_access_token_is_nobody_and_its_headers_tell_what_it_is() {
    let forge = forge().await;
    for (kind, credential) in ACCESS_TOKENS {
        for scopes in [vec!["repository:write", "webhook"], vec!["account"]] {
            let token = make(&forge, NewToken::of_kind(kind, "ada", scopes.clone()));
            assert!(token.value.starts_with("ATCTT"));
            let answer = ask(&forge, USER, &token).await;
            assert_eq!(answer.status, 403);
            assert_eq!(answer.json()["type"], "error");
            assert_eq!(answer.header("x-credential-type"), Some(credential));
            assert_eq!(answer.header("x-oauth-scopes"), Some(scopes.join(", ").as_str()));
        }
    }
}

#[tokio::test]
async fn an_access_token_goes_as_bearer_alone_and_its_writing_includes_reading() {
    let forge = forge().await;
    for (kind, _) in ACCESS_TOKENS {
        let token = token(&forge, kind, ["repository:write"]);
        let path = "/2.0/repositories/acme/web";
        assert_eq!(ask(&forge, path, &token).await.json()["full_name"], "acme/web");
        assert_invalid(&ask_as(&forge, path, EMAIL, &token).await);
        assert_invalid(&ask_as(&forge, path, "x-token-auth", &token).await);
    }
}

#[tokio::test]
async fn an_access_token_opens_only_the_repositories_that_it_is_of() {
    let forge = forge().await;
    let new = NewToken::of_kind(TokenKind::BitbucketRepository, "ada", ["repository"]);
    let token = make(&forge, new.only_repositories(["acme/web"]));
    assert_eq!(ask(&forge, "/2.0/repositories/acme/web", &token).await.status, 200);
    assert_eq!(ask(&forge, "/2.0/repositories/ada/notes", &token).await.status, 404);
}

#[tokio::test]
async fn workspaces_repositories_and_webhooks_have_scopes_of_their_own() {
    let forge = forge().await;
    for (path, scope) in [
        ("/2.0/user/workspaces", "read:workspace:bitbucket"),
        ("/2.0/workspaces/acme", "read:workspace:bitbucket"),
        ("/2.0/repositories/acme", "read:repository:bitbucket"),
        ("/2.0/repositories/acme/web/refs/branches", "read:repository:bitbucket"),
        ("/2.0/repositories/acme/web/hooks", "read:webhook:bitbucket"),
    ] {
        let granted = ask_as(&forge, path, EMAIL, &api_token(&forge, [scope])).await;
        assert_eq!(granted.status, 200, "{path}");
        let refused = ask_as(&forge, path, EMAIL, &api_token(&forge, ["read:user:bitbucket"])).await;
        assert_eq!(refused.status, 403, "{path}");
        assert_eq!(refused.json()["error"]["detail"]["required"], json!([scope]));
    }
}

#[tokio::test]
async fn a_list_is_a_page_of_what_the_person_sees() {
    let forge = forge().await;
    let token = api_token(&forge, ["read:repository:bitbucket", "read:workspace:bitbucket"]);
    let page = ask_as(&forge, "/2.0/repositories/acme", EMAIL, &token).await.json();
    assert_eq!((&page["size"], &page["values"][0]["slug"]), (&json!(1), &json!("web")));
    forge.put_repository("acme", "api", forge::Repository::private());
    let first = ask_as(&forge, "/2.0/repositories/acme?pagelen=1", EMAIL, &token)
        .await
        .json();
    assert_eq!(first["values"].as_array().map(Vec::len), Some(1));
    let next = first["next"]
        .as_str()
        .and_then(|next| next.strip_prefix(&forge.url()))
        .expect("a URL");
    let second = ask_as(&forge, next, EMAIL, &token).await.json();
    assert_eq!(
        (&second["values"][0]["slug"], &second["next"]),
        (&json!("api"), &Value::Null)
    );
    let workspaces = ask_as(&forge, "/2.0/user/workspaces", EMAIL, &token).await.json();
    let slugs = workspaces["values"].as_array().expect("a list").iter();
    let slugs: Vec<&Value> = slugs.map(|entry| &entry["workspace"]["slug"]).collect();
    assert_eq!(slugs, ["acme", "ada"]);
    assert_eq!(ask_as(&forge, "/2.0/workspaces/other", EMAIL, &token).await.status, 404);
}

#[tokio::test]
async fn the_lists_across_workspaces_are_gone() {
    let forge = forge().await;
    let token = api_token(&forge, ["read:repository:bitbucket"]);
    for path in ["/2.0/repositories", "/2.0/workspaces"] {
        assert_eq!(ask_as(&forge, path, EMAIL, &token).await.status, 410);
    }
}

#[tokio::test]
async fn a_write_is_refused_and_recorded() {
    let forge = forge().await;
    let token = api_token(&forge, ["admin:repository:bitbucket"]);
    let request = Request::new("DELETE", "/2.0/repositories/acme/web").basic(EMAIL, &token.value);
    assert_eq!(request.send(forge.address()).await.status, 403);
    assert_eq!(forge.writes()[0].token, Some(token.id));
    let nothing = ask_as(&forge, "/2.0/nothing", EMAIL, &token).await;
    assert_eq!((nothing.status, nothing.json()["type"].as_str()), (404, Some("error")));
}
