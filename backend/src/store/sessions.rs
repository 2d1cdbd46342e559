//! Sessions, the set-up link, and sign-in tries that failed.

use super::{
    Store, audit,
    entities::{session, set_up_link, throttle},
};
use crate::{Fault, audit::AuditEvent};
use domain::{AccountId, Timestamp, UserId};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    sea_query::{Expr, OnConflict},
};

/// A session as stored. Its key is the hash of the cookie's value: who reads the database cannot take it over.
#[derive(Clone, Debug)]
pub struct SessionRow {
    /// SHA-256 of the cookie's value.
    pub token_hash: Vec<u8>,
    /// Who signed in.
    pub user: UserId,
    /// When.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// When it ends, however much it is used.
    pub expires_at: Timestamp,
}

/// Sign-in tries of one subject that failed since the last one that succeeded.
#[derive(Clone, Copy, Debug)]
pub struct ThrottleRow {
    /// How many.
    pub failures: u32,
    /// The last one.
    pub last_failure_at: Timestamp,
}

/// There is at most one set-up link, in this row.
const ONLY_LINK: i32 = 1;

impl Store {
    /// Stores a session, and drops those that have ended; with what is to be recorded of it in which account.
    pub async fn create_session(&self, row: SessionRow, events: Vec<(AccountId, AuditEvent)>) -> Result<(), Fault> {
        let tx = self.begin().await?;
        session::Entity::delete_many()
            .filter(session::Column::ExpiresAt.lte(row.created_at.as_millis()))
            .exec(&tx)
            .await?;
        session::Entity::insert(session_model(row))
            .exec_without_returning(&tx)
            .await?;
        audit::append_everywhere(&tx, events).await?;
        Ok(tx.commit().await?)
    }

    /// The session with this hash, whether or not it has ended.
    pub async fn session(&self, token_hash: &[u8]) -> Result<Option<SessionRow>, Fault> {
        let row = session::Entity::find_by_id(token_hash.to_vec()).one(&self.db).await?;
        Ok(row.map(|row| SessionRow {
            token_hash: row.token_hash,
            user: UserId(row.user_id),
            created_at: Timestamp::from_millis(row.created_at),
            last_seen_at: Timestamp::from_millis(row.last_seen_at),
            expires_at: Timestamp::from_millis(row.expires_at),
        }))
    }

    /// Notes that a session was used.
    pub async fn touch_session(&self, token_hash: &[u8], now: Timestamp) -> Result<(), Fault> {
        session::Entity::update_many()
            .col_expr(session::Column::LastSeenAt, Expr::value(now.as_millis()))
            .filter(session::Column::TokenHash.eq(token_hash.to_vec()))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Ends a session, with what is to be recorded of it in which account.
    pub async fn delete_session(&self, token_hash: &[u8], events: Vec<(AccountId, AuditEvent)>) -> Result<(), Fault> {
        let tx = self.begin().await?;
        let ended = session::Entity::delete_by_id(token_hash.to_vec()).exec(&tx).await?;
        if ended.rows_affected == 1 {
            audit::append_everywhere(&tx, events).await?;
        }
        Ok(tx.commit().await?)
    }

    /// Makes this the only set-up link that leads somewhere.
    pub async fn put_set_up_link(&self, code_hash: &[u8], now: Timestamp) -> Result<(), Fault> {
        let row = set_up_link::ActiveModel {
            id: Set(ONLY_LINK),
            code_hash: Set(code_hash.to_vec()),
            created_at: Set(now.as_millis()),
        };
        set_up_link::Entity::insert(row)
            .on_conflict(
                OnConflict::column(set_up_link::Column::Id)
                    .update_columns([set_up_link::Column::CodeHash, set_up_link::Column::CreatedAt])
                    .to_owned(),
            )
            .exec_without_returning(&self.db)
            .await?;
        Ok(())
    }

    /// The hash of the set-up link's code.
    pub async fn set_up_link(&self) -> Result<Option<Vec<u8>>, Fault> {
        Ok(set_up_link::Entity::find_by_id(ONLY_LINK)
            .one(&self.db)
            .await?
            .map(|row| row.code_hash))
    }

    /// The failed tries of a subject.
    pub async fn throttle(&self, subject: &[u8]) -> Result<Option<ThrottleRow>, Fault> {
        let row = throttle::Entity::find_by_id(subject.to_vec()).one(&self.db).await?;
        Ok(row.map(|row| ThrottleRow {
            failures: u32::try_from(row.failures).unwrap_or_default(),
            last_failure_at: Timestamp::from_millis(row.last_failure_at),
        }))
    }

    /// Counts a failed try of a subject, and forgets subjects that have been quiet since `forget_before`.
    pub async fn count_failure(&self, subject: &[u8], now: Timestamp, forget_before: Timestamp) -> Result<(), Fault> {
        let tx = self.begin().await?;
        throttle::Entity::delete_many()
            .filter(throttle::Column::LastFailureAt.lt(forget_before.as_millis()))
            .exec(&tx)
            .await?;
        let row = throttle::ActiveModel {
            subject: Set(subject.to_vec()),
            failures: Set(1),
            last_failure_at: Set(now.as_millis()),
        };
        throttle::Entity::insert(row)
            .on_conflict(
                OnConflict::column(throttle::Column::Subject)
                    .value(
                        throttle::Column::Failures,
                        Expr::col((throttle::Entity, throttle::Column::Failures)).add(1),
                    )
                    .update_column(throttle::Column::LastFailureAt)
                    .to_owned(),
            )
            .exec_without_returning(&tx)
            .await?;
        Ok(tx.commit().await?)
    }

    /// Forgets the failed tries of a subject.
    pub async fn clear_failures(&self, subject: &[u8]) -> Result<(), Fault> {
        throttle::Entity::delete_by_id(subject.to_vec()).exec(&self.db).await?;
        Ok(())
    }
}

pub(super) fn session_model(row: SessionRow) -> session::ActiveModel {
    session::ActiveModel {
        token_hash: Set(row.token_hash),
        user_id: Set(row.user.0),
        created_at: Set(row.created_at.as_millis()),
        last_seen_at: Set(row.last_seen_at.as_millis()),
        expires_at: Set(row.expires_at.as_millis()),
    }
}
