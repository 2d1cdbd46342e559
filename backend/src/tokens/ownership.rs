//! Whose a token is: known by its keyed fingerprint before it is sent anywhere, and by its identity afterwards.

use super::{Foreign, ForeignWhy, Misplaced, Slot, TokenError, Tokens};
use crate::{Fault, store::GitTokenRow};
use domain::{GitIdentity, UserId, provider};

impl Tokens {
    /// Refuses a token that is stored for another person, for a runtime instead of a person or the other way round, or for
    /// another Git provider.
    pub(super) async fn refuse_misplaced(&self, slot: &Slot, fingerprint: &[u8]) -> Result<(), TokenError> {
        for known in self.store.git_tokens_with(slot.account, fingerprint).await? {
            if let Some(misplaced) = self.misplaced(slot, &known).await? {
                tracing::info!(user = %slot.actor, runtime = %slot.runtime.id, known = %known.id, "refused a token that belongs elsewhere");
                return Err(TokenError::Misplaced(misplaced));
            }
        }
        Ok(())
    }

    async fn misplaced(&self, slot: &Slot, known: &GitTokenRow) -> Result<Option<Misplaced>, Fault> {
        let Some(runtime) = self.store.runtime(slot.account, known.runtime).await? else {
            return Ok(None);
        };
        if known.user != slot.user {
            return Ok(Some(match known.user {
                Some(user) => Misplaced::OfPerson {
                    name: self.name(user).await?,
                },
                None => Misplaced::OfRuntime { runtime: runtime.name },
            }));
        }
        if runtime.git_provider == slot.provider.id {
            return Ok(None);
        }
        let Some(stored) = self.store.git_provider(slot.account, runtime.git_provider).await? else {
            return Ok(None);
        };
        // The same provider may be registered twice.
        if (stored.kind, stored.api()) == (slot.provider.kind, slot.provider.api()) {
            return Ok(None);
        }
        Ok(Some(Misplaced::OfProvider {
            stored: provider::host(&stored.base_url),
            wanted: provider::host(&slot.provider.base_url),
        }))
    }

    /// Asks back about a token of an identity that one would not expect here, unless the person confirmed that very one.
    pub(super) async fn refuse_foreign(
        &self,
        slot: &Slot,
        identity: &GitIdentity,
        confirmed: &str,
    ) -> Result<(), TokenError> {
        // Not every provider tells who it is.
        if identity.id.is_empty() || identity.id == confirmed {
            return Ok(());
        }
        let foreign = |why| {
            TokenError::Foreign(Foreign {
                identity: identity.clone(),
                why,
            })
        };
        let holders = self
            .store
            .holders_of_identity(slot.account, slot.provider.id, &identity.id)
            .await?;
        if let Some(other) = holders.into_iter().find(|holder| *holder != slot.user) {
            let why = match (other, slot.user) {
                (None, _) => ForeignWhy::OfRuntimes,
                (Some(other), None) => ForeignWhy::PersonsOwn(self.name(other).await?),
                (Some(other), Some(_)) => ForeignWhy::SharedWith(self.name(other).await?),
            };
            return Err(foreign(why));
        }
        let Some(user) = slot.user else { return Ok(()) };
        let runtimes = self.store.runtimes(slot.account).await?;
        let own = self.store.git_tokens_of(slot.account, user).await?;
        let other = own.into_iter().find(|token| {
            token.runtime != slot.runtime.id
                && !token.identity.id.is_empty()
                && token.identity.id != identity.id
                && runtimes
                    .iter()
                    .any(|runtime| runtime.id == token.runtime && runtime.git_provider == slot.provider.id)
        });
        match other {
            Some(other) => Err(foreign(ForeignWhy::OtherThanOwn(other.identity.login))),
            None => Ok(()),
        }
    }

    async fn name(&self, user: UserId) -> Result<String, Fault> {
        let user = self.store.user(user).await?;
        Ok(user.map_or_else(|| "somebody".to_owned(), |user| user.name))
    }
}
