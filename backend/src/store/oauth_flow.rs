//! Authorisations under way: attempts, by the hash of their state, and tokens that wait for an answer.

use super::{
    Store,
    entities::{oauth_attempt, oauth_question},
};
use crate::{Fault, vault::Sealed};
use domain::{AccountId, OAuthApplicationId, RuntimeId, Timestamp, UserId};
use sea_orm::{
    ActiveModelTrait as _, ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _,
};
use uuid::Uuid;

/// A person on the way to the provider and back.
#[derive(Clone, Debug)]
pub struct OAuthAttemptRow {
    /// SHA-256 of the state.
    pub state_hash: Vec<u8>,
    /// The account.
    pub account: AccountId,
    /// Who.
    pub user: UserId,
    /// The hash of the session in which it began.
    pub session_hash: Vec<u8>,
    /// For which runtime.
    pub runtime: RuntimeId,
    /// By which application.
    pub application: OAuthApplicationId,
    /// The PKCE verifier, sealed, where the provider knows PKCE.
    pub verifier: Option<Sealed>,
    /// Until when it may come back.
    pub expires_at: Timestamp,
}

/// Tokens that were received, and wait for the person to say that they are meant so.
#[derive(Clone, Debug)]
pub struct OAuthQuestionRow {
    /// Which.
    pub id: Uuid,
    /// The account.
    pub account: AccountId,
    /// Whom it asks.
    pub user: UserId,
    /// The hash of the session that it asks in.
    pub session_hash: Vec<u8>,
    /// For which runtime.
    pub runtime: RuntimeId,
    /// By which application.
    pub application: OAuthApplicationId,
    /// The tokens, sealed.
    pub sealed: Sealed,
    /// The Git identity that they belong to.
    pub login: String,
    /// Why that is unexpected, as a sentence.
    pub why: String,
    /// Until when it waits.
    pub expires_at: Timestamp,
}

impl Store {
    /// Stores an attempt, and drops those whose time is over.
    pub async fn begin_oauth_attempt(&self, row: OAuthAttemptRow, now: Timestamp) -> Result<(), Fault> {
        let tx = self.begin().await?;
        oauth_attempt::Entity::delete_many()
            .filter(oauth_attempt::Column::ExpiresAt.lte(now.as_millis()))
            .exec(&tx)
            .await?;
        oauth_attempt::ActiveModel {
            state_hash: Set(row.state_hash),
            account_id: Set(row.account.0),
            user_id: Set(row.user.0),
            session_hash: Set(row.session_hash),
            runtime_id: Set(row.runtime.0),
            oauth_application_id: Set(row.application.0),
            sealed_verifier: Set(row.verifier.map(Sealed::into_bytes)),
            expires_at: Set(row.expires_at.as_millis()),
        }
        .insert(&tx)
        .await?;
        Ok(tx.commit().await?)
    }

    /// Takes an attempt out of the database by the hash of its state: whoever comes second finds none.
    pub async fn take_oauth_attempt(&self, state_hash: &[u8]) -> Result<Option<OAuthAttemptRow>, Fault> {
        let row = oauth_attempt::Entity::find_by_id(state_hash.to_vec())
            .one(&self.db)
            .await?;
        let taken = oauth_attempt::Entity::delete_by_id(state_hash.to_vec())
            .exec(&self.db)
            .await?;
        Ok(row.filter(|_| taken.rows_affected == 1).map(|row| OAuthAttemptRow {
            state_hash: row.state_hash,
            account: AccountId(row.account_id),
            user: UserId(row.user_id),
            session_hash: row.session_hash,
            runtime: RuntimeId(row.runtime_id),
            application: OAuthApplicationId(row.oauth_application_id),
            verifier: row.sealed_verifier.map(Sealed::from),
            expires_at: Timestamp::from_millis(row.expires_at),
        }))
    }

    /// Stores a question in place of an older one about the same place, which it gives back.
    pub async fn ask_oauth_question(&self, row: OAuthQuestionRow) -> Result<Option<OAuthQuestionRow>, Fault> {
        let tx = self.begin().await?;
        let old = oauth_question::Entity::find()
            .filter(oauth_question::Column::UserId.eq(row.user.0))
            .filter(oauth_question::Column::RuntimeId.eq(row.runtime.0))
            .one(&tx)
            .await?;
        if let Some(old) = &old {
            oauth_question::Entity::delete_by_id(old.id).exec(&tx).await?;
        }
        oauth_question::ActiveModel {
            id: Set(row.id),
            account_id: Set(row.account.0),
            user_id: Set(row.user.0),
            session_hash: Set(row.session_hash),
            runtime_id: Set(row.runtime.0),
            oauth_application_id: Set(row.application.0),
            sealed: Set(row.sealed.into_bytes()),
            login: Set(row.login),
            why: Set(row.why),
            expires_at: Set(row.expires_at.as_millis()),
        }
        .insert(&tx)
        .await?;
        tx.commit().await?;
        Ok(old.map(question_row))
    }

    /// The question that a person is asked about a runtime.
    pub async fn oauth_question(
        &self,
        account: AccountId,
        user: UserId,
        runtime: RuntimeId,
    ) -> Result<Option<OAuthQuestionRow>, Fault> {
        let row = oauth_question::Entity::find()
            .filter(oauth_question::Column::AccountId.eq(account.0))
            .filter(oauth_question::Column::UserId.eq(user.0))
            .filter(oauth_question::Column::RuntimeId.eq(runtime.0))
            .one(&self.db)
            .await?;
        Ok(row.map(question_row))
    }

    /// Takes a question out of the database; `false` for whoever comes second.
    pub async fn take_oauth_question(&self, id: Uuid) -> Result<bool, Fault> {
        let done = oauth_question::Entity::delete_by_id(id).exec(&self.db).await?;
        Ok(done.rows_affected == 1)
    }

    /// Up to `limit` questions, of any account, that nobody answered in time.
    pub async fn unanswered_oauth_questions(&self, now: Timestamp, limit: u64) -> Result<Vec<OAuthQuestionRow>, Fault> {
        let rows = oauth_question::Entity::find()
            .filter(oauth_question::Column::ExpiresAt.lte(now.as_millis()))
            .limit(limit)
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(question_row).collect())
    }
}

fn question_row(row: oauth_question::Model) -> OAuthQuestionRow {
    OAuthQuestionRow {
        id: row.id,
        account: AccountId(row.account_id),
        user: UserId(row.user_id),
        session_hash: row.session_hash,
        runtime: RuntimeId(row.runtime_id),
        application: OAuthApplicationId(row.oauth_application_id),
        sealed: Sealed::from(row.sealed),
        login: row.login,
        why: row.why,
        expires_at: Timestamp::from_millis(row.expires_at),
    }
}
