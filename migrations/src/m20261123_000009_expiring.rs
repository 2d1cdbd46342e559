//! What the page *Expiring tokens* is answered from, however many tokens there are: the end that counts and the facet of each
//! token as columns, indexes for every order, numbers that triggers keep, and the people who have no token.
//!
//! The triggers only add lines to `token_count_changes`, so that no two transactions want the same row; a job adds them up.

use sea_orm_migration::{
    prelude::*,
    schema::{big_integer, string, uuid, uuid_null},
    sea_orm::DbBackend,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum GitTokens {
    Table,
    GitProviderId,
}

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
enum TokenCounts {
    Table,
    AccountId,
    What,
    Day,
    Tokens,
}

#[derive(DeriveIden)]
enum TokenCountChanges {
    Table,
    Id,
    AccountId,
    What,
    Day,
    Tokens,
}

#[derive(DeriveIden)]
enum MissingTokens {
    Table,
    AccountId,
    UserId,
    RuntimeId,
    UserName,
}

#[derive(DeriveIden)]
enum PersonWords {
    Table,
    Word,
    UserId,
}

/// The end that counts (`domain::Ends::expiry`) as a number: what is not known comes after all that is, and what never ends last
/// (`domain::expiring`).
const ENDS_AT: &str = "CASE WHEN expires_at IS NOT NULL THEN expires_at WHEN never_expires THEN 9100000000000000 \
    WHEN entered_expires_at IS NOT NULL AND (accepted_at IS NULL OR accepted_at < entered_expires_at) \
    THEN entered_expires_at ELSE 9000000000000000 END";

/// Status and kind in one, so that a choice among both is a few ranges of an index.
const FACET: &str = "status || ':' || kind";

/// What a token counts as: `domain::expiring` has these classes.
fn class(status: &str) -> String {
    format!(
        "CASE WHEN {status} IN ('valid', 'unverified', 'excess_scopes') THEN 'working' \
         WHEN {status} IN ('in_doubt', 'expired') THEN {status} ELSE 'broken' END"
    )
}

/// Each has a place, a facet and an order; what is looked at besides comes last, so that no row is read for it.
const INDEXES: [(&str, &str); 9] = [
    (
        "git_tokens_people",
        "git_tokens (account_id, user_id, facet, ends_at, id)",
    ),
    ("git_tokens_facet_ends", "git_tokens (account_id, facet, ends_at, id)"),
    (
        "git_tokens_runtime_facet_ends",
        "git_tokens (runtime_id, facet, ends_at, id)",
    ),
    (
        "git_tokens_provider_facet_ends",
        "git_tokens (git_provider_id, facet, ends_at, id)",
    ),
    (
        "git_tokens_facet_checked",
        "git_tokens (account_id, facet, checked_at, id, ends_at)",
    ),
    (
        "git_tokens_runtime_facet_checked",
        "git_tokens (runtime_id, facet, checked_at, id, ends_at)",
    ),
    (
        "git_tokens_provider_facet_checked",
        "git_tokens (git_provider_id, facet, checked_at, id, ends_at)",
    ),
    ("git_tokens_format", "git_tokens (account_id, format, ends_at, id)"),
    (
        "oauth_grants_refresh_ends",
        "oauth_grants (account_id, refresh_ends_at, git_token_id)",
    ),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // Or a process that is killed halfway would leave SQLite with columns that the next start adds again.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .alter_table(
                Table::alter()
                    .table(GitTokens::Table)
                    .add_column(uuid_null(GitTokens::GitProviderId))
                    .to_owned(),
            )
            .await?;
        for table in tables() {
            manager.create_table(table).await?;
        }
        let db = manager.get_connection();
        let postgres = manager.get_database_backend() == DbBackend::Postgres;
        // SQLite adds no stored column to a table that is there; PostgreSQL indexes no other.
        let kept = if postgres { "STORED" } else { "VIRTUAL" };
        let collation = if postgres { " COLLATE \"C\"" } else { "" };
        let mut steps = Vec::new();
        if postgres {
            // Beginnings are ranges only in the order of bytes, which SQLite has anyway.
            steps.push("ALTER TABLE person_words ALTER COLUMN word TYPE varchar COLLATE \"C\"".to_owned());
        }
        steps.extend([
            "UPDATE git_tokens SET git_provider_id = \
             (SELECT git_provider_id FROM runtimes WHERE runtimes.id = git_tokens.runtime_id)"
                .to_owned(),
            format!("ALTER TABLE git_tokens ADD COLUMN ends_at BIGINT GENERATED ALWAYS AS ({ENDS_AT}) {kept}"),
            format!("ALTER TABLE git_tokens ADD COLUMN facet TEXT{collation} GENERATED ALWAYS AS ({FACET}) {kept}"),
            format!(
                "ALTER TABLE git_tokens ADD COLUMN login_key TEXT{collation} \
                 GENERATED ALWAYS AS (lower(identity_login)) {kept}"
            ),
            "CREATE INDEX git_tokens_login ON git_tokens (account_id, login_key)".to_owned(),
            // The index of people below begins alike.
            "DROP INDEX git_tokens_user".to_owned(),
            "CREATE INDEX person_words_word ON person_words (word, user_id)".to_owned(),
            "CREATE UNIQUE INDEX person_words_user ON person_words (user_id, word)".to_owned(),
            "CREATE INDEX missing_tokens_account ON missing_tokens (account_id, user_name, user_id, runtime_id)"
                .to_owned(),
            "CREATE INDEX missing_tokens_runtime ON missing_tokens (runtime_id, user_name, user_id)".to_owned(),
        ]);
        steps.extend(INDEXES.map(|(name, on)| format!("CREATE INDEX {name} ON {on}")));
        steps.extend(if postgres {
            postgres_triggers()
        } else {
            sqlite_triggers()
        });
        // What is there already.
        steps.push(format!(
            "INSERT INTO token_counts (account_id, what, day, tokens) \
             SELECT account_id, class, day, count(*) FROM \
             (SELECT account_id, {} AS class, ends_at / 86400000 AS day FROM git_tokens) AS classed \
             GROUP BY account_id, class, day",
            class("status")
        ));
        steps.extend(
            [
                "INSERT INTO token_counts (account_id, what, day, tokens) \
                 SELECT account_id, 'format:' || format, 0, count(*) FROM git_tokens WHERE format IS NOT NULL \
                 GROUP BY account_id, format",
                "INSERT INTO token_counts (account_id, what, day, tokens) \
                 SELECT account_id, 'refresh', refresh_ends_at / 86400000, count(*) FROM oauth_grants \
                 WHERE refresh_ends_at IS NOT NULL GROUP BY account_id, refresh_ends_at / 86400000",
                "INSERT INTO missing_tokens (account_id, user_id, runtime_id, user_name) \
                 SELECT m.account_id, m.user_id, r.id, u.name FROM members m \
                 JOIN runtimes r ON r.account_id = m.account_id JOIN users u ON u.id = m.user_id \
                 WHERE NOT EXISTS (SELECT 1 FROM git_tokens t WHERE t.runtime_id = r.id AND t.user_id = m.user_id)",
            ]
            .map(ToOwned::to_owned),
        );
        for step in steps {
            db.execute_unprepared(&step).await?;
        }
        Ok(())
    }
}

