//! The admin's dashboard: which tokens stop working when, whose they are, and who has none.

use crate::{
    Fault,
    access::{AccessError, Member},
    audit::{Action, AuditEvent},
    clock::Clock,
    csv, git_providers,
    store::{
        ListedToken, MissingQuery, MissingRow, RefreshEndQuery, Store, TokenCounts, TokenCursor, TokenOrder,
        TokenQuery, TokenSearch,
    },
    tokens,
};
use domain::{
    AccountId, CheckOutcome, Expiry, GitProviderId, GitTokenId, RuntimeId, Timestamp, TokenStatus, UserId,
    expiring::{self, DEPRECATIONS, DaySummary, Deprecation, Numbers, Segment, Span, Week},
    field::search_words,
    status::ShownStatus,
    view::{ProviderLabel, TokenView},
};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, watch},
    time::{MissedTickBehavior, interval},
};

/// How many rows a page has.
pub const PAGE: usize = 50;
/// How many rows of a file are read at once.
const FILE_PAGE: usize = 1000;
/// The most people that a search looks for.
const MOST_PEOPLE: usize = 200;
/// The most runtimes that a search looks for: each is a few ranges of an index.
const MOST_RUNTIMES: usize = 20;
/// How many checks of a token are shown.
const CHECKS_SHOWN: u64 = 20;
/// Refresh tokens that end within so many days are told.
const REFRESH_WINDOW: u16 = 60;
/// How far a calendar goes.
const CALENDAR_DAYS: u16 = 182;
/// How many tokens a calendar names, and how many of a day.
const NAMED_IN_CALENDAR: u64 = 1000;
const NAMED_OF_DAY: usize = 20;
/// A day in milliseconds.
const DAY: i64 = 86_400_000;
/// How often changes of the numbers are added up.
const FOLD_EVERY: Duration = Duration::from_secs(15);

/// What an admin can run into.
#[derive(Debug, thiserror::Error)]
pub enum ExpiringError {
    /// No such token in this account.
    #[error("no such token")]
    NotFound,
    /// Not an admin.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What an admin wants to see.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choice {
    /// One of the numbers.
    pub segment: Option<Segment>,
    /// Those that are shown with a status, or that work.
    pub status: Option<StatusChoice>,
    /// For a runtime.
    pub runtime: Option<RuntimeId>,
    /// At a Git provider.
    pub provider: Option<GitProviderId>,
    /// That came by OAuth, or did not.
    pub oauth: Option<bool>,
    /// Of a format.
    pub format: Option<String>,
    /// Of people, runtimes or Git identities that are called so.
    pub search: String,
    /// That end on this day or later.
    pub from: Option<Timestamp>,
    /// That end on this day or earlier.
    pub to: Option<Timestamp>,
    /// By the last check rather than by the end, where that is possible.
    pub by_check: bool,
    /// The last ones first.
    pub descending: bool,
    /// Which page.
    pub turn: Option<Turn>,
}

/// A choice by what a token is shown with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusChoice {
    /// It works.
    Working,
    /// It is shown with this status.
    Shown(TokenStatus),
}

/// Another page than the first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Whether it comes before the row that is named, or after it.
    pub back: bool,
    /// The row.
    pub row: String,
}

/// What the page shows.
#[derive(Clone, Debug)]
pub struct ExpiringPage {
    /// The moment for which it is true.
    pub now: Timestamp,
    /// How many tokens there are of which sort.
    pub numbers: Numbers,
    /// How often somebody has no token for a runtime.
    pub missing: u64,
    /// How often somebody has one that has ended or does not work.
    pub not_valid: u64,
    /// The first of those, on the first page of those without a token, and whether there are more.
    pub broken: (Vec<TokenLine>, bool),
    /// How many refresh tokens end soon.
    pub refresh_ends: u64,
    /// What ends when.
    pub weeks: Vec<Week>,
    /// The changes at providers that hit tokens of the account, and how many.
    pub deprecations: Vec<(Deprecation, u64)>,
    /// The rows of this page.
    pub rows: Rows,
    /// Where the page before this one ends, and the one after it begins.
    pub turns: (Option<String>, Option<String>),
    /// Whether a search found more than it looked at.
    pub too_many: bool,
    /// Every runtime, by name.
    pub runtimes: Vec<(RuntimeId, String)>,
    /// Every Git provider, by name.
    pub providers: Vec<(GitProviderId, ProviderLabel)>,
}

