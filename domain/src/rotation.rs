//! When a token's value is changed for a new one at its provider, how long the new one lives, and what may keep it from that.
//!
//! Facts from GitLab's documentation ("Personal access tokens", "Personal access tokens API").

use crate::{check::Setback, status::TokenStatus, timestamp::Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

const DAY: Duration = Duration::from_hours(24);
/// The longest life of a new token: GitLab's own default limit. An administrator may set a shorter one, or up to 400 days.
pub const LONGEST_DAYS: u32 = 365;
/// How long before its end a token is rotated in the background, unless its life is short.
pub const MARGIN: Duration = Duration::from_hours(7 * 24);
/// The share of a short life that is left when a token is rotated in the background: a fifth.
const SHARE: i64 = 5;

/// The end of the token that comes of a rotation at `now`: the start of a day in UTC. It lives as many days as the old one,
/// of which `old` tells beginning and end, and the longest that is possible when that is not known.
#[must_use]
pub fn new_end(now: Timestamp, old: Option<(Timestamp, Timestamp)>) -> Timestamp {
    let days = old
        .and_then(|(start, end)| u32::try_from(end.days() - start.days()).ok())
        .filter(|days| *days > 0)
        .map_or(LONGEST_DAYS, |days| days.min(LONGEST_DAYS));
    now.start_of_day().plus(DAY * days)
}

/// From when on a token with this beginning and end is rotated in the background: in its last seven days, or in the last fifth of a
/// life that is shorter than 35.
#[must_use]
pub fn due_at(start: Timestamp, end: Timestamp) -> Timestamp {
    let life = end.as_millis().saturating_sub(start.as_millis()).max(0);
    let share = Duration::from_millis((life / SHARE).unsigned_abs());
    end.minus(MARGIN.min(share))
}

/// Whether a token with this beginning and end is rotated in the background at `now`. One that has ended is past that.
#[must_use]
pub fn is_due(start: Timestamp, end: Timestamp, now: Timestamp) -> bool {
    now < end && now >= due_at(start, end)
}

/// Whether a token may be rotated after a check that said this. One that was refused must not: GitLab takes the use of a
/// dead token for theft, and revokes every token that came of it.
#[must_use]
pub const fn is_possible(status: TokenStatus) -> bool {
    match status {
        TokenStatus::Valid | TokenStatus::Unverified | TokenStatus::ExcessScopes | TokenStatus::MissingScopes => true,
        TokenStatus::Invalid | TokenStatus::Expired | TokenStatus::SsoRequired | TokenStatus::InDoubt => false,
    }
}

/// Why a provider did not rotate a token, which is then what it was.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationRefusal {
    /// Tokens of this kind, or this installation, have no such thing.
    NotOffered,
    /// The token has no scope that lets it rotate itself.
    LacksScope,
    /// The token is not accepted any more.
    Dead,
    /// A rule of the provider forbids it, in the provider's words, which are one bounded line; they may be empty.
    Policy(String),
}

impl RotationRefusal {
    /// What happened and what to do, as sentences.
    #[must_use]
    pub fn words(&self, provider: &str) -> String {
        match self {
            Self::NotOffered => format!("{provider} cannot rotate this token. Replace it before it ends."),
            Self::LacksScope => {
                "The token may not rotate itself: that needs the scope api or self_rotate. Replace it with \
                                 a token that has one of them."
                    .to_owned()
            }
            Self::Dead => format!("{provider} no longer accepts the token, so it was not rotated. Replace it."),
            Self::Policy(said) if said.is_empty() => format!("{provider} refused to rotate the token."),
            Self::Policy(said) => format!("{provider} refused to rotate the token: {said}"),
        }
    }
}

/// What is to be known of the last try to rotate a token that brought no new one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RotationNote {
    /// The provider did not do it.
    Refused(RotationRefusal),
    /// The provider could not be asked, so nothing was changed.
    NotAsked(Setback),
    /// The provider was asked, and its answer, which held the new token, did not arrive. The old one is dead.
    Interrupted,
}

impl RotationNote {
    /// Whether a person should read this of a token whose last check said so: one that works again was not lost.
    #[must_use]
    pub fn is_of_interest(&self, status: TokenStatus) -> bool {
        *self != Self::Interrupted || !is_possible(status)
    }