fn tables() -> [TableCreateStatement; 4] {
    let cascade = |mut key: ForeignKeyCreateStatement| key.on_delete(ForeignKeyAction::Cascade).to_owned();
    [
        // These two outlive an account: what is deleted with it still changes numbers.
        Table::create()
            .table(TokenCounts::Table)
            .col(uuid(TokenCounts::AccountId))
            .col(string(TokenCounts::What))
            .col(big_integer(TokenCounts::Day))
            .col(big_integer(TokenCounts::Tokens))
            .primary_key(
                Index::create()
                    .col(TokenCounts::AccountId)
                    .col(TokenCounts::What)
                    .col(TokenCounts::Day),
            )
            .to_owned(),
        Table::create()
            .table(TokenCountChanges::Table)
            .col(big_integer(TokenCountChanges::Id).auto_increment().primary_key())
            .col(uuid(TokenCountChanges::AccountId))
            .col(string(TokenCountChanges::What))
            .col(big_integer(TokenCountChanges::Day))
            .col(big_integer(TokenCountChanges::Tokens))
            .to_owned(),
        Table::create()
            .table(MissingTokens::Table)
            .col(uuid(MissingTokens::AccountId))
            .col(uuid(MissingTokens::UserId))
            .col(uuid(MissingTokens::RuntimeId))
            // In whose order they are shown.
            .col(string(MissingTokens::UserName))
            .primary_key(
                Index::create()
                    .col(MissingTokens::UserId)
                    .col(MissingTokens::RuntimeId),
            )
            .foreign_key(&mut cascade(
                ForeignKey::create()
                    .from(MissingTokens::Table, MissingTokens::AccountId)
                    .to(Accounts::Table, Accounts::Id)
                    .to_owned(),
            ))
            .foreign_key(&mut cascade(
                ForeignKey::create()
                    .from(MissingTokens::Table, MissingTokens::RuntimeId)
                    .to(Runtimes::Table, Runtimes::Id)
                    .to_owned(),
            ))
            .foreign_key(&mut cascade(
                ForeignKey::create()
                    .from(MissingTokens::Table, MissingTokens::UserId)
                    .to(Users::Table, Users::Id)
                    .to_owned(),
            ))
            .to_owned(),
        Table::create()
            .table(PersonWords::Table)
            .col(string(PersonWords::Word))
            .col(uuid(PersonWords::UserId))
            .foreign_key(&mut cascade(
                ForeignKey::create()
                    .from(PersonWords::Table, PersonWords::UserId)
                    .to(Users::Table, Users::Id)
                    .to_owned(),
            ))
            .to_owned(),
    ]
}

