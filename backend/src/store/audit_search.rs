//! Looking through the audit log: by words, by what, by whom, when; a page at a time, in either direction.
//!
//! Every choice has an index that ends with the number of the event, so that a page is read from where the last one ended. Words are
//! looked up one by one: each gives its newest events in the order of their numbers, and what is newest of all of them is the page.
//! So a rare word and a frequent one both cost no more than a page of events, however long the log is.

use super::{
    Store,
    audit::record,
    entities::{audit_event, audit_word},
};
use crate::{
    Fault,
    audit::{Direction, Filter, Record, Who},
};
use domain::{AccountId, Timestamp};
use sea_orm::{
    ColumnTrait, Condition, EntityTrait as _, ExprTrait as _, Order, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
    sea_query::{Expr, Query},
};

/// How many words one term may stand for and still be looked up word by word. What begins so many words is short, and found soon by
/// looking at one event after the other.
const MOST_WORDS: usize = 64;
/// How many events of a word are read at once, and at most.
const CANDIDATES: u64 = 100;
const MOST_CANDIDATES: u64 = 5000;

/// A term that is looked for.
enum Term {
    /// The words that begin with it.
    Words(Vec<String>),
    /// More words than are looked up one by one.
    Beginning(String),
}

impl Store {
    /// Events of an account that a filter leaves, beyond the event of number `beyond`, if one is given; at most `limit`.
    pub async fn search_audit(
        &self,
        account: AccountId,
        filter: &Filter,
        (direction, beyond): (Direction, Option<i64>),
        limit: u64,
    ) -> Result<Vec<Record>, Fault> {
        let span = Span {
            first: self.audit_bound(account, filter.from).await?,
            end: self.audit_bound(account, filter.until).await?,
        };
        let mut terms = Vec::new();
        for term in filter.terms() {
            match self.audit_term(account, term).await? {
                Term::Words(words) if words.is_empty() => return Ok(Vec::new()),
                term => terms.push(term),
            }
        }
        let rarest = terms
            .iter()
            .filter_map(|term| match term {
                Term::Words(words) => Some(words.clone()),
                Term::Beginning(_) => None,
            })
            .min_by_key(Vec::len);
        let mut fitting = chosen(account, filter).filter(span.holds(audit_event::Column::Seq));
        for term in &terms {
            fitting = fitting.filter(has_word(account, term));
        }
        let Some(words) = rarest else {
            let rows = directed(fitting, direction, beyond).limit(limit).all(&self.db).await?;
            return rows.into_iter().map(record).collect();
        };
        let mut found = Vec::new();
        let mut beyond = beyond;
        let mut at_once = CANDIDATES;
        loop {
            let candidates = self
                .audit_candidates(
                    account,
                    &words,
                    span.holds(audit_word::Column::Seq),
                    (direction, beyond),
                    at_once,
                )
                .await?;
            let rows = directed(fitting.clone(), direction, None)
                .filter(audit_event::Column::Seq.is_in(candidates.iter().copied()))
                .limit(limit - u64::try_from(found.len()).unwrap_or(limit))
                .all(&self.db)
                .await?;
            for row in rows {
                found.push(record(row)?);
            }
            let all = u64::try_from(candidates.len()).unwrap_or(u64::MAX) < at_once;
            if all || u64::try_from(found.len()).unwrap_or(u64::MAX) >= limit {
                return Ok(found);
            }
            beyond = candidates.last().copied();
            at_once = std::cmp::min(MOST_CANDIDATES, at_once * 2);
        }
    }

    /// The words of an account that begin with a term, found by leaping from one to the next.
    async fn audit_term(&self, account: AccountId, term: String) -> Result<Term, Fault> {
        let mut words: Vec<String> = Vec::new();
        loop {
            let beginning = audit_word::Column::Word.gte(term.clone());
            let next = audit_word::Entity::find()
                .select_only()
                .column(audit_word::Column::Word)
                .filter(audit_word::Column::AccountId.eq(account.0))
                .filter(match words.last() {
                    Some(last) => audit_word::Column::Word.gt(last.clone()),
                    None => beginning,
                })
                .filter(audit_word::Column::Word.lt(behind(&term)))
                .order_by_asc(audit_word::Column::Word)
                .into_tuple::<String>()
                .one(&self.db)
                .await?;
            match next {
                None => return Ok(Term::Words(words)),
                Some(_) if words.len() == MOST_WORDS => return Ok(Term::Beginning(term)),
                Some(word) => words.push(word),
            }
        }
    }

