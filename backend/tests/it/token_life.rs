//! The life of a token: what it needs, whose it is, how long it lives, and how many runtimes it serves.

use crate::support::{PASSWORD, World, on_both_databases};
use backend::{
    access::{AccessError, Member, NewAdmin},
    git_providers::{GitProviderError, TypedScopes},
    tokens::{At, Foreign, ForeignWhy, Misplaced, TokenError, TokenForm},
};
use domain::{
    CheckOutcome, Expiry, GitProviderId, HolderKind, ProviderKind, TokenStatus, scope::Standing, view::TokenView,
};
use forge::{Fault, FaultRule, Level, NewToken, Provider, TokenKind};
use secrecy::ExposeSecret as _;
use std::net::{IpAddr, Ipv4Addr};

/// A second admin of `acme`, Jonas.
async fn jonas(world: &World) -> Member {
    let admin = NewAdmin {
        name: "Jonas Weber".to_owned(),
        email: "jonas@acme.dev".to_owned(),
        password: PASSWORD.to_owned().into(),
    };
    world.services.access.create_admin(Some("acme"), admin).await.unwrap();
    let here = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let password = PASSWORD.to_owned().into();
    let signed_in = world
        .services
        .access
        .sign_in("jonas@acme.dev", &password, here)
        .await
        .unwrap();
    world.member(signed_in.cookie.expose_secret(), "acme").await
}

fn classic(world: &World, login: &str) -> String {
    world
        .forge
        .create_token(NewToken::classic(login, ["repo"]))
        .unwrap()
        .value
}

async fn token(world: &World, mira: &Member, row: usize) -> TokenView {
    let mut rows = world.services.tokens.page(mira).await.unwrap().rows;
    rows.remove(row).token.unwrap()
}

async fn provider(world: &World, mira: &Member) -> GitProviderId {
    world.services.git_providers.page(mira).await.unwrap().providers[0].id
}

async fn actions(world: &World, mira: &Member) -> Vec<String> {
    let events = world.store.audit_events_after(mira.account(), 0, 100).await.unwrap();
    assert!(
        events
            .iter()
            .all(|event| event.actor_id.is_some() && !event.detail.contains("ghp_0"))
    );
    events.into_iter().map(|event| event.action).collect()
}

fn typed(holder: HolderKind, sort: &str, scopes: &str) -> TypedScopes {
    TypedScopes {
        holder,
        sort: sort.to_owned(),
        scopes: scopes.to_owned(),
    }
}

