//! Checks in the background: what is due is checked, a provider in trouble is left alone, and nobody's status changes for it.

use crate::support::{SeededRandom, TestDatabase, World, on_both_databases};
use backend::{
    Services,
    access::Member,
    check_soon::CheckSoonError,
    clock::Clock as _,
    egress::{Egress, EgressPolicy, EgressSettings},
    git_providers::GitProviderForm,
    keys::AccountKeys,
    runtimes::RuntimeForm,
    store::{BackgroundCheck, Store},
    sweep::Tally,
    vault::Place,
};
use domain::{
    CheckId, CheckOutcome, GitProviderId, GitTokenId, Refusal, RuntimeId, Timestamp, TokenStatus, view::TokenView,
};
use forge::{Account, Fault, FaultRule, Forge, NewToken};
use sea_orm::{ConnectionTrait as _, Database, Statement};
use secrecy::ExposeSecret as _;
use std::{sync::Arc, time::Duration};
use tokio::sync::watch;
use uuid::Uuid;

const MINUTE: i64 = 60;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A world whose tokens are swept.
struct Swept {
    world: World,
    mira: Member,
}

impl Swept {
    async fn new(database: TestDatabase) -> Self {
        let (world, mira) = World::set_up(database).await;
        let swept = Self { world, mira };
        swept.forward(0);
        swept
    }

    /// Moves Patchbay's clock and the stand-in's.
    fn forward(&self, seconds: i64) {
        self.world.clock.forward(seconds);
        self.set_clock_of(&self.world.forge);
    }

    fn set_clock_of(&self, forge: &Forge) {
        let now = self.world.clock.now().as_millis() / 1000;
        forge.set_clock(Some(time::OffsetDateTime::from_unix_timestamp(now).unwrap()));
    }

    /// Registers another stand-in.
    async fn another_provider(&self) -> (Forge, GitProviderId) {
        let forge = Forge::start().await;
        self.set_clock_of(&forge);
        forge.put_account("mira", Account::with_password("correct horse battery staple"));
        let form = GitProviderForm {
            name: "another".to_owned(),
            base_url: forge.url(),
            ..self.world.provider_form()
        };
        let id = self
            .world
            .services
            .git_providers
            .register(&self.mira, form)
            .await
            .unwrap();
        (forge, id)
    }

    /// Stores so many tokens, each for a runtime of its own.
    async fn tokens(&self, count: usize) -> Vec<forge::TokenId> {
        let mut ids = Vec::new();
        for number in 0..count {
            let runtime = self.world.runtime(&self.mira, &format!("runtime-{number}")).await;
            ids.push(
                self.token(&self.world.forge, runtime, NewToken::classic("mira", ["repo"]))
                    .await,
            );
        }
        self.world.forge.clear_requests();
        ids
    }

    async fn token(&self, forge: &Forge, runtime: RuntimeId, token: NewToken) -> forge::TokenId {
        let token = forge.create_token(token).unwrap();
        let tokens = &self.world.services.tokens;
        tokens.put(&self.mira, runtime, &token.value.into()).await.unwrap();
        token.id
    }

    /// Sweeps until nothing is left to do now.
    async fn sweep(&self) -> Tally {
        self.world
            .services
            .sweep
            .run_once(watch::channel(false).1)
            .await
            .unwrap()
    }

    /// How many requests the stand-in has had since this was last asked.
    fn asked(&self) -> usize {
        let asked = self.world.forge.requests().len();
        self.world.forge.clear_requests();
        asked
    }

    async fn views(&self) -> Vec<TokenView> {
        let rows = self.world.services.tokens.page(&self.mira).await.unwrap().rows;
        rows.into_iter().filter_map(|row| row.token).collect()
    }

    async fn statuses(&self) -> Vec<TokenStatus> {
        self.views().await.into_iter().map(|view| view.status).collect()
    }

    /// A second process on the same database.
    async fn second_process(&self) -> Services {
        let random = Arc::new(SeededRandom::new(9));
        let policy = EgressPolicy::new(vec!["127.0.0.1".parse().unwrap()]);
        let egress = Egress::new(policy, EgressSettings::default(), random.clone()).unwrap();
        let store = Store::connect(self.world.database_url()).await.unwrap();
        Services::new(
            store,
            self.world.master(),
            egress,
            self.world.clock.clone(),
            random,
            "https://patchbay.example/".parse().unwrap(),
        )
        .await
        .unwrap()
    }

