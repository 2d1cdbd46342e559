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
    /// For the log: never the URL, whose query may hold anything.
    pub(super) cause: String,
}

impl Failure {
    /// One that another try would only repeat.
    pub(super) fn lasting(trouble: Trouble, cause: &impl ToString) -> Self {
        Self {
            trouble,
            repeatable: false,
            cause: cause.to_string(),
        }
    }
}

impl From<Denied> for Failure {
    fn from(denied: Denied) -> Self {
        Self::lasting(Trouble::EgressDenied, &denied)
    }
}

/// An error of sending, before any of the answer came. Requests are GET, so all but lasting failures may be repeated.
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
            cause,
        }
    }
}

fn is_tls(error: &(dyn Error + 'static)) -> bool {
    // The handshake's error comes inside I/O errors, which leave what they wrap out of the chain of sources.
    let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    error.is::<rustls::Error>() || inner.is_some_and(|inner| is_tls(inner))
}
