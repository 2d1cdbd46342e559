//! The steps to generate a token at a provider, made on the server, and the markup of such words on their way to the page.

use crate::scope::Scope;
use url::form_urlencoded::Serializer;

/// How to generate a token at a provider.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// A piece of words with markup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Words.
    Text(&'a str),
    /// A label, menu or button on the provider's page.
    Label(&'a str),
    /// A scope to select.
    Scope(&'a str),
    /// A link: its address and its words.
    Link(&'a str, &'a str),
}

/// Takes words apart: `|` stands between their pieces, `*` before a label, `$` before a scope, `@` before the address of a
/// link, and a space between that and its words. Whoever shows a piece gives it to [`shown`].
pub fn pieces(words: &str) -> impl Iterator<Item = Piece<'_>> {
    words
        .split('|')
        .filter(|piece| !piece.is_empty())
        .map(|piece| match piece.split_at_checked(1) {
            Some(("*", label)) => Piece::Label(label),
            Some(("$", scope)) => Piece::Scope(scope),
            Some(("@", link)) => link
                .split_once(' ')
                .map_or(Piece::Text(piece), |(to, words)| Piece::Link(to, words)),
            _ => Piece::Text(piece),
        })
}

/// Stands for a `|` that is no markup.
const BAR: char = '\u{1f}';
/// Stands before words that are no markup, so that their first sign is none either.
const PLAIN: char = '\u{1e}';

/// Words that somebody typed, so that nothing in them counts as markup.
#[must_use]
pub fn plain(words: &str) -> String {
    let bar = |c| if c == '|' { BAR } else { c };
    [PLAIN].into_iter().chain(words.chars().map(bar)).collect()
}

/// A piece as it is shown.
#[must_use]
pub fn shown(piece: &str) -> String {
    let bar = |c| if c == BAR { '|' } else { c };
    piece.chars().filter(|c| *c != PLAIN).map(bar).collect()
}

/// The pieces for these scopes.
#[must_use]
pub fn pieces_of(scopes: &[Scope]) -> String {
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

    #[test]
    fn a_link_has_an_address_and_words() {
        assert_eq!(
            pieces("First |@https://x.dev/a take it back|.").collect::<Vec<_>>(),
            [
                Piece::Text("First "),
                Piece::Link("https://x.dev/a", "take it back"),
                Piece::Text("."),
            ]
        );
    }

    proptest! {
        #[test]
        fn what_somebody_typed_is_no_markup(name in "[|*$@ a-z]{0,20}", before in "[a-z ]{0,5}") {
            let words = format!("{before}{}", plain(&name));
            let pieces: Vec<_> = pieces(&words).collect();
            prop_assert_eq!(&pieces, &[Piece::Text(&words)]);
            prop_assert_eq!(shown(&words), format!("{before}{name}"));
        }

        #[test]
        fn no_step_makes_it_panic(step in "\\PC{0,200}") {
            let _ = pieces(&step).count();
        }
    }
}
