//! Notices: what is told of a token, when, to whom, and when to somebody else because nothing happened.
//!
//! Something that is to be told is a [`Condition`]: it is derived from what is stored, so looking again finds the same, and a
//! notice is what tells of it once.

use crate::{
    chance::Chance,
    check::Expiry,
    id::UserId,
    refresh::RefreshNote,
    status::{TokenStatus, Tone},
    timestamp::Timestamp,
};
use std::{fmt, time::Duration};

/// One day.
const DAY: Duration = Duration::from_hours(24);
/// The longest lead time, in days.
pub const LONGEST_LEAD: u16 = 365;
/// How many lead times there may be.
pub const MOST_LEADS: usize = 12;
/// After so many days in which nothing happened, somebody else is told, unless an admin chose otherwise.
pub const ESCALATE_AFTER: u16 = 3;
/// The longest such time, in days.
pub const LONGEST_ESCALATION: u16 = 60;
/// The hour (UTC) of the daily mail, unless an admin chose otherwise.
pub const DIGEST_HOUR: u8 = 8;
/// The longest time for which a notice is put off.
pub const LONGEST_SNOOZE: Duration = Duration::from_hours(90 * 24);
/// A runtime that was just registered has no token yet, and nobody needs to hear of that.
pub const GRACE: Duration = DAY;
/// A message that failed so often is not tried again unless an admin says so.
pub const MOST_TRIES: u32 = 12;
/// The pause after the first try that failed; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_hours(6);

/// What a notice tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum NoticeKind {
    /// A token ends soon.
    Expiring,
    /// A token has ended.
    Expired,
    /// The provider no longer accepts a token.
    Invalid,
    /// A token lacks scopes.
    MissingScopes,
    /// A token must be authorised for single sign-on.
    SsoRequired,
    /// An authorisation is not refreshed any more.
    RefreshFailed,
    /// What refreshes an authorisation ends soon.
    RefreshEnding,
    /// No token is stored for a runtime.
    NoToken,
    /// The client secret of an OAuth application ends soon.
    SecretEnding,
    /// An admin asks the holder to look after a token.
    Reminder,
}

impl NoticeKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Expiring,
        Self::Expired,
        Self::Invalid,
        Self::MissingScopes,
        Self::SsoRequired,
        Self::RefreshFailed,
        Self::RefreshEnding,
        Self::NoToken,
        Self::SecretEnding,
        Self::Reminder,
    ];

    /// The word in the database and, behind `notice.`, in a webhook.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expiring => "expiring",
            Self::Expired => "expired",
            Self::Invalid => "invalid",
            Self::MissingScopes => "missing_scopes",
            Self::SsoRequired => "sso_required",
            Self::RefreshFailed => "refresh_failed",
            Self::RefreshEnding => "refresh_ending",
            Self::NoToken => "no_token",
            Self::SecretEnding => "secret_ending",
            Self::Reminder => "reminder",
        }
    }

    /// The kind that a stored word names.
    #[must_use]
    pub fn from_stored(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The words of the badge.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Expiring => "Expires soon",
            Self::Expired => "Expired",
            Self::Invalid => "Invalid or revoked",
            Self::MissingScopes => "Missing scopes",
            Self::SsoRequired => "SSO authorization needed",
            Self::RefreshFailed => "Not refreshed any more",
            Self::RefreshEnding => "Authorization ends soon",
            Self::NoToken => "Runtime without token",
            Self::SecretEnding => "Client secret ends soon",
            Self::Reminder => "Reminder",
        }
    }

    /// Its colour, never without the words.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::Expired | Self::Invalid | Self::MissingScopes | Self::SsoRequired | Self::RefreshFailed => Tone::Bad,
            Self::Expiring | Self::RefreshEnding | Self::NoToken | Self::SecretEnding | Self::Reminder => Tone::Warn,
        }
    }
}

/// How many days before an end it is told: descending, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeadTimes(Vec<u16>);

impl Default for LeadTimes {
    fn default() -> Self {
        Self(vec![60, 30, 14, 7, 3, 1])
    }
}

