//! Invitations into accounts, and when each member was there last.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, binary_uniq, string, string_null, uuid},
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
enum Members {
    Table,
    LastSeenAt,
}

#[derive(DeriveIden)]
enum Invitations {
    Table,
    Id,
    AccountId,
    CodeHash,
    Role,
    Email,
    InvitedBy,
    CreatedAt,
    EndsAt,
    UsedAt,
    RevokedAt,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table(Members::Table)
                    // Also tells which of several accounts a person used last.
                    .add_column(big_integer_null(Members::LastSeenAt))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(Invitations::Table)
                    .col(uuid(Invitations::Id).primary_key())
                    .col(uuid(Invitations::AccountId))
                    .col(binary_uniq(Invitations::CodeHash))
                    .col(string(Invitations::Role))
                    // Whose address it must be, in lower case; null: anybody's.
                    .col(string_null(Invitations::Email))
                    .col(uuid(Invitations::InvitedBy))
                    .col(big_integer(Invitations::CreatedAt))
                    .col(big_integer(Invitations::EndsAt))
                    // One that is over stays for a while, so that whoever opens it is told why.
                    .col(big_integer_null(Invitations::UsedAt))
                    .col(big_integer_null(Invitations::RevokedAt))
                    .foreign_key(
                        ForeignKey::create()
                            .from(Invitations::Table, Invitations::AccountId)
                            .to(Accounts::Table, Accounts::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from(Invitations::Table, Invitations::InvitedBy)
                            .to(Users::Table, Users::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("invitations_account")
                    .table(Invitations::Table)
                    .col(Invitations::AccountId)
                    .col(Invitations::EndsAt)
                    .to_owned(),
            )
            .await?;
        // `/join/…` leads to an invitation from now on, so no account may be called so.
        manager
            .get_connection()
            .execute_unprepared("UPDATE accounts SET slug = 'account-join' WHERE slug = 'join'")
            .await?;
        Ok(())
    }
}
