//! GitLab.com and self-managed GitLab.
//!
//! Facts from GitLab's documentation ("Personal access tokens API", "REST API: authentication", "Rate limits") and PROVIDERS.md.

use super::{
    GitProvider, Inquiry,
    wire::{Wire, identity, not_over, unreachable},
};
use crate::egress::Answer;
use domain::{CheckOutcome, Expiry, Findings, ProviderKind, Refusal, Timestamp, scope};
use http::{HeaderName, StatusCode};
use serde::Deserialize;
use time::{Date, format_description::BorrowedFormatItem, macros::format_description};

/// GitLab on the wire.
pub(super) struct GitLab;

const WIRE: Wire = Wire {
    headers: |request, inquiry| request.secret(HeaderName::from_static("private-token"), "", inquiry.token),
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
}

/// `GET /user`, as far as it is read.
#[derive(Deserialize)]
struct User {
    id: u64,
    username: String,
}

impl GitProvider for GitLab {
    async fn check(&self, inquiry: Inquiry<'_>) -> Result<Findings, CheckOutcome> {
        let answer = WIRE.read(inquiry, "/personal_access_tokens/self").await?;
        let token: Token = answer.body_json().map_err(unreachable)?;
        let expiry = not_over(token.expires_at.as_deref().map_or(Expiry::Never, end), inquiry.now)?;
        if token.revoked || !token.active {
            return Err(CheckOutcome::Refused(Refusal::BadCredentials));
        }

        let answer = WIRE.get(inquiry, "/user").await?;
        let identity = if is_short_of_scopes(&answer) {
            identity(&token.user_id, &format!("user {}", token.user_id))
        } else {
            WIRE.accept(inquiry, &answer)?;
            let user: User = answer.body_json().map_err(unreachable)?;
            identity(&user.id, &user.username)
        };
        let granted = scope::named(token.scopes.iter().map(String::as_str));
        let required = inquiry.profile.required(inquiry.format);
        Ok(Findings {
            identity,
            scopes: scope::compare_declared(ProviderKind::GitLab, &granted, &required),
            expiry,
        })
    }
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
        }

        #[test]
        fn every_date_is_read(days in 0i64..40_000) {
            let at = Timestamp::from_seconds(days * 86_400);
            prop_assert_eq!(end(&at.rfc3339()[..10]), Expiry::At(at));
        }
    }
}
