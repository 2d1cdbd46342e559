//! Gitea, and Forgejo, which began as a copy of it: the REST API under `/api/v1`.
//!
//! Bodies follow <https://docs.gitea.com/api/> and the source of both: `routers/api/v1/api.go`, `models/auth`. Where the two
//! differ, [`Flavour`] says how.

mod answer;
mod flavour;
mod oauth;
mod repositories;
mod tokens;

use axum::Router;
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post};
use serde_json::json;

use crate::faults::RateLimit;
use crate::provider::Provider;
use crate::state::Shared;
use crate::wire::put_retry_after;
use answer::{Caller, error, ok};
use flavour::{FORGEJO_VERSION, Flavour, Forgejo, Gitea};
pub(crate) use oauth::{FORGEJO_OAUTH, GITEA_OAUTH};

pub(crate) fn router() -> Router<Shared> {
    let forgejo = api::<Forgejo>().route("/api/forgejo/v1/version", get(forgejo_version));
    Router::new()
        .nest(Gitea::PROVIDER.base_path(), api::<Gitea>())
        .nest(Forgejo::PROVIDER.base_path(), forgejo)
}

fn api<F: Flavour>() -> Router<Shared> {
    Router::new()
        .route(oauth::TOKEN, post(oauth::token::<F>))
        .route("/api/v1/version", get(version::<F>))
        .route("/api/v1/user", get(user::<F>))
        .route("/api/v1/user/orgs", get(organisations::<F>))
        .route("/api/v1/user/repos", get(repositories::list::<F>))
        .route("/api/v1/users/{login}/tokens", get(tokens::list::<F>))
        .route("/api/v1/users/{login}/tokens/{token}", delete(tokens::remove::<F>))
        .route("/api/v1/repos/{owner}/{name}", get(repositories::show::<F>))
        .route(
            "/api/v1/repos/{owner}/{name}/branches",
            get(repositories::branches::<F>),
        )
        .route("/api/v1/repos/{owner}/{name}/hooks", get(repositories::hooks::<F>))
        .route("/api/v1/{*rest}", any(elsewhere::<F>))
        .method_not_allowed_fallback(elsewhere::<F>)
}

/// Open to everybody, but a token that is sent along must be good.
async fn version<F: Flavour>(_: Caller<F>) -> Response {
    ok(&json!({ "version": F::VERSION }))
}

/// Only Forgejo has this, so it tells the two apart.
async fn forgejo_version(_: Caller<Forgejo>) -> Response {
    ok(&json!({ "version": FORGEJO_VERSION }))
}

async fn user<F: Flavour>(caller: Caller<F>) -> Response {
    let account = match caller.needs(&["user"]) {
        Ok(account) => account,
        Err(refusal) => return *refusal,
    };
    ok(&json!({
        "id": account.id,
        "login": account.login,
        "login_name": "",
        "source_id": 0,
        "full_name": account.about.name.as_deref().unwrap_or_default(),
        "email": account.email(),
        "avatar_url": format!("{}/avatars/{}", caller.identity.url, account.id),
        "html_url": format!("{}/{}", caller.identity.url, account.login),
        "language": "en-US",
        "is_admin": false,
        "last_login": "2025-01-14T04:33:35Z",
        "created": "2018-01-14T04:33:35Z",
        "restricted": false,
        "active": true,
        "prohibit_login": false,
        "location": "",
        "website": "",
        "description": "",
        "visibility": "public",
        "followers_count": 0,
        "following_count": 0,
        "starred_repos_count": 0,
        "username": account.login,
    }))
}

/// It needs both scopes.
async fn organisations<F: Flavour>(caller: Caller<F>) -> Response {
    match caller.needs(&["user", "organization"]) {
        Ok(_) => ok(&json!([])),
        Err(refusal) => *refusal,
    }
}

/// What is not there, and what would change something.
async fn elsewhere<F: Flavour>(method: Method, caller: Caller<F>) -> Response {
    if method.is_safe() {
        return caller.not_found();
    }
    let words = "The forge takes no writes through the API: the product only reads.";
    caller.refuse(StatusCode::FORBIDDEN, words)
}

/// Neither knows rate limits: it is the proxy before them that refuses, with a page of its own.
pub(crate) fn rate_limited(limit: RateLimit) -> Response {
    let mut response = (limit.status, "Too Many Requests\n").into_response();
    put_retry_after(response.headers_mut(), limit.end.retry_after());
    response
}

/// A failure of the server itself, which says nothing to anybody but an administrator.
pub(crate) fn failure(shared: &Shared, provider: Provider, status: StatusCode) -> Response {
    answer::plain(status, &error(&shared.url_of(provider), ""))
}
