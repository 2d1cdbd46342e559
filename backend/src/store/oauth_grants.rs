//! What refreshes OAuth tokens: refresh tokens, sealed, and who is at it.
//!
//! Whoever refreshes takes the lease of the row by a conditional update, which also notes that the provider is about to be asked.
//! A new pair is saved in place of the one that it came of, which its generation tells, and of no other.

use super::{
    GitProviderRow, OAuthApplicationRow, Store,
    entities::{git_provider, git_token, oauth_application, oauth_grant, oauth_question, runtime},
    git_providers::provider_row,
    git_tokens::{expiry_columns, from_json, held_by, to_json},
    oauth_applications::application_row,
};
use crate::{Fault, audit::AuditEvent, vault::Sealed};
use domain::{
    AccountId, Expiry, GitTokenId, OAuthApplicationId, RefreshNote, RuntimeId, Scope, Timestamp, TokenStatus, UserId,
    scope,
};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::{NotSet, Set, Unchanged},
    ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait as _, ExprTrait as _,
    PaginatorTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _, Select,
    sea_query::{Expr, LockType},
};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What a new OAuth token brings beside itself.
#[derive(Debug)]
pub struct NewGrant {
    /// Whether it can be refreshed.
    pub refreshes: bool,
    /// What refreshes it, sealed; of a pair that comes in place of another, `None` if that is still what refreshed the other.
    pub refresh: Option<Sealed>,
    /// The scopes that the provider says it granted, if it says.
    pub granted: Option<Vec<Scope>>,
    /// When the access token ends; `None`: never.
    pub access_ends: Option<Timestamp>,
    /// When the refresh token ends, as far as is known.
    pub refresh_ends: Option<Timestamp>,
    /// When both were received.
    pub received: Timestamp,
    /// Where the person was sent back to: a refresh must name the same (GitLab, Bitbucket Data Center).
    pub redirect_uri: String,
}

impl NewGrant {
    /// When it is refreshed next; `None`: never.
    fn due(&self) -> Option<Timestamp> {
        let end = self.access_ends.filter(|_| self.refreshes)?;
        Some(domain::refresh::due(self.received, end))
    }

    /// When the token ends for whoever uses it: what is refreshed does not.
    pub(super) fn expiry(&self) -> Expiry {
        match self.access_ends {
            Some(end) if !self.refreshes => Expiry::At(end),
            _ => Expiry::Never,
        }
    }
}

/// A stored OAuth token with what refreshes it.
#[derive(Clone, Debug)]
pub struct GrantRow {
    /// The token.
    pub token: GitTokenId,
    /// Its account.
    pub account: AccountId,
    /// Whose; `None` for a runtime token.
    pub user: Option<UserId>,
    /// For which runtime.
    pub runtime: RuntimeId,
    /// What that is called.
    pub runtime_name: String,
    /// The runtime's Git provider.
    pub provider: GitProviderRow,
    /// By which application, unless that was deleted.
    pub application: Option<OAuthApplicationRow>,
    /// The access token, sealed.
    pub sealed: Sealed,
    /// Its keyed fingerprint.
    pub fingerprint: Vec<u8>,
    /// Its prefix and last four characters.
    pub hint: String,
    /// What the last telling check said.
    pub status: TokenStatus,
    /// What refreshes it, sealed, if anything does.
    pub refresh: Option<Sealed>,
    /// The scopes that the provider says it granted, if it says.
    pub granted: Option<Vec<Scope>>,
    /// When the access token ends; `None`: never.
    pub access_ends: Option<Timestamp>,
    /// When the refresh token ends, as far as is known.
    pub refresh_ends: Option<Timestamp>,
    /// When this pair was received.
    pub refreshed_at: Option<Timestamp>,
    /// Counts the pairs.
    pub generation: i64,
    /// When it is refreshed next; `None`: never.
    pub due: Option<Timestamp>,
    /// Until when somebody is at it.
    pub lease_until: Timestamp,
    /// Since when the provider is being asked, and it is not known what it did.
    pub sent_at: Option<Timestamp>,
    /// How many tries in a row have failed.
    pub failures: u32,
    /// What keeps it from being refreshed.
    pub note: Option<RefreshNote>,
    /// Where the person was sent back to.
    pub redirect_uri: String,
}

