//! The one place that reads the clock and the generator of the machine: everything else takes what it is given.

use rand::RngExt;
use time::OffsetDateTime;

/// The time that expiry is judged by: the machine's, or one that a test has set.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Clock {
    fixed: Option<OffsetDateTime>,
}

impl Clock {
    /// Stands still at `now`, or follows the machine again for `None`.
    pub(crate) fn set(&mut self, now: Option<OffsetDateTime>) {
        self.fixed = now;
    }

    /// The time it is, in UTC.
    pub(crate) fn now(&self) -> OffsetDateTime {
        self.fixed.unwrap_or_else(machine_time).to_offset(time::UtcOffset::UTC)
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a tool for tests: this is where its time comes from"
)]
fn machine_time() -> OffsetDateTime {
    std::time::SystemTime::now().into()
}

/// `length` random characters out of `alphabet`, which must be ASCII and not empty.
#[expect(
    clippy::disallowed_methods,
    reason = "a tool for tests: this is where its randomness comes from"
)]
pub(crate) fn random_text(alphabet: &[u8], length: usize) -> String {
    let mut generator = rand::rng();
    (0..length)
        .map(|_| char::from(alphabet[generator.random_range(0..alphabet.len())]))
        .collect()
}

/// So many random bytes.
#[expect(
    clippy::disallowed_methods,
    reason = "a tool for tests: this is where its randomness comes from"
)]
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    rand::rng().random()
}
