//! Scope profiles: what a token must be allowed to do, by default and as an admin chose.

use crate::{
    provider::{ProviderKind, TokenSort},
    scope::{MAX_SCOPES, Scope, named},
    token_format::TokenFormat,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whose a token is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HolderKind {
    /// A person's, for a runtime that acts for them: a user token.
    #[default]
    User,
    /// The runtime's own, managed by admins: a runtime token.
    Runtime,
}

impl HolderKind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::User, Self::Runtime];

    /// The word in the database and in forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Runtime => "runtime",
        }
    }

    /// The kind of holder that a stored or submitted word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|holder| holder.as_str() == word)
    }
}

/// What the tokens of one kind of holder need at one Git provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScopeProfile {
    kind: ProviderKind,
    holder: HolderKind,
    chosen: BTreeMap<String, Vec<Scope>>,
}

impl ScopeProfile {
    /// The defaults, and what an admin chose instead of them for some sorts of tokens, by their words.
    #[must_use]
    pub const fn new(kind: ProviderKind, holder: HolderKind, chosen: BTreeMap<String, Vec<Scope>>) -> Self {
        Self { kind, holder, chosen }
    }

    /// The defaults.
    #[must_use]
    pub const fn standard(kind: ProviderKind, holder: HolderKind) -> Self {
        Self::new(kind, holder, BTreeMap::new())
    }

    /// What a token of this format needs; without a format, what to select when one is generated.
    #[must_use]
    pub fn required(&self, format: Option<&TokenFormat>) -> Vec<Scope> {
        self.kind
            .sort_of(format)
            .map_or_else(Vec::new, |sort| self.required_of(sort))
    }

    /// What a token needs that comes by OAuth 2, and so what an application should ask for: the scopes of a sort of tokens, and
    /// what tells whose it is.
    #[must_use]
    pub fn required_by_oauth(&self) -> Vec<Scope> {
        let Some(server) = self.kind.authorization_server() else {
            return Vec::new();
        };
        let sort = self.kind.sorts().iter().find(|sort| sort.word == server.sort);
        let mut scopes: Vec<Scope> = server.beside.iter().copied().map(Scope::new).collect();
        for scope in sort.map_or_else(Vec::new, |sort| self.required_of(sort)) {
            if !scopes.contains(&scope) {
                scopes.push(scope);
            }
        }
        scopes
    }

    /// What tokens of a sort need.
    #[must_use]
    pub fn required_of(&self, sort: &TokenSort) -> Vec<Scope> {
        self.chosen
            .get(sort.word)
            .cloned()
            .unwrap_or_else(|| standard(sort, self.holder))
    }
}

/// What tokens of a sort need by default.
#[must_use]
pub fn standard(sort: &TokenSort, holder: HolderKind) -> Vec<Scope> {
    let names = match holder {
        HolderKind::User => sort.user,
        HolderKind::Runtime => sort.runtime,
    };
    names.iter().copied().map(Scope::new).collect()
}

/// Reads the scopes that an admin typed, separated by commas or white space; each once, in their order.
pub fn read_scopes(typed: &str) -> Result<Vec<Scope>, String> {
    let names: Vec<&str> = typed
        .split(|c: char| c == ',' || c.is_whitespace())
        .filter(|name| !name.is_empty())
        .collect();
    if names.len() > MAX_SCOPES {
        return Err(format!("Use at most {MAX_SCOPES} scopes."));
    }
    let known = named(names.iter().copied());
    let mut scopes: Vec<Scope> = Vec::new();
    for name in names {
        let scope = Scope::new(name);
        if let Some(format) = TokenFormat::of(name) {
            return Err(format!(
                "This is a {}. It belongs into no field but the one for a token.",
                format.name
            ));
        }
        if !known.contains(&scope) {
            return Err(format!(
                "{} is no scope. Write them as the provider does, with commas between them.",
                name.chars().take(40).collect::<String>()
            ));
        }
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    Ok(scopes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(scopes: &[Scope]) -> Vec<&str> {
        scopes.iter().map(Scope::as_str).collect()
    }

    #[test]
    fn user_and_runtime_tokens_need_different_scopes() {
        let required = |holder, token: &str| {
            let profile = ScopeProfile::standard(ProviderKind::GitHub, holder);
            profile.required(TokenFormat::of(token))
        };
        assert_eq!(names(&required(HolderKind::User, "ghp_x")), ["repo"]);
        assert_eq!(
            names(&required(HolderKind::Runtime, "ghp_x")),
            ["repo", "admin:repo_hook"]
        );
        assert_eq!(required(HolderKind::Runtime, "github_pat_x").len(), 7);
        assert_eq!(
            names(&required(HolderKind::User, "x")),
            ["repo"],
            "the first sort stands in"
        );
    }

    #[test]
    fn what_an_admin_chose_counts_for_its_sort_alone() {
        let chosen = BTreeMap::from([("classic".to_owned(), vec![Scope::new("public_repo")])]);
        let profile = ScopeProfile::new(ProviderKind::GitHub, HolderKind::User, chosen);
        assert_eq!(names(&profile.required(None)), ["public_repo"]);
        assert_eq!(profile.required(TokenFormat::of("github_pat_x")).len(), 3);
        let none = BTreeMap::from([("classic".to_owned(), Vec::new())]);
        let profile = ScopeProfile::new(ProviderKind::GitHub, HolderKind::User, none);
        assert!(profile.required(None).is_empty(), "none is a choice too");
    }

    #[test]
    fn every_kind_has_a_sort_and_no_two_of_the_same_word() {
        for kind in ProviderKind::ALL {
            let mut words: Vec<&str> = kind.sorts().iter().map(|sort| sort.word).collect();
            assert!(!words.is_empty(), "{kind:?}");
            words.dedup();
            assert_eq!(words.len(), kind.sorts().len(), "{kind:?}");
        }
    }

    #[test]
    fn typed_scopes_are_read() {
        let read =
            |typed: &str| read_scopes(typed).map(|scopes| scopes.iter().map(Scope::to_string).collect::<Vec<_>>());
        assert_eq!(
            read(" repo, admin:org\nrepo "),
            Ok(vec!["repo".to_owned(), "admin:org".to_owned()])
        );
        assert_eq!(read(" , "), Ok(vec![]));
        assert!(read("repo, ghp_x").is_err_and(|words| words.contains("classic") && !words.contains("ghp_x")));
        assert!(read("répo").is_err_and(|words| words.contains("répo")));
        assert!(read(&"x".repeat(101)).is_err());
        let many: Vec<String> = (0..101).map(|number| number.to_string()).collect();
        assert!(read(&many.join(" ")).is_err());
    }

    proptest! {
        #[test]
        fn nothing_typed_makes_it_panic_and_what_is_read_is_read_again(typed in "\\PC{0,300}") {
            if let Ok(scopes) = read_scopes(&typed) {
                prop_assert_eq!(read_scopes(&crate::scope::joined(&scopes)), Ok(scopes));
            }
        }
    }
}
