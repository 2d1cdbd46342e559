//! Who is a member of an account, as its admins see it, and what changes that.
//!
//! Whatever could leave an account without an admin locks all its admins first, so that of two who do so at once the second finds what
//! the first has done.

use super::{
    GrantRow, Holding, Store, audit,
    entities::{git_token, member, oauth_attempt, oauth_request, user},
    git_tokens::held_by,
    invitations::revoke_invitations_of,
    oauth_grants::grants,
    people::role_of,
    rotations::holdings,
};
use crate::{Fault, audit::AuditEvent};
use domain::{AccountId, GitProviderId, GitTokenId, Role, RuntimeId, Timestamp, TokenStatus, UserId};
use sea_orm::{
    ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    Select,
    sea_query::{Expr, LockType, Query, SelectStatement},
};
use std::collections::HashMap;
use uuid::Uuid;

/// A member as stored.
#[derive(Clone, Debug)]
pub struct MemberRow {
    /// Who.
    pub user: UserId,
    /// The person's name.
    pub name: String,
    /// The address under which the person signs in.
    pub email: String,
    /// What the person may do in the account.
    pub role: Role,
    /// Since when the person is a member.
    pub joined_at: Timestamp,
    /// When the person was there last, to the minute.
    pub last_seen_at: Option<Timestamp>,
}

/// Why a membership stays as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stays {
    /// There would be no admin any more.
    LastAdmin,
    /// The person is no member.
    NotFound,
    /// Whoever wants to change it is no admin any more.
    NotAdmin,
}

/// The tokens that a person had when they stopped being a member.
#[derive(Debug, Default)]
pub struct LeftTokens {
    /// The personal access tokens.
    pub personal: Vec<Holding>,
    /// Those that came by OAuth.
    pub authorized: Vec<GrantRow>,
}

/// A token as a record names it.
#[derive(Clone, Copy, Debug)]
pub struct LeftToken<'t> {
    /// Which.
    pub id: GitTokenId,
    /// For which runtime.
    pub runtime: RuntimeId,
    /// At which Git provider.
    pub git_provider: (GitProviderId, &'t str),
    /// Its prefix and last four characters.
    pub hint: &'t str,
}

impl LeftTokens {
    /// All of them.
    pub fn each(&self) -> impl Iterator<Item = LeftToken<'_>> {
        let personal = self.personal.iter().map(|token| LeftToken {
            id: token.id,
            runtime: token.runtime,
            git_provider: (token.provider.id, &token.provider.name),
            hint: &token.hint,
        });
        personal.chain(self.authorized.iter().map(|token| LeftToken {
            id: token.token,
            runtime: token.runtime,
            git_provider: (token.provider.id, &token.provider.name),
            hint: &token.hint,
        }))
    }
}

/// What a record is about.
#[derive(Clone, Copy, Debug)]
pub enum Told<'t> {
    /// What was asked for.
    Wish,
    /// A token that is deleted with it.
    Token(LeftToken<'t>),
    /// An invitation that is revoked with it: what it makes somebody, and whom.
    Invitation(Role, Option<&'t str>),
}

/// Makes the records of what is done.
pub type Records<'r> = dyn Fn(Told<'_>) -> AuditEvent + Send + Sync + 'r;

impl Store {
    /// Whether somebody is a member of an account.
    pub async fn is_member(&self, account: AccountId, user: UserId) -> Result<bool, Fault> {
        let row = member::Entity::find_by_id((account.0, user.0)).one(&self.db).await?;
        Ok(row.is_some())
    }

    /// The members of an account, by name.
    pub async fn members(&self, account: AccountId) -> Result<Vec<MemberRow>, Fault> {
        let rows = member::Entity::find()
            .filter(member::Column::AccountId.eq(account.0))
            .all(&self.db)
            .await?;
        let people = user::Entity::find()
            .filter(user::Column::Id.in_subquery(members_of(account)))
            .all(&self.db)
            .await?;
        let mut people: HashMap<Uuid, user::Model> = people.into_iter().map(|row| (row.id, row)).collect();
        let known = rows.into_iter().filter_map(|row| {
            let person = people.remove(&row.user_id)?;
            Some(member_row((row, person)))
        });
        let mut members: Vec<MemberRow> = known.collect::<Result<_, _>>()?;
        members.sort_by_cached_key(|row| (row.name.to_lowercase(), row.email.clone()));
        Ok(members)
    }

