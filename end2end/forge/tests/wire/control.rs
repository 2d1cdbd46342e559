//! `/_control`: what another process says to the forge.

use forge::Forge;
use serde_json::{Value, json};

use crate::client::{Answer, Request};

async fn control(forge: &Forge, method: &str, path: &str, body: Value) -> Answer {
    Request::new(method, &format!("/_control{path}"))
        .json(&body)
        .send(forge.address())
        .await
}

async fn make_token(forge: &Forge, body: Value) -> Value {
    let answer = control(forge, "POST", "/tokens", body).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    answer.json()
}

async fn ask(forge: &Forge, token: &Value) -> Answer {
    let value = token["value"].as_str().expect("a value");
    Request::get("/api/v3/user").bearer(value).send(forge.address()).await
}

async fn with_ada() -> Forge {
    let forge = Forge::start().await;
    let account = json!({ "password": "pw", "name": "Ada", "id": 7, "second_factor": null });
    let answer = control(&forge, "PUT", "/accounts/ada", account).await;
    assert_eq!(answer.json(), json!({ "login": "ada", "id": 7 }));
    forge
}

#[tokio::test]
async fn an_account_and_a_token_made_by_json_work_on_the_wire() {
    let forge = with_ada().await;
    let token = make_token(
        &forge,
        json!({
            "account": "ada", "kind": "classic", "name": "argo", "scopes": ["repo"],
            "expires_at": "2999-12-01T00:00:00Z", "expiry_header": { "offset": 60 },
        }),
    )
    .await;
    let answer = ask(&forge, &token).await;
    assert_eq!(answer.json()["id"], 7);
    assert_eq!(
        answer.header("github-authentication-token-expiration"),
        Some("2999-12-01 01:00:00 +0100")
    );
}

#[tokio::test]
async fn a_token_is_changed_and_null_takes_away_what_absence_leaves() {
    let forge = with_ada().await;
    let body = json!({ "account": "ada", "kind": "classic", "expires_at": "2999-12-01T00:00:00Z" });
    let token = make_token(&forge, body).await;
    let path = format!("/tokens/{}", token["id"]);
    assert_eq!(
        control(&forge, "PATCH", &path, json!({ "scopes": ["gist"] }))
            .await
            .status,
        204
    );
    let answer = ask(&forge, &token).await;
    assert_eq!(answer.header("x-oauth-scopes"), Some("gist"));
    assert!(answer.header("github-authentication-token-expiration").is_some());
    assert_eq!(
        control(&forge, "PATCH", &path, json!({ "expires_at": null }))
            .await
            .status,
        204
    );
    let answer = ask(&forge, &token).await;
    assert_eq!(answer.header("x-oauth-scopes"), Some("gist"));
    assert_eq!(answer.header("github-authentication-token-expiration"), None);
}

#[tokio::test]
async fn a_deleted_token_is_revoked_and_stays_in_the_list() {
    let forge = with_ada().await;
    let token = make_token(&forge, json!({ "account": "ada", "kind": "oauth", "scopes": ["repo"] })).await;
    let answer = control(&forge, "DELETE", &format!("/tokens/{}", token["id"]), Value::Null).await;
    assert_eq!(answer.status, 204);
    assert_eq!(ask(&forge, &token).await.status, 401);
    let list = Request::get("/_control/tokens").send(forge.address()).await;
    assert_eq!(list.json()[0]["revoked"], true);
    assert!(!list.text().contains(token["value"].as_str().expect("a value")));
}

#[tokio::test]
async fn a_fine_grained_token_gets_its_permissions_and_repositories() {
    let forge = with_ada().await;
    assert_eq!(
        control(&forge, "PUT", "/repos/acme/web", json!({ "private": true }))
            .await
            .status,
        204
    );
    let body = json!({
        "account": "ada", "kind": "fine_grained", "permissions": { "contents": "read" }, "repositories": ["acme/web"],
    });
    let token = make_token(&forge, body).await;
    let value = token["value"].as_str().expect("a value");
    for (path, status) in [("contents", 200), ("pulls", 403)] {
        let request = Request::get(&format!("/api/v3/repos/acme/web/{path}")).bearer(value);
        assert_eq!(request.send(forge.address()).await.status, status);
    }
}

