//! A database for one test, empty and gone afterwards.

use super::postgres;
use secrecy::SecretString;
use tempfile::TempDir;

/// An empty database of one kind.
pub(crate) struct TestDatabase {
    url: String,
    /// Holds SQLite's file, and goes with it.
    _folder: Option<TempDir>,
}

impl TestDatabase {
    pub(crate) fn sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("patchbay.db").display());
        Self {
            url,
            _folder: Some(folder),
        }
    }

    pub(crate) async fn postgres() -> Self {
        Self {
            url: postgres::new_database().await,
            _folder: None,
        }
    }

    pub(crate) fn url(&self) -> SecretString {
        self.url.clone().into()
    }
}

/// Runs each story once on SQLite and once on PostgreSQL.
macro_rules! on_both_databases {
    ($(async fn $name:ident($database:ident: TestDatabase) $story:block)+) => {$(
        mod $name {
            #[allow(unused_imports, reason = "not every story needs everything")]
            use super::*;

            async fn story($database: $crate::support::TestDatabase) $story

            #[tokio::test]
            async fn sqlite() {
                story($crate::support::TestDatabase::sqlite()).await;
            }

            #[tokio::test]
            async fn postgres() {
                story($crate::support::TestDatabase::postgres().await).await;
            }
        }
    )+};
}
pub(crate) use on_both_databases;
