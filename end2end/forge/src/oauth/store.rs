//! What is remembered of applications, and of the grants that people gave them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use time::OffsetDateTime;

use super::format;
use super::model::{
    ApplicationId, GrantId, GrantSummary, NewOAuthApplication, OAuthApplication, OAuthApplicationChange, RefreshCall,
    UnknownOAuth,
};
use super::rules::Rules;
use crate::model::TokenId;
use crate::provider::Provider;
use crate::state::{State, replace};

/// What stands in the record in place of anything but an access token.
const STRUCK_OUT: &str = "[secret]";

/// A registered application.
#[derive(Debug)]
pub(crate) struct Application {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) about: NewOAuthApplication,
    pub(crate) rules: &'static Rules,
}

/// A code that was given out, which stays known after it was used.
#[derive(Clone, Debug)]
pub(super) struct Code {
    pub(super) application: ApplicationId,
    pub(super) account: String,
    pub(super) scopes: Vec<String>,
    pub(super) redirect_uri: String,
    /// The challenge (PKCE, S256) that its redeemer has to meet.
    pub(super) challenge: Option<String>,
    pub(super) ends_at: OffsetDateTime,
    /// What it was redeemed for.
    pub(super) redeemed: Option<GrantId>,
}

/// One consent, and what came of it since.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) application: ApplicationId,
    pub(super) account: String,
    pub(super) scopes: Vec<String>,
    /// The redirect URI that its code was asked for with.
    pub(super) redirect_uri: Option<String>,
    /// Its access tokens, oldest first.
    pub(super) tokens: Vec<TokenId>,
    pub(super) killed: bool,
    pub(super) refreshes: u32,
}

/// A refresh token, which stays known after it was used.
#[derive(Clone, Copy, Debug)]
pub(super) struct RefreshToken {
    pub(super) grant: GrantId,
    pub(super) ends_at: Option<OffsetDateTime>,
    pub(super) used_at: Option<OffsetDateTime>,
}

/// Everything about OAuth that `reset` forgets.
#[derive(Debug, Default)]
pub(crate) struct OAuth {
    applications: BTreeMap<ApplicationId, Application>,
    registered: u64,
    by_client_id: HashMap<String, ApplicationId>,
    pub(super) codes: HashMap<Arc<str>, Code>,
    pub(super) refresh_tokens: HashMap<Arc<str>, RefreshToken>,
    /// In the order of their numbers, which count from 1.
    grants: Vec<Grant>,
    of_token: HashMap<TokenId, GrantId>,
    /// The scopes that people (by their logins in small letters) have consented to.
    consents: BTreeMap<(ApplicationId, String), BTreeSet<String>>,
    pub(super) calls: Vec<RefreshCall>,
}

impl OAuth {
    pub(crate) fn application(&self, id: ApplicationId) -> Option<&Application> {
        self.applications.get(&id)
    }

    /// The application of this provider that calls itself so.
    pub(crate) fn by_client_id(&self, provider: Provider, client_id: &str) -> Option<(ApplicationId, &Application)> {
        let id = *self.by_client_id.get(client_id)?;
        let found = self.applications.get(&id).map(|application| (id, application));
        found.filter(|(_, application)| application.about.provider == provider)
    }

    pub(super) fn grant(&self, id: GrantId) -> Option<&Grant> {
        self.grants.get(place(id)?)
    }

    pub(super) fn grant_mut(&mut self, id: GrantId) -> Option<&mut Grant> {
        self.grants.get_mut(place(id)?)
    }

    pub(super) fn add_grant(&mut self, grant: Grant) -> GrantId {
        self.grants.push(grant);
        GrantId(self.grants.len() as u64)
    }

    /// Notes that this access token came of this grant.
    pub(super) fn add_token(&mut self, grant: GrantId, token: TokenId) {
        self.of_token.insert(token, grant);
        if let Some(grant) = self.grant_mut(grant) {
            grant.tokens.push(token);
        }
    }

    /// The client id of the application that this access token was given to.
    pub(crate) fn client_id_of(&self, token: TokenId) -> Option<&str> {
        let grant = self.grant(*self.of_token.get(&token)?)?;
        self.application(grant.application)
            .map(|application| application.client_id.as_str())
    }

    pub(super) fn consented(&self, application: ApplicationId, login: &str, scopes: &[String]) -> bool {
        let given = self.consents.get(&(application, login.to_ascii_lowercase()));
        given.is_some_and(|given| scopes.iter().all(|scope| given.contains(scope)))
    }

    pub(super) fn note_consent(&mut self, application: ApplicationId, login: &str, scopes: &[String]) {
        let given = self.consents.entry((application, login.to_ascii_lowercase()));
        given.or_default().extend(scopes.iter().cloned());
    }

    pub(crate) fn calls(&self) -> &[RefreshCall] {
        &self.calls
    }

    /// Forgets the attempts to refresh, and nothing else.
    pub(crate) fn clear_calls(&mut self) {
        self.calls.clear();
    }
}

fn place(id: GrantId) -> Option<usize> {
    usize::try_from(id.0).ok()?.checked_sub(1)
}

