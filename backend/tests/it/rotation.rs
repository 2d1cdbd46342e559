//! A token is changed for a new one, and none is lost.

use crate::support::{ManualClock, World, on_both_databases, services};
use backend::{
    Services,
    access::Member,
    clock::Clock as _,
    rotation::{LEASE, RotationError, RotationOutcome, RotationRun, Step, Watch},
    store::Store,
};
use domain::{
    CheckOutcome, Expiry, ProviderKind, RotationRefusal, RuntimeId, Setback, TokenStatus, check::Trouble,
    view::TokenView,
};
use forge::{Fault, FaultRule, IssuedToken, NewToken, Provider, TokenKind};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection};
use secrecy::ExposeSecret as _;
use std::{pin::Pin, sync::Arc, time::Duration};
use time::OffsetDateTime;
use tokio::sync::watch;

pub(crate) const ROTATE: &str = "/api/v4/personal_access_tokens/self/rotate";
const DAY: i64 = 86_400;

/// A runtime at GitLab.
pub(crate) async fn runtime(world: &World, mira: &Member, name: &str) -> RuntimeId {
    world
        .named_runtime_at(mira, name, ProviderKind::GitLab, Provider::GitLab)
        .await
}

/// A token with these scopes that ends in 30 days, stored for a runtime.
pub(crate) async fn token(world: &World, mira: &Member, runtime: RuntimeId, scopes: &[&str]) -> IssuedToken {
    synchronise(world);
    let end = now(&world.clock) + time::Duration::days(30);
    let new = NewToken::of_kind(TokenKind::GitlabPersonal, "mira", scopes.iter().copied()).expires_at(end);
    let token = world.forge.create_token(new).unwrap();
    world
        .services
        .tokens
        .put(mira, runtime, &token.value.clone().into())
        .await
        .unwrap();
    token
}

const ENOUGH: &[&str] = &["read_api", "write_repository", "self_rotate"];

fn now(clock: &ManualClock) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(clock.now().as_millis() / 1000).unwrap()
}

fn synchronise(world: &World) {
    world.forge.set_clock(Some(now(&world.clock)));
}

/// Lets time pass, here and at the provider.
pub(crate) fn pass(world: &World, seconds: i64) {
    world.clock.forward(seconds);
    synchronise(world);
}

pub(crate) async fn view(services: &Services, mira: &Member, runtime: RuntimeId) -> TokenView {
    let rows = services.tokens.page(mira).await.unwrap().rows;
    let row = rows.into_iter().find(|row| row.runtime == runtime).unwrap();
    row.token.unwrap()
}

/// The hints of the tokens that live at the provider.
pub(crate) fn living(world: &World) -> Vec<String> {
    let tokens = world.forge.tokens().into_iter().filter(|token| !token.revoked);
    tokens.map(|token| token.hint).collect()
}

/// How often the provider was asked to rotate.
pub(crate) fn asked(world: &World) -> usize {
    let writes = world.forge.writes();
    writes.iter().filter(|request| request.path == ROTATE).count()
}

/// Waits until something is so.
pub(crate) async fn until(so: impl Fn() -> bool) {
    for _ in 0..6000 {
        if so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("it did not come to pass within 30 s");
}

/// A lost rotation: the stored token is dead, that is said, and nothing asks again.
async fn assert_lost(world: &World, services: &Services, mira: &Member, runtime: RuntimeId) {
    let view = view(services, mira, runtime).await;
    assert_eq!(view.status, TokenStatus::Invalid);
    assert!(view.rotation.contains("rotation was interrupted"));
    let before = asked(world);
    let again = services.rotation.rotate(mira, runtime).await;
    assert!(matches!(again, Err(RotationError::LastCheckRefused)), "{again:?}");
    assert_eq!(asked(world), before);
}

/// Does something at a step.
struct At<F>(Step, F);

impl<F, W> Watch for At<F>
where
    F: Fn() -> W + Send + Sync + 'static,
    W: Future<Output = ()> + Send + 'static,
{
    fn reached(&self, step: Step) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        if step == self.0 {
            Box::pin((self.1)())
        } else {
            Box::pin(std::future::ready(()))
        }
    }
}

