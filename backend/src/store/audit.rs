//! What was done in an account: written in the transaction of what it tells of, so that neither is there without the other.

use super::{Store, entities::audit_event};
use crate::{
    Fault,
    audit::{Actor, AuditEvent},
};
use domain::{AccountId, RuntimeId, Timestamp, UserId};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _, QueryFilter as _,
    QueryOrder as _,
};

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
            actor_id: Set(match self.actor {
                Actor::Person { id, .. } => Some(id.0),
                Actor::Patchbay | Actor::CommandLine | Actor::Stranger { .. } => None,
            }),
            action: Set(self.action.as_str().to_owned()),
            runtime_id: Set(self.runtime.map(|(id, _)| id.0)),
            git_provider_id: Set(self.git_provider.map(|(id, _)| id.0)),
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
