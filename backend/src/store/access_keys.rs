//! The keys of runtimes, and what was handed out for them.

use super::{
    GitProviderRow, GitTokenRow, RuntimeRow, Store, audit,
    entities::{access_key, git_provider, git_token, handed_token, runtime, token_use},
    git_providers::provider_row,
    git_tokens::token_row,
    runtimes::runtime_row,
};
use crate::{Fault, audit::AuditEvent};
use domain::{AccessKeyId, AccountId, GitTokenId, RuntimeId, Timestamp, UserId};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
    sea_query::{Expr, LockType, OnConflict},
};
use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
    time::Duration,
};
use uuid::Uuid;

/// How many rows are written by one statement.
const AT_ONCE: usize = 1000;
/// A use is noted anew when the one that is known is so old: a runtime that asks every few seconds writes no more for that.
const NOTED_EVERY: Duration = Duration::from_mins(5);
/// For how long a token that a key was handed at an address is not told apart again.
const TOLD_APART_EVERY: Duration = Duration::from_hours(30 * 24);

/// A key as stored. What it is known by stays in the database: a hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccessKeyRow {
    /// Which.
    pub id: AccessKeyId,
    /// Whose account.
    pub account: AccountId,
    /// The runtime whose credentials it opens.
    pub runtime: RuntimeId,
    /// What the admins call it.
    pub name: String,
    /// Who issued it, if that person is still there.
    pub created_by: Option<UserId>,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it was used last.
    pub last_used_at: Option<Timestamp>,
}

/// What became of handing tokens out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handed {
    /// It is recorded; they may go.
    Recorded,
    /// The key was revoked meanwhile.
    Revoked,
    /// A token was deleted, replaced, rotated or refreshed meanwhile, or the runtime or its Git provider changed.
    Changed,
}

/// What is about to be handed out for a key.
#[derive(Debug)]
pub struct HandOver<'a> {
    /// For which.
    pub key: &'a AccessKeyRow,
    /// Its runtime, as it was read.
    pub runtime: &'a RuntimeRow,
    /// The runtime's Git provider, as it was read.
    pub provider: &'a GitProviderRow,
    /// The tokens, each with its fingerprint.
    pub tokens: Vec<(GitTokenId, Vec<u8>)>,
    /// The network address that asks.
    pub from: IpAddr,
    /// When.
    pub now: Timestamp,
}

impl Store {
    /// Stores a key. [`super::is_taken`] tells that the runtime has one of this name, [`super::is_referenced`] that the runtime is gone.
    pub async fn create_access_key(
        &self,
        row: AccessKeyRow,
        secret_hash: Vec<u8>,
        event: AuditEvent,
    ) -> Result<(), Fault> {
        let model = access_key::ActiveModel {
            id: Set(row.id.0),
            account_id: Set(row.account.0),
            runtime_id: Set(row.runtime.0),
            name: Set(row.name),
            secret_hash: Set(secret_hash),
            created_by: Set(row.created_by.map(|user| user.0)),
            created_at: Set(row.created_at.as_millis()),
            last_used_at: Set(row.last_used_at.map(Timestamp::as_millis)),
        };
        let tx = self.begin().await?;
        access_key::Entity::insert(model).exec_without_returning(&tx).await?;
        event.insert(&tx, row.account).await?;
        Ok(tx.commit().await?)
    }

