//! The scopes that admins chose instead of the defaults.

use super::{
    Store,
    entities::{git_provider, scope_profile},
};
use crate::{Fault, audit::AuditEvent};
use domain::{AccountId, GitProviderId, HolderKind, Scope, ScopeProfile, scope};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _, sea_query::LockType,
};
use std::collections::BTreeMap;

use super::GitProviderRow;

/// What an admin chose for a sort of tokens; `None`: the default again.
#[derive(Clone, Debug)]
pub struct ChosenScopes {
    /// For whose tokens.
    pub holder: HolderKind,
    /// For which sort, by its word.
    pub sort: &'static str,
    /// The scopes.
    pub scopes: Option<Vec<Scope>>,
}

impl Store {
    /// What tokens need at each of these Git providers, which were read before, in their order: for people's tokens, and for
    /// runtime tokens.
    pub async fn scope_profiles(&self, providers: &[GitProviderRow]) -> Result<Vec<[ScopeProfile; 2]>, Fault> {
        let rows = scope_profile::Entity::find()
            .filter(scope_profile::Column::GitProviderId.is_in(providers.iter().map(|provider| provider.id.0)))
            .all(&self.db)
            .await?;
        let profile = |provider: &GitProviderRow, holder: HolderKind| {
            let chosen: BTreeMap<String, Vec<Scope>> = rows
                .iter()
                .filter(|row| row.git_provider_id == provider.id.0 && row.holder == holder.as_str())
                .map(|row| (row.sort.clone(), scope::in_order(&row.scopes)))
                .collect();
            ScopeProfile::new(provider.kind, holder, chosen)
        };
        Ok(providers
            .iter()
            .map(|provider| HolderKind::ALL.map(|holder| profile(provider, holder)))
            .collect())
    }

    /// What tokens of one kind of holder need at a Git provider.
    pub async fn scope_profile(&self, provider: &GitProviderRow, holder: HolderKind) -> Result<ScopeProfile, Fault> {
        let profiles = self.scope_profiles(std::slice::from_ref(provider)).await?;
        let [user, runtime] = profiles
            .into_iter()
            .next()
            .ok_or_else(|| Fault::Stored("no profile".to_owned()))?;
        Ok(match holder {
            HolderKind::User => user,
            HolderKind::Runtime => runtime,
        })
    }

    /// Stores what an admin chose; `false` if the Git provider is not there.
    pub async fn choose_scopes(
        &self,
        account: AccountId,
        provider: GitProviderId,
        chosen: Vec<ChosenScopes>,
        event: AuditEvent,
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        let there = git_provider::Entity::find_by_id(provider.0)
            .filter(git_provider::Column::AccountId.eq(account.0))
            .lock(LockType::NoKeyUpdate)
            .one(&tx)
            .await?;
        if there.is_none() {
            tx.rollback().await?;
            return Ok(false);
        }
        for ChosenScopes { holder, sort, scopes } in chosen {
            scope_profile::Entity::delete_by_id((provider.0, holder.as_str().to_owned(), sort.to_owned()))
                .exec(&tx)
                .await?;
            if let Some(scopes) = scopes {
                let row = scope_profile::ActiveModel {
                    git_provider_id: Set(provider.0),
                    holder: Set(holder.as_str().to_owned()),
                    sort: Set(sort.to_owned()),
                    scopes: Set(scope::joined(&scopes)),
                };
                scope_profile::Entity::insert(row).exec_without_returning(&tx).await?;
            }
        }
        event.insert(&tx, account).await?;
        tx.commit().await?;
        Ok(true)
    }
}
