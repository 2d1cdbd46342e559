//! What went wrong inside: for the log, never for the person.

use crate::vault::VaultError;

/// An internal failure. Its text names no secret: the database driver reports statements without their values, and the
/// vault says only which promise did not hold.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The database failed.
    #[error("database: {0}")]
    Database(#[from] sea_orm::DbErr),
    /// A secret could not be sealed or opened.
    #[error("vault: {0}")]
    Vault(#[from] VaultError),
    /// A stored value is not one that this version writes.
    #[error("stored data: {0}")]
    Stored(String),
    /// A background computation was cut off.
    #[error("task: {0}")]
    Task(#[from] tokio::task::JoinError),
}
