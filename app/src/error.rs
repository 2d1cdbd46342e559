//! The one error of the user interface. Every variant is something a person can act on; causes stay in the log.

use crate::platform;
use domain::{FieldErrors, Scope, Timestamp};
use leptos::{
    prelude::FromServerFnError,
    server_fn::{codec::JsonEncoding, error::ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

/// Why the person does not get what they asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AppError {
    /// Fields to mend.
    Invalid(FieldErrors),
    /// No such person, or another password.
    WrongCredentials,
    /// Too many tries to sign in.
    Throttled {
        /// When the next try is taken.
        retry_at: Timestamp,
    },
    /// The set-up link is wrong or used.
    SetUpLink,
    /// Nobody is signed in.
    NotSignedIn,
    /// There is no such thing, or not for this person: never told apart.
    NotFound,
    /// An admin may; this person is a member.
    NotAdmin,
    /// Runtimes use the Git provider.
    InUse {
        /// Their names.
        runtimes: Vec<String>,
    },
    /// The check of a token did not end well: what the provider said, in words.
    Refused(Box<Problem>),
    /// Ours. The cause is in the server's log under this id.
    Internal {
        /// The id.
        id: String,
    },
    /// The server of Patchbay could not be reached.
    Offline,
    /// Browser and server do not understand each other, as after an update of the server.
    Garbled,
}

/// What went wrong, for a person to read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What was seen, as a sentence.
    pub title: String,
    /// What to do; may be empty.
    pub advice: String,
    /// Scopes to list.
    pub scopes: Vec<Scope>,
    /// Where to mend it: words and address.
    pub link: Option<(String, String)>,
    /// What to tick if it is meant so, after which the form is taken: words, and the value that the form then has.
    pub confirm: Option<(String, String)>,
}

impl Problem {
    /// A problem of words alone.
    pub(crate) fn new(title: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            advice: advice.into(),
            ..Self::default()
        }
    }
}

impl From<Problem> for AppError {
    fn from(problem: Problem) -> Self {
        Self::Refused(Box::new(problem))
    }
}

impl AppError {
    /// The HTTP status that says the same.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Invalid(_) | Self::Refused(_) => 422,
            Self::WrongCredentials | Self::NotSignedIn => 401,
            Self::Throttled { .. } => 429,
            Self::SetUpLink | Self::NotFound => 404,
            Self::NotAdmin => 403,
            Self::InUse { .. } => 409,
            Self::Internal { .. } => 500,
            Self::Offline => 503,
            Self::Garbled => 400,
        }
    }
}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    /// What the framework could not read. Its text may quote what was typed, so none of it is kept.
    fn from_server_fn_error(_: ServerFnErrorErr) -> Self {
        // It would call any error of its own the server's.
        platform::set_status(Self::Garbled.status());
        Self::Garbled
    }
}
