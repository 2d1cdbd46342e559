//! The key that seals the secrets of one account.

use super::{
    KeyId, Sealed, VaultError,
    key::{self, Key},
    sealed::Binding,
};
use crate::random::Random;
use domain::{AccountId, DataKeyId, UserId};
use secrecy::{ExposeSecret as _, SecretString};
use std::{fmt, mem};
use uuid::Uuid;
use zeroize::Zeroize as _;

/// Where a sealed secret stands. It opens nowhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The account that the row belongs to.
    pub account: AccountId,
    /// The name of the table.
    pub table: &'static str,
    /// The primary key of the row.
    pub row: Uuid,
    /// The name of the column.
    pub column: &'static str,
    /// The person whose secret it is; `None` for a secret of the account.
    pub user: Option<UserId>,
}

impl Place {
    fn binding(&self) -> Binding {
        // Without a person the field is empty, which no person's id is.
        let user = self.user.as_ref().map_or(&[][..], |user| user.0.as_bytes());
        let account = self.account.0.as_bytes();
        Binding::new(
            "secret",
            &[
                account,
                self.table.as_bytes(),
                self.row.as_bytes(),
                self.column.as_bytes(),
                user,
            ],
        )
    }
}

/// Seals and opens the secrets of one account. [`fmt::Debug`] shows its id only.
pub struct DataKey {
    id: DataKeyId,
    key: Key,
}

impl DataKey {
    /// A new key.
    #[must_use]
    pub fn generate(id: DataKeyId, random: &dyn Random) -> Self {
        Self {
            id,
            key: key::generate(random),
        }
    }

    pub(super) const fn from_key(id: DataKeyId, key: Key) -> Self {
        Self { id, key }
    }

    pub(super) const fn key(&self) -> &Key {
        &self.key
    }

    /// Its id, which stands in the header of all that it sealed.
    #[must_use]
    pub const fn id(&self) -> DataKeyId {
        self.id
    }

    /// Seals `secret` for its place.
    #[must_use]
    pub fn seal(&self, place: &Place, secret: &SecretString, random: &dyn Random) -> Sealed {
        let plaintext = secret.expose_secret().as_bytes();
        Sealed::seal(self.id.into(), &self.key, &place.binding(), plaintext, random)
    }

    /// Opens what was sealed for this place with this key. [`VaultError::UnknownKey`] when another data key sealed it,
    /// as happens between the steps of a rotation.
    pub fn open(&self, place: &Place, sealed: &Sealed) -> Result<SecretString, VaultError> {
        let id = sealed.key_id()?;
        if id != KeyId::from(self.id) {
            return Err(VaultError::UnknownKey { id });
        }
        let mut plaintext = sealed.open(&self.key, &place.binding())?;
        // Moves the one allocation that holds the secret: its capacity is its length, so nothing is copied.
        match String::from_utf8(mem::take(&mut *plaintext)) {
            Ok(secret) => Ok(secret.into()),
            Err(error) => {
                error.into_bytes().zeroize();
                Err(VaultError::DoesNotOpen)
            }
        }
    }
}

impl fmt::Debug for DataKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DataKey").field("id", &self.id).finish_non_exhaustive()
    }
}
