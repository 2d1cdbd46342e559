//! The Git tokens of a person: checked live, stored sealed.

use crate::{Fault, access::Member};
use domain::{CheckOutcome, FieldErrors, GitTokenId, RuntimeId, SecretInput, provider::ProviderKind, view::TokensPage};

/// What a person can run into.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Fields to mend (field `token`).
    #[error("the form has errors")]
    Invalid(FieldErrors),
    /// No such runtime, or no token for it.
    #[error("no such runtime or token")]
    NotFound,
    /// The check did not end well, so nothing was stored.
    #[error("the token was not accepted")]
    Refused {
        /// Who was asked.
        kind: ProviderKind,
        /// What it said.
        outcome: CheckOutcome,
    },
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The service.
#[derive(Clone)]
pub struct Tokens;

impl Tokens {
    /// Everything the page *Git Personal Access Tokens* shows.
    pub async fn page(&self, member: &Member) -> Result<TokensPage, TokenError> {
        let _ = member;
        todo!()
    }

    /// Checks a token live and stores it for the person and the runtime, in place of the one that was there. A token
    /// that is not accepted changes nothing.
    pub async fn put(&self, member: &Member, runtime: RuntimeId, token: &SecretInput) -> Result<GitTokenId, TokenError> {
        let _ = (member, runtime, token);
        todo!()
    }

    /// Checks the stored token again and notes what came of it.
    pub async fn check(&self, member: &Member, runtime: RuntimeId) -> Result<CheckOutcome, TokenError> {
        let _ = (member, runtime);
        todo!()
    }

    /// Deletes the person's token for the runtime.
    pub async fn delete(&self, member: &Member, runtime: RuntimeId) -> Result<(), TokenError> {
        let _ = (member, runtime);
        todo!()
    }
}
