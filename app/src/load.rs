//! What pages show: what they ask, and what they are answered.
//!
//! The server has every answer before it begins to render, so nothing has to wait inside a page. It sends the answers
//! along, and the browser asks itself only when one goes on to another page or changes something.

use crate::{AppError, platform, state::app_state};
use domain::Packed;
use leptos::{prelude::*, task::spawn_local};

/// What a page asks of the server. The text is the account, or the code of a set-up link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Where the person belongs: a [`Door`](crate::calls::access::Door).
    Door,
    /// Whether a set-up link still leads somewhere: nothing, or an error.
    SetUpLink(String),
    /// What stands around the pages: a [`Frame`](domain::page::Frame).
    Frame(String),
    /// The page *Git Personal Access Tokens*: [`List`](domain::page::List)s, as all pages of an account.
    Tokens(String),
    /// The page *Runtimes*.
    Runtimes(String),
    /// The page *Git authentication*.
    GitProviders(String),
    /// What is open over a page: a [`Sheet`](domain::sheet::Sheet), if what it would be about is there.
    Sheet {
        account: String,
        /// The page's path below the account's.
        page: &'static str,
        /// What of the query opens it.
        query: String,
    },
}

/// What it is answered. Whoever shows it knows what it is, and opens it.
pub(crate) type Answer = Result<Packed, AppError>;

/// Shows what the server answers; until it does, `waiting`. After a change it asks again, and shows the old answer while
/// it waits.
#[component]
pub(crate) fn Loaded(
    ask: Ask,
    /// Shows an answer. A plain function: it is no type of its own then.
    show: fn(Ask, Answer) -> AnyView,
    waiting: fn() -> AnyView,
) -> impl IntoView {
    let state = app_state();
    let known = RwSignal::new(state.first_answer(&ask));
    let asked = ask.clone();
    Effect::new(move |before: Option<()>| {
        let change = state.changes.get();
        if before.is_none() && known.with_untracked(Option::is_some) {
            return;
        }
        let ask = asked.clone();
        spawn_local(async move {
            let answer = platform::answer(ask).await;
            // Whoever has gone on needs it no more, and after another change there will be a newer one.
            if state.changes.get_untracked() == change {
                state.note_focus();
                let _ = known.try_set(Some(answer));
            }
        });
    });
    move || match known.get() {
        Some(answer) => show(ask.clone(), answer),
        None => waiting(),
    }
}

/// Shows nothing.
pub(crate) fn nothing() -> AnyView {
    ().into_any()
}