#[tokio::test]
async fn every_fault_has_its_json() {
    let forge = with_ada().await;
    for fault in [
        json!({ "kind": "sso_required", "url": "https://github.example/orgs/acme/sso" }),
        json!({ "kind": "rate_limited", "status": 403, "reset_in": 1800 }),
        json!({ "kind": "secondary_rate_limited", "status": 429, "retry_after": 60 }),
        json!({ "kind": "secondary_rate_limited", "status": 429 }),
        json!({ "kind": "status", "status": 502 }),
        json!({ "kind": "delay", "millis": 3000 }),
        json!({ "kind": "drip", "chunk": 1, "millis": 100 }),
        json!({ "kind": "html" }),
        json!({ "kind": "malformed_json" }),
        json!({ "kind": "huge_body", "mebibytes": 64 }),
        json!({ "kind": "close_mid_body" }),
        json!({ "kind": "redirect", "status": 302, "location": "http://169.254.169.254/" }),
        json!({ "kind": "empty_body" }),
    ] {
        let rule = json!({ "scope": { "path_prefix": "/nowhere", "token": 1 }, "times": 2, "fault": fault });
        let answer = control(&forge, "POST", "/faults", rule).await;
        assert_eq!(answer.status, 201, "{fault}: {}", answer.text());
    }
}

#[tokio::test]
async fn a_fault_by_json_befalls_its_scope() {
    let forge = with_ada().await;
    let rule = json!({ "scope": { "path_prefix": "/api/v3/meta" }, "fault": { "kind": "status", "status": 503 } });
    control(&forge, "POST", "/faults", rule).await;
    assert_eq!(Request::get("/api/v3/meta").send(forge.address()).await.status, 503);
    assert_eq!(Request::get("/api/v3/").send(forge.address()).await.status, 200);
}

#[tokio::test]
async fn a_mistake_in_a_control_request_is_told() {
    let forge = with_ada().await;
    for (method, path, body, status) in [
        (
            "POST",
            "/tokens",
            json!({ "account": "ada", "kind": "classic", "scope": ["repo"] }),
            422,
        ),
        (
            "POST",
            "/tokens",
            json!({ "account": "nobody", "kind": "classic" }),
            422,
        ),
        ("PATCH", "/tokens/99", json!({}), 404),
        ("DELETE", "/tokens/99", Value::Null, 404),
        (
            "POST",
            "/faults",
            json!({ "fault": { "kind": "rate_limited", "status": 500, "reset_in": 1 } }),
            422,
        ),
        (
            "POST",
            "/faults",
            json!({ "fault": { "kind": "status", "status": 200 } }),
            422,
        ),
        ("POST", "/faults", json!({ "fault": { "kind": "earthquake" } }), 422),
        ("PUT", "/clock", json!({ "now": "tomorrow" }), 422),
    ] {
        let answer = control(&forge, method, path, body.clone()).await;
        assert_eq!(answer.status, status, "{method} {path} {body}: {}", answer.text());
        assert!(!answer.body.is_empty());
    }
}

#[tokio::test]
async fn the_clock_is_set_and_let_go() {
    let forge = with_ada().await;
    let body = json!({ "account": "ada", "kind": "classic", "expires_at": "2999-01-01T00:00:00Z" });
    let token = make_token(&forge, body).await;
    assert_eq!(
        control(&forge, "PUT", "/clock", json!({ "now": "2999-01-01T00:00:00Z" }))
            .await
            .status,
        204
    );
    assert_eq!(ask(&forge, &token).await.status, 401);
    assert_eq!(
        control(&forge, "PUT", "/clock", json!({ "now": null })).await.status,
        204
    );
    assert_eq!(ask(&forge, &token).await.status, 200);
}

#[tokio::test]
async fn a_reset_forgets_everything() {
    let forge = with_ada().await;
    let token = make_token(&forge, json!({ "account": "ada", "kind": "classic" })).await;
    ask(&forge, &token).await;
    control(&forge, "POST", "/faults", json!({ "fault": { "kind": "html" } })).await;
    assert_eq!(control(&forge, "POST", "/reset", Value::Null).await.status, 204);
    assert!(forge.requests().is_empty());
    assert!(forge.tokens().is_empty());
    assert_eq!(ask(&forge, &token).await.status, 401);
}
