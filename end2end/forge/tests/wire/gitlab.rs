//! GitLab: what a token learns of itself, how it is rotated, and what refuses it.

use forge::{Forge, IssuedToken, NewToken, TokenKind};
use serde_json::{Value, json};
use time::macros::datetime;

use crate::client::{Answer, Request};
use crate::stage::{NOW, ask, ask_as_nobody, forge, make, token};

const SELF: &str = "/api/v4/personal_access_tokens/self";
const ROTATE: &str = "/api/v4/personal_access_tokens/self/rotate";

fn personal<const N: usize>(forge: &Forge, scopes: [&str; N]) -> IssuedToken {
    token(forge, TokenKind::GitlabPersonal, scopes)
}

async fn rotate(forge: &Forge, token: &str, body: Value) -> Answer {
    let request = Request::new("POST", ROTATE).header("private-token", token).json(&body);
    request.send(forge.address()).await
}

#[tokio::test]
async fn a_personal_access_token_tells_its_scopes_and_its_last_day() {
    let forge = forge().await;
    let new = NewToken::of_kind(TokenKind::GitlabPersonal, "ada", ["read_api", "write_repository"])
        .named("argo-prod")
        .expires_at(datetime!(2026-03-01 17:45 UTC));
    let token = make(&forge, new);
    assert!(token.value.starts_with("glpat-"));
    let answer = ask(&forge, SELF, &token).await;
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.json(),
        json!({
            "id": token.id, "name": "argo-prod", "revoked": false, "created_at": "2026-01-15T10:30:00Z",
            "description": null, "scopes": ["read_api", "write_repository"], "user_id": 4711,
            "last_used_at": "2026-01-15T10:30:00Z", "active": true, "expires_at": "2026-03-01",
        })
    );
}

#[tokio::test]
async fn a_token_ends_at_the_start_of_its_last_day_in_utc() {
    let forge = forge().await;
    let new = NewToken::of_kind(TokenKind::GitlabPersonal, "ada", ["api"]).expires_at(datetime!(2026-03-01 17:45 UTC));
    let token = make(&forge, new);
    forge.set_clock(Some(datetime!(2026-02-28 23:59:59 UTC)));
    assert_eq!(ask(&forge, SELF, &token).await.status, 200);
    forge.set_clock(Some(datetime!(2026-03-01 00:00 UTC)));
    let answer = ask(&forge, SELF, &token).await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.json()["error"], "invalid_token");
    let reason = "Token is expired. You can either do re-authorization or token refresh.";
    assert_eq!(answer.json()["error_description"], reason);
}

#[tokio::test]
async fn a_token_without_an_end_says_null() {
    let forge = forge().await;
    let answer = ask(&forge, SELF, &personal(&forge, ["api"])).await;
    assert_eq!(answer.json()["expires_at"], Value::Null);
}

#[tokio::test]
async fn a_token_goes_in_either_header_and_nowhere_else() {
    let forge = forge().await;
    let token = personal(&forge, ["read_api"]);
    for (name, value, status) in [
        ("private-token", token.value.clone(), 200),
        ("authorization", format!("Bearer {}", token.value), 200),
        ("authorization", format!("token {}", token.value), 401),
    ] {
        let request = Request::get("/api/v4/user").header(name, &value);
        assert_eq!(request.send(forge.address()).await.status, status, "{name}");
    }
    let as_password = Request::get("/api/v4/user").basic("ada", &token.value);
    assert_eq!(as_password.send(forge.address()).await.status, 401);
}

#[tokio::test]
async fn the_user_is_told_to_whoever_may_read_the_api() {
    let forge = forge().await;
    for scope in ["api", "read_api", "read_user"] {
        let answer = ask(&forge, "/api/v4/user", &personal(&forge, [scope])).await;
        assert_eq!(answer.status, 200, "{scope}");
        assert_eq!(answer.json()["username"], "ada");
        assert_eq!(answer.json()["id"], 4711);
    }
}

#[tokio::test]
async fn the_version_is_told_to_a_token_and_to_nobody_else() {
    let forge = forge().await;
    let token = personal(&forge, ["read_user"]);
    for path in ["/api/v4/version", "/api/v4/metadata"] {
        assert!(ask(&forge, path, &token).await.json()["version"].is_string());
        assert_eq!(ask_as_nobody(&forge, path).await.status, 401);
    }
}

#[tokio::test]
async fn a_token_for_git_alone_knows_itself_but_not_its_user() {
    let forge = forge().await;
    let token = personal(&forge, ["write_repository"]);
    assert_eq!(ask(&forge, SELF, &token).await.status, 200);
    let refusal = ask(&forge, "/api/v4/user", &token).await;
    assert_eq!(refusal.status, 403);
    assert_eq!(refusal.json()["error"], "insufficient_scope");
    assert_eq!(refusal.json()["scope"], "api read_api read_user");
}

