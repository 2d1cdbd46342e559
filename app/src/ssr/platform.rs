//! What the server does where the browser does it otherwise. `browser.rs` is the other half.

use super::answer;
use crate::{
    AppError,
    calls::{
        access::{load_door, load_set_up_link, load_viewer},
        git_providers::load_git_providers,
        runtimes::load_runtimes,
        sheet::load_sheet,
        tokens::load_tokens,
    },
    load::{Answer, Ask},
    reply::Reply,
};

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
    let answer = match ask {
        Ask::Door => load_door().await.map(Answer::Door),
        Ask::SetUpLink(code) => load_set_up_link(code).await.map(|()| Answer::SetUpLink),
        Ask::Viewer(account) => load_viewer(account).await.map(Answer::Viewer),
        Ask::Tokens(account) => load_tokens(account).await.map(Answer::Tokens),
        Ask::Runtimes(account) => load_runtimes(account).await.map(Answer::Runtimes),
        Ask::GitProviders(account) => load_git_providers(account).await.map(Answer::GitProviders),
        Ask::Sheet { account, page, query } => load_sheet(account, page.to_owned(), query).await.map(Answer::Sheet),
    };
    answer.unwrap_or_else(Answer::Failed)
}

/// Sends a form. Only a browser does.
#[expect(clippy::unused_async, reason = "the browser's half awaits")]
pub(crate) async fn post(_action: &str, _body: String) -> Reply {
    Reply::Failed(AppError::Offline)
}