/// What is needed of an OAuth token to use it.
#[derive(Clone, Debug)]
pub struct StoredGrant {
    /// Whose; `None` for a runtime token.
    pub user: Option<UserId>,
    /// The access token, sealed.
    pub sealed: Sealed,
    /// What the last telling check said.
    pub status: TokenStatus,
    /// How it stands with its refreshing.
    pub state: GrantState,
}

/// How it stands with the refreshing of an OAuth token.
#[derive(Clone, Debug)]
pub struct GrantState {
    /// When the access token ends; `None`: never.
    pub access_ends: Option<Timestamp>,
    /// When it is refreshed next; `None`: never.
    pub due: Option<Timestamp>,
    /// Since when the provider is being asked, and it is not known what it did.
    pub sent_at: Option<Timestamp>,
    /// What keeps it from being refreshed.
    pub note: Option<RefreshNote>,
}

/// A new pair in place of an old one.
#[derive(Debug)]
pub struct NewPair {
    /// The access token, sealed.
    pub sealed: Sealed,
    /// Its keyed fingerprint.
    pub fingerprint: Vec<u8>,
    /// Its prefix and last four characters.
    pub hint: String,
    /// What else came with it.
    pub grant: NewGrant,
}

/// How a try to refresh ended that brought no new pair.
#[derive(Debug)]
pub struct RefreshEnd {
    /// What is to be known.
    pub note: RefreshNote,
    /// When it is tried again; `None`: never.
    pub due: Option<Timestamp>,
    /// How many tries in a row have failed.
    pub failures: u32,
    /// Whether it is still not known what the provider did.
    pub in_doubt: bool,
    /// The record of it, if there is to be one.
    pub event: Option<AuditEvent>,
}

impl Store {
    /// The OAuth token of a holder for a runtime, if that is one.
    pub async fn grant_of(
        &self,
        account: AccountId,
        user: Option<UserId>,
        runtime: RuntimeId,
    ) -> Result<Option<GrantRow>, Fault> {
        let tokens = git_token::Entity::find()
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(git_token::Column::RuntimeId.eq(runtime.0))
            .filter(held_by(user));
        Ok(grants(&self.db, tokens).await?.pop())
    }

    /// An OAuth token.
    pub async fn grant(&self, account: AccountId, token: GitTokenId) -> Result<Option<GrantRow>, Fault> {
        let tokens = git_token::Entity::find_by_id(token.0).filter(git_token::Column::AccountId.eq(account.0));
        Ok(grants(&self.db, tokens).await?.pop())
    }

    /// The OAuth tokens for a runtime.
    pub async fn grants_for(&self, account: AccountId, runtime: RuntimeId) -> Result<Vec<GrantRow>, Fault> {
        let tokens = git_token::Entity::find()
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(git_token::Column::RuntimeId.eq(runtime.0));
        grants(&self.db, tokens).await
    }

    /// What is needed of an OAuth token to use it.
    pub async fn stored_grant(&self, account: AccountId, token: GitTokenId) -> Result<Option<StoredGrant>, Fault> {
        // As with [`Store::grant_states`].
        let Some(grant) = oauth_grant::Entity::find_by_id(token.0).one(&self.db).await? else {
            return Ok(None);
        };
        let Some(row) = git_token::Entity::find_by_id(token.0)
            .filter(git_token::Column::AccountId.eq(account.0))
            .one(&self.db)
            .await?
        else {
            return Ok(None);
        };
        Ok(Some(StoredGrant {
            user: row.user_id.map(UserId),
            status: status_of(&row)?,
            sealed: Sealed::from(row.sealed),
            state: grant_state(&grant)?,
        }))
    }

    /// How it stands with the OAuth tokens of a runtime. It is read before the tokens: if a refresh is saved between the two, the new token
    /// comes with the old times, and is looked at again. The other way round a dead token would look fresh.
    pub async fn grant_states(
        &self,
        account: AccountId,
        runtime: RuntimeId,
    ) -> Result<HashMap<GitTokenId, GrantState>, Fault> {
        let tokens = git_token::Entity::find()
            .select_only()
            .column(git_token::Column::Id)
            .filter(git_token::Column::RuntimeId.eq(runtime.0))
            .filter(git_token::Column::AccountId.eq(account.0));
        let rows = oauth_grant::Entity::find()
            .filter(oauth_grant::Column::GitTokenId.in_subquery(tokens.into_query()))
            .all(&self.db)
            .await?;
        rows.iter()
            .map(|row| Ok((GitTokenId(row.git_token_id), grant_state(row)?)))
            .collect()
    }

