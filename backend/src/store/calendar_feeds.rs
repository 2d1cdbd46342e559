//! The secret links of calendars.

use super::{Store, entities::calendar_feed};
use crate::{Fault, audit::AuditEvent};
use domain::{AccountId, Timestamp, UserId};
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _};

impl Store {
    /// Stores a person's link by its hash, in place of an earlier one.
    pub async fn put_calendar_feed(
        &self,
        (account, user): (AccountId, UserId),
        secret_hash: Vec<u8>,
        now: Timestamp,
        event: AuditEvent,
    ) -> Result<(), Fault> {
        let feed = calendar_feed::ActiveModel {
            account_id: Set(account.0),
            user_id: Set(user.0),
            secret_hash: Set(secret_hash),
            created_at: Set(now.as_millis()),
        };
        let tx = self.begin().await?;
        calendar_feed::Entity::delete_by_id((account.0, user.0))
            .exec(&tx)
            .await?;
        calendar_feed::Entity::insert(feed).exec_without_returning(&tx).await?;
        event.insert(&tx, account).await?;
        Ok(tx.commit().await?)
    }

    /// Deletes a person's link; `false` if there is none.
    pub async fn delete_calendar_feed(
        &self,
        account: AccountId,
        user: UserId,
        event: AuditEvent,
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        let done = calendar_feed::Entity::delete_by_id((account.0, user.0))
            .exec(&tx)
            .await?;
        event.end(tx, account, done.rows_affected == 1).await
    }

    /// When a person's link was made, if there is one.
    pub async fn calendar_feed_of(&self, account: AccountId, user: UserId) -> Result<Option<Timestamp>, Fault> {
        let row = calendar_feed::Entity::find_by_id((account.0, user.0))
            .one(&self.db)
            .await?;
        Ok(row.map(|row| Timestamp::from_millis(row.created_at)))
    }

    /// Whose link this is, and of which account.
    pub async fn calendar_feed_owner(&self, secret_hash: &[u8]) -> Result<Option<(AccountId, UserId)>, Fault> {
        let row = calendar_feed::Entity::find()
            .filter(calendar_feed::Column::SecretHash.eq(secret_hash.to_vec()))
            .one(&self.db)
            .await?;
        Ok(row.map(|row| (AccountId(row.account_id), UserId(row.user_id))))
    }
}
