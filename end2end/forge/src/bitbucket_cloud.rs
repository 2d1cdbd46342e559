//! Bitbucket Cloud: the REST API under `/2.0`, which in earnest is at `api.bitbucket.org`, and what is for applications under
//! `/site/oauth2`.
//!
//! Bodies follow <https://developer.atlassian.com/cloud/bitbucket/rest/>. That `X-OAuth-Scopes` and `X-Credential-Type` come
//! with the answer, and with which words, is what clients have published; no document promises it.

mod answer;
mod oauth;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::{any, get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::faults::{RateLimit, RateLimitEnd};
use crate::model::TokenKind;
use crate::paging::{self, Page};
use crate::state::{HEAD, KnownAccount, KnownRepository, Shared};
use crate::wire::{put, put_retry_after};
use answer::{Caller, Scope, error};
pub(crate) use oauth::OAUTH;

/// Reading the person behind a token.
const ACCOUNT: Scope = Scope {
    api_token: "read:user:bitbucket",
    access_token: "account",
    application: "account",
};
/// Reading workspaces. Access tokens reach theirs with any scope that reads its repositories; what applications got needs
/// `account` (<https://support.atlassian.com/bitbucket-cloud/kb/this-api-is-not-accessible-by-this-authentication-mechanism/>).
const WORKSPACE: Scope = Scope {
    api_token: "read:workspace:bitbucket",
    access_token: "repository",
    application: "account",
};
/// Reading repositories.
const REPOSITORY: Scope = Scope {
    api_token: "read:repository:bitbucket",
    access_token: "repository",
    application: "repository",
};
/// Reading webhooks.
const WEBHOOK: Scope = Scope {
    api_token: "read:webhook:bitbucket",
    access_token: "webhook",
    application: "webhook",
};

pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route(oauth::TOKEN, post(oauth::token))
        .route("/2.0/user", get(user))
        .route("/2.0/user/workspaces", get(workspaces))
        .route("/2.0/workspaces", get(removed))
        .route("/2.0/workspaces/{workspace}", get(workspace))
        .route("/2.0/repositories", get(removed))
        .route("/2.0/repositories/{workspace}", get(repositories))
        .route("/2.0/repositories/{workspace}/{repository}", get(repository))
        .route("/2.0/repositories/{workspace}/{repository}/hooks", get(hooks))
        .route(
            "/2.0/repositories/{workspace}/{repository}/refs/branches",
            get(branches),
        )
        .route("/2.0/{*rest}", any(elsewhere))
        .method_not_allowed_fallback(elsewhere)
}

/// An access token belongs to no person, and is refused; its headers still tell what it is. (The words are our guess.)
async fn user(caller: Caller) -> Response {
    let (token, account) = match caller.needs(&ACCOUNT) {
        Ok(found) => found,
        Err(refusal) => return *refusal,
    };
    if matches!(token.about.kind, TokenKind::BitbucketApi | TokenKind::BitbucketOauth) {
        caller.ok(&ACCOUNT, &account_json(&caller, account))
    } else {
        let body = error("This API is only accessible with the credentials of a user.");
        caller.answer(StatusCode::FORBIDDEN, &ACCOUNT, &body)
    }
}

/// The workspaces of the person behind the token.
async fn workspaces(State(shared): State<Shared>, caller: Caller) -> Response {
    if let Err(refusal) = caller.needs(&WORKSPACE) {
        return *refusal;
    }
    let mut names: Vec<String> = caller
        .identity
        .repositories(&shared.lock())
        .into_iter()
        .map(|repository| repository.owner)
        .collect();
    names.sort_unstable();
    names.dedup();
    let values: Vec<Value> = names
        .iter()
        .map(|name| json!({ "type": "workspace_access", "administrator": false, "workspace": workspace_json(&caller, name) }))
        .collect();
    caller.ok(&WORKSPACE, &only_page(&values))
}

async fn workspace(State(shared): State<Shared>, Path(name): Path<String>, caller: Caller) -> Response {
    if let Err(refusal) = caller.needs(&WORKSPACE) {
        return *refusal;
    }
    let seen = caller.identity.repositories(&shared.lock());
    if seen
        .iter()
        .any(|repository| repository.owner.eq_ignore_ascii_case(&name))
    {
        caller.ok(&WORKSPACE, &workspace_json(&caller, &name))
    } else {
        let words = format!("No workspace with identifier '{name}'.");
        caller.answer(StatusCode::NOT_FOUND, &WORKSPACE, &error(&words))
    }
}

#[derive(Deserialize)]
struct Paging {
    #[serde(default = "ten")]
    pagelen: usize,
    #[serde(default = "paging::first")]
    page: usize,
}

fn ten() -> usize {
    10
}

async fn repositories(
    State(shared): State<Shared>,
    Path(workspace): Path<String>,
    Query(paging): Query<Paging>,
    caller: Caller,
) -> Response {
    if let Err(refusal) = caller.needs(&REPOSITORY) {
        return *refusal;
    }
    let seen = caller.identity.repositories(&shared.lock());
    let values: Vec<Value> = seen
        .iter()
        .filter(|repository| repository.owner.eq_ignore_ascii_case(&workspace))
        .map(|repository| repository_json(&caller, repository))
        .collect();
    let page = Page::new(paging.page, paging.pagelen, values.len());
    let mut body = json!({
        "pagelen": page.size(),
        "page": page.number(),
        "size": page.total(),
        "values": page.of(&values).collect::<Vec<_>>(),
    });
    if let Some(next) = page.next() {
        let url = &caller.identity.url;
        let size = page.size();
        body["next"] = json!(format!("{url}/2.0/repositories/{workspace}?pagelen={size}&page={next}"));
    }
    caller.ok(&REPOSITORY, &body)
}

