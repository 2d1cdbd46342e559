//! The runtimes of an account.

use super::{
    Store, audit,
    entities::{access_key, git_token, runtime},
    members::members_of,
};
use crate::{Fault, audit::AuditEvent};
use domain::{AccountId, GitProviderId, GitTokenId, OAuthApplicationId, RuntimeId, Timestamp, UserId};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::{self, Set, Unchanged},
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, LockType, SimpleExpr},
};
use std::collections::HashMap;
use uuid::Uuid;

/// A runtime as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeRow {
    /// Which.
    pub id: RuntimeId,
    /// Its Git provider.
    pub git_provider: GitProviderId,
    /// Its name.
    pub name: String,
    /// Whether its tokens are rotated before they end, where their provider can.
    pub rotate_tokens: bool,
    /// The OAuth application by which people authorise access; without one it takes tokens only.
    pub oauth_application: Option<OAuthApplicationId>,
    /// Who answers for it: whoever registered it. `None`: the admins.
    pub owner: Option<UserId>,
    /// When it was registered.
    pub created_at: Timestamp,
}

impl Store {
    /// Every runtime of an account, by name.
    pub async fn runtimes(&self, account: AccountId) -> Result<Vec<RuntimeRow>, Fault> {
        let rows = runtime::Entity::find()
            .filter(runtime::Column::AccountId.eq(account.0))
            .order_by_asc(runtime::Column::Name)
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(runtime_row).collect())
    }

    /// One runtime of an account.
    pub async fn runtime(&self, account: AccountId, id: RuntimeId) -> Result<Option<RuntimeRow>, Fault> {
        let row = runtime::Entity::find_by_id(id.0)
            .filter(runtime::Column::AccountId.eq(account.0))
            .one(&self.db)
            .await?;
        Ok(row.map(runtime_row))
    }

    /// How many people have a token for each runtime of an account; runtimes without one are left out.
    pub async fn people_with_tokens(&self, account: AccountId) -> Result<HashMap<RuntimeId, u64>, Fault> {
        self.count_people(account, git_token::Column::UserId.is_not_null())
            .await
    }

    /// The same of those who are no members any more, whose tokens were kept.
    pub async fn left_with_tokens(&self, account: AccountId) -> Result<HashMap<RuntimeId, u64>, Fault> {
        let left = git_token::Column::UserId.not_in_subquery(members_of(account));
        self.count_people(account, left).await
    }

    async fn count_people(&self, account: AccountId, which: SimpleExpr) -> Result<HashMap<RuntimeId, u64>, Fault> {
        let rows: Vec<(uuid::Uuid, i64)> = git_token::Entity::find()
            .select_only()
            .column(git_token::Column::RuntimeId)
            .column_as(git_token::Column::Id.count(), "people")
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(which)
            .group_by(git_token::Column::RuntimeId)
            .into_tuple()
            .all(&self.db)
            .await?;
        Ok(rows
            .into_iter()
            .map(|(id, people)| (RuntimeId(id), u64::try_from(people).unwrap_or_default()))
            .collect())
    }

    /// Stores a runtime. [`super::is_taken`] tells that its name is taken, [`super::is_referenced`] that its Git provider is
    /// gone.
    pub async fn create_runtime(&self, account: AccountId, row: RuntimeRow, event: AuditEvent) -> Result<(), Fault> {
        let model = runtime::ActiveModel {
            id: Set(row.id.0),
            account_id: Set(account.0),
            git_provider_id: Set(row.git_provider.0),
            name: Set(row.name),
            rotate_tokens: Set(row.rotate_tokens),
            created_at: Set(row.created_at.as_millis()),
            oauth_application_id: Set(row.oauth_application.map(|id| id.0)),
            owner_id: Set(row.owner.map(|user| user.0)),
        };
        let tx = self.begin().await?;
        model.insert(&tx).await?;
        event.insert(&tx, account).await?;
        Ok(tx.commit().await?)
    }

    /// Changes a runtime. A stored token belongs to its provider: gives `false`, and changes nothing, when the provider would change
    /// while tokens are stored for the runtime, or the runtime is not there.
    pub async fn update_runtime(&self, account: AccountId, row: &RuntimeRow, event: AuditEvent) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        // Locked first, so that no token comes between the look and the change.
        let old = runtime::Entity::find_by_id(row.id.0)
            .filter(runtime::Column::AccountId.eq(account.0))
            .lock(LockType::NoKeyUpdate)
            .one(&tx)
            .await?;
        let tokens = git_token::Entity::find().filter(git_token::Column::RuntimeId.eq(row.id.0));
        let (allowed, stays) = match old {
            Some(ref old) if old.git_provider_id == row.git_provider.0 => (true, true),
            Some(_) => (tokens.one(&tx).await?.is_none(), false),
            None => (false, false),
        };
        if !allowed {
            tx.rollback().await?;
            return Ok(false);
        }
        let model = runtime::ActiveModel {
            id: Unchanged(row.id.0),
            name: Set(row.name.clone()),
            git_provider_id: Set(row.git_provider.0),
            rotate_tokens: Set(row.rotate_tokens),
            owner_id: Set(row.owner.map(|user| user.0)),
            // An OAuth application belongs to its Git provider.
            oauth_application_id: if stays { ActiveValue::NotSet } else { Set(None) },
            ..Default::default()
        };
        model.update(&tx).await?;
        if old.is_some_and(|old| old.rotate_tokens != row.rotate_tokens) {
            // Whether an end is told depends on it.
            git_token::Entity::update_many()
                .col_expr(git_token::Column::NoticeDueAt, Expr::value(0_i64))
                .filter(git_token::Column::RuntimeId.eq(row.id.0))
                .exec(&tx)
                .await?;
        }
        event.insert(&tx, account).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Deletes a runtime with its tokens, their checks, and its access keys. Each token is recorded as `deleted` has it, by its holder and
    /// hint, each access key as `revoked` has it, by its name; `false` if it is not there.
    pub async fn delete_runtime(
        &self,
        account: AccountId,
        id: RuntimeId,
        event: AuditEvent,
        deleted: impl Fn(GitTokenId, Option<UserId>, &str) -> AuditEvent,
        revoked: impl Fn(&str) -> AuditEvent,
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        // Locked, so that no token comes between the look and the deletion.
        runtime::Entity::find_by_id(id.0)
            .filter(runtime::Column::AccountId.eq(account.0))
            .lock(LockType::Update)
            .one(&tx)
            .await?;
        let tokens: Vec<(Uuid, Option<Uuid>, String)> = git_token::Entity::find()
            .select_only()
            .column(git_token::Column::Id)
            .column(git_token::Column::UserId)
            .column(git_token::Column::Hint)
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(git_token::Column::RuntimeId.eq(id.0))
            .into_tuple()
            .all(&tx)
            .await?;
        let keys: Vec<String> = access_key::Entity::find()
            .select_only()
            .column(access_key::Column::Name)
            .filter(access_key::Column::AccountId.eq(account.0))
            .filter(access_key::Column::RuntimeId.eq(id.0))
            .order_by_asc(access_key::Column::Name)
            .into_tuple()
            .all(&tx)
            .await?;
        let done = runtime::Entity::delete_many()
            .filter(runtime::Column::Id.eq(id.0))
            .filter(runtime::Column::AccountId.eq(account.0))
            .exec(&tx)
            .await?;
        if done.rows_affected == 0 {
            tx.rollback().await?;
            return Ok(false);
        }
        let mut events: Vec<AuditEvent> = tokens
            .iter()
            .map(|(token, user, hint)| deleted(GitTokenId(*token), user.map(UserId), hint))
            .chain(keys.iter().map(|key| revoked(key)))
            .collect();
        events.push(event);
        audit::append(&tx, account, events).await?;
        tx.commit().await?;
        Ok(true)
    }
}

pub(super) fn runtime_row(row: runtime::Model) -> RuntimeRow {
    RuntimeRow {
        id: RuntimeId(row.id),
        git_provider: GitProviderId(row.git_provider_id),
        name: row.name,
        rotate_tokens: row.rotate_tokens,
        oauth_application: row.oauth_application_id.map(OAuthApplicationId),
        owner: row.owner_id.map(UserId),
        created_at: Timestamp::from_millis(row.created_at),
    }
}