/// Takes the table away while a new token is to be stored, and gives it back after the first failure.
struct Outage(DatabaseConnection);

impl Watch for Outage {
    fn reached(&self, step: Step) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(async move {
            let sql = match step {
                Step::Answered => "ALTER TABLE git_tokens RENAME TO out_of_reach",
                Step::NotStored => "ALTER TABLE out_of_reach RENAME TO git_tokens",
                _ => return,
            };
            self.0.execute_unprepared(sql).await.unwrap();
        })
    }
}

on_both_databases! {
    async fn a_new_token_lives_as_long_as_the_old_one_and_is_checked(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = runtime(&world, &mira, "prod-eu").await;
        let old = token(&world, &mira, runtime, ENOUGH).await;
        pass(&world, 25 * DAY);
        let outcome = world.services.rotation.rotate(&mira, runtime).await.unwrap();
        assert!(matches!(outcome, RotationOutcome::Rotated(Some(CheckOutcome::Accepted(_)))), "{outcome:?}");
        let view = view(&world.services, &mira, runtime).await;
        assert_eq!(living(&world), std::slice::from_ref(&view.hint));
        assert_ne!(view.hint, old.hint);
        let end = (now(&world.clock) + time::Duration::days(30)).replace_time(time::Time::MIDNIGHT);
        assert_eq!(view.expiry, Expiry::At(domain::Timestamp::from_seconds(end.unix_timestamp())));
        assert_eq!(view.checked_at, world.clock.now());
        assert!(view.offers.rotation && view.rotation.is_empty());
        assert!(matches!(world.services.tokens.check(&mira, runtime).await, Ok(CheckOutcome::Accepted(_))));
    }

    async fn every_runtime_that_holds_the_token_holds_the_new_one(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let prod = runtime(&world, &mira, "prod-eu").await;
        let staging = runtime(&world, &mira, "staging").await;
        let other = runtime(&world, &mira, "other").await;
        let bystander = token(&world, &mira, other, ENOUGH).await;
        let old = token(&world, &mira, prod, ENOUGH).await;
        world.services.tokens.put(&mira, staging, &old.value.into()).await.unwrap();
        world.services.rotation.rotate(&mira, staging).await.unwrap();
        let hint = async |runtime| view(&world.services, &mira, runtime).await.hint;
        let (prod_hint, staging_hint, other_hint) = (hint(prod).await, hint(staging).await, hint(other).await);
        assert_eq!((&prod_hint, &other_hint), (&staging_hint, &bystander.hint));
        assert_eq!(living(&world), [other_hint, prod_hint]);
        for runtime in [prod, staging, other] {
            assert!(matches!(world.services.tokens.check(&mira, runtime).await, Ok(CheckOutcome::Accepted(_))));
        }
    }

    async fn two_processes_at_once_lose_no_token(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = runtime(&world, &mira, "prod-eu").await;
        token(&world, &mira, runtime, ENOUGH).await;
        let store = Store::connect(world.database_url()).await.unwrap();
        let second = services(store, world.clock.clone(), 2).await;
        for round in 0..10 {
            let (one, two) = tokio::join!(
                world.services.rotation.rotate(&mira, runtime),
                second.rotation.rotate(&mira, runtime),
            );
            for outcome in [&one, &two] {
                let fine = matches!(
                    outcome,
                    Ok(RotationOutcome::Rotated(_)) | Err(RotationError::Busy | RotationError::NotFound)
                );
                assert!(fine, "round {round}: {one:?} {two:?}");
            }
            assert!(one.is_ok() || two.is_ok(), "round {round}");
            assert_eq!(living(&world), [view(&world.services, &mira, runtime).await.hint], "round {round}");
        }
    }

    async fn a_token_that_may_not_rotate_itself_is_left_alone(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = runtime(&world, &mira, "prod-eu").await;
        token(&world, &mira, runtime, &["read_api", "write_repository"]).await;
        let outcome = world.services.rotation.rotate(&mira, runtime).await.unwrap();
        assert_eq!(outcome, RotationOutcome::Refused(RotationRefusal::LacksScope));
        assert_eq!(asked(&world), 0);
        let view = view(&world.services, &mira, runtime).await;
        assert_eq!(view.status, TokenStatus::Valid);
        assert!(view.rotation.contains("self_rotate"));
    }

    async fn a_provider_that_does_not_rotate_is_not_asked(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let token = world.forge.create_token(NewToken::classic("mira", ["repo"])).unwrap();
        world.services.tokens.put(&mira, runtime, &token.value.into()).await.unwrap();
        let outcome = world.services.rotation.rotate(&mira, runtime).await.unwrap();
        assert_eq!(outcome, RotationOutcome::Refused(RotationRefusal::NotOffered));
        assert!(world.forge.writes().is_empty());
    }

    async fn what_the_provider_refuses_is_told_in_its_words(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = runtime(&world, &mira, "prod-eu").await;
        token(&world, &mira, runtime, ENOUGH).await;
        for (fault, outcome) in [
            (400, RotationOutcome::Refused(RotationRefusal::Policy("400 Bad Request".to_owned()))),
            (401, RotationOutcome::Refused(RotationRefusal::Dead)),
            (403, RotationOutcome::NotAsked(Setback::Forbidden)),
            (404, RotationOutcome::Refused(RotationRefusal::NotOffered)),
            (429, RotationOutcome::NotAsked(Setback::RateLimited { retry_at: None })),
        ] {
            world.forge.add_fault(FaultRule::new(Fault::Status { status: fault }).on_path(ROTATE).once());
            assert_eq!(world.services.rotation.rotate(&mira, runtime).await.unwrap(), outcome);
            let view = view(&world.services, &mira, runtime).await;
            assert!(!view.rotation.is_empty() && view.status == TokenStatus::ExcessScopes, "{view:?}");
        }
        let rotated = world.services.rotation.rotate(&mira, runtime).await.unwrap();
        assert!(matches!(rotated, RotationOutcome::Rotated(_)));
        assert_eq!(view(&world.services, &mira, runtime).await.rotation, "");
    }

    async fn a_dead_token_is_never_sent_to_be_rotated(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = runtime(&world, &mira, "prod-eu").await;
        let old = token(&world, &mira, runtime, ENOUGH).await;
        world.forge.revoke_token(old.id).unwrap();
        let outcome = world.services.rotation.rotate(&mira, runtime).await.unwrap();
        assert_eq!(outcome, RotationOutcome::Refused(RotationRefusal::Dead));
        assert_eq!(view(&world.services, &mira, runtime).await.status, TokenStatus::Invalid);
        let again = world.services.rotation.rotate(&mira, runtime).await;
        assert!(matches!(again, Err(RotationError::LastCheckRefused)));
        assert_eq!(asked(&world), 0);
    }

    async fn an_answer_that_is_lost_is_told_and_nothing_asks_again(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = runtime(&world, &mira, "prod-eu").await;
        for fault in [Fault::CloseMidBody, Fault::LateAnswer { millis: 60_000 }] {
            token(&world, &mira, runtime, ENOUGH).await;
            world.forge.add_fault(FaultRule::new(fault).on_path(ROTATE).once());
            let outcome = world.services.rotation.rotate(&mira, runtime).await.unwrap();
            assert_eq!(outcome, RotationOutcome::Interrupted);
            assert_lost(&world, &world.services, &mira, runtime).await;
        }
    }

    async fn a_provider_that_did_nothing_leaves_the_token_and_a_mark_until_that_is_sure(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = runtime(&world, &mira, "prod-eu").await;
        token(&world, &mira, runtime, ENOUGH).await;
        let rotation = &world.services.rotation;
        for (fault, trouble) in [
            (Fault::Status { status: 502 }, Trouble::ServerError(502)),
            (Fault::MalformedJson, Trouble::UnexpectedAnswer),
            (Fault::Html, Trouble::UnexpectedAnswer),
            (Fault::EmptyBody, Trouble::UnexpectedAnswer),
            (Fault::Redirect { status: 307, location: "/elsewhere".to_owned() }, Trouble::UnexpectedAnswer),
        ] {
            let before = asked(&world);
            world.forge.add_fault(FaultRule::new(fault).on_path(ROTATE).once());
            assert_eq!(rotation.rotate(&mira, runtime).await.unwrap(), RotationOutcome::Unknown { trouble, still_works: true });
            assert!(matches!(rotation.rotate(&mira, runtime).await, Err(RotationError::Busy)));
            assert_eq!((rotation.recover(world.clock.now()).await.unwrap(), asked(&world)), (0, before + 1));
            pass(&world, i64::try_from(LEASE.as_secs()).unwrap());
            assert_eq!(rotation.recover(world.clock.now()).await.unwrap(), 1);
            assert_eq!(view(&world.services, &mira, runtime).await.rotation, "");
        }
        assert!(matches!(rotation.rotate(&mira, runtime).await.unwrap(), RotationOutcome::Rotated(_)));
    }

    async fn a_provider_that_is_down_changes_nothing(database: TestDatabase) {
        let (mut world, mira) = World::set_up(database).await;
        let runtime = runtime(&world, &mira, "prod-eu").await;
        token(&world, &mira, runtime, ENOUGH).await;
        std::mem::replace(&mut world.forge, forge::Forge::start().await).stop().await;
        let outcome = world.services.rotation.rotate(&mira, runtime).await.unwrap();
        assert_eq!(outcome, RotationOutcome::NotAsked(Setback::Unreachable(Trouble::NoConnection)));
        let view = view(&world.services, &mira, runtime).await;
        assert!(view.rotation.contains("works as before"));
    }

    async fn a_database_that_fails_just_then_is_tried_until_it_takes_the_new_token(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = runtime(&world, &mira, "prod-eu").await;
        token(&world, &mira, runtime, ENOUGH).await;
        let other = Database::connect(world.database_url().expose_secret()).await.unwrap();
        let rotation = world.services.rotation.clone().watched(Arc::new(Outage(other)));
        let outcome = rotation.rotate(&mira, runtime).await.unwrap();
        assert!(matches!(outcome, RotationOutcome::Rotated(Some(CheckOutcome::Accepted(_)))), "{outcome:?}");
        assert_eq!(living(&world), [view(&world.services, &mira, runtime).await.hint]);
    }

    async fn a_caller_that_goes_away_cuts_nothing_off_and_stopping_waits(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = runtime(&world, &mira, "prod-eu").await;
        let old = token(&world, &mira, runtime, ENOUGH).await;
        world.forge.add_fault(FaultRule::new(Fault::LateAnswer { millis: 300 }).on_path(ROTATE).once());
        let rotation = &world.services.rotation;
        tokio::select! {
            outcome = rotation.rotate(&mira, runtime) => panic!("it ended before: {outcome:?}"),
            () = until(|| !living(&world).contains(&old.hint)) => {}
        }
        rotation.finish().await;
        assert_eq!(living(&world), [view(&world.services, &mira, runtime).await.hint]);
        assert!(matches!(rotation.rotate(&mira, runtime).await, Err(RotationError::Stopping)));
    }

    async fn a_token_that_is_deleted_while_it_is_rotated_does_not_live_on_unseen(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = runtime(&world, &mira, "prod-eu").await;
        token(&world, &mira, runtime, ENOUGH).await;
        let (tokens, who) = (world.services.tokens.clone(), mira.clone());
        let delete = At(Step::Answered, move || {
            let (tokens, who) = (tokens.clone(), who.clone());
            async move {
                tokens.delete(&who, runtime, false).await.unwrap();
            }
        });
        let outcome = world.services.rotation.clone().watched(Arc::new(delete)).rotate(&mira, runtime).await;
        assert!(matches!(outcome, Err(RotationError::NotFound)), "{outcome:?}");
        assert!(living(&world).is_empty());
    }

    async fn the_background_rotates_what_is_due_where_it_is_switched_on(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let on = runtime(&world, &mira, "on").await;
        let off = runtime(&world, &mira, "off").await;
        let short = runtime(&world, &mira, "short").await;
        let rotation = &world.services.rotation;
        for runtime in [on, short] {
            world.rotate_tokens(&mira, runtime, true).await;
        }
        let old = token(&world, &mira, on, ENOUGH).await;
        let kept = token(&world, &mira, off, ENOUGH).await;
        token(&world, &mira, short, &["read_api", "write_repository"]).await;
        let due = |run: RotationRun| (run.settled, run.rotated, run.not_rotated);
        pass(&world, 20 * DAY);
        assert_eq!(due(rotation.rotate_due(world.clock.now()).await.unwrap()), (0, 0, 0));
        pass(&world, 4 * DAY);
        assert_eq!(due(rotation.rotate_due(world.clock.now()).await.unwrap()), (0, 1, 1));
        assert_ne!(view(&world.services, &mira, on).await.hint, old.hint);
        assert_eq!(view(&world.services, &mira, off).await.hint, kept.hint);
        // Neither the new one nor the one that cannot.
        assert_eq!(due(rotation.rotate_due(world.clock.now()).await.unwrap()), (0, 0, 0));
        pass(&world, DAY);
        assert_eq!(due(rotation.rotate_due(world.clock.now()).await.unwrap()), (0, 0, 1));
        world.rotate_tokens(&mira, short, false).await;
        pass(&world, DAY);
        assert_eq!(due(rotation.rotate_due(world.clock.now()).await.unwrap()), (0, 0, 0));
    }

    async fn a_host_that_does_not_answer_is_tried_once_a_run_and_nothing_begins_after_stop(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let rotation = &world.services.rotation;
        for name in ["one", "two", "three"] {
            let runtime = runtime(&world, &mira, name).await;
            token(&world, &mira, runtime, ENOUGH).await;
            world.rotate_tokens(&mira, runtime, true).await;
        }
        pass(&world, 25 * DAY);
        let (told, stop) = watch::channel(true);
        let run = rotation.rotate_due_until(world.clock.now(), &stop).await.unwrap();
        assert_eq!((run, asked(&world)), (RotationRun::default(), 0));
        told.send_replace(false);
        world.forge.add_fault(FaultRule::new(Fault::Status { status: 429 }).on_path(ROTATE).once());
        let once = RotationRun { not_rotated: 1, ..RotationRun::default() };
        assert_eq!(rotation.rotate_due_until(world.clock.now(), &stop).await.unwrap(), once);
        assert_eq!(asked(&world), 1);
        let others = RotationRun { rotated: 2, ..RotationRun::default() };
        assert_eq!(rotation.rotate_due(world.clock.now()).await.unwrap(), others);
    }

    async fn an_interrupted_token_that_reached_its_end_is_not_said_to_be_rotated(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = runtime(&world, &mira, "prod-eu").await;
        token(&world, &mira, runtime, ENOUGH).await;
        pass(&world, 29 * DAY);
        let db = Database::connect(world.database_url().expose_secret()).await.unwrap();
        let mark = format!("UPDATE git_tokens SET rotation_started_at = {}", world.clock.now().as_millis());
        db.execute_unprepared(&mark).await.unwrap();
        db.close().await.unwrap();
        pass(&world, 2 * DAY);
        assert_eq!(world.services.rotation.recover(world.clock.now()).await.unwrap(), 1);
        assert_eq!(view(&world.services, &mira, runtime).await.rotation, "");
        assert_eq!(asked(&world), 0);
    }

    async fn what_could_not_be_looked_at_is_not_said_to_work(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = runtime(&world, &mira, "prod-eu").await;
        token(&world, &mira, runtime, ENOUGH).await;
        for path in [ROTATE, "/api/v4/user"] {
            world.forge.add_fault(FaultRule::new(Fault::Status { status: 502 }).on_path(path));
        }
        let outcome = world.services.rotation.rotate(&mira, runtime).await.unwrap();
        let unknown = RotationOutcome::Unknown { trouble: Trouble::ServerError(502), still_works: false };
        assert_eq!(outcome, unknown);
    }
}
