//! What a test says of applications, and what it is told of the grants that they got: in Rust and, through serde, in JSON.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use crate::model::{IssuedToken, TokenId, UnknownAccount, given};
use crate::provider::Provider;

/// The number by which a test speaks of an application.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct ApplicationId(pub u64);

impl std::fmt::Display for ApplicationId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a grant: of one consent, and of all tokens that came of it since by refreshing.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct GrantId(pub u64);

impl std::fmt::Display for GrantId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// An application to be registered with a provider: an OAuth app, a consumer, an incoming link, whatever its name is there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOAuthApplication {
    /// Where. Gerrit has none.
    pub provider: Provider,
    /// What the person who is asked reads.
    #[serde(default = "unnamed")]
    pub name: String,
    /// Where people are sent back to: one of these to the letter, or the provider sends nobody anywhere.
    pub redirect_uris: Vec<String>,
    /// What the application may have. At Bitbucket Cloud it gets just these, whatever it asks for; GitLab and Bitbucket Data
    /// Center refuse to give more, unless there are none here; the others know no such list.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Seconds until an access token ends; `None` is the provider's default.
    #[serde(default)]
    pub access_lifetime: Option<u64>,
    /// Seconds until a refresh token ends; `None` is the provider's default.
    #[serde(default)]
    pub refresh_lifetime: Option<u64>,
    /// Whether access tokens end at all. Those that do not have no refresh token beside them. `None` is the provider's
    /// default: they end, but for GitHub's.
    #[serde(default)]
    pub expiring: Option<bool>,
    /// Whether a refresh token comes beside an access token that ends.
    #[serde(default = "yes")]
    pub refreshes: bool,
    /// Whether a request without a challenge (PKCE) is refused.
    #[serde(default)]
    pub require_pkce: bool,
    /// What the redirect says in `iss` (RFC 9207). `None`: it has none, as at all providers by default.
    #[serde(default)]
    pub send_iss: Option<String>,
    /// What people grant, whatever they are asked for.
    #[serde(default)]
    pub grants: Option<Vec<String>>,
}

fn unnamed() -> String {
    "An application".to_owned()
}

fn yes() -> bool {
    true
}

impl NewOAuthApplication {
    /// An application with the provider's defaults, to which people are sent back at `redirect_uri`.
    pub fn new(provider: Provider, redirect_uri: impl Into<String>) -> Self {
        Self {
            provider,
            name: unnamed(),
            redirect_uris: vec![redirect_uri.into()],
            scopes: Vec::new(),
            access_lifetime: None,
            refresh_lifetime: None,
            expiring: None,
            refreshes: true,
            require_pkce: false,
            send_iss: None,
            grants: None,
        }
    }

    /// Sets what the person who is asked reads.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// Adds another address to which people may be sent back.
    #[must_use]
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uris.push(uri.into());
        self
    }

    /// Sets what the application may have.
    #[must_use]
    pub fn scopes<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.scopes = scopes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the seconds until an access token ends.
    #[must_use]
    pub fn access_lifetime(mut self, seconds: u64) -> Self {
        self.access_lifetime = Some(seconds);
        self
    }

    /// Sets the seconds until a refresh token ends.
    #[must_use]
    pub fn refresh_lifetime(mut self, seconds: u64) -> Self {
        self.refresh_lifetime = Some(seconds);
        self
    }

    /// Sets whether access tokens end.
    #[must_use]
    pub fn expiring(mut self, expiring: bool) -> Self {
        self.expiring = Some(expiring);
        self
    }

    /// Gives no refresh tokens, so that the person is asked again when an access token has ended.
    #[must_use]
    pub fn without_refresh(mut self) -> Self {
        self.refreshes = false;
        self
    }

    /// Refuses requests without a challenge (PKCE).
    #[must_use]
    pub fn require_pkce(mut self) -> Self {
        self.require_pkce = true;
        self
    }

    /// Sets what the redirect says in `iss`.
    #[must_use]
    pub fn send_iss(mut self, issuer: impl Into<String>) -> Self {
        self.send_iss = Some(issuer.into());
        self
    }

    /// Sets what people grant, whatever they are asked for.
    #[must_use]
    pub fn grants<S: Into<String>>(mut self, scopes: impl IntoIterator<Item = S>) -> Self {
        self.grants = Some(scopes.into_iter().map(Into::into).collect());
        self
    }
}

/// An application that was registered.
#[derive(Clone, Debug, Serialize)]
pub struct OAuthApplication {
    /// What tests call it.
    pub id: ApplicationId,
    /// What it says who it is by.
    pub client_id: String,
    /// What it proves that by.
    pub client_secret: String,
}

