//! Git tokens: checked live, stored sealed. A person's own, and the runtime tokens that admins manage.

mod authorized;
mod form;
mod ownership;
mod share;
mod sharing;
mod view;

pub use form::TokenForm;
pub use share::Shared;

use crate::{
    Fault,
    access::{AccessError, Member},
    audit::{Action, Actor, AuditEvent},
    clock::Clock,
    credentials::{self, Credentials},
    egress::Egress,
    keys::AccountKeys,
    oauth::{Authorizations, Pair, Refresh},
    providers::{self, Allowance, Inquiry},
    random::{self, Random},
    revocation::Revoked,
    store::{GitProviderRow, GitTokenRow, NewGitToken, RuntimeRow, Store},
    vault::Place,
};
use domain::{
    AccountId, CheckId, CheckOutcome, FieldErrors, Findings, GitIdentity, GitTokenId, HolderKind, OAuthApplicationId,
    ProviderKind, RuntimeId, Scope, ScopeProfile, Timestamp, TokenStatus, UserId, schedule,
    token_format::{self, TokenFormat},
    view::{TokenRow, TokensPage},
};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;

pub(crate) use authorized::Authorized;
pub(crate) use form::read_end;
pub(crate) use sharing::Sharing;
pub(crate) use view::token_view;

/// What a person can run into.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Fields to mend (fields `token`, `username` and `ends_on`).
    #[error("the form has errors")]
    Invalid(FieldErrors),
    /// No such runtime, or no token for it.
    #[error("no such runtime or token")]
    NotFound,
    /// The check did not end well, so nothing was stored.
    #[error("the token was not accepted")]
    Refused {
        /// Who was asked.
        kind: ProviderKind,
        /// The format of the token, if its prefix tells.
        format: Option<&'static TokenFormat>,
        /// What it said.
        outcome: CheckOutcome,
    },
    /// The token is known here, and does not belong where it was pasted.
    #[error("the token belongs elsewhere")]
    Misplaced(Misplaced),
    /// The token works, but is probably somebody else's. It is taken when the person says that it is meant so.
    #[error("the token seems to be somebody else's")]
    Foreign(Foreign),
    /// The token is being rotated, or was just now.
    #[error("the token is being rotated")]
    Rotating,
    /// Not an admin.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Where a known token belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Misplaced {
    /// To another person.
    OfPerson {
        /// The person's name.
        name: String,
    },
    /// To a runtime itself.
    OfRuntime {
        /// The runtime's name.
        runtime: String,
    },
    /// To another Git provider.
    OfProvider {
        /// The host of the Git provider for which it is stored.
        stored: String,
        /// The host of the one that was meant to get it.
        wanted: String,
    },
}

/// A token that is probably somebody else's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Foreign {
    /// Whose it is at the provider.
    pub identity: GitIdentity,
    /// Why that is unexpected.
    pub why: ForeignWhy,
}

/// Why an identity is unexpected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForeignWhy {
    /// Another person, of this name, has tokens of it.
    SharedWith(String),
    /// The person's other tokens at this Git provider have another one, with this login.
    OtherThanOwn(String),
    /// A runtime token of it would be this person's own.
    PersonsOwn(String),
    /// Runtime tokens are of it.
    OfRuntimes,
    /// The token that is there now has another one, with this login.
    OtherThanBefore(String),
}

impl ForeignWhy {
    /// Why, as a sentence.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::SharedWith(name) => format!("{name} has stored tokens of it here."),
            Self::OtherThanOwn(own) => format!("Your other tokens at this provider belong to {own}."),
            Self::PersonsOwn(name) => format!("It is the account of {name}."),
            Self::OfRuntimes => "It is the account of runtime tokens here.".to_owned(),
            Self::OtherThanBefore(own) => format!("Until now this runtime acts for you as {own}."),
        }
    }
}

/// What was stored.
#[derive(Clone, Debug)]
pub struct Stored {
    /// The token.
    pub id: GitTokenId,
    /// What became of the OAuth token that was there before, if one was.
    pub replaced: Option<Revoked>,
}

/// Which token: for which runtime, and whose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// The runtime.
    pub runtime: RuntimeId,
    /// Whose: the person's own, or the runtime's.
    pub holder: HolderKind,
}

impl From<RuntimeId> for At {
    /// The person's own.
    fn from(runtime: RuntimeId) -> Self {
        Self {
            runtime,
            holder: HolderKind::User,
        }
    }
}

impl At {
    /// The runtime's own.
    #[must_use]
    pub const fn runtime_token(runtime: RuntimeId) -> Self {
        Self {
            runtime,
            holder: HolderKind::Runtime,
        }
    }
}

