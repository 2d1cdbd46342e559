//! Everybody asks at once, in every process, just when the tokens are due: each token is refreshed once, and none is lost.
//!
//! A process is this test's own binary, started again to run [`serve_callers`] alone, over the same database and against the same
//! stand-in, which runs here.

use crate::{
    oauth::Stage,
    refresh::{UNTIL_DUE, asked, pass, same_time},
    support::{ManualClock, TestDatabase, Vault, accepted, patient_services, seed_tokens},
};
use backend::{
    Services,
    clock::Clock as _,
    oauth::Live,
    store::{GrantRow, Store},
};
use domain::{AccountId, GitTokenId, ProviderKind};
use forge::{Provider, RefreshOutcome};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use std::{
    collections::{BTreeMap, BTreeSet},
    process::Stdio,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
};

const TOKENS: usize = 100;
const CALLERS: usize = 200;
/// How many of the tokens each caller asks for: forty callers of every process ask for each.
const ASKED: usize = 20;
/// Time that no busy machine needs.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where a process finds what it is told.
const TOLD: &str = "STAMPEDE";
const READY: &str = "the process is ready";
const SUMMARY: &str = "what the callers got: ";

/// What a process is told.
#[derive(Serialize, Deserialize)]
struct Told {
    database: String,
    /// In milliseconds since 1970.
    now: i64,
    seed: u64,
}

/// What the callers of a process got.
#[derive(Default, Serialize, Deserialize)]
struct Summary {
    /// Of each token, the values and how often each.
    values: BTreeMap<String, BTreeMap<String, usize>>,
    /// How many were told to come again.
    later: usize,
    /// What else they were told.
    else_told: Vec<String>,
}

impl Summary {
    fn note(&mut self, token: GitTokenId, live: Live) {
        match live {
            Live::Token(value) => {
                let values = self.values.entry(token.to_string()).or_default();
                *values.entry(value.expose_secret().to_owned()).or_default() += 1;
            }
            Live::Later { .. } => self.later += 1,
            other => self.else_told.push(format!("{token}: {other:?}")),
        }
    }

    fn add(&mut self, other: Self) {
        for (token, values) in other.values {
            for (value, times) in values {
                *self.values.entry(token.clone()).or_default().entry(value).or_default() += times;
            }
        }
        self.later += other.later;
        self.else_told.extend(other.else_told);
    }
}

/// Numbers that look random and follow from a seed (`SplitMix64`).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let sides = u64::try_from(sides).unwrap();
        usize::try_from((mixed ^ (mixed >> 31)) % sides).unwrap()
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.roll(last + 1));
        }
    }
}

/// Not a test of its own: what a process does. Without being told anything it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn serve_callers() {
    let Ok(told) = std::env::var(TOLD) else { return };
    let told: Told = serde_json::from_str(&told).unwrap();
    let store = Store::connect(told.database.into()).await.unwrap();
    let clock = Arc::new(ManualClock::at(told.now));
    let services = patient_services(store.clone(), clock.clone(), told.seed, PATIENCE).await;
    let due = store.due_grants(clock.now(), None, 1000).await.unwrap();
    let tokens: Vec<_> = due.iter().map(|grant| (grant.account, grant.token)).collect();
    println!("{READY}");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let summary = stampede_inside(&services, clock, &tokens, told.seed).await;
    println!("{SUMMARY}{}", serde_json::to_string(&summary).unwrap());
}

/// The callers of a process, each of whom asks in another order, while the background is at it too.
async fn stampede_inside(
    services: &Services,
    clock: Arc<ManualClock>,
    tokens: &[(AccountId, GitTokenId)],
    seed: u64,
) -> Summary {
    let refresh = services.refresh.clone();
    let background = tokio::spawn(async move { refresh.refresh_due(clock.now()).await.unwrap() });
    let callers = (0..CALLERS as u64).map(|caller| {
        let mut tokens = tokens.to_vec();
        Dice(seed * 1000 + caller).shuffle(&mut tokens);
        let refresh = services.refresh.clone();
        tokio::spawn(async move {
            let mut summary = Summary::default();
            for (account, token) in tokens.into_iter().take(ASKED) {
                summary.note(token, refresh.live(account, token).await.unwrap());
            }
            summary
        })
    });
    let mut all = Summary::default();
    for caller in callers.collect::<Vec<_>>() {
        all.add(caller.await.unwrap());
    }
    background.await.unwrap();
    all
}

