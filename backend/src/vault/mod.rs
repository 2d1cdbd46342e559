//! Encryption at rest: pure cryptography, without a database.
//!
//! An envelope: a master key, which lies outside the database, wraps one data key and one fingerprint key per account;
//! the data key seals each secret. All of it is XChaCha20-Poly1305 with a random nonce of 192 bits, so that nonces need
//! no counting. Promises, each with tests of its name: *confidential*, *integrity*, *unique encryption*, and *moving a
//! ciphertext fails*: the associated data binds it to its account, table, row, column and, for a person's secret, the
//! person.
//!
//! What is not promised: the length of a secret shows in the length of its ciphertext; whoever may write the database
//! can delete a ciphertext, or put back an older one of the same place; and whoever reads the process's memory reads
//! keys.

mod aead;
mod data_key;
mod error;
mod fingerprint;
mod key;
mod key_file;
mod master;
mod sealed;

pub use data_key::{DataKey, Place};
pub use error::VaultError;
pub use fingerprint::FingerprintKey;
pub use key::KeyId;
pub use key_file::KeyFileError;
pub use master::MasterKeys;
pub use sealed::Sealed;

pub(crate) use aead::{NONCE_LEN, decrypt, encrypt};

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
