//! The OAuth applications of an account, which its admins register, and which runtime uses which.

use super::{Authorizations, secret_place};
use crate::{
    Fault,
    access::{AccessError, Member},
    audit::{Action, AuditEvent},
    git_providers,
    store::{self, GitProviderRow, OAuthApplicationRow},
};
use domain::{
    FieldErrors, GitProviderId, HolderKind, OAuthApplicationId, RuntimeId, Scope, SecretInput, Timestamp,
    doctor::Finding, field, oauth::Registration, profile, scope::joined, token_format::has_token, view::ProviderLabel,
};
use secrecy::SecretString;
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use uuid::Uuid;

/// The longest client id and secret that are taken, in bytes.
const MAX_CREDENTIAL: usize = 1024;

/// What an admin can run into.
#[derive(Debug, thiserror::Error)]
pub enum OAuthApplicationError {
    /// Fields to mend.
    #[error("the form has errors")]
    Invalid(FieldErrors),
    /// No such application, Git provider or runtime in this account.
    #[error("no such OAuth application")]
    NotFound,
    /// Somebody registered an application with this callback URL meanwhile.
    #[error("the callback URL is taken")]
    CallbackTaken,
    /// Not an admin.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The fields of the form.
#[derive(Clone, Debug, Default)]
pub struct ApplicationForm {
    /// Its name (field `name`; empty: that of the Git provider).
    pub name: String,
    /// The client id (field `client_id`).
    pub client_id: String,
    /// The client secret (field `client_secret`; empty when editing: the stored one stays).
    pub client_secret: SecretInput,
    /// The scopes that it asks for, with commas between them (field `scopes`).
    pub scopes: String,
    /// Where people authorise (field `authorize_url`; empty: follows from the base URL).
    pub authorize_url: String,
    /// Where codes are exchanged (field `token_url`; empty: follows).
    pub token_url: String,
    /// Where tokens are taken back (field `revoke_url`; empty: follows).
    pub revoke_url: String,
    /// The date on which the secret ends, as `2027-01-20`; may be empty (field `secret_ends_on`).
    pub secret_ends_on: String,
    /// The ids of the runtimes that use it from now on (fields `runtimes[]`; only when registering).
    pub runtimes: Vec<String>,
}

/// An application as an admin sees it: everything but the secret.
#[derive(Clone, Debug)]
pub struct ApplicationView {
    /// Which.
    pub id: OAuthApplicationId,
    /// Its name.
    pub name: String,
    /// The client id.
    pub client_id: String,
    /// The scopes that it asks for.
    pub scopes: Vec<Scope>,
    /// Where people authorise, codes are exchanged and tokens taken back, as far as that was entered.
    pub urls: [Option<String>; 3],
    /// When the secret ends, as far as that was entered.
    pub secret_ends: Option<Timestamp>,
    /// The callback URL.
    pub callback_url: String,
    /// What the last test found, and when.
    pub test: Option<(Timestamp, Vec<Finding>)>,
}

/// A runtime and how people authorise access for it.
#[derive(Clone, Debug)]
pub struct RuntimeMethod {
    /// The runtime.
    pub runtime: RuntimeId,
    /// Its name.
    pub name: String,
    /// By which application; `None`: by tokens only.
    pub application: Option<OAuthApplicationId>,
}

/// The OAuth side of a Git provider.
#[derive(Clone, Debug)]
pub struct ProviderApplications {
    /// The Git provider.
    pub id: GitProviderId,
    /// What it is.
    pub label: ProviderLabel,
    /// Its applications, by name.
    pub applications: Vec<ApplicationView>,
    /// Its runtimes, by name.
    pub runtimes: Vec<RuntimeMethod>,
    /// Who asked for an application, the first first, and when.
    pub requests: Vec<(String, Timestamp)>,
    /// What the next application needs; `None` where the kind has no OAuth 2.
    pub next: Option<NextApplication>,
}

/// What is known of an application before it is registered.
#[derive(Clone, Debug)]
pub struct NextApplication {
    /// Its id.
    pub id: OAuthApplicationId,
    /// The callback URL to enter at the provider.
    pub callback_url: String,
    /// How one registers it there.
    pub registration: Registration,
    /// The scopes that it should ask for.
    pub scopes: Vec<Scope>,
}

/// The service.
#[derive(Clone)]
pub struct OAuthApplications {
    pub(super) shared: Arc<Authorizations>,
}

impl OAuthApplications {
    /// Wires the service.
    pub(crate) const fn new(shared: Arc<Authorizations>) -> Self {
        Self { shared }
    }

