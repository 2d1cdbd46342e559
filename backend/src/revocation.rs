//! Having a provider take back a token that is about to be deleted here.

use crate::{
    Fault,
    audit::{Action, Actor, AuditEvent, Outcome},
    clock::Clock,
    credentials::Credentials,
    store::{Holding, Store},
};
use domain::{AccountId, Revocation};
use secrecy::SecretString;

/// What became of the wish to revoke a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// What became of it.
    pub outcome: Revocation,
    /// The same as sentences, with what is left to do.
    pub words: String,
}

impl Revoked {
    /// Nothing was asked of the provider, since that could not be recorded. What it was about is done all the same.
    pub(crate) fn unrecorded(fault: &Fault) -> Self {
        tracing::error!(%fault, "a token was not revoked, since that could not be recorded");
        Self {
            outcome: Revocation::Failed("Patchbay could not record it".to_owned()),
            words: "The token was not revoked at its provider: Patchbay could not record it. Revoke it there."
                .to_owned(),
        }
    }
}

/// Has a provider take a token back, and records that: before it is asked, since it cannot be undone, and when it is known what came
/// of it. Where the first fails, the provider is not asked. `about` is an event about the token; its action is none yet.
pub(crate) async fn recorded(
    (store, clock): (&Store, &dyn Clock),
    account: AccountId,
    about: AuditEvent,
    revoke: impl Future<Output = Revocation>,
) -> Result<Revocation, Fault> {
    let begun = about.clone().then(Action::TokenRevoking, clock.now());
    store.record(account, begun).await?;
    let outcome = revoke.await;
    let ended = match &outcome {
        Revocation::Done => about.then(Action::TokenRevoked, clock.now()),
        Revocation::Told => {
            let told = about.then(Action::TokenRevoked, clock.now());
            let detail = format!("{}: the provider does it in its own time", told.detail);
            told.detail(detail)
        }
        Revocation::AlreadyDead => with_more(about, clock, Outcome::Refused, "it was not accepted any more before"),
        Revocation::NotOffered => with_more(about, clock, Outcome::Refused, "the provider has no way to do that"),
        Revocation::Failed(why) => with_more(about, clock, Outcome::Failed, why),
    };
    if let Err(fault) = store.record(account, ended).await {
        tracing::error!(%account, ?outcome, %fault, "what came of revoking a token could not be recorded");
    }
    Ok(outcome)
}

fn with_more(about: AuditEvent, clock: &dyn Clock, outcome: Outcome, why: &str) -> AuditEvent {
    let detail = format!("{}: {why}", about.detail);
    about
        .then(Action::TokenNotRevoked, clock.now())
        .outcome(outcome)
        .detail(detail)
}

impl Credentials {
    /// The other rows of the account that hold the same token, which stop working with it.
    pub(crate) async fn sharing(&self, holding: &Holding) -> Result<Vec<Holding>, Fault> {
        let mut rows = self.store.holdings_of(holding.account, &holding.fingerprint).await?;
        rows.retain(|row| row.id != holding.id);
        Ok(rows)
    }

    /// Has the provider take a stored token back. It fails only where that cannot be recorded: the row is to be deleted, and the person
    /// must learn what is left to do.
    pub(crate) async fn take_back(&self, holding: &Holding, actor: &Actor) -> Result<Revoked, Fault> {
        let outcome = match self.open(holding).await {
            Ok(secret) => self.revoke_recorded(holding, &secret, actor).await?,
            Err(fault) => {
                tracing::error!(account = %holding.account, token = %holding.id, %fault, "a token to be revoked cannot be opened");
                Revocation::Failed("it cannot be opened here any more".to_owned())
            }
        };
        tracing::info!(account = %holding.account, token = %holding.id, ?outcome, "asked to revoke a token");
        let kind = holding.provider.kind;
        let page = kind.guide(&holding.provider.base_url, &[]).tokens_page;
        Ok(Revoked {
            words: outcome.words(kind.name(), &page),
            outcome,
        })
    }

    /// Has the provider take `secret` back, which is or was that of a stored token, and records it.
    pub(crate) async fn revoke_recorded(
        &self,
        holding: &Holding,
        secret: &SecretString,
        actor: &Actor,
    ) -> Result<Revocation, Fault> {
        let about = self
            .event(holding, actor.clone(), Action::TokenRevoking)
            .detail(holding.hint.clone());
        let asked = self.revoke(holding, secret);
        recorded((&self.store, self.clock.as_ref()), holding.account, about, asked).await
    }

    /// Checks the other rows that hold a token which its provider took back.
    pub(crate) async fn look_at_sharing(&self, holding: &Holding) {
        let looked = async {
            for row in self.sharing(holding).await? {
                self.check(&row).await?;
            }
            Ok::<_, Fault>(())
        };
        if let Err(fault) = looked.await {
            tracing::error!(account = %holding.account, %fault, "what shared a revoked token could not be checked");
        }
    }
}
