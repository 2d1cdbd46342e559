//! What can be done with a row of a table.

use super::{
    form::{PostForm, Submit, hidden},
    icon::{Icon, icon},
    words::each,
};
use domain::sheet::Action;
use leptos::prelude::*;

/// The most actions that stand side by side.
const SIDE_BY_SIDE: usize = 3;
/// How many of more than that do, with the others in a menu.
const BESIDE_MENU: usize = 2;

/// The cell with a row's actions. Many of them go into a menu, which the browser itself opens and closes.
#[component]
pub(crate) fn Actions(
    actions: Vec<Action>,
    /// The row's name, for screen readers.
    about: String,
) -> impl IntoView {
    let mut shown = actions;
    let rest = if shown.len() > SIDE_BY_SIDE {
        shown.split_off(BESIDE_MENU)
    } else {
        Vec::new()
    };
    let menu = rest.first().map(|first| first.id.clone()).map(|first| {
        let id = format!("menu-{first}");
        let items = each(rest, |item| action(item, true));
        view! {
            <button class="button quiet tool" type="button" id=format!("more-{first}") popovertarget=id.clone() title="More">
                <Icon name="more"/>
                <span class="word">"More"</span>
                <span class="unseen">" for "{about}</span>
            </button>
            <div class="menu" id=id popover="">{items}</div>
        }
    });
    view! {
        <td class="end">
            <div class="actions">
                {each(shown, |shown| action(shown, false))}
                {menu}
            </div>
        </td>
    }
}

/// A link or a button. In a table one with an icon shows that alone; its name is its title, and what screen readers say.
fn action(action: Action, in_menu: bool) -> AnyView {
    let Action {
        id,
        label,
        about,
        icon: mark,
        primary,
        to,
        post,
    } = action;
    let mark = if in_menu { String::new() } else { mark };
    let class = match (in_menu, mark.is_empty(), primary) {
        (true, ..) => "button quiet",
        (_, false, _) => "button quiet tool",
        (_, _, true) => "button primary",
        _ => "button",
    };
    if let Some((busy, fields)) = post {
        return view! {
            <PostForm action=to>
                {hidden(fields)}
                <Submit label busy class mark id about/>
            </PostForm>
        }
        .into_any();
    }
    let title = (!mark.is_empty()).then(|| label.clone());
    view! {
        <a class=class id=id href=to title=title data-noscroll="">
            {(!mark.is_empty()).then(|| icon(&mark))}
            <span class="word">{label}</span>
            <span class="unseen">" "{about}</span>
        </a>
    }
    .into_any()
}
