//! The pages that list the things of an account.

use crate::{
    components::{
        list::list,
        page::{PageHead, error_page, loading},
        words::each,
    },
    load::{Answer, Ask, Loaded},
};
use leptos::prelude::*;

/// Git Personal Access Tokens: every runtime that the person may use, and their token for it.
pub(crate) fn tokens(account: String) -> AnyView {
    page(
        "Git Personal Access Tokens",
        "Authorize access to your Git provider accounts, once for each runtime that acts for you.",
        Ask::Tokens(account),
    )
}

/// Runtimes: register, edit, delete.
pub(crate) fn runtimes(account: String) -> AnyView {
    page(
        "Runtimes",
        "The GitOps installations that act with your people's Git tokens.",
        Ask::Runtimes(account),
    )
}

/// Git authentication: the Git providers of the account.
pub(crate) fn git_authentication(account: String) -> AnyView {
    page(
        "Git authentication",
        "The Git providers that your runtimes use, and against which tokens are checked.",
        Ask::GitProviders(account),
    )
}

fn page(title: &'static str, lead: &'static str, ask: Ask) -> AnyView {
    view! {
        <PageHead title lead/>
        <Loaded ask show waiting=loading/>
    }
    .into_any()
}

fn show(_: Ask, answer: Answer) -> AnyView {
    answer.map_or_else(error_page, |packed| each(packed.open(), list))
}
