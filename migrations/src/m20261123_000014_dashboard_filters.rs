//! Who left an account, so that the tokens they left behind are told apart from those of its members, and the runtime of each OAuth
//! token beside the end of what refreshes it, so that a runtime's are found in the order of these ends.

use sea_orm_migration::{
    prelude::*,
    schema::{uuid, uuid_null},
    sea_orm::DbBackend,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[derive(DeriveIden)]
enum FormerMembers {
    Table,
    AccountId,
    UserId,
}

#[derive(DeriveIden)]
enum OauthGrants {
    Table,
    RuntimeId,
    RefreshEndsAt,
    GitTokenId,
}

/// What happens when a member goes or comes, and when an OAuth token comes: trigger, event, and statement. Also where a process that is not
/// up to date yet does it.
const TRIGGERS: [(&str, &str, &str); 3] = [
    (
        "members_left",
        "AFTER DELETE ON members",
        "INSERT INTO former_members (account_id, user_id) VALUES (OLD.account_id, OLD.user_id) ON CONFLICT DO NOTHING;",
    ),
    (
        "members_back",
        "AFTER INSERT ON members",
        "DELETE FROM former_members WHERE account_id = NEW.account_id AND user_id = NEW.user_id;",
    ),
    (
        "oauth_grants_placed",
        "AFTER INSERT ON oauth_grants",
        "UPDATE oauth_grants SET runtime_id = (SELECT runtime_id FROM git_tokens WHERE id = NEW.git_token_id) \
         WHERE git_token_id = NEW.git_token_id;",
    ),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    // Or a process that is killed halfway would leave SQLite with columns that the next start adds again.
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Refers to nothing: members also go with their account.
        manager
            .create_table(
                Table::create()
                    .table(FormerMembers::Table)
                    .col(uuid(FormerMembers::AccountId))
                    .col(uuid(FormerMembers::UserId))
                    .primary_key(Index::create().col(FormerMembers::AccountId).col(FormerMembers::UserId))
                    .to_owned(),
            )
            .await?;
        manager
            .alter_table(
                Table::alter()
                    .table(OauthGrants::Table)
                    .add_column(uuid_null(OauthGrants::RuntimeId))
                    .to_owned(),
            )
            .await?;
        let db = manager.get_connection();
        let postgres = manager.get_database_backend() == DbBackend::Postgres;
        for (name, event, body) in TRIGGERS {
            if postgres {
                db.execute_unprepared(&format!(
                    "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$"
                ))
                .await?;
                db.execute_unprepared(&format!(
                    "CREATE TRIGGER {name} {event} FOR EACH ROW EXECUTE FUNCTION {name}()"
                ))
                .await?;
            } else {
                db.execute_unprepared(&format!("CREATE TRIGGER {name} {event} FOR EACH ROW BEGIN {body} END"))
                    .await?;
            }
        }
        for statement in [
            "INSERT INTO former_members (account_id, user_id) SELECT DISTINCT t.account_id, t.user_id FROM git_tokens t \
             WHERE t.user_id IS NOT NULL AND NOT EXISTS \
             (SELECT 1 FROM members m WHERE m.account_id = t.account_id AND m.user_id = t.user_id)",
            "UPDATE oauth_grants SET runtime_id = \
             (SELECT runtime_id FROM git_tokens WHERE git_tokens.id = oauth_grants.git_token_id)",
        ] {
            db.execute_unprepared(statement).await?;
        }
        manager
            .create_index(
                Index::create()
                    .name("oauth_grants_runtime_refresh_ends")
                    .table(OauthGrants::Table)
                    .col(OauthGrants::RuntimeId)
                    .col(OauthGrants::RefreshEndsAt)
                    .col(OauthGrants::GitTokenId)
                    .to_owned(),
            )
            .await
    }
}