    /// The keys of a runtime, by name.
    pub async fn access_keys(&self, account: AccountId, runtime: RuntimeId) -> Result<Vec<AccessKeyRow>, Fault> {
        let rows = access_key::Entity::find()
            .filter(access_key::Column::RuntimeId.eq(runtime.0))
            .filter(access_key::Column::AccountId.eq(account.0))
            .order_by_asc(access_key::Column::Name)
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(key_row).collect())
    }

    /// How many keys each runtime of an account has; those without one are left out.
    pub async fn access_key_counts(&self, account: AccountId) -> Result<HashMap<RuntimeId, u64>, Fault> {
        let rows: Vec<(Uuid, i64)> = access_key::Entity::find()
            .select_only()
            .column(access_key::Column::RuntimeId)
            .column_as(access_key::Column::Id.count(), "keys")
            .filter(access_key::Column::AccountId.eq(account.0))
            .group_by(access_key::Column::RuntimeId)
            .into_tuple()
            .all(&self.db)
            .await?;
        let count = |(runtime, keys): (Uuid, i64)| (RuntimeId(runtime), u64::try_from(keys).unwrap_or_default());
        Ok(rows.into_iter().map(count).collect())
    }

    /// How many keys each person issued that are still there; who issued none is left out.
    pub async fn access_keys_by_issuer(&self, account: AccountId) -> Result<HashMap<UserId, u64>, Fault> {
        let rows: Vec<(Uuid, i64)> = access_key::Entity::find()
            .select_only()
            .column(access_key::Column::CreatedBy)
            .column_as(access_key::Column::Id.count(), "keys")
            .filter(access_key::Column::AccountId.eq(account.0))
            .filter(access_key::Column::CreatedBy.is_not_null())
            .group_by(access_key::Column::CreatedBy)
            .into_tuple()
            .all(&self.db)
            .await?;
        let count = |(issuer, keys): (Uuid, i64)| (UserId(issuer), u64::try_from(keys).unwrap_or_default());
        Ok(rows.into_iter().map(count).collect())
    }

    /// The keys that somebody issued, by runtime and name.
    pub async fn access_keys_by(&self, account: AccountId, issuer: UserId) -> Result<Vec<AccessKeyRow>, Fault> {
        let rows = access_key::Entity::find()
            .filter(access_key::Column::AccountId.eq(account.0))
            .filter(access_key::Column::CreatedBy.eq(issuer.0))
            .order_by_asc(access_key::Column::RuntimeId)
            .order_by_asc(access_key::Column::Name)
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(key_row).collect())
    }

    /// One key of an account.
    pub async fn access_key(&self, account: AccountId, id: AccessKeyId) -> Result<Option<AccessKeyRow>, Fault> {
        let row = access_key::Entity::find_by_id(id.0)
            .filter(access_key::Column::AccountId.eq(account.0))
            .one(&self.db)
            .await?;
        Ok(row.map(key_row))
    }

    /// The key with this hash.
    pub async fn access_key_with(&self, secret_hash: &[u8]) -> Result<Option<AccessKeyRow>, Fault> {
        let row = access_key::Entity::find()
            .filter(access_key::Column::SecretHash.eq(secret_hash.to_vec()))
            .one(&self.db)
            .await?;
        Ok(row.map(key_row))
    }

    /// Deletes a key; `false` if it is not there.
    pub async fn delete_access_key(
        &self,
        account: AccountId,
        id: AccessKeyId,
        event: AuditEvent,
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        let done = access_key::Entity::delete_many()
            .filter(access_key::Column::Id.eq(id.0))
            .filter(access_key::Column::AccountId.eq(account.0))
            .exec(&tx)
            .await?;
        event.end(tx, account, done.rows_affected == 1).await
    }

    /// The tokens of a runtime: its own, and those of people.
    pub async fn tokens_for(&self, account: AccountId, runtime: RuntimeId) -> Result<Vec<GitTokenRow>, Fault> {
        let rows = git_token::Entity::find()
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(git_token::Column::RuntimeId.eq(runtime.0))
            .order_by_asc(git_token::Column::Id)
            .all(&self.db)
            .await?;
        rows.into_iter().map(token_row).collect()
    }

    /// Records that tokens are handed out for a key, as long as the key, its runtime and Git provider, and these very tokens are still as
    /// they were read. `events` is given those which the key was not handed before at this address, or long ago. Nothing may leave
    /// before this says so.
    pub async fn hand_out(
        &self,
        over: &HandOver<'_>,
        events: impl FnOnce(&HashSet<GitTokenId>) -> Vec<AuditEvent>,
    ) -> Result<Handed, Fault> {
        let tx = self.begin().await?;
        let Some(held) = hold(&tx, over.key).await? else {
            tx.rollback().await?;
            return Ok(Handed::Revoked);
        };
        let are_there = |(id, fingerprint): &(GitTokenId, Vec<u8>)| held.tokens.get(id) == Some(fingerprint);
        if &held.runtime != over.runtime || &held.provider != over.provider || !over.tokens.iter().all(are_there) {
            tx.rollback().await?;
            return Ok(Handed::Changed);
        }
        note_key(&tx, over.key, over.now).await?;
        note_uses(&tx, over.tokens.iter().map(|(id, _)| *id), over.now, over.now).await?;
        let events = events(&note_handed(&tx, over).await?);
        if !events.is_empty() {
            audit::append(&tx, over.key.account, events).await?;
            // Others may have been waited for: a token that was rotated or refreshed by then is not the one that was read. Without a lock,
            // since whoever has one may wait for this.
            let now = fingerprints(&tx, over.key, None).await?;
            if !over.tokens.iter().all(|(id, read)| now.get(id) == Some(read)) {
                tx.rollback().await?;
                return Ok(Handed::Changed);
            }
        }
        tx.commit().await?;
        Ok(Handed::Recorded)
    }

    /// Notes that a runtime asked, and still uses what it has of these tokens. That happens often, so it is noted now and then.
    pub async fn still_used(
        &self,
        key: &AccessKeyRow,
        tokens: impl Iterator<Item = GitTokenId>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let before = now.minus(NOTED_EVERY);
        if key.last_used_at.is_some_and(|noted| noted > before) {
            return Ok(());
        }
        let tx = self.begin().await?;
        match hold(&tx, key).await? {
            Some(held) => {
                note_key(&tx, key, now).await?;
                let there = tokens.filter(|token| held.tokens.contains_key(token));
                note_uses(&tx, there, now, before).await?;
                tx.commit().await?;
            }
            None => tx.rollback().await?,
        }
        Ok(())
    }

    /// When tokens, found in their account, were last fetched, of those that ever were.
    pub(super) async fn uses_of(&self, tokens: &[Uuid]) -> Result<HashMap<Uuid, Timestamp>, Fault> {
        let rows = token_use::Entity::find()
            .filter(token_use::Column::GitTokenId.is_in(tokens.iter().copied()))
            .all(&self.db)
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| (row.git_token_id, Timestamp::from_millis(row.used_at)))
            .collect())
    }

    /// The same by the ids of the tokens.
    pub async fn last_uses(
        &self,
        tokens: impl Iterator<Item = GitTokenId>,
    ) -> Result<HashMap<GitTokenId, Timestamp>, Fault> {
        let ids: Vec<Uuid> = tokens.map(|token| token.0).collect();
        let uses = self.uses_of(&ids).await?;
        Ok(uses.into_iter().map(|(id, at)| (GitTokenId(id), at)).collect())
    }
}

