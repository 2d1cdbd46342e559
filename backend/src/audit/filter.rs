//! What is looked for in the log.

use super::{Group, Outcome, Record, record};
use domain::{RuntimeId, Timestamp, UserId};

/// In which order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// As a page shows them.
    NewestFirst,
    /// As a file has them.
    OldestFirst,
}

/// By whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// Patchbay itself.
    Patchbay,
    /// Whoever runs `patchbay` on the server.
    CommandLine,
    /// A runtime, by one of its access keys.
    AccessKey,
    /// Somebody who was not signed in.
    Stranger,
    /// A person.
    Person(UserId),
}

impl Who {
    /// The word for who it is, as an event has it.
    #[must_use]
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Patchbay => "patchbay",
            Self::CommandLine => "command-line",
            Self::AccessKey => "access-key",
            Self::Stranger => "stranger",
            Self::Person(_) => "person",
        }
    }

    /// As an address has it: a person's id, or the word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Patchbay, Self::CommandLine, Self::AccessKey, Self::Stranger]
            .into_iter()
            .find(|who| who.kind() == word)
            .or_else(|| word.parse().ok().map(Self::Person))
    }
}

/// A choice among the events of an account; all of it at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Words, or their beginnings, that all must be found.
    pub text: String,
    /// What it is about.
    pub group: Option<Group>,
    /// By whom.
    pub who: Option<Who>,
    /// What came of it.
    pub outcome: Option<Outcome>,
    /// For which runtime.
    pub runtime: Option<RuntimeId>,
    /// Not before this moment.
    pub from: Option<Timestamp>,
    /// Before this moment.
    pub until: Option<Timestamp>,
}

/// How many words are looked for.
const MOST_TERMS: usize = 8;

impl Filter {
    /// Whether it asks for an outcome that is rare beside what one person does: then those are looked through, whoever did it, since
    /// a database that knows nothing of how often a value occurs would look through all that the person did.
    pub(crate) fn is_rare(&self) -> bool {
        self.outcome.is_some_and(|outcome| outcome != Outcome::Done)
    }

    /// Whether an event is by whom is asked for, where the database was not asked that.
    pub(crate) fn fits_rarely(&self, record: &Record) -> bool {
        match self.who {
            Some(Who::Person(id)) if self.is_rare() => record.actor_id == Some(id),
            Some(who) if self.is_rare() => record.actor == who.kind(),
            _ => true,
        }
    }

    /// The words that are looked for.
    pub(crate) fn terms(&self) -> Vec<String> {
        let mut terms: Vec<String> = self.text.split_whitespace().map(record::term).collect();
        terms.retain(|term| !term.is_empty());
        terms.truncate(MOST_TERMS);
        terms
    }
}
