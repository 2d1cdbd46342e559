//! The master key belongs to its database, and what the database holds is sealed.

use crate::support::{SeededRandom, World, on_both_databases};
use backend::{
    clock::SystemClock,
    keys::{AccountKeys, MasterKeyError},
    store::Store,
    vault::MasterKeys,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use forge::NewToken;
use std::sync::Arc;

fn master(byte: u8) -> String {
    format!("patchbay-master-1:{}", BASE64_URL_SAFE_NO_PAD.encode([byte; 32]))
}

async fn open(world: &World, keys: &str) -> Result<AccountKeys, MasterKeyError> {
    let store = Store::connect(world.database_url()).await.unwrap();
    let master = Arc::new(MasterKeys::parse(keys).unwrap());
    AccountKeys::open(store, master, Arc::new(SystemClock), Arc::new(SeededRandom::new(2))).await
}

on_both_databases! {
    async fn a_wrong_master_key_refuses_to_start_and_names_the_missing_one(database: TestDatabase) {
        let (world, _) = World::set_up(database).await;
        let Err(error) = open(&world, &master(8)).await else { panic!("it started with the wrong key") };
        let id = world.master().active_id().to_string();
        assert!(error.to_string().contains(&id), "{error}");
    }

    async fn the_right_master_key_opens_also_when_a_newer_one_wraps(database: TestDatabase) {
        let (world, _) = World::set_up(database).await;
        assert!(open(&world, &master(7)).await.is_ok());
        assert!(open(&world, &format!("{}\n{}", master(8), master(7))).await.is_ok());
    }

    async fn a_stored_token_stands_nowhere_in_the_clear(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let token = world.forge.create_token(NewToken::classic("mira", ["repo"])).unwrap();
        world.services.tokens.put(&mira, runtime, &token.value.clone().into()).await.unwrap();
        let stored = world.store.git_token_of(mira.account(), Some(mira.user()), runtime).await.unwrap().unwrap();
        let sealed = stored.sealed.as_bytes();
        assert!(!sealed.windows(8).any(|bytes| token.value.as_bytes().windows(8).any(|part| part == bytes)));
        assert!(!format!("{stored:?}").contains(&token.value));
    }
}
