//! What the forge knows: accounts, tokens, repositories, faults and the record of requests. In memory, gone with it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use time::{OffsetDateTime, Time, UtcOffset};

use crate::clock::Clock;
use crate::faults::FaultRules;
use crate::model::{
    Account, IssuedToken, NewToken, Repository, TokenChange, TokenChangeError, TokenId, TokenKind, TokenSummary,
    UnknownAccount,
};
use crate::oauth::OAuth;
use crate::provider::Provider;
use crate::recording::Record;
use crate::secrets::Secrets;
use crate::token_format;

/// A token as the forge keeps it.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) id: TokenId,
    pub(crate) value: Arc<str>,
    pub(crate) revoked: bool,
    pub(crate) made_at: OffsetDateTime,
    pub(crate) used_at: Option<OffsetDateTime>,
    /// The first token of the line that rotation continues; its own number when it came from no rotation.
    pub(crate) family: TokenId,
    pub(crate) about: NewToken,
}

impl Token {
    /// Whether it still opens anything at this time.
    pub(crate) fn works_at(&self, now: OffsetDateTime) -> bool {
        !self.revoked && self.ends_at().is_none_or(|end| now < end)
    }

    /// When it stops working; `None` is never. GitLab knows only days, and means their start in UTC.
    pub(crate) fn ends_at(&self) -> Option<OffsetDateTime> {
        let end = self.about.expires_at?.to_offset(UtcOffset::UTC);
        Some(match self.about.kind {
            TokenKind::GitlabPersonal => end.replace_time(Time::MIDNIGHT),
            _ => end,
        })
    }

