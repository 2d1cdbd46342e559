//! The panel that takes a token: authorisation, the field, and the steps to generate one.

use crate::{
    calls::tokens::{PutToken, TOKEN_FORM},
    components::{
        dialog::{FormKind, FormModal},
        form::{FormProblem, TextField},
        icon::{Icon, ProviderMark},
    },
};
use domain::{
    ProviderKind,
    guide::{Guide, Piece, pieces},
    provider::UsernameField,
    token_format::{Recognition, TokenFormat},
    view::TokenRow,
};
use leptos::{prelude::*, server_fn::ServerFn};

/// The panel for one runtime.
#[component]
pub(super) fn TokenPanel(row: TokenRow, guide: Guide, account: String, base: String) -> impl IntoView {
    let TokenRow {
        runtime,
        runtime_name: name,
        provider,
        generate_url,
        token,
        ..
    } = row;
    let kind = provider.kind;
    let (title, label, opener) = if token.is_some() {
        (
            format!("Replace token for {name}"),
            "Replace",
            format!("replace-{runtime} add-{runtime}"),
        )
    } else {
        (
            format!("Add token for {name}"),
            "Add token",
            format!("add-{runtime} replace-{runtime}"),
        )
    };
    let below = view! {
        <ProviderMark kind text=format!("{} · {}", provider.name, provider.host)/>
    }
    .into_any();
    let filled_in = if guide.filled_in { ", filled in" } else { "" };
    let generate = (format!("Generate one{filled_in}"), generate_url.clone());
    let open = (format!("Open {}{filled_in}", kind.name()), generate_url);
    let username = token.and_then(|token| token.username).unwrap_or_default();
    // A field is made inside its form.
    let beside = move |field: &'static UsernameField| {
        let hint = field.hint.into_any();
        view! { <TextField name="username" label=field.label value=username required=field.is_required() hint/> }
    };
    view! {
        <FormModal
            kind=FormKind::Panel
            title
            below
            close=base
            opener
            action=PutToken::url()
            id=TOKEN_FORM
            hidden=vec![("runtime", runtime.to_string()), ("account", account)]
            submit=Some((label, format!("Checking with {}…", kind.name())))
        >
            <p>
                {format!(
                    "Patchbay needs access to your {} account to act for you in this runtime. Authorize it, or provide a personal access token.",
                    kind.name(),
                )}
            </p>
            <div>
                <button
                    class="button wide"
                    type="button"
                    aria-disabled="true"
                    aria-describedby="no-oauth"
                >
                    {format!("Authorize access to {}", kind.name())}
                </button>
                <p class="hint" id="no-oauth">
                    "No OAuth application is registered for this provider. Contact your admin for help"
                </p>
            </div>
            <details open>
                <summary>"Advanced authorization options"</summary>
                <div class="details-body">
                    <FormProblem generate/>
                    <TokenField kind/>
                    {kind.about().username.as_ref().map(beside)}
                    <Steps guide open/>
                </div>
            </details>
        </FormModal>
    }
}

#[component]
fn TokenField(kind: ProviderKind) -> impl IntoView {
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
        {format!("Checked with {} before it is stored. Nobody can read it back, you included.", kind.name())}
    }
    .into_any();
    view! {
        <TextField
            name="token"
            label="Personal access token"
            kind="password"
            mono=true
            placeholder=kind.about().placeholder
            autofocus=true
            hint
            on_input=Callback::new(move |typed: String| seen.set(TokenFormat::recognise(&typed, kind)))
        />
    }
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

/// The steps to generate a token, with the page where one begins, in words and address.
#[component]
fn Steps(guide: Guide, open: (String, String)) -> impl IntoView {
    let steps = guide
        .steps
        .iter()
        .map(|step| {
            let pieces = pieces(step)
                .map(|piece| match piece {
                    Piece::Text(words) => words.to_owned().into_any(),
                    Piece::Label(words) => view! { <b>{words.to_owned()}</b> }.into_any(),
                    Piece::Scope(name) => view! { <code class="chip">{name.to_owned()}</code> }.into_any(),
                })
                .collect_view();
            view! { <li>{pieces}</li> }
        })
        .collect_view();
    view! {
        <section class="box" aria-labelledby="steps-title">
            <div class="box-head">
                <h3 id="steps-title">"Generate one"</h3>
                <a class="button" href=open.1 target="_blank" rel="noopener noreferrer">
                    {open.0}
                    <Icon name="out"/>
                    <span class="unseen">" (opens in a new tab)"</span>
                </a>
            </div>
            <ol class="steps">{steps}</ol>
            <p class="hint">{guide.remark}</p>
        </section>
    }
}
