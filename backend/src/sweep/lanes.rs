//! The hosts' turns: so many at once, the others in a row.

use super::{
    Shared,
    hosts::{self, Host},
    notes::Notes,
    turn::Turn,
};
use crate::Fault;
use domain::pace::Admission;
use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};
use tokio::{
    sync::watch,
    task::{Id, JoinSet},
};

/// How many hosts have their turn at once. Each holds a page of tokens, so this bounds the memory of a sweep.
const LANES: usize = 32;

/// The hosts that have due tokens.
pub(super) struct Lanes {
    shared: Arc<Shared>,
    notes: Notes,
    stop: watch::Receiver<bool>,
    waiting: VecDeque<Host>,
    turns: JoinSet<Option<Host>>,
    under_way: HashMap<Id, Arc<str>>,
}

impl Lanes {
    pub(super) fn new(shared: Arc<Shared>, stop: watch::Receiver<bool>) -> Self {
        Self {
            notes: Notes::start(shared.store.clone()),
            shared,
            stop,
            waiting: VecDeque::new(),
            turns: JoinSet::new(),
            under_way: HashMap::new(),
        }
    }

    pub(super) fn notes(&self) -> &Notes {
        &self.notes
    }

    /// Looks which hosts have due tokens and may be asked, and lets them have their turns.
    pub(super) async fn refresh(&mut self) -> Result<(), Fault> {
        let now = self.shared.clock.now();
        self.shared.paces.forget_fresh(|origin| self.is_known(origin));
        let due = hosts::by_host(self.shared.store.due_providers(now).await?);
        for host in due {
            let (admission, _) = self.shared.paces.admission(&host.origin, now);
            if !self.is_known(&host.origin) && !matches!(admission, Admission::NotBefore(_)) {
                self.waiting.push_back(host);
            }
        }
        self.start();
        Ok(())
    }

    /// Waits for the end of a turn and lets the next ones begin; `None` when there is no turn.
    pub(super) async fn next(&mut self) -> Option<()> {
        let (id, host) = match self.turns.join_next_with_id().await? {
            Ok((id, host)) => (id, host),
            Err(error) => {
                tracing::error!(%error, "a turn of background checks broke off");
                (error.id(), None)
            }
        };
        self.under_way.remove(&id);
        self.waiting.extend(host);
        self.start();
        Some(())
    }

    /// Waits until nothing is under way and everything is noted.
    pub(super) async fn finish(mut self) -> super::Tally {
        while self.next().await.is_some() {}
        self.notes.finish().await
    }

    fn start(&mut self) {
        while self.turns.len() < LANES && !*self.stop.borrow() {
            let Some(host) = self.waiting.pop_front() else { return };
            let turn = Turn {
                shared: self.shared.clone(),
                notes: self.notes.sender(),
                tally: self.notes.tally().clone(),
                stop: self.stop.clone(),
            };
            let origin = host.origin.clone();
            let id = self.turns.spawn(turn.run(host)).id();
            self.under_way.insert(id, origin);
        }
    }

    fn is_known(&self, origin: &str) -> bool {
        self.under_way.values().any(|busy| **busy == *origin) || self.waiting.iter().any(|host| *host.origin == *origin)
    }
}
