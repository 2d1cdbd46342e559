//! What runtimes get for their access keys, and that nothing is handed out that is not recorded.

use crate::{
    oauth::Stage,
    refresh::{UNTIL_DUE, asked, at_gitlab, pass},
    support::{PASSWORD, World, on_both_databases},
};
use backend::{
    access::{AccessError, Member},
    access_keys::{AccessKeyError, PREFIX},
    audit::Record,
    expiring::{Choice, Rows, TokenLine},
    hand_out::{HandOutError, HandedOut},
    tokens::{At, TokenForm},
};
use domain::RuntimeId;
use forge::{Account, Fault, FaultRule, IssuedToken, NewToken};
use sea_orm::{ConnectionTrait as _, Database};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use std::net::{IpAddr, Ipv4Addr};

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

async fn handed_out(world: &World, member: &Member) -> Vec<Record> {
    let events = world.store.audit_events_after(member.account(), 0, 1000).await.unwrap();
    events
        .into_iter()
        .filter(|event| event.action == "token.handed_out")
        .collect()
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
        let old = passwords(&document)[0].to_owned();
        pass(&stage, UNTIL_DUE);
        let (after, document) = fetched(&stage.world, &key).await;
        assert_ne!((passwords(&document)[0], after.as_str()), (old.as_str(), before.as_str()));
        assert_eq!(asked(&stage), 1);

        // As long as the provider does not answer, a token that may be dead stays here, and it is told why.
        stage.world.forge.add_fault(FaultRule::new(Fault::Status { status: 503 }).on_path(crate::refresh::TOKEN));
        pass(&stage, UNTIL_DUE * 2);
        let (_, document) = fetched(&stage.world, &key).await;
        assert!(passwords(&document).is_empty());
        assert!(!document["unusable"][0]["why"].as_str().unwrap().is_empty());
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