    /// The OAuth tokens of a person in an account; without one, of its runtimes.
    pub async fn grants_of(&self, account: AccountId, user: Option<UserId>) -> Result<Vec<GrantRow>, Fault> {
        let tokens = git_token::Entity::find()
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(held_by(user));
        grants(&self.db, tokens).await
    }

    /// OAuth tokens of any account that are due and that nobody is at, the longest due first; at most `limit`, behind `after`.
    pub async fn due_grants(
        &self,
        now: Timestamp,
        after: Option<&GrantRow>,
        limit: u64,
    ) -> Result<Vec<GrantRow>, Fault> {
        let later = after.and_then(|after| Some((after.due?.as_millis(), after.token.0)));
        let later = later.map_or_else(Condition::all, |(due, id)| {
            Condition::any().add(oauth_grant::Column::DueAt.gt(due)).add(
                oauth_grant::Column::DueAt
                    .eq(due)
                    .and(oauth_grant::Column::GitTokenId.gt(id)),
            )
        });
        let due: Vec<Uuid> = oauth_grant::Entity::find()
            .select_only()
            .column(oauth_grant::Column::GitTokenId)
            .filter(oauth_grant::Column::DueAt.lte(now.as_millis()))
            .filter(oauth_grant::Column::LeaseUntil.lte(now.as_millis()))
            .filter(later)
            .order_by_asc(oauth_grant::Column::DueAt)
            .order_by_asc(oauth_grant::Column::GitTokenId)
            .limit(limit)
            .into_tuple()
            .all(&self.db)
            .await?;
        let tokens = git_token::Entity::find().filter(git_token::Column::Id.is_in(due));
        let mut grants = grants(&self.db, tokens).await?;
        grants.sort_by_key(|grant| (grant.due, grant.token));
        Ok(grants)
    }

    /// Takes the lease of a grant until `lease`, and notes that the provider is about to be asked: one caller gets `true`, and
    /// only while the grant is of this generation, due, and nobody else is at it. What another process left without an answer becomes
    /// *in doubt*. Committed when this returns.
    pub async fn take_refresh(
        &self,
        grant: &GrantRow,
        now: Timestamp,
        lease: Timestamp,
        event: Option<AuditEvent>,
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        if grant.sent_at.is_some() {
            // The token before its grant, as everywhere, or two could wait for each other.
            git_token::Entity::find_by_id(grant.token.0)
                .lock(LockType::NoKeyUpdate)
                .one(&tx)
                .await?;
        }
        let mut update = oauth_grant::Entity::update_many()
            .col_expr(oauth_grant::Column::LeaseUntil, Expr::value(lease.as_millis()))
            .col_expr(oauth_grant::Column::SentAt, Expr::value(now.as_millis()));
        if let Some(sent) = grant.sent_at {
            let since = match grant.note {
                Some(RefreshNote::InDoubt { since }) => since,
                _ => sent,
            };
            let note = to_json(&RefreshNote::InDoubt { since })?;
            update = update.col_expr(oauth_grant::Column::Note, Expr::value(note));
        }
        let done = update
            .filter(oauth_grant::Column::GitTokenId.eq(grant.token.0))
            .filter(oauth_grant::Column::Generation.eq(grant.generation))
            .filter(oauth_grant::Column::LeaseUntil.lte(now.as_millis()))
            // Whoever looked at it before somebody else refreshed it finds it so.
            .filter(oauth_grant::Column::DueAt.lte(now.as_millis()))
            .filter(match grant.sent_at {
                Some(since) => oauth_grant::Column::SentAt.eq(since.as_millis()),
                None => oauth_grant::Column::SentAt.is_null(),
            })
            .exec(&tx)
            .await?;
        let taken = done.rows_affected == 1;
        if taken && grant.sent_at.is_some() {
            show(&tx, grant, Some(TokenStatus::InDoubt)).await?;
        }
        if let (true, Some(event)) = (taken, event) {
            event.insert(&tx, grant.account).await?;
        }
        tx.commit().await?;
        Ok(taken)
    }

