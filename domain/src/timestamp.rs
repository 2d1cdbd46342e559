//! A point in time, and the two ways in which a person reads it.

use serde::{Deserialize, Serialize};
use std::{fmt::Write as _, time::Duration};
use time::{Date, Month, OffsetDateTime, UtcOffset};

/// A point in time in milliseconds since 1970-01-01 00:00 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// The first and the last moment that has a four-digit year: 0001-01-01 00:00 and 9999-12-31 23:59:59.999 UTC.
const RANGE: std::ops::RangeInclusive<i64> = -62_135_596_800_000..=253_402_300_799_999;

impl Timestamp {
    /// From milliseconds since the epoch, held within the years 1 to 9999 so that every value can be shown.
    #[must_use]
    pub fn from_millis(millis: i64) -> Self {
        Self(millis.clamp(*RANGE.start(), *RANGE.end()))
    }

    /// From whole seconds since the epoch, held within the years 1 to 9999.
    #[must_use]
    pub fn from_seconds(seconds: i64) -> Self {
        Self::from_millis(seconds.saturating_mul(SECOND))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// This moment moved later.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        Self::from_millis(self.0.saturating_add(millis(duration)))
    }

    /// This moment moved earlier.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        Self::from_millis(self.0.saturating_sub(millis(duration)))
    }

    /// How many days have begun since 1970-01-01, in UTC.
    #[must_use]
    pub const fn days(self) -> i64 {
        self.0.div_euclid(DAY)
    }

    /// The start of its day, in UTC.
    #[must_use]
    pub fn start_of_day(self) -> Self {
        Self::from_millis(self.days() * DAY)
    }

    /// The start of a day that is written as `2026-11-27` (UTC).
    #[must_use]
    pub fn from_iso_date(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        let mut number = || parts.next()?.parse::<u16>().ok();
        let (year, month, day) = (number()?, number()?, number()?);
        let month = Month::try_from(u8::try_from(month).ok()?).ok()?;
        let date = Date::from_calendar_date(i32::from(year), month, u8::try_from(day).ok()?).ok()?;
        Some(Self::from_seconds(date.midnight().assume_utc().unix_timestamp()))
    }

    /// The day as a provider's API takes it, `2026-11-27` (UTC).
    #[must_use]
    pub fn iso_date(self) -> String {
        let at = self.civil();
        format!("{:04}-{:02}-{:02}", at.year(), u8::from(at.month()), at.day())
    }

    fn civil(self) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + time::Duration::milliseconds(self.0)
    }

    /// The day, as in `27 Nov 2026` (UTC).
    #[must_use]
    pub fn date(self) -> String {
        let at = self.civil();
        format!("{} {} {}", at.day(), month(at), at.year())
    }

    /// The day and the minute, as in `27 Nov 2026, 14:05 UTC`.
    #[must_use]
    pub fn date_time(self) -> String {
        let at = self.civil();
        format!("{}, {:02}:{:02} UTC", self.date(), at.hour(), at.minute())
    }

    /// RFC 3339 in UTC to the second, for the `datetime` attribute of `<time>`.
    #[must_use]
    pub fn rfc3339(self) -> String {
        let at = self.civil().to_offset(UtcOffset::UTC);
        let mut text = String::with_capacity(20);
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second()
        );
        text
    }

    /// How far away this is as seen from `now`: `in 5 days`, `4 min ago`, `just now`.
    #[must_use]
    pub fn relative_to(self, now: Self) -> String {
        let away = self.0 - now.0;
        let span = away.abs();
        let amount = match span {
            ..MINUTE => {
                return if away > 0 {
                    "in under a minute".to_owned()
                } else {
                    "just now".to_owned()
                };
            }
            MINUTE..HOUR => format!("{} min", span / MINUTE),
            HOUR..DAY => format!("{} h", span / HOUR),
            // A person counts days until two months, then months, then years.
            _ if span < 60 * DAY => counted(span / DAY, "day"),
            _ if span < 700 * DAY => counted(span / (30 * DAY), "month"),
            _ => counted(span / (365 * DAY), "year"),
        };
        if away > 0 {
            format!("in {amount}")
        } else {
            format!("{amount} ago")
        }
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

fn counted(amount: i64, unit: &str) -> String {
    if amount == 1 {
        format!("1 {unit}")
    } else {
        format!("{amount} {unit}s")
    }
}

fn month(at: OffsetDateTime) -> &'static str {
    const NAMES: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    NAMES[usize::from(u8::from(at.month())) - 1]
}

#[cfg(test)]
mod tests {
    use super::{DAY, HOUR, MINUTE, SECOND, Timestamp};
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp(1_795_348_800_000); // 2026-11-22 12:00 UTC

    fn in_millis(millis: i64) -> String {
        Timestamp(NOW.0 + millis).relative_to(NOW)
    }

    #[test]
    fn a_day_is_written_as_in_the_design() {
        assert_eq!(NOW.date(), "22 Nov 2026");
        assert_eq!(NOW.date_time(), "22 Nov 2026, 12:00 UTC");
        assert_eq!(NOW.rfc3339(), "2026-11-22T12:00:00Z");
        assert_eq!(NOW.iso_date(), "2026-11-22");
        assert_eq!(NOW.start_of_day().rfc3339(), "2026-11-22T00:00:00Z");
    }

    #[test]
    fn distances_are_told_in_the_unit_a_person_would_use() {
        assert_eq!(in_millis(0), "just now");
        assert_eq!(in_millis(-59 * SECOND), "just now");
        assert_eq!(in_millis(59 * SECOND), "in under a minute");
        assert_eq!(in_millis(-4 * MINUTE), "4 min ago");
        assert_eq!(in_millis(-2 * HOUR), "2 h ago");
        assert_eq!(in_millis(DAY), "in 1 day");
        assert_eq!(in_millis(5 * DAY + HOUR), "in 5 days");
        assert_eq!(in_millis(95 * DAY), "in 3 months");
        assert_eq!(in_millis(-800 * DAY), "2 years ago");
    }

    proptest! {
        #[test]
        fn every_timestamp_can_be_shown(millis: i64, other: i64) {
            let at = Timestamp::from_millis(millis);
            prop_assert_eq!(at.rfc3339().len(), 20);
            prop_assert!(at.date_time().ends_with(" UTC"));
            prop_assert_eq!(at.iso_date(), &at.rfc3339()[..10]);
            prop_assert_eq!(at.start_of_day().days(), at.days());
            prop_assert!(!at.relative_to(Timestamp::from_millis(other)).is_empty());
        }
    }
}