    /// The moment for which what it shows is true.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.now()
    }

    /// The OAuth side of every Git provider of the account, by name.
    pub async fn page(&self, member: &Member) -> Result<Vec<ProviderApplications>, OAuthApplicationError> {
        member.require_admin()?;
        let account = member.account();
        let store = &self.shared.store;
        let providers = store.git_providers(account).await?;
        let profiles = store.scope_profiles(&providers).await?;
        let applications = store.oauth_applications(account).await?;
        let runtimes = store.runtimes(account).await?;
        let requests = store.oauth_requests(account).await?;
        let page = providers.iter().zip(&profiles).map(|(provider, [profile, _])| {
            let next = provider.kind.authorization_server().map(|server| {
                let id = next_id(provider);
                NextApplication {
                    id,
                    callback_url: self.shared.callback_url(id),
                    registration: server.registration(&provider.base_url),
                    scopes: profile.required_by_oauth(),
                }
            });
            ProviderApplications {
                id: provider.id,
                label: git_providers::label(provider),
                applications: applications
                    .iter()
                    .filter(|row| row.git_provider == provider.id)
                    .map(|row| self.view(row))
                    .collect(),
                runtimes: runtimes
                    .iter()
                    .filter(|runtime| runtime.git_provider == provider.id)
                    .map(|runtime| RuntimeMethod {
                        runtime: runtime.id,
                        name: runtime.name.clone(),
                        application: runtime.oauth_application,
                    })
                    .collect(),
                requests: requests
                    .iter()
                    .filter(|request| request.git_provider == provider.id)
                    .map(|request| (request.name.clone(), request.at))
                    .collect(),
                next,
            }
        });
        Ok(page.collect())
    }

    /// Registers an application whose id, and so whose callback URL, was shown before.
    pub async fn register(
        &self,
        member: &Member,
        provider: GitProviderId,
        id: OAuthApplicationId,
        form: &ApplicationForm,
    ) -> Result<(), OAuthApplicationError> {
        member.require_admin()?;
        let account = member.account();
        let provider = self.provider(member, provider).await?;
        if id != next_id(&provider) {
            return Err(OAuthApplicationError::CallbackTaken);
        }
        let mut errors = FieldErrors::default();
        let secret = errors.take(
            "client_secret",
            credential(form.client_secret.expose(), "client secret"),
        );
        let read = self.read(form, &provider, None, &mut errors);
        let runtimes: Vec<RuntimeId> = form.runtimes.iter().filter_map(|id| id.parse().ok()).collect();
        errors.into_result().map_err(OAuthApplicationError::Invalid)?;
        let sealed = self
            .shared
            .keys
            .seal(&secret_place(account, id), &SecretString::from(secret))
            .await?;
        let row = OAuthApplicationRow {
            id,
            secret: sealed,
            ..read
        };
        let event = self.event(member, Action::OAuthApplicationRegistered, &row, &provider);
        let made = provider.applications_made;
        let stored = self
            .shared
            .store
            .create_oauth_application(account, row, made, &runtimes, event)
            .await
            .map_err(name_taken)?;
        if !stored {
            return Err(OAuthApplicationError::CallbackTaken);
        }
        tracing::info!(%account, user = %member.user(), application = %id, "registered an OAuth application");
        Ok(())
    }

    /// Changes one. An empty secret leaves the stored one as it is.
    pub async fn edit(
        &self,
        member: &Member,
        id: OAuthApplicationId,
        form: &ApplicationForm,
    ) -> Result<(), OAuthApplicationError> {
        member.require_admin()?;
        let account = member.account();
        let old = self.application(member, id).await?;
        let provider = self.provider(member, old.git_provider).await?;
        let mut errors = FieldErrors::default();
        let secret = if form.client_secret.is_blank() {
            None
        } else {
            Some(errors.take(
                "client_secret",
                credential(form.client_secret.expose(), "client secret"),
            ))
        };
        let read = self.read(form, &provider, old.secret_ends, &mut errors);
        self.refuse_to_move(member, &old, &read, secret.is_none(), &mut errors)
            .await?;
        errors.into_result().map_err(OAuthApplicationError::Invalid)?;
        let sealed = match secret {
            Some(secret) => {
                let place = secret_place(account, id);
                Some(self.shared.keys.seal(&place, &SecretString::from(secret)).await?)
            }
            None => None,
        };
        let row = OAuthApplicationRow { id, ..read };
        let event = self.event(member, Action::OAuthApplicationEdited, &row, &provider);
        let stored = self
            .shared
            .store
            .update_oauth_application(account, row, sealed, event)
            .await
            .map_err(name_taken)?;
        if !stored {
            return Err(OAuthApplicationError::NotFound);
        }
        // What could not be refreshed may be now.
        let now = self.shared.now();
        self.shared.store.try_refresh_again(account, id, None, now).await?;
        tracing::info!(%account, user = %member.user(), application = %id, "edited an OAuth application");
        Ok(())
    }

