//! The panel at the side, and the dialog that asks before something is deleted.
//!
//! Both are part of the address (`?add=…`), so that back, reload and sharing work. Rendered as an open `<dialog>`, they
//! also show without JavaScript; in the browser they become modal, which keeps the focus inside and the page behind out.

use super::icon::Icon;
use crate::state::app_state;
use leptos::{ev, html, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};

/// A modal dialog.
#[component]
pub(crate) fn Modal(
    /// `panel` (at the side) or `dialog` (in the middle).
    class: &'static str,
    #[prop(into)] title: String,
    /// Whether the focus goes to the heading, since no field asks for it.
    #[prop(optional)]
    focus_heading: bool,
    /// What stands below the title.
    #[prop(optional)]
    below: Option<AnyView>,
    /// The page behind, to which closing leads.
    #[prop(into)]
    close: String,
    /// The id of the control that opened it, which gets the focus back, and of those that may have taken its place by
    /// then, separated by spaces.
    #[prop(into)]
    opener: String,
    children: Children,
) -> impl IntoView {
    let dialog = NodeRef::<html::Dialog>::new();
    let state = app_state();
    Effect::new(move |_| {
        if let Some(dialog) = dialog.get() {
            // Registered here, since only effects are the browser's alone: the server cleans up too, without a document.
            let opener = opener.clone();
            on_cleanup(move || state.give_focus_back_to(opener));
            // It is open from the server, which makes it no modal one. Only a modal one is closed by Escape.
            let _ = dialog.remove_attribute("open");
            let _ = dialog.show_modal();
        }
    });
    let navigate = use_navigate();
    let go_to = close.clone();
    let on_cancel = move |event: ev::Event| {
        event.prevent_default();
        navigate(
            &go_to,
            NavigateOptions {
                scroll: false,
                ..NavigateOptions::default()
            },
        );
    };
    view! {
        <dialog class=class open aria-labelledby="dialog-title" node_ref=dialog on:cancel=on_cancel>
            <header>
                <div class="stack">
                    <h2 id="dialog-title" tabindex="-1" autofocus=focus_heading>{title}</h2>
                    {below}
                </div>
                <a class="button quiet icon-only" href=close data-noscroll="" aria-label="Close">
                    <Icon name="close"/>
                </a>
            </header>
            {children()}
        </dialog>
    }
}
