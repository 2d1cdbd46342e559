//! What can be done with a row of a table.

use super::icon::Icon;
use leptos::prelude::*;

/// A link that opens a panel or dialog for the row. In a table only its icon shows; its name is its title, and what
/// screen readers say.
#[component]
pub(crate) fn ToolLink(
    #[prop(into)] id: String,
    #[prop(into)] href: String,
    icon: &'static str,
    label: &'static str,
    /// What tells it from those of other rows, for screen readers.
    #[prop(into)]
    about: String,
) -> impl IntoView {
    view! {
        <a class="button quiet tool" id=id href=href title=label data-noscroll="">
            <Icon name=icon/>
            <span class="word">{label}</span>
            <span class="unseen">" "{about}</span>
        </a>
    }
}
