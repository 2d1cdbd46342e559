//! The tokens of an account in an order, by ends and statuses: each choice is a few ranges of an index, so that it is answered alike
//! for a hundred tokens and for a million. And their numbers, which triggers keep (migration 9).

use super::{
    Store, also, aside,
    entities::{
        check, former_member, git_token, member, missing_token, oauth_grant, person_word, token_count,
        token_count_change, user,
    },
    git_tokens::from_json,
};
use crate::Fault;
use domain::{
    AccountId, CheckOutcome, Expiry, GitProviderId, GitTokenId, RuntimeId, Timestamp, TokenStatus, UserId,
    expiring::{DayCount, NEVER_END, Span, UNKNOWN_END, WORKING},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, ExprTrait as _, FromQueryResult, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _,
    sea_query::{
        CaseStatement, Condition, Expr, IntoColumnRef, LockBehavior, LockType, OnConflict, Order, Query,
        SelectStatement, SimpleExpr, UnionType,
    },
};
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

/// The most tokens that a search by their Git identity looks at.
pub const MOST_LOGINS: u64 = 2000;
/// A day in milliseconds.
const DAY: i64 = 86_400_000;
/// For how many days from today numbers are told apart by their day: longer than the timeline and the calendar go.
const DAYS_AHEAD: i64 = 200;
/// The most runtimes whose refresh tokens are found each by themselves; among more, all are looked at in order.
const MOST_PLACES: usize = 200;
/// The same of those without a token: these are looked at in their index alone, which has the runtime.
const FEW_PLACES: usize = 20;
/// How many people's names are asked for at once: a statement takes so many values at most (32,766 on SQLite).
const NAMES_AT_ONCE: usize = 5000;
/// How many changes of numbers are added up in one transaction.
const FOLDED_AT_ONCE: u64 = 5000;

/// Whether tokens came by OAuth, and the word of each kind.
const KINDS: [(bool, &str); 2] = [(false, "pat"), (true, "oauth")];

/// What a list of tokens is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenOrder {
    /// When they end; what is not known and what never ends come last.
    Ends,
    /// When they were checked last.
    Checked,
}

/// Whose tokens are looked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenSearch {
    /// These people's.
    pub people: Vec<UserId>,
    /// Those of these runtimes.
    pub runtimes: Vec<RuntimeId>,
    /// Those whose login at the provider begins so, in lower case.
    pub login: String,
}

/// Where a list of tokens goes on: the number it is ordered by, and the token.
pub type TokenCursor = (i64, GitTokenId);

/// A choice among the tokens of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenQuery {
    /// The account.
    pub account: AccountId,
    /// For this runtime only.
    pub runtime: Option<RuntimeId>,
    /// At this Git provider only; not looked at beside a runtime.
    pub provider: Option<GitProviderId>,
    /// Only those that came by OAuth, or only those that did not.
    pub oauth: Option<bool>,
    /// Of a format only; these come by their ends.
    pub format: Option<String>,
    /// By status and end.
    pub spans: Vec<Span>,
    /// Those that a search found.
    pub search: Option<TokenSearch>,
    /// In which order.
    pub order: TokenOrder,
    /// The last ones first.
    pub descending: bool,
    /// Only those that come after this one.
    pub after: Option<TokenCursor>,
    /// How many at most.
    pub limit: u64,
}

/// A choice among the OAuth tokens of an account by the end of what refreshes them, in that order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefreshEndQuery {
    /// The account.
    pub account: AccountId,
    /// For these runtimes only.
    pub runtimes: Option<Vec<RuntimeId>>,
    /// Those that a search found.
    pub search: Option<TokenSearch>,
    /// From which moment on, and until which.
    pub span: (i64, i64),
    /// The last ones first.
    pub descending: bool,
    /// Only those that come after this one.
    pub after: Option<TokenCursor>,
    /// How many at most.
    pub limit: u64,
}

/// A choice among those who have no token for a runtime, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingQuery {
    /// The account.
    pub account: AccountId,
    /// For these runtimes only.
    pub runtimes: Option<Vec<RuntimeId>>,
    /// Those that a search found.
    pub search: Option<TokenSearch>,
    /// The last ones first.
    pub descending: bool,
    /// Only those that come after this one.
    pub after: Option<MissingRow>,
    /// How many at most.
    pub limit: u64,
}

/// A token as it stands in a list.
#[derive(Clone, Debug)]
pub struct ListedToken {
    /// Which.
    pub id: GitTokenId,
    /// For which runtime.
    pub runtime: RuntimeId,
    /// Whose; `None` for a runtime token.
    pub user: Option<UserId>,
    /// Whether it came by OAuth 2.
    pub oauth: bool,
    /// The keyed fingerprint of the secret.
    pub fingerprint: Vec<u8>,
    /// Its prefix and last four characters.
    pub hint: String,
    /// What the provider calls its kind, when the prefix tells.
    pub format: Option<String>,
    /// Whose it is at the provider.
    pub login: String,
    /// What the last telling check said.
    pub status: TokenStatus,
    /// When it ends, as far as is known.
    pub expiry: Expiry,
    /// When it was checked last.
    pub checked_at: Timestamp,
    /// The number it is ordered by.
    pub key: i64,
    /// How many tokens hold the same secret, with this one.
    pub sharing: u64,
    /// When what refreshes it ends, if it came by OAuth and that is known.
    pub refresh_ends: Option<Timestamp>,
    /// When its runtime last fetched it, if it ever did.
    pub used_at: Option<Timestamp>,
}

