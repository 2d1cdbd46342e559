//! What a token may ask about itself and do to itself.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use time::format_description::StaticFormatDescription;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;
use time::{Date, Duration, OffsetDateTime};

use super::answer::{Caller, message};
use crate::identity::Standing;
use crate::model::TokenKind;
use crate::state::{KnownAccount, Shared, Token};
use crate::wire::field;

/// The longest life of a token: GitLab's default limit (<https://docs.gitlab.com/user/profile/personal_access_tokens/>).
const LONGEST: Duration = Duration::days(365);
const DATE: StaticFormatDescription = format_description!("[year]-[month]-[day]");

/// Any scope opens this, for a token must be able to learn what it is.
pub(crate) async fn show(caller: Caller) -> Response {
    match itself(&caller) {
        Ok((token, account)) => caller.ok(&description(token, account, caller.identity.now)),
        Err(refusal) => *refusal,
    }
}

/// Any scope opens this as well.
pub(crate) async fn revoke(State(shared): State<Shared>, caller: Caller) -> Response {
    let token = match itself(&caller) {
        Ok((token, _)) => token,
        Err(refusal) => return *refusal,
    };
    match shared.lock().revoke_token(token.id) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        // It worked a moment ago; only a reset can have taken it away since.
        Err(error) => caller.answer(StatusCode::NOT_FOUND, &message(&error.to_string())),
    }
}

/// The old token dies at once. A token that was rotated before is taken for stolen, and with it dies whatever came of it.
pub(crate) async fn rotate(State(shared): State<Shared>, caller: Caller, body: Bytes) -> Response {
    if let (Standing::Revoked, Some(stolen)) = (caller.identity.standing, caller.identity.known) {
        shared.lock().revoke_family_of(stolen);
    }
    let (token, account) = match caller.needs(&["api", "self_rotate"]).and_then(|_| itself(&caller)) {
        Ok(found) => found,
        Err(refusal) => return *refusal,
    };
    let now = caller.identity.now;
    // Without a wish, the new token lives for a week.
    let end = match field(&body, "expires_at").map(|wish| Date::parse(&wish, DATE)) {
        None => now.date() + Duration::WEEK,
        Some(Ok(date)) if date > now.date() + LONGEST => {
            let words = format!(
                "400 Bad request - Expiration date must be before {}",
                now.date() + LONGEST
            );
            return caller.answer(StatusCode::BAD_REQUEST, &message(&words));
        }
        Some(Ok(date)) if date > now.date() => date,
        Some(Ok(_)) => {
            let words = "400 Bad request - Expiration date must be in the future";
            return caller.answer(StatusCode::BAD_REQUEST, &message(words));
        }
        Some(Err(_)) => {
            return caller.answer(StatusCode::BAD_REQUEST, &json!({ "error": "expires_at is invalid" }));
        }
    };
    let mut state = shared.lock();
    let rotated = state.rotate_token(token.id, end.midnight().assume_utc());
    let successor = rotated.ok().and_then(|issued| state.token(issued.id).cloned());
    match successor {
        Some(successor) => {
            let mut body = description(&successor, account, now);
            body["token"] = json!(&*successor.value);
            caller.ok(&body)
        }
        None => caller.answer(StatusCode::NOT_FOUND, &message("404 Not Found")),
    }
}

/// What an OAuth token was given; a personal access token is nothing to this endpoint.
pub(crate) async fn oauth_info(State(shared): State<Shared>, caller: Caller) -> Response {
    let oauth = caller.identity.token.as_ref();
    let oauth = oauth.filter(|token| token.about.kind == TokenKind::GitlabOauth);
    let (Some(token), Some(account)) = (oauth, &caller.identity.account) else {
        let body = json!({
            "error": "invalid_token",
            "error_description": "The access token is invalid",
            "state": "unauthorized",
        });
        return caller.answer(StatusCode::UNAUTHORIZED, &body);
    };
    let application = shared.lock().oauth.client_id_of(token.id).map(ToOwned::to_owned);
    let left = token.ends_at().map(|end| (end - caller.identity.now).whole_seconds());
    caller.ok(&json!({
        "resource_owner_id": account.id,
        "scope": token.about.scopes,
        "expires_in": left,
        // A token that a test made is of no application that anybody registered.
        "application": { "uid": application.as_deref().unwrap_or("3a1f0c5e7b9d") },
        "created_at": token.made_at.unix_timestamp(),
    }))
}

/// The token that asks, which must be a personal access token.
fn itself(caller: &Caller) -> Result<(&Token, &KnownAccount), Box<Response>> {
    let account = caller.authenticated()?;
    let personal = caller.identity.token.as_ref();
    let personal = personal.filter(|token| token.about.kind == TokenKind::GitlabPersonal);
    personal.map(|token| (token, account)).ok_or_else(|| {
        let words = "400 Bad request - This endpoint requires token type to be a personal access token";
        Box::new(caller.answer(StatusCode::BAD_REQUEST, &message(words)))
    })
}

fn description(token: &Token, account: &KnownAccount, now: OffsetDateTime) -> Value {
    let moment = |at: OffsetDateTime| at.format(&Rfc3339).ok();
    json!({
        "id": token.id,
        "name": token.about.name,
        "revoked": token.revoked,
        "created_at": moment(token.made_at),
        "description": null,
        "scopes": token.about.scopes,
        "user_id": account.id,
        "last_used_at": token.used_at.and_then(moment),
        "active": token.works_at(now),
        "expires_at": token.ends_at().and_then(|end| end.date().format(DATE).ok()),
    })
}
