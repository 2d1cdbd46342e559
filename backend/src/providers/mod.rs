//! The Git providers on the wire: one trait, one file per kind. What needs no I/O stands in `domain::provider`.

mod allowance;
mod bitbucket_cloud;
mod bitbucket_data_center;
mod change;
mod forgejo;
mod gerrit;
mod gitea;
mod github;
mod gitlab;
mod wire;

pub use allowance::{Allowance, Told};
pub use change::Rotated;

use crate::egress::Egress;
use domain::{
    CheckOutcome, Findings, ProviderKind, Refusal, Revocation, RotationRefusal, Scope, ScopeProfile, Timestamp,
    token_format::TokenFormat,
};
use secrecy::SecretString;
use std::collections::BTreeSet;

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
    /// What is known of a token that came by OAuth 2; `None` for a personal access token.
    pub oauth: Option<Granted<'a>>,
}

/// What is known of a token that came by OAuth 2.
#[derive(Clone, Copy, Debug, Default)]
pub struct Granted<'a> {
    /// The scopes that were granted with it, if that is known.
    pub scopes: Option<&'a [Scope]>,
    /// When it ends, if it does.
    pub ends: Option<Timestamp>,
}

impl Granted<'_> {
    /// The scopes, to be compared.
    fn set(self) -> Option<BTreeSet<Scope>> {
        Some(self.scopes?.iter().cloned().collect())
    }
}

impl Inquiry<'_> {
    /// What the token must be allowed to do.
    fn required(&self) -> Vec<Scope> {
        match self.oauth {
            Some(_) => self.profile.required_by_oauth(),
            None => self.profile.required(self.format),
        }
    }
}

/// What Patchbay asks of a kind of Git provider.
trait GitProvider {
    /// Asks the provider about a token: identity, scopes, expiry. Reads only. The error is what keeps it from being accepted.
    async fn check(&self, inquiry: Inquiry<'_>) -> Result<Findings, CheckOutcome>;

    /// Changes a token for a new one, which lives as long as the old one did (`domain::rotation::new_end`). The old one dies
    /// with it.
    async fn rotate(&self, _: Inquiry<'_>) -> Rotated {
        Rotated::Refused(RotationRefusal::NotOffered)
    }

    /// Has the provider take a token back.
    async fn revoke(&self, _: Inquiry<'_>) -> Revocation {
        Revocation::NotOffered
    }
}

// The one registration of a kind.
macro_rules! ask {
    ($kind:expr, $question:ident, $inquiry:expr) => {
        match $kind {
            ProviderKind::GitHub => github::GitHub.$question($inquiry).await,
            ProviderKind::GitLab => gitlab::GitLab.$question($inquiry).await,
            ProviderKind::BitbucketCloud => bitbucket_cloud::BitbucketCloud.$question($inquiry).await,
            ProviderKind::BitbucketDataCenter => bitbucket_data_center::BitbucketDataCenter.$question($inquiry).await,
            ProviderKind::Gitea => gitea::Gitea.$question($inquiry).await,
            ProviderKind::Forgejo => forgejo::Forgejo.$question($inquiry).await,
            ProviderKind::Gerrit => gerrit::Gerrit.$question($inquiry).await,
        }
    };
}

/// Checks a token with a provider of this kind.
pub async fn check(kind: ProviderKind, inquiry: Inquiry<'_>) -> CheckOutcome {
    // The provider would refuse it without saying why.
    if let Some(at) = inquiry.oauth.and_then(|granted| granted.ends)
        && at <= inquiry.now
    {
        return CheckOutcome::Refused(Refusal::Expired { at });
    }
    let checked = ask!(kind, check, inquiry);
    checked.map_or_else(|outcome| outcome, CheckOutcome::Accepted)
}

/// Changes a token for a new one at a provider of this kind. Only `rotation` may call this: whoever drops the answer loses
/// the token.
pub async fn rotate(kind: ProviderKind, inquiry: Inquiry<'_>) -> Rotated {
    if !kind.offers(inquiry.format).rotation {
        return Rotated::Refused(RotationRefusal::NotOffered);
    }
    ask!(kind, rotate, inquiry)
}

/// Has a provider of this kind take a token back.
pub async fn revoke(kind: ProviderKind, inquiry: Inquiry<'_>) -> Revocation {
    if !kind.offers(inquiry.format).revocation {
        return Revocation::NotOffered;
    }
    ask!(kind, revoke, inquiry)
}
