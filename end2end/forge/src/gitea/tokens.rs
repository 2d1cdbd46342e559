//! The list of a person's tokens, and taking one away: open to the person's password, never to a token.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use time::format_description::well_known::Rfc3339;

use super::answer::{Caller, ok};
use super::flavour::Flavour;
use crate::model::TokenKind;
use crate::state::{KnownAccount, Shared, Token};

pub(super) async fn list<F: Flavour>(
    State(shared): State<Shared>,
    Path(login): Path<String>,
    caller: Caller<F>,
) -> Response {
    let account = match by_password(&caller, &login) {
        Ok(account) => account,
        Err(refusal) => return *refusal,
    };
    let state = shared.lock();
    let own = state.tokens_of(F::PROVIDER, &account.login);
    ok(&own.filter(|token| is_listed(token)).map(token_json).collect())
}

/// By number or by name.
pub(super) async fn remove<F: Flavour>(
    State(shared): State<Shared>,
    Path((login, wanted)): Path<(String, String)>,
    caller: Caller<F>,
) -> Response {
    let account = match by_password(&caller, &login) {
        Ok(account) => account,
        Err(refusal) => return *refusal,
    };
    let mut state = shared.lock();
    let is_meant = |token: &&Token| is_listed(token) && (token.id.to_string() == wanted || token.about.name == wanted);
    let found = state.tokens_of(F::PROVIDER, &account.login).find(is_meant);
    let id = found.map(|token| token.id);
    match id.map(|id| state.revoke_token(id)) {
        Some(Ok(())) => StatusCode::NO_CONTENT.into_response(),
        _ => caller.not_found(),
    }
}

/// What applications got is in another list, which the API does not have.
fn is_listed(token: &Token) -> bool {
    !token.revoked && matches!(token.about.kind, TokenKind::Gitea | TokenKind::Forgejo)
}

fn by_password<'caller, F: Flavour>(
    caller: &'caller Caller<F>,
    login: &str,
) -> Result<&'caller KnownAccount, Box<Response>> {
    let account = caller.identity.account.as_ref().filter(|_| caller.by_password);
    let own = account.filter(|account| account.login.eq_ignore_ascii_case(login));
    own.ok_or_else(|| Box::new(caller.refuse(StatusCode::UNAUTHORIZED, "auth required")))
}

/// The value is told once, when the token is made; afterwards its end is all there is.
fn token_json(token: &Token) -> Value {
    let moment = |at: time::OffsetDateTime| at.format(&Rfc3339).ok();
    let last_eight: String = token.value.chars().rev().take(8).collect();
    json!({
        "id": token.id,
        "name": token.about.name,
        "sha1": "",
        "token_last_eight": last_eight.chars().rev().collect::<String>(),
        "scopes": token.about.scopes,
        "created_at": moment(token.made_at),
        "last_used_at": moment(token.used_at.unwrap_or(token.made_at)),
    })
}
