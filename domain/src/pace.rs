//! How often a Git provider's host is asked in the background: freely while it answers, less and less while it does not, and not
//! at all for as long as it says.

use crate::{chance::Chance, timestamp::Timestamp};
use std::time::Duration;

/// The pause after the first failure; it doubles with each that follows on it.
const FIRST_PAUSE: Duration = Duration::from_mins(1);
/// The longest pause after a failure, but for what chance adds: a quarter, so an hour in all.
const LONGEST_PAUSE: Duration = Duration::from_mins(48);
/// The longest wait that a stranger's header can bring about.
const LONGEST_TOLD: Duration = Duration::from_hours(6);
/// So many different tokens in a row without a request left are a limit of the host. One or two are their persons' own, who use them
/// elsewhere: GitHub and GitLab count each person's requests, so that others' tokens need not wait.
const SPENT_IN_A_ROW: usize = 3;

/// A moment that a provider told, no later than the longest that it may make us wait.
#[must_use]
pub fn bounded(told: Timestamp, now: Timestamp) -> Timestamp {
    told.clamp(now, now.plus(LONGEST_TOLD))
}

/// What tells one token from another: several places may hold the same, and its requests are counted once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenMark(u64);

impl TokenMark {
    /// Of a keyed fingerprint, whose beginning is as good as chance.
    #[must_use]
    pub fn of(fingerprint: &[u8]) -> Self {
        let start = fingerprint.iter().take(8);
        Self(start.fold(0, |mark, byte| mark << 8 | u64::from(*byte)))
    }
}

/// What one check showed of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// It answers.
    Answered,
    /// It answers, or says that it no longer does: whoever asked has no request left, or almost none, until this moment.
    Spent {
        /// With which token.
        token: TokenMark,
        /// From when on there are more.
        until: Timestamp,
    },
    /// It asks to be left alone.
    Limited {
        /// Until when, if it said so.
        until: Option<Timestamp>,
    },
    /// It does not answer, or not as itself.
    Failed,
}

/// Whether a host may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// As much as is usual.
    Free,
    /// With one token at a time, which finds out whether it is well again.
    One,
    /// Not before this moment.
    NotBefore(Timestamp),
}

/// Which checks began under the same signs: those that were under way together when a host went down are one failure, not several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wave(u32);

/// What is known of a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pace {
    failures: u32,
    /// Different tokens, one after the other, without a request left.
    spent: [Option<TokenMark>; SPENT_IN_A_ROW],
    wave: Wave,
    paused_until: Option<Timestamp>,
}

impl Pace {
    /// Whether the host may be asked now.
    #[must_use]
    pub fn admission(&self, now: Timestamp) -> Admission {
        match self.paused_until {
            Some(until) if now < until => Admission::NotBefore(until),
            _ if self.failures > 0 || self.is_spent() => Admission::One,
            _ => Admission::Free,
        }
    }

    /// To be kept for a check that begins now, and given back with its sign.
    #[must_use]
    pub const fn wave(&self) -> Wave {
        self.wave
    }

    /// Whether nothing is known that would be lost by forgetting it.
    #[must_use]
    pub fn is_fresh(&self) -> bool {
        self.failures == 0 && self.spent == Self::default().spent && self.paused_until.is_none()
    }

    /// Takes in what a check showed that began in `wave`. `now` is when it ended.
    pub fn note(&mut self, wave: Wave, sign: Sign, now: Timestamp, chance: Chance) {
        match sign {
            Sign::Answered if wave == self.wave => {
                *self = Self {
                    wave,
                    ..Self::default()
                };
            }
            // Older than a failure, so it shows nothing of what came after that.
            Sign::Answered => {}
            Sign::Spent { token, until } => {
                if !self.spent.contains(&Some(token))
                    && let Some(free) = self.spent.iter_mut().find(|place| place.is_none())
                {
                    *free = Some(token);
                }
                if self.is_spent() {
                    self.pause(bounded(until, now));
                }
            }
            Sign::Limited { until } => {
                self.fail(wave, now, chance);
                self.pause(until.map_or(now, |until| bounded(until, now)));
            }
            Sign::Failed => self.fail(wave, now, chance),
        }
    }

    fn is_spent(&self) -> bool {
        self.spent.iter().all(Option::is_some)
    }

    fn fail(&mut self, wave: Wave, now: Timestamp, chance: Chance) {
        if wave != self.wave {
            return;
        }
        self.wave = Wave(self.wave.0.wrapping_add(1));
        self.failures = self.failures.saturating_add(1);
        let doubled = FIRST_PAUSE.saturating_mul(1 << (self.failures - 1).min(10));
        let pause = doubled.min(LONGEST_PAUSE);
        self.pause(now.plus(pause + chance.of(pause / 4)));
    }

