//! Rotations: which token is being rotated, what came of it, and which are next.
//!
//! A token may stand in several rows of an account, one for each holder and runtime. Rotating it kills it for all of them, so
//! all of them are marked, and rewritten, together. The mark is the lease: whoever set it may ask the provider.

use super::{
    GitProviderRow, Store,
    entities::{git_provider, git_token, runtime},
    git_providers::provider_row,
    git_tokens::{expiry_columns, expiry_of, held_by, to_json},
};
use crate::{Fault, audit::AuditEvent, vault::Sealed};
use domain::{
    AccountId, Expiry, GitTokenId, HolderKind, ProviderKind, RotationNote, RuntimeId, Timestamp, TokenStatus, UserId,
};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::{Set, Unchanged},
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
    sea_query::{Expr, LockType, Query},
};

/// A stored personal access token with its place, as far as changing it at its provider needs it.
#[derive(Clone, Debug)]
pub struct Holding {
    /// The row.
    pub id: GitTokenId,
    /// Whose account.
    pub account: AccountId,
    /// Whose token; `None` for a runtime token.
    pub user: Option<UserId>,
    /// For which runtime.
    pub runtime: RuntimeId,
    /// What that is called.
    pub runtime_name: String,
    /// The runtime's Git provider.
    pub provider: GitProviderRow,
    /// The secret, sealed.
    pub sealed: Sealed,
    /// The keyed fingerprint of the secret.
    pub fingerprint: Vec<u8>,
    /// Its prefix and last four characters.
    pub hint: String,
    /// What goes beside it, if anything does.
    pub username: Option<String>,
    /// What the last telling check said.
    pub status: TokenStatus,
    /// When it ends.
    pub expiry: Expiry,
    /// Since when it has this value, as far as is known here: stored, or rotated.
    pub since: Timestamp,
    /// Since when it is being rotated.
    pub rotating_since: Option<Timestamp>,
}

impl Holding {
    /// Whose it is.
    #[must_use]
    pub const fn holder(&self) -> HolderKind {
        match self.user {
            Some(_) => HolderKind::User,
            None => HolderKind::Runtime,
        }
    }
}

/// Whether a rotation may begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is this caller's, and nobody else's.
    Yes,
    /// Somebody else is at it.
    Busy,
    /// The token is not stored any more, deleted or replaced in the meantime.
    Gone,
}

/// A new value in place of an old one.
#[derive(Clone, Debug)]
pub struct NewValue {
    /// Its keyed fingerprint.
    pub fingerprint: Vec<u8>,
    /// Its prefix and last four characters.
    pub hint: String,
    /// What the provider calls its kind, when the prefix tells.
    pub format: Option<String>,
    /// What the last check said of the old one before it was rotated.
    pub status: TokenStatus,
    /// When it ends.
    pub expiry: Expiry,
    /// Since when it lives.
    pub since: Timestamp,
    /// The record of it.
    pub event: AuditEvent,
}

/// What became of storing a new value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rewritten {
    /// Every row that held the old value holds the new one; also when an earlier try, of which that was not known, did it.
    Stored,
    /// No row holds either: they were deleted or replaced.
    Gone,
}

impl Store {
    /// The token of a holder for a runtime; `None` in place of a user stands for the runtime itself.
    pub async fn holding_of(
        &self,
        account: AccountId,
        user: Option<UserId>,
        runtime: RuntimeId,
    ) -> Result<Option<Holding>, Fault> {
        let tokens = of_account(account).filter(git_token::Column::RuntimeId.eq(runtime.0));
        Ok(holdings(&self.db, tokens.filter(held_by(user))).await?.pop())
    }

    /// Every row of an account that holds the token with this fingerprint, in the order of their ids.
    pub async fn holdings_of(&self, account: AccountId, fingerprint: &[u8]) -> Result<Vec<Holding>, Fault> {
        holdings(&self.db, same_token(account, fingerprint)).await
    }

    /// Marks every row that holds a token as being rotated since `now`, if none is. Committed when this returns, so it has also
    /// shown that the database takes a write, and the record of it stands.
    pub async fn take_rotation(
        &self,
        account: AccountId,
        (token, fingerprint): (GitTokenId, &[u8]),
        now: Timestamp,
        event: AuditEvent,
    ) -> Result<Taken, Fault> {
        let tx = self.begin().await?;
        // In the order of their ids, so that two takers never wait for each other.
        let rows = same_token(account, fingerprint)
            .lock(LockType::NoKeyUpdate)
            .all(&tx)
            .await?;
        let answer = if !rows.iter().any(|row| row.id == token.0) {
            Taken::Gone
        } else if rows.iter().any(|row| row.rotation_started_at.is_some()) {
            Taken::Busy
        } else {
            git_token::Entity::update_many()
                .col_expr(git_token::Column::RotationStartedAt, Expr::value(now.as_millis()))
                .filter(git_token::Column::AccountId.eq(account.0))
                .filter(git_token::Column::Fingerprint.eq(fingerprint))
                .exec(&tx)
                .await?;
            Taken::Yes
        };
        event.end(tx, account, answer == Taken::Yes).await?;
        Ok(answer)
    }

