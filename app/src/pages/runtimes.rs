//! Runtimes: register, edit, delete.

use crate::{
    components::{
        actions::Actions,
        empty::Empty,
        icon::ProviderMark,
        list::{RegisterLink, TableCard},
        page::{PageHead, loading, unexpected},
        status::StatusBadge,
        when::When,
        words::words,
    },
    load::{Answer, Ask, Loaded},
    state::app_state,
};
use domain::{
    Timestamp,
    status::ShownStatus,
    view::{RuntimeView, RuntimesPage as Page},
};
use leptos::prelude::*;

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
    if page.runtimes.is_empty() {
        let (text, base, next) = if page.has_providers {
            (
                "Register one, and everybody in the account can add their token for it.",
                base,
                "Register runtime",
            )
        } else {
            (
                "A runtime uses a Git provider, so register that first.",
                format!("/{account}/admin/git-authentication"),
                "Register Git provider",
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
        let waiting = page.waiting;
        let aside = view! {
            <span class="sub">{waiting}</span>
            <RegisterLink base label="Register runtime"/>
        }
        .into_any();
        let rows = page
            .runtimes
            .into_iter()
            .map(|runtime| view! { <Row runtime now=page.now/> })
            .collect_view();
        view! {
            <TableCard title aside columns=&["Name", "Git provider", "Runtime token", "Authorized", "Registered"]>
                {rows}
            </TableCard>
        }
        .into_any()
    }
}

#[component]
fn Row(runtime: RuntimeView, now: Timestamp) -> impl IntoView {
    let RuntimeView {
        name,
        provider_label,
        tokens,
        members,
        token_status,
        token_lines,
        created_at,
        actions,
        ..
    } = runtime;
    let token = match token_status {
        Some((status, expiry)) => {
            let lines = token_lines
                .iter()
                .map(|line| view! { <span class="sub">{words(line)}</span> })
                .collect_view();
            view! {
                <div class="stack">
                    <StatusBadge status=ShownStatus::of(status, expiry, now)/>
                    {lines}
                </div>
            }
            .into_any()
        }
        None => view! { <span class="sub">"none"</span> }.into_any(),
    };
    view! {
        <tr>
            <th scope="row" class="name">{name.clone()}</th>
            <td data-label="Git provider">
                <div class="stack">
                    <span>{provider_label.name}</span>
                    <ProviderMark kind=provider_label.kind text=provider_label.host/>
                </div>
            </td>
            <td data-label="Runtime token" class="wide">{token}</td>
            <td data-label="Authorized" class="count">{people(tokens, members)}</td>
            <td data-label="Registered" class="date">
                <When at=created_at now/>
            </td>
            <Actions actions about=name/>
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
