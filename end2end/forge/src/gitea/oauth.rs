//! Applications: getting tokens. There is no way to take one back but the person's own settings.
//!
//! <https://docs.gitea.com/development/oauth2-provider> and `routers/web/auth/oauth2_provider.go`, whose words these are. A refresh
//! token is good for one use only where the server has `INVALIDATE_REFRESH_TOKENS`, which is off by default; the forge has it
//! on. A server that finds a code or a refresh token used twice refuses it and no more; the forge ends the grant for a
//! refresh token.

use axum::body::Bytes;
use axum::extract::State as Extract;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde_json::json;

use super::answer::plain;
use super::flavour::Flavour;
use crate::model::TokenKind;
use crate::oauth::{ClientProof, RefreshOutcome, Refusal, Rules, Scopes, redeem};
use crate::state::Shared;

/// Behind the base path.
pub(super) const TOKEN: &str = "/login/oauth/access_token";

/// Whoever asks for no scope gets all of them (`GrantAdditionalScopes`).
pub(crate) const GITEA_OAUTH: Rules = Rules {
    authorize: &["/gitea/login/oauth/authorize"],
    token: &["/gitea/login/oauth/access_token"],
    kind: TokenKind::GiteaOauth,
    access_lifetime: 3600,
    refresh_lifetime: Some(730 * 3600),
    expiring: true,
    names_types: true,
    scopes: Scopes::AsAsked,
    default_scopes: &["all"],
    pkce: true,
    remembers_consent: true,
    client: ClientProof::Either,
    redirect_uri_with_code: true,
    redirect_uri_with_refresh: false,
    replay_kills: false,
    refresh_ends_access: false,
    grace: 0,
};

pub(crate) const FORGEJO_OAUTH: Rules = Rules {
    authorize: &["/forgejo/login/oauth/authorize"],
    token: &["/forgejo/login/oauth/access_token"],
    kind: TokenKind::ForgejoOauth,
    ..GITEA_OAUTH
};

/// The answer does not tell the scopes.
pub(super) async fn token<F: Flavour>(Extract(shared): Extract<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    match redeem(&shared, F::PROVIDER, &headers, &body) {
        Ok(issued) => {
            let body = json!({
                "access_token": issued.access.value,
                "token_type": "bearer",
                "expires_in": issued.expires_in.unwrap_or_default(),
                "refresh_token": issued.refresh.unwrap_or_default(),
            });
            plain(StatusCode::OK, &body)
        }
        Err(refusal) => {
            let (error, words) = complaint(refusal);
            let body = json!({ "error": error, "error_description": words });
            plain(StatusCode::BAD_REQUEST, &body)
        }
    }
}

fn complaint(refusal: Refusal) -> (&'static str, String) {
    let (error, words) = match refusal {
        Refusal::UnknownClient(id) => {
            return ("invalid_client", format!("cannot load client with client id: \"{id}\""));
        }
        Refusal::NoClient => ("invalid_client", "cannot load client with client id: \"\""),
        // The same mistake has two names, by what it was sent with.
        Refusal::WrongSecret => ("unauthorized_client", "invalid client secret"),
        Refusal::Refresh(RefreshOutcome::WrongClient) => ("invalid_client", "invalid client secret"),
        Refusal::GrantType(_) => (
            "unsupported_grant_type",
            "Only refresh_token or authorization_code grant type is supported",
        ),
        Refusal::Missing("refresh_token") | Refusal::Refresh(RefreshOutcome::Unknown | RefreshOutcome::Expired) => {
            ("unauthorized_client", "unable to parse refresh token")
        }
        Refusal::Refresh(RefreshOutcome::Reused) => ("unauthorized_client", "token was already used"),
        Refusal::Refresh(RefreshOutcome::OtherApplication) => {
            ("invalid_grant", "refresh token belongs to a different client")
        }
        Refusal::Refresh(_) => ("invalid_grant", "grant does not exist"),
        // A code is taken out of the database when it is used.
        Refusal::Missing("code") | Refusal::UnknownCode | Refusal::UsedCode => {
            ("unauthorized_client", "client is not authorized")
        }
        Refusal::ExpiredCode => ("invalid_grant", "authorization code expired"),
        Refusal::OtherApplicationsCode => ("invalid_grant", "invalid grant"),
        Refusal::Missing(_) | Refusal::RedirectUri => (
            "invalid_grant",
            "redirect_uri differs from the original authorization request",
        ),
        Refusal::Verifier => ("unauthorized_client", "failed PKCE code challenge"),
    };
    (error, words.to_owned())
}
