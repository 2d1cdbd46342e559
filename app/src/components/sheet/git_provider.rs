//! The fields for a Git provider, two of which follow what is chosen and typed.

use crate::{
    components::form::{OnInput, deaf, field_id, select_field, text_field, text_field_with, typed_or},
    dom,
};
use domain::{
    ProviderKind,
    sheet::{Field, Pairs},
};
use leptos::prelude::*;

/// The choice of the kind, and the fields of one line below it.
pub(super) fn git_provider(chosen: Field, kinds: Pairs, fields: Vec<Field>) -> AnyView {
    // A form that was refused comes back with the kind that was chosen.
    let kind = ProviderKind::from_word(&typed_or(&chosen.name, chosen.value.clone())).unwrap_or_default();
    let kind = RwSignal::new(kind);
    let base = RwSignal::new(String::new());
    let base_id = field_id(expect_context(), "base_url");
    let on_kind: OnInput = Box::new(move |word| {
        let Some(new) = ProviderKind::from_word(&word) else {
            return;
        };
        // An address that nobody typed follows the kind.
        if base.with_untracked(|typed| typed.is_empty() || typed == kind.get_untracked().about().public) {
            let public = new.about().public;
            base.set(public.to_owned());
            dom::fill(&base_id, public);
        }
        kind.set(new);
    });
    let fields = fields
        .into_iter()
        .map(|mut field| match field.name.as_str() {
            "base_url" => {
                if field.value.is_empty() {
                    kind.get_untracked().about().public.clone_into(&mut field.value);
                }
                base.set(typed_or(&field.name, field.value.clone()));
                let hint = move || base_hint(kind.get());
                text_field_with(field, Some(hint.into_any()), Box::new(move |typed| base.set(typed)))
            }
            "api_url" => {
                let follows = move || base.with(|base| kind.get().api_url(base.trim()));
                let hint = view! { "If left empty: " <code class="address">{follows}</code> };
                text_field_with(field, Some(hint.into_any()), deaf())
            }
            _ => text_field(field),
        })
        .collect_view();
    view! {
        {select_field(chosen, kinds, on_kind)}
        {fields}
    }
    .into_any()
}

/// Which address to enter.
fn base_hint(kind: ProviderKind) -> String {
    let about = kind.about();
    match (about.public, about.own) {
        (public, "") => format!("{public}."),
        ("", own) => format!("The address of {own}."),
        (public, own) => format!("{public}, or the address of {own}."),
    }
}
