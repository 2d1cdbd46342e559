//! What comes of asking a provider to change a token rather than to tell of it.

use super::{Inquiry, wire::Wire};
use crate::egress::{Answer, WriteFailure};
use domain::{CheckOutcome, Expiry, RotationRefusal, Setback, check::Trouble};
use http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

/// What came of asking for a new token in place of the old one.
#[derive(Debug)]
pub enum Rotated {
    /// The old token is dead, and this one lives. Nobody else has it: it must be stored before anything else is done.
    New {
        /// The new token.
        token: SecretString,
        /// When it ends.
        expiry: Expiry,
    },
    /// The provider did not do it; the token is what it was.
    Refused(RotationRefusal),
    /// The provider was not asked, or did not take the request; the token is what it was.
    NotAsked(Setback),
    /// The provider was asked, and what it did is not known.
    Unknown(Trouble),
}

/// The longest that a provider's own words are shown, in characters.
const MAX_WORDS: usize = 200;

/// A stranger's words as one bounded line, without the token, should they say it back.
pub(super) fn quoted(words: &str, token: &SecretString) -> String {
    let words = words.replace(token.expose_secret(), "…");
    let line: String = words
        .chars()
        .map(|c| if c.is_control() || c.is_whitespace() { ' ' } else { c })
        .take(MAX_WORDS)
        .collect();
    line.trim().to_owned()
}

/// The `message` or `error` of a refusal, as one bounded line; empty if there is none that is text.
pub(super) fn said(answer: &Answer, token: &SecretString) -> String {
    #[derive(Deserialize)]
    struct Refused {
        message: Option<serde_json::Value>,
        error: Option<serde_json::Value>,
    }
    let Ok(Refused { message, error }) = answer.body_json() else {
        return String::new();
    };
    let text =
        |value: Option<serde_json::Value>| value.and_then(|value| value.as_str().map(|text| quoted(text, token)));
    text(message).or_else(|| text(error)).unwrap_or_default()
}

/// What a write came to that brought no answer: the setback if nothing was sent, else the trouble.
pub(super) fn unanswered(failure: WriteFailure) -> Result<Setback, Trouble> {
    if failure.sent {
        Err(failure.trouble)
    } else {
        Ok(Setback::Unreachable(failure.trouble))
    }
}

impl Wire {
    /// Why a provider did not revoke, after the answer that refused it, as the end of a sentence.
    pub(super) fn why_not_revoked(&self, inquiry: Inquiry<'_>, answer: &Answer) -> String {
        match self.accept(inquiry, answer) {
            Err(CheckOutcome::Unchanged(Setback::RateLimited { .. })) => {
                "it takes no more requests just now".to_owned()
            }
            Err(CheckOutcome::Unchanged(Setback::Unreachable(trouble @ Trouble::ServerError(_)))) => trouble.words(),
            _ if answer.status == StatusCode::NOT_FOUND => "this installation has no such way".to_owned(),
            _ => match said(answer, inquiry.token) {
                said if said.is_empty() => format!("it answered with {}", answer.status.as_u16()),
                said => format!("it answered with {} ({said})", answer.status.as_u16()),
            },
        }
    }
}

/// Why a provider did not revoke, when it gave no answer.
pub(super) fn not_revoked(failure: WriteFailure) -> String {
    failure.trouble.words()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_strangers_words_are_one_bounded_line_without_the_token(words in "(\\PC|\\s|\\x00){0,400}") {
            let token = SecretString::from("glpat-secret");
            let line = quoted(&format!("{words}glpat-secret{words}"), &token);
            prop_assert!(line.chars().count() <= MAX_WORDS && !line.contains("glpat-secret"));
            prop_assert!(!line.chars().any(char::is_control));
        }
    }
}
