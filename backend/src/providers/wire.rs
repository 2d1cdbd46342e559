//! What the providers have in common on the wire: how one asks, and how a status is read (PROVIDERS.md, "How an answer from a
//! provider is read").

use super::Inquiry;
use crate::egress::{Answer, Request};
use domain::{
    CheckOutcome, Expiry, GitIdentity, Refusal, Scope, ScopeFinding, Setback, Timestamp,
    check::Trouble,
    scope::{Evidence, Standing},
};
use http::{StatusCode, header::InvalidHeaderValue, header::RETRY_AFTER};
use serde::Deserialize;
use std::time::Duration;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};
use url::Url;

/// How a kind of provider is asked.
pub(super) struct Wire {
    /// Puts the token, and whatever else every request has, into the headers.
    pub(super) headers: fn(Request, Inquiry<'_>) -> Result<Request, InvalidHeaderValue>,
    /// The header with the number of requests that are left; empty if there is none.
    pub(super) remaining: &'static str,
    /// The header with the moment from which there are more, in seconds since 1970; empty if there is none.
    pub(super) reset: &'static str,
}

impl Wire {
    /// A request for a path below the API base, with its query, that carries the token.
    pub(super) fn request(&self, inquiry: Inquiry<'_>, path: &str) -> Result<Request, CheckOutcome> {
        (self.headers)(Request::new(address(inquiry, path)?), inquiry)
            // A stored token is printable ASCII; one that no header can carry cannot be right.
            .map_err(|_| CheckOutcome::Refused(Refusal::BadCredentials))
    }

    /// Sends a GET request for a path below the API base, with its query.
    pub(super) async fn get(&self, inquiry: Inquiry<'_>, path: &str) -> Result<Answer, CheckOutcome> {
        let request = self.request(inquiry, path)?;
        let asked = address(inquiry, path)?.origin();
        let answer = inquiry.egress.get(request).await.map_err(unreachable)?;
        // Another origin was asked without the token, so it can tell nothing of it.
        if answer.final_url.origin() == asked {
            Ok(answer)
        } else {
            Err(unreachable(Trouble::UnexpectedAnswer))
        }
    }

    /// Only a success lets the answer be read further.
    pub(super) fn accept(&self, inquiry: Inquiry<'_>, answer: &Answer) -> Result<(), CheckOutcome> {
        match answer.status {
            status if status.is_success() => Ok(()),
            StatusCode::UNAUTHORIZED => Err(CheckOutcome::Refused(Refusal::BadCredentials)),
            StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => Err(CheckOutcome::Unchanged(
                self.limit(inquiry, answer).unwrap_or(Setback::Forbidden),
            )),
            status if status.is_server_error() => Err(unreachable(Trouble::ServerError(status.as_u16()))),
            _ => Err(unreachable(Trouble::UnexpectedAnswer)),
        }
    }

    /// A [`get`](Self::get) whose answer must be a success.
    pub(super) async fn read(&self, inquiry: Inquiry<'_>, path: &str) -> Result<Answer, CheckOutcome> {
        let answer = self.get(inquiry, path).await?;
        self.accept(inquiry, &answer)?;
        Ok(answer)
    }

    /// Whether a 403 or 429 is there because too much was asked.
    pub(super) fn limit(&self, inquiry: Inquiry<'_>, answer: &Answer) -> Option<Setback> {
        let wait = header(answer, RETRY_AFTER.as_str()).and_then(|text| retry_after(text, inquiry.now));
        let exhausted = !self.remaining.is_empty() && header(answer, self.remaining) == Some("0");
        if wait.is_none() && !exhausted && answer.status != StatusCode::TOO_MANY_REQUESTS {
            return None;
        }
        let reset = || {
            let seconds = header(answer, self.reset).filter(|_| exhausted)?;
            Some(Timestamp::from_seconds(seconds.parse().ok()?))
        };
        let retry_at = wait.or_else(reset);
        Some(Setback::RateLimited { retry_at })
    }
}

/// The address of a path below the API base.
pub(super) fn address(inquiry: Inquiry<'_>, path: &str) -> Result<Url, CheckOutcome> {
    Url::parse(&format!("{}{path}", inquiry.api_url)).map_err(|_| unreachable(Trouble::NoConnection))
}

/// A header's value as text, without the white space around it.
pub(super) fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    Some(answer.headers.get(name)?.to_str().ok()?.trim())
}

/// `Retry-After`: seconds, or a date (RFC 9110).
fn retry_after(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(seconds) = text.parse::<u64>() {
        return Some(now.plus(Duration::from_secs(seconds)));
    }
    let at = OffsetDateTime::parse(text, &Rfc2822).ok()?;
    Some(Timestamp::from_seconds(at.unix_timestamp()))
}

pub(super) fn unreachable(trouble: Trouble) -> CheckOutcome {
    CheckOutcome::Unchanged(Setback::Unreachable(trouble))
}

/// Passes on an end that is still to come.
pub(super) fn not_over(expiry: Expiry, now: Timestamp) -> Result<Expiry, CheckOutcome> {
    match expiry {
        Expiry::At(at) if at <= now => Err(CheckOutcome::Refused(Refusal::Expired { at })),
        expiry => Ok(expiry),
    }
}

/// Whose a token is, from a stranger's text: one line of bounded length.
pub(super) fn identity(id: &impl ToString, login: &str) -> GitIdentity {
    let bounded = |text: &str| text.chars().filter(|c| !c.is_control()).take(200).collect();
    GitIdentity {
        id: bounded(&id.to_string()),
        login: bounded(login),
    }
}

/// What reading showed of a scope.
pub(super) fn probed(scope: Scope, there: bool) -> ScopeFinding {
    ScopeFinding {
        scope,
        standing: if there { Standing::Granted } else { Standing::Missing },
        evidence: Evidence::Probed,
    }
}

/// A scope of which nothing can be known.
pub(super) fn unknown(scope: Scope) -> ScopeFinding {
    ScopeFinding {
        scope,
        standing: Standing::Unknown,
        evidence: Evidence::Unknown,
    }
}

/// The body's `message`, as most providers have it in a refusal. Never to be shown or logged: Forgejo says the token back.
pub(super) fn message(answer: &Answer) -> String {
    #[derive(Deserialize)]
    struct Message {
        message: String,
    }
    answer
        .body_json::<Message>()
        .map(|body| body.message)
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: i64 = 784_111_777; // Sun, 06 Nov 1994 08:49:37 GMT

    #[test]
    fn a_pause_is_read_in_both_forms() {
        let now = Timestamp::from_seconds(NOW);
        assert_eq!(retry_after("120", now), Some(Timestamp::from_seconds(NOW + 120)));
        let date = "Sun, 06 Nov 1994 08:49:37 GMT";
        assert_eq!(retry_after(date, Timestamp::from_seconds(0)), Some(now));
        for nonsense in ["", "soon", "-1", "1.5", "Sun, 99 Nov 1994 08:49:37 GMT"] {
            assert_eq!(retry_after(nonsense, now), None, "{nonsense}");
        }
    }

    proptest! {
        #[test]
        fn no_text_from_a_stranger_makes_the_parsers_panic(text in "\\PC{0,400}") {
            let _ = retry_after(&text, Timestamp::from_seconds(NOW));
            let who = identity(&text, &text);
            prop_assert!(who.login.chars().count() <= 200 && who.id.chars().count() <= 200);
        }
    }
}
