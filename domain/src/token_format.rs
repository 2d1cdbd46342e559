//! What a token's first letters tell, before anybody asks the provider.
//!
//! Runs in the browser on every paste, and on the server again. The body of a token is opaque: only prefixes count. Which
//! there are stands in the files of the kinds of providers.

use crate::provider::ProviderKind;

/// What every access key of ours begins with, so that a scanner for secrets knows it and a person sees what it is.
pub const ACCESS_KEY_PREFIX: &str = "pbk_";
/// Our own: a secret as well, and of no use to a provider.
const ACCESS_KEY: TokenFormat = TokenFormat::other(ACCESS_KEY_PREFIX, "Patchbay access key");

/// What is shorter behind its prefix is a word that begins so. The shortest known is that of a GitLab token, with 20 characters.
const SHORTEST_BODY: usize = 16;

/// A format of tokens that its prefix tells.
#[derive(Debug, PartialEq, Eq)]
pub struct TokenFormat {
    /// The letters by which it is known.
    pub prefix: &'static str,
    /// What the provider calls it, with the provider's name.
    pub name: &'static str,
    /// Whether a person may add one.
    personal: bool,
    /// What goes beside it.
    pub username: Username,
    /// What to know before it is sent, as sentences; may be empty.
    pub remark: &'static str,
    /// Whether its provider takes none of them any more.
    pub ended: bool,
}

/// Which name goes beside a token when it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Username {
    /// None.
    None,
    /// One may.
    Optional,
    /// The e-mail address of the account.
    Email,
    /// The name of the account.
    Name,
}

