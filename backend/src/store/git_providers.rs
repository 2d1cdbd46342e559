//! The Git providers of an account.

use super::{
    Store,
    entities::{git_provider, git_token, oauth_application, runtime},
};
use crate::{Fault, audit::AuditEvent};
use domain::{AccountId, GitProviderId, ProviderKind, Timestamp};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::{Set, Unchanged},
    ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{LockType, Query},
};

/// A Git provider as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitProviderRow {
    /// Which.
    pub id: GitProviderId,
    /// Its kind.
    pub kind: ProviderKind,
    /// Its name in the account.
    pub name: String,
    /// Its base URL, without a slash at the end.
    pub base_url: String,
    /// Its API base, when it does not follow from the base URL.
    pub api_url: Option<String>,
    /// Whether tokens are taken whose permissions cannot be verified.
    pub allow_unverified: bool,
    /// When it was registered.
    pub created_at: Timestamp,
    /// How many OAuth applications were ever registered for it.
    pub applications_made: u32,
}

impl GitProviderRow {
    /// Where its API is.
    #[must_use]
    pub fn api(&self) -> String {
        self.api_url
            .clone()
            .unwrap_or_else(|| self.kind.api_url(&self.base_url))
    }
}

impl Store {
    /// Every Git provider of an account, by name.
    pub async fn git_providers(&self, account: AccountId) -> Result<Vec<GitProviderRow>, Fault> {
        let rows = git_provider::Entity::find()
            .filter(git_provider::Column::AccountId.eq(account.0))
            .order_by_asc(git_provider::Column::Name)
            .all(&self.db)
            .await?;
        rows.into_iter().map(provider_row).collect()
    }

    /// One Git provider of an account.
    pub async fn git_provider(&self, account: AccountId, id: GitProviderId) -> Result<Option<GitProviderRow>, Fault> {
        let row = git_provider::Entity::find_by_id(id.0)
            .filter(git_provider::Column::AccountId.eq(account.0))
            .one(&self.db)
            .await?;
        row.map(provider_row).transpose()
    }

    /// Stores a Git provider. [`super::is_taken`] tells that its name is taken.
    pub async fn create_git_provider(
        &self,
        account: AccountId,
        row: GitProviderRow,
        event: AuditEvent,
    ) -> Result<(), Fault> {
        let model = git_provider::ActiveModel {
            id: Set(row.id.0),
            account_id: Set(account.0),
            kind: Set(row.kind.as_str().to_owned()),
            name: Set(row.name),
            base_url: Set(row.base_url),
            api_url: Set(row.api_url),
            allow_unverified: Set(row.allow_unverified),
            created_at: Set(row.created_at.as_millis()),
            oauth_applications_made: Set(0),
        };
        let tx = self.begin().await?;
        model.insert(&tx).await?;
        event.insert(&tx, account).await?;
        Ok(tx.commit().await?)
    }

    /// Changes a Git provider's name and addresses. Where its tokens go to must not change under them: gives `false`, and
    /// changes nothing, when the addresses would change while tokens are stored for it, or OAuth applications with their secrets.
    pub async fn update_git_provider(
        &self,
        account: AccountId,
        row: &GitProviderRow,
        event: AuditEvent,
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        // Locked first, so that no token comes between the look and the change.
        let old = git_provider::Entity::find_by_id(row.id.0)
            .filter(git_provider::Column::AccountId.eq(account.0))
            .lock(LockType::NoKeyUpdate)
            .one(&tx)
            .await?;
        let runtimes = Query::select()
            .column(runtime::Column::Id)
            .from(runtime::Entity)
            .and_where(runtime::Column::GitProviderId.eq(row.id.0))
            .to_owned();
        let tokens = git_token::Entity::find().filter(git_token::Column::RuntimeId.in_subquery(runtimes));
        let allowed = match old {
            Some(old) => {
                let applications =
                    oauth_application::Entity::find().filter(oauth_application::Column::GitProviderId.eq(row.id.0));
                (old.base_url == row.base_url && old.api_url == row.api_url)
                    || (tokens.one(&tx).await?.is_none() && applications.one(&tx).await?.is_none())
            }
            None => false,
        };
        if !allowed {
            tx.rollback().await?;
            return Ok(false);
        }
        let model = git_provider::ActiveModel {
            id: Unchanged(row.id.0),
            name: Set(row.name.clone()),
            base_url: Set(row.base_url.clone()),
            api_url: Set(row.api_url.clone()),
            allow_unverified: Set(row.allow_unverified),
            ..Default::default()
        };
        model.update(&tx).await?;
        event.insert(&tx, account).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Deletes a Git provider; `false` if it is not there. [`super::is_referenced`] tells that runtimes use it.
    pub async fn delete_git_provider(
        &self,
        account: AccountId,
        id: GitProviderId,
        event: AuditEvent,
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        let done = git_provider::Entity::delete_many()
            .filter(git_provider::Column::Id.eq(id.0))
            .filter(git_provider::Column::AccountId.eq(account.0))
            .exec(&tx)
            .await?;
        event.end(tx, account, done.rows_affected == 1).await
    }

    /// How many tokens are stored for a Git provider.
    pub async fn tokens_of_git_provider(&self, account: AccountId, id: GitProviderId) -> Result<u64, Fault> {
        let runtimes = Query::select()
            .column(runtime::Column::Id)
            .from(runtime::Entity)
            .and_where(runtime::Column::GitProviderId.eq(id.0))
            .to_owned();
        Ok(git_token::Entity::find()
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(git_token::Column::RuntimeId.in_subquery(runtimes))
            .count(&self.db)
            .await?)
    }

    /// The names of the runtimes that use a Git provider.
    pub async fn runtimes_of_git_provider(&self, account: AccountId, id: GitProviderId) -> Result<Vec<String>, Fault> {
        Ok(runtime::Entity::find()
            .select_only()
            .column(runtime::Column::Name)
            .filter(runtime::Column::AccountId.eq(account.0))
            .filter(runtime::Column::GitProviderId.eq(id.0))
            .order_by_asc(runtime::Column::Name)
            .into_tuple()
            .all(&self.db)
            .await?)
    }
}

pub(super) fn provider_row(row: git_provider::Model) -> Result<GitProviderRow, Fault> {
    Ok(GitProviderRow {
        id: GitProviderId(row.id),
        kind: ProviderKind::from_word(&row.kind)
            .ok_or_else(|| Fault::Stored(format!("unknown provider kind {:?}", row.kind)))?,
        name: row.name,
        base_url: row.base_url,
        api_url: row.api_url,
        allow_unverified: row.allow_unverified,
        created_at: Timestamp::from_millis(row.created_at),
        applications_made: u32::try_from(row.oauth_applications_made).unwrap_or_default(),
    })
}
