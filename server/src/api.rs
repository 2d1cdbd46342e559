//! The REST API of runtimes. What goes wrong is told as a problem document (RFC 9457), without anything of the request in it.

use axum::{
    Router,
    body::Body,
    extract::{ConnectInfo, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::get,
};
use backend::{
    Services,
    hand_out::{HandOutError, HandedOut},
};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use std::{net::SocketAddr, time::Duration};
use tokio::time::timeout;

/// Longer than OAuth tokens are waited for.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The API.
pub(crate) fn routes(services: Services) -> Router {
    Router::new()
        .route("/api/v1/runtime/credentials", get(credentials).fallback(not_a_get))
        .with_state(services)
}

async fn not_a_get() -> Response {
    let detail = "Credentials are asked for with GET.";
    let mut answer = problem(StatusCode::METHOD_NOT_ALLOWED, "Method not allowed", detail);
    let allowed = HeaderValue::from_static("GET, HEAD");
    answer.headers_mut().insert(header::ALLOW, allowed);
    answer
}

/// The credentials of the runtime whose access key is presented as a bearer token (RFC 6750).
async fn credentials(
    State(services): State<Services>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    let Some(key) = bearer(&headers) else {
        return unauthorized("Present an access key of the runtime: Authorization: Bearer pbk_…");
    };
    let has = |etag: &str| has(&headers, etag);
    let answer = timeout(REQUEST_TIMEOUT, services.hand_out.credentials(&key, has, peer.ip()));
    let Ok(answer) = answer.await else {
        tracing::error!("a runtime was not answered in time");
        let detail = "It took too long. Try again in a moment.";
        return problem(StatusCode::GATEWAY_TIMEOUT, "Patchbay cannot answer", detail);
    };
    match answer {
        Ok(HandedOut::Unchanged { etag }) => (StatusCode::NOT_MODIFIED, answered(&etag)).into_response(),
        Ok(HandedOut::Credentials { etag, document }) => {
            let mut answer = Response::new(Body::from(document.expose_secret().to_owned()));
            *answer.headers_mut() = answered(&etag);
            let json = HeaderValue::from_static("application/json");
            answer.headers_mut().insert(header::CONTENT_TYPE, json);
            answer
        }
        Err(HandOutError::UnknownKey) => {
            tracing::warn!(from = %peer.ip(), "credentials were asked for with an unknown access key");
            unauthorized("This access key is not known. It may have been revoked: an admin can issue another.")
        }
        Err(HandOutError::Fault(error)) => {
            tracing::error!(%error, "no credentials were handed out");
            let detail = "Nothing was handed out. Try again in a moment.";
            problem(StatusCode::SERVICE_UNAVAILABLE, "Patchbay cannot answer", detail)
        }
    }
}

/// The bearer token of a request.
fn bearer(headers: &HeaderMap) -> Option<SecretString> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| SecretString::from(token.trim()))
}

/// Whether a request says that it has what an entity tag stands for (RFC 9110, section 13.1.2). `*` says nothing of what it has.
fn has(headers: &HeaderMap, etag: &str) -> bool {
    let lists = headers.get_all(header::IF_NONE_MATCH).iter();
    lists
        .filter_map(|list| list.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|tag| tag.trim_start_matches("W/") == etag)
}

/// What stands above every answer with a tag. Nothing on the way keeps it.
fn answered(etag: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // It is a hexadecimal number in quotation marks.
    if let Ok(etag) = HeaderValue::from_str(etag) {
        headers.insert(header::ETAG, etag);
    }
    headers
}

fn unauthorized(detail: &str) -> Response {
    let mut answer = problem(StatusCode::UNAUTHORIZED, "No valid access key", detail);
    let scheme = HeaderValue::from_static("Bearer realm=\"Patchbay\"");
    answer.headers_mut().insert(header::WWW_AUTHENTICATE, scheme);
    answer
}

fn problem(status: StatusCode, title: &str, detail: &str) -> Response {
    let document = json!({ "type": "about:blank", "title": title, "status": status.as_u16(), "detail": detail });
    let headers = [
        (header::CONTENT_TYPE, "application/problem+json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (status, headers, document.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(name: header::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn a_bearer_token_is_read_whatever_the_case_of_its_scheme() {
        for (value, token) in [
            ("Bearer pbk_abc", Some("pbk_abc")),
            ("bearer  pbk_abc ", Some("pbk_abc")),
            ("Basic pbk_abc", None),
            ("pbk_abc", None),
            ("", None),
        ] {
            let read = bearer(&with(header::AUTHORIZATION, value));
            assert_eq!(read.as_ref().map(SecretString::expose_secret), token, "{value}");
        }
    }

    #[test]
    fn a_tag_is_found_in_any_list() {
        for (value, found) in [
            ("\"a\"", true),
            ("W/\"a\"", true),
            ("\"b\", \"a\"", true),
            ("*", false),
            ("\"b\"", false),
            ("a", false),
        ] {
            assert_eq!(has(&with(header::IF_NONE_MATCH, value), "\"a\""), found, "{value}");
        }
    }
}
