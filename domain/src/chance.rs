//! Randomness as a parameter: the rules that spread moments take a number that somebody else has drawn.

use std::time::Duration;

/// A random number, every one as likely as every other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chance(pub u32);

impl Chance {
    /// A part of a span: nothing for the smallest number, almost all of it for the largest.
    #[must_use]
    pub fn of(self, span: Duration) -> Duration {
        let millis = (span.as_millis() * u128::from(self.0)) >> 32;
        Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_part_is_shorter_than_the_whole(number: u32, millis in 1u64..u64::MAX) {
            prop_assert!(Chance(number).of(Duration::from_millis(millis)) < Duration::from_millis(millis));
        }

        #[test]
        fn a_larger_number_is_a_longer_part(one: u32, other: u32) {
            let day = Duration::from_hours(24);
            prop_assert!(Chance(one.min(other)).of(day) <= Chance(one.max(other)).of(day));
        }
    }
}
