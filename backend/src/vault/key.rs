//! Keys, their names, and keys that follow from other keys.

use crate::random::Random;
use domain::DataKeyId;
use hkdf::Hkdf;
use secrecy::{ExposeSecret as _, SecretBox};
use sha2::Sha256;
use std::fmt;
use uuid::Uuid;

/// A key of 256 bits: on the heap, so that moving it leaves no copies, and cleared when dropped.
pub(crate) type Key = SecretBox<[u8; 32]>;

/// A new key.
pub(super) fn generate(random: &dyn Random) -> Key {
    Key::init_with_mut(|bytes: &mut [u8; 32]| random.fill(bytes))
}

/// The key that follows from `root` for one purpose (HKDF-SHA-256, RFC 5869). No salt: the root is uniformly random.
pub(super) fn derive(root: &Key, info: &[&str]) -> Key {
    Key::init_with_mut(|bytes: &mut [u8; 32]| expand(root, info, bytes))
}

fn expand(root: &Key, info: &[&str], okm: &mut [u8]) {
    let info: Vec<&[u8]> = info.iter().map(|part| part.as_bytes()).collect();
    Hkdf::<Sha256>::new(None, root.expose_secret())
        .expand_multi_info(&info, okm)
        .expect("a key is shorter than the most that HKDF gives");
}

/// The name of a key, in the header of all that it sealed. Not secret. Written as a UUID: that of a data key is its
/// [`DataKeyId`], that of a master key follows from the key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub(super) [u8; Self::LEN]);

impl KeyId {
    pub(super) const LEN: usize = 16;

    /// The name that follows from a key, so that a wrong key is noticed before it is tried.
    pub(super) fn of_master(key: &Key) -> Self {
        let mut id = [0; Self::LEN];
        expand(key, &["patchbay master key id"], &mut id);
        Self(id)
    }
}

impl From<DataKeyId> for KeyId {
    fn from(id: DataKeyId) -> Self {
        Self(id.0.into_bytes())
    }
}

impl From<KeyId> for DataKeyId {
    fn from(id: KeyId) -> Self {
        Self(Uuid::from_bytes(id.0))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Uuid::from_bytes(self.0).fmt(f)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}
