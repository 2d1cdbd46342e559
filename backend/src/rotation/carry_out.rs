//! One rotation, step by step.

use super::{AFTER_REFUSAL, AFTER_TROUBLE, Rotation, RotationError, RotationOutcome, Step};
use crate::{
    Fault,
    audit::{Action, Actor, Outcome},
    credentials,
    keys::Sealer,
    providers::Rotated,
    store::{Holding, NewValue, Rewritten, Taken},
};
use domain::{
    CheckOutcome, Expiry, RotationNote, RotationRefusal,
    check::Trouble,
    token_format::{self, TokenFormat},
};
use secrecy::{ExposeSecret as _, SecretString};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long a new token is tried to be stored when the database fails.
const KEEP_TRYING: Duration = Duration::from_mins(1);
/// The pause after the first try; it doubles with each, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

impl Rotation {
    pub(super) async fn carry_out(&self, holding: &Holding, actor: &Actor) -> Result<RotationOutcome, RotationError> {
        // All that may fail comes before the provider is asked: keys, the old token, and a commit, which is the mark itself.
        let sealer = self.credentials.keys.sealer(holding.account).await?;
        let old = self.credentials.open(holding).await?;
        self.watch.reached(Step::Prepared).await;
        let now = self.credentials.now();
        let begun = self
            .credentials
            .event(holding, actor.clone(), Action::TokenRotating)
            .detail(holding.hint.clone());
        let taken = self
            .store
            .take_rotation(holding.account, (holding.id, &holding.fingerprint), now, begun);
        match taken.await? {
            Taken::Yes => {}
            Taken::Busy => return Err(RotationError::Busy),
            Taken::Gone => return Err(RotationError::NotFound),
        }
        self.watch.reached(Step::Taken).await;
        match self.credentials.rotate(holding, &old).await {
            Rotated::New { token, expiry } => {
                self.watch.reached(Step::Answered).await;
                self.keep(holding, &sealer, &token, (expiry, actor)).await
            }
            Rotated::Refused(refusal) => {
                if refusal == RotationRefusal::Dead {
                    self.check_all(holding, &holding.fingerprint).await;
                }
                let note = RotationNote::Refused(refusal.clone());
                self.end(holding, Some(&note), actor).await?;
                Ok(RotationOutcome::Refused(refusal))
            }
            Rotated::NotAsked(setback) => {
                let note = RotationNote::NotAsked(setback.clone());
                self.end(holding, Some(&note), actor).await?;
                Ok(RotationOutcome::NotAsked(setback))
            }
            Rotated::Unknown(trouble) => self.look_once(holding, trouble, actor).await,
        }
    }

    /// Stores the new token, whatever happens, and only then checks it.
    async fn keep(
        &self,
        holding: &Holding,
        sealer: &Sealer,
        token: &SecretString,
        (expiry, actor): (Expiry, &Actor),
    ) -> Result<RotationOutcome, RotationError> {
        let hint = token_format::hint(token.expose_secret());
        let new = NewValue {
            event: self
                .credentials
                .event(holding, actor.clone(), Action::TokenRotated)
                .detail(format!("{} by {hint}", holding.hint)),
            fingerprint: sealer.fingerprint(token),
            hint,
            format: TokenFormat::of(token.expose_secret()).map(|format| format.name.to_owned()),
            status: holding.status,
            expiry,
            since: self.credentials.now(),
        };
        match self.store_new(holding, sealer, token, &new).await {
            Ok(Rewritten::Stored) => {}
            Ok(Rewritten::Gone) => {
                // Deleted or replaced meanwhile: nobody wants the new token, so it should not live on unseen.
                let revocation = self.credentials.revoke_recorded(holding, token, actor).await?;
                tracing::warn!(account = %holding.account, token = %holding.id, ?revocation, "a token was deleted while it was rotated");
                return Err(RotationError::NotFound);
            }
            Err(fault) => {
                tracing::error!(account = %holding.account, token = %holding.id, %fault, "the new token could not be stored and is lost");
                return Err(fault.into());
            }
        }
        self.watch.reached(Step::Stored).await;
        let check = self.check_all(holding, &new.fingerprint).await;
        self.watch.reached(Step::Checked).await;
        Ok(RotationOutcome::Rotated(check))
    }