/// A process with its callers.
struct Herd {
    /// Dies with this.
    _process: Child,
    say: ChildStdin,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Herd {
    /// Starts it, and waits until it is ready.
    async fn start(stage: &Stage, seed: u64) -> Self {
        let told = Told {
            database: stage.world.database_url().expose_secret().to_owned(),
            now: stage.world.clock.now().as_millis(),
            seed,
        };
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "refresh_stampede::serve_callers", "--nocapture"])
            .env(TOLD, serde_json::to_string(&told).unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let say = process.stdin.take().unwrap();
        let mut herd = Self {
            _process: process,
            say,
            lines,
        };
        herd.hear(READY).await;
        herd
    }

    /// What it says after these words, before which the test harness may have written its own.
    async fn hear(&mut self, words: &str) -> String {
        loop {
            let line = self.lines.next_line().await.unwrap().expect("it ended before");
            if let Some((_, rest)) = line.split_once(words) {
                return rest.to_owned();
            }
        }
    }

    async fn go(&mut self) {
        self.say.write_all(b"go\n").await.unwrap();
    }

    async fn summary(&mut self) -> Summary {
        serde_json::from_str(&self.hear(SUMMARY).await).unwrap()
    }
}

/// Mira with an OAuth token for each of many runtimes.
struct Scene {
    stage: Stage,
    vault: Vault,
}

impl Scene {
    async fn set(database: TestDatabase) -> Self {
        let stage = Stage::at(database, ProviderKind::GitLab, Provider::GitLab).await;
        same_time(&stage);
        let mut runtimes = vec![stage.runtime];
        for number in 1..TOKENS {
            let name = format!("prod-{number}");
            let runtime = stage
                .world
                .named_runtime_at(&stage.mira, &name, ProviderKind::GitLab, Provider::GitLab);
            runtimes.push(runtime.await);
        }
        let vault = Vault::of(&stage.world, 77).await;
        seed_tokens(&stage, &vault, stage.application, &runtimes).await;
        Self { stage, vault }
    }

    async fn grants(&self) -> Vec<GrantRow> {
        let mira = &self.stage.mira;
        let store = &self.stage.world.store;
        store.grants_of(mira.account(), Some(mira.user())).await.unwrap()
    }

    /// The access tokens that are stored, by the ids of their tokens.
    async fn stored(&self) -> BTreeMap<String, String> {
        let mut stored = BTreeMap::new();
        for grant in self.grants().await {
            stored.insert(grant.token.to_string(), self.vault.open(&grant).await);
        }
        stored
    }
}

/// So many processes, whose callers all begin at once. Every token is refreshed once, and whoever asks gets the new one.
async fn stampede(database: TestDatabase, processes: u64) {
    let scene = Scene::set(database).await;
    pass(&scene.stage, UNTIL_DUE);
    let mut herds = Vec::new();
    for seed in 0..processes {
        herds.push(Herd::start(&scene.stage, 100 + seed).await);
    }
    for herd in &mut herds {
        herd.go().await;
    }
    let mut got = Summary::default();
    for herd in &mut herds {
        got.add(herd.summary().await);
    }

    let calls = scene.stage.world.forge.refresh_calls();
    assert!(calls.iter().all(|call| call.outcome == RefreshOutcome::Ok), "{calls:?}");
    let grants: BTreeSet<_> = calls.iter().map(|call| call.grant.unwrap()).collect();
    assert_eq!((asked(&scene.stage), grants.len()), (TOKENS, TOKENS), "each once");
    assert_eq!(got.else_told, Vec::<String>::new());

    let stored = scene.stored().await;
    let values: Vec<_> = stored.values().cloned().collect();
    assert!(
        accepted(&scene.stage.world, &values)
            .await
            .iter()
            .all(|accepted| *accepted)
    );
    assert_eq!(scene.stage.living(), TOKENS, "and none beside those that are stored");
    for (token, stored) in &stored {
        let given: Vec<_> = got.values.get(token).into_iter().flatten().collect();
        assert!(
            matches!(given[..], [(given, _)] if given == stored),
            "{token}: {}",
            given.len()
        );
    }
}

mod four_processes_that_all_ask_at_once_refresh_each_token_once {
    use super::*;

    #[tokio::test]
    async fn postgres() {
        stampede(TestDatabase::postgres().await, 4).await;
    }

    /// One process, as SQLite is for.
    #[tokio::test]
    async fn sqlite() {
        stampede(TestDatabase::sqlite(), 1).await;
    }
}