/// The service.
#[derive(Clone)]
pub struct Tokens {
    store: Store,
    keys: AccountKeys,
    egress: Egress,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    authorizations: Arc<Authorizations>,
    refresh: Refresh,
}

/// A place for a token that the person may use, with all that belongs to it.
struct Slot {
    account: AccountId,
    actor: UserId,
    /// The same for the record.
    by: Actor,
    /// Whose the token there is; `None` for a runtime token.
    user: Option<UserId>,
    runtime: RuntimeRow,
    provider: GitProviderRow,
    profile: ScopeProfile,
}

impl Tokens {
    /// Wires the service.
    pub(crate) fn new(authorizations: Arc<Authorizations>, refresh: Refresh) -> Self {
        let Authorizations {
            store,
            keys,
            egress,
            clock,
            random,
            ..
        } = Authorizations::clone(&authorizations);
        Self {
            store,
            keys,
            egress,
            clock,
            random,
            authorizations,
            refresh,
        }
    }

    /// Everything the page *Git Personal Access Tokens* shows.
    pub async fn page(&self, member: &Member) -> Result<TokensPage, TokenError> {
        let account = member.account();
        let providers = self.store.git_providers(account).await?;
        let profiles = self.store.scope_profiles(&providers).await?;
        let tokens = self.store.git_tokens_of(account, member.user()).await?;
        let runtimes = self.store.runtimes(account).await?;
        let used = self.store.last_uses(tokens.iter().map(|token| token.id)).await?;
        let muted = self.store.muted_runtimes(account, member.user()).await?;
        let mut page = view::tokens_page(
            self.clock.now(),
            &providers,
            &profiles,
            runtimes,
            tokens,
            &view::KnownOAuth::of(&self.store, member).await?,
        );
        for row in &mut page.rows {
            row.used_at = row.token.as_ref().and_then(|token| used.get(&token.id).copied());
            row.muted = muted.iter().any(|(runtime, _)| *runtime == row.runtime);
        }
        Ok(page)
    }

    /// What the page shows of one place for a token: the person's own, or a runtime's, for an admin.
    pub async fn row(&self, member: &Member, at: impl Into<At>) -> Result<TokenRow, TokenError> {
        let slot = self.slot(member, at.into()).await?;
        let token = self.stored(&slot).await?;
        let shared = match &token {
            Some(token) => self.shared(&slot, token).await?,
            None => Vec::new(),
        };
        Ok(view::token_row(
            &slot.provider,
            &slot.profile,
            &slot.runtime,
            (token, shared),
            &view::KnownOAuth::of(&self.store, member).await?,
        ))
    }

    /// Checks a token live and stores it in place of the one that was there. A token that is not accepted changes nothing.
    pub async fn put(&self, member: &Member, at: impl Into<At>, form: &TokenForm) -> Result<Stored, TokenError> {
        let slot = self.slot(member, at.into()).await?;
        let new = form::read(form, slot.provider.kind, self.clock.now()).map_err(TokenError::Invalid)?;
        let fingerprint = self.keys.fingerprint(slot.account, &new.secret).await?;
        let taken = async {
            // Before it is sent anywhere: what belongs to one provider must not be shown to another.
            self.refuse_misplaced(&slot, &fingerprint).await?;
            let findings = self.accepted(&slot, &new.secret, new.username.as_deref()).await?;
            self.refuse_foreign(&slot, &findings.identity, form.confirmed.trim())
                .await?;
            Ok(findings)
        };
        let findings = match taken.await {
            Ok(findings) => findings,
            Err(error) => return Err(self.not_taken(&slot, error).await),
        };
        let replaced = self.stored(&slot).await?.is_some();
        let action = if replaced {
            Action::TokenReplaced
        } else {
            Action::TokenStored
        };
        let grant = self.replaced_grant(&slot).await?;
        let kept = self.keep(&slot, new, fingerprint.clone(), findings, action, None);
        match kept.await {
            Ok(id) => Ok(Stored {
                id,
                replaced: self.take_back(&slot, grant).await,
            }),
            // What was found true before the check may not be any more.
            Err(TokenError::NotFound) => {
                self.refuse_misplaced(&slot, &fingerprint).await?;
                Err(TokenError::NotFound)
            }
            Err(error) => Err(error),
        }
    }

