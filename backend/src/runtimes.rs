//! The runtimes of an account, registered by its admins.

use crate::{Fault, access::{AccessError, Member}};
use domain::{FieldErrors, RuntimeId, view::RuntimesPage};

/// What an admin can run into.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// Fields to mend.
    #[error("the form has errors")]
    Invalid(FieldErrors),
    /// No such runtime in this account.
    #[error("no such runtime")]
    NotFound,
    /// Not an admin.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The fields of the form.
#[derive(Clone, Debug, Default)]
pub struct RuntimeForm {
    /// Its name (field `name`).
    pub name: String,
    /// The id of its Git provider (field `provider`).
    pub provider: String,
}

/// The service.
#[derive(Clone)]
pub struct Runtimes;

impl Runtimes {
    /// Everything the page *Runtimes* shows.
    pub async fn page(&self, member: &Member) -> Result<RuntimesPage, RuntimeError> {
        let _ = member;
        todo!()
    }

    /// Registers a runtime.
    pub async fn register(&self, member: &Member, form: RuntimeForm) -> Result<RuntimeId, RuntimeError> {
        let _ = (member, form);
        todo!()
    }

    /// Changes one. Its Git provider can only be changed while no token is stored for it.
    pub async fn edit(&self, member: &Member, id: RuntimeId, form: RuntimeForm) -> Result<(), RuntimeError> {
        let _ = (member, id, form);
        todo!()
    }

    /// Deletes one, with the tokens that are stored for it.
    pub async fn delete(&self, member: &Member, id: RuntimeId) -> Result<(), RuntimeError> {
        let _ = (member, id);
        todo!()
    }
}