/// The rows of the page.
#[derive(Clone, Debug)]
pub enum Rows {
    /// Tokens.
    Tokens(Vec<TokenLine>),
    /// People without one.
    Missing(Vec<MissingLine>),
}

/// A token.
#[derive(Clone, Debug)]
pub struct TokenLine {
    /// The token.
    pub id: GitTokenId,
    /// Its runtime.
    pub runtime: String,
    /// Its Git provider.
    pub provider: ProviderLabel,
    /// Whose it is, by name and address; `None` for a runtime token.
    pub holder: Option<(String, String)>,
    /// Its prefix and last characters.
    pub hint: String,
    /// What its provider calls its kind.
    pub kind: String,
    /// Whether it came by OAuth.
    pub oauth: bool,
    /// Whose it is at the provider.
    pub login: String,
    /// What the last telling check said.
    pub status: TokenStatus,
    /// When it ends.
    pub expiry: Expiry,
    /// When what refreshes it ends.
    pub refresh_ends: Option<Timestamp>,
    /// When it was checked last.
    pub checked_at: Timestamp,
    /// When its runtime last fetched it, if it ever did.
    pub used_at: Option<Timestamp>,
    /// How many runtimes and people use the same token, with this one.
    pub sharing: u64,
}

/// Somebody without a token for a runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingLine {
    /// Who.
    pub user: UserId,
    /// The person's name and address.
    pub person: (String, String),
    /// For which runtime.
    pub runtime: RuntimeId,
    /// Its name.
    pub runtime_name: String,
    /// Its Git provider.
    pub provider: ProviderLabel,
}

/// All that is to be known of a token.
#[derive(Clone, Debug)]
pub struct TokenDetail {
    /// The moment for which it is true.
    pub now: Timestamp,
    /// What the list shows of it.
    pub line: TokenLine,
    /// What its holder sees of it.
    pub view: TokenView,
    /// What stops working with it, by runtime.
    pub uses: Vec<TokenUse>,
    /// How many people act through the runtimes whose own token it is.
    pub people: u64,
    /// Its checks, the newest first.
    pub checks: Vec<(Timestamp, CheckOutcome)>,
}

/// A runtime that uses a token.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TokenUse {
    /// The runtime.
    pub runtime: String,
    /// Who acts there with the token; `None` for the runtime itself.
    pub person: Option<String>,
    /// When the runtime last fetched it, if it ever did.
    pub used_at: Option<Timestamp>,
}

/// What every page needs of an account.
struct Known {
    runtimes: HashMap<RuntimeId, String>,
    providers: HashMap<GitProviderId, ProviderLabel>,
    provider_of: HashMap<RuntimeId, GitProviderId>,
    page_runtimes: Vec<(RuntimeId, String)>,
    page_providers: Vec<(GitProviderId, ProviderLabel)>,
}

/// The service.
#[derive(Clone)]
pub struct ExpiringTokens {
    store: Store,
    clock: Arc<dyn Clock>,
    sweep: Arc<Notify>,
}

