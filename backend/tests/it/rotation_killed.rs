//! The process is killed between every two steps of a rotation, and no living token is lost.
//!
//! The process is this test's own binary, started again to run [`rotate_and_stop`] alone: over the same database, against the
//! same stand-in, until it has taken the step where it is to die. Then it gets SIGKILL, and new services find what it left.

use crate::{
    rotation::{ROTATE, asked, living, pass, runtime, token, until, view},
    support::{ManualClock, World, on_both_databases, services},
};
use backend::{
    clock::Clock as _,
    rotation::{LEASE, Step, Watch},
    store::Store,
};
use domain::{CheckOutcome, TokenStatus};
use forge::{Fault, FaultRule};
use secrecy::ExposeSecret as _;
use std::{io::Read as _, os::unix::process::ExitStatusExt as _, pin::Pin, process::Stdio, sync::Arc};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// What the process that is to be killed is told: the database, the time, and where to stop.
const TOLD: [&str; 3] = ["ROTATION_DATABASE", "ROTATION_TIME", "ROTATION_STOP"];
const REACHED: &str = "the rotation has reached ";

/// Says that a step is reached, and goes no further.
struct Stop(String);

impl Watch for Stop {
    #[expect(clippy::print_stdout, reason = "the test that kills this process reads it")]
    fn reached(&self, step: Step) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        if format!("{step:?}") == self.0 {
            println!("{REACHED}{step:?}");
            // Ends when the test that would kill this ends before.
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            std::process::exit(1);
        }
        Box::pin(std::future::ready(()))
    }
}

/// Not a test of its own: what the killed process does. Without being told anything it does nothing.
#[tokio::test]
async fn rotate_and_stop() {
    let [Ok(database), Ok(time), Ok(stop)] = TOLD.map(std::env::var) else {
        return;
    };
    let store = Store::connect(database.into()).await.unwrap();
    let clock = Arc::new(ManualClock::at(time.parse().unwrap()));
    let seed = 1000 + u64::from(std::process::id());
    let services = services(store, clock.clone(), seed).await;
    let rotation = services.rotation.watched(Arc::new(Stop(stop)));
    rotation.rotate_due(clock.now()).await.unwrap();
}

/// Starts the process that is to be killed.
fn start(world: &World, stop: &str) -> Child {
    let time = world.clock.now().as_millis().to_string();
    let database = world.database_url();
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "rotation_killed::rotate_and_stop", "--nocapture"])
        .envs(TOLD.into_iter().zip([database.expose_secret(), time.as_str(), stop]))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Kills it where it stands, without a chance to tidy up.
async fn kill(mut child: Child) {
    child.start_kill().unwrap();
    assert_eq!(child.wait().await.unwrap().signal(), Some(9), "it ended by itself");
}

/// Rotates in a process that is killed after a step.
async fn killed_after(world: &World, step: Step) {
    let mut child = start(world, &format!("{step:?}"));
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    loop {
        let line = lines.next_line().await.unwrap().expect("it ended before the step");
        // The test harness writes its own words before, on the same line.
        if line.ends_with(&format!("{REACHED}{step:?}")) {
            break;
        }
    }
    kill(child).await;
}

/// Rotates in a process that is killed after the provider did what it was asked, and before it answers.
async fn killed_before_the_answer(world: &World, old: &str) {
    world.forge.add_fault(
        FaultRule::new(Fault::LateAnswer { millis: 60_000 })
            .on_path(ROTATE)
            .once(),
    );
    let child = start(world, "nowhere");
    until(|| !living(world).iter().any(|hint| hint == old)).await;
    kill(child).await;
}

/// When the process dies.
#[derive(Clone, Copy, Debug)]
enum Death {
    After(Step),
    BeforeTheAnswer,
}

/// What must be so afterwards.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    /// The provider did nothing, and the old token is stored and lives. The mark that was left, if one was.
    NotRotated { marks: usize },
    /// The new token is stored and lives.
    Rotated,
    /// The window that cannot be closed: the provider did it, and nobody has the new token.
    Lost,
}