    /// Takes over the rotation that whoever began it at `since` did not end. `false` if somebody else was quicker.
    pub async fn take_over_rotation(
        &self,
        account: AccountId,
        fingerprint: &[u8],
        since: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let done = git_token::Entity::update_many()
            .col_expr(git_token::Column::RotationStartedAt, Expr::value(now.as_millis()))
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(git_token::Column::Fingerprint.eq(fingerprint))
            .filter(git_token::Column::RotationStartedAt.eq(since.as_millis()))
            .exec(&self.db)
            .await?;
        Ok(done.rows_affected > 0)
    }

    /// Puts a new value into every row of the account that holds the old one, each sealed for its own place by `seal`, and takes
    /// the marks away: all in one transaction. May be called again when it is not known whether that was committed.
    pub async fn rewrite_token(
        &self,
        account: AccountId,
        old: &[u8],
        new: &NewValue,
        seal: impl Fn(GitTokenId, Option<UserId>) -> Result<Sealed, Fault>,
    ) -> Result<Rewritten, Fault> {
        let tx = self.begin().await?;
        let (expires_at, never_expires) = expiry_columns(new.expiry);
        let mut found = false;
        loop {
            // Again until there is none: a copy may have been made while this waited for the original.
            let rows = same_token(account, old).lock(LockType::NoKeyUpdate).all(&tx).await?;
            if rows.is_empty() {
                break;
            }
            found = true;
            for row in rows {
                let sealed = seal(GitTokenId(row.id), row.user_id.map(UserId))?;
                // A check of the old value, while it was rotated, may have called it invalid.
                let status = TokenStatus::from_stored(&row.status)
                    .filter(|status| domain::rotation::is_possible(*status))
                    .unwrap_or(new.status);
                let model = git_token::ActiveModel {
                    id: Unchanged(row.id),
                    sealed: Set(sealed.into_bytes()),
                    fingerprint: Set(new.fingerprint.clone()),
                    hint: Set(new.hint.clone()),
                    format: Set(new.format.clone()),
                    status: Set(status.as_str().to_owned()),
                    expires_at: Set(expires_at),
                    never_expires: Set(never_expires),
                    // What the holder entered was about the old value, and so is a check of it that is under way.
                    entered_expires_at: Set(None),
                    check_lease: Set(0),
                    next_check_at: Set(new.since.as_millis()),
                    rotated_at: Set(Some(new.since.as_millis())),
                    rotation_started_at: Set(None),
                    rotation_retry_at: Set(None),
                    rotation_note: Set(None),
                    ..Default::default()
                };
                model.update(&tx).await?;
            }
        }
        if !found {
            let stored = same_token(account, &new.fingerprint).one(&tx).await?.is_some();
            tx.rollback().await?;
            return Ok(if stored { Rewritten::Stored } else { Rewritten::Gone });
        }
        new.event.clone().insert(&tx, account).await?;
        tx.commit().await?;
        Ok(Rewritten::Stored)
    }

    /// Takes the marks of a rotation that brought no new token away, and notes what is to be known of it. The background leaves the
    /// token alone until `retry_at`.
    pub async fn end_rotation(
        &self,
        account: AccountId,
        fingerprint: &[u8],
        note: Option<&RotationNote>,
        retry_at: Timestamp,
        event: AuditEvent,
    ) -> Result<(), Fault> {
        let note = note.map(to_json).transpose()?;
        let tx = self.begin().await?;
        let done = git_token::Entity::update_many()
            .col_expr(git_token::Column::RotationStartedAt, Expr::value(None::<i64>))
            .col_expr(git_token::Column::RotationRetryAt, Expr::value(retry_at.as_millis()))
            .col_expr(git_token::Column::RotationNote, Expr::value(note))
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(git_token::Column::Fingerprint.eq(fingerprint))
            .exec(&tx)
            .await?;
        event.end(tx, account, done.rows_affected > 0).await?;
        Ok(())
    }

    /// Tokens, of any account, whose rotation began at `before` or earlier and has not ended; at most `limit`.
    pub async fn interrupted_rotations(&self, before: Timestamp, limit: u64) -> Result<Vec<Holding>, Fault> {
        let tokens = git_token::Entity::find()
            .filter(git_token::Column::RotationStartedAt.lte(before.as_millis()))
            .order_by_asc(git_token::Column::RotationStartedAt)
            .limit(limit);
        holdings(&self.db, tokens).await
    }

