//! `patchbay doctor`: everything that can be found out before a person runs into it.

use super::{Failure, say};
use crate::{
    config::{Config, MasterKeySource},
    open,
};
use backend::{clock::SystemClock, keys::AccountKeys, random::SystemRandom, store::Store, vault::MasterKeys};
use secrecy::ExposeSecret as _;
use std::{process::ExitCode, sync::Arc};

/// One finding: what was looked at, and whether it is in order or what to do.
type Finding = (&'static str, Result<String, String>);

/// Looks at everything and changes nothing.
pub(crate) async fn run(config: &Config) -> Result<ExitCode, Failure> {
    let mut findings: Vec<Finding> = vec![
        (
            "configuration",
            Ok(format!(
                "listens on {}, reached at {}",
                config.listen, config.public_url
            )),
        ),
        ("assets", assets(config)),
    ];
    let master = master_keys(config);
    match existing_store(config).await {
        Ok(store) => {
            findings.push(("database", Ok("answers".to_owned())));
            findings.push(("schema", schema(&store).await));
            findings.push(("master key", opens(&store, master).await));
        }
        Err(problem) => {
            findings.push(("database", Err(problem)));
            findings.push(("master key", master.map(|_| "can be read".to_owned())));
        }
    }
    let mut sound = true;
    for (what, finding) in &findings {
        match finding {
            Ok(words) => say(&format!("  ok      {what}: {words}")),
            Err(advice) => {
                sound = false;
                say(&format!("  problem {what}: {advice}"));
            }
        }
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn assets(config: &Config) -> Result<String, String> {
    let folder = config.site_dir.join("pkg");
    let files = std::fs::read_dir(&folder).map(Iterator::count).unwrap_or_default();
    if files > 0 {
        Ok(format!("{files} files in {}", folder.display()))
    } else {
        Err(format!(
            "none in {}. Build them with `make build`, or name their folder with --site-dir",
            folder.display()
        ))
    }
}

fn master_keys(config: &Config) -> Result<MasterKeys, String> {
    match &config.master_key {
        MasterKeySource::Environment(text) => {
            MasterKeys::parse(text.expose_secret()).map_err(|error| error.to_string())
        }
        MasterKeySource::File(path) if !path.exists() => {
            Err(format!("{} is not there yet. The first start makes it", path.display()))
        }
        MasterKeySource::File(path) => MasterKeys::load(path).map_err(|error| error.to_string()),
    }
}

/// The database, unless it is a file that would only now be made.
async fn existing_store(config: &Config) -> Result<Store, String> {
    let file = config.data_dir.join("patchbay.db");
    if config
        .database_url
        .expose_secret()
        .starts_with(&format!("sqlite://{}", file.display()))
        && !file.exists()
    {
        return Err(format!("{} is not there yet. The first start makes it", file.display()));
    }
    let store = open::store(config).await.map_err(|error| error.to_string())?;
    store
        .ping()
        .await
        .map_err(|error| format!("does not answer: {error}"))?;
    Ok(store)
}

async fn schema(store: &Store) -> Result<String, String> {
    match store.is_migrated().await {
        Ok(true) => Ok("up to date".to_owned()),
        Ok(false) => Err("is of an earlier version. Start the server, or run `patchbay migrate`".to_owned()),
        Err(error) => Err(format!("cannot be read: {error}")),
    }
}

async fn opens(store: &Store, master: Result<MasterKeys, String>) -> Result<String, String> {
    let master = master?;
    let active = master.active_id();
    AccountKeys::open(
        store.clone(),
        Arc::new(master),
        Arc::new(SystemClock),
        Arc::new(SystemRandom),
    )
    .await
    .map(|_| format!("{active} opens what the database holds"))
    .map_err(|error| error.to_string())
}
