//! What a code and a refresh token are worth.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use time::Duration;

use super::format;
use super::model::{ApplicationId, GrantId, IssuedGrant, NotGranted, RefreshCall, RefreshOutcome};
use super::store::{Application, Code, Grant, RefreshToken};
use super::token::Refusal;
use crate::model::{NewToken, TokenId};
use crate::state::State;

impl State {
    /// Gives tokens for a code, once.
    pub(super) fn redeem_code(
        &mut self,
        application: ApplicationId,
        code: &str,
        redirect_uri: Option<&str>,
        verifier: Option<&str>,
    ) -> Result<IssuedGrant, Refusal> {
        let known = self.oauth.codes.get(code).ok_or(Refusal::UnknownCode)?.clone();
        let client = self.oauth.application(application).ok_or(Refusal::UnknownCode)?;
        if known.application != application {
            return Err(Refusal::OtherApplicationsCode);
        }
        if let Some(grant) = known.redeemed {
            if client.rules.replay_kills {
                self.kill_grant(grant);
            }
            return Err(Refusal::UsedCode);
        }
        if self.clock.now() >= known.ends_at {
            return Err(Refusal::ExpiredCode);
        }
        match redirect_uri {
            Some(uri) if uri != known.redirect_uri => return Err(Refusal::RedirectUri),
            None if client.rules.redirect_uri_with_code => return Err(Refusal::Missing("redirect_uri")),
            _ => {}
        }
        // Where challenges are unknown, so are verifiers.
        if client.rules.pkce && !meets(&known, verifier) {
            return Err(Refusal::Verifier);
        }
        let grant = self.oauth.add_grant(Grant {
            application,
            account: known.account,
            scopes: known.scopes,
            redirect_uri: Some(known.redirect_uri),
            tokens: Vec::new(),
            killed: false,
            refreshes: 0,
        });
        if let Some(code) = self.oauth.codes.get_mut(code) {
            code.redeemed = Some(grant);
        }
        self.issue(grant).ok_or(Refusal::UnknownCode)
    }

    /// Gives another pair for a refresh token, and notes what became of the attempt.
    pub(super) fn refresh(
        &mut self,
        application: ApplicationId,
        value: &str,
        redirect_uri: Option<&str>,
    ) -> Result<IssuedGrant, Refusal> {
        let result = self.try_refresh(application, value, redirect_uri);
        let outcome = result.as_ref().err().copied().unwrap_or(RefreshOutcome::Ok);
        let token = result.as_ref().ok().map(|issued| issued.access.id);
        self.note_refresh(Some(application), value, outcome, token);
        result.map_err(Refusal::Refresh)
    }

    /// Notes an attempt to refresh that failed because the application did not prove who it is.
    pub(super) fn note_refresh_by_nobody(&mut self, value: &str) {
        self.note_refresh(None, value, RefreshOutcome::WrongClient, None);
    }

    fn note_refresh(
        &mut self,
        application: Option<ApplicationId>,
        value: &str,
        outcome: RefreshOutcome,
        token: Option<TokenId>,
    ) {
        let call = RefreshCall {
            at: self.clock.now(),
            application,
            grant: self.oauth.refresh_tokens.get(value).map(|known| known.grant),
            outcome,
            token,
        };
        self.oauth.calls.push(call);
    }