    /// The first events beyond one that have any of these words, in order.
    async fn audit_candidates(
        &self,
        account: AccountId,
        words: &[String],
        span: Condition,
        (direction, beyond): (Direction, Option<i64>),
        limit: u64,
    ) -> Result<Vec<i64>, Fault> {
        let mut seqs: Vec<i64> = Vec::new();
        for word in words {
            let mut query = audit_word::Entity::find()
                .select_only()
                .column(audit_word::Column::Seq)
                .filter(audit_word::Column::AccountId.eq(account.0))
                .filter(audit_word::Column::Word.eq(word.as_str()))
                .filter(span.clone());
            query = match (direction, beyond) {
                (_, None) => query,
                (Direction::NewestFirst, Some(seq)) => query.filter(audit_word::Column::Seq.lt(seq)),
                (Direction::OldestFirst, Some(seq)) => query.filter(audit_word::Column::Seq.gt(seq)),
            };
            let found = query
                .order_by(audit_word::Column::Seq, order(direction))
                .limit(limit)
                .into_tuple::<i64>()
                .all(&self.db)
                .await?;
            seqs.extend(found);
        }
        seqs.sort_unstable();
        seqs.dedup();
        if direction == Direction::NewestFirst {
            seqs.reverse();
        }
        seqs.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(seqs)
    }

    /// The number of the first event that is not before a moment: moments grow with the numbers.
    async fn audit_bound(&self, account: AccountId, moment: Option<Timestamp>) -> Result<Option<i64>, Fault> {
        let Some(moment) = moment else { return Ok(None) };
        let before = audit_event::Entity::find()
            .select_only()
            .column(audit_event::Column::Seq)
            .filter(audit_event::Column::AccountId.eq(account.0))
            .filter(audit_event::Column::At.lt(moment.as_millis()))
            .order_by_desc(audit_event::Column::At)
            .order_by_desc(audit_event::Column::Seq)
            .into_tuple::<i64>()
            .one(&self.db)
            .await?;
        Ok(Some(before.unwrap_or_default() + 1))
    }
}

/// The numbers of a period: its first event, and the first that is too late.
#[derive(Clone, Copy)]
struct Span {
    first: Option<i64>,
    end: Option<i64>,
}

impl Span {
    fn holds(self, seq: impl ColumnTrait) -> Condition {
        let mut condition = Condition::all();
        if let Some(first) = self.first {
            condition = condition.add(seq.gte(first));
        }
        if let Some(end) = self.end {
            condition = condition.add(seq.lt(end));
        }
        condition
    }
}

fn order(direction: Direction) -> Order {
    match direction {
        Direction::NewestFirst => Order::Desc,
        Direction::OldestFirst => Order::Asc,
    }
}

fn directed(
    query: Select<audit_event::Entity>,
    direction: Direction,
    beyond: Option<i64>,
) -> Select<audit_event::Entity> {
    let query = match (direction, beyond) {
        (_, None) => query,
        (Direction::NewestFirst, Some(seq)) => query.filter(audit_event::Column::Seq.lt(seq)),
        (Direction::OldestFirst, Some(seq)) => query.filter(audit_event::Column::Seq.gt(seq)),
    };
    query.order_by(audit_event::Column::Seq, order(direction))
}

/// The events that a filter leaves but for its words and moments.
fn chosen(account: AccountId, filter: &Filter) -> Select<audit_event::Entity> {
    let mut query = audit_event::Entity::find().filter(audit_event::Column::AccountId.eq(account.0));
    if let Some(group) = filter.group {
        query = query.filter(audit_event::Column::Topic.eq(group.as_str()));
    }
    if let Some(outcome) = filter.outcome {
        query = query.filter(audit_event::Column::Outcome.eq(outcome.as_str()));
    }
    if let Some(runtime) = filter.runtime {
        query = query.filter(audit_event::Column::RuntimeId.eq(runtime.0));
    }
    if let Some(who) = filter.who {
        query = query.filter(audit_event::Column::Actor.eq(who.kind()));
        query = match who {
            Who::Person(id) => query.filter(audit_event::Column::ActorId.eq(id.0)),
            Who::Patchbay | Who::CommandLine | Who::Stranger => query.filter(audit_event::Column::ActorId.is_null()),
        };
    }
    query
}

/// Whether an event has a word that begins with a term.
fn has_word(account: AccountId, term: &Term) -> Condition {
    let words = Query::select()
        .expr(Expr::value(1))
        .from(audit_word::Entity)
        .and_where(audit_word::Column::AccountId.eq(account.0))
        .and_where(
            Expr::col((audit_word::Entity, audit_word::Column::Seq))
                .equals((audit_event::Entity, audit_event::Column::Seq)),
        )
        .cond_where(match term {
            Term::Words(words) => {
                Condition::all().add(audit_word::Column::Word.is_in(words.iter().map(String::as_str)))
            }
            Term::Beginning(term) => Condition::all()
                .add(audit_word::Column::Word.gte(term.as_str()))
                .add(audit_word::Column::Word.lt(behind(term))),
        })
        .to_owned();
    Condition::all().add(Expr::exists(words))
}

/// What is greater than whatever begins with a term.
fn behind(term: &str) -> String {
    format!("{term}\u{10ffff}")
}
