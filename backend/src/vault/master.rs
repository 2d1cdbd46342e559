//! The keys that wrap the keys of the accounts.

use super::{
    DataKey, FingerprintKey, KeyId, Sealed, VaultError,
    key::{self, Key},
    sealed::Binding,
};
use crate::random::Random;
use domain::{AccountId, DataKeyId};
use secrecy::{ExposeSecret as _, SecretBox};
use std::fmt;

/// One master key. The key itself only names and derives; what wraps is derived from it, so that no key has two uses.
pub(super) struct MasterKey {
    id: KeyId,
    root: Key,
    wrapping: Key,
}

impl MasterKey {
    pub(super) fn new(root: Key) -> Self {
        let wrapping = key::derive(&root, &["patchbay wrapping key"]);
        Self {
            id: KeyId::of_master(&root),
            root,
            wrapping,
        }
    }

    pub(super) const fn id(&self) -> KeyId {
        self.id
    }
}

/// The master keys of this installation. The first is active: it wraps. The others only open what they wrapped before
/// it came, until everything has been wrapped anew. [`fmt::Debug`] shows ids only.
pub struct MasterKeys {
    active: MasterKey,
    retired: Vec<MasterKey>,
}

impl MasterKeys {
    pub(super) const fn new(active: MasterKey, retired: Vec<MasterKey>) -> Self {
        Self { active, retired }
    }

    /// The id of the key that wraps. A wrapped key whose [`Sealed::key_id`] is another is due to be wrapped anew.
    #[must_use]
    pub const fn active_id(&self) -> KeyId {
        self.active.id
    }

    /// Whether the key with this id is here.
    #[must_use]
    pub fn has(&self, id: KeyId) -> bool {
        self.find(id).is_some()
    }

    fn find(&self, id: KeyId) -> Option<&MasterKey> {
        std::iter::once(&self.active)
            .chain(&self.retired)
            .find(|key| key.id == id)
    }

    fn wrap(&self, binding: &Binding, key: &Key, random: &dyn Random) -> Sealed {
        Sealed::seal(
            self.active.id,
            &self.active.wrapping,
            binding,
            key.expose_secret(),
            random,
        )
    }

    fn unwrap(&self, binding: &Binding, wrapped: &Sealed) -> Result<Key, VaultError> {
        let id = wrapped.key_id()?;
        let master = self.find(id).ok_or(VaultError::UnknownKey { id })?;
        let plaintext = wrapped.open(&master.wrapping, binding)?;
        if plaintext.len() != size_of::<[u8; 32]>() {
            return Err(VaultError::DoesNotOpen);
        }
        Ok(Key::init_with_mut(|key: &mut [u8; 32]| key.copy_from_slice(&plaintext)))
    }

    /// Wraps a data key for its account.
    #[must_use]
    pub fn wrap_data_key(&self, key: &DataKey, account: AccountId, random: &dyn Random) -> Sealed {
        self.wrap(&data_key_binding(key.id(), account), key.key(), random)
    }

    /// Unwraps the data key with this id of this account. [`VaultError::UnknownKey`] names the master key that is
    /// missing.
    pub fn unwrap_data_key(&self, id: DataKeyId, account: AccountId, wrapped: &Sealed) -> Result<DataKey, VaultError> {
        Ok(DataKey::from_key(
            id,
            self.unwrap(&data_key_binding(id, account), wrapped)?,
        ))
    }

    /// Wraps a fingerprint key for its account.
    #[must_use]
    pub fn wrap_fingerprint_key(&self, key: &FingerprintKey, account: AccountId, random: &dyn Random) -> Sealed {
        self.wrap(&fingerprint_key_binding(account), key.key(), random)
    }

    /// Unwraps the fingerprint key of this account. [`VaultError::UnknownKey`] names the master key that is missing.
    pub fn unwrap_fingerprint_key(&self, account: AccountId, wrapped: &Sealed) -> Result<FingerprintKey, VaultError> {
        Ok(FingerprintKey::from_key(
            self.unwrap(&fingerprint_key_binding(account), wrapped)?,
        ))
    }

    /// A key for something that is not stored for long, such as a cookie: it follows from the active master key and
    /// changes with it. Each use has a purpose of its own.
    #[must_use]
    pub fn derive(&self, purpose: &'static str) -> SecretBox<[u8; 32]> {
        key::derive(&self.active.root, &["patchbay derived key: ", purpose])
    }
}

fn data_key_binding(id: DataKeyId, account: AccountId) -> Binding {
    Binding::new("data key", &[account.0.as_bytes(), id.0.as_bytes()])
}

fn fingerprint_key_binding(account: AccountId) -> Binding {
    Binding::new("fingerprint key", &[account.0.as_bytes()])
}

impl fmt::Debug for MasterKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ids = std::iter::once(&self.active).chain(&self.retired).map(MasterKey::id);
        f.debug_list().entries(ids).finish()
    }
}
