//! A person's way to the provider and back (RFC 6749, section 4.1; RFC 7636; RFC 9207; RFC 9700).
//!
//! The state that goes along is a secret of 256 bits, stored as a hash and bound to the browser's session, the person, the
//! runtime and the application. Whoever comes back takes it out of the database before anything else, so it works once.

use super::{Authorizations, NoPair, Pair};
use crate::{
    Fault,
    access::{Access, AccessError, Member, Session},
    audit::{Action, Actor, Outcome},
    random,
    revocation::Revoked,
    store::{GitProviderRow, OAuthApplicationRow, OAuthAttemptRow, OAuthQuestionRow, RuntimeRow},
    tokens::{Authorized, Foreign, TokenError, Tokens},
    vault::Place,
};
use domain::{AccountId, OAuthApplicationId, ProviderKind, RuntimeId, Scope, SecretInput, Timestamp, UserId};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::{sync::Arc, time::Duration};
use tokio::{sync::watch, time::sleep};
use url::Url;
use zeroize::Zeroizing;

/// How long a person may take at the provider, and to answer a question afterwards.
pub const LIFETIME: Duration = Duration::from_mins(10);
/// How many questions that nobody answered are dropped at once.
const BATCH: u64 = 100;
/// How often they are looked for.
const PERIOD: Duration = Duration::from_mins(1);

/// What can keep an authorisation from coming about.
#[derive(Debug, thiserror::Error)]
pub enum OAuthError {
    /// No such runtime, or nothing to answer.
    #[error("no such runtime or question")]
    NotFound,
    /// The runtime takes tokens only.
    #[error("no OAuth application is registered")]
    NoApplication,
    /// The address of the application's authorisation page is none.
    #[error("the application cannot be used")]
    Misconfigured,
    /// Nobody is signed in any more.
    #[error("signed out meanwhile")]
    SignedOut,
    /// The state is none that is waited for: used before, or never given out, or another application's or session's.
    #[error("not an authorisation that is waited for")]
    UnknownState,
    /// The person took too long.
    #[error("too late")]
    TooLate,
    /// The runtime uses another application by now.
    #[error("the application was changed meanwhile")]
    Changed,
    /// Somebody else than the provider answers in its name (RFC 9207).
    #[error("the answer names another issuer")]
    WrongIssuer,
    /// The person, or the provider, said no.
    #[error("denied")]
    Denied {
        /// Which kind of provider.
        kind: ProviderKind,
        /// The error code of RFC 6749, section 4.1.2.1.
        code: String,
    },
    /// The provider did not exchange the code for a token.
    #[error("no token")]
    NoToken {
        /// Which kind of provider.
        kind: ProviderKind,
        /// Why, as the end of a sentence.
        why: String,
    },
    /// The token was not taken.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// Not a member.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What the provider sends along with the person.
#[derive(Clone, Debug, Default)]
pub struct Callback {
    /// The code.
    pub code: SecretInput,
    /// The state.
    pub state: SecretInput,
    /// The error code, if there is no token.
    pub error: String,
    /// Who answers, if it says so.
    pub iss: String,
}

/// What became of an authorisation, and where the person goes from here.
#[derive(Debug)]
pub struct Returned {
    /// The account's part of the address, and the runtime, if it is known where the person came from.
    pub place: Option<(String, RuntimeId)>,
    /// What became of it.
    pub result: Result<Completed, OAuthError>,
}

/// An authorisation that brought a token.
#[derive(Debug)]
pub enum Completed {
    /// It is stored.
    Stored {
        /// Whose it is at the provider.
        login: String,
        /// What became of the one that was there, if its provider was asked to take it back.
        replaced: Option<Revoked>,
    },
    /// It belongs to an identity that was not expected; the person is asked.
    Asked,
}

/// What a person is asked after an authorisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// For which runtime.
    pub runtime: RuntimeId,
    /// The Git identity that the token belongs to.
    pub login: String,
    /// Why that is unexpected, as a sentence.
    pub why: String,
}

