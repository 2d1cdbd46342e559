//! The rules of the page *Expiring tokens*: which tokens belong to which of its numbers, how expiries are counted by week, and
//! which tokens a dated change at a provider will hit.

use crate::{status::TokenStatus, timestamp::Timestamp};

/// Where a token stands in the order of ends if its end is not known: after all that end.
pub const UNKNOWN_END: i64 = 9_000_000_000_000_000;
/// Where one stands that never ends: last.
pub const NEVER_END: i64 = 9_100_000_000_000_000;

/// A day in milliseconds.
const DAY: i64 = 86_400_000;

/// The statuses of tokens that work.
pub const WORKING: [TokenStatus; 3] = [TokenStatus::Valid, TokenStatus::Unverified, TokenStatus::ExcessScopes];
/// Those of tokens that do not, until something is done about it.
const BROKEN: [TokenStatus; 3] = [
    TokenStatus::MissingScopes,
    TokenStatus::Invalid,
    TokenStatus::SsoRequired,
];

/// Tokens of some statuses whose end lies in a span of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The statuses, as the last check found them.
    pub statuses: Vec<TokenStatus>,
    /// The first end that belongs to it, in milliseconds.
    pub from: i64,
    /// The first end after it, in milliseconds.
    pub to: i64,
}

/// Tokens by what is to be done about them: each is a number of the page, and a choice among its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Segment {
    /// Their end has passed.
    Expired,
    /// They work, and end within so many days.
    Within(u16),
    /// They work, and no end is known, or they have none.
    NoExpiry,
    /// They do not work, though they have not ended.
    Invalid,
    /// People without a token for a runtime.
    Missing,
    /// OAuth tokens whose refresh token ends soon.
    RefreshEnds,
}

impl Segment {
    /// Every segment, in the order of the page.
    pub const ALL: [Self; 8] = [
        Self::Expired,
        Self::Within(7),
        Self::Within(30),
        Self::Within(60),
        Self::NoExpiry,
        Self::Invalid,
        Self::Missing,
        Self::RefreshEnds,
    ];

    /// The word in an address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::Within(7) => "7",
            Self::Within(30) => "30",
            Self::Within(_) => "60",
            Self::NoExpiry => "none",
            Self::Invalid => "invalid",
            Self::Missing => "missing",
            Self::RefreshEnds => "refresh",
        }
    }

    /// The segment that a word in an address names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|segment| segment.as_str() == word)
    }

    /// What belongs to it at `now`; nothing for those that are no tokens' statuses and ends.
    #[must_use]
    pub fn spans(self, now: Timestamp) -> Vec<Span> {
        match self {
            Self::Expired => shown(TokenStatus::Expired, now),
            Self::Within(days) => vec![Span {
                to: horizon(days, now),
                ..working(now)
            }],
            Self::NoExpiry => vec![Span {
                from: UNKNOWN_END,
                ..working(now)
            }],
            Self::Invalid => BROKEN
                .into_iter()
                .chain([TokenStatus::InDoubt])
                .flat_map(|status| shown(status, now))
                .collect(),
            Self::Missing | Self::RefreshEnds => Vec::new(),
        }
    }
}

/// The first end after a window of so many days: windows end with a day in UTC.
#[must_use]
pub fn horizon(days: u16, now: Timestamp) -> i64 {
    now.start_of_day().as_millis() + (i64::from(days) + 1) * DAY
}

/// Every token.
#[must_use]
pub fn all() -> Span {
    Span {
        statuses: TokenStatus::ALL.to_vec(),
        from: i64::MIN,
        to: i64::MAX,
    }
}

/// Those that work.
#[must_use]
pub fn working(now: Timestamp) -> Span {
    Span {
        statuses: WORKING.to_vec(),
        from: now.as_millis() + 1,
        to: i64::MAX,
    }
}

/// Those that are shown with a status: a token whose end has passed is expired, whatever its last check found, unless it is in
/// doubt (the rule of [`ShownStatus::of`](crate::status::ShownStatus::of), without *Expires soon*).
#[must_use]
pub fn shown(status: TokenStatus, now: Timestamp) -> Vec<Span> {
    let later = Span {
        statuses: vec![status],
        from: now.as_millis() + 1,
        to: i64::MAX,
    };
    let of = |status: &TokenStatus| *status != TokenStatus::InDoubt;
    match status {
        TokenStatus::InDoubt => vec![Span {
            from: i64::MIN,
            ..later
        }],
        TokenStatus::Expired => vec![
            Span {
                statuses: TokenStatus::ALL.into_iter().filter(of).collect(),
                from: i64::MIN,
                to: now.as_millis() + 1,
            },
            later,
        ],
        _ => vec![later],
    }
}

