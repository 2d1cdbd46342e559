//! Runtimes of an account.

use crate::support::{World, on_both_databases};
use backend::{
    git_providers::GitProviderForm,
    runtimes::{NO_OWNER, RuntimeError, RuntimeForm},
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
        world.services.access_keys.issue(&mira, gone, "argocd").await.unwrap();
        assert_eq!(world.services.runtimes.page(&mira).await.unwrap().runtimes[0].keys, 1);
        world.services.runtimes.delete(&mira, gone).await.unwrap();
        let events = world.store.audit_events_after(mira.account(), 0, 1000).await.unwrap();
        let revoked = events.iter().find(|event| event.action == "access_key.revoked").unwrap();
        assert_eq!((revoked.runtime.as_deref(), revoked.detail.as_str()), (Some("prod-eu"), "argocd, with the runtime"));
        let rows = world.services.tokens.page(&mira).await.unwrap().rows;
        assert_eq!(rows.iter().map(|row| (row.runtime, row.token.is_some())).collect::<Vec<_>>(), [(stays, true)]);
        assert!(matches!(world.services.runtimes.delete(&mira, gone).await, Err(RuntimeError::NotFound)));
    }

    async fn who_answers_for_one_can_be_chosen_among_the_members(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtimes = &world.services.runtimes;
        let id = world.runtime(&mira, "prod-eu").await;
        let ada = world.admin("Ada", "ada@acme.dev").await;
        let owner = async || runtimes.page(&mira).await.unwrap().runtimes.remove(0).owner.map(|(_, name)| name);
        let provider = runtimes.page(&mira).await.unwrap().runtimes[0].provider;
        let edit = async |owner: &str| {
            let form = RuntimeForm {
                name: "prod-eu".to_owned(),
                provider: provider.to_string(),
                owner: owner.to_owned(),
                ..RuntimeForm::default()
            };
            runtimes.edit(&mira, id, form).await
        };
        assert_eq!(owner().await.as_deref(), Some("Mira Rao"), "whoever registers it");
        let names: Vec<_> = runtimes.possible_owners(&mira).await.unwrap().into_iter().map(|(_, name)| name).collect();
        assert_eq!(names, ["Ada", "Mira Rao"]);
        edit(&ada.user().to_string()).await.unwrap();
        edit("").await.unwrap();
        assert_eq!(owner().await.as_deref(), Some("Ada"), "and without a choice it stays so");
        for nobody in [uuid::Uuid::nil().to_string(), "x".to_owned()] {
            let Err(RuntimeError::Invalid(errors)) = edit(&nobody).await else { panic!("{nobody} is no member") };
            assert!(errors.at("owner").is_some());
        }
        // Who has left stays what they were, until somebody else is chosen.
        let fate = backend::members::Fate::Keep;
        world.services.members.remove(&mira, ada.user(), fate).await.unwrap();
        edit(&ada.user().to_string()).await.unwrap();
        edit(NO_OWNER).await.unwrap();
        assert_eq!(owner().await, None);
        assert!(edit(&ada.user().to_string()).await.is_err());
        let events = world.store.audit_events_after(mira.account(), 0, 1000).await.unwrap();
        let details = events.iter().filter(|event| event.action == "runtime.edited").map(|event| event.detail.as_str());
        assert_eq!(
            details.collect::<Vec<_>>(),
            [
                "prod-eu, owned by Ada instead of Mira Rao",
                "prod-eu",
                "prod-eu",
                "prod-eu, owned by the admins instead of Ada",
            ]
        );
    }
}
