//! What a member may do in an account.

use serde::{Deserialize, Serialize};

/// The part of a member in an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Registers Git providers and runtimes, and sees whose tokens need attention.
    Admin,
    /// Authorises access for themself only.
    Member,
}

impl Role {
    /// The word in the database and beside the person's name.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Member => "member",
        }
    }

    /// The role that a stored word names.
    #[must_use]
    pub fn from_stored(word: &str) -> Option<Self> {
        [Self::Admin, Self::Member]
            .into_iter()
            .find(|role| role.as_str() == word)
    }
}
