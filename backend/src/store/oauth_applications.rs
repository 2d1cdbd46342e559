//! OAuth applications, which runtime uses which, and who asked for one.

use super::{
    Store,
    entities::{git_provider, git_token, oauth_application, oauth_attempt, oauth_grant, oauth_request, runtime, user},
    git_tokens::{from_json, to_json},
};
use crate::{Fault, audit::AuditEvent, vault::Sealed};
use domain::{
    AccountId, GitProviderId, OAuthApplicationId, RuntimeId, Scope, Timestamp, UserId, doctor::Finding, scope,
};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::{NotSet, Set, Unchanged},
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, LockType, OnConflict},
};
use std::collections::HashMap;

/// An OAuth application as stored.
#[derive(Clone, Debug)]
pub struct OAuthApplicationRow {
    /// Which; it stands in the callback URL.
    pub id: OAuthApplicationId,
    /// The Git provider that it is registered at.
    pub git_provider: GitProviderId,
    /// Its name, of which a Git provider has one.
    pub name: String,
    /// The client id.
    pub client_id: String,
    /// The client secret, sealed.
    pub secret: Sealed,
    /// The scopes that it asks for.
    pub scopes: Vec<Scope>,
    /// Where people authorise, when that does not follow from the base URL.
    pub authorize_url: Option<String>,
    /// Where codes and refresh tokens are exchanged, when that does not follow.
    pub token_url: Option<String>,
    /// Where tokens are taken back, when that does not follow.
    pub revoke_url: Option<String>,
    /// When the client secret ends, as the admin says.
    pub secret_ends: Option<Timestamp>,
    /// When it was registered.
    pub created_at: Timestamp,
    /// What the last test found, and when.
    pub test: Option<(Timestamp, Vec<Finding>)>,
}

/// A person who asked for an OAuth application.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OAuthRequestRow {
    /// For which Git provider.
    pub git_provider: GitProviderId,
    /// Who.
    pub user: UserId,
    /// That person's name.
    pub name: String,
    /// When.
    pub at: Timestamp,
}

impl Store {
    /// Every OAuth application of an account, by name.
    pub async fn oauth_applications(&self, account: AccountId) -> Result<Vec<OAuthApplicationRow>, Fault> {
        let rows = oauth_application::Entity::find()
            .filter(oauth_application::Column::AccountId.eq(account.0))
            .order_by_asc(oauth_application::Column::Name)
            .all(&self.db)
            .await?;
        rows.into_iter().map(application_row).collect()
    }

    /// One OAuth application of an account.
    pub async fn oauth_application(
        &self,
        account: AccountId,
        id: OAuthApplicationId,
    ) -> Result<Option<OAuthApplicationRow>, Fault> {
        let row = oauth_application::Entity::find_by_id(id.0)
            .filter(oauth_application::Column::AccountId.eq(account.0))
            .one(&self.db)
            .await?;
        row.map(application_row).transpose()
    }

