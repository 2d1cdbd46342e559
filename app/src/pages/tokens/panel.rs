//! The panel that takes a token: authorisation, the field, and the steps to generate one.

use crate::{
    calls::tokens::{PutToken, TOKEN_FORM},
    components::{
        dialog::{FormKind, FormModal},
        form::{FormProblem, TextField},
        icon::{Icon, ProviderMark},
        scopes::ScopeNames,
    },
};
use domain::{
    ProviderKind,
    guide::{Guide, Piece, guide},
    token_format::{Recognition, TokenFormat},
    view::TokenRow,
};
use leptos::{prelude::*, server_fn::ServerFn};

/// The panel for one runtime.
#[component]
pub(super) fn TokenPanel(row: TokenRow, account: String, base: String) -> impl IntoView {
    let TokenRow {
        runtime,
        runtime_name: name,
        provider,
        required,
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
    let guide = guide(kind, &provider.base_url, &name, &required);
    let link = guide.link.clone();
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
                            <FormProblem generate=link/>
                            <TokenField kind/>
                            <Steps guide kind/>
                        </div>
                    </details>
        </FormModal>
    }
}

#[component]
fn TokenField(kind: ProviderKind) -> impl IntoView {
    let seen = RwSignal::new(Recognition::Unknown);
    let placeholder = match kind {
        ProviderKind::GitHub => "ghp_… or github_pat_…",
    };
    let hint = view! {
        <div aria-live="polite">
            {move || {
                let seen = seen.get();
                match (seen, seen.objection(kind)) {
                    (_, Some(objection)) => Some(view! {
                        <div class="field-error">
                            <Icon name="alert"/>
                            <span>{objection}</span>
                        </div>
                    }.into_any()),
                    (Recognition::Fits(format), None) => Some(view! {
                        <div class="field-good">
                            <Icon name="check"/>
                            <span>{format.name()}</span>
                        </div>
                    }.into_any()),
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
            placeholder
            autofocus=true
            hint
            on_input=Callback::new(move |typed: String| seen.set(TokenFormat::recognise(&typed, kind)))
        />
    }
}

/// The steps to generate a token.
#[component]
fn Steps(guide: Guide, kind: ProviderKind) -> impl IntoView {
    let steps = guide
        .steps
        .into_iter()
        .map(|step| {
            let pieces = step
                .into_iter()
                .map(|piece| match piece {
                    Piece::Text(words) => words.into_any(),
                    Piece::Label(words) => view! { <b>{words}</b> }.into_any(),
                    Piece::Scopes(scopes) => view! { <ScopeNames scopes/> }.into_any(),
                })
                .collect_view();
            view! { <li>{pieces}</li> }
        })
        .collect_view();
    view! {
        <section class="box" aria-labelledby="steps-title">
            <div class="box-head">
                <h3 id="steps-title">"Generate one"</h3>
                <a class="button" href=guide.link target="_blank" rel="noopener noreferrer">
                    {format!("Open {}, filled in", kind.name())}
                    <Icon name="out"/>
                    <span class="unseen">" (opens in a new tab)"</span>
                </a>
            </div>
            <ol class="steps">{steps}</ol>
        </section>
    }
}
