//! Gerrit: name and token under `/a/`, JSON behind its prefix, refusals in plain text.

use forge::{Forge, IssuedToken, NewToken, TokenKind};
use serde_json::{Value, json};
use time::macros::datetime;

use crate::client::{Answer, Request};
use crate::stage::{NOW, ask, ask_as_nobody, forge, make, token};

const SELF: &str = "/a/accounts/self";
const TOKENS: &str = "/a/accounts/self/tokens";

/// The JSON behind the prefix.
fn json_of(answer: &Answer) -> Value {
    assert_eq!(answer.header("content-type"), Some("application/json; charset=UTF-8"));
    let text = answer.text();
    let body = text.strip_prefix(")]}'\n").expect("the prefix");
    serde_json::from_str(body).expect("JSON behind it")
}

async fn ask_as(forge: &Forge, method: &str, path: &str, token: &str) -> Answer {
    Request::new(method, path)
        .basic("ada", token)
        .send(forge.address())
        .await
}

fn assert_unauthorised(answer: &Answer) {
    assert_eq!((answer.status, answer.text().as_str()), (401, "Unauthorized"));
    assert_eq!(
        answer.header("www-authenticate"),
        Some("Basic realm=\"Gerrit Code Review\"")
    );
    assert_eq!(answer.header("content-type"), Some("text/plain; charset=UTF-8"));
}

fn both(forge: &Forge) -> [IssuedToken; 2] {
    [TokenKind::GerritToken, TokenKind::GerritPassword].map(|kind| token(forge, kind, []))
}

#[tokio::test]
async fn a_token_and_the_http_password_are_told_who_they_are() {
    let forge = forge().await;
    for token in both(&forge) {
        let answer = ask_as(&forge, "GET", SELF, &token.value).await;
        assert_eq!(answer.status, 200);
        assert_eq!(
            json_of(&answer),
            json!({
                "_account_id": 4711, "name": "Ada Lovelace", "email": "ada@acme.example", "username": "ada",
            })
        );
        let detail = ask_as(&forge, "GET", "/a/accounts/self/detail", &token.value).await;
        assert_eq!(json_of(&detail)["registered_on"], "2018-01-14 04:33:35.000000000");
    }
}

#[tokio::test]
async fn a_token_goes_beside_its_name_and_in_no_other_way() {
    let forge = forge().await;
    for token in both(&forge) {
        assert_unauthorised(&ask(&forge, SELF, &token).await);
        let foreign = Request::get(SELF).basic("grace", &token.value);
        assert_unauthorised(&foreign.send(forge.address()).await);
    }
    assert_unauthorised(&ask_as_nobody(&forge, SELF).await);
    assert_unauthorised(&ask_as(&forge, "GET", "/a/config/server/version", "nobodyknowsthisone").await);
}

#[tokio::test]
async fn without_the_prefix_of_the_path_a_token_is_nothing() {
    let forge = forge().await;
    let token = token(&forge, TokenKind::GerritToken, []);
    let answer = ask_as(&forge, "GET", "/accounts/self", &token.value).await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (403, "Authentication required")
    );
    let version = ask_as_nobody(&forge, "/config/server/version").await;
    assert!(json_of(&version).is_string());
    assert_eq!(json_of(&ask_as_nobody(&forge, "/projects/").await), json!({}));
}

#[tokio::test]
async fn a_token_ends_and_the_list_tells_when() {
    let forge = forge().await;
    let end = datetime!(2026-02-01 12:00 UTC);
    let new = NewToken::of_kind(TokenKind::GerritToken, "ada", [""; 0]);
    let ending = make(&forge, new.clone().named("argo").expires_at(end));
    make(&forge, new.named("laptop"));
    token(&forge, TokenKind::GerritPassword, []);
    let list = json_of(&ask_as(&forge, "GET", TOKENS, &ending.value).await);
    assert_eq!(
        list,
        json!([{ "id": "argo", "expiration": "2026-02-01 12:00:00.000000000" }, { "id": "laptop" }])
    );
    forge.set_clock(Some(end));
    assert_unauthorised(&ask_as(&forge, "GET", SELF, &ending.value).await);
}

