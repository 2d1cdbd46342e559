//! The schema comes up to date, also when several start at once.

use crate::support::on_both_databases;
use backend::store::Store;

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

    async fn an_empty_database_is_not_migrated(database: TestDatabase) {
        let store = Store::connect(database.url()).await.unwrap();
        store.ping().await.unwrap();
        assert!(!store.is_migrated().await.unwrap());
    }
}
