//! Which Git tokens are due for a check in the background, of all accounts, and who is at it.
//!
//! A process takes due tokens by a lease in their rows, so that another one on the same database leaves them alone. When it notes
//! the check, or puts the token back, the lease ends; when it is killed, the lease runs out. Rows that are locked are passed over:
//! nothing here waits for a row while it holds another.

use super::{
    Store,
    entities::{check, git_provider, git_token, runtime},
    git_providers::{GitProviderRow, provider_row},
    git_tokens::{check_model, checked_columns, keep_end_of_grant, keep_status, to_json},
    oauth_grants::{granted, unsettled},
};
use crate::{Fault, vault::Sealed};
use domain::{
    AccountId, CheckId, CheckOutcome, GitProviderId, GitTokenId, RuntimeId, Scope, ScopeProfile, Timestamp, UserId,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, Condition, EntityTrait as _, ExprTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, QueryTrait as _,
    sea_query::{Expr, LockBehavior, LockType, Query, SelectStatement},
};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// A Git provider with tokens that are due.
#[derive(Clone, Debug)]
pub struct DueProvider {
    /// Whose.
    pub account: AccountId,
    /// Which.
    pub provider: GitProviderRow,
    /// What tokens need there: those of people, and runtime tokens.
    pub profiles: [ScopeProfile; 2],
}

/// A token that was taken for a check.
#[derive(Clone, Debug)]
pub struct DueToken {
    /// Which.
    pub id: GitTokenId,
    /// Its account.
    pub account: AccountId,
    /// Whose; `None` for a runtime's own.
    pub user: Option<UserId>,
    /// The secret, sealed.
    pub sealed: Sealed,
    /// The keyed fingerprint of the secret: several rows may hold the same.
    pub fingerprint: Vec<u8>,
    /// What goes beside it, if anything does.
    pub username: Option<String>,
    /// Of an OAuth token the scopes that its provider says it granted, if it says, and the end of the access token, if it has one.
    pub oauth: Option<(Option<Vec<Scope>>, Option<Timestamp>)>,
    /// Until when nobody else takes it.
    pub lease: Timestamp,
}

/// A check of a token that was taken.
#[derive(Clone, Debug)]
pub struct BackgroundCheck {
    /// The check's id.
    pub id: CheckId,
    /// When it was made.
    pub at: Timestamp,
    /// The token's account.
    pub account: AccountId,
    /// The token.
    pub token: GitTokenId,
    /// The lease under which it was made.
    pub lease: Timestamp,
    /// What came of it.
    pub outcome: CheckOutcome,
    /// When the token is checked next.
    pub next: Timestamp,
}

/// How many rows one statement of [`Store::check_soon`] changes.
const SOON_PAGE: u64 = 1000;

impl Store {
    /// Every Git provider that has due tokens which nobody has taken, of all accounts.
    pub async fn due_providers(&self, now: Timestamp) -> Result<Vec<DueProvider>, Fault> {
        let due_tokens = Query::select()
            .expr(Expr::value(1))
            .from(runtime::Entity)
            .inner_join(
                git_token::Entity,
                Expr::col((git_token::Entity, git_token::Column::RuntimeId))
                    .equals((runtime::Entity, runtime::Column::Id)),
            )
            .and_where(
                Expr::col((runtime::Entity, runtime::Column::GitProviderId))
                    .equals((git_provider::Entity, git_provider::Column::Id)),
            )
            .cond_where(due(now))
            .to_owned();
        let rows = git_provider::Entity::find()
            .filter(Expr::exists(due_tokens))
            .all(&self.db)
            .await?;
        let accounts: Vec<AccountId> = rows.iter().map(|row| AccountId(row.account_id)).collect();
        let providers = rows
            .into_iter()
            .map(provider_row)
            .collect::<Result<Vec<GitProviderRow>, Fault>>()?;
        let profiles = self.scope_profiles(&providers).await?;
        let all = accounts.into_iter().zip(providers).zip(profiles);
        Ok(all
            .map(|((account, provider), profiles)| DueProvider {
                account,
                provider,
                profiles,
            })
            .collect())
    }