    /// Stores an application, as the one that follows `made` others of its Git provider, for these runtimes of it, and answers
    /// those who asked for one. `false` if another one came before it. [`super::is_taken`] tells that its name is taken.
    pub async fn create_oauth_application(
        &self,
        account: AccountId,
        row: OAuthApplicationRow,
        made: u32,
        runtimes: &[RuntimeId],
        event: AuditEvent,
    ) -> Result<bool, Fault> {
        let provider = row.git_provider;
        let id = row.id;
        let tx = self.begin().await?;
        // Runtimes before their Git provider, as everywhere.
        runtime::Entity::find()
            .filter(runtime::Column::AccountId.eq(account.0))
            .filter(runtime::Column::Id.is_in(runtimes.iter().map(|runtime| runtime.0)))
            .order_by_asc(runtime::Column::Id)
            .lock(LockType::NoKeyUpdate)
            .all(&tx)
            .await?;
        let made = i32::try_from(made).unwrap_or(i32::MAX);
        let next = git_provider::Entity::update_many()
            .col_expr(
                git_provider::Column::OauthApplicationsMade,
                Expr::value(made.saturating_add(1)),
            )
            .filter(git_provider::Column::Id.eq(provider.0))
            .filter(git_provider::Column::AccountId.eq(account.0))
            .filter(git_provider::Column::OauthApplicationsMade.eq(made))
            .exec(&tx)
            .await?;
        if next.rows_affected == 0 {
            tx.rollback().await?;
            return Ok(false);
        }
        oauth_application::ActiveModel {
            account_id: Set(account.0),
            git_provider_id: Set(provider.0),
            created_at: Set(row.created_at.as_millis()),
            tested_at: NotSet,
            findings: NotSet,
            ..model(row)
        }
        .insert(&tx)
        .await?;
        runtime::Entity::update_many()
            .col_expr(runtime::Column::OauthApplicationId, Expr::value(id.0))
            .filter(runtime::Column::AccountId.eq(account.0))
            .filter(runtime::Column::GitProviderId.eq(provider.0))
            .filter(runtime::Column::Id.is_in(runtimes.iter().map(|runtime| runtime.0)))
            .exec(&tx)
            .await?;
        oauth_request::Entity::delete_many()
            .filter(oauth_request::Column::GitProviderId.eq(provider.0))
            .exec(&tx)
            .await?;
        event.insert(&tx, account).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Changes an application, whose secret stays without another one; `false` if it is not there. Authorisations under way begin anew. [`super::is_taken`] tells that its name is taken.
    pub async fn update_oauth_application(
        &self,
        account: AccountId,
        row: OAuthApplicationRow,
        secret: Option<Sealed>,
        event: AuditEvent,
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        let old = oauth_application::Entity::find_by_id(row.id.0)
            .filter(oauth_application::Column::AccountId.eq(account.0))
            .lock(LockType::NoKeyUpdate);
        if old.one(&tx).await?.is_none() {
            tx.rollback().await?;
            return Ok(false);
        }
        let id = row.id;
        oauth_application::ActiveModel {
            id: Unchanged(id.0),
            sealed_secret: secret.map_or(NotSet, |secret| Set(secret.into_bytes())),
            // What was found was found of another one.
            tested_at: Set(None),
            findings: Set(None),
            ..model(row)
        }
        .update(&tx)
        .await?;
        oauth_attempt::Entity::delete_many()
            .filter(oauth_attempt::Column::OauthApplicationId.eq(id.0))
            .exec(&tx)
            .await?;
        event.end(tx, account, true).await
    }

    /// Notes what a test of an application found.
    pub async fn note_oauth_test(
        &self,
        account: AccountId,
        id: OAuthApplicationId,
        at: Timestamp,
        findings: &[Finding],
        event: AuditEvent,
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        let done = oauth_application::Entity::update_many()
            .col_expr(oauth_application::Column::TestedAt, Expr::value(at.as_millis()))
            .col_expr(oauth_application::Column::Findings, Expr::value(to_json(&findings)?))
            .filter(oauth_application::Column::Id.eq(id.0))
            .filter(oauth_application::Column::AccountId.eq(account.0))
            .exec(&tx)
            .await?;
        event.end(tx, account, done.rows_affected == 1).await
    }

    /// Deletes an application. The runtimes that use it take tokens only from then on, and its tokens are refreshed no more.
    /// `false` if it is not there.
    pub async fn delete_oauth_application(
        &self,
        account: AccountId,
        id: OAuthApplicationId,
        event: AuditEvent,
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        // In the order in which a new token takes them: runtimes, application, tokens. With the application locked none comes between.
        runtime::Entity::find()
            .filter(runtime::Column::AccountId.eq(account.0))
            .filter(runtime::Column::OauthApplicationId.eq(id.0))
            .order_by_asc(runtime::Column::Id)
            .lock(LockType::NoKeyUpdate)
            .all(&tx)
            .await?;
        oauth_application::Entity::find_by_id(id.0)
            .lock(LockType::Update)
            .one(&tx)
            .await?;
        self.orphan_grants(&tx, account, id).await?;
        let done = oauth_application::Entity::delete_many()
            .filter(oauth_application::Column::Id.eq(id.0))
            .filter(oauth_application::Column::AccountId.eq(account.0))
            .exec(&tx)
            .await?;
        event.end(tx, account, done.rows_affected == 1).await
    }

    /// Chooses by which application people authorise access for a runtime; `None`: by none, so it takes tokens only. `false`, and
    /// nothing changed, if there is no such runtime, or no such application at its Git provider.
    pub async fn choose_oauth_application(
        &self,
        account: AccountId,
        id: RuntimeId,
        application: Option<OAuthApplicationId>,
        event: AuditEvent,
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        let found = runtime::Entity::find_by_id(id.0)
            .filter(runtime::Column::AccountId.eq(account.0))
            .lock(LockType::NoKeyUpdate)
            .one(&tx)
            .await?;
        let fits = match (&found, application) {
            (None, _) => false,
            (Some(_), None) => true,
            (Some(found), Some(application)) => oauth_application::Entity::find_by_id(application.0)
                .filter(oauth_application::Column::GitProviderId.eq(found.git_provider_id))
                .lock(LockType::KeyShare)
                .one(&tx)
                .await?
                .is_some(),
        };
        if fits {
            runtime::Entity::update_many()
                .col_expr(
                    runtime::Column::OauthApplicationId,
                    Expr::value(application.map(|application| application.0)),
                )
                .filter(runtime::Column::Id.eq(id.0))
                .exec(&tx)
                .await?;
        }
        event.end(tx, account, fits).await
    }

    /// Whose tokens an application refreshes: the people's names and how many tokens there are, by runtime name.
    pub async fn holders_of_application(
        &self,
        account: AccountId,
        id: OAuthApplicationId,
    ) -> Result<Vec<(String, String)>, Fault> {
        let rows: Vec<(uuid::Uuid, Option<uuid::Uuid>)> = git_token::Entity::find()
            .select_only()
            .column(git_token::Column::RuntimeId)
            .column(git_token::Column::UserId)
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(
                git_token::Column::Id.in_subquery(
                    sea_orm::sea_query::Query::select()
                        .column(oauth_grant::Column::GitTokenId)
                        .from(oauth_grant::Entity)
                        .and_where(oauth_grant::Column::OauthApplicationId.eq(id.0))
                        .and_where(oauth_grant::Column::SealedRefresh.is_not_null())
                        .to_owned(),
                ),
            )
            .into_tuple()
            .all(&self.db)
            .await?;
        let people: HashMap<uuid::Uuid, String> = user::Entity::find()
            .filter(user::Column::Id.is_in(rows.iter().filter_map(|(_, user)| *user)))
            .all(&self.db)
            .await?
            .into_iter()
            .map(|user| (user.id, user.name))
            .collect();
        let runtimes: HashMap<uuid::Uuid, String> = runtime::Entity::find()
            .filter(runtime::Column::Id.is_in(rows.iter().map(|(runtime, _)| *runtime)))
            .all(&self.db)
            .await?
            .into_iter()
            .map(|runtime| (runtime.id, runtime.name))
            .collect();
        let mut holders: Vec<(String, String)> = rows
            .into_iter()
            .filter_map(|(runtime, user)| Some((people.get(&user?)?.clone(), runtimes.get(&runtime)?.clone())))
            .collect();
        holders.sort();
        Ok(holders)
    }

    /// Notes that a person asks the admins for an OAuth application; `false` if that is noted already.
    pub async fn request_oauth_application(
        &self,
        account: AccountId,
        provider: GitProviderId,
        user: UserId,
        at: Timestamp,
        event: AuditEvent,
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        let row = oauth_request::ActiveModel {
            git_provider_id: Set(provider.0),
            user_id: Set(user.0),
            account_id: Set(account.0),
            at: Set(at.as_millis()),
        };
        let once = OnConflict::columns([oauth_request::Column::GitProviderId, oauth_request::Column::UserId])
            .do_nothing()
            .to_owned();
        let done = oauth_request::Entity::insert(row)
            .on_conflict(once)
            .exec_without_returning(&tx)
            .await?;
        event.end(tx, account, done == 1).await
    }

    /// Who asked for OAuth applications in an account, the first first.
    pub async fn oauth_requests(&self, account: AccountId) -> Result<Vec<OAuthRequestRow>, Fault> {
        let rows = oauth_request::Entity::find()
            .filter(oauth_request::Column::AccountId.eq(account.0))
            .order_by_asc(oauth_request::Column::At)
            .all(&self.db)
            .await?;
        let names: HashMap<uuid::Uuid, String> = user::Entity::find()
            .filter(user::Column::Id.is_in(rows.iter().map(|row| row.user_id)))
            .all(&self.db)
            .await?
            .into_iter()
            .map(|user| (user.id, user.name))
            .collect();
        Ok(rows
            .into_iter()
            .filter_map(|row| {
                Some(OAuthRequestRow {
                    git_provider: GitProviderId(row.git_provider_id),
                    user: UserId(row.user_id),
                    name: names.get(&row.user_id)?.clone(),
                    at: Timestamp::from_millis(row.at),
                })
            })
            .collect())
    }
}

/// What an admin may change.
fn model(row: OAuthApplicationRow) -> oauth_application::ActiveModel {
    oauth_application::ActiveModel {
        id: Set(row.id.0),
        name: Set(row.name),
        client_id: Set(row.client_id),
        sealed_secret: Set(row.secret.into_bytes()),
        scopes: Set(scope::joined(&row.scopes)),
        authorize_url: Set(row.authorize_url),
        token_url: Set(row.token_url),
        revoke_url: Set(row.revoke_url),
        secret_expires_at: Set(row.secret_ends.map(Timestamp::as_millis)),
        ..Default::default()
    }
}

pub(super) fn application_row(row: oauth_application::Model) -> Result<OAuthApplicationRow, Fault> {
    let findings = row.findings.as_deref().map(from_json).transpose()?;
    Ok(OAuthApplicationRow {
        id: OAuthApplicationId(row.id),
        git_provider: GitProviderId(row.git_provider_id),
        name: row.name,
        client_id: row.client_id,
        secret: Sealed::from(row.sealed_secret),
        scopes: scope::in_order(&row.scopes),
        authorize_url: row.authorize_url,
        token_url: row.token_url,
        revoke_url: row.revoke_url,
        secret_ends: row.secret_expires_at.map(Timestamp::from_millis),
        created_at: Timestamp::from_millis(row.created_at),
        test: row.tested_at.map(Timestamp::from_millis).zip(findings),
    })
}
