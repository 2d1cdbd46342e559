//! GitHub as GitHub Enterprise Server lays it out: the web under `/`, the REST API under `/api/v3`.
//!
//! Bodies and headers follow <https://docs.github.com/rest> and answers that people have published; what the documents
//! leave open says where it comes from.

mod answer;
mod api;
mod oauth;
mod reads;
mod web;

use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::{Json, Router};
use serde_json::json;

use crate::faults::{RateLimit, RateLimitEnd};
use crate::model::TokenId;
use crate::state::Shared;
use crate::wire::put_retry_after;
use answer::{Caller, Needs};
pub(crate) use oauth::{APPLICATIONS, OAUTH};

pub(crate) fn router() -> Router<Shared> {
    api::router().merge(oauth::router()).merge(web::router())
}

const RATE_LIMITS: &str = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api";
const SINGLE_SIGN_ON: &str =
    "https://docs.github.com/articles/authenticating-to-a-github-organization-with-saml-single-sign-on/";

/// The organisation wants this token authorised at `url` before it opens anything of hers.
pub(crate) fn sso_required(shared: &Shared, token: Option<TokenId>, url: &str) -> Response {
    sso_refusal(&Caller::known(&shared.lock(), shared, token), url)
}

fn sso_refusal(caller: &Caller, url: &str) -> Response {
    let message = "Resource protected by organization SAML enforcement. You must grant your Personal Access token \
                   access to this organization.";
    let mut response = caller.refuse(StatusCode::FORBIDDEN, &Needs::REPOSITORY, message, SINGLE_SIGN_ON);
    if let Ok(value) = HeaderValue::from_str(&format!("required; url={url}")) {
        response.headers_mut().insert("x-github-sso", value);
    }
    response
}

/// The hour's requests are used up, or there was too much at once and they are not. It says nothing of the token.
pub(crate) fn rate_limited(shared: &Shared, token: Option<TokenId>, limit: RateLimit) -> Response {
    let mut caller = Caller::known(&shared.lock(), shared, token);
    match limit.end {
        RateLimitEnd::Told(reset_in) => {
            caller.exhaust(reset_in);
            let message = match &caller.account {
                Some(account) => format!("API rate limit exceeded for user ID {}.", account.id),
                None => "API rate limit exceeded for 127.0.0.1.".to_owned(),
            };
            caller.refuse(limit.status, &Needs::NOTHING, &message, RATE_LIMITS)
        }
        RateLimitEnd::RetryAfter(seconds) => {
            let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";
            let documentation = format!("{RATE_LIMITS}#about-secondary-rate-limits");
            let mut response = caller.refuse(limit.status, &Needs::NOTHING, message, &documentation);
            put_retry_after(response.headers_mut(), seconds);
            response
        }
    }
}

/// A failure of GitHub itself.
pub(crate) fn failure(status: StatusCode) -> Response {
    (status, Json(json!({ "message": "Server Error" }))).into_response()
}

/// The root of the API, which clients ask to learn whether anything answers.
fn root(url: &str) -> serde_json::Value {
    json!({
        "current_user_url": format!("{url}/api/v3/user"),
        "current_user_repositories_url": format!("{url}/api/v3/user/repos{{?type,page,per_page,sort}}"),
        "rate_limit_url": format!("{url}/api/v3/rate_limit"),
        "repository_url": format!("{url}/api/v3/repos/{{owner}}/{{repo}}"),
    })
}
