//! The format of a ciphertext, in the database for as long as the secret lives.
//!
//! ```text
//! header: format version (1) | algorithm (1) | key id (16)    then: nonce (24) | ciphertext | tag (16)
//! ```
//!
//! The associated data is the header, then the purpose and each field that the ciphertext is bound to, with its length
//! as eight big-endian bytes before it, so that no two lists of fields give the same bytes.

use super::{
    KeyId, VaultError,
    aead::{NONCE_LEN, TAG_LEN, decrypt, encrypt},
    key::Key,
};
use crate::random::{self, Random};
use std::fmt;
use zeroize::Zeroizing;

const FORMAT: u8 = 1;
const XCHACHA20_POLY1305: u8 = 1;
const HEADER_LEN: usize = 2 + KeyId::LEN;
const MIN_LEN: usize = HEADER_LEN + NONCE_LEN + TAG_LEN;

/// A ciphertext with its header, as it stands in the database. [`fmt::Debug`] shows its length only.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

/// What a ciphertext is bound to: it opens with the same binding only.
pub(super) struct Binding(Vec<u8>);

impl Binding {
    /// To a purpose, so that one kind of thing cannot be taken for another, and to the fields that say where it
    /// belongs, whose number and order follow from the purpose.
    pub(super) fn new(purpose: &'static str, fields: &[&[u8]]) -> Self {
        let mut data = Vec::new();
        for field in [purpose.as_bytes()].iter().chain(fields) {
            data.extend_from_slice(&(field.len() as u64).to_be_bytes());
            data.extend_from_slice(field);
        }
        Self(data)
    }

    fn associated_data(&self, header: &[u8; HEADER_LEN]) -> Vec<u8> {
        [header.as_slice(), &self.0].concat()
    }
}

impl Sealed {
    pub(super) fn seal(id: KeyId, key: &Key, binding: &Binding, plaintext: &[u8], random: &dyn Random) -> Self {
        let mut header = [FORMAT; HEADER_LEN];
        header[1] = XCHACHA20_POLY1305;
        header[2..].copy_from_slice(&id.0);
        let nonce = random::array::<NONCE_LEN>(random);
        let mut bytes = Vec::with_capacity(MIN_LEN + plaintext.len());
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(&nonce);
        encrypt(key, &nonce, &binding.associated_data(&header), plaintext, &mut bytes);
        Self(bytes)
    }

    /// Opens with the key that [`Sealed::key_id`] names.
    pub(super) fn open(&self, key: &Key, binding: &Binding) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        let (header, rest) = self.0.split_first_chunk::<HEADER_LEN>().ok_or(VaultError::TooShort)?;
        let (nonce, ciphertext) = rest.split_first_chunk::<NONCE_LEN>().ok_or(VaultError::TooShort)?;
        decrypt(key, nonce, &binding.associated_data(header), ciphertext)
    }

    /// The key that opens this: a master key for a wrapped key, a data key for a secret. Read from the header, which is
    /// proven only by opening.
    pub fn key_id(&self) -> Result<KeyId, VaultError> {
        if self.0.len() < MIN_LEN {
            return Err(VaultError::TooShort);
        }
        match self.0[..2] {
            [FORMAT, XCHACHA20_POLY1305] => {}
            [FORMAT, algorithm] => return Err(VaultError::UnknownAlgorithm { algorithm }),
            _ => return Err(VaultError::UnknownFormat { version: self.0[0] }),
        }
        let (id, _) = self.0[2..].split_first_chunk().ok_or(VaultError::TooShort)?;
        Ok(KeyId(*id))
    }

    /// The bytes for the database.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The bytes for the database, without a copy.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }
}

/// What was read from the database; whether it opens shows when it is opened.
impl From<Vec<u8>> for Sealed {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}
