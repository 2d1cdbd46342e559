//! What the pages that list things share: the card with the table, and the button for a new thing.

use super::icon::Icon;
use leptos::prelude::*;

/// A card with a table. On a narrow screen every row becomes a card of its own. The children are the rows.
#[component]
pub(crate) fn TableCard(
    #[prop(into)] title: String,
    /// What stands beside the title.
    aside: AnyView,
    /// The heads of the columns; one for the rows' actions is added.
    columns: &'static [&'static str],
    children: Children,
) -> impl IntoView {
    let heads = columns
        .iter()
        .map(|head| view! { <th scope="col">{*head}</th> })
        .collect_view();
    view! {
        <section class="card">
            <header>
                <h2>{title}</h2>
                {aside}
            </header>
            <div class="scroller">
                <table class="cards">
                    <thead>
                        <tr>
                            {heads}
                            <th scope="col" class="end">
                                <span class="unseen">"Actions"</span>
                            </th>
                        </tr>
                    </thead>
                    <tbody>{children()}</tbody>
                </table>
            </div>
        </section>
    }
}

/// The button that opens the form for a new thing.
#[component]
pub(crate) fn RegisterLink(
    /// The list's page, which may be another than this one.
    base: String,
    label: &'static str,
) -> impl IntoView {
    view! {
        <a class="button primary" id="register" href=format!("{base}?register=") data-noscroll="">
            <Icon name="plus"/>
            {label}
        </a>
    }
}
