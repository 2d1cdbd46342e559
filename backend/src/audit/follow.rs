//! The log as it grows, for whoever collects it elsewhere: committed events as JSON lines, in order, to a file or to standard output.

use super::Record;
use crate::{Fault, store::Store};
use domain::AccountId;
use serde::Deserialize;
use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::{self, BufRead as _, BufReader, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};
use tokio::sync::watch;

/// How often it is looked for new events.
const PERIOD: Duration = Duration::from_secs(1);
/// How many events are written at once.
const PAGE: u64 = 500;

/// Where the events go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sink {
    /// Standard output.
    Stdout,
    /// This file, for its owner alone.
    File(PathBuf),
}

/// What keeps events from being written.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The file, or standard output.
    #[error("the audit log cannot be written to {}: {reason}", .to.display())]
    Sink {
        /// Where to.
        to: PathBuf,
        /// Why not.
        reason: io::Error,
    },
    /// A line of the file is none of the log's.
    #[error("line {line} of {} is no event of the audit log: give it a file of its own", .file.display())]
    NotOurs {
        /// The file.
        file: PathBuf,
        /// The number of the line.
        line: usize,
    },
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Writes events as they are committed.
pub struct Follow {
    store: Store,
    sink: Sink,
    /// The number of the last event of each account that was written.
    written: HashMap<AccountId, i64>,
}

/// What tells how far a line of the file is.
#[derive(Deserialize)]
struct Mark {
    account: AccountId,
    seq: i64,
}

impl Follow {
    /// Begins where the file ends, or on standard output with what comes next. A last line that was not written to its end is
    /// written again.
    pub async fn new(store: Store, sink: Sink) -> Result<Self, FollowError> {
        let written = match &sink {
            Sink::Stdout => {
                let heads = store.audit_heads().await?;
                heads.into_iter().map(|head| (head.account, head.seq)).collect()
            }
            Sink::File(path) => {
                let path = path.clone();
                let read = tokio::task::spawn_blocking(move || written(&path)).await;
                read.map_err(Fault::from)??
            }
        };
        Ok(Self { store, sink, written })
    }

    /// Writes what was committed since, and gives how many events that were.
    pub async fn write(&mut self) -> Result<usize, FollowError> {
        let mut count = 0;
        for head in self.store.audit_heads().await? {
            let mut last = self.written.get(&head.account).copied().unwrap_or_default();
            while last < head.seq {
                let records = self.store.audit_events_after(head.account, last, PAGE).await?;
                let Some(end) = records.last() else { break };
                last = end.seq;
                self.append(&records).await?;
                self.written.insert(head.account, last);
                count += records.len();
            }
        }
        Ok(count)
    }

    async fn append(&self, records: &[Record]) -> Result<(), FollowError> {
        let lines: Result<String, _> = records.iter().map(Record::json_line).collect();
        let lines = lines.map_err(|error| Fault::Stored(error.to_string()))?;
        let sink = self.sink.clone();
        let done = tokio::task::spawn_blocking(move || match sink {
            Sink::Stdout => {
                let mut out = io::stdout().lock();
                let done = out.write_all(lines.as_bytes()).and_then(|()| out.flush());
                done.map_err(|reason| failed(Path::new("standard output"), reason))
            }
            Sink::File(path) => append(&path, lines.as_bytes()).map_err(|reason| failed(&path, reason)),
        });
        done.await.map_err(Fault::from)?
    }

    /// Writes what is committed, every second until `stop`. What fails is tried again.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) -> Self {
        while !*stop.borrow() {
            if let Err(error) = self.write().await {
                tracing::error!(%error, "the audit log could not be written on");
            }
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
        self
    }
}

fn failed(to: &Path, reason: io::Error) -> FollowError {
    FollowError::Sink {
        to: to.to_owned(),
        reason,
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

/// Writes lines at the end of a file: all of them, or none.
fn append(path: &Path, lines: &[u8]) -> io::Result<()> {
    let mut file = open(path)?;
    let before = file.metadata()?.len();
    let done = file.write_all(lines).and_then(|()| file.sync_data());
    if done.is_err() {
        file.set_len(before)?;
    }
    done
}

/// The last event of each account in a file. A last line without an end is cut off.
fn written(path: &Path) -> Result<HashMap<AccountId, i64>, FollowError> {
    let at = |reason| failed(path, reason);
    open(path).map_err(at)?;
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(at)?;
    let mut reader = BufReader::new(&file);
    let mut written = HashMap::new();
    let (mut line, mut number, mut length) = (Vec::new(), 0, 0);
    loop {
        line.clear();
        let read = reader.read_until(b'\n', &mut line).map_err(at)?;
        if line.last() != Some(&b'\n') {
            if read > 0 {
                file.set_len(length).map_err(at)?;
            }
            return Ok(written);
        }
        number += 1;
        length += read as u64;
        let mark: Mark = serde_json::from_slice(&line).map_err(|_| FollowError::NotOurs {
            file: path.to_owned(),
            line: number,
        })?;
        written.insert(mark.account, mark.seq);
    }
}