    /// A number from the database itself.
    async fn number(&self, sql: &str) -> i64 {
        let db = Database::connect(self.world.database_url().expose_secret())
            .await
            .unwrap();
        let row = db
            .query_one_raw(Statement::from_string(db.get_database_backend(), sql))
            .await
            .unwrap();
        let number = row.unwrap().try_get_by_index(0).unwrap();
        db.close().await.unwrap();
        number
    }

    /// How many tokens are taken for a check at this moment.
    async fn taken(&self) -> i64 {
        let now = self.world.clock.now().as_millis();
        self.number(&format!("SELECT count(*) FROM git_tokens WHERE check_lease > {now}"))
            .await
    }

    /// What a provider in trouble comes to: nobody's status changes, and it is asked less and less, until it is well again.
    async fn is_left_alone(&self, fault: Fault) {
        self.tokens(8).await;
        self.forward(DAY);
        self.world.forge.add_fault(FaultRule::new(fault.clone()));
        let tally = self.sweep().await;
        assert!(
            (1..=4).contains(&tally.unreachable) && tally.checked() == tally.unreachable,
            "{fault:?}: {tally:?}"
        );
        let setbacks = self.views().await.iter().filter(|view| view.setback.is_some()).count();
        assert_eq!(u64::try_from(setbacks).unwrap(), tally.unreachable);

        let mut by_hour = Vec::new();
        for _ in 0..6 {
            let mut probes = 0;
            for _ in 0..60 {
                self.forward(MINUTE);
                probes += self.sweep().await.checked();
            }
            by_hour.push(probes);
        }
        assert!(
            (4..=6).contains(&by_hour[0]) && by_hour[1..].iter().all(|probes| (1..=2).contains(probes)),
            "{by_hour:?}"
        );
        assert_eq!(self.statuses().await, [TokenStatus::Valid; 8]);

        self.world.forge.clear_faults();
        self.forward(HOUR);
        assert_eq!(
            self.sweep().await,
            Tally {
                accepted: 8,
                ..Tally::default()
            }
        );
        assert!(self.views().await.iter().all(|view| view.setback.is_none()));
    }

    /// What a rate limit of half an hour comes to: at most `at_first` tokens notice it, and nobody asks before it is over.
    async fn is_obeyed(&self, fault: Fault, at_first: u64) {
        self.tokens(10).await;
        self.forward(DAY);
        self.world.forge.add_fault(FaultRule::new(fault));
        let tally = self.sweep().await;
        assert!(
            (1..=at_first).contains(&tally.rate_limited) && tally.checked() == tally.rate_limited,
            "{tally:?}"
        );
        assert!(self.views().await.iter().any(|view| view.setback.is_some()));
        self.asked();
        for _ in 0..29 {
            self.forward(MINUTE);
            self.sweep().await;
        }
        assert_eq!(self.asked(), 0);
        self.forward(2 * MINUTE);
        self.sweep().await;
        assert_eq!(self.asked(), 1, "one token finds out whether it is over");
        assert_eq!(self.statuses().await, [TokenStatus::Valid; 10]);

        self.world.forge.clear_faults();
        self.forward(7 * HOUR);
        assert_eq!(
            self.sweep().await,
            Tally {
                accepted: 10,
                ..Tally::default()
            }
        );
    }
}

