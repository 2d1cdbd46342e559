//! Checking many tokens again, from an admin's side: they become due at once, and the sweep takes them at its usual pace.

use crate::{
    Fault,
    access::{AccessError, Member},
    audit::{Action, AuditEvent},
    clock::Clock,
    store::Store,
};
use domain::RuntimeId;
use std::sync::Arc;
use tokio::sync::Notify;

/// What an admin can run into.
#[derive(Debug, thiserror::Error)]
pub enum CheckSoonError {
    /// No such runtime in this account.
    #[error("no such runtime")]
    NotFound,
    /// Not an admin.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The service.
#[derive(Clone)]
pub struct CheckSoon {
    store: Store,
    clock: Arc<dyn Clock>,
    sweep: Arc<Notify>,
}

impl CheckSoon {
    /// Wires the service. `sweep` wakes the sweep of this process.
    #[must_use]
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>, sweep: Arc<Notify>) -> Self {
        Self { store, clock, sweep }
    }

    /// Makes the tokens of a runtime, or all of the account, due now; gives how many were not yet.
    pub async fn check_soon(&self, member: &Member, runtime: Option<RuntimeId>) -> Result<u64, CheckSoonError> {
        member.require_admin()?;
        let account = member.account();
        let runtimes = match runtime {
            Some(id) => vec![self.store.runtime(account, id).await?.ok_or(CheckSoonError::NotFound)?],
            None => self.store.runtimes(account).await?,
        };
        let now = self.clock.now();
        let event = AuditEvent::new(member, Action::CheckRequested, now);
        let event = match (runtime, runtimes.as_slice()) {
            (Some(_), [row]) => event.runtime(row.id, &row.name).detail("every token of the runtime"),
            _ => event.detail("every token of the account"),
        };
        self.store.record(account, event).await?;
        let mut changed = 0;
        for runtime in runtimes {
            changed += self.store.check_soon(account, runtime.id, now).await?;
        }
        self.sweep.notify_one();
        tracing::info!(%account, user = %member.user(), ?runtime, tokens = changed, "asked for checks soon");
        Ok(changed)
    }

    /// How many tokens of a runtime, or of the account, wait for their check now, also those that are just being checked.
    pub async fn waiting(&self, member: &Member, runtime: Option<RuntimeId>) -> Result<u64, CheckSoonError> {
        member.require_admin()?;
        let now = self.clock.now();
        Ok(self.store.due_tokens(member.account(), runtime, now).await?)
    }
}
