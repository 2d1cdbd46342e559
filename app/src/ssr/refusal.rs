//! The words for a check that did not end well. They are made on the server, which knows everything that a provider may
//! answer; the browser only shows them.

use super::pages::scope_names;
use crate::{AppError, error::Problem, reply::Done};
use backend::{
    rotation::RotationOutcome,
    tokens::{Foreign, ForeignWhy, Misplaced, Shared},
};
use domain::{
    CheckOutcome, Expiry, ProviderKind, Refusal, Scope, Setback, TokenStatus, check::Findings, scope::Standing,
    token_format::TokenFormat,
};

const BAD_CREDENTIALS: &str = "It is mistyped, revoked or was never valid. Copy it again, or generate a new one.";

/// Why a token was not taken that is known here.
pub(crate) fn misplaced(misplaced: &Misplaced) -> Problem {
    match misplaced {
        Misplaced::OfPerson { name } => Problem::new(
            format!("{name} has stored this very token here."),
            "A token acts for one person. Generate one of your own. If nobody was meant to have this one, tell its owner to \
             revoke it. Nothing was stored.",
        ),
        Misplaced::OfRuntime { runtime } => Problem::new(
            format!("This is the runtime token of {runtime}."),
            "It acts for the runtime itself, not for a person. Generate one of your own. Nothing was stored.",
        ),
        Misplaced::OfProvider { stored, wanted } => Problem::new(
            format!("This token is stored for {stored}, and this runtime uses {wanted}."),
            format!("It was not sent to {wanted}. Generate a token there. Nothing was stored."),
        ),
    }
}

/// Why a token is asked back about.
pub(crate) fn foreign(foreign: &Foreign) -> Problem {
    let login = &foreign.identity.login;
    let (title, confirm) = match &foreign.why {
        ForeignWhy::SharedWith(name) => (
            format!("This token belongs to {login}, whose tokens {name} has stored here."),
            format!("{login} is an account that {name} and I share"),
        ),
        ForeignWhy::OtherThanOwn(own) => (
            format!("This token belongs to {login}. Your other tokens at this provider belong to {own}."),
            format!("{login} is my account too"),
        ),
        ForeignWhy::PersonsOwn(name) => (
            format!("This token belongs to {login}, the account of {name}."),
            format!("Use {login} for the runtime all the same: it stops working when {name} leaves"),
        ),
        // Only an authorisation is asked about so, by a dialog of its own.
        ForeignWhy::OtherThanBefore(before) => (
            format!("This token belongs to {login}. The one before belongs to {before}."),
            format!("{login} is my account too"),
        ),
        ForeignWhy::OfRuntimes => (
            format!("This token belongs to {login}, the account of runtime tokens here."),
            format!("{login} is my account too"),
        ),
    };
    Problem {
        confirm: Some((confirm, foreign.identity.id.clone())),
        ..Problem::new(
            title,
            "Nothing was stored. Paste a token of another account, or paste it again and tick that it is meant so.",
        )
    }
}

/// Why a token was not taken that a person authorised and that may too little.
pub(super) fn authorized_too_little(kind: ProviderKind, findings: &Findings) -> AppError {
    let provider = kind.name();
    let problem = match findings.status() {
        TokenStatus::Unverified => Problem::new(
            format!("{provider} does not tell what this authorization allows."),
            "Nothing was stored. Ask your admin to accept unverified tokens for this provider.",
        ),
        _ => Problem {
            scopes: missing_scopes(provider, findings).scopes,
            ..Problem::new(
                format!("{provider} granted less than this runtime needs."),
                "Nothing was stored. Authorize access again and leave everything ticked; if it stays so, ask your admin to test the \
                 OAuth application.",
            )
        },
    };
    problem.into()
}

