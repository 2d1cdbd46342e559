//! The browser's entry point: takes over the page that the server rendered.

// Leptos nests the types of views as deeply as the views themselves.
#![recursion_limit = "512"]

use app::App;

/// Called by the script that Leptos writes into every page.
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_body(App);
}
