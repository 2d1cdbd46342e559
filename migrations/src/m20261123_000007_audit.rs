//! The audit log as a chain: numbered in each account, each record with the hash of the one before it, and never changed or
//! deleted. What was recorded before is chained as it is, with the names that are still known.

use sea_orm_migration::{
    prelude::*,
    sea_orm::{DbBackend, QueryResult, Statement, Value},
};
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use uuid::Uuid;

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // Or a process that is killed halfway would leave half a chain.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let is_sqlite = manager.get_database_backend() == DbBackend::Sqlite;
        let run = |statement: &str| {
            let statement = if is_sqlite {
                statement
                    .replace("$uuid", "uuid_text")
                    .replace("$bytes", "blob")
                    .replace("$end", "WITHOUT ROWID")
                    .replace("$bytewise", "")
            } else {
                statement
                    .replace("$uuid", "uuid")
                    .replace("$bytes", "bytea")
                    .replace("$end", "")
                    .replace("$bytewise", "COLLATE \"C\"")
            };
            async move { db.execute_unprepared(&statement).await }
        };
        run("DROP INDEX audit_events_account").await?;
        run("ALTER TABLE audit_events RENAME TO audit_events_unchained").await?;
        for statement in TABLES {
            run(statement).await?;
        }
        chain(manager).await?;
        run("DROP TABLE audit_events_unchained").await?;
        for statement in INDEXES {
            run(statement).await?;
        }
        for statement in if is_sqlite { SQLITE_GUARD } else { POSTGRES_GUARD } {
            run(statement).await?;
        }
        Ok(())
    }
}

const TABLES: [&str; 3] = [
    // What a record is about may be gone by the time somebody reads it, so it names things and refers to none but the account, which
    // cannot be deleted while it has a history. `topic` is what its action belongs to, for the filter; it is not hashed.
    "CREATE TABLE audit_events (
        account_id $uuid NOT NULL REFERENCES accounts (id),
        seq bigint NOT NULL,
        at bigint NOT NULL,
        actor varchar NOT NULL,
        actor_id $uuid,
        actor_name varchar,
        actor_email varchar,
        origin varchar,
        topic varchar NOT NULL,
        action varchar NOT NULL,
        outcome varchar NOT NULL,
        runtime_id $uuid,
        runtime varchar,
        git_provider_id $uuid,
        git_provider varchar,
        git_token_id $uuid,
        person_id $uuid,
        person varchar,
        detail text NOT NULL,
        previous $bytes NOT NULL,
        hash $bytes NOT NULL,
        PRIMARY KEY (account_id, seq)
    )",
    // The end of each chain. Whoever records something locks it, so that numbers have no gaps.
    "CREATE TABLE audit_heads (
        account_id $uuid NOT NULL PRIMARY KEY REFERENCES accounts (id),
        seq bigint NOT NULL,
        at bigint NOT NULL,
        hash $bytes NOT NULL
    )",
    // Which records have which words.
    "CREATE TABLE audit_words (
        account_id $uuid NOT NULL,
        word varchar $bytewise NOT NULL,
        seq bigint NOT NULL,
        PRIMARY KEY (account_id, word, seq)
    ) $end",
];

const INDEXES: [&str; 6] = [
    "CREATE INDEX audit_events_at ON audit_events (account_id, at, seq)",
    "CREATE INDEX audit_events_actor ON audit_events (account_id, actor, actor_id, seq)",
    "CREATE INDEX audit_events_topic ON audit_events (account_id, topic, seq)",
    "CREATE INDEX audit_events_outcome ON audit_events (account_id, outcome, seq)",
    "CREATE INDEX audit_events_runtime ON audit_events (account_id, runtime_id, seq)",
    "CREATE INDEX audit_events_token ON audit_events (account_id, git_token_id, seq)",
];

const SQLITE_GUARD: &[&str] = &[
    "CREATE TRIGGER audit_events_stay BEFORE UPDATE ON audit_events
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
    "CREATE TRIGGER audit_events_remain BEFORE DELETE ON audit_events
     BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END",
];

const POSTGRES_GUARD: &[&str] = &[
    "CREATE FUNCTION refuse_to_change_audit_events() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$",
    "CREATE TRIGGER audit_events_stay BEFORE UPDATE OR DELETE ON audit_events
     FOR EACH ROW EXECUTE FUNCTION refuse_to_change_audit_events()",
    "CREATE TRIGGER audit_events_remain BEFORE TRUNCATE ON audit_events
     FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_audit_events()",
];

/// How many old events are read at once.
const PAGE: u64 = 500;

/// The end of an account's chain.
struct Head {
    seq: i64,
    at: i64,
    hash: Vec<u8>,
}

