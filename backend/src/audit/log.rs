//! The log as an admin reads it: a page at a time, or all of it as a file.

use super::{Direction, Filter, Record, csv};
use crate::{
    Fault,
    access::{AccessError, Member},
    clock::Clock,
    store::Store,
};
use domain::{AccountId, GitTokenId, RuntimeId, Timestamp, UserId};
use std::sync::Arc;

/// How many events a page shows.
const PAGE: u64 = 50;
/// How many events of a file are in memory at once.
const FILE_PAGE: u64 = 500;

/// What an admin can run into.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// No such event in this account.
    #[error("no such event")]
    NotFound,
    /// Not an admin.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A page of the log.
#[derive(Clone, Debug)]
pub struct AuditPage {
    /// The events, the newest first.
    pub records: Vec<Record>,
    /// The number before which the next page begins; `None` on the last one.
    pub next: Option<i64>,
    /// The members of the account by name, to choose from.
    pub people: Vec<(UserId, String)>,
    /// Its runtimes by name, to choose from.
    pub runtimes: Vec<(RuntimeId, String)>,
    /// The moment for which it is true.
    pub now: Timestamp,
}

/// What a file of events is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A table for spreadsheets.
    Csv,
    /// One JSON object a line, with everything that the chain is verified by.
    JsonLines,
}

/// The service.
#[derive(Clone)]
pub struct AuditLog {
    store: Store,
    clock: Arc<dyn Clock>,
}

impl AuditLog {
    /// Wires the service.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock }
    }

    /// The events that a filter leaves, the newest first, before the event of number `before`.
    pub async fn page(&self, member: &Member, filter: &Filter, before: Option<i64>) -> Result<AuditPage, AuditError> {
        member.require_admin()?;
        let account = member.account();
        let place = (Direction::NewestFirst, before);
        let mut records = self.store.search_audit(account, filter, place, PAGE + 1).await?;
        let more = records.len() as u64 > PAGE;
        records.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
        let runtimes = self.store.runtimes(account).await?;
        Ok(AuditPage {
            next: records.last().filter(|_| more).map(|record| record.seq),
            records,
            people: self.store.audit_people(account).await?,
            runtimes: runtimes.into_iter().map(|row| (row.id, row.name)).collect(),
            now: self.clock.now(),
        })
    }

    /// One event.
    pub async fn event(&self, member: &Member, seq: i64) -> Result<Record, AuditError> {
        member.require_admin()?;
        let found = self.store.audit_event(member.account(), seq).await?;
        found.ok_or(AuditError::NotFound)
    }

    /// What was done with a token, the newest first; at most `limit` events.
    pub async fn of_token(&self, member: &Member, token: GitTokenId, limit: u64) -> Result<Vec<Record>, AuditError> {
        member.require_admin()?;
        Ok(self.store.audit_of_token(member.account(), token, limit).await?)
    }

    /// The events that a filter leaves, as a file.
    pub fn file(&self, member: &Member, filter: Filter, format: Format) -> Result<AuditFile, AuditError> {
        member.require_admin()?;
        Ok(AuditFile::new(self.store.clone(), member.account(), filter, format))
    }
}

/// A file of events, the oldest first, made page by page while it is read.
pub struct AuditFile {
    store: Store,
    account: AccountId,
    filter: Filter,
    format: Format,
    /// The number of the last event that was given; `None` before anything was.
    last: Option<i64>,
}

impl AuditFile {
    /// The events of an account that a filter leaves. Whoever calls this may read them: on the server, `patchbay audit export`.
    #[must_use]
    pub const fn new(store: Store, account: AccountId, filter: Filter, format: Format) -> Self {
        Self {
            store,
            account,
            filter,
            format,
            last: None,
        }
    }

    /// The next part of it; `None` at its end.
    pub async fn next(&mut self) -> Result<Option<String>, Fault> {
        let place = (Direction::OldestFirst, self.last);
        let records = self
            .store
            .search_audit(self.account, &self.filter, place, FILE_PAGE)
            .await?;
        let mut text = String::new();
        if self.last.is_none() && self.format == Format::Csv {
            text.push_str(csv::HEAD);
        }
        for record in &records {
            match self.format {
                Format::Csv => text.push_str(&csv::line(record)),
                Format::JsonLines => {
                    let line = record.json_line().map_err(|error| Fault::Stored(error.to_string()))?;
                    text.push_str(&line);
                }
            }
        }
        self.last = records.last().map(|record| record.seq).or(self.last).or(Some(0));
        Ok((!text.is_empty()).then_some(text))
    }
}
