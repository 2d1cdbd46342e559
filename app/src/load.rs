//! What pages show: what they ask, and what they are answered.
//!
//! All pages load through one resource type and one component. Every type that is loaded by machinery of its own would
//! bring a copy of that machinery into the WASM.

use crate::{
    AppError,
    calls::{access::Door, tokens::Tokens},
    platform,
    state::app_state,
};
use domain::view::{ProvidersPage, RuntimesPage, Viewer};
use leptos::prelude::*;
use serde::{Deserialize, Serialize};

/// What a page asks of the server. The text is the account, or the code of a set-up link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Where the person belongs.
    Door,
    /// Whether a set-up link still leads somewhere.
    SetUpLink(String),
    /// Who is signed in.
    Viewer(String),
    /// The page *Git Personal Access Tokens*.
    Tokens(String),
    /// The page *Runtimes*.
    Runtimes(String),
    /// The page *Git authentication*.
    GitProviders(String),
}

/// What it is answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// The set-up link works.
    SetUpLink,
    Door(Door),
    Viewer(Viewer),
    Tokens(Tokens),
    Runtimes(RuntimesPage),
    GitProviders(ProvidersPage),
    /// None.
    Failed(AppError),
}

/// Shows what the server answers; until it does, `waiting`. After a change it asks again, and shows the old answer while
/// it waits.
#[component]
pub(crate) fn Loaded(
    ask: Signal<Ask>,
    /// Shows an answer. A plain function: it is no type of its own then.
    show: fn(Ask, Answer) -> AnyView,
    waiting: fn() -> AnyView,
) -> impl IntoView {
    let changes = app_state().changes;
    let answer = Resource::new(move || (ask.get(), changes.get()), |(ask, _)| platform::answer(ask));
    view! {
        <Transition fallback=waiting>
            {move || Suspend::new(async move { show(ask.get_untracked(), answer.await) })}
        </Transition>
    }
    .into_any()
}

/// Shows nothing.
pub(crate) fn nothing() -> AnyView {
    ().into_any()
}
