//! Pages of an account as data: what stands around them, and the things that one lists, in a table. As with a
//! [`Sheet`](crate::sheet::Sheet), the server makes them and one component shows each, so that a further page or column costs
//! the browser nothing. Words may have the markup of [`guide::pieces`](crate::guide::pieces).

use crate::{
    packed::{pack_fields, pack_variants},
    sheet::Action,
};

/// What stands around the pages of an account: the way to the others, and who is signed in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frame {
    /// The ways to other pages, in groups, each below its heading, which may be empty.
    pub groups: Vec<(String, Vec<Link>)>,
    /// The first letters of the person's names.
    pub initials: String,
    /// The person's name.
    pub name: String,
    /// What the person is here.
    pub part: String,
}

/// A way to a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// Its address.
    pub to: String,
    /// Its icon; may be empty.
    pub icon: String,
    /// Its words.
    pub label: String,
    /// How many things there need the person; empty if none do.
    pub count: String,
}

/// Things of one kind, or that there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    /// What needs the person.
    pub attention: Option<Attention>,
    /// What it lists, or that there is nothing to list.
    pub title: String,
    /// What else is to be known of them all; may be empty.
    pub aside: String,
    /// The icon of the empty list.
    pub icon: String,
    /// What to do as long as the list is empty.
    pub advice: String,
    /// Where a new thing is registered, or what must be there before.
    pub register: Option<Action>,
    /// The heads of the columns.
    pub columns: Vec<String>,
    /// The things.
    pub rows: Vec<Row>,
}

/// What needs the person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attention {
    /// How grave it is: `warn` or `bad`.
    pub tone: String,
    /// That something does.
    pub title: String,
    /// Why.
    pub reasons: Vec<String>,
}

/// A thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Its name, for screen readers.
    pub name: String,
    /// The cell of the first column, which names the thing.
    pub head: Cell,
    /// Those of the other columns.
    pub cells: Vec<Cell>,
    /// What can be done with it.
    pub actions: Vec<Action>,
}

/// A cell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Its class.
    pub class: String,
    /// What it holds.
    pub bits: Vec<Bit>,
}

/// What a cell is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bit {
    /// Words, with markup.
    Words(String),
    /// Bits with a class in common, and a title, which may be empty.
    Group(String, String, Vec<Bit>),
    /// A moment: as RFC 3339, in full, which is the title, and in words.
    Time(String, String, String),
    /// A title and words to be read letter by letter.
    Code(String, String),
    /// The class and name of an icon.
    Icon(String, String),
    /// An address that one can copy, and what it is.
    Address(String, String),
    /// A list without marks.
    Chips(Vec<Bit>),
    /// Such a list folded away, below a summary.
    Folded(String, Vec<Bit>),
}

pack_fields!(Frame {
    groups,
    initials,
    name,
    part,
});

pack_fields!(Link { to, icon, label, count });

pack_fields!(List {
    attention,
    title,
    aside,
    icon,
    advice,
    register,
    columns,
    rows,
});

pack_fields!(Attention { tone, title, reasons });

pack_fields!(Row {
    name,
    head,
    cells,
    actions,
});

pack_fields!(Cell { class, bits });

pack_variants!(Bit {
    "w" Words(words),
    "g" Group(class, title, bits),
    "t" Time(moment, title, words),
    "c" Code(title, words),
    "i" Icon(class, name),
    "a" Address(address, what),
    "l" Chips(bits),
    "f" Folded(summary, bits),
    _ => Self::Words(String::new()),
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packed::Packed;

    #[test]
    fn every_bit_arrives_as_it_was_sent() {
        let text = || "text".to_owned();
        let words = Bit::Words(text());
        let bits = vec![
            words.clone(),
            Bit::Group(text(), String::new(), vec![words.clone(), Bit::Icon(text(), text())]),
            Bit::Time(text(), text(), text()),
            Bit::Code(String::new(), text()),
            Bit::Address(text(), text()),
            Bit::Chips(vec![words.clone()]),
            Bit::Folded(text(), Vec::new()),
        ];
        let cell = Cell { class: text(), bits };
        let list = List {
            attention: Some(Attention {
                tone: text(),
                title: text(),
                reasons: vec![text()],
            }),
            register: Some(Action {
                to: text(),
                ..Action::default()
            }),
            columns: vec![text(), text()],
            rows: vec![
                Row {
                    name: text(),
                    head: cell.clone(),
                    cells: vec![cell, Cell::default()],
                    actions: vec![Action::default()],
                },
                Row::default(),
            ],
            ..List::default()
        };
        assert_eq!(Packed::new(&list).open::<List>(), list);
    }
}
