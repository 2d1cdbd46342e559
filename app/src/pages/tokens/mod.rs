//! Git Personal Access Tokens: every runtime that the person may use, and their token for it.

mod attention;
mod table;

use self::{attention::Attention, table::Row};
use crate::{
    calls::tokens::Tokens,
    components::{
        empty::Empty,
        list::TableCard,
        page::{PageHead, loading, unexpected},
    },
    load::{Answer, Ask, Loaded},
    state::app_state,
};
use domain::{Timestamp, status::ShownStatus, view::TokenRow};
use leptos::prelude::*;

/// The page.
#[component]
pub(crate) fn TokensPage(account: String) -> impl IntoView {
    view! {
        <PageHead
            title="Git Personal Access Tokens"
            lead="Authorize access to your Git provider accounts, once for each runtime that acts for you."
        />
        <Loaded ask=Ask::Tokens(account) show waiting=loading/>
    }
}

fn show(ask: Ask, answer: Answer) -> AnyView {
    match (ask, answer) {
        (Ask::Tokens(account), Answer::Tokens(page)) => view! { <Content page account/> }.into_any(),
        (_, answer) => unexpected(answer),
    }
}

#[component]
fn Content(page: Tokens, account: String) -> impl IntoView {
    let state = app_state();
    Effect::new(move |_| state.settle_focus());
    let Tokens { page, admin } = page;
    if page.rows.is_empty() {
        return view! { <NoRuntimes admin account/> }.into_any();
    }
    let authorized = page.rows.iter().filter(|row| row.token.is_some()).count();
    let count = format!("{authorized} of {} authorized", page.rows.len());
    let aside = view! { <span class="sub">{count}</span> }.into_any();
    let now = page.now;
    let attention = view! { <Attention rows=&page.rows now/> };
    let rows = page.rows.into_iter().map(|row| view! { <Row row now/> }).collect_view();
    view! {
        {attention}
        <TableCard title="Runtimes" aside columns=&["Runtime", "Token", "Scopes", "Status", "Expires"]>
            {rows}
        </TableCard>
    }
    .into_any()
}

#[component]
fn NoRuntimes(admin: bool, account: String) -> impl IntoView {
    let next = if admin {
        view! {
            <a class="button primary" href=format!("/{account}/admin/runtimes")>
                "Register a runtime"
            </a>
        }
        .into_any()
    } else {
        ().into_any()
    };
    let text = if admin {
        "Register a runtime, and add your token for it here."
    } else {
        "Your admin registers them. Ask for the one that you need, then add your token here."
    };
    view! {
        <section class="card">
            <Empty icon="cpu" title="No runtimes yet" text>
                {next}
            </Empty>
        </section>
    }
}

/// What is shown of a row's token at the moment of the page.
fn shown(row: &TokenRow, now: Timestamp) -> ShownStatus {
    row.token.as_ref().map_or(ShownStatus::NotAuthorized, |token| {
        ShownStatus::of(token.status, token.expiry, now)
    })
}
