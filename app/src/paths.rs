//! Our own addresses.

use std::fmt::Write as _;

/// The path and query as given, if they can only lead to this site. Browsers read a backslash as a slash and drop tabs
/// and line ends, so none of these may occur.
pub(crate) fn local(path: &str) -> Option<&str> {
    let sound = path.starts_with('/')
        && !path.contains("//")
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    sound.then_some(path)
}

/// The sign-in page that leads on to `next`.
pub(crate) fn sign_in(next: &str) -> String {
    match local(next) {
        Some(next) if next != "/" => format!("/sign-in?next={}", encoded(next)),
        _ => "/sign-in".to_owned(),
    }
}

/// A query of one field.
#[cfg(any(not(feature = "ssr"), test))]
pub(crate) fn query(field: &str, value: &str) -> String {
    format!("{field}={}", encoded(value))
}

/// Percent-encodes a value for a query (RFC 3986, section 2.3: all but the unreserved characters).
fn encoded(value: &str) -> String {
    value.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            text.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_path_of_our_own_is_followed() {
        for good in ["/", "/acme/tokens", "/acme/tokens?add=1&x=%2F", "/sign-in#x"] {
            assert_eq!(local(good), Some(good));
        }
        for bad in [
            "",
            "acme",
            "//evil.example",
            "/\\evil.example",
            "\\/evil.example",
            "https://evil.example",
            "/a//b",
            "/\t/evil.example",
            "/a\r\nset-cookie: x",
            "/ä",
            " /a",
            "javascript:alert(1)",
        ] {
            assert_eq!(local(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn sign_in_remembers_where_one_was_going() {
        assert_eq!(
            sign_in("/acme/tokens?add=1&b=2"),
            "/sign-in?next=/acme/tokens%3Fadd%3D1%26b%3D2"
        );
        assert_eq!(query("account", "a&b"), "account=a%26b");
        assert_eq!(sign_in("//evil.example"), "/sign-in");
        assert_eq!(sign_in("/"), "/sign-in");
    }
}
