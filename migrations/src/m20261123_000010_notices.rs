//! Notices, who is told, over which channels they go out, and what is under way there.

use sea_orm_migration::{
    prelude::*,
    schema::{
        big_integer, big_integer_null, binary_null, integer, integer_null, string, string_null, text, text_null, uuid,
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
enum Runtimes {
    Table,
    Id,
}

#[derive(DeriveIden)]
enum GitTokens {
    Table,
    Id,
    NoticeDueAt,
}

#[derive(DeriveIden)]
enum OauthGrants {
    Table,
    RefreshSince,
}

#[derive(DeriveIden)]
enum Notices {
    Table,
    Id,
    AccountId,
    Kind,
    Subject,
    LeadDays,
    Mark,
    GitTokenId,
    RuntimeId,
    HolderId,
    EndsAt,
    Sentence,
    Level,
    EscalatesAt,
    CreatedAt,
    ClosedAt,
}

#[derive(DeriveIden)]
enum NoticeRecipients {
    Table,
    NoticeId,
    UserId,
    AccountId,
    ToldAt,
    AcknowledgedAt,
    SnoozedUntil,
}

#[derive(DeriveIden)]
enum NoticeMutes {
    Table,
    UserId,
    RuntimeId,
    AccountId,
    At,
}

#[derive(DeriveIden)]
enum NoticeSettings {
    Table,
    AccountId,
    LeadDays,
    EscalateDays,
    DigestHour,
}

#[derive(DeriveIden)]
enum NoticeChannels {
    Table,
    Id,
    AccountId,
    Kind,
    Name,
    Address,
    Settings,
    Sealed,
    DisabledAt,
    CreatedAt,
}

#[derive(DeriveIden)]
enum NoticeMessages {
    Table,
    Id,
    AccountId,
    ChannelId,
    Recipient,
    Day,
    CreatedAt,
    DueAt,
    Tries,
    SentAt,
    DeadAt,
    Failure,
}

#[derive(DeriveIden)]
enum NoticeDeliveries {
    Table,
    NoticeId,
    ChannelId,
    Recipient,
    CreatedAt,
    MessageId,
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
        // When a token is looked at for notices next: at once, since 0 is past; null: when something about it changes.
        let due = Table::alter()
            .table(GitTokens::Table)
            .add_column(big_integer_null(GitTokens::NoticeDueAt).default(0))
            .to_owned();
        manager.alter_table(due).await?;
        // Since when the refresh token has the end that it has.
        let since = Table::alter()
            .table(OauthGrants::Table)
            .add_column(big_integer_null(OauthGrants::RefreshSince))
            .to_owned();
        manager.alter_table(since).await?;
        // Who registered a runtime. (SeaQuery adds no column that refers to a table on SQLite.)
        let id = match manager.get_database_backend() {
            DbBackend::Sqlite => "uuid_text",
            _ => "uuid",
        };
        let execute = async |statement: &str| manager.get_connection().execute_unprepared(statement).await;
        execute(&format!(
            "ALTER TABLE runtimes ADD COLUMN owner_id {id} NULL REFERENCES users (id) ON DELETE SET NULL"
        ))
        .await?;
        for table in [
            notices(),
            recipients(),
            mutes(),
            settings(),
            channels(),
            messages(),
            deliveries(),
        ] {
            manager.create_table(table).await?;
        }
        for statement in [
            "CREATE INDEX git_tokens_notice_due ON git_tokens (notice_due_at)",
            // One open notice of a kind for each subject; an end is told of once for each lead time, also when that was long ago.
            "CREATE UNIQUE INDEX notices_open ON notices (subject, kind) WHERE closed_at IS NULL",
            "CREATE UNIQUE INDEX notices_end ON notices (subject, kind, lead_days, mark) WHERE mark <> 0",
            "CREATE INDEX notices_token ON notices (git_token_id)",
            "CREATE INDEX notices_escalation ON notices (escalates_at) WHERE closed_at IS NULL",
            "CREATE INDEX notices_account ON notices (account_id, created_at, id) WHERE closed_at IS NULL",
            "CREATE INDEX notices_closed ON notices (closed_at)",
            "CREATE INDEX notice_recipients_user ON notice_recipients (user_id, account_id, told_at)",
            "CREATE UNIQUE INDEX notice_channels_name ON notice_channels (account_id, name)",
            // One daily mail a person.
            "CREATE UNIQUE INDEX notice_messages_day ON notice_messages (channel_id, recipient, day)",
            "CREATE INDEX notice_messages_due ON notice_messages (due_at)",
            "CREATE INDEX notice_messages_dead ON notice_messages (account_id, dead_at)",
            "CREATE INDEX notice_deliveries_waiting ON notice_deliveries (channel_id, created_at) WHERE message_id IS NULL",
            "CREATE INDEX notice_deliveries_message ON notice_deliveries (message_id)",
        ] {
            execute(statement).await?;
        }
        Ok(())
    }
}

fn notices() -> TableCreateStatement {
    Table::create()
        .table(Notices::Table)
        .col(uuid(Notices::Id).primary_key())
        .col(uuid(Notices::AccountId))
        .col(string(Notices::Kind))
        // The id of the token, the runtime or the OAuth application that it is about.
        .col(uuid(Notices::Subject))
        .col(integer(Notices::LeadDays))
        // With the lead time, what makes it the only one of its kind; 0 for what comes and goes.
        .col(big_integer(Notices::Mark))
        .col(uuid_null(Notices::GitTokenId))
        // Not a reference: whoever deletes a runtime has it locked and waits for its tokens, which are locked here.
        .col(uuid_null(Notices::RuntimeId))
        .col(uuid_null(Notices::HolderId))
        .col(big_integer_null(Notices::EndsAt))
        .col(text(Notices::Sentence))
        .col(integer(Notices::Level))
        .col(big_integer_null(Notices::EscalatesAt))
        .col(big_integer(Notices::CreatedAt))
        .col(big_integer_null(Notices::ClosedAt))
        .foreign_key(&mut cascade(
            (Notices::Table, Notices::AccountId),
            (Accounts::Table, Accounts::Id),
        ))
        // A token that is replaced or deleted takes its notices along.
        .foreign_key(&mut cascade(
            (Notices::Table, Notices::GitTokenId),
            (GitTokens::Table, GitTokens::Id),
        ))
        .to_owned()
}

/// Who is told of a notice that is open, and what that person did about it.
fn recipients() -> TableCreateStatement {
    Table::create()
        .table(NoticeRecipients::Table)
        .col(uuid(NoticeRecipients::NoticeId))
        .col(uuid(NoticeRecipients::UserId))
        .col(uuid(NoticeRecipients::AccountId))
        .col(big_integer(NoticeRecipients::ToldAt))
        .col(big_integer_null(NoticeRecipients::AcknowledgedAt))
        .col(big_integer_null(NoticeRecipients::SnoozedUntil))
        .primary_key(
            Index::create()
                .col(NoticeRecipients::NoticeId)
                .col(NoticeRecipients::UserId),
        )
        .foreign_key(&mut cascade(
            (NoticeRecipients::Table, NoticeRecipients::NoticeId),
            (Notices::Table, Notices::Id),
        ))
        .foreign_key(&mut cascade(
            (NoticeRecipients::Table, NoticeRecipients::UserId),
            (Users::Table, Users::Id),
        ))
        .to_owned()
}

/// Of which runtimes a person wants to hear nothing.
fn mutes() -> TableCreateStatement {
    Table::create()
        .table(NoticeMutes::Table)
        .col(uuid(NoticeMutes::UserId))
        .col(uuid(NoticeMutes::RuntimeId))
        .col(uuid(NoticeMutes::AccountId))
        .col(big_integer(NoticeMutes::At))
        .primary_key(Index::create().col(NoticeMutes::UserId).col(NoticeMutes::RuntimeId))
        .foreign_key(&mut cascade(
            (NoticeMutes::Table, NoticeMutes::UserId),
            (Users::Table, Users::Id),
        ))
        .foreign_key(&mut cascade(
            (NoticeMutes::Table, NoticeMutes::RuntimeId),
            (Runtimes::Table, Runtimes::Id),
        ))
        .to_owned()
}

/// What an account chose; without a row the defaults hold.
fn settings() -> TableCreateStatement {
    Table::create()
        .table(NoticeSettings::Table)
        .col(uuid(NoticeSettings::AccountId).primary_key())
        .col(string(NoticeSettings::LeadDays))
        .col(integer(NoticeSettings::EscalateDays))
        .col(integer(NoticeSettings::DigestHour))
        .foreign_key(&mut cascade(
            (NoticeSettings::Table, NoticeSettings::AccountId),
            (Accounts::Table, Accounts::Id),
        ))
        .to_owned()
}

fn channels() -> TableCreateStatement {
    Table::create()
        .table(NoticeChannels::Table)
        .col(uuid(NoticeChannels::Id).primary_key())
        .col(uuid(NoticeChannels::AccountId))
        .col(string(NoticeChannels::Kind))
        .col(string(NoticeChannels::Name))
        // Where it leads, as far as a person may see it: of an address that is itself a secret only the host.
        .col(text(NoticeChannels::Address))
        .col(text_null(NoticeChannels::Settings))
        // The password, the signing secret or the whole address.
        .col(binary_null(NoticeChannels::Sealed))
        .col(big_integer_null(NoticeChannels::DisabledAt))
        .col(big_integer(NoticeChannels::CreatedAt))
        .foreign_key(&mut cascade(
            (NoticeChannels::Table, NoticeChannels::AccountId),
            (Accounts::Table, Accounts::Id),
        ))
        .to_owned()
}

/// What goes out over a channel: one notice, or several together. Its id is what a receiver tells a repetition by.
fn messages() -> TableCreateStatement {
    Table::create()
        .table(NoticeMessages::Table)
        .col(uuid(NoticeMessages::Id).primary_key())
        .col(uuid(NoticeMessages::AccountId))
        .col(uuid(NoticeMessages::ChannelId))
        // The person, of a mail.
        .col(uuid_null(NoticeMessages::Recipient))
        .col(integer_null(NoticeMessages::Day))
        .col(big_integer(NoticeMessages::CreatedAt))
        // When it is sent next; while somebody is at it, when that one's lease ends; null when there is nothing left to do.
        .col(big_integer_null(NoticeMessages::DueAt))
        .col(integer(NoticeMessages::Tries))
        .col(big_integer_null(NoticeMessages::SentAt))
        .col(big_integer_null(NoticeMessages::DeadAt))
        .col(string_null(NoticeMessages::Failure))
        .foreign_key(&mut cascade(
            (NoticeMessages::Table, NoticeMessages::ChannelId),
            (NoticeChannels::Table, NoticeChannels::Id),
        ))
        .to_owned()
}

/// That a notice goes out over a channel, to a person or, with a recipient of zeros, to the channel: once.
fn deliveries() -> TableCreateStatement {
    Table::create()
        .table(NoticeDeliveries::Table)
        .col(uuid(NoticeDeliveries::NoticeId))
        .col(uuid(NoticeDeliveries::ChannelId))
        .col(uuid(NoticeDeliveries::Recipient))
        .col(big_integer(NoticeDeliveries::CreatedAt))
        // Null while it waits; zeros if it is not told after all: acknowledged, muted or over before.
        .col(uuid_null(NoticeDeliveries::MessageId))
        .primary_key(
            Index::create()
                .col(NoticeDeliveries::NoticeId)
                .col(NoticeDeliveries::ChannelId)
                .col(NoticeDeliveries::Recipient),
        )
        .foreign_key(&mut cascade(
            (NoticeDeliveries::Table, NoticeDeliveries::NoticeId),
            (Notices::Table, Notices::Id),
        ))
        .foreign_key(&mut cascade(
            (NoticeDeliveries::Table, NoticeDeliveries::ChannelId),
            (NoticeChannels::Table, NoticeChannels::Id),
        ))
        .to_owned()
}
