//! What a token may do: scopes, what they imply, and how granted compares with required.

use crate::provider::ProviderKind;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};

/// One scope as the provider writes it (`repo`), or one permission of a fine-grained token (`contents:write`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scope(String);

impl Scope {
    /// A scope by its name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.to_owned())
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a scope of a token stands against the scope profile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// Needed and there.
    Granted,
    /// Needed and not there.
    Missing,
    /// There and not needed.
    Excess,
    /// Needed, and nobody can tell whether it is there.
    Unknown,
}

/// How Patchbay knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// The provider listed it.
    Declared,
    /// A read at the provider succeeded, or was refused for want of it.
    Probed,
    /// The provider neither lists it nor can it be read.
    Unknown,
}

impl Evidence {
    /// The words beside a scope.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Declared => "declared by the provider",
            Self::Probed => "probed by reading",
            Self::Unknown => "cannot be known",
        }
    }
}

/// One scope of a token, how it stands, and how that is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeFinding {
    /// The scope.
    pub scope: Scope,
    /// How it stands against the profile.
    pub standing: Standing,
    /// How that is known.
    pub evidence: Evidence,
}

/// The most scopes that are read from one answer: no provider has nearly as many, and the list comes from a stranger.
pub const MAX_SCOPES: usize = 100;
/// The longest scope that is read, in bytes.
const MAX_SCOPE_LEN: usize = 100;

/// Reads a list of scopes as in GitHub's header `X-OAuth-Scopes`: separated by commas, white space around them.
#[must_use]
pub fn parse_list(list: &str) -> BTreeSet<Scope> {
    named(list.split(','))
}

/// Scopes by their names as a provider lists them. What is too long, empty or not printable ASCII is left out.
pub fn named<'a>(names: impl IntoIterator<Item = &'a str>) -> BTreeSet<Scope> {
    names
        .into_iter()
        .map(str::trim)
        .filter(|name| !name.is_empty() && name.len() <= MAX_SCOPE_LEN && name.bytes().all(|b| b.is_ascii_graphic()))
        .take(MAX_SCOPES)
        .map(Scope::new)
        .collect()
}

/// The scopes of a list that [`joined`] made, in their order.
#[must_use]
pub fn in_order(list: &str) -> Vec<Scope> {
    list.split(',')
        .filter(|name| !name.is_empty())
        .map(Scope::new)
        .collect()
}

/// The names with commas between them.
#[must_use]
pub fn joined(scopes: &[Scope]) -> String {
    scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(",")
}

