//! Checks again, in the background: every stored token at least daily, few at a time at each host, in bounded memory.
//!
//! [`Sweep`] looks which hosts have due tokens (`lanes`), and each has its turns (`turn`): it takes a page of tokens by a lease in
//! their rows, checks a few at a time (`check`) and writes what came of it in batches (`notes`). When a token is due again is
//! [`domain::schedule`]'s rule, how often a host is asked is [`domain::pace`]'s.

mod check;
mod hosts;
mod lanes;
mod notes;
mod tally;
mod turn;

pub(crate) use hosts::origin;
pub use tally::Tally;

use crate::{Fault, clock::Clock, egress::Egress, keys::AccountKeys, random::Random, store::Store};
use check::Checker;
use hosts::Paces;
use lanes::Lanes;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, Semaphore, watch},
    time::{Interval, MissedTickBehavior, interval},
};

/// How often it is looked which tokens are due.
const TICK: Duration = Duration::from_secs(15);
/// How many tokens are checked at once in all.
const AT_ONCE: usize = 32;
/// How long the history of a token's checks is kept; the newest stays for ever.
const HISTORY: Duration = Duration::from_hours(24 * 90);
/// How many old checks are deleted at once, at each look.
const PRUNED_AT_ONCE: u64 = 1000;

/// Checks stored tokens without anybody asking. Clones share the pace at which hosts are asked.
#[derive(Clone)]
pub struct Sweep(Arc<Shared>);

/// What all turns share.
struct Shared {
    store: Store,
    checker: Checker,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    paces: Paces,
    slots: Arc<Semaphore>,
    wake: Arc<Notify>,
}

impl Sweep {
    /// Wires the service; nothing runs yet.
    #[must_use]
    pub fn new(
        store: Store,
        keys: AccountKeys,
        egress: Egress,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        let checker = Checker {
            keys,
            egress,
            clock: clock.clone(),
            random: random.clone(),
        };
        Self(Arc::new(Shared {
            store,
            checker,
            clock,
            random,
            paces: Paces::default(),
            slots: Arc::new(Semaphore::new(AT_ONCE)),
            wake: Arc::default(),
        }))
    }

    /// Wakes [`run`](Self::run) to look for what is due at once.
    pub(crate) fn waker(&self) -> Arc<Notify> {
        self.0.wake.clone()
    }

    /// Checks everything that is due and may be asked about now, unless `stop` turns true, and deletes some of the old history.
    /// Gives what was done.
    pub async fn run_once(&self, stop: watch::Receiver<bool>) -> Result<Tally, Fault> {
        let mut lanes = Lanes::new(self.0.clone(), stop);
        let mut looked = lanes.refresh().await;
        while let Some(goes_on) = lanes.next().await {
            if goes_on && looked.is_ok() {
                looked = lanes.refresh().await;
            }
        }
        let tally = lanes.finish().await;
        looked?;
        self.prune().await?;
        Ok(tally)
    }

    /// Checks whatever becomes due, until `stop` turns true, which it never does when its sender is gone. No check begins after that; those under way
    /// are finished and noted first.
    pub async fn run(&self, mut stop: watch::Receiver<bool>) {
        let mut lanes = Lanes::new(self.0.clone(), stop.clone());
        let mut look = interval(TICK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = told(&mut stop) => break,
                () = look_again(&mut look, &self.0.wake) => {
                    lanes.notes().tally().take().log();
                    let looked = match lanes.refresh().await {
                        Ok(()) => self.prune().await,
                        fault => fault,
                    };
                    if let Err(error) = looked {
                        tracing::error!(%error, "could not look for due tokens");
                    }
                }
                Some(goes_on) = lanes.next() => {
                    if goes_on && let Err(error) = lanes.refresh().await {
                        tracing::error!(%error, "could not look for due tokens");
                    }
                }
            }
        }
        lanes.finish().await.log();
    }

    /// Deletes some of the checks that are older than the history goes back.
    async fn prune(&self) -> Result<(), Fault> {
        let before = self.0.clock.now().minus(HISTORY);
        let deleted = self.0.store.prune_checks(before, PRUNED_AT_ONCE).await?;
        if deleted > 0 {
            tracing::info!(deleted, "deleted old checks");
        }
        Ok(())
    }
}

/// Waits until it is time to look, or somebody wants it.
async fn look_again(look: &mut Interval, wake: &Notify) {
    tokio::select! {
        _ = look.tick() => {}
        () = wake.notified() => {}
    }
}

/// Waits until it is told to stop.
async fn told(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|told| *told).await.is_err() {
        std::future::pending::<()>().await;
    }
}