#[tokio::test]
async fn a_person_makes_a_token_for_a_time_and_takes_the_old_one_away() {
    let forge = forge().await;
    let new = NewToken::of_kind(TokenKind::GerritToken, "ada", [""; 0]).named("old");
    let old = make(&forge, new);
    let request = Request::new("PUT", &format!("{TOKENS}/new")).basic("ada", &old.value);
    let made = request
        .json(&json!({ "lifetime": "30 days" }))
        .send(forge.address())
        .await;
    assert_eq!(made.status, 201);
    let body = json_of(&made);
    assert_eq!(body["id"], "new");
    assert_eq!(body["expiration"], "2026-02-14 10:30:00.000000000");
    assert_eq!(NOW + time::Duration::days(30), datetime!(2026-02-14 10:30 UTC));
    let value = body["token"].as_str().expect("a value");
    assert_eq!(
        ask_as(&forge, "DELETE", &format!("{TOKENS}/old"), value).await.status,
        204
    );
    assert_unauthorised(&ask_as(&forge, "GET", SELF, &old.value).await);
    assert_eq!(ask_as(&forge, "GET", SELF, value).await.status, 200);
    assert_eq!(ask_as(&forge, "PUT", &format!("{TOKENS}/new"), value).await.status, 409);
    assert_eq!(
        ask_as(&forge, "DELETE", &format!("{TOKENS}/old"), value).await.status,
        404
    );
}

#[tokio::test]
async fn a_lifetime_has_a_unit() {
    let forge = forge().await;
    let token = token(&forge, TokenKind::GerritPassword, []);
    for (wish, end) in [
        ("5min", "2026-01-15 10:35:00.000000000"),
        ("1h", "2026-01-15 11:30:00.000000000"),
        ("1d", "2026-01-16 10:30:00.000000000"),
        ("1mon", "2026-02-14 10:30:00.000000000"),
        ("3y", "2029-01-14 10:30:00.000000000"),
    ] {
        let request = Request::new("PUT", &format!("{TOKENS}/for-{wish}")).basic("ada", &token.value);
        let answer = request.json(&json!({ "lifetime": wish })).send(forge.address()).await;
        assert_eq!(json_of(&answer)["expiration"], end, "{wish}");
    }
}

#[tokio::test]
async fn only_an_administrator_may_choose_the_value() {
    let forge = forge().await;
    let token = token(&forge, TokenKind::GerritToken, []);
    let request = Request::new("PUT", &format!("{TOKENS}/new")).basic("ada", &token.value);
    let answer = request.json(&json!({ "token": "secret" })).send(forge.address()).await;
    assert_eq!(answer.status, 403);
    assert_eq!(forge.tokens().len(), 1);
}

#[tokio::test]
async fn a_lifetime_that_is_none_makes_nothing() {
    let forge = forge().await;
    let token = token(&forge, TokenKind::GerritPassword, []);
    for wish in [
        "soon",
        "30",
        "-1 days",
        "30 fortnights",
        "9223372036854775807 weeks",
        "9223372036854775 weeks",
    ] {
        let request = Request::new("PUT", &format!("{TOKENS}/new")).basic("ada", &token.value);
        let answer = request.json(&json!({ "lifetime": wish })).send(forge.address()).await;
        assert_eq!(answer.status, 400, "{wish}");
    }
    assert_eq!(forge.tokens().len(), 1);
}

#[tokio::test]
async fn anothers_tokens_are_an_administrators_business() {
    let forge = forge().await;
    let token = token(&forge, TokenKind::GerritToken, []);
    let answer = ask_as(&forge, "GET", "/a/accounts/grace/tokens", &token.value).await;
    assert_eq!(
        (answer.status, answer.text().as_str()),
        (403, "administrate server not permitted")
    );
}

#[tokio::test]
async fn projects_are_named_with_their_slash_encoded_and_hidden_from_strangers() {
    let forge = forge().await;
    let token = token(&forge, TokenKind::GerritToken, []);
    let project = ask_as(&forge, "GET", "/a/projects/acme%2Fweb", &token.value).await;
    assert_eq!(
        json_of(&project),
        json!({ "id": "acme%2Fweb", "name": "acme/web", "state": "ACTIVE" })
    );
    let list = json_of(&ask_as(&forge, "GET", "/a/projects/", &token.value).await);
    assert_eq!(list["ada/notes"]["id"], "ada%2Fnotes");
    let branches = ask_as(&forge, "GET", "/a/projects/acme%2Fweb/branches/", &token.value).await;
    assert_eq!(json_of(&branches)[1]["ref"], "refs/heads/main");
    let hidden = ask_as_nobody(&forge, "/projects/acme%2Fweb").await;
    assert_eq!((hidden.status, hidden.text().as_str()), (404, "Not found: acme/web"));
}

#[tokio::test]
async fn other_writes_are_refused_and_recorded() {
    let forge = forge().await;
    let token = token(&forge, TokenKind::GerritToken, []);
    let answer = ask_as(&forge, "PUT", "/a/accounts/self/name", &token.value).await;
    assert_eq!(answer.status, 403);
    assert_eq!(forge.writes().len(), 1);
    assert_eq!(ask_as(&forge, "GET", "/a/nothing", &token.value).await.status, 404);
}
