//! OAuth 2: people authorise access at their Git provider, and what they authorised is refreshed.
//!
//! `applications` is the admins' side, `flow` the person's way to the provider and back, `refresh` keeps alive what came of it.
//! What they share stands here: an application with its secret opened, and taking a token back.

mod applications;
mod client;
mod doctor;
mod flow;
mod refresh;

pub use applications::{
    ApplicationForm, ApplicationView, NextApplication, OAuthApplicationError, OAuthApplications, ProviderApplications,
    RuntimeMethod,
};
pub use flow::{Asked, Callback, Completed, LIFETIME as AUTHORIZATION_LIFETIME, OAuth, OAuthError, Returned};
pub use refresh::{LEASE as REFRESH_LEASE, Live, Refresh, RefreshRun};

pub(crate) use client::{Client, NoPair, Pair};
pub(crate) use refresh::{Standing, check_new};

use crate::{
    Fault,
    audit::{Action, Actor, AuditEvent},
    clock::Clock,
    egress::Egress,
    keys::AccountKeys,
    random::{self, Random},
    revocation::{self, Revoked},
    store::{GitProviderRow, GrantRow, OAuthApplicationRow, Store},
    vault::Place,
};
use domain::{AccountId, GitTokenId, OAuthApplicationId, Revocation, Timestamp, UserId, oauth::AuthorizationServer};
use secrecy::SecretString;
use std::sync::Arc;
use url::Url;

/// Everything that OAuth needs of the server, and what its parts share.
#[derive(Clone)]
pub(crate) struct Authorizations {
    pub(crate) store: Store,
    pub(crate) keys: AccountKeys,
    pub(crate) egress: Egress,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    /// Where people reach Patchbay.
    pub(crate) public_url: Url,
}

impl Authorizations {
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn uuid(&self) -> uuid::Uuid {
        random::uuid(self.random.as_ref(), self.clock.as_ref())
    }

    pub(crate) fn event(&self, actor: impl Into<Actor>, action: Action) -> AuditEvent {
        AuditEvent::new(actor, action, self.clock.now())
    }

    /// What was done with an OAuth token, for the record.
    pub(crate) fn token_event(&self, actor: Actor, action: Action, grant: &GrantRow) -> AuditEvent {
        self.event(actor, action)
            .runtime(grant.runtime, &grant.runtime_name)
            .git_provider(grant.provider.id, &grant.provider.name)
            .token(grant.token)
            .holder(grant.user)
    }

    /// Where a provider sends people back to, for an application.
    pub(crate) fn callback_url(&self, application: OAuthApplicationId) -> String {
        format!("{}oauth/callback/{application}", self.public_url)
    }

    /// An application at its provider, with its secret opened. `None` where the kind has no authorisation server.
    pub(crate) async fn client<'a>(
        &'a self,
        account: AccountId,
        provider: &'a GitProviderRow,
        application: &'a OAuthApplicationRow,
    ) -> Result<Option<Client<'a>>, Fault> {
        let Some(server) = provider.kind.authorization_server() else {
            return Ok(None);
        };
        let secret = self
            .keys
            .unseal(&secret_place(account, application.id), &application.secret)
            .await?;
        Ok(Some(self.client_with(server, provider, application, secret)))
    }

    fn client_with<'a>(
        &'a self,
        server: &'static AuthorizationServer,
        provider: &'a GitProviderRow,
        application: &'a OAuthApplicationRow,
        secret: SecretString,
    ) -> Client<'a> {
        let base_url = &provider.base_url;
        let given = |url: &Option<String>, follows: String| url.clone().unwrap_or(follows);
        Client {
            egress: &self.egress,
            kind: provider.kind,
            server,
            api_url: provider.api(),
            id: &application.client_id,
            secret,
            authorize_url: given(&application.authorize_url, server.authorize_url(base_url)),
            token_url: given(&application.token_url, server.token_url(base_url)),
            revoke_url: application.revoke_url.clone().or_else(|| server.revoke_url(base_url)),
            redirect_uri: self.callback_url(application.id),
            scopes: &application.scopes,
            now: self.now(),
        }
    }

    /// Has the provider take an OAuth token back, that one alone, and tells what became of it. It fails only where that cannot be
    /// recorded: that a person wants a token gone does not depend on anything else.
    pub(crate) async fn take_back(&self, grant: &GrantRow, actor: &Actor) -> Result<Revoked, Fault> {
        let about = self
            .token_event(actor.clone(), Action::TokenRevoking, grant)
            .detail(grant.hint.clone());
        let asked = async {
            self.revoke(grant).await.unwrap_or_else(|fault| {
                tracing::error!(account = %grant.account, token = %grant.token, %fault, "a token could not be revoked");
                Revocation::Failed("Patchbay could not open it".to_owned())
            })
        };
        let outcome = self.recorded(grant.account, about, asked).await?;
        tracing::info!(account = %grant.account, token = %grant.token, ?outcome, "asked to revoke an OAuth token");
        let server = grant.provider.kind.authorization_server();
        let page = server.map_or_else(String::new, |server| {
            server.authorizations_url(&grant.provider.base_url)
        });
        Ok(Revoked {
            words: outcome.words(grant.provider.kind.name(), &page),
            outcome,
        })
    }

    /// Has a provider take a token back, and records that.
    pub(crate) async fn recorded(
        &self,
        account: AccountId,
        about: AuditEvent,
        revoke: impl Future<Output = Revocation>,
    ) -> Result<Revocation, Fault> {
        // On the heap: the futures of whole authorisations hold it.
        Box::pin(revocation::recorded(
            (&self.store, self.clock.as_ref()),
            account,
            about,
            revoke,
        ))
        .await
    }

    async fn revoke(&self, grant: &GrantRow) -> Result<Revocation, Fault> {
        let Some(application) = &grant.application else {
            return Ok(Revocation::NotOffered);
        };
        let place = crate::credentials::place(grant.account, grant.token, grant.user);
        let token = self.keys.unseal(&place, &grant.sealed).await?;
        match self.client(grant.account, &grant.provider, application).await? {
            Some(client) => Ok(client.revoke(&token).await),
            None => Ok(Revocation::NotOffered),
        }
    }
}

/// Where an application's client secret is sealed to.
fn secret_place(account: AccountId, application: OAuthApplicationId) -> Place {
    Place {
        account,
        table: "oauth_applications",
        row: application.0,
        column: "sealed_secret",
        user: None,
    }
}

/// Where the refresh token of a token is sealed to.
pub(crate) fn refresh_place(account: AccountId, token: GitTokenId, user: Option<UserId>) -> Place {
    Place {
        account,
        table: "oauth_grants",
        row: token.0,
        column: "sealed_refresh",
        user,
    }
}