/// A key's runtime, its Git provider, and the fingerprints of its tokens.
struct Held {
    runtime: RuntimeRow,
    provider: GitProviderRow,
    tokens: HashMap<GitTokenId, Vec<u8>>,
}

/// Looks at a key, its runtime and the tokens once more, and keeps each from being deleted until the transaction ends; gives nothing if
/// the key is not there. The runtime comes first, as when it is deleted with all of them.
async fn hold(tx: &impl ConnectionTrait, key: &AccessKeyRow) -> Result<Option<Held>, Fault> {
    let place = runtime::Entity::find_by_id(key.runtime.0)
        .filter(runtime::Column::AccountId.eq(key.account.0))
        .lock(LockType::KeyShare);
    let known = access_key::Entity::find_by_id(key.id.0)
        .filter(access_key::Column::AccountId.eq(key.account.0))
        .lock(LockType::NoKeyUpdate);
    let (Some(place), Some(_)) = (place.one(tx).await?, known.one(tx).await?) else {
        return Ok(None);
    };
    let provider = git_provider::Entity::find_by_id(place.git_provider_id)
        .filter(git_provider::Column::AccountId.eq(key.account.0))
        .one(tx)
        .await?;
    let Some(provider) = provider else { return Ok(None) };
    Ok(Some(Held {
        runtime: runtime_row(place),
        provider: provider_row(provider)?,
        tokens: fingerprints(tx, key, Some(LockType::KeyShare)).await?,
    }))
}

/// The fingerprints of the tokens of a key's runtime as they are now.
async fn fingerprints(
    tx: &impl ConnectionTrait,
    key: &AccessKeyRow,
    lock: Option<LockType>,
) -> Result<HashMap<GitTokenId, Vec<u8>>, Fault> {
    let mut tokens = git_token::Entity::find()
        .select_only()
        .column(git_token::Column::Id)
        .column(git_token::Column::Fingerprint)
        .filter(git_token::Column::RuntimeId.eq(key.runtime.0))
        .filter(git_token::Column::AccountId.eq(key.account.0))
        .order_by_asc(git_token::Column::Id);
    if let Some(lock) = lock {
        tokens = tokens.lock(lock);
    }
    let tokens: Vec<(Uuid, Vec<u8>)> = tokens.into_tuple().all(tx).await?;
    Ok(tokens
        .into_iter()
        .map(|(id, fingerprint)| (GitTokenId(id), fingerprint))
        .collect())
}

