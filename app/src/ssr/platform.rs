//! What the server does where the browser does it otherwise. `browser.rs` is the other half.

use super::answer;
use crate::{AppError, reply::Reply};

/// Gives the page its HTTP status.
pub(crate) fn set_status(status: u16) {
    answer::set_status(status);
}

/// Leads to another page in place of this one.
pub(crate) fn redirect(path: &str) {
    answer::redirect(path);
}

/// Sends a form. Only a browser does.
#[expect(clippy::unused_async, reason = "the browser's half awaits")]
pub(crate) async fn post(_action: &str, _body: String) -> Reply {
    Reply::Failed(AppError::Offline)
}
