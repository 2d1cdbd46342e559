//! What pages show: what they ask, and what they are answered.
//!
//! The server has every answer before it begins to render, so nothing has to wait inside a page. It sends the answers
//! along, and the browser asks itself only when one goes on to another page or changes something.

use crate::{AppError, platform, state::app_state};
use domain::Packed;
use leptos::{prelude::*, task::spawn_local};

/// What a page asks of the server. The text is the account, or the code of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    /// Where the person belongs: a [`Door`](crate::calls::access::Door).
    Door,
    /// Whether a set-up link still leads somewhere: nothing, or an error.
    SetUpLink(String),
    /// What an invitation offers whoever asks: [`Sheet`](domain::sheet::Sheet)s, or an error.
    Invitation(String),
    /// What stands around the pages: a [`Frame`](domain::page::Frame).
    Frame(String),
    /// What a page of an account shows: [`Block`](domain::page::Block)s.
    Page {
        account: String,
        /// The page's path below the account's.
        page: &'static str,
        /// The query without what opens a sheet.
        query: String,
    },
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

/// Shows what the server answers; until it does, `waiting`. After a change, or when something else is asked, it asks again, and
/// shows the old answer while it waits.
#[component]
pub(crate) fn Loaded(
    #[prop(into)] ask: Signal<Ask>,
    /// Shows an answer. A plain function: it is no type of its own then.
    show: fn(Ask, Answer) -> AnyView,
    waiting: fn() -> AnyView,
) -> impl IntoView {
    let state = app_state();
    let known = RwSignal::new(ask.with_untracked(|ask| state.first_answer(ask)));
    // Counts what was asked, so that a late answer finds that there will be a newer one.
    let turn = StoredValue::new(0_u32);
    Effect::new(move |before: Option<()>| {
        state.changes.track();
        let asked = ask.get();
        if before.is_none() && known.with_untracked(Option::is_some) {
            return;
        }
        turn.update_value(|turn| *turn += 1);
        let mine = turn.get_value();
        spawn_local(async move {
            let answer = platform::answer(asked).await;
            // Whoever has gone on needs it no more.
            if turn.try_get_value() == Some(mine) {
                state.note_focus();
                known.set(Some(answer));
            }
        });
    });
    move || match known.get() {
        Some(answer) => show(ask.get_untracked(), answer),
        None => waiting(),
    }
}

/// Shows nothing.
pub(crate) fn nothing() -> AnyView {
    ().into_any()
}
