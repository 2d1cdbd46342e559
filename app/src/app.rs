//! Which page stands where, and what stands around all of them.

use crate::{
    components::{
        page::LeadOn,
        sheet::Sheets,
        shell::{AccountShell, DoorShell},
    },
    dom,
    flash::FirstLoad,
    load::nothing,
    pages::{
        home::HomePage, join::JoinPage, not_found::NotFoundPage, plain::PlainPage, set_up::SetUpPage,
        sign_in::SignInPage,
    },
    place::{AccountPage, DoorPage, Place},
    platform,
    state::AppState,
};
use leptos::prelude::*;
use leptos_meta::{Title, provide_meta_context};
use leptos_router::{
    components::Router,
    hooks::use_location,
    location::{BrowserUrl, LocationProvider as _},
};

/// The app: every page of Patchbay.
#[component]
pub fn App() -> impl IntoView {
    provide_meta_context();
    let first = platform::first_load();
    view! {
        <Title formatter=|title: String| if title.is_empty() { "Patchbay".to_owned() } else { title + " · Patchbay" }/>
        <Router>
            <Pages first/>
        </Router>
    }
}

/// The page at the address.
#[component]
fn Pages(first: FirstLoad) -> impl IntoView {
    let location = use_location();
    let (path, search) = (location.pathname, location.search);
    let place = Memo::new(move |_| Place::at(&path.read()));
    let asks = place.with_untracked(|place| place.asks(&search.read_untracked()));
    let state = AppState::new(first, asks);
    provide_context(state);
    follow_navigation(state);

    let account = Memo::new(move |_| match &*place.read() {
        Place::Account(account, _) => Some(account.clone()),
        Place::Door(_) => None,
    });
    // One account's frame stays while its pages change.
    move || match account.get() {
        Some(account) => view! { <AccountPages account place/> }.into_any(),
        None => place.with(|place| match place {
            Place::Door(page) => door_page(page),
            Place::Account(..) => nothing(),
        }),
    }
}

fn door_page(page: &DoorPage) -> AnyView {
    let page = match page {
        DoorPage::Home => view! { <HomePage/> }.into_any(),
        DoorPage::SignIn => view! { <SignInPage/> }.into_any(),
        DoorPage::SetUp(code) => view! { <SetUpPage code=code.clone()/> }.into_any(),
        DoorPage::Join(code) => view! { <JoinPage code=code.clone()/> }.into_any(),
    };
    view! { <DoorShell>{page}</DoorShell> }.into_any()
}

#[component]
fn AccountPages(account: String, place: Memo<Place>) -> impl IntoView {
    let page = Memo::new(move |_| match &*place.read() {
        Place::Account(_, page) => Some(*page),
        Place::Door(_) => None,
    });
    let name = account.clone();
    let page = move || {
        let account = name.clone();
        match page.get() {
            Some(AccountPage::Home) => view! { <LeadOn path=format!("/{account}/tokens")/> }.into_any(),
            Some(page) => match page.head() {
                Some((page, title, lead)) => view! { <PlainPage account page title lead/> }.into_any(),
                None => view! { <NotFoundPage/> }.into_any(),
            },
            // The frame is about to go, too.
            None => nothing(),
        }
    };
    view! {
        <AccountShell account>
            {page}
            <Sheets place/>
        </AccountShell>
    }
}

/// On every way from one page to another: puts its address into the browser's history, drops what was said for the last
/// one, and moves the focus to the heading, where a full load would have let a screen reader begin.
fn follow_navigation(state: AppState) {
    let location = use_location();
    let history = use_context::<BrowserUrl>();
    Effect::new(move |last: Option<(String, String)>| {
        let here = (location.pathname.get(), location.search.get());
        if let Some(history) = &history {
            history.ready_to_complete();
        }
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
