//! The one error of the user interface. Every variant is something a person can act on; causes stay in the log.

use crate::platform;
use domain::{FieldErrors, Packed, packed::pack_variants};
use leptos::{
    prelude::FromServerFnError,
    server_fn::{codec::JsonEncoding, error::ServerFnErrorErr},
};
use serde::{Deserialize, Serialize};

/// Why the person does not get what they asked for. What the browser must tell from all else has a variant of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "Packed", from = "Packed")]
pub enum AppError {
    /// Fields to mend.
    Invalid(FieldErrors),
    /// Nobody is signed in.
    NotSignedIn,
    /// There is no such thing, or not for this person: never told apart.
    NotFound,
    /// An admin may; this person is a member.
    NotAdmin,
    /// Anything else, in words of the server.
    Refused(Box<Problem>),
    /// The server of Patchbay could not be reached.
    Offline,
    /// Browser and server do not understand each other, as after an update of the server.
    Garbled,
}

pack_variants!(AppError {
    "invalid" Invalid(fields),
    "not_signed_in" NotSignedIn,
    "not_found" NotFound,
    "not_admin" NotAdmin,
    "refused" Refused(problem),
    "offline" Offline,
    "garbled" Garbled,
    _ => Self::Garbled,
});

impl From<AppError> for Packed {
    fn from(error: AppError) -> Self {
        Self::new(&error)
    }
}

impl From<Packed> for AppError {
    fn from(packed: Packed) -> Self {
        packed.open()
    }
}

/// What went wrong, for a person to read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// What was seen, as a sentence.
    pub title: String,
    /// What to do; may be empty.
    pub advice: String,
    /// The scopes that are missing, with markup; may be empty.
    pub scopes: String,
    /// Where to mend it: words and address.
    pub link: Option<(String, String)>,
    /// What to tick if it is meant so, after which the form is taken: words, and the value that the form then has.
    pub confirm: Option<(String, String)>,
    /// The HTTP status that says the same. For the server alone.
    pub status: u16,
}

domain::packed::pack_fields!(Problem { title, advice, scopes, link, confirm; status: REFUSED });

/// The HTTP status of a form that cannot be taken as it is.
const REFUSED: u16 = 422;

impl Problem {
    /// A problem of words alone.
    pub(crate) fn new(title: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            advice: advice.into(),
            status: REFUSED,
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
    pub fn status(&self) -> u16 {
        match self {
            Self::Invalid(_) => REFUSED,
            Self::NotSignedIn => 401,
            Self::NotFound => 404,
            Self::NotAdmin => 403,
            Self::Refused(problem) => problem.status,
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
