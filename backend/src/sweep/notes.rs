//! Writing down what the checks found: in batches, since on SQLite each transaction waits for the disk.

use super::tally::Tally;
use crate::store::{BackgroundCheck, Store};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::{
    sync::mpsc::{Receiver, Sender, channel},
    task::JoinHandle,
};

/// The most checks in one transaction, and the most that wait for it.
const BATCH: usize = 128;

/// Where finished checks go to.
pub(super) struct Notes {
    sender: Sender<BackgroundCheck>,
    writer: JoinHandle<()>,
    tally: SharedTally,
}

/// The numbers so far, counted as checks are noted.
#[derive(Clone, Default)]
pub(super) struct SharedTally(Arc<Mutex<Tally>>);

impl SharedTally {
    pub(super) fn add(&self, change: impl FnOnce(&mut Tally)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The numbers since they were last taken.
    pub(super) fn take(&self) -> Tally {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Notes {
    pub(super) fn start(store: Store) -> Self {
        let (sender, receiver) = channel(BATCH);
        let tally = SharedTally::default();
        let writer = tokio::spawn(write(store, receiver, tally.clone()));
        Self { sender, writer, tally }
    }

    /// Waits when the writer is behind.
    pub(super) fn sender(&self) -> Sender<BackgroundCheck> {
        self.sender.clone()
    }

    pub(super) fn tally(&self) -> &SharedTally {
        &self.tally
    }

    /// Waits until everything is written; gives the numbers since they were last taken. No other sender may be left.
    pub(super) async fn finish(self) -> Tally {
        drop(self.sender);
        if let Err(error) = self.writer.await {
            tracing::error!(%error, "the writer of background checks broke off");
        }
        self.tally.take()
    }
}

async fn write(store: Store, mut receiver: Receiver<BackgroundCheck>, tally: SharedTally) {
    let mut batch = Vec::with_capacity(BATCH);
    while receiver.recv_many(&mut batch, BATCH).await > 0 {
        match store.note_background_checks(&batch).await {
            Ok(noted) => tally.add(|tally| {
                for check in batch.iter().filter(|check| noted.contains(&check.token)) {
                    tally.count(&check.outcome);
                }
            }),
            Err(error) => {
                // Their leases run out, and they are checked again.
                tracing::error!(%error, checks = batch.len(), "background checks could not be noted");
                let lost = u64::try_from(batch.len()).unwrap_or(u64::MAX);
                tally.add(|tally| tally.faults += lost);
            }
        }
        batch.clear();
    }
}
