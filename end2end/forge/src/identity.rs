//! Who asks, as far as every provider finds it out alike; what it makes of that is its own affair.

use axum::http::HeaderMap;
use time::OffsetDateTime;

use crate::credential::{self, Presented, Scheme};
use crate::model::TokenId;
use crate::provider::Provider;
use crate::state::{KnownAccount, KnownRepository, Shared, State, Token};

/// What is to be said of the token that a request carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Standing {
    /// There is none.
    Nobody,
    /// This provider never gave it out, or does not take it in this way.
    Unknown,
    /// It was taken back.
    Revoked,
    /// It came to its end.
    Expired,
    /// It opens what it may.
    Works,
}

/// The caller, as of the moment when the request came.
#[derive(Debug)]
pub(crate) struct Identity {
    /// What it carried.
    pub(crate) presented: Option<Presented>,
    /// What is to be said of that.
    pub(crate) standing: Standing,
    /// The token, whether it works or not.
    pub(crate) known: Option<TokenId>,
    /// The token, when it works.
    pub(crate) token: Option<Token>,
    /// The account that asks: that of the token that works.
    pub(crate) account: Option<KnownAccount>,
    /// The provider's base URL, without a slash at the end.
    pub(crate) url: String,
    /// The time by the forge's clock.
    pub(crate) now: OffsetDateTime,
}

impl Identity {
    /// Finds out who asks. `takes` tells whether the provider takes a token of its own that is presented in this way, for
    /// the account that it belongs to. A token that works is noted as used.
    pub(crate) fn find(
        shared: &Shared,
        provider: Provider,
        headers: &HeaderMap,
        takes: impl FnOnce(&Presented, &Token, &KnownAccount) -> bool,
    ) -> Self {
        let presented = credential::presented(headers);
        // To all but GitLab its header is one that they never heard of.
        let presented = presented.filter(|it| it.scheme != Scheme::PrivateToken || provider == Provider::GitLab);
        let mut state = shared.lock();
        let now = state.clock.now();
        let known = presented.as_ref().and_then(|presented| {
            let token = state.token_of(provider, &presented.secret)?;
            let account = state.account(&token.about.account)?;
            takes(presented, token, account).then(|| (token.clone(), account.clone()))
        });
        let standing = match (&presented, &known) {
            (None, _) => Standing::Nobody,
            (_, None) => Standing::Unknown,
            (_, Some((token, _))) if token.revoked => Standing::Revoked,
            (_, Some((token, _))) if !token.works_at(now) => Standing::Expired,
            _ => Standing::Works,
        };
        let known_id = known.as_ref().map(|(token, _)| token.id);
        let (mut token, account) = known.filter(|_| standing == Standing::Works).unzip();
        if let Some(token) = &mut token {
            token.used_at = Some(now);
            state.note_use(token.id, now);
        }
        Self {
            presented,
            standing,
            known: known_id,
            token,
            account,
            url: shared.url_of(provider),
            now,
        }
    }

    /// Whether the token was given this scope, by its very name.
    pub(crate) fn has(&self, scope: &str) -> bool {
        self.token
            .as_ref()
            .is_some_and(|token| token.about.scopes.iter().any(|granted| granted == scope))
    }

    /// Whether the caller may know of a repository: a public one, or one of its account's that the token was given.
    pub(crate) fn sees(&self, repository: &KnownRepository) -> bool {
        let account = self.account.as_ref();
        let token = self.token.as_ref();
        !repository.about.private
            || account.is_some_and(|account| repository.admits(&account.login))
                && token.is_none_or(|token| token.covers(repository))
    }

    /// Whether the account that asks is the repository's owner, whatever the token was given.
    pub(crate) fn owns(&self, repository: &KnownRepository) -> bool {
        let account = self.account.as_ref();
        account.is_some_and(|account| repository.belongs_to(&account.login))
    }

    /// The repositories that the caller may know of, in the order in which they were made.
    pub(crate) fn repositories(&self, state: &State) -> Vec<KnownRepository> {
        let all = state.repositories().iter();
        all.filter(|repository| self.sees(repository)).cloned().collect()
    }

    /// The repository, if the caller may know of it.
    pub(crate) fn repository(&self, state: &State, owner: &str, name: &str) -> Option<KnownRepository> {
        let found = state.repository(owner, name);
        found.filter(|repository| self.sees(repository)).cloned()
    }
}

/// Whether this is how [`Scheme::Basic`] names the account: by its login.
pub(crate) fn names_login(presented: &Presented, account: &KnownAccount) -> bool {
    let username = presented.username.as_deref();
    presented.scheme == Scheme::Basic && username.is_some_and(|name| name.eq_ignore_ascii_case(&account.login))
}
