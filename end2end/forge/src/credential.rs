//! Where a request carries its token.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The token in `Authorization`: after `Bearer` or `token`, or as the password of `Basic`, all of which GitHub takes.
pub(crate) fn presented(headers: &HeaderMap) -> Option<String> {
    let (scheme, rest) = headers.get(AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let rest = rest.trim();
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" | "token" => Some(rest.to_owned()),
        "basic" => password_of(rest),
        _ => None,
    }
}

fn password_of(encoded: &str) -> Option<String> {
    let plain = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    plain.split_once(':').map(|(_, password)| password.to_owned())
}
