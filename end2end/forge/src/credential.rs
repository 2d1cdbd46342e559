//! Where a request carries its token.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How a token was presented.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scheme {
    /// `Authorization: Bearer`.
    Bearer,
    /// `Authorization: token`, of GitHub and Gitea.
    Token,
    /// The password of `Authorization: Basic`.
    Basic,
    /// GitLab's header `PRIVATE-TOKEN`.
    PrivateToken,
}

/// A token as it was presented, known or not.
#[derive(Clone, Debug)]
pub(crate) struct Presented {
    pub(crate) scheme: Scheme,
    /// The name beside the password; only [`Scheme::Basic`] has one.
    pub(crate) username: Option<String>,
    /// The token, or what was sent in its place.
    pub(crate) secret: String,
}

/// The token that a request carries. Which of the schemes a provider takes is the provider's affair.
pub(crate) fn presented(headers: &HeaderMap) -> Option<Presented> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(secret) = text("private-token") {
        return Some(Presented {
            scheme: Scheme::PrivateToken,
            username: None,
            secret: secret.to_owned(),
        });
    }
    let (scheme, rest) = text(AUTHORIZATION.as_str())?.split_once(' ')?;
    let rest = rest.trim();
    let bare = |scheme| {
        Some(Presented {
            scheme,
            username: None,
            secret: rest.to_owned(),
        })
    };
    match scheme.to_ascii_lowercase().as_str() {
        "bearer" => bare(Scheme::Bearer),
        "token" => bare(Scheme::Token),
        "basic" => basic(rest),
        _ => None,
    }
}

fn basic(encoded: &str) -> Option<Presented> {
    let plain = String::from_utf8(STANDARD.decode(encoded).ok()?).ok()?;
    let (username, password) = plain.split_once(':')?;
    Some(Presented {
        scheme: Scheme::Basic,
        username: Some(username.to_owned()),
        secret: password.to_owned(),
    })
}