/// The service.
#[derive(Clone)]
pub struct OAuth {
    shared: Arc<Authorizations>,
    access: Access,
    tokens: Tokens,
}

/// A pair that waits for an answer, as it is sealed.
#[derive(Serialize, Deserialize)]
struct Waiting {
    access: SecretInput,
    refresh: Option<SecretInput>,
    access_ends: Option<Timestamp>,
    refresh_ends: Option<Timestamp>,
    scopes: Option<Vec<Scope>>,
    received: Timestamp,
    identity: String,
}

impl OAuth {
    /// Wires the service.
    pub(crate) fn new(shared: Arc<Authorizations>, access: Access, tokens: Tokens) -> Self {
        Self { shared, access, tokens }
    }

    /// Begins an authorisation: gives the provider's address where the person goes on.
    pub async fn begin(&self, session: &Session, member: &Member, runtime: RuntimeId) -> Result<Url, OAuthError> {
        let account = member.account();
        let (_, provider, application) = self.application_of(account, runtime).await?;
        let client = self
            .shared
            .client(account, &provider, &application)
            .await?
            .ok_or(OAuthError::NoApplication)?;
        let state = random::secret(self.shared.random.as_ref());
        let state_hash = hash(state.expose_secret());
        let verifier = client.server.pkce.then(|| random::secret(self.shared.random.as_ref()));
        let address = client
            .authorize_address(&state, verifier.as_ref())
            .map_err(|_| OAuthError::Misconfigured)?;
        let sealed = match &verifier {
            Some(verifier) => {
                let place = verifier_place(account, &state_hash, member.user());
                Some(self.shared.keys.seal(&place, verifier).await?)
            }
            None => None,
        };
        let now = self.shared.now();
        let row = OAuthAttemptRow {
            state_hash,
            account,
            user: member.user(),
            session_hash: session.token_hash().to_vec(),
            runtime,
            application: application.id,
            verifier: sealed,
            expires_at: now.plus(LIFETIME),
        };
        self.shared.store.begin_oauth_attempt(row, now).await?;
        tracing::info!(%account, user = %member.user(), %runtime, application = %application.id, "began an authorisation");
        Ok(address)
    }

    /// Ends it, when the person comes back to the callback of an application. What was begun is brought to its end also when the
    /// person does not wait for it: the code is used, and its token must not live on unseen.
    pub async fn complete(
        &self,
        session: Option<&Session>,
        application: OAuthApplicationId,
        callback: Callback,
    ) -> Returned {
        let (this, session) = (self.clone(), session.cloned());
        let task = tokio::spawn(async move { this.complete_now(session.as_ref(), application, callback).await });
        task.await.unwrap_or_else(|error| Returned {
            place: None,
            result: Err(broke_off(&error).into()),
        })
    }

    async fn complete_now(
        &self,
        session: Option<&Session>,
        application: OAuthApplicationId,
        callback: Callback,
    ) -> Returned {
        let taken = self
            .shared
            .store
            .take_oauth_attempt(&hash(callback.state.expose()))
            .await;
        let attempt = match taken {
            Ok(Some(attempt)) => attempt,
            Ok(None) => {
                let why = match session {
                    None => OAuthError::SignedOut,
                    Some(_) => OAuthError::UnknownState,
                };
                return Returned {
                    place: None,
                    result: Err(why),
                };
            }
            Err(fault) => {
                return Returned {
                    place: None,
                    result: Err(fault.into()),
                };
            }
        };
        let Some(session) = session else {
            return Returned {
                place: None,
                result: Err(OAuthError::SignedOut),
            };
        };
        // What is said goes to the person and the browser that began it, and to nobody else.
        let same = attempt.session_hash == session.token_hash() && attempt.user == session.user();
        if !same || attempt.application != application {
            tracing::warn!(account = %attempt.account, user = %attempt.user, "somebody else came back from an authorisation");
            return Returned {
                place: None,
                result: Err(OAuthError::UnknownState),
            };
        }
        let member = match self.access.member_of(session, attempt.account).await {
            Ok(member) => member,
            Err(error) => {
                return Returned {
                    place: None,
                    result: Err(error.into()),
                };
            }
        };
        let result = self.complete_for(&member, session, &attempt, callback).await;
        if let Err(error) = &result {
            tracing::info!(account = %attempt.account, user = %attempt.user, runtime = %attempt.runtime, %error, "an authorisation brought no token");
            if let Err(fault) = self.not_authorized(&member, &attempt, error).await {
                return Returned {
                    place: Some((member.slug().to_owned(), attempt.runtime)),
                    result: Err(fault.into()),
                };
            }
        }
        Returned {
            place: Some((member.slug().to_owned(), attempt.runtime)),
            result,
        }
    }

