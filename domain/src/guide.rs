//! The steps to generate a token at a provider. They are made on the server and travel to the page as data.

use crate::scope::Scope;
use serde::{Deserialize, Serialize};
use url::form_urlencoded::Serializer;

/// How to generate a token at a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Guide {
    /// Whether the page where one does that comes filled in with name and scopes.
    pub filled_in: bool,
    /// The provider's page with the person's tokens, where one takes them back.
    pub tokens_page: String,
    /// What to do, in order, for [`pieces`] to take apart: text alone is the smallest for a browser to read.
    pub steps: Vec<String>,
    /// What else to know; may be empty.
    pub remark: String,
}

/// A piece of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Words.
    Text(&'a str),
    /// A label, menu or button on the provider's page.
    Label(&'a str),
    /// A scope to select.
    Scope(&'a str),
}

/// Takes a step apart: `|` stands between its pieces, `*` before a label, `$` before a scope.
pub fn pieces(step: &str) -> impl Iterator<Item = Piece<'_>> {
    step.split('|')
        .filter(|piece| !piece.is_empty())
        .map(|piece| match piece.split_at_checked(1) {
            Some(("*", label)) => Piece::Label(label),
            Some(("$", scope)) => Piece::Scope(scope),
            _ => Piece::Text(piece),
        })
}

/// The pieces for these scopes.
pub(crate) fn pieces_of(scopes: &[Scope]) -> String {
    scopes.iter().flat_map(|scope| ["|$", scope.as_str(), "| "]).collect()
}

pub(crate) fn with_query(address: &str, query: &[(&str, &str)]) -> String {
    let mut address = format!("{address}?");
    let start = address.len();
    Serializer::for_suffix(&mut address, start).extend_pairs(query);
    address
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_step_is_taken_apart() {
        let step = format!(
            "Select {}below |*Scopes|.",
            pieces_of(&["repo", "write:org"].map(Scope::new))
        );
        assert_eq!(
            pieces(&step).collect::<Vec<_>>(),
            [
                Piece::Text("Select "),
                Piece::Scope("repo"),
                Piece::Text(" "),
                Piece::Scope("write:org"),
                Piece::Text(" below "),
                Piece::Label("Scopes"),
                Piece::Text("."),
            ]
        );
        assert_eq!(pieces("").count(), 0);
    }

    proptest! {
        #[test]
        fn no_step_makes_it_panic(step in "\\PC{0,200}") {
            let _ = pieces(&step).count();
        }
    }
}