    /// One member of an account.
    pub async fn member(&self, account: AccountId, user: UserId) -> Result<Option<MemberRow>, Fault> {
        let row = member::Entity::find_by_id((account.0, user.0)).one(&self.db).await?;
        let Some(row) = row else { return Ok(None) };
        let person = user::Entity::find_by_id(user.0).one(&self.db).await?;
        person.map(|person| member_row((row, person))).transpose()
    }

    /// Notes that a person was in an account.
    pub async fn touch_member(&self, account: AccountId, user: UserId, now: Timestamp) -> Result<(), Fault> {
        member::Entity::update_many()
            .col_expr(member::Column::LastSeenAt, Expr::value(now.as_millis()))
            .filter(member::Column::AccountId.eq(account.0))
            .filter(member::Column::UserId.eq(user.0))
            .exec(&self.db)
            .await?;
        Ok(())
    }

    /// For how many runtimes each person of an account has a token that works at `now`; people without one are left out.
    pub async fn working_tokens(&self, account: AccountId, now: Timestamp) -> Result<HashMap<UserId, u64>, Fault> {
        let works = TokenStatus::ALL.into_iter().filter(|status| status.works());
        let rows: Vec<(Uuid, i64)> = git_token::Entity::find()
            .select_only()
            .column(git_token::Column::UserId)
            .column_as(git_token::Column::Id.count(), "tokens")
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(git_token::Column::UserId.is_not_null())
            .filter(git_token::Column::Status.is_in(works.map(TokenStatus::as_str)))
            // What never ends, and what is not known, come after all that is.
            .filter(git_token::Column::EndsAt.gt(now.as_millis()))
            .group_by(git_token::Column::UserId)
            .into_tuple()
            .all(&self.db)
            .await?;
        Ok(rows
            .into_iter()
            .map(|(user, tokens)| (UserId(user), u64::try_from(tokens).unwrap_or_default()))
            .collect())
    }

    /// Gives a member another role, by the wish of `by`. Whoever is no admin any more can invite nobody: what they have under way is
    /// revoked.
    pub async fn change_role(
        &self,
        account: AccountId,
        (user, role): (UserId, Role),
        by: UserId,
        now: Timestamp,
        records: &Records<'_>,
    ) -> Result<Result<(), Stays>, Fault> {
        let tx = self.begin().await?;
        let admins = admins(&tx, account).await?;
        let stays = if !admins.contains(&by.0) {
            Some(Stays::NotAdmin)
        } else if role == Role::Member && admins == [user.0] {
            Some(Stays::LastAdmin)
        } else {
            None
        };
        if let Some(stays) = stays {
            tx.rollback().await?;
            return Ok(Err(stays));
        }
        let done = member::Entity::update_many()
            .col_expr(member::Column::Role, Expr::value(role.as_str()))
            .filter(member::Column::AccountId.eq(account.0))
            .filter(member::Column::UserId.eq(user.0))
            .exec(&tx)
            .await?;
        if done.rows_affected == 0 {
            tx.rollback().await?;
            return Ok(Err(Stays::NotFound));
        }
        let mut events = Vec::new();
        if role == Role::Member {
            events = revoke_invitations_of(&tx, account, user, now, records).await?;
        }
        events.push(records(Told::Wish));
        audit::append(&tx, account, events).await?;
        tx.commit().await?;
        Ok(Ok(()))
    }

