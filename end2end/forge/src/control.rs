//! `/_control`: what a test in another process says to the forge, in JSON. The same as the methods of `Forge`.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, patch, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::faults::FaultRule;
use crate::model::{Account, IssuedToken, NewToken, Repository, TokenChange, TokenChangeError, TokenId, TokenSummary};
use crate::oauth::{
    ApplicationId, GrantId, GrantSummary, IssuedGrant, NewOAuthApplication, NotApproved, NotGranted, OAuthApplication,
    OAuthApplicationChange, RefreshCall, UnknownOAuth, approve, deny,
};
use crate::provider::Provider;
use crate::recording::RecordedRequest;
use crate::state::Shared;

pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/providers", get(list_providers))
        .route("/accounts/{login}", put(put_account))
        .route("/tokens", post(create_token).get(list_tokens))
        .route("/tokens/{id}", patch(change_token).delete(revoke_token))
        .route("/oauth/applications", post(create_application))
        .route(
            "/oauth/applications/{id}",
            patch(change_application).delete(delete_application),
        )
        .route("/oauth/grants", post(issue_grant).get(list_grants))
        .route("/oauth/grants/{id}", delete(revoke_grant))
        .route("/oauth/approve", post(approve_request))
        .route("/oauth/deny", post(deny_request))
        .route("/oauth/refreshes", get(list_refreshes))
        .route("/repos/{owner}/{repo}", put(put_repository))
        .route("/faults", post(add_fault).delete(clear_faults))
        .route("/clock", put(set_clock))
        .route("/requests", get(list_requests).delete(clear_requests))
        .route("/reset", post(reset))
}

/// What a control request was refused for.
struct Refused(StatusCode, String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (self.0, Json(json!({ "message": self.1 }))).into_response()
    }
}

impl From<TokenChangeError> for Refused {
    fn from(error: TokenChangeError) -> Self {
        let status = match error {
            TokenChangeError::UnknownToken(_) => StatusCode::NOT_FOUND,
            TokenChangeError::UnknownAccount(_) => StatusCode::UNPROCESSABLE_ENTITY,
        };
        Self(status, error.to_string())
    }
}

impl From<UnknownOAuth> for Refused {
    fn from(unknown: UnknownOAuth) -> Self {
        Self(StatusCode::NOT_FOUND, unknown.to_string())
    }
}

impl From<NotGranted> for Refused {
    fn from(error: NotGranted) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
    }
}

impl From<NotApproved> for Refused {
    fn from(error: NotApproved) -> Self {
        Self(StatusCode::UNPROCESSABLE_ENTITY, error.to_string())
    }
}

/// The base URL of every provider, by its name.
async fn list_providers(State(shared): State<Shared>) -> Json<BTreeMap<Provider, String>> {
    let all = Provider::ALL.into_iter();
    Json(all.map(|provider| (provider, shared.url_of(provider))).collect())
}

async fn put_account(
    State(shared): State<Shared>,
    Path(login): Path<String>,
    Json(account): Json<Account>,
) -> Json<Value> {
    let id = shared.lock().put_account(&login, account);
    Json(json!({ "login": login, "id": id }))
}

async fn create_token(
    State(shared): State<Shared>,
    Json(token): Json<NewToken>,
) -> Result<(StatusCode, Json<IssuedToken>), Refused> {
    let issued = shared.lock().create_token(token);
    let issued = issued.map_err(|unknown| Refused(StatusCode::UNPROCESSABLE_ENTITY, unknown.to_string()))?;
    Ok((StatusCode::CREATED, Json(issued)))
}

async fn list_tokens(State(shared): State<Shared>) -> Json<Vec<TokenSummary>> {
    Json(shared.lock().token_summaries())
}