/// How many tokens end on a day, by what their last check found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DayCount {
    /// The day, counted from 1970-01-01 in UTC; that of [`UNKNOWN_END`] or [`NEVER_END`] for tokens without one.
    pub day: i64,
    /// Those that work.
    pub working: u64,
    /// Those that do not.
    pub broken: u64,
    /// Those in doubt.
    pub in_doubt: u64,
    /// Those that their provider called expired.
    pub told_expired: u64,
}

/// The numbers of the page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Numbers {
    /// Whose end has passed.
    pub expired: u64,
    /// That end within 7 days.
    pub within_7: u64,
    /// Within 30.
    pub within_30: u64,
    /// Within 60.
    pub within_60: u64,
    /// That never end.
    pub never: u64,
    /// Whose end is not known.
    pub unknown: u64,
    /// That do not work, though they have not ended.
    pub invalid: u64,
    /// All tokens.
    pub all: u64,
}

impl Numbers {
    /// Adds the days up. `ended` is the part of today whose end has passed already.
    #[must_use]
    pub fn of(days: &[DayCount], ended: DayCount, now: Timestamp) -> Self {
        let mut numbers = Self::default();
        for day in days {
            numbers.add(*day, ended, now);
        }
        numbers
    }

    fn add(&mut self, day: DayCount, ended: DayCount, now: Timestamp) {
        let today = now.days();
        self.all += day.working + day.broken + day.in_doubt + day.told_expired;
        self.expired += day.told_expired;
        self.invalid += day.in_doubt;
        let (past_working, past_broken) = match day.day.cmp(&today) {
            std::cmp::Ordering::Less => (day.working, day.broken),
            std::cmp::Ordering::Equal => (ended.working.min(day.working), ended.broken.min(day.broken)),
            std::cmp::Ordering::Greater => (0, 0),
        };
        self.expired += past_working + past_broken;
        self.invalid += day.broken - past_broken;
        let working = day.working - past_working;
        if day.day == UNKNOWN_END.div_euclid(DAY) {
            self.unknown += working;
        } else if day.day == NEVER_END.div_euclid(DAY) {
            self.never += working;
        } else {
            let away = day.day - today;
            for (window, sum) in [
                (7, &mut self.within_7),
                (30, &mut self.within_30),
                (60, &mut self.within_60),
            ] {
                if away <= window {
                    *sum += working;
                }
            }
        }
    }
}

/// How many weeks the timeline shows: six months.
pub const WEEKS: usize = 26;

/// A week of the timeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Week {
    /// Its Monday, in UTC; for the present week today.
    pub from: Timestamp,
    /// Its Sunday.
    pub to: Timestamp,
    /// How many tokens that work end in it.
    pub tokens: u64,
    /// Whether these are more than usual.
    pub unusual: bool,
}

/// The present week and those after it. `ended` is the part of today whose end has passed already.
#[must_use]
pub fn weeks(days: &[DayCount], ended: DayCount, now: Timestamp) -> Vec<Week> {
    let today = now.days();
    // 1970-01-01 was a Thursday.
    let monday = today - (today + 3).rem_euclid(7);
    let mut counts = [0_u64; WEEKS];
    for day in days.iter().filter(|day| day.day >= today) {
        let week = usize::try_from((day.day - monday) / 7).unwrap_or(WEEKS);
        if let Some(count) = counts.get_mut(week) {
            let past = if day.day == today {
                ended.working.min(day.working)
            } else {
                0
            };
            *count += day.working - past;
        }
    }
    let usual = median(counts);
    let mut start = monday;
    counts
        .into_iter()
        .map(|tokens| {
            let from = start.max(today);
            start += 7;
            Week {
                from: Timestamp::from_millis(from * DAY),
                to: Timestamp::from_millis((start - 1) * DAY),
                tokens,
                unusual: tokens > 2 * usual && tokens >= usual + 3,
            }
        })
        .collect()
}

/// The usual number of tokens that end in a week: the median.
#[must_use]
pub fn usual(weeks: &[Week]) -> u64 {
    let mut counts = [0; WEEKS];
    for (count, week) in counts.iter_mut().zip(weeks) {
        *count = week.tokens;
    }
    median(counts)
}

fn median(mut counts: [u64; WEEKS]) -> u64 {
    counts.sort_unstable();
    u64::midpoint(counts[WEEKS / 2 - 1], counts[WEEKS / 2])
}