/// A statement that notes a change of a number.
fn change(row: &str, what: &str, day: &str, tokens: &str, condition: &str) -> String {
    format!(
        "INSERT INTO token_count_changes (account_id, what, day, tokens) \
         SELECT {row}.account_id, {what}, {day}, {tokens} WHERE {condition};"
    )
}

/// What a row of a table adds to the numbers, or takes from them.
fn token_counts(row: &str, tokens: &str) -> String {
    let day = format!("{row}.ends_at / 86400000");
    let format = format!("'format:' || {row}.format");
    let has_format = format!("{row}.format IS NOT NULL");
    change(row, &class(&format!("{row}.status")), &day, tokens, "true")
        + &change(row, &format, "0", tokens, &has_format)
}

fn grant_counts(row: &str, tokens: &str) -> String {
    let day = format!("{row}.refresh_ends_at / 86400000");
    change(
        row,
        "'refresh'",
        &day,
        tokens,
        &format!("{row}.refresh_ends_at IS NOT NULL"),
    )
}

/// A trigger of ours: its name, when it fires, under which condition, and what it does.
struct Trigger {
    name: &'static str,
    fires: &'static str,
    when: &'static str,
    body: String,
}

/// `now_missing` begins the statement that adds people without a token, `unless_there` ends it.
fn triggers(now_missing: &str, unless_there: &str) -> Vec<Trigger> {
    let trigger = |name, fires, when, body| Trigger {
        name,
        fires,
        when,
        body,
    };
    let missing =
        |from: &str| format!("{now_missing} (account_id, user_id, runtime_id, user_name) {from} {unless_there};");
    let no_token = "NOT EXISTS (SELECT 1 FROM git_tokens t WHERE t.runtime_id = r.id AND t.user_id = u.id)";
    vec![
        trigger(
            "git_tokens_added",
            "AFTER INSERT ON git_tokens",
            "",
            token_counts("NEW", "1")
                + "DELETE FROM missing_tokens WHERE runtime_id = NEW.runtime_id AND user_id = NEW.user_id;",
        ),
        trigger(
            "git_tokens_removed",
            "AFTER DELETE ON git_tokens",
            "",
            token_counts("OLD", "-1")
                + &missing(
                    "SELECT m.account_id, m.user_id, r.id, u.name FROM members m JOIN users u ON u.id = m.user_id \
                     JOIN runtimes r ON r.account_id = m.account_id \
                     WHERE m.account_id = OLD.account_id AND m.user_id = OLD.user_id AND r.id = OLD.runtime_id",
                ),
        ),
        trigger(
            "git_tokens_changed",
            "AFTER UPDATE ON git_tokens",
            "OLD.status <> NEW.status OR OLD.ends_at / 86400000 <> NEW.ends_at / 86400000 \
             OR coalesce(OLD.format, '') <> coalesce(NEW.format, '')",
            token_counts("OLD", "-1") + &token_counts("NEW", "1"),
        ),
        trigger(
            "oauth_grants_added",
            "AFTER INSERT ON oauth_grants",
            "",
            grant_counts("NEW", "1"),
        ),
        trigger(
            "oauth_grants_removed",
            "AFTER DELETE ON oauth_grants",
            "",
            grant_counts("OLD", "-1"),
        ),
        trigger(
            "oauth_grants_changed",
            "AFTER UPDATE ON oauth_grants",
            "coalesce(OLD.refresh_ends_at, 0) / 86400000 <> coalesce(NEW.refresh_ends_at, 0) / 86400000",
            grant_counts("OLD", "-1") + &grant_counts("NEW", "1"),
        ),
        trigger(
            "missing_tokens_added",
            "AFTER INSERT ON missing_tokens",
            "",
            change("NEW", "'missing'", "0", "1", "true"),
        ),
        trigger(
            "missing_tokens_removed",
            "AFTER DELETE ON missing_tokens",
            "",
            change("OLD", "'missing'", "0", "-1", "true"),
        ),
        trigger(
            "members_added",
            "AFTER INSERT ON members",
            "",
            missing(&format!(
                "SELECT r.account_id, u.id, r.id, u.name FROM users u JOIN runtimes r ON r.account_id = NEW.account_id \
                 WHERE u.id = NEW.user_id AND {no_token}"
            )),
        ),
        trigger(
            "members_removed",
            "AFTER DELETE ON members",
            "",
            "DELETE FROM missing_tokens WHERE account_id = OLD.account_id AND user_id = OLD.user_id;".to_owned(),
        ),
        trigger(
            "runtimes_added",
            "AFTER INSERT ON runtimes",
            "",
            missing(
                "SELECT m.account_id, m.user_id, NEW.id, u.name FROM members m JOIN users u ON u.id = m.user_id \
                 WHERE m.account_id = NEW.account_id",
            ),
        ),
        trigger(
            "users_renamed",
            "AFTER UPDATE ON users",
            "OLD.name <> NEW.name",
            "UPDATE missing_tokens SET user_name = NEW.name WHERE user_id = NEW.id;".to_owned(),
        ),
    ]
}

