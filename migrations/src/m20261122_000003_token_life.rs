//! The life of a token: scope profiles that an admin edits, unverified tokens allowed per Git provider, expiries that a person
//! enters, one token of a runtime's own, and a record of what was done.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, boolean, string, text, uuid, uuid_null},
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum Accounts {
    Table,
    Id,
}

#[derive(DeriveIden)]
enum GitProviders {
    Table,
    Id,
    AllowUnverified,
}

#[derive(DeriveIden)]
enum ScopeProfiles {
    Table,
    GitProviderId,
    Holder,
    Sort,
    Scopes,
}

#[derive(DeriveIden)]
enum GitTokens {
    Table,
    AccountId,
    Fingerprint,
    EnteredExpiresAt,
    AcceptedAt,
}

#[derive(DeriveIden)]
enum AuditEvents {
    Table,
    Id,
    AccountId,
    At,
    ActorId,
    Action,
    RuntimeId,
    GitProviderId,
    GitTokenId,
    Detail,
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // Or a process that is killed halfway would leave SQLite with columns that the next start adds again.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Until now they were taken without asking, so what is registered goes on as it was.
        manager
            .alter_table(
                Table::alter()
                    .table(GitProviders::Table)
                    .add_column(boolean(GitProviders::AllowUnverified).default(true))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(ScopeProfiles::Table)
                    .col(uuid(ScopeProfiles::GitProviderId))
                    .col(string(ScopeProfiles::Holder))
                    .col(string(ScopeProfiles::Sort))
                    .col(text(ScopeProfiles::Scopes))
                    .primary_key(
                        Index::create()
                            .col(ScopeProfiles::GitProviderId)
                            .col(ScopeProfiles::Holder)
                            .col(ScopeProfiles::Sort),
                    )
                    .foreign_key(
                        ForeignKey::create()
                            .from(ScopeProfiles::Table, ScopeProfiles::GitProviderId)
                            .to(GitProviders::Table, GitProviders::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .alter_table(
                Table::alter()
                    .table(GitTokens::Table)
                    .add_column(big_integer_null(GitTokens::EnteredExpiresAt))
                    .to_owned(),
            )
            .await?;
        manager
            .alter_table(
                Table::alter()
                    .table(GitTokens::Table)
                    .add_column(big_integer_null(GitTokens::AcceptedAt))
                    .to_owned(),
            )
            .await?;
        // The index over runtime and person does not hold rows without a person apart.
        manager
            .get_connection()
            .execute_unprepared(
                "CREATE UNIQUE INDEX git_tokens_of_runtime ON git_tokens (runtime_id) WHERE user_id IS NULL",
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("git_tokens_fingerprint")
                    .table(GitTokens::Table)
                    .col(GitTokens::AccountId)
                    .col(GitTokens::Fingerprint)
                    .to_owned(),
            )
            .await?;
        // What it is about may be gone by the time somebody reads it, so nothing here refers to it but the account.
        manager
            .create_table(
                Table::create()
                    .table(AuditEvents::Table)
                    .col(uuid(AuditEvents::Id).primary_key())
                    .col(uuid(AuditEvents::AccountId))
                    .col(big_integer(AuditEvents::At))
                    .col(uuid_null(AuditEvents::ActorId))
                    .col(string(AuditEvents::Action))
                    .col(uuid_null(AuditEvents::RuntimeId))
                    .col(uuid_null(AuditEvents::GitProviderId))
                    .col(uuid_null(AuditEvents::GitTokenId))
                    .col(text(AuditEvents::Detail))
                    .foreign_key(
                        ForeignKey::create()
                            .from(AuditEvents::Table, AuditEvents::AccountId)
                            .to(Accounts::Table, Accounts::Id)
                            .on_delete(ForeignKeyAction::Cascade),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(
                Index::create()
                    .name("audit_events_account")
                    .table(AuditEvents::Table)
                    .col(AuditEvents::AccountId)
                    .col(AuditEvents::At)
                    .to_owned(),
            )
            .await
    }
}
