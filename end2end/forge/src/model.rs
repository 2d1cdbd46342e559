//! What a test says of accounts, tokens and repositories: the same types in Rust and, through serde, in JSON.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use time::OffsetDateTime;

use crate::provider::Provider;

/// An account that a person signs in to and that tokens belong to.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// What its sign-in form takes.
    pub password: String,
    /// The display name; GitHub's `name` is null when a person gave none, the others then show the login.
    #[serde(default)]
    pub name: Option<String>,
    /// The mail address. On GitHub it is null unless the person made it public; elsewhere every account has one, and
    /// without one here it is `LOGIN@example.com`. At Bitbucket Cloud it is the name beside an API token.
    #[serde(default)]
    pub email: Option<String>,
    /// The provider's number for the account, which survives a change of login. Without one, the next free number is taken.
    #[serde(default)]
    pub id: Option<u32>,
    /// The code that the second page of the sign-in asks for; without one, that page does not come.
    #[serde(default)]
    pub second_factor: Option<String>,
}

impl Account {
    /// An account with this password and nothing else.
    #[must_use]
    pub fn with_password(password: impl Into<String>) -> Self {
        Self {
            password: password.into(),
            ..Self::default()
        }
    }
}

/// The number by which a test speaks of a token, so that the value itself need not appear.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct TokenId(pub u64);

impl std::fmt::Display for TokenId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The kinds of token that differ on the wire. Each belongs to one provider and is nothing to the others.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenKind {
    /// GitHub's classic personal access token, `ghp_`: declares its scopes.
    Classic,
    /// GitHub's fine-grained personal access token, `github_pat_`: declares nothing.
    FineGrained,
    /// A token of an OAuth application at GitHub, `gho_`: declares its scopes.
    Oauth,
    /// GitLab's personal access token, `glpat-`: tells its scopes and its end when asked about itself.
    GitlabPersonal,
    /// A token of an OAuth application at GitLab, without a prefix: tells its scopes when asked about itself.
    GitlabOauth,
    /// Atlassian's API token for Bitbucket Cloud, `ATATT`: declares its scopes, never its end.
    BitbucketApi,
    /// An access token of a workspace at Bitbucket Cloud, `ATCTT`.
    BitbucketWorkspace,
    /// An access token of a project at Bitbucket Cloud, `ATCTT`.
    BitbucketProject,
    /// An access token of a repository at Bitbucket Cloud, `ATCTT`.
    BitbucketRepository,
    /// An app password of Bitbucket Cloud, `ATBB`: switched off on 2026-07-28, so it opens nothing.
    BitbucketAppPassword,
    /// A token of an OAuth consumer at Bitbucket Cloud, longer than 2,500 characters: declares its scopes.
    BitbucketOauth,
    /// Bitbucket Data Center's HTTP access token; its scopes are permissions such as `REPO_WRITE`.
    BitbucketHttp,
    /// A token of an incoming link at Bitbucket Data Center; its scopes are such as `REPO_WRITE`, too.
    BitbucketDataCenterOauth,
    /// Gitea's access token: declares nothing and never ends.
    Gitea,
    /// Forgejo's access token: declares nothing and never ends.
    Forgejo,
    /// A token of an OAuth application at Gitea, a JSON Web Token: declares nothing.
    GiteaOauth,
    /// A token of an OAuth application at Forgejo, a JSON Web Token: declares nothing.
    ForgejoOauth,
    /// Gerrit's authentication token (3.12 and newer), of which an account has several; it may end.
    GerritToken,
    /// Gerrit's HTTP password, of which an account has one, without an end.
    GerritPassword,
}

impl TokenKind {
    /// The provider that gives out tokens of this kind.
    #[must_use]
    pub fn provider(self) -> Provider {
        match self {
            Self::Classic | Self::FineGrained | Self::Oauth => Provider::GitHub,
            Self::GitlabPersonal | Self::GitlabOauth => Provider::GitLab,
            Self::BitbucketApi
            | Self::BitbucketWorkspace
            | Self::BitbucketProject
            | Self::BitbucketRepository
            | Self::BitbucketAppPassword
            | Self::BitbucketOauth => Provider::BitbucketCloud,
            Self::BitbucketHttp | Self::BitbucketDataCenterOauth => Provider::BitbucketDataCenter,
            Self::Gitea | Self::GiteaOauth => Provider::Gitea,
            Self::Forgejo | Self::ForgejoOauth => Provider::Forgejo,
            Self::GerritToken | Self::GerritPassword => Provider::Gerrit,
        }
    }
}

