//! OAuth consumers: getting tokens. There is no way to take one back but the person's own settings.
//!
//! <https://developer.atlassian.com/cloud/bitbucket/oauth-2/>. Since 2026-05-04 the answer says `scope`, no longer `scopes`, and refresh
//! tokens rotate and end after three months without use:
//! <https://community.developer.atlassian.com/t/oauth-2-0-and-api-authentication-changes-for-bitbucket-cloud/99003>. That the consumer's
//! scopes are given whatever is asked for is quoted from Atlassian at <https://github.com/gae-init/gae-init/pull/496>. The words of
//! the refusals are from those who met them: <https://github.com/p2/OAuth2/issues/96>,
//! <https://github.com/readthedocs/readthedocs.org/issues/2992>, <https://bitbucket.org/site/master/issues/16249> and, for a
//! bad secret, the tests of drone/go-scm.

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

pub(super) const TOKEN: &str = "/site/oauth2/access_token";

/// A refresh token that was used may be used for ten minutes more.
pub(crate) const OAUTH: Rules = Rules {
    authorize: &["/site/oauth2/authorize"],
    token: &[TOKEN],
    kind: TokenKind::BitbucketOauth,
    access_lifetime: 7200,
    refresh_lifetime: Some(90 * 24 * 3600),
    expiring: true,
    names_types: true,
    scopes: Scopes::OfApplication,
    default_scopes: &[],
    pkce: false,
    remembers_consent: false,
    client: ClientProof::Basic,
    redirect_uri_with_code: false,
    redirect_uri_with_refresh: false,
    replay_kills: true,
    refresh_ends_access: false,
    grace: 600,
};

pub(super) async fn token(Extract(shared): Extract<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    match redeem(&shared, Provider::BitbucketCloud, &headers, &body) {
        Ok(issued) => {
            let mut body = json!({
                "access_token": issued.access.value,
                "scope": issued.scopes.join(" "),
                "token_type": "bearer",
                "state": "authorization_code",
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
            let (error, words) = complaint(refusal);
            let body = json!({ "error_description": words, "error": error });
            plain(StatusCode::BAD_REQUEST, &body)
        }
    }
}

fn complaint(refusal: Refusal) -> (&'static str, String) {
    let (error, words) = match refusal {
        Refusal::NoClient => (
            "unauthorized_client",
            "Requests must be authenticated using OAuth client credentials",
        ),
        Refusal::UnknownClient(_) | Refusal::WrongSecret | Refusal::Refresh(RefreshOutcome::WrongClient) => {
            ("unauthorized_client", "Invalid OAuth client credentials")
        }
        Refusal::GrantType(named) => {
            let named = if named.is_empty() { "None" } else { &named };
            return ("invalid_grant", format!("Unsupported grant type: {named}"));
        }
        Refusal::Missing(parameter) => return ("invalid_request", format!("Required parameter missing: {parameter}")),
        Refusal::Refresh(_) => ("invalid_request", "Invalid refresh_token"),
        Refusal::RedirectUri => ("invalid_grant", "Invalid redirect_uri"),
        Refusal::UnknownCode
        | Refusal::UsedCode
        | Refusal::ExpiredCode
        | Refusal::OtherApplicationsCode
        | Refusal::Verifier => ("invalid_grant", "The specified code is not valid."),
    };
    (error, words.to_owned())
}
