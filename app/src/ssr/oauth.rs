//! The way to a Git provider's authorisation page and back. Both ends are addresses of their own, outside of the app: what is in
//! them must not come into the browser's history, nor into a `Referer`.

use super::{
    answer::{leave, redirect},
    context,
    cookies::Cookie,
};
use crate::{AppError, error::Problem, flash::News, paths, reply::Done, state::NO_FORM};
use axum::{
    body::Body,
    extract::{Path, Query},
    response::{IntoResponse as _, Response},
};
use backend::{
    oauth::{Callback, Completed, OAuthError, Returned},
    revocation::Revoked,
    tokens::TokenError,
};
use domain::{
    OAuthApplicationId, SecretInput,
    doctor::{Finding, Verdict, worst},
};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, REFERRER_POLICY},
    request::Parts,
};
use leptos::{prelude::*, reactive::computed::ScopedFuture};
use leptos_axum::ResponseOptions;
use serde::Deserialize;
use url::Url;

/// Where the browser is led on to the provider. A redirect would not do: without JavaScript it would answer a form, and a browser
/// lets no form lead to another site (`form-action`).
pub const AWAY: &str = "/oauth/away";
/// Where providers send people back to, one path for each application.
pub const CALLBACK: &str = "/oauth/callback/{application}";

/// Leads to the provider's address, by way of [`AWAY`].
pub(crate) fn lead_away(address: &Url) -> Result<Done, AppError> {
    // One that is too long for a cookie is none that works.
    let sealed = context::services()?.flash.seal(address.as_str().as_bytes());
    Cookie::Away.set(&sealed.ok_or(OAuthError::Misconfigured)?);
    Ok(Done::reload(AWAY))
}

/// Answers at [`AWAY`]: a page that goes on by itself, in its own place in the history.
pub async fn away(parts: Parts, context: impl Fn()) -> Response {
    scoped(&parts, context, async {
        let sealed = Cookie::Away.get();
        Cookie::Away.clear();
        let opened = sealed.and_then(|sealed| context::services().ok()?.flash.open(&sealed));
        let address = opened.and_then(|bytes| Url::parse(&String::from_utf8(bytes).ok()?).ok());
        let address = address.filter(|address| matches!(address.scheme(), "https" | "http"));
        address.map_or_else(
            || {
                redirect("/");
                ().into_response()
            },
            |address| page(&address),
        )
    })
    .await
}

fn page(address: &Url) -> Response {
    let host = escaped(address.host_str().unwrap_or_default());
    let address = escaped(address.as_str());
    let html = format!(
        "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Patchbay</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\">\
         <meta http-equiv=\"refresh\" content=\"0; url={address}\"></head>\
         <body><p><a href=\"{address}\" rel=\"noreferrer\">Continue to {host}</a></p></body></html>"
    );
    ([(CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}

/// Text for HTML, also inside quotes.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut text, c| {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&#39;"),
            c => text.push(c),
        }
        text
    })
}

/// What a provider sends along.
#[derive(Default, Deserialize)]
pub struct Answer {
    #[serde(default)]
    code: SecretInput,
    #[serde(default)]
    state: SecretInput,
    #[serde(default)]
    error: String,
    #[serde(default)]
    iss: String,
}

/// Answers at [`CALLBACK`]: ends the authorisation, and leads back to the page where it began.
pub async fn callback(
    Path(application): Path<String>,
    Query(answer): Query<Answer>,
    parts: Parts,
    context: impl Fn(),
) -> Response {
    scoped(&parts, context, async move {
        let Ok(services) = context::services() else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let Ok(application) = application.parse::<OAuthApplicationId>() else {
            redirect("/");
            return ().into_response();
        };
        let session = context::session();
        let callback = Callback {
            code: answer.code,
            state: answer.state,
            error: answer.error,
            iss: answer.iss,
        };
        let Returned { place, result } = services.oauth.complete(session.as_ref(), application, callback).await;
        let page = match (&place, &session) {
            (Some((account, _)), _) => format!("/{account}/tokens"),
            (None, Some(session)) => match services.access.home(session).await {
                Ok(Some(account)) => format!("/{account}/tokens"),
                _ => "/".to_owned(),
            },
            (None, None) => paths::sign_in("/"),
        };
        match (result, place) {
            (Ok(Completed::Stored { login, replaced }), Some((account, _))) => {
                let done = stored(&login, replaced.as_ref(), &account);
                if let Some(news) = News::of(&done) {
                    leave(NO_FORM, news, &[]);
                }
                redirect(&done.location);
            }
            (Ok(Completed::Asked), Some((account, runtime))) => {
                redirect(&format!("/{account}/tokens?confirm={runtime}"));
            }
            (Ok(_), None) => redirect(&page),
            (Err(error), _) => {
                leave(NO_FORM, News::Failed(error.into()), &[]);
                redirect(&page);
            }
        }
        ().into_response()
    })
    .await
}

