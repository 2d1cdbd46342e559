//! OAuth tokens are kept alive: refreshed ahead of their end, once, and never lost without a word.

use crate::{
    oauth::{KINDS, Stage, form},
    support::{TestDatabase, World, on_both_databases},
};
use backend::{
    clock::Clock as _,
    oauth::{Live, REFRESH_LEASE, RefreshRun},
    store::GrantRow,
    tokens::TokenError,
};
use domain::{Expiry, ProviderKind, RefreshNote, TokenStatus};
use forge::{Fault, FaultRule, NewOAuthApplication, OAuthApplicationChange, Provider, RefreshOutcome};
use secrecy::ExposeSecret as _;
use std::time::Duration;
use time::OffsetDateTime;

/// Where GitLab's tokens are exchanged.
pub(crate) const TOKEN: &str = "/oauth/token";

/// GitLab, whose tokens live two hours: a refresh kills both old tokens.
pub(crate) async fn at_gitlab(database: TestDatabase) -> Stage {
    let stage = Stage::at(database, ProviderKind::GitLab, Provider::GitLab).await;
    same_time(&stage);
    stage.authorize().await.unwrap();
    stage
}

/// The stand-in's clock shows what ours does.
pub(crate) fn same_time(stage: &Stage) {
    let now =
        OffsetDateTime::from_unix_timestamp_nanos(i128::from(stage.world.clock.now().as_millis()) * 1_000_000).unwrap();
    stage.world.forge.set_clock(Some(now));
}

pub(crate) fn pass(stage: &Stage, time: Duration) {
    stage.world.clock.forward(i64::try_from(time.as_secs()).unwrap());
    same_time(stage);
}

pub(crate) async fn run(stage: &Stage) -> RefreshRun {
    stage
        .world
        .services
        .refresh
        .refresh_due(stage.world.clock.now())
        .await
        .unwrap()
}

pub(crate) async fn grant(stage: &Stage) -> GrantRow {
    let account = stage.mira.account();
    let grant = stage
        .world
        .store
        .grant_of(account, Some(stage.mira.user()), stage.runtime)
        .await
        .unwrap();
    grant.unwrap()
}

pub(crate) async fn live(stage: &Stage) -> Live {
    let grant = grant(stage).await;
    stage
        .world
        .services
        .refresh
        .live(grant.account, grant.token)
        .await
        .unwrap()
}

/// How often the stand-in was asked to refresh.
pub(crate) fn asked(stage: &Stage) -> usize {
    stage.world.forge.refresh_calls().len()
}

pub(crate) const fn ran(refreshed: usize, failed: usize) -> RefreshRun {
    RefreshRun { refreshed, failed }
}

/// Until the token is due: ten minutes before the end of its two hours.
pub(crate) const UNTIL_DUE: Duration = Duration::from_mins(110);

fn fail(stage: &Stage, fault: Fault) {
    stage.world.forge.add_fault(FaultRule::new(fault).on_path(TOKEN));
}

