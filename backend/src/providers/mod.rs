//! The Git providers on the wire: one trait, one file per kind.

mod github;

use crate::egress::Egress;
use domain::{CheckOutcome, ProviderKind, Timestamp};
use secrecy::SecretString;

/// Everything a provider needs to be asked about a token.
#[derive(Clone, Copy)]
pub struct Inquiry<'a> {
    /// The way out.
    pub egress: &'a Egress,
    /// The provider's base URL, without a slash at the end.
    pub base_url: &'a str,
    /// Its API base, without a slash at the end.
    pub api_url: &'a str,
    /// The token.
    pub token: &'a SecretString,
    /// Now, by which an expiry is judged.
    pub now: Timestamp,
}

/// What Patchbay asks of a kind of Git provider.
trait GitProvider {
    /// Asks the provider about a token: identity, scopes, expiry. Reads only.
    async fn check(&self, inquiry: Inquiry<'_>) -> CheckOutcome;
}

/// Checks a token with a provider of this kind.
pub async fn check(kind: ProviderKind, inquiry: Inquiry<'_>) -> CheckOutcome {
    match kind {
        ProviderKind::GitHub => github::GitHub.check(inquiry).await,
    }
}
