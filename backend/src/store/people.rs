//! Accounts, people, and who is a member of what.

use super::{
    Store, audit,
    entities::{account, account_key, member, person_word, session, set_up_link, user},
    keys::{AccountKeyRow, key_model},
    sessions::{SessionRow, session_model},
};
use crate::{Fault, audit::AuditEvent};
use domain::{AccountId, Role, Timestamp, UserId, field::person_words};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _, ExprTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _,
    sea_query::{Expr, Query},
};
use std::collections::BTreeSet;

/// A person as stored.
#[derive(Clone, Debug)]
pub struct UserRow {
    /// Who.
    pub id: UserId,
    /// The person's name.
    pub name: String,
    /// The address under which the person signs in.
    pub email: String,
    /// The password's hash in PHC string format.
    pub password_hash: String,
}

/// A person's place in an account.
#[derive(Clone, Debug)]
pub struct MembershipRow {
    /// The account.
    pub account: AccountId,
    /// Its part of every address.
    pub slug: String,
    /// Its name.
    pub account_name: String,
    /// What the person may do there.
    pub role: Role,
    /// When the person was there last, to the minute.
    pub last_seen_at: Option<Timestamp>,
}

/// A person to be stored.
#[derive(Clone, Debug)]
pub struct NewPerson {
    /// Who.
    pub id: UserId,
    /// The person's name.
    pub name: String,
    /// The address under which the person will sign in, in lower case.
    pub email: String,
    /// The password's hash in PHC string format.
    pub password_hash: String,
}

impl Store {
    /// Whether any account exists.
    pub async fn any_account(&self) -> Result<bool, Fault> {
        Ok(account::Entity::find().count(&self.db).await? > 0)
    }

    /// Makes the first account with its keys, its admin and the admin's session, and uses up the set-up link. Gives `false`,
    /// and changes nothing, when the link is not the current one or an account exists already.
    pub async fn create_first_account(
        &self,
        code_hash: &[u8],
        account: (AccountId, &str, &str),
        keys: Vec<AccountKeyRow>,
        (admin, session): (NewPerson, SessionRow),
        now: Timestamp,
        event: AuditEvent,
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        let used = set_up_link::Entity::delete_many()
            .filter(set_up_link::Column::CodeHash.eq(code_hash.to_vec()))
            .exec(&tx)
            .await?;
        if used.rows_affected != 1 || account::Entity::find().count(&tx).await? > 0 {
            tx.rollback().await?;
            return Ok(false);
        }
        let id = account.0;
        insert_account(&tx, account, keys, now).await?;
        let admin_id = admin.id;
        insert_person(&tx, admin, now).await?;
        member_model(id, admin_id, Role::Admin, now).insert(&tx).await?;
        session::Entity::insert(session_model(session))
            .exec_without_returning(&tx)
            .await?;
        event.insert(&tx, id).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Makes a further account with its keys and its admin. [`super::is_taken`] tells that its part of every address is taken.
    pub async fn create_account(
        &self,
        account: (AccountId, &str, &str),
        keys: Vec<AccountKeyRow>,
        admin: UserId,
        now: Timestamp,
        event: AuditEvent,
    ) -> Result<(), Fault> {
        let tx = self.begin().await?;
        insert_account(&tx, account, keys, now).await?;
        member_model(account.0, admin, Role::Admin, now).insert(&tx).await?;
        event.insert(&tx, account.0).await?;
        Ok(tx.commit().await?)
    }

    /// Stores a person as a member of an account.
    pub async fn create_member(
        &self,
        account: AccountId,
        person: NewPerson,
        role: Role,
        now: Timestamp,
        event: AuditEvent,
    ) -> Result<(), Fault> {
        let tx = self.begin().await?;
        let user = person.id;
        insert_person(&tx, person, now).await?;
        member_model(account, user, role, now).insert(&tx).await?;
        event.insert(&tx, account).await?;
        Ok(tx.commit().await?)
    }

    /// Every account, by slug.
    pub async fn accounts(&self) -> Result<Vec<(AccountId, String)>, Fault> {
        let rows = account::Entity::find()
            .order_by_asc(account::Column::Slug)
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(|row| (AccountId(row.id), row.slug)).collect())
    }

    /// The person who signs in with this address.
    pub async fn user_by_email(&self, email: &str) -> Result<Option<UserRow>, Fault> {
        let row = user::Entity::find()
            .filter(user::Column::Email.eq(email))
            .one(&self.db)
            .await?;
        Ok(row.map(user_row))
    }