/// What follows from a token's format for the provider it was meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recognition {
    /// Nothing is known of this format: an older token, or no token at all. The provider decides.
    Unknown,
    /// A token of this provider that a person may add.
    Fits(&'static TokenFormat),
    /// A token of this provider that is not a personal access token.
    WrongKind(&'static TokenFormat),
    /// Another provider's token.
    OtherProvider(&'static TokenFormat),
}

impl TokenFormat {
    /// Of tokens that a person may add, and that go alone.
    pub(crate) const fn personal(prefix: &'static str, name: &'static str) -> Self {
        Self {
            prefix,
            name,
            personal: true,
            username: Username::None,
            remark: "",
            ended: false,
        }
    }

    /// Of tokens that are of use elsewhere.
    pub(crate) const fn other(prefix: &'static str, name: &'static str) -> Self {
        Self {
            personal: false,
            ..Self::personal(prefix, name)
        }
    }

    /// With what goes beside it, and what to know.
    pub(crate) const fn beside(self, username: Username, remark: &'static str) -> Self {
        Self {
            username,
            remark,
            ..self
        }
    }

    /// That its provider takes no more.
    pub(crate) const fn ended(self) -> Self {
        Self { ended: true, ..self }
    }

    /// The format that the first letters tell, if any does. A [`hint`] begins with these letters too.
    #[must_use]
    pub fn of(token: &str) -> Option<&'static Self> {
        Some(find(token)?.1)
    }

    /// What this format means in the field for a token of a provider.
    #[must_use]
    pub fn recognise(token: &str, kind: ProviderKind) -> Recognition {
        match find(token) {
            None => Recognition::Unknown,
            Some((owner, format)) if owner != Some(kind) => Recognition::OtherProvider(format),
            Some((_, format)) if format.personal => Recognition::Fits(format),
            Some((_, format)) => Recognition::WrongKind(format),
        }
    }
}

/// The format of a token, and whose tokens have it; `None`: ours.
fn find(token: &str) -> Option<(Option<ProviderKind>, &'static TokenFormat)> {
    let token = token.trim();
    let of_kinds = ProviderKind::ALL
        .iter()
        .flat_map(|kind| kind.about().formats.iter().map(|format| (Some(*kind), format)));
    of_kinds
        .chain([(None, &ACCESS_KEY)])
        .find(|(_, format)| token.starts_with(format.prefix))
}

/// Whether something is in a text that looks like a secret: the letters with which tokens begin, and enough behind them.
#[must_use]
pub fn has_token(text: &str) -> bool {
    let is_secret =
        |word: &str| find(word).is_some_and(|(_, format)| word.len() >= format.prefix.len() + SHORTEST_BODY);
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-')
        .any(is_secret)
}

impl Recognition {
    /// Why the token cannot be meant, with what to do. `None` when it may be.
    #[must_use]
    pub fn objection(self, kind: ProviderKind) -> Option<String> {
        match self {
            Self::Unknown | Self::Fits(_) => None,
            Self::WrongKind(format) => {
                let which = expected_prefixes(kind).map(|prefixes| format!(", which starts with {prefixes}"));
                Some(format!(
                    "This is a {}. Paste a personal access token{}.",
                    format.name,
                    which.unwrap_or_default()
                ))
            }
            Self::OtherProvider(format) => {
                let which = expected_prefixes(kind).map(|prefixes| format!("that starts with {prefixes}"));
                Some(format!(
                    "This is a {}, and this runtime uses {}. Paste a token {}.",
                    format.name,
                    kind.name(),
                    which.unwrap_or_else(|| format!("of {}", kind.name()))
                ))
            }
        }
    }
}

/// The prefixes of the tokens that a person may add; `None` where tokens have none.
fn expected_prefixes(kind: ProviderKind) -> Option<String> {
    let formats = kind.about().formats.iter().filter(|format| format.personal);
    let prefixes: Vec<&str> = formats.map(|format| format.prefix).collect();
    (!prefixes.is_empty()).then(|| prefixes.join(" or "))
}

/// What may be shown of a token so that a person recognises it: its prefix and its last four characters, and nothing
/// of a token so short that this would tell much of it.
#[must_use]
pub fn hint(token: &str) -> String {
    let token = token.trim();
    let prefix = TokenFormat::of(token).map_or("", |format| format.prefix);
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

    fn name(token: &str) -> Option<&'static str> {
        TokenFormat::of(token).map(|format| format.name)
    }

    #[test]
    fn a_prefix_tells_the_format() {
        for (token, format) in [
            (" ghp_abc", "GitHub personal access token (classic)"),
            ("github_pat_11A", "GitHub fine-grained personal access token"),
            ("glpat-xyz", "GitLab personal access token"),
            ("ATATT3xFfGF0", "Bitbucket API token"),
            ("ATCTT3xFfGN0", "Bitbucket access token"),
            ("ATBBabc", "Bitbucket app password"),
            ("BBDC-MTIz", "Bitbucket Data Center HTTP access token"),
        ] {
            assert_eq!(name(token), Some(format));
        }
        assert_eq!(name("0123456789abcdef"), None);
    }

    #[test]
    fn no_prefix_begins_with_another() {
        let formats = ProviderKind::ALL.iter().flat_map(|kind| kind.about().formats);
        let all: Vec<_> = formats.chain([&ACCESS_KEY]).collect();
        for one in &all {
            assert!(!one.prefix.is_empty());
            let same = all.iter().filter(|other| other.prefix.starts_with(one.prefix)).count();
            assert_eq!(same, 1, "{}", one.prefix);
        }
    }

    #[test]
    fn another_providers_token_is_named() {
        let objection = |token, kind| TokenFormat::recognise(token, kind).objection(kind);
        assert_eq!(objection("ghp_x", ProviderKind::GitHub), None);
        assert_eq!(objection("0123", ProviderKind::GitHub), None);
        assert_eq!(
            objection("glpat-x", ProviderKind::GitHub).as_deref(),
            Some(
                "This is a GitLab personal access token, and this runtime uses GitHub. Paste a token that starts with ghp_ or \
                 github_pat_."
            )
        );
        assert!(objection("ghr_x", ProviderKind::GitHub).is_some_and(|text| text.contains("refresh token")));
        assert_eq!(
            objection("pbk_x", ProviderKind::Gitea).as_deref(),
            Some("This is a Patchbay access key, and this runtime uses Gitea. Paste a token of Gitea.")
        );
        assert_eq!(
            objection("ATCTTx", ProviderKind::Gitea).as_deref(),
            Some("This is a Bitbucket access token, and this runtime uses Gitea. Paste a token of Gitea.")
        );
    }

    #[test]
    fn a_secret_is_found_wherever_it_stands_in_a_text() {
        let body = "0123456789abcdef";
        for around in [
            "X",
            " X ",
            "\"X\"",
            "key=X",
            "token:X",
            "a,X",
            "https://X@github.com",
            "a\tX\nb",
        ] {
            for prefix in ["pbk_", "ghp_", "glpat-", "ATATT"] {
                assert!(
                    has_token(&around.replace('X', &format!("{prefix}{body}"))),
                    "{prefix} in {around}"
                );
            }
        }
        for word in [
            "",
            "argocd",
            "glpat-rotator",
            "ghp_0123456789abcde",
            "the pbk_ prefix",
            body,
        ] {
            assert!(!has_token(word), "{word}");
        }
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
            let prefix = TokenFormat::of(&token).map_or("", |format| format.prefix);
            prop_assert!(hint(&token).chars().count() <= prefix.len() + 5);
        }

        #[test]
        fn a_hint_still_tells_the_format(body in "[A-Za-z0-9]{0,60}", kind in 0..ProviderKind::ALL.len()) {
            for format in ProviderKind::ALL[kind].about().formats {
                let token = format!("{}{body}", format.prefix);
                prop_assert_eq!(TokenFormat::of(&hint(&token)), Some(format));
            }
        }
    }
}
