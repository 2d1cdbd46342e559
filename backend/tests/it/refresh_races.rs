//! What happens to a token while it is refreshed, and what one token's trouble means for others.

use crate::{
    oauth::{KINDS, Stage, form},
    refresh::{TOKEN, UNTIL_DUE, asked, at_gitlab, grant, live, pass, ran, run, same_time},
    rotation::until,
    support::{TestDatabase, Vault, World, accepted, on_both_databases, seed_tokens},
};
use backend::{
    clock::Clock as _,
    git_providers::GitProviderForm,
    oauth::{Live, REFRESH_LEASE, RefreshRun},
    runtimes::RuntimeForm,
};
use domain::{Expiry, ProviderKind, RefreshNote, TokenStatus};
use forge::{Fault, FaultRule, Forge, OAuthApplicationChange};
use sea_orm::{ConnectionTrait as _, Database, DbBackend, Statement, TransactionTrait as _};
use secrecy::ExposeSecret as _;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Long enough to do something while the provider's answer is on its way.
const LATE: Fault = Fault::LateAnswer { millis: 700 };

fn once(stage: &Stage, fault: Fault) {
    let rule = FaultRule::new(fault).on_path(TOKEN).on_method("POST").once();
    stage.world.forge.add_fault(rule);
}

/// Refreshes what is due, and comes back when the provider has done it and its answer is on the way.
async fn refreshing(stage: &Stage) -> JoinHandle<RefreshRun> {
    let before = asked(stage);
    let refresh = stage.world.services.refresh.clone();
    let now = stage.world.clock.now();
    let run = tokio::spawn(async move { refresh.refresh_due(now).await.unwrap() });
    until(|| asked(stage) > before).await;
    run
}

/// The access token that is stored, and whether the provider accepts it.
async fn stored(stage: &Stage) -> (String, bool) {
    let vault = Vault::of(&stage.world, 78).await;
    let value = vault.open(&grant(stage).await).await;
    let accepted = accepted(&stage.world, std::slice::from_ref(&value)).await;
    (value, accepted[0])
}