on_both_databases! {
    async fn an_edited_profile_decides_what_a_token_needs(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let services = &world.services;
        let id = provider(&world, &mira).await;
        let edits = [typed(HolderKind::User, "classic", "public_repo, gist")];
        services.git_providers.choose_scopes(&mira, id, &edits).await.unwrap();

        let row = services.tokens.page(&mira).await.unwrap().rows.remove(0);
        assert_eq!(row.required.iter().map(domain::Scope::as_str).collect::<Vec<_>>(), ["public_repo", "gist"]);
        let Err(TokenError::Refused { outcome: CheckOutcome::Accepted(findings), .. }) =
            services.tokens.put(&mira, runtime, &classic(&world, "mira").into()).await
        else {
            panic!("gist is missing")
        };
        assert_eq!(findings.status(), TokenStatus::MissingScopes);
        let enough = world.forge.create_token(NewToken::classic("mira", ["public_repo", "gist"])).unwrap();
        services.tokens.put(&mira, runtime, &enough.value.into()).await.unwrap();
        assert_eq!(token(&world, &mira, 0).await.status, TokenStatus::Valid);

        // The default again: the stored token is judged by it at its next check.
        let edits = [typed(HolderKind::User, "classic", "repo")];
        services.git_providers.choose_scopes(&mira, id, &edits).await.unwrap();
        services.tokens.check(&mira, runtime).await.unwrap();
        assert_eq!(token(&world, &mira, 0).await.status, TokenStatus::MissingScopes);
        assert_eq!(actions(&world, &mira).await.iter().filter(|action| *action == "scope_profile.edited").count(), 2);
    }

    async fn a_profile_that_cannot_be_read_changes_nothing(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        world.runtime(&mira, "prod-eu").await;
        let id = provider(&world, &mira).await;
        let edits = [typed(HolderKind::User, "classic", "gist"), typed(HolderKind::Runtime, "classic", "répo")];
        let refused = world.services.git_providers.choose_scopes(&mira, id, &edits).await;
        let Err(GitProviderError::Invalid(errors)) = refused else { panic!("{refused:?}") };
        assert!(errors.at("scopes[runtime-classic]").is_some_and(|words| words.contains("répo")));
        let (_, [user, _]) = world.services.git_providers.profiles(&mira, id).await.unwrap();
        assert_eq!(user.required(None)[0].as_str(), "repo");
    }

    async fn unverified_tokens_are_taken_where_an_admin_allows_them(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let services = &world.services;
        let id = provider(&world, &mira).await;
        let mut form = world.provider_form();
        form.allow_unverified = false;
        services.git_providers.edit(&mira, id, form.clone()).await.unwrap();
        let fine = world.forge.create_token(NewToken::fine_grained("mira", [("contents", Level::Write)])).unwrap().value;
        let Err(TokenError::Refused { outcome: CheckOutcome::Accepted(findings), .. }) =
            services.tokens.put(&mira, runtime, &fine.clone().into()).await
        else {
            panic!("nobody allowed it")
        };
        assert_eq!(findings.status(), TokenStatus::Unverified);

        form.allow_unverified = true;
        services.git_providers.edit(&mira, id, form).await.unwrap();
        services.tokens.put(&mira, runtime, &fine.into()).await.unwrap();
        assert_eq!(token(&world, &mira, 0).await.status, TokenStatus::Unverified);
        let events = world.store.audit_events_after(mira.account(), 0, 100).await.unwrap();
        let told = |action: &str| events.iter().find(|event| event.action == action).map(|event| event.detail.as_str());
        assert!(told("git_provider.unverified_allowed").is_some_and(|detail| detail.contains("allowed")));
        assert!(told("git_provider.unverified_refused").is_some());
        assert!(told("token.stored").is_some_and(|detail| detail.ends_with("permissions unverified")));
    }

    async fn an_expiry_is_entered_where_the_provider_does_not_tell(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime_at(&mira, ProviderKind::Forgejo, Provider::Forgejo).await;
        let tokens = &world.services.tokens;
        let new = NewToken::of_kind(TokenKind::Forgejo, "mira", ["write:repository", "read:user"]);
        let value = world.forge.create_token(new).unwrap().value;
        let form = |ends_on: &str| TokenForm {
            token: value.clone().into(),
            ends_on: ends_on.to_owned(),
            ..TokenForm::default()
        };
        let refused = tokens.put(&mira, runtime, &form("yesterday")).await;
        let Err(TokenError::Invalid(errors)) = refused else { panic!("{refused:?}") };
        assert!(errors.at("ends_on").is_some());
        tokens.put(&mira, runtime, &form("2026-12-20")).await.unwrap();
        let Expiry::At(end) = token(&world, &mira, 0).await.expiry else { panic!("it was entered") };
        assert_eq!(end.date(), "20 Dec 2026");
        assert!(token(&world, &mira, 0).await.expiry_note.contains("as entered"));

        tokens.enter_expiry(&mira, runtime, "2026-12-24").await.unwrap();
        tokens.check(&mira, runtime).await.unwrap();
        let Expiry::At(end) = token(&world, &mira, 0).await.expiry else { panic!("it was entered") };
        assert_eq!(end.date(), "24 Dec 2026");
        // It works on after that day, so that was not its end. What was entered is kept, and shown.
        world.clock.forward(60 * 86_400);
        tokens.check(&mira, runtime).await.unwrap();
        let view = token(&world, &mira, 0).await;
        assert_eq!(view.expiry, Expiry::Unknown);
        assert!(view.expiry_note.contains("24 Dec 2026") && view.expiry_note.contains("after that"), "{}", view.expiry_note);
        // An outage does not bring the wrong end back.
        world.forge.add_fault(FaultRule::new(Fault::Status { status: 500 }));
        tokens.check(&mira, runtime).await.unwrap();
        assert_eq!(token(&world, &mira, 0).await.expiry, Expiry::Unknown);

        tokens.enter_expiry(&mira, runtime, "").await.unwrap();
        assert!(token(&world, &mira, 0).await.expiry_note.ends_with("does not tell"));
        let entered = actions(&world, &mira).await.into_iter().filter(|action| action == "token.expiry_entered");
        assert_eq!(entered.count(), 2);
    }

    async fn the_providers_word_on_the_expiry_counts_and_the_conflict_shows(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let end = time::macros::datetime!(2027-01-20 00:00 UTC);
        world.forge.set_clock(Some(time::macros::datetime!(2026-11-22 12:00 UTC)));
        let value = world.forge.create_token(NewToken::classic("mira", ["repo"]).expires_at(end)).unwrap().value;
        let form = TokenForm { token: value.into(), ends_on: "2027-03-01".to_owned(), ..TokenForm::default() };
        world.services.tokens.put(&mira, runtime, &form).await.unwrap();
        let view = token(&world, &mira, 0).await;
        assert_eq!(view.expiry, Expiry::At(domain::Timestamp::from_seconds(end.unix_timestamp())));
        assert!(view.expiry_note.contains("1 Mar 2027 was entered"), "{}", view.expiry_note);
    }

    async fn one_token_serves_several_runtimes_each_on_its_own(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let dev = world.runtime(&mira, "dev").await;
        let prod = world.runtime(&mira, "prod").await;
        let stage = world.runtime(&mira, "stage").await;
        let tokens = &world.services.tokens;
        tokens.put(&mira, dev, &classic(&world, "mira").into()).await.unwrap();
        let targets = tokens.share_targets(&mira, dev).await.unwrap();
        assert_eq!(targets.iter().map(|target| (target.name.as_str(), target.shares)).collect::<Vec<_>>(), [
            ("prod", false),
            ("stage", false),
        ]);
        world.forge.clear_requests();
        let shared = tokens.share(&mira, dev, &[prod, stage]).await.unwrap();
        assert!(shared.iter().all(|shared| shared.result.is_ok()) && shared.len() == 2);
        assert_eq!(world.forge.requests().len(), 2, "each was checked");
        let others = |view: TokenView| view.shared.into_iter().map(|(_, name)| name).collect::<Vec<_>>();
        assert_eq!(others(token(&world, &mira, 0).await), ["prod", "stage"]);
        assert_eq!(others(token(&world, &mira, 1).await), ["dev", "stage"]);
        assert_eq!(others(tokens.row(&mira, dev).await.unwrap().token.unwrap()), ["prod", "stage"]);
        tokens.check(&mira, stage).await.unwrap();

        // Replacing one leaves the others as they are; they can follow.
        tokens.put(&mira, dev, &classic(&world, "mira").into()).await.unwrap();
        assert_eq!(others(token(&world, &mira, 0).await), Vec::<String>::new());
        assert_eq!(others(token(&world, &mira, 1).await), ["stage"]);
        tokens.share(&mira, dev, &[prod]).await.unwrap();
        assert_eq!(others(token(&world, &mira, 0).await), ["prod"]);
        tokens.delete(&mira, dev, false).await.unwrap();
        assert_eq!(others(token(&world, &mira, 1).await), Vec::<String>::new());
        assert_eq!(actions(&world, &mira).await.iter().filter(|action| *action == "token.shared").count(), 3);
    }

    async fn a_runtime_that_refuses_a_shared_token_keeps_its_own(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let dev = world.runtime(&mira, "dev").await;
        let prod = world.runtime(&mira, "prod").await;
        let tokens = &world.services.tokens;
        tokens.put(&mira, dev, &classic(&world, "mira").into()).await.unwrap();
        tokens.put(&mira, prod, &classic(&world, "mira").into()).await.unwrap();
        let before = token(&world, &mira, 1).await;
        world.forge.add_fault(FaultRule::new(Fault::Status { status: 503 }));
        let shared = tokens.share(&mira, dev, &[prod]).await.unwrap();
        assert!(matches!(shared[0].result, Err(TokenError::Refused { .. })));
        assert_eq!(token(&world, &mira, 1).await.id, before.id);
        // What is of another provider cannot be shared with, nor what is not there.
        let elsewhere = world.runtime_at(&mira, ProviderKind::GitLab, Provider::GitLab).await;
        for target in [elsewhere, dev, domain::RuntimeId(uuid::Uuid::from_u128(5))] {
            let shared = tokens.share(&mira, dev, &[target]).await.unwrap();
            assert!(matches!(shared[0].result, Err(TokenError::NotFound)));
        }
    }

    async fn somebody_elses_token_is_known(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let jonas = jonas(&world).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let tokens = &world.services.tokens;
        let miras = classic(&world, "mira");
        tokens.put(&mira, runtime, &miras.clone().into()).await.unwrap();
        world.forge.clear_requests();
        let refused = tokens.put(&jonas, runtime, &miras.clone().into()).await;
        let Err(TokenError::Misplaced(Misplaced::OfPerson { name })) = refused else { panic!("{refused:?}") };
        assert_eq!(name, "Mira Rao");
        let refused = tokens.put(&mira, At::runtime_token(runtime), &miras.into()).await;
        assert!(matches!(refused, Err(TokenError::Misplaced(Misplaced::OfPerson { .. }))), "{refused:?}");
        assert!(world.forge.requests().is_empty(), "the provider was not asked");

        // Another token of the same identity: asked back, and taken when it is meant so.
        let again = classic(&world, "mira");
        let refused = tokens.put(&jonas, runtime, &again.clone().into()).await;
        let Err(TokenError::Foreign(Foreign { identity, why: ForeignWhy::SharedWith(name) })) = refused else { panic!("{refused:?}") };
        assert_eq!((identity.login.as_str(), name.as_str()), ("mira", "Mira Rao"));
        assert!(tokens.page(&jonas).await.unwrap().rows[0].token.is_none());
        let form = TokenForm { token: again.into(), confirmed: identity.id, ..TokenForm::default() };
        tokens.put(&jonas, runtime, &form).await.unwrap();
    }

    async fn an_identity_other_than_ones_own_is_asked_back(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        world.forge.put_account("robot", forge::Account::with_password(PASSWORD));
        let dev = world.runtime(&mira, "dev").await;
        let prod = world.runtime(&mira, "prod").await;
        let tokens = &world.services.tokens;
        tokens.put(&mira, dev, &classic(&world, "mira").into()).await.unwrap();
        let refused = tokens.put(&mira, prod, &classic(&world, "robot").into()).await;
        let Err(TokenError::Foreign(Foreign { identity, why: ForeignWhy::OtherThanOwn(own) })) = refused else { panic!("{refused:?}") };
        assert_eq!((identity.login.as_str(), own.as_str()), ("robot", "mira"));
        // Replacing the only one by another identity's is no surprise.
        tokens.put(&mira, dev, &classic(&world, "robot").into()).await.unwrap();
    }

    async fn a_token_of_another_provider_is_not_sent_to_this_one(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let services = &world.services;
        let value = classic(&world, "mira");
        services.tokens.put(&mira, runtime, &value.clone().into()).await.unwrap();
        let other = backend::git_providers::GitProviderForm {
            kind: "github".to_owned(),
            base_url: "https://github.acme.dev".to_owned(),
            ..Default::default()
        };
        let other = services.git_providers.register(&mira, other).await.unwrap();
        let form = backend::runtimes::RuntimeForm { name: "elsewhere".to_owned(), provider: other.to_string(), ..Default::default() };
        let elsewhere = services.runtimes.register(&mira, form).await.unwrap();
        let refused = services.tokens.put(&mira, elsewhere, &value.into()).await;
        let Err(TokenError::Misplaced(Misplaced::OfProvider { stored, wanted })) = refused else { panic!("{refused:?}") };
        assert_eq!((stored, wanted.as_str()), (domain::provider::host(&world.forge.url()), "github.acme.dev"));
    }

    async fn a_runtime_token_is_the_admins_and_needs_its_own_profile(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let services = &world.services;
        let at = At::runtime_token(runtime);
        let short = services.tokens.put(&mira, at, &classic(&world, "mira").into()).await;
        let Err(TokenError::Refused { outcome: CheckOutcome::Accepted(findings), .. }) = short else { panic!("{short:?}") };
        assert!(findings.scopes.iter().any(|f| f.scope.as_str() == "admin:repo_hook" && f.standing == Standing::Missing));
        let robot = || world.forge.create_token(NewToken::classic("mira", ["repo", "admin:repo_hook"])).unwrap().value;
        let first = robot();
        services.tokens.put(&mira, at, &first.clone().into()).await.unwrap();
        services.tokens.put(&mira, at, &robot().into()).await.unwrap();
        services.tokens.check(&mira, at).await.unwrap();
        let row = services.runtimes.page(&mira).await.unwrap().runtimes.remove(0);
        assert_eq!(row.token.map(|token| token.status), Some(TokenStatus::Valid));
        assert_eq!(row.tokens, 0, "no person has one");
        assert!(services.tokens.page(&mira).await.unwrap().rows[0].token.is_none());

        // Nobody's own: not to be pasted as a person's.
        let value = robot();
        services.tokens.put(&mira, at, &value.clone().into()).await.unwrap();
        let refused = services.tokens.put(&mira, runtime, &value.into()).await;
        assert!(matches!(refused, Err(TokenError::Misplaced(Misplaced::OfRuntime { .. }))), "{refused:?}");
        services.tokens.delete(&mira, at, false).await.unwrap();
        assert!(services.runtimes.page(&mira).await.unwrap().runtimes[0].token.is_none());
    }

    async fn a_member_has_no_hand_on_runtime_tokens_and_profiles(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let id = provider(&world, &mira).await;
        let member = world.mira_as_member().await;
        let services = &world.services;
        let at = At::runtime_token(runtime);
        let form: TokenForm = classic(&world, "mira").into();
        for result in [
            services.tokens.put(&member, at, &form).await.map(drop),
            services.tokens.check(&member, at).await.map(drop),
            services.tokens.delete(&member, at, false).await.map(drop),
            services.tokens.row(&member, at).await.map(drop),
            services.tokens.share(&member, at, &[]).await.map(drop),
            services.tokens.enter_expiry(&member, at, "").await,
        ] {
            assert!(matches!(result, Err(TokenError::Access(AccessError::NotAdmin))), "{result:?}");
        }
        for result in [
            services.git_providers.profiles(&member, id).await.map(drop),
            services.git_providers.choose_scopes(&member, id, &[]).await,
        ] {
            assert!(matches!(result, Err(GitProviderError::Access(AccessError::NotAdmin))), "{result:?}");
        }
    }

    async fn a_token_is_stored_only_where_it_was_checked(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let services = &world.services;
        let other = backend::git_providers::GitProviderForm {
            kind: "github".to_owned(),
            base_url: "https://github.acme.dev".to_owned(),
            ..Default::default()
        };
        let other = services.git_providers.register(&mira, other).await.unwrap();
        // While the provider is asked, an admin gives the runtime another one.
        world.forge.add_fault(FaultRule::new(Fault::Delay { millis: 700 }).once());
        let form = TokenForm::from(classic(&world, "mira"));
        let change = async {
            while world.forge.requests().is_empty() {
                tokio::task::yield_now().await;
            }
            let form = backend::runtimes::RuntimeForm {
                name: "prod-eu".to_owned(),
                provider: other.to_string(),
                ..Default::default()
            };
            services.runtimes.edit(&mira, runtime, form).await.unwrap();
        };
        let (stored, ()) = tokio::join!(services.tokens.put(&mira, runtime, &form), change);
        assert!(matches!(stored, Err(TokenError::NotFound)), "{stored:?}");
        assert!(services.tokens.page(&mira).await.unwrap().rows[0].token.is_none());
    }

    async fn deleting_a_runtime_or_a_provider_is_recorded(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        world.services.tokens.put(&mira, runtime, &classic(&world, "mira").into()).await.unwrap();
        let id = provider(&world, &mira).await;
        world.services.runtimes.delete(&mira, runtime).await.unwrap();
        world.services.git_providers.delete(&mira, id).await.unwrap();
        let mut done = actions(&world, &mira).await;
        done.sort();
        assert_eq!(
            done,
            [
                "account.created",
                "git_provider.deleted",
                "git_provider.registered",
                "runtime.deleted",
                "runtime.registered",
                "token.deleted",
                "token.stored"
            ]
        );
    }

    async fn one_of_the_account_of_runtime_tokens_is_asked_back_about(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let tokens = &world.services.tokens;
        let robot = world.forge.create_token(NewToken::classic("mira", ["repo", "admin:repo_hook"])).unwrap().value;
        tokens.put(&mira, At::runtime_token(runtime), &robot.into()).await.unwrap();
        let refused = tokens.put(&mira, runtime, &classic(&world, "mira").into()).await;
        assert!(
            matches!(&refused, Err(TokenError::Foreign(Foreign { why: ForeignWhy::OfRuntimes, .. }))),
            "{refused:?}"
        );
        // What was confirmed is that identity, no other.
        world.forge.put_account("carol", forge::Account::with_password(PASSWORD));
        let Err(TokenError::Foreign(Foreign { identity, .. })) = refused else { return };
        let carols = TokenForm {
            token: world.forge.create_token(NewToken::classic("carol", ["repo", "admin:repo_hook"])).unwrap().value.into(),
            confirmed: identity.id.clone(),
            ..TokenForm::default()
        };
        let at_another = world.runtime(&mira, "prod-us").await;
        let own = TokenForm { token: classic(&world, "mira").into(), confirmed: identity.id, ..TokenForm::default() };
        tokens.put(&mira, runtime, &own).await.unwrap();
        let refused = tokens.put(&mira, at_another, &carols).await;
        assert!(matches!(refused, Err(TokenError::Foreign(_))), "{refused:?}");
    }
}
