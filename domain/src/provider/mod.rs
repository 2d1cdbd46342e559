//! The kinds of Git providers. All that is special about a kind stands in the file of its name here, as far as it needs no
//! I/O; how it is asked stands in `backend/src/providers`. Nothing else tells kinds apart.

mod bitbucket_cloud;
mod bitbucket_data_center;
mod forgejo;
mod gerrit;
mod gitea;
mod github;
mod gitlab;

use crate::{
    field,
    guide::Guide,
    oauth::AuthorizationServer,
    revocation::Offers,
    scope::Scope,
    token_format::{TokenFormat, Username},
};
use serde::{Deserialize, Serialize};

/// What server and browser know of a kind.
#[derive(Debug)]
pub struct About {
    /// The word in the database and in forms, and the name of its mark among the icons.
    pub word: &'static str,
    /// The provider's own name.
    pub name: &'static str,
    /// The base URL of its public service; empty if there is none that one would mean.
    pub public: &'static str,
    /// What one runs oneself, as in "the address of ..."; empty if one cannot.
    pub own: &'static str,
    /// The path of its API below the base URL.
    api_path: &'static str,
    /// The API base of services that have a host of its own for it.
    api_elsewhere: fn(host: &str) -> Option<String>,
    /// The formats of its tokens, as far as they have one.
    pub formats: &'static [TokenFormat],
}

/// The field for the name that goes beside a token.
#[derive(Debug)]
pub struct UsernameField {
    /// Its label.
    pub label: &'static str,
    /// What to know before typing.
    pub hint: &'static str,
    /// What is asked beside a token whose format tells nothing.
    unknown_format: Username,
}

impl UsernameField {
    /// Whether something must be typed, whatever the token.
    #[must_use]
    pub fn is_required(&self) -> bool {
        self.unknown_format == Username::Name
    }
}

/// Tokens of a kind of provider that need the same scopes.
#[derive(Debug)]
pub struct TokenSort {
    /// The word in the database and in forms.
    pub word: &'static str,
    /// What a person calls them.
    pub name: &'static str,
    /// The prefixes of their formats. Whatever fits no other sort belongs to the first.
    pub(crate) prefixes: &'static [&'static str],
    /// What a user token needs by default.
    pub(crate) user: &'static [&'static str],
    /// What a runtime token needs by default.
    pub(crate) runtime: &'static [&'static str],
}

impl TokenSort {
    /// The one sort of a kind whose tokens all need the same.
    const fn only(user: &'static [&'static str], runtime: &'static [&'static str]) -> [Self; 1] {
        [Self {
            word: "token",
            name: "Token",
            prefixes: &[],
            user,
            runtime,
        }]
    }
}

/// What only the server asks of a kind, so that it is not loaded by browsers.
pub(crate) struct Rules {
    /// What a token looks like, for the empty field.
    placeholder: &'static str,
    /// The field for the name that goes beside a token, where there may be one.
    username: Option<UsernameField>,
    /// The sorts of its tokens that need scopes of their own, the one that a person should generate first.
    pub(crate) sorts: &'static [TokenSort],
    /// Whether it tells when its tokens end, as a rule.
    tells_expiry: bool,
    /// Whether the first scope includes the second, which is another one.
    pub(crate) covers: fn(&str, &str) -> bool,
    /// The username beside the token in Git over HTTPS: from the token's format, the username stored beside it, and the
    /// login of its owner.
    git_username: fn(Option<&TokenFormat>, Option<&str>, &str) -> String,
    /// The page where one generates a token of this name with these scopes; as much as possible is filled in.
    generate_url: fn(base_url: &str, name: &str, scopes: &[Scope]) -> String,
    /// What its API does with a token of this format on the token's own word.
    offers: fn(Option<&TokenFormat>) -> Offers,
    /// How to generate one.
    guide: fn(base_url: &str, scopes: &[Scope]) -> Guide,
    /// Its authorisation server for OAuth 2, if it has one.
    pub(crate) oauth: Option<&'static AuthorizationServer>,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident in $module:ident,)+) => {
        /// The kind of a Git provider. One kind has one wire protocol.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(into = "&'static str", try_from = "String")]
        pub enum ProviderKind {
            $($(#[$doc])* $kind,)+
        }

        impl ProviderKind {
            /// Every kind, in the order in which an admin chooses.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// What server and browser know of it.
            #[must_use]
            pub const fn about(self) -> &'static About {
                match self {
                    $(Self::$kind => &$module::ABOUT,)+
                }
            }

            /// What only the server asks.
            pub(crate) const fn rules(self) -> &'static Rules {
                match self {
                    $(Self::$kind => &$module::RULES,)+
                }
            }
        }
    };
}

