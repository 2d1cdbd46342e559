//! Gerrit: the REST API, authenticated under `/a/` by name and token, and anonymous at the same paths without that prefix.
//!
//! Bodies follow <https://gerrit-review.googlesource.com/Documentation/rest-api.html>: JSON behind a line that keeps it from
//! being run as a script, refusals in plain text, times as `2013-02-01 09:59:32.126000000` in UTC.

mod answer;
mod tokens;

use axum::Router;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::{any, get};
use serde_json::{Value, json};

use crate::faults::RateLimit;
use crate::state::{HEAD, KnownAccount, KnownRepository, Shared};
use crate::wire::put_retry_after;
use answer::{Caller, json as gerrit_json, text};

pub(crate) use answer::JSON_PREFIX;

pub(crate) fn router() -> Router<Shared> {
    let authenticated = both()
        .route("/accounts/{id}/tokens", get(tokens::list))
        .route("/accounts/{id}/tokens/{token}", any(tokens::one))
        .route("/{*rest}", any(elsewhere))
        .method_not_allowed_fallback(elsewhere);
    both().method_not_allowed_fallback(elsewhere).nest("/a", authenticated)
}

/// What there is with and without a token; how much of it, the token decides.
fn both() -> Router<Shared> {
    Router::new()
        .route("/config/server/version", get(version))
        .route("/accounts/{id}", get(account))
        .route("/accounts/{id}/detail", get(account_detail))
        .route("/projects/", get(projects))
        .route("/projects/{name}", get(project))
        .route("/projects/{name}/branches/", get(branches))
}

async fn version(_: Caller) -> Response {
    gerrit_json(StatusCode::OK, &json!("3.12.2"))
}

async fn account(State(shared): State<Shared>, Path(id): Path<String>, caller: Caller) -> Response {
    match find_account(&shared, &caller, &id) {
        Ok(account) => gerrit_json(StatusCode::OK, &account_json(&account)),
        Err(refusal) => *refusal,
    }
}

async fn account_detail(State(shared): State<Shared>, Path(id): Path<String>, caller: Caller) -> Response {
    match find_account(&shared, &caller, &id) {
        Ok(account) => {
            let mut body = account_json(&account);
            body["registered_on"] = json!("2018-01-14 04:33:35.000000000");
            gerrit_json(StatusCode::OK, &body)
        }
        Err(refusal) => *refusal,
    }
}

/// The account of this number, name or mail address, or the caller's own for `self`.
fn find_account(shared: &Shared, caller: &Caller, id: &str) -> Result<KnownAccount, Box<Response>> {
    if id == "self" {
        let own = caller.identity.account.clone();
        return own.ok_or_else(|| Box::new(text(StatusCode::FORBIDDEN, "Authentication required")));
    }
    let state = shared.lock();
    let is_meant = |account: &&KnownAccount| {
        account.id.to_string() == id || account.login.eq_ignore_ascii_case(id) || account.email() == id
    };
    let found = state.accounts().find(is_meant).cloned();
    found.ok_or_else(|| Box::new(text(StatusCode::NOT_FOUND, &format!("Account '{id}' not found"))))
}

async fn projects(State(shared): State<Shared>, caller: Caller) -> Response {
    let seen = caller.identity.repositories(&shared.lock());
    let by_name = seen.iter().map(|project| {
        let mut body = project_json(project);
        if let Value::Object(fields) = &mut body {
            // In the list, the name is the key.
            fields.remove("name");
        }
        (project.full_name(), body)
    });
    gerrit_json(StatusCode::OK, &Value::Object(by_name.collect()))
}

async fn project(State(shared): State<Shared>, Path(name): Path<String>, caller: Caller) -> Response {
    within(&shared, &caller, &name, project_json)
}

async fn branches(State(shared): State<Shared>, Path(name): Path<String>, caller: Caller) -> Response {
    within(&shared, &caller, &name, |_| {
        json!([
            { "ref": "HEAD", "revision": "main" },
            { "ref": "refs/heads/main", "revision": HEAD },
        ])
    })
}

/// Answers about a project with `body`, if the caller may know of it.
fn within(shared: &Shared, caller: &Caller, name: &str, body: impl FnOnce(&KnownRepository) -> Value) -> Response {
    let (owner, rest) = name.split_once('/').unwrap_or(("", name));
    let found = caller.identity.repository(&shared.lock(), owner, rest);
    match found {
        Some(project) => gerrit_json(StatusCode::OK, &body(&project)),
        None => text(StatusCode::NOT_FOUND, &format!("Not found: {name}")),
    }
}

/// What is not there, and what would change something else than the caller's tokens.
async fn elsewhere(method: Method, _: Caller) -> Response {
    if method.is_safe() {
        text(StatusCode::NOT_FOUND, "Not Found")
    } else {
        text(
            StatusCode::FORBIDDEN,
            "The forge takes no writes here: the product only reads.",
        )
    }
}

/// The quota is used up (`rest-api.html#quota`); when that ends is not told unless a proxy adds `Retry-After`.
pub(crate) fn rate_limited(limit: RateLimit) -> Response {
    let mut response = text(limit.status, "Quota group \"/restapi\" exceeded");
    put_retry_after(response.headers_mut(), limit.end.retry_after());
    response
}

/// A failure of Gerrit itself.
pub(crate) fn failure(status: StatusCode) -> Response {
    let words = match status {
        StatusCode::INTERNAL_SERVER_ERROR => "Internal server error",
        _ => status.canonical_reason().unwrap_or_default(),
    };
    text(status, words)
}

fn account_json(account: &KnownAccount) -> Value {
    json!({
        "_account_id": account.id,
        "name": account.name(),
        "email": account.email(),
        "username": account.login,
    })
}

fn project_json(project: &KnownRepository) -> Value {
    json!({
        "id": project.full_name().replace('/', "%2F"),
        "name": project.full_name(),
        "state": "ACTIVE",
    })
}
