//! The steps to generate a token at a provider, and the link that opens the provider's page filled in.

use crate::{provider::ProviderKind, scope::Scope};
use url::form_urlencoded::Serializer;

/// A piece of a step: plain words, a name as it stands on the provider's page, or a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Words.
    Text(&'static str),
    /// A label, menu or button on the provider's page.
    Label(&'static str),
    /// Scopes to select.
    Scopes(Vec<Scope>),
}

/// How to generate a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guide {
    /// The provider's page with name and scopes filled in.
    pub link: String,
    /// What to do, in order.
    pub steps: Vec<Vec<Piece>>,
}

/// The guide for a personal access token with `scopes` at the provider under `base_url`. The link names the token after
/// the runtime, so that its owner later knows what would break without it.
#[must_use]
pub fn guide(kind: ProviderKind, base_url: &str, runtime: &str, scopes: &[Scope]) -> Guide {
    match kind {
        // https://docs.github.com/en/authentication (Managing your personal access tokens); the query parameters
        // `description` and `scopes` are those of PROVIDERS.md.
        ProviderKind::GitHub => Guide {
            link: with_query(
                base_url,
                "settings/tokens/new",
                &[
                    ("description", &format!("Patchbay {runtime}")),
                    ("scopes", &joined(scopes)),
                ],
            ),
            steps: vec![
                vec![Piece::Text("Sign in to your GitHub account.")],
                vec![
                    Piece::Text("Go to "),
                    Piece::Label("Settings › Developer settings › Personal access tokens › Tokens (classic)"),
                    Piece::Text("."),
                ],
                vec![
                    Piece::Text("Choose "),
                    Piece::Label("Generate new token (classic)"),
                    Piece::Text(", name it and set an expiration date."),
                ],
                vec![Piece::Text("Select "), Piece::Scopes(scopes.to_vec())],
                vec![
                    Piece::Label("Generate token"),
                    Piece::Text(", copy it and paste it here."),
                ],
            ],
        },
    }
}

fn joined(scopes: &[Scope]) -> String {
    scopes.iter().map(Scope::as_str).collect::<Vec<_>>().join(",")
}

fn with_query(base_url: &str, path: &str, query: &[(&str, &str)]) -> String {
    // The base URL is a sound one, see `field::web_address`. Parsing it again would bring the tables for international
    // host names into the browser.
    let mut address = format!("{}/{path}?", base_url.trim_end_matches('/'));
    let start = address.len();
    Serializer::for_suffix(&mut address, start).extend_pairs(query);
    address
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_fills_in_name_and_scopes() {
        let scopes = ["repo", "admin:repo_hook"].map(Scope::new);
        assert_eq!(
            guide(ProviderKind::GitHub, "https://github.com", "prod-eu", &scopes).link,
            "https://github.com/settings/tokens/new?description=Patchbay+prod-eu&scopes=repo%2Cadmin%3Arepo_hook"
        );
    }

    #[test]
    fn the_link_keeps_to_the_installation() {
        let link = guide(ProviderKind::GitHub, "https://git.acme.dev/github", "x", &[]).link;
        assert!(
            link.starts_with("https://git.acme.dev/github/settings/tokens/new?"),
            "{link}"
        );
    }
}