/// Somebody without a token for a runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingRow {
    /// Who.
    pub user: UserId,
    /// For which runtime.
    pub runtime: RuntimeId,
    /// The person's name, by which they are ordered.
    pub name: String,
}

/// The numbers of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenCounts {
    /// Its tokens by the day on which they end.
    pub days: Vec<DayCount>,
    /// Of those that end today, the ones that have ended.
    pub ended: DayCount,
    /// How often somebody has no token for a runtime.
    pub missing: u64,
    /// The refresh tokens by the day on which they end.
    pub refresh_ends: Vec<(i64, u64)>,
    /// The tokens of each format, by its name.
    pub formats: HashMap<String, u64>,
}

#[derive(FromQueryResult)]
struct Counted {
    what: String,
    day: i64,
    tokens: i64,
}

/// What is read of a token for a list: there are many columns, and a page has many rows.
#[derive(FromQueryResult)]
struct ListedColumns {
    id: Uuid,
    runtime_id: Uuid,
    user_id: Option<Uuid>,
    kind: String,
    fingerprint: Vec<u8>,
    hint: String,
    format: Option<String>,
    identity_login: String,
    status: String,
    ends_at: i64,
    checked_at: i64,
}

#[derive(FromQueryResult)]
struct Keyed {
    id: Uuid,
    sort_key: i64,
}

impl TokenQuery {
    /// The statement that finds their ids, in order.
    #[must_use]
    pub fn select(&self) -> SelectStatement {
        self.select_those(false)
    }

    /// The same; without what is no member's, if that is asked for.
    fn select_those(&self, of_members: bool) -> SelectStatement {
        let order = order(self.descending);
        let branches = self.branches().into_iter().map(|(place, found)| {
            // What a search finds is sorted: as an expression the key tempts no database to walk through all tokens in order.
            let key = || {
                let key = Expr::col(self.key());
                if found { key.add(0) } else { key }
            };
            let mut branch = Query::select();
            branch
                .column(git_token::Column::Id)
                .expr_as(Expr::col(self.key()), "sort_key")
                .from(git_token::Entity)
                .cond_where(place);
            if of_members {
                let holder = || aside(git_token::Column::UserId);
                branch
                    .and_where(holder().is_not_null())
                    .and_where(holder().not_in_subquery(former_members(self.account)));
            }
            if let Some((at, id)) = self.after {
                branch.and_where(comes_after(
                    self.descending,
                    [key(), Expr::col(git_token::Column::Id)],
                    [Expr::value(at), Expr::value(id.0)],
                ));
            }
            branch
                .order_by_expr(key(), order.clone())
                .order_by(git_token::Column::Id, order.clone())
                .limit(self.limit)
                .take()
        });
        let nothing = || {
            Query::select()
                .column(git_token::Column::Id)
                .expr_as(Expr::col(self.key()), "sort_key")
                .from(git_token::Entity)
                .and_where(git_token::Column::AccountId.eq(self.account.0))
                .and_where(Expr::value(false))
                .take()
        };
        let together = Together {
            by: &["sort_key", "id"],
            with: &[],
            descending: self.descending,
            limit: self.limit,
            twice: self.search.is_some(),
        };
        together.select(branches, nothing)
    }

    const fn key(&self) -> git_token::Column {
        match self.order {
            TokenOrder::Ends => git_token::Column::EndsAt,
            TokenOrder::Checked => git_token::Column::CheckedAt,
        }
    }

    /// Ranges of an index that make up the choice together, and whether they have to be sorted.
    fn branches(&self) -> Vec<(Condition, bool)> {
        match (&self.search, &self.format) {
            (Some(search), _) => self.found(search),
            // Few formats are looked for, and these are kept apart.
            (None, Some(format)) => {
                let of_format = Condition::all()
                    .add(git_token::Column::AccountId.eq(self.account.0))
                    .add(git_token::Column::Format.eq(format.as_str()));
                vec![(of_format.add(self.residual()).add(self.any_span()), false)]
            }
            (None, None) => {
                let place = match (self.runtime, self.provider) {
                    // A runtime is at one Git provider.
                    (Some(runtime), _) => git_token::Column::RuntimeId.eq(runtime.0),
                    (None, Some(provider)) => git_token::Column::GitProviderId.eq(provider.0),
                    (None, None) => git_token::Column::AccountId.eq(self.account.0),
                };
                self.ranges(&place)
            }
        }
    }

