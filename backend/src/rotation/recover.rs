//! What became of a rotation whose process ended before it did.

use super::{LEASE, PAGE, Rotation};
use crate::{Fault, audit::Actor, store::Holding, sweep::origin};
use domain::{CheckOutcome, Expiry, Refusal, RotationNote, Timestamp};
use std::collections::HashSet;
use tokio::sync::watch;

impl Rotation {
    /// Looks at rotations that were interrupted at least [`LEASE`] before `now`: the stored token is checked, and never rotated
    /// again. Gives how many tokens it is known of what became of them.
    pub async fn recover(&self, now: Timestamp) -> Result<usize, Fault> {
        self.look_at_interrupted(now, &watch::channel(false).1, &mut HashSet::new())
            .await
    }

    /// The same, until `stop` is true. Hosts that do not answer are asked about one token, and noted in `silent`.
    pub(super) async fn look_at_interrupted(
        &self,
        now: Timestamp,
        stop: &watch::Receiver<bool>,
        silent: &mut HashSet<String>,
    ) -> Result<usize, Fault> {
        let mut settled = 0;
        for holding in self.store.interrupted_rotations(now.minus(LEASE), PAGE).await? {
            if *stop.borrow() {
                break;
            }
            let host = origin(&holding.provider);
            let looked = if silent.contains(&host) {
                // Behind the others then, so that these do not fill the page for ever.
                self.take_over(&holding, now).await.map(|_| Settled::Elsewhere)
            } else {
                self.settle(&holding, now).await
            };
            match looked {
                Ok(Settled::Known) => settled += 1,
                Ok(Settled::NotYet) => {
                    silent.insert(host);
                }
                Ok(Settled::Elsewhere) => {}
                Err(fault) => {
                    tracing::error!(account = %holding.account, token = %holding.id, %fault, "an interrupted rotation could not be looked at");
                }
            }
        }
        Ok(settled)
    }

    /// Finds out what became of an interrupted rotation.
    pub(super) async fn settle(&self, holding: &Holding, now: Timestamp) -> Result<Settled, Fault> {
        if !self.take_over(holding, now).await? {
            return Ok(Settled::Elsewhere);
        }
        let (account, token) = (holding.account, holding.id);
        match self.check_all(holding, &holding.fingerprint).await {
            Some(CheckOutcome::Accepted(_)) => {
                tracing::warn!(%account, %token, "a rotation was interrupted; the token was not rotated and works");
                self.end(holding, None, &Actor::Patchbay).await?;
                Ok(Settled::Known)
            }
            Some(CheckOutcome::Refused(refusal)) if has_ended(holding, &refusal, now) => {
                tracing::warn!(%account, %token, "a rotation was interrupted; the token has reached its end, and whether it was rotated cannot be told");
                self.end(holding, None, &Actor::Patchbay).await?;
                Ok(Settled::Known)
            }
            Some(CheckOutcome::Refused(_)) => {
                tracing::error!(%account, %token, "a rotation was interrupted; the new token is lost and the old one refused");
                self.end(holding, Some(&RotationNote::Interrupted), &Actor::Patchbay)
                    .await?;
                Ok(Settled::Known)
            }
            // The mark stays until the provider can be asked.
            Some(CheckOutcome::Unchanged(_)) => Ok(Settled::NotYet),
            None => Ok(Settled::Elsewhere),
        }
    }

    /// Makes the mark this process's own. `false` if there is none, or somebody else was quicker.
    async fn take_over(&self, holding: &Holding, now: Timestamp) -> Result<bool, Fault> {
        let Some(since) = holding.rotating_since else {
            return Ok(false);
        };
        self.store
            .take_over_rotation(holding.account, &holding.fingerprint, since, now)
            .await
    }
}

/// What is known of an interrupted rotation now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    /// What became of it.
    Known,
    /// Nothing: the provider did not tell.
    NotYet,
    /// Nothing: somebody else is at it, or it failed on our side.
    Elsewhere,
}

/// Whether a refusal is owed to the token's own end, which says nothing of a rotation.
fn has_ended(holding: &Holding, refusal: &Refusal, now: Timestamp) -> bool {
    matches!(refusal, Refusal::Expired { .. }) || matches!(holding.expiry, Expiry::At(end) if end <= now)
}

/// Whether a process left this one's mark behind.
pub(super) fn was_left_behind(holding: &Holding, now: Timestamp) -> bool {
    holding.rotating_since.is_some_and(|since| since <= now.minus(LEASE))
}
