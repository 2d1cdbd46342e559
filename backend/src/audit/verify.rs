//! Whether a chain is whole, and whether it is still the one that was exported.
//!
//! Who can write into the database can also make a chain anew from where it was changed, or cut its end off: such a chain is whole.
//! What was exported or streamed elsewhere before tells.

use super::{Hash, Record};
use crate::{Fault, store::Store};
use domain::AccountId;
use std::{collections::BTreeMap, io::BufRead};

/// How many events are read at once.
const PAGE: u64 = 1000;
/// How many lines of a file are compared at once.
const LINES: usize = 500;

/// What does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    /// The number of the first event that does not fit, or that is not there.
    pub seq: i64,
    /// Why, as a sentence about it.
    pub why: String,
}

/// What was found of a chain, or of the part of a file that is about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// How many events fit.
    pub events: i64,
    /// The hash of the last of them.
    pub hash: Hash,
    /// The first that does not.
    pub flaw: Option<Flaw>,
}

/// Walks an account's chain from its beginning. What is recorded meanwhile is walked, too.
pub async fn verify(store: &Store, account: AccountId) -> Result<Found, Fault> {
    let mut found = Found {
        events: 0,
        hash: Hash::default(),
        flaw: None,
    };
    loop {
        let page = store.audit_events_after(account, found.events, PAGE).await?;
        for record in &page {
            if let Some(why) = flaw_of(record, &found) {
                found.flaw = Some(why);
                return Ok(found);
            }
            found.events = record.seq;
            found.hash = record.hash;
        }
        if !page.is_empty() {
            continue;
        }
        // An event and the head that tells of it are committed together, so a later look at the head is never behind.
        let head = store.audit_head(account).await?;
        let end = head.map_or(0, |head| head.seq);
        let missing = || Flaw {
            seq: found.events + 1,
            why: format!("is missing: the log had {end} events"),
        };
        found.flaw = match head {
            None => Some(Flaw {
                seq: found.events,
                why: "is the last one, but the end of the log is not noted".to_owned(),
            }),
            Some(head) if head.seq < found.events => Some(Flaw {
                seq: head.seq + 1,
                why: format!("is beyond the end of the log, which has {end} events"),
            }),
            Some(head) if head.seq > found.events => {
                if store
                    .last_audit_event(account)
                    .await?
                    .is_some_and(|last| last > found.events)
                {
                    continue;
                }
                Some(missing())
            }
            Some(head) if head.hash != found.hash => Some(Flaw {
                seq: head.seq,
                why: "has another hash than the end of the log".to_owned(),
            }),
            Some(_) => None,
        };
        return Ok(found);
    }
}

/// Why a record does not follow what was found before it.
fn flaw_of(record: &Record, before: &Found) -> Option<Flaw> {
    let flaw = |seq, why: &str| {
        Some(Flaw {
            seq,
            why: why.to_owned(),
        })
    };
    if record.seq != before.events + 1 {
        return flaw(before.events + 1, "is missing");
    }
    if record.computed() != record.hash {
        return flaw(record.seq, "was changed: its hash does not follow from its fields");
    }
    if record.previous != before.hash {
        return flaw(record.seq, "does not follow the event before it");
    }
    None
}

/// Why a file cannot be compared.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// It cannot be read.
    #[error("cannot be read: {0}")]
    Unreadable(#[from] std::io::Error),
    /// A line is no event.
    #[error("line {0} is no event in JSON")]
    NoEvent(usize),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Compares a file of JSON lines, exported or streamed before, with what is stored: for each account in it, whether every event in
/// the file is there and is the same. With `only`, other accounts' events are passed over.
pub async fn compare(
    store: &Store,
    file: impl BufRead,
    only: Option<AccountId>,
) -> Result<BTreeMap<AccountId, Found>, CompareError> {
    let mut found = BTreeMap::new();
    let mut records: Vec<Record> = Vec::new();
    for (at, line) in file.lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let record: Record = serde_json::from_str(&line).map_err(|_| CompareError::NoEvent(at + 1))?;
        if only.is_some_and(|only| only != record.account) {
            continue;
        }
        records.push(record);
        if records.len() == LINES {
            compare_some(store, &mut records, &mut found).await?;
        }
    }
    compare_some(store, &mut records, &mut found).await?;
    Ok(found)
}

async fn compare_some(
    store: &Store,
    records: &mut Vec<Record>,
    found: &mut BTreeMap<AccountId, Found>,
) -> Result<(), Fault> {
    let mut by_account: BTreeMap<AccountId, Vec<Record>> = BTreeMap::new();
    for record in records.drain(..) {
        by_account.entry(record.account).or_default().push(record);
    }
    for (account, records) in by_account {
        let found = found.entry(account).or_insert(Found {
            events: 0,
            hash: Hash::default(),
            flaw: None,
        });
        let seqs: Vec<i64> = records.iter().map(|record| record.seq).collect();
        let stored: BTreeMap<i64, Hash> = store.audit_hashes(account, &seqs).await?.into_iter().collect();
        for record in records {
            if found.flaw.is_some() {
                break;
            }
            let why = match stored.get(&record.seq) {
                _ if record.computed() != record.hash => "was changed in the file",
                None => "is in the file, and not in the log any more",
                Some(hash) if *hash != record.hash => "is another one in the log than in the file",
                Some(hash) => {
                    found.events += 1;
                    found.hash = *hash;
                    continue;
                }
            };
            found.flaw = Some(Flaw {
                seq: record.seq,
                why: why.to_owned(),
            });
        }
    }
    Ok(())
}