// The one registration of a kind.
kinds! {
    /// GitHub.com and GitHub Enterprise Server: the base URL tells them apart.
    #[default]
    GitHub in github,
    /// GitLab.com and self-managed GitLab.
    GitLab in gitlab,
    /// Bitbucket Cloud, which is bitbucket.org.
    BitbucketCloud in bitbucket_cloud,
    /// Bitbucket Data Center, once Bitbucket Server.
    BitbucketDataCenter in bitbucket_data_center,
    /// Gitea.
    Gitea in gitea,
    /// Forgejo, which began as a copy of Gitea.
    Forgejo in forgejo,
    /// Gerrit Code Review.
    Gerrit in gerrit,
}

impl From<ProviderKind> for &'static str {
    fn from(kind: ProviderKind) -> Self {
        kind.as_str()
    }
}

impl TryFrom<String> for ProviderKind {
    type Error = &'static str;

    fn try_from(word: String) -> Result<Self, Self::Error> {
        Self::from_word(&word).ok_or("unknown kind of Git provider")
    }
}

/// The longest username, in characters: that of an e-mail address.
const MAX_USERNAME: usize = 254;

impl ProviderKind {
    /// The word in the database and in forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        self.about().word
    }

    /// The kind that a stored or submitted word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word)
    }

    /// The provider's own name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.about().name
    }

    /// The API base that follows from a base URL, without a slash at the end.
    #[must_use]
    pub fn api_url(self, base_url: &str) -> String {
        let about = self.about();
        (about.api_elsewhere)(&host(base_url))
            .unwrap_or_else(|| format!("{}{}", base_url.trim_end_matches('/'), about.api_path))
    }

    /// Takes a base URL as [`web_address`](field::web_address) gave it, unless it is the public service of another kind: then
    /// the kind was chosen and the address was not.
    pub fn base_url(self, address: String) -> Result<String, String> {
        let host = host(&address);
        let other = Self::ALL.iter().find(|kind| {
            **kind != self && !kind.about().public.is_empty() && crate::provider::host(kind.about().public) == host
        });
        match other {
            Some(other) => Err(format!(
                "This is the address of {}. Enter that of {}.",
                other.name(),
                self.name()
            )),
            None => Ok(address),
        }
    }

    /// Whether it tells when its tokens end, as a rule. Otherwise one asks the person.
    #[must_use]
    pub fn tells_expiry(self) -> bool {
        self.rules().tells_expiry
    }

    /// The sorts of its tokens that need scopes of their own, the one that a person should generate first.
    #[must_use]
    pub fn sorts(self) -> &'static [TokenSort] {
        self.rules().sorts
    }

    /// The sort that tokens of a format belong to; without a format, the first.
    #[must_use]
    pub fn sort_of(self, format: Option<&TokenFormat>) -> Option<&'static TokenSort> {
        let fits = |sort: &&TokenSort| format.is_some_and(|format| sort.prefixes.contains(&format.prefix));
        self.sorts().iter().find(fits).or(self.sorts().first())
    }

    /// What a token looks like, for the empty field.
    #[must_use]
    pub fn placeholder(self) -> &'static str {
        self.rules().placeholder
    }

    /// The field for the name that goes beside a token, where there may be one.
    #[must_use]
    pub fn username_field(self) -> Option<&'static UsernameField> {
        self.rules().username.as_ref()
    }

    /// What is asked beside a token of this format.
    #[must_use]
    pub fn username_beside(self, format: Option<&TokenFormat>) -> Username {
        let unknown = self
            .rules()
            .username
            .as_ref()
            .map_or(Username::None, |field| field.unknown_format);
        format.map_or(unknown, |format| format.username)
    }

    /// The username beside a token of this format, from what was typed. What is not asked for is not kept.
    pub fn read_username(self, format: Option<&TokenFormat>, typed: &str) -> Result<Option<String>, String> {
        let typed = typed.trim();
        match self.username_beside(format) {
            Username::None => Ok(None),
            Username::Optional if typed.is_empty() => Ok(None),
            Username::Email => {
                let email = field::email(typed).and_then(|email| username(&email));
                email.map(Some).map_err(|_| {
                    "This token goes with the e-mail address of its account, as in mira@example.com.".to_owned()
                })
            }
            Username::Name if typed.is_empty() => Err(format!("Enter your username at {}.", self.name())),
            Username::Name | Username::Optional => username(typed).map(Some),
        }
    }

    /// The username that goes beside a token in Git over HTTPS, with the token as the password.
    #[must_use]
    pub fn git_username(self, format: Option<&TokenFormat>, username: Option<&str>, login: &str) -> String {
        (self.rules().git_username)(format, username, login)
    }

    /// What the provider's API does with a token of this format on the token's own word.
    #[must_use]
    pub fn offers(self, format: Option<&TokenFormat>) -> Offers {
        (self.rules().offers)(format)
    }

    /// The provider's page where a person generates a token for a runtime. It names the token after the runtime, where it can,
    /// so that its owner later knows what would break without it.
    #[must_use]
    pub fn generate_url(self, base_url: &str, runtime: &str, scopes: &[Scope]) -> String {
        (self.rules().generate_url)(base_url.trim_end_matches('/'), &format!("Patchbay {runtime}"), scopes)
    }

    /// How a person generates a token with these scopes at the provider under a base URL.
    #[must_use]
    pub fn guide(self, base_url: &str, scopes: &[Scope]) -> Guide {
        (self.rules().guide)(base_url.trim_end_matches('/'), scopes)
    }
}

