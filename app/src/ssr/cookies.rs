//! The cookies: session, flash, theme. All of them are for the server alone, so all are `HttpOnly`.
//!
//! Over https they carry the prefix `__Host-`, so that neither another path nor a neighbouring host can set one; a
//! browser refuses that prefix on plain http.

use super::context;
use http::{
    HeaderMap, HeaderValue,
    header::{COOKIE, SET_COOKIE},
};
use leptos::prelude::use_context;
use leptos_axum::ResponseOptions;
use std::fmt::Write as _;

/// A cookie of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cookie {
    Session,
    Flash,
    /// Where the browser is led away to.
    Away,
    Theme,
}

impl Cookie {
    const fn name(self, secure: bool) -> &'static str {
        match (self, secure) {
            (Self::Session, true) => "__Host-patchbay",
            (Self::Session, false) => "patchbay",
            (Self::Flash, true) => "__Host-patchbay-flash",
            (Self::Flash, false) => "patchbay-flash",
            (Self::Away, true) => "__Host-patchbay-away",
            (Self::Away, false) => "patchbay-away",
            (Self::Theme, true) => "__Host-patchbay-theme",
            (Self::Theme, false) => "patchbay-theme",
        }
    }

    /// For how many seconds the browser keeps it; `None`: until it is closed.
    const fn max_age(self) -> Option<u32> {
        match self {
            Self::Session => None,
            // Long enough for the redirect that it is made for.
            Self::Flash | Self::Away => Some(60),
            // Browsers hold a cookie for 400 days at most.
            Self::Theme => Some(400 * 24 * 60 * 60),
        }
    }

    fn header(self, value: &str, max_age: Option<u32>, secure: bool) -> String {
        let mut header = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax", self.name(secure));
        if secure {
            header.push_str("; Secure");
        }
        if let Some(seconds) = max_age {
            // Writing to a String cannot fail.
            let _ = write!(header, "; Max-Age={seconds}");
        }
        header
    }

    /// Its value in the request.
    pub(super) fn get(self) -> Option<String> {
        let parts = context::request()?;
        value_of(&parts.headers, self.name(context::settings().secure_cookies)).map(ToOwned::to_owned)
    }

    /// Sets it with the response.
    pub(super) fn set(self, value: &str) {
        send(&self.header(value, self.max_age(), context::settings().secure_cookies));
    }

    /// Takes it back with the response.
    pub(super) fn clear(self) {
        send(&self.header("", Some(0), context::settings().secure_cookies));
    }
}

fn send(header: &str) {
    if let (Some(response), Ok(value)) = (use_context::<ResponseOptions>(), HeaderValue::from_str(header)) {
        response.append_header(SET_COOKIE, value);
    }
}

/// The value of the session cookie in a request, if there is one. `secure` as in [`super::WebSettings`].
#[must_use]
pub fn session_cookie_value(headers: &HeaderMap, secure: bool) -> Option<&str> {
    value_of(headers, Cookie::Session.name(secure))
}

/// The name of the session cookie. `secure` as in [`super::WebSettings`].
#[must_use]
pub const fn session_cookie_name(secure: bool) -> &'static str {
    Cookie::Session.name(secure)
}

/// Gives the browser its session.
pub(crate) fn start_session(secret: &str) {
    Cookie::Session.set(secret);
}

/// Takes the session from the browser.
pub(crate) fn end_session() {
    Cookie::Session.clear();
}

/// Remembers the theme.
pub(crate) fn keep_theme(theme: crate::theme::Theme) {
    Cookie::Theme.set(theme.as_str());
}

fn value_of<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|header| header.to_str().ok())
        .flat_map(|header| header.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, value)| *key == name && !value.is_empty())
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&str]) -> HeaderMap {
        cookies
            .iter()
            .map(|cookie| (COOKIE, HeaderValue::from_str(cookie).unwrap()))
            .collect()
    }

    #[test]
    fn a_session_is_found_among_other_cookies() {
        let headers = headers(&["a=1; patchbay=secret; b=2", "__Host-patchbay=other"]);
        assert_eq!(session_cookie_value(&headers, false), Some("secret"));
        assert_eq!(session_cookie_value(&headers, true), Some("other"));
    }

    #[test]
    fn a_cookie_whose_name_only_ends_alike_is_another() {
        assert_eq!(
            session_cookie_value(&headers(&["xpatchbay=no; patchbay-flash=no; patchbay="]), false),
            None
        );
    }

    #[test]
    fn over_https_a_cookie_is_held_to_this_host() {
        assert_eq!(
            Cookie::Session.header("v", None, true),
            "__Host-patchbay=v; Path=/; HttpOnly; SameSite=Lax; Secure"
        );
        assert_eq!(
            Cookie::Flash.header("v", Some(60), false),
            "patchbay-flash=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=60"
        );
    }
}
