//! `patchbay account create`.

use super::{Failure, say};
use crate::{config::Config, open};

/// Makes a further account.
pub(crate) async fn create(config: &Config, name: &str, admin: &str) -> Result<(), Failure> {
    let services = open::services(config).await?;
    let slug = services.access.create_account(name, admin).await?;
    services.close().await?;
    say(&format!(
        "{admin} is the admin of {name}, at {}{slug}/tokens.",
        config.public_url
    ));
    Ok(())
}
