//! How fast the sweep checks many tokens, beside the fastest that its concurrency and the providers' latency allow, and how much
//! memory it takes for it.
//!
//! The stand-in providers run here; each database is filled and swept by processes of their own, so that the peak memory is the
//! sweep's alone.
//! `cargo bench --bench sweep -- 100000` sets the number of tokens; a tenth of it is measured first.

#![expect(clippy::print_stdout, reason = "a benchmark prints")]

use backend::{
    Services,
    access::SetUp,
    clock::Clock,
    egress::{Egress, EgressPolicy, EgressSettings},
    git_providers::GitProviderForm,
    keys::AccountKeys,
    random::{self, SystemRandom},
    runtimes::RuntimeForm,
    store::Store,
    vault::{MasterKeys, Place},
};
use domain::{AccountId, RuntimeId, Timestamp, UserId};
use forge::{Account, Fault, FaultRule, Forge, NewToken};
use sea_orm::{
    ConnectionTrait as _, Database, DatabaseConnection, TransactionTrait as _,
    sea_query::{Alias, Query, SimpleExpr},
};
use secrecy::{ExposeSecret as _, SecretString};
use std::{path::Path, process::Command, sync::Arc, time::Duration};
use tokio::{sync::watch, time::Instant};
use uuid::Uuid;

/// How many tokens are swept unless told otherwise.
const TOKENS: usize = 100_000;
/// How many hosts there are: at four tokens each, as many as the sweep checks at once in all.
const HOSTS: usize = 8;
const AT_ONCE: usize = 32;
/// How long a stand-in takes for an answer.
const LATENCY: Duration = Duration::from_millis(50);
/// How many people have a token for each runtime.
const PEOPLE: usize = 500;
/// The same token everywhere: what it costs to check one does not depend on it, and a stand-in finds one quickly.
const TOKEN: &str = "ghp_000000000000000000000000000000000000";

/// Noon, and a day later.
const STORED: i64 = 1_795_348_800_000;
const SWEPT: i64 = STORED + 86_400_000;

struct Fixed(i64);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0)
    }
}

#[tokio::main]
async fn main() {
    // Cargo adds `--bench`.
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect();
    let number = |word: &String| word.parse().expect("a number of tokens");
    match &arguments[..] {
        [word, folder, tokens, hosts @ ..] if word == "fill" => fill(folder.as_ref(), number(tokens), hosts).await,
        [word, folder, tokens] if word == "sweep" => sweep(folder.as_ref(), number(tokens)).await,
        [] => compare(TOKENS).await,
        [tokens] => compare(number(tokens)).await,
        _ => panic!("give a number of tokens, or nothing"),
    }
}

/// Starts the stand-ins and measures twice.
async fn compare(tokens: usize) {
    let mut forges = Vec::new();
    for _ in 0..HOSTS {
        let forge = Forge::start().await;
        forge.put_account("mira", Account::with_password("correct horse"));
        let token = NewToken::classic("mira", ["repo"]).value(TOKEN);
        forge.create_token(token).expect("a token");
        let millis = u64::try_from(LATENCY.as_millis()).expect("a short time");
        forge.add_fault(FaultRule::new(Fault::Delay { millis }));
        forges.push(forge);
    }
    let hosts: Vec<String> = forges.iter().map(Forge::url).collect();
    // The stand-ins write every request down, which nobody reads here.
    tokio::spawn(async move {
        loop {
            tokio::time::sleep(Duration::from_millis(200)).await;
            forges.iter().for_each(Forge::clear_requests);
        }
    });
    for tokens in [tokens / 10, tokens] {
        let hosts = hosts.clone();
        let measured = tokio::task::spawn_blocking(move || {
            let folder = tempfile::tempdir().expect("a folder");
            run("fill", folder.path(), tokens, &hosts);
            run("sweep", folder.path(), tokens, &[]);
        });
        measured.await.expect("it goes well");
    }
}

/// Runs this program again for one step.
fn run(step: &str, folder: &Path, tokens: usize, hosts: &[String]) {
    let status = Command::new(std::env::current_exe().expect("this program"))
        .arg(step)
        .arg(folder)
        .arg(tokens.to_string())
        .args(hosts)
        .status();
    assert!(status.expect("this program runs").success(), "{step}");
}

/// Sweeps a filled database once.
#[expect(clippy::cast_precision_loss, reason = "numbers of tokens are small")]
async fn sweep(folder: &Path, tokens: usize) {
    let master = MasterKeys::load(&folder.join("master.key")).expect("a master key");
    let services = services(folder, &Arc::new(master), SWEPT).await;
    let before = peak_memory();
    let start = Instant::now();
    let tally = services.sweep.run_once(watch::channel(false).1).await.expect("swept");
    let took = start.elapsed().as_secs_f64();
    assert_eq!(tally.accepted, tokens as u64, "{tally:?}");

    let (rate, ideal) = (tokens as f64 / took, AT_ONCE as f64 / LATENCY.as_secs_f64());
    println!(
        "sweep of {tokens} tokens at {HOSTS} hosts that answer after {} ms: {took:.1} s, {rate:.0} tokens/s; ideal {ideal:.0}/s, \
         ratio {:.2}; peak memory {:.1} MiB before, {:.1} MiB after",
        LATENCY.as_millis(),
        rate / ideal,
        before as f64 / 1024.0,
        peak_memory() as f64 / 1024.0,
    );
}

fn url(folder: &Path) -> SecretString {
    format!("sqlite://{}?mode=rwc", folder.join("patchbay.db").display()).into()
}

