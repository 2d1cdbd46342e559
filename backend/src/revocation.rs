//! Having a provider take back a token that is about to be deleted here.

use crate::{Fault, credentials::Credentials, store::Holding};
use domain::Revocation;

/// What became of the wish to revoke a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revoked {
    /// What became of it.
    pub outcome: Revocation,
    /// The same as sentences, with what is left to do.
    pub words: String,
}

impl Credentials {
    /// The other rows of the account that hold the same token, which stop working with it.
    pub(crate) async fn sharing(&self, holding: &Holding) -> Result<Vec<Holding>, Fault> {
        let mut rows = self.store.holdings_of(holding.account, &holding.fingerprint).await?;
        rows.retain(|row| row.id != holding.id);
        Ok(rows)
    }

    /// Has the provider take a stored token back. It never fails: the row is to be deleted, and the person must learn what is left
    /// to do.
    pub(crate) async fn take_back(&self, holding: &Holding) -> Revoked {
        let outcome = match self.open(holding).await {
            Ok(secret) => self.revoke(holding, &secret).await,
            Err(fault) => {
                tracing::error!(account = %holding.account, token = %holding.id, %fault, "a token to be revoked cannot be opened");
                Revocation::Failed("it cannot be opened here any more".to_owned())
            }
        };
        tracing::info!(account = %holding.account, token = %holding.id, ?outcome, "asked to revoke a token");
        let kind = holding.provider.kind;
        let page = kind.guide(&holding.provider.base_url, &[]).tokens_page;
        Revoked {
            words: outcome.words(kind.name(), &page),
            outcome,
        }
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