impl ExpiringTokens {
    /// Wires the service. `sweep` wakes the sweep of this process.
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>, sweep: Arc<Notify>) -> Self {
        Self { store, clock, sweep }
    }

    /// The page.
    pub async fn page(&self, member: &Member, choice: &Choice) -> Result<ExpiringPage, ExpiringError> {
        member.require_admin()?;
        let account = member.account();
        let now = self.clock.now();
        let counts = self.store.token_counts(account, now);
        let not_valid = Self::not_valid(account, now);
        let of_no_members = self.store.count_of_no_members(&not_valid);
        let rows = async {
            let known = self.known(account).await?;
            let found = self.rows(account, choice, &known, (now, PAGE)).await?;
            let is_first = (found.1).0.is_none();
            let broken = if choice.segment == Some(Segment::Missing) && is_first {
                let first = Choice {
                    turn: None,
                    ..choice.clone()
                };
                self.broken(account, &first, &known, (now, PAGE)).await?
            } else {
                (Rows::Tokens(Vec::new()), (None, None), false)
            };
            Ok((known, found, broken))
        };
        let (counts, of_no_members, (known, (rows, turns, too_many), (broken, (_, more_broken), _))) =
            tokio::try_join!(counts, of_no_members, rows)?;
        let numbers = Numbers::of(&counts.days, counts.ended, now);
        Ok(ExpiringPage {
            now,
            numbers,
            missing: counts.missing,
            not_valid: (numbers.expired + numbers.invalid).saturating_sub(of_no_members),
            broken: (broken.into_tokens(), more_broken.is_some()),
            refresh_ends: refresh_tokens_ending(&counts, now),
            weeks: expiring::weeks(&counts.days, counts.ended, now),
            deprecations: DEPRECATIONS
                .into_iter()
                .filter_map(|change| Some((change, counts.formats.get(change.format).copied()?)))
                .filter(|(_, tokens)| *tokens > 0)
                .collect(),
            rows,
            turns,
            too_many,
            runtimes: known.page_runtimes,
            providers: known.page_providers,
        })
    }

    /// The rows of a choice as a file for spreadsheets, from the first to the last.
    pub fn file(&self, member: &Member, choice: Choice) -> Result<TokenFile, ExpiringError> {
        member.require_admin()?;
        Ok(TokenFile {
            expiring: self.clone(),
            account: member.account(),
            next: Some((Part::Rows, Choice { turn: None, ..choice })),
            begun: false,
        })
    }

    /// All that is to be known of a token.
    pub async fn detail(&self, member: &Member, id: GitTokenId) -> Result<TokenDetail, ExpiringError> {
        member.require_admin()?;
        let account = member.account();
        let listed = self.store.listed_token(account, id).await?;
        let listed = listed.ok_or(ExpiringError::NotFound)?;
        let known = self.known(account).await?;
        let same = self.store.git_tokens_with(account, &listed.fingerprint).await?;
        let names = self.names(same.iter().filter_map(|token| token.user)).await?;
        let fetched = self.store.last_uses(same.iter().map(|token| token.id)).await?;
        let mut uses: Vec<TokenUse> = same
            .iter()
            .map(|token| TokenUse {
                runtime: known.runtimes.get(&token.runtime).cloned().unwrap_or_default(),
                person: token.user.map(|user| name_of(&names, user).0),
                used_at: fetched.get(&token.id).copied(),
            })
            .collect();
        uses.sort();
        let people = if same.iter().any(|token| token.user.is_none()) {
            self.store.member_count(account).await?
        } else {
            0
        };
        let checks = self.store.checks_of(account, id, CHECKS_SHOWN).await?;
        let line = known.line(listed, &names).ok_or(ExpiringError::NotFound)?;
        let token = same.into_iter().find(|token| token.id == id);
        let view = tokens::token_view(line.provider.kind, token.ok_or(ExpiringError::NotFound)?, Vec::new());
        Ok(TokenDetail {
            now: self.clock.now(),
            line,
            view,
            uses,
            people,
            checks,
        })
    }

    /// What ends on each day of the next six months, for a calendar; without asking who wants to know.
    pub(crate) async fn days(&self, account: AccountId) -> Result<Vec<DaySummary>, Fault> {
        let now = self.clock.now();
        let known = self.known(account).await?;
        let counts = self.store.token_counts(account, now).await?;
        let last = expiring::horizon(CALENDAR_DAYS, now);
        let query = TokenQuery {
            account,
            runtime: None,
            provider: None,
            oauth: None,
            format: None,
            spans: vec![Span {
                to: last,
                ..expiring::working(now)
            }],
            search: None,
            order: TokenOrder::Ends,
            descending: false,
            after: None,
            limit: NAMED_IN_CALENDAR,
        };
        let found = self.store.found_tokens(&query).await?;
        let rows = self.store.listed_tokens(account, &found).await?;
        let names = self.names(rows.iter().filter_map(|row| row.user)).await?;
        let mut people_of: HashMap<i64, Vec<(String, String)>> = HashMap::new();
        for row in rows {
            let holder = row
                .user
                .map_or_else(|| "the runtime token".to_owned(), |user| name_of(&names, user).0);
            let runtime = known.runtimes.get(&row.runtime).cloned().unwrap_or_default();
            let of_day = people_of.entry(Timestamp::from_millis(row.key).days()).or_default();
            if of_day.len() < NAMED_OF_DAY {
                of_day.push((runtime, holder));
            }
        }
        let mut days: Vec<DaySummary> = counts
            .days
            .iter()
            .map(|day| (day, if day.day == now.days() { counts.ended.working } else { 0 }))
            .filter(|(day, ended)| {
                let start = day.day.saturating_mul(DAY);
                day.day >= now.days() && start < last && day.working > *ended
            })
            .map(|(day, ended)| DaySummary {
                day: Timestamp::from_millis(day.day * DAY),
                tokens: day.working - ended,
                named: people_of.remove(&day.day).unwrap_or_default(),
            })
            .collect();
        days.sort_by_key(|day| day.day);
        Ok(days)
    }

    /// Has tokens checked soon; gives how many were found.
    pub async fn check_soon(&self, member: &Member, tokens: &[GitTokenId]) -> Result<u64, ExpiringError> {
        member.require_admin()?;
        let now = self.clock.now();
        let event = AuditEvent::new(member, Action::CheckRequested, now);
        let event = match tokens {
            [token] => event.token(*token),
            several => event.detail(format!("{} chosen tokens", several.len())),
        };
        self.store.record(member.account(), event).await?;
        let found = self.store.check_these_soon(member.account(), tokens, now).await?;
        self.sweep.notify_one();
        tracing::info!(account = %member.account(), user = %member.user(), tokens = found, "asked for checks soon");
        Ok(found)
    }

    /// Adds up changes of the numbers until `stop` turns true.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut look = interval(FOLD_EVERY);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let stopping = tokio::select! {
                told = stop.wait_for(|told| *told) => Some(told.is_ok()),
                _ = look.tick() => None,
            };
            match stopping {
                Some(true) => return,
                Some(false) => std::future::pending().await,
                None => {}
            }
            if let Err(error) = self.run_once().await {
                tracing::error!(%error, "could not add up the numbers of tokens");
            }
        }
    }

    /// The same once.
    pub async fn run_once(&self) -> Result<(), Fault> {
        while self.store.fold_token_counts().await? > 0 {}
        Ok(())
    }

    async fn known(&self, account: AccountId) -> Result<Known, Fault> {
        let runtimes = self.store.runtimes(account).await?;
        let providers = self.store.git_providers(account).await?;
        let labels: Vec<_> = providers
            .iter()
            .map(|row| (row.id, git_providers::label(row)))
            .collect();
        Ok(Known {
            provider_of: runtimes.iter().map(|row| (row.id, row.git_provider)).collect(),
            runtimes: runtimes.iter().map(|row| (row.id, row.name.clone())).collect(),
            providers: labels.iter().cloned().collect(),
            page_runtimes: runtimes.into_iter().map(|row| (row.id, row.name)).collect(),
            page_providers: labels,
        })
    }

    async fn names(&self, people: impl Iterator<Item = UserId>) -> Result<HashMap<UserId, (String, String)>, Fault> {
        self.store.names_of(&people.collect::<Vec<_>>()).await
    }

    /// Rows of a choice at a moment; so many at most.
    async fn rows(
        &self,
        account: AccountId,
        choice: &Choice,
        known: &Known,
        (now, size): (Timestamp, usize),
    ) -> Result<Found, Fault> {
        match choice.segment {
            Some(Segment::Missing) => self.missing(account, choice, known, size).await,
            Some(Segment::RefreshEnds) => self.refresh_ends(account, choice, known, (now, size)).await,
            _ => self.tokens(account, choice, known, (now, size)).await,
        }
    }

    async fn tokens(
        &self,
        account: AccountId,
        choice: &Choice,
        known: &Known,
        (now, size): (Timestamp, usize),
    ) -> Result<Found, Fault> {
        let (search, too_many) = match self.search(account, choice, known).await? {
            Some((search, too_many)) => (Some(search), too_many),
            None => (None, false),
        };
        if known.nowhere(choice) {
            return Ok((Rows::Tokens(Vec::new()), (None, None), false));
        }
        let query = TokenQuery {
            account,
            runtime: choice.runtime,
            provider: choice.provider,
            oauth: choice.oauth,
            format: choice.format.clone(),
            spans: spans(choice, now),
            search,
            order: if choice.by_check && choice.may_go_by_check() {
                TokenOrder::Checked
            } else {
                TokenOrder::Ends
            },
            descending: choice.backwards(),
            after: choice.turn.as_ref().and_then(|turn| token_cursor(&turn.row)),
            limit: one_more_than(size),
        };
        let found = self.store.found_tokens(&query).await?;
        self.lines(account, found, (choice, size), known, too_many).await
    }

    /// The tokens of an account that have ended or do not work.
    fn not_valid(account: AccountId, now: Timestamp) -> TokenQuery {
        let spans = [Segment::Expired, Segment::Invalid].map(|segment| segment.spans(now));
        TokenQuery {
            account,
            runtime: None,
            provider: None,
            oauth: None,
            format: None,
            spans: spans.into_iter().flatten().collect(),
            search: None,
            order: TokenOrder::Ends,
            descending: false,
            after: None,
            limit: one_more_than(PAGE),
        }
    }

    /// The people of a choice whose token has ended or does not work.
    async fn broken(
        &self,
        account: AccountId,
        choice: &Choice,
        known: &Known,
        (now, size): (Timestamp, usize),
    ) -> Result<Found, Fault> {
        if known.nowhere(choice) {
            return Ok((Rows::Tokens(Vec::new()), (None, None), false));
        }
        let search = self.search(account, choice, known).await?;
        let query = TokenQuery {
            runtime: choice.runtime,
            provider: choice.provider,
            search: search.map(|(search, _)| search),
            after: choice.turn.as_ref().and_then(|turn| token_cursor(&turn.row)),
            limit: one_more_than(size),
            ..Self::not_valid(account, now)
        };
        let forwards = Choice {
            descending: false,
            ..choice.clone()
        };
        let found = self.store.found_of_members(&query).await?;
        self.lines(account, found, (&forwards, size), known, false).await
    }

    async fn refresh_ends(
        &self,
        account: AccountId,
        choice: &Choice,
        known: &Known,
        (now, size): (Timestamp, usize),
    ) -> Result<Found, Fault> {
        let (search, too_many) = self.search(account, choice, known).await?.unzip();
        let query = RefreshEndQuery {
            account,
            runtimes: known.places(choice),
            search,
            span: (now.start_of_day().as_millis(), expiring::horizon(REFRESH_WINDOW, now)),
            descending: choice.backwards(),
            after: choice.turn.as_ref().and_then(|turn| token_cursor(&turn.row)),
            limit: one_more_than(size),
        };
        let found = self.store.found_by_refresh_end(&query).await?;
        let too_many = too_many.unwrap_or_default();
        self.lines(account, found, (choice, size), known, too_many).await
    }

    async fn lines(
        &self,
        account: AccountId,
        found: Vec<TokenCursor>,
        (choice, size): (&Choice, usize),
        known: &Known,
        too_many: bool,
    ) -> Result<Found, Fault> {
        let (found, turns) = paged(found, (choice, size), |(key, id)| format!("{key}.{id}"));
        let rows = self.store.listed_tokens(account, &found).await?;
        let names = self.names(rows.iter().filter_map(|row| row.user)).await?;
        let lines = rows.into_iter().filter_map(|row| known.line(row, &names));
        Ok((Rows::Tokens(lines.collect()), turns, too_many))
    }

    async fn missing(&self, account: AccountId, choice: &Choice, known: &Known, size: usize) -> Result<Found, Fault> {
        let (search, too_many) = self.search(account, choice, known).await?.unzip();
        let after = match choice.turn.as_ref().and_then(|turn| missing_cursor(&turn.row)) {
            Some((user, runtime)) => {
                let names = self.names([user].into_iter()).await?;
                let name = names.get(&user).map(|(name, _)| name.clone());
                name.map(|name| MissingRow { user, runtime, name })
            }
            None => None,
        };
        let query = MissingQuery {
            account,
            runtimes: known.places(choice),
            search,
            descending: choice.backwards(),
            after,
            limit: one_more_than(size),
        };
        let rows = self.store.missing_tokens(&query).await?;
        let (rows, turns) = paged(rows, (choice, size), |row| format!("{}.{}", row.user, row.runtime));
        let names = self.names(rows.iter().map(|row| row.user)).await?;
        let lines = rows.into_iter().filter_map(|row| {
            let provider = known.provider_of.get(&row.runtime)?;
            Some(MissingLine {
                user: row.user,
                person: name_of(&names, row.user),
                runtime: row.runtime,
                runtime_name: known.runtimes.get(&row.runtime)?.clone(),
                provider: known.providers.get(provider)?.clone(),
            })
        });
        Ok((Rows::Missing(lines.collect()), turns, too_many.unwrap_or_default()))
    }

    /// Whom and what a search means, and whether it found more than it looks at. `None` if nothing is looked for.
    async fn search(
        &self,
        account: AccountId,
        choice: &Choice,
        known: &Known,
    ) -> Result<Option<(TokenSearch, bool)>, Fault> {
        let text = choice.search.trim().to_lowercase();
        if text.is_empty() {
            return Ok(None);
        }
        let words = search_words(&text);
        let most = u64::try_from(MOST_PEOPLE + 1).unwrap_or(u64::MAX);
        let mut people = self.store.people_named(account, &words, most).await?;
        let named = |(runtime, name): &&(RuntimeId, String)| {
            let here = choice.provider.is_none() || known.provider_of.get(runtime) == choice.provider.as_ref();
            here && name.to_lowercase().contains(&text)
        };
        let mut runtimes: Vec<RuntimeId> = known.page_runtimes.iter().filter(named).map(|(id, _)| *id).collect();
        let too_many = people.len() > MOST_PEOPLE
            || runtimes.len() > MOST_RUNTIMES
            || self.store.too_many_logins(account, &text).await?;
        people.truncate(MOST_PEOPLE);
        runtimes.truncate(MOST_RUNTIMES);
        let search = TokenSearch {
            people,
            runtimes,
            login: text,
        };
        Ok(Some((search, too_many)))
    }
}

