//! The process is killed while it tells: nothing is lost, and what is told again has the id that it had.
//!
//! The process is this test's own binary, started again to run [`tell`] alone, over the same database. The server that it tells falls
//! silent in the middle, so that the process is killed between sending and noting that it was taken.

use crate::{
    notice_channels::{slack, webhook},
    notices::{Seeds, in_days, run},
    support::{HttpSink, ManualClock, World, on_both_databases, services},
};
use backend::{clock::Clock as _, store::Store};
use secrecy::ExposeSecret as _;
use std::{
    collections::{BTreeMap, BTreeSet},
    os::unix::process::ExitStatusExt as _,
    process::Stdio,
    sync::Arc,
};
use tokio::process::{Child, Command};

/// What a process is told: the database, the time, and a number of its own.
const TOLD: [&str; 3] = ["NOTICES_DATABASE", "NOTICES_TIME", "NOTICES_NUMBER"];
const TOKENS: usize = 40;

/// Not a test of its own: what the killed process does. Without being told anything it does nothing.
#[tokio::test]
async fn tell() {
    let [Ok(database), Ok(time), Ok(number)] = TOLD.map(std::env::var) else {
        return;
    };
    let store = Store::connect(database.into()).await.unwrap();
    let clock = Arc::new(ManualClock::at(time.parse().unwrap()));
    let services = services(store, clock.clone(), 2000 + number.parse::<u64>().unwrap()).await;
    services.notices.run_once(clock.now()).await.unwrap();
}

fn start(world: &World, number: usize) -> Child {
    let told = [
        world.database_url().expose_secret().to_owned(),
        world.clock.now().as_millis().to_string(),
        number.to_string(),
    ];
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "notices_killed::tell", "--nocapture"])
        .envs(TOLD.into_iter().zip(told))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

on_both_databases! {
    async fn killed_while_it_tells_it_loses_nothing(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let sink = HttpSink::start().await;
        webhook(&world, &mira, &sink.url("/hook")).await;
        slack(&world, &mira, &sink.url("/chat")).await;
        let seeds = Seeds::new(50);
        for number in 0..TOKENS {
            let runtime = world.runtime(&mira, &format!("r{number}")).await;
            seeds.token(&world, &mira, (runtime, Some(mira.user())), in_days(&world, 50)).await;
        }
        // Four times: killed after so many requests arrived, the last of them without an answer.
        let mut arrived = 0;
        for (number, more) in [5, 1, 9, 3].into_iter().enumerate() {
            sink.fall_silent_after(Some(more));
            let mut child = start(&world, number);
            arrived += more;
            sink.has(arrived).await;
            child.start_kill().unwrap();
            assert_eq!(child.wait().await.unwrap().signal(), Some(9), "it ended by itself");
            sink.fall_silent_after(None);
            arrived = sink.received("/hook").len() + sink.received("/chat").len();
            // Until the lease has run out.
            world.clock.forward(180);
        }
        run(&world).await;
        world.clock.forward(180);
        run(&world).await;

        let mut bodies: BTreeMap<String, BTreeSet<Vec<u8>>> = BTreeMap::new();
        for request in sink.received("/hook") {
            let id = request.header("webhook-id").to_owned();
            bodies.entry(id).or_default().insert(request.body);
        }
        assert_eq!(bodies.len(), TOKENS, "each notice has one id, and none is missing");
        assert!(bodies.values().all(|bodies| bodies.len() == 1), "a repetition says the same");
        let told: BTreeSet<Vec<u8>> = bodies.into_values().flatten().collect();
        assert_eq!(told.len(), TOKENS);
        let chats: BTreeSet<Vec<u8>> = sink.received("/chat").into_iter().map(|request| request.body).collect();
        assert_eq!(chats.len(), 1, "one message, whether once or again");
        let open = world.services.notices.open(&mira).await.unwrap();
        assert_eq!(open.len(), TOKENS);
        assert!(world.services.notices.settings(&mira).await.unwrap().dead.is_empty());
        world.clock.forward(86_000);
        assert_eq!(run(&world).await.sent, 0, "all is noted");
    }
}
