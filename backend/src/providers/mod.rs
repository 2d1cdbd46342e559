//! The Git providers on the wire: one trait, one file per kind. What needs no I/O stands in `domain::provider`.

mod allowance;
mod bitbucket_cloud;
mod bitbucket_data_center;
mod forgejo;
mod gerrit;
mod gitea;
mod github;
mod gitlab;
mod wire;

pub use allowance::{Allowance, Told};

use crate::egress::Egress;
use domain::{CheckOutcome, Findings, ProviderKind, ScopeProfile, Timestamp, token_format::TokenFormat};
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
    /// Its format, if its prefix tells.
    pub format: Option<&'static TokenFormat>,
    /// What goes beside it, if anything does.
    pub username: Option<&'a str>,
    /// What it must be allowed to do.
    pub profile: &'a ScopeProfile,
    /// Now, by which an expiry is judged.
    pub now: Timestamp,
    /// Where it is noted what the provider says of how much more it will answer.
    pub allowance: &'a Allowance,
}

/// What Patchbay asks of a kind of Git provider.
trait GitProvider {
    /// Asks the provider about a token: identity, scopes, expiry. Reads only. The error is what keeps it from being accepted.
    async fn check(&self, inquiry: Inquiry<'_>) -> Result<Findings, CheckOutcome>;
}

/// Checks a token with a provider of this kind.
pub async fn check(kind: ProviderKind, inquiry: Inquiry<'_>) -> CheckOutcome {
    // The one registration of a kind.
    let checked = match kind {
        ProviderKind::GitHub => github::GitHub.check(inquiry).await,
        ProviderKind::GitLab => gitlab::GitLab.check(inquiry).await,
        ProviderKind::BitbucketCloud => bitbucket_cloud::BitbucketCloud.check(inquiry).await,
        ProviderKind::BitbucketDataCenter => bitbucket_data_center::BitbucketDataCenter.check(inquiry).await,
        ProviderKind::Gitea => gitea::Gitea.check(inquiry).await,
        ProviderKind::Forgejo => forgejo::Forgejo.check(inquiry).await,
        ProviderKind::Gerrit => gerrit::Gerrit.check(inquiry).await,
    };
    checked.map_or_else(|outcome| outcome, CheckOutcome::Accepted)
}