/// A file of rows, made page by page while it is read.
pub struct TokenFile {
    expiring: ExpiringTokens,
    account: AccountId,
    /// What comes next; nothing at the end.
    next: Option<(Part, Choice)>,
    begun: bool,
}

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// What the choice names.
    Rows,
    /// Behind those without a token: those whose token does not work.
    Broken,
}

impl TokenFile {
    /// The next part of it; `None` at its end.
    pub async fn next(&mut self) -> Result<Option<String>, Fault> {
        let Some((part, choice)) = self.next.take() else {
            return Ok(None);
        };
        let known = self.expiring.known(self.account).await?;
        let now = self.expiring.clock.now();
        let size = (now, FILE_PAGE);
        let found = match part {
            Part::Rows => self.expiring.rows(self.account, &choice, &known, size).await?,
            Part::Broken => self.expiring.broken(self.account, &choice, &known, size).await?,
        };
        let (rows, (_, after), _) = found;
        let mut text = String::new();
        match rows {
            Rows::Tokens(lines) if part == Part::Broken => {
                text.extend(lines.iter().map(|line| csv::line(line.missing_cells(now))));
            }
            Rows::Tokens(lines) => {
                if !self.begun {
                    text.push_str(TOKENS_HEAD);
                }
                text.extend(lines.iter().map(|line| csv::line(line.cells(now))));
            }
            Rows::Missing(lines) => {
                if !self.begun {
                    text.push_str(MISSING_HEAD);
                }
                text.extend(lines.into_iter().map(|line| csv::line(line.cells())));
            }
        }
        self.begun = true;
        let (next, turn) = match after {
            Some(row) => (Some(part), Some(Turn { back: false, row })),
            None if part == Part::Rows && choice.segment == Some(Segment::Missing) => (Some(Part::Broken), None),
            None => (None, None),
        };
        self.next = next.map(|part| (part, Choice { turn, ..choice }));
        Ok(Some(text))
    }
}

