//! The Git providers of an account, registered by its admins.

use crate::{Fault, access::{AccessError, Member}};
use domain::{FieldErrors, GitProviderId, view::ProvidersPage};

/// What an admin can run into.
#[derive(Debug, thiserror::Error)]
pub enum GitProviderError {
    /// Fields to mend.
    #[error("the form has errors")]
    Invalid(FieldErrors),
    /// No such Git provider in this account.
    #[error("no such Git provider")]
    NotFound,
    /// Runtimes use it, so it cannot be deleted.
    #[error("runtimes use it")]
    InUse {
        /// Their names.
        runtimes: Vec<String>,
    },
    /// Not an admin.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The fields of the form.
#[derive(Clone, Debug, Default)]
pub struct GitProviderForm {
    /// Its kind, as [`domain::ProviderKind::as_str`] writes it (field `kind`; not read when editing).
    pub kind: String,
    /// Its name (field `name`; empty: the host).
    pub name: String,
    /// Its base URL (field `base_url`).
    pub base_url: String,
    /// Its API base (field `api_url`; empty: follows from the base URL).
    pub api_url: String,
}

/// The service.
#[derive(Clone)]
pub struct GitProviders;

impl GitProviders {
    /// Everything the page *Git authentication* shows.
    pub async fn page(&self, member: &Member) -> Result<ProvidersPage, GitProviderError> {
        let _ = member;
        todo!()
    }

    /// Registers a Git provider.
    pub async fn register(&self, member: &Member, form: GitProviderForm) -> Result<GitProviderId, GitProviderError> {
        let _ = (member, form);
        todo!()
    }

    /// Changes one. Its base URL and API base can only be changed while no token is stored for it.
    pub async fn edit(&self, member: &Member, id: GitProviderId, form: GitProviderForm) -> Result<(), GitProviderError> {
        let _ = (member, id, form);
        todo!()
    }

    /// Deletes one that no runtime uses.
    pub async fn delete(&self, member: &Member, id: GitProviderId) -> Result<(), GitProviderError> {
        let _ = (member, id);
        todo!()
    }
}
