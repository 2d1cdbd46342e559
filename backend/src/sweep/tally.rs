//! What a sweep did, in numbers.

use domain::{CheckOutcome, Setback};

/// Checks by what came of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// The provider accepted the token.
    pub accepted: u64,
    /// The provider does not accept the token.
    pub refused: u64,
    /// The provider took no more requests.
    pub rate_limited: u64,
    /// The provider could not be asked.
    pub unreachable: u64,
    /// The provider refused the request for a reason that is not the token's.
    pub forbidden: u64,
    /// Our own failure kept the token from being checked; it is tried again when its lease is over.
    pub faults: u64,
}

impl Tally {
    /// How many checks were noted.
    #[must_use]
    pub const fn checked(&self) -> u64 {
        self.accepted + self.refused + self.rate_limited + self.unreachable + self.forbidden
    }

    pub(super) fn count(&mut self, outcome: &CheckOutcome) {
        *match outcome {
            CheckOutcome::Accepted(_) => &mut self.accepted,
            CheckOutcome::Refused(_) => &mut self.refused,
            CheckOutcome::Unchanged(Setback::RateLimited { .. }) => &mut self.rate_limited,
            CheckOutcome::Unchanged(Setback::Unreachable(_)) => &mut self.unreachable,
            CheckOutcome::Unchanged(Setback::Forbidden) => &mut self.forbidden,
        } += 1;
    }

    /// One line, if anything was done.
    pub(super) fn log(&self) {
        if *self == Self::default() {
            return;
        }
        let Self {
            accepted,
            refused,
            rate_limited,
            unreachable,
            forbidden,
            faults,
        } = *self;
        tracing::info!(
            accepted,
            refused,
            rate_limited,
            unreachable,
            forbidden,
            faults,
            "checked tokens in the background"
        );
    }
}
