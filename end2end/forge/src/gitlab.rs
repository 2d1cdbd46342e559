//! GitLab: the REST API under `/api/v4`, and what is for applications and their tokens under `/oauth`.
//!
//! Bodies follow <https://docs.gitlab.com/api/rest/>, <https://docs.gitlab.com/api/personal_access_tokens/> and, for
//! refusals, `lib/api/api_guard.rb` and `lib/api/helpers.rb` of GitLab's source.

mod answer;
mod oauth;
mod projects;
mod tokens;

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::{any, get, post};
use serde_json::json;

use crate::faults::{RateLimit, RateLimitEnd};
use crate::state::Shared;
use crate::wire::put_retry_after;
use answer::{Caller, RateHeaders, message, text};
pub(crate) use oauth::{OAUTH, REVOKE};

/// What opens reading through the API; `read_api` is enough for all that only reads.
const READ_API: &[&str] = &["api", "read_api"];
/// What opens reading about users.
const READ_USER: &[&str] = &["api", "read_api", "read_user"];

pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/api/v4/version", get(version))
        .route("/api/v4/metadata", get(version))
        .route("/api/v4/user", get(user))
        .route(
            "/api/v4/personal_access_tokens/self",
            get(tokens::show).delete(tokens::revoke),
        )
        .route("/api/v4/personal_access_tokens/self/rotate", post(tokens::rotate))
        .route("/api/v4/projects", get(projects::list))
        .route("/api/v4/projects/{id}", get(projects::show))
        .route("/api/v4/projects/{id}/hooks", get(projects::hooks))
        .route("/api/v4/projects/{id}/repository/branches", get(projects::branches))
        .route("/oauth/token/info", get(tokens::oauth_info))
        .route(oauth::TOKEN, post(oauth::token))
        .route(REVOKE, post(oauth::revoke))
        .route("/api/v4/{*rest}", any(elsewhere))
        .method_not_allowed_fallback(elsewhere)
}

async fn version(caller: Caller) -> Response {
    match caller.needs(READ_USER) {
        Ok(_) => caller.ok(&json!({ "version": "18.5.1-ee", "revision": "5be9e2a1c3d" })),
        Err(refusal) => *refusal,
    }
}

async fn user(caller: Caller) -> Response {
    let account = match caller.needs(READ_USER) {
        Ok(account) => account,
        Err(refusal) => return *refusal,
    };
    caller.ok(&json!({
        "id": account.id,
        "username": account.login,
        "name": account.name(),
        "state": "active",
        "locked": false,
        "avatar_url": null,
        "web_url": format!("{}/{}", caller.identity.url, account.login),
        "created_at": "2018-01-14T04:33:35.000Z",
        "email": account.email(),
        "commit_email": account.email(),
        "public_email": null,
        "two_factor_enabled": true,
        "external": false,
        "bot": false,
    }))
}

/// What is not there, and what would change something else than the token itself.
async fn elsewhere(method: Method, caller: Caller) -> Response {
    if method.is_safe() {
        return caller.answer(StatusCode::NOT_FOUND, &json!({ "error": "404 Not Found" }));
    }
    let refusal = "403 Forbidden - The forge takes no writes here: the product only reads.";
    caller.answer(StatusCode::FORBIDDEN, &message(refusal))
}

/// Too many requests: by the throttle before the application, which has headers of its own, or by the application, which
/// has none but `Retry-After` (<https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/>).
pub(crate) fn rate_limited(shared: &Shared, limit: RateLimit) -> Response {
    match limit.end {
        RateLimitEnd::Told(seconds) => {
            let now = shared.lock().clock.now().unix_timestamp();
            let mut response = text(limit.status, "Retry later\n");
            RateHeaders::exhausted(now + i64::from(seconds)).put(response.headers_mut());
            put_retry_after(response.headers_mut(), Some(seconds));
            response
        }
        RateLimitEnd::RetryAfter(seconds) => {
            let words = "This endpoint has been requested too many times. Try again later.";
            let mut response = answer::plain(limit.status, &json!({ "message": { "error": words } }));
            put_retry_after(response.headers_mut(), seconds);
            response
        }
    }
}

/// A failure of GitLab itself.
pub(crate) fn failure(status: StatusCode) -> Response {
    answer::plain(status, &message(&status.to_string()))
}
