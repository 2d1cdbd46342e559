//! How long a person has to wait after sign-in tries that failed.

use domain::Timestamp;
use std::time::Duration;

/// What is counted, and how patiently.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Subject {
    /// Tries for one person.
    Person,
    /// Tries from one network address, behind which may be many people.
    Address,
}

/// After this long without a try the count starts again.
pub(crate) const FORGET_AFTER: Duration = Duration::from_hours(24);

const FIRST_WAIT: Duration = Duration::from_secs(15);
/// Long enough to make guessing hopeless, short enough that nobody is locked out by another's guesses for long.
const LONGEST_WAIT: Duration = Duration::from_mins(5);

impl Subject {
    const fn free_tries(self) -> u32 {
        match self {
            Self::Person => 5,
            Self::Address => 30,
        }
    }

    /// Until when no further try is taken: after the free tries 15 seconds from the last one, doubling with each up to five
    /// minutes. `None` when one may try at once.
    pub(crate) fn blocked_until(self, failures: u32, last: Timestamp, now: Timestamp) -> Option<Timestamp> {
        if last.plus(FORGET_AFTER) <= now {
            return None;
        }
        let beyond = failures.checked_sub(self.free_tries())?;
        let wait = FIRST_WAIT.saturating_mul(1 << beyond.min(10)).min(LONGEST_WAIT);
        Some(last.plus(wait)).filter(|until| *until > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LAST: i64 = 1_795_000_000;

    fn wait(failures: u32, after: i64) -> Option<i64> {
        Subject::Person
            .blocked_until(
                failures,
                Timestamp::from_seconds(LAST),
                Timestamp::from_seconds(LAST + after),
            )
            .map(|until| until.as_millis() / 1000 - LAST)
    }

    #[test]
    fn the_first_tries_are_free_and_the_wait_then_doubles_up_to_five_minutes() {
        assert_eq!(wait(4, 0), None);
        assert_eq!(wait(5, 0), Some(15));
        assert_eq!(wait(6, 0), Some(30));
        assert_eq!(wait(30, 0), Some(300));
    }

    #[test]
    fn the_wait_ends() {
        assert_eq!(wait(5, 14), Some(15));
        assert_eq!(wait(5, 15), None);
        assert_eq!(wait(1000, 300), None);
    }

    proptest! {
        #[test]
        fn nobody_waits_longer_than_five_minutes(failures: u32, after in 0i64..100_000) {
            prop_assert!(wait(failures, after).is_none_or(|until| until <= 300));
        }
    }
}