    async fn store_new(
        &self,
        holding: &Holding,
        sealer: &Sealer,
        token: &SecretString,
        new: &NewValue,
    ) -> Result<Rewritten, Fault> {
        let account = holding.account;
        let seal = |id, user| sealer.seal(&credentials::place(account, id, user), token);
        let deadline = Instant::now() + KEEP_TRYING;
        let mut pause = FIRST_PAUSE;
        loop {
            match self.store.rewrite_token(account, &holding.fingerprint, new, seal).await {
                Ok(rewritten) => return Ok(rewritten),
                Err(fault) if Instant::now() + pause >= deadline => return Err(fault),
                Err(fault) => {
                    tracing::error!(%account, token = %holding.id, %fault, "a new token could not be stored: trying again");
                    self.watch.reached(Step::NotStored).await;
                    sleep(pause).await;
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
            }
        }
    }

    /// The answer did not arrive. A refusal of the old token tells that it was rotated. That it still works tells nothing yet:
    /// the provider may be at it, so the mark stays, and [`recover`](Self::recover) looks again.
    async fn look_once(
        &self,
        holding: &Holding,
        trouble: Trouble,
        actor: &Actor,
    ) -> Result<RotationOutcome, RotationError> {
        tracing::error!(account = %holding.account, token = %holding.id, ?trouble, "a provider was asked to rotate a token, and its answer did not arrive");
        match self.check_all(holding, &holding.fingerprint).await {
            Some(CheckOutcome::Refused(_)) => {
                self.end(holding, Some(&RotationNote::Interrupted), actor).await?;
                Ok(RotationOutcome::Interrupted)
            }
            seen @ (Some(CheckOutcome::Accepted(_) | CheckOutcome::Unchanged(_)) | None) => {
                let still_works = matches!(seen, Some(CheckOutcome::Accepted(_)));
                Ok(RotationOutcome::Unknown { trouble, still_works })
            }
        }
    }

    /// Checks every row that holds a token, and gives what the row in question came to, or any other if that has gone.
    pub(super) async fn check_all(&self, holding: &Holding, fingerprint: &[u8]) -> Option<CheckOutcome> {
        let rows = self.store.holdings_of(holding.account, fingerprint).await;
        let rows = rows
            .inspect_err(|fault| tracing::error!(account = %holding.account, %fault, "a token could not be checked"))
            .unwrap_or_default();
        let mut seen = None;
        for row in rows {
            match self.credentials.check(&row).await {
                Ok(outcome) if seen.is_none() || row.id == holding.id => seen = Some(outcome),
                Ok(_) => {}
                Err(fault) => {
                    tracing::error!(account = %row.account, token = %row.id, %fault, "a token could not be checked");
                }
            }
        }
        seen
    }

    /// Ends a rotation that brought no new token.
    pub(super) async fn end(&self, holding: &Holding, note: Option<&RotationNote>, actor: &Actor) -> Result<(), Fault> {
        let pause = match note {
            Some(RotationNote::Refused(_) | RotationNote::Interrupted) => AFTER_REFUSAL,
            Some(RotationNote::NotAsked(_)) | None => AFTER_TROUBLE,
        };
        let retry_at = self.credentials.now().plus(pause);
        let why = match note {
            Some(note) => note.words(holding.provider.kind.name()),
            None => "It was interrupted, and the token is what it was.".to_owned(),
        };
        let outcome = match note {
            Some(RotationNote::Refused(_)) => Outcome::Refused,
            Some(RotationNote::Interrupted | RotationNote::NotAsked(_)) | None => Outcome::Failed,
        };
        let event = self
            .credentials
            .event(holding, actor.clone(), Action::TokenNotRotated)
            .outcome(outcome)
            .detail(format!("{}: {why}", holding.hint));
        self.store
            .end_rotation(holding.account, &holding.fingerprint, note, retry_at, event)
            .await
    }
}
