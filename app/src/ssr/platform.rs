//! What the server does where the browser does it otherwise. `browser.rs` is the other half.

use super::answer;
use crate::{
    AppError,
    calls::{
        access::{load_door, load_frame, load_set_up_link},
        members::load_invitation,
        page::{load_page, load_sheet},
    },
    flash::FirstLoad,
    load::{Answer, Ask},
    reply::Reply,
};
use domain::Packed;
use leptos::prelude::{SharedValue, use_context};

/// What the server knows of the browser, which also goes along with the page.
pub(crate) fn first_load() -> FirstLoad {
    let first = use_context::<FirstLoad>().unwrap_or_default();
    // Texts alone always become JSON.
    SharedValue::new_str(|| serde_json::to_string(&Packed::new(&first)).unwrap_or_default());
    first
}

/// Gives the page its HTTP status.
pub(crate) fn set_status(status: u16) {
    answer::set_status(status);
}

/// Leads to another page in place of this one.
pub(crate) fn redirect(path: &str) {
    answer::redirect(path);
}

/// Answers a page that is rendered.
pub(crate) async fn answer(ask: Ask) -> Answer {
    match ask {
        Ask::Door => load_door().await,
        Ask::SetUpLink(code) => load_set_up_link(code).await,
        Ask::Invitation(code) => load_invitation(code).await,
        Ask::Frame(account) => load_frame(account).await,
        Ask::Page { account, page, query } => load_page(account, page.to_owned(), query).await,
        Ask::Sheet { account, page, query } => load_sheet(account, page.to_owned(), query).await,
    }
}

/// Sends a form. Only a browser does.
#[expect(clippy::unused_async, reason = "the browser's half awaits")]
pub(crate) async fn post(_action: &str, _body: String) -> Reply {
    Err(AppError::Offline)
}
