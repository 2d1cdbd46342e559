//! What a token may do: scopes, what they imply, and how granted compares with required.

use crate::{provider::ProviderKind, token_format::TokenFormat};
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
/// What is too long, empty or not printable ASCII is left out.
#[must_use]
pub fn parse_list(list: &str) -> BTreeSet<Scope> {
    list.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty() && name.len() <= MAX_SCOPE_LEN && name.bytes().all(|b| b.is_ascii_graphic()))
        .take(MAX_SCOPES)
        .map(Scope::new)
        .collect()
}

/// The scopes that a user token needs by default, in the format of the token that is to be made.
#[must_use]
pub fn required(kind: ProviderKind, format: Option<TokenFormat>) -> Vec<Scope> {
    match (kind, format) {
        (ProviderKind::GitHub, Some(TokenFormat::GitHubFineGrained)) => {
            ["metadata:read", "contents:read", "contents:write"]
                .map(Scope::new)
                .to_vec()
        }
        (ProviderKind::GitHub, _) => vec![Scope::new("repo")],
    }
}

/// Everything that a granted scope covers besides itself (GitHub, "Scopes for OAuth apps").
fn implied(kind: ProviderKind, scope: &str) -> &'static [&'static str] {
    match kind {
        ProviderKind::GitHub => match scope {
            "repo" => &[
                "repo:status",
                "repo_deployment",
                "public_repo",
                "repo:invite",
                "security_events",
            ],
            "admin:repo_hook" => &["write:repo_hook", "read:repo_hook"],
            "write:repo_hook" => &["read:repo_hook"],
            "admin:org" => &["write:org", "read:org", "manage_runners:org"],
            "write:org" => &["read:org"],
            "admin:public_key" => &["write:public_key", "read:public_key"],
            "write:public_key" => &["read:public_key"],
            "admin:gpg_key" => &["write:gpg_key", "read:gpg_key"],
            "write:gpg_key" => &["read:gpg_key"],
            "admin:enterprise" => &[
                "manage_runners:enterprise",
                "manage_billing:enterprise",
                "read:enterprise",
            ],
            "user" => &["read:user", "user:email", "user:follow"],
            "project" => &["read:project"],
            "write:packages" => &["read:packages"],
            "write:discussion" => &["read:discussion"],
            _ => &[],
        },
    }
}

/// Compares what a provider declared with what is needed: needed scopes first, then the excess.
#[must_use]
pub fn compare_declared(kind: ProviderKind, granted: &BTreeSet<Scope>, required: &[Scope]) -> Vec<ScopeFinding> {
    let covers =
        |scope: &Scope, wanted: &Scope| scope == wanted || implied(kind, scope.as_str()).contains(&wanted.as_str());
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
        let required: Vec<Scope> = required.iter().map(|name| Scope::new(name)).collect();
        compare_declared(ProviderKind::GitHub, &parse_list(granted), &required)
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