/// How much of a permission a fine-grained token has. A higher level includes the lower ones.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// "Read-only".
    Read,
    /// "Read and write".
    Write,
    /// "Admin"; few permissions have it.
    Admin,
}

/// The form of the header `github-authentication-token-expiration`. All of them were seen on github.com.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ExpiryHeader {
    /// `2023-12-13 00:00:00 UTC`.
    #[default]
    Utc,
    /// `2023-12-13 01:00:00 +0100`: the same instant at an offset of so many minutes.
    Offset(i16),
    /// The time of the answer in place of the expiry, which some fine-grained tokens got (go-github issue 3708).
    CurrentTime,
    /// No header although the token expires.
    Absent,
}

/// A token to be made.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewToken {
    /// The login of the account that it belongs to.
    pub account: String,
    /// Its kind.
    pub kind: TokenKind,
    /// What its owner calls it.
    #[serde(default)]
    pub name: String,
    /// The scopes, in the provider's own words and in the order in which it names them; a fine-grained token of GitHub has
    /// permissions instead, and Gerrit knows neither.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// The permissions of a fine-grained token, by the names of `X-Accepted-GitHub-Permissions`.
    #[serde(default)]
    pub permissions: BTreeMap<String, Level>,
    /// The repositories (`owner/name`) that a token was given, or all that its account sees. For GitHub's fine-grained
    /// tokens and Bitbucket Cloud's access tokens, which are of a repository, a project or a workspace.
    #[serde(default)]
    pub repositories: Option<Vec<String>>,
    /// When it stops working; `None` is never. GitLab ends a personal access token at the start of that day, in UTC.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub expires_at: Option<OffsetDateTime>,
    /// How GitHub's answers tell the expiry.
    #[serde(default)]
    pub expiry_header: ExpiryHeader,
    /// Where to authorise the token for single sign-on, when the organisations it meets at GitHub demand that.
    #[serde(default)]
    pub sso_required: Option<String>,
    /// The value, when it must be a certain one; otherwise one is made in the provider's format.
    #[serde(default)]
    pub value: Option<String>,
}

impl NewToken {
    /// A classic personal access token with these scopes that never expires.
    pub fn classic<S: Into<String>>(account: impl Into<String>, scopes: impl IntoIterator<Item = S>) -> Self {
        Self::of_kind(TokenKind::Classic, account, scopes)
    }

    /// A token of an OAuth application with these scopes that never expires.
    pub fn oauth<S: Into<String>>(account: impl Into<String>, scopes: impl IntoIterator<Item = S>) -> Self {
        Self::of_kind(TokenKind::Oauth, account, scopes)
    }

    /// A fine-grained personal access token with these permissions for all repositories, that never expires.
    pub fn fine_grained<S: Into<String>>(
        account: impl Into<String>,
        permissions: impl IntoIterator<Item = (S, Level)>,
    ) -> Self {
        Self {
            permissions: permissions
                .into_iter()
                .map(|(name, level)| (name.into(), level))
                .collect(),
            ..Self::bare(account, TokenKind::FineGrained)
        }
    }

    /// A token of this kind with these scopes, in the provider's own words, that never expires.
    pub fn of_kind<S: Into<String>>(
        kind: TokenKind,
        account: impl Into<String>,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        Self {
            scopes: scopes.into_iter().map(Into::into).collect(),
            ..Self::bare(account, kind)
        }
    }

    fn bare(account: impl Into<String>, kind: TokenKind) -> Self {
        Self {
            account: account.into(),
            kind,
            name: String::new(),
            scopes: Vec::new(),
            permissions: BTreeMap::new(),
            repositories: None,
            expires_at: None,
            expiry_header: ExpiryHeader::default(),
            sso_required: None,
            value: None,
        }
    }

    /// Sets when it stops working.
    #[must_use]
    pub fn expires_at(mut self, at: OffsetDateTime) -> Self {
        self.expires_at = Some(at);
        self
    }