    /// The person with this id.
    pub async fn user(&self, id: UserId) -> Result<Option<UserRow>, Fault> {
        Ok(user::Entity::find_by_id(id.0).one(&self.db).await?.map(user_row))
    }

    /// Where a person is a member, by the account's slug.
    pub async fn memberships(&self, user: UserId) -> Result<Vec<MembershipRow>, Fault> {
        let members = member::Entity::find()
            .filter(member::Column::UserId.eq(user.0))
            .all(&self.db)
            .await?;
        let accounts = account::Entity::find()
            .filter(account::Column::Id.is_in(members.iter().map(|row| row.account_id)))
            .order_by_asc(account::Column::Slug)
            .all(&self.db)
            .await?;
        accounts
            .into_iter()
            .filter_map(|account| {
                members
                    .iter()
                    .find(|row| row.account_id == account.id)
                    .map(|row| (account, row))
            })
            .map(|(account, row)| {
                Ok(MembershipRow {
                    account: AccountId(account.id),
                    slug: account.slug,
                    account_name: account.name,
                    role: role_of(&row.role)?,
                    last_seen_at: row.last_seen_at.map(Timestamp::from_millis),
                })
            })
            .collect()
    }

    /// Has the people found who were there before there were words to find them by.
    pub(super) async fn find_everybody(&self) -> Result<(), Fault> {
        let words = Query::select()
            .expr(Expr::value(1))
            .from(person_word::Entity)
            .and_where(
                Expr::col((person_word::Entity, person_word::Column::UserId)).equals((user::Entity, user::Column::Id)),
            )
            .take();
        let people = user::Entity::find()
            .filter(Expr::exists(words).not())
            .all(&self.db)
            .await?;
        for person in people {
            insert_words(&self.db, person.id, person_words(&person.name, &person.email)).await?;
        }
        Ok(())
    }

    /// How many members an account has.
    pub async fn member_count(&self, account: AccountId) -> Result<u64, Fault> {
        Ok(member::Entity::find()
            .filter(member::Column::AccountId.eq(account.0))
            .count(&self.db)
            .await?)
    }
}

/// An account never exists without its keys.
async fn insert_account(
    tx: &DatabaseTransaction,
    account: (AccountId, &str, &str),
    keys: Vec<AccountKeyRow>,
    now: Timestamp,
) -> Result<(), Fault> {
    let id = account.0;
    account_model(account, now).insert(tx).await?;
    audit::begin_chain(tx, id).await?;
    account_key::Entity::insert_many(keys.into_iter().map(key_model))
        .exec(tx)
        .await?;
    Ok(())
}

fn account_model((id, slug, name): (AccountId, &str, &str), now: Timestamp) -> account::ActiveModel {
    account::ActiveModel {
        id: Set(id.0),
        slug: Set(slug.to_owned()),
        name: Set(name.to_owned()),
        created_at: Set(now.as_millis()),
    }
}

/// A person never exists without the words by which they are found.
pub(super) async fn insert_person(tx: &DatabaseTransaction, person: NewPerson, now: Timestamp) -> Result<(), Fault> {
    let words = person_words(&person.name, &person.email);
    let id = person.id.0;
    user_model(person, now).insert(tx).await?;
    insert_words(tx, id, words).await
}

async fn insert_words(db: &impl ConnectionTrait, person: uuid::Uuid, words: BTreeSet<String>) -> Result<(), Fault> {
    let rows = words.into_iter().map(|word| person_word::ActiveModel {
        word: Set(word),
        user_id: Set(person),
    });
    person_word::Entity::insert_many(rows)
        .exec_without_returning(db)
        .await?;
    Ok(())
}

fn user_model(person: NewPerson, now: Timestamp) -> user::ActiveModel {
    user::ActiveModel {
        id: Set(person.id.0),
        email: Set(person.email),
        name: Set(person.name),
        password_hash: Set(person.password_hash),
        created_at: Set(now.as_millis()),
    }
}

pub(super) fn member_model(account: AccountId, user: UserId, role: Role, now: Timestamp) -> member::ActiveModel {
    member::ActiveModel {
        account_id: Set(account.0),
        user_id: Set(user.0),
        role: Set(role.as_str().to_owned()),
        created_at: Set(now.as_millis()),
        last_seen_at: Set(None),
    }
}

/// The role that is stored.
pub(super) fn role_of(word: &str) -> Result<Role, Fault> {
    Role::from_stored(word).ok_or_else(|| Fault::Stored(format!("unknown role {word:?}")))
}

fn user_row(row: user::Model) -> UserRow {
    UserRow {
        id: UserId(row.id),
        name: row.name,
        email: row.email,
        password_hash: row.password_hash,
    }
}