    async fn complete_for(
        &self,
        member: &Member,
        session: &Session,
        attempt: &OAuthAttemptRow,
        callback: Callback,
    ) -> Result<Completed, OAuthError> {
        if attempt.expires_at <= self.shared.now() {
            return Err(OAuthError::TooLate);
        }
        let account = attempt.account;
        let (runtime, provider, application) = self.application_of(account, attempt.runtime).await?;
        if application.id != attempt.application {
            return Err(OAuthError::Changed);
        }
        let client = self
            .shared
            .client(account, &provider, &application)
            .await?
            .ok_or(OAuthError::NoApplication)?;
        if !callback.iss.is_empty() && !is_issuer(&callback.iss, &provider, &client.authorize_url) {
            tracing::warn!(%account, git_provider = %provider.id, "an authorisation came back with another issuer");
            return Err(OAuthError::WrongIssuer);
        }
        if !callback.error.is_empty() || callback.code.is_blank() {
            let code = super::client::line(&callback.error)
                .chars()
                .take(60)
                .collect::<String>();
            return Err(OAuthError::Denied {
                kind: provider.kind,
                code,
            });
        }
        let verifier = match &attempt.verifier {
            Some(sealed) => {
                let place = verifier_place(account, &attempt.state_hash, attempt.user);
                Some(self.shared.keys.unseal(&place, sealed).await?)
            }
            None => None,
        };
        let code = SecretString::from(callback.code.expose());
        let about = self
            .shared
            .event(member, Action::TokenAuthorizing)
            .runtime(runtime.id, runtime.name)
            .git_provider(provider.id, &provider.name)
            .holder(Some(attempt.user));
        self.shared.store.record(account, about.clone()).await?;
        let unwanted = about.detail("not stored");
        let pair = client
            .exchange(&code, verifier.as_ref())
            .await
            .map_err(|why: NoPair| OAuthError::NoToken {
                kind: provider.kind,
                why: why.why(),
            })?;
        let authorized = Authorized {
            application: &application,
            pair: &pair,
            confirmed: "",
        };
        match self.tokens.put_authorized(member, attempt.runtime, authorized).await {
            Ok((login, replaced)) => Ok(Completed::Stored { login, replaced }),
            Err(TokenError::Foreign(foreign)) => match self.ask(attempt, session, &pair, &foreign).await {
                Ok(()) => Ok(Completed::Asked),
                Err(error) => {
                    self.shared
                        .recorded(account, unwanted, client.revoke(&pair.access))
                        .await?;
                    Err(error)
                }
            },
            Err(error) => {
                // A provider may give out a token again that is stored here.
                let fingerprint = self.shared.keys.fingerprint(account, &pair.access).await?;
                if self
                    .shared
                    .store
                    .git_tokens_with(account, &fingerprint)
                    .await?
                    .is_empty()
                {
                    let asked = client.revoke(&pair.access);
                    let revocation = self.shared.recorded(account, unwanted, asked).await?;
                    tracing::info!(%account, ?revocation, "revoked a token that was not taken");
                }
                Err(error.into())
            }
        }
    }

    /// What a person is asked about a runtime.
    pub async fn question(&self, member: &Member, runtime: RuntimeId) -> Result<Option<Asked>, OAuthError> {
        let row = self
            .shared
            .store
            .oauth_question(member.account(), member.user(), runtime)
            .await?;
        let now = self.shared.now();
        Ok(row.filter(|row| now < row.expires_at).map(|row| Asked {
            runtime,
            login: row.login,
            why: row.why,
        }))
    }

