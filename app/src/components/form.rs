//! Forms: they post, with and without JavaScript, and show what came of it where a person looks for it.
//!
//! Fields are uncontrolled: what was typed stays, whatever is rendered anew around it. Secrets are emptied after a
//! refusal and never come back from the server.

use super::{
    icon::{Icon, icon},
    problem::ProblemText,
    words::{each, words},
};
use crate::{
    AppError, dom,
    flash::News,
    platform,
    reply::Done,
    state::{AppState, NO_FORM, app_state},
};
use domain::sheet::{Field, Pairs};
use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use web_sys::HtmlFormElement;

/// One form on a page, provided as context to its fields.
#[derive(Clone, Copy)]
pub(crate) struct FormState {
    id: StoredValue<String>,
    waiting: RwSignal<bool>,
    error: RwSignal<Option<AppError>>,
    values: StoredValue<Vec<(String, String)>>,
}

impl FormState {
    /// Whether the form comes back from the server with an error.
    pub(crate) fn was_refused(self) -> bool {
        self.error.with_untracked(Option::is_some)
    }

    fn field_error(self, field: &str) -> Option<String> {
        self.error.with(|error| match error {
            Some(AppError::Invalid(fields)) => fields.at(field).map(ToOwned::to_owned),
            _ => None,
        })
    }
}

/// A form that posts to a server function.
#[component]
pub(crate) fn PostForm(
    /// The server function's address.
    #[prop(into)]
    action: String,
    /// The form's id: for its fields, and for what it leaves when it is posted without JavaScript. A form without one
    /// has its errors shown above the page.
    #[prop(default = NO_FORM.to_owned(), into)]
    id: String,
    #[prop(optional)] class: &'static str,
    /// Its id in the document, for controls that stand outside of it.
    #[prop(optional, into)]
    element: Option<&'static str>,
    children: Children,
) -> impl IntoView {
    let state = app_state();
    let (error, values) = state.left_by(&id);
    let form = FormState {
        id: StoredValue::new(id),
        waiting: RwSignal::new(false),
        error: RwSignal::new(error),
        values: StoredValue::new(values),
    };
    provide_context(form);

    let navigate = use_navigate();
    let address = action.clone();
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let Some(element) = dom::form_of(&event).filter(|_| !form.waiting.get_untracked()) else {
            return;
        };
        let Some(body) = dom::encoded(&element) else { return };
        form.waiting.set(true);
        form.error.set(None);
        state.notice.set(None);
        state.remember_focus();
        // A button may post to an address of its own.
        let other = event.submitter().and_then(|button| button.get_attribute("formaction"));
        let (address, navigate) = (other.unwrap_or_else(|| address.clone()), navigate.clone());
        spawn_local(async move {
            match platform::post(&address, body).await {
                Ok(done) if done.reload => platform::redirect(&done.location),
                Ok(done) => finish(state, form, &done, |location| {
                    navigate(
                        location,
                        NavigateOptions {
                            replace: true,
                            scroll: false,
                            ..NavigateOptions::default()
                        },
                    );
                }),
                Err(AppError::NotSignedIn) => platform::redirect(&crate::paths::sign_in(&dom::here())),
                Err(error) => fail(state, form, &element, error),
            }
        });
    };

    view! {
        <form id=element action=action method="post" class=class novalidate aria-busy=move || form.waiting.get().then_some("true") on:submit=on_submit>
            {children()}
        </form>
    }
}

/// A form whose fields stand in the address of a page: it chooses what the page shows.
#[component]
pub(crate) fn FilterForm(
    /// The page's address.
    to: String,
    children: Children,
) -> impl IntoView {
    provide_context(FormState {
        id: StoredValue::new("filter".to_owned()),
        waiting: RwSignal::new(false),
        error: RwSignal::new(None),
        values: StoredValue::new(Vec::new()),
    });
    let navigate = use_navigate();
    let state = app_state();
    let address = to.clone();
    let on_submit = move |event: SubmitEvent| {
        event.prevent_default();
        let query = dom::form_of(&event)
            .and_then(|form| dom::encoded(&form))
            .unwrap_or_default();
        state.remember_focus();
        // What is not chosen need not stand in the address.
        let chosen: Vec<&str> = query.split('&').filter(|field| !field.ends_with('=')).collect();
        let mark = if chosen.is_empty() { "" } else { "?" };
        navigate(
            &format!("{address}{mark}{}", chosen.join("&")),
            NavigateOptions {
                scroll: false,
                ..NavigateOptions::default()
            },
        );
    };
    view! {
        <form action=to method="get" class="filter" role="search" on:submit=on_submit>
            {children()}
        </form>
    }
}

/// Goes on, unless the person has left the form in the meantime: then it is only said that it is done.
fn finish(state: AppState, form: FormState, done: &Done, navigate: impl Fn(&str)) {
    let stays = form.waiting.try_set(false).is_none();
    dom::close_menu();
    if stays && !done.location.is_empty() {
        navigate(&done.location);
    }
    state.notice.set(News::of(done));
    state.reload();
}

