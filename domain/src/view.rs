//! What a page shows: the answers of the services to the pages. Nothing secret has a field here. How it is shown is the user
//! interface's to say.

use crate::{
    check::{Expiry, GitIdentity},
    id::{GitProviderId, GitTokenId, RuntimeId, UserId},
    provider::ProviderKind,
    revocation::Offers,
    role::Role,
    scope::{Scope, ScopeFinding},
    status::TokenStatus,
    timestamp::Timestamp,
};

/// Who is signed in, and in which account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The person's name.
    pub name: String,
    /// What the person may do here.
    pub role: Role,
    /// The account's part of every address.
    pub account: String,
    /// The account's name.
    pub account_name: String,
    /// How many of the person's tokens do not work or end soon.
    pub attention: u64,
    /// How many notices want the person's attention.
    pub notices: u64,
    /// How many people wait for an OAuth application; for an admin.
    pub requests: u64,
    /// The accounts that the person is a member of, each with its part of every address, by its name.
    pub accounts: Vec<(String, String)>,
}

/// A Git provider as far as a member needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderLabel {
    /// Its kind.
    pub kind: ProviderKind,
    /// Its name in this account.
    pub name: String,
    /// Its base URL.
    pub base_url: String,
    /// Its host, which is what a person knows it by.
    pub host: String,
}

/// The page *Git Personal Access Tokens*.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokensPage {
    /// The moment for which the page is true.
    pub now: Timestamp,
    /// Every runtime that the person may use, by name.
    pub rows: Vec<TokenRow>,
}

/// A runtime and the person's token for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// The runtime.
    pub runtime: RuntimeId,
    /// Its name.
    pub runtime_name: String,
    /// Its Git provider.
    pub provider: ProviderLabel,
    /// What a token for it needs.
    pub required: Vec<Scope>,
    /// Whether the person may authorise access by OAuth 2.
    pub method: Method,
    /// The person's token, if there is one.
    pub token: Option<TokenView>,
    /// When the runtime last fetched it, if it ever did.
    pub used_at: Option<Timestamp>,
    /// Whether the person wants to hear nothing of the runtime.
    pub muted: bool,
}

/// Whether a person may authorise access by OAuth 2.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Method {
    /// This kind of Git provider has no OAuth 2.
    #[default]
    NotOffered,
    /// No OAuth application is registered for the runtime.
    NotRegistered {
        /// Whether the person has asked the admins for one.
        asked: bool,
    },
    /// OAuth applications are registered for the Git provider, and an admin chose none of them for the runtime.
    TokensOnly,
    /// By the OAuth application of this name.
    Application(String),
}

/// A stored Git token, without its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenView {
    /// The token.
    pub id: GitTokenId,
    /// Its prefix and last four characters.
    pub hint: String,
    /// What the provider calls its kind, and the username that goes beside it in Git over HTTPS.
    pub about: String,
    /// What goes beside it, if anything does.
    pub username: Option<String>,
    /// Whose it is at the provider.
    pub identity: GitIdentity,
    /// Its scopes against the profile.
    pub scopes: Vec<ScopeFinding>,
    /// What the last telling check said.
    pub status: TokenStatus,
    /// Where to authorise it for single sign-on, when that is what it needs.
    pub sso_url: Option<String>,
    /// When it ends.
    pub expiry: Expiry,
    /// Where that is from, or what contradicts it; may be empty.
    pub expiry_note: String,
    /// The date that its holder entered, as `2027-01-20`; may be empty.
    pub entered: String,
    /// When it was checked last.
    pub checked_at: Timestamp,
    /// What kept that check from telling anything, in words.
    pub setback: Option<String>,
    /// The other runtimes that the same token serves for its holder.
    pub shared: Vec<(RuntimeId, String)>,
    /// Whether it came by OAuth 2.
    pub oauth: bool,
    /// What its provider does with it on request.
    pub offers: Offers,
    /// What kept it from being rotated or refreshed, as sentences; may be empty.
    pub rotation: String,
}

/// A runtime that a stored token could serve too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareTarget {
    /// The runtime.
    pub runtime: RuntimeId,
    /// Its name.
    pub name: String,
    /// Whether the token serves it already.
    pub shares: bool,
    /// Prefix and last characters of the token that is there, if there is one.
    pub hint: Option<String>,
}

/// The page *Git authentication*.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProvidersPage {
    /// The moment for which the page is true.
    pub now: Timestamp,
    /// Every Git provider, by name.
    pub providers: Vec<ProviderView>,
}

/// A registered Git provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProviderView {
    /// The provider.
    pub id: GitProviderId,
    /// What it is.
    pub label: ProviderLabel,
    /// Where its API is.
    pub api_url: String,
    /// Whether the API base was given rather than derived from the base URL.
    pub api_url_given: bool,
    /// Whether tokens are taken whose permissions cannot be verified.
    pub allow_unverified: bool,
    /// The names of the runtimes that use it.
    pub runtimes: Vec<String>,
    /// When it was registered.
    pub created_at: Timestamp,
}

/// The page *Runtimes*.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimesPage {
    /// The moment for which the page is true.
    pub now: Timestamp,
    /// Every runtime, by name.
    pub runtimes: Vec<RuntimeView>,
    /// The providers a runtime may use, by name.
    pub providers: Vec<(GitProviderId, ProviderLabel)>,
}

/// A registered runtime.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuntimeView {
    /// The runtime.
    pub id: RuntimeId,
    /// Its name.
    pub name: String,
    /// Its Git provider.
    pub provider: GitProviderId,
    /// What that is.
    pub provider_label: ProviderLabel,
    /// How many people have a token for it.
    pub tokens: u64,
    /// How many of these are no members any more.
    pub left: u64,
    /// How many members may use it.
    pub members: u64,
    /// How many access keys it has.
    pub keys: u64,
    /// Whether its tokens are rotated before they end, where their provider can.
    pub rotate_tokens: bool,
    /// Who answers for it, by id and name; `None`: the admins.
    pub owner: Option<(UserId, String)>,
    /// The runtime token, if there is one.
    pub token: Option<TokenView>,
    /// When it was registered.
    pub created_at: Timestamp,
}