on_both_databases! {
    async fn tokens_of_every_kind_are_refreshed_ahead_of_their_end(database: TestDatabase) {
        let (mut world, _) = World::set_up(database).await;
        for (kind, provider) in KINDS {
            // GitHub's tokens end only where an application is set so.
            let stage = Stage::in_world(world, kind, provider, |application| application.expiring(true)).await;
            same_time(&stage);
            stage.world.forge.clear_requests();
            stage.authorize().await.unwrap();
            let mut hint = stage.view().await.unwrap().hint;
            for round in 1..=3 {
                let due = grant(&stage).await.due.unwrap();
                let left = due.as_millis() - stage.world.clock.now().as_millis();
                pass(&stage, Duration::from_millis(left.unsigned_abs() - 1000));
                assert_eq!(run(&stage).await, ran(0, 0), "{kind:?}: too early");
                pass(&stage, Duration::from_secs(1));
                assert_eq!(run(&stage).await, ran(1, 0), "{kind:?}");
                let token = stage.view().await.unwrap();
                assert_ne!(token.hint, hint, "{kind:?}");
                assert_eq!((token.status, token.expiry), (TokenStatus::Valid, Expiry::Never), "{kind:?}");
                assert!(token.expiry_note.starts_with("refreshed automatically"), "{kind:?}: {}", token.expiry_note);
                hint = token.hint;
                assert_eq!(asked(&stage), round, "{kind:?}: the new refresh token was stored, or this would fail");
                let now = grant(&stage).await;
                assert_eq!(now.generation, i64::try_from(round).unwrap(), "{kind:?}");
                assert!(now.due.unwrap() > stage.world.clock.now(), "{kind:?}");
                // GitLab's refresh tokens have no end.
                assert_eq!(now.refresh_ends.is_some(), kind != ProviderKind::GitLab, "{kind:?}");
            }
            assert!(stage.world.forge.refresh_calls().iter().all(|call| call.outcome == RefreshOutcome::Ok), "{kind:?}");
            stage.world.services.tokens.delete(&stage.mira, stage.runtime, true).await.unwrap();
            stage.world.services.runtimes.delete(&stage.mira, stage.runtime).await.unwrap();
            world = stage.world;
        }
    }

    async fn a_check_refreshes_first_what_is_due(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        // The server was off over night.
        pass(&stage, Duration::from_hours(12));
        let check = stage.world.services.tokens.check(&stage.mira, stage.runtime).await.unwrap();
        assert_eq!(check.status(), Some(TokenStatus::Valid));
        assert_eq!(asked(&stage), 1);
    }

    async fn however_many_ask_the_provider_is_asked_once(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        let before = live(&stage).await;
        assert!(matches!(before, Live::Token(_)));
        assert_eq!(asked(&stage), 0, "it is fresh");
        pass(&stage, UNTIL_DUE);
        let of = grant(&stage).await;
        let asks = (0..50).map(|_| {
            let refresh = stage.world.services.refresh.clone();
            tokio::spawn(async move { refresh.live(of.account, of.token).await.unwrap() })
        });
        let asks: Vec<_> = asks.collect();
        let mut tokens = Vec::new();
        for ask in asks {
            let Live::Token(token) = ask.await.unwrap() else { panic!("no token") };
            tokens.push(token.expose_secret().to_owned());
        }
        tokens.dedup();
        assert_eq!((tokens.len(), asked(&stage)), (1, 1));
        assert_eq!(stage.living(), 1);
    }

    async fn a_refusal_with_status_200_is_one_and_is_not_tried_again(database: TestDatabase) {
        let stage = Stage::with(database, (ProviderKind::GitHub, Provider::GitHub), |application| application.expiring(true)).await;
        same_time(&stage);
        stage.authorize().await.unwrap();
        let revoked = stage.world.forge.grants().pop().unwrap().id;
        stage.world.forge.revoke_grant(revoked).unwrap();
        let due = grant(&stage).await.due.unwrap();
        let left = due.as_millis() - stage.world.clock.now().as_millis();
        pass(&stage, Duration::from_millis(left.unsigned_abs()));
        assert_eq!(run(&stage).await, ran(0, 1));
        let token = stage.view().await.unwrap();
        assert_eq!(token.status, TokenStatus::Invalid, "it was looked at");
        assert!(token.rotation.contains("no longer refreshes this authorization (bad_refresh_token)"), "{}", token.rotation);
        assert!(matches!(grant(&stage).await.note, Some(RefreshNote::Refused { lost: false, .. })));
        let record = stage.audit().await;
        assert_eq!(record.iter().filter(|event| event.action == "token.refresh_failed").count(), 1);
        // Never again, and whoever wants to use it learns why.
        for _ in 0..3 {
            pass(&stage, Duration::from_hours(24));
            assert_eq!(run(&stage).await, ran(0, 0));
        }
        let dead = live(&stage).await;
        assert!(matches!(&dead, Live::Dead { why } if why.contains("bad_refresh_token")), "{dead:?}");
        assert_eq!(asked(&stage), 1);
    }

    async fn a_wrong_client_secret_costs_nothing_and_is_mended(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        let other = OAuthApplicationChange { client_secret: Some("another".to_owned()), ..OAuthApplicationChange::default() };
        stage.world.forge.change_oauth_application(stage.at_forge.id, other).unwrap();
        pass(&stage, UNTIL_DUE);
        assert_eq!(run(&stage).await, ran(0, 1));
        let token = stage.view().await.unwrap();
        assert!(token.rotation.contains("client id and secret of the OAuth application"), "{}", token.rotation);
        assert!(token.rotation.contains("Patchbay tries again"), "{}", token.rotation);
        assert!(matches!(token.expiry, Expiry::At(_)), "as long as that is so, it does end");
        assert_eq!(token.status, TokenStatus::Valid);

        let mut mended = form(&stage.at_forge, "write_repository,read_api");
        mended.client_secret = "another".to_owned().into();
        stage.world.services.oauth_applications.edit(&stage.mira, stage.application, &mended).await.unwrap();
        pass(&stage, Duration::from_hours(1));
        assert_eq!(run(&stage).await, ran(1, 0));
        let token = stage.view().await.unwrap();
        assert_eq!((token.expiry, token.rotation.as_str(), token.status), (Expiry::Never, "", TokenStatus::Valid));
    }

    async fn a_provider_that_is_down_is_tried_again_with_growing_pauses(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        pass(&stage, UNTIL_DUE);
        fail(&stage, Fault::Status { status: 503 });
        let mut pauses = Vec::new();
        for _ in 0..5 {
            assert_eq!(run(&stage).await, ran(0, 1));
            let now = grant(&stage).await;
            assert!(matches!(now.note, Some(RefreshNote::Failing { .. })), "{:?}", now.note);
            assert!(now.sent_at.is_none(), "it is known that nothing was done");
            let pause = now.due.unwrap().as_millis() - stage.world.clock.now().as_millis();
            pauses.push(pause);
            assert_eq!(run(&stage).await, ran(0, 0), "not before its time");
            pass(&stage, Duration::from_millis(pause.unsigned_abs()) + Duration::from_secs(1));
        }
        assert!(pauses.windows(2).any(|pair| pair[1] > pair[0]) && pauses[4] > pauses[0], "{pauses:?}");
        stage.world.forge.clear_faults();
        pass(&stage, Duration::from_hours(1));
        assert_eq!(run(&stage).await, ran(1, 0));
        assert_eq!(stage.view().await.unwrap().rotation, "");
        assert_eq!(grant(&stage).await.failures, 0);
    }

    async fn a_refusal_that_is_not_of_the_refresh_token_costs_nothing(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        pass(&stage, UNTIL_DUE);
        // A proxy's page, or another address.
        for fault in [Fault::Status { status: 404 }, Fault::Status { status: 403 }] {
            stage.world.forge.add_fault(FaultRule::new(fault).on_path(TOKEN).once());
            assert_eq!(run(&stage).await, ran(0, 1));
            assert!(matches!(grant(&stage).await.note, Some(RefreshNote::Failing { .. })));
            pass(&stage, Duration::from_mins(5));
        }
        assert_eq!(run(&stage).await, ran(1, 0));
    }

    async fn an_application_that_goes_while_it_refreshes_leaves_nothing_to_be_refreshed(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        pass(&stage, UNTIL_DUE);
        stage.world.forge.add_fault(FaultRule::new(Fault::LateAnswer { millis: 300 }).on_path(TOKEN).once());
        let refresh = stage.world.services.refresh.clone();
        let now = stage.world.clock.now();
        let refreshing = tokio::spawn(async move { refresh.refresh_due(now).await.unwrap() });
        while asked(&stage) == 0 {
            tokio::task::yield_now().await;
        }
        stage.world.services.oauth_applications.delete(&stage.mira, stage.application).await.unwrap();
        refreshing.await.unwrap();
        let after = grant(&stage).await;
        assert_eq!((after.due, after.note), (None, Some(RefreshNote::NoApplication)));
        let token = stage.view().await.unwrap();
        assert!(matches!(token.expiry, Expiry::At(_)), "{:?}", token.expiry);
        assert!(matches!(live(&stage).await, Live::Token(_)), "the new one, until its end");
        pass(&stage, Duration::from_hours(3));
        assert_eq!((run(&stage).await, asked(&stage)), (ran(0, 0), 1));
    }

    async fn what_refreshes_it_and_does_not_open_is_told_and_not_tried_again(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        let db = sea_orm::Database::connect(stage.world.database_url().expose_secret()).await.unwrap();
        // As if somebody had moved the access token's ciphertext there.
        let moved = "UPDATE oauth_grants SET sealed_refresh = (SELECT sealed FROM git_tokens WHERE id = git_token_id)";
        sea_orm::ConnectionTrait::execute_unprepared(&db, moved).await.unwrap();
        db.close().await.unwrap();
        pass(&stage, UNTIL_DUE);
        assert_eq!(run(&stage).await, ran(0, 1));
        let after = grant(&stage).await;
        assert_eq!((after.due, after.note), (None, Some(RefreshNote::Unreadable)));
        assert!(matches!(live(&stage).await, Live::Token(_)), "until its end");
        pass(&stage, Duration::from_hours(1));
        assert!(matches!(live(&stage).await, Live::Dead { why } if why.contains("cannot be opened")));
        assert_eq!((run(&stage).await, asked(&stage)), (ran(0, 0), 0));
    }

    async fn a_check_in_doubt_does_not_hide_it(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        pass(&stage, UNTIL_DUE);
        stage.world.forge.add_fault(FaultRule::new(Fault::LostAnswer { status: 502 }).on_path(TOKEN).once());
        assert_eq!(run(&stage).await, ran(0, 1));
        pass(&stage, Duration::from_secs(20));
        stage.world.services.sweep.run_once(tokio::sync::watch::channel(false).1).await.unwrap();
        stage.world.services.tokens.check(&stage.mira, stage.runtime).await.unwrap();
        assert_eq!(stage.view().await.unwrap().status, TokenStatus::InDoubt);
    }

    async fn a_pause_that_the_provider_asks_for_is_kept(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        pass(&stage, UNTIL_DUE);
        fail(&stage, Fault::SecondaryRateLimited { status: 429, retry_after: Some(7200) });
        assert_eq!(run(&stage).await, ran(0, 1));
        let due = grant(&stage).await.due.unwrap();
        assert!(due >= stage.world.clock.now().plus(Duration::from_hours(2)), "{due:?}");
    }

    async fn after_a_week_of_failing_it_is_given_up(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        pass(&stage, UNTIL_DUE);
        fail(&stage, Fault::Status { status: 503 });
        assert_eq!(run(&stage).await, ran(0, 1));
        // A server that was off for a week has not tried.
        pass(&stage, Duration::from_hours(7 * 24));
        for _ in 1..9 {
            assert_eq!(run(&stage).await, ran(0, 1));
            assert!(matches!(grant(&stage).await.note, Some(RefreshNote::Failing { .. })));
            pass(&stage, Duration::from_hours(1));
        }
        assert_eq!(run(&stage).await, ran(0, 1));
        assert!(matches!(grant(&stage).await.note, Some(RefreshNote::GaveUp { .. })));
        pass(&stage, Duration::from_hours(24));
        assert_eq!(run(&stage).await, ran(0, 0));
        let token = stage.view().await.unwrap();
        assert!(token.rotation.contains("for seven days") && token.rotation.contains("Authorize access again"), "{}", token.rotation);
        // Whoever asks for a check has it tried once more.
        stage.world.forge.clear_faults();
        let check = stage.world.services.tokens.check(&stage.mira, stage.runtime).await.unwrap();
        assert_eq!(check.status(), Some(TokenStatus::Valid));
        assert_eq!(stage.view().await.unwrap().rotation, "");
    }

    async fn an_answer_that_is_lost_leaves_it_in_doubt_and_then_says_that_it_is_lost(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        pass(&stage, UNTIL_DUE);
        stage.world.forge.add_fault(FaultRule::new(Fault::LostAnswer { status: 502 }).on_path(TOKEN).once());
        assert_eq!(run(&stage).await, ran(0, 1));
        let token = stage.view().await.unwrap();
        assert_eq!(token.status, TokenStatus::InDoubt);
        assert!(token.rotation.starts_with("In doubt since"), "{}", token.rotation);
        assert!(grant(&stage).await.sent_at.is_some());
        let later = live(&stage).await;
        assert!(matches!(later, Live::Later { .. }), "{later:?}: the stored one may be dead");

        // Tried once more: the provider takes that for theft, and nothing is lost by it that was not lost.
        pass(&stage, Duration::from_mins(1));
        assert_eq!(run(&stage).await, ran(0, 1));
        assert!(matches!(grant(&stage).await.note, Some(RefreshNote::Refused { lost: true, .. })));
        let token = stage.view().await.unwrap();
        assert!(token.rotation.contains("never arrived"), "{}", token.rotation);
        assert_eq!(token.status, TokenStatus::Invalid);
        pass(&stage, Duration::from_hours(24));
        assert_eq!((run(&stage).await, asked(&stage)), (ran(0, 0), 2));
    }

    async fn in_doubt_ends_well_where_the_provider_allows_it(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::BitbucketCloud, Provider::BitbucketCloud).await;
        same_time(&stage);
        stage.authorize().await.unwrap();
        pass(&stage, UNTIL_DUE);
        let path = "/site/oauth2/access_token";
        stage.world.forge.add_fault(FaultRule::new(Fault::LostAnswer { status: 504 }).on_path(path).once());
        assert_eq!(run(&stage).await, ran(0, 1));
        assert_eq!(stage.view().await.unwrap().status, TokenStatus::InDoubt);
        // The old refresh token lives ten more minutes.
        pass(&stage, Duration::from_mins(1));
        assert_eq!(run(&stage).await, ran(1, 0));
        let token = stage.view().await.unwrap();
        assert_eq!((token.status, token.rotation.as_str()), (TokenStatus::Valid, ""));
    }

    async fn what_cannot_be_read_leaves_it_in_doubt(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        pass(&stage, UNTIL_DUE);
        stage.world.forge.add_fault(FaultRule::new(Fault::CloseMidBody).on_path(TOKEN).once());
        assert_eq!(run(&stage).await, ran(0, 1));
        assert!(matches!(grant(&stage).await.note, Some(RefreshNote::InDoubt { .. })));
    }

    async fn a_new_token_that_is_refused_at_first_is_asked_about_again(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        pass(&stage, UNTIL_DUE);
        let moment = FaultRule::new(Fault::Status { status: 401 }).on_path("/oauth/token/info").once();
        stage.world.forge.add_fault(moment);
        assert_eq!(run(&stage).await, ran(1, 0));
        assert_eq!(stage.view().await.unwrap().status, TokenStatus::Valid);
    }

    async fn a_new_pair_is_stored_whatever_its_check_says(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        let before = stage.view().await.unwrap().hint;
        pass(&stage, UNTIL_DUE);
        for path in ["/oauth/token/info", "/api/v4/user"] {
            stage.world.forge.add_fault(FaultRule::new(Fault::Status { status: 500 }).on_path(path));
        }
        assert_eq!(run(&stage).await, ran(1, 0));
        assert_ne!(stage.view().await.unwrap().hint, before);
        stage.world.forge.clear_faults();
        let check = stage.world.services.tokens.check(&stage.mira, stage.runtime).await.unwrap();
        assert_eq!(check.status(), Some(TokenStatus::Valid));
        assert_eq!(asked(&stage), 1);
    }

    async fn what_is_replaced_while_it_is_refreshed_leaves_nothing_alive(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        pass(&stage, UNTIL_DUE);
        let back = stage.agreed("mira").await;
        // The provider takes its time for the refresh, and not for the code.
        stage.world.forge.add_fault(FaultRule::new(Fault::LateAnswer { millis: 1500 }).on_path(TOKEN).once());
        let refresh = stage.world.services.refresh.clone();
        let now = stage.world.clock.now();
        let refreshing = tokio::spawn(async move { refresh.refresh_due(now).await.unwrap() });
        while grant(&stage).await.sent_at.is_none() || asked(&stage) == 0 {
            tokio::task::yield_now().await;
        }
        let deleted = stage.world.services.tokens.delete(&stage.mira, stage.runtime, true).await;
        assert!(matches!(deleted, Err(TokenError::Rotating)), "{deleted:?}");
        stage.complete(back).await.result.unwrap();
        refreshing.await.unwrap();
        assert_eq!(stage.living(), 1, "the one that is stored");
        let check = stage.world.services.tokens.check(&stage.mira, stage.runtime).await.unwrap();
        assert_eq!(check.status(), Some(TokenStatus::Valid));
    }

    async fn what_another_process_is_at_is_left_to_it(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        pass(&stage, UNTIL_DUE);
        let now = stage.world.clock.now();
        let seen = grant(&stage).await;
        assert!(stage.world.store.take_refresh(&seen, now, now.plus(REFRESH_LEASE), None).await.unwrap());
        assert!(!stage.world.store.take_refresh(&seen, now, now.plus(REFRESH_LEASE), None).await.unwrap(), "one caller gets it");
        assert_eq!((run(&stage).await, asked(&stage)), (ran(0, 0), 0));
        // That one died: when its lease has run out it is in doubt, and tried once more.
        pass(&stage, REFRESH_LEASE);
        assert_eq!(run(&stage).await, ran(1, 0));
        assert_eq!(stage.view().await.unwrap().status, TokenStatus::Valid);
    }

    async fn tokens_without_an_end_are_left_alone(database: TestDatabase) {
        let stage = Stage::with(database, (ProviderKind::GitHub, Provider::GitHub), |application| application.expiring(false)).await;
        same_time(&stage);
        stage.authorize().await.unwrap();
        pass(&stage, Duration::from_hours(365 * 24));
        assert_eq!(run(&stage).await, ran(0, 0));
        assert!(matches!(live(&stage).await, Live::Token(_)));
        let token = stage.view().await.unwrap();
        assert_eq!((token.expiry, token.expiry_note.as_str()), (Expiry::Never, ""));
    }

    async fn a_token_that_comes_without_a_refresh_token_says_when_it_ends(database: TestDatabase) {
        let without = |application: NewOAuthApplication| application.without_refresh();
        let stage = Stage::with(database, (ProviderKind::GitLab, Provider::GitLab), without).await;
        same_time(&stage);
        stage.authorize().await.unwrap();
        let token = stage.view().await.unwrap();
        let end = stage.world.clock.now().plus(Duration::from_hours(2));
        assert_eq!(token.expiry, Expiry::At(end));
        assert!(token.expiry_note.contains("nothing to refresh it with"), "{}", token.expiry_note);
        pass(&stage, Duration::from_hours(3));
        assert_eq!((run(&stage).await, asked(&stage)), (ran(0, 0), 0));
        assert!(matches!(live(&stage).await, Live::Dead { .. }));
        let check = stage.world.services.tokens.check(&stage.mira, stage.runtime).await.unwrap();
        assert_eq!(check.status(), Some(TokenStatus::Expired));
    }

    async fn nothing_is_tried_without_the_application(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        stage.world.services.oauth_applications.delete(&stage.mira, stage.application).await.unwrap();
        pass(&stage, UNTIL_DUE);
        assert_eq!((run(&stage).await, asked(&stage)), (ran(0, 0), 0));
        assert!(matches!(live(&stage).await, Live::Token(_)), "it works until its end");
        pass(&stage, Duration::from_hours(1));
        let dead = live(&stage).await;
        assert!(matches!(&dead, Live::Dead { why } if why.contains("OAuth application was deleted")), "{dead:?}");
    }

    async fn a_token_that_is_gone_is_gone(database: TestDatabase) {
        let stage = at_gitlab(database).await;
        let of = grant(&stage).await;
        stage.world.services.tokens.delete(&stage.mira, stage.runtime, true).await.unwrap();
        assert!(matches!(stage.world.services.refresh.live(of.account, of.token).await.unwrap(), Live::Gone));
    }
}