    /// The account, and all that is chosen besides statuses and ends, of rows that are found by something else.
    fn residual(&self) -> Condition {
        let format = self.format.as_deref();
        Condition::all()
            .add(also(git_token::Column::AccountId, self.account.0))
            .add_option(
                self.runtime
                    .map(|runtime| also(git_token::Column::RuntimeId, runtime.0)),
            )
            .add_option(
                self.provider
                    .map(|provider| also(git_token::Column::GitProviderId, provider.0)),
            )
            .add_option(format.map(|format| aside(git_token::Column::Format).eq(format)))
    }

    /// What a search finds. A person has few tokens, and those with a login are looked at up to a limit, so both are sorted; a runtime
    /// has many.
    fn found(&self, search: &TokenSearch) -> Vec<(Condition, bool)> {
        let mut branches = Vec::new();
        if !search.people.is_empty() {
            let people = search.people.iter().map(|person| person.0);
            let theirs = Condition::all()
                .add(git_token::Column::AccountId.eq(self.account.0))
                .add(git_token::Column::UserId.is_in(people));
            branches.push((theirs.add(self.residual()).add(self.any_span()), true));
        }
        if !search.login.is_empty() {
            let with_login = logins(self.account, &search.login).limit(MOST_LOGINS).take();
            let theirs = Condition::all().add(git_token::Column::Id.in_subquery(with_login));
            branches.push((theirs.add(self.residual()).add(self.any_span()), true));
        }
        for runtime in &search.runtimes {
            if self.runtime.is_none_or(|only| only == *runtime) {
                branches.extend(self.ranges(&git_token::Column::RuntimeId.eq(runtime.0)));
            }
        }
        branches
    }

    /// The choice by status, kind and end within a place, as ranges of the index that begins with the place and the facet. That a runtime or
    /// Git provider is the account's is looked at when their rows are read.
    fn ranges(&self, place: &SimpleExpr) -> Vec<(Condition, bool)> {
        let end = match self.order {
            TokenOrder::Ends => Expr::col(git_token::Column::EndsAt),
            TokenOrder::Checked => aside(git_token::Column::EndsAt),
        };
        let format = self.format.as_deref();
        let format = format.map(|format| aside(git_token::Column::Format).eq(format));
        let of_span = |span| {
            self.facets(span).into_iter().map(|facet| {
                let of_facet = Condition::all()
                    .add(place.clone())
                    .add(git_token::Column::Facet.eq(facet))
                    .add_option(format.clone());
                (of_facet.add(within(&end, span)), false)
            })
        };
        self.spans.iter().flat_map(of_span).collect()
    }

    /// The same as one condition, of rows that are found by something else.
    fn any_span(&self) -> Condition {
        let (facet, end) = (aside(git_token::Column::Facet), aside(git_token::Column::EndsAt));
        let of_span = |span| {
            Condition::all()
                .add(facet.clone().is_in(self.facets(span)))
                .add(within(&end, span))
        };
        let none = Condition::any().add(Expr::value(false));
        self.spans.iter().map(of_span).fold(none, Condition::add)
    }

    fn facets(&self, span: &Span) -> Vec<String> {
        let kinds: Vec<&str> = KINDS
            .into_iter()
            .filter(|(oauth, _)| self.oauth.is_none_or(|wanted| wanted == *oauth))
            .map(|(_, kind)| kind)
            .collect();
        span.statuses
            .iter()
            .flat_map(|status| kinds.iter().map(|kind| facet(*status, kind)))
            .collect()
    }
}

impl RefreshEndQuery {
    /// The statement that finds their ids, in order.
    #[must_use]
    pub fn select(&self) -> SelectStatement {
        let order = order(self.descending);
        // As in [`TokenQuery::select`].
        let branch = |place: Condition, found: bool| {
            let key = || {
                if found {
                    aside(oauth_grant::Column::RefreshEndsAt)
                } else {
                    Expr::col(oauth_grant::Column::RefreshEndsAt)
                }
            };
            let mut branch = Query::select();
            branch
                .expr_as(Expr::col(oauth_grant::Column::GitTokenId), "id")
                .expr_as(Expr::col(oauth_grant::Column::RefreshEndsAt), "sort_key")
                .from(oauth_grant::Entity)
                .cond_where(place)
                .and_where(key().gte(self.span.0))
                .and_where(key().lt(self.span.1));
            if let Some((at, id)) = self.after {
                branch.and_where(comes_after(
                    self.descending,
                    [key(), Expr::col(oauth_grant::Column::GitTokenId)],
                    [Expr::value(at), Expr::value(id.0)],
                ));
            }
            branch
                .order_by_expr(key(), order.clone())
                .order_by(oauth_grant::Column::GitTokenId, order.clone())
                .limit(self.limit)
                .take()
        };
        let of_account = || Condition::all().add(oauth_grant::Column::AccountId.eq(self.account.0));
        // That a runtime is the account's is looked at when the rows are read.
        let of_runtime = |runtime: &RuntimeId| Condition::all().add(oauth_grant::Column::RuntimeId.eq(runtime.0));
        let within =
            |runtimes: &[RuntimeId]| aside(oauth_grant::Column::RuntimeId).is_in(runtimes.iter().map(|id| id.0));
        let branches = match (&self.search, &self.runtimes) {
            (Some(search), places) => {
                let theirs = |tokens: SelectStatement| {
                    let theirs = Condition::all().add(oauth_grant::Column::GitTokenId.in_subquery(tokens));
                    branch(theirs.add_option(places.as_deref().map(within)), true)
                };
                let people = (!search.people.is_empty()).then(|| theirs(held_by_these(self.account, &search.people)));
                let login = (!search.login.is_empty())
                    .then(|| theirs(logins(self.account, &search.login).limit(MOST_LOGINS).take()));
                let runtimes = search.runtimes_in(places.as_deref());
                let runtimes = runtimes.map(|runtime| branch(of_runtime(runtime), false));
                people.into_iter().chain(login).chain(runtimes).collect()
            }
            (None, Some(places)) if places.len() > MOST_PLACES => {
                vec![branch(of_account().add(within(places)), false)]
            }
            (None, Some(places)) => places
                .iter()
                .map(|runtime| branch(of_runtime(runtime), false))
                .collect(),
            (None, None) => vec![branch(of_account(), false)],
        };
        let nothing = || branch(of_account().add(Expr::value(false)), false);
        let together = Together {
            by: &["sort_key", "id"],
            with: &[],
            descending: self.descending,
            limit: self.limit,
            twice: self.search.is_some(),
        };
        together.select(branches.into_iter(), nothing)
    }
}

