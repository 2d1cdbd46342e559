//! Refuses state-changing requests that another site's page sent.
//!
//! `Sec-Fetch-Site` is set by the browser and by no script (Fetch Metadata Request Headers, W3C); a browser that does not send
//! it, or sends it only over https, sends `Origin` with every POST. A request with neither is no browser's form.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, Method, StatusCode, header},
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use std::sync::Arc;
use url::Url;

/// The middleware. The state is the public URL.
pub(crate) async fn refuse(State(public_url): State<Arc<Url>>, request: Request, next: Next) -> Response {
    if changes_state(request.method()) && !is_own(request.headers(), &public_url) {
        tracing::warn!("refused a request from another site");
        return (
            StatusCode::FORBIDDEN,
            "This request did not come from a page of Patchbay, so it was refused. Open Patchbay at its own address and try again.\n",
        )
            .into_response();
    }
    next.run(request).await
}

fn changes_state(method: &Method) -> bool {
    !matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

fn is_own(headers: &HeaderMap, public_url: &Url) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    match (text("sec-fetch-site"), text(header::ORIGIN.as_str())) {
        (Some(site), _) => site == "same-origin",
        (None, Some(origin)) => Url::parse(origin).is_ok_and(|origin| origin.origin() == public_url.origin()),
        (None, None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn own(headers: &[(&'static str, &'static str)]) -> bool {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (
                    axum::http::HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        is_own(&headers, &Url::parse("https://patchbay.acme.dev").expect("a URL"))
    }

    #[test]
    fn the_browsers_own_word_decides() {
        assert!(own(&[("sec-fetch-site", "same-origin")]));
        for other in ["cross-site", "same-site", "none", ""] {
            assert!(
                !own(&[("sec-fetch-site", other), ("origin", "https://patchbay.acme.dev")]),
                "{other}"
            );
        }
    }

    #[test]
    fn without_it_the_origin_must_be_ours() {
        assert!(own(&[("origin", "https://patchbay.acme.dev")]));
        for other in [
            "https://evil.example",
            "http://patchbay.acme.dev",
            "https://patchbay.acme.dev:8443",
            "null",
            "",
        ] {
            assert!(!own(&[("origin", other)]), "{other}");
        }
    }

    #[test]
    fn a_request_that_names_neither_is_refused() {
        assert!(!own(&[]));
    }

    #[test]
    fn reading_is_never_refused() {
        assert!(!changes_state(&Method::GET) && !changes_state(&Method::HEAD));
        assert!(changes_state(&Method::POST) && changes_state(&Method::DELETE));
    }
}
