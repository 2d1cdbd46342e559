//! What the forge knows: accounts, tokens, repositories, faults and the record of requests. In memory, gone with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::OffsetDateTime;

use crate::clock::Clock;
use crate::faults::FaultRules;
use crate::model::{
    Account, IssuedToken, NewToken, Repository, TokenChange, TokenChangeError, TokenId, TokenSummary, UnknownAccount,
};
use crate::recording::Record;
use crate::token_format;

/// A token as the forge keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) id: TokenId,
    pub(crate) value: String,
    pub(crate) revoked: bool,
    pub(crate) about: NewToken,
}

impl Token {
    /// Whether it still opens anything at this time.
    pub(crate) fn works_at(&self, now: OffsetDateTime) -> bool {
        !self.revoked && self.about.expires_at.is_none_or(|end| now < end)
    }

    fn summary(&self) -> TokenSummary {
        TokenSummary {
            id: self.id,
            account: self.about.account.clone(),
            kind: self.about.kind,
            name: self.about.name.clone(),
            scopes: self.about.scopes.clone(),
            permissions: self.about.permissions.clone(),
            expires_at: self.about.expires_at,
            hint: token_format::hint(&self.value),
            revoked: self.revoked,
        }
    }
}

/// An account with the number that it was given.
#[derive(Clone, Debug)]
pub(crate) struct KnownAccount {
    pub(crate) login: String,
    pub(crate) id: u32,
    pub(crate) about: Account,
}

/// A repository with its place.
#[derive(Clone, Debug)]
pub(crate) struct KnownRepository {
    pub(crate) id: u32,
    pub(crate) owner: String,
    pub(crate) name: String,
    pub(crate) about: Repository,
}

impl KnownRepository {
    pub(crate) fn full_name(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }
}

/// How far a browser has come in signing in.
#[derive(Clone, Debug)]
pub(crate) struct SignIn {
    pub(crate) login: String,
    /// False between the password and the second factor.
    pub(crate) complete: bool,
    /// A token made a moment ago, to be shown on the next page and never again.
    pub(crate) just_made: Option<TokenId>,
}

/// How often a caller asked in the hour that began with its first request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quota {
    pub(crate) used: u32,
    pub(crate) reset_at: i64,
}

/// Everything that `reset` forgets.
#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) clock: Clock,
    pub(crate) faults: FaultRules,
    pub(crate) record: Record,
    pub(crate) sign_ins: BTreeMap<String, SignIn>,
    accounts: BTreeMap<String, KnownAccount>,
    tokens: Vec<Token>,
    repositories: Vec<KnownRepository>,
    quotas: BTreeMap<Option<TokenId>, Quota>,
}

impl State {
    /// Forgets everything.
    pub(crate) fn reset(&mut self) {
        let mut record = std::mem::take(&mut self.record);
        record.clear();
        *self = Self {
            record,
            ..Self::default()
        };
    }

    pub(crate) fn put_account(&mut self, login: &str, about: Account) -> u32 {
        // Real numbers are far from 1, and a test that mixes up the account's with a token's should fail.
        let next = self.accounts.values().map(|known| known.id).max().unwrap_or(583_230) + 1;
        let id = about
            .id
            .or_else(|| self.account(login).map(|known| known.id))
            .unwrap_or(next);
        let known = KnownAccount {
            login: login.to_owned(),
            id,
            about,
        };
        self.accounts.insert(login.to_ascii_lowercase(), known);
        id
    }

    /// Logins are compared without regard to case, as GitHub does.
    pub(crate) fn account(&self, login: &str) -> Option<&KnownAccount> {
        self.accounts.get(&login.to_ascii_lowercase())
    }

    pub(crate) fn create_token(&mut self, about: NewToken) -> Result<IssuedToken, UnknownAccount> {
        self.require_account(&about.account)?;
        let id = TokenId(self.tokens.len() as u64 + 1);
        let value = about
            .value
            .clone()
            .unwrap_or_else(|| token_format::generate(about.kind));
        let hint = token_format::hint(&value);
        self.tokens.push(Token {
            id,
            value: value.clone(),
            revoked: false,
            about,
        });
        Ok(IssuedToken { id, value, hint })
    }

