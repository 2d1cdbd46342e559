//! Many callers in several processes ask for the same tokens at the moment when all of them must be refreshed: the provider is
//! asked once for each. The same with processes that are killed in the middle of it: what is lost is shown, and nothing else is.
//!
//! The processes are this test's own binary, started again to run [`ask_for_tokens`] alone: over the same database, against the same
//! stand-in.

use crate::{
    oauth::Stage,
    refresh::{UNTIL_DUE, pass, same_time},
    support::{ManualClock, TestDatabase, World, services_with},
};
use backend::{
    Fault,
    clock::Clock as _,
    egress::EgressSettings,
    oauth::{Completed, Live, REFRESH_LEASE},
    store::{GrantRow, Store},
};
use domain::{AccountId, GitTokenId, ProviderKind, RefreshNote, RuntimeId, TokenStatus};
use forge::{FaultRule, Provider, RefreshOutcome};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::process::ExitStatusExt as _,
    process::Stdio,
    sync::Arc,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};

/// What a process is told: the database, the time, the account, the tokens, and a number of its own.
const TOLD: [&str; 5] = [
    "STAMPEDE_DATABASE",
    "STAMPEDE_TIME",
    "STAMPEDE_ACCOUNT",
    "STAMPEDE_TOKENS",
    "STAMPEDE_NUMBER",
];
const READY: &str = "ready to ask";
const GOT: &str = "got ";
const DONE: &str = "done ";
const CALLERS: usize = 200;
/// How many of the tokens each caller asks for, so that each is asked for by some fifty callers of every process. All of them would
/// be 80,000 questions, which a debug build takes minutes for.
const ASKED: usize = 25;

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at + 1));
        }
    }
}

/// What can be told of a token without telling it.
fn print_of(token: &str) -> String {
    let digest = Sha256::digest(token);
    u64::from_be_bytes(digest[..8].try_into().unwrap()).to_string()
}

/// Longer than the default of other tests: here all processes share the machine.
fn patient() -> EgressSettings {
    EgressSettings {
        total_timeout: Duration::from_secs(30),
        ..EgressSettings::default()
    }
}

/// Not a test of its own: what a process does. Without being told anything it does nothing.
#[tokio::test]
async fn ask_for_tokens() {
    let [Ok(database), Ok(time), Ok(account), Ok(tokens), Ok(number)] = TOLD.map(std::env::var) else {
        return;
    };
    let number: u64 = number.parse().unwrap();
    let account: AccountId = account.parse().unwrap();
    let tokens: Vec<GitTokenId> = tokens.split(',').map(|id| id.parse().unwrap()).collect();
    let store = Store::connect(database.into()).await.unwrap();
    let clock = Arc::new(ManualClock::at(time.parse().unwrap()));
    let services = services_with(store, clock, 5000 + number, patient()).await;
    println!("{READY}");
    let mut start = String::new();
    std::io::stdin().read_line(&mut start).unwrap();

    let callers = (0..CALLERS).map(|caller| {
        let (refresh, mut tokens) = (services.refresh.clone(), tokens.clone());
        Dice(number * 1000 + caller as u64).shuffle(&mut tokens);
        tokio::spawn(async move {
            let mut answers = Vec::new();
            for token in tokens.into_iter().take(ASKED) {
                answers.push((token, refresh.live(account, token).await));
            }
            answers
        })
    });
    let callers: Vec<_> = callers.collect();
    let mut got: BTreeSet<(GitTokenId, String)> = BTreeSet::new();
    let mut counts = [0_usize; 4];
    for caller in callers {
        for (token, answer) in caller.await.unwrap() {
            let kind = match answer {
                Ok(Live::Token(secret)) => {
                    got.insert((token, print_of(secret.expose_secret())));
                    0
                }
                // A database that is too busy to say (SQLite has one writer) is asked again as well.
                Ok(Live::Later { .. }) | Err(Fault::Database(_)) => 1,
                Ok(Live::Dead { .. }) => 2,
                Ok(Live::Gone) => 3,
                Err(fault) => panic!("{fault}"),
            };
            counts[kind] += 1;
        }
    }
    for (token, print) in got {
        println!("{GOT}{token} {print}");
    }
    let [tokens, later, dead, gone] = counts;
    println!("{DONE}{tokens} {later} {dead} {gone}");
}