impl MissingQuery {
    /// The statement that finds them, in order.
    #[must_use]
    pub fn select(&self) -> SelectStatement {
        let order = order(self.descending);
        let branch = |place: Condition| {
            let mut branch = Query::select();
            branch
                .columns([
                    missing_token::Column::UserName,
                    missing_token::Column::UserId,
                    missing_token::Column::RuntimeId,
                    missing_token::Column::AccountId,
                ])
                .from(missing_token::Entity)
                .cond_where(place);
            let columns = [
                missing_token::Column::UserName,
                missing_token::Column::UserId,
                missing_token::Column::RuntimeId,
            ];
            if let Some(row) = &self.after {
                let values = [
                    Expr::value(row.name.clone()),
                    Expr::value(row.user.0),
                    Expr::value(row.runtime.0),
                ];
                branch.and_where(comes_after(self.descending, columns.map(Expr::col), values));
            }
            for column in columns {
                branch.order_by(column, order.clone());
            }
            branch.limit(self.limit).take()
        };
        let of_account = || Condition::all().add(missing_token::Column::AccountId.eq(self.account.0));
        let of_runtime = |runtime: &RuntimeId| {
            Condition::all()
                .add(missing_token::Column::RuntimeId.eq(runtime.0))
                .add(also(missing_token::Column::AccountId, self.account.0))
        };
        let within =
            |runtimes: &[RuntimeId]| aside(missing_token::Column::RuntimeId).is_in(runtimes.iter().map(|id| id.0));
        let branches = match (&self.search, &self.runtimes) {
            (Some(search), places) => {
                let people = (!search.people.is_empty()).then(|| {
                    let people = search.people.iter().map(|person| person.0);
                    let theirs = Condition::all()
                        .add(also(missing_token::Column::AccountId, self.account.0))
                        .add(missing_token::Column::UserId.is_in(people));
                    branch(theirs.add_option(places.as_deref().map(within)))
                });
                let runtimes = search.runtimes_in(places.as_deref());
                people
                    .into_iter()
                    .chain(runtimes.map(|runtime| branch(of_runtime(runtime))))
                    .collect()
            }
            (None, Some(places)) if places.len() > FEW_PLACES => vec![branch(of_account().add(within(places)))],
            (None, Some(places)) => places.iter().map(|runtime| branch(of_runtime(runtime))).collect(),
            (None, None) => vec![branch(of_account())],
        };
        let nothing = || branch(of_account().add(Expr::value(false)));
        let together = Together {
            by: &["user_name", "user_id", "runtime_id"],
            with: &["account_id"],
            descending: self.descending,
            limit: self.limit,
            twice: self.search.is_some(),
        };
        together.select(branches.into_iter(), nothing)
    }
}

impl TokenSearch {
    /// The runtimes that it found, of these.
    fn runtimes_in(&self, places: Option<&[RuntimeId]>) -> impl Iterator<Item = &RuntimeId> {
        self.runtimes
            .iter()
            .filter(move |runtime| places.is_none_or(|places| places.contains(runtime)))
    }
}

/// How the rows that several statements find come together.
struct Together {
    /// By these columns, which tell one from another.
    by: &'static [&'static str],
    /// With these.
    with: &'static [&'static str],
    /// The last ones first.
    descending: bool,
    /// So many at most.
    limit: u64,
    /// Whether one may be found in two ways.
    twice: bool,
}

