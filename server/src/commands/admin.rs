//! `patchbay admin create`.

use super::{Failure, say};
use crate::{config::Config, open};
use backend::access::NewAdmin;
use domain::SecretInput;
use std::io::{IsTerminal as _, Write as _};
use zeroize::Zeroizing;

/// Makes a person an admin.
pub(crate) async fn create(config: &Config, email: String, name: String, account: Option<&str>) -> Result<(), Failure> {
    let password = tokio::task::spawn_blocking(read_password).await??;
    let services = open::services(config).await?;
    let slug = services
        .access
        .create_admin(
            account,
            NewAdmin {
                name,
                email: email.clone(),
                password,
            },
        )
        .await?;
    services.close().await?;
    say(&format!(
        "{email} is now an admin of {slug}. Sign in at {}.",
        config.public_url
    ));
    Ok(())
}

/// The first line of standard input. A password on the command line would stand in the process list.
fn read_password() -> std::io::Result<SecretInput> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Ok(rpassword::prompt_password("Password (15 characters or more): ")?.into());
    }
    std::io::stdout().flush()?;
    let mut line = Zeroizing::new(String::new());
    stdin.read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_owned().into())
}
