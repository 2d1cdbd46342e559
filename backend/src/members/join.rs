//! Whoever was invited comes in: as a new person, or as one who was there.

use super::Members;
use crate::{
    Fault,
    access::{self, AccessError, Session, SignedIn},
    audit::{Action, Actor, AuditEvent},
    store::{self, InvitationRow, Joined, Joiner},
};
use domain::{FieldErrors, Role, SecretInput, UserId, field};
use std::net::IpAddr;

/// What whoever follows an invitation can run into.
#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    /// Fields to mend.
    #[error("the form has errors")]
    Invalid(FieldErrors),
    /// There is no invitation with this code.
    #[error("no such invitation")]
    NotFound,
    /// Somebody has used it.
    #[error("the invitation was used")]
    Used,
    /// An admin took it back.
    #[error("the invitation was revoked")]
    Revoked,
    /// Its time is over.
    #[error("the invitation has ended")]
    Ended,
    /// It is for another person.
    #[error("the invitation is for another e-mail address")]
    WrongAddress {
        /// Whose it must be.
        invited: String,
        /// Whose it is.
        own: String,
    },
    /// The person is a member already.
    #[error("a member already")]
    Already {
        /// The account's name.
        account: String,
    },
    /// Nobody is signed in, where somebody was.
    #[error("not signed in")]
    NotSignedIn,
    /// Too many tries.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// An invitation as whoever has its link sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// The account's name.
    pub account: String,
    /// Who invites.
    pub inviter: String,
    /// As what.
    pub role: Role,
    /// The e-mail address that is invited; `None`: any.
    pub email: Option<String>,
    /// The name of whoever is signed in.
    pub signed_in: Option<String>,
}

/// The fields of a person who is not known yet.
#[derive(Clone, Debug, Default)]
pub struct NewMember {
    /// The person's name (field `name`).
    pub name: String,
    /// The person's e-mail address (field `email`). Where the invitation names one, that one counts.
    pub email: String,
    /// The person's password (field `password`).
    pub password: SecretInput,
}

/// An invitation that works, for whoever asks.
struct Open {
    row: InvitationRow,
    account: String,
    slug: String,
    code_hash: Vec<u8>,
    /// Whoever is signed in.
    person: Option<store::UserRow>,
}

impl Members {
    /// What there is to see of an invitation that works. Whoever has the link may ask, signed in or not.
    pub async fn invitation(&self, session: Option<&Session>, code: &str) -> Result<Invitation, JoinError> {
        let open = self.open(session, code).await?;
        Ok(Invitation {
            account: open.account,
            inviter: open.row.inviter,
            role: open.row.role,
            email: open.row.email,
            signed_in: open.person.map(|person| person.name),
        })
    }

    /// Makes whoever is signed in a member. Gives the account's part of every address.
    pub async fn join(&self, session: Option<&Session>, code: &str) -> Result<String, JoinError> {
        let open = self.open(session, code).await?;
        let person = open.person.as_ref().ok_or(JoinError::NotSignedIn)?;
        let actor = session
            .map(|session| session.actor().clone())
            .ok_or(JoinError::NotSignedIn)?;
        self.use_up(&open, (person.id, actor), Joiner::Known(person.id)).await?;
        Ok(open.slug)
    }

    /// Makes a new person, who is a member and signed in. Somebody who is known here must sign in first: that there is such a person
    /// is told, since nobody can be made twice, but not often in a row.
    pub async fn join_as_new(&self, code: &str, form: NewMember, from: IpAddr) -> Result<SignedIn, JoinError> {
        let open = self.open(None, code).await?;
        let mut errors = FieldErrors::default();
        let name = errors.take("name", field::name(&form.name, "your name"));
        let email = match &open.row.email {
            Some(email) => email.clone(),
            None => errors.take("email", field::email(&form.email)),
        };
        errors.take("password", field::password(form.password.expose()));
        errors.into_result().map_err(JoinError::Invalid)?;

        self.access.refuse_guess(&open.code_hash, from).await?;
        let person = self.access.person(name, email, &form.password).await?;
        let user = person.id;
        let (cookie, session) = self.access.new_session(user);
        let actor = Actor::Person {
            id: user,
            name: person.name.clone(),
            email: person.email.clone(),
            from: Some(from),
        };
        match self.use_up(&open, (user, actor), Joiner::New(person, session)).await {
            Ok(()) => Ok(SignedIn {
                cookie,
                account: Some(open.slug),
            }),
            Err(JoinError::Already { .. }) => {
                self.access.count_guess(from).await?;
                Err(JoinError::Invalid(FieldErrors::one(
                    "email",
                    "Somebody signs in with this address already. If that is you, sign in below: this link waits for you.",
                )))
            }
            Err(error) => Err(error),
        }
    }

    /// The invitation with this code, if whoever asks may use it now.
    async fn open(&self, session: Option<&Session>, code: &str) -> Result<Open, JoinError> {
        let code_hash = access::hash(code);
        let found = self.store.invitation(&code_hash).await?;
        let (row, account, slug) = found.ok_or(JoinError::NotFound)?;
        let person = match session {
            Some(session) => self.store.user(session.user()).await?,
            None => None,
        };
        // Who comes back to a link that they have used is not told that it was used.
        if let Some(person) = &person
            && self.store.member(row.account, person.id).await?.is_some()
        {
            return Err(JoinError::Already { account });
        }
        if row.used_at.is_some() {
            return Err(JoinError::Used);
        }
        if row.revoked_at.is_some() {
            return Err(JoinError::Revoked);
        }
        if row.ends_at <= self.clock.now() {
            return Err(JoinError::Ended);
        }
        if let (Some(person), Some(invited)) = (&person, &row.email)
            && person.email != *invited
        {
            return Err(JoinError::WrongAddress {
                invited: invited.clone(),
                own: person.email.clone(),
            });
        }
        Ok(Open {
            row,
            account,
            slug,
            code_hash,
            person,
        })
    }

    async fn use_up(&self, open: &Open, (user, actor): (UserId, Actor), joiner: Joiner) -> Result<(), JoinError> {
        let Open { row, account, .. } = open;
        let event = AuditEvent::new(actor, Action::MemberJoined, self.clock.now()).detail(format!(
            "as {}, invited by {}",
            row.role.as_str(),
            row.inviter
        ));
        let already = || JoinError::Already {
            account: account.clone(),
        };
        match self.store.join(&open.code_hash, joiner, self.clock.now(), event).await {
            Ok(Joined::Yes) => {
                tracing::info!(account = %row.account, %user, invitation = %row.id, "somebody joined");
                Ok(())
            }
            Ok(Joined::Already) => Err(already()),
            // What was true before is not any more: somebody was quicker.
            Ok(Joined::Gone) => match self.store.invitation(&open.code_hash).await? {
                Some((row, ..)) if row.used_at.is_some() => Err(JoinError::Used),
                Some((row, ..)) if row.revoked_at.is_some() => Err(JoinError::Revoked),
                Some(_) => Err(JoinError::Ended),
                None => Err(JoinError::NotFound),
            },
            Err(fault) if store::is_taken(&fault) => Err(already()),
            Err(fault) => Err(fault.into()),
        }
    }
}
