//! Forms: they post, with and without JavaScript, and show what came of it where a person looks for it.
//!
//! Fields are uncontrolled: what was typed stays, whatever is rendered anew around it. Secrets are emptied after a
//! refusal and never come back from the server.

use super::{icon::Icon, problem::ProblemText};
use crate::{
    AppError, dom,
    flash::News,
    platform,
    reply::{Done, Reply},
    state::{AppState, NO_FORM, app_state},
};
use leptos::{ev::SubmitEvent, prelude::*, task::spawn_local};
use leptos_router::{NavigateOptions, hooks::use_navigate};
use web_sys::HtmlFormElement;

/// One form on a page, provided as context to its fields.
#[derive(Clone, Copy)]
struct FormState {
    id: &'static str,
    waiting: RwSignal<bool>,
    error: RwSignal<Option<AppError>>,
    values: StoredValue<Vec<(String, String)>>,
}

impl FormState {
    fn field_error(self, field: &'static str) -> Option<String> {
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
    action: &'static str,
    /// The form's id: for its fields, and for what it leaves when it is posted without JavaScript. A form without one
    /// has its errors shown above the page.
    #[prop(default = NO_FORM)]
    id: &'static str,
    #[prop(optional)] class: &'static str,
    children: Children,
) -> impl IntoView {
    let state = app_state();
    let (error, values) = state.left_by(id);
    let form = FormState {
        id,
        waiting: RwSignal::new(false),
        error: RwSignal::new(error),
        values: StoredValue::new(values),
    };
    provide_context(form);

    let navigate = use_navigate();
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
        let navigate = navigate.clone();
        spawn_local(async move {
            match platform::post(action, body).await {
                Reply::Done(done) if done.reload => platform::redirect(&done.location),
                Reply::Done(done) => finish(state, form, &done, |location| {
                    navigate(
                        location,
                        NavigateOptions {
                            replace: true,
                            scroll: false,
                            ..NavigateOptions::default()
                        },
                    );
                }),
                Reply::Failed(AppError::NotSignedIn) => platform::redirect(&crate::paths::sign_in(&dom::here())),
                Reply::Failed(error) => fail(state, form, &element, error),
            }
        });
    };

    view! {
        <form action=action method="post" class=class novalidate aria-busy=move || form.waiting.get().then_some("true") on:submit=on_submit>
            {children()}
        </form>
    }
}

/// Goes on, unless the person has left the form in the meantime: then it is only said that it is done.
fn finish(state: AppState, form: FormState, done: &Done, navigate: impl Fn(&str)) {
    let stays = form.waiting.try_set(false).is_none();
    if stays && !done.location.is_empty() {
        navigate(&done.location);
    }
    state.notice.set(News::of(done));
    state.reload();
}

