//! The routes, and what stands around all of them.

use crate::{
    components::shell::{AccountShell, DoorShell},
    dom,
    flash::FirstLoad,
    pages::{
        git_authentication::GitAuthenticationPage, home::HomePage, not_found::NotFoundPage, runtimes::RuntimesPage,
        set_up::SetUpPage, sign_in::SignInPage, tokens::TokensPage,
    },
    state::AppState,
};
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    SsrMode,
    components::{ParentRoute, Redirect, Route, Router, Routes},
    hooks::{use_location, use_params_map},
    path,
};

/// The app: every page of Patchbay.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let first = SharedValue::new(|| use_context::<FirstLoad>().unwrap_or_default()).into_inner();
    provide_context(AppState::new(first));

    view! {
        <Title formatter=|title: String| if title.is_empty() { "Patchbay".to_owned() } else { title + " · Patchbay" }/>
        <Router>
            <Navigation/>
            <Routes fallback=NothingHere>
                <Route path=path!("/") view=HomePage ssr=SsrMode::Async/>
                <Route path=path!("/sign-in") view=SignInPage ssr=SsrMode::Async/>
                <Route path=path!("/setup/:code") view=SetUpPage ssr=SsrMode::Async/>
                <ParentRoute path=path!("/:account") view=AccountShell ssr=SsrMode::Async>
                    <Route path=path!("") view=AccountHome/>
                    <Route path=path!("tokens") view=TokensPage/>
                    <Route path=path!("admin/runtimes") view=RuntimesPage/>
                    <Route path=path!("admin/git-authentication") view=GitAuthenticationPage/>
                    <Route path=path!("*any") view=NotFoundPage/>
                </ParentRoute>
            </Routes>
        </Router>
    }
}

/// An account's own address leads to its first page.
#[component]
fn AccountHome() -> impl IntoView {
    let params = use_params_map();
    let tokens = format!("/{}/tokens", params.read_untracked().get("account").unwrap_or_default());
    view! { <Redirect path=tokens/> }
}

/// Nothing is at this address, and it is no account's.
#[component]
fn NothingHere() -> impl IntoView {
    view! {
        <DoorShell>
            <NotFoundPage/>
        </DoorShell>
    }
}

/// On every way from one page to another: drops what was said for the last one, and moves the focus to the heading, where
/// a full load would have let a screen reader begin.
#[component]
fn Navigation() -> impl IntoView {
    let state = expect_context::<AppState>();
    let location = use_location();
    Effect::new(move |last: Option<(String, String)>| {
        let here = (location.pathname.get(), location.search.get());
        match last {
            Some(last) if last.0 != here.0 => {
                state.leave_page();
                dom::focus("h1");
            }
            Some(last) if last != here => state.leave_form(),
            _ => {}
        }
        here
    });
}
