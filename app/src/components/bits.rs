//! What cells are made of, shown.

use super::{
    copy::Address,
    icon::icon_of,
    words::{each, words},
};
use domain::page::Bit;
use leptos::prelude::*;

/// A bit of a cell.
pub(crate) fn bit(bit: Bit) -> AnyView {
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
        Bit::Link(id, to, text) => view! { <a id=id href=to data-noscroll="">{text}</a> }.into_any(),
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