    /// Takes up to `limit` due tokens of a Git provider until `lease`.
    pub async fn take_due_tokens(
        &self,
        account: AccountId,
        provider: GitProviderId,
        now: Timestamp,
        lease: Timestamp,
        limit: u64,
    ) -> Result<Vec<DueToken>, Fault> {
        let runtimes = Query::select()
            .column(runtime::Column::Id)
            .from(runtime::Entity)
            // Here and not on the tokens, where SQLite would take the index of an account's tokens, most of which are not due.
            .and_where(runtime::Column::AccountId.eq(account.0))
            .and_where(runtime::Column::GitProviderId.eq(provider.0))
            .to_owned();
        let tx = self.begin().await?;
        let rows = git_token::Entity::find()
            .filter(git_token::Column::RuntimeId.in_subquery(runtimes))
            .filter(due(now))
            .limit(limit)
            .lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked)
            .all(&tx)
            .await?;
        git_token::Entity::update_many()
            .col_expr(git_token::Column::CheckLease, Expr::value(lease.as_millis()))
            .filter(git_token::Column::Id.is_in(rows.iter().map(|row| row.id)))
            .exec(&tx)
            .await?;
        let mut granted = granted(&tx, rows.iter().filter(|row| row.kind == "oauth").map(|row| row.id)).await?;
        tx.commit().await?;
        let taken = rows.into_iter().map(|row| DueToken {
            oauth: granted.remove(&row.id),
            id: GitTokenId(row.id),
            account: AccountId(row.account_id),
            user: row.user_id.map(UserId),
            sealed: Sealed::from(row.sealed),
            fingerprint: row.fingerprint,
            username: row.username,
            lease,
        });
        Ok(taken.collect())
    }

    /// Puts tokens back that were taken until `lease` and not checked: they are as due as before.
    pub async fn put_back_due_tokens(
        &self,
        tokens: impl IntoIterator<Item = GitTokenId>,
        lease: Timestamp,
    ) -> Result<(), Fault> {
        let free = git_token::Entity::find()
            .select_only()
            .column(git_token::Column::Id)
            .filter(git_token::Column::Id.is_in(tokens.into_iter().map(|token| token.0)))
            .filter(git_token::Column::CheckLease.eq(lease.as_millis()))
            .lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked)
            .into_query();
        git_token::Entity::update_many()
            .col_expr(git_token::Column::CheckLease, Expr::value(0))
            .filter(git_token::Column::Id.in_subquery(free))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// Notes checks and what follows from them, all in one transaction, and ends their leases. Passes over a token that has gone
    /// in the meantime, that is no longer under the lease, that is being rotated, or whose row is locked: that one will be due
    /// again. Gives the tokens whose checks were noted.
    pub async fn note_background_checks(&self, checks: &[BackgroundCheck]) -> Result<HashSet<GitTokenId>, Fault> {
        let tx = self.begin().await?;
        let free: HashMap<Uuid, String> = git_token::Entity::find()
            .select_only()
            .column(git_token::Column::Id)
            .column(git_token::Column::Kind)
            .filter(git_token::Column::Id.is_in(checks.iter().map(|check| check.token.0)))
            .filter(git_token::Column::RotationStartedAt.is_null())
            .lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked)
            .into_tuple::<(Uuid, String)>()
            .all(&tx)
            .await?
            .into_iter()
            .collect();
        let unsettled = unsettled(&tx, free.keys().copied()).await?;
        let mut noted = HashSet::new();
        let mut rows = Vec::with_capacity(checks.len());
        for check in checks {
            let Some(kind) = free.get(&check.token.0) else {
                continue;
            };
            let json = to_json(&check.outcome)?;
            let mut model = checked_columns(check.at, &check.outcome, json.clone())?;
            model.next_check_at = Set(check.next.as_millis());
            model.check_lease = Set(0);
            keep_end_of_grant(&mut model, kind);
            if unsettled.contains(&check.token.0) {
                keep_status(&mut model);
            }
            let done = git_token::Entity::update_many()
                .set(model)
                .filter(git_token::Column::Id.eq(check.token.0))
                .filter(git_token::Column::AccountId.eq(check.account.0))
                .filter(git_token::Column::CheckLease.eq(check.lease.as_millis()))
                .exec(&tx)
                .await?;
            if done.rows_affected == 1 {
                noted.insert(check.token);
                rows.push(check_model(check.account, check.token, (check.id, check.at), json));
            }
        }
        if !rows.is_empty() {
            check::Entity::insert_many(rows).exec_without_returning(&tx).await?;
        }
        tx.commit().await?;
        Ok(noted)
    }

    /// Makes every token of a runtime due now, a page at a time, and gives how many were not yet. Tokens whose rows are locked are
    /// passed over: those are just being checked.
    pub async fn check_soon(&self, account: AccountId, runtime: RuntimeId, now: Timestamp) -> Result<u64, Fault> {
        let page = git_token::Entity::find()
            .select_only()
            .column(git_token::Column::Id)
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(git_token::Column::RuntimeId.eq(runtime.0))
            .filter(git_token::Column::NextCheckAt.gt(now.as_millis()))
            .order_by_asc(git_token::Column::NextCheckAt)
            .limit(SOON_PAGE)
            .lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked)
            .into_query();
        let mut changed = 0;
        loop {
            let done = git_token::Entity::update_many()
                .col_expr(git_token::Column::NextCheckAt, Expr::value(now.as_millis()))
                .filter(git_token::Column::Id.in_subquery(page.clone()))
                .exec(&self.db)
                .await?;
            changed += done.rows_affected;
            if done.rows_affected == 0 {
                return Ok(changed);
            }
        }
    }

    /// How many tokens of an account, or of one of its runtimes, are due.
    pub async fn due_tokens(
        &self,
        account: AccountId,
        runtime: Option<RuntimeId>,
        now: Timestamp,
    ) -> Result<u64, Fault> {
        // By runtime in either case, so that the index finds them.
        let runtimes: SelectStatement = runtime::Entity::find()
            .select_only()
            .column(runtime::Column::Id)
            .filter(runtime::Column::AccountId.eq(account.0))
            .apply_if(runtime, |query, runtime| {
                query.filter(runtime::Column::Id.eq(runtime.0))
            })
            .into_query();
        Ok(git_token::Entity::find()
            .filter(git_token::Column::RuntimeId.in_subquery(runtimes))
            .filter(git_token::Column::NextCheckAt.lte(now.as_millis()))
            .count(&self.db)
            .await?)
    }

    /// Deletes up to `limit` checks that were made before a moment, and never the newest of a token; gives how many.
    pub async fn prune_checks(&self, before: Timestamp, limit: u64) -> Result<u64, Fault> {
        let newer = sea_orm::sea_query::Alias::new("newer");
        let has_a_newer_one = Query::select()
            .expr(Expr::value(1))
            .from_as(check::Entity, newer.clone())
            .and_where(
                Expr::col((newer.clone(), check::Column::GitTokenId))
                    .equals((check::Entity, check::Column::GitTokenId)),
            )
            .and_where(Expr::col((newer, check::Column::At)).gt(Expr::col((check::Entity, check::Column::At))))
            .to_owned();
        let old = check::Entity::find()
            .select_only()
            .column(check::Column::Id)
            .filter(check::Column::At.lt(before.as_millis()))
            .filter(Expr::exists(has_a_newer_one))
            .limit(limit)
            .into_query();
        let done = check::Entity::delete_many()
            .filter(check::Column::Id.in_subquery(old))
            .exec(&self.db)
            .await?;
        Ok(done.rows_affected)
    }
}

/// Due, and taken by nobody. A token that is being rotated is looked at by the rotation: the provider may refuse the stored value
/// already, which says nothing about the one that is about to be stored.
fn due(now: Timestamp) -> Condition {
    Condition::all()
        .add(git_token::Column::NextCheckAt.lte(now.as_millis()))
        .add(git_token::Column::CheckLease.lte(now.as_millis()))
        .add(git_token::Column::RotationStartedAt.is_null())
}
