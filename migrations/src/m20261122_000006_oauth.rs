//! OAuth 2: the applications that admins register, which runtime uses which, authorisations under way, and what refreshes a token.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, binary, binary_null, integer, string, string_null, text, text_null, uuid,
        uuid_null,
    },
    sea_orm::DbBackend,
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
enum GitProviders {
    Table,
    Id,
    OauthApplicationsMade,
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
enum OauthApplications {
    Table,
    Id,
    AccountId,
    GitProviderId,
    Name,
    ClientId,
    SealedSecret,
    Scopes,
    AuthorizeUrl,
    TokenUrl,
    RevokeUrl,
    SecretExpiresAt,
    CreatedAt,
    TestedAt,
    Findings,
}

#[derive(DeriveIden)]
enum OauthGrants {
    Table,
    GitTokenId,
    AccountId,
    OauthApplicationId,
    SealedRefresh,
    Granted,
    AccessEndsAt,
    RefreshEndsAt,
    RefreshedAt,
    Generation,
    DueAt,
    LeaseUntil,
    SentAt,
    Failures,
    Note,
    RedirectUri,
}

#[derive(DeriveIden)]
enum OauthAttempts {
    Table,
    StateHash,
    AccountId,
    UserId,
    SessionHash,
    RuntimeId,
    OauthApplicationId,
    SealedVerifier,
    ExpiresAt,
}

#[derive(DeriveIden)]
enum OauthQuestions {
    Table,
    Id,
    AccountId,
    UserId,
    SessionHash,
    RuntimeId,
    OauthApplicationId,
    Sealed,
    Login,
    Why,
    ExpiresAt,
}

#[derive(DeriveIden)]
enum OauthRequests {
    Table,
    GitProviderId,
    UserId,
    AccountId,
    At,
}

/// A column that refers to a table and goes with the row there.
fn cascade<T: Iden + 'static, C: Iden + 'static, U: Iden + 'static, D: Iden + 'static>(
    (table, column): (T, C),
    (to, id): (U, D),
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from(table, column)
        .to(to, id)
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // Or a process that is killed halfway would leave SQLite with columns that the next start adds again.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // The id of an application, which stands in its callback URL, follows from the count of those before it: so the URL can
        // be shown before there is a row.
        let count = Table::alter()
            .table(GitProviders::Table)
            .add_column(integer(GitProviders::OauthApplicationsMade).default(0))
            .to_owned();
        manager.alter_table(count).await?;
        manager.create_table(applications()).await?;
        // Without its application a runtime takes tokens only. (SeaQuery adds no column that refers to a table on SQLite.)
        let id = match manager.get_database_backend() {
            DbBackend::Sqlite => "uuid_text",
            _ => "uuid",
        };
        manager
            .get_connection()
            .execute_unprepared(&format!(
                "ALTER TABLE runtimes ADD COLUMN oauth_application_id {id} NULL \
                 REFERENCES oauth_applications (id) ON DELETE SET NULL"
            ))
            .await?;
        for table in [grants(), attempts(), questions(), requests()] {
            manager.create_table(table).await?;
        }
        let index = |name: &str| Index::create().name(name).to_owned();
        for index in [
            // One application of a name for each Git provider.
            index("oauth_applications_name")
                .table(OauthApplications::Table)
                .col(OauthApplications::GitProviderId)
                .col(OauthApplications::Name)
                .unique()
                .to_owned(),
            // What is due next: a look at every run of the background job.
            index("oauth_grants_due")
                .table(OauthGrants::Table)
                .col(OauthGrants::DueAt)
                .to_owned(),
            index("oauth_grants_application")
                .table(OauthGrants::Table)
                .col(OauthGrants::OauthApplicationId)
                .to_owned(),
            // One question for each place of a token.
            index("oauth_questions_place")
                .table(OauthQuestions::Table)
                .col(OauthQuestions::UserId)
                .col(OauthQuestions::RuntimeId)
                .unique()
                .to_owned(),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }
}

fn applications() -> TableCreateStatement {
    Table::create()
        .table(OauthApplications::Table)
        .col(uuid(OauthApplications::Id).primary_key())
        .col(uuid(OauthApplications::AccountId))
        .col(uuid(OauthApplications::GitProviderId))
        .col(string(OauthApplications::Name))
        .col(string(OauthApplications::ClientId))
        .col(binary(OauthApplications::SealedSecret))
        .col(text(OauthApplications::Scopes))
        .col(string_null(OauthApplications::AuthorizeUrl))
        .col(string_null(OauthApplications::TokenUrl))
        .col(string_null(OauthApplications::RevokeUrl))
        .col(big_integer_null(OauthApplications::SecretExpiresAt))
        .col(big_integer(OauthApplications::CreatedAt))
        // What the last test found, as JSON.
        .col(big_integer_null(OauthApplications::TestedAt))
        .col(text_null(OauthApplications::Findings))
        .foreign_key(&mut cascade(
            (OauthApplications::Table, OauthApplications::AccountId),
            (Accounts::Table, Accounts::Id),
        ))
        .foreign_key(&mut cascade(
            (OauthApplications::Table, OauthApplications::GitProviderId),
            (GitProviders::Table, GitProviders::Id),
        ))
        .to_owned()
}

/// What belongs to an OAuth token beside what every token has.
fn grants() -> TableCreateStatement {
    Table::create()
        .table(OauthGrants::Table)
        .col(uuid(OauthGrants::GitTokenId).primary_key())
        .col(uuid(OauthGrants::AccountId))
        .col(uuid_null(OauthGrants::OauthApplicationId))
        .col(binary_null(OauthGrants::SealedRefresh))
        .col(text_null(OauthGrants::Granted))
        .col(big_integer_null(OauthGrants::AccessEndsAt))
        .col(big_integer_null(OauthGrants::RefreshEndsAt))
        .col(big_integer_null(OauthGrants::RefreshedAt))
        // Counts the pairs of tokens: a new one is saved only in place of the one that it came of.
        .col(big_integer(OauthGrants::Generation).default(0))
        // When it is refreshed next; null: never.
        .col(big_integer_null(OauthGrants::DueAt))
        .col(big_integer(OauthGrants::LeaseUntil).default(0))
        // Noted before the provider is asked and taken away when it is known what it did.
        .col(big_integer_null(OauthGrants::SentAt))
        .col(integer(OauthGrants::Failures).default(0))
        .col(text_null(OauthGrants::Note))
        .col(text(OauthGrants::RedirectUri))
        .foreign_key(&mut cascade(
            (OauthGrants::Table, OauthGrants::GitTokenId),
            (GitTokens::Table, GitTokens::Id),
        ))
        .foreign_key(
            ForeignKey::create()
                .from(OauthGrants::Table, OauthGrants::OauthApplicationId)
                .to(OauthApplications::Table, OauthApplications::Id)
                .on_delete(ForeignKeyAction::SetNull),
        )
        .to_owned()
}

/// Authorisations under way, by the hash of their state.
fn attempts() -> TableCreateStatement {
    Table::create()
        .table(OauthAttempts::Table)
        .col(binary(OauthAttempts::StateHash).primary_key())
        .col(uuid(OauthAttempts::AccountId))
        .col(uuid(OauthAttempts::UserId))
        .col(binary(OauthAttempts::SessionHash))
        .col(uuid(OauthAttempts::RuntimeId))
        .col(uuid(OauthAttempts::OauthApplicationId))
        .col(binary_null(OauthAttempts::SealedVerifier))
        .col(big_integer(OauthAttempts::ExpiresAt))
        .foreign_key(&mut cascade(
            (OauthAttempts::Table, OauthAttempts::UserId),
            (Users::Table, Users::Id),
        ))
        .foreign_key(&mut cascade(
            (OauthAttempts::Table, OauthAttempts::RuntimeId),
            (Runtimes::Table, Runtimes::Id),
        ))
        .foreign_key(&mut cascade(
            (OauthAttempts::Table, OauthAttempts::OauthApplicationId),
            (OauthApplications::Table, OauthApplications::Id),
        ))
        .to_owned()
}

/// Tokens that were received and wait for the person to say that they are meant so, sealed.
fn questions() -> TableCreateStatement {
    Table::create()
        .table(OauthQuestions::Table)
        .col(uuid(OauthQuestions::Id).primary_key())
        .col(uuid(OauthQuestions::AccountId))
        .col(uuid(OauthQuestions::UserId))
        .col(binary(OauthQuestions::SessionHash))
        .col(uuid(OauthQuestions::RuntimeId))
        .col(uuid(OauthQuestions::OauthApplicationId))
        .col(binary(OauthQuestions::Sealed))
        .col(string(OauthQuestions::Login))
        .col(text(OauthQuestions::Why))
        .col(big_integer(OauthQuestions::ExpiresAt))
        .foreign_key(&mut cascade(
            (OauthQuestions::Table, OauthQuestions::UserId),
            (Users::Table, Users::Id),
        ))
        .foreign_key(&mut cascade(
            (OauthQuestions::Table, OauthQuestions::RuntimeId),
            (Runtimes::Table, Runtimes::Id),
        ))
        .foreign_key(&mut cascade(
            (OauthQuestions::Table, OauthQuestions::OauthApplicationId),
            (OauthApplications::Table, OauthApplications::Id),
        ))
        .to_owned()
}

/// Who asked the admins for an OAuth application, once each.
fn requests() -> TableCreateStatement {
    Table::create()
        .table(OauthRequests::Table)
        .col(uuid(OauthRequests::GitProviderId))
        .col(uuid(OauthRequests::UserId))
        .col(uuid(OauthRequests::AccountId))
        .col(big_integer(OauthRequests::At))
        .primary_key(
            Index::create()
                .col(OauthRequests::GitProviderId)
                .col(OauthRequests::UserId),
        )
        .foreign_key(&mut cascade(
            (OauthRequests::Table, OauthRequests::GitProviderId),
            (GitProviders::Table, GitProviders::Id),
        ))
        .foreign_key(&mut cascade(
            (OauthRequests::Table, OauthRequests::UserId),
            (Users::Table, Users::Id),
        ))
        .to_owned()
}
