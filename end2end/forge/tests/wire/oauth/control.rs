//! The same by JSON, and what the record must not hold.

use forge::{Forge, Provider};
use serde_json::{Value, json};

use super::{CALLBACK, CASES, Case, control, parameter};
use crate::client::Request;
use crate::stage::forge;

async fn list(forge: &Forge, path: &str) -> Value {
    let request = Request::get(&format!("/_control/oauth{path}"));
    request.send(forge.address()).await.json()
}

#[tokio::test]
async fn an_application_is_registered_changed_and_deleted_by_json() {
    let forge = forge().await;
    let body = json!({ "provider": "gitlab", "name": "Patchbay", "redirect_uris": [CALLBACK], "scopes": ["api"] });
    let made = control(&forge, "POST", "/applications", body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let id = made.json()["id"].as_u64().expect("a number");
    assert_eq!(made.json()["client_id"].as_str().map(str::len), Some(64));
    assert!(
        made.json()["client_secret"]
            .as_str()
            .is_some_and(|secret| secret.starts_with("gloas-"))
    );
    let path = format!("/applications/{id}");
    let change = json!({ "access_lifetime": 60, "send_iss": "https://gitlab.example", "grants": ["read_user"] });
    assert_eq!(control(&forge, "PATCH", &path, change).await.status, 204);
    let grant = json!({ "application": id, "account": "ada", "scopes": ["api"] });
    let issued = control(&forge, "POST", "/grants", grant).await;
    assert_eq!((issued.status, &issued.json()["expires_in"]), (201, &json!(60)));
    assert_eq!(issued.json()["access"]["id"], 1);
    let null = json!({ "access_lifetime": null });
    assert_eq!(control(&forge, "PATCH", &path, null).await.status, 204);
    let grant = json!({ "application": id, "account": "ada", "scopes": ["api"] });
    assert_eq!(
        control(&forge, "POST", "/grants", grant).await.json()["expires_in"],
        7200
    );
    assert_eq!(control(&forge, "DELETE", &path, Value::Null).await.status, 204);
    assert_eq!(control(&forge, "DELETE", &path, Value::Null).await.status, 404);
    assert_eq!(control(&forge, "PATCH", &path, json!({})).await.status, 404);
}

#[tokio::test]
async fn a_mistake_is_told() {
    let forge = forge().await;
    for (path, body) in [
        (
            "/applications",
            json!({ "provider": "gerrit", "redirect_uris": [CALLBACK] }),
        ),
        ("/applications", json!({ "provider": "github" })),
        (
            "/applications",
            json!({ "provider": "github", "redirect_uris": [], "colour": "red" }),
        ),
        ("/grants", json!({ "application": 1, "account": "ada", "scopes": [] })),
        (
            "/approve",
            json!({ "url": "https://elsewhere.example/", "account": "ada" }),
        ),
        ("/deny", json!({ "url": "https://elsewhere.example/" })),
    ] {
        let answer = control(&forge, "POST", path, body.clone()).await;
        assert_eq!(answer.status, 422, "{body}: {}", answer.text());
    }
    assert_eq!(control(&forge, "DELETE", "/grants/1", Value::Null).await.status, 404);
}

#[tokio::test]
async fn consent_is_given_and_refused_by_json_and_what_became_of_it_is_told() {
    let forge = forge().await;
    let case = Case::of(Provider::Forgejo);
    let application = case.register(&forge);
    let link = case.link(&forge, &application, &[]);
    let denied = control(&forge, "POST", "/deny", json!({ "url": link })).await.json();
    let denied = denied["redirect"].as_str().expect("an address");
    assert_eq!(parameter(denied, "error").as_deref(), Some("access_denied"));
    let approved = control(&forge, "POST", "/approve", json!({ "url": link, "account": "ada" }))
        .await
        .json();
    let approved = approved["redirect"].as_str().expect("an address");
    let code = parameter(approved, "code").expect("a code");
    let first = super::Tokens::of(&case.redeem(&forge, &application, &code, "").await);
    let second = super::Tokens::of(&case.refresh(&forge, &application, &first.refresh).await);
    let grants = list(&forge, "/grants").await;
    assert_eq!(
        grants,
        json!([{
            "id": 1, "application": application.id, "account": "ada", "scopes": case.scopes,
            "live_tokens": [1, 2], "killed": false, "refreshes": 1,
        }])
    );
    let refreshes = list(&forge, "/refreshes").await;
    assert_eq!(
        refreshes,
        json!([{ "at": "2026-01-15T10:30:00Z", "application": application.id, "grant": 1, "outcome": "ok", "token": 2 }])
    );
    assert_eq!(control(&forge, "DELETE", "/grants/1", Value::Null).await.status, 204);
    assert_eq!(case.status(&forge, &second.access).await, 401);
    assert_eq!(list(&forge, "/grants").await[0]["killed"], true);
    Request::new("DELETE", "/_control/requests").send(forge.address()).await;
    assert_eq!(list(&forge, "/refreshes").await, json!([]));
    forge.reset();
    assert_eq!(list(&forge, "/grants").await, json!([]));
    assert!(forge.approve(&link, "ada").is_err());
}

#[tokio::test]
async fn a_grant_without_a_browser_is_as_good_as_one_with() {
    for case in &CASES {
        let forge = forge().await;
        let application = case.register(&forge);
        let scopes = case.scopes.iter().copied();
        let issued = forge
            .issue_grant(application.id, "ada", scopes)
            .expect("both are there");
        assert_eq!(case.status(&forge, &issued.access.value).await, 200);
        let refresh = issued.refresh.expect("a refresh token");
        let second = super::Tokens::of(&case.refresh(&forge, &application, &refresh).await);
        assert_eq!(case.status(&forge, &second.access).await, 200);
        assert!(forge.issue_grant(application.id, "nobody", ["x"]).is_err());
        assert!(forge.issue_grant(forge::ApplicationId(99), "ada", ["x"]).is_err());
    }
}

#[tokio::test]
async fn the_record_holds_no_code_no_secret_and_no_refresh_token() {
    for case in &CASES {
        let forge = forge().await;
        let application = case.register(&forge);
        let code = case.code(&forge, &application, &[]);
        let tokens = super::Tokens::of(&case.redeem(&forge, &application, &code, "").await);
        let secrets = [&code, &tokens.refresh, &tokens.access, &application.client_secret];
        for secret in secrets {
            let path = format!("{}?x={secret}&y=1", case.token);
            let request = Request::get(&path).basic(&application.client_id, secret);
            request.send(forge.address()).await;
        }
        let listing = Request::get("/_control/requests").send(forge.address()).await.text();
        for secret in secrets {
            assert!(!listing.contains(secret.as_str()), "{case:?}");
        }
        let requests = forge.requests();
        assert!(requests.iter().skip(1).all(|request| request.token_in_url));
        assert!(requests.iter().all(|request| request.token_hint.is_none()), "{case:?}");
        assert_eq!(requests[1].query.as_deref(), Some("x=[secret]&y=1"));
        assert_eq!(requests[3].query.as_deref(), Some("x=[token]&y=1"));
    }
}