/// Chains the old events of every account in the order of their moments, and gives every account its head.
async fn chain(manager: &SchemaManager<'_>) -> Result<(), DbErr> {
    let db = manager.get_connection();
    let backend = manager.get_database_backend();
    let all = |sql: String| async move { db.query_all_raw(Statement::from_string(backend, sql)).await };
    let mut heads: HashMap<Uuid, Head> = HashMap::new();
    for row in all("SELECT id FROM accounts".to_owned()).await? {
        let none = Head {
            seq: 0,
            at: 0,
            hash: vec![0; 32],
        };
        heads.insert(row.try_get("", "id")?, none);
    }
    let mut done = 0;
    loop {
        let rows = all(format!(
            "SELECT e.*, u.name AS actor_name, u.email AS actor_email, r.name AS runtime, p.name AS git_provider
             FROM audit_events_unchained e
             LEFT JOIN users u ON u.id = e.actor_id
             LEFT JOIN runtimes r ON r.id = e.runtime_id
             LEFT JOIN git_providers p ON p.id = e.git_provider_id
             ORDER BY e.at, e.id LIMIT {PAGE} OFFSET {done}"
        ))
        .await?;
        for row in &rows {
            let account: Uuid = row.try_get("", "account_id")?;
            let head = heads
                .get_mut(&account)
                .ok_or_else(|| DbErr::Custom("an event of no account".to_owned()))?;
            let (values, words) = chained(row, account, head)?;
            let marks = (1..=values.len()).map(|n| {
                if backend == DbBackend::Sqlite {
                    "?".to_owned()
                } else {
                    format!("${n}")
                }
            });
            let insert = format!(
                "INSERT INTO audit_events VALUES ({})",
                marks.collect::<Vec<_>>().join(", ")
            );
            db.execute_raw(Statement::from_sql_and_values(backend, insert, values))
                .await?;
            for word in words {
                let insert = match backend {
                    DbBackend::Sqlite => "INSERT INTO audit_words VALUES (?, ?, ?)",
                    _ => "INSERT INTO audit_words VALUES ($1, $2, $3)",
                };
                let values: [Value; 3] = [account.into(), word.into(), head.seq.into()];
                db.execute_raw(Statement::from_sql_and_values(backend, insert, values))
                    .await?;
            }
        }
        if rows.is_empty() {
            break;
        }
        done += rows.len();
    }
    for (account, head) in heads {
        let insert = match backend {
            DbBackend::Sqlite => "INSERT INTO audit_heads VALUES (?, ?, ?, ?)",
            _ => "INSERT INTO audit_heads VALUES ($1, $2, $3, $4)",
        };
        let values: [Value; 4] = [account.into(), head.seq.into(), head.at.into(), head.hash.into()];
        db.execute_raw(Statement::from_sql_and_values(backend, insert, values))
            .await?;
    }
    Ok(())
}

/// An old event as a record that follows `head`, which it becomes; in the order of the columns. And the words it is found by.
fn chained(row: &QueryResult, account: Uuid, head: &mut Head) -> Result<(Vec<Value>, Vec<String>), DbErr> {
    let id = |column| row.try_get::<Option<Uuid>>("", column);
    let text = |column| row.try_get::<Option<String>>("", column);
    let actor_id = id("actor_id")?;
    let actor = if actor_id.is_some() { "person" } else { "patchbay" };
    let (actor_name, actor_email) = (text("actor_name")?, text("actor_email")?);
    let action: String = row.try_get("", "action")?;
    let outcome = if action == "token.refresh_failed" {
        "failed"
    } else {
        "done"
    };
    let (runtime_id, runtime) = (id("runtime_id")?, text("runtime")?);
    let (provider_id, provider) = (id("git_provider_id")?, text("git_provider")?);
    let token = id("git_token_id")?;
    let detail: String = row.try_get("", "detail")?;
    let seq = head.seq + 1;
    let at = std::cmp::max(row.try_get::<i64>("", "at")?, head.at);
    let shown = |id: Option<Uuid>| id.map(|id| id.to_string());
    let fields = [
        Some("patchbay audit 1".to_owned()),
        Some(account.to_string()),
        Some(seq.to_string()),
        Some(at.to_string()),
        Some(actor.to_owned()),
        shown(actor_id),
        actor_name.clone(),
        actor_email.clone(),
        None,
        Some(action.clone()),
        Some(outcome.to_owned()),
        shown(runtime_id),
        runtime.clone(),
        shown(provider_id),
        provider.clone(),
        shown(token),
        None,
        None,
        Some(detail.clone()),
    ];
    let mut hashed = String::new();
    for field in fields {
        // Writing to a String cannot fail.
        let _ = match field {
            Some(field) => write!(hashed, "{}:{field},", field.len()),
            None => write!(hashed, "-,"),
        };
    }
    let mut hash = Sha256::new();
    hash.update(&head.hash);
    hash.update(hashed.as_bytes());
    let hash = hash.finalize().to_vec();
    let topic = match action.split('.').next() {
        Some("runtime") => "runtimes",
        Some("git_provider" | "scope_profile") => "git-providers",
        Some("oauth_application") => "oauth-applications",
        _ => "tokens",
    };
    let texts = [
        actor_name.as_deref(),
        actor_email.as_deref(),
        runtime.as_deref(),
        provider.as_deref(),
        Some(detail.as_str()),
    ];
    let words = words(texts.into_iter().flatten());
    let none = || Value::from(None::<String>);
    let values = vec![
        account.into(),
        seq.into(),
        at.into(),
        actor.into(),
        actor_id.into(),
        actor_name.into(),
        actor_email.into(),
        none(),
        topic.into(),
        action.into(),
        outcome.into(),
        runtime_id.into(),
        runtime.into(),
        provider_id.into(),
        provider.into(),
        token.into(),
        Value::from(None::<Uuid>),
        none(),
        detail.into(),
        head.hash.clone().into(),
        hash.clone().into(),
    ];
    *head = Head { seq, at, hash };
    Ok((values, words))
}

/// The words by which a record is found: what stands between spaces, and what that is made of.
fn words<'a>(texts: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut words = Vec::new();
    for chunk in texts.flat_map(str::split_whitespace) {
        let whole = chunk.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
        let whole: String = whole.chars().take(64).collect();
        words.extend(whole.split(|c: char| !c.is_alphanumeric()).map(ToOwned::to_owned));
        words.push(whole);
    }
    words.retain(|word| !word.is_empty());
    words.sort_unstable();
    words.dedup();
    words.truncate(100);
    words
}
