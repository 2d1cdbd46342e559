//! Git tokens, sealed, and their checks.

use super::{
    GitProviderRow, NewGrant, Store,
    entities::{check, git_provider, git_token, oauth_application, runtime},
    members::stays_member,
    oauth_grants::{insert_grant, unsettled},
};
use crate::{Fault, audit::AuditEvent, vault::Sealed};
use domain::{
    AccountId, CheckId, CheckOutcome, Ends, Expiry, Findings, GitIdentity, GitProviderId, GitTokenId,
    OAuthApplicationId, Refusal, RotationNote, RuntimeId, ScopeFinding, Setback, Timestamp, TokenStatus, UserId,
};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::{NotSet, Set, Unchanged},
    ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    QuerySelect as _,
    sea_query::{Expr, LockType, Query, SimpleExpr},
};
use serde::{Serialize, de::DeserializeOwned};

/// A Git token as stored.
#[derive(Clone, Debug)]
pub struct GitTokenRow {
    /// Which.
    pub id: GitTokenId,
    /// For which runtime.
    pub runtime: RuntimeId,
    /// Whose; `None` for a runtime token.
    pub user: Option<UserId>,
    /// Whether it came by OAuth 2.
    pub oauth: bool,
    /// The secret, sealed.
    pub sealed: Sealed,
    /// The keyed fingerprint of the secret.
    pub fingerprint: Vec<u8>,
    /// Its prefix and last four characters.
    pub hint: String,
    /// What the provider calls its kind, when the prefix tells.
    pub format: Option<String>,
    /// What goes beside it, if anything does.
    pub username: Option<String>,
    /// Whose it is at the provider.
    pub identity: GitIdentity,
    /// Its scopes against the profile.
    pub scopes: Vec<ScopeFinding>,
    /// What the last telling check said.
    pub status: TokenStatus,
    /// Where to authorise it for single sign-on.
    pub sso_url: Option<String>,
    /// When it ends, as the provider told and as its holder entered.
    pub ends: Ends,
    /// When the provider last accepted it.
    pub accepted_at: Option<Timestamp>,
    /// When it was checked last.
    pub checked_at: Timestamp,
    /// What kept that check from telling anything.
    pub setback: Option<Setback>,
    /// What became of the last try to rotate it, if that brought no new token.
    pub rotation_note: Option<RotationNote>,
}

impl GitTokenRow {
    /// When it ends, as far as is known.
    #[must_use]
    pub fn expiry(&self) -> Expiry {
        self.ends.expiry(self.accepted_at)
    }
}

/// A token that passed its check, to be stored for its holder and a runtime.
#[derive(Debug)]
pub struct NewGitToken {
    /// Its id, which the seal is bound to.
    pub id: GitTokenId,
    /// Whose; `None` for a runtime token.
    pub user: Option<UserId>,
    /// For which runtime.
    pub runtime: RuntimeId,
    /// The secret, sealed.
    pub sealed: Sealed,
    /// The keyed fingerprint of the secret.
    pub fingerprint: Vec<u8>,
    /// Its prefix and last four characters.
    pub hint: String,
    /// What the provider calls its kind, when the prefix tells.
    pub format: Option<String>,
    /// What goes beside it, if anything does.
    pub username: Option<String>,
    /// When it ends, as its holder says.
    pub entered: Option<Timestamp>,
    /// The stored token that it is a copy of, if it is one.
    pub copy_of: Option<GitTokenId>,
    /// What belongs to an OAuth token; `None` for a personal access token.
    pub grant: Option<(OAuthApplicationId, NewGrant)>,
    /// What the check found.
    pub findings: Findings,
    /// When, and the id of the check.
    pub checked: (CheckId, Timestamp),
    /// When it is checked in the background for the first time.
    pub next_check: Timestamp,
}