/// The first lines of the files.
const TOKENS_HEAD: &str = "runtime,git_provider,holder,email,git_identity,kind,token,status,expires,refresh_token_ends,last_check,last_use,shared_by\r\n";
const MISSING_HEAD: &str = "person,email,runtime,git_provider,token\r\n";

impl TokenLine {
    /// As it stands in a file, under [`TOKENS_HEAD`].
    fn cells(&self, now: Timestamp) -> [String; 13] {
        let (holder, email) = self
            .holder
            .clone()
            .unwrap_or_else(|| ("runtime token".to_owned(), String::new()));
        let end = match self.expiry {
            Expiry::At(end) => end.rfc3339(),
            Expiry::Never => "never".to_owned(),
            Expiry::Unknown => "unknown".to_owned(),
        };
        [
            self.runtime.clone(),
            self.provider.host.clone(),
            holder,
            email,
            self.login.clone(),
            self.kind.clone(),
            self.hint.clone(),
            ShownStatus::of(self.status, self.expiry, now).words().to_owned(),
            end,
            self.refresh_ends.map(Timestamp::rfc3339).unwrap_or_default(),
            self.checked_at.rfc3339(),
            self.used_at.map(Timestamp::rfc3339).unwrap_or_default(),
            self.sharing.to_string(),
        ]
    }