/// What is to become different about an application; `None` leaves as is, and an inner `None` takes away.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct OAuthApplicationChange {
    /// Another secret; the old one is worth nothing from now on.
    pub client_secret: Option<String>,
    /// Other addresses to which people are sent back.
    pub redirect_uris: Option<Vec<String>>,
    /// Other scopes that it may have.
    pub scopes: Option<Vec<String>>,
    /// Other seconds until an access token ends, for those yet to be made.
    #[serde(deserialize_with = "given")]
    pub access_lifetime: Option<Option<u64>>,
    /// Other seconds until a refresh token ends, for those yet to be made.
    #[serde(deserialize_with = "given")]
    pub refresh_lifetime: Option<Option<u64>>,
    /// Whether access tokens end, for those yet to be made.
    #[serde(deserialize_with = "given")]
    pub expiring: Option<Option<bool>>,
    /// Whether a refresh token comes beside an access token that ends.
    pub refreshes: Option<bool>,
    /// Whether a request without a challenge is refused.
    pub require_pkce: Option<bool>,
    /// Another `iss`, or none.
    #[serde(deserialize_with = "given")]
    pub send_iss: Option<Option<String>>,
    /// Other scopes that people grant, or again what they are asked for.
    #[serde(deserialize_with = "given")]
    pub grants: Option<Option<Vec<String>>>,
}

/// What an application got: by a code, by refreshing, or from a test.
#[derive(Clone, Debug, Serialize)]
pub struct IssuedGrant {
    /// The grant that it belongs to.
    pub grant: GrantId,
    /// The access token.
    pub access: IssuedToken,
    /// The refresh token; `None` where there is none.
    pub refresh: Option<String>,
    /// Seconds until the access token ends; `None` is never.
    pub expires_in: Option<u64>,
    /// Seconds until the refresh token ends; `None` is never, or that there is none.
    pub refresh_expires_in: Option<u64>,
    /// What was granted.
    pub scopes: Vec<String>,
    /// When it was made, by the forge's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub made_at: OffsetDateTime,
}

/// What may be said of a grant without its secrets.
#[derive(Clone, Debug, Serialize)]
pub struct GrantSummary {
    /// What tests call it.
    pub id: GrantId,
    /// The application that has it.
    pub application: ApplicationId,
    /// The login of the account that gave it.
    pub account: String,
    /// What was granted.
    pub scopes: Vec<String>,
    /// The access tokens that still work.
    pub live_tokens: Vec<TokenId>,
    /// Whether nothing comes of it any more: it was revoked, or one of its refresh tokens or its code came twice.
    pub killed: bool,
    /// How often it was refreshed.
    pub refreshes: u32,
}

/// What became of an attempt to refresh.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum RefreshOutcome {
    /// It gave another pair.
    Ok,
    /// This refresh token was used up before, so that all of its grant ended, if it had not yet.
    Reused,
    /// It came to its end.
    Expired,
    /// Its grant had ended: it was revoked, or something of it came twice.
    Revoked,
    /// There never was such a refresh token at this provider.
    Unknown,
    /// It belongs to another application.
    OtherApplication,
    /// The application did not prove who it is.
    WrongClient,
    /// The redirect URI, which this provider wants to hear again, is missing or another one.
    WrongRedirectUri,
}

/// An attempt to refresh.
#[derive(Clone, Debug, Serialize)]
pub struct RefreshCall {
    /// When it came, by the forge's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The application that it came from, when it proved that.
    pub application: Option<ApplicationId>,
    /// The grant that the refresh token belongs to, if there is such a token.
    pub grant: Option<GrantId>,
    /// What became of it.
    pub outcome: RefreshOutcome,
    /// The access token that it gave.
    pub token: Option<TokenId>,
}

/// No application, or no grant, has this number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum UnknownOAuth {
    /// An application.
    Application(ApplicationId),
    /// A grant.
    Grant(GrantId),
}

impl std::fmt::Display for UnknownOAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Application(id) => write!(f, "there is no application {id}"),
            Self::Grant(id) => write!(f, "there is no grant {id}"),
        }
    }
}

impl std::error::Error for UnknownOAuth {}

/// Why nobody can be sent back to an application.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NotApproved {
    /// This is no address of a provider's page that asks for consent.
    ElsewhereThanConsent(String),
    /// The provider shows its own page with this refusal, and sends nobody anywhere.
    RefusedByPage(String),
    /// No such person has signed in.
    UnknownAccount(UnknownAccount),
}

impl std::fmt::Display for NotApproved {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ElsewhereThanConsent(url) => write!(f, "no provider asks for consent at {url}"),
            Self::RefusedByPage(words) => write!(f, "the provider refuses: {words}"),
            Self::UnknownAccount(unknown) => unknown.fmt(f),
        }
    }
}

impl std::error::Error for NotApproved {}

/// Why there is no grant.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NotGranted {
    /// No application has this number.
    UnknownApplication(ApplicationId),
    /// No account has this login.
    UnknownAccount(UnknownAccount),
}

impl std::fmt::Display for NotGranted {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::UnknownApplication(id) => UnknownOAuth::Application(*id).fmt(f),
            Self::UnknownAccount(unknown) => unknown.fmt(f),
        }
    }
}

impl std::error::Error for NotGranted {}
