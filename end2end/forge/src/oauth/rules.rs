//! How the providers differ as authorisation servers, but for their words: those stand in the module of each.

use crate::model::TokenKind;
use crate::provider::Provider;
use crate::{bitbucket_cloud, bitbucket_data_center, gitea, github, gitlab};

/// How one provider does it.
#[derive(Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a fact of its own about a provider"
)]
pub(crate) struct Rules {
    /// The pages that ask for consent.
    pub(crate) authorize: &'static [&'static str],
    /// Where applications get tokens.
    pub(crate) token: &'static [&'static str],
    /// The kind of access token that they get.
    pub(crate) kind: TokenKind,
    /// Seconds until an access token ends.
    pub(crate) access_lifetime: u64,
    /// Seconds until a refresh token ends; `None` is never.
    pub(crate) refresh_lifetime: Option<u64>,
    /// Whether access tokens end unless the application is set otherwise.
    pub(crate) expiring: bool,
    /// Whether `response_type` and `grant_type` have to be said, or go without saying.
    pub(crate) names_types: bool,
    /// What an application may ask for.
    pub(crate) scopes: Scopes,
    /// What it gets when it asks for nothing.
    pub(crate) default_scopes: &'static [&'static str],
    /// Whether the page and the code know challenges (PKCE).
    pub(crate) pkce: bool,
    /// Whether somebody who consented to all that is asked for is sent back without a question.
    pub(crate) remembers_consent: bool,
    /// Where an application may prove who it is.
    pub(crate) client: ClientProof,
    /// Whether a code is redeemed only with the redirect URI that it was asked for with; otherwise one may be left out.
    pub(crate) redirect_uri_with_code: bool,
    /// Whether a refresh wants that redirect URI, too.
    pub(crate) redirect_uri_with_refresh: bool,
    /// Whether a code that comes again ends what it gave.
    pub(crate) replay_kills: bool,
    /// Whether a refresh ends the access token before.
    pub(crate) refresh_ends_access: bool,
    /// Seconds for which a refresh token that was used may be used again.
    pub(crate) grace: u64,
}

/// What an application may ask for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scopes {
    /// Anything.
    AsAsked,
    /// What it was registered with, if it was registered with any.
    WithinApplication,
    /// Nothing: it gets what it was registered with.
    OfApplication,
}

/// Where an application may prove who it is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum ClientProof {
    /// In `Authorization: Basic`.
    Basic,
    /// In the body.
    Body,
    /// In either.
    Either,
}

impl Provider {
    /// How this provider does it; Gerrit does not.
    pub(crate) fn oauth(self) -> Option<&'static Rules> {
        match self {
            Self::GitHub => Some(&github::OAUTH),
            Self::GitLab => Some(&gitlab::OAUTH),
            Self::BitbucketCloud => Some(&bitbucket_cloud::OAUTH),
            Self::BitbucketDataCenter => Some(&bitbucket_data_center::OAUTH),
            Self::Gitea => Some(&gitea::GITEA_OAUTH),
            Self::Forgejo => Some(&gitea::FORGEJO_OAUTH),
            Self::Gerrit => None,
        }
    }

    /// Who asks for consent, or gives tokens to applications, at this path.
    pub(crate) fn of_oauth(path: &str) -> Option<Self> {
        let is_there = |provider: &Self| {
            let rules = provider.oauth();
            rules.is_some_and(|rules| rules.authorize.contains(&path) || rules.token.contains(&path))
        };
        Self::ALL.into_iter().find(is_there)
    }
}
