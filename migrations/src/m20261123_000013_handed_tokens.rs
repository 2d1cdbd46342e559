//! Which tokens each access key was handed, and where: what is handed out again need not be recorded one by one.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, binary, string, uuid},
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum AccessKeys {
    Table,
    Id,
}

#[derive(DeriveIden)]
enum GitTokens {
    Table,
    Id,
}

#[derive(DeriveIden)]
enum HandedTokens {
    Table,
    AccessKeyId,
    Address,
    GitTokenId,
    Fingerprint,
    At,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(HandedTokens::Table)
                    .col(uuid(HandedTokens::AccessKeyId))
                    // The network address that asked.
                    .col(string(HandedTokens::Address))
                    .col(uuid(HandedTokens::GitTokenId))
                    .col(binary(HandedTokens::Fingerprint))
                    .col(big_integer(HandedTokens::At))
                    .primary_key(
                        Index::create()
                            .col(HandedTokens::AccessKeyId)
                            .col(HandedTokens::Address)
                            .col(HandedTokens::GitTokenId),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from(HandedTokens::Table, HandedTokens::AccessKeyId)
                            .to(AccessKeys::Table, AccessKeys::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from(HandedTokens::Table, HandedTokens::GitTokenId)
                            .to(GitTokens::Table, GitTokens::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        // For the deletion of a token.
        manager
            .create_index(
                Index::create()
                    .name("handed_tokens_of_a_token")
                    .table(HandedTokens::Table)
                    .col(HandedTokens::GitTokenId)
                    .to_owned(),
            )
            .await?;
        // What is so old that it is recorded anew.
        manager
            .create_index(
                Index::create()
                    .name("handed_tokens_by_age")
                    .table(HandedTokens::Table)
                    .col(HandedTokens::AccessKeyId)
                    .col(HandedTokens::At)
                    .to_owned(),
            )
            .await
    }
}
