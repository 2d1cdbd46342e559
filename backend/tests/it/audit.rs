//! The audit log: complete, in order, unchangeable, and there before anything is done.

use crate::{
    rotation,
    support::{PASSWORD, World, on_both_databases, services},
};
use backend::{
    access::{AccessError, Member, NewAdmin},
    audit::{Actor, Direction, Filter, Follow, Format, Group, Outcome, Record, Sink, Who, compare, verify},
    clock::Clock as _,
    expiring::{Choice, Rows},
    git_providers::{GitProviderForm, TypedScopes},
    members::{Fate, InviteForm},
    notices::{SettingsForm, SlackForm, WebhookForm},
    oauth::ApplicationForm,
    runtimes::RuntimeForm,
    store::Store,
    tokens::At,
};
use domain::{AccountId, HolderKind, Role, RuntimeId, Timestamp};
use forge::{NewToken, Provider};
use migrations::{Migrator, MigratorTrait as _};
use sea_orm::{ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement};
use secrecy::ExposeSecret as _;
use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv4Addr},
    os::unix::fs::PermissionsExt as _,
    path::Path,
};

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

/// A second connection to the database, behind the back of the services.
async fn behind(world: &World) -> DatabaseConnection {
    Database::connect(world.database_url().expose_secret()).await.unwrap()
}

async fn run(db: &DatabaseConnection, sql: &str) {
    db.execute_unprepared(sql).await.unwrap();
}

/// Takes the guard away, as somebody who may do anything with the database could.
async fn unguarded(world: &World) -> DatabaseConnection {
    let db = behind(world).await;
    let on = if is_sqlite(&db) { "" } else { " ON audit_events" };
    run(&db, &format!("DROP TRIGGER audit_events_stay{on}")).await;
    run(&db, &format!("DROP TRIGGER audit_events_remain{on}")).await;
    db
}

fn is_sqlite(db: &DatabaseConnection) -> bool {
    db.get_database_backend() == DbBackend::Sqlite
}

async fn events(world: &World, account: AccountId) -> Vec<Record> {
    world.store.audit_events_after(account, 0, 10_000).await.unwrap()
}

/// What `verify` says of the account's chain: how many events fit, and the first that does not.
async fn verified(world: &World, account: AccountId) -> (i64, Option<i64>) {
    let found = verify(&world.store, account).await.unwrap();
    (found.events, found.flaw.map(|flaw| flaw.seq))
}

/// The same of a comparison with a file.
async fn compared(world: &World, account: AccountId, file: &str) -> (i64, Option<i64>) {
    let found = compare(&world.store, file.as_bytes(), None).await.unwrap();
    let found = &found[&account];
    (found.events, found.flaw.as_ref().map(|flaw| flaw.seq))
}

async fn file_of(world: &World, member: &Member, filter: Filter, format: Format) -> String {
    let mut file = world.services.audit.file(member, filter, format).unwrap();
    let mut text = String::new();
    while let Some(part) = file.next().await.unwrap() {
        text.push_str(&part);
    }
    text
}

/// The log of the account as it is exported.
async fn exported(world: &World, member: &Member) -> String {
    file_of(world, member, Filter::default(), Format::JsonLines).await
}

async fn register(world: &World, member: &Member, names: impl IntoIterator<Item = String>) -> Vec<RuntimeId> {
    let mut ids = Vec::new();
    for name in names {
        ids.push(world.runtime(member, &name).await);
    }
    ids
}

/// Mira, signed in from an address.
async fn from_here(world: &World) -> Member {
    let password = PASSWORD.to_owned().into();
    let signed_in = world
        .services
        .access
        .sign_in("mira@acme.dev", &password, HERE)
        .await
        .unwrap();
    let cookie = signed_in.cookie.expose_secret();
    let session = world
        .services
        .access
        .resume(cookie)
        .await
        .unwrap()
        .unwrap()
        .from_address(HERE);
    world.services.access.member(Some(&session), "acme").await.unwrap()
}

