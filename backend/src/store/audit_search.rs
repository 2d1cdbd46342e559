//! Looking through the audit log: by words, by what, by whom, when; a page at a time, in either direction.
//!
//! Every choice has an index that ends with the number of the event, so that a page is read from where the last one ended. Words are
//! looked up: of rare ones the numbers of all their events are read, of frequent ones the newest of each, and what is newest of all is
//! the page. So both cost no more than that, however long the log is. What begins many words and is in many events is found by looking
//! at one after the other.

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

/// How many events may have what a term stands for, so that their numbers are read at once.
const MOST_SEQS: u64 = 20_000;
/// The same after some were looked at in vain.
const MOST_SEQS_AFTER_ALL: u64 = 250_000;
/// How many words a term may stand for, when they are more, and still be looked up word by word.
const MOST_WORDS: usize = 32;
/// How many events are looked at at once, at first and at most.
const CANDIDATES: u64 = 100;
const MOST_CANDIDATES: u64 = 5000;
/// How many events are looked at for terms that many of them have, before those are looked up after all.
const MOST_LOOKED_AT: usize = 5000;

/// A term that is looked for.
enum Term {
    /// The numbers of the events that have it, in their order.
    Seqs(Vec<i64>),
    /// The few words that begin with it, which many events have.
    Words(Vec<String>),
    /// More events and more words than are looked up.
    Frequent(String),
}

impl Term {
    /// Whether an event has it, as far as the database was not asked.
    fn fits(&self, record: &Record) -> bool {
        match self {
            Self::Words(_) => true,
            Self::Seqs(seqs) => seqs.binary_search(&record.seq).is_ok(),
            Self::Frequent(term) => record.words().iter().any(|word| word.starts_with(term)),
        }
    }