impl LeadTimes {
    /// Reads a list with commas or spaces, in any order.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = text.split([',', ' ']).filter(|word| !word.is_empty());
        let mut days = words
            .map(|word| {
                word.parse::<u16>()
                    .ok()
                    .filter(|days| (1..=LONGEST_LEAD).contains(days))
            })
            .collect::<Option<Vec<u16>>>()
            .ok_or_else(|| format!("Enter whole days from 1 to {LONGEST_LEAD}, as in 60, 30, 14, 7, 3, 1."))?;
        days.sort_unstable_by(|a, b| b.cmp(a));
        days.dedup();
        match days.len() {
            0 => Err("Enter at least one number of days.".to_owned()),
            1..=MOST_LEADS => Ok(Self(days)),
            _ => Err(format!("Enter at most {MOST_LEADS} numbers.")),
        }
    }

    /// The lead time that applies at `now` to something that ends later: the nearest of those that have begun. Whatever was stored
    /// shortly before its end is told of once, not once for each that has begun.
    #[must_use]
    pub fn reached(&self, end: Timestamp, now: Timestamp) -> Option<u16> {
        let begun = |days: &&u16| now >= before(end, **days);
        self.0.iter().rev().find(begun).copied().filter(|_| now < end)
    }

    /// When the next lead time begins, or the end itself comes; `None` once that is past.
    #[must_use]
    pub fn next(&self, end: Timestamp, now: Timestamp) -> Option<Timestamp> {
        let begins = self
            .0
            .iter()
            .map(|days| before(end, *days))
            .find(|begins| *begins > now);
        begins.or((end > now).then_some(end))
    }
}

impl fmt::Display for LeadTimes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: Vec<String> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&days.join(", "))
    }
}

fn before(end: Timestamp, days: u16) -> Timestamp {
    end.minus(DAY * u32::from(days))
}

/// What is stored of a token, as far as notices follow from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenState {
    /// What the last telling check said.
    pub status: TokenStatus,
    /// When it ends.
    pub expiry: Expiry,
    /// What keeps it from being refreshed, if it came by OAuth 2 and something does.
    pub refresh: Option<RefreshNote>,
    /// Since when what refreshes it is what it is, and when that ends, if anything refreshes it and that is known.
    pub refresh_ends: Option<(Timestamp, Timestamp)>,
    /// From when on it is changed for a new one unasked, if it is.
    pub rotates_at: Option<Timestamp>,
}

/// Something that is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Condition {
    /// What.
    pub kind: NoticeKind,
    /// The lead time that has begun, in days; 0 where none applies.
    pub lead: u16,
    /// The end that it is about.
    pub ends: Option<Timestamp>,
}

impl Condition {
    const fn of(kind: NoticeKind) -> Self {
        Self {
            kind,
            lead: 0,
            ends: None,
        }
    }

    /// An end that is near, for what has nothing else to be told.
    #[must_use]
    pub fn ending(kind: NoticeKind, end: Timestamp, leads: &LeadTimes, now: Timestamp) -> Option<Self> {
        leads.reached(end, now).map(|lead| Self {
            kind,
            lead,
            ends: Some(end),
        })
    }

    /// What makes this one of its kind the only one of its subject, beside the lead time: 0 for what comes and goes.
    #[must_use]
    pub fn mark(&self) -> i64 {
        self.ends.map_or(0, Timestamp::as_millis)
    }
}

impl TokenState {
    /// What is to be told at `now`. One trouble is told once: of a token that is dead already, not that it ends, and of one that is not
    /// refreshed any more, not that it is therefore dead. What is just tried again is not told until the token stops working, and an
    /// end that Patchbay should have put off by itself not before it is late.
    #[must_use]
    pub fn conditions(&self, leads: &LeadTimes, now: Timestamp) -> Vec<Condition> {
        let mut told = Vec::new();
        if self.refresh.as_ref().is_some_and(RefreshNote::is_final) {
            return vec![Condition::of(NoticeKind::RefreshFailed)];
        }
        match self.expiry {
            _ if self.status == TokenStatus::InDoubt => return told,
            Expiry::At(end) if end <= now => {
                return vec![Condition {
                    ends: Some(end),
                    ..Condition::of(NoticeKind::Expired)
                }];
            }
            _ if self.status == TokenStatus::Expired => return vec![Condition::of(NoticeKind::Expired)],
            _ if self.status == TokenStatus::Invalid => return vec![Condition::of(NoticeKind::Invalid)],
            Expiry::At(end) if self.refresh.is_none() && self.late_from(end).is_none_or(|late| late <= now) => {
                told.extend(Condition::ending(NoticeKind::Expiring, end, leads, now));
            }
            Expiry::At(_) | Expiry::Never | Expiry::Unknown => {}
        }
        match self.status {
            TokenStatus::MissingScopes => told.push(Condition::of(NoticeKind::MissingScopes)),
            TokenStatus::SsoRequired => told.push(Condition::of(NoticeKind::SsoRequired)),
            _ => {}
        }
        let renewed = self.renewed_by();
        let ending = |(_, end)| Condition::ending(NoticeKind::RefreshEnding, end, leads, now);
        let ending = self
            .refresh_ends
            .filter(|_| renewed.is_none_or(|by| by <= now))
            .and_then(ending);
        told.extend(ending);
        told
    }

