//! Finding the same secret again without opening anything.

use super::key::{self, Key};
use crate::random::Random;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use std::fmt;

/// Makes the fingerprints of one account's secrets: equal secrets have equal fingerprints within the account, and
/// nobody without the key can try secrets against one. [`fmt::Debug`] shows nothing of it.
pub struct FingerprintKey(Key);

impl FingerprintKey {
    /// A new key.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        Self(key::generate(random))
    }

    pub(super) const fn from_key(key: Key) -> Self {
        Self(key)
    }

    pub(super) const fn key(&self) -> &Key {
        &self.0
    }

    /// HMAC-SHA-256 of the secret.
    #[must_use]
    pub fn fingerprint(&self, secret: &SecretString) -> [u8; 32] {
        self.mac()
            .chain_update(secret.expose_secret())
            .finalize()
            .into_bytes()
            .into()
    }

    fn mac(&self) -> Hmac<Sha256> {
        Hmac::new_from_slice(self.0.expose_secret()).expect("HMAC takes a key of any length")
    }
}

impl fmt::Debug for FingerprintKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FingerprintKey(…)")
    }
}
