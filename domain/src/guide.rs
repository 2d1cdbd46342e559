//! The steps to generate a token at a provider. They are made on the server and travel to the page as data.

use crate::scope::Scope;
use serde::{Deserialize, Serialize};
use url::form_urlencoded::Serializer;

/// A piece of a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// Words.
    Text(String),
    /// A label, menu or button on the provider's page.
    Label(String),
    /// Scopes to select.
    Scopes(Vec<Scope>),
}

/// How to generate a token at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guide {
    /// Whether the page where one does that comes filled in with name and scopes.
    pub filled_in: bool,
    /// The provider's page with the person's tokens, where one takes them back.
    pub tokens_page: String,
    /// What to do, in order.
    pub steps: Vec<Vec<Piece>>,
    /// What else to know, each a sentence or two.
    pub remarks: Vec<String>,
}

pub(crate) fn text(words: &str) -> Piece {
    Piece::Text(words.to_owned())
}

pub(crate) fn label(words: &str) -> Piece {
    Piece::Label(words.to_owned())
}

pub(crate) fn scopes_to_select(scopes: &[Scope]) -> Vec<Piece> {
    vec![text("Select "), Piece::Scopes(scopes.to_vec())]
}

pub(crate) fn with_query(address: &str, query: &[(&str, &str)]) -> String {
    let mut address = format!("{address}?");
    let start = address.len();
    Serializer::for_suffix(&mut address, start).extend_pairs(query);
    address
}