/// Notes which tokens a key is handed at an address; gives those that it was not handed there before, or long ago.
async fn note_handed(tx: &impl ConnectionTrait, over: &HandOver<'_>) -> Result<HashSet<GitTokenId>, Fault> {
    let address = over.from.to_string();
    let long_ago = over.now.minus(TOLD_APART_EVERY).as_millis();
    handed_token::Entity::delete_many()
        .filter(handed_token::Column::AccessKeyId.eq(over.key.id.0))
        .filter(handed_token::Column::At.lte(long_ago))
        .exec(tx)
        .await?;
    let before: Vec<(Uuid, Vec<u8>)> = handed_token::Entity::find()
        .select_only()
        .column(handed_token::Column::GitTokenId)
        .column(handed_token::Column::Fingerprint)
        .filter(handed_token::Column::AccessKeyId.eq(over.key.id.0))
        .filter(handed_token::Column::Address.eq(address.as_str()))
        .into_tuple()
        .all(tx)
        .await?;
    let before: HashMap<Uuid, Vec<u8>> = before.into_iter().collect();
    let new: Vec<_> = over
        .tokens
        .iter()
        .filter(|(id, fingerprint)| before.get(&id.0) != Some(fingerprint))
        .collect();
    for some in new.chunks(AT_ONCE) {
        let rows = some.iter().map(|(id, fingerprint)| handed_token::ActiveModel {
            access_key_id: Set(over.key.id.0),
            address: Set(address.clone()),
            git_token_id: Set(id.0),
            fingerprint: Set(fingerprint.clone()),
            at: Set(over.now.as_millis()),
        });
        let key = [
            handed_token::Column::AccessKeyId,
            handed_token::Column::Address,
            handed_token::Column::GitTokenId,
        ];
        let newer = OnConflict::columns(key)
            .update_columns([handed_token::Column::Fingerprint, handed_token::Column::At])
            .to_owned();
        handed_token::Entity::insert_many(rows)
            .on_conflict(newer)
            .exec_without_returning(tx)
            .await?;
    }
    Ok(new.into_iter().map(|(id, _)| *id).collect())
}

async fn note_key(tx: &impl ConnectionTrait, key: &AccessKeyRow, now: Timestamp) -> Result<(), Fault> {
    access_key::Entity::update_many()
        .col_expr(access_key::Column::LastUsedAt, Expr::value(now.as_millis()))
        .filter(access_key::Column::Id.eq(key.id.0))
        .filter(access_key::Column::AccountId.eq(key.account.0))
        .exec(tx)
        .await?;
    Ok(())
}

/// Notes uses of tokens, in the order of their ids, so that two of these never wait for each other. What is known and no older than
/// `before` stays as it is.
async fn note_uses(
    tx: &impl ConnectionTrait,
    tokens: impl Iterator<Item = GitTokenId>,
    now: Timestamp,
    before: Timestamp,
) -> Result<(), Fault> {
    let mut ids: Vec<Uuid> = tokens.map(|token| token.0).collect();
    ids.sort_unstable();
    for ids in ids.chunks(AT_ONCE) {
        let rows = ids.iter().map(|id| token_use::ActiveModel {
            git_token_id: Set(*id),
            used_at: Set(now.as_millis()),
        });
        let used_at = (token_use::Entity, token_use::Column::UsedAt);
        let newer = OnConflict::column(token_use::Column::GitTokenId)
            .update_column(token_use::Column::UsedAt)
            .action_and_where(Expr::col(used_at).lte(before.as_millis()))
            .to_owned();
        token_use::Entity::insert_many(rows)
            .on_conflict(newer)
            .exec_without_returning(tx)
            .await?;
    }
    Ok(())
}

fn key_row(row: access_key::Model) -> AccessKeyRow {
    AccessKeyRow {
        id: AccessKeyId(row.id),
        account: AccountId(row.account_id),
        runtime: RuntimeId(row.runtime_id),
        name: row.name,
        created_by: row.created_by.map(UserId),
        created_at: Timestamp::from_millis(row.created_at),
        last_used_at: row.last_used_at.map(Timestamp::from_millis),
    }
}
