//! When a stored Git token is checked again without anybody asking: at least daily, whatever became of it, since a dead token may
//! come back to life.

use crate::{
    chance::Chance,
    check::{CheckOutcome, Expiry, Setback},
    pace,
    timestamp::Timestamp,
};
use std::time::Duration;

/// How long after a check the next one comes at the soonest; the rest of the day is for chance, so that tokens which were checked
/// together drift apart.
const SOONEST: Duration = Duration::from_hours(20);
const SPREAD: Duration = Duration::from_hours(4);
/// The same after it was stored: it was checked for that, and the first background checks are spread over the day.
const FIRST_SOONEST: Duration = Duration::from_hours(1);
const FIRST_SPREAD: Duration = Duration::from_hours(23);
/// How long after its end a token is looked at, as clocks differ.
const AFTER_END: Duration = Duration::from_mins(1);
const AFTER_END_SPREAD: Duration = Duration::from_mins(4);
/// How long a token is left alone whose provider could not be asked. The provider itself is left alone by its [`pace`]; this keeps
/// the one token that a provider fails over from being asked about again and again.
const UNREACHABLE: Duration = Duration::from_mins(10);
const UNREACHABLE_SPREAD: Duration = Duration::from_mins(10);
/// How long a token is left alone whose request was refused for a reason that is not the token's.
const FORBIDDEN: Duration = Duration::from_hours(4);
const FORBIDDEN_SPREAD: Duration = Duration::from_hours(1);

/// The first background check of a token that was stored just now and has this end: any time in the coming day.
#[must_use]
pub fn first(expiry: Expiry, now: Timestamp, chance: Chance) -> Timestamp {
    daily(expiry, (FIRST_SOONEST, FIRST_SPREAD), now, chance)
}

/// The check after one that ended like this.
#[must_use]
pub fn after(outcome: &CheckOutcome, now: Timestamp, chance: Chance) -> Timestamp {
    let within = |least: Duration, spread| now.plus(least + chance.of(spread));
    match outcome {
        CheckOutcome::Accepted(findings) => daily(findings.expiry, (SOONEST, SPREAD), now, chance),
        CheckOutcome::Refused(_) => within(SOONEST, SPREAD),
        CheckOutcome::Unchanged(Setback::RateLimited { retry_at }) => {
            let told = retry_at.map_or(now, |at| pace::bounded(at, now));
            told.plus(UNREACHABLE + chance.of(UNREACHABLE_SPREAD))
        }
        CheckOutcome::Unchanged(Setback::Unreachable(_)) => within(UNREACHABLE, UNREACHABLE_SPREAD),
        CheckOutcome::Unchanged(Setback::Forbidden) => within(FORBIDDEN, FORBIDDEN_SPREAD),
    }
}

/// Within the day, and just after the token's end if that comes first.
fn daily(expiry: Expiry, (soonest, spread): (Duration, Duration), now: Timestamp, chance: Chance) -> Timestamp {
    let next = now.plus(soonest + chance.of(spread));
    match expiry {
        Expiry::At(end) if end > now => next.min(end.plus(AFTER_END + chance.of(AFTER_END_SPREAD))),
        Expiry::At(_) | Expiry::Never | Expiry::Unknown => next,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{Findings, GitIdentity, Refusal, Trouble};
    use proptest::prelude::*;

    fn start() -> Timestamp {
        Timestamp::from_seconds(1_795_348_800)
    }

    fn accepted(expiry: Expiry) -> CheckOutcome {
        CheckOutcome::Accepted(Findings {
            identity: GitIdentity {
                id: "1".into(),
                login: "mira".into(),
            },
            scopes: Vec::new(),
            expiry,
        })
    }

    fn outcomes() -> impl Strategy<Value = CheckOutcome> {
        let moment = || any::<i64>().prop_map(Timestamp::from_millis);
        prop_oneof![
            moment().prop_map(|at| accepted(Expiry::At(at))),
            Just(accepted(Expiry::Never)),
            Just(accepted(Expiry::Unknown)),
            Just(CheckOutcome::Refused(Refusal::BadCredentials)),
            moment().prop_map(|at| CheckOutcome::Refused(Refusal::Expired { at })),
            Just(CheckOutcome::Refused(Refusal::SsoRequired { url: None })),
            proptest::option::of(moment())
                .prop_map(|retry_at| CheckOutcome::Unchanged(Setback::RateLimited { retry_at })),
            Just(CheckOutcome::Unchanged(Setback::Unreachable(Trouble::TimedOut))),
            Just(CheckOutcome::Unchanged(Setback::Forbidden)),
        ]
    }

    fn hours(from: Timestamp, to: Timestamp) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "a few hours")]
        let millis = (to.as_millis() - from.as_millis()) as f64;
        millis / 3_600_000.0
    }

    #[test]
    fn a_token_that_ends_within_the_day_is_looked_at_just_after_its_end() {
        let end = start().plus(Duration::from_hours(3));
        let next = after(&accepted(Expiry::At(end)), start(), Chance(u32::MAX));
        assert!(next > end && next < end.plus(Duration::from_mins(6)));
        let far = start().plus(Duration::from_hours(25));
        assert!(hours(start(), after(&accepted(Expiry::At(far)), start(), Chance(0))) >= 20.0);
    }

    #[test]
    fn a_dead_token_is_looked_at_every_day() {
        for refusal in [Refusal::BadCredentials, Refusal::Expired { at: start() }] {
            let next = after(&CheckOutcome::Refused(refusal), start(), Chance(1 << 31));
            assert_eq!(next, start().plus(Duration::from_hours(22)));
        }
    }

    #[test]
    fn a_rate_limit_is_obeyed_and_a_strangers_year_is_not() {
        let limited = |retry_at| CheckOutcome::Unchanged(Setback::RateLimited { retry_at });
        let told = start().plus(Duration::from_hours(2));
        assert!(after(&limited(Some(told)), start(), Chance(0)) > told);
        let year = start().plus(Duration::from_hours(24 * 365));
        assert!(hours(start(), after(&limited(Some(year)), start(), Chance(u32::MAX))) < 6.5);
    }

    proptest! {
        #[test]
        fn every_token_is_checked_again_later_and_within_a_day(outcome in outcomes(), now: i64, chance: u32) {
            // Between the years 1970 and 2970, so that no moment meets the end of the calendar.
            let now = Timestamp::from_millis(now.rem_euclid(31_557_600_000_000));
            let next = after(&outcome, now, Chance(chance));
            prop_assert!(next > now && next < now.plus(Duration::from_hours(24)), "{next:?}");
        }

        #[test]
        fn a_new_token_is_checked_within_a_day_too(end in proptest::option::of(any::<u32>()), chance: u32) {
            let end = end.map(|millis| start().plus(Duration::from_millis(millis.into())));
            let next = first(end.map_or(Expiry::Never, Expiry::At), start(), Chance(chance));
            prop_assert!(next > start() && next < start().plus(Duration::from_hours(24)), "{next:?}");
            prop_assert!(end.is_none_or(|end| next < end.plus(Duration::from_mins(5))), "{next:?}");
        }
    }
}