/// Runs what answers a request outside of the app, with what its server functions have: the request, the services, and headers
/// that are sent with whatever comes of it.
async fn scoped(parts: &Parts, context: impl Fn(), work: impl Future<Output = Response> + Send + 'static) -> Response {
    let options = ResponseOptions::default();
    let scoped = Owner::new_root(None).with(|| {
        context();
        provide_context(parts.clone());
        provide_context(options.clone());
        ScopedFuture::new(work)
    });
    let mut response: Response<Body> = scoped.await;
    if let Ok(said) = options.0.read() {
        if let Some(status) = said.status {
            *response.status_mut() = status;
        }
        response.headers_mut().extend(said.headers.clone());
    }
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// That access is authorised.
pub(crate) fn stored(login: &str, replaced: Option<&Revoked>, account: &str) -> Done {
    let message = format!("Access authorized as {login}.");
    self::replaced(&message, replaced, format!("/{account}/tokens"))
}

/// That a token is stored, and what became of the OAuth token that was there before, if that may still work.
pub(crate) fn replaced(message: &str, replaced: Option<&Revoked>, location: String) -> Done {
    match replaced {
        Some(revoked) if revoked.outcome.may_still_work() => {
            Done::caution(format!("{message} The token before: {}", revoked.words), location)
        }
        _ => Done::new(message, location),
    }
}

/// What a test of an OAuth application came to.
pub(crate) fn tested(findings: &[Finding], location: String) -> Done {
    let done = match worst(findings) {
        Verdict::Good | Verdict::Told => Done::new("Tested just now: nothing is wrong.", location),
        Verdict::Unsure => Done::caution("Tested just now: something wants a look.", location),
        Verdict::Bad => Done::caution("Tested just now: people cannot authorize with it yet.", location),
    };
    // The same address: it must be loaded anew, or the sheet there would stay as it is.
    Done { reload: true, ..done }
}

impl From<OAuthError> for AppError {
    fn from(error: OAuthError) -> Self {
        let problem = |title: &str, advice: &str| Problem::new(title, advice).into();
        match error {
            OAuthError::NotFound => Self::NotFound,
            OAuthError::NoApplication => problem(
                "No OAuth application is registered for this provider.",
                "Contact your admin for help, or provide a personal access token.",
            ),
            OAuthError::Misconfigured => problem(
                "The OAuth application is not set up correctly.",
                "Ask your admin to test it under Git authentication, or provide a personal access token.",
            ),
            OAuthError::SignedOut => problem(
                "You were signed out meanwhile, so nothing was stored.",
                "Sign in and authorize access again.",
            ),
            OAuthError::UnknownState => problem(
                "This authorization was used already, or began elsewhere.",
                "Nothing was stored. Authorize access again, from this page.",
            ),
            OAuthError::TooLate => problem(
                "The authorization took longer than ten minutes.",
                "Nothing was stored. Authorize access again.",
            ),
            OAuthError::Changed => problem(
                "An admin changed how access is authorized meanwhile.",
                "Nothing was stored. Authorize access again.",
            ),
            OAuthError::WrongIssuer => problem(
                "The answer did not come from the Git provider of this runtime.",
                "Nothing was stored. Authorize access again, and tell your admin if this comes back.",
            ),
            OAuthError::Denied { kind, code } if code == "access_denied" => Problem::new(
                format!("Access was not authorized at {}.", kind.name()),
                "Nothing was stored. Authorize access again, or provide a personal access token.",
            )
            .into(),
            OAuthError::Denied { kind, code } => Problem::new(
                format!("{} did not authorize access.", kind.name()),
                if code.is_empty() {
                    "It gave no reason. Authorize access again, or ask your admin.".to_owned()
                } else {
                    format!("Its reason: {code}. Authorize access again, or ask your admin.")
                },
            )
            .into(),
            OAuthError::NoToken { kind, why } => Problem::new(
                format!("{} gave out no token.", kind.name()),
                format!("Its reason: {why}. Nothing was stored. Authorize access again; if this comes back, ask your admin to test the \
                         OAuth application."),
            )
            .into(),
            OAuthError::Token(TokenError::Refused {
                kind,
                outcome: domain::CheckOutcome::Accepted(findings),
                ..
            }) => super::refusal::authorized_too_little(kind, &findings),
            OAuthError::Token(error) => error.into(),
            OAuthError::Access(error) => error.into(),
            OAuthError::Fault(fault) => fault.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_cannot_break_out_of_the_page() {
        assert_eq!(escaped("a\"b'<c>&"), "a&quot;b&#39;&lt;c&gt;&amp;");
    }
}
