//! What a form gets back.

use crate::AppError;
use domain::packed::pack_fields;

/// The answer to a form. A refusal is an ordinary answer (status 200): the browser would log any other as a failure.
pub(crate) type Reply = Result<Done, AppError>;

/// Where to go after a form is done, and what to say there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    /// What happened, as a sentence; may be empty.
    pub(crate) message: String,
    /// Whether the message is one of caution.
    pub(crate) caution: bool,
    /// The page to show next: a path of our own.
    pub(crate) location: String,
    /// Whether that page must be loaded anew, because who is signed in has changed.
    pub(crate) reload: bool,
    /// A link that is shown this once, with the message; may be empty.
    pub(crate) link: String,
}

pack_fields!(Done {
    message,
    caution,
    location,
    reload,
    link,
});

#[cfg(feature = "ssr")]
impl Done {
    pub(crate) fn new(message: impl Into<String>, location: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            location: location.into(),
            ..Self::default()
        }
    }

    pub(crate) fn caution(message: impl Into<String>, location: impl Into<String>) -> Self {
        Self {
            caution: true,
            ..Self::new(message, location)
        }
    }

    pub(crate) fn reload(location: impl Into<String>) -> Self {
        Self {
            reload: true,
            ..Self::new("", location)
        }
    }

    /// With a link that nobody can see again.
    pub(crate) fn once(self, link: &str) -> Self {
        Self {
            link: link.to_owned(),
            ..self
        }
    }

    pub(crate) fn saying(self, message: &str) -> Self {
        Self {
            message: message.to_owned(),
            ..self
        }
    }
}
