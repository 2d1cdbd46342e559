//! How long the dashboard *Expiring tokens* takes with 10,000 and with 1,000,000 tokens, on SQLite and on PostgreSQL: each view, filter
//! and order, the median of many, and what a hundred times as many tokens make of it.
//!
//! `cargo bench --bench expiring -- 100000` sets the larger number; a hundredth of it is measured first. It ends with an error if a view
//! takes more than 100 ms, or more than twice as long with as many rows on its page.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops at the first fault"
)]

#[path = "../tests/it/support/postgres.rs"]
mod postgres;
#[path = "../tests/it/support/seed.rs"]
mod seed;

use backend::{
    Services,
    access::{Member, SetUp},
    clock::Clock,
    egress::{Egress, EgressPolicy, EgressSettings},
    expiring::{Choice, Rows, StatusChoice, Turn},
    git_providers::GitProviderForm,
    random::SystemRandom,
    store::Store,
    vault::MasterKeys,
};
use domain::{Timestamp, TokenStatus, expiring::Segment};
use secrecy::{ExposeSecret as _, SecretString};
use seed::Seed;
use std::{process::ExitCode, sync::Arc, time::Duration};
use tokio::time::Instant;

/// How many tokens there are unless told otherwise.
const TOKENS: u32 = 1_000_000;
/// The smaller number is so many times smaller.
const LESS: u32 = 100;
const RUNTIMES: u32 = 40;
/// How often each view is asked for.
const ROUNDS: usize = 41;
/// The most that a view may take, and how many times longer it may take with more tokens.
const MOST: Duration = Duration::from_millis(100);
const GROWTH: f64 = 2.0;
const NOW: i64 = 1_795_348_800_000;

struct Fixed;

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(NOW)
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    // Cargo adds `--bench`.
    let tokens = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(TOKENS);
    let mut good = true;
    for database in ["SQLite", "PostgreSQL"] {
        let few = measure(database, tokens / LESS).await;
        let many = measure(database, tokens).await;
        println!("\n{database:<44} {:>12} {:>12} {:>8}", tokens / LESS, tokens, "ratio");
        for (few, many) in few.iter().zip(&many) {
            let ratio = many.median.as_secs_f64() / few.median.as_secs_f64();
            // Where the smaller account fills less of the page, the larger one has more to show for its time.
            let same_page = few.rows == many.rows;
            let held = many.median <= MOST && (ratio < GROWTH || !same_page);
            good &= held;
            let rows = if same_page {
                String::new()
            } else {
                format!("  {} rows, then {}", few.rows, many.rows)
            };
            let mark = if held { "" } else { "  <-- too long" };
            println!(
                "{:<44} {:>9.2} ms {:>9.2} ms {ratio:>8.2}{rows}{mark}",
                few.name,
                millis(few.median),
                millis(many.median)
            );
        }
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

/// What was measured of a view.
struct Measured {
    name: String,
    median: Duration,
    /// How many rows its first page has.
    rows: usize,
}

/// The median of each view.
async fn measure(database: &str, tokens: u32) -> Vec<Measured> {
    let folder = tempfile::tempdir().unwrap();
    let url = if database == "SQLite" {
        format!("sqlite://{}?mode=rwc", folder.path().join("patchbay.sqlite").display())
    } else {
        postgres::new_database().await
    };
    let url = SecretString::from(url);
    let started = Instant::now();
    let (services, mira) = fill(&url, tokens).await;
    println!(
        "{database}: {tokens} tokens made in {:.0} s",
        started.elapsed().as_secs_f64()
    );
    let mut medians = Vec::new();
    for (name, choice) in views(&services, &mira).await {
        let mut times = Vec::with_capacity(ROUNDS);
        let mut rows = 0;
        for _ in 0..ROUNDS {
            let started = Instant::now();
            let page = services.expiring.page(&mira, &choice).await.unwrap();
            times.push(started.elapsed());
            rows = match page.rows {
                Rows::Tokens(lines) => lines.len(),
                Rows::Missing(lines) => lines.len(),
            };
            assert!(rows > 0, "{name} has no rows");
        }
        times.sort_unstable();
        let median = times[ROUNDS / 2];
        println!("  {name}: {:.2} ms", millis(median));
        medians.push(Measured { name, median, rows });
    }
    services.close().await.unwrap();
    medians
}

/// An account with so many tokens.
async fn fill(url: &SecretString, tokens: u32) -> (Services, Member) {
    let store = Store::connect(url.clone()).await.unwrap();
    store.migrate().await.unwrap();
    let random = Arc::new(SystemRandom);
    let egress = Egress::new(EgressPolicy::new(Vec::new()), EgressSettings::default(), random.clone()).unwrap();
    let key = base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, [7; 32]);
    let master = Arc::new(MasterKeys::parse(&format!("patchbay-master-1:{key}")).unwrap());
    let public_url = "https://patchbay.example/".parse().unwrap();
    let services = Services::new(store, master, egress, Arc::new(Fixed), random, public_url)
        .await
        .unwrap();
    let code = services.access.issue_set_up_link().await.unwrap().unwrap();
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
        .unwrap();
    let session = services.access.resume(signed_in.cookie.expose_secret()).await.unwrap();
    let mira = services.access.member(session.as_ref(), "acme").await.unwrap();
    let form = GitProviderForm {
        kind: "github".to_owned(),
        name: "github.com".to_owned(),
        base_url: "https://github.com".to_owned(),
        api_url: String::new(),
        allow_unverified: true,
    };
    services.git_providers.register(&mira, form).await.unwrap();
    let seed = Seed {
        runtimes: RUNTIMES,
        people: tokens / RUNTIMES,
        now: NOW,
    };
    seed.sow(url).await;
    services.expiring.run_once().await.unwrap();
    seed::settle(url).await;
    (services, mira)
}

