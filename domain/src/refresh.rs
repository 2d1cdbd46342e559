//! When an OAuth token is refreshed, and what is to be known of a refresh that brought no new one.
//!
//! The rules are those of PROVIDERS.md, "OAuth refresh: what other products got wrong".

use crate::{chance::Chance, status::TokenStatus, timestamp::Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long before its end an access token is refreshed, unless its life is short.
pub const MARGIN: Duration = Duration::from_mins(10);
/// After failing for this long, and [`LEAST_TRIES`], nothing is tried any more, unless a person asks or the application is changed.
pub const GIVE_UP: Duration = Duration::from_hours(7 * 24);
/// How many tries that takes at least: a server that was off has not tried.
pub const LEAST_TRIES: u32 = 10;
/// The pause after the first try that failed; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_hours(1);

/// When an access token that was received at one moment and ends at another is refreshed: ten minutes before its end, or after
/// half of a life that is shorter than twenty.
#[must_use]
pub fn due(received: Timestamp, ends: Timestamp) -> Timestamp {
    let life = u64::try_from(ends.as_millis().saturating_sub(received.as_millis())).unwrap_or(0);
    ends.minus(MARGIN.min(Duration::from_millis(life / 2)))
}

/// When to try again after so many tries in a row that failed, the last one at `now`. `chance` spreads what failed together.
#[must_use]
pub fn retry(failures: u32, now: Timestamp, chance: Chance) -> Timestamp {
    let pause = FIRST_PAUSE
        .saturating_mul(1_u32 << failures.saturating_sub(1).min(16))
        .min(LONGEST_PAUSE);
    now.plus(pause / 2 + chance.of(pause / 2))
}

/// What to call a token that has just been refreshed, until it is checked: what its scopes were found to be stays, and whatever
/// was wrong with the old value is not wrong with this one.
#[must_use]
pub const fn status_after(before: TokenStatus) -> TokenStatus {
    match before {
        TokenStatus::InDoubt | TokenStatus::Invalid | TokenStatus::Expired => TokenStatus::Unverified,
        before => before,
    }
}

/// What keeps an OAuth token from being refreshed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshNote {
    /// The provider could not be asked, or took no request; it is tried again.
    Failing {
        /// Since when.
        since: Timestamp,
        /// Why, as the end of "...: it did not answer in time".
        why: String,
    },
    /// The provider was asked, and what it answered is not known: its new tokens may be lost. It is tried once more.
    InDoubt {
        /// Since when.
        since: Timestamp,
    },
    /// The provider does not refresh it any more. Nothing is tried again.
    Refused {
        /// The error code of RFC 6749, section 5.2, or the provider's own.
        code: String,
        /// Whether it had been in doubt before, so that the new tokens were lost.
        lost: bool,
    },
    /// It failed for [`GIVE_UP`]. Nothing is tried again.
    GaveUp {
        /// Why the last time.
        why: String,
    },
    /// Its OAuth application was deleted, so nobody can refresh it.
    NoApplication,
    /// The stored refresh token does not open, so nobody can refresh it.
    Unreadable,
}

impl RefreshNote {
    /// Whether nothing is tried any more: only the person can help.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        match self {
            Self::Failing { .. } | Self::InDoubt { .. } => false,
            Self::Refused { .. } | Self::GaveUp { .. } | Self::NoApplication | Self::Unreadable => true,
        }
    }

    /// What happened and what to do, as sentences.
    #[must_use]
    pub fn words(&self, provider: &str) -> String {
        match self {
            Self::Failing { since, why } => format!(
                "It could not be refreshed since {}: {why}. Patchbay tries again.",
                since.date_time()
            ),
            Self::InDoubt { since } => format!(
                "In doubt since {}: a refresh was interrupted, and {provider} may have switched to a new token that never arrived. \
                 Patchbay tries again.",
                since.date_time()
            ),
            Self::Refused { code, lost: false } => {
                format!("{provider} no longer refreshes this authorization ({code}). Authorize access again.")
            }
            Self::Refused { code, lost: true } => format!(
                "A refresh was interrupted, and {provider} has switched to a new token that never arrived ({code}). Authorize \
                 access again."
            ),
            Self::GaveUp { why } => {
                format!("It could not be refreshed for seven days: {why}. Authorize access again.")
            }
            Self::NoApplication => {
                "Its OAuth application was deleted, so it cannot be refreshed. Authorize access again.".to_owned()
            }
            Self::Unreadable => "What refreshes it is stored, and cannot be opened. Authorize access again.".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn start() -> Timestamp {
        Timestamp::from_seconds(1_795_000_000)
    }

    #[test]
    fn a_token_is_refreshed_ten_minutes_before_its_end_or_after_half_of_a_short_life() {
        let after = |seconds: u64| due(start(), start().plus(Duration::from_secs(seconds)));
        assert_eq!(after(7200), start().plus(Duration::from_mins(110)));
        assert_eq!(after(1200), start().plus(Duration::from_mins(10)));
        assert_eq!(after(60), start().plus(Duration::from_secs(30)));
        assert_eq!(after(0), start());
    }

    #[test]
    fn only_what_may_pass_is_tried_again() {
        let since = start();
        assert!(
            !RefreshNote::Failing {
                since,
                why: String::new()
            }
            .is_final()
        );
        assert!(!RefreshNote::InDoubt { since }.is_final());
        assert!(RefreshNote::NoApplication.is_final() && RefreshNote::Unreadable.is_final());
        assert!(RefreshNote::GaveUp { why: String::new() }.is_final());
    }

    proptest! {
        #[test]
        fn a_refresh_is_due_before_the_end_and_never_before_it_was_received(life in 0_u64..100_000_000) {
            let end = start().plus(Duration::from_secs(life));
            let due = due(start(), end);
            prop_assert!(due >= start() && due <= end);
        }

        #[test]
        fn pauses_grow_up_to_an_hour(failures in 1_u32..1000, chance: u32) {
            let pause = retry(failures, start(), Chance(chance));
            prop_assert!(pause >= start().plus(Duration::from_secs(15)));
            prop_assert!(pause <= start().plus(LONGEST_PAUSE));
        }
    }
}
