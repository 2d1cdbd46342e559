//! What people hear of, who hears it, and what they can do about it.

use crate::{
    oauth::{Stage, sign_in},
    support::{PASSWORD, Seed, SeededRandom, World, on_both_databases, services},
};
use backend::{
    access::{AccessError, Member, NewAdmin},
    audit::{Action, Actor, AuditEvent},
    clock::Clock as _,
    notices::{NoticeError, NoticeRun, SettingsForm},
    random,
    store::{Looked, NewGitToken, RefreshEnd, Store},
    vault::Sealed,
};
use domain::{
    CheckId, CheckOutcome, Expiry, Findings, GitIdentity, GitTokenId, NoticeKind, ProviderKind, RefreshNote, Refusal,
    RuntimeId, Scope, ScopeFinding, UserId,
    notice::Level,
    scope::{Evidence, Standing},
};
use forge::Provider;
use sea_orm::ConnectionTrait as _;
use secrecy::ExposeSecret as _;
use std::time::Duration;

pub(crate) const DAY: i64 = 86_400;

/// Runs a statement behind the services' back.
pub(crate) async fn sql(world: &World, statement: &str) {
    let database = sea_orm::Database::connect(world.database_url().expose_secret())
        .await
        .unwrap();
    database.execute_unprepared(statement).await.unwrap();
    database.close().await.unwrap();
}

/// A person of `acme` who is signed in.
pub(crate) async fn person(world: &World, name: &str, is_admin: bool) -> Member {
    let email = format!("{}@acme.dev", name.to_lowercase());
    let admin = NewAdmin {
        name: name.to_owned(),
        email: email.clone(),
        password: PASSWORD.to_owned().into(),
    };
    world.services.access.create_admin(Some("acme"), admin).await.unwrap();
    if !is_admin {
        let of = format!("(SELECT id FROM users WHERE email = '{email}')");
        sql(
            world,
            &format!("UPDATE members SET role = 'member' WHERE user_id = {of}"),
        )
        .await;
    }
    sign_in(world, &email).await.1
}

/// Takes a person out of the account.
pub(crate) async fn remove(world: &World, name: &str) {
    let email = format!("{}@acme.dev", name.to_lowercase());
    let of = format!("(SELECT id FROM users WHERE email = '{email}')");
    sql(world, &format!("DELETE FROM members WHERE user_id = {of}")).await;
}

/// Makes tokens without asking a provider.
pub(crate) struct Seeds {
    random: SeededRandom,
}

impl Seeds {
    pub(crate) const fn new(seed: u64) -> Self {
        Self {
            random: SeededRandom::new(seed),
        }
    }

    fn uuid(&self, world: &World) -> uuid::Uuid {
        random::uuid(&self.random, world.clock.as_ref())
    }

    /// Stores a token in place of what its holder had for the runtime.
    pub(crate) async fn token(
        &self,
        world: &World,
        admin: &Member,
        (runtime, user): (RuntimeId, Option<UserId>),
        expiry: Expiry,
    ) -> GitTokenId {
        let (account, now) = (admin.account(), world.clock.now());
        let id = GitTokenId(self.uuid(world));
        let token = NewGitToken {
            id,
            user,
            runtime,
            sealed: Sealed::from(vec![1]),
            fingerprint: id.0.as_bytes().to_vec(),
            hint: "ghp_…0000".to_owned(),
            format: None,
            username: None,
            entered: None,
            copy_of: None,
            grant: None,
            findings: findings(expiry, Standing::Granted),
            checked: (CheckId(self.uuid(world)), now),
            next_check: now,
        };
        let stored = world.store.runtime(account, runtime).await.unwrap().unwrap();
        let provider = world
            .store
            .git_provider(account, stored.git_provider)
            .await
            .unwrap()
            .unwrap();
        let event = Self::event(world);
        assert!(
            world
                .store
                .put_git_token(account, &provider, token, event)
                .await
                .unwrap()
        );
        id
    }

    fn event(world: &World) -> AuditEvent {
        AuditEvent::new(Actor::Patchbay, Action::TokenStored, world.clock.now())
    }

    /// Notes what a check came to.
    async fn checked(&self, world: &World, admin: &Member, token: GitTokenId, outcome: CheckOutcome) {
        let check = (CheckId(self.uuid(world)), world.clock.now());
        let which = (token, token.0.as_bytes().as_slice());
        let noted = world.store.note_check(admin.account(), which, check, &outcome).await;
        assert!(noted.unwrap());
    }
}

