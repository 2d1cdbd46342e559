//! What the providers have in common on the wire: how one asks, and how a status is read (PROVIDERS.md, "How an answer from a
//! provider is read").

use super::{Inquiry, Told};
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

/// With no more requests than these left, none is: several tokens are checked at once, some with more than one request.
const NEARLY_NONE: u64 = 10;

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
        inquiry.allowance.note(self.told(&answer, inquiry.now));
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

    /// What an answer says of how much more will be answered.
    fn told(&self, answer: &Answer, now: Timestamp) -> Told {
        let asks_for_a_pause = matches!(
            answer.status,
            StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        // Whoever presents a bad token may be counted by address, which says nothing of those with a good one.
        let counts = answer.status.is_success() || asks_for_a_pause;
        let left = || header(answer, self.remaining)?.parse::<u64>().ok();
        Told {
            retry_after: retry_at(answer, now).filter(|_| asks_for_a_pause),
            spent_until: (counts && !self.remaining.is_empty() && left().is_some_and(|left| left <= NEARLY_NONE))
                .then(|| self.reset_at(answer))
                .flatten()
                .filter(|reset| *reset > now),
        }
    }

    /// The moment from which there are more requests.
    fn reset_at(&self, answer: &Answer) -> Option<Timestamp> {
        Some(Timestamp::from_seconds(header(answer, self.reset)?.parse().ok()?))
    }

    /// Whether a 403 or 429 is there because too much was asked.
    pub(super) fn limit(&self, inquiry: Inquiry<'_>, answer: &Answer) -> Option<Setback> {
        let wait = retry_at(answer, inquiry.now);
        let exhausted = !self.remaining.is_empty() && header(answer, self.remaining) == Some("0");
        if wait.is_none() && !exhausted && answer.status != StatusCode::TOO_MANY_REQUESTS {
            return None;
        }
        let retry_at = wait.or_else(|| self.reset_at(answer).filter(|_| exhausted));
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

/// The moment in `Retry-After`.
fn retry_at(answer: &Answer, now: Timestamp) -> Option<Timestamp> {
    retry_after(header(answer, RETRY_AFTER.as_str())?, now)
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
    use http::HeaderName;
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

    #[test]
    fn what_a_provider_says_of_its_limits_is_heard_with_good_answers_too() {
        const WIRE: Wire = Wire {
            headers: |request, _| Ok(request),
            remaining: "x-remaining",
            reset: "x-reset",
        };
        let now = Timestamp::from_seconds(NOW);
        let later = Some(Timestamp::from_seconds(NOW + 60));
        let reset = (NOW + 60).to_string();
        let told = |status: u16, headers: &[(&'static str, &str)]| {
            let answer = Answer {
                status: StatusCode::from_u16(status).expect("a status"),
                headers: headers
                    .iter()
                    .map(|(name, value)| (HeaderName::from_static(name), value.parse().expect("a value")))
                    .collect(),
                body: bytes::Bytes::new(),
                final_url: "https://git.acme.dev/".parse().expect("a URL"),
            };
            let Told {
                retry_after,
                spent_until,
            } = WIRE.told(&answer, now);
            (retry_after, spent_until)
        };
        for status in [200, 403, 429] {
            assert_eq!(
                told(status, &[("x-remaining", "0"), ("x-reset", &reset)]),
                (None, later),
                "{status}"
            );
        }
        assert_eq!(told(200, &[("x-remaining", "10"), ("x-reset", &reset)]), (None, later));
        assert_eq!(told(503, &[("retry-after", "60")]), (later, None));
        for (status, remaining, reset) in [
            (200, "11", &*reset),
            (401, "0", &*reset),
            (200, "0", "1"),
            (200, "0", "?"),
        ] {
            assert_eq!(
                told(status, &[("x-remaining", remaining), ("x-reset", reset)]),
                (None, None)
            );
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
