//! `GET /user`: who a token is, what it declares, and when it ends.

use forge::{Account, ExpiryHeader, Forge, IssuedToken, Level, NewToken, TokenChange};
use time::macros::datetime;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::client::{Answer, Request};

async fn forge() -> Forge {
    let forge = Forge::start().await;
    forge.put_account(
        "ada",
        Account {
            name: Some("Ada Lovelace".to_owned()),
            ..Account::with_password("pw")
        },
    );
    forge
}

fn make(forge: &Forge, token: NewToken) -> IssuedToken {
    forge.create_token(token).expect("the account is there")
}

async fn ask(forge: &Forge, token: &str) -> Answer {
    Request::get("/api/v3/user").bearer(token).send(forge.address()).await
}

#[tokio::test]
async fn whoever_knows_a_token_may_have_it_revoked_without_being_anybody() {
    let forge = forge().await;
    let token = make(&forge, NewToken::classic("ada", ["repo"]));
    let bystander = make(&forge, NewToken::classic("ada", ["repo"]));
    let revoke = |body: serde_json::Value| {
        let request = Request::new("POST", "/api/v3/credentials/revoke").header("user-agent", "patchbay-test");
        request.json(&body)
    };
    let wish = || revoke(serde_json::json!({ "credentials": [token.value, "ghp_unknown"] }));
    assert_eq!(wish().bearer(&token.value).send(forge.address()).await.status, 403);
    let nothing = revoke(serde_json::json!({ "credentials": [] }));
    assert_eq!(nothing.send(forge.address()).await.status, 422);
    assert_eq!(ask(&forge, &token.value).await.status, 200);
    assert_eq!(wish().send(forge.address()).await.status, 202);
    assert_eq!(ask(&forge, &token.value).await.status, 401);
    assert_eq!(ask(&forge, &bystander.value).await.status, 200);
}

#[tokio::test]
async fn a_classic_token_is_told_who_it_is_and_which_scopes_it_has() {
    let forge = forge().await;
    let token = make(&forge, NewToken::classic("ada", ["repo", "admin:repo_hook"]));
    let answer = ask(&forge, &token.value).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["login"], "ada");
    assert_eq!(answer.json()["name"], "Ada Lovelace");
    assert_eq!(answer.json()["type"], "User");
    assert_eq!(answer.json()["node_id"].as_str().map(|id| &id[..6]), Some("U_kgDO"));
    assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
    assert_eq!(answer.header("x-oauth-scopes"), Some("repo, admin:repo_hook"));
    assert_eq!(answer.header("x-accepted-oauth-scopes"), Some(""));
    assert_eq!(answer.header("x-accepted-github-permissions"), None);
    assert_eq!(answer.header("github-authentication-token-expiration"), None);
    assert_eq!(answer.header("x-github-media-type"), Some("github.v3; format=json"));
    assert!(answer.header("x-github-request-id").is_some());
    assert!(
        answer
            .header("etag")
            .is_some_and(|tag| tag.starts_with("W/\"") && tag.len() == 68)
    );
}

#[tokio::test]
async fn a_token_without_scopes_has_an_empty_scopes_header() {
    let forge = forge().await;
    let token = make(&forge, NewToken::classic("ada", [""; 0]));
    assert_eq!(ask(&forge, &token.value).await.header("x-oauth-scopes"), Some(""));
}

#[tokio::test]
async fn an_oauth_token_declares_its_scopes_as_well() {
    let forge = forge().await;
    let token = make(&forge, NewToken::oauth("ada", ["repo"]));
    assert!(token.value.starts_with("gho_"));
    assert_eq!(ask(&forge, &token.value).await.header("x-oauth-scopes"), Some("repo"));
}

