//! Encryption at rest.

/// Which promise did not hold. Says nothing of key or secret.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The ciphertext was altered, cut, or sealed for another place or with another key.
    #[error("the ciphertext does not open here")]
    DoesNotOpen,
}