    /// When a token that is changed for a new one unasked should have been: a day after its time has come, or half of what is left.
    fn late_from(&self, end: Timestamp) -> Option<Timestamp> {
        let rotates_at = self.rotates_at?;
        Some(rotates_at.plus(DAY.min(half(rotates_at, end))))
    }

    /// When what refreshes a token should have been renewed: most are with every refresh, and have most of their lives before them as
    /// long as that goes well.
    fn renewed_by(&self) -> Option<Timestamp> {
        self.refresh_ends.map(|(since, end)| since.plus(half(since, end)))
    }

    /// When the passing of time alone may change what is to be told; `None`: never.
    #[must_use]
    pub fn next_look(&self, leads: &LeadTimes, now: Timestamp) -> Option<Timestamp> {
        let end = match self.expiry {
            Expiry::At(end) => Some(end),
            Expiry::Never | Expiry::Unknown => None,
        };
        let late = end.and_then(|end| self.late_from(end));
        let turns = [late, self.renewed_by()]
            .into_iter()
            .flatten()
            .filter(|turn| *turn > now);
        let ends = [end, self.refresh_ends.map(|(_, end)| end)].into_iter().flatten();
        ends.filter_map(|end| leads.next(end, now)).chain(turns).min()
    }
}

/// Half of the time between two moments.
fn half(from: Timestamp, to: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(to.as_millis().saturating_sub(from.as_millis())).unwrap_or(0) / 2)
}

/// How far a notice has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// The holder knows.
    Holder,
    /// The owner of the runtime knows.
    Owner,
    /// The admins know.
    Admins,
}

impl Level {
    /// The number in the database.
    #[must_use]
    pub const fn number(self) -> i32 {
        match self {
            Self::Holder => 0,
            Self::Owner => 1,
            Self::Admins => 2,
        }
    }

    /// The level that a stored number names.
    #[must_use]
    pub const fn from_stored(number: i32) -> Option<Self> {
        match number {
            0 => Some(Self::Holder),
            1 => Some(Self::Owner),
            2 => Some(Self::Admins),
            _ => None,
        }
    }
}

/// Who could do something about it, besides the admins: only those who are members.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// Whose token it is.
    pub holder: Option<UserId>,
    /// Whose runtime it is.
    pub owner: Option<UserId>,
    /// Whether it had a holder who is gone: the admins decide what becomes of that.
    pub holder_is_gone: bool,
}

impl People {
    /// Who is told first.
    #[must_use]
    pub const fn first(&self) -> Level {
        match (self.holder, self.owner) {
            (Some(_), _) => Level::Holder,
            (None, Some(_)) if !self.holder_is_gone => Level::Owner,
            (None, _) => Level::Admins,
        }
    }

    /// Who is told when nothing happened: everybody once, the admins last.
    #[must_use]
    pub fn after(&self, level: Level) -> Option<Level> {
        match level {
            Level::Holder if self.owner.is_some() && self.owner != self.holder => Some(Level::Owner),
            Level::Holder | Level::Owner => Some(Level::Admins),
            Level::Admins => None,
        }
    }

    /// The one person of a level; `None` for the admins.
    #[must_use]
    pub const fn of(&self, level: Level) -> Option<UserId> {
        match level {
            Level::Holder => self.holder,
            Level::Owner => self.owner,
            Level::Admins => None,
        }
    }
}

/// Where a notice stands on its way to the admins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Who knows.
    pub level: Level,
    /// When somebody else is told; `None`: nobody else.
    pub escalates_at: Option<Timestamp>,
}

impl Standing {
    /// A new notice's. One that follows on another about the same thing, which nobody minded, goes on where that stood: otherwise
    /// lead times that follow each other closely would keep it from ever being told to anybody else.
    #[must_use]
    pub fn begin(people: &People, unminded: Option<Self>, now: Timestamp, after: Duration) -> Self {
        let first = Self::at(people, people.first(), now, after);
        match unminded {
            Some(before) if before.level >= first.level => before,
            _ => first,
        }
    }