fn fail(state: AppState, form: FormState, element: &HtmlFormElement, error: AppError) {
    let left = form.waiting.try_set(false).is_some();
    if left || form.id.with_value(String::is_empty) {
        dom::close_menu();
        state.notice.set(Some(News::Failed(error)));
        return;
    }
    // A connection that broke says nothing about the secret: it may be sent again.
    if !matches!(error, AppError::Offline | AppError::Garbled) {
        dom::empty_secrets(element);
    }
    form.error.set(Some(error));
    dom::focus_problem(element.clone());
}

/// What went wrong with the form as a whole. Errors of fields stand at the fields.
#[component]
pub(crate) fn FormProblem(
    /// Where to generate a token, in words and address, for forms that ask for one.
    #[prop(optional_no_strip)]
    generate: Option<(String, String)>,
) -> impl IntoView {
    let form = expect_context::<FormState>();
    move || {
        let error = form
            .error
            .get()
            .filter(|error| !matches!(error, AppError::Invalid(_)))?;
        let generate = generate.clone();
        Some(view! {
            <div class="notice bad problem" role="alert" tabindex="-1" autofocus>
                <Icon name="bad"/>
                <div class="notice-text">
                    <ProblemText error generate/>
                </div>
            </div>
        })
    }
}

/// The id of a field in the document.
pub(crate) fn field_id(form: FormState, name: &str) -> String {
    form.id.with_value(|form| format!("{form}-{name}"))
}

/// A field of a form as its parts need it: its id, and what is wrong with it.
struct Known {
    id: String,
    error: Memo<Option<String>>,
    error_id: String,
    hint_id: String,
}

impl Known {
    fn of(form: FormState, name: &str) -> Self {
        let id = field_id(form, name);
        let name = name.to_owned();
        Self {
            error: Memo::new(move |_| form.field_error(&name)),
            error_id: format!("{id}-error"),
            hint_id: format!("{id}-hint"),
            id,
        }
    }

    fn invalid(&self) -> impl Fn() -> Option<&'static str> + Send + Sync + 'static {
        let error = self.error;
        move || error.with(Option::is_some).then_some("true")
    }

    /// The ids of what describes it.
    fn described_by(&self, hinted: bool) -> impl Fn() -> Option<String> + Send + Sync + 'static {
        let (error, error_id) = (self.error, self.error_id.clone());
        let hint_id = hinted.then(|| self.hint_id.clone());
        move || match (error.with(Option::is_some), &hint_id) {
            (true, Some(hint_id)) => Some(format!("{error_id} {hint_id}")),
            (true, None) => Some(error_id.clone()),
            (false, hint_id) => hint_id.clone(),
        }
    }

    /// What is wrong with it.
    fn shown_error(&self) -> AnyView {
        let (error, id) = (self.error, self.error_id.clone());
        (move || {
            let id = id.clone();
            error.get().map(|error| {
                view! {
                    <div class="field-error" id=id>
                        <Icon name="alert"/>
                        <span>{error}</span>
                    </div>
                }
            })
        })
        .into_any()
    }
}

/// What a field of the form holds at first: what was typed, if the form comes back with it.
pub(crate) fn typed_or(name: &str, value: String) -> String {
    let values = expect_context::<FormState>().values;
    values.with_value(|values| {
        let typed = values.iter().find(|(field, _)| field == name);
        typed.map_or(value, |(_, typed)| typed.clone())
    })
}

/// Hears what is typed or chosen.
pub(crate) type OnInput = Box<dyn Fn(String)>;

/// Hears nothing.
pub(crate) fn deaf() -> OnInput {
    Box::new(|_| ())
}

/// A field of this name, label and type that a browser may fill in.
pub(crate) fn typed(name: &str, label: &str, kind: &str, autocomplete: &str) -> Field {
    Field {
        kind: kind.to_owned(),
        autocomplete: autocomplete.to_owned(),
        ..Field::new(name, label)
    }
}

/// A field of one line.
pub(crate) fn text_field(field: Field) -> AnyView {
    let hint = (!field.hint.is_empty()).then(|| words(&field.hint));
    text_field_with(field, hint, deaf())
}

/// A field of one line, with a hint of its own, that somebody listens to.
pub(crate) fn text_field_with(field: Field, hint: Option<AnyView>, on_input: OnInput) -> AnyView {
    let known = Known::of(expect_context(), &field.name);
    let secret = field.kind == "password";
    let value = (!secret).then(|| typed_or(&field.name, field.value));
    // Nobody expects to have to search.
    let says_optional = field.optional && field.kind != "search";
    let or = |text: String, other: &str| if text.is_empty() { other.to_owned() } else { text };
    view! {
        <div class="form-row">
            <label for=known.id.clone()>
                {field.label} {says_optional.then(|| view! { <span class="optional">" (optional)"</span> })}
            </label>
            <input
                id=known.id.clone()
                name=field.name
                type=or(field.kind, "text")
                class=if field.mono { "field mono" } else { "field" }
                value=value
                placeholder=field.placeholder
                autocomplete=or(field.autocomplete, "off")
                spellcheck="false"
                autocapitalize="none"
                required=!field.optional
                disabled=field.disabled
                autofocus=field.autofocus
                data-secret=secret.then_some("")
                aria-invalid=known.invalid()
                aria-describedby=known.described_by(hint.is_some())
                on:input=move |event| on_input(event_target_value(&event))
            />
            {known.shown_error()}
            {hint.map(|hint| view! { <div class="hint" id=known.hint_id>{hint}</div> })}
        </div>
    }
    .into_any()
}

