//! The schema comes up to date, also when several start at once.

use crate::support::on_both_databases;
use backend::store::Store;
use migrations::{Migrator, MigratorTrait as _};
use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement};
use secrecy::ExposeSecret as _;

on_both_databases! {
    async fn several_processes_may_migrate_at_once(database: TestDatabase) {
        let mut starts = Vec::new();
        for _ in 0..4 {
            let store = Store::connect(database.url()).await.unwrap();
            starts.push(tokio::spawn(async move { store.migrate().await }));
        }
        for start in starts {
            start.await.unwrap().unwrap();
        }
        let store = Store::connect(database.url()).await.unwrap();
        assert!(store.is_migrated().await.unwrap());
        store.migrate().await.unwrap();
    }

    async fn what_is_there_is_counted_in(database: TestDatabase) {
        let db = Database::connect(database.url().expose_secret()).await.unwrap();
        Migrator::up(&db, Some(13)).await.unwrap();
        let backend = db.get_database_backend();
        let (bytes, no) = if backend == DbBackend::Sqlite { ("x'00'", "0") } else { ("'\\x00'::bytea", "false") };
        let id = |n: u8| {
            let uuid = uuid::Uuid::from_u128(u128::from(n));
            if backend == DbBackend::Sqlite { format!("x'{}'", uuid.simple()) } else { format!("'{uuid}'") }
        };
        let (account, provider, runtime, stays, left) = (id(1), id(2), id(3), id(4), id(5));
        let mut steps = vec![
            format!("INSERT INTO accounts (id, slug, name, created_at) VALUES ({account}, 'acme', 'Acme', 1)"),
            format!(
                "INSERT INTO git_providers (id, account_id, kind, name, base_url, created_at) \
                 VALUES ({provider}, {account}, 'gitlab', 'GitLab', 'https://gitlab.example', 1)"
            ),
            format!(
                "INSERT INTO runtimes (id, account_id, git_provider_id, name, created_at, rotate_tokens) \
                 VALUES ({runtime}, {account}, {provider}, 'prod-eu', 1, {no})"
            ),
            format!(
                "INSERT INTO users (id, email, name, password_hash, created_at) VALUES \
                 ({stays}, 'mira@acme.dev', 'Mira', 'x', 1), ({left}, 'jonas@acme.dev', 'Jonas', 'x', 1)"
            ),
            format!("INSERT INTO members (account_id, user_id, role, created_at) VALUES ({account}, {stays}, 'admin', 1)"),
        ];
        for (token, user) in [(id(6), &stays), (id(7), &left)] {
            steps.push(format!(
                "INSERT INTO git_tokens (id, account_id, runtime_id, user_id, git_provider_id, kind, sealed, fingerprint, hint, \
                 identity_id, identity_login, scopes, status, never_expires, accepted_at, created_at, checked_at, last_outcome, \
                 next_check_at, check_lease) VALUES ({token}, {account}, {runtime}, {user}, {provider}, 'oauth', {bytes}, {bytes}, \
                 'x', '1', 'mira', '[]', 'invalid', {no}, 1, 1, 1, '{{}}', 1, 0)"
            ));
            steps.push(format!(
                "INSERT INTO oauth_grants (git_token_id, account_id, refresh_ends_at, generation, lease_until, redirect_uri, failures) \
                 VALUES ({token}, {account}, 1, 0, 0, '', 0)"
            ));
        }
        for step in steps {
            db.execute_unprepared(&step).await.unwrap();
        }
        Migrator::up(&db, None).await.unwrap();
        let found = async |query: String| {
            let row = db.query_one_raw(Statement::from_string(backend, query)).await.unwrap().unwrap();
            row.try_get_by_index::<i64>(0).unwrap()
        };
        assert_eq!(found("SELECT count(*) FROM former_members".to_owned()).await, 1);
        assert_eq!(found(format!("SELECT count(*) FROM former_members WHERE user_id = {left}")).await, 1);
        assert_eq!(found(format!("SELECT count(*) FROM oauth_grants WHERE runtime_id = {runtime}")).await, 2);
        // Who comes back is no former member, and what comes has its runtime.
        for step in [
            format!("INSERT INTO members (account_id, user_id, role, created_at) VALUES ({account}, {left}, 'member', 1)"),
            "DELETE FROM oauth_grants".to_owned(),
            format!(
                "INSERT INTO oauth_grants (git_token_id, account_id, refresh_ends_at, generation, lease_until, redirect_uri, failures) \
                 VALUES ({}, {account}, 1, 0, 0, '', 0)", id(6)
            ),
        ] {
            db.execute_unprepared(&step).await.unwrap();
        }
        assert_eq!(found("SELECT count(*) FROM former_members".to_owned()).await, 0);
        assert_eq!(found(format!("SELECT count(*) FROM oauth_grants WHERE runtime_id = {runtime}")).await, 1);
        db.close().await.unwrap();
    }

    async fn an_empty_database_is_not_migrated(database: TestDatabase) {
        let store = Store::connect(database.url()).await.unwrap();
        store.ping().await.unwrap();
        assert!(!store.is_migrated().await.unwrap());
    }
}
