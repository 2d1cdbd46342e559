//! Incoming links: getting tokens. No document tells of a way to take one back, but for the person's own settings.
//!
//! <https://confluence.atlassian.com/bitbucketserver/bitbucket-oauth-2-0-provider-api-1108483661.html>. That a refresh wants the
//! redirect URI as well, and gives an `invalid_grant` that names nothing without it, is from the documents of jira.js, for Jira has the
//! same plugin: <https://mrrefactoring.github.io/jira.js/api/functions/index.refreshServerOAuth2Token.html>.

use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::json;

use super::answer::plain;
use crate::model::TokenKind;
use crate::oauth::{ClientProof, RefreshOutcome, Refusal, Rules, Scopes, redeem};
use crate::provider::Provider;
use crate::state::Shared;

/// `latest` is the newest version, which has long been 1.0.
pub(super) const TOKEN: [&str; 2] = ["/rest/oauth2/latest/token", "/rest/oauth2/1.0/token"];

/// A refresh token ends after 90 days by default.
pub(crate) const OAUTH: Rules = Rules {
    authorize: &["/rest/oauth2/latest/authorize", "/rest/oauth2/1.0/authorize"],
    token: &TOKEN,
    kind: TokenKind::BitbucketDataCenterOauth,
    access_lifetime: 3600,
    refresh_lifetime: Some(90 * 24 * 3600),
    expiring: true,
    names_types: true,
    scopes: Scopes::WithinApplication,
    default_scopes: &["PUBLIC_REPOS"],
    pkce: true,
    remembers_consent: false,
    client: ClientProof::Body,
    redirect_uri_with_code: true,
    redirect_uri_with_refresh: true,
    replay_kills: true,
    refresh_ends_access: false,
    grace: 0,
};

pub(super) async fn token(Extract(shared): Extract<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    match redeem(&shared, Provider::BitbucketDataCenter, &headers, &body) {
        Ok(issued) => {
            let mut body = json!({
                "access_token": issued.access.value,
                "token_type": "bearer",
                "created_at": issued.made_at.unix_timestamp(),
                "scope": issued.scopes.join(" "),
            });
            if let Some(seconds) = issued.expires_in {
                body["expires_in"] = json!(seconds);
            }
            if let Some(refresh) = issued.refresh {
                body["refresh_token"] = json!(refresh);
            }
            plain(StatusCode::OK, &body)
        }
        Err(refusal) => {
            let (error, words) = complaint(&refusal);
            plain(
                StatusCode::BAD_REQUEST,
                &json!({ "error": error, "error_description": words }),
            )
        }
    }
}

/// The error codes of RFC 6749; the words are ours.
fn complaint(refusal: &Refusal) -> (&'static str, String) {
    match refusal {
        Refusal::NoClient
        | Refusal::UnknownClient(_)
        | Refusal::WrongSecret
        | Refusal::Refresh(RefreshOutcome::WrongClient) => ("invalid_client", "Invalid client credentials".to_owned()),
        Refusal::GrantType(_) => ("unsupported_grant_type", "Unsupported grant type".to_owned()),
        Refusal::Missing(parameter) => ("invalid_request", format!("Missing required parameter: {parameter}")),
        _ => ("invalid_grant", "Invalid grant".to_owned()),
    }
}
