//! What runtimes get for their access keys, and that nothing is handed out that is not recorded.

use crate::{
    oauth::Stage,
    refresh::{UNTIL_DUE, asked, at_gitlab, grant, pass},
    support::{PASSWORD, World, on_both_databases},
};
use backend::{
    access::{AccessError, Member},
    access_keys::AccessKeyError,
    audit::Record,
    expiring::{Choice, Rows, TokenLine},
    hand_out::{HandOutError, HandedOut},
    members::Fate,
    store::{GitProviderRow, HandOver, Handed, RuntimeRow},
    tokens::{At, TokenForm},
};
use domain::{GitTokenId, RefreshNote, RuntimeId, token_format::ACCESS_KEY_PREFIX as PREFIX};
use forge::{Account, Fault, FaultRule, IssuedToken, NewToken};
use sea_orm::{ConnectionTrait as _, Database};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};
use tokio::task::JoinSet;

const FROM: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

async fn key(world: &World, admin: &Member, runtime: RuntimeId) -> SecretString {
    world
        .services
        .access_keys
        .issue(admin, runtime, "argocd")
        .await
        .unwrap()
}

async fn put(world: &World, member: &Member, at: impl Into<At>, login: &str) -> IssuedToken {
    world.forge.put_account(login, Account::with_password(PASSWORD));
    let token = world
        .forge
        .create_token(NewToken::classic(login, ["repo", "admin:repo_hook"]))
        .unwrap();
    let form = TokenForm {
        token: token.value.clone().into(),
        ..TokenForm::default()
    };
    world.services.tokens.put(member, at, &form).await.unwrap();
    token
}

/// What there is for a key, with its tag.
async fn fetched(world: &World, key: &SecretString) -> (String, Value) {
    match world.services.hand_out.credentials(key, |_| false, FROM).await.unwrap() {
        HandedOut::Credentials { etag, document } => (etag, serde_json::from_str(document.expose_secret()).unwrap()),
        HandedOut::Unchanged { .. } => panic!("nothing was said to be known"),
    }
}

async fn has_changed(world: &World, key: &SecretString, known: &str) -> bool {
    let answer = world
        .services
        .hand_out
        .credentials(key, |etag| etag == known, FROM)
        .await;
    matches!(answer.unwrap(), HandedOut::Credentials { .. })
}

fn passwords(document: &Value) -> Vec<&str> {
    let credentials = document["credentials"].as_array().unwrap();
    credentials
        .iter()
        .map(|one| one["password"].as_str().unwrap())
        .collect()
}

async fn records(world: &World, member: &Member, action: &str) -> Vec<Record> {
    let events = world.store.audit_events_after(member.account(), 0, 1000).await.unwrap();
    events.into_iter().filter(|event| event.action == action).collect()
}

async fn handed_out(world: &World, member: &Member) -> Vec<Record> {
    records(world, member, "token.handed_out").await
}

/// What the last request that was answered with credentials left in the log, and how many there were.
async fn fetches(world: &World, member: &Member) -> (usize, String) {
    let mut fetches = records(world, member, "credentials.fetched").await;
    let last = fetches.last_mut().map(|record| std::mem::take(&mut record.detail));
    (fetches.len(), last.unwrap_or_default())
}

async fn tokens(world: &World, admin: &Member) -> Vec<TokenLine> {
    match world
        .services
        .expiring
        .page(admin, &Choice::default())
        .await
        .unwrap()
        .rows
    {
        Rows::Tokens(lines) => lines,
        Rows::Missing(_) => panic!("these are no tokens"),
    }
}

