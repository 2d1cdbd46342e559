//! The address at which an application gets tokens: who asks, and for what. The answer's words are each provider's own.

use axum::body::Bytes;
use axum::http::HeaderMap;

use super::model::{ApplicationId, IssuedGrant, RefreshOutcome};
use super::rules::ClientProof;
use crate::credential::{self, Scheme};
use crate::provider::Provider;
use crate::state::{Shared, State};
use crate::wire::field;

/// Why there are no tokens.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Refusal {
    /// This `grant_type` is not there; it is empty when none was named.
    GrantType(String),
    /// This parameter is missing.
    Missing(&'static str),
    /// The application did not say who it is, or not in the way that this provider understands.
    NoClient,
    /// No application of this provider has this id.
    UnknownClient(String),
    /// The secret is not the application's; with a refresh token, that is [`RefreshOutcome::WrongClient`].
    WrongSecret,
    /// There never was such a code.
    UnknownCode,
    /// The code was used before.
    UsedCode,
    /// The code was not used in time.
    ExpiredCode,
    /// The code was given to another application.
    OtherApplicationsCode,
    /// The code was asked for with another redirect URI.
    RedirectUri,
    /// The verifier is missing, wrong, or one that no challenge asked for.
    Verifier,
    /// The refresh token is worth nothing, for this reason.
    Refresh(RefreshOutcome),
}

/// Gives what is asked for, and remembers that it did.
pub(crate) fn redeem(
    shared: &Shared,
    provider: Provider,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<IssuedGrant, Refusal> {
    let Some(rules) = provider.oauth() else {
        return Err(Refusal::NoClient);
    };
    let mut state = shared.lock();
    let client = client(&state, provider, headers, body);
    let named = field(body, "grant_type").unwrap_or_default();
    let redirect_uri = field(body, "redirect_uri");
    match named.as_str() {
        "refresh_token" => {
            let token = field(body, "refresh_token").ok_or(Refusal::Missing("refresh_token"))?;
            let client = client.inspect_err(|_| state.note_refresh_by_nobody(&token));
            let client = client.map_err(|refusal| match refusal {
                Refusal::WrongSecret => Refusal::Refresh(RefreshOutcome::WrongClient),
                other => other,
            })?;
            state.refresh(client, &token, redirect_uri.as_deref())
        }
        "authorization_code" | "" if !(named.is_empty() && rules.names_types) => {
            let client = client?;
            let code = field(body, "code").ok_or(Refusal::Missing("code"))?;
            let verifier = field(body, "code_verifier");
            state.redeem_code(client, &code, redirect_uri.as_deref(), verifier.as_deref())
        }
        _ => Err(Refusal::GrantType(named)),
    }
}

/// The application that asks, when it proves who it is in a way that this provider understands.
pub(crate) fn client(
    state: &State,
    provider: Provider,
    headers: &HeaderMap,
    body: &Bytes,
) -> Result<ApplicationId, Refusal> {
    let proof = provider.oauth().ok_or(Refusal::NoClient)?.client;
    let basic = credential::presented(headers).filter(|presented| presented.scheme == Scheme::Basic);
    let basic = basic.and_then(|presented| Some((presented.username?, presented.secret)));
    let basic = basic.filter(|_| proof != ClientProof::Body);
    let in_body = || field(body, "client_id").zip(field(body, "client_secret"));
    let in_body = || in_body().filter(|_| proof != ClientProof::Basic);
    let (id, secret) = basic.or_else(in_body).ok_or(Refusal::NoClient)?;
    let Some((application, known)) = state.oauth.by_client_id(provider, &id) else {
        return Err(Refusal::UnknownClient(id));
    };
    if known.client_secret == secret {
        Ok(application)
    } else {
        Err(Refusal::WrongSecret)
    }
}
