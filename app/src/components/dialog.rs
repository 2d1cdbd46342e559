//! The panel at the side, and the dialog that asks before something is deleted.
//!
//! Both are part of the address (`?add=…`), so that back, reload and sharing work. Rendered as an open `<dialog>`, they
//! also show without JavaScript; in the browser they become modal, which keeps the focus inside and the page behind out.

use super::{
    form::{Hidden, PostForm, Submit},
    icon::Icon,
};
use crate::state::app_state;
use leptos::{ev, html, prelude::*};
use leptos_router::{NavigateOptions, hooks::use_navigate};

/// A modal dialog.
#[component]
fn Modal(
    /// `panel` (at the side) or `dialog` (in the middle).
    class: &'static str,
    #[prop(into)] title: String,
    /// Whether the focus goes to the heading, since no field asks for it.
    focus_heading: bool,
    /// What stands below the title.
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

/// A form in a modal: its fields, and below them *Cancel* and the button that sends it.
#[component]
pub(crate) fn FormModal(
    /// What is asked: something to fill in, or only whether something may go.
    kind: FormKind,
    #[prop(into)] title: String,
    /// What stands below the title.
    #[prop(optional)]
    below: Option<AnyView>,
    /// As in [`Modal`].
    close: String,
    /// As in [`Modal`].
    opener: String,
    /// The server function's address.
    action: &'static str,
    /// The form's id.
    id: &'static str,
    /// The fields that the person does not see.
    hidden: Vec<(&'static str, String)>,
    /// What the button says, and what while the form waits. Without it there is nothing to send.
    submit: Option<(&'static str, String)>,
    children: Children,
) -> impl IntoView {
    let (modal, button) = match kind {
        FormKind::Panel => ("panel", "button primary"),
        FormKind::Deletion => ("dialog", "button danger"),
    };
    let hidden = hidden
        .into_iter()
        .map(|(name, value)| view! { <Hidden name value/> })
        .collect_view();
    let cancel = close.clone();
    view! {
        <Modal class=modal focus_heading=kind == FormKind::Deletion title below close opener>
            <PostForm action id class="panel-form">
                <div class="panel-body">{children()} {hidden}</div>
                <footer>
                    <a class="button" href=cancel data-noscroll="">
                        "Cancel"
                    </a>
                    {submit.map(|(label, busy)| view! { <Submit label busy class=button/> })}
                </footer>
            </PostForm>
        </Modal>
    }
}

/// What a form in a modal asks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum FormKind {
    /// Something to fill in, at the side.
    Panel,
    /// Whether something may go, in the middle.
    Deletion,
}
