//! What may be tried again, and after how long.

use crate::random::{self, Random};
use http::{HeaderMap, StatusCode, header::RETRY_AFTER};
use std::time::Duration;

/// How often a request is tried again.
pub(super) const MAX_RETRIES: u32 = 2;
/// The longest pause before the first retry; it doubles with each.
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Whether a gateway says that what is behind it was not there just now. With `Retry-After` it asks for a pause that is
/// longer than a person waits.
pub(super) fn is_passing(status: StatusCode, headers: &HeaderMap) -> bool {
    matches!(status.as_u16(), 502..=504) && !headers.contains_key(RETRY_AFTER)
}

/// The pause before the retry that follows on `retries` earlier ones: anything up to the longest, so that many clients
/// which failed together do not come back together.
pub(super) fn pause(retries: u32, random: &dyn Random) -> Duration {
    let share = u16::from_be_bytes(random::array(random));
    FIRST_PAUSE * 2_u32.pow(retries) * u32::from(share) / (u32::from(u16::MAX) + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;
    use proptest::prelude::*;

    /// Always the same two bytes.
    struct Fixed(u16);

    impl Random for Fixed {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.0.to_be_bytes());
        }
    }

    #[test]
    fn only_a_gateways_passing_failures_are_tried_again() {
        let passing = |status| is_passing(StatusCode::from_u16(status).expect("a status"), &HeaderMap::new());
        assert!([502, 503, 504].into_iter().all(passing));
        assert!(![200, 401, 403, 429, 500, 501, 505].into_iter().any(passing));
        let asked = [(RETRY_AFTER, HeaderValue::from_static("60"))].into_iter().collect();
        assert!(!is_passing(StatusCode::SERVICE_UNAVAILABLE, &asked));
    }

    proptest! {
        #[test]
        fn a_pause_is_never_longer_than_its_limit(share: u16) {
            prop_assert!(pause(0, &Fixed(share)) < Duration::from_millis(200));
            prop_assert!(pause(1, &Fixed(share)) < Duration::from_millis(400));
            prop_assert!(share < 0x8000 || pause(1, &Fixed(share)) >= Duration::from_millis(200));
        }
    }
}
