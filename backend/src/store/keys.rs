//! The wrapped keys of the accounts.

use super::{Store, entities::account_key};
use crate::Fault;
use domain::{AccountId, Timestamp};
use sea_orm::{ActiveValue::Set, ColumnTrait as _, EntityTrait as _, QueryFilter as _, QuerySelect as _};
use uuid::Uuid;

/// What a key of an account is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPurpose {
    /// Seals secrets.
    Seal,
    /// Makes the fingerprints by which duplicates are found.
    Fingerprint,
}

impl KeyPurpose {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Seal => "seal",
            Self::Fingerprint => "fingerprint",
        }
    }
}

/// A key of an account, wrapped by a master key.
#[derive(Clone, Debug)]
pub struct AccountKeyRow {
    /// The key's id, which the header of what it sealed names.
    pub id: Uuid,
    /// Whose.
    pub account: AccountId,
    /// What for.
    pub purpose: KeyPurpose,
    /// Which master key wraps it, in hexadecimal.
    pub master_key: String,
    /// The wrapped key.
    pub wrapped: Vec<u8>,
    /// Whether new secrets are sealed with it; one that is not active only opens.
    pub active: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Store {
    /// Every key of an account.
    pub async fn account_keys(&self, account: AccountId) -> Result<Vec<AccountKeyRow>, Fault> {
        let rows = account_key::Entity::find()
            .filter(account_key::Column::AccountId.eq(account.0))
            .all(&self.db)
            .await?;
        rows.into_iter().map(key_row).collect()
    }

    /// One key of each master key that wraps any: what must open before the server may start.
    pub async fn sample_of_each_master_key(&self) -> Result<Vec<AccountKeyRow>, Fault> {
        let names: Vec<String> = account_key::Entity::find()
            .select_only()
            .column(account_key::Column::MasterKeyId)
            .distinct()
            .into_tuple()
            .all(&self.db)
            .await?;
        let mut sample = Vec::with_capacity(names.len());
        for name in names {
            let row = account_key::Entity::find()
                .filter(account_key::Column::MasterKeyId.eq(name))
                .one(&self.db)
                .await?;
            sample.extend(row.map(key_row).transpose()?);
        }
        Ok(sample)
    }
}

pub(super) fn key_model(row: AccountKeyRow) -> account_key::ActiveModel {
    account_key::ActiveModel {
        id: Set(row.id),
        account_id: Set(row.account.0),
        purpose: Set(row.purpose.as_str().to_owned()),
        master_key_id: Set(row.master_key),
        wrapped: Set(row.wrapped),
        active: Set(row.active),
        created_at: Set(row.created_at.as_millis()),
    }
}

fn key_row(row: account_key::Model) -> Result<AccountKeyRow, Fault> {
    let purpose = [KeyPurpose::Seal, KeyPurpose::Fingerprint]
        .into_iter()
        .find(|purpose| purpose.as_str() == row.purpose)
        .ok_or_else(|| Fault::Stored(format!("unknown key purpose {:?}", row.purpose)))?;
    Ok(AccountKeyRow {
        id: row.id,
        account: AccountId(row.account_id),
        purpose,
        master_key: row.master_key_id,
        wrapped: row.wrapped,
        active: row.active,
        created_at: Timestamp::from_millis(row.created_at),
    })
}