    /// Saves a new pair in place of the one of this generation: both tokens in one transaction, which also ends the lease and takes
    /// away what was noted. `false` if that pair is not stored any more, because it was deleted, replaced or refreshed.
    pub async fn save_refresh(&self, grant: &GrantRow, new: NewPair) -> Result<bool, Fault> {
        let due = new.grant.due();
        let tx = self.begin().await?;
        // In the order in which a deletion takes them: the token, then its grant.
        let token = git_token::Entity::find_by_id(grant.token.0)
            .filter(git_token::Column::AccountId.eq(grant.account.0))
            .lock(LockType::NoKeyUpdate)
            .one(&tx)
            .await?;
        let mut update = oauth_grant::Entity::update_many()
            .col_expr(oauth_grant::Column::Generation, Expr::value(grant.generation + 1))
            .col_expr(
                oauth_grant::Column::AccessEndsAt,
                Expr::value(millis(new.grant.access_ends)),
            )
            .col_expr(
                oauth_grant::Column::RefreshedAt,
                Expr::value(new.grant.received.as_millis()),
            )
            .col_expr(oauth_grant::Column::DueAt, Expr::value(millis(due)))
            .col_expr(oauth_grant::Column::LeaseUntil, Expr::value(0_i64))
            .col_expr(oauth_grant::Column::SentAt, Expr::value(None::<i64>))
            .col_expr(oauth_grant::Column::Failures, Expr::value(0))
            .col_expr(oauth_grant::Column::Note, Expr::value(None::<String>));
        let (expires_at, never_expires) = expiry_columns(new.grant.expiry());
        if let Some(granted) = &new.grant.granted {
            update = update.col_expr(oauth_grant::Column::Granted, Expr::value(scope::joined(granted)));
        }
        // The old refresh token is kept only where no new one came.
        if let Some(refresh) = new.grant.refresh {
            if new.grant.refresh_ends > grant.refresh_ends {
                update = update.col_expr(
                    oauth_grant::Column::RefreshSince,
                    Expr::value(new.grant.received.as_millis()),
                );
            }
            update = update
                .col_expr(oauth_grant::Column::SealedRefresh, Expr::value(refresh.into_bytes()))
                .col_expr(
                    oauth_grant::Column::RefreshEndsAt,
                    Expr::value(millis(new.grant.refresh_ends)),
                );
        }
        let done = update
            .filter(oauth_grant::Column::GitTokenId.eq(grant.token.0))
            .filter(oauth_grant::Column::Generation.eq(grant.generation))
            .exec(&tx)
            .await?;
        let (Some(token), 1) = (token, done.rows_affected) else {
            tx.rollback().await?;
            return Ok(false);
        };
        let access_ends = new.grant.access_ends;
        let orphan = is_orphan(&tx, grant.token).await?;
        if orphan {
            // Its application was deleted while this was under way.
            orphaned(&tx, grant.token.0, access_ends).await?;
        }
        let (expires_at, never_expires) = if orphan {
            expiry_columns(access_ends.map_or(Expiry::Never, Expiry::At))
        } else {
            (expires_at, never_expires)
        };
        let status = TokenStatus::from_stored(&token.status).unwrap_or(TokenStatus::Invalid);
        let model = git_token::ActiveModel {
            id: Unchanged(token.id),
            sealed: Set(new.sealed.into_bytes()),
            fingerprint: Set(new.fingerprint),
            hint: Set(new.hint),
            // Of the old value was said what its check found, and of a dead one nothing that counts for this one.
            status: Set(domain::refresh::status_after(status).as_str().to_owned()),
            expires_at: Set(expires_at),
            never_expires: Set(never_expires),
            rotated_at: Set(Some(new.grant.received.as_millis())),
            // A check of the old value that is under way.
            check_lease: Set(0),
            notice_due_at: Set(Some(0)),
            ..Default::default()
        };
        model.update(&tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Ends a try that brought no new pair. Nothing is changed if the grant is of another generation by now.
    pub async fn end_refresh(&self, grant: &GrantRow, end: RefreshEnd) -> Result<(), Fault> {
        let tx = self.begin().await?;
        let token = git_token::Entity::find_by_id(grant.token.0)
            .lock(LockType::NoKeyUpdate)
            .one(&tx)
            .await?;
        let mut update = oauth_grant::Entity::update_many()
            .col_expr(oauth_grant::Column::DueAt, Expr::value(millis(end.due)))
            .col_expr(oauth_grant::Column::LeaseUntil, Expr::value(0_i64))
            .col_expr(
                oauth_grant::Column::Failures,
                Expr::value(i32::try_from(end.failures).unwrap_or(i32::MAX)),
            )
            .col_expr(oauth_grant::Column::Note, Expr::value(to_json(&end.note)?));
        if !end.in_doubt {
            update = update.col_expr(oauth_grant::Column::SentAt, Expr::value(None::<i64>));
        }
        let done = update
            .filter(oauth_grant::Column::GitTokenId.eq(grant.token.0))
            .filter(oauth_grant::Column::Generation.eq(grant.generation))
            .exec(&tx)
            .await?;
        if token.is_none() || done.rows_affected == 0 {
            tx.rollback().await?;
            return Ok(());
        }
        if is_orphan(&tx, grant.token).await? {
            orphaned(&tx, grant.token.0, grant.access_ends).await?;
        }
        show(&tx, grant, end.in_doubt.then_some(TokenStatus::InDoubt)).await?;
        if let Some(event) = end.event {
            event.insert(&tx, grant.account).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// How many tokens came by an application, or wait for an answer.
    pub async fn tokens_of_application(&self, account: AccountId, id: OAuthApplicationId) -> Result<u64, Fault> {
        let stored = oauth_grant::Entity::find()
            .filter(oauth_grant::Column::AccountId.eq(account.0))
            .filter(oauth_grant::Column::OauthApplicationId.eq(id.0))
            .count(&self.db)
            .await?;
        let waiting = oauth_question::Entity::find()
            .filter(oauth_question::Column::OauthApplicationId.eq(id.0))
            .count(&self.db)
            .await?;
        Ok(stored + waiting)
    }

    /// Makes what an application could not refresh for a reason that passes due at once; for one token, or for all.
    pub async fn try_refresh_again(
        &self,
        account: AccountId,
        application: OAuthApplicationId,
        token: Option<GitTokenId>,
        now: Timestamp,
    ) -> Result<(), Fault> {
        let rows = oauth_grant::Entity::find()
            .filter(oauth_grant::Column::AccountId.eq(account.0))
            .filter(oauth_grant::Column::OauthApplicationId.eq(application.0))
            .filter(oauth_grant::Column::SealedRefresh.is_not_null())
            .filter(oauth_grant::Column::Note.is_not_null())
            .apply_if(token, |query, token| {
                query.filter(oauth_grant::Column::GitTokenId.eq(token.0))
            })
            .all(&self.db)
            .await?;
        for row in rows {
            let note: Option<RefreshNote> = row.note.as_deref().map(from_json).transpose()?;
            if !matches!(note, Some(RefreshNote::Failing { .. } | RefreshNote::GaveUp { .. })) {
                continue;
            }
            oauth_grant::Entity::update_many()
                .col_expr(oauth_grant::Column::DueAt, Expr::value(now.as_millis()))
                .col_expr(oauth_grant::Column::Failures, Expr::value(0))
                .col_expr(oauth_grant::Column::Note, Expr::value(None::<String>))
                .filter(oauth_grant::Column::GitTokenId.eq(row.git_token_id))
                .filter(oauth_grant::Column::Generation.eq(row.generation))
                .exec(&self.db)
                .await?;
        }
        Ok(())
    }

    /// Notes of every grant of an application that nobody can refresh it any more.
    pub(super) async fn orphan_grants(
        &self,
        tx: &DatabaseTransaction,
        account: AccountId,
        application: OAuthApplicationId,
    ) -> Result<(), Fault> {
        let orphans: Vec<Uuid> = oauth_grant::Entity::find()
            .select_only()
            .column(oauth_grant::Column::GitTokenId)
            .filter(oauth_grant::Column::AccountId.eq(account.0))
            .filter(oauth_grant::Column::OauthApplicationId.eq(application.0))
            .filter(oauth_grant::Column::SealedRefresh.is_not_null())
            .order_by_asc(oauth_grant::Column::GitTokenId)
            .into_tuple()
            .all(tx)
            .await?;
        for orphan in orphans {
            // A new pair may just be saved: its end is read when that is done.
            git_token::Entity::find_by_id(orphan)
                .lock(LockType::NoKeyUpdate)
                .one(tx)
                .await?;
            if let Some(row) = oauth_grant::Entity::find_by_id(orphan).one(tx).await? {
                orphaned(tx, orphan, row.access_ends_at.map(Timestamp::from_millis)).await?;
            }
        }
        Ok(())
    }
}

/// Whether a token's application is gone.
async fn is_orphan(tx: &DatabaseTransaction, token: GitTokenId) -> Result<bool, Fault> {
    let row = oauth_grant::Entity::find_by_id(token.0).one(tx).await?;
    Ok(row.is_some_and(|row| row.oauth_application_id.is_none()))
}

/// Notes that nobody can refresh a token any more: it ends with its access token.
async fn orphaned(tx: &DatabaseTransaction, token: Uuid, access_ends: Option<Timestamp>) -> Result<(), Fault> {
    let (expires_at, never_expires) = expiry_columns(access_ends.map_or(Expiry::Never, Expiry::At));
    git_token::Entity::update_many()
        .col_expr(git_token::Column::ExpiresAt, Expr::value(expires_at))
        .col_expr(git_token::Column::NeverExpires, Expr::value(never_expires))
        .col_expr(git_token::Column::NoticeDueAt, Expr::value(0_i64))
        .filter(git_token::Column::Id.eq(token))
        .exec(tx)
        .await?;
    oauth_grant::Entity::update_many()
        .col_expr(oauth_grant::Column::DueAt, Expr::value(None::<i64>))
        .col_expr(
            oauth_grant::Column::Note,
            Expr::value(to_json(&RefreshNote::NoApplication)?),
        )
        .filter(oauth_grant::Column::GitTokenId.eq(token))
        .exec(tx)
        .await?;
    Ok(())
}

/// Tokens among these of which it is not known what their provider did, or that are just being refreshed: what a check says of them
/// does not show.
pub(super) async fn unsettled(
    db: &impl ConnectionTrait,
    tokens: impl IntoIterator<Item = Uuid>,
) -> Result<HashSet<Uuid>, Fault> {
    let ids: Vec<Uuid> = oauth_grant::Entity::find()
        .select_only()
        .column(oauth_grant::Column::GitTokenId)
        .filter(oauth_grant::Column::GitTokenId.is_in(tokens))
        .filter(oauth_grant::Column::SentAt.is_not_null())
        .into_tuple()
        .all(db)
        .await?;
    Ok(ids.into_iter().collect())
}

/// Shows that a token is not refreshed as it should be: it ends with its access token, and may have a status of its own.
async fn show(tx: &DatabaseTransaction, grant: &GrantRow, status: Option<TokenStatus>) -> Result<(), Fault> {
    let (expires_at, never_expires) = expiry_columns(grant.access_ends.map_or(Expiry::Never, Expiry::At));
    let mut update = git_token::Entity::update_many()
        .col_expr(git_token::Column::ExpiresAt, Expr::value(expires_at))
        .col_expr(git_token::Column::NeverExpires, Expr::value(never_expires))
        .col_expr(git_token::Column::NoticeDueAt, Expr::value(0_i64));
    if let Some(status) = status {
        update = update.col_expr(git_token::Column::Status, Expr::value(status.as_str()));
    }
    update.filter(git_token::Column::Id.eq(grant.token.0)).exec(tx).await?;
    Ok(())
}

fn millis(at: Option<Timestamp>) -> Option<i64> {
    at.map(Timestamp::as_millis)
}

/// The row that a new OAuth token has beside its own.
pub(super) async fn insert_grant(
    tx: &DatabaseTransaction,
    account: AccountId,
    token: GitTokenId,
    (application, grant): (OAuthApplicationId, NewGrant),
) -> Result<(), Fault> {
    let due = grant.due();
    let row = oauth_grant::ActiveModel {
        git_token_id: Set(token.0),
        account_id: Set(account.0),
        oauth_application_id: Set(Some(application.0)),
        // A trigger knows it.
        runtime_id: NotSet,
        sealed_refresh: Set(grant.refresh.map(Sealed::into_bytes)),
        granted: Set(grant.granted.map(|granted| scope::joined(&granted))),
        access_ends_at: Set(millis(grant.access_ends)),
        refresh_ends_at: Set(millis(grant.refresh_ends)),
        refresh_since: Set(Some(grant.received.as_millis())),
        refreshed_at: Set(Some(grant.received.as_millis())),
        generation: Set(0),
        due_at: Set(millis(due)),
        lease_until: Set(0),
        sent_at: Set(None),
        failures: Set(0),
        note: Set(None),
        redirect_uri: Set(grant.redirect_uri),
    };
    oauth_grant::Entity::insert(row).exec_without_returning(tx).await?;
    Ok(())
}

/// What OAuth tokens among these rows were granted, and when they end.
pub(super) async fn granted(
    db: &impl ConnectionTrait,
    tokens: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, (Option<Vec<Scope>>, Option<Timestamp>)>, Fault> {
    let rows = oauth_grant::Entity::find()
        .filter(oauth_grant::Column::GitTokenId.is_in(tokens))
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let granted = row.granted.as_deref().map(scope::in_order);
            (
                row.git_token_id,
                (granted, row.access_ends_at.map(Timestamp::from_millis)),
            )
        })
        .collect())
}

/// The OAuth tokens among these.
pub(super) async fn grants(
    db: &impl ConnectionTrait,
    tokens: Select<git_token::Entity>,
) -> Result<Vec<GrantRow>, Fault> {
    let tokens = tokens.filter(git_token::Column::Kind.eq("oauth")).all(db).await?;
    if tokens.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows: HashMap<Uuid, oauth_grant::Model> = oauth_grant::Entity::find()
        .filter(oauth_grant::Column::GitTokenId.is_in(tokens.iter().map(|token| token.id)))
        .all(db)
        .await?
        .into_iter()
        .map(|row| (row.git_token_id, row))
        .collect();
    let runtimes = runtime::Entity::find()
        .filter(runtime::Column::Id.is_in(tokens.iter().map(|token| token.runtime_id)))
        .all(db)
        .await?;
    let providers = git_provider::Entity::find()
        .filter(git_provider::Column::Id.is_in(runtimes.iter().map(|runtime| runtime.git_provider_id)))
        .all(db)
        .await?;
    let applications = oauth_application::Entity::find()
        .filter(oauth_application::Column::Id.is_in(rows.values().filter_map(|row| row.oauth_application_id)))
        .all(db)
        .await?;
    let placed = tokens.into_iter().filter_map(|token| {
        let row = rows.remove(&token.id)?;
        let runtime = runtimes.iter().find(|runtime| runtime.id == token.runtime_id)?;
        let provider = providers
            .iter()
            .find(|provider| provider.id == runtime.git_provider_id)?;
        let application = applications
            .iter()
            .find(|application| Some(application.id) == row.oauth_application_id);
        Some(grant_row(token, row, runtime, provider.clone(), application.cloned()))
    });
    placed.collect()
}

fn grant_state(row: &oauth_grant::Model) -> Result<GrantState, Fault> {
    Ok(GrantState {
        access_ends: row.access_ends_at.map(Timestamp::from_millis),
        due: row.due_at.map(Timestamp::from_millis),
        sent_at: row.sent_at.map(Timestamp::from_millis),
        note: row.note.as_deref().map(from_json).transpose()?,
    })
}

fn status_of(token: &git_token::Model) -> Result<TokenStatus, Fault> {
    TokenStatus::from_stored(&token.status).ok_or_else(|| Fault::Stored(format!("unknown status {:?}", token.status)))
}

fn grant_row(
    token: git_token::Model,
    row: oauth_grant::Model,
    runtime: &runtime::Model,
    provider: git_provider::Model,
    application: Option<oauth_application::Model>,
) -> Result<GrantRow, Fault> {
    Ok(GrantRow {
        status: status_of(&token)?,
        token: GitTokenId(token.id),
        account: AccountId(token.account_id),
        user: token.user_id.map(UserId),
        runtime: RuntimeId(token.runtime_id),
        runtime_name: runtime.name.clone(),
        provider: provider_row(provider)?,
        application: application.map(application_row).transpose()?,
        sealed: Sealed::from(token.sealed),
        fingerprint: token.fingerprint,
        hint: token.hint,
        refresh: row.sealed_refresh.map(Sealed::from),
        granted: row.granted.as_deref().map(scope::in_order),
        access_ends: row.access_ends_at.map(Timestamp::from_millis),
        refresh_ends: row.refresh_ends_at.map(Timestamp::from_millis),
        refreshed_at: row.refreshed_at.map(Timestamp::from_millis),
        generation: row.generation,
        due: row.due_at.map(Timestamp::from_millis),
        lease_until: Timestamp::from_millis(row.lease_until),
        sent_at: row.sent_at.map(Timestamp::from_millis),
        failures: u32::try_from(row.failures).unwrap_or_default(),
        note: row.note.as_deref().map(from_json).transpose()?,
        redirect_uri: row.redirect_uri,
    })
}