    /// A pause only grows: whatever asked for the longer one is obeyed.
    fn pause(&mut self, until: Timestamp) {
        self.paused_until = self.paused_until.max(Some(until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn start() -> Timestamp {
        Timestamp::from_seconds(1_795_348_800)
    }

    fn minutes(minutes: u64) -> Timestamp {
        start().plus(Duration::from_mins(minutes))
    }

    /// Fails as soon as it may be asked again, and gives the moments of that.
    fn failing(pace: &mut Pace, times: usize, chance: Chance) -> Vec<Timestamp> {
        let mut now = start();
        let mut moments = Vec::new();
        for _ in 0..times {
            pace.note(pace.wave(), Sign::Failed, now, chance);
            if let Admission::NotBefore(until) = pace.admission(now) {
                now = until;
            }
            moments.push(now);
        }
        moments
    }

    #[test]
    fn a_host_that_is_down_is_asked_less_and_less_with_one_token_at_a_time() {
        let mut pace = Pace::default();
        assert_eq!(pace.admission(start()), Admission::Free);
        let asked = failing(&mut pace, 8, Chance(0));
        let after: Vec<_> = [1, 3, 7, 15, 31, 63, 111, 159].map(minutes).into();
        assert_eq!(asked, after);
        let now = *after.last().expect("a moment");
        assert_eq!(pace.admission(now), Admission::One);
        pace.note(pace.wave(), Sign::Answered, now, Chance(0));
        assert_eq!(pace.admission(now), Admission::Free);
        assert!(pace.is_fresh());
    }

    #[test]
    fn checks_that_fail_together_are_one_failure() {
        let mut pace = Pace::default();
        let wave = pace.wave();
        for _ in 0..4 {
            pace.note(wave, Sign::Failed, start(), Chance(0));
        }
        assert_eq!(pace.admission(start()), Admission::NotBefore(minutes(1)));
        pace.note(wave, Sign::Answered, start(), Chance(0));
        assert_eq!(pace.admission(start()), Admission::NotBefore(minutes(1)));
    }

    #[test]
    fn a_host_is_left_alone_for_as_long_as_it_says_and_no_longer_than_six_hours() {
        for (told, waits) in [(0, 1), (30, 30), (24 * 60, 6 * 60)] {
            let mut pace = Pace::default();
            let until = Some(minutes(told));
            pace.note(pace.wave(), Sign::Limited { until }, start(), Chance(0));
            assert_eq!(pace.admission(start()), Admission::NotBefore(minutes(waits)), "{told}");
            assert_eq!(pace.admission(minutes(waits)), Admission::One);
        }
        let mut pace = Pace::default();
        pace.note(pace.wave(), Sign::Limited { until: None }, start(), Chance(0));
        assert_eq!(pace.admission(start()), Admission::NotBefore(minutes(1)));
    }

    #[test]
    fn one_persons_spent_requests_stop_nobody_else() {
        let mut pace = Pace::default();
        let spent = |token| Sign::Spent {
            token: TokenMark(token),
            until: minutes(50),
        };
        for sign in [spent(1), spent(2), Sign::Answered, spent(1), spent(2)] {
            pace.note(pace.wave(), sign, start(), Chance(0));
            assert_eq!(pace.admission(start()), Admission::Free);
        }
        pace.note(pace.wave(), spent(3), start(), Chance(0));
        assert_eq!(pace.admission(start()), Admission::NotBefore(minutes(50)));
        assert_eq!(pace.admission(minutes(50)), Admission::One);
        let again = Sign::Spent {
            token: TokenMark(3),
            until: minutes(110),
        };
        pace.note(pace.wave(), again, minutes(50), Chance(0));
        assert_eq!(pace.admission(minutes(50)), Admission::NotBefore(minutes(110)));
    }

    #[test]
    fn one_token_in_many_places_is_one_token() {
        let mut pace = Pace::default();
        let until = minutes(50);
        let one = TokenMark::of(&[1; 32]);
        let other = TokenMark::of(&[2; 32]);
        for token in [one, one, other, one, other, one] {
            pace.note(pace.wave(), Sign::Spent { token, until }, start(), Chance(0));
            assert_eq!(pace.admission(start()), Admission::Free);
        }
        let token = TokenMark::of(&[3; 32]);
        pace.note(pace.wave(), Sign::Spent { token, until }, start(), Chance(0));
        assert_eq!(pace.admission(start()), Admission::NotBefore(until));
    }

    fn signs() -> impl Strategy<Value = Sign> {
        let moment = || any::<i64>().prop_map(Timestamp::from_millis);
        prop_oneof![
            Just(Sign::Answered),
            Just(Sign::Failed),
            (any::<u64>(), moment()).prop_map(|(token, until)| Sign::Spent {
                token: TokenMark(token),
                until
            }),
            proptest::option::of(moment()).prop_map(|until| Sign::Limited { until }),
        ]
    }

    proptest! {
        #[test]
        fn no_host_is_left_alone_for_more_than_six_hours(signs in proptest::collection::vec((signs(), any::<u32>()), 0..40)) {
            let mut pace = Pace::default();
            for (sign, chance) in signs {
                pace.note(pace.wave(), sign, start(), Chance(chance));
                if let Admission::NotBefore(until) = pace.admission(start()) {
                    prop_assert!(until <= start().plus(LONGEST_TOLD));
                }
            }
        }

        #[test]
        fn a_pause_after_failures_is_between_a_minute_and_an_hour(times in 1usize..200, chance: u32) {
            let asked = failing(&mut Pace::default(), times, Chance(chance));
            let mut last = start();
            for moment in asked {
                prop_assert!(moment >= last.plus(FIRST_PAUSE) && moment <= last.plus(Duration::from_hours(1)));
                last = moment;
            }
        }
    }
}
