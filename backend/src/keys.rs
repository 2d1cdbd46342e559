//! The keys of the accounts: made with the account, kept wrapped in the database, opened by the master keys when needed.

use crate::{
    Fault,
    clock::Clock,
    random::{self, Random},
    store::{AccountKeyRow, KeyPurpose, Store},
    vault::{DataKey, FingerprintKey, MasterKeys, Place, Sealed, VaultError},
};
use domain::{AccountId, DataKeyId};
use secrecy::SecretString;
use std::{collections::HashMap, sync::Arc};
use tokio::sync::RwLock;

/// Seals, opens and fingerprints with the keys of each account.
#[derive(Clone)]
pub struct AccountKeys {
    store: Store,
    master: Arc<MasterKeys>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    opened: Arc<RwLock<HashMap<AccountId, Arc<Opened>>>>,
}

/// The keys of one account, opened.
struct Opened {
    /// Every data key; the first is the one that seals.
    data: Vec<DataKey>,
    fingerprint: FingerprintKey,
}

/// The keys of one account, ready to seal and open without asking the database for anything.
#[derive(Clone)]
pub struct Sealer {
    opened: Arc<Opened>,
    random: Arc<dyn Random>,
}

impl Sealer {
    /// Seals a secret for its place.
    pub fn seal(&self, place: &Place, secret: &SecretString) -> Result<Sealed, Fault> {
        let key = self.opened.data.first();
        let key = key.ok_or_else(|| Fault::Stored("the account has no data key".to_owned()))?;
        Ok(key.seal(place, secret, self.random.as_ref()))
    }

    /// Opens what was sealed for a place.
    pub fn open(&self, place: &Place, sealed: &Sealed) -> Result<SecretString, VaultError> {
        let id = sealed.key_id()?;
        let key = self.opened.data.iter().find(|key| key.id() == DataKeyId::from(id));
        key.ok_or(VaultError::UnknownKey { id })?.open(place, sealed)
    }

    /// The keyed fingerprint of a secret: the same for the same secret within an account, and only there.
    #[must_use]
    pub fn fingerprint(&self, secret: &SecretString) -> Vec<u8> {
        self.opened.fingerprint.fingerprint(secret).to_vec()
    }
}

/// Why the server may not start with these master keys.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// A master key that wraps keys in this database is not among those given.
    #[error(
        "the secrets in this database were sealed under the master key {wanted}, which is not among the master keys given. \
         Give the key file that belongs to this database (PATCHBAY_MASTER_KEY_FILE)"
    )]
    Missing {
        /// Its id.
        wanted: String,
    },
    /// The ids fit, but a key does not open: the row was altered.
    #[error("a key in this database does not open with its master key: the database was altered")]
    Altered,
    /// The database failed.
    #[error(transparent)]
    Fault(#[from] Fault),
}

impl AccountKeys {
    /// Wires the service, and refuses master keys that do not open what the database holds.
    pub async fn open(
        store: Store,
        master: Arc<MasterKeys>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
    ) -> Result<Self, MasterKeyError> {
        for row in store.sample_of_each_master_key().await? {
            let wrapped = Sealed::from(row.wrapped.clone());
            let known = wrapped.key_id().is_ok_and(|id| master.has(id));
            if !known {
                return Err(MasterKeyError::Missing { wanted: row.master_key });
            }
            unwrap(&master, &row, &wrapped).map_err(|_| MasterKeyError::Altered)?;
        }
        Ok(Self {
            store,
            master,
            clock,
            random,
            opened: Arc::default(),
        })
    }

    /// New keys for a new account, wrapped and ready to be stored.
    #[must_use]
    pub fn generate(&self, account: AccountId) -> Vec<AccountKeyRow> {
        let data = DataKey::generate(DataKeyId(self.uuid()), self.random.as_ref());
        let fingerprint = FingerprintKey::generate(self.random.as_ref());
        let row = |id, purpose, wrapped: Sealed| AccountKeyRow {
            id,
            account,
            purpose,
            master_key: self.master.active_id().to_string(),
            wrapped: wrapped.into_bytes(),
            active: true,
            created_at: self.clock.now(),
        };
        vec![
            row(
                data.id().0,
                KeyPurpose::Seal,
                self.master.wrap_data_key(&data, account, self.random.as_ref()),
            ),
            row(
                self.uuid(),
                KeyPurpose::Fingerprint,
                self.master
                    .wrap_fingerprint_key(&fingerprint, account, self.random.as_ref()),
            ),
        ]
    }

    /// The account's keys, opened, for what must not wait for the database.
    pub async fn sealer(&self, account: AccountId) -> Result<Sealer, Fault> {
        Ok(Sealer {
            opened: self.of(account).await?,
            random: self.random.clone(),
        })
    }

    /// Seals a secret for its place.
    pub async fn seal(&self, place: &Place, secret: &SecretString) -> Result<Sealed, Fault> {
        self.sealer(place.account).await?.seal(place, secret)
    }

    /// Opens what was sealed for a place.
    pub async fn unseal(&self, place: &Place, sealed: &Sealed) -> Result<SecretString, Fault> {
        Ok(self.sealer(place.account).await?.open(place, sealed)?)
    }

    /// The keyed fingerprint of a secret: the same for the same secret within an account, and only there.
    pub async fn fingerprint(&self, account: AccountId, secret: &SecretString) -> Result<Vec<u8>, Fault> {
        Ok(self.sealer(account).await?.fingerprint(secret))
    }

    async fn of(&self, account: AccountId) -> Result<Arc<Opened>, Fault> {
        if let Some(keys) = self.opened.read().await.get(&account) {
            return Ok(keys.clone());
        }
        let mut data = Vec::new();
        let mut fingerprint = None;
        for row in self.store.account_keys(account).await? {
            match unwrap(&self.master, &row, &Sealed::from(row.wrapped.clone()))? {
                Key::Data(key) if row.active => data.insert(0, key),
                Key::Data(key) => data.push(key),
                Key::Fingerprint(key) => fingerprint = Some(key),
            }
        }
        let fingerprint = fingerprint.ok_or_else(|| Fault::Stored("the account has no fingerprint key".to_owned()))?;
        let keys = Arc::new(Opened { data, fingerprint });
        self.opened.write().await.insert(account, keys.clone());
        Ok(keys)
    }

    fn uuid(&self) -> uuid::Uuid {
        random::uuid(self.random.as_ref(), self.clock.as_ref())
    }
}

enum Key {
    Data(DataKey),
    Fingerprint(FingerprintKey),
}

fn unwrap(master: &MasterKeys, row: &AccountKeyRow, wrapped: &Sealed) -> Result<Key, Fault> {
    Ok(match row.purpose {
        KeyPurpose::Seal => Key::Data(master.unwrap_data_key(DataKeyId(row.id), row.account, wrapped)?),
        KeyPurpose::Fingerprint => Key::Fingerprint(master.unwrap_fingerprint_key(row.account, wrapped)?),
    })
}