    /// Checks the stored token again and notes what came of it.
    pub async fn check(&self, member: &Member, at: impl Into<At>) -> Result<CheckOutcome, TokenError> {
        let slot = self.slot(member, at.into()).await?;
        let token = self.stored(&slot).await?.ok_or(TokenError::NotFound)?;
        let event = self
            .event(&slot, Action::CheckRequested, token.id)
            .detail(token.hint.clone());
        self.store.record(slot.account, event).await?;
        if token.oauth {
            return self.check_authorized(&slot, token.id).await;
        }
        let secret = self.keys.unseal(&slot.place(token.id), &token.sealed).await?;
        let outcome = self.ask(&slot, &secret, token.username.as_deref()).await;
        let check = (CheckId(self.uuid()), self.clock.now());
        let seen = (token.id, token.fingerprint.as_slice());
        if !self.store.note_check(slot.account, seen, check, &outcome).await? {
            return Err(TokenError::NotFound);
        }
        tracing::info!(user = %slot.actor, runtime = %slot.runtime.id, token = %token.id, status = ?outcome.status(), "checked a token");
        Ok(outcome)
    }

    /// Notes when the stored token ends, as the person says; an empty date takes that back.
    pub async fn enter_expiry(&self, member: &Member, at: impl Into<At>, ends_on: &str) -> Result<(), TokenError> {
        let slot = self.slot(member, at.into()).await?;
        let end = form::read_end(ends_on, self.clock.now())
            .map_err(|words| TokenError::Invalid(FieldErrors::one("ends_on", words)))?;
        let token = self.stored(&slot).await?.filter(|token| !token.oauth);
        let token = token.ok_or(TokenError::NotFound)?;
        let detail = end.map_or_else(|| "none".to_owned(), Timestamp::date);
        let event = self.event(&slot, Action::TokenExpiryEntered, token.id).detail(detail);
        if !self.store.enter_expiry(slot.account, token.id, end, event).await? {
            return Err(TokenError::NotFound);
        }
        Ok(())
    }

    /// Deletes the token. With `revoke` the provider is asked first to take it back, and what came of that is returned; the
    /// token is deleted here whatever that was, since that is what the person asked for.
    pub async fn delete(
        &self,
        member: &Member,
        at: impl Into<At>,
        revoke: bool,
    ) -> Result<Option<Revoked>, TokenError> {
        let slot = self.slot(member, at.into()).await?;
        let token = self.stored(&slot).await?.ok_or(TokenError::NotFound)?;
        if token.oauth {
            return self.delete_authorized(&slot, &token).await;
        }
        let holding = if revoke {
            let holding = self.store.holding_of(slot.account, slot.user, slot.runtime.id).await?;
            let holding = holding.filter(|holding| holding.fingerprint == token.fingerprint);
            let holding = holding.ok_or(TokenError::Rotating)?;
            // Its successor may be on the way: to revoke this one would leave that alive.
            if holding.rotating_since.is_some() {
                return Err(TokenError::Rotating);
            }
            Some(holding)
        } else {
            None
        };
        let revoked = match &holding {
            Some(holding) => Some(self.credentials().take_back(holding, &slot.by).await?),
            None => None,
        };
        let detail = match &revoked {
            Some(revoked) => format!("{}, revocation: {:?}", token.hint, revoked.outcome),
            None => token.hint.clone(),
        };
        let event = self.event(&slot, Action::TokenDeleted, token.id).detail(detail);
        let seen = (token.id, token.fingerprint.as_slice());
        if !self.store.delete_git_token(slot.account, seen, event).await? {
            return Err(match self.stored(&slot).await? {
                Some(now) if now.id == token.id => TokenError::Rotating,
                _ => TokenError::NotFound,
            });
        }
        if let (Some(holding), Some(revoked)) = (&holding, &revoked)
            && !revoked.outcome.may_still_work()
        {
            self.credentials().look_at_sharing(holding).await;
        }
        tracing::info!(account = %slot.account, user = %slot.actor, runtime = %slot.runtime.id, "deleted a token");
        Ok(revoked)
    }

    fn credentials(&self) -> Credentials {
        Credentials::new(
            self.store.clone(),
            self.keys.clone(),
            self.egress.clone(),
            self.clock.clone(),
            self.random.clone(),
        )
    }

    /// The place, if the person may use it: every member has one for each runtime, admins also the runtimes' own.
    async fn slot(&self, member: &Member, at: At) -> Result<Slot, TokenError> {
        let user = match at.holder {
            HolderKind::User => Some(member.user()),
            HolderKind::Runtime => {
                member.require_admin()?;
                None
            }
        };
        let account = member.account();
        let runtime = self
            .store
            .runtime(account, at.runtime)
            .await?
            .ok_or(TokenError::NotFound)?;
        let provider = self
            .store
            .git_provider(account, runtime.git_provider)
            .await?
            .ok_or(TokenError::NotFound)?;
        let profile = self.store.scope_profile(&provider, at.holder).await?;
        Ok(Slot {
            account,
            actor: member.user(),
            by: member.into(),
            user,
            runtime,
            provider,
            profile,
        })
    }

