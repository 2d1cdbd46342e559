//! Accounts, people, keys, Git providers, runtimes, Git tokens and their checks.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, big_integer_null, binary, boolean, integer, string, string_null, text, uuid, uuid_null},
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

/// Names of tables and columns as written in the statements below.
macro_rules! idens {
    ($($table:ident { $($column:ident),+ $(,)? })+) => {$(
        #[derive(DeriveIden)]
        enum $table { Table, $($column),+ }
    )+};
}

idens! {
    Accounts { Id, Slug, Name, CreatedAt }
    Users { Id, Email, Name, PasswordHash, CreatedAt }
    Members { AccountId, UserId, Role, CreatedAt }
    Sessions { TokenHash, UserId, CreatedAt, LastSeenAt, ExpiresAt }
    SetUpLinks { Id, CodeHash, CreatedAt }
    Throttles { Subject, Failures, LastFailureAt }
    AccountKeys { Id, AccountId, Purpose, MasterKeyId, Wrapped, Active, CreatedAt }
    GitProviders { Id, AccountId, Kind, Name, BaseUrl, ApiUrl, CreatedAt }
    Runtimes { Id, AccountId, GitProviderId, Name, CreatedAt }
    GitTokens {
        Id, AccountId, RuntimeId, UserId, Kind, Sealed, Fingerprint, Hint, Format, IdentityId, IdentityLogin, Scopes, Status,
        SsoUrl, ExpiresAt, NeverExpires, CreatedAt, CheckedAt, LastOutcome,
    }
    Checks { Id, AccountId, GitTokenId, At, Outcome }
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    #[expect(clippy::too_many_lines, reason = "a schema reads best in one piece")]
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .create_table(
                Table::create()
                    .table(Accounts::Table)
                    .col(uuid(Accounts::Id).primary_key())
                    .col(string(Accounts::Slug).unique_key())
                    .col(string(Accounts::Name))
                    .col(big_integer(Accounts::CreatedAt))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(Users::Table)
                    .col(uuid(Users::Id).primary_key())
                    .col(string(Users::Email).unique_key())
                    .col(string(Users::Name))
                    .col(string(Users::PasswordHash))
                    .col(big_integer(Users::CreatedAt))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(Members::Table)
                    .col(uuid(Members::AccountId))
                    .col(uuid(Members::UserId))
                    .col(string(Members::Role))
                    .col(big_integer(Members::CreatedAt))
                    .primary_key(Index::create().col(Members::AccountId).col(Members::UserId))
                    .foreign_key(&mut cascade(
                        (Members::Table, Members::AccountId),
                        (Accounts::Table, Accounts::Id),
                    ))
                    .foreign_key(&mut cascade(
                        (Members::Table, Members::UserId),
                        (Users::Table, Users::Id),
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("members_user", Members::Table, &[Members::UserId.into_iden()]))
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(Sessions::Table)
                    .col(binary(Sessions::TokenHash).primary_key())
                    .col(uuid(Sessions::UserId))
                    .col(big_integer(Sessions::CreatedAt))
                    .col(big_integer(Sessions::LastSeenAt))
                    .col(big_integer(Sessions::ExpiresAt))
                    .foreign_key(&mut cascade(
                        (Sessions::Table, Sessions::UserId),
                        (Users::Table, Users::Id),
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index("sessions_user", Sessions::Table, &[Sessions::UserId.into_iden()]))
            .await?;
        manager
            .create_index(index(
                "sessions_expiry",
                Sessions::Table,
                &[Sessions::ExpiresAt.into_iden()],
            ))
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(SetUpLinks::Table)
                    .col(integer(SetUpLinks::Id).primary_key())
                    .col(binary(SetUpLinks::CodeHash))
                    .col(big_integer(SetUpLinks::CreatedAt))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(Throttles::Table)
                    .col(binary(Throttles::Subject).primary_key())
                    .col(integer(Throttles::Failures))
                    .col(big_integer(Throttles::LastFailureAt))
                    .to_owned(),
            )
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(AccountKeys::Table)
                    .col(uuid(AccountKeys::Id).primary_key())
                    .col(uuid(AccountKeys::AccountId))
                    .col(string(AccountKeys::Purpose))
                    .col(string(AccountKeys::MasterKeyId))
                    .col(binary(AccountKeys::Wrapped))
                    .col(boolean(AccountKeys::Active))
                    .col(big_integer(AccountKeys::CreatedAt))
                    .foreign_key(&mut cascade(
                        (AccountKeys::Table, AccountKeys::AccountId),
                        (Accounts::Table, Accounts::Id),
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index(
                "account_keys_account",
                AccountKeys::Table,
                &[AccountKeys::AccountId.into_iden()],
            ))
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(GitProviders::Table)
                    .col(uuid(GitProviders::Id).primary_key())
                    .col(uuid(GitProviders::AccountId))
                    .col(string(GitProviders::Kind))
                    .col(string(GitProviders::Name))
                    .col(string(GitProviders::BaseUrl))
                    .col(string_null(GitProviders::ApiUrl))
                    .col(big_integer(GitProviders::CreatedAt))
                    .foreign_key(&mut cascade(
                        (GitProviders::Table, GitProviders::AccountId),
                        (Accounts::Table, Accounts::Id),
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(unique(
                "git_providers_name",
                GitProviders::Table,
                &[GitProviders::AccountId.into_iden(), GitProviders::Name.into_iden()],
            ))
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(Runtimes::Table)
                    .col(uuid(Runtimes::Id).primary_key())
                    .col(uuid(Runtimes::AccountId))
                    .col(uuid(Runtimes::GitProviderId))
                    .col(string(Runtimes::Name))
                    .col(big_integer(Runtimes::CreatedAt))
                    .foreign_key(&mut cascade((Runtimes::Table, Runtimes::AccountId), (Accounts::Table, Accounts::Id)))
                    // Not cascading: a Git provider goes only when no runtime uses it.
                    .foreign_key(
                        ForeignKey::create()
                            .from(Runtimes::Table, Runtimes::GitProviderId)
                            .to(GitProviders::Table, GitProviders::Id)
                            .on_delete(ForeignKeyAction::NoAction),
                    )
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(unique(
                "runtimes_name",
                Runtimes::Table,
                &[Runtimes::AccountId.into_iden(), Runtimes::Name.into_iden()],
            ))
            .await?;
        manager
            .create_index(index(
                "runtimes_git_provider",
                Runtimes::Table,
                &[Runtimes::GitProviderId.into_iden()],
            ))
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(GitTokens::Table)
                    .col(uuid(GitTokens::Id).primary_key())
                    .col(uuid(GitTokens::AccountId))
                    .col(uuid(GitTokens::RuntimeId))
                    // Null for a runtime token, which belongs to the runtime itself.
                    .col(uuid_null(GitTokens::UserId))
                    .col(string(GitTokens::Kind))
                    .col(binary(GitTokens::Sealed))
                    .col(binary(GitTokens::Fingerprint))
                    .col(string(GitTokens::Hint))
                    .col(string_null(GitTokens::Format))
                    .col(string(GitTokens::IdentityId))
                    .col(string(GitTokens::IdentityLogin))
                    .col(text(GitTokens::Scopes))
                    .col(string(GitTokens::Status))
                    .col(string_null(GitTokens::SsoUrl))
                    .col(big_integer_null(GitTokens::ExpiresAt))
                    .col(boolean(GitTokens::NeverExpires))
                    .col(big_integer(GitTokens::CreatedAt))
                    // The last check stands here again, so that a list needs no look into the history.
                    .col(big_integer(GitTokens::CheckedAt))
                    .col(text(GitTokens::LastOutcome))
                    .foreign_key(&mut cascade((GitTokens::Table, GitTokens::AccountId), (Accounts::Table, Accounts::Id)))
                    .foreign_key(&mut cascade((GitTokens::Table, GitTokens::RuntimeId), (Runtimes::Table, Runtimes::Id)))
                    .foreign_key(&mut cascade((GitTokens::Table, GitTokens::UserId), (Users::Table, Users::Id)))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(unique(
                "git_tokens_holder",
                GitTokens::Table,
                &[GitTokens::RuntimeId.into_iden(), GitTokens::UserId.into_iden()],
            ))
            .await?;
        manager
            .create_index(index(
                "git_tokens_user",
                GitTokens::Table,
                &[GitTokens::AccountId.into_iden(), GitTokens::UserId.into_iden()],
            ))
            .await?;
        manager
            .create_table(
                Table::create()
                    .table(Checks::Table)
                    .col(uuid(Checks::Id).primary_key())
                    .col(uuid(Checks::AccountId))
                    .col(uuid(Checks::GitTokenId))
                    .col(big_integer(Checks::At))
                    .col(text(Checks::Outcome))
                    .foreign_key(&mut cascade(
                        (Checks::Table, Checks::AccountId),
                        (Accounts::Table, Accounts::Id),
                    ))
                    .foreign_key(&mut cascade(
                        (Checks::Table, Checks::GitTokenId),
                        (GitTokens::Table, GitTokens::Id),
                    ))
                    .to_owned(),
            )
            .await?;
        manager
            .create_index(index(
                "checks_of_token",
                Checks::Table,
                &[Checks::GitTokenId.into_iden(), Checks::At.into_iden()],
            ))
            .await
    }
}

/// A reference whose rows go with what they refer to.
fn cascade<T: IntoIden, C: IntoIden, U: IntoIden, D: IntoIden>(from: (T, C), to: (U, D)) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(from.0, from.1)
        .to(to.0, to.1)
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}

fn index(name: &str, table: impl IntoIden, columns: &[DynIden]) -> IndexCreateStatement {
    let mut index = Index::create().name(name).table(table.into_iden()).to_owned();
    for column in columns {
        index.col(column.clone());
    }
    index
}

fn unique(name: &str, table: impl IntoIden, columns: &[DynIden]) -> IndexCreateStatement {
    index(name, table, columns).unique().to_owned()
}
