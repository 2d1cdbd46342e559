//! `patchbay audit`.

use super::{Failure, say};
use crate::{
    cli::{AuditCommand, ExportFormat},
    config::Config,
    open,
};
use backend::{
    audit::{AuditFile, Filter, Format, Found, compare, verify},
    store::Store,
};
use domain::AccountId;
use std::{
    fs::File,
    io::{BufReader, Write as _},
    path::Path,
    process::ExitCode,
};

/// Runs one of its commands. They need the database alone, and change nothing.
pub(crate) async fn run(config: &Config, command: AuditCommand) -> Result<ExitCode, Failure> {
    let store = open::store(config).await?;
    if !store.is_migrated().await? {
        return Err("the database is of an earlier version: start the server, or run `patchbay migrate`.".into());
    }
    let sound = match command {
        AuditCommand::Verify { account, against } => {
            let accounts = accounts(&store, account.as_deref()).await?;
            let whole = chains(&store, &accounts).await?;
            match against {
                Some(file) => files(&store, &accounts, account.is_some(), &file).await? && whole,
                None => whole,
            }
        }
        AuditCommand::Export { account, format } => {
            let accounts = accounts(&store, Some(&account)).await?;
            for (id, _) in accounts {
                export(&store, id, format).await?;
            }
            true
        }
    };
    store.close().await?;
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The accounts in question: all, or the one of this slug.
async fn accounts(store: &Store, wanted: Option<&str>) -> Result<Vec<(AccountId, String)>, Failure> {
    let all = store.accounts().await?;
    match wanted {
        None => Ok(all),
        Some(wanted) => {
            let slugs: Vec<String> = all.iter().map(|(_, slug)| slug.clone()).collect();
            let one = all.into_iter().find(|(_, slug)| slug == wanted);
            let unknown = || format!("there is no account {wanted}; there is: {}.", slugs.join(", "));
            Ok(vec![one.ok_or_else(unknown)?])
        }
    }
}

/// Says of every chain whether it is whole.
async fn chains(store: &Store, accounts: &[(AccountId, String)]) -> Result<bool, Failure> {
    let mut sound = true;
    for (id, slug) in accounts {
        let found = verify(store, *id).await?;
        sound &= found.flaw.is_none();
        say(&finding(slug, &found));
    }
    Ok(sound)
}

/// Says of every account in a file whether the log still has what is in it.
async fn files(store: &Store, accounts: &[(AccountId, String)], one: bool, file: &Path) -> Result<bool, Failure> {
    let name = file.display();
    let reader = File::open(file).map_err(|reason| format!("{name} cannot be read: {reason}."))?;
    let only = accounts.first().filter(|_| one).map(|(id, _)| *id);
    let compared = compare(store, BufReader::new(reader), only)
        .await
        .map_err(|error| format!("{name}: {error}."))?;
    if compared.is_empty() {
        return Err(format!("{name} has no events to compare with.").into());
    }
    let mut sound = true;
    for (id, found) in compared {
        let slug = accounts.iter().find(|(account, _)| *account == id);
        let slug = slug.map_or_else(|| format!("account {id}"), |(_, slug)| slug.clone());
        sound &= found.flaw.is_none();
        say(&finding(&format!("{slug} in {name}"), &found));
    }
    Ok(sound)
}

fn finding(what: &str, found: &Found) -> String {
    let events = match found.events {
        1 => "1 event".to_owned(),
        events => format!("{events} events"),
    };
    match &found.flaw {
        None => format!("  ok      {what}: {events}, the last with hash {}", found.hash),
        Some(flaw) => format!("  problem {what}: after {events}, event {} {}", flaw.seq, flaw.why),
    }
}

/// Prints the log of an account.
async fn export(store: &Store, account: AccountId, format: ExportFormat) -> Result<(), Failure> {
    let format = match format {
        ExportFormat::Jsonl => Format::JsonLines,
        ExportFormat::Csv => Format::Csv,
    };
    let mut file = AuditFile::new(store.clone(), account, Filter::default(), format);
    while let Some(part) = file.next().await? {
        std::io::stdout().write_all(part.as_bytes())?;
    }
    Ok(std::io::stdout().flush()?)
}