    /// Takes the person's word that the identity is meant so, and stores the token.
    pub async fn confirm(
        &self,
        session: &Session,
        member: &Member,
        runtime: RuntimeId,
    ) -> Result<(String, Option<Revoked>), OAuthError> {
        let row = self.take_question(session, member, runtime).await?;
        let (this, member) = (self.clone(), member.clone());
        let task = tokio::spawn(async move {
            let stored = this.store_confirmed(&member, &row).await;
            if stored.is_err() {
                this.drop_pair(&row, Actor::from(&member)).await;
            }
            stored
        });
        task.await.unwrap_or_else(|error| Err(broke_off(&error).into()))
    }

    async fn store_confirmed(
        &self,
        member: &Member,
        row: &OAuthQuestionRow,
    ) -> Result<(String, Option<Revoked>), OAuthError> {
        let (pair, identity) = self.open(row).await?;
        let (_, _, application) = self.application_of(row.account, row.runtime).await?;
        if application.id != row.application {
            return Err(OAuthError::Changed);
        }
        let authorized = Authorized {
            application: &application,
            pair: &pair,
            confirmed: &identity,
        };
        Ok(self.tokens.put_authorized(member, row.runtime, authorized).await?)
    }

    /// Drops the token that waits, and has the provider take it back.
    pub async fn decline(&self, session: &Session, member: &Member, runtime: RuntimeId) -> Result<(), OAuthError> {
        let row = self.take_question(session, member, runtime).await?;
        let name = self.shared.store.runtime(row.account, runtime).await?;
        let name = name.map(|runtime| runtime.name).unwrap_or_default();
        let event = self
            .shared
            .event(member, Action::TokenDeclined)
            .runtime(runtime, name)
            .holder(Some(row.user))
            .detail(format!("of {}", row.login));
        self.shared.store.record(row.account, event).await?;
        self.drop_pair(&row, member.into()).await;
        Ok(())
    }