fn fail(state: AppState, form: FormState, element: &HtmlFormElement, error: AppError) {
    let left = form.waiting.try_set(false).is_some();
    if left || form.id == NO_FORM {
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
    #[prop(optional, into)]
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

/// A field's name for scripts, in the form.
fn field_id(form: FormState, name: &str) -> String {
    format!("{}-{name}", form.id)
}

/// A field of one line.
#[component]
pub(crate) fn TextField(
    name: &'static str,
    label: &'static str,
    /// What it holds at first, unless the form comes back with what was typed.
    #[prop(optional, into)]
    value: String,
    #[prop(default = "text")] kind: &'static str,
    #[prop(default = "off")] autocomplete: &'static str,
    #[prop(optional)] placeholder: &'static str,
    #[prop(default = true)] required: bool,
    #[prop(optional)] autofocus: bool,
    #[prop(optional)] mono: bool,
    /// What to know before typing.
    #[prop(optional)]
    hint: Option<AnyView>,
    /// Hears what is typed.
    #[prop(optional)]
    on_input: Option<Callback<String>>,
) -> impl IntoView {
    let form = expect_context::<FormState>();
    let id = field_id(form, name);
    let secret = kind == "password";
    let value = form.values.with_value(|values| {
        values
            .iter()
            .find(|(field, _)| field == name)
            .map_or(value, |(_, typed)| typed.clone())
    });
    let error = Memo::new(move |_| form.field_error(name));
    let (error_id, hint_id) = (format!("{id}-error"), format!("{id}-hint"));
    let described_by = {
        let (error_id, hint_id, hinted) = (error_id.clone(), hint_id.clone(), hint.is_some());
        move || match (error.with(Option::is_some), hinted) {
            (true, true) => Some(format!("{error_id} {hint_id}")),
            (true, false) => Some(error_id.clone()),
            (false, true) => Some(hint_id.clone()),
            (false, false) => None,
        }
    };
    view! {
        <div class="form-row">
            <label for=id.clone()>
                {label} {(!required).then(|| view! { <span class="optional">" (optional)"</span> })}
            </label>
            <input
                id=id
                name=name
                type=kind
                class=if mono { "field mono" } else { "field" }
                value=(!secret).then_some(value)
                placeholder=placeholder
                autocomplete=autocomplete
                spellcheck="false"
                autocapitalize="none"
                required=required
                autofocus=autofocus
                data-secret=secret.then_some("")
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=described_by
                on:input=move |event| {
                    if let Some(on_input) = on_input {
                        on_input.run(event_target_value(&event));
                    }
                }
            />
            <FieldError id=error_id error/>
            {hint.map(|hint| view! { <div class="hint" id=hint_id>{hint}</div> })}
        </div>
    }
}

#[component]
fn FieldError(id: String, error: Memo<Option<String>>) -> impl IntoView {
    move || {
        let id = id.clone();
        error.get().map(|error| {
            view! {
                <div class="field-error" id=id>
                    <Icon name="alert"/>
                    <span>{error}</span>
                </div>
            }
        })
    }
}

/// A choice among few.
#[component]
pub(crate) fn SelectField(
    name: &'static str,
    label: &'static str,
    /// Value and words of each.
    options: Vec<(String, String)>,
    /// The one that is chosen at first, unless the form comes back with another.
    #[prop(optional, into)]
    value: String,
    /// Hears what is chosen.
    #[prop(optional)]
    on_change: Option<Callback<String>>,
) -> impl IntoView {
    let form = expect_context::<FormState>();
    let id = field_id(form, name);
    let error_id = format!("{id}-error");
    let value = form.values.with_value(|values| {
        values
            .iter()
            .find(|(field, _)| field == name)
            .map_or(value, |(_, chosen)| chosen.clone())
    });
    let error = Memo::new(move |_| form.field_error(name));
    let options = options
        .into_iter()
        .map(|(option, words)| {
            let selected = option == value;
            view! { <option value=option selected=selected>{words}</option> }
        })
        .collect_view();
    let described_by = error_id.clone();
    view! {
        <div class="form-row">
            <label for=id.clone()>{label}</label>
            <select
                id=id
                name=name
                class="field"
                aria-invalid=move || error.with(Option::is_some).then_some("true")
                aria-describedby=move || error.with(Option::is_some).then(|| described_by.clone())
                on:change=move |event| {
                    if let Some(on_change) = on_change {
                        on_change.run(event_target_value(&event));
                    }
                }
            >
                {options}
            </select>
            <FieldError id=error_id error/>
        </div>
    }
}

/// A field that the person does not see.
#[component]
pub(crate) fn Hidden(name: &'static str, #[prop(into)] value: String) -> impl IntoView {
    view! { <input type="hidden" name=name value=value/> }
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
    #[prop(optional)] icon: &'static str,
    #[prop(optional, into)] id: Option<String>,
) -> impl IntoView {
    let waiting = expect_context::<FormState>().waiting;
    let title = (!icon.is_empty()).then(|| label.clone());
    view! {
        <button
            class=class
            type="submit"
            id=id
            title=title
            aria-busy=move || waiting.get().then_some("true")
            aria-disabled=move || waiting.get().then_some("true")
        >
            {move || {
                if waiting.get() {
                    Some(view! { <span class="spinner" aria-hidden="true"></span> }.into_any())
                } else {
                    (!icon.is_empty()).then(|| view! { <Icon name=icon/> }.into_any())
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
