//! The runtimes of an account, registered by its admins.

use crate::{
    Fault,
    access::{AccessError, Member},
    audit::{Action, Actor, AuditEvent},
    clock::Clock,
    git_providers,
    oauth::Authorizations,
    random::{self, Random},
    store::{self, GitProviderRow, RuntimeRow, Store},
    tokens,
};
use domain::{
    FieldErrors, GitProviderId, RuntimeId, UserId, field,
    view::{RuntimeView, RuntimesPage},
};
use std::sync::Arc;

/// What an admin can run into.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// Fields to mend.
    #[error("the form has errors")]
    Invalid(FieldErrors),
    /// No such runtime in this account.
    #[error("no such runtime")]
    NotFound,
    /// Not an admin.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The fields of the form.
#[derive(Clone, Debug, Default)]
pub struct RuntimeForm {
    /// Its name (field `name`).
    pub name: String,
    /// The id of its Git provider (field `provider`).
    pub provider: String,
    /// Whether its tokens are rotated before they end, where their provider can (field `rotate_tokens`).
    pub rotate_tokens: bool,
    /// Who answers for it (field `owner`): a member's id, or [`NO_OWNER`]. Without either it is whoever registers it, and stays who
    /// it is.
    pub owner: String,
}

/// The word for a runtime that the admins answer for together.
pub const NO_OWNER: &str = "admins";

/// The service.
#[derive(Clone)]
pub struct Runtimes {
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    authorizations: Arc<Authorizations>,
}

impl Runtimes {
    /// Wires the service.
    pub(crate) fn new(authorizations: Arc<Authorizations>) -> Self {
        let Authorizations {
            store, clock, random, ..
        } = Authorizations::clone(&authorizations);
        Self {
            store,
            clock,
            random,
            authorizations,
        }
    }

    /// Everything the page *Runtimes* shows.
    pub async fn page(&self, member: &Member) -> Result<RuntimesPage, RuntimeError> {
        member.require_admin()?;
        let account = member.account();
        let providers: Vec<_> = self
            .store
            .git_providers(account)
            .await?
            .iter()
            .map(|row| (row.id, git_providers::label(row)))
            .collect();
        let people = self.store.people_with_tokens(account).await?;
        let left = self.store.left_with_tokens(account).await?;
        let members = self.store.member_count(account).await?;
        let keys = self.store.access_key_counts(account).await?;
        let mut own = self.store.runtime_tokens(account).await?;
        let rows = self.store.runtimes(account).await?;
        let owners: Vec<_> = rows.iter().filter_map(|row| row.owner).collect();
        let names = self.store.names_of(&owners).await?;
        let sharing = tokens::Sharing::of(&rows, &own);
        let runtimes = rows.into_iter().filter_map(|row| {
            // A runtime's Git provider cannot be deleted, so it is always there; it may be newer than the list.
            let (_, provider_label) = providers.iter().find(|(id, _)| *id == row.git_provider)?.clone();
            let token = own
                .iter()
                .position(|token| token.runtime == row.id)
                .map(|at| own.swap_remove(at));
            let token = token.map(|token| {
                let shared = sharing.others(&token);
                tokens::token_view(provider_label.kind, token, shared)
            });
            Some(RuntimeView {
                id: row.id,
                name: row.name,
                provider: row.git_provider,
                provider_label,
                token,
                rotate_tokens: row.rotate_tokens,
                owner: row.owner.and_then(|owner| Some((owner, names.get(&owner)?.0.clone()))),
                tokens: people.get(&row.id).copied().unwrap_or_default(),
                left: left.get(&row.id).copied().unwrap_or_default(),
                members,
                keys: keys.get(&row.id).copied().unwrap_or_default(),
                created_at: row.created_at,
            })
        });
        Ok(RuntimesPage {
            now: self.clock.now(),
            runtimes: runtimes.collect(),
            providers,
        })
    }

    /// Who can answer for a runtime: the members, by name.
    pub async fn possible_owners(&self, member: &Member) -> Result<Vec<(UserId, String)>, RuntimeError> {
        member.require_admin()?;
        let members = self.store.members(member.account()).await?;
        Ok(members.into_iter().map(|row| (row.user, row.name)).collect())
    }

    /// Registers a runtime.
    pub async fn register(&self, member: &Member, form: RuntimeForm) -> Result<RuntimeId, RuntimeError> {
        member.require_admin()?;
        let id = RuntimeId(random::uuid(self.random.as_ref(), self.clock.as_ref()));
        let (row, provider) = self.read(member, id, &form, Some(member.user())).await?;
        let event = self.event(member, Action::RuntimeRegistered, &row, &provider);
        self.store
            .create_runtime(member.account(), row, event)
            .await
            .map_err(refused)?;
        tracing::info!(account = %member.account(), user = %member.user(), runtime = %id, "registered a runtime");
        Ok(id)
    }

