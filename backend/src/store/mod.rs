//! The one place for SQL: every query of Patchbay, on SQLite and on PostgreSQL.
//!
//! A method here holds no rule; what belongs together is one transaction. Who may ask is the services' business, but every
//! query of an account's rows takes the account, so that one account's id finds nothing in another.

mod access_keys;
mod audit;
mod audit_search;
mod calendar_feeds;
mod due_tokens;
mod entities;
mod expiring;
mod git_providers;
mod git_tokens;
mod invitations;
mod keys;
mod members;
mod notice_entities;
mod notice_outbox;
mod notice_people;
mod notice_settings;
mod notices;
mod oauth_applications;
mod oauth_flow;
mod oauth_grants;
mod people;
mod rotations;
mod runtimes;
mod scope_profiles;
mod sessions;

pub use access_keys::{AccessKeyRow, HandOver, Handed};
pub use audit::AuditHead;
pub use due_tokens::{BackgroundCheck, DueProvider, DueToken};
pub use expiring::{
    ListedToken, MOST_LOGINS, MissingQuery, MissingRow, RefreshEndQuery, TokenCounts, TokenCursor, TokenOrder,
    TokenQuery, TokenSearch,
};
pub use git_providers::GitProviderRow;
pub use git_tokens::{GitTokenRow, NewGitToken};
pub use invitations::{InvitationRow, Joined, Joiner, NewInvitation};
pub use keys::{AccountKeyRow, KeyPurpose};
pub use members::{LeftToken, LeftTokens, MemberRow, Records, Stays, Told};
pub use notice_outbox::{DeadMessage, MessageEnd, OutgoingMessage};
pub use notice_people::{ToldNotice, ToldPerson};
pub use notice_settings::{ChannelKind, ChannelRow, NoticeSettings};
pub use notices::{Looked, NewNotice, OpenNotice, Step, Subject, Unminded, Verdict, Watched};
pub use oauth_applications::{OAuthApplicationRow, OAuthRequestRow};
pub use oauth_flow::{OAuthAttemptRow, OAuthQuestionRow};
pub use oauth_grants::{GrantRow, GrantState, NewGrant, NewPair, RefreshEnd, StoredGrant};
pub use people::{MembershipRow, NewPerson, UserRow};
pub use rotations::{Holding, NewValue, Rewritten, Taken};
pub use runtimes::RuntimeRow;
pub use scope_profiles::ChosenScopes;
pub use sessions::{SessionRow, ThrottleRow};

use crate::Fault;
use migrations::{Migrator, MigratorTrait as _};
use sea_orm::{
    ColumnTrait, ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, SqlErr, SqliteTransactionMode, TransactionOptions, TransactionTrait as _,
    sea_query::{Expr, ExprTrait as _, Func, SimpleExpr},
    sqlx::sqlite::SqliteJournalMode,
    sqlx::sqlite::SqliteSynchronous,
};
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    fs::File,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use uuid::Uuid;

/// A database that Patchbay keeps its rows in.
#[derive(Clone)]
pub struct Store {
    db: DatabaseConnection,
    url: Arc<SecretString>,
}

/// "PATCHBAY" as a number: the key of the advisory lock under which migrations run on PostgreSQL.
const MIGRATION_LOCK: i64 = 0x5041_5443_4842_4159;

/// A column of rows that are found by something else, as an expression that no index serves. By the plain column a database that counts
/// nothing (SQLite) may find rows in another way: all that an account has, rather than those of a few ids.
fn aside(column: impl ColumnTrait) -> SimpleExpr {
    let column = || Expr::col((column.entity_name(), column));
    Expr::expr(Func::coalesce([column(), column()]))
}

/// Whether such a column has this value.
fn also(column: impl ColumnTrait, id: Uuid) -> SimpleExpr {
    aside(column).eq(id)
}

impl Store {
    /// Opens a database by its URL: `sqlite://path/to/file` or `postgres://user@host/name`. The URL may hold a password,
    /// so it is kept as a secret.
    pub async fn connect(url: SecretString) -> Result<Self, Fault> {
        let db = Database::connect(options(&url)).await?;
        Ok(Self { db, url: Arc::new(url) })
    }

    /// Brings the schema up to date. Several processes may start at once: one migrates, the others wait for it.
    pub async fn migrate(&self) -> Result<(), Fault> {
        if self.db.get_database_backend() == DbBackend::Sqlite {
            let lock = self.sqlite_path().map(|path| path.with_extension("migration.lock"));
            let held = match lock {
                Some(path) => Some(tokio::task::spawn_blocking(move || lock_file(&path)).await??),
                None => None,
            };
            Migrator::up(&self.db, None).await?;
            drop(held);
        } else {
            // An advisory lock belongs to its connection, so this one is alone in its pool.
            let single = Database::connect(options(&self.url).max_connections(1).to_owned()).await?;
            single
                .execute_unprepared(&format!("SELECT pg_advisory_lock({MIGRATION_LOCK})"))
                .await?;
            let migrated = Migrator::up(&single, None).await;
            single.close().await?;
            migrated?;
        }
        self.find_everybody().await
    }

    /// Whether every migration of this version has run.
    pub async fn is_migrated(&self) -> Result<bool, Fault> {
        Ok(Migrator::get_pending_migrations(&self.db).await?.is_empty())
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), Fault> {
        Ok(self.db.ping().await?)
    }

    /// Closes every connection, after which SQLite's log is merged into its file.
    pub async fn close(self) -> Result<(), Fault> {
        Ok(self.db.close().await?)
    }

    /// A transaction that takes the write lock at once on SQLite: one that reads first and writes later could be refused in
    /// the middle.
    async fn begin(&self) -> Result<DatabaseTransaction, DbErr> {
        self.db
            .begin_with_options(TransactionOptions {
                sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
                ..TransactionOptions::default()
            })
            .await
    }

    fn sqlite_path(&self) -> Option<PathBuf> {
        let url = self.url.expose_secret();
        let path = url.strip_prefix("sqlite://").or_else(|| url.strip_prefix("sqlite:"))?;
        let path = path.split('?').next().unwrap_or_default();
        (!path.is_empty() && path != ":memory:").then(|| PathBuf::from(path))
    }
}

fn options(url: &SecretString) -> ConnectOptions {
    let mut options = ConnectOptions::new(url.expose_secret());
    options
        .max_connections(16)
        .acquire_timeout(Duration::from_secs(15))
        .sqlx_logging(false)
        .record_stmt_in_spans(false)
        .map_sqlx_sqlite_opts(|sqlite| {
            sqlite
                .create_if_missing(true)
                .foreign_keys(true)
                .journal_mode(SqliteJournalMode::Wal)
                // A commit that is lost with the power may be a token that its provider has already rotated.
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(Duration::from_secs(10))
                // What is deleted is overwritten, sealed as it is.
                .pragma("secure_delete", "ON")
        });
    options
}

fn lock_file(path: &Path) -> Result<File, Fault> {
    let fault = |error: std::io::Error| Fault::Stored(format!("{}: {error}", path.display()));
    let file = File::options().create(true).append(true).open(path).map_err(fault)?;
    file.lock().map_err(fault)?;
    Ok(file)
}

/// Whether the database refused a row because another one has its name.
#[must_use]
pub fn is_taken(error: &Fault) -> bool {
    matches!(error, Fault::Database(error) if matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_))))
}

/// Whether the database refused because another row refers to the one in question, or the referred one is gone.
#[must_use]
pub fn is_referenced(error: &Fault) -> bool {
    matches!(error, Fault::Database(error) if matches!(error.sql_err(), Some(SqlErr::ForeignKeyConstraintViolation(_))))
}
