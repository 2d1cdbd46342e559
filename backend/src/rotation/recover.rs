//! What became of a rotation whose process ended before it did.

use super::{LEASE, PAGE, Rotation};
use crate::{Fault, store::Holding};
use domain::{CheckOutcome, RotationNote, Timestamp};

impl Rotation {
    /// Looks at rotations that were interrupted at least [`LEASE`] before `now`: the stored token is checked, and never rotated
    /// again. Gives how many tokens it is known of what became of them.
    pub async fn recover(&self, now: Timestamp) -> Result<usize, Fault> {
        let mut settled = 0;
        for holding in self.store.interrupted_rotations(now.minus(LEASE), PAGE).await? {
            match self.settle(&holding, now).await {
                Ok(true) => settled += 1,
                Ok(false) => {}
                Err(fault) => {
                    tracing::error!(account = %holding.account, token = %holding.id, %fault, "an interrupted rotation could not be looked at");
                }
            }
        }
        Ok(settled)
    }

    /// Finds out what became of an interrupted rotation. `false` when it cannot be told yet, or somebody else is at it.
    pub(super) async fn settle(&self, holding: &Holding, now: Timestamp) -> Result<bool, Fault> {
        let Some(since) = holding.rotating_since else {
            return Ok(false);
        };
        if !self
            .store
            .take_over_rotation(holding.account, &holding.fingerprint, since, now)
            .await?
        {
            return Ok(false);
        }
        let (account, token) = (holding.account, holding.id);
        match self.check_all(holding, &holding.fingerprint).await {
            Some(CheckOutcome::Accepted(_)) => {
                tracing::warn!(%account, %token, "a rotation was interrupted; the token was not rotated and works");
                self.end(holding, None).await?;
                Ok(true)
            }
            Some(CheckOutcome::Refused(_)) => {
                tracing::error!(%account, %token, "a rotation was interrupted; the new token is lost and the old one refused");
                self.end(holding, Some(&RotationNote::Interrupted)).await?;
                Ok(true)
            }
            // The mark stays until the provider can be asked.
            Some(CheckOutcome::Unchanged(_)) | None => Ok(false),
        }
    }
}

/// Whether a process left this one's mark behind.
pub(super) fn was_left_behind(holding: &Holding, now: Timestamp) -> bool {
    holding.rotating_since.is_some_and(|since| since <= now.minus(LEASE))
}