/// What ends on a day, for a calendar.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaySummary {
    /// The start of the day, in UTC.
    pub day: Timestamp,
    /// How many tokens that work end on it.
    pub tokens: u64,
    /// Some of them: the runtime, and whose.
    pub named: Vec<(String, String)>,
}

impl DaySummary {
    /// What stands in the calendar.
    #[must_use]
    pub fn title(&self) -> String {
        match (self.tokens, self.named.first()) {
            (1, Some((runtime, holder))) => format!("A Git token ends: {runtime} ({holder})"),
            (1, None) => "A Git token ends".to_owned(),
            (many, _) => format!("{many} Git tokens end"),
        }
    }

    /// Those that are named, a line each.
    #[must_use]
    pub fn lines(&self) -> String {
        let mut lines: Vec<String> = self
            .named
            .iter()
            .map(|(runtime, holder)| format!("{runtime}: {holder}"))
            .collect();
        let named = u64::try_from(self.named.len()).unwrap_or(u64::MAX);
        if self.tokens > named {
            lines.push(format!("and {} more", self.tokens - named));
        }
        lines.join("\n")
    }
}

/// A dated change at a provider that hits tokens of a format.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deprecation {
    /// The name of the format, as it is stored with a token.
    pub format: &'static str,
    /// What changes, as a sentence.
    pub what: &'static str,
    /// When: milliseconds since 1970 of that day in UTC.
    pub at: i64,
    /// What to do, as a sentence.
    pub advice: &'static str,
}

