//! Invitations: links by which people become members, known by the hash of their code.

use super::{
    Store, audit,
    entities::{account, invitation, member, session, user},
    members::{Records, Told, stays_member},
    people::{NewPerson, insert_person, member_model, role_of},
    sessions::{SessionRow, session_model},
};
use crate::{Fault, audit::AuditEvent};
use domain::{AccountId, InvitationId, Role, Timestamp, UserId};
use sea_orm::{
    ActiveModelTrait as _,
    ActiveValue::Set,
    ColumnTrait as _, DatabaseTransaction, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    Select,
    sea_query::{Expr, LockType},
};
use std::{collections::HashMap, time::Duration};
use uuid::Uuid;

/// How long one that is over is remembered, so that whoever opens its link is told why.
const REMEMBERED: Duration = Duration::from_hours(90 * 24);

/// An invitation as stored.
#[derive(Clone, Debug)]
pub struct InvitationRow {
    /// Which.
    pub id: InvitationId,
    /// Into which account.
    pub account: AccountId,
    /// What whoever uses it will be.
    pub role: Role,
    /// The e-mail address that they must have; `None`: any.
    pub email: Option<String>,
    /// The name of the admin who made it.
    pub inviter: String,
    /// Until when it works.
    pub ends_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// An invitation to be stored.
#[derive(Clone, Debug)]
pub struct NewInvitation {
    /// Its id.
    pub id: InvitationId,
    /// SHA-256 of its code.
    pub code_hash: Vec<u8>,
    /// What whoever uses it will be.
    pub role: Role,
    /// The e-mail address that they must have; `None`: any.
    pub email: Option<String>,
    /// Who makes it.
    pub invited_by: UserId,
    /// Until when it works.
    pub ends_at: Timestamp,
}

/// Whoever uses an invitation.
#[derive(Debug)]
pub enum Joiner {
    /// A person who is made with it, and signed in.
    New(NewPerson, SessionRow),
    /// A person who was there.
    Known(UserId),
}

/// What became of using an invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Joined {
    /// The person is a member now.
    Yes,
    /// It was used, revoked or over by then.
    Gone,
    /// The person is a member already; the invitation was not used up.
    Already,
}