#[tokio::test]
async fn unknown_revoked_and_missing_are_told_apart() {
    let forge = forge().await;
    let revoked = personal(&forge, ["api"]);
    forge.revoke_token(revoked.id).expect("it is there");
    let answer = ask(&forge, SELF, &revoked).await;
    assert_eq!(answer.status, 401);
    let reason = "Token was revoked. You have to re-authorize from the user.";
    assert_eq!(
        answer.json(),
        json!({ "error": "invalid_token", "error_description": reason })
    );
    assert!(
        answer
            .header("www-authenticate")
            .is_some_and(|text| text.contains("invalid_token"))
    );
    let unknown = Request::get(SELF)
        .bearer("glpat-nobodyknowsthisone")
        .send(forge.address())
        .await;
    for answer in [unknown, ask_as_nobody(&forge, SELF).await] {
        assert_eq!(answer.status, 401);
        assert_eq!(answer.json(), json!({ "message": "401 Unauthorized" }));
    }
}

#[tokio::test]
async fn rotating_gives_a_new_token_for_the_date_and_ends_the_old_one_at_once() {
    let forge = forge().await;
    let old = make(
        &forge,
        NewToken::of_kind(TokenKind::GitlabPersonal, "ada", ["api"]).named("argo"),
    );
    let answer = rotate(&forge, &old.value, json!({ "expires_at": "2026-12-31" })).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["expires_at"], "2026-12-31");
    assert_eq!(answer.json()["name"], "argo");
    assert_eq!(answer.json()["scopes"], json!(["api"]));
    assert_ne!(answer.json()["id"], json!(old.id));
    let new = answer.json()["token"].as_str().expect("a value").to_owned();
    assert_ne!(new, old.value);
    assert_eq!(ask(&forge, SELF, &old).await.status, 401);
    let request = Request::get(SELF).header("private-token", &new);
    assert_eq!(request.send(forge.address()).await.json()["active"], true);
}

#[tokio::test]
async fn rotating_without_a_date_gives_a_week() {
    let forge = forge().await;
    let token = personal(&forge, ["self_rotate"]);
    let answer = rotate(&forge, &token.value, json!({})).await;
    assert_eq!(answer.json()["expires_at"], "2026-01-22");
}

#[tokio::test]
async fn the_date_may_come_as_a_form() {
    let forge = forge().await;
    let token = personal(&forge, ["api"]);
    let request = Request::new("POST", ROTATE)
        .bearer(&token.value)
        .form(&[("expires_at", "2026-06-30")]);
    assert_eq!(request.send(forge.address()).await.json()["expires_at"], "2026-06-30");
}

#[tokio::test]
async fn a_date_that_is_none_or_has_passed_rotates_nothing() {
    let forge = forge().await;
    let token = personal(&forge, ["api"]);
    for date in ["tomorrow", "2026-01-15", "2025-12-31"] {
        let answer = rotate(&forge, &token.value, json!({ "expires_at": date })).await;
        assert_eq!(answer.status, 400, "{date}");
    }
    assert_eq!(ask(&forge, SELF, &token).await.status, 200);
}

#[tokio::test]
async fn rotating_a_token_that_was_rotated_revokes_all_that_came_of_it() {
    let forge = forge().await;
    let first = personal(&forge, ["api"]);
    let bystander = personal(&forge, ["api"]);
    let second = rotate(&forge, &first.value, json!({})).await.json();
    let third = rotate(&forge, second["token"].as_str().expect("a value"), json!({}))
        .await
        .json();
    let again = rotate(&forge, &first.value, json!({})).await;
    assert_eq!(again.status, 401);
    assert_eq!(again.json()["error"], "invalid_token");
    let request = Request::get(SELF).header("private-token", third["token"].as_str().expect("a value"));
    assert_eq!(request.send(forge.address()).await.status, 401);
    assert_eq!(ask(&forge, SELF, &bystander).await.status, 200);
}

#[tokio::test]
async fn a_wish_for_an_end_in_the_past_or_too_far_away_changes_nothing() {
    let forge = forge().await;
    let token = personal(&forge, ["api"]);
    for wish in ["2026-01-15", "2025-01-01", "2027-01-16", "soon"] {
        let answer = rotate(&forge, &token.value, json!({ "expires_at": wish })).await;
        assert_eq!(answer.status, 400, "{wish}");
    }
    assert_eq!(ask(&forge, SELF, &token).await.status, 200);
    let longest = rotate(&forge, &token.value, json!({ "expires_at": "2027-01-15" })).await;
    assert_eq!(
        (longest.status, &longest.json()["expires_at"]),
        (200, &json!("2027-01-15"))
    );
}

#[tokio::test]
async fn only_api_and_self_rotate_may_rotate() {
    let forge = forge().await;
    let token = personal(&forge, ["read_api", "write_repository"]);
    let answer = rotate(&forge, &token.value, json!({})).await;
    assert_eq!(answer.status, 403);
    assert_eq!(answer.json()["scope"], "api self_rotate");
    assert_eq!(ask(&forge, SELF, &token).await.status, 200);
}

