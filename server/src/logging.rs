//! Log lines: pretty for people, JSON for machines.

use crate::config::{Config, LogFormat};
use std::io::IsTerminal as _;
use tracing_subscriber::{
    EnvFilter, Layer as _, filter::LevelFilter, filter::Targets, fmt, layer::SubscriberExt as _,
    util::SubscriberInitExt as _,
};

/// Starts printing log lines to standard error.
///
/// Whatever the filter says, the database layer stays at `info`: at `trace` it prints the statements' values and the URL that
/// it connects to.
pub(crate) fn start(config: &Config) -> Result<(), String> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| format!("log is {:?}: {error}.", config.log))?;
    let ceiling = Targets::new().with_default(LevelFilter::TRACE).with_targets([
        ("sea_orm", LevelFilter::INFO),
        ("sea_orm_migration", LevelFilter::INFO),
        ("sqlx", LevelFilter::INFO),
    ]);
    let lines = fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    let lines = match config.log_format {
        LogFormat::Pretty => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    tracing_subscriber::registry()
        .with(lines.with_filter(ceiling))
        .with(filter)
        .try_init()
        .map_err(|error| error.to_string())
}
