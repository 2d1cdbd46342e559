//! What the browser does where the server does it otherwise. `ssr/platform.rs` is the other half.

use crate::{
    AppError,
    calls::{access, git_providers, runtimes, tokens},
    load::{Answer, Ask},
    paths,
    reply::Reply,
};
use leptos::server_fn::ServerFn as _;
use leptos_server::codee::{Decoder as _, string::JsonSerdeWasmCodec};
use serde::de::DeserializeOwned;

/// Nothing: the page is already there.
pub(crate) fn set_status(_status: u16) {}

/// Loads another page in place of this one.
pub(crate) fn redirect(path: &str) {
    if let Some(path) = paths::local(path) {
        // A browser that refuses to leave leaves the person where they are.
        let _ = leptos::prelude::window().location().replace(path);
    }
}

/// Asks the server. All that is read goes this way, and not through the stubs of the server functions, each of which
/// would bring its own.
pub(crate) async fn answer(ask: Ask) -> Answer {
    let (address, query) = match &ask {
        Ask::Door => (access::LoadDoor::url(), String::new()),
        Ask::SetUpLink(code) => (access::LoadSetUpLink::url(), paths::query("code", code)),
        Ask::Viewer(account) => (access::LoadViewer::url(), paths::query("account", account)),
        Ask::Tokens(account) => (tokens::LoadTokens::url(), paths::query("account", account)),
        Ask::Runtimes(account) => (runtimes::LoadRuntimes::url(), paths::query("account", account)),
        Ask::GitProviders(account) => (git_providers::LoadGitProviders::url(), paths::query("account", account)),
    };
    let text = match get(address, &query).await {
        Ok(text) => text,
        Err(error) => return Answer::Failed(error),
    };
    let answer = match ask {
        Ask::Door => read(&text).map(Answer::Door),
        Ask::SetUpLink(_) => Some(Answer::SetUpLink),
        Ask::Viewer(_) => read(&text).map(Answer::Viewer),
        Ask::Tokens(_) => read(&text).map(Answer::Tokens),
        Ask::Runtimes(_) => read(&text).map(Answer::Runtimes),
        Ask::GitProviders(_) => read(&text).map(Answer::GitProviders),
    };
    answer.unwrap_or(Answer::Failed(AppError::Garbled))
}

fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    // The JSON parser of the browser: one of our own would be 14 kB more to load.
    JsonSerdeWasmCodec::decode(text).ok()
}

/// The text at an address, or the error that is there.
#[cfg(feature = "hydrate")]
async fn get(address: &str, query: &str) -> Result<String, AppError> {
    use leptos::server_fn::{
        client::{Client, browser::BrowserClient},
        request::ClientReq,
        response::ClientRes,
    };
    type Request = <BrowserClient as Client<AppError>>::Request;

    let request: Request = ClientReq::<AppError>::try_new_get(address, "application/json", "application/json", query)?;
    let response = <BrowserClient as Client<AppError>>::send(request).await?;
    let fine = ClientRes::<AppError>::status(&response) < 400;
    let text = ClientRes::<AppError>::try_into_string(response).await?;
    if fine {
        Ok(text)
    } else {
        Err(read(&text).unwrap_or(AppError::Garbled))
    }
}

/// Without server or browser there is nobody to ask; this only lets the crate compile on its own.
#[cfg(not(feature = "hydrate"))]
#[expect(clippy::unused_async, reason = "the browser's half awaits")]
async fn get(_address: &str, _query: &str) -> Result<String, AppError> {
    Err(AppError::Offline)
}

/// Sends a form and reads the reply. All forms share this, so that the WASM holds it once.
#[cfg(feature = "hydrate")]
pub(crate) async fn post(action: &str, body: String) -> Reply {
    use leptos::server_fn::{
        client::{Client, browser::BrowserClient},
        request::ClientReq,
        response::ClientRes,
    };
    type Request = <BrowserClient as Client<AppError>>::Request;

    let answer = async {
        let request: Request =
            ClientReq::<AppError>::try_new_post(action, "application/x-www-form-urlencoded", "application/json", body)?;
        let response = <BrowserClient as Client<AppError>>::send(request).await?;
        ClientRes::<AppError>::try_into_string(response).await
    };
    match answer.await {
        Ok(text) => read(&text).unwrap_or(Reply::Failed(AppError::Garbled)),
        Err(error) => Reply::Failed(error),
    }
}

/// Without server or browser there is nobody to send to; this only lets the crate compile on its own.
#[cfg(not(feature = "hydrate"))]
#[expect(clippy::unused_async, reason = "the browser's half awaits")]
pub(crate) async fn post(_action: &str, _body: String) -> Reply {
    Reply::Failed(AppError::Offline)
}
