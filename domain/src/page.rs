//! Pages of an account as data: what stands around them, and the things that one lists, in a table. As with a
//! [`Sheet`](crate::sheet::Sheet), the server makes them and one component shows each, so that a further page or column costs
//! the browser nothing. Words may have the markup of [`guide::pieces`](crate::guide::pieces).

use crate::{
    packed::{pack_fields, pack_variants},
    sheet::{Action, Pairs, Part},
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
    /// The ways to the person's accounts, the present one with an icon, and out of it.
    pub accounts: Vec<Link>,
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

/// What stands on a page of an account, one below the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Block {
    /// Things of one kind.
    List(Box<List>),
    /// Numbers that lead to what they count, and what they are together.
    Tiles(String, Vec<Tile>),
    /// Numbers over time.
    Chart(Chart),
}

impl From<List> for Block {
    fn from(list: List) -> Self {
        Self::List(Box::new(list))
    }
}

/// A number that leads to what it counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tile {
    /// The address of what it counts.
    pub to: String,
    /// How grave it is: `good`, `warn`, `bad` or `idle`.
    pub tone: String,
    /// Its icon.
    pub icon: String,
    /// What it counts.
    pub label: String,
    /// The number.
    pub count: String,
    /// What else is to be known; may be empty.
    pub remark: String,
    /// Whether what it counts is shown now.
    pub current: bool,
}

/// Numbers over time, drawn as bars, with a table that says the same.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chart {
    /// What it shows.
    pub title: String,
    /// What else is to be known of it; may be empty.
    pub aside: String,
    /// What the table is called.
    pub table: String,
    /// The heads of the table's columns: time, number, remark.
    pub heads: Vec<String>,
    /// The numbers, in the order of time.
    pub bars: Vec<Bar>,
}

/// A number of a [`Chart`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bar {
    /// What it is about, in full.
    pub name: String,
    /// What stands below the bar; mostly empty.
    pub label: String,
    /// The number.
    pub count: String,
    /// Its height in hundredths of the highest.
    pub height: String,
    /// Why it stands out; empty if it does not.
    pub remark: String,
    /// The address of what it counts.
    pub to: String,
}

/// The head of a column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// What it says.
    pub label: String,
    /// The address of the list sorted by it; empty if it cannot be.
    pub to: String,
    /// How the list is sorted by it now: `ascending`, `descending` or not at all.
    pub order: String,
}

/// What chooses among the things of a list: a form whose fields stand in the address.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The page's address.
    pub to: String,
    /// The fields that the person does not see: names and values.
    pub hidden: Pairs,
    /// The fields.
    pub parts: Vec<Part>,
    /// The address without a choice; empty if there is none.
    pub clear: String,
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
    /// The files that say the same.
    pub downloads: Vec<Link>,
    /// What chooses among the things. Without it, an empty list has nothing at all.
    pub filter: Option<Filter>,
    /// What can be done with many of them at once.
    pub bulk: Vec<Action>,
    /// The heads of the columns.
    pub columns: Vec<Head>,
    /// The things.
    pub rows: Vec<Row>,
    /// The ways to the other things, if there are more than are shown.
    pub turns: Vec<Link>,
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
    /// What it is called in the form that does something with many.
    pub key: String,
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
    /// The id, address and words of a link within Patchbay.
    Link(String, String, String),
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
    accounts,
});

pack_fields!(Link { to, icon, label, count });

pack_variants!(Block {
    "l" List(list),
    "t" Tiles(label, tiles),
    "c" Chart(chart),
    _ => Self::Tiles(String::new(), Vec::new()),
});

pack_fields!(Tile {
    to,
    tone,
    icon,
    label,
    count,
    remark,
    current,
});

pack_fields!(Chart {
    title,
    aside,
    table,
    heads,
    bars,
});

pack_fields!(Bar {
    name,
    label,
    count,
    height,
    remark,
    to,
});

pack_fields!(Head { label, to, order });

pack_fields!(Filter {
    to,
    hidden,
    parts,
    clear,
});

pack_fields!(List {
    attention,
    title,
    aside,
    icon,
    advice,
    register,
    downloads,
    filter,
    bulk,
    columns,
    rows,
    turns,
});

pack_fields!(Attention { tone, title, reasons });

pack_fields!(Row {
    key,
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
    "k" Link(id, address, words),
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
            Bit::Link(text(), text(), text()),
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
            downloads: vec![Link::default()],
            filter: Some(Filter {
                hidden: vec![(text(), text())],
                parts: vec![Part::Text(text())],
                ..Filter::default()
            }),
            bulk: vec![Action::default()],
            columns: vec![
                Head::default(),
                Head {
                    order: text(),
                    ..Head::default()
                },
            ],
            turns: vec![Link::default()],
            rows: vec![
                Row {
                    key: text(),
                    name: text(),
                    head: cell.clone(),
                    cells: vec![cell, Cell::default()],
                    actions: vec![Action::default()],
                },
                Row::default(),
            ],
            ..List::default()
        };
        let blocks: Vec<Block> = vec![
            list.into(),
            Block::Tiles(
                text(),
                vec![Tile {
                    current: true,
                    ..Tile::default()
                }],
            ),
            Block::Chart(Chart {
                heads: vec![text()],
                bars: vec![Bar {
                    height: text(),
                    ..Bar::default()
                }],
                ..Chart::default()
            }),
        ];
        assert_eq!(Packed::new(&blocks).open::<Vec<Block>>(), blocks);
    }
}
