//! GitLab.com and self-managed GitLab.
//!
//! Facts from GitLab's documentation ("Personal access tokens API", "REST API: authentication", "Rate limits") and PROVIDERS.md.

use super::{
    GitProvider, Inquiry, Rotated,
    change::{not_revoked, said, unanswered},
    wire::{Wire, identity, not_over, unreachable},
};
use crate::egress::Answer;
use domain::{
    CheckOutcome, Expiry, Findings, ProviderKind, Refusal, Revocation, RotationRefusal, SecretInput, Setback,
    Timestamp, check::Trouble, rotation, scope,
};
use http::{HeaderName, StatusCode};
use secrecy::SecretString;
use serde::Deserialize;
use time::{
    Date, OffsetDateTime, format_description::BorrowedFormatItem, format_description::well_known::Rfc3339,
    macros::format_description,
};

/// What a token asks about itself.
const SELF: &str = "/personal_access_tokens/self";
/// What opens [`ROTATE`] ("Rotate a personal access token", "Self-rotation").
const MAY_ROTATE: [&str; 2] = ["api", "self_rotate"];
const ROTATE: &str = "/personal_access_tokens/self/rotate";

/// GitLab on the wire.
pub(super) struct GitLab;

const WIRE: Wire = Wire {
    headers: |request, inquiry| match inquiry.oauth {
        Some(_) => request.bearer(inquiry.token),
        None => request.secret(HeaderName::from_static("private-token"), "", inquiry.token),
    },
    remaining: "ratelimit-remaining",
    reset: "ratelimit-reset",
};

/// `GET /personal_access_tokens/self`, as far as it is read. A token of any scope may ask.
#[derive(Deserialize)]
struct Token {
    user_id: u64,
    scopes: Vec<String>,
    active: bool,
    revoked: bool,
    expires_at: Option<String>,
    created_at: Option<String>,
}

/// `GET /oauth/token/info`, as far as it is read.
#[derive(Deserialize)]
struct Info {
    resource_owner_id: u64,
    scope: Vec<String>,
}

/// The answer to a rotation, as far as it is read.
#[derive(Deserialize)]
struct NewToken {
    token: SecretInput,
    expires_at: Option<String>,
}

/// `GET /user`, as far as it is read.
#[derive(Deserialize)]
struct User {
    id: u64,
    username: String,
}

impl GitProvider for GitLab {
    async fn check(&self, inquiry: Inquiry<'_>) -> Result<Findings, CheckOutcome> {
        let (owner, granted, expiry) = if inquiry.oauth.is_some() {
            let info = info(inquiry).await?;
            (info.resource_owner_id, info.scope, Expiry::Unknown)
        } else {
            let (token, expiry) = itself(inquiry).await?;
            (token.user_id, token.scopes, expiry)
        };
        let answer = WIRE.get(inquiry, "/user").await?;
        let identity = if is_short_of_scopes(&answer) {
            identity(&owner, &format!("user {owner}"))
        } else {
            WIRE.accept(inquiry, &answer)?;
            let user: User = answer.body_json().map_err(unreachable)?;
            identity(&user.id, &user.username)
        };
        let granted = scope::named(granted.iter().map(String::as_str));
        Ok(Findings {
            identity,
            scopes: scope::compare_declared(ProviderKind::GitLab, &granted, &inquiry.required()),
            expiry,
        })
    }

    /// The token is read first: sending a dead one would cost its whole family, and only GitLab knows since when it lives.
    async fn rotate(&self, inquiry: Inquiry<'_>) -> Rotated {
        let (token, expiry) = match itself(inquiry).await {
            Ok(found) => found,
            Err(CheckOutcome::Unchanged(setback)) => return Rotated::NotAsked(setback),
            Err(_) => return Rotated::Refused(RotationRefusal::Dead),
        };
        if !token.scopes.iter().any(|scope| MAY_ROTATE.contains(&scope.as_str())) {
            return Rotated::Refused(RotationRefusal::LacksScope);
        }
        let old = match (token.created_at.as_deref().and_then(moment), expiry) {
            (Some(start), Expiry::At(end)) => Some((start, end)),
            _ => None,
        };
        let new_end = rotation::new_end(inquiry.now, old).iso_date();
        let request = WIRE.request(inquiry, ROTATE).ok();
        let body = serde_json::json!({ "expires_at": new_end });
        let Some(request) = request.and_then(|request| request.json(&body).ok()) else {
            return Rotated::NotAsked(Setback::Unreachable(Trouble::NoConnection));
        };
        match inquiry.egress.post(request).await {
            Ok(answer) => rotated(inquiry, &answer),
            Err(failure) => unanswered(failure).map_or_else(Rotated::Unknown, Rotated::NotAsked),
        }
    }