fn findings(expiry: Expiry, standing: Standing) -> Findings {
    Findings {
        identity: GitIdentity {
            id: "1".to_owned(),
            login: "mira".to_owned(),
        },
        scopes: vec![ScopeFinding {
            scope: Scope::new("repo"),
            standing,
            evidence: Evidence::Declared,
        }],
        expiry,
    }
}

pub(crate) async fn run(world: &World) -> NoticeRun {
    world.services.notices.run_once(world.clock.now()).await.unwrap()
}

pub(crate) fn in_days(world: &World, days: i64) -> Expiry {
    let seconds = u64::try_from(days * DAY).unwrap();
    Expiry::At(world.clock.now().plus(Duration::from_secs(seconds)))
}

/// What is told in the account, by kind and lead time.
async fn told(world: &World, admin: &Member) -> Vec<(NoticeKind, u16)> {
    let open = world.services.notices.open(admin).await.unwrap();
    let mut told: Vec<_> = open
        .iter()
        .map(|told| (told.condition.kind, told.condition.lead))
        .collect();
    told.sort_unstable();
    told
}

/// What a person sees, as sentences.
async fn sees(world: &World, member: &Member) -> Vec<String> {
    let page = world.services.notices.page(member).await.unwrap();
    page.notices.into_iter().map(|notice| notice.told.sentence).collect()
}

async fn count(world: &World, member: &Member) -> u64 {
    world.services.notices.count(member).await.unwrap()
}

