//! The services, wired once and shared.

use crate::{access::Access, flash::FlashSeal, git_providers::GitProviders, runtimes::Runtimes, tokens::Tokens};

/// Everything a page or endpoint may call.
#[derive(Clone)]
pub struct Services {
    /// Set-up, sign-in, sessions, membership.
    pub access: Access,
    /// The Git providers of an account.
    pub git_providers: GitProviders,
    /// The runtimes of an account.
    pub runtimes: Runtimes,
    /// The Git tokens of a person.
    pub tokens: Tokens,
    /// Seals messages that wait in a cookie for the next page.
    pub flash: FlashSeal,
}
