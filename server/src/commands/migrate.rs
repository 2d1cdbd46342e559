//! `patchbay migrate`.

use super::{Failure, say};
use crate::{config::Config, open};

/// Brings the schema up to date.
pub(crate) async fn run(config: &Config) -> Result<(), Failure> {
    let store = open::store(config).await?;
    store.migrate().await?;
    store.close().await?;
    say("The database's schema is up to date.");
    Ok(())
}