on_both_databases! {
    async fn what_is_wrong_is_told_once_and_over_when_it_is_mended(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let seeds = Seeds::new(50);
        assert_eq!(run(&world).await.looked.opened, 0, "a runtime that was just registered");
        world.clock.forward(DAY);
        assert_eq!(run(&world).await.looked.opened, 1);
        assert_eq!(told(&world, &mira).await, [(NoticeKind::NoToken, 0)]);
        assert_eq!(sees(&world, &mira).await, ["No token is stored for the runtime prod-eu at forge."]);

        let token = seeds.token(&world, &mira, (runtime, Some(mira.user())), Expiry::Never).await;
        let run_now = run(&world).await.looked;
        assert_eq!((run_now.opened, run_now.closed), (0, 1));
        assert_eq!(run(&world).await.looked.at, 0, "nothing to look at");

        for (outcome, kind) in [
            (CheckOutcome::Refused(Refusal::BadCredentials), NoticeKind::Invalid),
            (CheckOutcome::Accepted(findings(Expiry::Never, Standing::Missing)), NoticeKind::MissingScopes),
            (CheckOutcome::Refused(Refusal::SsoRequired { url: None }), NoticeKind::SsoRequired),
            (CheckOutcome::Refused(Refusal::Expired { at: world.clock.now() }), NoticeKind::Expired),
            (CheckOutcome::Accepted(findings(in_days(&world, 10), Standing::Granted)), NoticeKind::Expiring),
        ] {
            for _ in 0..2 {
                seeds.checked(&world, &mira, token, outcome.clone()).await;
                run(&world).await;
                let lead = if kind == NoticeKind::Expiring { 14 } else { 0 };
                assert_eq!(told(&world, &mira).await, [(kind, lead)]);
            }
        }
        let setback = CheckOutcome::Unchanged(domain::Setback::Forbidden);
        seeds.checked(&world, &mira, token, setback).await;
        run(&world).await;
        assert_eq!(told(&world, &mira).await, [(NoticeKind::Expiring, 14)], "it says nothing");

        // The provider tells another end, then none, and the holder enters one.
        seeds.checked(&world, &mira, token, CheckOutcome::Accepted(findings(in_days(&world, 100), Standing::Granted))).await;
        run(&world).await;
        assert!(told(&world, &mira).await.is_empty());
        seeds.checked(&world, &mira, token, CheckOutcome::Accepted(findings(Expiry::Unknown, Standing::Granted))).await;
        let Expiry::At(end) = in_days(&world, 5) else { unreachable!() };
        let event = Seeds::event(&world);
        assert!(world.store.enter_expiry(mira.account(), token, Some(end), event).await.unwrap());
        run(&world).await;
        assert_eq!(told(&world, &mira).await, [(NoticeKind::Expiring, 7)]);

        // Replaced.
        seeds.token(&world, &mira, (runtime, Some(mira.user())), Expiry::Never).await;
        assert!(told(&world, &mira).await.is_empty());
        assert_eq!(count(&world, &mira).await, 0);
    }

    async fn an_authorisation_that_is_not_refreshed_any_more_is_told(database: TestDatabase) {
        let stage = Stage::at(database, ProviderKind::Gitea, Provider::Gitea).await;
        crate::refresh::same_time(&stage);
        stage.authorize().await.unwrap();
        let (world, mira) = (&stage.world, &stage.mira);
        run(world).await;
        assert!(told(world, mira).await.is_empty(), "what is refreshed does not end");
        let grant = crate::refresh::grant(&stage).await;
        let ends = grant.refresh_ends.unwrap();
        let left = (ends.as_millis() - world.clock.now().as_millis()) / 1000;
        world.clock.forward(left - 5 * DAY);
        run(world).await;
        assert_eq!(told(world, mira).await, [(NoticeKind::RefreshEnding, 7)]);
        let note = RefreshNote::Failing { since: world.clock.now(), why: "it did not answer in time".to_owned() };
        let failed = |note, due| RefreshEnd { note, due, failures: 1, in_doubt: false, event: None };
        world.store.end_refresh(&grant, failed(note, Some(world.clock.now()))).await.unwrap();
        run(world).await;
        // Its access token has ended.
        assert_eq!(told(world, mira).await, [(NoticeKind::Expired, 0)]);
        let note = RefreshNote::Refused { code: "invalid_grant".to_owned(), lost: false };
        world.store.end_refresh(&grant, failed(note, None)).await.unwrap();
        run(world).await;
        assert_eq!(told(world, mira).await, [(NoticeKind::RefreshFailed, 0)]);
    }

    async fn others_hear_of_what_nobody_minded(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let (ana, jonas) = (person(&world, "Ana", false).await, person(&world, "Jonas", true).await);
        let seeds = Seeds::new(50);
        let token = seeds.token(&world, &mira, (runtime, Some(ana.user())), Expiry::Never).await;
        seeds.checked(&world, &mira, token, CheckOutcome::Refused(Refusal::BadCredentials)).await;
        run(&world).await;
        let sentence = "Ana's token for prod-eu at forge is no longer accepted: it is invalid or was revoked.";
        assert_eq!(sees(&world, &ana).await, [sentence]);
        assert_eq!([count(&world, &ana).await, count(&world, &mira).await, count(&world, &jonas).await], [1, 0, 0]);
        // Mira registered the runtime.
        world.clock.forward(3 * DAY - 1);
        run(&world).await;
        assert_eq!(count(&world, &mira).await, 0);
        world.clock.forward(1);
        run(&world).await;
        assert_eq!([count(&world, &ana).await, count(&world, &mira).await, count(&world, &jonas).await], [1, 1, 0]);
        world.clock.forward(3 * DAY);
        run(&world).await;
        assert_eq!([count(&world, &ana).await, count(&world, &mira).await, count(&world, &jonas).await], [1, 1, 1]);
        world.clock.forward(30 * DAY);
        assert_eq!(run(&world).await.looked.opened, 0);
        assert_eq!(told(&world, &mira).await.len(), 1);

        // A runtime's own token is its owner's, then the admins'.
        let own = seeds.token(&world, &mira, (runtime, None), in_days(&world, 2)).await;
        run(&world).await;
        assert_eq!([count(&world, &mira).await, count(&world, &jonas).await], [2, 1]);
        let open = world.services.notices.open(&mira).await.unwrap();
        let notice = open.iter().find(|told| told.token == Some(own)).unwrap();
        assert_eq!((notice.level, notice.condition.lead), (Level::Owner, 3));
        assert!(notice.sentence.starts_with("The runtime token of prod-eu at forge expires on"), "{}", notice.sentence);
    }

    async fn a_holder_who_is_gone_is_the_admins_business(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let ana = person(&world, "Ana", false).await;
        let jonas = person(&world, "Jonas", true).await;
        let seeds = Seeds::new(50);
        seeds.token(&world, &mira, (runtime, Some(ana.user())), in_days(&world, 5)).await;
        run(&world).await;
        assert_eq!([count(&world, &ana).await, count(&world, &jonas).await], [1, 0]);
        remove(&world, "Ana").await;
        run(&world).await;
        assert_eq!([count(&world, &mira).await, count(&world, &jonas).await], [1, 1], "at once");
        world.clock.forward(5 * DAY);
        run(&world).await;
        assert_eq!(told(&world, &jonas).await, [(NoticeKind::Expired, 0)]);
        assert_eq!(count(&world, &jonas).await, 1);
    }

    async fn a_notice_is_acknowledged_put_off_or_muted(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let (ana, ben) = (person(&world, "Ana", false).await, person(&world, "Ben", false).await);
        let seeds = Seeds::new(50);
        for holder in [&ana, &ben] {
            seeds.token(&world, &mira, (runtime, Some(holder.user())), in_days(&world, 25)).await;
        }
        run(&world).await;
        let notices = &world.services.notices;
        let of = async |member: &Member| notices.page(member).await.unwrap().notices.remove(0);
        let (anas, bens) = (of(&ana).await, of(&ben).await);
        let refused = notices.acknowledge(&ana, bens.told.id).await;
        assert!(matches!(refused, Err(NoticeError::NotFound)), "that of somebody else");

        notices.acknowledge(&ana, anas.told.id).await.unwrap();
        assert_eq!((count(&world, &ana).await, of(&ana).await.acknowledged_at), (0, Some(world.clock.now())));
        for days in [0, 91] {
            assert!(matches!(notices.snooze(&ben, bens.told.id, days).await, Err(NoticeError::Invalid(_))));
        }
        notices.snooze(&ben, bens.told.id, 15).await.unwrap();
        assert_eq!(count(&world, &ben).await, 0);
        world.clock.forward(10 * DAY);
        run(&world).await;
        assert_eq!(count(&world, &mira).await, 0, "neither is told to others");
        // The next lead time: news to Ana, and Ben has put that off, too.
        world.clock.forward(DAY + 60);
        run(&world).await;
        assert_eq!(told(&world, &mira).await, [(NoticeKind::Expiring, 14); 2]);
        assert_eq!([count(&world, &ana).await, count(&world, &ben).await, count(&world, &mira).await], [1, 0, 0]);
        world.clock.forward(4 * DAY);
        run(&world).await;
        assert_eq!([count(&world, &ben).await, count(&world, &mira).await], [1, 1], "Ana did nothing for three days");

        notices.mute(&ben, runtime).await.unwrap();
        notices.mute(&ben, runtime).await.unwrap();
        let page = notices.page(&ben).await.unwrap();
        assert_eq!(count(&world, &ben).await, 0);
        assert_eq!(page.muted, [(runtime, "prod-eu".to_owned())]);
        assert!(page.notices[0].muted, "and is still there");
        let rows = world.services.tokens.page(&ben).await.unwrap().rows;
        assert!(rows.iter().all(|row| row.muted), "so no banner speaks of it");
        assert_eq!(world.services.access.viewer(&ben).await.unwrap().attention, 0);
        notices.unmute(&ben, runtime).await.unwrap();
        assert_eq!(count(&world, &ben).await, 1);
        assert_eq!(world.services.access.viewer(&ben).await.unwrap().attention, 1);
        assert!(matches!(
            notices.mute(&ben, RuntimeId(uuid::Uuid::nil())).await,
            Err(NoticeError::NotFound)
        ));
        // Who silenced what is on record: once each.
        let events = world.store.audit_events_after(mira.account(), 0, 1000).await.unwrap();
        let done: Vec<_> = events
            .iter()
            .filter(|event| event.action.starts_with("notice.") || event.action.ends_with("muted"))
            .map(|event| (event.action.as_str(), event.actor_name.as_deref().unwrap(), event.runtime.as_deref()))
            .collect();
        assert_eq!(
            done,
            [
                ("notice.acknowledged", "Ana", None),
                ("notice.snoozed", "Ben", None),
                ("runtime.muted", "Ben", Some("prod-eu")),
                ("runtime.unmuted", "Ben", Some("prod-eu")),
            ]
        );
        let acknowledged = events.iter().find(|event| event.action == "notice.acknowledged").unwrap();
        assert!(acknowledged.detail == anas.told.sentence && acknowledged.token_id.is_some());
        assert!(matches!(notices.open(&ben).await, Err(NoticeError::Access(AccessError::NotAdmin))));
    }

    async fn an_admin_reminds_once_a_day(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let ana = person(&world, "Ana", false).await;
        let seeds = Seeds::new(50);
        let mut tokens = Vec::new();
        for name in ["prod-eu", "prod-us"] {
            let runtime = world.runtime(&mira, name).await;
            tokens.push(seeds.token(&world, &mira, (runtime, Some(ana.user())), in_days(&world, 200)).await);
            tokens.push(seeds.token(&world, &mira, (runtime, None), Expiry::Never).await);
        }
        let notices = &world.services.notices;
        assert_eq!(notices.remind(&mira, &tokens).await.unwrap(), 2, "Ana, and Mira for the runtimes' own");
        assert_eq!(notices.remind(&mira, &tokens).await.unwrap(), 0, "told today");
        assert_eq!([count(&world, &ana).await, count(&world, &mira).await], [2, 2]);
        run(&world).await;
        assert_eq!(count(&world, &ana).await, 2, "a look does not end it");
        world.clock.forward(DAY);
        assert_eq!(notices.remind(&mira, &tokens[..1]).await.unwrap(), 1);
        assert_eq!(count(&world, &ana).await, 2, "in place of yesterday's");
        let refused = notices.remind(&ana, &tokens).await;
        assert!(matches!(refused, Err(NoticeError::Access(AccessError::NotAdmin))));
        let events = world.store.audit_events_after(mira.account(), 0, 100).await.unwrap();
        assert_eq!(events.iter().filter(|event| event.action == Action::HoldersReminded.as_str()).count(), 2);
    }

    async fn other_lead_times_hold_for_the_tokens_that_are_there(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let seeds = Seeds::new(50);
        seeds.token(&world, &mira, (runtime, Some(mira.user())), in_days(&world, 80)).await;
        run(&world).await;
        assert!(told(&world, &mira).await.is_empty());
        let notices = &world.services.notices;
        let form = |leads: &str| SettingsForm {
            leads: leads.to_owned(),
            escalate_days: "5".to_owned(),
            digest_hour: "6".to_owned(),
        };
        notices.put_settings(&mira, &form("90, 7")).await.unwrap();
        run(&world).await;
        assert_eq!(told(&world, &mira).await, [(NoticeKind::Expiring, 90)]);
        notices.put_settings(&mira, &form("100")).await.unwrap();
        run(&world).await;
        assert_eq!(told(&world, &mira).await, [(NoticeKind::Expiring, 90)], "a nearer one is known already");
        for bad in ["", "0", "x", "400"] {
            assert!(matches!(notices.put_settings(&mira, &form(bad)).await, Err(NoticeError::Invalid(_))));
        }
        let settings = notices.settings(&mira).await.unwrap().settings;
        assert_eq!((settings.leads.to_string().as_str(), settings.escalate_days, settings.digest_hour), ("100", 5, 6));
    }

    async fn a_look_reads_what_is_due_and_nothing_else(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let seed = Seed { runtimes: 20, people: 100, now: world.clock.now().as_millis() };
        seed.sow(&world.database_url()).await;
        let first = run(&world).await.looked;
        assert!(first.at > 1_900 && first.opened > 400, "{first:?}");
        assert_eq!(run(&world).await.looked, Looked::default());
        let token = Seeds::new(50).token(&world, &mira, (runtime, None), in_days(&world, 5)).await;
        let second = run(&world).await.looked;
        assert_eq!((second.at, second.opened), (1, 1));
        let open = world.services.notices.open(&mira).await.unwrap();
        assert!(open.iter().any(|told| told.token == Some(token)));
        world.clock.forward(DAY);
        let third = run(&world).await.looked;
        assert!(third.at < 100, "those that reached a lead time or their end: {third:?}");
    }

    async fn four_processes_tell_everything_once(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let seeds = Seeds::new(50);
        for number in 0..60 {
            let runtime = world.runtime(&mira, &format!("r{number}")).await;
            seeds.token(&world, &mira, (runtime, Some(mira.user())), in_days(&world, 61)).await;
        }
        let sink = crate::support::HttpSink::start().await;
        crate::notice_channels::webhook(&world, &mira, &sink.url("/hook")).await;
        let mut four = Vec::new();
        for seed in 10..14 {
            let store = Store::connect(world.database_url()).await.unwrap();
            four.push(services(store, world.clock.clone(), seed).await);
        }
        for _ in 0..3 {
            world.clock.forward(DAY);
            let now = world.clock.now();
            let runs = four.iter().map(|services| {
                let notices = services.notices.clone();
                tokio::spawn(async move { notices.run_once(now).await.unwrap() })
            });
            for run in runs.collect::<Vec<_>>() {
                run.await.unwrap();
            }
        }
        // One may have looked while another had it all.
        run(&world).await;
        let received = sink.received("/hook");
        let ids: std::collections::BTreeSet<&str> = received.iter().map(|request| request.header("webhook-id")).collect();
        assert_eq!((received.len(), ids.len()), (60, 60));
        assert_eq!(told(&world, &mira).await, vec![(NoticeKind::Expiring, 60); 60]);
        for services in four {
            services.close().await.unwrap();
        }
    }
}