impl Store {
    /// Stores an invitation, by the wish of an admin; `false` if they are none any more. An earlier one for the same address is revoked:
    /// whoever is invited again has lost the first link. Those that ended long ago are forgotten.
    pub async fn invite(
        &self,
        account: AccountId,
        new: NewInvitation,
        now: Timestamp,
        records: &Records<'_>,
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        if stays_member(&tx, account, new.invited_by).await? != Some(Role::Admin) {
            tx.rollback().await?;
            return Ok(false);
        }
        invitation::Entity::delete_many()
            .filter(invitation::Column::AccountId.eq(account.0))
            .filter(invitation::Column::EndsAt.lt(now.minus(REMEMBERED).as_millis()))
            .exec(&tx)
            .await?;
        let mut events = Vec::new();
        if let Some(email) = &new.email {
            let earlier = open(account, now).filter(invitation::Column::Email.eq(email));
            events = revoke_all(&tx, earlier, now, records).await?;
        }
        invitation::ActiveModel {
            id: Set(new.id.0),
            account_id: Set(account.0),
            code_hash: Set(new.code_hash),
            role: Set(new.role.as_str().to_owned()),
            email: Set(new.email),
            invited_by: Set(new.invited_by.0),
            created_at: Set(now.as_millis()),
            ends_at: Set(new.ends_at.as_millis()),
            used_at: Set(None),
            revoked_at: Set(None),
        }
        .insert(&tx)
        .await?;
        events.push(records(Told::Wish));
        audit::append(&tx, account, events).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The invitations of an account that can still be used, the first to end first.
    pub async fn open_invitations(&self, account: AccountId, now: Timestamp) -> Result<Vec<InvitationRow>, Fault> {
        let rows = open(account, now).all(&self.db).await?;
        let names: HashMap<Uuid, String> = user::Entity::find()
            .filter(user::Column::Id.is_in(rows.iter().map(|row| row.invited_by)))
            .all(&self.db)
            .await?
            .into_iter()
            .map(|user| (user.id, user.name))
            .collect();
        rows.into_iter()
            .map(|row| {
                let inviter = names.get(&row.invited_by).cloned().unwrap_or_default();
                invitation_row(row, inviter)
            })
            .collect()
    }

    /// The invitation with this code, whether or not it still works, with the account's name and its part of every address.
    pub async fn invitation(&self, code_hash: &[u8]) -> Result<Option<(InvitationRow, String, String)>, Fault> {
        let row = invitation::Entity::find().filter(invitation::Column::CodeHash.eq(code_hash.to_vec()));
        let Some(row) = row.one(&self.db).await? else {
            return Ok(None);
        };
        let account = account::Entity::find_by_id(row.account_id).one(&self.db).await?;
        let inviter = user::Entity::find_by_id(row.invited_by).one(&self.db).await?;
        let (Some(account), Some(inviter)) = (account, inviter) else {
            return Ok(None);
        };
        Ok(Some((invitation_row(row, inviter.name)?, account.name, account.slug)))
    }

    /// Revokes an invitation; `false` if it is not there, or over already.
    pub async fn revoke_invitation(
        &self,
        account: AccountId,
        id: InvitationId,
        now: Timestamp,
        records: &Records<'_>,
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        let this = open(account, now).filter(invitation::Column::Id.eq(id.0));
        let events = revoke_all(&tx, this, now, records).await?;
        let revoked = events.len() == 1;
        audit::append(&tx, account, events).await?;
        tx.commit().await?;
        Ok(revoked)
    }

    /// Uses an invitation up: all in one transaction, which of two at once finds the other's doing. [`super::is_taken`] tells that a new
    /// person's e-mail address is somebody's, or that a known person has just become a member.
    pub async fn join(
        &self,
        code_hash: &[u8],
        joiner: Joiner,
        now: Timestamp,
        event: AuditEvent,
    ) -> Result<Joined, Fault> {
        let tx = self.begin().await?;
        let row = invitation::Entity::find()
            .filter(invitation::Column::CodeHash.eq(code_hash.to_vec()))
            .lock(LockType::NoKeyUpdate)
            .one(&tx)
            .await?;
        let works = |row: &invitation::Model| {
            row.used_at.is_none() && row.revoked_at.is_none() && now < Timestamp::from_millis(row.ends_at)
        };
        let Some(row) = row.filter(works) else {
            tx.rollback().await?;
            return Ok(Joined::Gone);
        };
        let account = AccountId(row.account_id);
        let (user, session) = match joiner {
            Joiner::New(person, session) => {
                let id = person.id;
                insert_person(&tx, person, now).await?;
                (id, Some(session))
            }
            Joiner::Known(user) => (user, None),
        };
        let there = member::Entity::find_by_id((account.0, user.0)).one(&tx).await?;
        if there.is_some() {
            tx.rollback().await?;
            return Ok(Joined::Already);
        }
        member_model(account, user, role_of(&row.role)?, now)
            .insert(&tx)
            .await?;
        if let Some(session) = session {
            session::Entity::insert(session_model(session))
                .exec_without_returning(&tx)
                .await?;
        }
        invitation::Entity::update_many()
            .col_expr(invitation::Column::UsedAt, Expr::value(now.as_millis()))
            .filter(invitation::Column::Id.eq(row.id))
            .exec(&tx)
            .await?;
        event.insert(&tx, account).await?;
        tx.commit().await?;
        Ok(Joined::Yes)
    }
}

/// The invitations of an account that can still be used.
fn open(account: AccountId, now: Timestamp) -> Select<invitation::Entity> {
    invitation::Entity::find()
        .filter(invitation::Column::AccountId.eq(account.0))
        .filter(invitation::Column::UsedAt.is_null())
        .filter(invitation::Column::RevokedAt.is_null())
        .filter(invitation::Column::EndsAt.gt(now.as_millis()))
        .order_by_asc(invitation::Column::EndsAt)
        .order_by_asc(invitation::Column::Id)
}

/// Revokes what somebody has under way who can invite nobody any more; gives what is to be recorded at the end.
pub(super) async fn revoke_invitations_of(
    tx: &DatabaseTransaction,
    account: AccountId,
    user: UserId,
    now: Timestamp,
    records: &Records<'_>,
) -> Result<Vec<AuditEvent>, Fault> {
    let theirs = open(account, now).filter(invitation::Column::InvitedBy.eq(user.0));
    revoke_all(tx, theirs, now, records).await
}

/// Revokes these; gives the record of each, for the end.
async fn revoke_all(
    tx: &DatabaseTransaction,
    which: Select<invitation::Entity>,
    now: Timestamp,
    records: &Records<'_>,
) -> Result<Vec<AuditEvent>, Fault> {
    let mut events = Vec::new();
    let rows = which.lock(LockType::NoKeyUpdate).all(tx).await?;
    for row in &rows {
        invitation::Entity::update_many()
            .col_expr(invitation::Column::RevokedAt, Expr::value(now.as_millis()))
            .filter(invitation::Column::Id.eq(row.id))
            .exec(tx)
            .await?;
        events.push(records(Told::Invitation(role_of(&row.role)?, row.email.as_deref())));
    }
    Ok(events)
}

fn invitation_row(row: invitation::Model, inviter: String) -> Result<InvitationRow, Fault> {
    Ok(InvitationRow {
        id: InvitationId(row.id),
        account: AccountId(row.account_id),
        role: role_of(&row.role)?,
        email: row.email,
        inviter,
        ends_at: Timestamp::from_millis(row.ends_at),
        used_at: row.used_at.map(Timestamp::from_millis),
        revoked_at: row.revoked_at.map(Timestamp::from_millis),
    })
}
