//! What the browser does where the server does it otherwise. `ssr/platform.rs` is the other half.

use crate::{
    AppError,
    calls::{access, members, page},
    flash::FirstLoad,
    load::{Answer, Ask},
    paths,
    reply::Reply,
};
use domain::Packed;
use leptos::{
    prelude::{SharedValue, window},
    server_fn::ServerFn as _,
};
use wasm_bindgen::{JsCast as _, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::{
    Headers, RequestInit, Response,
    js_sys::{Array, JSON},
};

/// What the server knew of this browser when it rendered the page.
pub(crate) fn first_load() -> FirstLoad {
    let text = SharedValue::new_str(String::new).into_inner();
    read(&text).unwrap_or_default().open()
}

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
        // Posted, since a query may be written down on its way.
        Ask::Invitation(code) => return fetch(members::LoadInvitation::url(), Some(&paths::query("code", code))).await,
        Ask::Frame(account) => (access::LoadFrame::url(), paths::query("account", account)),
        Ask::Page { account, page, query } => (page::LoadPage::url(), at(account, page, query)),
        Ask::Sheet { account, page, query } => (page::LoadSheet::url(), at(account, page, query)),
    };
    fetch(&format!("{address}?{query}"), None).await
}

/// A page of an account and its query, as a query.
fn at(account: &str, page: &str, query: &str) -> String {
    let (account, query) = (paths::query("account", account), paths::query("query", query));
    format!("{account}&{query}&page={page}")
}

/// A list of texts in JSON, read by the parser of the browser: one of our own would be 14 kB more to load.
fn read(text: &str) -> Option<Packed> {
    let texts: Array = JSON::parse(text).ok()?.dyn_into().ok()?;
    let texts: Vec<String> = texts.iter().filter_map(|text| text.as_string()).collect();
    Some(texts.into())
}

/// Sends a form and reads the reply.
pub(crate) async fn post(action: &str, body: String) -> Reply {
    fetch(action, Some(&body)).await?.open()
}

/// What is at an address, or comes of posting a form to it; or the error that does.
async fn fetch(address: &str, form: Option<&str>) -> Answer {
    let (status, text) = send(address, form).await.map_err(|_| AppError::Offline)?;
    let packed = read(&text).ok_or(AppError::Garbled)?;
    if status < 400 { Ok(packed) } else { Err(packed.open()) }
}

/// Asks for an address, or posts a form to it. Gives the status and the text of the answer; an error when there is none.
async fn send(address: &str, form: Option<&str>) -> Result<(u16, String), JsValue> {
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
