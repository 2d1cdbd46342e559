//! Authorising access by OAuth 2 (RFC 6749): how the authorisation server of each kind of Git provider is reached, and how an
//! admin registers an application there.

use crate::{
    provider::ProviderKind,
    scope::{MAX_SCOPES, Scope},
};
use std::{collections::BTreeSet, time::Duration};

/// What is to be known of a kind's authorisation server.
#[derive(Debug)]
pub struct AuthorizationServer {
    /// Where people authorise, below the base URL.
    pub(crate) authorize_path: &'static str,
    /// Where codes and refresh tokens are exchanged, below the base URL.
    pub(crate) token_path: &'static str,
    /// Where a person sees what they authorised, and takes it back, below the base URL.
    pub(crate) authorizations_path: &'static str,
    /// How it takes a token back.
    pub revocation: RevocationWay,
    /// Whether it knows PKCE with S256 (RFC 7636).
    pub pkce: bool,
    /// Whether the application authenticates by HTTP Basic rather than in the body.
    pub basic: bool,
    /// The word of the sort of tokens whose scopes those of OAuth tokens are.
    pub(crate) sort: &'static str,
    /// The scopes that are asked for beside those of the profile: what tells whose a token is.
    pub(crate) beside: &'static [&'static str],
    /// How long a refresh token lives that is not used, where the answers do not tell; `None`: for ever, or not known.
    pub refresh_lifetime: Option<Duration>,
    /// How an admin registers an application.
    pub(crate) registration: fn(base_url: &str) -> Registration,
}

/// How a token is taken back, that one and not all of its grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RevocationWay {
    /// As in RFC 7009, at this path below the base URL.
    Standard(&'static str),
    /// GitHub's own: `DELETE /applications/{client_id}/token`, below the API base.
    GitHub,
    /// There is none.
    None,
}

/// How an admin registers an application at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The page where one does that, or begins to.
    pub page: String,
    /// What to do, in order, with the markup of [`guide::pieces`](crate::guide::pieces).
    pub steps: Vec<String>,
}

impl ProviderKind {
    /// What is to be known of its authorisation server; `None` where it has none.
    #[must_use]
    pub fn authorization_server(self) -> Option<&'static AuthorizationServer> {
        self.rules().oauth
    }
}

impl AuthorizationServer {
    /// Where people authorise, for the provider under a base URL.
    #[must_use]
    pub fn authorize_url(&self, base_url: &str) -> String {
        below(base_url, self.authorize_path)
    }

    /// Where codes and refresh tokens are exchanged.
    #[must_use]
    pub fn token_url(&self, base_url: &str) -> String {
        below(base_url, self.token_path)
    }

    /// Where a person sees what they authorised, and takes it back.
    #[must_use]
    pub fn authorizations_url(&self, base_url: &str) -> String {
        below(base_url, self.authorizations_path)
    }

    /// Where tokens are taken back as in RFC 7009, if anywhere.
    #[must_use]
    pub fn revoke_url(&self, base_url: &str) -> Option<String> {
        match self.revocation {
            RevocationWay::Standard(path) => Some(below(base_url, path)),
            RevocationWay::GitHub | RevocationWay::None => None,
        }
    }

    /// How an admin registers an application at the provider under a base URL.
    #[must_use]
    pub fn registration(&self, base_url: &str) -> Registration {
        (self.registration)(base_url.trim_end_matches('/'))
    }
}

fn below(base_url: &str, path: &str) -> String {
    format!("{}{path}", base_url.trim_end_matches('/'))
}

/// The scopes in an answer of the token endpoint: separated by spaces (RFC 6749, section 3.3), at GitHub by commas.
#[must_use]
pub fn granted_scopes(list: &str) -> BTreeSet<Scope> {
    crate::scope::named(list.split([' ', ',']).take(MAX_SCOPES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{HolderKind, ScopeProfile};
    use proptest::prelude::*;

    #[test]
    fn every_kind_but_gerrit_has_an_authorization_server() {
        for kind in ProviderKind::ALL.iter().copied() {
            let server = kind.authorization_server();
            assert_eq!(server.is_none(), kind == ProviderKind::Gerrit, "{kind:?}");
            let Some(server) = server else { continue };
            assert!(kind.sorts().iter().any(|sort| sort.word == server.sort), "{kind:?}");
            let base = "https://acme.dev/git/";
            for address in [server.authorize_url(base), server.token_url(base)] {
                assert!(
                    address.starts_with("https://acme.dev/git/") && !address.contains("git//"),
                    "{address}"
                );
            }
            assert!(server.registration(base).steps.len() >= 3, "{kind:?}");
            assert_eq!(server.basic, kind == ProviderKind::BitbucketCloud, "{kind:?}");
            assert_eq!(server.pkce, kind != ProviderKind::BitbucketCloud, "{kind:?}");
        }
    }

    #[test]
    fn an_application_asks_for_the_profile_and_for_the_identity() {
        let asked = |kind| {
            let profile = ScopeProfile::standard(kind, HolderKind::User);
            profile
                .required_by_oauth()
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        };
        assert_eq!(asked(ProviderKind::GitHub), ["repo"]);
        assert_eq!(asked(ProviderKind::GitLab), ["write_repository", "read_api"]);
        assert_eq!(asked(ProviderKind::BitbucketCloud), ["account", "repository:write"]);
        assert!(asked(ProviderKind::Gerrit).is_empty());
    }

    #[test]
    fn granted_scopes_are_read_with_spaces_and_with_commas() {
        let names = |list| granted_scopes(list).iter().map(ToString::to_string).collect::<Vec<_>>();
        assert_eq!(names("repo,user"), ["repo", "user"]);
        assert_eq!(names("account repository:write"), ["account", "repository:write"]);
        assert!(names("").is_empty());
    }

    proptest! {
        #[test]
        fn no_list_from_a_stranger_makes_it_panic(list in "\\PC{0,400}") {
            prop_assert!(granted_scopes(&list).len() <= MAX_SCOPES);
        }
    }
}