/// Waits for something that happens by itself.
async fn until(condition: impl AsyncFn() -> bool) {
    let waited = async {
        while !condition().await {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waited)
        .await
        .expect("it happens");
}

on_both_databases! {
    async fn every_token_is_checked_within_a_day_of_its_last_check(database: TestDatabase) {
        let swept = Swept::new(database).await;
        swept.tokens(5).await;
        assert_eq!(swept.sweep().await, Tally::default());
        let all = Tally { accepted: 5, ..Tally::default() };
        for _ in 0..3 {
            swept.forward(DAY);
            assert_eq!(swept.sweep().await, all);
            assert_eq!(swept.sweep().await, Tally::default());
            assert!(swept.views().await.iter().all(|view| view.checked_at == swept.world.clock.now()));
        }
        assert_eq!(swept.asked(), 15);
        assert!(swept.world.forge.writes().is_empty(), "a check only reads");
        assert_eq!(swept.number("SELECT count(*) FROM checks").await, 20);
        swept.forward(19 * HOUR);
        assert_eq!(swept.sweep().await, Tally::default(), "not before 20 hours are over");
    }

    async fn the_first_checks_are_spread_over_the_day(database: TestDatabase) {
        let swept = Swept::new(database).await;
        swept.tokens(24).await;
        let mut of_quarters = Vec::new();
        for _ in 0..4 {
            swept.forward(6 * HOUR);
            of_quarters.push(swept.sweep().await.accepted);
        }
        assert_eq!(of_quarters.iter().sum::<u64>(), 24);
        assert!(of_quarters.iter().all(|count| *count > 0), "{of_quarters:?}");
    }

    async fn a_token_is_checked_just_after_its_end(database: TestDatabase) {
        let swept = Swept::new(database).await;
        let runtime = swept.world.runtime(&swept.mira, "prod-eu").await;
        let end = time::macros::datetime!(2026-11-24 15:00 UTC);
        let token = NewToken::classic("mira", ["repo"]).expires_at(end);
        swept.token(&swept.world.forge, runtime, token).await;
        swept.forward(2 * DAY);
        assert_eq!(swept.sweep().await.accepted, 1);
        swept.forward(3 * HOUR);
        assert_eq!(swept.sweep().await, Tally::default());
        swept.forward(6 * MINUTE);
        assert_eq!(swept.sweep().await.refused, 1);
        assert_eq!(swept.statuses().await, [TokenStatus::Invalid]);
    }

    async fn a_dead_token_goes_on_being_checked_and_may_come_back(database: TestDatabase) {
        let swept = Swept::new(database).await;
        let ids = swept.tokens(2).await;
        swept.world.forge.add_fault(FaultRule::new(Fault::Status { status: 401 }).times(2).on_token(ids[0]));
        for _ in 0..2 {
            swept.forward(DAY);
            assert_eq!(swept.sweep().await, Tally { accepted: 1, refused: 1, ..Tally::default() });
            assert_eq!(swept.statuses().await, [TokenStatus::Invalid, TokenStatus::Valid]);
        }
        swept.forward(DAY);
        assert_eq!(swept.sweep().await.accepted, 2);
        assert_eq!(swept.statuses().await, [TokenStatus::Valid; 2]);
    }

    async fn a_failing_provider_is_asked_less_and_less(database: TestDatabase) {
        Swept::new(database).await.is_left_alone(Fault::Status { status: 500 }).await;
    }

    async fn a_provider_that_answers_as_something_else_is_asked_less_and_less(database: TestDatabase) {
        Swept::new(database).await.is_left_alone(Fault::Html).await;
    }

    async fn a_told_pause_is_obeyed(database: TestDatabase) {
        let fault = Fault::SecondaryRateLimited { status: 429, retry_after: Some(1800) };
        Swept::new(database).await.is_obeyed(fault, 4).await;
    }

    async fn a_used_up_rate_limit_is_obeyed(database: TestDatabase) {
        // Three tokens in a row show that it is not one person's alone; by then three more are under way.
        Swept::new(database).await.is_obeyed(Fault::RateLimited { status: 403, reset_in: 1800 }, 6).await;
    }

    async fn one_persons_used_up_rate_limit_stops_nobody_else(database: TestDatabase) {
        let swept = Swept::new(database).await;
        let ids = swept.tokens(10).await;
        let limited = Fault::RateLimited { status: 403, reset_in: 1800 };
        swept.world.forge.add_fault(FaultRule::new(limited).on_token(ids[3]));
        swept.forward(DAY);
        assert_eq!(swept.sweep().await, Tally { accepted: 9, rate_limited: 1, ..Tally::default() });
    }

    async fn silence_and_a_closed_port_flip_no_status_while_other_hosts_go_on(database: TestDatabase) {
        let swept = Swept::new(database).await;
        let (other, provider) = swept.another_provider().await;
        for number in 0..6 {
            let form = RuntimeForm { name: format!("other-{number}"), provider: provider.to_string(), ..RuntimeForm::default() };
            let runtime = swept.world.services.runtimes.register(&swept.mira, form).await.unwrap();
            swept.token(&other, runtime, NewToken::classic("mira", ["repo"])).await;
        }
        swept.tokens(6).await;

        swept.forward(DAY);
        other.clear_requests();
        other.add_fault(FaultRule::new(Fault::Delay { millis: 60_000 }));
        let tally = swept.sweep().await;
        assert_eq!((tally.accepted, tally.checked()), (6, 6 + tally.unreachable), "{tally:?}");
        assert!((1..=4).contains(&tally.unreachable) && other.requests().len() <= 4);

        swept.forward(2 * MINUTE);
        other.stop().await;
        assert_eq!(swept.sweep().await, Tally { unreachable: 1, ..Tally::default() });
        swept.forward(MINUTE);
        assert_eq!(swept.sweep().await, Tally::default());
        assert_eq!(swept.statuses().await, [TokenStatus::Valid; 12]);
    }

    async fn two_processes_never_check_a_token_twice(database: TestDatabase) {
        let swept = Swept::new(database).await;
        swept.tokens(40).await;
        let second = swept.second_process().await;
        swept.forward(DAY);
        let (one, two) = tokio::join!(swept.sweep(), second.sweep.run_once(watch::channel(false).1));
        assert_eq!(one.accepted + two.unwrap().accepted, 40);
        let mut asked: Vec<_> = swept.world.forge.requests().into_iter().map(|request| request.token).collect();
        asked.sort_by_key(|token| token.map(|token| token.0));
        asked.dedup();
        assert_eq!((asked.len(), swept.asked()), (40, 40));
    }

    async fn what_a_killed_process_had_taken_comes_back(database: TestDatabase) {
        let swept = Swept::new(database).await;
        swept.tokens(2).await;
        swept.forward(DAY);
        let (store, now) = (&swept.world.store, swept.world.clock.now());
        let lease = now.plus(Duration::from_mins(10));
        let due = store.due_providers(now).await.unwrap().remove(0);
        let taken = store.take_due_tokens(due.account, due.provider.id, now, lease, 10).await.unwrap();
        assert_eq!((taken.len(), swept.sweep().await), (2, Tally::default()));

        swept.forward(10 * MINUTE);
        assert_eq!(swept.sweep().await.accepted, 2);
        // The other one was not dead, only slow.
        let late = BackgroundCheck {
            id: CheckId(Uuid::from_u128(1)),
            at: now,
            account: due.account,
            token: taken[0].id,
            lease,
            outcome: CheckOutcome::Refused(Refusal::BadCredentials),
            next: now,
        };
        assert!(store.note_background_checks(&[late]).await.unwrap().is_empty());
        assert_eq!(swept.statuses().await, [TokenStatus::Valid; 2]);
    }

    async fn a_sweep_takes_a_bounded_number_and_stops_with_what_is_under_way(database: TestDatabase) {
        let swept = Swept::new(database).await;
        swept.tokens(140).await;
        swept.forward(DAY);
        swept.world.forge.add_fault(FaultRule::new(Fault::Delay { millis: 1500 }));
        let (stop, stopped) = watch::channel(false);
        let sweep = swept.world.services.sweep.clone();
        let run = tokio::spawn(async move { sweep.run(stopped).await });
        until(async || swept.world.forge.requests().len() == 4).await;
        assert_eq!(swept.taken().await, 128);

        stop.send(true).unwrap();
        run.await.unwrap();
        assert_eq!((swept.asked(), swept.taken().await), (4, 0), "no check began after that");
        swept.world.forge.clear_faults();
        // On a busy machine those four may have timed out, and are due again by then.
        swept.forward(HOUR);
        assert!((136..=140).contains(&swept.sweep().await.accepted));
        let told = watch::channel(true).1;
        swept.forward(DAY);
        assert_eq!(swept.world.services.sweep.run_once(told).await.unwrap(), Tally::default());
    }

    async fn a_running_sweep_checks_what_is_due(database: TestDatabase) {
        let swept = Swept::new(database).await;
        swept.tokens(6).await;
        swept.forward(DAY);
        let (stop, stopped) = watch::channel(false);
        let sweep = swept.world.services.sweep.clone();
        let run = tokio::spawn(async move { sweep.run(stopped).await });
        until(async || swept.world.forge.requests().len() == 6).await;
        stop.send(true).unwrap();
        run.await.unwrap();
        assert!(swept.views().await.iter().all(|view| view.checked_at == swept.world.clock.now()));
    }

    async fn a_runtimes_own_token_is_swept(database: TestDatabase) {
        let swept = Swept::new(database).await;
        let runtime = swept.world.runtime(&swept.mira, "prod-eu").await;
        let value = swept.world.forge.create_token(NewToken::classic("mira", ["repo"])).unwrap().value;
        let id = swept.world.services.tokens.put(&swept.mira, runtime, &value.clone().into()).await.unwrap();
        make_runtime_token(&swept, id.id, &value).await;
        swept.forward(DAY);
        assert_eq!(swept.sweep().await, Tally { accepted: 1, ..Tally::default() });
    }

    async fn an_admin_has_many_checked_soon(database: TestDatabase) {
        let swept = Swept::new(database).await;
        swept.tokens(5).await;
        let soon = &swept.world.services.check_soon;
        let one = swept.world.runtime(&swept.mira, "one").await;
        swept.token(&swept.world.forge, one, NewToken::classic("mira", ["repo"])).await;
        assert_eq!(soon.waiting(&swept.mira, None).await.unwrap(), 0);

        assert_eq!(soon.check_soon(&swept.mira, Some(one)).await.unwrap(), 1);
        assert_eq!(soon.waiting(&swept.mira, Some(one)).await.unwrap(), 1);
        assert_eq!(swept.sweep().await.accepted, 1);
        assert_eq!(soon.waiting(&swept.mira, Some(one)).await.unwrap(), 0);

        assert_eq!(soon.check_soon(&swept.mira, None).await.unwrap(), 6);
        assert_eq!(soon.check_soon(&swept.mira, None).await.unwrap(), 0, "they wait already");
        assert_eq!(soon.waiting(&swept.mira, None).await.unwrap(), 6);
        assert_eq!(swept.sweep().await.accepted, 6);

        let nowhere = RuntimeId(Uuid::from_u128(1));
        assert!(matches!(soon.check_soon(&swept.mira, Some(nowhere)).await, Err(CheckSoonError::NotFound)));
    }

    async fn a_token_that_is_being_rotated_is_left_to_that(database: TestDatabase) {
        let swept = Swept::new(database).await;
        swept.tokens(2).await;
        let db = Database::connect(swept.world.database_url().expose_secret()).await.unwrap();
        let mark = "UPDATE git_tokens SET rotation_started_at = 1 WHERE id = (SELECT id FROM git_tokens LIMIT 1)";
        db.execute_unprepared(mark).await.unwrap();
        swept.forward(DAY);
        assert_eq!(swept.sweep().await, Tally { accepted: 1, ..Tally::default() });
        db.execute_unprepared("UPDATE git_tokens SET rotation_started_at = NULL").await.unwrap();
        db.close().await.unwrap();
        assert_eq!(swept.sweep().await, Tally { accepted: 1, ..Tally::default() });
    }

    async fn old_checks_go_and_the_newest_stays(database: TestDatabase) {
        let swept = Swept::new(database).await;
        swept.tokens(2).await;
        swept.forward(DAY);
        swept.sweep().await;
        assert_eq!(swept.number("SELECT count(*) FROM checks").await, 4);
        swept.forward(91 * DAY);
        let stop = watch::channel(true).1;
        swept.world.services.sweep.run_once(stop).await.unwrap();
        assert_eq!(swept.number("SELECT count(*) FROM checks").await, 2);
        let newest = Timestamp::from_millis(swept.number("SELECT min(at) FROM checks").await);
        assert!(swept.views().await.iter().all(|view| view.checked_at == newest));
    }
}

/// Makes a person's token the runtime's own.
async fn make_runtime_token(swept: &Swept, id: GitTokenId, value: &str) {
    let random = Arc::new(SeededRandom::new(5));
    let (store, clock) = (swept.world.store.clone(), swept.world.clock.clone());
    let keys = AccountKeys::open(store, swept.world.master(), clock, random)
        .await
        .unwrap();
    let place = Place {
        account: swept.mira.account(),
        table: "git_tokens",
        row: id.0,
        column: "sealed",
        user: None,
    };
    let sealed = keys.seal(&place, &value.to_owned().into()).await.unwrap();
    let db = Database::connect(swept.world.database_url().expose_secret())
        .await
        .unwrap();
    let sql = "UPDATE git_tokens SET user_id = NULL, sealed = $1";
    let update = Statement::from_sql_and_values(db.get_database_backend(), sql, [sealed.into_bytes().into()]);
    db.execute_raw(update).await.unwrap();
    db.close().await.unwrap();
}