    /// Sets how an answer tells the expiry.
    #[must_use]
    pub fn expiry_header(mut self, form: ExpiryHeader) -> Self {
        self.expiry_header = form;
        self
    }

    /// Sets the value.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// Makes organisations demand single sign-on for this token, to be authorised at `url`.
    #[must_use]
    pub fn sso_required(mut self, url: impl Into<String>) -> Self {
        self.sso_required = Some(url.into());
        self
    }

    /// Sets what its owner calls it.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Restricts a token to these repositories (`owner/name`).
    #[must_use]
    pub fn only_repositories<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.repositories = Some(names.into_iter().map(Into::into).collect());
        self
    }
}

/// A token that was made. The only place that tells its value.
#[derive(Clone, Debug, Serialize)]
pub struct IssuedToken {
    /// What tests call it.
    pub id: TokenId,
    /// The secret itself.
    pub value: String,
    /// What the record shows of it.
    pub hint: String,
}

/// What may be said of a token without its value.
#[derive(Clone, Debug, Serialize)]
pub struct TokenSummary {
    /// What tests call it.
    pub id: TokenId,
    /// The login of its account.
    pub account: String,
    /// Its kind.
    pub kind: TokenKind,
    /// What its owner calls it.
    pub name: String,
    /// Its scopes, as they were given.
    pub scopes: Vec<String>,
    /// Permissions of a fine-grained token.
    pub permissions: BTreeMap<String, Level>,
    /// When it stops working; `None` is never.
    #[serde(with = "time::serde::rfc3339::option")]
    pub expires_at: Option<OffsetDateTime>,
    /// Prefix and last four characters.
    pub hint: String,
    /// Whether it was revoked.
    pub revoked: bool,
}

/// What is to become different about a token; `None` leaves as is, and an inner `None` takes away.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TokenChange {
    /// The login of the account that it belongs to from now on.
    pub account: Option<String>,
    /// Other scopes.
    pub scopes: Option<Vec<String>>,
    /// Other permissions.
    pub permissions: Option<BTreeMap<String, Level>>,
    /// Other repositories.
    #[serde(deserialize_with = "given")]
    pub repositories: Option<Option<Vec<String>>>,
    /// Another expiry.
    #[serde(deserialize_with = "given_time")]
    pub expires_at: Option<Option<OffsetDateTime>>,
    /// Another form of the expiry header.
    pub expiry_header: Option<ExpiryHeader>,
    /// Single sign-on demanded at this address, or no longer.
    #[serde(deserialize_with = "given")]
    pub sso_required: Option<Option<String>>,
}

/// Tells an absent field (the default, `None`) from one that is null (`Some(None)`).
#[expect(clippy::option_option, reason = "absent, null and given are three things")]
pub(crate) fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[expect(clippy::option_option, reason = "absent, null and given are three things")]
fn given_time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<OffsetDateTime>>, D::Error> {
    time::serde::rfc3339::option::deserialize(deserializer).map(Some)
}

/// A repository and who sees it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Repository {
    /// Whether only its members see it.
    pub private: bool,
    /// The logins of those who see it when it is private; `None` is every account.
    #[serde(default)]
    pub visible_to: Option<Vec<String>>,
}

impl Repository {
    /// A repository that every account sees, and nobody else.
    #[must_use]
    pub fn private() -> Self {
        Self {
            private: true,
            visible_to: None,
        }
    }

    /// A repository that all the world sees.
    #[must_use]
    pub fn public() -> Self {
        Self {
            private: false,
            visible_to: None,
        }
    }
}

/// No account has this login.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct UnknownAccount(pub String);

impl std::fmt::Display for UnknownAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "there is no account {:?}: PUT it first", self.0)
    }
}

impl std::error::Error for UnknownAccount {}

/// What a change of a token can fail by.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum TokenChangeError {
    /// No token has this id.
    UnknownToken(TokenId),
    /// The new owner does not exist.
    UnknownAccount(UnknownAccount),
}

impl std::fmt::Display for TokenChangeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownToken(id) => write!(f, "there is no token {id}"),
            Self::UnknownAccount(unknown) => unknown.fmt(f),
        }
    }
}

impl std::error::Error for TokenChangeError {}
