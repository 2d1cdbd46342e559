//! Messages in boxes: in a page, and what became of the last form.

use super::{copy::Address, icon::Icon, problem::ProblemText};
use crate::{flash::News, state::app_state};
use leptos::{leptos_dom::helpers::TimeoutHandle, prelude::*};
use std::time::Duration;

/// How long good news stay: nobody has to act on them, and the page shows the same.
const GOOD_NEWS_STAY: Duration = Duration::from_secs(10);

/// A box with an icon; `tone` is `good`, `warn`, `bad` or `info`.
#[component]
pub(crate) fn Notice(#[prop(into)] tone: String, children: Children) -> impl IntoView {
    let icon = match tone.as_str() {
        "good" => "ok",
        "bad" => "bad",
        "warn" => "alert",
        _ => "info",
    };
    view! {
        <div class=format!("notice {tone}")>
            <Icon name=icon/>
            <div class="notice-text">{children()}</div>
        </div>
    }
}

/// What became of the last form. The region is always there, so that screen readers announce what comes into it.
#[component]
pub(crate) fn Notices() -> impl IntoView {
    let notice = app_state().notice;
    let dismiss = move |_| notice.set(None);
    Effect::new(move |timer: Option<Option<TimeoutHandle>>| {
        if let Some(timer) = timer.flatten() {
            timer.clear();
        }
        let good = notice.with(|news| matches!(news, Some(News::Done(_))));
        let go = move || {
            // The page may be gone by then.
            let _ = notice.try_set(None);
        };
        good.then(|| set_timeout_with_handle(go, GOOD_NEWS_STAY).ok()).flatten()
    });
    view! {
        <div class="notices" role="status">
            {move || {
                notice
                    .get()
                    .map(|news| {
                        let (tone, text) = match news {
                            News::Done(message) => ("good", view! { <p>{message}</p> }.into_any()),
                            News::Caution(message) => ("warn", view! { <p>{message}</p> }.into_any()),
                            News::Link(message, link) => {
                                let what = if link.contains("://") { "the link" } else { "the key" };
                                ("good", view! { <p>{message}</p> <Address address=link what/> }.into_any())
                            }
                            News::Failed(error) => ("bad", view! { <ProblemText error/> }.into_any()),
                        };
                        view! {
                            <div class="dismissible">
                                <Notice tone>{text}</Notice>
                                <button
                                    class="button quiet icon-only scripted"
                                    type="button"
                                    aria-label="Dismiss"
                                    on:click=dismiss
                                >
                                    <Icon name="close"/>
                                </button>
                            </div>
                        }
                    })
            }}
        </div>
    }
    .into_any()
}
