//! Access keys: what a runtime presents to fetch its credentials. Admins issue and revoke them; a key is shown once and stored as a hash.

use crate::{
    Fault,
    access::{AccessError, Member},
    audit::{Action, AuditEvent},
    clock::Clock,
    random::{self, Random},
    store::{self, AccessKeyRow, RuntimeRow, Store},
};
use domain::{AccessKeyId, FieldErrors, RuntimeId, Timestamp, field, token_format::ACCESS_KEY_PREFIX};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;

/// What an admin can run into.
#[derive(Debug, thiserror::Error)]
pub enum AccessKeyError {
    /// Fields to mend.
    #[error("the form has errors")]
    Invalid(FieldErrors),
    /// No such runtime or key in this account.
    #[error("no such runtime or access key")]
    NotFound,
    /// Not an admin.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The keys of a runtime.
#[derive(Clone, Debug)]
pub struct AccessKeysPage {
    /// The moment for which it is true.
    pub now: Timestamp,
    /// The runtime.
    pub runtime: RuntimeId,
    /// What that is called.
    pub runtime_name: String,
    /// Its keys, by name.
    pub keys: Vec<AccessKeyView>,
}

/// A key, as far as anybody may know it.
#[derive(Clone, Debug)]
pub struct AccessKeyView {
    /// Which.
    pub id: AccessKeyId,
    /// What the admins call it.
    pub name: String,
    /// Who issued it; `None` if that person has gone.
    pub issuer: Option<String>,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it was used last, to within five minutes.
    pub last_used_at: Option<Timestamp>,
}

/// The service.
#[derive(Clone)]
pub struct AccessKeys {
    store: Store,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
}

impl AccessKeys {
    /// Wires the service.
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self { store, clock, random }
    }

    /// The keys of a runtime.
    pub async fn page(&self, member: &Member, runtime: RuntimeId) -> Result<AccessKeysPage, AccessKeyError> {
        member.require_admin()?;
        let row = self.runtime(member, runtime).await?;
        let keys = self.store.access_keys(member.account(), runtime).await?;
        let issuers: Vec<_> = keys.iter().filter_map(|key| key.created_by).collect();
        let names = self.store.names_of(&issuers).await?;
        let keys = keys.into_iter().map(|key| AccessKeyView {
            id: key.id,
            issuer: key
                .created_by
                .and_then(|user| names.get(&user).map(|(name, _)| name.clone())),
            name: key.name,
            created_at: key.created_at,
            last_used_at: key.last_used_at,
        });
        Ok(AccessKeysPage {
            now: self.clock.now(),
            runtime,
            runtime_name: row.name,
            keys: keys.collect(),
        })
    }

    /// The page with one key on it, by the key's id.
    pub async fn page_of(&self, member: &Member, key: AccessKeyId) -> Result<AccessKeysPage, AccessKeyError> {
        member.require_admin()?;
        let row = self.store.access_key(member.account(), key).await?;
        let row = row.ok_or(AccessKeyError::NotFound)?;
        self.page(member, row.runtime).await
    }

    /// Issues a key for a runtime. It is shown this once.
    pub async fn issue(&self, member: &Member, runtime: RuntimeId, name: &str) -> Result<SecretString, AccessKeyError> {
        member.require_admin()?;
        let place = self.runtime(member, runtime).await?;
        let name = field::name(name, "a name, as in what will use it")
            .map_err(|error| AccessKeyError::Invalid(FieldErrors::one("name", error)))?;
        let secret = random::secret(self.random.as_ref());
        let key = SecretString::from(format!("{ACCESS_KEY_PREFIX}{}", secret.expose_secret()));
        let row = AccessKeyRow {
            id: AccessKeyId(random::uuid(self.random.as_ref(), self.clock.as_ref())),
            account: member.account(),
            runtime,
            name: name.clone(),
            created_by: Some(member.user()),
            created_at: self.clock.now(),
            last_used_at: None,
        };
        let event = self.event(member, Action::AccessKeyIssued, &place, &name);
        self.store
            .create_access_key(row, hash(&key), event)
            .await
            .map_err(refused)?;
        tracing::info!(account = %member.account(), user = %member.user(), runtime = %runtime, "issued an access key");
        Ok(key)
    }

    /// Revokes a key: from now on it opens nothing. Gives the runtime that it was for.
    pub async fn revoke(&self, member: &Member, key: AccessKeyId) -> Result<RuntimeId, AccessKeyError> {
        member.require_admin()?;
        let row = self.store.access_key(member.account(), key).await?;
        let row = row.ok_or(AccessKeyError::NotFound)?;
        let place = self.runtime(member, row.runtime).await?;
        let event = self.event(member, Action::AccessKeyRevoked, &place, &row.name);
        if !self.store.delete_access_key(member.account(), key, event).await? {
            return Err(AccessKeyError::NotFound);
        }
        tracing::info!(account = %member.account(), user = %member.user(), runtime = %row.runtime, "revoked an access key");
        Ok(row.runtime)
    }

    async fn runtime(&self, member: &Member, id: RuntimeId) -> Result<RuntimeRow, AccessKeyError> {
        let row = self.store.runtime(member.account(), id).await?;
        row.ok_or(AccessKeyError::NotFound)
    }

    fn event(&self, member: &Member, action: Action, runtime: &RuntimeRow, key: &str) -> AuditEvent {
        AuditEvent::new(member, action, self.clock.now())
            .runtime(runtime.id, &runtime.name)
            .detail(key)
    }
}

/// What a key is known by: it has 256 random bits, so a plain hash of it tells nothing.
pub(crate) fn hash(key: &SecretString) -> Vec<u8> {
    Sha256::digest(key.expose_secret()).to_vec()
}

fn refused(fault: Fault) -> AccessKeyError {
    if store::is_taken(&fault) {
        AccessKeyError::Invalid(FieldErrors::one(
            "name",
            "Another access key of this runtime has this name. Choose another one.",
        ))
    } else if store::is_referenced(&fault) {
        AccessKeyError::NotFound
    } else {
        fault.into()
    }
}
