//! What stands around every page: around those of an account with its navigation, around the others without.

use super::{
    form::PostForm,
    icon::{self, Icon},
    notice::Notices,
    page::SignInFirst,
    theme_switch::ThemeSwitch,
    words::each,
};
use crate::{
    AppError,
    calls::access::SignOut,
    load::{Answer, Ask, Loaded, nothing},
};
use domain::page::{Frame, Link};
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
                <Loaded ask=Ask::Frame(account) show=show_nav waiting=nothing/>
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
        Ok(packed) => nav(packed.open()),
        Err(AppError::NotSignedIn) => view! { <SignInFirst/> }.into_any(),
        // What else went wrong, the page itself says.
        Err(_) => nothing(),
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

fn nav(frame: Frame) -> AnyView {
    view! {
        <nav aria-label="Main">{each(frame.groups, group)}</nav>
        <div class="who">
            <span class="avatar" aria-hidden="true">{frame.initials}</span>
            <div class="person">
                <span class="name">{frame.name}</span>
                <button class="switch sub" type="button" id="switch" popovertarget="accounts">
                    <span>{frame.part}</span>
                    <Icon name="sort"/>
                    <span class="unseen">" Accounts"</span>
                </button>
                <div class="menu" id="accounts" popover="" role="group" aria-label="Accounts">{each(frame.accounts, account)}</div>
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
    .into_any()
}

/// The way to an account. The page is loaded anew, since all of it is another's.
fn account(link: Link) -> AnyView {
    let current = (!link.icon.is_empty()).then_some("true");
    view! {
        <a class="button quiet" href=link.to rel="external" aria-current=current>
            {link.label}
            {current.map(|_| icon::icon(&link.icon))}
        </a>
    }
    .into_any()
}

fn group((heading, links): (String, Vec<Link>)) -> AnyView {
    view! {
        {(!heading.is_empty()).then(|| view! { <h2 class="group">{heading}</h2> })}
        <ul class="nav">{each(links, link)}</ul>
    }
    .into_any()
}

fn link(link: Link) -> AnyView {
    let here = use_location().pathname;
    let Link {
        to,
        icon: mark,
        label,
        count,
    } = link;
    let target = to.clone();
    let count = (!count.is_empty()).then(|| {
        view! {
            <span class="count status warn">
                {count}
                <span class="unseen">" need attention"</span>
            </span>
        }
    });
    view! {
        <li>
            <a href=to aria-current=move || here.with(|here| *here == target).then_some("page")>
                {icon::icon(&mark)}
                {label}
                {count}
            </a>
        </li>
    }
    .into_any()
}
