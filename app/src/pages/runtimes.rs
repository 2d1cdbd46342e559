//! Runtimes: register, edit, delete.

use crate::{
    calls::runtimes::{DELETE_FORM, DeleteRuntime, RUNTIME_FORM, SaveRuntime},
    components::{
        dialog::{FormKind, FormModal},
        empty::Empty,
        form::{FormProblem, SelectField, TextField},
        icon::ProviderMark,
        list::{EditAndDelete, RegisterLink, TableCard, Wanted, wanted},
        page::{PageHead, loading, unexpected},
        when::When,
    },
    load::{Answer, Ask, Loaded},
    state::app_state,
};
use domain::{
    Timestamp,
    view::{RuntimeView, RuntimesPage as Page},
};
use leptos::{prelude::*, server_fn::ServerFn};

/// The page.
#[component]
pub(crate) fn RuntimesPage(account: String) -> impl IntoView {
    view! {
        <PageHead title="Runtimes" lead="The GitOps installations that act with your people's Git tokens."/>
        <Loaded ask=Ask::Runtimes(account) show waiting=loading/>
    }
}

fn show(ask: Ask, answer: Answer) -> AnyView {
    match (ask, answer) {
        (Ask::Runtimes(account), Answer::Runtimes(page)) => view! { <Content page account/> }.into_any(),
        (_, answer) => unexpected(answer),
    }
}

#[component]
fn Content(page: Page, account: String) -> impl IntoView {
    let state = app_state();
    Effect::new(move |_| state.settle_focus());
    let base = format!("/{account}/admin/runtimes");
    let list = if page.runtimes.is_empty() {
        let (text, base, next) = if page.providers.is_empty() {
            (
                "A runtime uses a Git provider, so register that first.",
                format!("/{account}/admin/git-authentication"),
                "Register Git provider",
            )
        } else {
            (
                "Register one, and everybody in the account can add their token for it.",
                base.clone(),
                "Register runtime",
            )
        };
        view! {
            <section class="card">
                <Empty icon="cpu" title="No runtimes yet" text=text>
                    <RegisterLink base label=next/>
                </Empty>
            </section>
        }
        .into_any()
    } else {
        let title = match page.runtimes.len() {
            1 => "1 runtime".to_owned(),
            count => format!("{count} runtimes"),
        };
        let aside = view! { <RegisterLink base=base.clone() label="Register runtime"/> }.into_any();
        let rows = page
            .runtimes
            .iter()
            .map(|runtime| view! { <Row runtime=runtime.clone() now=page.now base=base.clone()/> })
            .collect_view();
        view! {
            <TableCard title aside columns=&["Name", "Git provider", "Authorized", "Registered"]>
                {rows}
            </TableCard>
        }
        .into_any()
    };
    view! {
        {list}
        <Panels page account base/>
    }
}

#[component]
fn Row(runtime: RuntimeView, now: Timestamp, base: String) -> impl IntoView {
    let RuntimeView {
        id,
        name,
        provider_label,
        tokens,
        members,
        created_at,
        ..
    } = runtime;
    view! {
        <tr>
            <th scope="row" class="name">{name.clone()}</th>
            <td data-label="Git provider">
                <div class="stack">
                    <span>{provider_label.name}</span>
                    <ProviderMark kind=provider_label.kind text=provider_label.host/>
                </div>
            </td>
            <td data-label="Authorized" class="count">{people(tokens, members)}</td>
            <td data-label="Registered" class="date">
                <When at=created_at now/>
            </td>
            <EditAndDelete id=id.to_string() name base/>
        </tr>
    }
}

/// How many of those who may have a token have one.
fn people(tokens: u64, members: u64) -> String {
    match members {
        1 => format!("{tokens} of 1 person"),
        _ => format!("{tokens} of {members} people"),
    }
}

/// The panel or dialog that the address asks for.
#[component]
fn Panels(page: Page, account: String, base: String) -> impl IntoView {
    let wanted = wanted(page.runtimes, |runtime| runtime.id);
    let providers: Vec<(String, String)> = page
        .providers
        .into_iter()
        .map(|(id, label)| (id.to_string(), format!("{} ({})", label.name, label.host)))
        .collect();
    move || {
        let (account, base, providers) = (account.clone(), base.clone(), providers.clone());
        let runtime = match wanted()? {
            Wanted::Delete(runtime) => return Some(view! { <Delete runtime account base/> }.into_any()),
            Wanted::Register => None,
            Wanted::Edit(runtime) => Some(runtime),
        };
        Some(view! { <Form providers runtime account base/> }.into_any())
    }
}

#[component]
fn Form(
    providers: Vec<(String, String)>,
    runtime: Option<RuntimeView>,
    account: String,
    base: String,
) -> impl IntoView {
    let (title, label, opener) = match &runtime {
        Some(runtime) => (format!("Edit {}", runtime.name), "Save", format!("edit-{}", runtime.id)),
        None => ("Register runtime".to_owned(), "Register runtime", "register".to_owned()),
    };
    let hint = view! { "As in prod-eu: lower-case letters, digits and hyphens." }.into_any();
    let (id, name, provider) = runtime
        .map(|runtime| (runtime.id.to_string(), runtime.name, runtime.provider.to_string()))
        .unwrap_or_default();
    view! {
        <FormModal
            kind=FormKind::Panel
            title
            close=base
            opener
            action=SaveRuntime::url()
            id=RUNTIME_FORM
            hidden=vec![("id", id), ("account", account)]
            submit=Some((label, "Saving…".to_owned()))
        >
            <FormProblem/>
            <TextField name="name" label="Name" value=name mono=true hint autofocus=true/>
            <SelectField name="provider" label="Git provider" options=providers value=provider/>
        </FormModal>
    }
}

#[component]
fn Delete(runtime: RuntimeView, account: String, base: String) -> impl IntoView {
    let RuntimeView { id, name, tokens, .. } = runtime;
    let consequence = match tokens {
        0 => format!("{name} can no longer be chosen. Nobody has a token for it."),
        1 => format!("{name} can no longer act for anybody: the token that 1 person has for it is deleted with it."),
        _ => format!(
            "{name} can no longer act for anybody: the tokens that {tokens} people have for it are deleted with it."
        ),
    };
    view! {
        <FormModal
            kind=FormKind::Deletion
            title=format!("Delete {name}?")
            close=base
            opener=format!("delete-{id}")
            action=DeleteRuntime::url()
            id=DELETE_FORM
            hidden=vec![("id", id.to_string()), ("account", account)]
            submit=Some(("Delete runtime", "Deleting…".to_owned()))
        >
            <FormProblem/>
            <p>{consequence}</p>
            <p class="sub">"This cannot be undone. Tokens stay valid at the Git provider until they are revoked there."</p>
        </FormModal>
    }
}
