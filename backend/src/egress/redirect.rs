//! Where a redirect leads, and what goes along.
//!
//! Followed here rather than by the HTTP library, which knows no secret headers but `Authorization` and `Cookie`.

use super::failure::Failure;
use domain::check::Trouble;
use http::{HeaderMap, HeaderName, StatusCode, header::LOCATION};
use url::Url;

/// How many redirects are followed.
pub(super) const MAX_REDIRECTS: usize = 5;

/// Where the answer to a GET for `url` sends on to; `None` if it is no redirect. Refuses to leave encryption behind.
pub(super) fn target(url: &Url, status: StatusCode, headers: &HeaderMap) -> Result<Option<Url>, Failure> {
    let (301 | 302 | 303 | 307 | 308, Some(location)) = (status.as_u16(), headers.get(LOCATION)) else {
        return Ok(None);
    };
    let refused = |why: &str| Failure::lasting(Trouble::UnexpectedAnswer, &why);
    let location = location
        .to_str()
        .map_err(|_| refused("a redirect to an unreadable address"))?;
    let next = url
        .join(location)
        .map_err(|_| refused("a redirect to an unreadable address"))?;
    if !matches!(
        (url.scheme(), next.scheme()),
        ("http", "http" | "https") | ("https", "https")
    ) {
        return Err(refused("a redirect to another scheme than https"));
    }
    if !next.username().is_empty() || next.password().is_some() {
        return Err(refused("a redirect that brings its own credentials"));
    }
    Ok(Some(next))
}

/// Takes out what only the origin that was asked may see.
pub(super) fn remove_secrets(headers: &mut HeaderMap) {
    let secret: Vec<HeaderName> = headers
        .iter()
        .filter(|(_, value)| value.is_sensitive())
        .map(|(name, _)| name.clone())
        .collect();
    for name in secret {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, header::ACCEPT};

    fn redirect(from: &str, status: u16, to: &'static str) -> Result<Option<String>, Trouble> {
        let headers = [(LOCATION, HeaderValue::from_static(to))].into_iter().collect();
        target(
            &from.parse().expect("a URL"),
            StatusCode::from_u16(status).expect("a status"),
            &headers,
        )
        .map(|next| next.map(String::from))
        .map_err(|failure| failure.trouble)
    }

    #[test]
    fn a_redirect_leads_to_its_location() {
        for status in [301, 302, 303, 307, 308] {
            assert_eq!(
                redirect("https://a.dev/x/y", status, "../z?q"),
                Ok(Some("https://a.dev/z?q".into()))
            );
        }
        assert_eq!(
            redirect("http://a.dev/x", 301, "https://a.dev/x"),
            Ok(Some("https://a.dev/x".into()))
        );
        assert_eq!(redirect("https://a.dev/x", 304, "/z"), Ok(None));
        assert_eq!(redirect("https://a.dev/x", 201, "/z"), Ok(None));
    }

    #[test]
    fn a_redirect_never_leaves_encryption_or_brings_credentials() {
        for to in [
            "http://a.dev/x",
            "ftp://a.dev/x",
            "file:///etc/passwd",
            "https://u:p@a.dev/",
            "//u@a.dev/",
            "https://",
        ] {
            assert_eq!(
                redirect("https://a.dev/x", 302, to),
                Err(Trouble::UnexpectedAnswer),
                "{to}"
            );
        }
    }

    #[test]
    fn only_headers_marked_sensitive_are_taken_out() {
        let mut secret = HeaderValue::from_static("glpat-secret");
        secret.set_sensitive(true);
        let mut headers: HeaderMap = [
            (ACCEPT, HeaderValue::from_static("*/*")),
            (HeaderName::from_static("private-token"), secret),
        ]
        .into_iter()
        .collect();
        remove_secrets(&mut headers);
        assert_eq!(headers.keys().collect::<Vec<_>>(), [ACCEPT]);
    }
}