async fn repository(
    State(shared): State<Shared>,
    Path((workspace, name)): Path<(String, String)>,
    caller: Caller,
) -> Response {
    within(&shared, &caller, &REPOSITORY, &workspace, &name, |repository| {
        repository_json(&caller, repository)
    })
}

async fn hooks(
    State(shared): State<Shared>,
    Path((workspace, name)): Path<(String, String)>,
    caller: Caller,
) -> Response {
    within(&shared, &caller, &WEBHOOK, &workspace, &name, |_| only_page(&[]))
}

async fn branches(
    State(shared): State<Shared>,
    Path((workspace, name)): Path<(String, String)>,
    caller: Caller,
) -> Response {
    within(&shared, &caller, &REPOSITORY, &workspace, &name, |_| {
        let target = json!({ "type": "commit", "hash": HEAD });
        only_page(&[json!({ "type": "branch", "name": "main", "target": target })])
    })
}

/// Answers about a repository with `body`, if the caller has the scope and may know of it.
fn within(
    shared: &Shared,
    caller: &Caller,
    scope: &Scope,
    workspace: &str,
    name: &str,
    body: impl FnOnce(&KnownRepository) -> Value,
) -> Response {
    if let Err(refusal) = caller.needs(scope) {
        return *refusal;
    }
    let found = caller.identity.repository(&shared.lock(), workspace, name);
    if let Some(repository) = found {
        return caller.ok(scope, &body(&repository));
    }
    let words = format!(
        "You may not have access to this repository or it no longer exists in this workspace. If you think this \
         repository exists and you have access, make sure you are authenticated. ({workspace}/{name})"
    );
    caller.answer(StatusCode::NOT_FOUND, scope, &error(&words))
}

/// The lists across workspaces, which were removed on 2026-04-14 (CHANGE-2770 in Atlassian's changelog).
async fn removed(caller: Caller) -> Response {
    let body = error("CHANGE-2770 - Functionality has been deprecated");
    caller.answer(StatusCode::GONE, &WORKSPACE, &body)
}

/// What is not there, and what would change something.
async fn elsewhere(method: Method, caller: Caller) -> Response {
    if method.is_safe() {
        let mut body = error("Resource not found");
        body["error"]["detail"] = json!("There is no API hosted at this URL.");
        return caller.answer(StatusCode::NOT_FOUND, &ACCOUNT, &body);
    }
    let body = error("The forge takes no writes through the API: the product only reads.");
    caller.answer(StatusCode::FORBIDDEN, &ACCOUNT, &body)
}

/// The hour's requests are used up (<https://support.atlassian.com/bitbucket-cloud/docs/api-request-limits/>). When that
/// ends is told by `Retry-After` or by nothing.
pub(crate) fn rate_limited(limit: RateLimit) -> Response {
    let body = error("Rate limit for this resource has been exceeded");
    let mut response = answer::plain(limit.status, &body);
    let headers = response.headers_mut();
    if let RateLimitEnd::Told(_) = limit.end {
        put(headers, "x-ratelimit-limit", "1000");
        put(headers, "x-ratelimit-resource", "api-repositories");
        put(headers, "x-ratelimit-nearlimit", "true");
    }
    put_retry_after(headers, limit.end.retry_after());
    response
}

/// A failure of Bitbucket itself.
pub(crate) fn failure(status: StatusCode) -> Response {
    answer::plain(status, &error("Something went wrong"))
}

/// A page that is the first and the last.
fn only_page(values: &[Value]) -> Value {
    json!({ "pagelen": 10, "page": 1, "size": values.len(), "values": values })
}

fn account_json(caller: &Caller, account: &KnownAccount) -> Value {
    json!({
        "type": "user",
        "uuid": uuid(account.id),
        "account_id": format!("557058:{:08x}", account.id),
        "username": account.login,
        "nickname": account.login,
        "display_name": account.name(),
        "account_status": "active",
        "has_2fa_enabled": null,
        "is_staff": false,
        "created_on": "2018-01-14T04:33:35.000000+00:00",
        "links": { "self": { "href": format!("{}/2.0/users/{}", caller.identity.url, uuid(account.id)) } },
    })
}

fn workspace_json(caller: &Caller, name: &str) -> Value {
    let href = format!("{}/2.0/workspaces/{name}", caller.identity.url);
    json!({ "type": "workspace", "slug": name, "name": name, "links": { "self": { "href": href } } })
}

fn repository_json(caller: &Caller, repository: &KnownRepository) -> Value {
    let full_name = repository.full_name();
    let url = &caller.identity.url;
    json!({
        "type": "repository",
        "uuid": uuid(repository.id),
        "name": repository.name,
        "slug": repository.name,
        "full_name": full_name,
        "is_private": repository.about.private,
        "scm": "git",
        "mainbranch": { "type": "branch", "name": "main" },
        "workspace": workspace_json(caller, &repository.owner),
        "links": {
            "self": { "href": format!("{url}/2.0/repositories/{full_name}") },
            "clone": [{ "name": "https", "href": format!("{url}/{full_name}.git") }],
        },
    })
}

/// Bitbucket's ids stand in braces.
fn uuid(number: u32) -> String {
    format!("{{{number:08x}-0000-4000-8000-{number:012x}}}")
}