fn sqlite_triggers() -> Vec<String> {
    triggers("INSERT OR IGNORE INTO missing_tokens", "")
        .into_iter()
        .map(
            |Trigger {
                 name,
                 fires,
                 when,
                 body,
             }| {
                let when = if when.is_empty() {
                    String::new()
                } else {
                    format!("WHEN {when}")
                };
                format!("CREATE TRIGGER {name} {fires} FOR EACH ROW {when} BEGIN {body} END")
            },
        )
        .collect()
}

fn postgres_triggers() -> Vec<String> {
    triggers("INSERT INTO missing_tokens", "ON CONFLICT DO NOTHING")
        .into_iter()
        .flat_map(
            |Trigger {
                 name,
                 fires,
                 when,
                 body,
             }| {
                let when = if when.is_empty() {
                    String::new()
                } else {
                    format!("WHEN ({when})")
                };
                // A member and a runtime that are added at the same moment do not see each other: one waits for the other.
                let first = match name {
                    "members_added" | "runtimes_added" => {
                        "PERFORM 1 FROM accounts WHERE id = NEW.account_id FOR NO KEY UPDATE;"
                    }
                    _ => "",
                };
                [
                    format!(
                        "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS \
                         $$ BEGIN {first} {body} RETURN NULL; END $$"
                    ),
                    format!("CREATE TRIGGER {name} {fires} FOR EACH ROW {when} EXECUTE FUNCTION {name}()"),
                ]
            },
        )
        .collect()
}
