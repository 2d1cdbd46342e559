//! The field for a token.

use crate::components::{form::text_field_with, icon::Icon, words::words};
use domain::{
    ProviderKind,
    sheet::Field,
    token_format::{Recognition, TokenFormat},
};
use leptos::prelude::*;

/// The field: what is pasted is recognised at once, in the browser.
pub(super) fn token(field: Field, kind: ProviderKind) -> AnyView {
    let seen = RwSignal::new(Recognition::Unknown);
    let hint = view! {
        <div aria-live="polite">
            {move || {
                let seen = seen.get();
                match (seen, seen.objection(kind)) {
                    (_, Some(objection)) => Some(remark("field-error", "alert", objection)),
                    (Recognition::Fits(format), None) => {
                        let words = if format.remark.is_empty() {
                            format.name.to_owned()
                        } else {
                            format!("{}. {}", format.name, format.remark)
                        };
                        let (class, icon) = if format.ended { ("field-error", "alert") } else { ("field-good", "check") };
                        Some(remark(class, icon, words))
                    }
                    (_, None) => None,
                }
            }}
        </div>
        {words(&field.hint)}
    }
    .into_any();
    let on_input = move |typed: String| seen.set(TokenFormat::recognise(&typed, kind));
    text_field_with(field, Some(hint), Box::new(on_input))
}

/// What is said below the field of what was pasted.
fn remark(class: &'static str, icon: &'static str, words: String) -> AnyView {
    view! {
        <div class=class>
            <Icon name=icon/>
            <span>{words}</span>
        </div>
    }
    .into_any()
}