async fn services(folder: &Path, master: &Arc<MasterKeys>, now: i64) -> Services {
    let store = Store::connect(url(folder)).await.expect("a database");
    let policy = EgressPolicy::new(vec!["127.0.0.1".parse().expect("a rule")]);
    let egress = Egress::new(policy, EgressSettings::default(), Arc::new(SystemRandom)).expect("a client");
    let (clock, random) = (Arc::new(Fixed(now)), Arc::new(SystemRandom));
    Services::new(
        store,
        master.clone(),
        egress,
        clock,
        random,
        "https://patchbay.example/".parse().expect("a URL"),
    )
    .await
    .expect("services")
}

/// An account whose tokens are spread evenly over the hosts, in runtimes for which up to 500 people have one each.
async fn fill(folder: &Path, tokens: usize, hosts: &[String]) {
    let store = Store::connect(url(folder)).await.expect("a database");
    store.migrate().await.expect("migrated");
    let master = MasterKeys::create(&folder.join("master.key"), &SystemRandom).expect("a master key");
    let master = Arc::new(master);
    let services = services(folder, &master, STORED).await;
    let code = services
        .access
        .issue_set_up_link()
        .await
        .expect("a link")
        .expect("not set up");
    let form = SetUp {
        account_name: "Acme".to_owned(),
        name: "Mira Rao".to_owned(),
        email: "mira@acme.dev".to_owned(),
        password: "correct horse battery staple".to_owned().into(),
    };
    let signed_in = services
        .access
        .set_up(code.expose_secret(), form, std::net::Ipv4Addr::LOCALHOST.into())
        .await
        .expect("set up");
    let session = services
        .access
        .resume(signed_in.cookie.expose_secret())
        .await
        .expect("a session");
    let mira = services
        .access
        .member(session.as_ref(), "acme")
        .await
        .expect("a member");

    let mut providers = Vec::new();
    for host in hosts {
        let form = GitProviderForm {
            kind: "github".to_owned(),
            name: host.clone(),
            base_url: host.clone(),
            api_url: String::new(),
            allow_unverified: true,
        };
        providers.push(services.git_providers.register(&mira, form).await.expect("a provider"));
    }
    let keys = AccountKeys::open(store, master, Arc::new(Fixed(STORED)), Arc::new(SystemRandom))
        .await
        .expect("keys");
    let db = Database::connect(url(folder).expose_secret())
        .await
        .expect("a database");
    let people: Vec<UserId> = (0..PEOPLE).map(|_| UserId(id())).collect();
    let row = |person: &UserId| {
        let email = format!("{person}@acme.dev");
        vec![
            person.0.into(),
            email.into(),
            "Somebody".into(),
            "".into(),
            STORED.into(),
        ]
    };
    let columns = ["id", "email", "name", "password_hash", "created_at"];
    insert(&db, "users", &columns, people.iter().map(row).collect()).await;
    for (number, provider) in providers.iter().enumerate() {
        let mut left = tokens / providers.len() + usize::from(number < tokens % providers.len());
        while left > 0 {
            let form = RuntimeForm {
                name: format!("runtime-{number}-{left}"),
                provider: provider.to_string(),
                ..RuntimeForm::default()
            };
            let runtime = services.runtimes.register(&mira, form).await.expect("a runtime");
            let people = &people[..left.min(PEOPLE)];
            put_tokens(&db, &keys, mira.account(), runtime, people).await;
            left -= people.len();
        }
    }
    db.close().await.expect("closed");
}

/// Stores a token for each person, as `Tokens::put` does one by one.
async fn put_tokens(
    db: &DatabaseConnection,
    keys: &AccountKeys,
    account: AccountId,
    runtime: RuntimeId,
    people: &[UserId],
) {
    let columns = [
        "id",
        "account_id",
        "runtime_id",
        "user_id",
        "kind",
        "sealed",
        "fingerprint",
        "hint",
        "identity_id",
        "identity_login",
        "scopes",
        "status",
        "never_expires",
        "created_at",
        "checked_at",
        "last_outcome",
        "next_check_at",
        "check_lease",
    ];
    let mut rows = Vec::new();
    for person in people {
        let token = id();
        let place = Place {
            account,
            table: "git_tokens",
            row: token,
            column: "sealed",
            user: Some(*person),
        };
        let sealed = keys.seal(&place, &TOKEN.to_owned().into()).await.expect("sealed");
        rows.push(vec![
            token.into(),
            account.0.into(),
            runtime.0.into(),
            person.0.into(),
            "pat".into(),
            sealed.into_bytes().into(),
            vec![0_u8; 32].into(),
            "ghp_…0000".into(),
            "1".into(),
            "mira".into(),
            "[]".into(),
            "valid".into(),
            true.into(),
            STORED.into(),
            STORED.into(),
            r#"{"unchanged":"forbidden"}"#.into(),
            STORED.into(),
            0_i64.into(),
        ]);
    }
    insert(db, "git_tokens", &columns, rows).await;
}

async fn insert(db: &DatabaseConnection, table: &str, columns: &[&str], rows: Vec<Vec<SimpleExpr>>) {
    let tx = db.begin().await.expect("a transaction");
    for page in rows.chunks(500) {
        let mut insert = Query::insert();
        insert
            .into_table(Alias::new(table))
            .columns(columns.iter().map(|name| Alias::new(*name)));
        for row in page {
            insert.values_panic(row.iter().cloned());
        }
        tx.execute(&insert).await.expect("inserted");
    }
    tx.commit().await.expect("committed");
}

fn id() -> Uuid {
    random::uuid(&SystemRandom, &Fixed(STORED))
}

/// The most memory that this process ever had, in KiB; 0 where the system does not tell.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or_default()
}
