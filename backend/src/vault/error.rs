//! Which promise did not hold.

use super::KeyId;

/// Why something sealed does not open. Says nothing of key or secret, so it may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VaultError {
    /// Too short to be anything that this vault sealed: it was cut.
    #[error("the ciphertext is too short")]
    TooShort,
    /// Sealed by a newer version, or no ciphertext at all.
    #[error("the ciphertext has format {version}, which this version does not know")]
    UnknownFormat {
        /// The first byte.
        version: u8,
    },
    /// Sealed by a newer version, or altered.
    #[error("the ciphertext has algorithm {algorithm}, which this version does not know")]
    UnknownAlgorithm {
        /// The second byte.
        algorithm: u8,
    },
    /// Sealed with a key that is not here. For a wrapped key, the master key with this id is missing.
    #[error("the key {id} is missing")]
    UnknownKey {
        /// The key that would open it.
        id: KeyId,
    },
    /// The ciphertext was altered, cut, or sealed for another place or with another key.
    #[error("the ciphertext does not open here")]
    DoesNotOpen,
}
