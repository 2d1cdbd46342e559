//! The providers that the forge speaks for, and which of them a path belongs to.

use axum::http::StatusCode;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use crate::faults::RateLimit;
use crate::model::TokenId;
use crate::state::Shared;
use crate::{bitbucket_cloud, bitbucket_data_center, gerrit, gitea, github, gitlab};

/// A provider, by the protocol that it speaks.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// GitHub, laid out as GitHub Enterprise Server: the API under `/api/v3`.
    #[serde(rename = "github")]
    GitHub,
    /// GitLab, .com and self-managed alike: the API under `/api/v4`.
    #[serde(rename = "gitlab")]
    GitLab,
    /// Bitbucket Cloud: the API under `/2.0`, which in earnest has a host of its own.
    BitbucketCloud,
    /// Bitbucket Data Center: the API under `/rest`.
    BitbucketDataCenter,
    /// Gitea: the API under `/api/v1`. Its sign-in for applications has the paths of GitHub's, so it stands under `/gitea`, as
    /// its `ROOT_URL` allows.
    Gitea,
    /// Forgejo, which has Gitea's paths and other answers, under `/forgejo`.
    Forgejo,
    /// Gerrit: authenticated under `/a/`, anonymous without.
    Gerrit,
}

/// What the paths of each API begin with. The first that fits decides; the web under `/` is in none of them, nor is what
/// [`Provider::of_oauth`] knows.
const PREFIXES: [(&str, Provider); 12] = [
    ("/api/v4", Provider::GitLab),
    ("/oauth/token/info", Provider::GitLab),
    (gitlab::REVOKE, Provider::GitLab),
    ("/2.0", Provider::BitbucketCloud),
    ("/rest/", Provider::BitbucketDataCenter),
    ("/gitea/api/", Provider::Gitea),
    ("/forgejo/api/", Provider::Forgejo),
    ("/a/", Provider::Gerrit),
    ("/accounts/", Provider::Gerrit),
    ("/config/", Provider::Gerrit),
    ("/projects/", Provider::Gerrit),
    ("/api/", Provider::GitHub),
];

impl Provider {
    /// Every provider there is.
    pub const ALL: [Self; 7] = [
        Self::GitHub,
        Self::GitLab,
        Self::BitbucketCloud,
        Self::BitbucketDataCenter,
        Self::Gitea,
        Self::Forgejo,
        Self::Gerrit,
    ];

    /// Whose API this path belongs to, if it belongs to one.
    pub(crate) fn of_api(path: &str) -> Option<Self> {
        let fits = |(prefix, _): &&(&str, Self)| path.starts_with(prefix);
        let found = PREFIXES.iter().find(fits).filter(|_| Self::of_oauth(path).is_none());
        found.map(|(_, provider)| *provider)
    }

    /// Who answers at this path: the web is GitHub's.
    pub(crate) fn of_path(path: &str) -> Self {
        Self::of_oauth(path)
            .or_else(|| Self::of_api(path))
            .unwrap_or(Self::GitHub)
    }

    /// Whether `Basic` at this path holds an application's id and secret, and not a person's name and token.
    pub(crate) fn knows_clients(path: &str) -> bool {
        Self::of_oauth(path).is_some() || path == gitlab::REVOKE || path.starts_with(github::APPLICATIONS)
    }

    /// What the forge's address is followed by to reach this provider; empty for all that stand at the root.
    pub(crate) fn base_path(self) -> &'static str {
        match self {
            Self::Gitea => "/gitea",
            Self::Forgejo => "/forgejo",
            Self::GitHub | Self::GitLab | Self::BitbucketCloud | Self::BitbucketDataCenter | Self::Gerrit => "",
        }
    }

    /// What stands before every JSON body of this provider.
    pub(crate) fn json_prefix(self) -> &'static str {
        match self {
            Self::Gerrit => gerrit::JSON_PREFIX,
            Self::GitHub
            | Self::GitLab
            | Self::BitbucketCloud
            | Self::BitbucketDataCenter
            | Self::Gitea
            | Self::Forgejo => "",
        }
    }

    /// The caller was too quick. It says nothing of the token.
    pub(crate) fn rate_limited(self, shared: &Shared, token: Option<TokenId>, limit: RateLimit) -> Response {
        match self {
            Self::GitHub => github::rate_limited(shared, token, limit),
            Self::GitLab => gitlab::rate_limited(shared, limit),
            Self::BitbucketCloud => bitbucket_cloud::rate_limited(limit),
            Self::BitbucketDataCenter => bitbucket_data_center::rate_limited(limit),
            Self::Gitea | Self::Forgejo => gitea::rate_limited(limit),
            Self::Gerrit => gerrit::rate_limited(limit),
        }
    }

    /// A failure in the words of the provider itself, not of a proxy before it.
    pub(crate) fn failure(self, shared: &Shared, status: StatusCode) -> Response {
        match self {
            Self::GitHub => github::failure(status),
            Self::GitLab => gitlab::failure(status),
            Self::BitbucketCloud => bitbucket_cloud::failure(status),
            Self::BitbucketDataCenter => bitbucket_data_center::failure(status),
            Self::Gitea | Self::Forgejo => gitea::failure(shared, self, status),
            Self::Gerrit => gerrit::failure(status),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_belongs_to_the_provider_whose_api_it_begins_with() {
        for (path, provider) in [
            ("/api/v3/user", Some(Provider::GitHub)),
            ("/api/v9", Some(Provider::GitHub)),
            ("/api/v4/user", Some(Provider::GitLab)),
            ("/oauth/token/info", Some(Provider::GitLab)),
            ("/2.0/user", Some(Provider::BitbucketCloud)),
            ("/rest/api/latest/users", Some(Provider::BitbucketDataCenter)),
            ("/gitea/api/v1/user", Some(Provider::Gitea)),
            ("/forgejo/api/v1/user", Some(Provider::Forgejo)),
            ("/a/accounts/self", Some(Provider::Gerrit)),
            ("/config/server/version", Some(Provider::Gerrit)),
            ("/settings/tokens", None),
            ("/", None),
            ("/oauth/token", None),
            ("/rest/oauth2/latest/token", None),
        ] {
            assert_eq!(Provider::of_api(path), provider, "{path}");
        }
        assert_eq!(Provider::of_path("/settings/tokens"), Provider::GitHub);
    }

    #[test]
    fn who_gives_tokens_to_applications_answers_there_and_has_no_api_there() {
        for (path, provider) in [
            ("/login/oauth/access_token", Provider::GitHub),
            ("/oauth/authorize", Provider::GitLab),
            ("/oauth/token", Provider::GitLab),
            ("/site/oauth2/access_token", Provider::BitbucketCloud),
            ("/rest/oauth2/latest/token", Provider::BitbucketDataCenter),
            ("/gitea/login/oauth/access_token", Provider::Gitea),
            ("/forgejo/login/oauth/authorize", Provider::Forgejo),
        ] {
            assert_eq!(
                (Provider::of_path(path), Provider::of_api(path)),
                (provider, None),
                "{path}"
            );
            assert!(Provider::knows_clients(path));
        }
        assert!(Provider::knows_clients("/oauth/revoke"));
        assert!(Provider::knows_clients("/api/v3/applications/Ov23li/grant"));
        assert!(!Provider::knows_clients("/api/v3/user"));
    }
}