#[tokio::test]
async fn a_token_of_any_scope_may_revoke_itself() {
    let forge = forge().await;
    let token = personal(&forge, ["read_repository"]);
    let request = Request::new("DELETE", SELF).bearer(&token.value);
    let answer = request.send(forge.address()).await;
    assert_eq!((answer.status, answer.body.len()), (204, 0));
    assert_eq!(ask(&forge, SELF, &token).await.status, 401);
    assert!(forge.tokens()[0].revoked);
}

#[tokio::test]
async fn an_oauth_token_asks_elsewhere_about_itself() {
    let forge = forge().await;
    let new = NewToken::of_kind(TokenKind::GitlabOauth, "ada", ["api", "read_user"])
        .expires_at(NOW + time::Duration::seconds(7200));
    let token = make(&forge, new);
    let info = ask(&forge, "/oauth/token/info", &token).await;
    assert_eq!(info.status, 200);
    assert_eq!(info.json()["scope"], json!(["api", "read_user"]));
    assert_eq!(info.json()["expires_in"], 7200);
    assert_eq!(info.json()["resource_owner_id"], 4711);
    assert_eq!(ask(&forge, "/api/v4/user", &token).await.status, 200);
    let refusal = ask(&forge, SELF, &token).await;
    assert_eq!(refusal.status, 400);
    assert!(
        refusal
            .text()
            .contains("requires token type to be a personal access token")
    );
    let personal = personal(&forge, ["api"]);
    assert_eq!(ask(&forge, "/oauth/token/info", &personal).await.status, 401);
}

#[tokio::test]
async fn a_project_is_found_by_number_and_by_path_by_who_sees_it() {
    let forge = forge().await;
    let token = personal(&forge, ["read_api"]);
    let project = ask(&forge, "/api/v4/projects/acme%2Fweb", &token).await;
    assert_eq!(project.json()["path_with_namespace"], "acme/web");
    let number = format!("/api/v4/projects/{}", project.json()["id"]);
    assert_eq!(ask(&forge, &number, &token).await.json(), project.json());
    let list = ask(&forge, "/api/v4/projects?per_page=1", &token).await;
    assert_eq!(list.json().as_array().map(Vec::len), Some(1));
    assert_eq!(
        (list.header("x-total"), list.header("x-next-page")),
        (Some("2"), Some("2"))
    );
    assert!(
        list.header("link")
            .is_some_and(|link| link.contains("page=2&per_page=1>; rel=\"next\""))
    );
    let grace = make(&forge, NewToken::of_kind(TokenKind::GitlabPersonal, "grace", ["api"]));
    let hidden = ask(&forge, "/api/v4/projects/acme%2Fweb", &grace).await;
    assert_eq!(hidden.status, 404);
    assert_eq!(hidden.json()["message"], "404 Project Not Found");
}

#[tokio::test]
async fn webhooks_are_shown_to_the_owner_alone() {
    let forge = forge().await;
    let token = personal(&forge, ["api"]);
    assert_eq!(
        ask(&forge, "/api/v4/projects/ada%2Fnotes/hooks", &token).await.status,
        200
    );
    assert_eq!(
        ask(&forge, "/api/v4/projects/acme%2Fweb/hooks", &token).await.status,
        403
    );
    assert_eq!(
        ask(&forge, "/api/v4/projects/acme%2Fweb/repository/branches", &token)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn every_answer_tells_how_much_of_the_minute_is_left() {
    let forge = forge().await;
    let token = personal(&forge, ["api"]);
    ask(&forge, SELF, &token).await;
    let answer = ask(&forge, SELF, &token).await;
    assert_eq!(answer.header("ratelimit-limit"), Some("2000"));
    assert_eq!(answer.header("ratelimit-observed"), Some("2"));
    assert_eq!(answer.header("ratelimit-remaining"), Some("1998"));
    let reset = (NOW + time::Duration::MINUTE).unix_timestamp().to_string();
    assert_eq!(answer.header("ratelimit-reset"), Some(reset.as_str()));
    forge.set_clock(Some(NOW + time::Duration::MINUTE));
    assert_eq!(ask(&forge, SELF, &token).await.header("ratelimit-observed"), Some("1"));
}

#[tokio::test]
async fn other_writes_are_refused_and_recorded() {
    let forge = forge().await;
    let token = personal(&forge, ["api"]);
    let request = Request::new("POST", "/api/v4/projects")
        .bearer(&token.value)
        .json(&json!({}));
    assert_eq!(request.send(forge.address()).await.status, 403);
    assert_eq!(forge.writes().len(), 1);
    assert_eq!(
        ask(&forge, "/api/v4/nothing", &token).await.json()["error"],
        "404 Not Found"
    );
}