    /// Whether it was given this repository, or all that its account sees.
    pub(crate) fn covers(&self, repository: &KnownRepository) -> bool {
        let full_name = repository.full_name();
        let chosen = self.about.repositories.as_ref();
        chosen.is_none_or(|names| names.iter().any(|name| name.eq_ignore_ascii_case(&full_name)))
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

impl KnownAccount {
    /// The display name; the login when the person gave none.
    pub(crate) fn name(&self) -> &str {
        self.about.name.as_deref().unwrap_or(&self.login)
    }

    /// The mail address, for the providers where every account has one.
    pub(crate) fn email(&self) -> String {
        let email = self.about.email.clone();
        email.unwrap_or_else(|| format!("{}@example.com", self.login))
    }
}

/// The commit that `main`, the one branch of every repository, stands at.
pub(crate) const HEAD: &str = "7fd1a60b01f91b314f59955a4e4d4e80d8edf11d";

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

    /// Whether an account of this login sees it although it is private.
    pub(crate) fn admits(&self, login: &str) -> bool {
        let members = self.about.visible_to.as_ref();
        members.is_none_or(|logins| logins.iter().any(|member| member.eq_ignore_ascii_case(login)))
    }

    /// Whether this account is its owner, who may administer it.
    pub(crate) fn belongs_to(&self, login: &str) -> bool {
        self.owner.eq_ignore_ascii_case(login)
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

/// How often a caller asked in the window that began with its first request.
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
    pub(crate) oauth: OAuth,
    pub(crate) secrets: Secrets,
    accounts: BTreeMap<String, KnownAccount>,
    highest_account: Option<u32>,
    /// In the order of their numbers, which count from 1.
    tokens: Vec<Token>,
    /// Where in `tokens` those with this value are, oldest first.
    by_value: HashMap<Arc<str>, Vec<usize>>,
    repositories: Vec<KnownRepository>,
    quotas: BTreeMap<(Provider, Option<TokenId>), Quota>,
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

    /// Forgets what was asked.
    pub(crate) fn clear_record(&mut self) {
        self.record.clear();
        self.oauth.clear_calls();
    }

    pub(crate) fn put_account(&mut self, login: &str, about: Account) -> u32 {
        // Real numbers are far from 1, and a test that mixes up the account's with a token's should fail.
        let next = self.highest_account.unwrap_or(583_230) + 1;
        let id = about
            .id
            .or_else(|| self.account(login).map(|known| known.id))
            .unwrap_or(next);
        self.highest_account = self.highest_account.max(Some(id));
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

    /// All accounts, in the order of their logins.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = &KnownAccount> {
        self.accounts.values()
    }

    pub(crate) fn create_token(&mut self, about: NewToken) -> Result<IssuedToken, UnknownAccount> {
        self.require_account(&about.account)?;
        let id = TokenId(self.tokens.len() as u64 + 1);
        Ok(self.add_token(id, about))
    }

    /// Puts another token in the place of this one, which is revoked: the same but for its value and its end.
    pub(crate) fn rotate_token(
        &mut self,
        id: TokenId,
        expires_at: OffsetDateTime,
    ) -> Result<IssuedToken, TokenChangeError> {
        let old = self.token_mut(id)?;
        old.revoked = true;
        let family = old.family;
        let about = NewToken {
            expires_at: Some(expires_at),
            value: None,
            ..old.about.clone()
        };
        Ok(self.add_token(family, about))
    }

    /// Revokes every token that came by rotation from the same one as this.
    pub(crate) fn revoke_family_of(&mut self, id: TokenId) {
        let Some(family) = self.token(id).map(|token| token.family) else {
            return;
        };
        let members = self.tokens.iter_mut().filter(|token| token.family == family);
        members.for_each(|token| token.revoked = true);
    }

    /// Notes that a token was used.
    pub(crate) fn note_use(&mut self, id: TokenId, now: OffsetDateTime) {
        if let Ok(token) = self.token_mut(id) {
            token.used_at = Some(now);
        }
    }

    fn add_token(&mut self, family: TokenId, about: NewToken) -> IssuedToken {
        let id = TokenId(self.tokens.len() as u64 + 1);
        let value = about.value.clone();
        let value = value.unwrap_or_else(|| token_format::generate(about.kind));
        let hint = token_format::hint(&value);
        let shared: Arc<str> = value.as_str().into();
        self.secrets.add(&shared, "[token]");
        self.by_value
            .entry(Arc::clone(&shared))
            .or_default()
            .push(self.tokens.len());
        self.tokens.push(Token {
            id,
            value: shared,
            revoked: false,
            made_at: self.clock.now(),
            used_at: None,
            family,
            about,
        });
        IssuedToken { id, value, hint }
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
        self.tokens.get(place(id)?)
    }

    /// The newest token with this value: a test may make the same value again after it was revoked.
    pub(crate) fn token_by_value(&self, value: &str) -> Option<&Token> {
        self.with_value(value).next()
    }

    /// The newest token of this provider with this value.
    pub(crate) fn token_of(&self, provider: Provider, value: &str) -> Option<&Token> {
        self.with_value(value)
            .find(|token| token.about.kind.provider() == provider)
    }

    /// The tokens with this value, newest first.
    fn with_value(&self, value: &str) -> impl Iterator<Item = &Token> {
        let places = self.by_value.get(value).into_iter().flatten().rev();
        places.filter_map(|place| self.tokens.get(*place))
    }

    /// The tokens of this account at this provider, oldest first, also those that are revoked.
    pub(crate) fn tokens_of(&self, provider: Provider, login: &str) -> impl Iterator<Item = &Token> {
        self.tokens.iter().filter(move |token| {
            token.about.kind.provider() == provider && token.about.account.eq_ignore_ascii_case(login)
        })
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

    /// Counts a request of this caller (`None`: without a token) and tells how far its window of so many seconds has come.
    pub(crate) fn count_request(&mut self, provider: Provider, caller: Option<TokenId>, window: u32) -> Quota {
        let mut quota = self.quota(provider, caller, window);
        quota.used += 1;
        self.quotas.insert((provider, caller), quota);
        quota
    }

    /// How far this caller's window of so many seconds has come.
    pub(crate) fn quota(&self, provider: Provider, caller: Option<TokenId>, window: u32) -> Quota {
        let now = self.clock.now().unix_timestamp();
        let fresh = Quota {
            used: 0,
            reset_at: now + i64::from(window),
        };
        self.quotas
            .get(&(provider, caller))
            .copied()
            .filter(|quota| now < quota.reset_at)
            .unwrap_or(fresh)
    }

    pub(crate) fn require_account(&self, login: &str) -> Result<(), UnknownAccount> {
        self.account(login)
            .map(|_| ())
            .ok_or_else(|| UnknownAccount(login.to_owned()))
    }

    fn token_mut(&mut self, id: TokenId) -> Result<&mut Token, TokenChangeError> {
        let place = place(id).ok_or(TokenChangeError::UnknownToken(id))?;
        self.tokens.get_mut(place).ok_or(TokenChangeError::UnknownToken(id))
    }
}

/// Where the token of this number is among all.
fn place(id: TokenId) -> Option<usize> {
    usize::try_from(id.0).ok()?.checked_sub(1)
}

pub(crate) fn replace<T>(field: &mut T, new: Option<T>) {
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

    /// The base URL of this provider, without a slash at the end.
    pub(crate) fn url_of(&self, provider: Provider) -> String {
        format!("{}{}", self.url, provider.base_path())
    }

    /// The state, for a moment: never hold it over an `await`.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        // A test that panicked while it held the lock has failed already; the others may go on.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
