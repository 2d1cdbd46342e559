//! Dialogs, and what can be done with a row of a table, as data: the server makes them, and one component shows each. So a
//! further dialog or action costs the browser nothing but its own words, when it is asked for.

use crate::{
    packed::{Pack, pack_fields, pack_variants},
    page::Bit,
    provider::ProviderKind,
};
use std::vec::IntoIter;

/// Names or values, each with another text.
pub type Pairs = Vec<(String, String)>;

/// A dialog over the page, with a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// Whether it asks if something may go, in the middle; otherwise there is something to fill in, at the side.
    pub deletion: bool,
    /// Its title.
    pub title: String,
    /// The Git provider that it is about, below the title: its mark and words.
    pub below: Option<(String, String)>,
    /// The server function's address.
    pub action: String,
    /// The form's id.
    pub form: String,
    /// The fields that the person does not see: names and values.
    pub hidden: Pairs,
    /// The id of the control that opens it, which gets the focus back, and of those that may have taken its place by then,
    /// separated by spaces.
    pub opener: String,
    /// What the button says, and what while the form waits. Without it nothing can be sent.
    pub submit: Option<(String, String)>,
    /// What stands above the form: parts without fields, and a form of its own, which the first action is.
    pub lead: (Vec<Part>, Option<Action>),
    /// What it holds, in order.
    pub parts: Vec<Part>,
}

/// A part of a [`Sheet`]. Words may have the markup of [`guide::pieces`](crate::guide::pieces), where it says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A paragraph, with markup.
    Text(String),
    /// A paragraph that is less important, with markup.
    Sub(String),
    /// A box with an icon: its tone (`good`, `warn`, `bad` or `info`), and words with markup.
    Notice(String, String),
    /// What went wrong with the form as a whole; for a form that asks for a token, with the words and address of the page where
    /// one generates it.
    Problem(Option<(String, String)>),
    /// A field of one line.
    Field(Field),
    /// The field for a token of a kind of Git provider: what is pasted is recognised at once.
    Token(Field, ProviderKind),
    /// A choice among few: values and words.
    Select(Field, Pairs),
    /// Boxes to tick, below what they have in common, which may be empty.
    Checks(String, Vec<Field>),
    /// The fields for a Git provider: the choice of its kind, then fields of one line. `base_url` and `api_url` follow the
    /// kind, and what is typed.
    GitProvider(Field, Pairs, Vec<Field>),
    /// A button that cannot be pressed, and why.
    Disabled(String, String),
    /// What can be folded away, below its title, and whether it is shown at first.
    Details(String, bool, Vec<Part>),
    /// How to do something elsewhere: what, words and address of the page for that, the steps with markup, and a remark.
    Steps(String, (String, String), Vec<String>, String),
    /// What an address is, and the address, which one can copy.
    Address(String, String),
    /// What is known of a thing, below a heading, which may be empty: what it is, and how it is.
    Facts(String, Vec<(String, Vec<Bit>)>),
}

/// A field of a form.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "as in HTML")]
pub struct Field {
    /// Its name in the form. Boxes to tick may share one.
    pub name: String,
    /// Its label.
    pub label: String,
    /// What it holds at first, unless the form comes back with what was typed; what a box stands for.
    pub value: String,
    /// The type of an `<input>`; empty: text.
    pub kind: String,
    /// What to know before typing, with markup; may be empty.
    pub hint: String,
    /// What stands in the empty field.
    pub placeholder: String,
    /// What a browser may fill in; empty: nothing.
    pub autocomplete: String,
    /// Whether it may stay empty.
    pub optional: bool,
    /// Whether it takes something to be read letter by letter.
    pub mono: bool,
    /// Whether it has the focus at first.
    pub autofocus: bool,
    /// Whether the box is ticked at first.
    pub checked: bool,
    /// Whether nothing can be done with it.
    pub disabled: bool,
}

impl Field {
    /// A field of this name and label.
    #[must_use]
    pub fn new(name: &str, label: &str) -> Self {
        Self {
            name: name.to_owned(),
            label: label.to_owned(),
            ..Self::default()
        }
    }
}

/// What can be done with a row of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// The control's id, for the focus.
    pub id: String,
    /// What it says.
    pub label: String,
    /// What tells it from those of other rows, for screen readers.
    pub about: String,
    /// Its icon, which in a table shows in place of the label; may be empty.
    pub icon: String,
    /// Whether it is what one comes for.
    pub primary: bool,
    /// The address that it leads to, or of the server function that it posts to.
    pub to: String,
    /// If it posts: what is said meanwhile, and the fields.
    pub post: Option<(String, Pairs)>,
}

pack_fields!(Sheet {
    deletion,
    title,
    below,
    action,
    form,
    hidden,
    opener,
    submit,
    lead,
    parts,
});

pack_fields!(Field {
    name,
    label,
    value,
    kind,
    hint,
    placeholder,
    autocomplete,
    optional,
    mono,
    autofocus,
    checked,
    disabled,
});

pack_fields!(Action {
    id,
    label,
    about,
    icon,
    primary,
    to,
    post,
});

impl Pack for ProviderKind {
    fn pack(&self, texts: &mut Vec<String>) {
        texts.push(self.as_str().to_owned());
    }

    fn unpack(texts: &mut IntoIter<String>) -> Self {
        Self::from_word(&String::unpack(texts)).unwrap_or_default()
    }
}

pack_variants!(Part {
    "t" Text(words),
    "u" Sub(words),
    "n" Notice(tone, words),
    "p" Problem(generate),
    "f" Field(field),
    "k" Token(field, kind),
    "s" Select(field, options),
    "c" Checks(legend, boxes),
    "g" GitProvider(kind, kinds, fields),
    "d" Disabled(label, reason),
    "m" Details(title, open, parts),
    "o" Steps(title, open, steps, remark),
    "a" Address(what, address),
    "l" Facts(title, facts),
    _ => Self::Text(String::new()),
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packed::Packed;

    #[test]
    fn every_part_arrives_as_it_was_sent() {
        let field = Field {
            value: "x".to_owned(),
            mono: true,
            ..Field::new("name", "Name")
        };
        let pairs = vec![("a".to_owned(), "A".to_owned())];
        let text = || "words".to_owned();
        let parts = vec![
            Part::Text(text()),
            Part::Sub(text()),
            Part::Notice("warn".to_owned(), text()),
            Part::Problem(Some(("Generate".to_owned(), "https://x.dev".to_owned()))),
            Part::Field(field.clone()),
            Part::Token(field.clone(), ProviderKind::GitLab),
            Part::Select(field.clone(), pairs.clone()),
            Part::Checks(text(), vec![field.clone(), Field::default()]),
            Part::GitProvider(field.clone(), pairs, vec![field]),
            Part::Disabled(text(), text()),
            Part::Steps(text(), (text(), text()), vec![text()], String::new()),
            Part::Address(text(), text()),
            Part::Facts(text(), vec![(text(), vec![Bit::Words(text())])]),
        ];
        let sheet = Sheet {
            title: "Title".to_owned(),
            below: Some(("gerrit".to_owned(), text())),
            submit: Some((text(), text())),
            parts: [parts.clone(), vec![Part::Details(text(), true, parts)]].concat(),
            ..Sheet::default()
        };
        assert_eq!(Packed::new(&sheet).open::<Sheet>(), sheet);
    }
}
