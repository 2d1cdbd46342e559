//! What a person sees of tokens.

use super::sharing::Sharing;
use crate::{
    Fault,
    access::Member,
    git_providers,
    store::{GitProviderRow, GitTokenRow, GrantRow, OAuthApplicationRow, RuntimeRow, Store},
};
use domain::{
    Expiry, GitProviderId, GitTokenId, Offers, ProviderKind, RuntimeId, ScopeProfile, Timestamp,
    oauth::RevocationWay,
    token_format::TokenFormat,
    view::{Method, TokenRow, TokenView, TokensPage},
};

/// What is known of OAuth where a person's tokens are shown.
pub(super) struct KnownOAuth {
    applications: Vec<OAuthApplicationRow>,
    grants: Vec<GrantRow>,
    asked: Vec<GitProviderId>,
}

impl KnownOAuth {
    pub(super) async fn of(store: &Store, member: &Member) -> Result<Self, Fault> {
        let account = member.account();
        let requests = store.oauth_requests(account).await?;
        Ok(Self {
            applications: store.oauth_applications(account).await?,
            grants: store.grants_of(account, Some(member.user())).await?,
            asked: requests
                .into_iter()
                .filter(|request| request.user == member.user())
                .map(|request| request.git_provider)
                .collect(),
        })
    }

    fn method(&self, provider: &GitProviderRow, runtime: &RuntimeRow) -> Method {
        if provider.kind.authorization_server().is_none() {
            return Method::NotOffered;
        }
        let application = self
            .applications
            .iter()
            .find(|application| Some(application.id) == runtime.oauth_application);
        match application {
            Some(application) => Method::Application(application.name.clone()),
            None if self
                .applications
                .iter()
                .any(|application| application.git_provider == provider.id) =>
            {
                Method::TokensOnly
            }
            None => Method::NotRegistered {
                asked: self.asked.contains(&provider.id),
            },
        }
    }

    fn grant(&self, token: GitTokenId) -> Option<&GrantRow> {
        self.grants.iter().find(|grant| grant.token == token)
    }
}

/// The page *Git Personal Access Tokens*. `profiles` are in the order of `providers`.
pub(super) fn tokens_page(
    now: Timestamp,
    providers: &[GitProviderRow],
    profiles: &[[ScopeProfile; 2]],
    runtimes: Vec<RuntimeRow>,
    tokens: Vec<GitTokenRow>,
    oauth: &KnownOAuth,
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
        Some(token_row(&providers[at], profile, &runtime, (mine, shared), oauth))
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
    (token, shared): (Option<GitTokenRow>, Vec<(RuntimeId, String)>),
    oauth: &KnownOAuth,
) -> TokenRow {
    TokenRow {
        runtime: runtime.id,
        runtime_name: runtime.name.clone(),
        provider: git_providers::label(provider),
        required: profile.required(None),
        method: oauth.method(provider, runtime),
        token: token.map(|token| match oauth.grant(token.id) {
            Some(grant) => authorized_view(grant, token),
            None => token_view(provider.kind, token, shared),
        }),
        used_at: None,
        muted: false,
    }
}

/// A stored OAuth token.
fn authorized_view(grant: &GrantRow, token: GitTokenRow) -> TokenView {
    let kind = grant.provider.kind;
    let view = token_view(kind, token, Vec::new());
    let by = match &grant.application {
        Some(application) => format!("OAuth token, authorized by {}", application.name),
        None => "OAuth token".to_owned(),
    };
    let git_username = kind.git_username(None, None, &view.identity.login);
    // Without its application nobody may ask for that.
    let revocation = grant.application.as_ref().is_some_and(|application| {
        let server = kind.authorization_server();
        application.revoke_url.is_some() || server.is_some_and(|server| server.revocation != RevocationWay::None)
    });
    TokenView {
        about: format!("{by}. Username for Git over HTTPS: {git_username}"),
        expiry_note: match (
            &grant.note,
            grant.refresh.is_some() && grant.due.is_some(),
            grant.refresh_ends,
        ) {
            (None, true, Some(end)) => format!("refreshed automatically; without that it would end on {}", end.date()),
            (None, true, None) => "refreshed automatically".to_owned(),
            (None, false, _) if grant.access_ends.is_some() => {
                format!("{} gave nothing to refresh it with", kind.name())
            }
            _ => String::new(),
        },
        oauth: true,
        offers: Offers {
            rotation: false,
            revocation,
        },
        rotation: grant
            .note
            .as_ref()
            .map(|note| note.words(kind.name()))
            .unwrap_or_default(),
        ..view
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
        identity: token.identity,
        scopes: token.scopes,
        status: token.status,
        sso_url: token.sso_url,
        checked_at: token.checked_at,
        setback: token.setback.map(|setback| setback.words(kind.name())),
        oauth: token.oauth,
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
