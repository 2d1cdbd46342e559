//! The few things done to the document by hand: focus, dialogs, and what a form holds. Called in the browser only, from
//! event handlers and effects.

use leptos::prelude::{document, request_animation_frame};
use wasm_bindgen::JsCast;
use web_sys::{Element, Event, FormData, HtmlElement, HtmlFormElement, HtmlInputElement, UrlSearchParams};

/// Moves the focus to the first element that fits, once what changed is in the document.
pub(crate) fn focus(selector: &'static str) {
    request_animation_frame(move || {
        if let Ok(Some(element)) = document().query_selector(selector) {
            focus_element(&element);
        }
    });
}

/// Moves the focus to the first of these elements that there is, by id, once what changed is in the document.
pub(crate) fn focus_one_of(ids: String) {
    request_animation_frame(move || {
        if let Some(element) = one_of(&ids) {
            focus_element(&element);
        }
    });
}

fn one_of(ids: &str) -> Option<Element> {
    ids.split(' ').find_map(|id| document().get_element_by_id(id))
}

/// The id of the element that has the focus.
pub(crate) fn focused_id() -> Option<String> {
    let id = document().active_element()?.id();
    (!id.is_empty()).then_some(id)
}

/// As [`focus_one_of`], or else to the heading, and only if nothing has the focus, or something else than `before`.
pub(crate) fn focus_if_lost(ids: String, before: Option<String>) {
    request_animation_frame(move || {
        let document = document();
        let gone = document
            .active_element()
            .is_none_or(|element| element.tag_name() == "BODY");
        // An element that was made into another one still has the focus, but is no longer what the person chose.
        let replaced = before.is_some() && focused_id() != before;
        if !gone && !replaced {
            return;
        }
        let heading = || document.query_selector("h1").ok().flatten();
        if let Some(element) = one_of(&ids).or_else(heading) {
            focus_element(&element);
        }
    });
}

/// Moves the focus to the first field in error of a form, or to its summary of what went wrong.
pub(crate) fn focus_problem(form: HtmlFormElement) {
    request_animation_frame(move || {
        let field = form.query_selector("[aria-invalid='true']").ok().flatten();
        if let Some(element) = field.or_else(|| form.query_selector(".problem").ok().flatten()) {
            focus_element(&element);
        }
    });
}

fn focus_element(element: &Element) {
    // What is in a menu that is closed cannot take the focus: the button that opens it stands for it.
    let menu = element.closest(".menu").ok().flatten();
    let button = menu.and_then(|menu| menu.previous_element_sibling());
    let element = button.as_ref().unwrap_or(element);
    if let Some(element) = element.dyn_ref::<HtmlElement>() {
        // An element that cannot take the focus leaves it where it is.
        let _ = element.focus();
    }
}

/// The form that an event came from.
pub(crate) fn form_of(event: &Event) -> Option<HtmlFormElement> {
    event.current_target().or_else(|| event.target())?.dyn_into().ok()
}

/// The form's fields, encoded as a plain post would.
pub(crate) fn encoded(form: &HtmlFormElement) -> Option<String> {
    let data = FormData::new_with_form(form).ok()?;
    UrlSearchParams::new_with_str_sequence_sequence(&data)
        .ok()?
        .to_string()
        .as_string()
}

/// Puts a text into a field of this id.
pub(crate) fn fill(id: &str, text: &str) {
    let element = document().get_element_by_id(id);
    if let Some(input) = element.and_then(|element| element.dyn_into::<HtmlInputElement>().ok()) {
        input.set_value(text);
    }
}

/// Closes the menu that is open, if one is.
pub(crate) fn close_menu() {
    let menu = document().query_selector(".menu:popover-open").ok().flatten();
    if let Some(menu) = menu.and_then(|menu| menu.dyn_into::<HtmlElement>().ok()) {
        // One that was closed meanwhile stays so.
        let _ = menu.hide_popover();
    }
}

/// Empties the form's secret fields, and tells whoever listens to them.
pub(crate) fn empty_secrets(form: &HtmlFormElement) {
    let Ok(secrets) = form.query_selector_all("[data-secret]") else {
        return;
    };
    for secret in (0..secrets.length()).filter_map(|index| secrets.get(index)) {
        if let Some(input) = secret.dyn_ref::<HtmlInputElement>() {
            input.set_value("");
            if let Ok(event) = Event::new("input") {
                let _ = input.dispatch_event(&event);
            }
        }
    }
}

/// Puts a text on the clipboard; `false` where a page may not.
pub(crate) fn copy(text: &str) -> bool {
    let window = leptos::prelude::window();
    let allowed = window.is_secure_context();
    if allowed {
        // The browser asks nobody about a click on this page; there is nothing to wait for.
        let _ = window.navigator().clipboard().write_text(text);
    }
    allowed
}

/// Shows the theme at once.
pub(crate) fn show_theme(theme: &str) {
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-theme", theme);
    }
}

/// Path and query of the page.
pub(crate) fn here() -> String {
    let location = leptos::prelude::window().location();
    location.pathname().unwrap_or_default() + &location.search().unwrap_or_default()
}
