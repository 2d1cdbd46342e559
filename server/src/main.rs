//! `patchbay`: command line, configuration, wiring, HTTP.

// Leptos nests the types of views as deeply as the views themselves.
#![recursion_limit = "512"]

mod api;
mod cli;
mod commands;
mod config;
mod layers;
mod logging;
mod open;
mod router;

use clap::Parser as _;
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::run(cli).await {
        Ok(code) => code,
        Err(error) => {
            commands::complain(error.as_ref());
            ExitCode::FAILURE
        }
    }
}
