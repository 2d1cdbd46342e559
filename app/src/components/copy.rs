//! What one copies: an address, and the button that does it.

use super::icon::Icon;
use crate::dom;
use leptos::prelude::*;
use std::time::Duration;

/// How long the button says that it is done.
const SAYS_COPIED: Duration = Duration::from_secs(2);

/// An address with a button that copies it. Without JavaScript there is no button.
#[component]
pub(crate) fn Address(
    address: String,
    /// What it is, for the button's name: `Copy {what}`.
    #[prop(into)]
    what: String,
) -> impl IntoView {
    let copied = RwSignal::new(false);
    let text = address.clone();
    let copy = move |_| {
        if dom::copy(&text) {
            copied.set(true);
            let over = move || {
                // The page may be gone by then.
                let _ = copied.try_set(false);
            };
            set_timeout(over, SAYS_COPIED);
        }
    };
    let label = format!("Copy {what}");
    view! {
        <span class="copyable">
            <code>{address}</code>
            <button class="button quiet tool scripted" type="button" title=label.clone() aria-label=label on:click=copy>
                {move || view! { <Icon name=if copied.get() { "check" } else { "copy" }/> }}
            </button>
            <span class="unseen" role="status">
                {move || copied.get().then_some("Copied")}
            </span>
        </span>
    }
}
