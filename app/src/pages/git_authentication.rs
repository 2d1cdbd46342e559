//! Git authentication: the Git providers of the account.

use crate::{
    calls::git_providers::{DELETE_FORM, DeleteGitProvider, PROVIDER_FORM, SaveGitProvider},
    components::{
        copy::Address,
        dialog::{FormKind, FormModal},
        empty::Empty,
        form::{FormProblem, SelectField, TextField},
        icon::ProviderMark,
        list::{EditAndDelete, RegisterLink, TableCard, Wanted, wanted},
        page::{PageHead, loading, unexpected},
        when::When,
    },
    dom,
    load::{Answer, Ask, Loaded},
    state::app_state,
};
use domain::{
    ProviderKind, Timestamp,
    view::{ProviderView, ProvidersPage as Page},
};
use leptos::{prelude::*, server_fn::ServerFn};

/// The page.
#[component]
pub(crate) fn GitAuthenticationPage(account: String) -> impl IntoView {
    view! {
        <PageHead
            title="Git authentication"
            lead="The Git providers that your runtimes use, and against which tokens are checked."
        />
        <Loaded ask=Ask::GitProviders(account) show waiting=loading/>
    }
}

fn show(ask: Ask, answer: Answer) -> AnyView {
    match (ask, answer) {
        (Ask::GitProviders(account), Answer::GitProviders(page)) => view! { <Content page account/> }.into_any(),
        (_, answer) => unexpected(answer),
    }
}

#[component]
fn Content(page: Page, account: String) -> impl IntoView {
    let state = app_state();
    Effect::new(move |_| state.settle_focus());
    let base = format!("/{account}/admin/git-authentication");
    let register = view! { <RegisterLink base=base.clone() label="Register Git provider"/> }.into_any();
    let list = if page.providers.is_empty() {
        view! {
            <section class="card">
                <Empty
                    icon="plug"
                    title="No Git providers yet"
                    text="Register github.com, gitlab.com or a server of your own, then the runtimes that use it."
                >
                    {register}
                </Empty>
            </section>
        }
        .into_any()
    } else {
        let rows = page
            .providers
            .iter()
            .map(|provider| view! { <Row provider=provider.clone() now=page.now base=base.clone()/> })
            .collect_view();
        view! {
            <TableCard
                title="Git providers"
                aside=register
                columns=&["Name", "Base URL", "API base", "Runtimes", "Registered"]
            >
                {rows}
            </TableCard>
        }
        .into_any()
    };
    view! {
        {list}
        <Panels providers=page.providers account base/>
    }
}