    async fn stored(&self, slot: &Slot) -> Result<Option<GitTokenRow>, Fault> {
        self.store.git_token_of(slot.account, slot.user, slot.runtime.id).await
    }

    /// What the provider tells of a token that it accepts and that suffices.
    async fn accepted(
        &self,
        slot: &Slot,
        secret: &SecretString,
        username: Option<&str>,
    ) -> Result<Findings, TokenError> {
        let outcome = self.ask(slot, secret, username).await;
        match outcome {
            CheckOutcome::Accepted(findings) if slot.suffices(findings.status()) => Ok(findings),
            outcome => {
                tracing::info!(user = %slot.actor, runtime = %slot.runtime.id, status = ?outcome.status(), "refused a token");
                Err(TokenError::Refused {
                    kind: slot.provider.kind,
                    format: TokenFormat::of(secret.expose_secret()),
                    outcome,
                })
            }
        }
    }

    /// Records that a token was not taken, and why; gives the reason back.
    async fn not_taken(&self, slot: &Slot, error: TokenError) -> TokenError {
        let why = match &error {
            TokenError::Refused { outcome, .. } => match outcome.status() {
                Some(status) => format!("its check said: {}", status.as_str()),
                None => "it could not be checked".to_owned(),
            },
            TokenError::Misplaced(_) => "it is stored for somebody or something else".to_owned(),
            TokenError::Foreign(foreign) => format!("it belongs to {}, which was not expected", foreign.identity.login),
            _ => return error,
        };
        let event = self.bare_event(slot, Action::TokenRefused).detail(why);
        match self.store.record(slot.account, event).await {
            Ok(()) => error,
            Err(fault) => fault.into(),
        }
    }

    /// Stores a token that was accepted.
    async fn keep(
        &self,
        slot: &Slot,
        new: form::NewToken,
        fingerprint: Vec<u8>,
        findings: Findings,
        action: Action,
        grant: Option<(OAuthApplicationId, &Pair, &[Scope])>,
    ) -> Result<GitTokenId, TokenError> {
        let id = GitTokenId(self.uuid());
        let sealed = self.keys.seal(&slot.place(id), &new.secret).await?;
        let hint = token_format::hint(new.secret.expose_secret());
        let mut detail = format!("{hint} of {}", findings.identity.login);
        if findings.status() == TokenStatus::Unverified {
            detail.push_str(", permissions unverified");
        }
        let event = self.event(slot, action, id).detail(detail);
        let grant = match grant {
            Some(grant) => Some(self.sealed_grant(slot, id, grant).await?),
            None => None,
        };
        let row = NewGitToken {
            id,
            user: slot.user,
            runtime: slot.runtime.id,
            sealed,
            fingerprint,
            hint,
            format: TokenFormat::of(new.secret.expose_secret()).map(|format| format.name.to_owned()),
            username: new.username,
            entered: new.ends,
            copy_of: new.copy_of,
            grant,
            next_check: schedule::first(findings.expiry, self.clock.now(), random::chance(self.random.as_ref())),
            findings,
            checked: (CheckId(self.uuid()), self.clock.now()),
        };
        if !self
            .store
            .put_git_token(slot.account, &slot.provider, row, event)
            .await?
        {
            return Err(TokenError::NotFound);
        }
        tracing::info!(account = %slot.account, user = %slot.actor, runtime = %slot.runtime.id, token = %id, "stored a token");
        Ok(id)
    }

    async fn ask(&self, slot: &Slot, secret: &SecretString, username: Option<&str>) -> CheckOutcome {
        let inquiry = Inquiry {
            egress: &self.egress,
            base_url: &slot.provider.base_url,
            api_url: &slot.provider.api(),
            token: secret,
            format: TokenFormat::of(secret.expose_secret()),
            username,
            profile: &slot.profile,
            now: self.clock.now(),
            allowance: &Allowance::default(),
            oauth: None,
        };
        providers::check(slot.provider.kind, inquiry).await
    }

    fn event(&self, slot: &Slot, action: Action, token: GitTokenId) -> AuditEvent {
        self.bare_event(slot, action).token(token)
    }

    fn bare_event(&self, slot: &Slot, action: Action) -> AuditEvent {
        AuditEvent::new(slot.by.clone(), action, self.clock.now())
            .runtime(slot.runtime.id, &slot.runtime.name)
            .git_provider(slot.provider.id, &slot.provider.name)
            .holder(slot.user)
    }

    fn uuid(&self) -> uuid::Uuid {
        random::uuid(self.random.as_ref(), self.clock.as_ref())
    }
}

impl Slot {
    /// Where a token here is sealed to.
    fn place(&self, token: GitTokenId) -> Place {
        credentials::place(self.account, token, self.user)
    }
}
