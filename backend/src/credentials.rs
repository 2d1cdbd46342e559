//! Stored tokens as their providers see them: opened, asked about, and the answer noted.

use crate::{
    Fault,
    audit::{Action, Actor, AuditEvent},
    clock::Clock,
    egress::Egress,
    keys::AccountKeys,
    providers::{self, Allowance, Inquiry, Rotated},
    random::{self, Random},
    store::{Holding, Store},
    vault::Place,
};
use domain::{
    AccountId, CheckId, CheckOutcome, GitTokenId, Revocation, ScopeProfile, Timestamp, UserId,
    token_format::TokenFormat,
};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;

/// Opens stored tokens and asks their providers.
#[derive(Clone)]
pub(crate) struct Credentials {
    pub(crate) store: Store,
    pub(crate) keys: AccountKeys,
    egress: Egress,
    pub(crate) clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Credentials {
    pub(crate) fn new(
        store: Store,
        keys: AccountKeys,
        egress: Egress,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Self {
        Self {
            store,
            keys,
            egress,
            clock,
            random,
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// What was done with a token, for the record.
    pub(crate) fn event(&self, holding: &Holding, actor: Actor, action: Action) -> AuditEvent {
        AuditEvent::new(actor, action, self.clock.now())
            .runtime(holding.runtime, &holding.runtime_name)
            .git_provider(holding.provider.id, &holding.provider.name)
            .token(holding.id)
            .holder(holding.user)
    }

    /// The token itself.
    pub(crate) async fn open(&self, holding: &Holding) -> Result<SecretString, Fault> {
        let place = place(holding.account, holding.id, holding.user);
        self.keys.unseal(&place, &holding.sealed).await
    }

    /// Checks a stored token and notes what came of it. Nothing is noted when it has gone in the meantime.
    pub(crate) async fn check(&self, holding: &Holding) -> Result<CheckOutcome, Fault> {
        let secret = self.open(holding).await?;
        let api = holding.provider.api();
        let profile = self.store.scope_profile(&holding.provider, holding.holder()).await?;
        let allowance = Allowance::default();
        let inquiry = self.inquiry(holding, &api, &secret, (&profile, &allowance));
        let outcome = providers::check(holding.provider.kind, inquiry).await;
        let check = (
            CheckId(random::uuid(self.random.as_ref(), self.clock.as_ref())),
            self.now(),
        );
        self.store
            .note_check(holding.account, (holding.id, &holding.fingerprint), check, &outcome)
            .await?;
        Ok(outcome)
    }

    /// Asks the provider for a new token in place of `secret`.
    pub(crate) async fn rotate(&self, holding: &Holding, secret: &SecretString) -> Rotated {
        let api = holding.provider.api();
        let profile = ScopeProfile::standard(holding.provider.kind, holding.holder());
        let allowance = Allowance::default();
        let inquiry = self.inquiry(holding, &api, secret, (&profile, &allowance));
        providers::rotate(holding.provider.kind, inquiry).await
    }

    /// Has the provider take `secret` back.
    pub(crate) async fn revoke(&self, holding: &Holding, secret: &SecretString) -> Revocation {
        let api = holding.provider.api();
        let profile = ScopeProfile::standard(holding.provider.kind, holding.holder());
        let allowance = Allowance::default();
        let inquiry = self.inquiry(holding, &api, secret, (&profile, &allowance));
        providers::revoke(holding.provider.kind, inquiry).await
    }

    fn inquiry<'a>(
        &'a self,
        holding: &'a Holding,
        api_url: &'a str,
        token: &'a SecretString,
        (profile, allowance): (&'a ScopeProfile, &'a Allowance),
    ) -> Inquiry<'a> {
        Inquiry {
            egress: &self.egress,
            base_url: &holding.provider.base_url,
            api_url,
            token,
            format: TokenFormat::of(token.expose_secret()),
            username: holding.username.as_deref(),
            profile,
            allowance,
            now: self.now(),
            oauth: None,
        }
    }
}

/// Where a token is sealed to. Without a user it is a runtime token.
pub(crate) fn place(account: AccountId, token: GitTokenId, user: Option<UserId>) -> Place {
    Place {
        account,
        table: "git_tokens",
        row: token.0,
        column: "sealed",
        user,
    }
}
