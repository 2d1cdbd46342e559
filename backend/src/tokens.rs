//! The Git tokens of a person: checked live, stored sealed.

use crate::{
    Fault,
    access::Member,
    clock::Clock,
    egress::Egress,
    git_providers,
    keys::AccountKeys,
    providers::{self, Inquiry},
    random::{self, Random},
    store::{GitProviderRow, GitTokenRow, NewGitToken, RuntimeRow, Store},
    vault::Place,
};
use domain::{
    CheckId, CheckOutcome, FieldErrors, GitTokenId, Packed, ProviderKind, RuntimeId, SecretInput, TokenStatus, scope,
    token_format::{self, TokenFormat},
    view::{TokenRow, TokenView, TokensPage},
};
use secrecy::{ExposeSecret as _, SecretString};
use std::sync::Arc;

/// What a person can run into.
#[derive(Debug, thiserror::Error)]
pub enum TokenError {
    /// Fields to mend (fields `token` and `username`).
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
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The longest token that is taken, in bytes: Bitbucket's may be longer than 2,500 characters.
const MAX_TOKEN: usize = 8 * 1024;

/// The service.
#[derive(Clone)]
pub struct Tokens {
    store: Store,
    keys: AccountKeys,
    egress: Egress,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl Tokens {
    /// Wires the service.
    #[must_use]
    pub fn new(
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

    /// Everything the page *Git Personal Access Tokens* shows.
    pub async fn page(&self, member: &Member) -> Result<TokensPage, TokenError> {
        let providers = self.store.git_providers(member.account()).await?;
        let mut tokens = self.store.git_tokens_of(member.account(), member.user()).await?;
        let runtimes = self.store.runtimes(member.account()).await?;
        let rows = runtimes.into_iter().filter_map(|runtime| {
            // A runtime's Git provider cannot be deleted, so it is always there; it may be newer than the list.
            let provider = providers.iter().find(|row| row.id == runtime.git_provider)?;
            let mine = tokens
                .iter()
                .position(|token| token.runtime == runtime.id)
                .map(|at| tokens.swap_remove(at));
            Some(TokenRow {
                runtime: runtime.id,
                runtime_name: runtime.name,
                provider: git_providers::label(provider),
                required: scope::required(provider.kind, None),
                token: mine.map(|token| view(provider.kind, token)),
                actions: Packed::default(),
            })
        });
        Ok(TokensPage {
            rows: rows.collect(),
            now: self.clock.now(),
        })
    }

    /// Checks a token live and stores it for the person and the runtime, in place of the one that was there. A token
    /// that is not accepted changes nothing. `username` is what goes beside the token, if its provider asks for that.
    pub async fn put(
        &self,
        member: &Member,
        runtime: RuntimeId,
        token: &SecretInput,
        username: &str,
    ) -> Result<GitTokenId, TokenError> {
        let (runtime, provider) = self.usable(member, runtime).await?;
        let (secret, username) = read_form(token, username, provider.kind).map_err(TokenError::Invalid)?;
        let format = TokenFormat::of(secret.expose_secret());
        let outcome = self.ask(&provider, &secret, username.as_deref()).await;
        let findings = match outcome {
            CheckOutcome::Accepted(findings) if findings.status() != TokenStatus::MissingScopes => findings,
            outcome => {
                tracing::info!(user = %member.user(), runtime = %runtime.id, status = ?outcome.status(), "refused a token");
                return Err(TokenError::Refused {
                    kind: provider.kind,
                    format,
                    outcome,
                });
            }
        };
        let id = GitTokenId(self.uuid());
        let sealed = self.keys.seal(&place(member, id), &secret).await?;
        let new = NewGitToken {
            id,
            user: member.user(),
            runtime: runtime.id,
            sealed,
            fingerprint: self.keys.fingerprint(member.account(), &secret).await?,
            hint: token_format::hint(secret.expose_secret()),
            format: format.map(|format| format.name.to_owned()),
            username,
            findings,
            checked: (CheckId(self.uuid()), self.clock.now()),
        };
        self.store.put_git_token(member.account(), new).await?;
        tracing::info!(account = %member.account(), user = %member.user(), runtime = %runtime.id, token = %id, "stored a token");
        Ok(id)
    }

    /// Checks the stored token again and notes what came of it.
    pub async fn check(&self, member: &Member, runtime: RuntimeId) -> Result<CheckOutcome, TokenError> {
        let (runtime, provider) = self.usable(member, runtime).await?;
        let token = self
            .store
            .git_token_of(member.account(), member.user(), runtime.id)
            .await?
            .ok_or(TokenError::NotFound)?;
        let secret = self.keys.unseal(&place(member, token.id), &token.sealed).await?;
        let outcome = self.ask(&provider, &secret, token.username.as_deref()).await;
        let check = (CheckId(self.uuid()), self.clock.now());
        if !self
            .store
            .note_check(member.account(), token.id, check, &outcome)
            .await?
        {
            return Err(TokenError::NotFound);
        }
        tracing::info!(user = %member.user(), runtime = %runtime.id, token = %token.id, status = ?outcome.status(), "checked a token");
        Ok(outcome)
    }

    /// Deletes the person's token for the runtime.
    pub async fn delete(&self, member: &Member, runtime: RuntimeId) -> Result<(), TokenError> {
        if !self
            .store
            .delete_git_token(member.account(), member.user(), runtime)
            .await?
        {
            return Err(TokenError::NotFound);
        }
        tracing::info!(account = %member.account(), user = %member.user(), %runtime, "deleted a token");
        Ok(())
    }

    /// The runtime, which every member may use, with its Git provider.
    async fn usable(&self, member: &Member, id: RuntimeId) -> Result<(RuntimeRow, GitProviderRow), TokenError> {
        let runtime = self
            .store
            .runtime(member.account(), id)
            .await?
            .ok_or(TokenError::NotFound)?;
        let provider = self
            .store
            .git_provider(member.account(), runtime.git_provider)
            .await?
            .ok_or(TokenError::NotFound)?;
        Ok((runtime, provider))
    }

    async fn ask(&self, provider: &GitProviderRow, secret: &SecretString, username: Option<&str>) -> CheckOutcome {
        let inquiry = Inquiry {
            egress: &self.egress,
            base_url: &provider.base_url,
            api_url: &provider.api(),
            token: secret,
            format: TokenFormat::of(secret.expose_secret()),
            username,
            now: self.clock.now(),
        };
        providers::check(provider.kind, inquiry).await
    }

    fn uuid(&self) -> uuid::Uuid {
        random::uuid(self.random.as_ref(), self.clock.as_ref())
    }
}

/// Where a person's token is sealed to.
fn place(member: &Member, token: GitTokenId) -> Place {
    Place {
        account: member.account(),
        table: "git_tokens",
        row: token.0,
        column: "sealed",
        user: Some(member.user()),
    }
}

/// What a person sees of a token.
fn view(kind: ProviderKind, token: GitTokenRow) -> TokenView {
    let format = TokenFormat::of(&token.hint);
    let git_username = kind.git_username(format, token.username.as_deref(), &token.identity.login);
    TokenView {
        id: token.id,
        about: format!(
            "{}. Username for Git over HTTPS: {git_username}",
            token.format.as_deref().unwrap_or("Personal access token")
        ),
        hint: token.hint,
        username: token.username,
        identity: token.identity,
        scopes: token.scopes,
        status: token.status,
        sso_url: token.sso_url,
        expiry: token.expiry,
        checked_at: token.checked_at,
        setback: token.setback.map(|setback| setback.words(kind.name())),
    }
}

/// The token and what goes beside it, from what was typed.
fn read_form(
    token: &SecretInput,
    username: &str,
    kind: ProviderKind,
) -> Result<(SecretString, Option<String>), FieldErrors> {
    let mut errors = FieldErrors::default();
    let secret = errors.take("token", read_token(token, kind));
    let username = errors.take(
        "username",
        kind.read_username(TokenFormat::of(secret.expose_secret()), username),
    );
    errors.into_result()?;
    Ok((secret, username))
}

/// A token as pasted, without the white space that copying adds at its ends.
fn read_token(token: &SecretInput, kind: ProviderKind) -> Result<SecretString, String> {
    let text = token.expose().trim();
    if text.is_empty() {
        return Err("Paste the token.".to_owned());
    }
    if text.len() > MAX_TOKEN {
        return Err("This is too long for a token. Paste the token alone.".to_owned());
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(
            "A token is one word of letters, digits and signs. Copy it again, without anything around it.".to_owned(),
        );
    }
    match TokenFormat::recognise(text, kind).objection(kind) {
        Some(objection) => Err(objection),
        None => Ok(SecretString::from(text)),
    }
}