impl Together {
    /// Of statements each of which gives these columns in this order, and so many at most; of `nothing`, if there is none.
    fn select(
        &self,
        mut branches: impl Iterator<Item = SelectStatement>,
        nothing: impl FnOnce() -> SelectStatement,
    ) -> SelectStatement {
        let columns = || self.by.iter().chain(self.with).copied();
        let part = |branch| {
            Query::select()
                .columns(columns())
                .from_subquery(branch, "branch")
                .take()
        };
        let mut all = part(branches.next().unwrap_or_else(nothing));
        let union = if self.twice {
            UnionType::Distinct
        } else {
            UnionType::All
        };
        for branch in branches {
            all.union(union, part(branch));
        }
        let mut all = Query::select().columns(columns()).from_subquery(all, "found").take();
        for column in self.by {
            all.order_by(*column, order(self.descending));
        }
        all.limit(self.limit).take()
    }
}

/// Those who left an account.
fn former_members(account: AccountId) -> SelectStatement {
    Query::select()
        .column(former_member::Column::UserId)
        .from(former_member::Entity)
        .and_where(former_member::Column::AccountId.eq(account.0))
        .take()
}

/// The tokens of these people.
fn held_by_these(account: AccountId, people: &[UserId]) -> SelectStatement {
    Query::select()
        .column(git_token::Column::Id)
        .from(git_token::Entity)
        .and_where(git_token::Column::AccountId.eq(account.0))
        .and_where(git_token::Column::UserId.is_in(people.iter().map(|person| person.0)))
        .take()
}

/// Status and kind in one, as the column has it.
fn facet(status: TokenStatus, kind: &str) -> String {
    format!("{}:{kind}", status.as_str())
}

const fn order(descending: bool) -> Order {
    if descending { Order::Desc } else { Order::Asc }
}

/// Rows that come after the one with these values, in the order of these columns.
fn comes_after(
    descending: bool,
    columns: impl IntoIterator<Item = Expr>,
    values: impl IntoIterator<Item = Expr>,
) -> Expr {
    let (columns, values) = (Expr::tuple(columns), Expr::tuple(values));
    if descending {
        columns.lt(values)
    } else {
        columns.gt(values)
    }
}

/// Ends that lie in a span.
fn within(end: &SimpleExpr, span: &Span) -> Condition {
    let from = (span.from > i64::MIN).then(|| end.clone().gte(span.from));
    let to = (span.to < i64::MAX).then(|| end.clone().lt(span.to));
    Condition::all().add_option(from).add_option(to)
}

/// The tokens whose login at the provider begins so.
fn logins(account: AccountId, beginning: &str) -> SelectStatement {
    Query::select()
        .column(git_token::Column::Id)
        .from(git_token::Entity)
        .and_where(git_token::Column::AccountId.eq(account.0))
        .cond_where(begins_with(git_token::Column::LoginKey, beginning))
        .take()
}

/// A text that begins so, as a range of its index. In PostgreSQL that index is in the order of bytes.
fn begins_with(text: impl IntoColumnRef + Clone, beginning: &str) -> Condition {
    let text = Expr::col(text);
    Condition::all()
        .add(text.clone().gte(beginning))
        .add(text.lt(format!("{beginning}\u{10FFFF}")))
}

impl Store {
    /// Where the tokens of a choice stand in its order.
    pub async fn found_tokens(&self, query: &TokenQuery) -> Result<Vec<TokenCursor>, Fault> {
        self.keyed(&query.select()).await
    }

    /// The same without runtimes' own tokens, and without what somebody left behind. Mostly there are few of those, so they are left out of
    /// what was found, rather than each token looked at that might be found; that is done for the rest, if some are left out.
    pub async fn found_of_members(&self, query: &TokenQuery) -> Result<Vec<TokenCursor>, Fault> {
        let found = self.found_tokens(query).await?;
        let of_members: Vec<Uuid> = git_token::Entity::find()
            .select_only()
            .column(git_token::Column::Id)
            .filter(git_token::Column::Id.is_in(found.iter().map(|(_, id)| id.0)))
            .filter(also(git_token::Column::AccountId, query.account.0))
            .filter(aside(git_token::Column::UserId).is_not_null())
            .filter(aside(git_token::Column::UserId).not_in_subquery(former_members(query.account)))
            .into_tuple()
            .all(&self.db)
            .await?;
        let of_members: HashSet<Uuid> = of_members.into_iter().collect();
        let (last, are_all) = (found.last().copied(), (found.len() as u64) < query.limit);
        let mut theirs: Vec<TokenCursor> = found.into_iter().filter(|(_, id)| of_members.contains(&id.0)).collect();
        let wanted = query.limit - theirs.len() as u64;
        if !are_all && wanted > 0 {
            let rest = TokenQuery {
                after: last,
                limit: wanted,
                ..query.clone()
            };
            theirs.extend(self.keyed(&rest.select_those(true)).await?);
        }
        Ok(theirs)
    }

    /// Where OAuth tokens stand in the order in which what refreshes them ends.
    pub async fn found_by_refresh_end(&self, query: &RefreshEndQuery) -> Result<Vec<TokenCursor>, Fault> {
        self.keyed(&query.select()).await
    }

