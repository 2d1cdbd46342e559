//! The name that goes beside a Git token where its provider asks for one: an e-mail address or a username, no secret.

use sea_orm_migration::{prelude::*, schema::string_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum GitTokens {
    Table,
    Username,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // Or a process that is killed halfway would leave SQLite with columns that the next start adds again.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let add = Table::alter()
            .table(GitTokens::Table)
            .add_column(string_null(GitTokens::Username))
            .to_owned();
        manager.alter_table(add).await
    }
}