/// The changes that are known. A further one is a line here.
///
/// Bitbucket Cloud: app passwords can no longer be created since 2025-09-09 and stopped working on 2026-07-28 (Atlassian's
/// announcement of the end of app passwords).
pub const DEPRECATIONS: [Deprecation; 1] = [Deprecation {
    format: "Bitbucket app password",
    what: "bitbucket.org takes no app passwords any more.",
    at: 1_785_196_800_000,
    advice: "Their holders replace them by API tokens.",
}];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        check::Expiry,
        provider::ProviderKind,
        status::{ShownStatus, Tone},
    };
    use proptest::prelude::*;

    /// 2026-11-23, a Monday, at noon.
    const NOW: i64 = 1_795_392_000_000 + DAY / 2;

    fn now() -> Timestamp {
        Timestamp::from_millis(NOW)
    }

    fn in_span(span: &Span, status: TokenStatus, end: i64) -> bool {
        span.statuses.contains(&status) && span.from <= end && end < span.to
    }

    fn belongs(segment: Segment, status: TokenStatus, end: i64) -> bool {
        segment.spans(now()).iter().any(|span| in_span(span, status, end))
    }

    fn expiry(end: i64) -> Expiry {
        match end {
            UNKNOWN_END => Expiry::Unknown,
            NEVER_END => Expiry::Never,
            at => Expiry::At(Timestamp::from_millis(at)),
        }
    }

    fn any_token() -> impl Strategy<Value = (TokenStatus, i64)> {
        let end = prop_oneof![
            8 => (NOW - 100 * DAY)..(NOW + 250 * DAY),
            1 => Just(UNKNOWN_END),
            1 => Just(NEVER_END),
            1 => Just(NOW),
        ];
        (prop::sample::select(TokenStatus::ALL.to_vec()), end)
    }

    /// The day counts of tokens, as the store makes them, and the part of today that has passed.
    fn counted(tokens: &[(TokenStatus, i64)]) -> (Vec<DayCount>, DayCount) {
        let mut days: Vec<DayCount> = Vec::new();
        let mut ended = DayCount::default();
        for (status, end) in tokens {
            let day = end.div_euclid(DAY);
            let at = days.iter().position(|count| count.day == day).unwrap_or_else(|| {
                days.push(DayCount {
                    day,
                    ..DayCount::default()
                });
                days.len() - 1
            });
            let mut counts = vec![&mut days[at]];
            if day == NOW.div_euclid(DAY) && *end <= NOW {
                counts.push(&mut ended);
            }
            for count in counts {
                match status {
                    TokenStatus::InDoubt => count.in_doubt += 1,
                    TokenStatus::Expired => count.told_expired += 1,
                    status if WORKING.contains(status) => count.working += 1,
                    _ => count.broken += 1,
                }
            }
        }
        (days, ended)
    }

    fn sum(numbers: [bool; 4]) -> usize {
        numbers.into_iter().filter(|belongs| *belongs).count()
    }

    proptest! {
        /// What the badge says and where a token is counted are one rule.
        #[test]
        fn a_token_is_where_its_badge_says((status, end) in any_token()) {
            let shown = ShownStatus::of(status, expiry(end), now());
            let expired = belongs(Segment::Expired, status, end);
            let invalid = belongs(Segment::Invalid, status, end);
            prop_assert_eq!(expired, shown == ShownStatus::Checked(TokenStatus::Expired));
            prop_assert_eq!(
                invalid,
                !expired && (shown.tone() == Tone::Bad || shown == ShownStatus::Checked(TokenStatus::InDoubt))
            );
            let works = in_span(&working(now()), status, end);
            prop_assert_eq!(sum([expired, invalid, works, false]), 1, "in exactly one");
        }

        /// Numbers that are added up from days are those of the tokens themselves.
        #[test]
        fn the_numbers_count_what_the_segments_hold(tokens in prop::collection::vec(any_token(), 0..60)) {
            let (days, ended) = counted(&tokens);
            let numbers = Numbers::of(&days, ended, now());
            let count = |segment| {
                u64::try_from(tokens.iter().filter(|(status, end)| belongs(segment, *status, *end)).count()).unwrap()
            };
            prop_assert_eq!(numbers.expired, count(Segment::Expired));
            prop_assert_eq!(numbers.within_7, count(Segment::Within(7)));
            prop_assert_eq!(numbers.within_30, count(Segment::Within(30)));
            prop_assert_eq!(numbers.within_60, count(Segment::Within(60)));
            prop_assert_eq!(numbers.never + numbers.unknown, count(Segment::NoExpiry));
            prop_assert_eq!(numbers.invalid, count(Segment::Invalid));
            prop_assert_eq!(numbers.all, u64::try_from(tokens.len()).unwrap());
        }

        /// Every token that works and ends in the next six months is in one week.
        #[test]
        fn the_weeks_hold_every_end(tokens in prop::collection::vec(any_token(), 0..60)) {
            let (days, ended) = counted(&tokens);
            let weeks = weeks(&days, ended, now());
            let last = weeks[WEEKS - 1].to.as_millis() + DAY;
            let ends = tokens.iter().filter(|(status, end)| in_span(&working(now()), *status, *end) && *end < last);
            prop_assert_eq!(weeks.iter().map(|week| week.tokens).sum::<u64>(), u64::try_from(ends.count()).unwrap());
        }
    }

    #[test]
    fn weeks_begin_on_mondays_and_the_first_one_today() {
        let weeks = weeks(&[], DayCount::default(), Timestamp::from_millis(NOW + 2 * DAY));
        assert_eq!(weeks.len(), WEEKS);
        assert_eq!(
            (weeks[0].from.date(), weeks[0].to.date()),
            ("25 Nov 2026".to_owned(), "29 Nov 2026".to_owned())
        );
        assert_eq!(
            (weeks[1].from.date(), weeks[1].to.date()),
            ("30 Nov 2026".to_owned(), "6 Dec 2026".to_owned())
        );
    }

    #[test]
    fn a_week_stands_out_from_its_usual_neighbours_only() {
        let day = |week: i64, working: u64| DayCount {
            day: NOW.div_euclid(DAY) + 7 * week,
            working,
            ..DayCount::default()
        };
        let unusual = |counts: &dyn Fn(i64) -> u64| -> Vec<usize> {
            let days: Vec<DayCount> = (0..26).map(|week| day(week, counts(week))).collect();
            let weeks = weeks(&days, DayCount::default(), now());
            (0..WEEKS).filter(|week| weeks[*week].unusual).collect()
        };
        assert_eq!(unusual(&|week| if week == 9 { 25 } else { 10 }), [9]);
        assert!(unusual(&|_| 10).is_empty());
        assert!(unusual(&|week| u64::from(week == 3) * 2).is_empty(), "two are no crowd");
        assert_eq!(unusual(&|week| u64::from(week == 3) * 3), [3]);
    }

    #[test]
    fn an_address_names_its_segment() {
        for segment in Segment::ALL {
            assert_eq!(Segment::from_word(segment.as_str()), Some(segment));
        }
        assert_eq!(Segment::from_word("8"), None);
    }

    #[test]
    fn a_deprecation_is_about_a_format_that_exists() {
        for deprecation in DEPRECATIONS {
            let mut formats = ProviderKind::ALL.iter().flat_map(|kind| kind.about().formats);
            assert!(
                formats.any(|format| format.name == deprecation.format),
                "{}",
                deprecation.format
            );
            let sentences = [deprecation.what, deprecation.advice];
            assert!(sentences.iter().all(|words| words.ends_with('.')));
        }
        let at = Timestamp::from_millis(DEPRECATIONS[0].at);
        assert_eq!(at.date(), "28 Jul 2026");
    }
}
