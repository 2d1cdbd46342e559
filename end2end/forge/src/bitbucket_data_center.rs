//! Bitbucket Data Center: the REST API under `/rest/api`, the lists of HTTP access tokens under `/rest/access-tokens`, and what is
//! for applications under `/rest/oauth2`.
//!
//! Bodies follow <https://developer.atlassian.com/server/bitbucket/rest/>. A refusal for want of a permission is a 401 as
//! well: only the name of the exception tells it from a bad token.

mod answer;
mod oauth;
mod repositories;

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{Method, StatusCode};
use axum::response::Response;
use axum::routing::{any, get, post};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::faults::{RateLimit, RateLimitEnd};
use crate::model::TokenKind;
use crate::provider::Provider;
use crate::state::{KnownAccount, Shared, Token};
use crate::token_format::data_center_number;
use crate::wire::{put, put_retry_after};
use answer::{AUTHORISATION, Caller, errors};
pub(crate) use oauth::OAUTH;

pub(crate) fn router() -> Router<Shared> {
    // `latest` is the newest version, which has long been 1.0.
    let at = |version: &'static str| {
        let api = Router::new()
            .route("/application-properties", get(properties))
            .route("/users", get(users))
            .route("/users/{slug}", get(user))
            .merge(repositories::router());
        let tokens = Router::new().route("/users/{slug}", get(tokens));
        Router::new()
            .nest(&format!("/rest/api/{version}"), api)
            .nest(&format!("/rest/access-tokens/{version}"), tokens)
    };
    let oauth = oauth::TOKEN.into_iter();
    let oauth = oauth.fold(Router::new(), |router, path| router.route(path, post(oauth::token)));
    at("latest")
        .merge(at("1.0"))
        .merge(oauth)
        .route("/rest/{*rest}", any(elsewhere))
        .method_not_allowed_fallback(elsewhere)
}

/// The one thing that is told to anybody.
async fn properties(caller: Caller) -> Response {
    caller.ok(&json!({
        "version": "9.4.5",
        "buildNumber": "9004005",
        "buildDate": "1745884800000",
        "displayName": "Bitbucket",
    }))
}

/// A page of a list, as it is asked for.
#[derive(Debug, Deserialize)]
struct Paging {
    #[serde(default)]
    start: usize,
    #[serde(default = "twenty_five")]
    limit: usize,
}

fn twenty_five() -> usize {
    25
}

impl Paging {
    /// The page out of all the values.
    fn of(&self, values: &[Value]) -> Value {
        let on_page: Vec<&Value> = values.iter().skip(self.start).take(self.limit).collect();
        let next = self.start + on_page.len();
        let is_last = next >= values.len();
        let mut page = json!({
            "size": on_page.len(),
            "limit": self.limit,
            "isLastPage": is_last,
            "start": self.start,
            "values": on_page,
        });
        if !is_last {
            page["nextPageStart"] = json!(next);
        }
        page
    }
}

/// All users. The first need not be the one who asks: that is in the header `X-AUSERNAME`.
async fn users(State(shared): State<Shared>, Query(paging): Query<Paging>, caller: Caller) -> Response {
    if let Err(refusal) = caller.authenticated() {
        return *refusal;
    }
    let all: Vec<Value> = shared.lock().accounts().map(user_json).collect();
    caller.ok(&paging.of(&all))
}

async fn user(State(shared): State<Shared>, Path(slug): Path<String>, caller: Caller) -> Response {
    if let Err(refusal) = caller.authenticated() {
        return *refusal;
    }
    let found = shared.lock().account(&slug).map(user_json);
    match found {
        Some(user) => caller.ok(&user),
        None => caller.no_such("User", &slug, "com.atlassian.bitbucket.user.NoSuchUserException"),
    }
}

/// A person's own tokens, with their ends; anybody else's are an administrator's business, which a token cannot be.
async fn tokens(
    State(shared): State<Shared>,
    Path(slug): Path<String>,
    Query(paging): Query<Paging>,
    caller: Caller,
) -> Response {
    let account = match caller.authenticated() {
        Ok((_, account)) => account,
        Err(refusal) => return *refusal,
    };
    if !slug.eq_ignore_ascii_case(&account.login) {
        return caller.not_permitted();
    }
    let state = shared.lock();
    let own = state.tokens_of(Provider::BitbucketDataCenter, &account.login);
    let listed = own
        .filter(|token| !token.revoked && token.about.kind == TokenKind::BitbucketHttp)
        .map(|token| token_json(token, account));
    caller.ok(&paging.of(&listed.collect::<Vec<_>>()))
}

/// What is not there, and what would change something: a token may neither make nor take away tokens.
async fn elsewhere(method: Method, caller: Caller) -> Response {
    if method.is_safe() {
        let body = json!({ "status-code": 404, "message": "HTTP 404 Not Found" });
        return caller.answer(StatusCode::NOT_FOUND, &body);
    }
    caller.not_permitted()
}

/// The bucket of requests is empty. Its headers are those of Atlassian's "Adjusting your code for rate limiting", written
/// for Data Center's other products; older servers send none, not even `Retry-After`.
pub(crate) fn rate_limited(limit: RateLimit) -> Response {
    let body = errors("You have been rate limited. Please try again later.", None);
    let mut response = answer::plain(limit.status, &body);
    let headers = response.headers_mut();
    if let RateLimitEnd::Told(seconds) = limit.end {
        put(headers, "x-ratelimit-limit", "60");
        put(headers, "x-ratelimit-remaining", "0");
        put(headers, "x-ratelimit-fillrate", "5");
        put(headers, "x-ratelimit-interval-seconds", &seconds.to_string());
    }
    put_retry_after(headers, limit.end.retry_after());
    response
}

/// A failure of Bitbucket itself, or a refusal that a test wants.
pub(crate) fn failure(status: StatusCode) -> Response {
    let body = match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            errors("You are not permitted to access this resource", Some(AUTHORISATION))
        }
        _ => errors(
            "An error occurred while processing the request. Check the server logs for more information.",
            None,
        ),
    };
    answer::plain(status, &body)
}

fn user_json(account: &KnownAccount) -> Value {
    json!({
        "name": account.login,
        "emailAddress": account.email(),
        "active": true,
        "displayName": account.name(),
        "id": account.id,
        "slug": account.login.to_ascii_lowercase(),
        "type": "NORMAL",
    })
}

fn token_json(token: &Token, account: &KnownAccount) -> Value {
    let millis = |at: time::OffsetDateTime| i64::try_from(at.unix_timestamp_nanos() / 1_000_000).ok();
    let mut body = json!({
        "id": data_center_number(&token.value).unwrap_or_else(|| token.id.to_string()),
        "createdDate": millis(token.made_at),
        "name": token.about.name,
        "permissions": token.about.scopes,
        "user": user_json(account),
    });
    if let Some(used) = token.used_at.and_then(millis) {
        body["lastAuthenticated"] = json!(used);
    }
    if let Some(end) = token.ends_at() {
        body["expiryDate"] = json!(millis(end));
        body["expiryDays"] = json!((end - token.made_at).whole_days());
    }
    body
}
