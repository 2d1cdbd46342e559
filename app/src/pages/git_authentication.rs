//! Git authentication: the Git providers of the account.

use crate::{
    components::{
        actions::Actions,
        copy::Address,
        empty::Empty,
        icon::ProviderMark,
        list::{RegisterLink, TableCard},
        page::{PageHead, loading, unexpected},
        when::When,
    },
    load::{Answer, Ask, Loaded},
    state::app_state,
};
use domain::{
    Timestamp,
    view::{ProviderView, ProvidersPage as Page},
};
use leptos::prelude::*;

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
    let register = view! { <RegisterLink base label="Register Git provider"/> }.into_any();
    if page.providers.is_empty() {
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
            .into_iter()
            .map(|provider| view! { <Row provider now=page.now/> })
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
    }
}

#[component]
fn Row(provider: ProviderView, now: Timestamp) -> impl IntoView {
    let ProviderView {
        label,
        api_url,
        api_url_given,
        allow_unverified,
        runtimes,
        created_at,
        actions,
        ..
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
            <Actions actions about=label.name/>
        </tr>
    }
}
