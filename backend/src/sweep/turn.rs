//! One host's turn: a bounded number of its tokens, a few at a time, for as long as it answers.

use super::{Shared, hosts::Host, notes::SharedTally};
use crate::{
    Fault,
    store::{BackgroundCheck, DueProvider, DueToken},
};
use domain::{
    GitProviderId,
    pace::{Admission, Sign, Wave},
};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::{
    sync::{mpsc::Sender, watch},
    task::JoinSet,
};

/// How many tokens are checked at once at one host.
const AT_ONCE: usize = 4;
/// How many tokens are taken at once. At most so many wait in memory for one host.
const PAGE: u64 = 128;
/// How many tokens are taken in one turn; then the other hosts that wait have theirs.
const TURN: u64 = 512;
/// How long a token is taken for. A page is done by far sooner, and what is not is let go.
const LEASE: Duration = Duration::from_mins(10);
/// How much of the lease must be left for a check to begin: longer than the slowest one.
const LEASE_NEEDED: Duration = Duration::from_mins(2);

/// What a turn works with.
pub(super) struct Turn {
    pub(super) shared: Arc<Shared>,
    pub(super) notes: Sender<BackgroundCheck>,
    pub(super) tally: SharedTally,
    pub(super) stop: watch::Receiver<bool>,
}

/// How a turn ended.
#[derive(Clone, Copy)]
pub(super) struct Over {
    /// The provider whose tokens were taken last.
    pub(super) last: Option<GitProviderId>,
    /// Whether the host may have more due tokens that can be checked now.
    pub(super) goes_on: bool,
}

/// A check that ended.
type Ended = (Wave, Result<(BackgroundCheck, Sign), Fault>);

impl Turn {
    pub(super) async fn run(self, mut host: Host) -> Over {
        let mut waiting = VecDeque::new();
        let mut left = TURN;
        let mut under_way = JoinSet::new();
        loop {
            let begun = self
                .begin_checks(&mut host, &mut waiting, &mut left, &mut under_way)
                .await;
            if let Err(error) = begun {
                tracing::error!(%error, "due tokens could not be taken");
                self.tally.add(|tally| tally.faults += 1);
                host.providers.clear();
            }
            match under_way.join_next().await {
                None => break,
                Some(Ok(ended)) => self.note(&host, ended).await,
                Some(Err(error)) => tracing::error!(%error, "a background check broke off"),
            }
        }
        self.put_back(waiting).await;
        let (admission, _) = self.shared.paces.admission(&host.origin, self.shared.clock.now());
        let may_go_on = !matches!(admission, Admission::NotBefore(_)) && !*self.stop.borrow();
        Over {
            last: host.last,
            goes_on: may_go_on && !host.providers.is_empty(),
        }
    }

    /// Begins as many checks as the host may be asked at once.
    async fn begin_checks(
        &self,
        host: &mut Host,
        waiting: &mut VecDeque<(Arc<DueProvider>, DueToken)>,
        left: &mut u64,
        under_way: &mut JoinSet<Ended>,
    ) -> Result<(), Fault> {
        loop {
            let at_once = self.at_once(host);
            if under_way.len() >= at_once {
                return Ok(());
            }
            if waiting.is_empty() {
                let page = if at_once == 1 { 1 } else { PAGE };
                let page = page.min(*left);
                self.take(host, page, waiting).await?;
                *left -= u64::try_from(waiting.len()).unwrap_or(u64::MAX).min(*left);
                if waiting.is_empty() {
                    return Ok(());
                }
            }
            let Ok(slot) = self.shared.slots.clone().acquire_owned().await else {
                return Ok(());
            };
            // Waiting for the slot may have taken a while.
            if under_way.len() >= self.at_once(host) {
                return Ok(());
            }
            let now = self.shared.clock.now();
            let Some((provider, token)) = waiting.pop_front_if(|(_, token)| now.plus(LEASE_NEEDED) <= token.lease)
            else {
                // The front one is the oldest of its page, so none of the page is left to be checked in time.
                self.put_back(std::mem::take(waiting)).await;
                continue;
            };
            let (_, wave) = self.shared.paces.admission(&host.origin, now);
            let shared = self.shared.clone();
            under_way.spawn(async move {
                let checked = shared.checker.check(&provider, &token).await;
                drop(slot);
                (wave, checked)
            });
        }
    }

    /// How many tokens may be checked at once, as things stand.
    fn at_once(&self, host: &Host) -> usize {
        if *self.stop.borrow() {
            return 0;
        }
        match self.shared.paces.admission(&host.origin, self.shared.clock.now()).0 {
            Admission::Free => AT_ONCE,
            Admission::One => 1,
            Admission::NotBefore(_) => 0,
        }
    }

    /// Takes due tokens of the host's next provider that still has some.
    async fn take(
        &self,
        host: &mut Host,
        page: u64,
        waiting: &mut VecDeque<(Arc<DueProvider>, DueToken)>,
    ) -> Result<(), Fault> {
        if page == 0 {
            return Ok(());
        }
        while let Some(provider) = host.providers.pop_front() {
            let now = self.shared.clock.now();
            let tokens = self
                .shared
                .store
                .take_due_tokens(provider.account, provider.provider.id, now, now.plus(LEASE), page)
                .await?;
            let is_full = u64::try_from(tokens.len()) == Ok(page);
            host.last = Some(provider.provider.id);
            waiting.extend(tokens.into_iter().map(|token| (provider.clone(), token)));
            if is_full {
                host.providers.push_back(provider);
            }
            if !waiting.is_empty() {
                break;
            }
        }
        Ok(())
    }

    async fn note(&self, host: &Host, (wave, checked): Ended) {
        match checked {
            Ok((check, sign)) => {
                let chance = crate::random::chance(self.shared.random.as_ref());
                self.shared.paces.note(&host.origin, wave, sign, check.at, chance);
                // The receiver outlives every turn.
                let _ = self.notes.send(check).await;
            }
            Err(error) => {
                tracing::error!(%error, "a token could not be checked in the background");
                self.tally.add(|tally| tally.faults += 1);
            }
        }
    }

    /// Lets go of tokens that were not checked.
    async fn put_back(&self, tokens: VecDeque<(Arc<DueProvider>, DueToken)>) {
        let Some(lease) = tokens.front().map(|(_, token)| token.lease) else {
            return;
        };
        let ids = tokens.iter().map(|(_, token)| token.id);
        if let Err(error) = self.shared.store.put_back_due_tokens(ids, lease).await {
            // Then their lease runs out.
            tracing::error!(%error, "due tokens could not be put back");
        }
    }
}