    /// Ends a membership, by the wish of `by`, who may be the person; with `delete` their tokens go, too. Gives those that went.
    pub async fn remove_member(
        &self,
        account: AccountId,
        user: UserId,
        by: UserId,
        delete: bool,
        now: Timestamp,
        records: &Records<'_>,
    ) -> Result<Result<LeftTokens, Stays>, Fault> {
        let tx = self.begin().await?;
        let admins = admins(&tx, account).await?;
        let stays = if by != user && !admins.contains(&by.0) {
            Some(Stays::NotAdmin)
        } else if admins == [user.0] {
            Some(Stays::LastAdmin)
        } else {
            None
        };
        if let Some(stays) = stays {
            tx.rollback().await?;
            return Ok(Err(stays));
        }
        // Before the tokens: whoever stores one waits for this, and finds that there is no member any more.
        let there = member::Entity::find_by_id((account.0, user.0)).lock(LockType::Update);
        if there.one(&tx).await?.is_none() {
            tx.rollback().await?;
            return Ok(Err(Stays::NotFound));
        }
        // Also if they are kept: one that is just being deleted would leave behind that a member lacks it (migration 9).
        tokens_of(account, user).all(&tx).await?;
        member::Entity::delete_by_id((account.0, user.0)).exec(&tx).await?;
        let mut left = LeftTokens::default();
        let mut events = Vec::new();
        if delete {
            left.personal = holdings(&tx, tokens_of(account, user).filter(git_token::Column::Kind.eq("pat"))).await?;
            left.authorized = grants(&tx, tokens_of(account, user)).await?;
            git_token::Entity::delete_many()
                .filter(git_token::Column::AccountId.eq(account.0))
                .filter(held_by(Some(user)))
                .exec(&tx)
                .await?;
            events.extend(left.each().map(|token| records(Told::Token(token))));
        }
        oauth_request::Entity::delete_many()
            .filter(oauth_request::Column::AccountId.eq(account.0))
            .filter(oauth_request::Column::UserId.eq(user.0))
            .exec(&tx)
            .await?;
        oauth_attempt::Entity::delete_many()
            .filter(oauth_attempt::Column::AccountId.eq(account.0))
            .filter(oauth_attempt::Column::UserId.eq(user.0))
            .exec(&tx)
            .await?;
        events.extend(revoke_invitations_of(&tx, account, user, now, records).await?);
        events.push(records(Told::Wish));
        audit::append(&tx, account, events).await?;
        tx.commit().await?;
        Ok(Ok(left))
    }
}

/// The admins of an account, who stay as they are until the transaction ends.
async fn admins(tx: &DatabaseTransaction, account: AccountId) -> Result<Vec<Uuid>, Fault> {
    let rows = member::Entity::find()
        .filter(member::Column::AccountId.eq(account.0))
        .filter(member::Column::Role.eq(Role::Admin.as_str()))
        // So that two never wait for each other.
        .order_by_asc(member::Column::UserId)
        .lock(LockType::Update)
        .all(tx)
        .await?;
    Ok(rows.into_iter().map(|row| row.user_id).collect())
}

/// Whether somebody is a member, who stays one, in the same role, until the transaction ends.
pub(super) async fn stays_member(
    tx: &DatabaseTransaction,
    account: AccountId,
    user: UserId,
) -> Result<Option<Role>, Fault> {
    let row = member::Entity::find_by_id((account.0, user.0))
        .lock(LockType::Share)
        .one(tx)
        .await?;
    row.map(|row| role_of(&row.role)).transpose()
}

/// The people who are members of an account, for a query.
pub(super) fn members_of(account: AccountId) -> SelectStatement {
    Query::select()
        .column(member::Column::UserId)
        .from(member::Entity)
        .and_where(member::Column::AccountId.eq(account.0))
        .to_owned()
}

/// The tokens of a person, which nobody changes until the transaction ends.
fn tokens_of(account: AccountId, user: UserId) -> Select<git_token::Entity> {
    git_token::Entity::find()
        .filter(git_token::Column::AccountId.eq(account.0))
        .filter(held_by(Some(user)))
        .order_by_asc(git_token::Column::Id)
        .lock(LockType::Update)
}

fn member_row((row, person): (member::Model, user::Model)) -> Result<MemberRow, Fault> {
    Ok(MemberRow {
        user: UserId(row.user_id),
        name: person.name,
        email: person.email,
        role: role_of(&row.role)?,
        joined_at: Timestamp::from_millis(row.created_at),
        last_seen_at: row.last_seen_at.map(Timestamp::from_millis),
    })
}
