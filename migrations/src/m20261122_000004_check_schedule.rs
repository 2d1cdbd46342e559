//! When each Git token is checked again in the background, and who is at it.

use sea_orm_migration::{prelude::*, schema::big_integer};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum GitTokens {
    Table,
    RuntimeId,
    NextCheckAt,
    CheckLease,
}

#[derive(DeriveIden)]
enum Checks {
    Table,
    At,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // Or a process that is killed halfway would leave SQLite with columns that the next start adds again.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time. The tokens that there are already are due at once.
        for column in [
            big_integer(GitTokens::NextCheckAt).default(0).to_owned(),
            // The moment until which a process has the token for its check; past when none has.
            big_integer(GitTokens::CheckLease).default(0).to_owned(),
        ] {
            let add = Table::alter().table(GitTokens::Table).add_column(column).to_owned();
            manager.alter_table(add).await?;
        }
        // By runtime first: due tokens are looked for provider by provider, so that those of a provider that is down stand in
        // nobody's way.
        manager
            .create_index(
                Index::create()
                    .name("git_tokens_due")
                    .table(GitTokens::Table)
                    .col(GitTokens::RuntimeId)
                    .col(GitTokens::NextCheckAt)
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("checks_at")
                    .table(Checks::Table)
                    .col(Checks::At)
                    .to_owned(),
            )
            .await
    }
}
