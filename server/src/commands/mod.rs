//! What the binary does, one file a command.

mod account;
mod admin;
mod audit;
mod doctor;
mod migrate;
mod serve;

use crate::{
    cli::{AccountCommand, AdminCommand, Cli, Command},
    config, logging,
};
use std::{error::Error, io::Write as _, process::ExitCode};

/// What ends the program, with a sentence for the operator.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// Runs the command that was given.
pub(crate) async fn run(cli: Cli) -> Result<ExitCode, Failure> {
    let config = config::load(cli.settings, &config::environment())?;
    logging::start(&config)?;
    match cli.command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(&config).await?,
        Command::Migrate => migrate::run(&config).await?,
        Command::Admin {
            command: AdminCommand::Create { email, name, account },
        } => {
            admin::create(&config, email, name, account.as_deref()).await?;
        }
        Command::Account {
            command: AccountCommand::Create { name, admin },
        } => account::create(&config, &name, &admin).await?,
        Command::Audit { command } => return audit::run(&config, command).await,
        Command::Doctor => return doctor::run(&config).await,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints a line of the program's own output. A reader that has gone away is no reason to fail.
pub(crate) fn say(line: &str) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

/// Prints why the program ends.
pub(crate) fn complain(error: &(dyn Error + 'static)) {
    let _ = writeln!(std::io::stderr(), "patchbay: {error}");
}