    /// What happened and what to do, as sentences.
    #[must_use]
    pub fn words(&self, provider: &str) -> String {
        match self {
            Self::Refused(refusal) => refusal.words(provider),
            Self::NotAsked(setback) => format!(
                "The token was not rotated: {}. It works as before.",
                setback.clone().words(provider)
            ),
            Self::Interrupted => format!(
                "A rotation was interrupted: {provider} was asked for a new token, its answer did not arrive, and it no \
                 longer accepts the old one. Add a new token, and revoke the one that was rotated at {provider}."
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Trouble;
    use proptest::prelude::*;

    /// 2026-11-22 12:00 UTC.
    const NOON: i64 = 1_795_348_800;

    fn now() -> Timestamp {
        Timestamp::from_seconds(NOON)
    }

    fn days(count: i64) -> Timestamp {
        Timestamp::from_seconds(NOON + count * 86_400)
    }

    #[test]
    fn a_new_token_lives_as_many_days_as_the_old_one() {
        let end = |old| new_end(now(), old).rfc3339();
        assert_eq!(end(Some((days(-20), days(10)))), "2026-12-22T00:00:00Z");
        assert_eq!(end(Some((days(-1), days(0)))), "2026-11-23T00:00:00Z");
        assert_eq!(end(Some((days(-400), days(0)))), "2027-11-22T00:00:00Z");
        assert_eq!(end(None), "2027-11-22T00:00:00Z");
        assert_eq!(
            end(Some((days(3), days(3)))),
            "2027-11-22T00:00:00Z",
            "nonsense is unknown"
        );
    }

    #[test]
    fn a_token_is_due_in_its_last_week_or_the_last_fifth_of_a_short_life() {
        let due = |life, left| is_due(days(left - life), days(left), now());
        assert!(due(365, 7) && due(35, 7) && !due(365, 8));
        assert!(due(10, 2) && !due(10, 3));
        assert!(!due(365, 0) && !due(365, -1), "what has ended is not rotated");
        assert!(!is_due(days(5), days(1), now()), "nonsense is never due");
    }

    #[test]
    fn every_refusal_says_what_happened() {
        let setback = Setback::Unreachable(Trouble::NoConnection);
        for note in [
            RotationNote::Refused(RotationRefusal::NotOffered),
            RotationNote::Refused(RotationRefusal::LacksScope),
            RotationNote::Refused(RotationRefusal::Dead),
            RotationNote::Refused(RotationRefusal::Policy(String::new())),
            RotationNote::Refused(RotationRefusal::Policy("too far".to_owned())),
            RotationNote::NotAsked(setback),
            RotationNote::Interrupted,
        ] {
            let words = note.words("GitLab");
            assert!(words.ends_with('.') || words.ends_with("too far"), "{words}");
            let json = serde_json::to_string(&note).expect("JSON");
            assert_eq!(serde_json::from_str::<RotationNote>(&json).ok(), Some(note));
        }
    }

    proptest! {
        #[test]
        fn a_new_end_is_the_start_of_a_day_to_come_that_every_gitlab_allows(
            now in 0i64..4_000_000_000_000, start: i64, end: i64, known: bool,
        ) {
            let now = Timestamp::from_millis(now);
            let old = known.then(|| (Timestamp::from_millis(start), Timestamp::from_millis(end)));
            let new = new_end(now, old);
            prop_assert!(new > now);
            prop_assert_eq!(new, new.start_of_day());
            prop_assert!((1..=365).contains(&(new.days() - now.days())));
        }

        #[test]
        fn once_due_a_token_stays_due_until_it_ends(start: i64, life in 0i64..50_000_000_000, at in 0i64..50_000_000_000) {
            let start = Timestamp::from_millis(start / 2);
            let end = start.plus(Duration::from_millis(life.unsigned_abs()));
            let now = start.plus(Duration::from_millis(at.unsigned_abs()));
            let later = now.plus(Duration::from_hours(1));
            prop_assert!(!is_due(start, end, now) || now < end);
            prop_assert!(!is_due(start, end, now) || later >= end || is_due(start, end, later));
        }

        #[test]
        fn a_token_with_a_new_end_is_not_due_at_once(now in 0i64..4_000_000_000_000, life in 2i64..400) {
            let now = Timestamp::from_millis(now);
            let new = new_end(now, Some((now, now.plus(DAY * u32::try_from(life).expect("small")))));
            prop_assert!(!is_due(now, new, now));
        }
    }
}