    /// After nothing happened; `None` when everybody knows.
    #[must_use]
    pub fn next(self, people: &People, now: Timestamp, after: Duration) -> Option<Self> {
        people
            .after(self.level)
            .map(|level| Self::at(people, level, now, after))
    }

    fn at(people: &People, level: Level, now: Timestamp, after: Duration) -> Self {
        Self {
            level,
            escalates_at: people.after(level).map(|_| now.plus(after)),
        }
    }
}

/// The last moment at which daily mails were due: today's hour, or yesterday's.
#[must_use]
pub fn digest_moment(now: Timestamp, hour: u8) -> Timestamp {
    let hour = Duration::from_hours(u64::from(hour));
    now.minus(hour).start_of_day().plus(hour)
}

/// When a message that failed is tried again after so many tries; `None`: not any more. `chance` spreads what failed together.
#[must_use]
pub fn retry(tries: u32, now: Timestamp, chance: Chance) -> Option<Timestamp> {
    if tries >= MOST_TRIES {
        return None;
    }
    let pause = FIRST_PAUSE
        .saturating_mul(1_u32 << tries.saturating_sub(1).min(16))
        .min(LONGEST_PAUSE);
    Some(now.plus(pause / 2 + chance.of(pause / 2)))
}

/// What a notice names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// The runtime, if it is about one.
    pub runtime: String,
    /// The Git provider.
    pub provider: String,
    /// The holder; empty for a runtime's own token.
    pub holder: String,
    /// The OAuth application, if it is about one.
    pub application: String,
}

/// What a notice says, as one sentence that stays true: no *in 3 days* that is read a week later.
#[must_use]
pub fn sentence(condition: &Condition, named: &Named) -> String {
    let Named {
        runtime,
        provider,
        holder,
        application,
    } = named;
    let whose = if holder.is_empty() {
        format!("The runtime token of {runtime} at {provider}")
    } else {
        format!("{holder}'s token for {runtime} at {provider}")
    };
    let end = condition.ends.map(Timestamp::date).unwrap_or_default();
    match condition.kind {
        NoticeKind::Expiring => format!("{whose} expires on {end}."),
        NoticeKind::Expired if end.is_empty() => format!("{whose} has expired."),
        NoticeKind::Expired => format!("{whose} expired on {end}."),
        NoticeKind::Invalid => format!("{whose} is no longer accepted: it is invalid or was revoked."),
        NoticeKind::MissingScopes => format!("{whose} lacks scopes that it needs."),
        NoticeKind::SsoRequired => format!("{whose} must be authorized for the organization's single sign-on."),
        NoticeKind::RefreshFailed => format!("{whose} is not refreshed any more. Access must be authorized again."),
        NoticeKind::RefreshEnding => {
            format!("{whose} can be refreshed until {end}. After that, access must be authorized again.")
        }
        NoticeKind::NoToken => format!("No token is stored for the runtime {runtime} at {provider}."),
        NoticeKind::SecretEnding => {
            format!("The client secret of the OAuth application {application} at {provider} ends on {end}.")
        }
        NoticeKind::Reminder => format!("An admin asks to look after this: {}", lower_first(&whose, &end)),
    }
}

