//! Runtimes: register, edit, delete.

use crate::{
    calls::runtimes::{DELETE_FORM, DeleteRuntime, RUNTIME_FORM, SaveRuntime},
    components::{
        dialog::Modal,
        empty::Empty,
        form::{FormProblem, Hidden, PostForm, SelectField, Submit, TextField},
        icon::{Icon, ProviderMark},
        page::{PageHead, loading, unexpected},
        tool::ToolLink,
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
use leptos_router::hooks::use_query_map;

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
        let (text, href, next) = if page.providers.is_empty() {
            (
                "A runtime uses a Git provider, so register that first.",
                format!("/{account}/admin/git-authentication?register="),
                "Register Git provider",
            )
        } else {
            (
                "Register one, and everybody in the account can add their token for it.",
                format!("{base}?register="),
                "Register runtime",
            )
        };
        view! {
            <section class="card">
                <Empty icon="cpu" title="No runtimes yet" text=text>
                    <a class="button primary" id="register" href=href data-noscroll="">
                        <Icon name="plus"/>
                        {next}
                    </a>
                </Empty>
            </section>
        }
        .into_any()
    } else {
        view! { <Table runtimes=page.runtimes.clone() now=page.now base=base.clone()/> }.into_any()
    };
    view! {
        {list}
        <Panels page account base/>
    }
}

#[component]
fn Table(runtimes: Vec<RuntimeView>, now: Timestamp, base: String) -> impl IntoView {
    let count = match runtimes.len() {
        1 => "1 runtime".to_owned(),
        count => format!("{count} runtimes"),
    };
    let register = format!("{base}?register=");
    let rows = runtimes
        .into_iter()
        .map(|runtime| view! { <Row runtime now base=base.clone()/> })
        .collect_view();
    view! {
        <section class="card">
            <header>
                <h2>{count}</h2>
                <a class="button primary" id="register" href=register data-noscroll="">
                    <Icon name="plus"/>
                    "Register runtime"
                </a>
            </header>
            <div class="scroller">
                <table class="cards">
                    <thead>
                        <tr>
                            <th scope="col">"Name"</th>
                            <th scope="col">"Git provider"</th>
                            <th scope="col">"Authorized"</th>
                            <th scope="col">"Registered"</th>
                            <th scope="col" class="end">
                                <span class="unseen">"Actions"</span>
                            </th>
                        </tr>
                    </thead>
                    <tbody>{rows}</tbody>
                </table>
            </div>
        </section>
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
            <td data-label="Authorized">{people(tokens, members)}</td>
            <td data-label="Registered" class="date">
                <When at=created_at now/>
            </td>
            <td class="end">
                <div class="actions">
                    <ToolLink
                        id=format!("edit-{id}")
                        href=format!("{base}?edit={id}")
                        icon="edit"
                        label="Edit"
                        about=name.clone()
                    />
                    <ToolLink
                        id=format!("delete-{id}")
                        href=format!("{base}?delete={id}")
                        icon="trash"
                        label="Delete"
                        about=name.clone()
                    />
                </div>
            </td>
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
    let query = use_query_map();
    let page = StoredValue::new(page);
    move || {
        let query = query.read();
        let find = |id: String| {
            page.with_value(|page| {
                page.runtimes
                    .iter()
                    .find(|runtime| runtime.id.to_string() == id)
                    .cloned()
            })
        };
        let (account, base) = (account.clone(), base.clone());
        if query.get("register").is_some() {
            Some(view! { <Form page=page.get_value() runtime=None account base/> }.into_any())
        } else if let Some(runtime) = query.get("edit").and_then(find) {
            Some(view! { <Form page=page.get_value() runtime=Some(runtime) account base/> }.into_any())
        } else {
            let runtime = query.get("delete").and_then(find)?;
            Some(view! { <Delete runtime account base/> }.into_any())
        }
    }
}

#[component]
fn Form(page: Page, runtime: Option<RuntimeView>, account: String, base: String) -> impl IntoView {
    let (title, label, opener) = match &runtime {
        Some(runtime) => (format!("Edit {}", runtime.name), "Save", format!("edit-{}", runtime.id)),
        None => ("Register runtime".to_owned(), "Register runtime", "register".to_owned()),
    };
    let options: Vec<(String, String)> = page
        .providers
        .into_iter()
        .map(|(id, label)| (id.to_string(), format!("{} ({})", label.name, label.host)))
        .collect();
    let hint = view! { "As in prod-eu: lower-case letters, digits and hyphens." }.into_any();
    let (id, name, provider) = runtime
        .map(|runtime| (runtime.id.to_string(), runtime.name, runtime.provider.to_string()))
        .unwrap_or_default();
    view! {
        <Modal class="panel" title close=base.clone() opener>
            <PostForm action=SaveRuntime::url() id=RUNTIME_FORM class="panel-form">
                <div class="panel-body">
                    <FormProblem/>
                    <TextField name="name" label="Name" value=name mono=true hint autofocus=true/>
                    <SelectField name="provider" label="Git provider" options value=provider/>
                    <Hidden name="id" value=id/>
                    <Hidden name="account" value=account/>
                </div>
                <footer>
                    <a class="button" href=base data-noscroll="">
                        "Cancel"
                    </a>
                    <Submit label busy="Saving…"/>
                </footer>
            </PostForm>
        </Modal>
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
        <Modal class="dialog" focus_heading=true title=format!("Delete {name}?") close=base.clone() opener=format!("delete-{id}")>
            <PostForm action=DeleteRuntime::url() id=DELETE_FORM class="panel-form">
                <div class="panel-body">
                    <FormProblem/>
                    <p>{consequence}</p>
                    <p class="sub">"This cannot be undone. Tokens stay valid at the Git provider until they are revoked there."</p>
                    <Hidden name="id" value=id.to_string()/>
                    <Hidden name="account" value=account/>
                </div>
                <footer>
                    <a class="button" href=base data-noscroll="">
                        "Cancel"
                    </a>
                    <Submit label="Delete runtime" busy="Deleting…" class="button danger"/>
                </footer>
            </PostForm>
        </Modal>
    }
}