    async fn keyed(&self, query: &SelectStatement) -> Result<Vec<TokenCursor>, Fault> {
        let statement = self.db.get_database_backend().build(query);
        let found = Keyed::find_by_statement(statement).all(&self.db).await?;
        Ok(found
            .into_iter()
            .map(|row| (row.sort_key, GitTokenId(row.id)))
            .collect())
    }

    /// How many tokens of an account with these statuses and ends are runtimes' own, or were left behind by somebody who is no member
    /// any more: there are few of those.
    pub async fn count_of_no_members(&self, query: &TokenQuery) -> Result<u64, Fault> {
        let tokens = |holder: SimpleExpr| {
            git_token::Entity::find()
                .filter(git_token::Column::AccountId.eq(query.account.0))
                .filter(holder)
                .filter(query.any_span())
        };
        let own = tokens(git_token::Column::UserId.is_null());
        let left = tokens(git_token::Column::UserId.in_subquery(former_members(query.account)));
        let (own, left) = tokio::try_join!(own.count(&self.db), left.count(&self.db))?;
        Ok(own + left)
    }

    /// One token of an account as it stands in a list.
    pub async fn listed_token(&self, account: AccountId, id: GitTokenId) -> Result<Option<ListedToken>, Fault> {
        Ok(self.listed_tokens(account, &[(0, id)]).await?.pop())
    }

    /// Tokens that were found, in that order, with what stands beside them. Those that were deleted meanwhile are left out.
    pub async fn listed_tokens(&self, account: AccountId, found: &[TokenCursor]) -> Result<Vec<ListedToken>, Fault> {
        let ids: Vec<Uuid> = found.iter().map(|(_, id)| id.0).collect();
        let rows = git_token::Entity::find()
            .select_only()
            .columns([
                git_token::Column::Id,
                git_token::Column::RuntimeId,
                git_token::Column::UserId,
                git_token::Column::Kind,
                git_token::Column::Fingerprint,
                git_token::Column::Hint,
                git_token::Column::Format,
                git_token::Column::IdentityLogin,
                git_token::Column::Status,
                git_token::Column::EndsAt,
                git_token::Column::CheckedAt,
            ])
            .filter(git_token::Column::Id.is_in(ids.clone()))
            .filter(also(git_token::Column::AccountId, account.0))
            .into_model::<ListedColumns>()
            .all(&self.db)
            .await?;
        let fingerprints = rows.iter().map(|row| row.fingerprint.clone());
        let sharing = git_token::Entity::find()
            .select_only()
            .column(git_token::Column::Fingerprint)
            .column_as(git_token::Column::Id.count(), "sharing")
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(git_token::Column::Fingerprint.is_in(fingerprints))
            .group_by(git_token::Column::Fingerprint)
            .into_tuple::<(Vec<u8>, i64)>();
        let ends = oauth_grant::Entity::find()
            .select_only()
            .column(oauth_grant::Column::GitTokenId)
            .column(oauth_grant::Column::RefreshEndsAt)
            .filter(oauth_grant::Column::GitTokenId.is_in(ids.clone()))
            .into_tuple::<(Uuid, Option<i64>)>();
        let (sharing, ends, uses) = tokio::try_join!(
            async { Ok(sharing.all(&self.db).await?) },
            async { Ok(ends.all(&self.db).await?) },
            self.uses_of(&ids),
        )?;
        let sharing: HashMap<Vec<u8>, i64> = sharing.into_iter().collect();
        let ends: HashMap<Uuid, Option<i64>> = ends.into_iter().collect();
        let mut rows: HashMap<Uuid, ListedColumns> = rows.into_iter().map(|row| (row.id, row)).collect();
        found
            .iter()
            .filter_map(|(key, id)| Some((rows.remove(&id.0)?, key)))
            .map(|(row, key)| {
                Ok(ListedToken {
                    key: *key,
                    sharing: sharing
                        .get(&row.fingerprint)
                        .map_or(1, |count| u64::try_from(*count).unwrap_or(1)),
                    used_at: uses.get(&row.id).copied(),
                    refresh_ends: ends.get(&row.id).copied().flatten().map(Timestamp::from_millis),
                    id: GitTokenId(row.id),
                    runtime: RuntimeId(row.runtime_id),
                    user: row.user_id.map(UserId),
                    oauth: row.kind == "oauth",
                    fingerprint: row.fingerprint,
                    hint: row.hint,
                    format: row.format,
                    login: row.identity_login,
                    status: TokenStatus::from_stored(&row.status)
                        .ok_or_else(|| Fault::Stored(format!("unknown status {:?}", row.status)))?,
                    expiry: match row.ends_at {
                        UNKNOWN_END => Expiry::Unknown,
                        NEVER_END => Expiry::Never,
                        end => Expiry::At(Timestamp::from_millis(end)),
                    },
                    checked_at: Timestamp::from_millis(row.checked_at),
                })
            })
            .collect()
    }

