//! What a person sees of tokens.

use super::sharing::Sharing;
use crate::{
    git_providers,
    store::{GitProviderRow, GitTokenRow, RuntimeRow},
};
use domain::{
    Expiry, Packed, ProviderKind, RuntimeId, ScopeProfile, Timestamp,
    token_format::TokenFormat,
    view::{TokenRow, TokenView, TokensPage},
};

/// The page *Git Personal Access Tokens*. `profiles` are in the order of `providers`.
pub(super) fn tokens_page(
    now: Timestamp,
    providers: &[GitProviderRow],
    profiles: &[[ScopeProfile; 2]],
    runtimes: Vec<RuntimeRow>,
    tokens: Vec<GitTokenRow>,
) -> TokensPage {
    let sharing = Sharing::of(&runtimes, &tokens);
    let mut tokens = tokens;
    let rows = runtimes.into_iter().filter_map(|runtime| {
        // A runtime's Git provider cannot be deleted, so it is always there; it may be newer than the list.
        let at = providers.iter().position(|row| row.id == runtime.git_provider)?;
        let [profile, _] = profiles.get(at)?;
        let mine = tokens
            .iter()
            .position(|token| token.runtime == runtime.id)
            .map(|at| tokens.swap_remove(at));
        let shared = mine.as_ref().map(|mine| sharing.others(mine)).unwrap_or_default();
        Some(token_row(&providers[at], profile, &runtime, mine, shared))
    });
    TokensPage {
        rows: rows.collect(),
        now,
    }
}

/// One place for a token.
pub(super) fn token_row(
    provider: &GitProviderRow,
    profile: &ScopeProfile,
    runtime: &RuntimeRow,
    token: Option<GitTokenRow>,
    shared: Vec<(RuntimeId, String)>,
) -> TokenRow {
    TokenRow {
        runtime: runtime.id,
        runtime_name: runtime.name.clone(),
        provider: git_providers::label(provider),
        required: profile.required(None),
        actions: Packed::default(),
        token: token.map(|token| token_view(provider.kind, token, shared)),
    }
}

/// A stored token. `shared` are the other runtimes that it serves.
pub(crate) fn token_view(kind: ProviderKind, token: GitTokenRow, shared: Vec<(RuntimeId, String)>) -> TokenView {
    let format = TokenFormat::of(&token.hint);
    let git_username = kind.git_username(format, token.username.as_deref(), &token.identity.login);
    TokenView {
        id: token.id,
        about: format!(
            "{}. Username for Git over HTTPS: {git_username}",
            token.format.as_deref().unwrap_or("Personal access token")
        ),
        expiry: token.expiry(),
        expiry_note: expiry_note(kind, &token),
        entered: token
            .ends
            .entered
            .map(|end| end.rfc3339().chars().take_while(|c| *c != 'T').collect())
            .unwrap_or_default(),
        hint: token.hint,
        username: token.username,
        login: token.identity.login.clone(),
        identity: token.identity,
        scopes: token.scopes,
        chips: Vec::new(),
        status: token.status,
        sso_url: token.sso_url,
        checked_at: token.checked_at,
        setback: token.setback.map(|setback| setback.words(kind.name())),
        offers: kind.offers(format),
        rotation: token
            .rotation_note
            .filter(|note| note.is_of_interest(token.status))
            .map(|note| note.words(kind.name()))
            .unwrap_or_default(),
        shared,
    }
}

/// Where the expiry is from, or what contradicts it; empty when the provider told a date and nobody another one.
fn expiry_note(kind: ProviderKind, token: &GitTokenRow) -> String {
    let name = kind.name();
    let entered = token.ends.contradicted(token.accepted_at);
    match (token.expiry(), entered) {
        (Expiry::At(_) | Expiry::Never, Some(entered)) => format!("says {name}; {} was entered", entered.date()),
        (Expiry::At(_), None) if token.ends.told == Expiry::Unknown => format!("as entered, {name} does not tell"),
        (Expiry::At(_), None) => String::new(),
        (Expiry::Never, None) => format!("says {name}"),
        (Expiry::Unknown, Some(entered)) => {
            format!("{} was entered, but {name} took it after that", entered.date())
        }
        (Expiry::Unknown, None) => format!("{name} does not tell"),
    }
}