/// Every view of the page: each number, filter and order, a search of each sort, and pages in the middle.
#[expect(clippy::too_many_lines, reason = "a table of views reads best in one piece")]
async fn views(services: &Services, mira: &Member) -> Vec<(String, Choice)> {
    let first = services.expiring.page(mira, &Choice::default()).await.unwrap();
    let runtime = first.runtimes.iter().find(|(_, name)| name == "runtime-7").unwrap().0;
    let provider = first.providers[0].0;
    let mut views = vec![("all, by end".to_owned(), Choice::default())];
    for segment in Segment::ALL {
        let choice = Choice {
            segment: Some(segment),
            ..Choice::default()
        };
        views.push((format!("tile {}", segment.as_str()), choice));
    }
    for status in TokenStatus::ALL {
        let choice = Choice {
            status: Some(StatusChoice::Shown(status)),
            ..Choice::default()
        };
        views.push((format!("status {}", status.as_str()), choice));
    }
    let of_runtime = Choice {
        runtime: Some(runtime),
        ..Choice::default()
    };
    let of_provider = Choice {
        provider: Some(provider),
        ..Choice::default()
    };
    let search = |text: &str| Choice {
        search: text.to_owned(),
        ..Choice::default()
    };
    let middle = Choice {
        turn: Some(Turn {
            back: false,
            row: format!("{}.{}", NOW + 100 * 86_400_000, uuid::Uuid::nil()),
        }),
        ..Choice::default()
    };
    let invalid = Choice {
        segment: Some(Segment::Invalid),
        ..Choice::default()
    };
    let week = first.weeks[10];
    let others = [
        (
            "all, by end, last first",
            Choice {
                descending: true,
                ..Choice::default()
            },
        ),
        (
            "all, by last check",
            Choice {
                by_check: true,
                ..Choice::default()
            },
        ),
        (
            "all, by last check, last first",
            Choice {
                by_check: true,
                descending: true,
                ..Choice::default()
            },
        ),
        ("all, a page in the middle", middle.clone()),
        (
            "all, a page back from the middle",
            Choice {
                turn: middle.turn.map(|turn| Turn { back: true, ..turn }),
                ..Choice::default()
            },
        ),
        ("a runtime, by end", of_runtime.clone()),
        (
            "a runtime, by last check",
            Choice {
                by_check: true,
                ..of_runtime.clone()
            },
        ),
        (
            "a runtime, tile 30",
            Choice {
                segment: Some(Segment::Within(30)),
                ..of_runtime.clone()
            },
        ),
        (
            "a runtime, tile invalid, OAuth",
            Choice {
                segment: Some(Segment::Invalid),
                oauth: Some(true),
                ..of_runtime.clone()
            },
        ),
        (
            "a runtime, missing",
            Choice {
                segment: Some(Segment::Missing),
                ..of_runtime.clone()
            },
        ),
        (
            "a runtime, refresh tokens that end",
            Choice {
                segment: Some(Segment::RefreshEnds),
                ..of_runtime.clone()
            },
        ),
        ("a Git provider, by end", of_provider.clone()),
        (
            "a Git provider, by last check, last first",
            Choice {
                by_check: true,
                descending: true,
                ..of_provider.clone()
            },
        ),
        (
            "a Git provider, tile expired",
            Choice {
                segment: Some(Segment::Expired),
                ..of_provider.clone()
            },
        ),
        (
            "a Git provider, missing",
            Choice {
                segment: Some(Segment::Missing),
                ..of_provider.clone()
            },
        ),
        (
            "a Git provider, refresh tokens that end",
            Choice {
                segment: Some(Segment::RefreshEnds),
                ..of_provider
            },
        ),
        (
            "OAuth",
            Choice {
                oauth: Some(true),
                ..Choice::default()
            },
        ),
        (
            "tokens only, by last check",
            Choice {
                oauth: Some(false),
                by_check: true,
                ..Choice::default()
            },
        ),
        (
            "tile invalid, by last check",
            Choice {
                by_check: true,
                ..invalid.clone()
            },
        ),
        (
            "a week of the timeline",
            Choice {
                status: Some(StatusChoice::Working),
                from: Some(week.from),
                to: Some(week.to),
                ..Choice::default()
            },
        ),
        ("search: a person", search("seed00117")),
        ("search: many people", search("seed000")),
        ("search: an address", search("person00042@acme.dev")),
        ("search: a login", search("login00101")),
        ("search: a runtime", search("runtime-12")),
        ("search: everything", search("acme")),
        (
            "search: a person, tile invalid",
            Choice {
                search: "seed0011".to_owned(),
                ..invalid
            },
        ),
        (
            "search: a person, missing",
            Choice {
                search: "seed0011".to_owned(),
                segment: Some(Segment::Missing),
                ..Choice::default()
            },
        ),
        (
            "search: a runtime, missing",
            Choice {
                segment: Some(Segment::Missing),
                ..search("runtime-12")
            },
        ),
        (
            "search: a person, refresh tokens that end",
            Choice {
                segment: Some(Segment::RefreshEnds),
                ..search("seed0011")
            },
        ),
    ];
    views.extend(others.map(|(name, choice)| (name.to_owned(), choice)));
    views
}
