//! What came back.

use bytes::Bytes;
use domain::check::Trouble;
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use serde::de::DeserializeOwned;
use std::fmt;
use url::Url;

/// An answer that arrived whole, whatever its status. [`fmt::Debug`] shows neither headers nor body.
#[derive(Clone)]
pub struct Answer {
    /// Its status; redirects that were followed do not appear.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, decompressed.
    pub body: Bytes,
    /// Where it came from in the end. When that is another origin than was asked, the token was not sent along, and the
    /// answer says nothing about it.
    pub final_url: Url,
}

/// Why a write brought no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteFailure {
    /// What happened, for the person.
    pub trouble: Trouble,
    /// Whether anything was sent: then the other side may have done what it was asked, and nobody can tell.
    pub sent: bool,
}

impl Answer {
    /// The body as JSON. [`Trouble::UnexpectedAnswer`] if the answer does not call itself JSON, as the login page of a
    /// captive proxy, or if it is not of the expected shape.
    pub fn body_json<T: DeserializeOwned>(&self) -> Result<T, Trouble> {
        if !self.is_json() {
            return Err(Trouble::UnexpectedAnswer);
        }
        serde_json::from_slice(&self.body).map_err(|_| Trouble::UnexpectedAnswer)
    }

    fn is_json(&self) -> bool {
        let Some(Ok(value)) = self.headers.get(CONTENT_TYPE).map(|value| value.to_str()) else {
            return false;
        };
        let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(content_type: Option<&'static str>, body: &'static str) -> Result<Vec<u8>, Trouble> {
        let headers = content_type.map(|value| (CONTENT_TYPE, HeaderValue::from_static(value)));
        Answer {
            status: StatusCode::OK,
            headers: headers.into_iter().collect(),
            body: Bytes::from_static(body.as_bytes()),
            final_url: "https://api.github.com/".parse().expect("a URL"),
        }
        .body_json()
    }

    #[test]
    fn json_is_read_when_it_is_called_json() {
        for content_type in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/vnd.github+json",
        ] {
            assert_eq!(read(Some(content_type), "[1]"), Ok(vec![1]), "{content_type}");
        }
    }

    #[test]
    fn anything_else_is_unexpected() {
        for content_type in [
            None,
            Some("text/html"),
            Some("text/json"),
            Some("application/jsonx"),
            Some(""),
        ] {
            assert_eq!(
                read(content_type, "[1]"),
                Err(Trouble::UnexpectedAnswer),
                "{content_type:?}"
            );
        }
        assert_eq!(read(Some("application/json"), "{}"), Err(Trouble::UnexpectedAnswer));
        assert_eq!(read(Some("application/json"), "[1"), Err(Trouble::UnexpectedAnswer));
    }
}
