//! The kinds of Git providers, and what an address says about them.

use serde::{Deserialize, Serialize};

/// The kind of a Git provider. One kind has one wire protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProviderKind {
    /// GitHub.com and GitHub Enterprise Server: the base URL tells them apart.
    #[default]
    GitHub,
}

impl ProviderKind {
    /// Every kind, in the order in which an admin chooses.
    pub const ALL: [Self; 1] = [Self::GitHub];

    /// The word in the database and in forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GitHub => "github",
        }
    }

    /// The kind that a stored or submitted word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// The provider's own name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::GitHub => "GitHub",
        }
    }

    /// The base URL of the provider's public service, preset in the form.
    #[must_use]
    pub const fn preset_base_url(self) -> &'static str {
        match self {
            Self::GitHub => "https://github.com",
        }
    }

    /// The API base that follows from a base URL, without a slash at the end. GitHub.com has a host of its own for it;
    /// GitHub Enterprise Server has `/api/v3` (GitHub's REST documentation, "Getting started").
    #[must_use]
    pub fn api_url(self, base_url: &str) -> String {
        match self {
            Self::GitHub => match host(base_url).as_str() {
                "github.com" | "www.github.com" => "https://api.github.com".to_owned(),
                // GitHub Enterprise Cloud with data residency: https://SUBDOMAIN.ghe.com has its API at api.SUBDOMAIN.ghe.com.
                host if host.ends_with(".ghe.com") => format!("https://api.{host}"),
                _ => format!("{}/api/v3", base_url.trim_end_matches('/')),
            },
        }
    }
}

/// The host, with its port if it is not the scheme's own: what a person calls the provider by. Meant for addresses that
/// [`web_address`](crate::field::web_address) found sound; the browser also asks while one is typed, and parsing it in
/// full would bring the tables for international host names into the WASM.
#[must_use]
pub fn host(base_url: &str) -> String {
    let Some((scheme, rest)) = base_url.split_once("://") else {
        return String::new();
    };
    let own_port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return String::new(),
    };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.strip_suffix(own_port).unwrap_or(host).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_api_base_follows_from_the_base_url() {
        let api = |base| ProviderKind::GitHub.api_url(base);
        assert_eq!(api("https://github.com"), "https://api.github.com");
        assert_eq!(api("https://acme.ghe.com"), "https://api.acme.ghe.com");
        assert_eq!(api("https://git.acme.dev"), "https://git.acme.dev/api/v3");
        assert_eq!(api("http://127.0.0.1:4000/"), "http://127.0.0.1:4000/api/v3");
    }

    #[test]
    fn a_host_names_its_port_only_when_it_is_unusual() {
        assert_eq!(host("https://git.acme.dev:443/x"), "git.acme.dev");
        assert_eq!(host("http://127.0.0.1:4000"), "127.0.0.1:4000");
        assert_eq!(host("http://[::1]:80/x"), "[::1]");
        assert_eq!(host("HTTPS://"), "");
        assert_eq!(host("https://GitHub.com?x"), "github.com");
        assert_eq!(host("nonsense"), "");
    }

    #[test]
    fn a_stored_kind_is_read_back() {
        for kind in ProviderKind::ALL {
            assert_eq!(ProviderKind::from_word(kind.as_str()), Some(kind));
        }
        assert_eq!(ProviderKind::from_word("cvs"), None);
    }
}
