//! The members of an account: who they are, how they come, what they may do, and how they go.
//!
//! `join` is the side of whoever is invited, `departure` what becomes of somebody's tokens. An account always has an admin.

mod departure;
mod join;

pub use departure::{Departure, Fate};
pub use join::{Invitation, JoinError, NewMember};

use crate::{
    Fault,
    access::{Access, AccessError, Member},
    audit::{Action, AuditEvent},
    clock::Clock,
    oauth::Authorizations,
    random::{self, Random},
    store::{InvitationRow, MemberRow, NewInvitation, Stays, Store, Told},
};
use domain::{FieldErrors, InvitationId, Role, Timestamp, UserId, field};
use secrecy::{ExposeSecret as _, SecretString};
use std::{sync::Arc, time::Duration};
use tokio::sync::Semaphore;
use url::Url;

/// How long an invitation works.
pub const LIFETIME: Duration = Duration::from_hours(7 * 24);
/// How many departures have their tokens revoked at once in this process.
const AT_ONCE: u32 = 8;

/// What a person can run into.
#[derive(Debug, thiserror::Error)]
pub enum MemberError {
    /// Fields to mend.
    #[error("the form has errors")]
    Invalid(FieldErrors),
    /// No such member or invitation in this account.
    #[error("no such member or invitation")]
    NotFound,
    /// The account would be left without an admin.
    #[error("the last admin")]
    LastAdmin,
    /// Not an admin.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Everything the page *Members* shows.
#[derive(Clone, Debug)]
pub struct MembersPage {
    /// The moment for which it is true.
    pub now: Timestamp,
    /// Who looks at it.
    pub viewer: UserId,
    /// The members, by name.
    pub members: Vec<MemberView>,
    /// For how many runtimes each of them may have a token.
    pub runtimes: u64,
    /// The invitations that can still be used, the first to end first.
    pub invitations: Vec<InvitationView>,
}

impl MembersPage {
    /// How many admins there are.
    #[must_use]
    pub fn admins(&self) -> usize {
        self.members.iter().filter(|member| member.role == Role::Admin).count()
    }
}

/// A member.
#[derive(Clone, Debug)]
pub struct MemberView {
    /// Who.
    pub user: UserId,
    /// The person's name.
    pub name: String,
    /// The person's e-mail address.
    pub email: String,
    /// What the person may do.
    pub role: Role,
    /// Since when the person is a member.
    pub joined_at: Timestamp,
    /// When the person was in this account last; `None`: not since that is noted.
    pub last_seen_at: Option<Timestamp>,
    /// For how many runtimes the person has a token that works.
    pub tokens: u64,
    /// How many access keys of runtimes the person issued.
    pub keys: u64,
}

/// An invitation that can still be used.
#[derive(Clone, Debug)]
pub struct InvitationView {
    /// Which.
    pub id: InvitationId,
    /// What whoever uses it will be.
    pub role: Role,
    /// For whom; `None`: for anybody who has the link.
    pub email: Option<String>,
    /// Who made it.
    pub inviter: String,
    /// Until when it works.
    pub ends_at: Timestamp,
}

/// The fields of the form that invites somebody.
#[derive(Clone, Debug, Default)]
pub struct InviteForm {
    /// What they will be (field `role`).
    pub role: String,
    /// The e-mail address that they must have, or nothing (field `email`).
    pub email: String,
}

/// An invitation that was just made. The link is known nowhere else.
#[derive(Debug)]
pub struct Invited {
    /// The link: whoever has it may use it.
    pub link: SecretString,
    /// Until when it works.
    pub ends_at: Timestamp,
}

/// The service.
#[derive(Clone)]
pub struct Members {
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    public_url: Url,
    access: Access,
    authorizations: Arc<Authorizations>,
    running: Arc<Semaphore>,
}

impl Members {
    /// Wires the service.
    pub(crate) fn new(authorizations: Arc<Authorizations>, access: Access) -> Self {
        let Authorizations {
            store,
            clock,
            random,
            public_url,
            ..
        } = Authorizations::clone(&authorizations);
        Self {
            store,
            clock,
            random,
            public_url,
            access,
            authorizations,
            running: Arc::new(Semaphore::new(AT_ONCE as usize)),
        }
    }

    /// Everything the page *Members* shows.
    pub async fn page(&self, member: &Member) -> Result<MembersPage, MemberError> {
        member.require_admin()?;
        let account = member.account();
        let now = self.clock.now();
        let working = self.store.working_tokens(account, now).await?;
        let members = self.store.members(account).await?;
        let keys = self.store.access_keys_by_issuer(account).await?;
        let invitations = self.store.open_invitations(account, now).await?;
        let runtimes = self.store.runtimes(account).await?.len();
        Ok(MembersPage {
            now,
            viewer: member.user(),
            members: members
                .into_iter()
                .map(|row| MemberView {
                    tokens: working.get(&row.user).copied().unwrap_or_default(),
                    keys: keys.get(&row.user).copied().unwrap_or_default(),
                    user: row.user,
                    name: row.name,
                    email: row.email,
                    role: row.role,
                    joined_at: row.joined_at,
                    last_seen_at: row.last_seen_at,
                })
                .collect(),
            runtimes: u64::try_from(runtimes).unwrap_or(u64::MAX),
            invitations: invitations.into_iter().map(invitation_view).collect(),
        })
    }