/// A name that may stand before the colon of HTTP's Basic authentication (RFC 7617). A token is none: it would be shown.
fn username(typed: &str) -> Result<String, String> {
    if let Some(format) = TokenFormat::of(typed) {
        return Err(format!(
            "This is a {}. It belongs into the field for the token.",
            format.name
        ));
    }
    if typed.chars().count() > MAX_USERNAME {
        return Err(format!("Use at most {MAX_USERNAME} characters."));
    }
    if typed.chars().any(|c| c == ':' || c.is_control()) {
        return Err("A username is one line of text without a colon.".to_owned());
    }
    Ok(typed.to_owned())
}

/// For kinds whose API neither rotates nor revokes what it is asked with.
fn nothing(_: Option<&TokenFormat>) -> Offers {
    Offers::default()
}

/// For kinds whose API is always below the base URL.
fn never(_: &str) -> Option<String> {
    None
}

/// The host, with its port if it is not the scheme's own: what a person calls the provider by. Meant for addresses that
/// [`web_address`](crate::field::web_address) found sound; the browser also asks while one is typed, and parsing it in
/// full would bring the tables for international host names into the WASM.
#[must_use]
pub fn host(base_url: &str) -> String {
    let Some((scheme, rest)) = base_url.split_once("://") else {
        return String::new();
    };
    let own_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return String::new(),
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.strip_suffix(own_port).unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn format(token: &str) -> Option<&'static TokenFormat> {
        TokenFormat::of(token)
    }

    #[test]
    fn the_api_base_follows_from_the_base_url() {
        for (kind, base_url, api_url) in [
            (ProviderKind::GitHub, "https://github.com", "https://api.github.com"),
            (ProviderKind::GitHub, "https://acme.ghe.com", "https://api.acme.ghe.com"),
            (
                ProviderKind::GitHub,
                "https://git.acme.dev",
                "https://git.acme.dev/api/v3",
            ),
            (
                ProviderKind::GitHub,
                "http://127.0.0.1:4000/",
                "http://127.0.0.1:4000/api/v3",
            ),
            (ProviderKind::GitLab, "https://gitlab.com", "https://gitlab.com/api/v4"),
            (
                ProviderKind::GitLab,
                "https://acme.dev/gitlab",
                "https://acme.dev/gitlab/api/v4",
            ),
            (
                ProviderKind::BitbucketCloud,
                "https://bitbucket.org",
                "https://api.bitbucket.org/2.0",
            ),
            (
                ProviderKind::BitbucketCloud,
                "http://127.0.0.1:4000",
                "http://127.0.0.1:4000/2.0",
            ),
            (
                ProviderKind::BitbucketDataCenter,
                "https://git.acme.dev",
                "https://git.acme.dev/rest",
            ),
            (
                ProviderKind::Gitea,
                "https://git.acme.dev",
                "https://git.acme.dev/api/v1",
            ),
            (
                ProviderKind::Forgejo,
                "https://codeberg.org",
                "https://codeberg.org/api/v1",
            ),
            (
                ProviderKind::Gerrit,
                "https://review.acme.dev",
                "https://review.acme.dev/a",
            ),
        ] {
            assert_eq!(kind.api_url(base_url), api_url, "{kind:?}");
        }
    }

    #[test]
    fn the_public_service_of_another_kind_is_not_taken() {
        let refused = ProviderKind::GitLab.base_url("https://github.com".to_owned());
        assert!(refused.is_err_and(|words| words.contains("GitHub") && words.contains("GitLab")));
        assert!(ProviderKind::GitLab.base_url("https://gitlab.com".to_owned()).is_ok());
        assert!(ProviderKind::GitLab.base_url("https://git.acme.dev".to_owned()).is_ok());
    }

    #[test]
    fn a_host_names_its_port_only_when_it_is_unusual() {
        assert_eq!(host("https://git.acme.dev:443/x"), "git.acme.dev");
        assert_eq!(host("http://127.0.0.1:4000"), "127.0.0.1:4000");
        assert_eq!(host("http://[::1]:80/x"), "[::1]");
        assert_eq!(host("HTTPS://"), "");
        assert_eq!(host("https://GitHub.com?x"), "github.com");
        assert_eq!(host("nonsense"), "");
    }

    #[test]
    fn a_stored_kind_is_read_back() {
        for kind in ProviderKind::ALL.iter().copied() {
            assert_eq!(ProviderKind::from_word(kind.as_str()), Some(kind));
            let json = serde_json::to_string(&kind).expect("JSON");
            assert_eq!(json, format!("{:?}", kind.as_str()));
            assert_eq!(serde_json::from_str::<ProviderKind>(&json).ok(), Some(kind));
        }
        assert_eq!(ProviderKind::from_word("cvs"), None);
    }

    #[test]
    fn a_username_is_asked_for_where_the_token_goes_with_one() {
        let read = |kind: ProviderKind, token, typed| kind.read_username(format(token), typed);
        let cloud = ProviderKind::BitbucketCloud;
        assert_eq!(
            read(cloud, "ATATTx", " Mira@Acme.dev "),
            Ok(Some("mira@acme.dev".to_owned()))
        );
        assert!(read(cloud, "ATATTx", "mira").is_err_and(|words| words.contains("e-mail")));
        assert_eq!(read(cloud, "ATBBx", "mira"), Ok(Some("mira".to_owned())));
        assert!(read(cloud, "ATBBx", " ").is_err_and(|words| words.contains("Bitbucket")));
        assert_eq!(read(cloud, "ATCTTx", "mira"), Ok(None), "an access token goes alone");
        assert_eq!(read(cloud, "x", ""), Ok(None));
        assert_eq!(read(ProviderKind::Gerrit, "x", "mira"), Ok(Some("mira".to_owned())));
        assert!(read(ProviderKind::Gerrit, "x", "").is_err());
        assert!(read(ProviderKind::Gerrit, "x", "mi:ra").is_err());
        assert!(read(ProviderKind::Gerrit, "x", "ghp_x").is_err_and(|words| words.contains("field for the token")));
        assert!(read(cloud, "ATBBx", "ATATTx").is_err(), "a token is no name");
        assert_eq!(read(ProviderKind::GitHub, "ghp_x", "mira"), Ok(None));
    }

    #[test]
    fn a_provider_offers_what_its_api_documents() {
        let offers = |kind: ProviderKind, token| {
            let Offers { rotation, revocation } = kind.offers(format(token));
            (rotation, revocation)
        };
        assert_eq!(offers(ProviderKind::GitLab, "glpat-x"), (true, true));
        assert_eq!(
            offers(ProviderKind::GitLab, "acme-x"),
            (true, true),
            "an administrator may change the prefix"
        );
        assert_eq!(offers(ProviderKind::GitHub, "ghp_x"), (false, true));
        assert_eq!(offers(ProviderKind::GitHub, "github_pat_x"), (false, true));
        assert_eq!(offers(ProviderKind::GitHub, "x"), (false, false));
        for kind in ProviderKind::ALL {
            if !matches!(kind, ProviderKind::GitHub | ProviderKind::GitLab) {
                assert_eq!(kind.offers(None), Offers::default(), "{kind:?}");
            }
        }
    }

    #[test]
    fn git_over_https_has_a_username_for_every_token() {
        for (kind, token, username, expected) in [
            (ProviderKind::GitHub, "ghp_x", None, "x-access-token"),
            (ProviderKind::GitLab, "glpat-x", None, "oauth2"),
            (
                ProviderKind::BitbucketCloud,
                "ATATTx",
                Some("mira@acme.dev"),
                "x-bitbucket-api-token-auth",
            ),
            (ProviderKind::BitbucketCloud, "ATCTTx", None, "x-token-auth"),
            (ProviderKind::BitbucketCloud, "ATBBx", Some("mira-rao"), "mira-rao"),
            (ProviderKind::BitbucketDataCenter, "BBDC-x", None, "mira"),
            (ProviderKind::Gitea, "x", None, "mira"),
            (ProviderKind::Forgejo, "x", None, "mira"),
            (ProviderKind::Gerrit, "x", Some("mira.rao"), "mira.rao"),
        ] {
            assert_eq!(
                kind.git_username(format(token), username, "mira"),
                expected,
                "{kind:?} {token}"
            );
        }
    }

    #[test]
    fn the_page_to_generate_a_token_keeps_to_the_installation() {
        for kind in ProviderKind::ALL
            .iter()
            .filter(|kind| **kind != ProviderKind::BitbucketCloud)
        {
            let base_url = "https://acme.dev/git";
            let link = kind.generate_url(&format!("{base_url}/"), "prod-eu", &[Scope::new("x")]);
            assert!(
                link.starts_with("https://acme.dev/git/") && !link.contains("git//"),
                "{link}"
            );
            let guide = kind.guide(base_url, &[]);
            assert!(
                guide.tokens_page.starts_with("https://acme.dev/git/"),
                "{}",
                guide.tokens_page
            );
        }
    }

    #[test]
    fn the_page_is_filled_in_where_the_provider_can() {
        let scopes = ["repo", "admin:repo_hook"].map(Scope::new);
        assert_eq!(
            ProviderKind::GitHub.generate_url("https://github.com", "prod-eu", &scopes),
            "https://github.com/settings/tokens/new?description=Patchbay+prod-eu&scopes=repo%2Cadmin%3Arepo_hook"
        );
        let scopes = ["write_repository", "read_api"].map(Scope::new);
        assert_eq!(
            ProviderKind::GitLab.generate_url("https://gitlab.com", "prod-eu", &scopes),
            "https://gitlab.com/-/user_settings/personal_access_tokens?name=Patchbay+prod-eu&scopes=write_repository%2Cread_api"
        );
    }

    #[test]
    fn every_kind_tells_how_to_generate_a_token() {
        for kind in ProviderKind::ALL {
            let guide = kind.guide("https://git.acme.dev", &[Scope::new("x")]);
            assert!(guide.steps.len() >= 3, "{kind:?}");
            assert!(
                !kind.about().public.is_empty() || !kind.about().own.is_empty(),
                "{kind:?}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_address_and_no_username_makes_a_kind_panic(text in "\\PC{0,300}") {
            for kind in ProviderKind::ALL {
                let _ = (kind.api_url(&text), kind.base_url(text.clone()), kind.generate_url(&text, &text, &[Scope::new(&text)]));
                let _ = (kind.guide(&text, &[]), (kind.rules().covers)(&text, &text));
                for format in kind.about().formats.iter().map(Some).chain([None]) {
                    let read = kind.read_username(format, &text);
                    if let Ok(Some(name)) = read {
                        prop_assert!(!name.contains(':'));
                        prop_assert!(name.chars().count() <= MAX_USERNAME && !name.chars().any(char::is_control));
                    }
                }
            }
        }
    }
}
