//! Applications: getting tokens, and taking them back. GitLab has both from Doorkeeper.
//!
//! <https://docs.gitlab.com/api/oauth2/>, `config/initializers/doorkeeper.rb` of GitLab's source, and Doorkeeper's:
//! `lib/doorkeeper/oauth/` and `config/locales/en.yml`. That a code which comes again ends what it gave is Doorkeeper's
//! <https://github.com/doorkeeper-gem/doorkeeper/pull/1865>.

use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::json;

use super::answer::plain;
use crate::model::TokenKind;
use crate::oauth::{ClientProof, RefreshOutcome, Refusal, Rules, Scopes, client, redeem};
use crate::provider::Provider;
use crate::state::Shared;
use crate::wire::{field, put};

pub(super) const TOKEN: &str = "/oauth/token";
/// Where an application takes back a token of its own.
pub(crate) const REVOKE: &str = "/oauth/revoke";

/// Refresh tokens do not end by themselves.
pub(crate) const OAUTH: Rules = Rules {
    authorize: &["/oauth/authorize"],
    token: &[TOKEN],
    kind: TokenKind::GitlabOauth,
    access_lifetime: 7200,
    refresh_lifetime: None,
    expiring: true,
    names_types: true,
    scopes: Scopes::WithinApplication,
    default_scopes: &["api"],
    pkce: true,
    remembers_consent: true,
    client: ClientProof::Either,
    redirect_uri_with_code: true,
    redirect_uri_with_refresh: true,
    replay_kills: true,
    refresh_ends_access: true,
    grace: 0,
};

pub(super) async fn token(Extract(shared): Extract<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    match redeem(&shared, Provider::GitLab, &headers, &body) {
        Ok(issued) => {
            let mut body = json!({
                "access_token": issued.access.value,
                "token_type": "Bearer",
                "scope": issued.scopes.join(" "),
                "created_at": issued.made_at.unix_timestamp(),
            });
            if let Some(seconds) = issued.expires_in {
                body["expires_in"] = json!(seconds);
            }
            if let Some(refresh) = issued.refresh {
                body["refresh_token"] = json!(refresh);
            }
            let mut response = plain(StatusCode::OK, &body);
            put(response.headers_mut(), "cache-control", "no-store");
            response
        }
        Err(refusal) => complain(&refusal),
    }
}

fn complain(refusal: &Refusal) -> Response {
    let missing;
    let (status, error, words) = match refusal {
        Refusal::NoClient
        | Refusal::UnknownClient(_)
        | Refusal::WrongSecret
        | Refusal::Refresh(RefreshOutcome::WrongClient) => (
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "Client authentication failed due to unknown client, no client authentication included, or unsupported \
             authentication method.",
        ),
        Refusal::Missing(parameter) => {
            missing = format!("Missing required parameter: {parameter}.");
            (StatusCode::BAD_REQUEST, "invalid_request", missing.as_str())
        }
        Refusal::GrantType(named) if named.is_empty() => (
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "Missing required parameter: grant_type.",
        ),
        Refusal::GrantType(_) => (
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "The authorization grant type is not supported by the authorization server.",
        ),
        _ => (
            StatusCode::BAD_REQUEST,
            "invalid_grant",
            "The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the \
             authorization request, or was issued to another client.",
        ),
    };
    let mut response = plain(status, &json!({ "error": error, "error_description": words }));
    let challenge = format!("Bearer realm=\"Doorkeeper\", error=\"{error}\", error_description=\"{words}\"");
    put(response.headers_mut(), "www-authenticate", &challenge);
    put(response.headers_mut(), "cache-control", "no-store");
    response
}

/// An access token and its refresh token are one there, so either ends both. A token that is nothing is taken back as well as
/// one that was something (RFC 7009); one of another application is not.
pub(super) async fn revoke(Extract(shared): Extract<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let mut state = shared.lock();
    let Ok(application) = client(&state, Provider::GitLab, &headers, &body) else {
        let words = "You are not authorized to revoke this token";
        let body = json!({ "error": "unauthorized_client", "error_description": words });
        return plain(StatusCode::FORBIDDEN, &body);
    };
    let token = field(&body, "token").unwrap_or_default();
    if let Some(grant) = state.grant_by_value(application, &token) {
        state.kill_grant(grant);
    }
    plain(StatusCode::OK, &json!({}))
}
