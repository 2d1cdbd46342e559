//! Who asks, what refuses them, and the headers that every answer has.

use axum::extract::FromRequestParts;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::clock::random_text;
use crate::credential::{Presented, Scheme};
use crate::identity::{Identity, Standing};
use crate::model::TokenKind;
use crate::provider::Provider;
use crate::state::{KnownAccount, Quota, Shared, Token};
use crate::wire::{self, put};

/// The window of the throttle for requests with a token, in seconds.
const MINUTE: u32 = 60;
/// GitLab.com's limit in that window (<https://docs.gitlab.com/user/gitlab_com/>).
const LIMIT: u32 = 2000;

/// The `RateLimit-*` headers. GitLab.com has them on every answer, a server of one's own only when it refuses.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateHeaders {
    observed: u32,
    reset_at: i64,
}

impl RateHeaders {
    /// Nothing is left until this moment (seconds since 1970).
    pub(crate) fn exhausted(reset_at: i64) -> Self {
        Self {
            observed: LIMIT + 1,
            reset_at,
        }
    }

    pub(crate) fn put(self, headers: &mut HeaderMap) {
        put(headers, "ratelimit-name", "throttle_authenticated_api");
        put(headers, "ratelimit-limit", &LIMIT.to_string());
        put(headers, "ratelimit-observed", &self.observed.to_string());
        put(
            headers,
            "ratelimit-remaining",
            &LIMIT.saturating_sub(self.observed).to_string(),
        );
        put(headers, "ratelimit-reset", &self.reset_at.to_string());
    }
}

/// Who asks.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) identity: Identity,
    rate: RateHeaders,
}

impl Caller {
    /// The account, when the token works and has any one of these scopes.
    pub(crate) fn needs(&self, scopes: &[&str]) -> Result<&KnownAccount, Box<Response>> {
        let account = self.authenticated()?;
        if scopes.iter().any(|scope| self.identity.has(scope)) {
            return Ok(account);
        }
        // The scopes that would do stand beside, since GitLab 13.
        let refusal = json!({
            "error": "insufficient_scope",
            "error_description": "The request requires higher privileges than provided by the access token.",
            "scope": scopes.join(" "),
        });
        Err(Box::new(self.answer(StatusCode::FORBIDDEN, &refusal)))
    }

    /// The account, when the token works, whatever its scopes.
    pub(crate) fn authenticated(&self) -> Result<&KnownAccount, Box<Response>> {
        let refusal = match (self.identity.standing, &self.identity.account) {
            (Standing::Works, Some(account)) => return Ok(account),
            (Standing::Revoked, _) => self.invalid_token("Token was revoked. You have to re-authorize from the user."),
            (Standing::Expired, _) => {
                self.invalid_token("Token is expired. You can either do re-authorization or token refresh.")
            }
            _ => self.answer(StatusCode::UNAUTHORIZED, &message("401 Unauthorized")),
        };
        Err(Box::new(refusal))
    }

    /// 200 with this body.
    pub(crate) fn ok(&self, body: &Value) -> Response {
        self.answer(StatusCode::OK, body)
    }

    /// An answer with GitLab's headers.
    pub(crate) fn answer(&self, status: StatusCode, body: &Value) -> Response {
        let mut response = plain(status, body);
        self.rate.put(response.headers_mut());
        response
    }

    fn invalid_token(&self, description: &str) -> Response {
        let body = json!({ "error": "invalid_token", "error_description": description });
        let mut response = self.answer(StatusCode::UNAUTHORIZED, &body);
        let challenge = format!(
            "Bearer realm=\"Protected by OAuth 2.0\", error=\"invalid_token\", error_description=\"{description}\""
        );
        put(response.headers_mut(), "www-authenticate", &challenge);
        response
    }
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Response> {
        let identity = Identity::find(shared, Provider::GitLab, &parts.headers, takes);
        let caller = identity.token.as_ref().map(|token| token.id);
        let Quota { used, reset_at } = shared.lock().count_request(Provider::GitLab, caller, MINUTE);
        let rate = RateHeaders {
            observed: used,
            reset_at,
        };
        Ok(Self { identity, rate })
    }
}

/// A personal access token goes in either header, an OAuth token only after `Bearer`.
fn takes(presented: &Presented, token: &Token, _: &KnownAccount) -> bool {
    match presented.scheme {
        Scheme::Bearer => true,
        Scheme::PrivateToken => token.about.kind == TokenKind::GitlabPersonal,
        Scheme::Token | Scheme::Basic => false,
    }
}

/// GitLab's most common body.
pub(crate) fn message(words: &str) -> Value {
    json!({ "message": words })
}

/// An answer without the headers of the throttle.
pub(crate) fn plain(status: StatusCode, body: &Value) -> Response {
    let mut response = wire::json(status, "application/json", body);
    put(
        response.headers_mut(),
        "x-request-id",
        &random_text(b"0123456789ABCDEFGHJKMNPQRSTVWXYZ", 26),
    );
    put(response.headers_mut(), "x-gitlab-meta", "{\"version\":\"1\"}");
    response
}

/// An answer in plain text.
pub(crate) fn text(status: StatusCode, words: &'static str) -> Response {
    let mut response = (status, words).into_response();
    let kind = HeaderValue::from_static("text/plain");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
