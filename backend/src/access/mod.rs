//! Who may come in, and as whom: set-up, sign-in, sessions, membership.

use crate::Fault;
use domain::{AccountId, FieldErrors, Role, SecretInput, Timestamp, UserId, view::Viewer};
use secrecy::SecretString;
use std::net::IpAddr;

/// What a person can run into at the door.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Fields to mend.
    #[error("the form has errors")]
    Invalid(FieldErrors),
    /// No such person, or another password: never told apart.
    #[error("wrong e-mail address or password")]
    WrongCredentials,
    /// Too many tries.
    #[error("too many tries")]
    Throttled {
        /// When the next try is taken.
        retry_at: Timestamp,
    },
    /// The set-up link is wrong, used or replaced by a later start's.
    #[error("the set-up link is not valid")]
    SetUpLink,
    /// Nobody is signed in.
    #[error("not signed in")]
    NotSignedIn,
    /// No such account, or none of the person's: never told apart.
    #[error("not a member")]
    NotFound,
    /// An admin may; this person is a member.
    #[error("not an admin")]
    NotAdmin,
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A browser that somebody has signed in with.
#[derive(Clone, Debug)]
pub struct Session {
    user: UserId,
}

/// A person in an account: the proof that membership was checked. Only [`Access::member`] makes one.
#[derive(Clone, Debug)]
pub struct Member {
    account: AccountId,
    user: UserId,
    role: Role,
}

/// The fields of the set-up page.
#[derive(Clone, Debug)]
pub struct SetUp {
    /// The account's name (field `account_name`).
    pub account_name: String,
    /// The admin's own name (field `name`).
    pub name: String,
    /// The admin's e-mail address (field `email`).
    pub email: String,
    /// The admin's password (field `password`).
    pub password: SecretInput,
}

/// A sign-in that succeeded.
pub struct SignedIn {
    /// The value of the session cookie.
    pub cookie: SecretString,
    /// The slug of the account to show first; `None` for a person who is a member of none.
    pub account: Option<String>,
}

/// The service at the door.
#[derive(Clone)]
pub struct Access;

impl Access {
    /// Whether an account exists: until then only the set-up link leads anywhere.
    pub async fn is_set_up(&self) -> Result<bool, AccessError> {
        todo!()
    }

    /// Whether a set-up link still leads somewhere.
    pub async fn is_set_up_link(&self, code: &str) -> Result<bool, AccessError> {
        let _ = code;
        todo!()
    }

    /// Makes the first account and its admin, and signs the admin in.
    pub async fn set_up(&self, code: &str, form: SetUp) -> Result<SignedIn, AccessError> {
        let _ = (code, form);
        todo!()
    }

    /// Signs a person in.
    pub async fn sign_in(&self, email: &str, password: &SecretInput, from: IpAddr) -> Result<SignedIn, AccessError> {
        let _ = (email, password, from);
        todo!()
    }

    /// Ends a session.
    pub async fn sign_out(&self, session: &Session) -> Result<(), AccessError> {
        let _ = session;
        todo!()
    }

    /// The session that a cookie's value belongs to, if it still lives.
    pub async fn resume(&self, cookie: &str) -> Result<Option<Session>, AccessError> {
        let _ = cookie;
        todo!()
    }

    /// The slug of the account to show first.
    pub async fn home(&self, session: &Session) -> Result<Option<String>, AccessError> {
        let _ = session;
        todo!()
    }

    /// The person as a member of the account with this slug.
    pub async fn member(&self, session: Option<&Session>, account: &str) -> Result<Member, AccessError> {
        let _ = (session, account);
        todo!()
    }

    /// What the frame of every page shows of the person.
    pub async fn viewer(&self, member: &Member) -> Result<Viewer, AccessError> {
        let _ = member;
        todo!()
    }
}
