//! A server that behaves as a Git provider does on the wire, for tests and the demo; never part of the product binary.
//!
//! It speaks for every [`Provider`] at once, each at the paths of its own API; accounts and repositories are the same at
//! all of them, a token belongs to one. GitHub, in GitHub Enterprise Server's layout, also has its web, under `/`; all but
//! Gerrit let people give tokens to applications (OAuth). A test
//! starts one in its own process with [`Forge::start`] and tells it what there is; a browser test runs the `forge`
//! binary and says the same through `/_control`. `README.md` has both on one page.

mod bitbucket_cloud;
mod bitbucket_data_center;
mod clock;
mod control;
mod credential;
mod faults;
mod front;
mod gerrit;
mod gitea;
mod github;
mod gitlab;
mod identity;
mod model;
mod oauth;
mod page;
mod paging;
mod provider;
mod recording;
mod secrets;
mod sign_in;
mod state;
mod token_format;
mod wire;

use std::net::SocketAddr;

use axum::{Router, middleware};
use time::OffsetDateTime;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub use crate::faults::{Fault, FaultId, FaultRule, FaultScope};
pub use crate::model::{
    Account, ExpiryHeader, IssuedToken, Level, NewToken, Repository, TokenChange, TokenChangeError, TokenId, TokenKind,
    TokenSummary, UnknownAccount,
};
pub use crate::oauth::{
    ApplicationId, GrantId, GrantSummary, IssuedGrant, NewOAuthApplication, NotApproved, NotGranted, OAuthApplication,
    OAuthApplicationChange, RefreshCall, RefreshOutcome, UnknownOAuth,
};
pub use crate::provider::Provider;
pub use crate::recording::RecordedRequest;
use crate::state::Shared;

