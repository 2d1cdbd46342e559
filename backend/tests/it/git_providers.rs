//! Git providers of an account.

use crate::support::{World, on_both_databases};
use backend::git_providers::{GitProviderError, GitProviderForm};
use domain::FieldErrors;
use forge::NewToken;

fn github(name: &str, base_url: &str, api_url: &str) -> GitProviderForm {
    GitProviderForm {
        kind: "github".to_owned(),
        name: name.to_owned(),
        base_url: base_url.to_owned(),
        api_url: api_url.to_owned(),
        allow_unverified: false,
    }
}

fn fields<T>(result: Result<T, GitProviderError>) -> FieldErrors {
    match result {
        Err(GitProviderError::Invalid(errors)) => errors,
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("the form was taken"),
    }
}

on_both_databases! {
    async fn the_api_follows_from_the_base_url_or_is_given(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let providers = &world.services.git_providers;
        providers.register(&mira, github("", "https://github.com/", "")).await.unwrap();
        providers.register(&mira, github("GHES", "https://git.acme.dev", "")).await.unwrap();
        providers.register(&mira, github("Proxy", "https://git2.acme.dev", "https://api.acme.dev/gh/")).await.unwrap();

        let page = providers.page(&mira).await.unwrap();
        let seen: Vec<_> =
            page.providers.iter().map(|p| (p.label.name.as_str(), p.api_url.as_str(), p.api_url_given)).collect();
        assert_eq!(seen, [
            ("GHES", "https://git.acme.dev/api/v3", false),
            ("Proxy", "https://api.acme.dev/gh", true),
            ("github.com", "https://api.github.com", false),
        ]);
    }

    async fn what_is_wrong_is_told_at_its_field(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let providers = &world.services.git_providers;
        assert!(fields(providers.register(&mira, github("", "github.com", "")).await).at("base_url").is_some());
        assert!(fields(providers.register(&mira, github("", "https://x.dev", "ftp://y")).await).at("api_url").is_some());
        let no_kind = GitProviderForm { kind: "cvs".to_owned(), ..github("", "https://x.dev", "") };
        assert!(fields(providers.register(&mira, no_kind).await).at("kind").is_some());

        providers.register(&mira, github("Git", "https://x.dev", "")).await.unwrap();
        assert!(fields(providers.register(&mira, github("Git", "https://y.dev", "")).await).at("name").is_some());
    }

    async fn editing_changes_name_and_addresses_until_tokens_are_stored(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let providers = &world.services.git_providers;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let id = providers.page(&mira).await.unwrap().providers[0].id;
        providers.edit(&mira, id, github("one", &world.forge.url(), "")).await.unwrap();

        let token = world.forge.create_token(NewToken::classic("mira", ["repo"])).unwrap();
        world.services.tokens.put(&mira, runtime, &token.value.into()).await.unwrap();
        let moved = providers.edit(&mira, id, github("one", "https://evil.example", "")).await;
        assert!(fields(moved).at("base_url").is_some_and(|text| text.contains("1 token is stored")));
        let moved = providers.edit(&mira, id, github("one", &world.forge.url(), "https://evil.example")).await;
        assert!(fields(moved).at("api_url").is_some());
        providers.edit(&mira, id, github("two", &world.forge.url(), "")).await.unwrap();
        assert_eq!(providers.page(&mira).await.unwrap().providers[0].label.name, "two");
    }

    async fn one_that_a_runtime_uses_stays(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let providers = &world.services.git_providers;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let id = providers.page(&mira).await.unwrap().providers[0].id;
        let Err(GitProviderError::InUse { runtimes }) = providers.delete(&mira, id).await else {
            panic!("it was deleted");
        };
        assert_eq!(runtimes, ["prod-eu"]);
        world.services.runtimes.delete(&mira, runtime).await.unwrap();
        providers.delete(&mira, id).await.unwrap();
        assert!(matches!(providers.delete(&mira, id).await, Err(GitProviderError::NotFound)));
    }
}
