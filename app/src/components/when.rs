//! Dates: absolute, with the relative one beside.

use domain::Timestamp;
use leptos::prelude::*;

/// A date, and how far away it is as seen from the moment of the page.
#[component]
pub(crate) fn When(at: Timestamp, now: Timestamp) -> impl IntoView {
    view! {
        <div class="stack">
            <time datetime=at.rfc3339() title=at.date_time()>{at.date()}</time>
            <span class="sub">{at.relative_to(now)}</span>
        </div>
    }
}

/// How far away a moment is; the moment itself is in the title.
#[component]
pub(crate) fn Ago(at: Timestamp, now: Timestamp) -> impl IntoView {
    view! { <time datetime=at.rfc3339() title=at.date_time()>{at.relative_to(now)}</time> }
}
