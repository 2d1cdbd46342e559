//! The words for what went wrong: what was seen, and what to do about it.

use super::words::{link_out, words};
use crate::{AppError, error::Problem};
use leptos::prelude::*;

/// The words for an error.
fn explain(error: AppError) -> Problem {
    match error {
        AppError::Invalid(_) => Problem::new("Some fields need another look.", ""),
        AppError::NotSignedIn => Problem::new("Your session has ended.", "Sign in again to go on."),
        AppError::NotFound => Problem::new(
            "This is no longer here.",
            "It may have been deleted. Load the page again.",
        ),
        AppError::NotAdmin => Problem::new("Only an admin may do this.", "Ask an admin of this account."),
        AppError::Refused(problem) => *problem,
        AppError::Offline => Problem::new(
            "Patchbay cannot be reached.",
            "Check your connection and try again. Nothing was changed.",
        ),
        AppError::Garbled => Problem::new(
            "The page is out of date.",
            "Load it again: Patchbay may have been updated.",
        ),
    }
}

/// The title and text of a page that cannot be shown.
pub(crate) fn page_words(error: AppError) -> (String, String) {
    match error {
        AppError::NotFound => (
            "Page not found".to_owned(),
            "There is nothing at this address, or it is not yours to see.".to_owned(),
        ),
        AppError::NotAdmin => (
            "For admins only".to_owned(),
            "This page belongs to the admins of the account. Ask one of them for what you need.".to_owned(),
        ),
        error => {
            let problem = explain(error);
            (problem.title, problem.advice)
        }
    }
}

/// What went wrong and what to do, as text.
#[component]
pub(crate) fn ProblemText(
    error: AppError,
    /// Where to generate a token, in words and address, if one is asked for.
    #[prop(optional_no_strip)]
    generate: Option<(String, String)>,
) -> impl IntoView {
    let Problem {
        title,
        advice,
        scopes,
        link,
        confirm,
        ..
    } = explain(error);
    let link = link.or_else(|| generate.filter(|_| !scopes.is_empty()));
    view! {
        <p><strong>{title}</strong> " " {words(&scopes)}</p>
        {(!advice.is_empty()).then(|| view! { <p>{advice}</p> })}
        {link
            .map(|(label, address)| view! { <p>{link_out(address, label)}</p> })}
        {confirm
            .map(|(label, value)| {
                view! {
                    <div class="check">
                        <input type="checkbox" id="confirmed" name="confirmed" value=value/>
                        <label for="confirmed">{label}</label>
                    </div>
                }
            })}
    }
}