/// A process that waits for its start.
struct Asker {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

/// What a process was answered: each token as it got it, and how often it got one, was told to come again, and was refused.
struct Answers {
    got: Vec<(GitTokenId, String)>,
    tokens: usize,
    later: usize,
    refused: usize,
}

impl Asker {
    async fn ready(world: &World, account: AccountId, tokens: &[GitTokenId], number: usize) -> Self {
        let database = world.database_url();
        let told = [
            database.expose_secret().to_owned(),
            world.clock.now().as_millis().to_string(),
            account.to_string(),
            tokens.iter().map(ToString::to_string).collect::<Vec<_>>().join(","),
            number.to_string(),
        ];
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "refresh_stampede::ask_for_tokens", "--nocapture"])
            .envs(TOLD.into_iter().zip(told))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut asker = Self { child, lines };
        // The test harness writes its own words before, on the same line.
        while !asker.line().await.ends_with(READY) {}
        asker
    }

    async fn line(&mut self) -> String {
        self.lines.next_line().await.unwrap().expect("it ended too early")
    }

    async fn start(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"go\n").await.unwrap();
    }

    async fn answers(mut self) -> Answers {
        let mut got = Vec::new();
        loop {
            let line = self.line().await;
            if let Some((token, print)) = line.strip_prefix(GOT).and_then(|rest| rest.split_once(' ')) {
                got.push((token.parse().unwrap(), print.to_owned()));
            } else if let Some(counts) = line.strip_prefix(DONE) {
                let counts: Vec<usize> = counts.split(' ').map(|count| count.parse().unwrap()).collect();
                assert!(self.child.wait().await.unwrap().success());
                return Answers {
                    got,
                    tokens: counts[0],
                    later: counts[1],
                    refused: counts[2] + counts[3],
                };
            }
        }
    }

    async fn kill(mut self) {
        self.child.start_kill().unwrap();
        let ended = self.child.wait().await.unwrap();
        assert!(ended.signal() == Some(9) || ended.success(), "{ended}");
    }
}

/// Mira's OAuth tokens at GitLab for so many runtimes.
struct Crowd {
    stage: Stage,
    runtimes: Vec<RuntimeId>,
}

impl Crowd {
    async fn of(database: TestDatabase, count: usize) -> Self {
        let mut stage = Stage::at(database, ProviderKind::GitLab, Provider::GitLab).await;
        // A request that is given up too early would be in doubt, on a busy machine.
        stage.world.services =
            Box::new(services_with(stage.world.store.clone(), stage.world.clock.clone(), 77, patient()).await);
        same_time(&stage);
        let mut runtimes = vec![stage.runtime];
        for number in 1..count {
            let name = format!("runtime-{number}");
            let runtime = stage
                .world
                .named_runtime_at(&stage.mira, &name, ProviderKind::GitLab, Provider::GitLab)
                .await;
            let applications = &stage.world.services.oauth_applications;
            applications
                .choose(&stage.mira, runtime, Some(stage.application))
                .await
                .unwrap();
            runtimes.push(runtime);
        }
        let crowd = Self { stage, runtimes };
        for runtime in &crowd.runtimes {
            crowd.authorize(*runtime).await;
        }
        crowd
    }

    async fn authorize(&self, runtime: RuntimeId) {
        let Stage {
            world,
            session,
            mira,
            application,
            ..
        } = &self.stage;
        let address = world.services.oauth.begin(session, mira, runtime).await.unwrap();
        let back = world.forge.approve(address.as_str(), "mira").unwrap();
        let returned = world
            .services
            .oauth
            .complete(Some(session), *application, crate::oauth::callback(&back))
            .await;
        assert!(
            matches!(returned.result, Ok(Completed::Stored { .. })),
            "{:?}",
            returned.result
        );
    }

    /// What is stored, in the order of the runtimes.
    async fn grants(&self) -> Vec<GrantRow> {
        let Stage { world, mira, .. } = &self.stage;
        let mut grants = Vec::new();
        for runtime in &self.runtimes {
            let grant = world
                .store
                .grant_of(mira.account(), Some(mira.user()), *runtime)
                .await
                .unwrap();
            grants.push(grant.unwrap());
        }
        grants
    }

    async fn live(&self, grant: &GrantRow) -> Live {
        self.stage
            .world
            .services
            .refresh
            .live(grant.account, grant.token)
            .await
            .unwrap()
    }

    /// What the provider says of a runtime's token now.
    async fn check(&self, runtime: RuntimeId) -> Option<TokenStatus> {
        let tokens = &self.stage.world.services.tokens;
        tokens.check(&self.stage.mira, runtime).await.unwrap().status()
    }
}

