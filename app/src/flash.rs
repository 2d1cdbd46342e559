//! What a plain form post leaves for the next page to show. It travels sealed, in a cookie that only the server reads.

use crate::{AppError, load::Answer, reply::Done, theme::Theme};
use domain::packed::{pack_fields, pack_variants};

/// What became of a form, for the page that comes after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Flash {
    /// The form it came from.
    pub(crate) form: String,
    /// What became of it.
    pub(crate) news: News,
    /// What was typed, by field; never a secret.
    pub(crate) values: Vec<(String, String)>,
}

/// Good or bad news.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It is done: the message to show.
    Done(String),
    /// It is done, and the message is one of caution.
    Caution(String),
    /// It is done: the message, and a link that is shown this once.
    Link(String, String),
    /// It is not, for this reason.
    Failed(AppError),
}

pack_fields!(Flash { form, news, values });

pack_variants!(News {
    "d" Done(message),
    "c" Caution(message),
    "l" Link(message, link),
    "f" Failed(error),
    _ => Self::Failed(AppError::Garbled),
});

impl News {
    /// What to say once a form is done, if there is anything to say.
    pub(crate) fn of(done: &Done) -> Option<Self> {
        let message = done.message.clone();
        if !done.link.is_empty() {
            return Some(Self::Link(message, done.link.clone()));
        }
        match (message.is_empty(), done.caution) {
            (true, _) => None,
            (false, false) => Some(Self::Done(message)),
            (false, true) => Some(Self::Caution(message)),
        }
    }
}

/// What the server knows of the browser when it renders the first page, and the browser needs to hydrate it alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FirstLoad {
    pub(crate) flash: Option<Flash>,
    pub(crate) theme: Theme,
    /// The answers to what the page asks, in the order of [`Place::asks`](crate::place::Place::asks).
    pub(crate) answers: Vec<Answer>,
}

pack_fields!(FirstLoad { flash, theme, answers });
