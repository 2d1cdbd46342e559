//! One token for several runtimes of the same Git provider, each authorised on its own.

use super::{At, Slot, TokenError, Tokens, form, sharing::Sharing};
use crate::{Fault, access::Member, audit::Action, store::GitTokenRow};
use domain::{FieldErrors, RuntimeId, view::ShareTarget};

/// How many runtimes one request may name: all of it must be done before it times out.
const MOST_AT_ONCE: usize = 20;

/// What became of one further runtime.
#[derive(Debug)]
pub struct Shared {
    /// The runtime's name.
    pub runtime: String,
    /// Whether the token is stored for it now, or why not.
    pub result: Result<(), TokenError>,
}

impl Tokens {
    /// The other runtimes of the same Git provider that the stored token could serve, by name.
    pub async fn share_targets(&self, member: &Member, at: impl Into<At>) -> Result<Vec<ShareTarget>, TokenError> {
        let slot = self.slot(member, at.into()).await?;
        let token = self.shareable(&slot).await?;
        let runtimes = self.store.runtimes(slot.account).await?;
        let held = self.held(&slot).await?;
        Ok(runtimes
            .into_iter()
            .filter(|runtime| runtime.git_provider == slot.provider.id && runtime.id != slot.runtime.id)
            .map(|runtime| {
                let there = held.iter().find(|held| held.runtime == runtime.id);
                ShareTarget {
                    runtime: runtime.id,
                    name: runtime.name,
                    shares: there.is_some_and(|there| there.fingerprint == token.fingerprint),
                    hint: there.map(|there| there.hint.clone()),
                }
            })
            .collect())
    }

    /// Stores the stored token for further runtimes of the same Git provider too. Each is checked, stored and recorded on its
    /// own: what keeps one from it does not keep the others.
    pub async fn share(
        &self,
        member: &Member,
        at: impl Into<At>,
        targets: &[RuntimeId],
    ) -> Result<Vec<Shared>, TokenError> {
        let at = at.into();
        let slot = self.slot(member, at).await?;
        let token = self.shareable(&slot).await?;
        let mut distinct = Vec::new();
        for target in targets {
            if !distinct.contains(target) {
                distinct.push(*target);
            }
        }
        if distinct.len() > MOST_AT_ONCE {
            return Err(TokenError::Invalid(FieldErrors::one(
                "targets[]",
                format!("Tick at most {MOST_AT_ONCE} at once: each is checked."),
            )));
        }
        let mut done = Vec::new();
        for runtime in distinct {
            let target = match self.slot(member, At { runtime, ..at }).await {
                Ok(target) if target.provider.id == slot.provider.id && runtime != slot.runtime.id => target,
                // Deleted since the page was made, or given another provider: the others are not concerned.
                Ok(_) | Err(TokenError::NotFound) => {
                    done.push(Shared {
                        runtime: "A runtime".to_owned(),
                        result: Err(TokenError::NotFound),
                    });
                    continue;
                }
                Err(error) => return Err(error),
            };
            let result = self.share_with(&slot, &token, &target).await;
            if let Err(TokenError::Fault(fault)) = result {
                return Err(TokenError::Fault(fault));
            }
            done.push(Shared {
                runtime: target.runtime.name,
                result,
            });
        }
        Ok(done)
    }

    async fn share_with(&self, slot: &Slot, token: &GitTokenRow, target: &Slot) -> Result<(), TokenError> {
        if self
            .stored(target)
            .await?
            .is_some_and(|there| there.fingerprint == token.fingerprint)
        {
            return Ok(());
        }
        let secret = self.keys.unseal(&slot.place(token.id), &token.sealed).await?;
        let findings = match self.accepted(target, &secret, token.username.as_deref()).await {
            Ok(findings) => findings,
            Err(error) => return Err(self.not_taken(target, error).await),
        };
        let new = form::NewToken {
            secret,
            username: token.username.clone(),
            ends: token.ends.entered,
            copy_of: Some(token.id),
        };
        let replaced = self.replaced_grant(target).await?;
        self.keep(
            target,
            new,
            token.fingerprint.clone(),
            findings,
            Action::TokenShared,
            None,
        )
        .await?;
        self.take_back(target, replaced).await;
        Ok(())
    }

    /// The stored token, if it may serve more runtimes. An OAuth token may not: two rows that refresh one would lose it.
    async fn shareable(&self, slot: &Slot) -> Result<GitTokenRow, TokenError> {
        let token = self.stored(slot).await?;
        token.filter(|token| !token.oauth).ok_or(TokenError::NotFound)
    }

    /// The runtimes beside this one that the holder's token serves too, by name.
    pub(super) async fn shared(&self, slot: &Slot, token: &GitTokenRow) -> Result<Vec<(RuntimeId, String)>, Fault> {
        let same = self.store.git_tokens_with(slot.account, &token.fingerprint).await?;
        let runtimes = self.store.runtimes(slot.account).await?;
        Ok(Sharing::of(&runtimes, &same).others(token))
    }

    async fn held(&self, slot: &Slot) -> Result<Vec<GitTokenRow>, Fault> {
        match slot.user {
            Some(user) => self.store.git_tokens_of(slot.account, user).await,
            None => self.store.runtime_tokens(slot.account).await,
        }
    }
}