    /// How little is to be looked up for it.
    fn cost(&self) -> usize {
        match self {
            Self::Seqs(seqs) => seqs.len(),
            Self::Words(words) => usize::try_from(MOST_SEQS).unwrap_or(usize::MAX) + words.len(),
            Self::Frequent(_) => usize::MAX,
        }
    }
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
            terms.push(self.audit_term(account, term).await?);
        }
        terms.sort_by_key(Term::cost);
        let mut fitting = chosen(account, filter).filter(span.holds(audit_event::Column::Seq));
        for term in &terms {
            if let Term::Words(words) = term {
                fitting = fitting.filter(has_word(account, words));
            }
        }
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        // What follows in the database alone needs no more than what is wanted.
        let all_asked = terms.iter().all(|term| matches!(term, Term::Words(_))) && !filter.is_rare();
        let mut at_once = if all_asked { limit as u64 } else { CANDIDATES };
        let mut found = Vec::new();
        let mut beyond = beyond;
        let (mut looked_at, mut looked_up) = (0, false);
        loop {
            if looked_at >= MOST_LOOKED_AT && !looked_up {
                // Few of the newest have what is looked for, so those that do are not spread evenly.
                looked_up = true;
                self.look_up_frequent(account, &mut terms).await?;
            }
            let place = (direction, beyond);
            let candidates = match terms.first() {
                Some(Term::Words(words)) => {
                    let within = span.holds(audit_word::Column::Seq);
                    Some(self.audit_candidates(account, words, within, place, at_once).await?)
                }
                Some(Term::Seqs(seqs)) => Some(beyond_of(seqs, place, at_once)),
                Some(Term::Frequent(_)) | None => None,
            };
            let query = match &candidates {
                Some(seqs) => directed(fitting.clone(), direction, None)
                    .filter(audit_event::Column::Seq.is_in(seqs.iter().copied())),
                None => directed(fitting.clone(), direction, beyond).limit(at_once),
            };
            let rows = query.all(&self.db).await?;
            let (seen, last) = match &candidates {
                Some(seqs) => (seqs.len(), seqs.last().copied()),
                None => (rows.len(), rows.last().map(|row| row.seq)),
            };
            for row in rows {
                let record = record(row)?;
                if filter.fits_rarely(&record) && terms.iter().all(|term| term.fits(&record)) {
                    found.push(record);
                }
            }
            if found.len() >= limit || (seen as u64) < at_once {
                found.truncate(limit);
                return Ok(found);
            }
            beyond = last;
            if candidates.is_none() {
                looked_at += seen;
            }
            at_once = (at_once * 2).clamp(CANDIDATES, MOST_CANDIDATES);
        }
    }

    /// What a term stands for in an account.
    async fn audit_term(&self, account: AccountId, term: String) -> Result<Term, Fault> {
        if let Some(seqs) = self.audit_seqs(account, &term, MOST_SEQS).await? {
            return Ok(Term::Seqs(seqs));
        }
        // The words themselves, by leaping from one to the next.
        let words_of = audit_word::Entity::find()
            .select_only()
            .column(audit_word::Column::Word)
            .filter(audit_word::Column::AccountId.eq(account.0))
            .filter(audit_word::Column::Word.lt(behind(&term)))
            .order_by_asc(audit_word::Column::Word);
        let mut words: Vec<String> = Vec::new();
        loop {
            let next = words_of
                .clone()
                .filter(match words.last() {
                    Some(last) => audit_word::Column::Word.gt(last.as_str()),
                    None => audit_word::Column::Word.gte(term.as_str()),
                })
                .into_tuple::<String>()
                .one(&self.db)
                .await?;
            match next {
                None => return Ok(Term::Words(words)),
                Some(_) if words.len() == MOST_WORDS => return Ok(Term::Frequent(term)),
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
            let query = audit_word::Entity::find()
                .select_only()
                .column(audit_word::Column::Seq)
                .filter(audit_word::Column::AccountId.eq(account.0))
                .filter(audit_word::Column::Word.eq(word.as_str()))
                .filter(span.clone());
            let found = nearest(query, (direction, beyond), limit)
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

    /// The numbers of all events that have what a term stands for, in their order; `None` if they are more than `most`.
    async fn audit_seqs(&self, account: AccountId, term: &str, most: u64) -> Result<Option<Vec<i64>>, Fault> {
        let seqs = audit_word::Entity::find()
            .select_only()
            .column(audit_word::Column::Seq)
            .filter(audit_word::Column::AccountId.eq(account.0))
            .filter(audit_word::Column::Word.gte(term))
            .filter(audit_word::Column::Word.lt(behind(term)));
        let more = seqs.clone().offset(most).limit(1).into_tuple::<i64>();
        if more.one(&self.db).await?.is_some() {
            return Ok(None);
        }
        let mut seqs: Vec<i64> = seqs.limit(most).into_tuple().all(&self.db).await?;
        seqs.sort_unstable();
        seqs.dedup();
        Ok(Some(seqs))
    }

    /// Looks up the events of terms that many have, but for those that nearly all have.
    async fn look_up_frequent(&self, account: AccountId, terms: &mut [Term]) -> Result<(), Fault> {
        for term in &mut *terms {
            if let Term::Frequent(word) = term
                && let Some(seqs) = self.audit_seqs(account, word, MOST_SEQS_AFTER_ALL).await?
            {
                *term = Term::Seqs(seqs);
            }
        }
        terms.sort_by_key(Term::cost);
        Ok(())
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

/// The numbers that a query finds, from those next to a place on.
fn nearest(
    query: Select<audit_word::Entity>,
    (direction, beyond): (Direction, Option<i64>),
    limit: u64,
) -> Select<audit_word::Entity> {
    let query = match (direction, beyond) {
        (_, None) => query,
        (Direction::NewestFirst, Some(seq)) => query.filter(audit_word::Column::Seq.lt(seq)),
        (Direction::OldestFirst, Some(seq)) => query.filter(audit_word::Column::Seq.gt(seq)),
    };
    query.order_by(audit_word::Column::Seq, order(direction)).limit(limit)
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
    if let (Some(who), false) = (filter.who, filter.is_rare()) {
        query = query.filter(audit_event::Column::Actor.eq(who.kind()));
        query = match who {
            Who::Person(id) => query.filter(audit_event::Column::ActorId.eq(id.0)),
            Who::Patchbay | Who::CommandLine | Who::AccessKey | Who::Stranger => {
                query.filter(audit_event::Column::ActorId.is_null())
            }
        };
    }
    query
}

/// Whether an event has one of these words.
fn has_word(account: AccountId, words: &[String]) -> Condition {
    let found = Query::select()
        .expr(Expr::value(1))
        .from(audit_word::Entity)
        .and_where(audit_word::Column::AccountId.eq(account.0))
        .and_where(
            Expr::col((audit_word::Entity, audit_word::Column::Seq))
                .equals((audit_event::Entity, audit_event::Column::Seq)),
        )
        .and_where(audit_word::Column::Word.is_in(words.iter().map(String::as_str)))
        .to_owned();
    Condition::all().add(Expr::exists(found))
}

/// The first of these numbers beyond one.
fn beyond_of(seqs: &[i64], (direction, beyond): (Direction, Option<i64>), limit: u64) -> Vec<i64> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    match direction {
        Direction::NewestFirst => {
            let end = beyond.map_or(seqs.len(), |beyond| seqs.partition_point(|seq| *seq < beyond));
            seqs[..end].iter().rev().take(limit).copied().collect()
        }
        Direction::OldestFirst => {
            let start = beyond.map_or(0, |beyond| seqs.partition_point(|seq| *seq <= beyond));
            seqs[start..].iter().take(limit).copied().collect()
        }
    }
}

/// What is greater than whatever begins with a term.
fn behind(term: &str) -> String {
    format!("{term}\u{10ffff}")
}
