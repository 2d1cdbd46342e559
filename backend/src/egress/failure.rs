//! What an error of the HTTP library means.

use super::policy::Denied;
use domain::check::Trouble;
use std::{error::Error, io, iter};

/// Why one try brought no answer.
#[derive(Debug)]
pub(super) struct Failure {
    /// For the person.
    pub(super) trouble: Trouble,
    /// Whether another try could end otherwise.
    pub(super) repeatable: bool,
    /// Whether anything of the request may have been sent. Only a connection that could not be made is sure not to have
    /// carried anything.
    pub(super) sent: bool,
    /// For the log: never the URL, whose query may hold anything.
    pub(super) cause: String,
}

impl Failure {
    /// One that another try would only repeat, after the request was sent.
    pub(super) fn lasting(trouble: Trouble, cause: &impl ToString) -> Self {
        Self {
            trouble,
            repeatable: false,
            sent: true,
            cause: cause.to_string(),
        }
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        Self {
            sent: false,
            ..Self::lasting(Trouble::EgressDenied, &denied)
        }
    }
}

/// An error of sending, before any of the answer came. A GET may be repeated after all but lasting failures, a write only
/// when nothing was sent.
impl From<reqwest::Error> for Failure {
    fn from(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let chain = || iter::successors(Some(&error as &(dyn Error + 'static)), |&error| error.source());
        let (trouble, repeatable) = if chain().any(<dyn Error>::is::<Denied>) {
            (Trouble::EgressDenied, false)
        } else if chain().any(is_tls) {
            (Trouble::Tls, false)
        } else if error.is_timeout() {
            (Trouble::TimedOut, true)
        } else if error.is_connect() {
            (Trouble::NoConnection, true)
        } else {
            // Accepted and closed again, or not HTTP.
            (Trouble::UnexpectedAnswer, error.is_request())
        };
        let cause = chain().map(ToString::to_string).collect::<Vec<_>>().join(": ");
        Self {
            trouble,
            repeatable,
            // Resolving, connecting and the handshake.
            sent: !error.is_connect(),
            cause,
        }
    }
}

fn is_tls(error: &(dyn Error + 'static)) -> bool {
    // The handshake's error comes inside I/O errors, which leave what they wrap out of the chain of sources.
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || inner.is_some_and(|inner| is_tls(inner))
}
