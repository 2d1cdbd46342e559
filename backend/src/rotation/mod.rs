//! Changing a token for a new one at its provider, so that none is lost.
//!
//! The provider kills the old token when it answers with the new one, and whoever uses a dead one again loses the whole
//! family. So: one rotation of a token at a time, also across processes, by a mark in every row that holds it; whatever may
//! fail is done before the provider is asked; the new token is stored, in all these rows at once, before anything else; and
//! only then checked. A mark that stays behind tells that a process ended in between: then the stored token is checked, never
//! rotated again. What cannot be closed is the time between the provider's doing and our commit; see SECURITY.md.

mod carry_out;
mod recover;
mod step;

pub use step::{Step, Watch};

use crate::{
    Fault,
    access::{AccessError, Member},
    audit::Actor,
    credentials::Credentials,
    store::{Holding, Store},
    sweep::origin,
    tokens::At,
};
use domain::{
    CheckOutcome, Expiry, GitTokenId, HolderKind, ProviderKind, RotationRefusal, Setback, Timestamp, check::Trouble,
    rotation,
};
use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::sync::{Semaphore, watch};

/// After this time a mark is one that a process left behind: longer than asking, and trying to store, may take.
pub const LEASE: Duration = Duration::from_mins(5);
/// How long the background waits after a refusal, which a person must do something about.
const AFTER_REFUSAL: Duration = Duration::from_hours(24);
/// How long it waits after anything that passes.
const AFTER_TROUBLE: Duration = Duration::from_hours(1);
/// How many tokens one run in the background rotates at most.
const BATCH: usize = 50;
/// How often the background looks for what is due.
const PERIOD: Duration = Duration::from_mins(5);
/// How many rows are read at once.
const PAGE: u64 = 100;
/// How many rotations run at once in this process.
const AT_ONCE: u32 = 16;

/// What came of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RotationOutcome {
    /// The new token is stored. Its check, if that could be made and noted.
    Rotated(Option<CheckOutcome>),
    /// The provider did not do it; the token is what it was.
    Refused(RotationRefusal),
    /// The provider could not be asked; the token is what it was.
    NotAsked(Setback),
    /// The provider was asked, its answer did not arrive, and it refuses the old token: the new one is lost.
    Interrupted,
    /// The provider was asked, its answer did not arrive, and the old token was not refused yet. That is looked at again.
    Unknown {
        /// Why there was no answer.
        trouble: Trouble,
        /// Whether the old token was accepted afterwards; if not, that could not be found out.
        still_works: bool,
    },
}

/// Why a rotation did not begin, or how it broke off.
#[derive(Debug, thiserror::Error)]
pub enum RotationError {
    /// No such runtime, or no token for it, or it was deleted or replaced in the meantime.
    #[error("no such runtime or token")]
    NotFound,
    /// The token is being rotated, or it is not known yet what became of the last time.
    #[error("the token is being rotated")]
    Busy,
    /// The provider refused the token when it was last checked, and would take its use for theft.
    #[error("the token was refused by its last check")]
    LastCheckRefused,
    /// The server is stopping.
    #[error("the server is stopping")]
    Stopping,
    /// Not an admin.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What one run in the background came to, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RotationRun {
    /// Interrupted rotations of which it is known now what became of them.
    pub settled: usize,
    /// Rotated.
    pub rotated: usize,
    /// Tried, and not rotated.
    pub not_rotated: usize,
}

/// The service.
#[derive(Clone)]
pub struct Rotation {
    store: Store,
    credentials: Credentials,
    watch: Arc<dyn Watch>,
    running: Arc<Semaphore>,
    /// Until when the background leaves tokens alone over which we failed ourselves before they were marked. In memory, since what
    /// failed may be the database.
    failed: Arc<Mutex<HashMap<GitTokenId, Timestamp>>>,
}

impl Rotation {
    /// Wires the service.
    pub(crate) fn new(credentials: Credentials) -> Self {
        Self {
            store: credentials.store.clone(),
            credentials,
            watch: Arc::new(step::Nobody),
            running: Arc::new(Semaphore::new(AT_ONCE as usize)),
            failed: Arc::default(),
        }
    }

    /// The same service, whose every step `watch` is told.
    #[must_use]
    pub fn watched(self, watch: Arc<dyn Watch>) -> Self {
        Self { watch, ..self }
    }

    /// Rotates the person's token for a runtime, or as an admin the runtime's. What was begun is brought to its end, also when
    /// the caller goes away.
    pub async fn rotate(&self, member: &Member, at: impl Into<At>) -> Result<RotationOutcome, RotationError> {
        let At { runtime, holder } = at.into();
        let user = match holder {
            HolderKind::User => Some(member.user()),
            HolderKind::Runtime => {
                member.require_admin()?;
                None
            }
        };
        let find = || self.store.holding_of(member.account(), user, runtime);
        let mut holding = find().await?.ok_or(RotationError::NotFound)?;
        if recover::was_left_behind(&holding, self.credentials.now()) {
            self.settle(&holding, self.credentials.now()).await?;
            holding = find().await?.ok_or(RotationError::NotFound)?;
        }
        let outcome = self.in_its_own_task(holding, member.into()).await?;
        tracing::info!(account = %member.account(), user = %member.user(), %runtime, ?outcome, "asked to rotate a token");
        Ok(outcome)
    }