    /// Makes a link by which one person becomes a member, within a week. An earlier one for the same address no longer works.
    pub async fn invite(&self, member: &Member, form: &InviteForm) -> Result<Invited, MemberError> {
        member.require_admin()?;
        let account = member.account();
        let mut errors = FieldErrors::default();
        let role = Role::from_stored(&form.role).ok_or_else(|| "Choose what they will be.".to_owned());
        let role = errors.take("role", role.map(Some));
        let email = match form.email.trim() {
            "" => None,
            typed => Some(errors.take("email", field::email(typed))),
        };
        errors.into_result().map_err(MemberError::Invalid)?;
        let role = role.unwrap_or(Role::Member);
        if let Some(email) = &email
            && let Some(person) = self.store.user_by_email(email).await?
            && self.store.member(account, person.id).await?.is_some()
        {
            let words = format!("{} is a member already.", person.name);
            return Err(MemberError::Invalid(FieldErrors::one("email", words)));
        }

        let code = random::secret(self.random.as_ref());
        let id = InvitationId(self.uuid());
        let now = self.clock.now();
        let ends_at = now.plus(LIFETIME);
        let invited = detail_of(role, email.as_deref());
        let records = |told: Told<'_>| match told {
            Told::Invitation(role, email) => {
                let detail = format!("{}, replaced by another", detail_of(role, email));
                self.event(member, Action::InvitationRevoked, detail)
            }
            Told::Wish | Told::Token(_) => self.event(member, Action::MemberInvited, invited.clone()),
        };
        let row = NewInvitation {
            id,
            code_hash: crate::access::hash(code.expose_secret()),
            role,
            email,
            invited_by: member.user(),
            ends_at,
        };
        if !self.store.invite(account, row, now, &records).await? {
            return Err(AccessError::NotAdmin.into());
        }
        tracing::info!(%account, user = %member.user(), invitation = %id, "invited somebody");
        Ok(Invited {
            link: format!("{}join/{}", self.public_url, code.expose_secret()).into(),
            ends_at,
        })
    }

    /// Revokes an invitation that was not used yet.
    pub async fn revoke_invitation(&self, member: &Member, id: InvitationId) -> Result<(), MemberError> {
        member.require_admin()?;
        let account = member.account();
        let records = |told: Told<'_>| {
            let detail = match told {
                Told::Invitation(role, email) => detail_of(role, email),
                Told::Wish | Told::Token(_) => String::new(),
            };
            self.event(member, Action::InvitationRevoked, detail)
        };
        let now = self.clock.now();
        if !self.store.revoke_invitation(account, id, now, &records).await? {
            return Err(MemberError::NotFound);
        }
        tracing::info!(%account, user = %member.user(), invitation = %id, "revoked an invitation");
        Ok(())
    }

    /// Makes a member an admin, or an admin a member.
    pub async fn change_role(&self, member: &Member, user: UserId, role: Role) -> Result<(), MemberError> {
        member.require_admin()?;
        let account = member.account();
        let row = self.store.member(account, user).await?.ok_or(MemberError::NotFound)?;
        if row.role == role {
            return Ok(());
        }
        let records = |told: Told<'_>| match told {
            Told::Invitation(role, email) => self.orphaned(member, &row, role, email),
            Told::Wish | Told::Token(_) => {
                let detail = format!("{}: {} instead of {}", called(&row), role.as_str(), row.role.as_str());
                self.event(member, Action::MemberRoleChanged, detail)
                    .person(row.user, &row.name)
            }
        };
        let now = self.clock.now();
        let changed = self
            .store
            .change_role(account, (user, role), member.user(), now, &records);
        changed.await?.map_err(stays)?;
        tracing::info!(%account, user = %member.user(), member = %user, role = role.as_str(), "changed a role");
        Ok(())
    }

    /// The record of an invitation that was revoked because its maker may invite nobody any more.
    fn orphaned(&self, member: &Member, maker: &MemberRow, role: Role, email: Option<&str>) -> AuditEvent {
        let detail = format!(
            "{}, of {}, who may not invite any more",
            detail_of(role, email),
            called(maker)
        );
        self.event(member, Action::InvitationRevoked, detail)
    }

    fn event(&self, member: &Member, action: Action, detail: String) -> AuditEvent {
        AuditEvent::new(member, action, self.clock.now()).detail(detail)
    }

    fn uuid(&self) -> uuid::Uuid {
        random::uuid(self.random.as_ref(), self.clock.as_ref())
    }
}

fn stays(why: Stays) -> MemberError {
    match why {
        Stays::LastAdmin => MemberError::LastAdmin,
        Stays::NotFound => MemberError::NotFound,
        Stays::NotAdmin => AccessError::NotAdmin.into(),
    }
}

/// What a record says of a person.
fn called(row: &MemberRow) -> String {
    format!("{} <{}>", row.name, row.email)
}

/// What a record says of an invitation.
fn detail_of(role: Role, email: Option<&str>) -> String {
    format!("{} as {}", email.unwrap_or("anybody"), role.as_str())
}

fn invitation_view(row: InvitationRow) -> InvitationView {
    InvitationView {
        id: row.id,
        role: row.role,
        email: row.email,
        inviter: row.inviter,
        ends_at: row.ends_at,
    }
}
