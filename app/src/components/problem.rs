//! The words for what went wrong: what was seen, and what to do about it.

use super::scopes::ScopeNames;
use crate::AppError;
use domain::{CheckOutcome, Refusal, Scope, Setback, check::Findings, scope::Standing};
use leptos::prelude::*;

/// What to tell of an error.
struct Words {
    /// What was seen, as a sentence.
    title: String,
    /// What to do.
    advice: String,
    /// Scopes to list.
    scopes: Vec<Scope>,
    /// Where to mend it: words and address.
    link: Option<(&'static str, String)>,
}

fn words(title: impl Into<String>, advice: impl Into<String>) -> Words {
    Words {
        title: title.into(),
        advice: advice.into(),
        scopes: Vec::new(),
        link: None,
    }
}

/// The words for an error.
fn explain(error: AppError) -> Words {
    match error {
        AppError::Invalid(_) => words("Some fields need another look.", ""),
        AppError::WrongCredentials => words(
            "The e-mail address or the password is wrong.",
            "Check both and try again. If you have forgotten the password, ask your admin.",
        ),
        AppError::Throttled { retry_at } => words(
            "Too many tries.",
            format!("Wait until {}, then try again.", retry_at.date_time()),
        ),
        AppError::SetUpLink => words(
            "This set-up link does not work.",
            "It was used already, or the server has been started again since: then its log has a new one.",
        ),
        AppError::NotSignedIn => words("Your session has ended.", "Sign in again to go on."),
        AppError::NotFound => words(
            "This is no longer here.",
            "It may have been deleted. Load the page again.",
        ),
        AppError::NotAdmin => words("Only an admin may do this.", "Ask an admin of this account."),
        AppError::InUse { runtimes } => words(
            "Runtimes still use this Git provider.",
            format!(
                "Delete these runtimes first, or give them another provider: {}.",
                runtimes.join(", ")
            ),
        ),
        AppError::Refused { kind, outcome } => explain_check(kind.name(), &outcome),
        AppError::Internal { id } => words(
            "Something went wrong on the server.",
            format!("Try again. If it stays so, give your admin this id from the server's log: {id}."),
        ),
        AppError::Offline => words(
            "Patchbay cannot be reached.",
            "Check your connection and try again. Nothing was changed.",
        ),
        AppError::Garbled => words(
            "The page is out of date.",
            "Load it again: Patchbay may have been updated.",
        ),
    }
}

fn explain_check(provider: &str, outcome: &CheckOutcome) -> Words {
    match outcome {
        CheckOutcome::Accepted(findings) => explain_findings(provider, findings),
        CheckOutcome::Refused(Refusal::BadCredentials) => words(
            format!("{provider} does not accept this token."),
            "It is mistyped, revoked or was never valid. Copy it again, or generate a new one. Nothing was stored.",
        ),
        CheckOutcome::Refused(Refusal::Expired { at }) => words(
            format!("This token expired on {}.", at.date()),
            "Generate a new one with a later expiration date. Nothing was stored.",
        ),
        CheckOutcome::Refused(Refusal::SsoRequired { url }) => Words {
            link: url.clone().map(|url| ("Authorize it for single sign-on", url)),
            ..words(
                format!("An organization at {provider} wants this token authorized for single sign-on."),
                if url.is_some() {
                    "Authorize the token there, then paste it here again. Nothing was stored."
                } else {
                    "In the provider's list of your tokens, choose Configure SSO, authorize it, and paste it here again. \
                     Nothing was stored."
                },
            )
        },
        CheckOutcome::Unchanged(Setback::RateLimited { retry_at }) => words(
            format!("{provider} takes no more requests for now."),
            match retry_at {
                Some(at) => format!(
                    "That says nothing about the token. Nothing was changed; try again after {}.",
                    at.date_time()
                ),
                None => {
                    "That says nothing about the token. Nothing was changed; try again in a few minutes.".to_owned()
                }
            },
        ),
        CheckOutcome::Unchanged(Setback::Unreachable(trouble)) => words(
            format!("{provider} could not be asked: {}.", trouble.words()),
            "That says nothing about the token. Nothing was changed; try again in a moment, or tell your admin if it \
             stays so.",
        ),
        CheckOutcome::Unchanged(Setback::Forbidden) => words(
            format!("{provider} refused the request for a reason that is not the token's."),
            "It may not allow requests from this server's address. Nothing was changed; tell your admin.",
        ),
    }
}

fn explain_findings(provider: &str, findings: &Findings) -> Words {
    let missing: Vec<Scope> = findings
        .scopes
        .iter()
        .filter(|finding| finding.standing == Standing::Missing)
        .map(|finding| finding.scope.clone())
        .collect();
    let title = format!(
        "{provider} knows this token of {}, but it lacks {} that this runtime needs:",
        findings.identity.login,
        if missing.len() == 1 { "a scope" } else { "scopes" }
    );
    let advice = "Generate a token with all of them and paste it here. Nothing was stored.";
    Words {
        scopes: missing,
        ..words(title, advice)
    }
}

/// Why a check of a stored token told nothing.
#[cfg(feature = "ssr")]
pub(crate) fn setback_news(outcome: &CheckOutcome) -> String {
    let words = explain_check("The Git provider", outcome);
    format!("{} {}", words.title, words.advice)
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
            let words = explain(error);
            (words.title, words.advice)
        }
    }
}

/// What went wrong and what to do, as text.
#[component]
pub(crate) fn ProblemText(
    error: AppError,
    /// The provider's page with name and scopes filled in, if a token is asked for.
    #[prop(optional, into)]
    generate: Option<String>,
) -> impl IntoView {
    let Words {
        title,
        advice,
        scopes,
        link,
    } = explain(error);
    let link = link.or_else(|| {
        generate
            .filter(|_| !scopes.is_empty())
            .map(|link| ("Generate one, filled in", link))
    });
    view! {
        <p><strong>{title}</strong> " " <ScopeNames scopes/></p>
        {(!advice.is_empty()).then(|| view! { <p>{advice}</p> })}
        {link
            .map(|(words, address)| {
                view! {
                    <p>
                        <a href=address target="_blank" rel="noopener noreferrer">
                            {words}
                            <span class="unseen">" (opens in a new tab)"</span>
                        </a>
                    </p>
                }
            })}
    }
}