async fn stampede(database: TestDatabase, processes: usize) {
    const TOKENS: usize = 100;
    let crowd = Crowd::of(database, TOKENS).await;
    let world = &crowd.stage.world;
    pass(&crowd.stage, UNTIL_DUE);
    world.forge.clear_requests();
    let tokens: Vec<GitTokenId> = crowd.grants().await.iter().map(|grant| grant.token).collect();
    let account = crowd.stage.mira.account();
    let mut askers = Vec::new();
    for number in 0..processes {
        askers.push(Asker::ready(world, account, &tokens, number).await);
    }
    for asker in &mut askers {
        asker.start().await;
    }
    let mut all = BTreeMap::new();
    for asker in askers {
        let answers = asker.answers().await;
        assert_eq!(answers.refused, 0, "a token was lost");
        assert_eq!(answers.tokens + answers.later, CALLERS * ASKED);
        assert!(
            answers.tokens > answers.later,
            "{} of {} were told to come again",
            answers.later,
            CALLERS * ASKED
        );
        for (token, print) in answers.got {
            let before = all.insert(token, print.clone());
            assert!(
                before.as_ref().is_none_or(|before| *before == print),
                "two callers got different tokens: {before:?} {print}; {:?}",
                world.forge.refresh_calls().len()
            );
        }
    }
    let calls = world.forge.refresh_calls();
    assert_eq!(calls.len(), TOKENS, "refresh calls");
    assert!(calls.iter().all(|call| call.outcome == RefreshOutcome::Ok));
    assert_eq!(all.len(), TOKENS, "every token was asked for");
    // What the callers got is what is stored, and what lives.
    for (grant, runtime) in crowd.grants().await.iter().zip(&crowd.runtimes) {
        let Live::Token(stored) = crowd.live(grant).await else {
            panic!("not stored")
        };
        assert_eq!(all.get(&grant.token), Some(&print_of(stored.expose_secret())));
        assert_eq!(crowd.check(*runtime).await, Some(TokenStatus::Valid));
    }
    assert_eq!(world.forge.refresh_calls().len(), TOKENS);
    assert_eq!(crowd.stage.living(), TOKENS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn four_processes_refresh_each_token_once() {
    Box::pin(stampede(TestDatabase::postgres().await, 4)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_refreshes_each_token_once() {
    Box::pin(stampede(TestDatabase::sqlite(), 1)).await;
}

/// Processes are killed at some moment while they refresh, again and again.
async fn killed(database: TestDatabase, processes: usize) {
    const TOKENS: usize = 24;
    const ROUNDS: u64 = 6;
    let crowd = Crowd::of(database, TOKENS).await;
    let world = &crowd.stage.world;
    let account = crowd.stage.mira.account();
    let mut dice = Dice(42);
    for round in 0..ROUNDS {
        pass(&crowd.stage, Duration::from_hours(2));
        let tokens: Vec<GitTokenId> = crowd.grants().await.iter().map(|grant| grant.token).collect();
        let killed_before = world.forge.grants().iter().filter(|grant| grant.killed).count();
        // The provider does what it is asked at once, and takes its time to say so: then it matters when one is killed.
        let slow = FaultRule::new(forge::Fault::LateAnswer { millis: 120 }).on_path("/oauth/token");
        world.forge.add_fault(slow);
        let mut askers = Vec::new();
        for number in 0..processes {
            askers.push(Asker::ready(world, account, &tokens, number).await);
        }
        for asker in &mut askers {
            asker.start().await;
        }
        tokio::time::sleep(Duration::from_millis(40 + dice.below(400) as u64)).await;
        for asker in askers {
            asker.kill().await;
        }
        world.forge.clear_faults();
        // Those of which it is not known what the provider did.
        let under_way: BTreeSet<GitTokenId> = crowd
            .grants()
            .await
            .iter()
            .filter(|grant| grant.sent_at.is_some())
            .map(|grant| grant.token)
            .collect();

        pass(&crowd.stage, REFRESH_LEASE);
        loop {
            let run = world.services.refresh.refresh_due(world.clock.now()).await.unwrap();
            if run.refreshed + run.failed == 0 {
                break;
            }
        }
        let mut lost = 0;
        for (grant, runtime) in crowd.grants().await.iter().zip(&crowd.runtimes) {
            match (crowd.live(grant).await, &grant.note) {
                (Live::Token(_), None) => {
                    assert_eq!(crowd.check(*runtime).await, Some(TokenStatus::Valid), "round {round}");
                }
                (Live::Dead { why }, Some(RefreshNote::Refused { lost: true, .. })) => {
                    assert!(under_way.contains(&grant.token), "round {round}: it was not under way");
                    assert!(why.contains("never arrived"), "round {round}: {why}");
                    let row = world.services.tokens.row(&crowd.stage.mira, *runtime).await.unwrap();
                    assert!(row.token.unwrap().rotation.contains("never arrived"), "round {round}");
                    lost += 1;
                    crowd.authorize(*runtime).await;
                }
                other => panic!("round {round}: lost without a word: {other:?}"),
            }
        }
        let killed_now = world.forge.grants().iter().filter(|grant| grant.killed).count();
        assert!(
            killed_now - killed_before <= lost,
            "round {round}: a good grant was killed"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_that_are_killed_lose_nothing_without_a_word() {
    Box::pin(killed(TestDatabase::postgres().await, 2)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_process_that_is_killed_loses_nothing_without_a_word() {
    Box::pin(killed(TestDatabase::sqlite(), 1)).await;
}
