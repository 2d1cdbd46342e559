//! Words that the server made, with their markup.

use domain::guide::{Piece, pieces, shown};
use leptos::prelude::*;

/// A view of each, in order. What shows one is a function, no type of its own: a type would be a kilobyte.
pub(crate) fn each<T: 'static>(items: Vec<T>, show: fn(T) -> AnyView) -> AnyView {
    items.into_iter().map(show).collect::<Vec<_>>().into_any()
}

/// The words: labels in bold, scopes as chips, links that open in a new tab.
pub(crate) fn words(text: &str) -> AnyView {
    pieces(text)
        .map(|piece| match piece {
            Piece::Text(words) => shown(words).into_any(),
            Piece::Label(words) => view! { <b>{shown(words)}</b> }.into_any(),
            Piece::Scope(name) => view! { <code class="chip">{shown(name)}</code> }.into_any(),
            Piece::Link(address, words) => link_out(shown(address), shown(words)),
        })
        .collect_view()
        .into_any()
}

/// A link that opens in a new tab, and says so to those who do not see it.
pub(crate) fn link_out(address: String, words: String) -> AnyView {
    view! {
        <a href=address target="_blank" rel="noopener noreferrer">
            {words}
            <span class="unseen">" (opens in a new tab)"</span>
        </a>
    }
    .into_any()
}