    fn try_refresh(
        &mut self,
        application: ApplicationId,
        value: &str,
        redirect_uri: Option<&str>,
    ) -> Result<IssuedGrant, RefreshOutcome> {
        let now = self.clock.now();
        let token = *self.oauth.refresh_tokens.get(value).ok_or(RefreshOutcome::Unknown)?;
        let grant = self.oauth.grant(token.grant).ok_or(RefreshOutcome::Unknown)?;
        let client = self.oauth.application(application).ok_or(RefreshOutcome::WrongClient)?;
        let rules = client.rules;
        if grant.application != application {
            return Err(RefreshOutcome::OtherApplication);
        }
        if token
            .used_at
            .is_some_and(|used_at| now >= used_at + seconds(rules.grace))
        {
            self.kill_grant(token.grant);
            return Err(RefreshOutcome::Reused);
        }
        if grant.killed {
            return Err(RefreshOutcome::Revoked);
        }
        if token.ends_at.is_some_and(|end| now >= end) {
            return Err(RefreshOutcome::Expired);
        }
        if rules.redirect_uri_with_refresh && redirect_uri != grant.redirect_uri.as_deref() {
            return Err(RefreshOutcome::WrongRedirectUri);
        }
        if let Some(access) = grant.tokens.last().copied().filter(|_| rules.refresh_ends_access) {
            // Tokens are never taken out of the state, so there is no failure to tell.
            _ = self.revoke_token(access);
        }
        if let Some(token) = self.oauth.refresh_tokens.get_mut(value) {
            token.used_at.get_or_insert(now);
        }
        if let Some(grant) = self.oauth.grant_mut(token.grant) {
            grant.refreshes += 1;
        }
        self.issue(token.grant).ok_or(RefreshOutcome::Revoked)
    }

    /// What an application would have got if this person had consented to these scopes.
    pub(crate) fn issue_grant(
        &mut self,
        application: ApplicationId,
        login: &str,
        scopes: Vec<String>,
    ) -> Result<IssuedGrant, NotGranted> {
        self.require_account(login).map_err(NotGranted::UnknownAccount)?;
        let known = self.oauth.application(application);
        let known = known.ok_or(NotGranted::UnknownApplication(application))?;
        let redirect_uri = known.about.redirect_uris.first().cloned();
        let grant = self.oauth.add_grant(Grant {
            application,
            account: login.to_owned(),
            scopes,
            redirect_uri,
            tokens: Vec::new(),
            killed: false,
            refreshes: 0,
        });
        self.issue(grant).ok_or(NotGranted::UnknownApplication(application))
    }

    /// The next access token of a grant, and a refresh token if its application gets any. Nothing without the application or
    /// the account.
    fn issue(&mut self, id: GrantId) -> Option<IssuedGrant> {
        let made_at = self.clock.now();
        let grant = self.oauth.grant(id)?;
        let client = self.oauth.application(grant.application)?;
        let (scopes, rules) = (grant.scopes.clone(), client.rules);
        let expires_in = access_lifetime(client);
        let refreshes = expires_in.is_some() && client.about.refreshes;
        let refresh_expires_in = client.about.refresh_lifetime.or(rules.refresh_lifetime);
        let refresh_expires_in = refresh_expires_in.filter(|_| refreshes);
        let mut about =
            NewToken::of_kind(rules.kind, &grant.account, scopes.iter().cloned()).named(client.about.name.clone());
        about.expires_at = expires_in.map(|lifetime| made_at + seconds(lifetime));
        let access = self.create_token(about).ok()?;
        self.oauth.add_token(id, access.id);
        let refresh = refreshes.then(|| format::refresh_token(rules));
        if let Some(refresh) = &refresh {
            let known = RefreshToken {
                grant: id,
                ends_at: refresh_expires_in.map(|lifetime| made_at + seconds(lifetime)),
                used_at: None,
            };
            let refresh = self.hide(refresh);
            self.oauth.refresh_tokens.insert(refresh, known);
        }
        Some(IssuedGrant {
            grant: id,
            access,
            refresh,
            expires_in,
            refresh_expires_in,
            scopes,
            made_at,
        })
    }
}

/// Seconds until an access token of this application ends; `None` is never.
fn access_lifetime(client: &Application) -> Option<u64> {
    let expiring = client.about.expiring.unwrap_or(client.rules.expiring);
    expiring.then(|| client.about.access_lifetime.unwrap_or(client.rules.access_lifetime))
}

/// Whether this is the verifier of the code's challenge, or there is neither. A verifier without a challenge is a sign that
/// somebody took the challenge out of the address on the way (RFC 9700, section 2.1.1).
fn meets(code: &Code, verifier: Option<&str>) -> bool {
    let met = verifier.map(|verifier| URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes())));
    met == code.challenge
}

fn seconds(count: u64) -> Duration {
    Duration::seconds(u32::try_from(count).unwrap_or(u32::MAX).into())
}