    /// Drops what nobody answered in time, every minute until `stop`.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            if let Err(fault) = self.drop_unanswered(self.shared.now()).await {
                tracing::error!(%fault, "tokens that nobody wanted could not be dropped");
            }
            tokio::select! {
                () = sleep(PERIOD) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
    }

    /// Drops what nobody answered in time. Meant to be called every few minutes.
    pub async fn drop_unanswered(&self, now: Timestamp) -> Result<usize, Fault> {
        let mut dropped = 0;
        for row in self.shared.store.unanswered_oauth_questions(now, BATCH).await? {
            if self.shared.store.take_oauth_question(row.id).await? {
                self.drop_pair(&row, Actor::Patchbay).await;
                dropped += 1;
            }
        }
        Ok(dropped)
    }

    /// The person asks the admins for an OAuth application; `false` if that was done before.
    pub async fn request_application(&self, member: &Member, runtime: RuntimeId) -> Result<bool, OAuthError> {
        let account = member.account();
        let runtime = self
            .shared
            .store
            .runtime(account, runtime)
            .await?
            .ok_or(OAuthError::NotFound)?;
        let at = self.shared.now();
        let store = &self.shared.store;
        let provider = store.git_provider(account, runtime.git_provider).await?;
        let provider = provider.ok_or(OAuthError::NotFound)?;
        let event = self
            .shared
            .event(member, Action::OAuthApplicationRequested)
            .runtime(runtime.id, runtime.name)
            .git_provider(provider.id, provider.name);
        Ok(store
            .request_oauth_application(account, provider.id, member.user(), at, event)
            .await?)
    }

    async fn application_of(
        &self,
        account: AccountId,
        runtime: RuntimeId,
    ) -> Result<(RuntimeRow, GitProviderRow, OAuthApplicationRow), OAuthError> {
        let store = &self.shared.store;
        let runtime = store.runtime(account, runtime).await?.ok_or(OAuthError::NotFound)?;
        let application = runtime.oauth_application.ok_or(OAuthError::NoApplication)?;
        let application = store
            .oauth_application(account, application)
            .await?
            .ok_or(OAuthError::NoApplication)?;
        let provider = store
            .git_provider(account, runtime.git_provider)
            .await?
            .ok_or(OAuthError::NotFound)?;
        Ok((runtime, provider, application))
    }

    /// Records that an authorisation brought no token.
    async fn not_authorized(
        &self,
        member: &Member,
        attempt: &OAuthAttemptRow,
        error: &OAuthError,
    ) -> Result<(), Fault> {
        let store = &self.shared.store;
        let runtime = store.runtime(attempt.account, attempt.runtime).await?;
        let why = match error {
            OAuthError::Denied { code, .. } => format!("denied: {code}"),
            OAuthError::NoToken { why, .. } => why.clone(),
            other => other.to_string(),
        };
        let outcome = match error {
            OAuthError::Denied { .. } | OAuthError::Token(TokenError::Refused { .. } | TokenError::Misplaced(_)) => {
                Outcome::Refused
            }
            _ => Outcome::Failed,
        };
        let event = self
            .shared
            .event(member, Action::TokenNotAuthorized)
            .runtime(attempt.runtime, runtime.map(|row| row.name).unwrap_or_default())
            .holder(Some(attempt.user))
            .outcome(outcome)
            .detail(why);
        store.record(attempt.account, event).await
    }

    async fn ask(
        &self,
        attempt: &OAuthAttemptRow,
        session: &Session,
        pair: &Pair,
        foreign: &Foreign,
    ) -> Result<(), OAuthError> {
        let id = self.shared.uuid();
        let input = |secret: &SecretString| SecretInput::from(secret.expose_secret().to_owned());
        let waiting = Waiting {
            access: input(&pair.access),
            refresh: pair.refresh.as_ref().map(input),
            access_ends: pair.access_ends,
            refresh_ends: pair.refresh_ends,
            scopes: pair.scopes.clone(),
            received: pair.received,
            identity: foreign.identity.id.clone(),
        };
        let json = serde_json::to_string(&waiting).map_err(|error| Fault::Stored(error.to_string()))?;
        let place = question_place(attempt.account, id, attempt.user);
        let row = OAuthQuestionRow {
            id,
            account: attempt.account,
            user: attempt.user,
            session_hash: session.token_hash().to_vec(),
            runtime: attempt.runtime,
            application: attempt.application,
            sealed: self.shared.keys.seal(&place, &SecretString::from(json)).await?,
            login: foreign.identity.login.clone(),
            why: foreign.why.words(),
            expires_at: self.shared.now().plus(LIFETIME),
        };
        if let Some(old) = self.shared.store.ask_oauth_question(row).await? {
            self.drop_pair(&old, Actor::Patchbay).await;
        }
        Ok(())
    }

    async fn take_question(
        &self,
        session: &Session,
        member: &Member,
        runtime: RuntimeId,
    ) -> Result<OAuthQuestionRow, OAuthError> {
        let store = &self.shared.store;
        let row = store
            .oauth_question(member.account(), member.user(), runtime)
            .await?
            .filter(|row| row.session_hash == session.token_hash())
            .ok_or(OAuthError::NotFound)?;
        if row.expires_at <= self.shared.now() {
            return Err(OAuthError::TooLate);
        }
        if !store.take_oauth_question(row.id).await? {
            return Err(OAuthError::NotFound);
        }
        Ok(row)
    }

    async fn open(&self, row: &OAuthQuestionRow) -> Result<(Pair, String), Fault> {
        let place = question_place(row.account, row.id, row.user);
        let json = self.shared.keys.unseal(&place, &row.sealed).await?;
        let waiting: Waiting =
            serde_json::from_str(json.expose_secret()).map_err(|error| Fault::Stored(error.to_string()))?;
        let secret = |input: &SecretInput| SecretString::from(input.expose());
        let pair = Pair {
            access: secret(&waiting.access),
            refresh: waiting.refresh.as_ref().map(secret),
            access_ends: waiting.access_ends,
            refresh_ends: waiting.refresh_ends,
            scopes: waiting.scopes,
            received: waiting.received,
        };
        Ok((pair, waiting.identity))
    }

    /// Has the provider take back a token that nobody wants. Nothing depends on it.
    async fn drop_pair(&self, row: &OAuthQuestionRow, actor: Actor) {
        let dropped = async {
            let store = &self.shared.store;
            let Some(application) = store.oauth_application(row.account, row.application).await? else {
                return Ok(());
            };
            let Some(provider) = store.git_provider(row.account, application.git_provider).await? else {
                return Ok(());
            };
            let (pair, _) = self.open(row).await?;
            if let Some(client) = self.shared.client(row.account, &provider, &application).await? {
                let runtime = store.runtime(row.account, row.runtime).await?;
                let about = self
                    .shared
                    .event(actor, Action::TokenRevoking)
                    .runtime(row.runtime, runtime.map(|runtime| runtime.name).unwrap_or_default())
                    .git_provider(provider.id, &provider.name)
                    .holder(Some(row.user))
                    .detail(format!("of {}, not stored", row.login));
                let asked = client.revoke(&pair.access);
                let revocation = self.shared.recorded(row.account, about, asked).await?;
                tracing::info!(account = %row.account, user = %row.user, ?revocation, "dropped a token that nobody wanted");
            }
            Ok::<_, Fault>(())
        };
        if let Err(fault) = dropped.await {
            tracing::error!(account = %row.account, %fault, "a token that nobody wanted could not be revoked");
        }
    }
}

