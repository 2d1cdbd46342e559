//! What the pages that list things share: the card with the table, its rows' actions, and which of the things the address
//! asks for.

use super::{icon::Icon, tool::ToolLink};
use leptos::prelude::*;
use leptos_router::hooks::use_query_map;
use std::fmt::Display;

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

/// The cell with *Edit* and *Delete*.
#[component]
pub(crate) fn EditAndDelete(id: String, name: String, base: String) -> impl IntoView {
    view! {
        <td class="end">
            <div class="actions">
                <ToolLink
                    id=format!("edit-{id}")
                    href=format!("{base}?edit={id}")
                    icon="edit"
                    label="Edit"
                    about=name.clone()
                />
                <ToolLink id=format!("delete-{id}") href=format!("{base}?delete={id}") icon="trash" label="Delete" about=name/>
            </div>
        </td>
    }
}

/// What the address wants done (`?edit=<id>`), and with which of the things on the page.
pub(crate) enum Wanted<T> {
    /// The form for a new one.
    Register,
    Edit(T),
    Delete(T),
}

/// What the address wants done, as it changes. `None`: nothing, or with something that is not there.
pub(crate) fn wanted<T, Id>(things: Vec<T>, id: fn(&T) -> Id) -> impl Fn() -> Option<Wanted<T>>
where
    T: Clone + Send + Sync + 'static,
    Id: Display + 'static,
{
    let query = use_query_map();
    let things = StoredValue::new(things);
    move || {
        let query = query.read();
        let find = |wanted: &str| {
            let wanted = query.get_str(wanted)?;
            things.with_value(|things| things.iter().find(|thing| id(thing).to_string() == wanted).cloned())
        };
        if query.get_str("register").is_some() {
            return Some(Wanted::Register);
        }
        find("edit")
            .map(Wanted::Edit)
            .or_else(|| find("delete").map(Wanted::Delete))
    }
}
