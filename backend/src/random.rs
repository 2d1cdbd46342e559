//! Randomness as a parameter: whoever needs it is given a generator, so that tests can repeat themselves.

#![expect(clippy::disallowed_types, reason = "the one place that makes randomness")]

use crate::clock::Clock;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use domain::Chance;
use rand::{TryRng as _, rngs::SysRng};
use secrecy::SecretString;
use uuid::Uuid;
use zeroize::Zeroizing;

/// Makes random bytes fit for keys.
pub trait Random: Send + Sync + 'static {
    /// Fills `bytes` with random bytes.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    /// # Panics
    /// When the operating system has no randomness to give: nothing safe can be done without.
    #[expect(clippy::expect_used, reason = "no key may be made without randomness")]
    fn fill(&self, bytes: &mut [u8]) {
        SysRng
            .try_fill_bytes(bytes)
            .expect("the operating system gives random bytes");
    }
}

/// An array of random bytes.
pub fn array<const N: usize>(random: &dyn Random) -> [u8; N] {
    let mut bytes = [0; N];
    random.fill(&mut bytes);
    bytes
}

/// A number to spread moments by.
pub fn chance(random: &dyn Random) -> Chance {
    Chance(u32::from_le_bytes(array(random)))
}

/// A secret for a cookie or link: 256 random bits in URL-safe base64.
pub fn secret(random: &dyn Random) -> SecretString {
    let bytes = Zeroizing::new(array::<32>(random));
    BASE64_URL_SAFE_NO_PAD.encode(bytes.as_slice()).into()
}

/// An identifier of version 7 (RFC 9562): ordered by time, so that new rows stand together in an index.
pub fn uuid(random: &dyn Random, clock: &dyn Clock) -> Uuid {
    let millis = u64::try_from(clock.now().as_millis()).unwrap_or_default();
    uuid::Builder::from_unix_timestamp_millis(millis, &array(random)).into_uuid()
}
