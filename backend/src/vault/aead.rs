//! XChaCha20-Poly1305 in place: the plaintext is never copied to memory that is not cleared.

use super::{VaultError, key::Key};
use chacha20poly1305::{AeadInOut as _, KeyInit as _, Tag, XChaCha20Poly1305};
use secrecy::ExposeSecret as _;
use zeroize::Zeroizing;

/// The bytes of a nonce.
pub(crate) const NONCE_LEN: usize = 24;
/// The bytes of an authentication tag.
pub(super) const TAG_LEN: usize = 16;

/// Appends the ciphertext of `plaintext` and its tag to `out`.
pub(crate) fn encrypt(key: &Key, nonce: &[u8; NONCE_LEN], associated: &[u8], plaintext: &[u8], out: &mut Vec<u8>) {
    // Reserved before the plaintext goes in: growing later would leave a copy of it behind.
    out.reserve_exact(plaintext.len() + TAG_LEN);
    let start = out.len();
    out.extend_from_slice(plaintext);
    let tag = XChaCha20Poly1305::new(key.expose_secret().into())
        .encrypt_inout_detached(nonce.into(), associated, (&mut out[start..]).into())
        .expect("a secret is shorter than the 256 GiB that one nonce may seal");
    out.extend_from_slice(&tag);
}

/// The plaintext of what [`encrypt`] appended. Its capacity is its length.
pub(crate) fn decrypt(
    key: &Key,
    nonce: &[u8; NONCE_LEN],
    associated: &[u8],
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let (ciphertext, tag) = ciphertext.split_last_chunk::<TAG_LEN>().ok_or(VaultError::TooShort)?;
    let mut plaintext = Zeroizing::new(ciphertext.to_vec());
    XChaCha20Poly1305::new(key.expose_secret().into())
        .decrypt_inout_detached(
            nonce.into(),
            associated,
            plaintext.as_mut_slice().into(),
            &Tag::from(*tag),
        )
        .map_err(|_| VaultError::DoesNotOpen)?;
    Ok(plaintext)
}