#[tokio::test]
async fn a_fine_grained_token_declares_nothing() {
    let forge = forge().await;
    let token = make(&forge, NewToken::fine_grained("ada", [("contents", Level::Write)]));
    let answer = ask(&forge, &token.value).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-oauth-scopes"), None);
    assert_eq!(answer.header("x-accepted-oauth-scopes"), None);
    assert_eq!(
        answer.header("x-accepted-github-permissions"),
        Some("allows_permissionless_access=true")
    );
}

#[tokio::test]
async fn the_expiry_comes_in_each_form_that_was_seen() {
    let forge = forge().await;
    forge.set_clock(Some(datetime!(2023-12-01 08:00 UTC)));
    for (form, expected) in [
        (ExpiryHeader::Utc, Some("2023-12-13 00:00:00 UTC")),
        (ExpiryHeader::Offset(60), Some("2023-12-13 01:00:00 +0100")),
        (ExpiryHeader::Offset(-210), Some("2023-12-12 20:30:00 -0330")),
        (ExpiryHeader::CurrentTime, Some("2023-12-01 08:00:00 UTC")),
        (ExpiryHeader::Absent, None),
    ] {
        let token = NewToken::classic("ada", ["repo"])
            .expires_at(datetime!(2023-12-13 00:00 UTC))
            .expiry_header(form);
        let answer = ask(&forge, &make(&forge, token).value).await;
        assert_eq!(
            answer.header("github-authentication-token-expiration"),
            expected,
            "{form:?}"
        );
    }
}

#[tokio::test]
async fn a_token_works_until_the_clock_reaches_its_expiry() {
    let forge = forge().await;
    let end = datetime!(2026-01-01 00:00 UTC);
    let token = make(&forge, NewToken::classic("ada", ["repo"]).expires_at(end));
    forge.set_clock(Some(end - time::Duration::SECOND));
    assert_eq!(ask(&forge, &token.value).await.status, 200);
    forge.set_clock(Some(end));
    assert_eq!(ask(&forge, &token.value).await.status, 401);
}

#[tokio::test]
async fn a_revoked_an_unknown_and_an_expired_token_get_the_same_refusal() {
    let forge = forge().await;
    let revoked = make(&forge, NewToken::classic("ada", ["repo"]));
    forge.revoke_token(revoked.id).expect("it is there");
    let expired = make(
        &forge,
        NewToken::classic("ada", ["repo"]).expires_at(datetime!(2001-01-01 00:00 UTC)),
    );
    for value in [revoked.value.as_str(), expired.value.as_str(), "ghp_nobodyknowsthisone"] {
        let answer = ask(&forge, value).await;
        assert_eq!(answer.status, 401);
        assert_eq!(
            answer.json(),
            serde_json::json!({
                "message": "Bad credentials",
                "documentation_url": "https://docs.github.com/rest",
                "status": "401",
            })
        );
        assert_eq!(answer.header("x-oauth-scopes"), None);
    }
}

#[tokio::test]
async fn without_a_token_the_user_is_asked_for_one() {
    let forge = forge().await;
    let answer = Request::get("/api/v3/user").send(forge.address()).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["message"], "Requires authentication");
}

#[tokio::test]
async fn a_token_may_come_as_bearer_as_token_and_as_the_password_of_basic() {
    let forge = forge().await;
    make(&forge, NewToken::classic("ada", ["repo"]).value("ghp_fixed"));
    for authorization in [
        "Bearer ghp_fixed",
        "token ghp_fixed",
        "Basic eC1hY2Nlc3MtdG9rZW46Z2hwX2ZpeGVk",
    ] {
        let request = Request::get("/api/v3/user").header("authorization", authorization);
        assert_eq!(request.send(forge.address()).await.status, 200, "{authorization}");
    }
}

#[tokio::test]
async fn a_request_without_user_agent_is_refused() {
    let forge = forge().await;
    let token = make(&forge, NewToken::classic("ada", ["repo"]));
    let answer = Request::new("GET", "/api/v3/user")
        .bearer(&token.value)
        .send(forge.address())
        .await;
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("User-Agent"));
}