async fn story_of(world: &World, mira: &backend::access::Member, death: Death, then: Then) {
    world.forge.clear_requests();
    let name = format!("killed-{}", world.clock.now().as_millis());
    let runtime = runtime(world, mira, &name).await;
    let old = token(world, mira, runtime, &["api"]).await;
    world.rotate_tokens(mira, runtime, true).await;
    pass(world, 25 * 86_400);
    match death {
        Death::After(step) => killed_after(world, step).await,
        Death::BeforeTheAnswer => killed_before_the_answer(world, &old.hint).await,
    }

    // Another process, later.
    let store = Store::connect(world.database_url()).await.unwrap();
    let seed = world.clock.now().as_millis().unsigned_abs() / 1000 % 100_000;
    let services = services(store, world.clock.clone(), seed).await;
    assert_eq!(
        services.rotation.recover(world.clock.now()).await.unwrap(),
        0,
        "{death:?}: it may still be at it"
    );
    pass(world, i64::try_from(LEASE.as_secs()).unwrap());
    let settled = services.rotation.recover(world.clock.now()).await.unwrap();
    let stored = view(&services, mira, runtime).await;
    match then {
        Then::NotRotated { marks } => {
            assert_eq!((settled, asked(world)), (marks, 0), "{death:?}");
            assert_eq!(
                (living(world), &stored.hint),
                (vec![stored.hint.clone()], &old.hint),
                "{death:?}"
            );
            assert_eq!(stored.rotation, "", "{death:?}");
            // Nothing stands in the way of the next try.
            pass(world, 3_600);
            assert_eq!(
                services.rotation.rotate_due(world.clock.now()).await.unwrap().rotated,
                1,
                "{death:?}"
            );
            assert_eq!(living(world), [view(&services, mira, runtime).await.hint], "{death:?}");
        }
        Then::Rotated => {
            assert_eq!((settled, asked(world)), (0, 1), "{death:?}");
            assert_eq!(living(world), std::slice::from_ref(&stored.hint), "{death:?}");
            assert_ne!(stored.hint, old.hint, "{death:?}");
            let check = services.tokens.check(mira, runtime).await.unwrap();
            assert!(matches!(check, CheckOutcome::Accepted(_)), "{death:?}: {check:?}");
        }
        Then::Lost => {
            assert_eq!((settled, asked(world)), (1, 1), "{death:?}");
            assert_eq!(
                (stored.status, &stored.hint),
                (TokenStatus::Invalid, &old.hint),
                "{death:?}"
            );
            assert!(stored.rotation.contains("rotation was interrupted"), "{death:?}");
            // It lives at the provider, where a person can revoke it, and nothing that we do kills it or asks again.
            assert_eq!(living(world).len(), 1, "{death:?}");
            pass(world, 86_400);
            services.rotation.rotate_due(world.clock.now()).await.unwrap();
            assert_eq!((living(world).len(), asked(world)), (1, 1), "{death:?}");
            let mut tokens = world.forge.tokens();
            world.forge.revoke_token(tokens.pop().unwrap().id).unwrap();
        }
    }
    // The stage is bare for the next.
    services.tokens.delete(mira, runtime, true).await.unwrap();
    assert!(living(world).is_empty(), "{death:?}");
    services.close().await.unwrap();
}

on_both_databases! {
    async fn killed_between_every_two_steps_no_living_token_is_lost(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        for (death, then) in [
            (Death::After(Step::Prepared), Then::NotRotated { marks: 0 }),
            (Death::After(Step::Taken), Then::NotRotated { marks: 1 }),
            (Death::BeforeTheAnswer, Then::Lost),
            (Death::After(Step::Answered), Then::Lost),
            (Death::After(Step::Stored), Then::Rotated),
            (Death::After(Step::Checked), Then::Rotated),
        ] {
            story_of(&world, &mira, death, then).await;
        }
    }
}