/// Compares what a provider declared with what is needed: needed scopes first, then the excess.
#[must_use]
pub fn compare_declared(kind: ProviderKind, granted: &BTreeSet<Scope>, required: &[Scope]) -> Vec<ScopeFinding> {
    let covers =
        |scope: &Scope, wanted: &Scope| scope == wanted || (kind.rules().covers)(scope.as_str(), wanted.as_str());
    let finding = |scope: &Scope, standing| ScopeFinding {
        scope: scope.clone(),
        standing,
        evidence: Evidence::Declared,
    };

    let needed = required.iter().map(|wanted| {
        let there = granted.iter().any(|scope| covers(scope, wanted));
        finding(wanted, if there { Standing::Granted } else { Standing::Missing })
    });
    // A broader scope that stands in for a needed one is excess too: it allows more than the profile asks for.
    let excess = granted
        .iter()
        .filter(|scope| !required.iter().any(|wanted| covers(wanted, scope)))
        .map(|scope| finding(scope, Standing::Excess));
    needed.chain(excess).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn compare(granted: &str, required: &[&str]) -> Vec<(String, Standing)> {
        compare_at(ProviderKind::GitHub, granted, required)
    }

    fn compare_at(kind: ProviderKind, granted: &str, required: &[&str]) -> Vec<(String, Standing)> {
        let required: Vec<Scope> = required.iter().map(|name| Scope::new(name)).collect();
        compare_declared(kind, &parse_list(granted), &required)
            .into_iter()
            .map(|finding| (finding.scope.to_string(), finding.standing))
            .collect()
    }

    #[test]
    fn a_scope_covers_its_family() {
        assert_eq!(
            compare("repo", &["repo:status", "public_repo"])[..2],
            [
                ("repo:status".to_owned(), Standing::Granted),
                ("public_repo".to_owned(), Standing::Granted)
            ]
        );
        assert_eq!(compare("admin:repo_hook", &["read:repo_hook"])[0].1, Standing::Granted);
    }

    #[test]
    fn part_of_a_family_does_not_cover_the_whole() {
        assert_eq!(
            compare("public_repo, repo:status", &["repo"]),
            [("repo".to_owned(), Standing::Missing)]
        );
    }

    #[test]
    fn what_the_profile_does_not_need_is_excess() {
        assert_eq!(
            compare("repo, delete_repo", &["repo"]),
            [
                ("repo".to_owned(), Standing::Granted),
                ("delete_repo".to_owned(), Standing::Excess)
            ]
        );
    }

    #[test]
    fn what_a_needed_scope_implies_is_not_excess() {
        assert_eq!(
            compare("repo, repo:status", &["repo"]),
            [("repo".to_owned(), Standing::Granted)]
        );
    }

    #[test]
    fn each_kind_has_its_own_family() {
        for (kind, granted, needed, there) in [
            (ProviderKind::GitLab, "api", "write_repository", true),
            (ProviderKind::GitLab, "api", "read_api", true),
            (ProviderKind::GitLab, "write_repository", "read_repository", true),
            (ProviderKind::GitLab, "read_repository", "write_repository", false),
            (ProviderKind::Gitea, "write:repository", "read:repository", true),
            (ProviderKind::Gitea, "write:repository", "read:user", false),
            (ProviderKind::Forgejo, "all", "write:repository", true),
            (
                ProviderKind::BitbucketCloud,
                "write:repository:bitbucket",
                "read:repository:bitbucket",
                false,
            ),
            (
                ProviderKind::BitbucketCloud,
                "admin:repository:bitbucket",
                "write:repository:bitbucket",
                false,
            ),
            (ProviderKind::BitbucketCloud, "repository:write", "repository", true),
            (ProviderKind::BitbucketDataCenter, "PROJECT_ADMIN", "REPO_WRITE", true),
            (ProviderKind::BitbucketDataCenter, "REPO_READ", "REPO_WRITE", false),
        ] {
            let standing = if there { Standing::Granted } else { Standing::Missing };
            assert_eq!(
                compare_at(kind, granted, &[needed])[0].1,
                standing,
                "{kind:?}: {granted}, {needed}"
            );
        }
    }

    #[test]
    fn an_empty_header_grants_nothing() {
        assert_eq!(compare("", &["repo"]), [("repo".to_owned(), Standing::Missing)]);
        assert_eq!(compare(" , ,", &["repo"]), [("repo".to_owned(), Standing::Missing)]);
    }

    proptest! {
        #[test]
        fn a_list_from_a_stranger_is_bounded(list in "\\PC{0,4000}") {
            let scopes = parse_list(&list);
            prop_assert!(scopes.len() <= MAX_SCOPES);
            prop_assert!(scopes.iter().all(|scope| scope.as_str().len() <= MAX_SCOPE_LEN));
        }

        #[test]
        fn granting_more_never_makes_a_needed_scope_missing(
            granted in proptest::sample::subsequence(vec!["repo", "public_repo", "user", "gist", "admin:org"], 0..=5),
            extra in "[a-z:]{1,12}",
        ) {
            let before = compare(&granted.join(","), &["public_repo", "read:user"]);
            let after = compare(&format!("{},{extra}", granted.join(",")), &["public_repo", "read:user"]);
            for (old, new) in before.iter().zip(&after).take(2) {
                prop_assert!(old.1 != Standing::Granted || new.1 == Standing::Granted);
            }
        }
    }
}