/// Everything that is stored, but for the log itself and what counts tries and looks: by table.
async fn everything(db: &DatabaseConnection) -> BTreeMap<String, Vec<String>> {
    let backend = db.get_database_backend();
    let texts = async |sql: String| -> Vec<String> {
        let rows = db.query_all_raw(Statement::from_string(backend, sql)).await.unwrap();
        rows.into_iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
    };
    let tables = if is_sqlite(db) {
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name"
    } else {
        "SELECT tablename::text FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
    };
    let mut all = BTreeMap::new();
    for table in texts(tables.to_owned()).await {
        if table.starts_with("audit") || table == "throttles" || table == "seaql_migrations" {
            continue;
        }
        let rows = if is_sqlite(db) {
            let columns = texts(format!(
                "SELECT 'quote(' || name || ')' FROM pragma_table_info('{table}')"
            ))
            .await;
            format!(
                "SELECT {} AS row FROM {table} ORDER BY row",
                columns.join(" || ',' || ")
            )
        } else {
            format!("SELECT t::text FROM {table} t ORDER BY 1")
        };
        all.insert(table, texts(rows).await);
    }
    all
}

/// From now on the database takes no record.
pub(crate) async fn refuse_records(db: &DatabaseConnection) {
    if is_sqlite(db) {
        run(
            db,
            "CREATE TRIGGER no_records BEFORE INSERT ON audit_events BEGIN SELECT RAISE(ABORT, 'full'); END",
        )
        .await;
    } else {
        run(
            db,
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'full'; END $$",
        )
        .await;
        run(
            db,
            "CREATE TRIGGER no_records BEFORE INSERT ON audit_events FOR EACH ROW EXECUTE FUNCTION refuse()",
        )
        .await;
    }
}

fn lines(path: &Path) -> Vec<i64> {
    let text = std::fs::read_to_string(path).unwrap();
    let seq = |line: &str| serde_json::from_str::<Record>(line).unwrap().seq;
    text.lines().map(seq).collect()
}

/// That each of these actions fails, and leaves everything as it was, here and at the provider.
macro_rules! refused {
    ($world:ident, ($db:ident, $before:ident): $($action:expr),+ $(,)?) => {$(
        assert!($action.await.is_err(), stringify!($action));
        assert_eq!(everything(&$db).await, $before, stringify!($action));
        assert!($world.forge.writes().is_empty(), stringify!($action));
    )+};
}

