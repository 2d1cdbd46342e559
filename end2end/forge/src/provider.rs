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
    /// Gitea: the API under `/api/v1`.
    Gitea,
    /// Forgejo, which has Gitea's paths and other answers; so it stands under `/forgejo`, as its `ROOT_URL` allows.
    Forgejo,
    /// Gerrit: authenticated under `/a/`, anonymous without.
    Gerrit,
}

/// What the paths of each API begin with. The first that fits decides; the web under `/` is in none of them.
const PREFIXES: [(&str, Provider); 11] = [
    ("/api/v4", Provider::GitLab),
    ("/oauth/", Provider::GitLab),
    ("/2.0", Provider::BitbucketCloud),
    ("/rest/", Provider::BitbucketDataCenter),
    ("/api/v1", Provider::Gitea),
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
        PREFIXES
            .iter()
            .find(|(prefix, _)| path.starts_with(prefix))
            .map(|(_, provider)| *provider)
    }

    /// Who answers at this path: the web is GitHub's.
    pub(crate) fn of_path(path: &str) -> Self {
        Self::of_api(path).unwrap_or(Self::GitHub)
    }

    /// What the forge's address is followed by to reach this provider; empty for all that stand at the root.
    pub(crate) fn base_path(self) -> &'static str {
        match self {
            Self::Forgejo => "/forgejo",
            Self::GitHub
            | Self::GitLab
            | Self::BitbucketCloud
            | Self::BitbucketDataCenter
            | Self::Gitea
            | Self::Gerrit => "",
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
            ("/api/v1/user", Some(Provider::Gitea)),
            ("/forgejo/api/v1/user", Some(Provider::Forgejo)),
            ("/a/accounts/self", Some(Provider::Gerrit)),
            ("/config/server/version", Some(Provider::Gerrit)),
            ("/settings/tokens", None),
            ("/", None),
        ] {
            assert_eq!(Provider::of_api(path), provider, "{path}");
        }
        assert_eq!(Provider::of_path("/settings/tokens"), Provider::GitHub);
    }
}
