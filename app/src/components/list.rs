//! The things that a page lists, in a table: what the server made, shown.

use super::{
    actions::Actions,
    bits::bit,
    form::{FilterForm, PostForm, Submit, hidden},
    icon::icon,
    notice::Notice,
    sheet::parts,
    words::each,
};
use crate::state::app_state;
use domain::{
    page::{Attention, Cell, Filter, Head, Link, List, Row},
    sheet::Action,
};
use leptos::prelude::*;

/// The form that does something with the rows that are ticked.
const BULK: &str = "bulk";

/// The list.
pub(crate) fn list(list: List) -> AnyView {
    let state = app_state();
    Effect::new(move |_| state.settle_focus());
    let List {
        attention,
        title,
        aside,
        icon: mark,
        advice,
        register: link,
        downloads,
        filter: choice,
        bulk,
        columns,
        rows,
        turns,
    } = list;
    let link = link.map(register);
    let attention = attention.map(notice);
    let (empty, ticked) = (rows.is_empty(), !bulk.is_empty());
    if empty && choice.is_none() {
        return view! {
            {attention}
            <section class="card">
                <div class="empty">
                    {icon(&mark)}
                    <h2>{title}</h2>
                    <p>{advice}</p>
                    <div class="row">{link}</div>
                </div>
            </section>
        }
        .into_any();
    }
    let found = if empty {
        view! {
            <div class="empty">
                {icon(&mark)}
                <p>{advice}</p>
            </div>
        }
        .into_any()
    } else {
        table(title.clone(), columns, rows, ticked)
    };
    view! {
        {attention}
        <section class="card">
            <header>
                <h2>{title}</h2>
                {(!aside.is_empty()).then(|| view! { <span class="sub">{aside}</span> })}
                <div class="row">{each(downloads, download)} {link}</div>
            </header>
            {choice.map(filter)}
            {(ticked && !empty).then(|| many(bulk))}
            {found}
            {(!turns.is_empty()).then(|| view! { <nav class="turns" aria-label="Pages">{each(turns, turn)}</nav> })}
        </section>
    }
    .into_any()
}

/// On a narrow screen every row becomes a card of its own.
fn table(name: String, columns: Vec<Head>, rows: Vec<Row>, ticked: bool) -> AnyView {
    let labels: Vec<String> = columns.iter().map(|head| head.label.clone()).collect();
    let rows = rows.into_iter().map(|thing| row(thing, &labels, ticked)).collect_view();
    view! {
        <div class="scroller">
            <table class="cards" aria-label=name>
                <thead>
                    <tr>
                        {ticked.then(|| view! { <th scope="col"><span class="unseen">"Selected"</span></th> })}
                        {each(columns, head)}
                        <th scope="col" class="end">
                            <span class="unseen">"Actions"</span>
                        </th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
    }
    .into_any()
}

/// The head of a column, which sorts the list.
fn head(Head { label, to, order }: Head) -> AnyView {
    let sorted = (!order.is_empty()).then(|| order.clone());
    let content = if to.is_empty() {
        label.into_any()
    } else {
        let id = format!("sort-{}", label.to_lowercase().replace(' ', "-"));
        let mark = match order.as_str() {
            "" => "sort",
            "ascending" => "up",
            _ => "down",
        };
        view! { <a class="sort" id=id href=to data-noscroll="">{label} {icon(mark)}</a> }.into_any()
    };
    view! { <th scope="col" aria-sort=sorted>{content}</th> }.into_any()
}

/// What chooses among the things.
fn filter(choice: Filter) -> AnyView {
    let Filter {
        to,
        hidden: fields,
        parts: inside,
        clear,
    } = choice;
    view! {
        <FilterForm to>
            {hidden(fields)}
            {parts(inside)}
            <div class="row">
                <button class="button" type="submit" id="filter-apply">"Apply"</button>
                {(!clear.is_empty()).then(|| view! { <a class="button quiet" href=clear data-noscroll="">"Clear"</a> })}
            </div>
        </FilterForm>
    }
    .into_any()
}

/// What can be done with the rows that are ticked: one form, whose buttons post to different addresses.
fn many(actions: Vec<Action>) -> AnyView {
    let first = actions.first().cloned().unwrap_or_default();
    let (_, fields) = first.post.unwrap_or_default();
    view! {
        <PostForm action=first.to element=BULK class="bulk">
            <span class="sub">"With those selected:"</span>
            {hidden(fields)}
            {each(actions, |Action { id, label, to, post, .. }| {
                let (busy, _) = post.unwrap_or_default();
                view! { <Submit label busy class="button" id to/> }.into_any()
            })}
        </PostForm>
    }
    .into_any()
}

/// A file to download.
fn download(link: Link) -> AnyView {
    view! {
        <a class="button" href=link.to rel="external" download="">
            {icon(&link.icon)}
            {link.label}
        </a>
    }
    .into_any()
}

/// A way to the other things.
fn turn(link: Link) -> AnyView {
    view! {
        <a class="button" href=link.to>
            {icon(&link.icon)}
            {link.label}
        </a>
    }
    .into_any()
}

/// The button that opens the form for a new thing, or leads to what must be there before.
fn register(link: Action) -> AnyView {
    let class = if link.primary { "button primary" } else { "button" };
    view! {
        <a class=class id=link.id href=link.to data-noscroll="">
            {(!link.icon.is_empty()).then(|| icon(&link.icon))}
            {link.label}
            {(!link.about.is_empty()).then(|| view! { <span class="unseen">" "{link.about}</span> })}
        </a>
    }
    .into_any()
}

/// The banner above the list.
fn notice(attention: Attention) -> AnyView {
    view! {
        <Notice tone=attention.tone>
            <p><strong>{attention.title}</strong></p>
            <ul class="reasons" role="list">
                {each(attention.reasons, |reason| view! { <li>{reason}</li> }.into_any())}
            </ul>
        </Notice>
    }
    .into_any()
}

fn row(row: Row, columns: &[String], ticked: bool) -> AnyView {
    let Row {
        key,
        name,
        head,
        cells,
        actions,
    } = row;
    let cells = columns
        .iter()
        .skip(1)
        .zip(cells)
        .map(|(label, Cell { class, bits })| {
            view! {
                <td data-label=label.clone() class=class>
                    {each(bits, bit)}
                </td>
            }
        })
        .collect_view();
    view! {
        <tr>
            {ticked.then(|| view! {
                <td class="tick">
                    <input type="checkbox" name="chosen[]" value=key form=BULK aria-label=format!("Select {name}")/>
                </td>
            })}
            <th scope="row" class=head.class>{each(head.bits, bit)}</th>
            {cells}
            <Actions actions about=name/>
        </tr>
    }
    .into_any()
}