#[component]
fn Row(provider: ProviderView, now: Timestamp, base: String) -> impl IntoView {
    let ProviderView {
        id,
        label,
        api_url,
        api_url_given,
        allow_unverified,
        runtimes,
        created_at,
    } = provider;
    let runtimes = match runtimes.len() {
        0 => view! { <span class="sub">"none"</span> }.into_any(),
        _ => view! { <span>{runtimes.join(", ")}</span> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row">
                <div class="stack">
                    <span class="name">{label.name.clone()}</span>
                    <ProviderMark kind=label.kind text=label.kind.name()/>
                    {allow_unverified.then(|| view! { <span class="sub">"accepts unverified tokens"</span> })}
                </div>
            </th>
            <td data-label="Base URL">
                <Address address=label.base_url what=format!("the base URL of {}", label.name)/>
            </td>
            <td data-label="API base">
                <div class="stack">
                    <Address address=api_url what=format!("the API base of {}", label.name)/>
                    <span class="sub">{if api_url_given { "as given" } else { "from the base URL" }}</span>
                </div>
            </td>
            <td data-label="Runtimes" class="wide">{runtimes}</td>
            <td data-label="Registered" class="date">
                <When at=created_at now/>
            </td>
            <EditAndDelete id=id.to_string() name=label.name base/>
        </tr>
    }
}

/// The panel or dialog that the address asks for.
#[component]
fn Panels(providers: Vec<ProviderView>, account: String, base: String) -> impl IntoView {
    let wanted = wanted(providers, |provider| provider.id);
    move || {
        let (account, base) = (account.clone(), base.clone());
        let provider = match wanted()? {
            Wanted::Delete(provider) => return Some(view! { <Delete provider account base/> }.into_any()),
            Wanted::Register => None,
            Wanted::Edit(provider) => Some(provider),
        };
        Some(view! { <Form provider account base/> }.into_any())
    }
}

#[component]
fn Form(provider: Option<ProviderView>, account: String, base: String) -> impl IntoView {
    let (title, label, opener) = match &provider {
        Some(provider) => (
            format!("Edit {}", provider.label.name),
            "Save",
            format!("edit-{}", provider.id),
        ),
        None => (
            "Register Git provider".to_owned(),
            "Register Git provider",
            "register".to_owned(),
        ),
    };
    let chosen = provider.as_ref().map(|provider| provider.label.kind);
    let base_url = provider.as_ref().map(|provider| provider.label.base_url.clone());
    let api_url = provider
        .as_ref()
        .filter(|provider| provider.api_url_given)
        .map(|provider| provider.api_url.clone())
        .unwrap_or_default();
    let (id, name) = provider
        .map(|provider| (provider.id.to_string(), provider.label.name))
        .unwrap_or_default();
    // Whatever is registered keeps its kind.
    let kinds = ProviderKind::ALL
        .iter()
        .filter(|kind| chosen.is_none_or(|chosen| chosen == **kind))
        .map(|kind| (kind.as_str().to_owned(), kind.name().to_owned()))
        .collect();

    // A form that was refused comes back with the kind that was chosen.
    let (_, left) = app_state().left_by(PROVIDER_FORM);
    let left = left.iter().find(|(field, _)| field == "kind");
    let kind = left
        .and_then(|(_, word)| ProviderKind::from_word(word))
        .or(chosen)
        .unwrap_or_default();
    let base_url = base_url.unwrap_or_else(|| kind.about().public.to_owned());
    let kind = RwSignal::new(kind);
    let typed_base = RwSignal::new(base_url.clone());
    let on_kind = Callback::new(move |word: String| {
        let Some(new) = ProviderKind::from_word(&word) else {
            return;
        };
        // An address that nobody typed follows the kind.
        if typed_base.with_untracked(|typed| typed.is_empty() || typed == kind.get_untracked().about().public) {
            let public = new.about().public;
            typed_base.set(public.to_owned());
            dom::fill(PROVIDER_FORM, "base_url", public);
        }
        kind.set(new);
    });
    let follows = move || typed_base.with(|base| kind.get().api_url(base.trim()));
    let base_hint = move || {
        let about = kind.get().about();
        match (about.public, about.own) {
            (public, "") => format!("{public}."),
            ("", own) => format!("The address of {own}."),
            (public, own) => format!("{public}, or the address of {own}."),
        }
    };
    let api_hint = view! { "If left empty: " <code class="address">{follows}</code> }.into_any();
    let name_hint = view! { "What your people see. If left empty: the host." }.into_any();
    view! {
        <FormModal
            kind=FormKind::Panel
            title
            close=base
            opener
            action=SaveGitProvider::url()
            id=PROVIDER_FORM
            hidden=vec![("id", id), ("account", account)]
            submit=Some((label, "Saving…".to_owned()))
        >
            <FormProblem/>
            <SelectField name="kind" label="Kind" options=kinds value=kind.get_untracked().as_str() on_change=on_kind/>
            <TextField name="name" label="Name" value=name required=false hint=name_hint autofocus=true/>
            <TextField
                name="base_url"
                label="Base URL"
                kind="url"
                value=base_url
                mono=true
                hint=base_hint.into_any()
                on_input=Callback::new(move |typed| typed_base.set(typed))
            />
            <TextField
                name="api_url"
                label="API base URL"
                kind="url"
                value=api_url
                mono=true
                required=false
                hint=api_hint
            />
        </FormModal>
    }
}

#[component]
fn Delete(provider: ProviderView, account: String, base: String) -> impl IntoView {
    let ProviderView {
        id, label, runtimes, ..
    } = provider;
    let free = runtimes.is_empty();
    let text = if free {
        format!(
            "Runtimes can no longer be registered with {}. No runtime uses it now.",
            label.name
        )
    } else {
        format!(
            "It cannot be deleted while runtimes use it: {}. Delete them first, or give them another provider.",
            runtimes.join(", ")
        )
    };
    view! {
        <FormModal
            kind=FormKind::Deletion
            title=format!("Delete {}?", label.name)
            close=base
            opener=format!("delete-{id}")
            action=DeleteGitProvider::url()
            id=DELETE_FORM
            hidden=vec![("id", id.to_string()), ("account", account)]
            submit=free.then(|| ("Delete Git provider", "Deleting…".to_owned()))
        >
            <FormProblem/>
            <p>{text}</p>
        </FormModal>
    }
}