/// A running forge. It stops when this is dropped.
#[derive(Debug)]
pub struct Forge {
    shared: Shared,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl Forge {
    /// Starts one on a free port of 127.0.0.1, with nothing in it.
    ///
    /// # Panics
    ///
    /// When no port can be had, which leaves a test nothing to do.
    pub async fn start() -> Self {
        Self::start_at(SocketAddr::from(([127, 0, 0, 1], 0)), None)
            .await
            .expect("a free port on 127.0.0.1")
    }

    /// Starts one at `address`. `public_url` is what its links begin with, when that is not `http://ADDRESS`.
    pub async fn start_at(address: SocketAddr, public_url: Option<&str>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let shared = Shared::new(&public_url.map_or_else(|| format!("http://{address}"), ToOwned::to_owned));
        let (stop, stopped) = oneshot::channel::<()>();
        let router = router(shared.clone());
        let server = tokio::spawn(async move {
            let end = async { _ = stopped.await };
            // Serving fails only by the listener, whose errors axum retries itself.
            _ = axum::serve(listener, router).with_graceful_shutdown(end).await;
        });
        Ok(Self {
            shared,
            address,
            stop: Some(stop),
            server: Some(server),
        })
    }

    /// The base URL to give to the product, without a slash at the end, such as `http://127.0.0.1:43211`.
    #[must_use]
    pub fn url(&self) -> String {
        self.shared.url.to_string()
    }

    /// The base URL of this provider: [`url`](Self::url) but for those that stand under a path of their own.
    #[must_use]
    pub fn url_of(&self, provider: Provider) -> String {
        self.shared.url_of(provider)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Stops it and waits until its port is closed: from then on the provider is down. Answers under way are finished.
    pub async fn stop(mut self) {
        self.stop.take();
        if let Some(server) = self.server.take() {
            // It failed only if it panicked, which the test that met the panic has seen already.
            _ = server.await;
        }
    }

    /// Waits until it ends by itself, which it does not: for the binary, which ends by a signal.
    pub async fn run(mut self) {
        if let Some(server) = self.server.take() {
            _ = server.await;
        }
    }

    /// Creates an account, or replaces it and keeps its number; gives the number.
    #[expect(clippy::must_use_candidate, reason = "most tests have no use for the number")]
    pub fn put_account(&self, login: &str, account: Account) -> u32 {
        self.shared.lock().put_account(login, account)
    }

    /// Makes a token. Its account must exist.
    pub fn create_token(&self, token: NewToken) -> Result<IssuedToken, UnknownAccount> {
        self.shared.lock().create_token(token)
    }

    /// Changes a token in place, as its owner may on the provider's page.
    pub fn change_token(&self, id: TokenId, change: TokenChange) -> Result<(), TokenChangeError> {
        self.shared.lock().change_token(id, change)
    }

    /// Revokes a token: it answers 401 from now on.
    pub fn revoke_token(&self, id: TokenId) -> Result<(), TokenChangeError> {
        self.shared.lock().revoke_token(id)
    }

    /// All tokens ever made, oldest first, also those that a browser made.
    #[must_use]
    pub fn tokens(&self) -> Vec<TokenSummary> {
        self.shared.lock().token_summaries()
    }

    /// Creates a repository, or replaces it.
    pub fn put_repository(&self, owner: &str, name: &str, repository: Repository) {
        self.shared.lock().put_repository(owner, name, repository);
    }

    /// Registers an application with a provider.
    ///
    /// # Panics
    ///
    /// At Gerrit, which knows no applications: a mistake in the test.
    #[must_use]
    pub fn create_oauth_application(&self, application: NewOAuthApplication) -> OAuthApplication {
        let registered = self.shared.lock().create_application(application);
        registered.expect("a provider that knows applications")
    }

    /// Changes an application in place, as its owner may on the provider's page.
    pub fn change_oauth_application(
        &self,
        id: ApplicationId,
        change: OAuthApplicationChange,
    ) -> Result<(), UnknownOAuth> {
        self.shared.lock().change_application(id, change)
    }

    /// Takes an application away: nobody knows it any more, and nothing that it was granted works.
    pub fn delete_oauth_application(&self, id: ApplicationId) -> Result<(), UnknownOAuth> {
        self.shared.lock().delete_application(id)
    }

    /// What the application would have got if this person had consented to these scopes in a browser. The person is asked
    /// nonetheless when the browser comes.
    pub fn issue_grant<S: Into<String>>(
        &self,
        application: ApplicationId,
        login: &str,
        scopes: impl IntoIterator<Item = S>,
    ) -> Result<IssuedGrant, NotGranted> {
        let scopes = scopes.into_iter().map(Into::into).collect();
        self.shared.lock().issue_grant(application, login, scopes)
    }

    /// Where a person is sent who signed in with this login at the page of `authorize_url` and consents: the redirect URI,
    /// with a code and the state, or with what is wrong with the request.
    pub fn approve(&self, authorize_url: &str, login: &str) -> Result<String, NotApproved> {
        oauth::approve(&self.shared, authorize_url, login)
    }

    /// Where a person is sent who does not consent.
    pub fn deny(&self, authorize_url: &str) -> Result<String, NotApproved> {
        oauth::deny(&self.shared, authorize_url)
    }

    /// All grants ever given, oldest first.
    #[must_use]
    pub fn grants(&self) -> Vec<GrantSummary> {
        self.shared.lock().grant_summaries()
    }

    /// Ends a grant, as the person who gave it may on the provider's page: all its tokens are worth nothing any more.
    pub fn revoke_grant(&self, id: GrantId) -> Result<(), UnknownOAuth> {
        self.shared.lock().revoke_grant(id)
    }

    /// The attempts to refresh since the record was last cleared, oldest first.
    #[must_use]
    pub fn refresh_calls(&self) -> Vec<RefreshCall> {
        self.shared.lock().oauth.calls().to_vec()
    }

    /// Adds a fault behind those in force.
    ///
    /// # Panics
    ///
    /// When the fault has a status that its kind never has: a mistake in the test.
    #[expect(clippy::must_use_candidate, reason = "most tests have no use for the number")]
    pub fn add_fault(&self, rule: FaultRule) -> FaultId {
        if let Err(reason) = rule.check() {
            panic!("{reason}");
        }
        self.shared.lock().faults.add(rule)
    }

    /// Takes all faults away.
    pub fn clear_faults(&self) {
        self.shared.lock().faults.clear();
    }

    /// Stops the clock at `now`, or lets it follow the machine again. Expiry is judged by this clock; delays are not.
    pub fn set_clock(&self, now: Option<OffsetDateTime>) {
        self.shared.lock().clock.set(now);
    }

    /// What was asked since the record was last cleared, oldest first.
    #[must_use]
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.lock().record.entries().to_vec()
    }

    /// Those of the [`requests`](Self::requests) that would change something through the API.
    #[must_use]
    pub fn writes(&self) -> Vec<RecordedRequest> {
        self.requests().into_iter().filter(|request| request.write).collect()
    }

    /// Clears the record, and that of the attempts to refresh.
    pub fn clear_requests(&self) {
        self.shared.lock().clear_record();
    }

    /// Forgets everything: accounts, tokens, applications, repositories, faults, the clock, the record, and who is signed in.
    pub fn reset(&self) {
        self.shared.lock().reset();
    }
}

/// The whole server: the providers behind the record and the faults, and the control beside them.
fn router(shared: Shared) -> Router {
    let front = middleware::from_fn_with_state(shared.clone(), front::layer);
    let providers = sign_in::router()
        .merge(oauth::router())
        .merge(github::router())
        .merge(gitlab::router())
        .merge(bitbucket_cloud::router())
        .merge(bitbucket_data_center::router())
        .merge(gitea::router())
        .merge(gerrit::router())
        .layer(front)
        .with_state(shared.clone());
    Router::new()
        .nest("/_control", control::router().with_state(shared))
        .fallback_service(providers)
}