    pub(crate) fn change_token(&mut self, id: TokenId, change: TokenChange) -> Result<(), TokenChangeError> {
        if let Some(account) = &change.account {
            self.require_account(account)
                .map_err(TokenChangeError::UnknownAccount)?;
        }
        let about = &mut self.token_mut(id)?.about;
        replace(&mut about.account, change.account);
        replace(&mut about.scopes, change.scopes);
        replace(&mut about.permissions, change.permissions);
        replace(&mut about.repositories, change.repositories);
        replace(&mut about.expires_at, change.expires_at);
        replace(&mut about.expiry_header, change.expiry_header);
        replace(&mut about.sso_required, change.sso_required);
        Ok(())
    }

    pub(crate) fn revoke_token(&mut self, id: TokenId) -> Result<(), TokenChangeError> {
        self.token_mut(id)?.revoked = true;
        Ok(())
    }

    pub(crate) fn token_summaries(&self) -> Vec<TokenSummary> {
        self.tokens.iter().map(Token::summary).collect()
    }

    pub(crate) fn token(&self, id: TokenId) -> Option<&Token> {
        self.tokens.iter().find(|token| token.id == id)
    }

    /// The newest token with this value: a test may make the same value again after it was revoked.
    pub(crate) fn token_by_value(&self, value: &str) -> Option<&Token> {
        self.tokens.iter().rev().find(|token| token.value == value)
    }

    /// Writes `text` with every known token's value struck out, and tells whether there was one.
    pub(crate) fn without_tokens(&self, text: &str) -> (String, bool) {
        let cleaned = self
            .tokens
            .iter()
            .filter(|token| !token.value.is_empty())
            .fold(text.to_owned(), |text, token| text.replace(&token.value, "[token]"));
        let found = cleaned != text;
        (cleaned, found)
    }

    pub(crate) fn put_repository(&mut self, owner: &str, name: &str, about: Repository) {
        if let Some(known) = self
            .repositories
            .iter_mut()
            .find(|known| same_place(known, owner, name))
        {
            known.about = about;
            return;
        }
        let id = 1_296_269 + u32::try_from(self.repositories.len()).unwrap_or(0);
        self.repositories.push(KnownRepository {
            id,
            owner: owner.to_owned(),
            name: name.to_owned(),
            about,
        });
    }

    pub(crate) fn repository(&self, owner: &str, name: &str) -> Option<&KnownRepository> {
        self.repositories.iter().find(|known| same_place(known, owner, name))
    }

    pub(crate) fn repositories(&self) -> &[KnownRepository] {
        &self.repositories
    }

    /// Counts a request of this caller (`None`: without a token) and tells how far its hour has come.
    pub(crate) fn count_request(&mut self, caller: Option<TokenId>) -> Quota {
        let mut quota = self.quota(caller);
        quota.used += 1;
        self.quotas.insert(caller, quota);
        quota
    }

    /// How far this caller's hour has come.
    pub(crate) fn quota(&self, caller: Option<TokenId>) -> Quota {
        let now = self.clock.now().unix_timestamp();
        let fresh = Quota {
            used: 0,
            reset_at: now + 3600,
        };
        self.quotas
            .get(&caller)
            .copied()
            .filter(|quota| now < quota.reset_at)
            .unwrap_or(fresh)
    }

    fn require_account(&self, login: &str) -> Result<(), UnknownAccount> {
        self.account(login)
            .map(|_| ())
            .ok_or_else(|| UnknownAccount(login.to_owned()))
    }

    fn token_mut(&mut self, id: TokenId) -> Result<&mut Token, TokenChangeError> {
        self.tokens
            .iter_mut()
            .find(|token| token.id == id)
            .ok_or(TokenChangeError::UnknownToken(id))
    }
}

fn replace<T>(field: &mut T, new: Option<T>) {
    if let Some(new) = new {
        *field = new;
    }
}

fn same_place(known: &KnownRepository, owner: &str, name: &str) -> bool {
    known.owner.eq_ignore_ascii_case(owner) && known.name.eq_ignore_ascii_case(name)
}

/// The state as the handlers and the handle of the test share it.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    /// Where the forge is reached, without a slash at the end.
    pub(crate) url: Arc<str>,
    state: Arc<Mutex<State>>,
}

impl Shared {
    pub(crate) fn new(url: &str) -> Self {
        Self {
            url: url.trim_end_matches('/').into(),
            state: Arc::default(),
        }
    }

    /// The state, for a moment: never hold it over an `await`.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panicked while it held the lock has failed already; the others may go on.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
