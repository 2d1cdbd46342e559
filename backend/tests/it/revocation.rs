//! Deleting a token and having its provider take it back.

use crate::support::{World, on_both_databases};
use backend::access::Member;
use domain::{ProviderKind, Revocation, RuntimeId, TokenStatus};
use forge::{Fault, FaultRule, IssuedToken, NewToken, Provider, TokenKind};

const SELF: &str = "/api/v4/personal_access_tokens/self";

/// A runtime at GitLab and the person's token for it.
async fn gitlab(world: &World, mira: &Member) -> (RuntimeId, IssuedToken) {
    let runtime = world.runtime_at(mira, ProviderKind::GitLab, Provider::GitLab).await;
    let new = NewToken::of_kind(TokenKind::GitlabPersonal, "mira", ["read_api", "write_repository"]);
    let token = world.forge.create_token(new).unwrap();
    let value = token.value.clone().into();
    world.services.tokens.put(mira, runtime, &value).await.unwrap();
    (runtime, token)
}

/// Deletes and revokes; what came of that and the words for it.
async fn revoke(world: &World, mira: &Member, runtime: RuntimeId) -> (Revocation, String) {
    let revoked = world
        .services
        .tokens
        .delete(mira, runtime, true)
        .await
        .unwrap()
        .unwrap();
    let rows = world.services.tokens.page(mira).await.unwrap().rows;
    let row = rows.iter().find(|row| row.runtime == runtime).unwrap();
    assert!(row.token.is_none(), "it is deleted, whatever the provider did");
    (revoked.outcome, revoked.words)
}

on_both_databases! {
    async fn gitlab_takes_a_token_back(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let (runtime, _) = gitlab(&world, &mira).await;
        assert_eq!(revoke(&world, &mira, runtime).await.0, Revocation::Done);
        assert!(world.forge.tokens()[0].revoked);
    }

    async fn without_the_wish_nothing_is_revoked(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let (runtime, _) = gitlab(&world, &mira).await;
        assert_eq!(world.services.tokens.delete(&mira, runtime, false).await.unwrap(), None);
        assert!(!world.forge.tokens()[0].revoked && world.forge.writes().is_empty());
    }

    async fn github_is_told_by_nobody_in_particular(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let token = world.forge.create_token(NewToken::classic("mira", ["repo"])).unwrap();
        world.services.tokens.put(&mira, runtime, &token.value.into()).await.unwrap();
        let (outcome, words) = revoke(&world, &mira, runtime).await;
        assert_eq!(outcome, Revocation::Told);
        assert!(words.contains("was told"), "{words}");
        let writes = world.forge.writes();
        assert_eq!((writes.len(), writes[0].token), (1, None));
        assert!(world.forge.tokens()[0].revoked);
    }

    async fn a_github_that_wants_a_token_is_told_with_the_token_itself(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let token = world.forge.create_token(NewToken::classic("mira", ["repo"])).unwrap();
        world.services.tokens.put(&mira, runtime, &token.value.into()).await.unwrap();
        let refusing = FaultRule::new(Fault::Status { status: 401 }).on_method("POST").once();
        world.forge.add_fault(refusing);
        revoke(&world, &mira, runtime).await;
        let asked: Vec<_> = world.forge.writes().iter().map(|request| request.token).collect();
        assert_eq!(asked, [None, Some(token.id)]);
    }

    async fn a_failed_revocation_says_that_the_token_lives_on_and_where_to_end_it(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        for (fault, why) in [
            (Fault::Status { status: 500 }, "error 500"),
            (Fault::Status { status: 403 }, "403"),
            (Fault::RateLimited { status: 429, reset_in: 60 }, "no more requests"),
            (Fault::Redirect { status: 307, location: "/elsewhere".to_owned() }, "307"),
        ] {
            let (runtime, token) = gitlab_again(&world, &mira).await;
            world.forge.add_fault(FaultRule::new(fault).on_path(SELF).on_method("DELETE").once());
            let (outcome, words) = revoke(&world, &mira, runtime).await;
            assert!(matches!(&outcome, Revocation::Failed(said) if said.contains(why)), "{outcome:?}");
            assert!(words.contains("still be valid") && words.ends_with("/-/user_settings/personal_access_tokens"), "{words}");
            assert!(!words.contains(&token.value));
        }
    }

    async fn a_token_that_is_dead_already_is_no_failure(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let (runtime, token) = gitlab(&world, &mira).await;
        world.forge.revoke_token(token.id).unwrap();
        assert_eq!(revoke(&world, &mira, runtime).await.0, Revocation::AlreadyDead);
    }

    async fn where_there_is_no_api_a_person_must_do_it(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime_at(&mira, ProviderKind::Gitea, Provider::Gitea).await;
        let new = NewToken::of_kind(TokenKind::Gitea, "mira", ["write:repository", "read:user"]);
        let token = world.forge.create_token(new).unwrap();
        world.services.tokens.put(&mira, runtime, &token.value.into()).await.unwrap();
        let (outcome, words) = revoke(&world, &mira, runtime).await;
        assert_eq!(outcome, Revocation::NotOffered);
        assert!(words.contains(&world.forge.url()), "{words}");
        assert!(world.forge.writes().is_empty());
    }

    async fn what_shares_a_token_is_named_before_and_seen_to_be_dead_after(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let (runtime, token) = gitlab(&world, &mira).await;
        let tokens = &world.services.tokens;
        let staging = world.named_runtime_at(&mira, "staging", ProviderKind::GitLab, Provider::GitLab).await;
        tokens.put(&mira, staging, &token.value.into()).await.unwrap();
        let row = tokens.row(&mira, runtime).await.unwrap().token.unwrap();
        assert_eq!(row.shared.iter().map(|(_, name)| name.as_str()).collect::<Vec<_>>(), ["staging"]);

        assert_eq!(revoke(&world, &mira, runtime).await.0, Revocation::Done);
        let rows = tokens.page(&mira).await.unwrap().rows;
        let other = rows.iter().find(|row| row.runtime == staging).unwrap();
        assert_eq!(other.token.as_ref().map(|token| token.status), Some(TokenStatus::Invalid));
    }
}

/// A further token for the runtime that is there.
async fn gitlab_again(world: &World, mira: &Member) -> (RuntimeId, IssuedToken) {
    let rows = world.services.tokens.page(mira).await.unwrap().rows;
    let Some(row) = rows.first() else {
        return gitlab(world, mira).await;
    };
    let new = NewToken::of_kind(TokenKind::GitlabPersonal, "mira", ["read_api", "write_repository"]);
    let token = world.forge.create_token(new).unwrap();
    let value = token.value.clone().into();
    world.services.tokens.put(mira, row.runtime, &value).await.unwrap();
    (row.runtime, token)
}
