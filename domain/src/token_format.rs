//! What a token's first letters tell, before anybody asks the provider.
//!
//! Runs in the browser on every paste, and on the server again. The body of a token is opaque: only prefixes count.

use crate::provider::ProviderKind;

/// The kind of a token as its prefix tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFormat {
    /// `ghp_`: GitHub personal access token (classic).
    GitHubClassic,
    /// `github_pat_`: GitHub fine-grained personal access token.
    GitHubFineGrained,
    /// `gho_`: issued to an OAuth application.
    GitHubOAuth,
    /// `ghu_`: issued to a GitHub App for a user.
    GitHubAppUser,
    /// `ghs_`: issued to a GitHub App's installation.
    GitHubInstallation,
    /// `ghr_`: refresh token, which opens nothing itself.
    GitHubRefresh,
    /// `glpat-`: GitLab personal access token (an administrator may change the prefix).
    GitLabPersonal,
    /// `ATATT`: Atlassian API token, for Bitbucket Cloud.
    BitbucketApiToken,
    /// `ATCTT`: access token of a Bitbucket Cloud workspace, project or repository.
    BitbucketAccessToken,
    /// `ATBB`: Bitbucket Cloud app password.
    BitbucketAppPassword,
}

/// What follows from a token's format for the provider it was meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recognition {
    /// Nothing is known of this format: an older token, or no token at all. The provider decides.
    Unknown,
    /// A token of this provider that a person may add.
    Fits(TokenFormat),
    /// A token of this provider that is not a personal access token.
    WrongKind(TokenFormat),
    /// Another provider's token.
    OtherProvider(TokenFormat),
}

impl TokenFormat {
    const PREFIXES: [(&'static str, Self); 10] = [
        ("ghp_", Self::GitHubClassic),
        ("github_pat_", Self::GitHubFineGrained),
        ("gho_", Self::GitHubOAuth),
        ("ghu_", Self::GitHubAppUser),
        ("ghs_", Self::GitHubInstallation),
        ("ghr_", Self::GitHubRefresh),
        ("glpat-", Self::GitLabPersonal),
        ("ATATT", Self::BitbucketApiToken),
        ("ATCTT", Self::BitbucketAccessToken),
        ("ATBB", Self::BitbucketAppPassword),
    ];

    /// The format that the first letters tell, if any does.
    #[must_use]
    pub fn of(token: &str) -> Option<Self> {
        let token = token.trim();
        Self::PREFIXES
            .into_iter()
            .find(|(prefix, _)| token.starts_with(prefix))
            .map(|(_, format)| format)
    }

    /// The letters by which it is known.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        Self::PREFIXES
            .into_iter()
            .find(|(_, format)| *format == self)
            .map_or("", |(prefix, _)| prefix)
    }

    /// What the provider calls it, with the provider's name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::GitHubClassic => "GitHub personal access token (classic)",
            Self::GitHubFineGrained => "GitHub fine-grained personal access token",
            Self::GitHubOAuth => "GitHub OAuth access token",
            Self::GitHubAppUser => "GitHub App user access token",
            Self::GitHubInstallation => "GitHub App installation token",
            Self::GitHubRefresh => "GitHub refresh token",
            Self::GitLabPersonal => "GitLab personal access token",
            Self::BitbucketApiToken => "Bitbucket API token",
            Self::BitbucketAccessToken => "Bitbucket access token",
            Self::BitbucketAppPassword => "Bitbucket app password",
        }
    }

    /// What this format means in the field *Personal access token* of a provider.
    #[must_use]
    pub fn recognise(token: &str, kind: ProviderKind) -> Recognition {
        let Some(format) = Self::of(token) else {
            return Recognition::Unknown;
        };
        match kind {
            ProviderKind::GitHub => match format {
                Self::GitHubClassic | Self::GitHubFineGrained => Recognition::Fits(format),
                Self::GitHubOAuth | Self::GitHubAppUser | Self::GitHubInstallation | Self::GitHubRefresh => {
                    Recognition::WrongKind(format)
                }
                Self::GitLabPersonal
                | Self::BitbucketApiToken
                | Self::BitbucketAccessToken
                | Self::BitbucketAppPassword => Recognition::OtherProvider(format),
            },
        }
    }
}

impl Recognition {
    /// Why the token cannot be meant, with what to do. `None` when it may be.
    #[must_use]
    pub fn objection(self, kind: ProviderKind) -> Option<String> {
        match self {
            Self::Unknown | Self::Fits(_) => None,
            Self::WrongKind(format) => Some(format!(
                "This is a {}. Paste a personal access token, which starts with {}.",
                format.name(),
                expected_prefixes(kind)
            )),
            Self::OtherProvider(format) => Some(format!(
                "This is a {}, and this runtime uses {}. Paste a token that starts with {}.",
                format.name(),
                kind.name(),
                expected_prefixes(kind)
            )),
        }
    }
}

fn expected_prefixes(kind: ProviderKind) -> String {
    match kind {
        ProviderKind::GitHub => {
            format!(
                "{} or {}",
                TokenFormat::GitHubClassic.prefix(),
                TokenFormat::GitHubFineGrained.prefix()
            )
        }
    }
}

/// What may be shown of a token so that a person recognises it: its prefix and its last four characters, and nothing
/// of a token so short that this would tell much of it.
#[must_use]
pub fn hint(token: &str) -> String {
    let token = token.trim();
    let prefix = TokenFormat::of(token).map_or("", TokenFormat::prefix);
    let body: Vec<char> = token[prefix.len()..].chars().collect();
    if body.len() < 20 {
        return format!("{prefix}…");
    }
    let end: String = body[body.len() - 4..].iter().collect();
    format!("{prefix}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_prefix_tells_the_format() {
        assert_eq!(TokenFormat::of(" ghp_abc"), Some(TokenFormat::GitHubClassic));
        assert_eq!(TokenFormat::of("github_pat_11A"), Some(TokenFormat::GitHubFineGrained));
        assert_eq!(TokenFormat::of("glpat-xyz"), Some(TokenFormat::GitLabPersonal));
        assert_eq!(TokenFormat::of("0123456789abcdef"), None);
    }

    #[test]
    fn another_providers_token_is_named() {
        let objection = |token| TokenFormat::recognise(token, ProviderKind::GitHub).objection(ProviderKind::GitHub);
        assert_eq!(objection("ghp_x"), None);
        assert_eq!(objection("0123"), None);
        assert!(objection("glpat-x").is_some_and(|text| text.contains("GitLab personal access token")));
        assert!(objection("ghr_x").is_some_and(|text| text.contains("refresh token")));
    }

    #[test]
    fn a_hint_is_the_prefix_and_four_characters() {
        assert_eq!(hint("ghp_0123456789012345678901234567893f9a"), "ghp_…3f9a");
        assert_eq!(hint("ghp_short"), "ghp_…");
        assert_eq!(hint("0123456789012345678901234567890123456789"), "…6789");
    }

    proptest! {
        #[test]
        fn a_hint_shows_at_most_four_characters_of_the_body(token in "\\PC{0,200}") {
            let prefix = TokenFormat::of(&token).map_or("", TokenFormat::prefix);
            prop_assert!(hint(&token).chars().count() <= prefix.len() + 5);
        }
    }
}