fn lower_first(whose: &str, end: &str) -> String {
    let whose = whose
        .strip_prefix("The ")
        .map_or_else(|| whose.to_owned(), |rest| format!("the {rest}"));
    if end.is_empty() {
        format!("{whose}.")
    } else {
        format!("{whose}, which expires on {end}.")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn now() -> Timestamp {
        Timestamp::from_seconds(1_795_348_800)
    }

    fn days(days: u32) -> Duration {
        DAY * days
    }

    fn ends(end: Timestamp) -> TokenState {
        TokenState {
            status: TokenStatus::Valid,
            expiry: Expiry::At(end),
            refresh: None,
            refresh_ends: None,
            rotates_at: None,
        }
    }

    fn kinds(state: &TokenState) -> Vec<NoticeKind> {
        let told = state.conditions(&LeadTimes::default(), now());
        told.iter().map(|condition| condition.kind).collect()
    }

    fn user(number: u128) -> UserId {
        UserId(Uuid::from_u128(number))
    }

    #[test]
    fn a_token_stored_five_days_before_its_end_is_told_of_once() {
        let told = ends(now().plus(days(5))).conditions(&LeadTimes::default(), now());
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].kind, told[0].lead), (NoticeKind::Expiring, 7));
    }

    #[test]
    fn lead_times_are_read_in_any_order_and_shown_in_theirs() {
        assert_eq!(
            LeadTimes::parse("1 3,7, 7 14,60,30").as_ref(),
            Ok(&LeadTimes::default())
        );
        assert_eq!(LeadTimes::default().to_string(), "60, 30, 14, 7, 3, 1");
        for bad in ["", ",", "0", "366", "-1", "x", "1,2,3,4,5,6,7,8,9,10,11,12,13"] {
            assert!(LeadTimes::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn one_trouble_is_told_once() {
        let soon = ends(now().plus(days(2)));
        let with = |status| TokenState { status, ..soon.clone() };
        assert_eq!(kinds(&with(TokenStatus::Invalid)), [NoticeKind::Invalid]);
        assert_eq!(
            kinds(&with(TokenStatus::MissingScopes)),
            [NoticeKind::Expiring, NoticeKind::MissingScopes]
        );
        assert_eq!(kinds(&with(TokenStatus::SsoRequired))[1], NoticeKind::SsoRequired);
        let over = TokenState {
            status: TokenStatus::Invalid,
            ..ends(now())
        };
        assert_eq!(kinds(&over), [NoticeKind::Expired]);
        let refused = RefreshNote::Refused {
            code: "invalid_grant".to_owned(),
            lost: false,
        };
        let dead = TokenState {
            refresh: Some(refused),
            ..over
        };
        assert_eq!(kinds(&dead), [NoticeKind::RefreshFailed]);
    }

    #[test]
    fn what_is_just_tried_again_is_told_when_it_stops_working() {
        let since = now();
        let failing = |end| TokenState {
            refresh: Some(RefreshNote::Failing {
                since,
                why: String::new(),
            }),
            ..ends(end)
        };
        assert!(kinds(&failing(now().plus(Duration::from_hours(1)))).is_empty());
        assert_eq!(kinds(&failing(now())), [NoticeKind::Expired]);
    }

    #[test]
    fn what_refreshes_a_token_is_told_of_when_it_is_not_renewed() {
        let since = |past: u32| TokenState {
            expiry: Expiry::Never,
            refresh_ends: Some((now().minus(days(past)), now().plus(days(20)))),
            ..ends(now())
        };
        assert_eq!(kinds(&since(21)), [NoticeKind::RefreshEnding]);
        let next = |state: &TokenState| state.next_look(&LeadTimes::default(), now());
        assert_eq!(next(&since(21)), Some(now().plus(days(6))));
        // One that was renewed ten days ago has most of its life before it.
        assert!(kinds(&since(10)).is_empty());
        assert_eq!(next(&since(10)), Some(now().plus(days(5))));
    }

    #[test]
    fn what_is_rotated_unasked_is_told_of_when_it_was_not() {
        let rotated = |left: u32| TokenState {
            rotates_at: Some(now().plus(days(left)).minus(days(7))),
            ..ends(now().plus(days(left)))
        };
        assert!(kinds(&rotated(30)).is_empty());
        assert_eq!(
            rotated(30).next_look(&LeadTimes::default(), now()),
            Some(now().plus(days(16))),
            "the lead time of 14 days"
        );
        assert!(kinds(&rotated(7)).is_empty(), "it is being done");
        assert_eq!(
            rotated(7).next_look(&LeadTimes::default(), now()),
            Some(now().plus(days(1)))
        );
        assert_eq!(kinds(&rotated(6)), [NoticeKind::Expiring]);
        assert_eq!(kinds(&rotated(0)), [NoticeKind::Expired]);
    }

    #[test]
    fn everybody_is_told_once_and_the_admins_last() {
        let all = People {
            holder: Some(user(1)),
            owner: Some(user(2)),
            holder_is_gone: false,
        };
        let first = Standing::begin(&all, None, now(), days(3));
        assert_eq!(
            (first.level, first.escalates_at),
            (Level::Holder, Some(now().plus(days(3))))
        );
        let second = first.next(&all, now(), days(3)).expect("the owner");
        let third = second.next(&all, now(), days(3)).expect("the admins");
        assert_eq!([second.level, third.level], [Level::Owner, Level::Admins]);
        assert_eq!((third.escalates_at, third.next(&all, now(), days(3))), (None, None));
        let own = People {
            owner: Some(user(1)),
            ..all
        };
        assert_eq!(own.after(Level::Holder), Some(Level::Admins), "nobody twice");
        let gone = People {
            holder: None,
            holder_is_gone: true,
            ..all
        };
        assert_eq!(gone.first(), Level::Admins);
        assert_eq!(People { holder: None, ..all }.first(), Level::Owner);
    }

    #[test]
    fn the_next_lead_time_does_not_begin_with_the_holder_again() {
        let people = People {
            holder: Some(user(1)),
            ..People::default()
        };
        let told = Standing {
            level: Level::Holder,
            escalates_at: Some(now().plus(days(1))),
        };
        assert_eq!(Standing::begin(&people, Some(told), now(), days(3)), told);
        let known = Standing {
            level: Level::Admins,
            escalates_at: None,
        };
        assert_eq!(Standing::begin(&people, Some(known), now(), days(3)), known);
    }

    #[test]
    fn a_daily_mail_is_due_at_its_hour() {
        let noon = now().start_of_day().plus(Duration::from_hours(12));
        let at = |hour| noon.start_of_day().plus(Duration::from_hours(hour));
        assert_eq!(digest_moment(noon, 8), at(8));
        assert_eq!(digest_moment(at(8), 8), at(8));
        assert_eq!(digest_moment(at(7), 8), at(8).minus(DAY));
        assert_eq!(digest_moment(noon, 0), at(0));
    }

    #[test]
    fn a_sentence_names_whose_token_it_is() {
        let named = Named {
            runtime: "prod-eu".to_owned(),
            provider: "GitHub".to_owned(),
            holder: "Mira Rao".to_owned(),
            application: "Argo".to_owned(),
        };
        let at = |kind| {
            let condition = Condition {
                kind,
                lead: 7,
                ends: Some(now()),
            };
            sentence(&condition, &named)
        };
        assert_eq!(
            at(NoticeKind::Expiring),
            "Mira Rao's token for prod-eu at GitHub expires on 22 Nov 2026."
        );
        for kind in NoticeKind::ALL {
            assert!(at(kind).ends_with('.') && at(kind).contains("GitHub"), "{}", at(kind));
            assert_eq!(NoticeKind::from_stored(kind.as_str()), Some(kind));
        }
    }

    proptest! {
        /// Looking only when told to, each lead time is found once, in order, and then the end.
        #[test]
        fn looking_when_told_to_misses_nothing(
            life in 1_u32..500,
            leads in proptest::collection::btree_set(1_u16..=LONGEST_LEAD, 1..=MOST_LEADS),
        ) {
            let text: Vec<String> = leads.iter().map(ToString::to_string).collect();
            let leads_read = LeadTimes::parse(&text.join(",")).expect("lead times");
            let state = ends(now().plus(days(life)));
            let (mut at, mut told) = (now(), Vec::new());
            loop {
                told.extend(state.conditions(&leads_read, at));
                let Some(next) = state.next_look(&leads_read, at) else { break };
                prop_assert!(next > at);
                at = next;
            }
            prop_assert_eq!(told.last().map(|last| last.kind), Some(NoticeKind::Expired));
            let found: Vec<u16> = told[..told.len() - 1].iter().map(|condition| condition.lead).collect();
            // Those that begin after it was stored, and the nearest of those that had begun.
            let life = u16::try_from(life).expect("days");
            let mut expected: Vec<u16> = leads.iter().copied().filter(|lead| *lead < life).collect();
            expected.extend(leads.iter().copied().filter(|lead| *lead >= life).min());
            expected.reverse();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn pauses_grow_and_end(tries in 1_u32..40, chance: u32) {
            let at = retry(tries, now(), Chance(chance));
            prop_assert_eq!(at.is_none(), tries >= MOST_TRIES);
            if let Some(at) = at {
                prop_assert!(at >= now().plus(FIRST_PAUSE / 2) && at <= now().plus(LONGEST_PAUSE));
            }
        }

        #[test]
        fn reading_lead_times_never_fails_badly(text in ".{0,60}") {
            if let Ok(leads) = LeadTimes::parse(&text) {
                prop_assert_eq!(LeadTimes::parse(&leads.to_string()), Ok(leads));
            }
        }

        #[test]
        fn a_daily_mail_was_due_within_the_last_day(seconds in 0_i64..4_000_000_000, hour in 0_u8..24) {
            let now = Timestamp::from_seconds(seconds);
            let due = digest_moment(now, hour);
            prop_assert!(due <= now && now < due.plus(DAY));
        }
    }
}
