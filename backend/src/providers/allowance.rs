//! What providers say, beside their answers, of how much more they will answer.

use domain::Timestamp;
use std::sync::{Mutex, PoisonError};

/// What a provider said while a token was checked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// It wants no request before this moment (`Retry-After`).
    pub retry_after: Option<Timestamp>,
    /// Whoever the token belongs to has no request left, or almost none, before this moment.
    pub spent_until: Option<Timestamp>,
}

/// Collects what a provider says over the requests of one check.
#[derive(Debug, Default)]
pub struct Allowance(Mutex<Told>);

impl Allowance {
    /// What was said; the later moment where it was said twice.
    #[must_use]
    pub fn told(&self) -> Told {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note(&self, more: Told) {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        told.retry_after = told.retry_after.max(more.retry_after);
        told.spent_until = told.spent_until.max(more.spent_until);
    }
}