#[tokio::test]
async fn scopes_and_owner_may_change_under_a_token() {
    let forge = forge().await;
    forge.put_account("grace", Account::with_password("pw"));
    let token = make(&forge, NewToken::classic("ada", ["repo"]));
    let change = TokenChange {
        account: Some("grace".to_owned()),
        scopes: Some(vec!["gist".to_owned()]),
        ..TokenChange::default()
    };
    forge.change_token(token.id, change).expect("both are there");
    let answer = ask(&forge, &token.value).await;
    assert_eq!(answer.json()["login"], "grace");
    assert_eq!(answer.header("x-oauth-scopes"), Some("gist"));
}

#[tokio::test]
async fn an_answer_that_the_caller_has_already_is_304() {
    let forge = forge().await;
    let token = make(&forge, NewToken::classic("ada", ["repo"]));
    let tag = ask(&forge, &token.value)
        .await
        .header("etag")
        .expect("a tag")
        .to_owned();
    let again = Request::get("/api/v3/user")
        .bearer(&token.value)
        .header("if-none-match", &tag);
    let again = again.send(forge.address()).await;
    assert_eq!(again.status, 304);
    assert!(again.body.is_empty());
}

#[tokio::test]
async fn each_request_counts_against_the_hour_and_asking_for_the_limit_is_free() {
    let forge = forge().await;
    forge.set_clock(Some(datetime!(2026-01-01 00:00 UTC)));
    let token = make(&forge, NewToken::classic("ada", ["repo"]));
    ask(&forge, &token.value).await;
    let second = ask(&forge, &token.value).await;
    assert_eq!(second.header("x-ratelimit-limit"), Some("5000"));
    assert_eq!(second.header("x-ratelimit-used"), Some("2"));
    assert_eq!(second.header("x-ratelimit-remaining"), Some("4998"));
    assert_eq!(second.header("x-ratelimit-resource"), Some("core"));
    let reset = (datetime!(2026-01-01 01:00 UTC)).unix_timestamp();
    assert_eq!(second.header("x-ratelimit-reset"), Some(reset.to_string().as_str()));
    let limit = Request::get("/api/v3/rate_limit")
        .bearer(&token.value)
        .send(forge.address())
        .await;
    assert_eq!(limit.json()["rate"]["used"], 2);
    forge.set_clock(Some(datetime!(2026-01-01 01:00 UTC)));
    assert_eq!(ask(&forge, &token.value).await.header("x-ratelimit-used"), Some("1"));
}

#[tokio::test]
async fn reachability_needs_no_token() {
    let forge = forge().await;
    for path in ["/api/v3", "/api/v3/", "/api/v3/meta", "/api/v3/rate_limit"] {
        let answer = Request::get(path).send(forge.address()).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.header("x-github-enterprise-version").is_some());
    }
    let meta = Request::get("/api/v3/meta").send(forge.address()).await;
    assert!(meta.json()["installed_version"].is_string());
}

#[tokio::test]
async fn a_forge_that_was_stopped_refuses_connections() {
    let forge = forge().await;
    let address = forge.address();
    forge.stop().await;
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn stopping_closes_the_connections_that_clients_keep_open() {
    let forge = forge().await;
    let mut fresh = TcpStream::connect(forge.address()).await.expect("the forge listens");
    let mut used = TcpStream::connect(forge.address()).await.expect("the forge listens");
    used.write_all(b"HEAD /api/v3/meta HTTP/1.1\r\nhost: forge\r\n\r\n")
        .await
        .expect("the forge reads");
    let mut start = [0; 12];
    used.read_exact(&mut start).await.expect("an answer");
    forge.stop().await;
    let mut rest = Vec::new();
    used.read_to_end(&mut rest).await.expect("an orderly end");
    fresh.read_to_end(&mut rest).await.expect("an orderly end");
}

#[tokio::test]
async fn a_forge_that_was_dropped_refuses_connections_soon() {
    let forge = forge().await;
    let address = forge.address();
    drop(forge);
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
}
