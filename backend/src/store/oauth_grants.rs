//! What refreshes OAuth tokens: refresh tokens, sealed, and who is at it.
//!
//! Whoever refreshes takes the lease of the row by a conditional update, which also notes that the provider is about to be asked.
//! A new pair is saved in place of the one that it came of, which its generation tells, and of no other.
//!
//! A token and its grant are read by one statement: of a pair that is being replaced by another, nobody sees half of each.
//! They are locked in the order in which a deletion takes them: the token, then its grant.

use super::{
    GitProviderRow, OAuthApplicationRow, Store,
    audit::AuditEvent,
    entities::{git_provider, git_token, oauth_application, oauth_grant, runtime},
    git_providers::provider_row,
    git_tokens::{expiry_columns, from_json, held_by, to_json},
    oauth_applications::application_row,
};
use crate::{Fault, vault::Sealed};
use domain::{
    AccountId, Expiry, GitTokenId, OAuthApplicationId, RefreshNote, RuntimeId, Scope, Timestamp, TokenStatus, UserId,
    scope,
};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::{Set, Unchanged},
    ColumnTrait as _, Condition, ConnectionTrait, DatabaseTransaction, EntityTrait as _, JoinType, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, QueryTrait as _, Select, SelectTwo,
    sea_query::{Expr, LockType},
};
use std::collections::HashMap;
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
    /// When it ends; `None`: never.
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
    /// The record of it, if it is for good.
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

    /// What is needed of an OAuth token to use it.
    pub async fn stored_grant(&self, account: AccountId, token: GitTokenId) -> Result<Option<StoredGrant>, Fault> {
        let tokens = git_token::Entity::find_by_id(token.0).filter(git_token::Column::AccountId.eq(account.0));
        let Some((row, Some(grant))) = with_grants(tokens).one(&self.db).await? else {
            return Ok(None);
        };
        Ok(Some(StoredGrant {
            user: row.user_id.map(UserId),
            status: status_of(&row)?,
            sealed: Sealed::from(row.sealed),
            access_ends: grant.access_ends_at.map(Timestamp::from_millis),
            due: grant.due_at.map(Timestamp::from_millis),
            sent_at: grant.sent_at.map(Timestamp::from_millis),
            note: grant.note.as_deref().map(from_json).transpose()?,
        }))
    }

    /// The OAuth tokens of an account, or of one person there.
    pub async fn grants_of(&self, account: AccountId, user: Option<UserId>) -> Result<Vec<GrantRow>, Fault> {
        let tokens = git_token::Entity::find()
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(held_by(user));
        grants(&self.db, tokens).await
    }

    /// OAuth tokens of any account that are due and that nobody is at, the longest due first; at most `limit`, beginning after
    /// one that came before.
    pub async fn due_grants(
        &self,
        now: Timestamp,
        after: Option<&GrantRow>,
        limit: u64,
    ) -> Result<Vec<GrantRow>, Fault> {
        let due = git_token::Entity::find()
            .filter(oauth_grant::Column::DueAt.lte(now.as_millis()))
            .filter(oauth_grant::Column::LeaseUntil.lte(now.as_millis()))
            .apply_if(after, |due, after| {
                let (at, token) = (millis(after.due), after.token.0);
                let same = Condition::all()
                    .add(oauth_grant::Column::DueAt.eq(at))
                    .add(oauth_grant::Column::GitTokenId.gt(token));
                due.filter(Condition::any().add(oauth_grant::Column::DueAt.gt(at)).add(same))
            })
            .order_by_asc(oauth_grant::Column::DueAt)
            .order_by_asc(oauth_grant::Column::GitTokenId)
            .limit(limit);
        grants(&self.db, due).await
    }

    /// Takes the lease of a grant until `lease`, and notes that the provider is about to be asked: one caller gets `true`, and
    /// only while the grant is due, nobody else is at it, and nobody was since it was read. What another process left without an
    /// answer becomes *in doubt*. Committed when this returns.
    pub async fn take_refresh(&self, grant: &GrantRow, now: Timestamp, lease: Timestamp) -> Result<bool, Fault> {
        let (Some(due), Some(application)) = (grant.due.filter(|due| *due <= now), &grant.application) else {
            return Ok(false);
        };
        let tx = self.begin().await?;
        if grant.sent_at.is_some() {
            lock_token(&tx, grant).await?;
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
            // After every try that brought no new pair it is another one.
            .filter(oauth_grant::Column::DueAt.eq(due.as_millis()))
            .filter(oauth_grant::Column::OauthApplicationId.eq(application.id.0))
            .filter(oauth_grant::Column::LeaseUntil.lte(now.as_millis()))
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
        tx.commit().await?;
        Ok(taken)
    }

    /// Saves a new pair in place of the one of this generation: both tokens in one transaction, which also ends the lease and takes
    /// away what was noted. `false` if that pair is not stored any more, because it was deleted, replaced or refreshed.
    pub async fn save_refresh(&self, grant: &GrantRow, mut new: NewPair) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        let Some((token, row)) = locked(&tx, grant).await? else {
            tx.rollback().await?;
            return Ok(false);
        };
        // Without its application, which may have been deleted meanwhile, this pair is the last.
        new.grant.refreshes &= row.oauth_application_id.is_some();
        let note = match row.oauth_application_id {
            Some(_) => None,
            None => Some(to_json(&RefreshNote::NoApplication)?),
        };
        let due = new.grant.due();
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
            .col_expr(oauth_grant::Column::Note, Expr::value(note));
        let (expires_at, never_expires) = expiry_columns(new.grant.expiry());
        if let Some(granted) = &new.grant.granted {
            update = update.col_expr(oauth_grant::Column::Granted, Expr::value(scope::joined(granted)));
        }
        // The old refresh token is kept only where no new one came.
        if let Some(refresh) = new.grant.refresh {
            update = update
                .col_expr(oauth_grant::Column::SealedRefresh, Expr::value(refresh.into_bytes()))
                .col_expr(
                    oauth_grant::Column::RefreshEndsAt,
                    Expr::value(millis(new.grant.refresh_ends)),
                );
        }
        update
            .filter(oauth_grant::Column::GitTokenId.eq(grant.token.0))
            .exec(&tx)
            .await?;
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
            ..Default::default()
        };
        model.update(&tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Ends a try that brought no new pair. Nothing is changed if the grant is of another generation by now.
    pub async fn end_refresh(&self, grant: &GrantRow, mut end: RefreshEnd) -> Result<(), Fault> {
        let tx = self.begin().await?;
        let Some((_, row)) = locked(&tx, grant).await? else {
            tx.rollback().await?;
            return Ok(());
        };
        if row.oauth_application_id.is_none() {
            // It was deleted meanwhile.
            (end.note, end.due) = (RefreshNote::NoApplication, None);
        }
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
        update
            .filter(oauth_grant::Column::GitTokenId.eq(grant.token.0))
            .exec(&tx)
            .await?;
        show(&tx, grant, end.in_doubt.then_some(TokenStatus::InDoubt)).await?;
        if let Some(event) = end.event {
            event.insert(&tx, grant.account).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Notes of every grant of an application that nobody can refresh it any more.
    pub(super) async fn orphan_grants(
        &self,
        tx: &DatabaseTransaction,
        account: AccountId,
        application: OAuthApplicationId,
    ) -> Result<(), Fault> {
        // Or an authorisation that is being stored would bring one more.
        oauth_application::Entity::find_by_id(application.0)
            .filter(oauth_application::Column::AccountId.eq(account.0))
            .lock(LockType::Update)
            .one(tx)
            .await?;
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
            git_token::Entity::find_by_id(orphan)
                .lock(LockType::NoKeyUpdate)
                .one(tx)
                .await?;
            // Read only now: it may have been refreshed just before.
            let Some(orphan) = oauth_grant::Entity::find_by_id(orphan).one(tx).await? else {
                continue;
            };
            // What cannot be refreshed ends with its access token.
            git_token::Entity::update_many()
                .col_expr(git_token::Column::ExpiresAt, Expr::value(orphan.access_ends_at))
                .col_expr(
                    git_token::Column::NeverExpires,
                    Expr::value(orphan.access_ends_at.is_none()),
                )
                .filter(git_token::Column::Id.eq(orphan.git_token_id))
                .exec(tx)
                .await?;
            oauth_grant::Entity::update_many()
                .col_expr(oauth_grant::Column::DueAt, Expr::value(None::<i64>))
                .col_expr(
                    oauth_grant::Column::Note,
                    Expr::value(to_json(&RefreshNote::NoApplication)?),
                )
                .filter(oauth_grant::Column::GitTokenId.eq(orphan.git_token_id))
                .exec(tx)
                .await?;
        }
        Ok(())
    }
}

/// A token with its grant, both locked, if the grant still is of this generation.
async fn locked(
    tx: &DatabaseTransaction,
    grant: &GrantRow,
) -> Result<Option<(git_token::Model, oauth_grant::Model)>, Fault> {
    let Some(token) = lock_token(tx, grant).await? else {
        return Ok(None);
    };
    let row = oauth_grant::Entity::find_by_id(grant.token.0)
        .filter(oauth_grant::Column::Generation.eq(grant.generation))
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?;
    Ok(row.map(|row| (token, row)))
}

async fn lock_token(tx: &DatabaseTransaction, grant: &GrantRow) -> Result<Option<git_token::Model>, Fault> {
    Ok(git_token::Entity::find_by_id(grant.token.0)
        .filter(git_token::Column::AccountId.eq(grant.account.0))
        .lock(LockType::NoKeyUpdate)
        .one(tx)
        .await?)
}

/// Shows that a token is not refreshed as it should be: it ends with its access token, and may have a status of its own.
async fn show(tx: &DatabaseTransaction, grant: &GrantRow, status: Option<TokenStatus>) -> Result<(), Fault> {
    let (expires_at, never_expires) = expiry_columns(grant.access_ends.map_or(Expiry::Never, Expiry::At));
    let mut update = git_token::Entity::update_many()
        .col_expr(git_token::Column::ExpiresAt, Expr::value(expires_at))
        .col_expr(git_token::Column::NeverExpires, Expr::value(never_expires));
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
        sealed_refresh: Set(grant.refresh.map(Sealed::into_bytes)),
        granted: Set(grant.granted.map(|granted| scope::joined(&granted))),
        access_ends_at: Set(millis(grant.access_ends)),
        refresh_ends_at: Set(millis(grant.refresh_ends)),
        refreshed_at: Set(Some(grant.received.as_millis())),
        generation: Set(0),
        due_at: Set(millis(due)),
        lease_until: Set(0),
        sent_at: Set(None),
        failures: Set(0),
        note: Set(None),
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

/// The OAuth tokens among these, each with what belongs to it.
fn with_grants(tokens: Select<git_token::Entity>) -> SelectTwo<git_token::Entity, oauth_grant::Entity> {
    let beside = git_token::Entity::belongs_to(oauth_grant::Entity)
        .from(git_token::Column::Id)
        .to(oauth_grant::Column::GitTokenId);
    tokens
        .join(JoinType::InnerJoin, beside.into())
        .select_also(oauth_grant::Entity)
}

/// The OAuth tokens among these.
async fn grants(db: &impl ConnectionTrait, tokens: Select<git_token::Entity>) -> Result<Vec<GrantRow>, Fault> {
    let tokens = with_grants(tokens).all(db).await?;
    let pairs: Vec<_> = tokens
        .into_iter()
        .filter_map(|(token, grant)| Some((token, grant?)))
        .collect();
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let runtimes = runtime::Entity::find()
        .filter(runtime::Column::Id.is_in(pairs.iter().map(|(token, _)| token.runtime_id)))
        .all(db)
        .await?;
    let providers = git_provider::Entity::find()
        .filter(git_provider::Column::Id.is_in(runtimes.iter().map(|runtime| runtime.git_provider_id)))
        .all(db)
        .await?;
    let applications = oauth_application::Entity::find()
        .filter(oauth_application::Column::Id.is_in(pairs.iter().filter_map(|(_, row)| row.oauth_application_id)))
        .all(db)
        .await?;
    let placed = pairs.into_iter().filter_map(|(token, row)| {
        let runtime = runtimes.iter().find(|runtime| runtime.id == token.runtime_id)?;
        let provider = providers
            .iter()
            .find(|provider| provider.id == runtime.git_provider_id)?;
        let application = applications
            .iter()
            .find(|application| Some(application.id) == row.oauth_application_id);
        Some(grant_row(token, row, provider.clone(), application.cloned()))
    });
    placed.collect()
}

fn status_of(token: &git_token::Model) -> Result<TokenStatus, Fault> {
    TokenStatus::from_stored(&token.status).ok_or_else(|| Fault::Stored(format!("unknown status {:?}", token.status)))
}

fn grant_row(
    token: git_token::Model,
    row: oauth_grant::Model,
    provider: git_provider::Model,
    application: Option<oauth_application::Model>,
) -> Result<GrantRow, Fault> {
    Ok(GrantRow {
        status: status_of(&token)?,
        token: GitTokenId(token.id),
        account: AccountId(token.account_id),
        user: token.user_id.map(UserId),
        runtime: RuntimeId(token.runtime_id),
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
    })
}
