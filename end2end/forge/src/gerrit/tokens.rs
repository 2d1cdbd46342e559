//! An account's authentication tokens (3.12 and newer), by the names that the person gave them. The HTTP password is not
//! among them. Paths, fields and refusals are those of Gerrit's own test of this API, `TokenIT.java`; what happens to a name
//! that is taken is our guess.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use time::format_description::StaticFormatDescription;
use time::macros::format_description;
use time::{Duration, OffsetDateTime};

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
        (Method::PUT, None) if field(&body, "token").is_some() => {
            text(StatusCode::FORBIDDEN, "administrate server not permitted")
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

/// A new token, told with its value this once; `None` for a lifetime that is none. Without one, the token never ends.
fn make(
    state: &mut ForgeState,
    account: &KnownAccount,
    name: &str,
    body: &Bytes,
    now: OffsetDateTime,
) -> Option<Value> {
    let end = match field(body, "lifetime") {
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

/// A number and a unit, as in Gerrit's configuration: `12h`, `30 days`. A month has 30 days, a year 365.
fn lifetime(wish: &str) -> Option<Duration> {
    let unit_at = wish.find(|letter: char| !letter.is_ascii_digit())?;
    let (number, unit) = wish.split_at(unit_at);
    let unit = match unit.trim() {
        "s" | "sec" | "second" | "seconds" => Duration::SECOND,
        "m" | "min" | "minute" | "minutes" => Duration::MINUTE,
        "h" | "hr" | "hour" | "hours" => Duration::HOUR,
        "d" | "day" | "days" => Duration::DAY,
        "w" | "week" | "weeks" => Duration::WEEK,
        "mon" | "month" | "months" => Duration::DAY * 30,
        "y" | "year" | "years" => Duration::DAY * 365,
        _ => return None,
    };
    unit.checked_mul(number.parse().ok()?)
}

fn token_json(token: &Token) -> Value {
    let mut body = json!({ "id": token.about.name });
    if let Some(end) = token.ends_at().and_then(|end| end.format(TIMESTAMP).ok()) {
        body["expiration"] = json!(end);
    }
    body
}
