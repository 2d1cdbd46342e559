//! Forgejo. It answers as Gitea does, but for a refusal's words: they name what is missing, and never what was granted.

use super::{GitProvider, Inquiry, gitea};
use domain::{CheckOutcome, Findings, ProviderKind};

/// Forgejo on the wire.
pub(super) struct Forgejo;

impl GitProvider for Forgejo {
    async fn check(&self, inquiry: Inquiry<'_>) -> Result<Findings, CheckOutcome> {
        gitea::ask(ProviderKind::Forgejo, inquiry).await
    }
}