    /// Changes one. Its Git provider can only be changed while no token is stored for it.
    pub async fn edit(&self, member: &Member, id: RuntimeId, form: RuntimeForm) -> Result<(), RuntimeError> {
        member.require_admin()?;
        let old = self.store.runtime(member.account(), id).await?;
        let old = old.ok_or(RuntimeError::NotFound)?;
        let (row, provider) = self.read(member, id, &form, old.owner).await?;
        let mut detail = about(&row);
        if row.owner != old.owner {
            let names = [old.owner, row.owner].into_iter().flatten().collect::<Vec<_>>();
            let names = self.store.names_of(&names).await?;
            let name = |owner: Option<UserId>| match owner {
                Some(owner) => names.get(&owner).map_or("nobody", |(name, _)| name).to_owned(),
                None => "the admins".to_owned(),
            };
            detail = format!("{detail}, owned by {} instead of {}", name(row.owner), name(old.owner));
        }
        let event = self
            .event(member, Action::RuntimeEdited, &row, &provider)
            .detail(detail);
        if !self
            .store
            .update_runtime(member.account(), &row, event)
            .await
            .map_err(refused)?
        {
            return Err(RuntimeError::Invalid(FieldErrors::one(
                "provider",
                "Tokens of the present Git provider are stored for this runtime. Delete them first, or register another \
                 runtime.",
            )));
        }
        tracing::info!(account = %member.account(), user = %member.user(), runtime = %id, "edited a runtime");
        Ok(())
    }

    /// Deletes one, with the tokens that are stored for it and its access keys. Providers are asked to take back those that came by OAuth, as far as they
    /// can: in the background, since there may be many.
    pub async fn delete(&self, member: &Member, id: RuntimeId) -> Result<(), RuntimeError> {
        member.require_admin()?;
        let account = member.account();
        let row = self.store.runtime(account, id).await?.ok_or(RuntimeError::NotFound)?;
        let provider = self.store.git_provider(account, row.git_provider).await?;
        let provider = provider.ok_or(RuntimeError::NotFound)?;
        let people = self.store.people_with_tokens(account).await?;
        let people = people.get(&id).copied().unwrap_or_default();
        let detail = format!("{} with the tokens of {people} people", about(&row));
        let event = self
            .event(member, Action::RuntimeDeleted, &row, &provider)
            .detail(detail);
        let grants = self.store.grants_for(account, id).await?;
        let deleted = |token, holder, hint: &str| {
            self.event(member, Action::TokenDeleted, &row, &provider)
                .token(token)
                .holder(holder)
                .detail(format!("{hint}, with the runtime"))
        };
        let revoked = |key: &str| {
            self.event(member, Action::AccessKeyRevoked, &row, &provider)
                .detail(format!("{key}, with the runtime"))
        };
        if !self.store.delete_runtime(account, id, event, deleted, revoked).await? {
            return Err(RuntimeError::NotFound);
        }
        let (authorizations, actor) = (self.authorizations.clone(), Actor::from(member));
        tokio::spawn(async move {
            for grant in grants {
                if let Err(fault) = authorizations.take_back(&grant, &actor).await {
                    tracing::error!(account = %grant.account, token = %grant.token, %fault, "a token was not revoked, since that could not be recorded");
                }
            }
        });
        tracing::info!(account = %member.account(), user = %member.user(), runtime = %id, "deleted a runtime with its tokens");
        Ok(())
    }

    fn event(&self, member: &Member, action: Action, row: &RuntimeRow, provider: &GitProviderRow) -> AuditEvent {
        AuditEvent::new(member, action, self.clock.now())
            .runtime(row.id, &row.name)
            .git_provider(provider.id, &provider.name)
            .detail(about(row))
    }

    async fn read(
        &self,
        member: &Member,
        id: RuntimeId,
        form: &RuntimeForm,
        owner: Option<UserId>,
    ) -> Result<(RuntimeRow, GitProviderRow), RuntimeError> {
        let mut errors = FieldErrors::default();
        let name = errors.take("name", field::runtime_name(&form.name));
        let git_provider = match form.provider.parse::<GitProviderId>() {
            Ok(id) => self.store.git_provider(member.account(), id).await?,
            Err(_) => None,
        };
        let git_provider = errors.take(
            "provider",
            git_provider
                .map(Some)
                .ok_or_else(|| "Choose the Git provider that the runtime uses.".to_owned()),
        );
        let owner = match form.owner.as_str() {
            "" => owner,
            NO_OWNER => None,
            id => {
                let chosen = match id.parse() {
                    Ok(user) if owner == Some(user) => Some(user),
                    Ok(user) => self.store.is_member(member.account(), user).await?.then_some(user),
                    Err(_) => None,
                };
                let chosen = chosen
                    .map(Some)
                    .ok_or_else(|| "Choose a member of the account, or the admins.".to_owned());
                errors.take("owner", chosen)
            }
        };
        errors.into_result().map_err(RuntimeError::Invalid)?;
        let git_provider = git_provider.ok_or(RuntimeError::NotFound)?;
        let row = RuntimeRow {
            id,
            git_provider: git_provider.id,
            name,
            rotate_tokens: form.rotate_tokens,
            oauth_application: None,
            owner,
            created_at: self.clock.now(),
        };
        Ok((row, git_provider))
    }
}

fn about(row: &RuntimeRow) -> String {
    let rotation = if row.rotate_tokens { ", tokens rotated" } else { "" };
    format!("{}{rotation}", row.name)
}

fn refused(fault: Fault) -> RuntimeError {
    if store::is_taken(&fault) {
        RuntimeError::Invalid(FieldErrors::one(
            "name",
            "Another runtime has this name. Choose another one.",
        ))
    } else if store::is_referenced(&fault) {
        RuntimeError::Invalid(FieldErrors::one(
            "provider",
            "This Git provider was just deleted. Choose another one.",
        ))
    } else {
        fault.into()
    }
}