    /// Refuses another client or other addresses while tokens depend on the application: the one would lose them, and to the others
    /// they would be sent. The secret goes to no other address unless it is entered again.
    async fn refuse_to_move(
        &self,
        member: &Member,
        old: &OAuthApplicationRow,
        new: &OAuthApplicationRow,
        keeps_secret: bool,
        errors: &mut FieldErrors,
    ) -> Result<(), OAuthApplicationError> {
        let moved = [
            ("client_id", old.client_id != new.client_id),
            ("token_url", old.token_url != new.token_url),
            ("revoke_url", old.revoke_url != new.revoke_url),
        ];
        let Some((field, _)) = moved.into_iter().find(|(_, moved)| *moved) else {
            return Ok(());
        };
        if self
            .shared
            .store
            .tokens_of_application(member.account(), old.id)
            .await?
            > 0
        {
            let message = "Tokens depend on this application as it is. Register another one instead, and choose it for the runtimes.";
            errors.take::<()>(field, Err(message.to_owned()));
        } else if keeps_secret && field != "client_id" {
            let message = "Enter the client secret again: it would be sent to the new address.";
            errors.take::<()>("client_secret", Err(message.to_owned()));
        }
        Ok(())
    }

    /// Whose tokens stop being refreshed when an application is deleted: people and runtimes by name.
    pub async fn holders(
        &self,
        member: &Member,
        id: OAuthApplicationId,
    ) -> Result<Vec<(String, String)>, OAuthApplicationError> {
        member.require_admin()?;
        Ok(self.shared.store.holders_of_application(member.account(), id).await?)
    }

    /// Deletes one. The runtimes that use it take tokens only from then on.
    pub async fn delete(&self, member: &Member, id: OAuthApplicationId) -> Result<(), OAuthApplicationError> {
        member.require_admin()?;
        let account = member.account();
        let row = self.application(member, id).await?;
        let provider = self.provider(member, row.git_provider).await?;
        let event = self.event(member, Action::OAuthApplicationDeleted, &row, &provider);
        if !self.shared.store.delete_oauth_application(account, id, event).await? {
            return Err(OAuthApplicationError::NotFound);
        }
        tracing::info!(%account, user = %member.user(), application = %id, "deleted an OAuth application");
        Ok(())
    }

    /// Chooses by which application people authorise access for a runtime; `None`: by tokens only. Tokens that are stored keep
    /// working.
    pub async fn choose(
        &self,
        member: &Member,
        runtime: RuntimeId,
        application: Option<OAuthApplicationId>,
    ) -> Result<(), OAuthApplicationError> {
        member.require_admin()?;
        let account = member.account();
        let store = &self.shared.store;
        let row = store
            .runtime(account, runtime)
            .await?
            .ok_or(OAuthApplicationError::NotFound)?;
        let name = match application {
            Some(id) => self.application(member, id).await?.name,
            None => "tokens only".to_owned(),
        };
        let provider = self.provider(member, row.git_provider).await?;
        let event = self
            .shared
            .event(member, Action::RuntimeMethodChosen)
            .runtime(runtime, &row.name)
            .git_provider(provider.id, provider.name)
            .detail(format!("{}: {name}", row.name));
        if !store
            .choose_oauth_application(account, runtime, application, event)
            .await?
        {
            return Err(OAuthApplicationError::NotFound);
        }
        tracing::info!(%account, user = %member.user(), %runtime, "chose how people authorise access");
        Ok(())
    }

    pub(super) async fn application(
        &self,
        member: &Member,
        id: OAuthApplicationId,
    ) -> Result<OAuthApplicationRow, OAuthApplicationError> {
        let row = self.shared.store.oauth_application(member.account(), id).await?;
        row.ok_or(OAuthApplicationError::NotFound)
    }

