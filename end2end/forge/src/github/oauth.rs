//! OAuth apps: getting tokens, and taking them back.
//!
//! <https://docs.github.com/en/apps/oauth-apps/building-oauth-apps/authorizing-oauth-apps>,
//! <https://docs.github.com/en/apps/oauth-apps/maintaining-oauth-apps/troubleshooting-oauth-app-access-token-request-errors> and
//! <https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/refreshing-user-access-tokens>; PKCE
//! since <https://github.blog/changelog/2025-07-14-pkce-support-for-oauth-and-github-app-authentication/>, S256 alone.
//! What is taken back: <https://docs.github.com/en/rest/apps/oauth-applications>.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State as Extract};
use axum::http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, USER_AGENT};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, post};
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::answer::without_user_agent;
use crate::credential;
use crate::model::TokenKind;
use crate::oauth::{ApplicationId, ClientProof, GrantId, IssuedGrant, RefreshOutcome, Refusal, Rules, Scopes, redeem};
use crate::provider::Provider;
use crate::state::{Shared, State};
use crate::wire::field;

const TOKEN: &str = "/login/oauth/access_token";
/// Where an application takes back what it was given.
pub(crate) const APPLICATIONS: &str = "/api/v3/applications/";

/// Tokens of OAuth apps end only where the app is set so; then they live as long as those of GitHub Apps.
pub(crate) const OAUTH: Rules = Rules {
    authorize: &["/login/oauth/authorize"],
    token: &[TOKEN],
    kind: TokenKind::Oauth,
    access_lifetime: 8 * 3600,
    refresh_lifetime: Some(15_897_600),
    expiring: false,
    names_types: false,
    scopes: Scopes::AsAsked,
    default_scopes: &[],
    pkce: true,
    remembers_consent: true,
    client: ClientProof::Body,
    redirect_uri_with_code: false,
    redirect_uri_with_refresh: false,
    replay_kills: true,
    refresh_ends_access: true,
    grace: 0,
};

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route(TOKEN, post(token))
        .route("/api/v3/applications/{client_id}/token", delete(delete_token))
        .route("/api/v3/applications/{client_id}/grant", delete(delete_grant))
}

async fn token(Extract(shared): Extract<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let fields = match redeem(&shared, Provider::GitHub, &headers, &body) {
        Ok(issued) => tokens(issued),
        Err(refusal) => complaint(&refusal),
    };
    let wishes = headers.get(ACCEPT).and_then(|accept| accept.to_str().ok());
    // Failures have the status of a success.
    let mut response = if wishes.is_some_and(|wishes| wishes.contains("json")) {
        axum::Json(fields).into_response()
    } else {
        let pairs = fields.iter().map(|(name, value)| match value {
            Value::String(text) => (name, text.clone()),
            other => (name, other.to_string()),
        });
        let form = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish();
        let kind = "application/x-www-form-urlencoded; charset=utf-8";
        ([(CONTENT_TYPE, kind)], form).into_response()
    };
    let cache = HeaderValue::from_static("max-age=0, private, must-revalidate");
    response.headers_mut().insert(CACHE_CONTROL, cache);
    response
}

fn tokens(issued: IssuedGrant) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("access_token", json!(issued.access.value));
    if let Some(refresh) = issued.refresh {
        put("refresh_token", json!(refresh));
    }
    if let Some(seconds) = issued.refresh_expires_in {
        put("refresh_token_expires_in", json!(seconds));
    }
    if let Some(seconds) = issued.expires_in {
        put("expires_in", json!(seconds));
    }
    put("scope", json!(issued.scopes.join(",")));
    put("token_type", json!("bearer"));
    fields
}

fn complaint(refusal: &Refusal) -> Map<String, Value> {
    let (error, words) = match refusal {
        Refusal::NoClient
        | Refusal::UnknownClient(_)
        | Refusal::WrongSecret
        | Refusal::Refresh(RefreshOutcome::WrongClient) => (
            "incorrect_client_credentials",
            "The client_id and/or client_secret passed are incorrect.",
        ),
        Refusal::RedirectUri => (
            "redirect_uri_mismatch",
            "The redirect_uri MUST match the registered callback URL for this application.",
        ),
        Refusal::GrantType(_) => (
            "unsupported_grant_type",
            "The grant_type is not supported by this server.",
        ),
        Refusal::Missing("refresh_token") | Refusal::Refresh(_) => {
            ("bad_refresh_token", "The refresh token passed is incorrect or expired.")
        }
        // What is said of a bad verifier is not published.
        Refusal::Missing(_)
        | Refusal::UnknownCode
        | Refusal::UsedCode
        | Refusal::ExpiredCode
        | Refusal::OtherApplicationsCode
        | Refusal::Verifier => ("bad_verification_code", "The code passed is incorrect or expired."),
    };
    let page = "/apps/managing-oauth-apps/troubleshooting-oauth-app-access-token-request-errors/";
    let uri = format!("{page}#{}", error.replace('_', "-"));
    [("error", error), ("error_description", words), ("error_uri", &uri)]
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .into_iter()
        .collect()
}

/// Takes back one token. A refresh token beside it goes with it.
async fn delete_token(
    Extract(shared): Extract<Shared>,
    Path(client_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    take_back(&shared, &client_id, &headers, &body, State::kill_grant)
}

/// Takes back all that the token's person ever gave the application, and has the person asked again.
async fn delete_grant(
    Extract(shared): Extract<Shared>,
    Path(client_id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    take_back(&shared, &client_id, &headers, &body, State::revoke_grants_like)
}

/// 204 when it is done. 404 for a token that does not work, as the documents say of asking about one, and for whoever does
/// not prove to be the application; 422 without a token.
fn take_back(
    shared: &Shared,
    client_id: &str,
    headers: &HeaderMap,
    body: &Bytes,
    end: impl FnOnce(&mut State, GrantId),
) -> Response {
    if !headers.contains_key(USER_AGENT) {
        return without_user_agent();
    }
    let mut state = shared.lock();
    let Some(application) = proven(&state, client_id, headers) else {
        return refuse(StatusCode::NOT_FOUND, "Not Found");
    };
    let Some(token) = field(body, "access_token") else {
        let words = "Invalid request.\n\n\"access_token\" wasn't supplied.";
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, words);
    };
    let Some(grant) = state.grant_by_value(application, &token) else {
        return refuse(StatusCode::NOT_FOUND, "Not Found");
    };
    end(&mut state, grant);
    StatusCode::NO_CONTENT.into_response()
}

/// The application of the address, when `Basic` holds its id and its secret.
fn proven(state: &State, client_id: &str, headers: &HeaderMap) -> Option<ApplicationId> {
    let presented = credential::presented(headers)?;
    let (id, application) = state.oauth.by_client_id(Provider::GitHub, client_id)?;
    let proven = presented.username.as_deref() == Some(client_id) && presented.secret == application.client_secret;
    proven.then_some(id)
}

fn refuse(status: StatusCode, message: &str) -> Response {
    let documentation = "https://docs.github.com/rest/apps/oauth-applications";
    let code = status.as_u16().to_string();
    let body = json!({ "message": message, "documentation_url": documentation, "status": code });
    (status, axum::Json(body)).into_response()
}