    /// As it stands in a file of those without a valid token, under [`MISSING_HEAD`].
    fn missing_cells(&self, now: Timestamp) -> [String; 5] {
        let (person, email) = self.holder.clone().unwrap_or_default();
        let status = ShownStatus::of(self.status, self.expiry, now).words();
        [
            person,
            email,
            self.runtime.clone(),
            self.provider.host.clone(),
            status.to_owned(),
        ]
    }
}

impl MissingLine {
    /// As it stands in a file, under [`MISSING_HEAD`].
    fn cells(self) -> [String; 5] {
        let (person, email) = self.person;
        [person, email, self.runtime_name, self.provider.host, "None".to_owned()]
    }
}

impl Rows {
    fn into_tokens(self) -> Vec<TokenLine> {
        match self {
            Self::Tokens(lines) => lines,
            Self::Missing(_) => Vec::new(),
        }
    }
}

/// Rows, the ways to other pages, and whether a search found too much.
type Found = (Rows, (Option<String>, Option<String>), bool);

impl Choice {
    /// Whether the tokens can be ordered by their last check. Those of a span of time are found by their ends.
    #[must_use]
    pub fn may_go_by_check(&self) -> bool {
        matches!(self.segment, None | Some(Segment::Invalid))
            && self.status != Some(StatusChoice::Shown(TokenStatus::Expired))
            && self.format.is_none()
            && self.from.is_none()
            && self.to.is_none()
    }

