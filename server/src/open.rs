//! From a configuration to a database that is migrated and master keys that open it.

use crate::config::{Config, MasterKeySource};
use backend::{
    Fault, Services,
    clock::SystemClock,
    egress::{Egress, EgressError, EgressPolicy, EgressSettings},
    keys::MasterKeyError,
    random::SystemRandom,
    store::Store,
    vault::{KeyFileError, MasterKeys},
};
use secrecy::ExposeSecret as _;
use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt as _, PermissionsExt as _},
    path::Path,
    path::PathBuf,
    sync::Arc,
};

/// Why nothing could be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    #[error("{} cannot be made, or not be closed to others: {reason}", folder.display())]
    DataDir { folder: PathBuf, reason: io::Error },
    #[error("the database cannot be opened: {0}")]
    Database(Fault),
    #[error("the database's schema cannot be brought up to date: {0}")]
    Migrate(Fault),
    #[error(
        "the master key file {} is not there, but the database holds secrets that were sealed under a master key. Put the \
         file back from its backup; without it they cannot be opened", path.display()
    )]
    MasterKeyGone { path: PathBuf },
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    #[error(transparent)]
    MasterKey(#[from] MasterKeyError),
    #[error(transparent)]
    Egress(#[from] EgressError),
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Opens the database, making the data folder for the embedded one.
pub(crate) async fn store(config: &Config) -> Result<Store, OpenError> {
    if config.database_url.expose_secret().starts_with("sqlite:") {
        make_data_dir(&config.data_dir)?;
    }
    let store = Store::connect(config.database_url.clone())
        .await
        .map_err(OpenError::Database)?;
    // A folder that was there before may be open to others. SQLite gives its log the mode of its file.
    let file = config.data_dir.join("patchbay.db");
    if file.exists() {
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).map_err(|reason| OpenError::DataDir {
            folder: file.clone(),
            reason,
        })?;
    }
    Ok(store)
}

/// Opens the database, migrates it, and wires the services over it.
pub(crate) async fn services(config: &Config) -> Result<Services, OpenError> {
    let store = store(config).await?;
    store.migrate().await.map_err(OpenError::Migrate)?;
    let master = master_keys(config, &store).await?;
    let egress = Egress::new(
        EgressPolicy::new(config.egress_allow.clone()),
        EgressSettings::default(),
        Arc::new(SystemRandom),
    )?;
    Ok(Services::new(
        store,
        Arc::new(master),
        egress,
        Arc::new(SystemClock),
        Arc::new(SystemRandom),
        config.public_url.clone(),
    )
    .await?)
}

/// The master keys. A file that is not there is made, unless the database holds secrets already: those need the old one.
async fn master_keys(config: &Config, store: &Store) -> Result<MasterKeys, OpenError> {
    let path = match &config.master_key {
        MasterKeySource::Environment(text) => return Ok(MasterKeys::parse(text.expose_secret())?),
        MasterKeySource::File(path) if path.exists() => return Ok(MasterKeys::load(path)?),
        MasterKeySource::File(path) => path,
    };
    if !store.sample_of_each_master_key().await?.is_empty() {
        return Err(OpenError::MasterKeyGone { path: path.clone() });
    }
    make_data_dir(&config.data_dir)?;
    let keys = MasterKeys::create(path, &SystemRandom)?;
    tracing::warn!(
        "made a new master key in {}. Back it up apart from the database: without it no stored secret can be opened",
        path.display()
    );
    Ok(keys)
}

/// Makes the data folder, for its owner alone.
fn make_data_dir(folder: &Path) -> Result<(), OpenError> {
    if folder.is_dir() {
        return Ok(());
    }
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|reason| OpenError::DataDir {
            folder: folder.to_owned(),
            reason,
        })
}
