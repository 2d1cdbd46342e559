//! The hosts' turns: so many at once, the others in a row.

use super::{
    Shared,
    hosts::{self, Host},
    notes::Notes,
    turn::{Over, Turn},
};
use crate::Fault;
use domain::{GitProviderId, pace::Admission};
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
    turns: JoinSet<Over>,
    under_way: HashMap<Id, Arc<str>>,
    /// Which provider of a host came last, so that the next one follows.
    last: HashMap<Arc<str>, GitProviderId>,
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
            last: HashMap::new(),
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
        let mut due: HashMap<Arc<str>, Host> = due.into_iter().map(|host| (host.origin.clone(), host)).collect();
        self.last
            .retain(|origin, _| due.contains_key(origin) || self.under_way.values().any(|busy| busy == origin));
        // Those that wait keep their place, with the providers and profiles of now.
        for waiting in &mut self.waiting {
            if let Some(fresh) = due.remove(&waiting.origin) {
                *waiting = fresh;
            }
        }
        for (origin, host) in due {
            let (admission, _) = self.shared.paces.admission(&origin, now);
            if !self.is_known(&origin) && !matches!(admission, Admission::NotBefore(_)) {
                self.waiting.push_back(host);
            }
        }
        self.start();
        Ok(())
    }

    /// Waits for the end of a turn and lets the next ones begin; `None` when there is no turn. `true` when the host may have more
    /// due tokens that can be checked now: [`refresh`](Self::refresh) gives it its next turn, behind those that wait, with all that
    /// has become due there meanwhile.
    pub(super) async fn next(&mut self) -> Option<bool> {
        let (id, over) = match self.turns.join_next_with_id().await? {
            Ok((id, over)) => (id, Some(over)),
            Err(error) => {
                tracing::error!(%error, "a turn of background checks broke off");
                (error.id(), None)
            }
        };
        let origin = self.under_way.remove(&id);
        if let (Some(origin), Some(last)) = (origin, over.and_then(|over| over.last)) {
            self.last.insert(origin, last);
        }
        self.start();
        Some(over.is_some_and(|over| over.goes_on))
    }

    /// Waits until nothing is under way and everything is noted.
    pub(super) async fn finish(mut self) -> super::Tally {
        while self.next().await.is_some() {}
        self.notes.finish().await
    }

    fn start(&mut self) {
        while self.turns.len() < LANES && !*self.stop.borrow() {
            let Some(mut host) = self.waiting.pop_front() else {
                return;
            };
            host.begin_after(self.last.get(&host.origin).copied());
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