fn broke_off(error: &tokio::task::JoinError) -> Fault {
    Fault::Stored(format!("an authorisation broke off: {error}"))
}

/// Whether this names the provider as the issuer: its base URL, or for GitHub what its documents have, or the host of an
/// authorisation page that an admin entered.
fn is_issuer(iss: &str, provider: &GitProviderRow, authorize_url: &str) -> bool {
    let iss = iss.trim_end_matches('/');
    let base = provider.base_url.trim_end_matches('/');
    let origin = Url::parse(authorize_url).map(|url| url.origin().ascii_serialization());
    iss == base || iss == format!("{base}/login/oauth") || origin.is_ok_and(|origin| iss == origin)
}

fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(Zeroizing::new(secret.to_owned()).as_bytes()).to_vec()
}

/// Where the verifier of an attempt is sealed to. The row's key is a hash, of which the first half stands for the row.
fn verifier_place(account: AccountId, state_hash: &[u8], user: UserId) -> Place {
    let mut row = [0; 16];
    row.copy_from_slice(&state_hash[..16]);
    Place {
        account,
        table: "oauth_attempts",
        row: uuid::Uuid::from_bytes(row),
        column: "sealed_verifier",
        user: Some(user),
    }
}

fn question_place(account: AccountId, row: uuid::Uuid, user: UserId) -> Place {
    Place {
        account,
        table: "oauth_questions",
        row,
        column: "sealed",
        user: Some(user),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_provider_itself_is_the_issuer() {
        let provider = GitProviderRow {
            id: domain::GitProviderId(uuid::Uuid::nil()),
            kind: ProviderKind::GitHub,
            name: "GitHub".to_owned(),
            base_url: "https://git.acme.dev/scm".to_owned(),
            api_url: None,
            allow_unverified: false,
            created_at: Timestamp::from_seconds(0),
            applications_made: 0,
        };
        let is = |iss| is_issuer(iss, &provider, "https://login.acme.dev/authorize");
        assert!(is("https://git.acme.dev/scm") && is("https://git.acme.dev/scm/"));
        assert!(is("https://git.acme.dev/scm/login/oauth") && is("https://login.acme.dev"));
        for other in [
            "",
            "https://git.acme.dev",
            "https://git.acme.dev.evil.example/scm",
            "https://evil.example",
        ] {
            assert!(!is(other), "{other}");
        }
    }
}
