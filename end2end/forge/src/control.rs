//! `/_control`: what a test in another process says to the forge, in JSON. The same as the methods of `Forge`.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::faults::FaultRule;
use crate::model::{Account, IssuedToken, NewToken, Repository, TokenChange, TokenChangeError, TokenId, TokenSummary};
use crate::provider::Provider;
use crate::recording::RecordedRequest;
use crate::state::Shared;

pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/providers", get(list_providers))
        .route("/accounts/{login}", put(put_account))
        .route("/tokens", post(create_token).get(list_tokens))
        .route("/tokens/{id}", patch(change_token).delete(revoke_token))
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
    shared.lock().record.clear();
    StatusCode::NO_CONTENT
}

async fn reset(State(shared): State<Shared>) -> StatusCode {
    shared.lock().reset();
    StatusCode::NO_CONTENT
}