    /// Whether it is among some runtimes or people only.
    #[must_use]
    pub fn is_narrow(&self) -> bool {
        self.runtime.is_some() || self.provider.is_some() || !self.search.trim().is_empty()
    }

    /// Whether the rows are read in the opposite order: a page back is.
    fn backwards(&self) -> bool {
        self.descending != self.turn.as_ref().is_some_and(|turn| turn.back)
    }
}

impl Known {
    /// The runtimes of a choice, if it is among some of them.
    fn places(&self, choice: &Choice) -> Option<Vec<RuntimeId>> {
        let provider = choice.provider.as_ref();
        // Of another account's runtime nothing is known here.
        let here = |id: &RuntimeId| match (self.provider_of.get(id), provider) {
            (Some(own), Some(chosen)) => own == chosen,
            (own, None) => own.is_some(),
            (None, Some(_)) => false,
        };
        match choice.runtime {
            Some(runtime) => Some([runtime].into_iter().filter(here).collect()),
            None => provider.map(|_| self.provider_of.keys().copied().filter(here).collect()),
        }
    }

    /// Whether a choice is among no runtime at all.
    fn nowhere(&self, choice: &Choice) -> bool {
        self.places(choice).is_some_and(|places| places.is_empty())
    }

    fn line(&self, listed: ListedToken, names: &HashMap<UserId, (String, String)>) -> Option<TokenLine> {
        let provider = self.provider_of.get(&listed.runtime)?;
        Some(TokenLine {
            id: listed.id,
            runtime: self.runtimes.get(&listed.runtime)?.clone(),
            provider: self.providers.get(provider)?.clone(),
            holder: listed.user.map(|user| name_of(names, user)),
            kind: kind_of(&listed),
            oauth: listed.oauth,
            expiry: listed.expiry,
            hint: listed.hint,
            login: listed.login,
            status: listed.status,
            refresh_ends: listed.refresh_ends,
            checked_at: listed.checked_at,
            used_at: listed.used_at,
            sharing: listed.sharing,
        })
    }
}