/// A choice among few; `options` are the value and words of each.
pub(crate) fn select_field(field: Field, options: Pairs, on_change: OnInput) -> AnyView {
    let known = Known::of(expect_context(), &field.name);
    let value = typed_or(&field.name, field.value);
    let options = options
        .into_iter()
        .map(|(option, words)| {
            let selected = option == value;
            view! { <option value=option selected=selected>{words}</option> }
        })
        .collect_view();
    let hint = (!field.hint.is_empty()).then(|| words(&field.hint));
    view! {
        <div class="form-row">
            <label for=known.id.clone()>{field.label}</label>
            <select
                id=known.id.clone()
                name=field.name
                class="field"
                disabled=field.disabled
                aria-invalid=known.invalid()
                aria-describedby=known.described_by(hint.is_some())
                on:change=move |event| on_change(event_target_value(&event))
            >
                {options}
            </select>
            {known.shown_error()}
            {hint.map(|hint| view! { <div class="hint" id=known.hint_id>{hint}</div> })}
        </div>
    }
    .into_any()
}

/// Boxes to tick, below what they have in common. They share a name, and what is wrong stands below them all.
pub(crate) fn checks(legend: String, boxes: Vec<Field>) -> AnyView {
    let error = boxes
        .first()
        .map(|first| Known::of(expect_context(), &first.name).shown_error());
    view! {
        <fieldset class="checks">
            {(!legend.is_empty()).then(|| view! { <legend>{legend}</legend> })}
            {each(boxes, check)}
            {error}
        </fieldset>
    }
    .into_any()
}

/// A box to tick.
fn check(field: Field) -> AnyView {
    let form = expect_context::<FormState>();
    let known = Known {
        // The value tells those of one name apart.
        id: field_id(form, &format!("{}-{}", field.name, field.value)),
        hint_id: field_id(form, &format!("{}-{}-hint", field.name, field.value)),
        ..Known::of(form, &field.name)
    };
    let checked = form.values.with_value(|values| match values.as_slice() {
        [] => field.checked,
        values => values
            .iter()
            .any(|(name, value)| *name == field.name && *value == field.value),
    });
    let hint = (!field.hint.is_empty()).then(|| words(&field.hint));
    view! {
        <div class="check">
            <input
                type="checkbox"
                id=known.id.clone()
                name=field.name
                value=field.value
                checked=checked
                disabled=field.disabled
                autofocus=field.autofocus
                aria-invalid=known.invalid()
                aria-describedby=known.described_by(hint.is_some())
            />
            <div>
                <label for=known.id>{field.label}</label>
                {hint.map(|hint| view! { <div class="hint" id=known.hint_id>{hint}</div> })}
            </div>
        </div>
    }
    .into_any()
}

/// A field that the person does not see.
#[component]
pub(crate) fn Hidden(#[prop(into)] name: String, #[prop(into)] value: String) -> impl IntoView {
    view! { <input type="hidden" name=name value=value/> }
}

/// The fields that the person does not see: names and values.
pub(crate) fn hidden(fields: Pairs) -> AnyView {
    each(fields, |(name, value)| view! { <Hidden name value/> }.into_any())
}

/// The button that sends the form. While it waits it says what for, and takes no second press.
#[component]
pub(crate) fn Submit(
    #[prop(into)] label: String,
    /// What is said while the form waits.
    #[prop(into)]
    busy: String,
    #[prop(default = "button primary")] class: &'static str,
    /// What tells it from others of its label, for screen readers.
    #[prop(optional, into)]
    about: String,
    /// Its icon; with one, the label is also its title.
    #[prop(optional, into)]
    mark: String,
    #[prop(optional, into)] id: Option<String>,
    /// Where it posts to, if not to the form's address.
    #[prop(optional, into)]
    to: Option<String>,
) -> impl IntoView {
    let waiting = expect_context::<FormState>().waiting;
    let title = (!mark.is_empty()).then(|| label.clone());
    view! {
        <button
            class=class
            type="submit"
            id=id
            formaction=to
            title=title
            aria-busy=move || waiting.get().then_some("true")
            aria-disabled=move || waiting.get().then_some("true")
        >
            {move || {
                if waiting.get() {
                    Some(view! { <span class="spinner" aria-hidden="true"></span> }.into_any())
                } else {
                    (!mark.is_empty()).then(|| icon(&mark).into_any())
                }
            }}
            <span class="word">{move || if waiting.get() { busy.clone() } else { label.clone() }}</span>
            {(!about.is_empty()).then(|| view! { <span class="unseen">" "{about}</span> })}
        </button>
        <span class="unseen" role="status">
            {move || waiting.get().then_some("Please wait")}
        </span>
    }
}