    /// Rotates what is due at `now`: tokens that end soon, of runtimes where that is switched on. Looks first at what was
    /// interrupted. A token that fails keeps no other from its turn, and is tried again later; a host that does not answer is left
    /// alone until the next time. Meant to be called every few minutes.
    pub async fn rotate_due(&self, now: Timestamp) -> Result<RotationRun, Fault> {
        self.rotate_due_until(now, &watch::channel(false).1).await
    }

    /// The same, but no rotation begins once `stop` is true.
    pub async fn rotate_due_until(&self, now: Timestamp, stop: &watch::Receiver<bool>) -> Result<RotationRun, Fault> {
        let mut silent = HashSet::new();
        let mut run = RotationRun {
            settled: self.look_at_interrupted(now, stop, &mut silent).await?,
            ..RotationRun::default()
        };
        self.failed().retain(|_, until| now < *until);
        let kinds: Vec<_> = ProviderKind::ALL
            .iter()
            .copied()
            .filter(|kind| kind.offers(None).rotation)
            .collect();
        let mut last = None;
        loop {
            let window = (now, now.plus(rotation::MARGIN));
            let page = self
                .store
                .rotation_candidates(&kinds, window, last.as_ref(), PAGE)
                .await?;
            for holding in &page {
                let due = matches!(holding.expiry, Expiry::At(end) if rotation::is_due(holding.since, end, now));
                if !due || silent.contains(&origin(&holding.provider)) || self.failed().contains_key(&holding.id) {
                    continue;
                }
                if *stop.borrow() || run.rotated + run.not_rotated >= BATCH {
                    return Ok(run);
                }
                if !self.rotate_one(holding.clone(), now, &mut run).await {
                    silent.insert(origin(&holding.provider));
                }
            }
            match page.into_iter().last() {
                Some(holding) if !*stop.borrow() => last = Some(holding),
                _ => return Ok(run),
            }
        }
    }

    /// `false` when the provider's host did not answer.
    async fn rotate_one(&self, holding: Holding, now: Timestamp, run: &mut RotationRun) -> bool {
        let (account, token) = (holding.account, holding.id);
        match self.in_its_own_task(holding, Actor::Patchbay).await {
            Ok(outcome) => {
                tracing::info!(%account, %token, ?outcome, "rotated a token that was due");
                match outcome {
                    RotationOutcome::Rotated(_) => run.rotated += 1,
                    _ => run.not_rotated += 1,
                }
                // A 403 is about this token, and came without delay.
                !matches!(
                    outcome,
                    RotationOutcome::NotAsked(Setback::Unreachable(_) | Setback::RateLimited { .. })
                        | RotationOutcome::Unknown { .. }
                )
            }
            // Another row of the same token came first, or another process, or the person; or nothing more may begin.
            Err(RotationError::NotFound | RotationError::Busy | RotationError::Stopping) => true,
            Err(error) => {
                tracing::error!(%account, %token, %error, "a token that is due could not be rotated");
                run.not_rotated += 1;
                self.failed().insert(token, now.plus(AFTER_TROUBLE));
                true
            }
        }
    }

    fn failed(&self) -> std::sync::MutexGuard<'_, HashMap<GitTokenId, Timestamp>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rotates what is due, every few minutes, until told to stop. None begins after that; the one under way is finished first.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            match self.rotate_due_until(self.credentials.now(), &stop).await {
                Ok(run) if run != RotationRun::default() => tracing::info!(?run, "rotated what was due"),
                Ok(_) => {}
                Err(fault) => tracing::error!(%fault, "what is due to be rotated could not be found out"),
            }
            tokio::select! {
                () = tokio::time::sleep(PERIOD) => {}
                _ = stop.wait_for(|told| *told) => return,
            }
        }
    }

    /// Waits for the rotations that are under way; none begins from then on. They take up to [`LEASE`] when provider and
    /// database are both slow, and seconds otherwise.
    pub async fn finish(&self) {
        let all = self.running.acquire_many(AT_ONCE).await;
        self.running.close();
        drop(all);
    }

    /// Carries out a rotation in a task of its own, which no caller can cut off.
    async fn in_its_own_task(&self, holding: Holding, actor: Actor) -> Result<RotationOutcome, RotationError> {
        if !rotation::is_possible(holding.status) {
            return Err(RotationError::LastCheckRefused);
        }
        let running = self.running.clone().acquire_owned().await;
        let running = running.map_err(|_| RotationError::Stopping)?;
        let this = self.clone();
        let task = tokio::spawn(async move {
            let outcome = this.carry_out(&holding, &actor).await;
            drop(running);
            outcome
        });
        task.await.map_err(Fault::from)?
    }
}