    async fn revoke(&self, inquiry: Inquiry<'_>) -> Revocation {
        let Ok(request) = WIRE.request(inquiry, SELF) else {
            return Revocation::Failed(Trouble::NoConnection.words());
        };
        match inquiry.egress.delete(request).await {
            Ok(answer) if answer.status.is_success() => Revocation::Done,
            Ok(answer) if answer.status == StatusCode::UNAUTHORIZED => Revocation::AlreadyDead,
            Ok(answer) => Revocation::Failed(WIRE.why_not_revoked(inquiry, &answer)),
            Err(failure) => Revocation::Failed(not_revoked(failure)),
        }
    }
}

/// What a token that came by OAuth 2 says of itself ("OAuth 2.0 identity provider API", "Retrieve the token information").
/// That is asked beside the API, not below it.
async fn info(inquiry: Inquiry<'_>) -> Result<Info, CheckOutcome> {
    let beside = Inquiry {
        api_url: inquiry.base_url,
        ..inquiry
    };
    let answer = WIRE.read(beside, "/oauth/token/info").await?;
    answer.body_json().map_err(unreachable)
}

/// What a token says of itself, if it works, and when it ends.
async fn itself(inquiry: Inquiry<'_>) -> Result<(Token, Expiry), CheckOutcome> {
    let answer = WIRE.read(inquiry, SELF).await?;
    let token: Token = answer.body_json().map_err(unreachable)?;
    let expiry = not_over(token.expires_at.as_deref().map_or(Expiry::Never, end), inquiry.now)?;
    if token.revoked || !token.active {
        return Err(CheckOutcome::Refused(Refusal::BadCredentials));
    }
    Ok((token, expiry))
}

/// What the answer to a rotation says. Only a refusal (4xx) is sure to have changed nothing.
fn rotated(inquiry: Inquiry<'_>, answer: &Answer) -> Rotated {
    match answer.status {
        status if status.is_success() => match answer.body_json::<NewToken>() {
            Ok(new) if is_token(new.token.expose()) => Rotated::New {
                token: SecretString::from(new.token.expose()),
                expiry: new.expires_at.as_deref().map_or(Expiry::Never, end),
            },
            _ => {
                tracing::error!(
                    status = status.as_u16(),
                    bytes = answer.body.len(),
                    "GitLab rotated a token, and its answer holds none: the new token is lost"
                );
                Rotated::Unknown(Trouble::UnexpectedAnswer)
            }
        },
        StatusCode::UNAUTHORIZED => Rotated::Refused(RotationRefusal::Dead),
        StatusCode::FORBIDDEN if is_short_of_scopes(answer) => Rotated::Refused(RotationRefusal::LacksScope),
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => {
            Rotated::NotAsked(WIRE.limit(inquiry, answer).unwrap_or(Setback::Forbidden))
        }
        // Before 16.10 there was no such way.
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Rotated::Refused(RotationRefusal::NotOffered),
        status if status.is_client_error() => Rotated::Refused(RotationRefusal::Policy(said(answer, inquiry.token))),
        status if status.is_server_error() => Rotated::Unknown(Trouble::ServerError(status.as_u16())),
        _ => Rotated::Unknown(Trouble::UnexpectedAnswer),
    }
}

/// Whether this can be a token: what a header can carry.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic())
}

/// A moment of the API, such as `2026-01-15T10:30:00.000Z`.
fn moment(text: &str) -> Option<Timestamp> {
    let at = OffsetDateTime::parse(text, &Rfc3339).ok()?;
    Some(Timestamp::from_seconds(at.unix_timestamp()))
}

/// Whether a 403 says that the token lacks a scope, rather than anything else.
fn is_short_of_scopes(answer: &Answer) -> bool {
    #[derive(Deserialize)]
    struct Refused {
        error: String,
    }
    answer.status == StatusCode::FORBIDDEN
        && answer
            .body_json::<Refused>()
            .is_ok_and(|body| body.error == "insufficient_scope")
}

/// A token ends at the start of its last date, in UTC. A date that cannot be read is an unknown end, never none.
fn end(date: &str) -> Expiry {
    const DATE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day]");
    Date::parse(date, DATE).map_or(Expiry::Unknown, |date| {
        Expiry::At(Timestamp::from_seconds(date.midnight().assume_utc().unix_timestamp()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_token_ends_at_the_start_of_its_date() {
        let Expiry::At(at) = end("2026-12-01") else {
            panic!("not read")
        };
        assert_eq!(at.rfc3339(), "2026-12-01T00:00:00Z");
        for nonsense in ["", "tomorrow", "2026-02-30", "2026-12-01T00:00:00Z"] {
            assert_eq!(end(nonsense), Expiry::Unknown, "{nonsense}");
        }
    }

    proptest! {
        #[test]
        fn no_date_from_a_stranger_makes_it_panic(text in "\\PC{0,200}") {
            let _ = end(&text);
            let _ = moment(&text);
        }

        #[test]
        fn every_date_is_read(days in 0i64..40_000) {
            let at = Timestamp::from_seconds(days * 86_400);
            prop_assert_eq!(end(&at.rfc3339()[..10]), Expiry::At(at));
        }
    }
}
