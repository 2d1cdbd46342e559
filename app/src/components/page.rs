//! The frame of a page: title, heading, and what stands there while it loads or when it cannot be shown.

use super::icon::Icon;
use crate::{AppError, paths, platform};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_location;

/// The document's title and the page's heading, which takes the focus when one comes from another page. The children
/// are the page's actions.
#[component]
pub(crate) fn PageHead(
    title: &'static str,
    #[prop(optional)] lead: &'static str,
    #[prop(optional)] children: Option<Children>,
) -> impl IntoView {
    view! {
        <Title text=title/>
        <div class="head">
            <div>
                <h1 tabindex="-1">{title}</h1>
                {(!lead.is_empty()).then(|| view! { <p>{lead}</p> })}
            </div>
            {children.map(|children| view! { <div class="row">{children()}</div> })}
        </div>
    }
}

/// What stands where a page's content will be.
#[component]
pub(crate) fn Loading() -> impl IntoView {
    view! {
        <div class="card loading" aria-busy="true">
            <span class="unseen" role="status">"Loading"</span>
            <span class="bone"></span>
            <span class="bone"></span>
            <span class="bone"></span>
        </div>
    }
}

/// [`Loading`] as a plain function.
pub(crate) fn loading() -> AnyView {
    view! { <Loading/> }.into_any()
}

/// A page that cannot be shown: why, and what to do. Somebody who is not signed in is led to sign-in instead.
pub(crate) fn error_page(error: AppError) -> AnyView {
    if matches!(error, AppError::NotSignedIn) {
        return view! { <SignInFirst/> }.into_any();
    }
    platform::set_status(error.status());
    let icon = match error {
        AppError::NotFound => "search",
        AppError::NotAdmin => "lock",
        _ => "alert",
    };
    let (title, text) = super::problem::page_words(error);
    view! {
        <Title text=title.clone()/>
        // It stands in for the page's own head, which the stylesheet hides beside it.
        <section class="card empty page-error" role="alert">
            <Icon name=icon/>
            <h1 tabindex="-1">{title}</h1>
            <p>{text}</p>
            <div class="row">
                <a class="button" href="/" rel="external">"Go to the start page"</a>
            </div>
        </section>
    }
    .into_any()
}

/// Leads to sign-in, and back here from there.
#[component]
pub(crate) fn SignInFirst() -> impl IntoView {
    let location = use_location();
    let here = format!(
        "{}?{}",
        location.pathname.get_untracked(),
        location.search.get_untracked()
    );
    view! { <LeadOn path=paths::sign_in(here.trim_end_matches('?'))/> }
}

/// Leads to another page.
#[component]
pub(crate) fn LeadOn(#[prop(into)] path: String) -> impl IntoView {
    // The server answers with a redirect at once; the browser must wait until this is in the document.
    if cfg!(feature = "ssr") {
        platform::redirect(&path);
    }
    Effect::new(move |_| platform::redirect(&path));
    view! { <Loading/> }
}
