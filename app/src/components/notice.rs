//! What is said above the page.

use super::{icon::Icon, problem::ProblemText};
use crate::{flash::News, state::app_state};
use leptos::prelude::*;

/// A box with an icon; `tone` is `good`, `warn`, `bad` or `info`.
#[component]
pub(crate) fn Notice(tone: &'static str, children: Children) -> impl IntoView {
    let icon = match tone {
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
    view! {
        <div class="notices" role="status">
            {move || {
                notice
                    .get()
                    .map(|news| {
                        let (tone, text) = match news {
                            News::Done(message) => ("good", view! { <p>{message}</p> }.into_any()),
                            News::Caution(message) => ("warn", view! { <p>{message}</p> }.into_any()),
                            News::Failed(error) => ("bad", view! { <ProblemText error/> }.into_any()),
                        };
                        view! {
                            <div class="dismissible">
                                <Notice tone>{text}</Notice>
                                <button class="button quiet scripted" type="button" aria-label="Dismiss" on:click=dismiss>
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