on_both_databases! {
    async fn a_runtime_gets_its_own_token_and_those_of_its_people(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let other = world.runtime(&mira, "prod-us").await;
        let own = put(&world, &mira, At::runtime_token(runtime), "robot").await.value;
        let hers = put(&world, &mira, runtime, "ada").await.value;
        let elsewhere = put(&world, &mira, other, "ada").await.value;
        let key = key(&world, &mira, runtime).await;
        assert!(key.expose_secret().starts_with(PREFIX) && key.expose_secret().len() > 40);
        assert!(tokens(&world, &mira).await.iter().all(|line| line.used_at.is_none()));

        world.clock.forward(60);
        let (_, document) = fetched(&world, &key).await;
        assert_eq!(document["runtime"]["name"], "prod-eu");
        assert_eq!(document["git_provider"]["kind"], "github");
        assert_eq!(document["git_provider"]["url"], world.forge.url());
        let credentials = document["credentials"].as_array().unwrap();
        let of = |kind: &str| credentials.iter().find(|one| one["holder"]["kind"] == kind).unwrap();
        assert_eq!(of("runtime")["password"], own.as_str());
        assert_eq!(of("user")["password"], hers.as_str());
        assert_eq!(of("user")["holder"]["email"], "mira@acme.dev");
        assert_eq!((&of("user")["username"], &of("user")["login"]), (&Value::from("x-access-token"), &Value::from("ada")));
        assert_eq!((credentials.len(), document["unusable"].as_array().unwrap().len()), (2, 0));
        assert!(!document.to_string().contains(&elsewhere), "what is for another runtime stays here");

        // Each is recorded: which, for whom, by which key, from where.
        let events = handed_out(&world, &mira).await;
        assert_eq!(events.len(), 2);
        for event in &events {
            assert_eq!((event.actor.as_str(), event.actor_name.as_deref()), ("access-key", Some("argocd")));
            assert_eq!((event.from.as_deref(), event.runtime.as_deref()), (Some("192.0.2.7"), Some("prod-eu")));
            assert_eq!(event.outcome, "done");
            assert!(!event.detail.contains(&own) && !event.detail.contains(&hers));
        }
        assert_eq!(events.iter().filter(|event| event.person.as_deref() == Some("Mira Rao")).count(), 1);
        assert_eq!(fetches(&world, &mira).await, (1, "2 in all, 2 of them new to this key at this address".to_owned()));

        // The dashboard says when each was used.
        let now = backend::clock::Clock::now(world.clock.as_ref());
        for line in tokens(&world, &mira).await {
            assert_eq!(line.used_at, (line.runtime == "prod-eu").then_some(now), "{line:?}");
            let detail = world.services.expiring.detail(&mira, line.id).await.unwrap();
            assert_eq!(detail.uses.first().unwrap().used_at, line.used_at);
        }
        let rows = world.services.tokens.page(&mira).await.unwrap().rows;
        let of = |name: &str| rows.iter().find(|row| row.runtime_name == name).unwrap().used_at;
        assert_eq!((of("prod-eu"), of("prod-us")), (Some(now), None));
        let page = world.services.access_keys.page(&mira, runtime).await.unwrap();
        assert_eq!(page.keys.first().unwrap().last_used_at, Some(now));
        assert_eq!(page.keys.first().unwrap().issuer.as_deref(), Some("Mira Rao"));
    }

    async fn what_a_runtime_has_already_is_not_handed_out_again(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        put(&world, &mira, runtime, "ada").await;
        let key = key(&world, &mira, runtime).await;
        let (etag, _) = fetched(&world, &key).await;
        assert!(!has_changed(&world, &key, &etag).await);
        assert_eq!(handed_out(&world, &mira).await.len(), 1);

        // It still uses what it has, which is noted now and then.
        world.clock.forward(3600);
        assert!(!has_changed(&world, &key, &etag).await);
        let now = backend::clock::Clock::now(world.clock.as_ref());
        assert_eq!(tokens(&world, &mira).await.remove(0).used_at, Some(now));
        world.clock.forward(60);
        assert!(!has_changed(&world, &key, &etag).await);
        assert_eq!(tokens(&world, &mira).await.remove(0).used_at, Some(now));

        // Another value, another holder, and none any more: each is another tag.
        put(&world, &mira, runtime, "ada").await;
        let (replaced, _) = fetched(&world, &key).await;
        put(&world, &mira, At::runtime_token(runtime), "robot").await;
        let (more, _) = fetched(&world, &key).await;
        world.services.tokens.delete(&mira, runtime, false).await.unwrap();
        let (fewer, document) = fetched(&world, &key).await;
        let tags = [etag, replaced, more, fewer];
        for (at, tag) in tags.iter().enumerate() {
            assert!(!tags[..at].contains(tag), "{tags:?}");
        }
        assert_eq!(passwords(&document).len(), 1);
    }

    async fn a_key_opens_what_it_was_issued_for_until_it_is_revoked(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        put(&world, &mira, runtime, "ada").await;
        let key = key(&world, &mira, runtime).await;
        let keys = &world.services.access_keys;
        let taken = keys.issue(&mira, runtime, " argocd ").await;
        assert!(matches!(taken, Err(AccessKeyError::Invalid(errors)) if errors.at("name").is_some()));
        let nameless = keys.issue(&mira, runtime, " ").await;
        assert!(matches!(nameless, Err(AccessKeyError::Invalid(errors)) if errors.at("name").is_some()));
        let secret = keys.issue(&mira, runtime, key.expose_secret()).await;
        assert!(matches!(secret, Err(AccessKeyError::Invalid(errors)) if errors.at("name").is_some()));
        let unknown = |text: &str| SecretString::from(text);
        for wrong in [unknown(""), unknown("pbk_"), unknown(&key.expose_secret()[PREFIX.len()..])] {
            let refused = world.services.hand_out.credentials(&wrong, |_| true, FROM).await;
            assert!(matches!(refused, Err(HandOutError::UnknownKey)));
        }

        let second = keys.issue(&mira, runtime, "flux").await.unwrap();
        let page = keys.page(&mira, runtime).await.unwrap();
        let names: Vec<_> = page.keys.iter().map(|key| key.name.as_str()).collect();
        assert_eq!(names, ["argocd", "flux"]);
        assert_eq!(keys.revoke(&mira, page.keys[0].id).await.unwrap(), runtime);
        assert!(matches!(keys.revoke(&mira, page.keys[0].id).await, Err(AccessKeyError::NotFound)));
        let refused = world.services.hand_out.credentials(&key, |_| true, FROM).await;
        assert!(matches!(refused, Err(HandOutError::UnknownKey)), "also for what it has already");
        assert_eq!(passwords(&fetched(&world, &second).await.1).len(), 1);

        // With the runtime goes the key.
        world.services.runtimes.delete(&mira, runtime).await.unwrap();
        let refused = world.services.hand_out.credentials(&second, |_| false, FROM).await;
        assert!(matches!(refused, Err(HandOutError::UnknownKey)));

        let member = world.mira_as_member().await;
        let refused = [
            keys.page(&member, runtime).await.err(),
            keys.issue(&member, runtime, "x").await.err(),
            keys.revoke(&member, page.keys[1].id).await.err(),
        ];
        for error in refused {
            assert!(matches!(error, Some(AccessKeyError::Access(AccessError::NotAdmin))));
        }
    }

    async fn what_does_not_work_is_told_and_not_handed_out(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let hers = put(&world, &mira, runtime, "ada").await;
        put(&world, &mira, At::runtime_token(runtime), "robot").await;
        world.forge.revoke_token(hers.id).unwrap();
        world.services.tokens.check(&mira, runtime).await.unwrap();
        let key = key(&world, &mira, runtime).await;
        let (_, document) = fetched(&world, &key).await;
        assert_eq!(passwords(&document).len(), 1);
        assert!(!document.to_string().contains(&hers.value));
        let unusable = document["unusable"].as_array().unwrap();
        assert_eq!((&unusable[0]["status"], unusable.len()), (&Value::from("invalid"), 1));
        assert_eq!(unusable[0]["holder"]["email"], "mira@acme.dev");
        assert_eq!(handed_out(&world, &mira).await.len(), 1);
    }

    async fn an_oauth_token_is_refreshed_first(database: TestDatabase) {
        let stage: Stage = at_gitlab(database).await;
        let key = key(&stage.world, &stage.mira, stage.runtime).await;
        let (before, document) = fetched(&stage.world, &key).await;
        assert_eq!(document["credentials"][0]["kind"], "oauth");
        assert_eq!(document["credentials"][0]["username"], "oauth2");
        let end = |grant: backend::store::GrantRow| Value::from(grant.access_ends.unwrap().rfc3339());
        assert_eq!(document["credentials"][0]["expires_at"], end(grant(&stage).await));
        let old = passwords(&document)[0].to_owned();
        pass(&stage, UNTIL_DUE);
        let (after, document) = fetched(&stage.world, &key).await;
        assert_ne!((passwords(&document)[0], after.as_str()), (old.as_str(), before.as_str()));
        assert_eq!(asked(&stage), 1);
        assert_eq!(document["credentials"][0]["expires_at"], end(grant(&stage).await));

        // What could not be refreshed serves until its end.
        stage.world.forge.add_fault(FaultRule::new(Fault::Status { status: 403 }).on_path(crate::refresh::TOKEN).once());
        let new = passwords(&document)[0].to_owned();
        pass(&stage, UNTIL_DUE);
        assert_eq!(passwords(&fetched(&stage.world, &key).await.1), [new.as_str()]);
        assert!(matches!(grant(&stage).await.note, Some(RefreshNote::Failing { .. })));

        // As long as the provider does not answer, a token that may be dead stays here, and it is told why.
        stage.world.forge.add_fault(FaultRule::new(Fault::Status { status: 503 }).on_path(crate::refresh::TOKEN));
        pass(&stage, UNTIL_DUE * 2);
        let (_, document) = fetched(&stage.world, &key).await;
        assert!(passwords(&document).is_empty());
        assert!(!document["unusable"][0]["why"].as_str().unwrap().is_empty());
    }

    async fn every_request_is_recorded_and_a_token_that_the_key_had_there_is_not_told_again(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        put(&world, &mira, runtime, "ada").await;
        put(&world, &mira, At::runtime_token(runtime), "robot").await;
        let key = key(&world, &mira, runtime).await;
        let record = |all: usize, new: usize| format!("{all} in all, {new} of them new to this key at this address");
        fetched(&world, &key).await;
        fetched(&world, &key).await;
        assert_eq!((handed_out(&world, &mira).await.len(), fetches(&world, &mira).await), (2, (2, record(2, 0))));
        // Another token, another address, another key, and after a month: each is told.
        put(&world, &mira, runtime, "ada").await;
        fetched(&world, &key).await;
        assert_eq!((handed_out(&world, &mira).await.len(), fetches(&world, &mira).await), (3, (3, record(2, 1))));
        let elsewhere = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 8));
        for _ in 0..2 {
            world.services.hand_out.credentials(&key, |_| false, elsewhere).await.unwrap();
        }
        assert_eq!(handed_out(&world, &mira).await.len(), 5);
        let second = world.services.access_keys.issue(&mira, runtime, "flux").await.unwrap();
        fetched(&world, &second).await;
        assert_eq!((handed_out(&world, &mira).await.len(), fetches(&world, &mira).await), (7, (6, record(2, 2))));
        world.clock.forward(30 * 86_400);
        fetched(&world, &key).await;
        assert_eq!((handed_out(&world, &mira).await.len(), fetches(&world, &mira).await), (9, (7, record(2, 2))));
        // Whoever gets nothing leaves nothing.
        for at in [At::from(runtime), At::runtime_token(runtime)] {
            world.services.tokens.delete(&mira, at, false).await.unwrap();
        }
        assert!(passwords(&fetched(&world, &key).await.1).is_empty());
        assert_eq!(fetches(&world, &mira).await.0, 7);
    }

    async fn what_is_not_as_it_was_read_does_not_leave(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        put(&world, &mira, runtime, "ada").await;
        let secret = key(&world, &mira, runtime).await;
        let (store, account) = (&world.store, mira.account());
        let key = store.access_keys(account, runtime).await.unwrap().remove(0);
        let place = store.runtime(account, runtime).await.unwrap().unwrap();
        let provider = store.git_provider(account, place.git_provider).await.unwrap().unwrap();
        let token = store.tokens_for(account, runtime).await.unwrap().remove(0);
        let over = || HandOver {
            key: &key,
            runtime: &place,
            provider: &provider,
            tokens: vec![(token.id, token.fingerprint.clone())],
            from: FROM,
            now: backend::clock::Clock::now(world.clock.as_ref()),
        };
        let hand = async |over: HandOver<'_>| {
            store.hand_out(&over, |_| panic!("nothing is handed out")).await.unwrap()
        };
        // Another token, one that is gone, another address for it, another provider.
        let replaced = vec![(token.id, b"of another token".to_vec())];
        let gone = vec![(GitTokenId(key.id.0), token.fingerprint.clone())];
        assert_eq!(hand(HandOver { tokens: replaced, ..over() }).await, Handed::Changed);
        assert_eq!(hand(HandOver { tokens: gone, ..over() }).await, Handed::Changed);
        let moved = GitProviderRow { base_url: "https://elsewhere.example".to_owned(), ..provider.clone() };
        assert_eq!(hand(HandOver { provider: &moved, ..over() }).await, Handed::Changed);
        let chosen = RuntimeRow { name: "prod-us".to_owned(), ..place.clone() };
        assert_eq!(hand(HandOver { runtime: &chosen, ..over() }).await, Handed::Changed);
        assert!(store.access_keys(account, runtime).await.unwrap()[0].last_used_at.is_none());
        assert_eq!(store.hand_out(&over(), |_| Vec::new()).await.unwrap(), Handed::Recorded);
        world.services.access_keys.revoke(&mira, key.id).await.unwrap();
        assert_eq!(hand(over()).await, Handed::Revoked);
        store.still_used(&key, std::iter::empty(), over().now).await.unwrap();
        drop(secret);
    }

    async fn what_does_not_open_is_told_and_keeps_nothing_else_back(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        put(&world, &mira, runtime, "ada").await;
        let own = put(&world, &mira, At::runtime_token(runtime), "robot").await.value;
        let key = key(&world, &mira, runtime).await;
        let db = Database::connect(world.database_url().expose_secret()).await.unwrap();
        // As if somebody had moved the runtime's ciphertext into her row.
        db.execute_unprepared(
            "UPDATE git_tokens SET sealed = (SELECT sealed FROM git_tokens WHERE user_id IS NULL) WHERE user_id IS NOT NULL",
        )
        .await
        .unwrap();
        db.close().await.unwrap();
        let (etag, document) = fetched(&world, &key).await;
        assert_eq!(passwords(&document), [own.as_str()]);
        assert_eq!(document["unusable"][0]["holder"]["email"], "mira@acme.dev");
        assert!(document["unusable"][0]["why"].as_str().unwrap().contains("cannot be opened"));
        assert!(!has_changed(&world, &key, &etag).await);
    }

    async fn what_works_for_a_part_is_handed_out_with_its_status(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        put(&world, &mira, runtime, "ada").await;
        let sso = Fault::SsoRequired { url: format!("{}/orgs/acme/sso", world.forge.url()) };
        world.forge.add_fault(FaultRule::new(sso));
        world.services.tokens.check(&mira, runtime).await.unwrap();
        let key = key(&world, &mira, runtime).await;
        let (_, document) = fetched(&world, &key).await;
        assert_eq!(document["credentials"][0]["status"], "sso_required");
    }

    async fn tokens_that_somebody_left_behind_are_handed_out(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let jonas = world.admin("Jonas", "jonas@acme.dev").await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let token = put(&world, &jonas, runtime, "ada").await.value;
        let key = key(&world, &jonas, runtime).await;
        world.services.members.remove(&mira, jonas.user(), Fate::Keep).await.unwrap();
        let (_, document) = fetched(&world, &key).await;
        assert_eq!(passwords(&document), [token.as_str()]);
        assert_eq!(document["credentials"][0]["holder"]["name"], "Jonas");
    }

    async fn several_fetch_at_once_while_tokens_change(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        put(&world, &mira, runtime, "ada").await;
        put(&world, &mira, At::runtime_token(runtime), "robot").await;
        let mut asking = JoinSet::new();
        for name in ["argocd", "flux"] {
            let key = world.services.access_keys.issue(&mira, runtime, name).await.unwrap();
            for _ in 0..4 {
                let (hand_out, key) = (world.services.hand_out.clone(), key.clone());
                asking.spawn(async move {
                    for _ in 0..5 {
                        hand_out.credentials(&key, |_| false, FROM).await.unwrap();
                    }
                });
            }
        }
        for _ in 0..5 {
            put(&world, &mira, runtime, "ada").await;
        }
        while let Some(done) = asking.join_next().await {
            done.unwrap();
        }
        assert_eq!(fetches(&world, &mira).await.0, 40);
        // The runtime's token to each key once, and each of hers at most once.
        let handed = handed_out(&world, &mira).await.len();
        assert!((4..=2 * 7).contains(&handed), "{handed}");
    }

    async fn where_it_cannot_be_recorded_nothing_is_handed_out(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        put(&world, &mira, runtime, "ada").await;
        let key = key(&world, &mira, runtime).await;
        let db = Database::connect(world.database_url().expose_secret()).await.unwrap();
        crate::audit::refuse_records(&db).await;
        let refused = world.services.hand_out.credentials(&key, |_| false, FROM).await;
        assert!(matches!(refused, Err(HandOutError::Fault(_))));
        assert!(tokens(&world, &mira).await.remove(0).used_at.is_none());
        assert_eq!(world.services.access_keys.page(&mira, runtime).await.unwrap().keys[0].last_used_at, None);
        assert!(world.services.access_keys.issue(&mira, runtime, "flux").await.is_err());
        let id = world.services.access_keys.page(&mira, runtime).await.unwrap().keys[0].id;
        assert!(world.services.access_keys.revoke(&mira, id).await.is_err());
        let keys = world.services.access_keys.page(&mira, runtime).await.unwrap().keys;
        assert_eq!(keys.len(), 1, "neither issued nor revoked");
        db.close().await.unwrap();
    }

    async fn no_key_is_stored_as_it_is(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let key = key(&world, &mira, runtime).await;
        let db = Database::connect(world.database_url().expose_secret()).await.unwrap();
        let rows = db.query_all_raw(sea_orm::Statement::from_string(
            db.get_database_backend(),
            "SELECT secret_hash FROM access_keys",
        ));
        let rows = rows.await.unwrap();
        let hash: Vec<u8> = rows[0].try_get_by_index(0).unwrap();
        assert_eq!((rows.len(), hash.len()), (1, 32));
        assert!(!key.expose_secret().as_bytes().windows(8).any(|part| hash.windows(8).any(|found| found == part)));
        db.close().await.unwrap();
    }
}
