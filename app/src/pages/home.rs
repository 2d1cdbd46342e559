//! The start: it leads to where the person belongs.

use crate::{
    calls::access::Door,
    components::page::{LeadOn, PageHead, error_page, loading},
    load::{Answer, Ask, Loaded},
};
use leptos::prelude::*;

/// The page.
#[component]
pub(crate) fn HomePage() -> impl IntoView {
    view! {
        <Loaded ask=Ask::Door show waiting=loading/>
    }
}

fn show(_: Ask, answer: Answer) -> AnyView {
    let door = match answer {
        Ok(packed) => packed.open(),
        Err(error) => return error_page(error),
    };
    match door {
        Door::Account(account) => view! { <LeadOn path=format!("/{account}/tokens")/> }.into_any(),
        Door::SignIn => view! { <LeadOn path="/sign-in"/> }.into_any(),
        Door::NotSetUp => view! { <NotSetUp/> }.into_any(),
        Door::NoAccount => view! {
            <PageHead title="No account yet"/>
            <div class="card body">
                <p>"You are signed in, but a member of no account. Ask an admin of yours to invite you."</p>
            </div>
        }
        .into_any(),
    }
}

/// Says how Patchbay is set up.
#[component]
pub(crate) fn NotSetUp() -> impl IntoView {
    view! {
        <PageHead title="Patchbay is not set up yet"/>
        <div class="card body">
            <p>
                "Open the set-up link that the server printed when it started: it is in its log, or in the terminal that "
                "runs it, and begins with " <code>"/setup/"</code> "."
            </p>
            <p class="sub">"The link works once. A server that is started again prints a new one."</p>
        </div>
    }
}
