//! What a rotation needs: where it stands, what became of the last try, and whether a runtime's tokens are rotated unasked.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer_null, boolean, text_null},
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum GitTokens {
    Table,
    ExpiresAt,
    RotationStartedAt,
    RotationRetryAt,
    RotatedAt,
    RotationNote,
}

#[derive(DeriveIden)]
enum Runtimes {
    Table,
    RotateTokens,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // Or a process that is killed halfway would leave SQLite with columns that the next start adds again.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // One column at a time: SQLite takes no more.
        for column in [
            // While the provider is asked, and until it is known what it did.
            big_integer_null(GitTokens::RotationStartedAt),
            // After a try that brought no new token: when the background may try again, and what is to be known, as JSON.
            big_integer_null(GitTokens::RotationRetryAt),
            text_null(GitTokens::RotationNote),
            // The last one that did: from then on this value has lived.
            big_integer_null(GitTokens::RotatedAt),
        ] {
            let add = Table::alter().table(GitTokens::Table).add_column(column).to_owned();
            manager.alter_table(add).await?;
        }
        let switch = Table::alter()
            .table(Runtimes::Table)
            .add_column(boolean(Runtimes::RotateTokens).default(false))
            .to_owned();
        manager.alter_table(switch).await?;
        for (name, columns) in [
            // What ends next, and what was interrupted: a look into each at every run of the background job.
            ("git_tokens_rotation_due", vec![GitTokens::ExpiresAt]),
            ("git_tokens_rotation_started", vec![GitTokens::RotationStartedAt]),
        ] {
            let mut index = Index::create().name(name).table(GitTokens::Table).to_owned();
            for column in columns {
                index.col(column);
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }
}