/// Why a token of this format was not taken.
pub(crate) fn refusal(provider: &str, format: Option<&TokenFormat>, outcome: &CheckOutcome) -> Problem {
    match outcome {
        CheckOutcome::Accepted(findings) if findings.status() == TokenStatus::Unverified => {
            unverified(provider, findings)
        }
        CheckOutcome::Accepted(findings) => missing_scopes(provider, findings),
        CheckOutcome::Refused(Refusal::BadCredentials) => {
            let title = format!("{provider} does not accept this token.");
            match format {
                Some(TokenFormat {
                    ended: true, remark, ..
                }) => Problem::new(title, format!("{remark} Nothing was stored.")),
                Some(TokenFormat { remark, .. }) if !remark.is_empty() => {
                    Problem::new(title, format!("{BAD_CREDENTIALS} {remark} Nothing was stored."))
                }
                Some(_) | None => Problem::new(title, format!("{BAD_CREDENTIALS} Nothing was stored.")),
            }
        }
        CheckOutcome::Refused(Refusal::Expired { at }) => Problem::new(
            format!("This token expired on {}.", at.date()),
            "Generate a new one with a later expiration date. Nothing was stored.",
        ),
        CheckOutcome::Refused(Refusal::SsoRequired { url }) => Problem {
            link: url
                .clone()
                .map(|url| ("Authorize it for single sign-on".to_owned(), url)),
            ..Problem::new(
                format!("An organization at {provider} wants this token authorized for single sign-on."),
                if url.is_some() {
                    "Authorize the token there, then paste it here again. Nothing was stored."
                } else {
                    "In the provider's list of your tokens, choose Configure SSO, authorize it, and paste it here again. \
                     Nothing was stored."
                },
            )
        },
        CheckOutcome::Unchanged(Setback::RateLimited { retry_at }) => Problem::new(
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
        CheckOutcome::Unchanged(Setback::Unreachable(trouble)) => Problem::new(
            format!("{provider} could not be asked: {}.", trouble.words()),
            "That says nothing about the token. Nothing was changed; try again in a moment, or tell your admin if it \
             stays so.",
        ),
        CheckOutcome::Unchanged(Setback::Forbidden) => Problem::new(
            format!("{provider} refused the request for a reason that is not the token's."),
            "It may not allow requests from this server's address. Nothing was changed; tell your admin.",
        ),
    }
}

fn unverified(provider: &str, findings: &Findings) -> Problem {
    Problem::new(
        format!(
            "{provider} knows this token of {}, but does not tell what it may do.",
            findings.identity.login
        ),
        "Your admins take only tokens whose permissions can be verified. Generate one of another kind, or ask an admin to \
         accept unverified tokens for this Git provider. Nothing was stored.",
    )
}

fn missing_scopes(provider: &str, findings: &Findings) -> Problem {
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
    Problem {
        scopes: scope_names(&missing),
        ..Problem::new(title, advice)
    }
}

/// Why a check of a stored token told nothing.
pub(crate) fn setback_news(outcome: &CheckOutcome) -> String {
    let problem = refusal("The Git provider", None, outcome);
    format!("{} {}", problem.title, problem.advice)
}

/// What became of sharing a token.
pub(crate) fn shared_news(shared: Vec<Shared>, location: String) -> Result<Done, AppError> {
    let mut done = Vec::new();
    let mut failed = Vec::new();
    for Shared { runtime, result } in shared {
        match result {
            Ok(()) => done.push(runtime),
            Err(error) => match AppError::from(error) {
                // What is ours ends it all.
                AppError::Refused(problem) if problem.status < 500 => {
                    failed.push(format!("{runtime}: {}", problem.title));
                }
                AppError::NotFound => failed.push(format!("{runtime}: it or the token changed in the meantime.")),
                error => return Err(error),
            },
        }
    }
    let authorized = match done.as_slice() {
        [] => String::new(),
        [one] => format!("{one} uses the token too."),
        many => format!("{} runtimes use the token too: {}.", many.len(), many.join(", ")),
    };
    if failed.is_empty() {
        return Ok(Done::new(authorized, location));
    }
    let message = format!("{authorized} Not authorized: {}", failed.join(" "));
    Ok(Done::caution(message.trim(), location))
}

/// What became of a rotation: done, or why not.
pub(crate) fn rotation_news(provider: &str, outcome: &RotationOutcome, location: String) -> Result<Done, AppError> {
    let refused = |title: String, advice: &str| Err(AppError::from(Problem::new(title, advice)));
    match outcome {
        RotationOutcome::Rotated(Some(CheckOutcome::Accepted(findings))) => match findings.expiry {
            Expiry::At(end) => Ok(Done::new(
                format!("Token rotated. The new one ends on {}.", end.date()),
                location,
            )),
            Expiry::Never | Expiry::Unknown => Ok(Done::new("Token rotated.", location)),
        },
        RotationOutcome::Rotated(Some(CheckOutcome::Refused(_))) => Ok(Done::caution(
            format!("Token rotated, but {provider} refused the new one when it was checked."),
            location,
        )),
        RotationOutcome::Rotated(_) => Ok(Done::caution(
            "Token rotated and stored. The new one could not be checked yet.",
            location,
        )),
        RotationOutcome::Refused(refusal) => refused(refusal.words(provider), ""),
        RotationOutcome::NotAsked(setback) => {
            let problem = refusal(provider, None, &CheckOutcome::Unchanged(setback.clone()));
            refused(problem.title, "The token is what it was. Try again in a moment.")
        }
        RotationOutcome::Interrupted => refused(
            format!("{provider} rotated the token, but its answer was lost on the way."),
            "The stored token no longer works, and the new one is not known. Generate a new one and replace it.",
        ),
        RotationOutcome::Unknown { trouble, still_works } => refused(
            format!("{provider} was asked, and {}.", trouble.words()),
            if *still_works {
                "The stored token still works for now. It is looked at again in a few minutes."
            } else {
                "It is not known yet whether it did. The token is looked at again in a few minutes."
            },
        ),
    }
}
