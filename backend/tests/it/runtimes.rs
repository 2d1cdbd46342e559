//! Runtimes of an account.

use crate::support::{World, on_both_databases};
use backend::{
    git_providers::GitProviderForm,
    runtimes::{RuntimeError, RuntimeForm},
};
use forge::NewToken;

on_both_databases! {
    async fn a_runtime_has_a_name_of_its_own_and_a_provider(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtimes = &world.services.runtimes;
        world.runtime(&mira, "prod-eu").await;
        let provider = runtimes.page(&mira).await.unwrap().providers[0].0.to_string();

        for (name, chosen, field) in
            [("prod-eu", provider.as_str(), "name"), ("Prod EU", &provider, "name"), ("x", "", "provider")]
        {
            let form = RuntimeForm { name: name.to_owned(), provider: chosen.to_owned(), ..RuntimeForm::default() };
            let Err(RuntimeError::Invalid(errors)) = runtimes.register(&mira, form).await else { panic!("{name}") };
            assert!(errors.at(field).is_some(), "{name}");
        }
        let page = runtimes.page(&mira).await.unwrap();
        assert_eq!(page.runtimes.len(), 1);
        assert_eq!((page.runtimes[0].tokens, page.runtimes[0].members), (0, 1));
    }

    async fn its_provider_can_change_until_a_token_is_stored(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtimes = &world.services.runtimes;
        let id = world.runtime(&mira, "prod-eu").await;
        let other = GitProviderForm {
            kind: "github".to_owned(),
            base_url: "https://github.com".to_owned(),
            ..GitProviderForm::default()
        };
        let other = world.services.git_providers.register(&mira, other).await.unwrap();
        let own = runtimes.page(&mira).await.unwrap().runtimes[0].provider;
        let form = |provider: domain::GitProviderId| RuntimeForm {
            name: "prod-us".to_owned(),
            provider: provider.to_string(),
            ..RuntimeForm::default()
        };
        runtimes.edit(&mira, id, form(other)).await.unwrap();
        runtimes.edit(&mira, id, form(own)).await.unwrap();

        let token = world.forge.create_token(NewToken::classic("mira", ["repo"])).unwrap();
        world.services.tokens.put(&mira, id, &token.value.into()).await.unwrap();
        let Err(RuntimeError::Invalid(errors)) = runtimes.edit(&mira, id, form(other)).await else {
            panic!("the stored token now belongs to another provider");
        };
        assert!(errors.at("provider").is_some());
        assert_eq!(runtimes.page(&mira).await.unwrap().runtimes[0].tokens, 1);
    }

    async fn deleting_one_deletes_its_tokens_and_no_others(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let gone = world.runtime(&mira, "prod-eu").await;
        let stays = world.runtime(&mira, "prod-us").await;
        for runtime in [gone, stays] {
            let token = world.forge.create_token(NewToken::classic("mira", ["repo"])).unwrap();
            world.services.tokens.put(&mira, runtime, &token.value.into()).await.unwrap();
        }
        world.services.runtimes.delete(&mira, gone).await.unwrap();
        let rows = world.services.tokens.page(&mira).await.unwrap().rows;
        assert_eq!(rows.iter().map(|row| (row.runtime, row.token.is_some())).collect::<Vec<_>>(), [(stays, true)]);
        assert!(matches!(world.services.runtimes.delete(&mira, gone).await, Err(RuntimeError::NotFound)));
    }
}
