//! What is asked for.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use http::header::{CONTENT_TYPE, InvalidHeaderValue};
use http::{HeaderMap, HeaderName, HeaderValue, header::AUTHORIZATION};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use std::fmt;
use url::{Url, form_urlencoded};
use zeroize::Zeroizing;

/// A request. A header marked sensitive is not printed, and does not follow a redirect to another origin; a body is never
/// printed.
#[derive(Clone)]
pub struct Request {
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    /// What a write sends along; its memory is cleared when the last clone of it goes.
    pub(super) body: Option<Bytes>,
    /// Whether the address is itself a secret: then no log names more than its host.
    pub(super) secret_address: bool,
}

impl Request {
    /// For this address, without headers of its own.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self {
            url,
            headers: HeaderMap::new(),
            body: None,
            secret_address: false,
        }
    }

    /// Keeps the address out of every log but for its host: whoever knows it may use it.
    #[must_use]
    pub const fn secret_address(mut self) -> Self {
        self.secret_address = true;
        self
    }

    /// What of the address a log may name beside its host.
    pub(super) fn shown_path(&self) -> &str {
        if self.secret_address { "…" } else { self.url.path() }
    }

    /// Sends `body` along as JSON. It may hold secrets. Only a write has a body: [`Egress::get`](super::Egress::get) sends none.
    pub fn json(mut self, body: &impl Serialize) -> Result<Self, serde_json::Error> {
        // Written twice, so that the buffer with the secret never grows and leaves a copy of a part behind.
        let mut length = Length(0);
        serde_json::to_writer(&mut length, body)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(length.0));
        serde_json::to_writer(&mut *bytes, body)?;
        self.body = Some(Bytes::from_owner(bytes));
        Ok(self.header(CONTENT_TYPE, HeaderValue::from_static("application/json")))
    }

    /// Sends these fields along as a form. They may hold secrets. Only a write has a body.
    #[must_use]
    pub fn form(self, fields: &[(&str, &str)]) -> Self {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.extend_pairs(fields);
        self.header(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-www-form-urlencoded"),
        )
        .body(form.finish().into_bytes())
    }

    /// Sends `body` along. It may hold secrets. Only a write has a body.
    #[must_use]
    pub fn body(mut self, body: Vec<u8>) -> Self {
        self.body = Some(Bytes::from_owner(Zeroizing::new(body)));
        self
    }

    /// Sets a header. Mark a secret value with [`HeaderValue::set_sensitive`].
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sends `token` as `Authorization: Bearer`. An error if it has characters that no header can carry.
    pub fn bearer(self, token: &SecretString) -> Result<Self, InvalidHeaderValue> {
        self.secret(AUTHORIZATION, "Bearer ", token)
    }

    /// Sends `username` and `token` as `Authorization: Basic` in UTF-8 (RFC 7617).
    pub fn basic(self, username: &str, token: &SecretString) -> Result<Self, InvalidHeaderValue> {
        let pair = Zeroizing::new(format!("{username}:{}", token.expose_secret()));
        self.secret(AUTHORIZATION, "Basic ", &BASE64_STANDARD.encode(pair.as_bytes()).into())
    }

    /// Sends a secret in a header, behind `before`. An error if it has characters that no header can carry.
    pub fn secret(self, name: HeaderName, before: &str, secret: &SecretString) -> Result<Self, InvalidHeaderValue> {
        let value = Zeroizing::new(format!("{before}{}", secret.expose_secret()));
        let mut value = HeaderValue::from_str(&value)?;
        value.set_sensitive(true);
        Ok(self.header(name, value))
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("host", &self.url.host_str())
            .field("path", &self.shown_path())
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}

/// Counts what is written.
struct Length(usize);

impl std::io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printing_a_request_does_not_show_its_token() {
        let request = Request::new("https://api.github.com/user".parse().expect("a URL"))
            .bearer(&"ghp_secret".into())
            .expect("a header");
        assert!(!format!("{request:?}").contains("ghp_secret"));
        assert_eq!(request.headers[AUTHORIZATION], "Bearer ghp_secret");
    }

    #[test]
    fn printing_a_request_does_not_show_its_body() {
        let request = Request::new("https://api.github.com/credentials/revoke".parse().expect("a URL"))
            .json(&serde_json::json!({ "credentials": ["ghp_secret"] }))
            .expect("JSON");
        assert!(!format!("{request:?}").contains("ghp_secret"));
        assert_eq!(request.body.as_deref(), Some(&br#"{"credentials":["ghp_secret"]}"#[..]));
        assert_eq!(request.headers[CONTENT_TYPE], "application/json");
    }

    #[test]
    fn printing_a_request_does_not_show_a_secret_address() {
        let address = "https://hooks.slack.com/services/T0/B0/secret?key=secret";
        let request = Request::new(address.parse().expect("a URL")).secret_address();
        assert!(!format!("{request:?}").contains("secret\""), "{request:?}");
        assert!(!format!("{request:?}").contains("/services"), "{request:?}");
    }

    #[test]
    fn a_secret_in_any_header_is_marked_as_one() {
        let request = || Request::new("https://git.acme.dev/".parse().expect("a URL"));
        let basic = request().basic("mira@acme.dev", &"x".into()).expect("a header");
        assert_eq!(basic.headers[AUTHORIZATION], "Basic bWlyYUBhY21lLmRldjp4");
        let name = HeaderName::from_static("private-token");
        let own = request().secret(name.clone(), "", &"glpat-x".into()).expect("a header");
        assert_eq!(own.headers[&name], "glpat-x");
        assert!(basic.headers[AUTHORIZATION].is_sensitive() && own.headers[&name].is_sensitive());
        assert!(!format!("{basic:?} {own:?}").contains("glpat-x"));
    }

    #[test]
    fn a_token_cannot_smuggle_in_another_header() {
        let request = Request::new("https://api.github.com/user".parse().expect("a URL"));
        assert!(request.bearer(&"x\r\nHost: evil".into()).is_err());
    }
}
