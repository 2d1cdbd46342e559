//! The Git providers of an account, registered by its admins.

use crate::{
    Fault,
    access::{AccessError, Member},
    audit::{Action, AuditEvent},
    clock::Clock,
    random::{self, Random},
    store::{self, ChosenScopes, GitProviderRow, Store},
};
use domain::{
    FieldErrors, GitProviderId, HolderKind, ProviderKind, ScopeProfile, field, profile, provider, scope,
    view::{ProviderLabel, ProviderView, ProvidersPage},
};
use std::sync::Arc;

/// What an admin can run into.
#[derive(Debug, thiserror::Error)]
pub enum GitProviderError {
    /// Fields to mend.
    #[error("the form has errors")]
    Invalid(FieldErrors),
    /// No such Git provider in this account.
    #[error("no such Git provider")]
    NotFound,
    /// Runtimes use it, so it cannot be deleted.
    #[error("runtimes use it")]
    InUse {
        /// Their names.
        runtimes: Vec<String>,
    },
    /// Not an admin.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The fields of the form.
#[derive(Clone, Debug, Default)]
pub struct GitProviderForm {
    /// Its kind, as [`domain::ProviderKind::as_str`] writes it (field `kind`; not read when editing).
    pub kind: String,
    /// Its name (field `name`; empty: the host).
    pub name: String,
    /// Its base URL (field `base_url`).
    pub base_url: String,
    /// Its API base (field `api_url`; empty: follows from the base URL).
    pub api_url: String,
    /// Whether tokens are taken whose permissions cannot be verified (field `allow_unverified`).
    pub allow_unverified: bool,
}

/// The scopes of one sort of tokens, as an admin typed them.
#[derive(Clone, Debug)]
pub struct TypedScopes {
    /// For whose tokens.
    pub holder: HolderKind,
    /// For which sort, by its word.
    pub sort: String,
    /// The scopes, with commas between them.
    pub scopes: String,
}

/// The service.
#[derive(Clone)]
pub struct GitProviders {
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl GitProviders {
    /// Wires the service.
    #[must_use]
    pub fn new(store: Store, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { store, clock, random }
    }

    /// Everything the page *Git authentication* shows.
    pub async fn page(&self, member: &Member) -> Result<ProvidersPage, GitProviderError> {
        member.require_admin()?;
        let rows = self.store.git_providers(member.account()).await?;
        let runtimes = self.store.runtimes(member.account()).await?;
        let providers = rows.into_iter().map(|row| ProviderView {
            id: row.id,
            label: label(&row),
            api_url: row.api(),
            api_url_given: row.api_url.is_some(),
            allow_unverified: row.allow_unverified,
            runtimes: runtimes
                .iter()
                .filter(|r| r.git_provider == row.id)
                .map(|r| r.name.clone())
                .collect(),
            created_at: row.created_at,
        });
        Ok(ProvidersPage {
            now: self.clock.now(),
            providers: providers.collect(),
        })
    }

    /// Registers a Git provider.
    pub async fn register(&self, member: &Member, form: GitProviderForm) -> Result<GitProviderId, GitProviderError> {
        member.require_admin()?;
        let kind = ProviderKind::from_word(&form.kind).ok_or_else(|| {
            GitProviderError::Invalid(FieldErrors::one("kind", "Choose the kind of the Git provider."))
        })?;
        let id = GitProviderId(random::uuid(self.random.as_ref(), self.clock.as_ref()));
        let row = self.read(id, kind, &form)?;
        let event = self.event(member, Action::GitProviderRegistered, &row);
        self.store
            .create_git_provider(member.account(), row, event)
            .await
            .map_err(name_taken)?;
        tracing::info!(account = %member.account(), user = %member.user(), git_provider = %id, "registered a Git provider");
        Ok(id)
    }

    /// Changes one. Its base URL and API base can only be changed while no token is stored for it.
    pub async fn edit(
        &self,
        member: &Member,
        id: GitProviderId,
        form: GitProviderForm,
    ) -> Result<(), GitProviderError> {
        member.require_admin()?;
        let old = self
            .store
            .git_provider(member.account(), id)
            .await?
            .ok_or(GitProviderError::NotFound)?;
        let row = self.read(id, old.kind, &form)?;
        let action = match (old.allow_unverified, row.allow_unverified) {
            (false, true) => Action::UnverifiedAllowed,
            (true, false) => Action::UnverifiedRefused,
            _ => Action::GitProviderEdited,
        };
        let event = self.event(member, action, &row);
        if !self
            .store
            .update_git_provider(member.account(), &row, event)
            .await
            .map_err(name_taken)?
        {
            let tokens = self.store.tokens_of_git_provider(member.account(), id).await?;
            let field = if old.base_url == row.base_url {
                "api_url"
            } else {
                "base_url"
            };
            let stored = match tokens {
                0 => "An OAuth application with its secret is".to_owned(),
                1 => "1 token is".to_owned(),
                tokens => format!("{tokens} tokens are"),
            };
            let first = if tokens == 0 {
                "delete that"
            } else {
                "delete the tokens"
            };
            return Err(GitProviderError::Invalid(FieldErrors::one(
                field,
                format!(
                    "{stored} stored for this address and would be sent to the new one. Register the new address as another \
                     Git provider, or {first} first."
                ),
            )));
        }
        tracing::info!(account = %member.account(), user = %member.user(), git_provider = %id, "edited a Git provider");
        Ok(())
    }

    /// Deletes one that no runtime uses.
    pub async fn delete(&self, member: &Member, id: GitProviderId) -> Result<(), GitProviderError> {
        member.require_admin()?;
        let Some(row) = self.store.git_provider(member.account(), id).await? else {
            return Err(GitProviderError::NotFound);
        };
        let event = self.event(member, Action::GitProviderDeleted, &row);
        match self.store.delete_git_provider(member.account(), id, event).await {
            Ok(true) => {
                tracing::info!(account = %member.account(), user = %member.user(), git_provider = %id, "deleted a Git provider");
                Ok(())
            }
            Ok(false) => Err(GitProviderError::NotFound),
            Err(fault) if store::is_referenced(&fault) => Err(GitProviderError::InUse {
                runtimes: self.store.runtimes_of_git_provider(member.account(), id).await?,
            }),
            Err(fault) => Err(fault.into()),
        }
    }

    fn read(
        &self,
        id: GitProviderId,
        kind: ProviderKind,
        form: &GitProviderForm,
    ) -> Result<GitProviderRow, GitProviderError> {
        let mut errors = FieldErrors::default();
        let base_url = field::web_address(&form.base_url).and_then(|address| kind.base_url(address));
        let base_url = errors.take("base_url", base_url);
        let given = form.api_url.trim();
        let api_url = if given.is_empty() {
            None
        } else {
            Some(errors.take("api_url", field::web_address(given)))
        };
        let name = if form.name.trim().is_empty() {
            provider::host(&base_url)
        } else {
            errors.take("name", field::name(&form.name, "a name"))
        };
        errors.into_result().map_err(GitProviderError::Invalid)?;
        // What follows anyway is not kept as given, so that it keeps following.
        let api_url = api_url.filter(|url| *url != kind.api_url(&base_url));
        Ok(GitProviderRow {
            id,
            kind,
            name,
            base_url,
            api_url,
            allow_unverified: form.allow_unverified,
            created_at: self.clock.now(),
            applications_made: 0,
        })
    }

    /// What tokens need at a Git provider: for people's tokens, and for runtime tokens.
    pub async fn profiles(
        &self,
        member: &Member,
        id: GitProviderId,
    ) -> Result<(ProviderLabel, [ScopeProfile; 2]), GitProviderError> {
        member.require_admin()?;
        let row = self
            .store
            .git_provider(member.account(), id)
            .await?
            .ok_or(GitProviderError::NotFound)?;
        let profiles = self.store.scope_profiles(std::slice::from_ref(&row)).await?;
        let profiles = profiles.into_iter().next().ok_or(GitProviderError::NotFound)?;
        Ok((label(&row), profiles))
    }

    /// Changes what tokens need at a Git provider. Tokens that are stored are judged by it at their next check. Errors stand at
    /// the fields `scopes[<holder>-<sort>]`. What equals the default follows the default again.
    pub async fn choose_scopes(
        &self,
        member: &Member,
        id: GitProviderId,
        typed: &[TypedScopes],
    ) -> Result<(), GitProviderError> {
        member.require_admin()?;
        let row = self
            .store
            .git_provider(member.account(), id)
            .await?
            .ok_or(GitProviderError::NotFound)?;
        let mut errors = FieldErrors::default();
        let mut chosen = Vec::new();
        let mut detail = Vec::new();
        for typed in typed {
            let sort = row.kind.sorts().iter().find(|sort| sort.word == typed.sort);
            let sort = sort.ok_or(GitProviderError::NotFound)?;
            let field = format!("{}-{}", typed.holder.as_str(), sort.word);
            let scopes = errors.take(&format!("scopes[{field}]"), profile::read_scopes(&typed.scopes));
            detail.push(format!("{field}: {}", scope::joined(&scopes)));
            let standard = profile::standard(sort, typed.holder) == scopes;
            chosen.push(ChosenScopes {
                holder: typed.holder,
                sort: sort.word,
                scopes: (!standard).then_some(scopes),
            });
        }
        errors.into_result().map_err(GitProviderError::Invalid)?;
        let event = self
            .event(member, Action::ScopeProfileEdited, &row)
            .detail(detail.join("; "));
        if !self.store.choose_scopes(member.account(), id, chosen, event).await? {
            return Err(GitProviderError::NotFound);
        }
        tracing::info!(account = %member.account(), user = %member.user(), git_provider = %id, "edited scope profiles");
        Ok(())
    }

    fn event(&self, member: &Member, action: Action, row: &GitProviderRow) -> AuditEvent {
        AuditEvent::new(member, action, self.clock.now())
            .git_provider(row.id, &row.name)
            .detail(about(row))
    }
}

fn about(row: &GitProviderRow) -> String {
    let unverified = if row.allow_unverified { "allowed" } else { "refused" };
    format!("{} at {}; unverified tokens {unverified}", row.name, row.base_url)
}

/// What a member sees of a Git provider.
pub(crate) fn label(row: &GitProviderRow) -> ProviderLabel {
    ProviderLabel {
        kind: row.kind,
        name: row.name.clone(),
        base_url: row.base_url.clone(),
        host: provider::host(&row.base_url),
    }
}

fn name_taken(fault: Fault) -> GitProviderError {
    if store::is_taken(&fault) {
        GitProviderError::Invalid(FieldErrors::one(
            "name",
            "Another Git provider has this name. Choose another one.",
        ))
    } else {
        fault.into()
    }
}
