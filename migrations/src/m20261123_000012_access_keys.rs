//! The keys by which runtimes fetch their credentials, and when each token was last used by its runtime.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, binary, string, uuid, uuid_null},
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum Accounts {
    Table,
    Id,
}

#[derive(DeriveIden)]
enum Users {
    Table,
    Id,
}

#[derive(DeriveIden)]
enum Runtimes {
    Table,
    Id,
}

#[derive(DeriveIden)]
enum GitTokens {
    Table,
    Id,
}

#[derive(DeriveIden)]
enum AccessKeys {
    Table,
    Id,
    AccountId,
    RuntimeId,
    Name,
    SecretHash,
    CreatedBy,
    CreatedAt,
    LastUsedAt,
}

#[derive(DeriveIden)]
enum TokenUses {
    Table,
    GitTokenId,
    UsedAt,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let belongs_to = |column: AccessKeys, table: DynIden, id: DynIden, gone: ForeignKeyAction| {
            ForeignKey::create()
                .from(AccessKeys::Table, column)
                .to(table, id)
                .on_delete(gone)
                .take()
        };
        manager
            .create_table(
                Table::create()
                    .table(AccessKeys::Table)
                    .col(uuid(AccessKeys::Id).primary_key())
                    .col(uuid(AccessKeys::AccountId))
                    .col(uuid(AccessKeys::RuntimeId))
                    .col(string(AccessKeys::Name))
                    .col(binary(AccessKeys::SecretHash).unique_key())
                    .col(uuid_null(AccessKeys::CreatedBy))
                    .col(big_integer(AccessKeys::CreatedAt))
                    .col(big_integer_null(AccessKeys::LastUsedAt))
                    .foreign_key(&mut belongs_to(
                        AccessKeys::AccountId,
                        Accounts::Table.into_iden(),
                        Accounts::Id.into_iden(),
                        ForeignKeyAction::Cascade,
                    ))
                    .foreign_key(&mut belongs_to(
                        AccessKeys::RuntimeId,
                        Runtimes::Table.into_iden(),
                        Runtimes::Id.into_iden(),
                        ForeignKeyAction::Cascade,
                    ))
                    .foreign_key(&mut belongs_to(
                        AccessKeys::CreatedBy,
                        Users::Table.into_iden(),
                        Users::Id.into_iden(),
                        ForeignKeyAction::SetNull,
                    ))
                    .to_owned(),
            )
            .await?;
        // Also finds the keys of a runtime.
        manager
            .create_index(
                Index::create()
                    .name("access_keys_of_a_runtime")
                    .table(AccessKeys::Table)
                    .col(AccessKeys::RuntimeId)
                    .col(AccessKeys::Name)
                    .unique()
                    .to_owned(),
            )
            .await?;
        // Beside the tokens, not in them: whoever fetches writes no row that a check or a rotation waits for.
        manager
            .create_table(
                Table::create()
                    .table(TokenUses::Table)
                    .col(uuid(TokenUses::GitTokenId).primary_key())
                    .col(big_integer(TokenUses::UsedAt))
                    .foreign_key(
                        ForeignKey::create()
                            .from(TokenUses::Table, TokenUses::GitTokenId)
                            .to(GitTokens::Table, GitTokens::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await
    }
}
