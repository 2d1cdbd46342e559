//! An account's authentication tokens (3.12 and newer), by the names that the person gave them. The HTTP password is not
//! among them.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::StaticFormatDescription;
use time::macros::format_description;

use super::answer::{Caller, json as gerrit_json, text};
use super::find_account;
use crate::model::{NewToken, TokenKind};
use crate::provider::Provider;
use crate::state::{KnownAccount, Shared, State as ForgeState, Token};
use crate::wire::field;

const TIMESTAMP: StaticFormatDescription =
    format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:9]");

pub(crate) async fn list(State(shared): State<Shared>, Path(id): Path<String>, caller: Caller) -> Response {
    match own_account(&shared, &caller, &id) {
        Ok(account) => {
            let state = shared.lock();
            let tokens = living(&state, &account).map(token_json);
            gerrit_json(StatusCode::OK, &tokens.collect())
        }
        Err(refusal) => *refusal,
    }
}

/// Makes a token of this name, or takes it away: Gerrit rotates by the one and then the other.
pub(crate) async fn one(
    State(shared): State<Shared>,
    method: Method,
    Path((id, name)): Path<(String, String)>,
    caller: Caller,
    body: Bytes,
) -> Response {
    let account = match own_account(&shared, &caller, &id) {
        Ok(account) => account,
        Err(refusal) => return *refusal,
    };
    let mut state = shared.lock();
    let found = living(&state, &account).find(|token| token.about.name == name);
    let found = found.map(|token| token.id);
    match (method, found) {
        (Method::PUT, Some(_)) => {
            let words = format!("A token with id {name} already exists.");
            text(StatusCode::CONFLICT, &words)
        }
        (Method::PUT, None) => match make(&mut state, &account, &name, &body, caller.identity.now) {
            Some(body) => gerrit_json(StatusCode::CREATED, &body),
            None => text(StatusCode::BAD_REQUEST, "Invalid lifetime"),
        },
        (Method::DELETE, Some(found)) => {
            // It was there under this very lock.
            _ = state.revoke_token(found);
            StatusCode::NO_CONTENT.into_response()
        }
        (_, _) => text(StatusCode::NOT_FOUND, &format!("Not found: {name}")),
    }
}

/// The account, if it is the caller's: another's tokens are an administrator's business.
fn own_account(shared: &Shared, caller: &Caller, id: &str) -> Result<KnownAccount, Box<Response>> {
    let account = find_account(shared, caller, id)?;
    let own = caller.identity.account.as_ref();
    if own.is_some_and(|own| own.login == account.login) {
        Ok(account)
    } else {
        let words = "administrate server not permitted";
        Err(Box::new(text(StatusCode::FORBIDDEN, words)))
    }
}

fn living<'state>(state: &'state ForgeState, account: &'state KnownAccount) -> impl Iterator<Item = &'state Token> {
    let tokens = state.tokens_of(Provider::Gerrit, &account.login);
    tokens.filter(|token| token.about.kind == TokenKind::GerritToken && !token.revoked)
}

/// A new token, told with its value this once; `None` for a lifetime that is none. `lifetime` is a number and a unit
/// (`30 days`, `12h`), without which the token never ends.
fn make(state: &mut ForgeState, account: &KnownAccount, name: &str, body: &[u8], now: OffsetDateTime) -> Option<Value> {
    let wish = field(&Bytes::copy_from_slice(body), "lifetime");
    let end = match wish {
        Some(wish) => Some(now.checked_add(lifetime(&wish)?)?),
        None => None,
    };
    let mut token = NewToken::of_kind(TokenKind::GerritToken, &account.login, [""; 0]).named(name);
    token.expires_at = end;
    let issued = state.create_token(token).ok()?;
    let mut body = token_json(state.token(issued.id)?);
    body["token"] = json!(issued.value);
    Some(body)
}

fn lifetime(wish: &str) -> Option<time::Duration> {
    let digits = wish.trim_start_matches(|letter: char| letter.is_ascii_digit()).len();
    let (number, unit) = wish.split_at(wish.len() - digits);
    let number: u32 = number.parse().ok()?;
    let hours = match unit.trim() {
        "h" | "hour" | "hours" => 1,
        "d" | "day" | "days" => 24,
        "w" | "week" | "weeks" => 7 * 24,
        _ => return None,
    };
    Some(time::Duration::hours(i64::from(number) * hours))
}

fn token_json(token: &Token) -> Value {
    let mut body = json!({ "id": token.about.name });
    if let Some(end) = token.ends_at().and_then(|end| end.format(TIMESTAMP).ok()) {
        body["expiration"] = json!(end);
    }
    body
}