fn kind_of(token: &ListedToken) -> String {
    match &token.format {
        _ if token.oauth => "OAuth".to_owned(),
        Some(format) => format.clone(),
        None => "Personal access token".to_owned(),
    }
}

/// A person's name and address; what is not known is empty.
fn name_of(names: &HashMap<UserId, (String, String)>, user: UserId) -> (String, String) {
    names.get(&user).cloned().unwrap_or_default()
}

fn one_more_than(size: usize) -> u64 {
    u64::try_from(size + 1).unwrap_or(u64::MAX)
}

/// Cuts rows to a page, in the order that is shown, with the rows at which the pages before and after it are.
fn paged<T>(
    mut rows: Vec<T>,
    (choice, size): (&Choice, usize),
    key: impl Fn(&T) -> String,
) -> (Vec<T>, (Option<String>, Option<String>)) {
    let more = rows.len() > size;
    rows.truncate(size);
    let back = choice.turn.as_ref().map(|turn| turn.back);
    if back == Some(true) {
        rows.reverse();
    }
    let (before, after) = match back {
        None => (false, more),
        Some(false) => (true, more),
        Some(true) => (more, true),
    };
    let turns = (
        rows.first().filter(|_| before).map(&key),
        rows.last().filter(|_| after).map(&key),
    );
    (rows, turns)
}

fn token_cursor(row: &str) -> Option<TokenCursor> {
    let (key, id) = row.split_once('.')?;
    Some((key.parse().ok()?, id.parse().ok()?))
}

fn missing_cursor(row: &str) -> Option<(UserId, RuntimeId)> {
    let (user, runtime) = row.split_once('.')?;
    Some((user.parse().ok()?, runtime.parse().ok()?))
}

/// What a choice means by status and end.
fn spans(choice: &Choice, now: Timestamp) -> Vec<Span> {
    let of_status = |status| match status {
        StatusChoice::Working => vec![expiring::working(now)],
        StatusChoice::Shown(status) => expiring::shown(status, now),
    };
    let spans = match (choice.segment, choice.status) {
        (Some(segment), None) => segment.spans(now),
        (None, Some(status)) => of_status(status),
        (None, None) => vec![expiring::all()],
        (Some(segment), Some(status)) => {
            let statuses = of_status(status);
            let both = segment.spans(now);
            both.iter()
                .flat_map(|one| statuses.iter().filter_map(|other| intersection(one, other)))
                .collect()
        }
    };
    let day = Duration::from_hours(24);
    let from = choice.from.map_or(i64::MIN, Timestamp::as_millis);
    let to = choice.to.map_or(i64::MAX, |to| to.start_of_day().plus(day).as_millis());
    spans
        .into_iter()
        .map(|span| Span {
            from: span.from.max(from),
            to: span.to.min(to),
            ..span
        })
        .filter(|span| span.from < span.to)
        .collect()
}

fn intersection(one: &Span, other: &Span) -> Option<Span> {
    let both = Span {
        statuses: one
            .statuses
            .iter()
            .copied()
            .filter(|status| other.statuses.contains(status))
            .collect(),
        from: one.from.max(other.from),
        to: one.to.min(other.to),
    };
    (!both.statuses.is_empty() && both.from < both.to).then_some(both)
}

/// How many refresh tokens end soon: with the day, as the list has them.
fn refresh_tokens_ending(counts: &TokenCounts, now: Timestamp) -> u64 {
    let days = now.days()..=now.days() + i64::from(REFRESH_WINDOW);
    let ending = counts.refresh_ends.iter().filter(|(day, _)| days.contains(day));
    ending.map(|(_, tokens)| tokens).sum()
}