impl State {
    /// Registers an application, if its provider knows such a thing.
    pub(crate) fn create_application(&mut self, about: NewOAuthApplication) -> Option<OAuthApplication> {
        let rules = about.provider.oauth()?;
        let (client_id, client_secret) = format::client(about.provider);
        self.hide(&client_secret);
        self.oauth.registered += 1;
        let id = ApplicationId(self.oauth.registered);
        self.oauth.by_client_id.insert(client_id.clone(), id);
        let application = Application {
            client_id: client_id.clone(),
            client_secret: client_secret.clone(),
            about,
            rules,
        };
        self.oauth.applications.insert(id, application);
        Some(OAuthApplication {
            id,
            client_id,
            client_secret,
        })
    }

    pub(crate) fn change_application(
        &mut self,
        id: ApplicationId,
        change: OAuthApplicationChange,
    ) -> Result<(), UnknownOAuth> {
        if let Some(secret) = &change.client_secret {
            self.hide(secret);
        }
        let known = self.oauth.applications.get_mut(&id);
        let known = known.ok_or(UnknownOAuth::Application(id))?;
        replace(&mut known.client_secret, change.client_secret);
        let about = &mut known.about;
        replace(&mut about.redirect_uris, change.redirect_uris);
        replace(&mut about.scopes, change.scopes);
        replace(&mut about.access_lifetime, change.access_lifetime);
        replace(&mut about.refresh_lifetime, change.refresh_lifetime);
        replace(&mut about.expiring, change.expiring);
        replace(&mut about.refreshes, change.refreshes);
        replace(&mut about.require_pkce, change.require_pkce);
        replace(&mut about.send_iss, change.send_iss);
        replace(&mut about.grants, change.grants);
        Ok(())
    }

    /// Takes an application away, and with it all that it was granted.
    pub(crate) fn delete_application(&mut self, id: ApplicationId) -> Result<(), UnknownOAuth> {
        let removed = self.oauth.applications.remove(&id);
        let removed = removed.ok_or(UnknownOAuth::Application(id))?;
        self.oauth.by_client_id.remove(&removed.client_id);
        self.oauth.consents.retain(|(application, _), _| *application != id);
        self.kill_grants(|grant| grant.application == id);
        Ok(())
    }

    /// Ends a grant, as the person who gave it may on the provider's page: none of its tokens is worth anything any more.
    pub(crate) fn revoke_grant(&mut self, id: GrantId) -> Result<(), UnknownOAuth> {
        let grant = self.oauth.grant(id).cloned().ok_or(UnknownOAuth::Grant(id))?;
        self.forget_consent(&grant);
        self.kill_grant(id);
        Ok(())
    }

    /// Has the person asked again.
    fn forget_consent(&mut self, grant: &Grant) {
        let consent = (grant.application, grant.account.to_ascii_lowercase());
        self.oauth.consents.remove(&consent);
    }

    /// Ends all that this application was granted by the account that gave this grant.
    pub(crate) fn revoke_grants_like(&mut self, id: GrantId) {
        let Some(grant) = self.oauth.grant(id).cloned() else {
            return;
        };
        self.forget_consent(&grant);
        self.kill_grants(|other| {
            other.application == grant.application && other.account.eq_ignore_ascii_case(&grant.account)
        });
    }

    fn kill_grants(&mut self, ends: impl Fn(&Grant) -> bool) {
        let ids = (1..).map(GrantId).zip(&self.oauth.grants);
        let ending: Vec<GrantId> = ids.filter(|(_, grant)| ends(grant)).map(|(id, _)| id).collect();
        for id in ending {
            self.kill_grant(id);
        }
    }

    /// Ends a grant, with every access and refresh token that came of it.
    pub(crate) fn kill_grant(&mut self, id: GrantId) {
        let Some(grant) = self.oauth.grant_mut(id) else { return };
        grant.killed = true;
        for token in grant.tokens.clone() {
            // Tokens are never taken out of the state, so there is no failure to tell.
            _ = self.revoke_token(token);
        }
    }

    /// The grant of this application that this access or refresh token came of.
    pub(crate) fn grant_by_value(&self, application: ApplicationId, value: &str) -> Option<GrantId> {
        let provider = self.oauth.application(application)?.about.provider;
        let refresh = self.oauth.refresh_tokens.get(value).map(|token| token.grant);
        let found = refresh.or_else(|| {
            let access = self.token_of(provider, value).filter(|token| !token.revoked)?;
            self.oauth.of_token.get(&access.id).copied()
        });
        found.filter(|id| {
            self.oauth
                .grant(*id)
                .is_some_and(|grant| grant.application == application)
        })
    }

    /// All grants ever given, oldest first.
    pub(crate) fn grant_summaries(&self) -> Vec<GrantSummary> {
        let now = self.clock.now();
        let works = |id: &TokenId| self.token(*id).is_some_and(|token| token.works_at(now));
        let ids = (1..).map(GrantId).zip(&self.oauth.grants);
        ids.map(|(id, grant)| GrantSummary {
            id,
            application: grant.application,
            account: grant.account.clone(),
            scopes: grant.scopes.clone(),
            live_tokens: grant.tokens.iter().copied().filter(works).collect(),
            killed: grant.killed,
            refreshes: grant.refreshes,
        })
        .collect()
    }

    /// From now on this is struck out of the record.
    pub(super) fn hide(&mut self, secret: &str) -> Arc<str> {
        let secret: Arc<str> = secret.into();
        self.secrets.add(&secret, STRUCK_OUT);
        secret
    }
}