on_both_databases! {
    async fn who_saw_it_before_somebody_tried_does_not_try_after_that(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        pass(&stage, UNTIL_DUE);
        let seen = grant(&stage).await;
        let (store, now) = (&stage.world.store, stage.world.clock.now());
        let lease = now.plus(REFRESH_LEASE);
        // It is tried again later.
        once(&stage, Fault::Status { status: 503 });
        assert_eq!(run(&stage).await, ran(0, 1));
        assert!(!store.take_refresh(&seen, now, lease, None).await.unwrap(), "its pause is kept");
        // It is refreshed.
        pass(&stage, Duration::from_hours(1));
        let now = stage.world.clock.now();
        let failed = grant(&stage).await;
        assert_eq!(run(&stage).await, ran(1, 0));
        for seen in [&seen, &failed] {
            assert!(!store.take_refresh(seen, now, now.plus(REFRESH_LEASE), None).await.unwrap());
        }
        let fresh = grant(&stage).await;
        assert!(!store.take_refresh(&fresh, now, now.plus(REFRESH_LEASE), None).await.unwrap(), "it is not due");
        assert_eq!((stored(&stage).await.1, stage.living()), (true, 1));
    }

    async fn what_was_refused_for_good_is_asked_by_nobody_who_saw_it_before(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        stage.world.forge.revoke_grant(stage.world.forge.grants()[0].id).unwrap();
        pass(&stage, UNTIL_DUE);
        let seen = grant(&stage).await;
        assert_eq!(run(&stage).await, ran(0, 1));
        let now = stage.world.clock.now();
        assert!(!stage.world.store.take_refresh(&seen, now, now.plus(REFRESH_LEASE), None).await.unwrap());
        // Its time has not come yet, but it was looked at, and is dead.
        assert_eq!(stage.view().await.unwrap().status, TokenStatus::Invalid);
        let dead = live(&stage).await;
        assert!(matches!(&dead, Live::Dead { why } if why.contains("invalid_grant")), "{dead:?}");
    }

    async fn an_application_that_is_deleted_while_a_token_is_refreshed(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        let before = stored(&stage).await.0;
        pass(&stage, UNTIL_DUE);
        once(&stage, LATE);
        let run = refreshing(&stage).await;
        let applications = &stage.world.services.oauth_applications;
        applications.delete(&stage.mira, stage.application).await.unwrap();
        assert_eq!(run.await.unwrap(), ran(1, 0));
        // The new pair is stored, for the old one is dead; and it is the last.
        let (after, accepted) = stored(&stage).await;
        assert!(accepted && after != before);
        let now = grant(&stage).await;
        assert_eq!((now.note, now.due, now.generation), (Some(RefreshNote::NoApplication), None, 1));
        let token = stage.view().await.unwrap();
        let end = stage.world.clock.now().plus(Duration::from_hours(2));
        assert_eq!((token.expiry, token.status), (Expiry::At(end), TokenStatus::Valid));
        assert!(token.rotation.contains("OAuth application was deleted"), "{}", token.rotation);
        assert!(matches!(live(&stage).await, Live::Token(_)));
        pass(&stage, Duration::from_hours(2));
        assert_eq!((self::run(&stage).await, asked(&stage)), (ran(0, 0), 1));
        let dead = live(&stage).await;
        assert!(matches!(&dead, Live::Dead { why } if why.contains("OAuth application was deleted")), "{dead:?}");
    }

    async fn an_application_that_is_deleted_while_a_refresh_fails(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        let end = grant(&stage).await.access_ends.unwrap();
        pass(&stage, UNTIL_DUE);
        let due = grant(&stage).await;
        let now = stage.world.clock.now();
        assert!(stage.world.store.take_refresh(&due, now, now.plus(REFRESH_LEASE), None).await.unwrap());
        let applications = &stage.world.services.oauth_applications;
        applications.delete(&stage.mira, stage.application).await.unwrap();
        let ended = backend::store::RefreshEnd {
            note: RefreshNote::Failing { since: now, why: "it did not answer in time".to_owned() },
            due: Some(now.plus(Duration::from_mins(1))),
            failures: 1,
            in_doubt: false,
            event: None,
        };
        stage.world.store.end_refresh(&due, ended).await.unwrap();
        let after = grant(&stage).await;
        assert_eq!((after.note, after.due), (Some(RefreshNote::NoApplication), None));
        assert_eq!(stage.view().await.unwrap().expiry, Expiry::At(end));
        assert!(matches!(live(&stage).await, Live::Token(_)), "it works until its end");
    }

    async fn a_new_pair_is_saved_although_the_database_fails_at_first(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        let before = stored(&stage).await.0;
        pass(&stage, UNTIL_DUE);
        once(&stage, LATE);
        let db = Database::connect(stage.world.database_url().expose_secret()).await.unwrap();
        let run = refreshing(&stage).await;
        db.execute_unprepared("ALTER TABLE oauth_grants RENAME TO out_of_reach").await.unwrap();
        // The time for which it is out of reach: the answer comes within, and is tried to be saved more than once.
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert!(!run.is_finished());
        db.execute_unprepared("ALTER TABLE out_of_reach RENAME TO oauth_grants").await.unwrap();
        db.close().await.unwrap();
        assert_eq!(run.await.unwrap(), ran(1, 0));
        let (after, accepted) = stored(&stage).await;
        assert!(accepted && after != before);
        assert_eq!((grant(&stage).await.note, stage.view().await.unwrap().status), (None, TokenStatus::Valid));
        assert_eq!((asked(&stage), stage.living()), (1, 1));
    }

    async fn a_token_of_a_runtime_that_goes_while_it_is_refreshed_is_taken_back(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        pass(&stage, UNTIL_DUE);
        once(&stage, LATE);
        let run = refreshing(&stage).await;
        assert_eq!(stage.living(), 1, "the provider has made the new one");
        let db = Database::connect(stage.world.database_url().expose_secret()).await.unwrap();
        db.execute_unprepared("DELETE FROM git_tokens").await.unwrap();
        db.close().await.unwrap();
        assert_eq!(run.await.unwrap(), ran(0, 0));
        assert_eq!(stage.living(), 0);
        assert!(stage.view().await.is_none());
    }

    async fn a_wrong_client_secret_costs_nothing_at_any_kind(database: TestDatabase) {
        let (mut world, _) = World::set_up(database).await;
        for (kind, provider) in KINDS {
            let stage = Stage::in_world(world, kind, provider, |application| application.expiring(true)).await;
            same_time(&stage);
            stage.world.forge.clear_requests();
            stage.authorize().await.unwrap();
            let fresh = grant(&stage).await;
            let life = fresh.refresh_ends.map(|end| end.as_millis() - stage.world.clock.now().as_millis());
            let other = OAuthApplicationChange {
                client_secret: Some("another".to_owned()),
                ..OAuthApplicationChange::default()
            };
            stage.world.forge.change_oauth_application(stage.at_forge.id, other).unwrap();
            let left = fresh.due.unwrap().as_millis() - stage.world.clock.now().as_millis();
            pass(&stage, Duration::from_millis(left.unsigned_abs()));
            assert_eq!(run(&stage).await, ran(0, 1), "{kind:?}");
            let failing = grant(&stage).await;
            assert!(matches!(failing.note, Some(RefreshNote::Failing { .. })), "{kind:?}: {:?}", failing.note);
            assert!(matches!(live(&stage).await, Live::Token(_)), "{kind:?}: it has not ended yet");

            let mut mended = form(&stage.at_forge, "");
            mended.client_secret = "another".to_owned().into();
            stage.world.services.oauth_applications.edit(&stage.mira, stage.application, &mended).await.unwrap();
            pass(&stage, Duration::from_mins(1));
            assert_eq!(run(&stage).await, ran(1, 0), "{kind:?}");
            let after = grant(&stage).await;
            assert_eq!((after.note, after.failures), (None, 0), "{kind:?}");
            // The end of the refresh token begins anew with each.
            let again = after.refresh_ends.map(|end| end.as_millis() - stage.world.clock.now().as_millis());
            assert_eq!(again, life, "{kind:?}");
            let days = life.map(|life| life / 86_400_000);
            let expected = match kind {
                ProviderKind::GitHub => Some(184),
                ProviderKind::GitLab => None,
                ProviderKind::BitbucketCloud => Some(90),
                _ => days,
            };
            assert_eq!(days, expected, "{kind:?}");
            stage.world.services.tokens.delete(&stage.mira, stage.runtime, true).await.unwrap();
            stage.world.services.runtimes.delete(&stage.mira, stage.runtime).await.unwrap();
            world = stage.world;
        }
    }

    async fn many_tokens_of_a_provider_that_is_down_keep_no_other_from_its_turn(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        let services = &stage.world.services;
        // A GitLab elsewhere, that is down.
        let gone = Forge::start().await;
        let url = gone.url();
        gone.stop().await;
        let down = GitProviderForm {
            kind: ProviderKind::GitLab.as_str().to_owned(),
            name: "Down".to_owned(),
            base_url: url,
            api_url: String::new(),
            allow_unverified: true,
        };
        let down = services.git_providers.register(&stage.mira, down).await.unwrap();
        let applications = &services.oauth_applications;
        let page = applications.page(&stage.mira).await.unwrap();
        let next = page.iter().find(|of| of.id == down).unwrap().next.clone().unwrap();
        let application = form(&stage.at_forge, "read_api,write_repository");
        applications.register(&stage.mira, down, next.id, &application).await.unwrap();
        let mut runtimes = Vec::new();
        for number in 0..230 {
            let form = RuntimeForm {
                name: format!("down-{number}"),
                provider: down.to_string(),
                ..RuntimeForm::default()
            };
            runtimes.push(services.runtimes.register(&stage.mira, form).await.unwrap());
        }
        let vault = Vault::of(&stage.world, 79).await;
        seed_tokens(&stage, &vault, next.id, &runtimes).await;
        // Theirs were due a minute before.
        pass(&stage, Duration::from_mins(1));
        stage.authorize().await.unwrap();
        pass(&stage, UNTIL_DUE);
        let done = run(&stage).await;
        assert_eq!(done.refreshed, 1, "{done:?}");
        assert!(done.failed < 64, "it was left alone soon: {done:?}");
        assert_eq!(grant(&stage).await.generation, 1);
    }
}

