//! What stands where nothing is yet: it says so, and what comes next.

use super::icon::Icon;
use leptos::prelude::*;

/// An empty state; the children are the next step.
#[component]
pub(crate) fn Empty(icon: &'static str, title: &'static str, text: &'static str, children: Children) -> impl IntoView {
    view! {
        <div class="empty">
            <Icon name=icon/>
            <h2>{title}</h2>
            <p>{text}</p>
            <div class="row">{children()}</div>
        </div>
    }
}