on_both_databases! {
    async fn who_from_where_and_on_what_are_recorded_by_name(database: TestDatabase) {
        let (world, _) = World::set_up(database).await;
        let mira = from_here(&world).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        world.services.runtimes.delete(&mira, runtime).await.unwrap();
        let log = events(&world, mira.account()).await;
        let words: Vec<&str> = log.iter().map(|event| event.action.as_str()).collect();
        assert_eq!(
            words,
            ["account.created", "session.signed_in", "git_provider.registered", "runtime.registered", "runtime.deleted"]
        );
        // What is gone is still named.
        let last = log.last().unwrap();
        assert_eq!(last.runtime.as_deref(), Some("prod-eu"));
        assert_eq!(last.git_provider.as_deref(), Some("forge"));
        assert_eq!(last.actor_name.as_deref(), Some("Mira Rao"));
        assert_eq!(last.actor_email.as_deref(), Some("mira@acme.dev"));
        assert_eq!((last.from.as_deref(), last.outcome.as_str()), (Some("192.0.2.7"), "done"));
        assert_eq!(verified(&world, mira.account()).await, (5, None));
    }

    async fn signing_in_and_out_is_recorded_and_so_is_being_refused(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let access = &world.services.access;
        let wrong = "another password here".to_owned().into();
        let tried = access.sign_in("mira@acme.dev", &wrong, HERE).await;
        assert!(matches!(tried, Err(AccessError::WrongCredentials)));
        assert!(access.sign_in("nobody@acme.dev", &wrong, HERE).await.is_err());
        // It is recorded beside the answer, so that how long that takes tells nothing.
        while events(&world, mira.account()).await.len() < 2 {
            tokio::task::yield_now().await;
        }
        let password = PASSWORD.to_owned().into();
        let cookie = access.sign_in("mira@acme.dev", &password, HERE).await.unwrap().cookie;
        let session = access.resume(cookie.expose_secret()).await.unwrap().unwrap().from_address(HERE);
        access.sign_out(&session).await.unwrap();
        let admin = NewAdmin {
            name: "Jonas Weber".to_owned(),
            email: "jonas@acme.dev".to_owned(),
            password: PASSWORD.to_owned().into(),
        };
        access.create_admin(None, admin).await.unwrap();
        let log = events(&world, mira.account()).await;
        let told: Vec<_> = log.iter().skip(1).map(|event| (event.action.as_str(), event.actor.as_str())).collect();
        assert_eq!(
            told,
            [
                ("session.sign_in_refused", "stranger"),
                ("session.signed_in", "person"),
                ("session.signed_out", "person"),
                ("member.created", "command-line")
            ]
        );
        assert_eq!((log[1].person.as_deref(), log[1].from.as_deref()), (Some("Mira Rao"), Some("192.0.2.7")));
        assert_eq!((log[1].actor_id, log[1].outcome.as_str()), (None, "refused"));
        assert_eq!(log[4].person.as_deref(), Some("Jonas Weber"));
    }

    async fn what_cannot_be_undone_is_recorded_before_and_after(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = rotation::runtime(&world, &mira, "prod-eu").await;
        rotation::token(&world, &mira, runtime, &["read_api", "write_repository", "self_rotate"]).await;
        world.services.rotation.rotate(&mira, runtime).await.unwrap();
        world.services.tokens.delete(&mira, runtime, true).await.unwrap();
        let log = events(&world, mira.account()).await;
        let told: Vec<_> = log.iter().rev().take(5).map(|event| (event.action.as_str(), event.outcome.as_str())).collect();
        assert_eq!(
            told,
            [
                ("token.deleted", "done"),
                ("token.revoked", "done"),
                ("token.revoking", "begun"),
                ("token.rotated", "done"),
                ("token.rotating", "begun")
            ]
        );
        let token = log.last().unwrap().token_id.unwrap();
        let of_token = world.services.audit.of_token(&mira, token, 3).await.unwrap();
        assert_eq!(of_token, log.iter().rev().take(3).cloned().collect::<Vec<_>>());
    }

    async fn a_token_that_is_not_taken_is_recorded_without_anything_of_it(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        let pasted = "ghp_000000000000000000000000000000000000";
        assert!(world.services.tokens.put(&mira, runtime, &pasted.to_owned().into()).await.is_err());
        let last = events(&world, mira.account()).await.pop().unwrap();
        assert_eq!((last.action.as_str(), last.outcome.as_str()), ("token.refused", "refused"));
        assert_eq!(last.detail, "its check said: invalid");
    }

    async fn many_writers_in_two_processes_make_one_chain(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        world.runtime(&mira, "first").await;
        let provider = world.services.git_providers.page(&mira).await.unwrap().providers[0].id;
        let other = services(Store::connect(world.database_url()).await.unwrap(), world.clock.clone(), 77).await;
        let mut writers = Vec::new();
        for n in 0..24 {
            let service = if n % 2 == 0 { &world.services } else { &other };
            let (runtimes, mira) = (service.runtimes.clone(), mira.clone());
            writers.push(tokio::spawn(async move {
                let form = RuntimeForm { name: format!("r{n}"), provider: provider.to_string(), ..RuntimeForm::default() };
                runtimes.register(&mira, form).await.unwrap()
            }));
        }
        for writer in writers {
            writer.await.unwrap();
        }
        let seqs: Vec<i64> = events(&world, mira.account()).await.iter().map(|event| event.seq).collect();
        assert_eq!(seqs, (1..=27).collect::<Vec<_>>());
        assert_eq!(verified(&world, mira.account()).await, (27, None));
    }

    async fn each_account_has_a_chain_of_its_own(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let slug = world.services.access.create_account("Globex", "mira@acme.dev").await.unwrap();
        let accounts = world.store.accounts().await.unwrap();
        let globex = accounts.into_iter().find(|(_, name)| *name == slug).unwrap().0;
        assert_eq!(verified(&world, globex).await, (1, None));
        assert_eq!(verified(&world, mira.account()).await, (1, None));
        let created = &events(&world, globex).await[0];
        assert_eq!((created.seq, created.action.as_str()), (1, "account.created"));
    }

    async fn the_database_refuses_to_change_or_delete_an_event(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let db = behind(&world).await;
        for sql in ["UPDATE audit_events SET detail = 'x'", "DELETE FROM audit_events", "DELETE FROM accounts"] {
            let refused = db.execute_unprepared(sql).await;
            assert!(refused.is_err(), "{sql}");
        }
        assert_eq!(verified(&world, mira.account()).await, (1, None));
    }

    async fn a_changed_event_is_found(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        register(&world, &mira, ["a", "b"].map(ToOwned::to_owned)).await;
        let db = unguarded(&world).await;
        for column in ["detail", "actor_name", "origin", "outcome", "runtime"] {
            let set = |value: &str| format!("UPDATE audit_events SET {column} = {value} WHERE seq = 3");
            run(&db, &format!("CREATE TABLE kept AS SELECT {column} AS was FROM audit_events WHERE seq = 3")).await;
            run(&db, &set("'somebody else'")).await;
            assert_eq!(verified(&world, mira.account()).await, (2, Some(3)), "{column}");
            run(&db, &set("(SELECT was FROM kept)")).await;
            run(&db, "DROP TABLE kept").await;
            assert_eq!(verified(&world, mira.account()).await, (4, None), "{column}");
        }
    }

    async fn an_event_that_is_gone_is_found(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        register(&world, &mira, ["a", "b", "c"].map(ToOwned::to_owned)).await;
        let before = exported(&world, &mira).await;
        let db = unguarded(&world).await;
        run(&db, "DELETE FROM audit_events WHERE seq = 5").await;
        assert_eq!(verified(&world, mira.account()).await, (4, Some(5)), "the last one");
        // Cut off with its head the chain is whole; a file tells.
        run(&db, "UPDATE audit_heads SET seq = 4, hash = (SELECT hash FROM audit_events WHERE seq = 4)").await;
        assert_eq!(verified(&world, mira.account()).await, (4, None));
        assert_eq!(compared(&world, mira.account(), &before).await, (4, Some(5)));
        run(&db, "DELETE FROM audit_events WHERE seq = 2").await;
        assert_eq!(verified(&world, mira.account()).await, (1, Some(2)), "one in the middle");
        // Without its head nothing can be recorded, and so nothing done.
        run(&db, "DELETE FROM audit_heads").await;
        let form = GitProviderForm { name: "other".to_owned(), ..world.provider_form() };
        assert!(world.services.git_providers.register(&mira, form).await.is_err());
    }

    async fn a_chain_that_was_made_anew_is_found_by_a_file(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        register(&world, &mira, ["a", "b"].map(ToOwned::to_owned)).await;
        let before = exported(&world, &mira).await;
        assert_eq!(compared(&world, mira.account(), &before).await, (4, None));
        let db = unguarded(&world).await;
        let hex = |bytes: [u8; 32]| {
            let digits = backend::audit::Hash(bytes).to_string();
            if is_sqlite(&db) { format!("x'{digits}'") } else { format!("'\\x{digits}'") }
        };
        let mut previous = backend::audit::Hash::default();
        for mut event in events(&world, mira.account()).await {
            if event.seq == 2 {
                event.actor_name = Some("Somebody Else".to_owned());
            }
            event.previous = previous;
            previous = event.computed();
            run(&db, &format!(
                "UPDATE audit_events SET actor_name = '{}', previous = {}, hash = {} WHERE seq = {}",
                event.actor_name.unwrap(), hex(event.previous.0), hex(previous.0), event.seq,
            )).await;
        }
        run(&db, &format!("UPDATE audit_heads SET hash = {}", hex(previous.0))).await;
        assert_eq!(verified(&world, mira.account()).await, (4, None), "it is whole");
        assert_eq!(compared(&world, mira.account(), &before).await, (1, Some(2)));
        let forged = before.replace("prod", "test").replace("\"b\"", "\"c\"");
        assert_eq!(compared(&world, mira.account(), &forged).await.1, Some(2), "a changed file is no witness");
    }

    async fn where_nothing_can_be_recorded_nothing_is_done(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let services = &world.services;
        let runtime = rotation::runtime(&world, &mira, "prod-eu").await;
        let empty = rotation::runtime(&world, &mira, "empty").await;
        rotation::token(&world, &mira, runtime, &["read_api", "write_repository", "self_rotate"]).await;
        let provider = services.git_providers.page(&mira).await.unwrap().providers[0].id;
        let at_forge = world.forge.create_oauth_application(forge::NewOAuthApplication::new(
            Provider::GitLab,
            "https://patchbay.example/oauth/callback/x",
        ));
        let application = || ApplicationForm {
            name: "Ours".to_owned(),
            client_id: at_forge.client_id.clone(),
            client_secret: at_forge.client_secret.clone().into(),
            scopes: "read_api".to_owned(),
            ..ApplicationForm::default()
        };
        let next = || async {
            let page = services.oauth_applications.page(&mira).await.unwrap();
            page[0].next.as_ref().unwrap().id
        };
        let id = next().await;
        services.oauth_applications.register(&mira, provider, id, &application()).await.unwrap();
        let session = {
            let cookie = services.access.sign_in("mira@acme.dev", &PASSWORD.to_owned().into(), HERE).await.unwrap().cookie;
            services.access.resume(cookie.expose_secret()).await.unwrap().unwrap()
        };
        let another = world.forge
            .create_token(NewToken::of_kind(forge::TokenKind::GitlabPersonal, "mira", ["read_api", "write_repository"]))
            .unwrap()
            .value;
        let provider_form = |name: &str| GitProviderForm {
            kind: "gitlab".to_owned(),
            name: name.to_owned(),
            base_url: world.forge.url_of(Provider::GitLab),
            api_url: String::new(),
            allow_unverified: false,
        };
        let runtime_form = |name: &str| RuntimeForm {
            name: name.to_owned(),
            provider: provider.to_string(),
            rotate_tokens: true,
            ..RuntimeForm::default()
        };
        let jonas = || NewAdmin {
            name: "Jonas".to_owned(),
            email: "jonas@acme.dev".to_owned(),
            password: PASSWORD.to_owned().into(),
        };
        let scopes = [TypedScopes { holder: HolderKind::User, sort: "personal".to_owned(), scopes: "api".to_owned() }];
        let second = next().await;

        let db = behind(&world).await;
        refuse_records(&db).await;
        world.forge.clear_requests();
        let before = everything(&db).await;
        refused!(world, (db, before):
            services.git_providers.register(&mira, provider_form("new")),
            services.git_providers.edit(&mira, provider, provider_form("renamed")),
            services.git_providers.choose_scopes(&mira, provider, &scopes),
            services.runtimes.register(&mira, runtime_form("new")),
            services.runtimes.edit(&mira, runtime, runtime_form("renamed")),
            services.runtimes.delete(&mira, runtime),
            services.oauth_applications.register(&mira, provider, second, &application()),
            services.oauth_applications.edit(&mira, id, &application()),
            services.oauth_applications.choose(&mira, empty, Some(id)),
            services.oauth_applications.delete(&mira, id),
            services.oauth.request_application(&mira, empty),
            services.tokens.put(&mira, empty, &another.clone().into()),
            services.tokens.put(&mira, At::runtime_token(empty), &another.clone().into()),
            services.tokens.put(&mira, runtime, &another.clone().into()),
            services.tokens.check(&mira, runtime),
            services.tokens.enter_expiry(&mira, runtime, "2030-01-20"),
            services.tokens.delete(&mira, runtime, false),
            services.tokens.delete(&mira, runtime, true),
            services.rotation.rotate(&mira, runtime),
            services.check_soon.check_soon(&mira, Some(runtime)),
            services.check_soon.check_soon(&mira, None),
            services.access.sign_in("mira@acme.dev", &PASSWORD.to_owned().into(), HERE),
            services.access.sign_out(&session),
            services.access.create_admin(None, jonas()),
        );
        // A test asks the provider something, and changes nothing there.
        assert!(services.oauth_applications.test(&mira, id).await.is_err());
        assert_eq!(everything(&db).await, before);
        // One that names several runtimes says of the first why.
        let shared = services.tokens.share(&mira, runtime, &[empty]).await;
        assert!(shared.is_err());
        assert_eq!(everything(&db).await, before);
    }

    async fn where_nothing_can_be_recorded_nobody_comes_or_goes_and_nothing_is_set(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let services = &world.services;
        let runtime = rotation::runtime(&world, &mira, "prod-eu").await;
        let empty = rotation::runtime(&world, &mira, "empty").await;
        rotation::token(&world, &mira, runtime, &["read_api", "write_repository", "self_rotate"]).await;
        // Somebody who is told of something, an invitation, a key, a channel, and a calendar's link.
        let ada = world.admin("Ada", "ada@acme.dev").await;
        let invite = || InviteForm { role: "admin".to_owned(), ..InviteForm::default() };
        services.members.invite(&mira, &invite()).await.unwrap();
        let invitation = services.members.page(&mira).await.unwrap().invitations[0].id;
        services.access_keys.issue(&mira, runtime, "argocd").await.unwrap();
        let key = services.access_keys.page(&mira, runtime).await.unwrap().keys[0].id;
        let webhook = |name: &str| WebhookForm { name: name.to_owned(), address: "https://127.0.0.1/hook".to_owned() };
        let channel = services.notices.add_webhook(&mira, &webhook("ops")).await.unwrap().id;
        let slack = || SlackForm { name: "chat".to_owned(), address: "https://127.0.0.1/chat".to_owned().into() };
        let times = || SettingsForm { leads: "5".to_owned(), escalate_days: "2".to_owned(), digest_hour: "6".to_owned() };
        services.calendar.make_link(&mira).await.unwrap();
        let token = services.expiring.page(&mira, &Choice::default()).await.unwrap().rows;
        let Rows::Tokens(lines) = token else { panic!("these are tokens") };
        let token = lines[0].id;
        services.notices.remind(&mira, &[token]).await.unwrap();
        let notice = services.notices.page(&mira).await.unwrap().notices[0].told.id;
        services.notices.mute(&mira, empty).await.unwrap();

        let db = behind(&world).await;
        refuse_records(&db).await;
        world.forge.clear_requests();
        let before = everything(&db).await;
        refused!(world, (db, before):
            services.access_keys.issue(&mira, runtime, "flux"),
            services.access_keys.revoke(&mira, key),
            services.members.invite(&mira, &invite()),
            services.members.revoke_invitation(&mira, invitation),
            services.members.change_role(&mira, ada.user(), Role::Member),
            services.members.remove(&mira, ada.user(), Fate::Revoke),
            services.members.remove(&ada, ada.user(), Fate::Keep),
            services.notices.put_settings(&mira, &times()),
            services.notices.add_webhook(&mira, &webhook("more")),
            services.notices.add_slack(&mira, &slack()),
            services.notices.delete_channel(&mira, channel),
            services.notices.acknowledge(&mira, notice),
            services.notices.snooze(&mira, notice, 3),
            services.notices.mute(&mira, runtime),
            services.notices.unmute(&mira, empty),
            services.calendar.make_link(&mira),
            services.calendar.remove_link(&mira),
            services.expiring.check_soon(&mira, &[token]),
        );
    }

    async fn old_events_are_chained_with_the_names_that_are_known(database: TestDatabase) {
        let db = Database::connect(database.url().expose_secret()).await.unwrap();
        Migrator::up(&db, Some(6)).await.unwrap();
        let id = |n: u8| {
            let uuid = uuid::Uuid::from_u128(u128::from(n));
            if is_sqlite(&db) { format!("x'{}'", uuid.simple()) } else { format!("'{uuid}'") }
        };
        run(&db, &format!("INSERT INTO accounts (id, slug, name, created_at) VALUES ({}, 'acme', 'Acme', 1), ({}, 'globex', 'Globex', 1)", id(1), id(2))).await;
        run(&db, &format!("INSERT INTO users (id, email, name, password_hash, created_at) VALUES ({}, 'mira@acme.dev', 'Mira Rao', 'x', 1)", id(3))).await;
        // Deliberately out of order, one by somebody unknown, one of a runtime that is gone.
        for (event, account, at, actor, action) in [
            (13, 1, 300, id(3), "token.stored"),
            (11, 1, 100, id(3), "runtime.registered"),
            (12, 1, 200, "NULL".to_owned(), "token.refresh_failed"),
            (14, 2, 150, id(9), "git_provider.edited"),
        ] {
            run(&db, &format!(
                "INSERT INTO audit_events (id, account_id, at, actor_id, action, runtime_id, git_provider_id, git_token_id, detail) \
                 VALUES ({}, {}, {at}, {actor}, '{action}', {}, NULL, NULL, 'ghp_…3f9a of mira')",
                id(event), id(account), id(8),
            )).await;
        }
        db.close().await.unwrap();
        let store = Store::connect(database.url()).await.unwrap();
        store.migrate().await.unwrap();
        let acme = AccountId(uuid::Uuid::from_u128(1));
        let log = store.audit_events_after(acme, 0, 10).await.unwrap();
        let told: Vec<_> = log.iter().map(|event| (event.seq, event.action.as_str(), event.outcome.as_str(), event.actor.as_str())).collect();
        assert_eq!(
            told,
            [
                (1, "runtime.registered", "done", "person"),
                (2, "token.refresh_failed", "failed", "patchbay"),
                (3, "token.stored", "done", "person")
            ]
        );
        assert_eq!((log[0].actor_name.as_deref(), log[0].at.as_millis()), (Some("Mira Rao"), 100));
        for (account, count) in [(acme, 3), (AccountId(uuid::Uuid::from_u128(2)), 1)] {
            let found = verify(&store, account).await.unwrap();
            assert_eq!((found.events, found.flaw), (count, None));
        }
        let filter = Filter { text: "mira 3f9a".to_owned(), group: Some(Group::Tokens), ..Filter::default() };
        let found = store.search_audit(acme, &filter, (Direction::NewestFirst, None), 10).await.unwrap();
        assert_eq!(found.iter().map(|event| event.seq).collect::<Vec<_>>(), [3, 2]);
    }

    async fn events_are_found_by_words_and_by_every_choice(database: TestDatabase) {
        let (world, _) = World::set_up(database).await;
        let mira = from_here(&world).await;
        let ids = register(&world, &mira, ["prod-eu", "prod-us", "staging"].map(ToOwned::to_owned)).await;
        world.clock.forward(86_400);
        let tomorrow = world.clock.now();
        world.services.runtimes.delete(&mira, ids[2]).await.unwrap();
        let wrong = "another password here".to_owned().into();
        assert!(world.services.access.sign_in("mira@acme.dev", &wrong, HERE).await.is_err());
        while events(&world, mira.account()).await.len() < 8 {
            tokio::task::yield_now().await;
        }
        let found = async |filter: Filter| -> Vec<i64> {
            let page = world.services.audit.page(&mira, &filter, None).await.unwrap();
            page.records.iter().map(|record| record.seq).collect()
        };
        let text = |text: &str| Filter { text: text.to_owned(), ..Filter::default() };
        assert_eq!(found(Filter::default()).await, [8, 7, 6, 5, 4, 3, 2, 1]);
        assert_eq!(found(text("prod")).await, [5, 4]);
        assert_eq!(found(text("PROD-e")).await, [4]);
        assert_eq!(found(text("prod 192.0.2.7 mira@")).await, [5, 4]);
        assert_eq!(found(text("prod staging")).await, Vec::<i64>::new());
        assert_eq!(found(text("x")).await, Vec::<i64>::new());
        assert_eq!(found(text("%")).await, [8, 7, 6, 5, 4, 3, 2, 1], "no word at all");
        assert_eq!(found(Filter { group: Some(Group::Sessions), ..Filter::default() }).await, [8, 2]);
        assert_eq!(found(Filter { outcome: Some(Outcome::Refused), ..Filter::default() }).await, [8]);
        assert_eq!(found(Filter { who: Some(Who::Stranger), ..Filter::default() }).await, [8]);
        assert_eq!(found(Filter { who: Some(Who::Person(mira.user())), ..text("staging") }).await, [7, 6]);
        assert_eq!(found(Filter { runtime: Some(ids[2]), ..Filter::default() }).await, [7, 6]);
        assert_eq!(found(Filter { from: Some(tomorrow), ..Filter::default() }).await, [8, 7]);
        assert_eq!(found(Filter { until: Some(tomorrow), ..text("staging") }).await, [6]);
        let long_ago = Timestamp::from_millis(0);
        assert_eq!(found(Filter { until: Some(long_ago), ..Filter::default() }).await, Vec::<i64>::new());
        let member = world.mira_as_member().await;
        assert!(world.services.audit.page(&member, &Filter::default(), None).await.is_err());
        assert!(world.services.audit.file(&member, Filter::default(), Format::Csv).is_err());
    }

    async fn pages_have_no_gaps_while_events_arrive(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        register(&world, &mira, (0..60).map(|n| format!("runtime-{n}"))).await;
        for filter in [Filter::default(), Filter { text: "runtime".to_owned(), ..Filter::default() }, Filter { text: "r".to_owned(), ..Filter::default() }] {
            // "Mira Rao" begins with it, too.
            let first = if filter.text == "runtime" { 3 } else { 1 };
            let expected: Vec<i64> = (first..=62).rev().collect();
            let mut seen = Vec::new();
            let mut before = None;
            loop {
                let page = world.services.audit.page(&mira, &filter, before).await.unwrap();
                seen.extend(page.records.iter().map(|record| record.seq));
                let form = GitProviderForm {
                    name: format!("other {} {}", filter.text, seen.len()),
                    ..world.provider_form()
                };
                world.services.git_providers.register(&mira, form).await.unwrap();
                before = page.next;
                if before.is_none() {
                    break;
                }
            }
            let old: Vec<i64> = seen.iter().copied().filter(|seq| *seq <= 62).collect();
            assert_eq!(old, expected, "{:?}", filter.text);
        }
    }

    async fn the_log_is_exported_with_all_that_verifies_it(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        register(&world, &mira, ["prod-eu".to_owned()]).await;
        let form = GitProviderForm { name: "=cmd()".to_owned(), ..world.provider_form() };
        world.services.git_providers.register(&mira, form).await.unwrap();
        let json = exported(&world, &mira).await;
        let read: Vec<Record> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, events(&world, mira.account()).await);
        assert!(read.windows(2).all(|pair| pair[1].previous == pair[0].hash && pair[1].computed() == pair[1].hash));
        let csv = file_of(&world, &mira, Filter::default(), Format::Csv).await;
        assert_eq!(csv.lines().count(), 1 + read.len());
        assert!(csv.contains(",'=cmd(),") && !csv.contains(",=cmd"), "{csv}");
        let some = Filter { text: "prod".to_owned(), ..Filter::default() };
        assert_eq!(file_of(&world, &mira, some.clone(), Format::JsonLines).await.lines().count(), 1);
        assert_eq!(file_of(&world, &mira, some, Format::Csv).await.lines().count(), 2);
        let none = Filter { text: "nothing".to_owned(), ..Filter::default() };
        assert_eq!(file_of(&world, &mira, none, Format::Csv).await.lines().count(), 1, "the head");
    }

    async fn a_long_log_is_exported_part_by_part(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        for n in 0..1100 {
            let event = backend::audit::AuditEvent::new(Actor::Patchbay, backend::audit::Action::TokenRotated, world.clock.now());
            world.store.record(mira.account(), event.detail(format!("number {n}"))).await.unwrap();
        }
        let mut file = world.services.audit.file(&mira, Filter::default(), Format::JsonLines).unwrap();
        let mut parts = Vec::new();
        while let Some(part) = file.next().await.unwrap() {
            parts.push(part.lines().count());
        }
        assert_eq!(parts, [500, 500, 101]);
        assert_eq!(verified(&world, mira.account()).await, (1101, None));
        // More words begin so than are looked up one by one, and fewer.
        for (text, count) in [("number", 1100), ("1", 212), ("109", 11), ("1099", 1)] {
            let filter = Filter { text: text.to_owned(), ..Filter::default() };
            let found = file_of(&world, &mira, filter, Format::JsonLines).await.lines().count();
            assert_eq!(found, count, "{text}");
        }
    }

    async fn the_stream_has_every_event_once(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let start = async || Follow::new(world.store.clone(), Sink::File(path.clone())).await.unwrap();
        let mut follow = start().await;
        assert_eq!(follow.write().await.unwrap(), 1);
        register(&world, &mira, ["a".to_owned()]).await;
        assert_eq!((follow.write().await.unwrap(), follow.write().await.unwrap()), (2, 0));
        // A process that ended in the middle of a line.
        let whole = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, &whole[..whole.len() - 20]).unwrap();
        register(&world, &mira, ["b".to_owned()]).await;
        let mut follow = start().await;
        assert_eq!(follow.write().await.unwrap(), 2, "the torn line once more, and the new one");
        assert_eq!(lines(&path), [1, 2, 3, 4]);
        assert_eq!(compared(&world, mira.account(), &std::fs::read_to_string(&path).unwrap()).await, (4, None));
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        // A file of something else is left alone.
        std::fs::write(&path, "log line\n").unwrap();
        assert!(Follow::new(world.store.clone(), Sink::File(path.clone())).await.is_err());
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "log line\n");
    }
}