/// SQLite writes one after the other.
#[tokio::test]
async fn an_application_that_is_deleted_while_a_new_pair_is_saved() {
    let stage = at_gitlab(TestDatabase::postgres().await).await;
    let db = Database::connect(stage.world.database_url().expose_secret())
        .await
        .unwrap();
    // As in the middle of saving: the rows are locked, and have the new end.
    let end = stage.world.clock.now().plus(Duration::from_hours(5));
    let saving = db.begin().await.unwrap();
    let saved = format!("UPDATE oauth_grants SET access_ends_at = {}", end.as_millis());
    for sql in ["UPDATE git_tokens SET rotated_at = 0", saved.as_str()] {
        saving.execute_unprepared(sql).await.unwrap();
    }
    let (applications, mira) = (stage.world.services.oauth_applications.clone(), stage.mira.clone());
    let application = stage.application;
    let deleting = tokio::spawn(async move { applications.delete(&mira, application).await.unwrap() });
    let waiting = "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waiting = Statement::from_string(DbBackend::Postgres, waiting);
    while db.query_one_raw(waiting.clone()).await.unwrap().is_none() {
        tokio::task::yield_now().await;
    }
    saving.commit().await.unwrap();
    deleting.await.unwrap();
    let token = stage.view().await.unwrap();
    assert_eq!(token.expiry, Expiry::At(end));
    assert!(
        token.rotation.contains("OAuth application was deleted"),
        "{}",
        token.rotation
    );
}

/// On one database, since it takes its time: as long as a caller waits for another process.
#[tokio::test]
async fn who_waits_behind_others_waits_no_longer_than_they() {
    let stage = at_gitlab(TestDatabase::sqlite()).await;
    pass(&stage, UNTIL_DUE);
    // Another process has it, and says nothing any more.
    let (of, now) = (grant(&stage).await, stage.world.clock.now());
    assert!(
        stage
            .world
            .store
            .take_refresh(&of, now, now.plus(REFRESH_LEASE), None)
            .await
            .unwrap()
    );
    let begun = tokio::time::Instant::now();
    let asks = (0..10).map(|_| {
        let refresh = stage.world.services.refresh.clone();
        tokio::spawn(async move { refresh.live(of.account, of.token).await.unwrap() })
    });
    for ask in asks.collect::<Vec<_>>() {
        let told = ask.await.unwrap();
        assert!(matches!(told, Live::Later { .. }), "{told:?}");
    }
    assert!(
        begun.elapsed() < Duration::from_secs(24),
        "one after the other, they would wait for two minutes"
    );
    assert_eq!(asked(&stage), 0);
}
