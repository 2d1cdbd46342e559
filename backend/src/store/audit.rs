//! What was done in an account: written in the transaction of what it tells of, so that neither is there without the other.

use super::{Store, entities::audit_event};
use crate::Fault;
use domain::{AccountId, GitProviderId, GitTokenId, RuntimeId, Timestamp, UserId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
    QueryOrder as _,
};

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    /// Its id, which grows with time.
    pub id: uuid::Uuid,
    /// When.
    pub at: Timestamp,
    /// Who did it; `None`: Patchbay itself.
    pub actor: Option<UserId>,
    /// What, as `token.stored`.
    pub action: &'static str,
    /// For which runtime.
    pub runtime: Option<RuntimeId>,
    /// At which Git provider.
    pub git_provider: Option<GitProviderId>,
    /// Which token.
    pub token: Option<GitTokenId>,
    /// More, for a person to read. Nothing secret.
    pub detail: String,
}

/// An event as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// When.
    pub at: Timestamp,
    /// Who did it; `None`: Patchbay itself.
    pub actor: Option<UserId>,
    /// What, as `token.stored`.
    pub action: String,
    /// For which runtime.
    pub runtime: Option<RuntimeId>,
    /// More, for a person to read.
    pub detail: String,
}

impl AuditEvent {
    pub(super) async fn insert(self, db: &impl ConnectionTrait, account: AccountId) -> Result<(), Fault> {
        let row = audit_event::ActiveModel {
            id: Set(self.id),
            account_id: Set(account.0),
            at: Set(self.at.as_millis()),
            actor_id: Set(self.actor.map(|user| user.0)),
            action: Set(self.action.to_owned()),
            runtime_id: Set(self.runtime.map(|id| id.0)),
            git_provider_id: Set(self.git_provider.map(|id| id.0)),
            git_token_id: Set(self.token.map(|id| id.0)),
            detail: Set(self.detail),
        };
        audit_event::Entity::insert(row).exec_without_returning(db).await?;
        Ok(())
    }

    /// Ends a transaction: with this record if it `changed` something, as if it had not been otherwise. Gives `changed`.
    pub(super) async fn end(self, tx: DatabaseTransaction, account: AccountId, changed: bool) -> Result<bool, Fault> {
        if changed {
            self.insert(&tx, account).await?;
            tx.commit().await?;
        } else {
            tx.rollback().await?;
        }
        Ok(changed)
    }
}

impl Store {
    /// Records something that changes nothing here.
    pub async fn record(&self, account: AccountId, event: AuditEvent) -> Result<(), Fault> {
        let tx = self.begin().await?;
        event.insert(&tx, account).await?;
        Ok(tx.commit().await?)
    }

    /// What was done in an account, in order.
    pub async fn audit_events(&self, account: AccountId) -> Result<Vec<AuditRow>, Fault> {
        let rows = audit_event::Entity::find()
            .filter(audit_event::Column::AccountId.eq(account.0))
            .order_by_asc(audit_event::Column::At)
            .order_by_asc(audit_event::Column::Id)
            .all(&self.db)
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| AuditRow {
                at: Timestamp::from_millis(row.at),
                actor: row.actor_id.map(UserId),
                action: row.action,
                runtime: row.runtime_id.map(RuntimeId),
                detail: row.detail,
            })
            .collect())
    }
}