    pub(super) async fn provider(
        &self,
        member: &Member,
        id: GitProviderId,
    ) -> Result<GitProviderRow, OAuthApplicationError> {
        let row = self.shared.store.git_provider(member.account(), id).await?;
        row.ok_or(OAuthApplicationError::NotFound)
    }

    fn view(&self, row: &OAuthApplicationRow) -> ApplicationView {
        ApplicationView {
            id: row.id,
            name: row.name.clone(),
            client_id: row.client_id.clone(),
            scopes: row.scopes.clone(),
            urls: [&row.authorize_url, &row.token_url, &row.revoke_url].map(Clone::clone),
            secret_ends: row.secret_ends,
            callback_url: self.shared.callback_url(row.id),
            test: row.test.clone(),
        }
    }

    /// What was typed, without id and secret.
    /// The end of a secret may stay what it was, also when that has passed.
    fn read(
        &self,
        form: &ApplicationForm,
        provider: &GitProviderRow,
        ends: Option<Timestamp>,
        errors: &mut FieldErrors,
    ) -> OAuthApplicationRow {
        let name = if form.name.trim().is_empty() {
            provider.name.clone()
        } else {
            errors.take("name", field::name(&form.name, "a name"))
        };
        let mut address = |field: &str, typed: &str| {
            let typed = typed.trim();
            (!typed.is_empty()).then(|| errors.take(field, field::web_address(typed)))
        };
        let [authorize_url, token_url, revoke_url] = [
            address("authorize_url", &form.authorize_url),
            address("token_url", &form.token_url),
            address("revoke_url", &form.revoke_url),
        ];
        let now = self.shared.now();
        OAuthApplicationRow {
            id: OAuthApplicationId(Uuid::nil()),
            git_provider: provider.id,
            name,
            client_id: errors.take("client_id", credential(&form.client_id, "client id")),
            secret: crate::vault::Sealed::from(Vec::new()),
            scopes: errors.take("scopes", profile::read_scopes(&form.scopes)),
            authorize_url,
            token_url,
            revoke_url,
            secret_ends: match ends {
                Some(end) if end.iso_date() == form.secret_ends_on.trim() => Some(end),
                _ => errors.take("secret_ends_on", secret_end(&form.secret_ends_on, now)),
            },
            created_at: now,
            test: None,
        }
    }

    pub(super) fn event(
        &self,
        member: &Member,
        action: Action,
        row: &OAuthApplicationRow,
        provider: &GitProviderRow,
    ) -> AuditEvent {
        self.shared
            .event(member, action)
            .git_provider(provider.id, &provider.name)
            .detail(format!(
                "{}, client id {}, scopes {}",
                row.name,
                row.client_id,
                joined(&row.scopes)
            ))
    }

    /// The scopes that people's tokens need at a Git provider.
    pub(super) async fn required(&self, provider: &GitProviderRow) -> Result<Vec<Scope>, Fault> {
        let profile = self.shared.store.scope_profile(provider, HolderKind::User).await?;
        Ok(profile.required_by_oauth())
    }
}

/// The id of the application that is registered next for a Git provider: it follows from the count of those before it, so that
/// its callback URL can be shown, and is the same at every look, before there is anything to store.
fn next_id(provider: &GitProviderRow) -> OAuthApplicationId {
    let mut hash = Sha256::new();
    hash.update(provider.id.0.as_bytes());
    hash.update(provider.applications_made.to_be_bytes());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    OAuthApplicationId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

/// A client id or secret as pasted, without the white space that copying adds at its ends.
fn credential(typed: &str, what: &str) -> Result<String, String> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(format!("Paste the {what}."));
    }
    if has_token(typed) {
        return Err(format!(
            "This looks like a token or an access key. Paste the {what} of the OAuth application."
        ));
    }
    if typed.len() > MAX_CREDENTIAL || !typed.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(format!(
            "A {what} is one word of letters, digits and signs. Copy it again, without anything around it."
        ));
    }
    Ok(typed.to_owned())
}

/// The date on which a client secret ends.
fn secret_end(typed: &str, now: Timestamp) -> Result<Option<Timestamp>, String> {
    crate::tokens::read_end(typed, now)
        .map_err(|_| "Write a date to come, as in 2027-01-20, or leave it empty if the secret does not end.".to_owned())
}

fn name_taken(fault: Fault) -> OAuthApplicationError {
    if store::is_taken(&fault) {
        OAuthApplicationError::Invalid(FieldErrors::one(
            "name",
            "Another OAuth application of this Git provider has this name. Choose another one.",
        ))
    } else {
        fault.into()
    }
}
