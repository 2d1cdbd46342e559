//! Icons, from one sprite that the browser loads once: so their paths are not in the WASM.

use leptos::prelude::*;

/// Where the sprite is. The query changes with its content, so that it may be cached for ever.
fn sprite(name: &str) -> String {
    const VERSION: u32 = fnv(include_bytes!("../../../style/assets/static/icons.svg"));
    format!("/static/icons.svg?v={VERSION:x}#{name}")
}

/// FNV-1a, at compile time.
const fn fnv(bytes: &[u8]) -> u32 {
    let mut hash = 0x811c_9dc5_u32;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u32).wrapping_mul(0x0100_0193);
        index += 1;
    }
    hash
}

/// An icon beside words that say the same: hidden from screen readers.
#[component]
pub(crate) fn Icon(
    /// Its name in the sprite.
    name: &'static str,
) -> impl IntoView {
    icon(name)
}

/// [`Icon`] of a name that the server gave.
pub(crate) fn icon(name: &str) -> AnyView {
    icon_of("icon", name)
}

/// An icon of a class: `icon` is drawn in lines, `mark` is filled.
pub(crate) fn icon_of(class: &str, name: &str) -> AnyView {
    view! {
        <svg class=class.to_owned() aria-hidden="true">
            <use href=sprite(name)></use>
        </svg>
    }
    .into_any()
}
