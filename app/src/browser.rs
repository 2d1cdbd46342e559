//! What the browser does where the server does it otherwise. `ssr/platform.rs` is the other half.

use crate::{AppError, reply::Reply};

/// Nothing: the page is already there.
pub(crate) fn set_status(_status: u16) {}

/// Loads another page in place of this one.
pub(crate) fn redirect(path: &str) {
    if let Some(path) = crate::paths::local(path) {
        // A browser that refuses to leave leaves the person where they are.
        let _ = leptos::prelude::window().location().replace(path);
    }
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
        Ok(text) => serde_json::from_str(&text).unwrap_or(Reply::Failed(AppError::Garbled)),
        Err(error) => Reply::Failed(error),
    }
}

/// Without server or browser there is nobody to send to; this only lets the crate compile on its own.
#[cfg(not(feature = "hydrate"))]
#[expect(clippy::unused_async, reason = "the browser's half awaits")]
pub(crate) async fn post(_action: &str, _body: String) -> Reply {
    Reply::Failed(AppError::Offline)
}
