//! What the browser does where the server does it otherwise. `ssr/platform.rs` is the other half.

use crate::{
    AppError,
    calls::{access, git_providers, runtimes, sheet, tokens},
    load::{Answer, Ask},
    paths,
    reply::Reply,
};
use leptos::{prelude::window, server_fn::ServerFn as _};
use leptos_server::codee::{Decoder as _, string::JsonSerdeWasmCodec};
use serde::de::DeserializeOwned;
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{Headers, RequestInit, Response};

/// Nothing: the page is already there.
pub(crate) fn set_status(_status: u16) {}

/// Loads another page in place of this one.
pub(crate) fn redirect(path: &str) {
    if let Some(path) = paths::local(path) {
        // A browser that refuses to leave leaves the person where they are.
        let _ = window().location().replace(path);
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
        Ask::Sheet { account, page, query } => {
            let (account, query) = (paths::query("account", account), paths::query("query", query));
            (sheet::LoadSheet::url(), format!("{account}&{query}&page={page}"))
        }
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
        Ask::Sheet { .. } => read(&text).map(Answer::Sheet),
    };
    answer.unwrap_or(Answer::Failed(AppError::Garbled))
}

fn read<T: DeserializeOwned>(text: &str) -> Option<T> {
    // The JSON parser of the browser: one of our own would be 14 kB more to load.
    JsonSerdeWasmCodec::decode(text).ok()
}

/// The text at an address, or the error that is there.
async fn get(address: &str, query: &str) -> Result<String, AppError> {
    let (status, text) = fetch(&format!("{address}?{query}"), None)
        .await
        .map_err(|_| AppError::Offline)?;
    if status < 400 {
        Ok(text)
    } else {
        Err(read(&text).unwrap_or(AppError::Garbled))
    }
}

/// Sends a form and reads the reply.
pub(crate) async fn post(action: &str, body: String) -> Reply {
    match fetch(action, Some(&body)).await {
        Ok((_, text)) => read(&text).unwrap_or(Reply::Failed(AppError::Garbled)),
        Err(_) => Reply::Failed(AppError::Offline),
    }
}

/// Asks for an address, or posts a form to it. Gives the status and the text of the answer; an error when there is none.
async fn fetch(address: &str, form: Option<&str>) -> Result<(u16, String), JsValue> {
    let headers = Headers::new()?;
    headers.set("accept", "application/json")?;
    let request = RequestInit::new();
    if let Some(form) = form {
        headers.set("content-type", "application/x-www-form-urlencoded")?;
        request.set_method("POST");
        request.set_body(&form.into());
    }
    request.set_headers(&headers);
    let answer = JsFuture::from(window().fetch_with_str_and_init(address, &request)).await?;
    let answer: Response = answer.dyn_into()?;
    let text = JsFuture::from(answer.text()?).await?;
    Ok((answer.status(), text.as_string().unwrap_or_default()))
}