impl Store {
    /// Stores a token in place of the one that its holder had for the runtime, with the check that it passed at `provider`.
    /// `false`, and nothing changed, when what was found true before no longer is: the runtime uses another provider, or that has
    /// another address, or somebody else has the same token, or the stored one that it is a copy of was deleted, replaced or
    /// rotated, or its holder is no member any more.
    pub async fn put_git_token(
        &self,
        account: AccountId,
        provider: &GitProviderRow,
        token: NewGitToken,
        event: AuditEvent,
    ) -> Result<bool, Fault> {
        let (check_id, at) = token.checked;
        let status = token.findings.status();
        let expiry = token
            .grant
            .as_ref()
            .map_or(token.findings.expiry, |(_, grant)| grant.expiry());
        let (expires_at, never_expires) = expiry_columns(expiry);
        let kind = if token.grant.is_some() { "oauth" } else { "pat" };
        let scopes = to_json(&token.findings.scopes)?;
        let identity = token.findings.identity.clone();
        let outcome = to_json(&CheckOutcome::Accepted(token.findings))?;
        let model = git_token::ActiveModel {
            id: Set(token.id.0),
            account_id: Set(account.0),
            runtime_id: Set(token.runtime.0),
            git_provider_id: Set(Some(provider.id.0)),
            user_id: Set(token.user.map(|user| user.0)),
            kind: Set(kind.to_owned()),
            sealed: Set(token.sealed.into_bytes()),
            fingerprint: Set(token.fingerprint.clone()),
            hint: Set(token.hint),
            format: Set(token.format),
            username: Set(token.username),
            identity_id: Set(identity.id),
            identity_login: Set(identity.login),
            scopes: Set(scopes),
            status: Set(status.as_str().to_owned()),
            sso_url: Set(None),
            expires_at: Set(expires_at),
            never_expires: Set(never_expires),
            entered_expires_at: Set(token.entered.map(Timestamp::as_millis)),
            accepted_at: Set(Some(at.as_millis())),
            created_at: Set(at.as_millis()),
            checked_at: Set(at.as_millis()),
            last_outcome: Set(outcome.clone()),
            next_check_at: Set(token.next_check.as_millis()),
            check_lease: Set(0),
            ..Default::default()
        };
        let tx = self.begin().await?;
        // Whoever is just being removed leaves no token behind that nobody asked about.
        if let Some(user) = token.user
            && stays_member(&tx, account, user).await?.is_none()
        {
            tx.rollback().await?;
            return Ok(false);
        }
        // The runtime and its provider stay as they are until this is done: a token goes nowhere but where it was checked. It also
        // makes tokens come one after the other: two at once would both delete what was there, and the second would then find
        // the first in its place.
        let same_place = stays_in_place(&tx, account, token.runtime, provider).await?;
        let elsewhere = git_token::Entity::find()
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(git_token::Column::Fingerprint.eq(token.fingerprint.clone()))
            .filter(match token.user {
                Some(user) => git_token::Column::UserId
                    .ne(user.0)
                    .or(git_token::Column::UserId.is_null()),
                None => git_token::Column::UserId.is_not_null(),
            });
        if !same_place || elsewhere.one(&tx).await?.is_some() {
            tx.rollback().await?;
            return Ok(false);
        }
        if let Some((application, _)) = &token.grant {
            // One that is being deleted would leave a token that nobody refreshes.
            let application = oauth_application::Entity::find_by_id(application.0)
                .filter(oauth_application::Column::GitProviderId.eq(provider.id.0))
                .lock(LockType::KeyShare);
            if application.one(&tx).await?.is_none() {
                tx.rollback().await?;
                return Ok(false);
            }
        }
        if let Some(original) = token.copy_of {
            // Locked, so that a rotation that ends meanwhile finds the copy too.
            let original = git_token::Entity::find_by_id(original.0)
                .filter(git_token::Column::AccountId.eq(account.0))
                .filter(git_token::Column::Fingerprint.eq(token.fingerprint))
                .lock(LockType::NoKeyUpdate);
            if original.one(&tx).await?.is_none() {
                tx.rollback().await?;
                return Ok(false);
            }
        }
        git_token::Entity::delete_many()
            .filter(git_token::Column::RuntimeId.eq(token.runtime.0))
            .filter(held_by(token.user))
            .exec(&tx)
            .await?;
        model.insert(&tx).await?;
        if let Some(grant) = token.grant {
            insert_grant(&tx, account, token.id, grant).await?;
        }
        insert_check(&tx, account, token.id, (check_id, at), outcome).await?;
        event.insert(&tx, account).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Notes a check and what follows from it. `false` when the token has gone in the meantime: deleted, replaced, or rotated,
    /// which its fingerprint tells.
    pub async fn note_check(
        &self,
        account: AccountId,
        (token, fingerprint): (GitTokenId, &[u8]),
        check: (CheckId, Timestamp),
        outcome: &CheckOutcome,
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        let Some(row) = git_token::Entity::find_by_id(token.0)
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(git_token::Column::Fingerprint.eq(fingerprint))
            // Or it could go between here and the end.
            .lock(LockType::NoKeyUpdate)
            .one(&tx)
            .await?
        else {
            tx.rollback().await?;
            return Ok(false);
        };
        let json = to_json(outcome)?;
        let mut model = checked_columns(check.1, outcome, json.clone())?;
        model.id = Unchanged(row.id);
        keep_end_of_grant(&mut model, &row.kind);
        if row.kind == "oauth" && !unsettled(&tx, [row.id]).await?.is_empty() {
            keep_status(&mut model);
        }
        model.update(&tx).await?;
        insert_check(&tx, account, token, check, json).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The person's tokens in an account.
    pub async fn git_tokens_of(&self, account: AccountId, user: UserId) -> Result<Vec<GitTokenRow>, Fault> {
        let rows = git_token::Entity::find()
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(git_token::Column::UserId.eq(user.0))
            .all(&self.db)
            .await?;
        rows.into_iter().map(token_row).collect()
    }

    /// The runtime tokens of an account.
    pub async fn runtime_tokens(&self, account: AccountId) -> Result<Vec<GitTokenRow>, Fault> {
        let rows = git_token::Entity::find()
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(git_token::Column::UserId.is_null())
            .all(&self.db)
            .await?;
        rows.into_iter().map(token_row).collect()
    }

    /// Everything in an account that holds the same secret.
    pub async fn git_tokens_with(&self, account: AccountId, fingerprint: &[u8]) -> Result<Vec<GitTokenRow>, Fault> {
        let rows = git_token::Entity::find()
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(git_token::Column::Fingerprint.eq(fingerprint))
            .all(&self.db)
            .await?;
        rows.into_iter().map(token_row).collect()
    }

    /// Who has a token at a Git provider that belongs to this identity there: people, and `None` for runtimes.
    pub async fn holders_of_identity(
        &self,
        account: AccountId,
        provider: GitProviderId,
        identity: &str,
    ) -> Result<Vec<Option<UserId>>, Fault> {
        let runtimes = Query::select()
            .column(runtime::Column::Id)
            .from(runtime::Entity)
            .and_where(runtime::Column::GitProviderId.eq(provider.0))
            .to_owned();
        let holders: Vec<Option<uuid::Uuid>> = git_token::Entity::find()
            .select_only()
            .distinct()
            .column(git_token::Column::UserId)
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(git_token::Column::IdentityId.eq(identity))
            .filter(git_token::Column::RuntimeId.in_subquery(runtimes))
            .into_tuple()
            .all(&self.db)
            .await?;
        Ok(holders.into_iter().map(|holder| holder.map(UserId)).collect())
    }

    /// Notes when a token ends, as its holder says; `None` takes that back. `false` if there is no such token.
    pub async fn enter_expiry(
        &self,
        account: AccountId,
        token: GitTokenId,
        end: Option<Timestamp>,
        event: AuditEvent,
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        let done = git_token::Entity::update_many()
            .col_expr(
                git_token::Column::EnteredExpiresAt,
                Expr::value(end.map(Timestamp::as_millis)),
            )
            .col_expr(git_token::Column::NoticeDueAt, Expr::value(0_i64))
            .filter(git_token::Column::Id.eq(token.0))
            .filter(git_token::Column::AccountId.eq(account.0))
            .exec(&tx)
            .await?;
        event.end(tx, account, done.rows_affected == 1).await
    }

    /// A holder's token for a runtime; without a person, the runtime token.
    pub async fn git_token_of(
        &self,
        account: AccountId,
        user: Option<UserId>,
        runtime: RuntimeId,
    ) -> Result<Option<GitTokenRow>, Fault> {
        let row = git_token::Entity::find()
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(held_by(user))
            .filter(git_token::Column::RuntimeId.eq(runtime.0))
            .one(&self.db)
            .await?;
        row.map(token_row).transpose()
    }

    /// Deletes a token with its checks; `false` if it is not there, or has another value than the one of this fingerprint.
    pub async fn delete_git_token(
        &self,
        account: AccountId,
        (token, fingerprint): (GitTokenId, &[u8]),
        event: AuditEvent,
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        let done = git_token::Entity::delete_many()
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(git_token::Column::Id.eq(token.0))
            .filter(git_token::Column::Fingerprint.eq(fingerprint))
            .exec(&tx)
            .await?;
        event.end(tx, account, done.rows_affected == 1).await
    }
}

/// Whether a runtime uses a provider with this address, and does so until the transaction ends.
async fn stays_in_place(
    tx: &DatabaseTransaction,
    account: AccountId,
    runtime: RuntimeId,
    provider: &GitProviderRow,
) -> Result<bool, Fault> {
    let runtime = runtime::Entity::find_by_id(runtime.0)
        .filter(runtime::Column::GitProviderId.eq(provider.id.0))
        .lock(LockType::NoKeyUpdate);
    let same_place = runtime.one(tx).await?.is_some()
        && git_provider::Entity::find_by_id(provider.id.0)
            .filter(git_provider::Column::AccountId.eq(account.0))
            .lock(LockType::NoKeyUpdate)
            .one(tx)
            .await?
            .is_some_and(|row| row.base_url == provider.base_url && row.api_url == provider.api_url);
    Ok(same_place)
}

/// Tokens of a person, or runtime tokens.
pub(super) fn held_by(user: Option<UserId>) -> SimpleExpr {
    match user {
        Some(user) => git_token::Column::UserId.eq(user.0),
        None => git_token::Column::UserId.is_null(),
    }
}

/// What a check changes in its token's row.
pub(super) fn checked_columns(
    at: Timestamp,
    outcome: &CheckOutcome,
    json: String,
) -> Result<git_token::ActiveModel, Fault> {
    let mut model = git_token::ActiveModel {
        checked_at: Set(at.as_millis()),
        last_outcome: Set(json),
        notice_due_at: Set(Some(0)),
        ..Default::default()
    };
    if let Some(status) = outcome.status() {
        model.status = Set(status.as_str().to_owned());
        model.sso_url = Set(match outcome {
            CheckOutcome::Refused(Refusal::SsoRequired { url }) => url.clone(),
            _ => None,
        });
    }
    if let CheckOutcome::Accepted(findings) = outcome {
        let (expires_at, never_expires) = expiry_columns(findings.expiry);
        model.identity_id = Set(findings.identity.id.clone());
        model.identity_login = Set(findings.identity.login.clone());
        model.scopes = Set(to_json(&findings.scopes)?);
        model.expires_at = Set(expires_at);
        model.never_expires = Set(never_expires);
        model.accepted_at = Set(Some(at.as_millis()));
    }
    Ok(model)
}

/// Leaves the end of an OAuth token as it is: that depends on whether it is refreshed, which no check knows.
pub(super) fn keep_end_of_grant(model: &mut git_token::ActiveModel, kind: &str) {
    if kind == "oauth" {
        model.expires_at = NotSet;
        model.never_expires = NotSet;
    }
}

/// Leaves the status of a token as it is.
pub(super) fn keep_status(model: &mut git_token::ActiveModel) {
    model.status = NotSet;
    model.sso_url = NotSet;
}

async fn insert_check(
    db: &impl ConnectionTrait,
    account: AccountId,
    token: GitTokenId,
    (id, at): (CheckId, Timestamp),
    outcome: String,
) -> Result<(), Fault> {
    let row = check_model(account, token, (id, at), outcome);
    check::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

pub(super) fn check_model(
    account: AccountId,
    token: GitTokenId,
    (id, at): (CheckId, Timestamp),
    outcome: String,
) -> check::ActiveModel {
    check::ActiveModel {
        id: Set(id.0),
        account_id: Set(account.0),
        git_token_id: Set(token.0),
        at: Set(at.as_millis()),
        outcome: Set(outcome),
    }
}

pub(super) fn expiry_columns(expiry: Expiry) -> (Option<i64>, bool) {
    match expiry {
        Expiry::At(at) => (Some(at.as_millis()), false),
        Expiry::Never => (None, true),
        Expiry::Unknown => (None, false),
    }
}

pub(super) fn expiry_of(expires_at: Option<i64>, never_expires: bool) -> Expiry {
    match (expires_at, never_expires) {
        (Some(at), _) => Expiry::At(Timestamp::from_millis(at)),
        (None, true) => Expiry::Never,
        (None, false) => Expiry::Unknown,
    }
}

pub(super) fn token_row(row: git_token::Model) -> Result<GitTokenRow, Fault> {
    Ok(GitTokenRow {
        id: GitTokenId(row.id),
        runtime: RuntimeId(row.runtime_id),
        user: row.user_id.map(UserId),
        oauth: row.kind == "oauth",
        sealed: Sealed::from(row.sealed),
        fingerprint: row.fingerprint,
        hint: row.hint,
        format: row.format,
        username: row.username,
        identity: GitIdentity {
            id: row.identity_id,
            login: row.identity_login,
        },
        scopes: from_json(&row.scopes)?,
        status: TokenStatus::from_stored(&row.status)
            .ok_or_else(|| Fault::Stored(format!("unknown status {:?}", row.status)))?,
        sso_url: row.sso_url,
        ends: Ends {
            told: expiry_of(row.expires_at, row.never_expires),
            entered: row.entered_expires_at.map(Timestamp::from_millis),
        },
        accepted_at: row.accepted_at.map(Timestamp::from_millis),
        checked_at: Timestamp::from_millis(row.checked_at),
        setback: match from_json(&row.last_outcome)? {
            CheckOutcome::Unchanged(setback) => Some(setback),
            CheckOutcome::Accepted(_) | CheckOutcome::Refused(_) => None,
        },
        rotation_note: row.rotation_note.as_deref().map(from_json).transpose()?,
    })
}

pub(super) fn to_json(value: &impl Serialize) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(|error| Fault::Stored(error.to_string()))
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| Fault::Stored(error.to_string()))
}