    /// The checks of a token, the newest first.
    pub async fn checks_of(
        &self,
        account: AccountId,
        token: GitTokenId,
        limit: u64,
    ) -> Result<Vec<(Timestamp, CheckOutcome)>, Fault> {
        let rows = check::Entity::find()
            .filter(check::Column::GitTokenId.eq(token.0))
            .filter(check::Column::AccountId.eq(account.0))
            .order_by_desc(check::Column::At)
            .limit(limit)
            .all(&self.db)
            .await?;
        rows.into_iter()
            .map(|row| Ok((Timestamp::from_millis(row.at), from_json(&row.outcome)?)))
            .collect()
    }

    /// Makes tokens due now; gives how many of them there are.
    pub async fn check_these_soon(
        &self,
        account: AccountId,
        tokens: &[GitTokenId],
        now: Timestamp,
    ) -> Result<u64, Fault> {
        let soon = CaseStatement::new()
            .case(
                git_token::Column::NextCheckAt.gt(now.as_millis()),
                Expr::value(now.as_millis()),
            )
            .finally(Expr::col(git_token::Column::NextCheckAt));
        let done = git_token::Entity::update_many()
            .col_expr(git_token::Column::NextCheckAt, soon.into())
            .filter(also(git_token::Column::AccountId, account.0))
            .filter(git_token::Column::Id.is_in(tokens.iter().map(|token| token.0)))
            .exec(&self.db)
            .await?;
        Ok(done.rows_affected)
    }

    /// The people of an account whose name or address has words that begin with all of these; at most `limit`.
    pub async fn people_named(&self, account: AccountId, words: &[String], limit: u64) -> Result<Vec<UserId>, Fault> {
        // The longest word tells most.
        let Some(longest) = words.iter().max_by_key(|word| word.len()) else {
            return Ok(Vec::new());
        };
        let mut query = person_word::Entity::find()
            .select_only()
            .column(person_word::Column::UserId)
            .distinct()
            .filter(begins_with(person_word::Column::Word, longest));
        let in_account = Query::select()
            .expr(Expr::value(1))
            .from(member::Entity)
            .and_where(member::Column::AccountId.eq(account.0))
            .and_where(
                Expr::col((member::Entity, member::Column::UserId))
                    .equals((person_word::Entity, person_word::Column::UserId)),
            )
            .take();
        query = query.filter(Expr::exists(in_account));
        for word in words.iter().filter(|word| *word != longest) {
            let same = Query::select()
                .expr(Expr::value(1))
                .from_as(person_word::Entity, "other")
                .and_where(
                    Expr::col(("other", person_word::Column::UserId))
                        .equals((person_word::Entity, person_word::Column::UserId)),
                )
                .cond_where(begins_with(("other", person_word::Column::Word), word))
                .take();
            query = query.filter(Expr::exists(same));
        }
        let people: Vec<Uuid> = query.limit(limit).into_tuple().all(&self.db).await?;
        Ok(people.into_iter().map(UserId).collect())
    }

    /// Whether more tokens than are looked at have a login that begins so.
    pub async fn too_many_logins(&self, account: AccountId, beginning: &str) -> Result<bool, Fault> {
        let statement = logins(account, beginning).offset(MOST_LOGINS).limit(1).take();
        let statement = self.db.get_database_backend().build(&statement);
        Ok(self.db.query_one_raw(statement).await?.is_some())
    }

    /// Names and addresses of people.
    pub async fn names_of(&self, people: &[UserId]) -> Result<HashMap<UserId, (String, String)>, Fault> {
        let mut names = HashMap::with_capacity(people.len());
        for some in people.chunks(NAMES_AT_ONCE) {
            let rows: Vec<(Uuid, String, String)> = user::Entity::find()
                .select_only()
                .column(user::Column::Id)
                .column(user::Column::Name)
                .column(user::Column::Email)
                .filter(user::Column::Id.is_in(some.iter().map(|person| person.0)))
                .into_tuple()
                .all(&self.db)
                .await?;
            names.extend(rows.into_iter().map(|(id, name, email)| (UserId(id), (name, email))));
        }
        Ok(names)
    }

    /// Who has no token for which runtime, by name.
    pub async fn missing_tokens(&self, query: &MissingQuery) -> Result<Vec<MissingRow>, Fault> {
        let statement = self.db.get_database_backend().build(&query.select());
        let rows = missing_token::Model::find_by_statement(statement).all(&self.db).await?;
        Ok(rows
            .into_iter()
            .map(|row| MissingRow {
                user: UserId(row.user_id),
                runtime: RuntimeId(row.runtime_id),
                name: row.user_name,
            })
            .collect())
    }

