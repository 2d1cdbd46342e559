//! What stands around every page: around those of an account with its navigation, around the others without.

use super::{form::PostForm, icon::Icon, notice::Notices, page::SignInFirst, theme_switch::ThemeSwitch};
use crate::{
    AppError,
    calls::access::SignOut,
    load::{Answer, Ask, Loaded, nothing},
};
use domain::{Role, view::Viewer};
use leptos::{prelude::*, server_fn::ServerFn};
use leptos_router::hooks::use_location;

/// The shell of an account's pages.
#[component]
pub(crate) fn AccountShell(account: String, children: Children) -> impl IntoView {
    view! {
        <SkipLink/>
        <div class="shell">
            <header class="side">
                <Brand/>
                <Loaded ask=Ask::Viewer(account) show=show_nav waiting=nothing/>
            </header>
            <main class="main" id="main" tabindex="-1">
                <Notices/>
                {children()}
            </main>
        </div>
    }
}

fn show_nav(_: Ask, answer: Answer) -> AnyView {
    match answer {
        Answer::Viewer(viewer) => view! { <AccountNav viewer/> }.into_any(),
        Answer::Failed(AppError::NotSignedIn) => view! { <SignInFirst/> }.into_any(),
        // What else went wrong, the page itself says.
        _ => nothing(),
    }
}

/// The shell of the pages at the door.
#[component]
pub(crate) fn DoorShell(children: Children) -> impl IntoView {
    view! {
        <SkipLink/>
        <div class="door">
            <header>
                <Brand/>
                <ThemeSwitch/>
            </header>
            <main id="main" tabindex="-1">
                <Notices/>
                {children()}
            </main>
        </div>
    }
    .into_any()
}

#[component]
fn SkipLink() -> impl IntoView {
    view! {
        <a class="skip" href="#main" rel="external">
            "Skip to the content"
        </a>
    }
}

#[component]
fn Brand() -> impl IntoView {
    view! {
        <a class="brand" href="/" rel="external">
            <Icon name="bay"/>
            "Patchbay"
        </a>
    }
}

#[component]
fn AccountNav(viewer: Viewer) -> impl IntoView {
    let account = viewer.account.clone();
    let admin = viewer.role == Role::Admin;
    let initials: String = viewer
        .name
        .split_whitespace()
        .filter_map(|word| word.chars().next())
        .take(2)
        .collect();
    view! {
        <nav aria-label="Main">
            <ul class="nav">
                <li>
                    <NavLink href=format!("/{account}/tokens") icon="key" label="Git tokens" count=viewer.attention/>
                </li>
            </ul>
            {admin
                .then(|| {
                    view! {
                        <h2 class="group">{viewer.account_name.clone()}</h2>
                        <ul class="nav">
                            <li>
                                <NavLink href=format!("/{account}/admin/runtimes") icon="cpu" label="Runtimes"/>
                            </li>
                            <li>
                                <NavLink
                                    href=format!("/{account}/admin/git-authentication")
                                    icon="lock"
                                    label="Git authentication"
                                />
                            </li>
                        </ul>
                    }
                })}
        </nav>
        <div class="who">
            <span class="avatar" aria-hidden="true">{initials}</span>
            <div class="person">
                <span class="name">{viewer.name}</span>
                <span class="sub">{viewer.account_name} " · " {viewer.role.as_str()}</span>
            </div>
            <div class="who-tools">
                <ThemeSwitch/>
                <PostForm action=SignOut::url()>
                    <button class="button quiet" type="submit">
                        <Icon name="leave"/>
                        "Sign out"
                    </button>
                </PostForm>
            </div>
        </div>
    }
}

#[component]
fn NavLink(
    href: String,
    icon: &'static str,
    label: &'static str,
    /// How many things there need the person.
    #[prop(optional)]
    count: u64,
) -> impl IntoView {
    let here = use_location().pathname;
    let target = href.clone();
    let count = (count > 0).then(|| {
        view! {
            <span class="count status warn">
                {count.to_string()}
                <span class="unseen">" need attention"</span>
            </span>
        }
    });
    view! {
        <a href=href aria-current=move || here.with(|here| *here == target).then_some("page")>
            <Icon name=icon/>
            {label}
            {count}
        </a>
    }
}