    /// Personal access tokens, of any account, of runtimes whose tokens are rotated unasked, at a provider of one of these kinds,
    /// that end after `now` and by `until`, were not refused by their last check and may be tried by `now`: at most
    /// `limit`, after `after` in the order of their ends. None of them is being rotated.
    pub async fn rotation_candidates(
        &self,
        kinds: &[ProviderKind],
        (now, until): (Timestamp, Timestamp),
        after: Option<&Holding>,
        limit: u64,
    ) -> Result<Vec<Holding>, Fault> {
        let kinds = git_provider::Column::Kind.is_in(kinds.iter().map(|kind| kind.as_str()));
        let providers = Query::select()
            .column(git_provider::Column::Id)
            .from(git_provider::Entity)
            .and_where(kinds)
            .to_owned();
        let runtimes = Query::select()
            .column(runtime::Column::Id)
            .from(runtime::Entity)
            .and_where(runtime::Column::RotateTokens.eq(true))
            .and_where(runtime::Column::GitProviderId.in_subquery(providers))
            .to_owned();
        let possible = TokenStatus::ALL
            .into_iter()
            .filter(|status| domain::rotation::is_possible(*status));
        let mut tokens = git_token::Entity::find()
            .filter(git_token::Column::Kind.eq("pat"))
            .filter(git_token::Column::RuntimeId.in_subquery(runtimes))
            .filter(git_token::Column::ExpiresAt.gt(now.as_millis()))
            .filter(git_token::Column::ExpiresAt.lte(until.as_millis()))
            .filter(git_token::Column::RotationStartedAt.is_null())
            .filter(git_token::Column::Status.is_in(possible.map(TokenStatus::as_str)))
            .filter(
                git_token::Column::RotationRetryAt
                    .is_null()
                    .or(git_token::Column::RotationRetryAt.lte(now.as_millis())),
            );
        if let Some(Holding {
            id,
            expiry: Expiry::At(end),
            ..
        }) = after
        {
            let later = Condition::any()
                .add(git_token::Column::ExpiresAt.gt(end.as_millis()))
                .add(
                    git_token::Column::ExpiresAt
                        .eq(end.as_millis())
                        .and(git_token::Column::Id.gt(id.0)),
                );
            tokens = tokens.filter(later);
        }
        let tokens = tokens
            .order_by_asc(git_token::Column::ExpiresAt)
            .order_by_asc(git_token::Column::Id)
            .limit(limit);
        holdings(&self.db, tokens).await
    }
}

fn of_account(account: AccountId) -> Select<git_token::Entity> {
    git_token::Entity::find()
        .filter(git_token::Column::AccountId.eq(account.0))
        .filter(git_token::Column::Kind.eq("pat"))
}

fn same_token(account: AccountId, fingerprint: &[u8]) -> Select<git_token::Entity> {
    of_account(account)
        .filter(git_token::Column::Fingerprint.eq(fingerprint))
        .order_by_asc(git_token::Column::Id)
}

/// The tokens with their places. A token whose runtime is just being deleted is left out.
pub(super) async fn holdings(
    db: &impl ConnectionTrait,
    tokens: Select<git_token::Entity>,
) -> Result<Vec<Holding>, Fault> {
    let tokens = tokens.all(db).await?;
    if tokens.is_empty() {
        return Ok(Vec::new());
    }
    let runtimes = runtime::Entity::find()
        .filter(runtime::Column::Id.is_in(tokens.iter().map(|token| token.runtime_id)))
        .all(db)
        .await?;
    let providers = git_provider::Entity::find()
        .filter(git_provider::Column::Id.is_in(runtimes.iter().map(|runtime| runtime.git_provider_id)))
        .all(db)
        .await?;
    let placed = tokens.into_iter().filter_map(|token| {
        let runtime = runtimes.iter().find(|runtime| runtime.id == token.runtime_id)?;
        let provider = providers
            .iter()
            .find(|provider| provider.id == runtime.git_provider_id)?;
        Some(holding(token, runtime, provider.clone()))
    });
    placed.collect()
}

fn holding(token: git_token::Model, runtime: &runtime::Model, provider: git_provider::Model) -> Result<Holding, Fault> {
    Ok(Holding {
        id: GitTokenId(token.id),
        account: AccountId(token.account_id),
        user: token.user_id.map(UserId),
        runtime: RuntimeId(runtime.id),
        runtime_name: runtime.name.clone(),
        provider: provider_row(provider)?,
        sealed: Sealed::from(token.sealed),
        fingerprint: token.fingerprint,
        hint: token.hint,
        username: token.username,
        status: TokenStatus::from_stored(&token.status)
            .ok_or_else(|| Fault::Stored(format!("unknown status {:?}", token.status)))?,
        expiry: expiry_of(token.expires_at, token.never_expires),
        since: Timestamp::from_millis(token.rotated_at.unwrap_or(token.created_at)),
        rotating_since: token.rotation_started_at.map(Timestamp::from_millis),
    })
}
