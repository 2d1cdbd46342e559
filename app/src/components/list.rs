//! The things that a page lists, in a table: what the server made, shown.

use super::{
    actions::Actions,
    copy::Address,
    icon::{icon, icon_of},
    notice::Notice,
    words::{each, words},
};
use crate::state::app_state;
use domain::{
    page::{Attention, Bit, Cell, List, Row},
    sheet::Action,
};
use leptos::prelude::*;

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
        columns,
        rows,
    } = list;
    let link = link.map(register);
    if rows.is_empty() {
        return view! {
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
    let rows = rows.into_iter().map(|thing| row(thing, &columns)).collect_view();
    view! {
        {attention.map(notice)}
        <section class="card">
            <header>
                <h2>{title}</h2>
                {(!aside.is_empty()).then(|| view! { <span class="sub">{aside}</span> })}
                {link}
            </header>
            <div class="scroller">
                // On a narrow screen every row becomes a card of its own.
                <table class="cards">
                    <thead>
                        <tr>
                            {each(columns, |head| view! { <th scope="col">{head}</th> }.into_any())}
                            <th scope="col" class="end">
                                <span class="unseen">"Actions"</span>
                            </th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
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

fn row(row: Row, columns: &[String]) -> AnyView {
    let Row {
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
            <th scope="row" class=head.class>{each(head.bits, bit)}</th>
            {cells}
            <Actions actions about=name/>
        </tr>
    }
    .into_any()
}

fn bit(bit: Bit) -> AnyView {
    match bit {
        Bit::Words(text) => words(&text),
        Bit::Group(class, title, bits) => view! {
            <span class=class title=said(title)>
                {each(bits, self::bit)}
            </span>
        }
        .into_any(),
        Bit::Time(moment, title, text) => view! { <time datetime=moment title=title>{text}</time> }.into_any(),
        Bit::Code(title, text) => view! { <code title=title>{text}</code> }.into_any(),
        Bit::Icon(class, name) => icon_of(&class, &name),
        Bit::Address(address, what) => view! { <Address address what/> }.into_any(),
        Bit::Chips(bits) => chips(bits),
        Bit::Folded(summary, bits) => view! {
            <details class="more">
                <summary>{summary}</summary>
                {chips(bits)}
            </details>
        }
        .into_any(),
    }
}

fn chips(bits: Vec<Bit>) -> AnyView {
    let chip = |chip| view! { <li>{bit(chip)}</li> }.into_any();
    view! { <ul class="chips" role="list">{each(bits, chip)}</ul> }.into_any()
}

/// A text that is not empty.
fn said(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}