    /// The numbers of an account at a moment. Days before it, and those further ahead than anything is shown of, are one day each.
    pub async fn token_counts(&self, account: AccountId, now: Timestamp) -> Result<TokenCounts, Fault> {
        let lines = |table: &mut SelectStatement| {
            table
                .columns(["what", "day", "tokens"])
                .and_where(Expr::col("account_id").eq(account.0))
                .take()
        };
        let mut all = lines(Query::select().from(token_count::Entity));
        all.union(UnionType::All, lines(Query::select().from(token_count_change::Entity)));
        let (today, last) = (now.days(), now.days() + DAYS_AHEAD);
        let (first_special, day) = (UNKNOWN_END.div_euclid(DAY), || Expr::col("day"));
        let day = CaseStatement::new()
            .case(day().eq(0), 0)
            .case(day().lt(today), today - 1)
            .case(day().gt(last).and(day().lt(first_special)), last + 1)
            .finally(day());
        let by_day = Query::select()
            .columns(["what", "tokens"])
            .expr_as(day, "day")
            .from_subquery(all, "lines")
            .take();
        let query = Query::select()
            .columns(["what", "day"])
            .expr_as(Expr::col("tokens").sum().cast_as("bigint"), "tokens")
            .from_subquery(by_day, "by_day")
            .group_by_columns(["what", "day"])
            .take();
        let statement = self.db.get_database_backend().build(&query);
        let lines = Counted::find_by_statement(statement).all(&self.db).await?;
        let mut counts = TokenCounts::default();
        let mut days: HashMap<i64, DayCount> = HashMap::new();
        for Counted { what, day, tokens } in lines {
            let tokens = u64::try_from(tokens).unwrap_or_default();
            let of_day = || DayCount {
                day,
                ..DayCount::default()
            };
            match what.as_str() {
                "missing" => counts.missing = tokens,
                "refresh" => counts.refresh_ends.push((day, tokens)),
                other => match other.strip_prefix("format:") {
                    Some(format) => {
                        counts.formats.insert(format.to_owned(), tokens);
                    }
                    None => add(days.entry(day).or_insert_with(of_day), other, tokens),
                },
            }
        }
        counts.days = days.into_values().collect();
        counts.ended = self.ended_today(account, now).await?;
        Ok(counts)
    }

    /// The tokens that have ended since the day began.
    async fn ended_today(&self, account: AccountId, now: Timestamp) -> Result<DayCount, Fault> {
        let facets = TokenStatus::ALL
            .into_iter()
            .flat_map(|status| KINDS.map(|(_, kind)| facet(status, kind)));
        let rows: Vec<(String, i64)> = git_token::Entity::find()
            .select_only()
            .column(git_token::Column::Facet)
            .column_as(git_token::Column::Id.count(), "tokens")
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(git_token::Column::Facet.is_in(facets))
            .filter(git_token::Column::EndsAt.gte(now.start_of_day().as_millis()))
            .filter(git_token::Column::EndsAt.lte(now.as_millis()))
            .group_by(git_token::Column::Facet)
            .into_tuple()
            .all(&self.db)
            .await?;
        let mut ended = DayCount {
            day: now.days(),
            ..DayCount::default()
        };
        for (facet, tokens) in rows {
            let tokens = u64::try_from(tokens).unwrap_or_default();
            let status = facet.split(':').next().unwrap_or_default();
            let class = match TokenStatus::from_stored(status) {
                Some(TokenStatus::InDoubt) => "in_doubt",
                Some(TokenStatus::Expired) => "expired",
                Some(status) if WORKING.contains(&status) => "working",
                _ => "broken",
            };
            add(&mut ended, class, tokens);
        }
        Ok(ended)
    }

    /// Adds changes of numbers up; gives how many. Several processes may do so at once: each takes lines that no other has.
    pub async fn fold_token_counts(&self) -> Result<u64, Fault> {
        let tx = self.begin().await?;
        let page = token_count_change::Entity::find()
            .select_only()
            .column(token_count_change::Column::Id)
            .order_by_asc(token_count_change::Column::Id)
            .limit(FOLDED_AT_ONCE)
            .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
            .into_query();
        let changes = token_count_change::Entity::delete_many()
            .filter(token_count_change::Column::Id.in_subquery(page))
            .exec_with_returning(&tx)
            .await?;
        let folded = u64::try_from(changes.len()).unwrap_or(u64::MAX);
        // In order, or two processes could wait for each other.
        let mut sums: BTreeMap<(Uuid, String, i64), i64> = BTreeMap::new();
        for change in changes {
            *sums.entry((change.account_id, change.what, change.day)).or_default() += change.tokens;
        }
        for ((account, what, day), tokens) in sums.into_iter().filter(|(_, tokens)| *tokens != 0) {
            let count = token_count::ActiveModel {
                account_id: Set(account),
                what: Set(what),
                day: Set(day),
                tokens: Set(tokens),
            };
            token_count::Entity::insert(count)
                .on_conflict(
                    OnConflict::columns([
                        token_count::Column::AccountId,
                        token_count::Column::What,
                        token_count::Column::Day,
                    ])
                    .value(
                        token_count::Column::Tokens,
                        Expr::col((token_count::Entity, token_count::Column::Tokens)).add(tokens),
                    )
                    .to_owned(),
                )
                .exec_without_returning(&tx)
                .await?;
        }
        tx.commit().await?;
        Ok(folded)
    }
}

fn add(day: &mut DayCount, class: &str, tokens: u64) {
    let count = match class {
        "working" => &mut day.working,
        "in_doubt" => &mut day.in_doubt,
        "expired" => &mut day.told_expired,
        _ => &mut day.broken,
    };
    *count += tokens;
}