async fn change_token(
    State(shared): State<Shared>,
    Path(id): Path<TokenId>,
    Json(change): Json<TokenChange>,
) -> Result<StatusCode, Refused> {
    shared.lock().change_token(id, change)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn revoke_token(State(shared): State<Shared>, Path(id): Path<TokenId>) -> Result<StatusCode, Refused> {
    shared.lock().revoke_token(id)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn create_application(
    State(shared): State<Shared>,
    Json(application): Json<NewOAuthApplication>,
) -> Result<(StatusCode, Json<OAuthApplication>), Refused> {
    let registered = shared.lock().create_application(application);
    let words = || "Gerrit knows no applications".to_owned();
    let registered = registered.ok_or_else(|| Refused(StatusCode::UNPROCESSABLE_ENTITY, words()))?;
    Ok((StatusCode::CREATED, Json(registered)))
}

async fn change_application(
    State(shared): State<Shared>,
    Path(id): Path<ApplicationId>,
    Json(change): Json<OAuthApplicationChange>,
) -> Result<StatusCode, Refused> {
    shared.lock().change_application(id, change)?;
    Ok(StatusCode::NO_CONTENT)
}

async fn delete_application(
    State(shared): State<Shared>,
    Path(id): Path<ApplicationId>,
) -> Result<StatusCode, Refused> {
    shared.lock().delete_application(id)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewGrant {
    application: ApplicationId,
    account: String,
    scopes: Vec<String>,
}

async fn issue_grant(
    State(shared): State<Shared>,
    Json(grant): Json<NewGrant>,
) -> Result<(StatusCode, Json<IssuedGrant>), Refused> {
    let issued = shared
        .lock()
        .issue_grant(grant.application, &grant.account, grant.scopes)?;
    Ok((StatusCode::CREATED, Json(issued)))
}

async fn list_grants(State(shared): State<Shared>) -> Json<Vec<GrantSummary>> {
    Json(shared.lock().grant_summaries())
}

async fn revoke_grant(State(shared): State<Shared>, Path(id): Path<GrantId>) -> Result<StatusCode, Refused> {
    shared.lock().revoke_grant(id)?;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Approval {
    url: String,
    account: String,
}

async fn approve_request(
    State(shared): State<Shared>,
    Json(Approval { url, account }): Json<Approval>,
) -> Result<Json<Value>, Refused> {
    Ok(Json(json!({ "redirect": approve(&shared, &url, &account)? })))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Denial {
    url: String,
}

async fn deny_request(
    State(shared): State<Shared>,
    Json(Denial { url }): Json<Denial>,
) -> Result<Json<Value>, Refused> {
    Ok(Json(json!({ "redirect": deny(&shared, &url)? })))
}

async fn list_refreshes(State(shared): State<Shared>) -> Json<Vec<RefreshCall>> {
    Json(shared.lock().oauth.calls().to_vec())
}

async fn put_repository(
    State(shared): State<Shared>,
    Path((owner, name)): Path<(String, String)>,
    Json(repository): Json<Repository>,
) -> StatusCode {
    shared.lock().put_repository(&owner, &name, repository);
    StatusCode::NO_CONTENT
}

async fn add_fault(
    State(shared): State<Shared>,
    Json(rule): Json<FaultRule>,
) -> Result<(StatusCode, Json<Value>), Refused> {
    rule.check()
        .map_err(|reason| Refused(StatusCode::UNPROCESSABLE_ENTITY, reason))?;
    let id = shared.lock().faults.add(rule);
    Ok((StatusCode::CREATED, Json(json!({ "id": id }))))
}

async fn clear_faults(State(shared): State<Shared>) -> StatusCode {
    shared.lock().faults.clear();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewClock {
    #[serde(with = "time::serde::rfc3339::option")]
    now: Option<OffsetDateTime>,
}

async fn set_clock(State(shared): State<Shared>, Json(clock): Json<NewClock>) -> StatusCode {
    shared.lock().clock.set(clock.now);
    StatusCode::NO_CONTENT
}

async fn list_requests(State(shared): State<Shared>) -> Json<Vec<RecordedRequest>> {
    Json(shared.lock().record.entries().to_vec())
}

async fn clear_requests(State(shared): State<Shared>) -> StatusCode {
    shared.lock().clear_record();
    StatusCode::NO_CONTENT
}

async fn reset(State(shared): State<Shared>) -> StatusCode {
    shared.lock().reset();
    StatusCode::NO_CONTENT
}
