//! The dashboard: whatever is chosen, in whatever order, page by page, it is what the tokens themselves say.

use crate::support::{PASSWORD, Seed, TestDatabase, World, on_both_databases};
use backend::{
    access::{AccessError, Member},
    expiring::{Choice, ExpiringError, ExpiringPage, MissingLine, PAGE, Rows, StatusChoice, TokenLine, Turn},
    git_providers::GitProviderForm,
    members::{Fate, InviteForm},
    store::{MissingQuery, MissingRow, RefreshEndQuery, TokenOrder, TokenQuery},
    tokens::{At, TokenForm},
};
use domain::{
    AccountId, Expiry, GitProviderId, GitTokenId, RuntimeId, Timestamp, TokenStatus,
    expiring::{NEVER_END, Segment, Span, UNKNOWN_END, WORKING, all, shown, working},
    status::ShownStatus,
};
use forge::{Account, NewToken};
use sea_orm::{
    ConnectOptions, ConnectionTrait as _, Database, DatabaseConnection, DbBackend, Statement,
    sea_query::SelectStatement,
};
use secrecy::ExposeSecret as _;
use std::{collections::HashSet, time::Duration};

/// The clock's start, as milliseconds.
const NOW: i64 = 1_795_348_800_000;

/// An account with a few hundred tokens.
async fn seeded(database: TestDatabase) -> (World, Member) {
    let (world, mira) = World::set_up(database).await;
    world.runtime(&mira, "prod-eu").await;
    let seed = Seed {
        runtimes: 4,
        people: 90,
        now: NOW,
    };
    seed.sow(&world.database_url()).await;
    (world, mira)
}

/// A second connection to the database, one that keeps its settings.
async fn behind(world: &World) -> DatabaseConnection {
    let mut options = ConnectOptions::new(world.database_url().expose_secret());
    options.max_connections(1);
    Database::connect(options).await.unwrap()
}

async fn page(world: &World, mira: &Member, choice: &Choice) -> ExpiringPage {
    world.services.expiring.page(mira, choice).await.unwrap()
}

/// All rows of a choice, page after page to the last and back again to the first.
async fn walk(world: &World, mira: &Member, choice: &Choice) -> Vec<TokenLine> {
    let mut all: Vec<TokenLine> = Vec::new();
    let mut pages = Vec::new();
    let mut choice = choice.clone();
    loop {
        let page = page(world, mira, &choice).await;
        let lines = lines(&page);
        assert!(lines.len() <= PAGE);
        pages.push(lines.iter().map(|line| line.id).collect::<Vec<_>>());
        all.extend(lines);
        assert_eq!(
            page.turns.0.is_some(),
            pages.len() > 1 && !pages.last().unwrap().is_empty()
        );
        match page.turns.1 {
            Some(row) => choice.turn = Some(Turn { back: false, row }),
            None => break,
        }
    }
    // And back.
    pages.pop();
    let mut turn = page(world, mira, &choice).await.turns.0;
    while let Some(row) = turn {
        choice.turn = Some(Turn { back: true, row });
        let page = page(world, mira, &choice).await;
        let lines: Vec<_> = lines(&page).iter().map(|line| line.id).collect();
        assert_eq!(lines, pages.pop().unwrap(), "the same page on the way back");
        turn = page.turns.0;
    }
    assert!(pages.is_empty());
    all
}

fn lines(page: &ExpiringPage) -> Vec<TokenLine> {
    match &page.rows {
        Rows::Tokens(lines) => lines.clone(),
        Rows::Missing(_) => panic!("these are no tokens"),
    }
}

/// Everybody on every page.
async fn walk_missing(world: &World, mira: &Member, choice: &Choice) -> Vec<MissingLine> {
    let mut choice = choice.clone();
    let mut all = Vec::new();
    loop {
        let page = page(world, mira, &choice).await;
        all.extend(missing(&page));
        match page.turns.1 {
            Some(row) => choice.turn = Some(Turn { back: false, row }),
            None => return all,
        }
    }
}

fn missing(page: &ExpiringPage) -> Vec<MissingLine> {
    match &page.rows {
        Rows::Missing(lines) => lines.clone(),
        Rows::Tokens(_) => panic!("these are tokens"),
    }
}

fn end(line: &TokenLine) -> i64 {
    match line.expiry {
        Expiry::At(end) => end.as_millis(),
        Expiry::Unknown => UNKNOWN_END,
        Expiry::Never => NEVER_END,
    }
}

/// Whether a token belongs to a segment, by what its badge says.
fn belongs(segment: Segment, line: &TokenLine, now: Timestamp) -> bool {
    let shown = ShownStatus::of(line.status, line.expiry, now);
    let works = WORKING.contains(&line.status) && end(line) > now.as_millis();
    match segment {
        Segment::Expired => shown == ShownStatus::Checked(TokenStatus::Expired),
        Segment::Within(days) => {
            works
                && end(line)
                    < now
                        .start_of_day()
                        .plus(Duration::from_hours(24 * (u64::from(days) + 1)))
                        .as_millis()
        }
        Segment::NoExpiry => works && end(line) >= UNKNOWN_END,
        Segment::Invalid => !works && shown != ShownStatus::Checked(TokenStatus::Expired),
        Segment::Missing | Segment::RefreshEnds => panic!("no status"),
    }
}

fn count(found: usize) -> u64 {
    u64::try_from(found).unwrap()
}

/// Every choice that no search is part of, at a moment: places, segments, kinds, orders, from the first page and from the middle.
fn queries(account: AccountId, runtime: RuntimeId, provider: GitProviderId) -> Vec<TokenQuery> {
    let now = Timestamp::from_millis(NOW);
    let mut spans: Vec<Vec<Span>> = Segment::ALL.into_iter().map(|segment| segment.spans(now)).collect();
    spans.retain(|spans| !spans.is_empty());
    spans.extend([vec![all()], vec![working(now)]]);
    spans.extend(TokenStatus::ALL.map(|status| shown(status, now)));
    let mut queries = Vec::new();
    for spans in spans {
        for (runtime, provider) in [(None, None), (Some(runtime), None), (None, Some(provider))] {
            for oauth in [None, Some(true), Some(false)] {
                for order in [TokenOrder::Ends, TokenOrder::Checked] {
                    let limited = spans.iter().any(|span| span.to < UNKNOWN_END);
                    if order == TokenOrder::Checked && limited {
                        // Those of a span of time are found by their ends.
                        continue;
                    }
                    for (descending, after) in [(false, None), (true, Some((NOW, GitTokenId(uuid::Uuid::nil()))))] {
                        queries.push(TokenQuery {
                            account,
                            runtime,
                            provider,
                            oauth,
                            format: None,
                            spans: spans.clone(),
                            search: None,
                            order,
                            descending,
                            after,
                            limit: 51,
                        });
                    }
                }
            }
        }
    }
    queries
}

/// How the database finds the rows of a statement, a line for each step. PostgreSQL is asked what it would do with many rows.
async fn plan(db: &DatabaseConnection, query: &SelectStatement) -> Vec<String> {
    let backend = db.get_database_backend();
    let statement = backend.build(query);
    let explain = if backend == DbBackend::Sqlite {
        "EXPLAIN QUERY PLAN"
    } else {
        "EXPLAIN"
    };
    let values = statement.values.unwrap();
    let statement = Statement::from_sql_and_values(backend, format!("{explain} {}", statement.sql), values);
    let column = if backend == DbBackend::Sqlite {
        "detail"
    } else {
        "QUERY PLAN"
    };
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.into_iter().map(|row| row.try_get("", column).unwrap()).collect()
}

on_both_databases! {
    async fn every_choice_is_ranges_of_an_index_in_order(database: TestDatabase) {
        let (world, mira) = seeded(database).await;
        let first = page(&world, &mira, &Choice::default()).await;
        let db = behind(&world).await;
        if db.get_database_backend() == DbBackend::Postgres {
            // So few rows are read whole and sorted otherwise.
            for way in ["seqscan", "bitmapscan", "sort"] {
                db.execute_unprepared(&format!("SET enable_{way} = off")).await.unwrap();
            }
        }
        let runtime = first.runtimes.iter().find(|(_, name)| name == "runtime-1").unwrap().0;
        for query in queries(mira.account(), runtime, first.providers[0].0) {
            let plan = plan(&db, &query.select()).await;
            let place = match (query.runtime, query.provider) {
                (Some(_), _) => "runtime_",
                (None, Some(_)) => "provider_",
                (None, None) => "",
            };
            let order = if query.order == TokenOrder::Ends { "ends" } else { "checked" };
            let index = format!("git_tokens_{place}facet_{order} ");
            let is_read = |step: &&String| step.contains("SEARCH git_tokens") || step.contains("SCAN git_tokens") || step.contains(" on git_tokens");
            let reads: Vec<_> = plan.iter().filter(is_read).collect();
            assert!(!reads.is_empty(), "{query:?}: {plan:#?}");
            for read in reads {
                let ranged = read.contains("SEARCH") || read.contains("Index");
                assert!(ranged && read.contains(&index), "{query:?}: {plan:#?}");
            }
            // What an index has in order is not sorted: only the few that come of each range, together.
            let sorted = plan.iter().filter(|step| step.contains("Sort Key"));
            assert!(sorted.count() <= 1, "{query:?}: {plan:#?}");
        }
        let after = MissingRow { user: mira.user(), runtime, name: "Mira Rao".to_owned() };
        for (runtimes, by_refresh_end, by_name) in [
            (None, "oauth_grants_refresh_ends", "missing_tokens_account"),
            (Some(vec![runtime]), "oauth_grants_runtime_refresh_ends", "missing_tokens_runtime"),
        ] {
            for (descending, further) in [(false, false), (true, true)] {
                let ends = RefreshEndQuery {
                    account: mira.account(),
                    runtimes: runtimes.clone(),
                    search: None,
                    span: (NOW, NOW * 2),
                    descending,
                    after: further.then_some((NOW, GitTokenId(uuid::Uuid::nil()))),
                    limit: 51,
                };
                let names = MissingQuery {
                    account: mira.account(),
                    runtimes: runtimes.clone(),
                    search: None,
                    descending,
                    after: further.then(|| after.clone()),
                    limit: 51,
                };
                for (query, index) in [(ends.select(), by_refresh_end), (names.select(), by_name)] {
                    let plan = plan(&db, &query).await;
                    let table = if index == by_name { "missing_tokens" } else { "oauth_grants" };
                    let is_read = |step: &&String| ["SEARCH ", "SCAN ", " on "].iter().any(|way| step.contains(&format!("{way}{table}")));
                    let reads: Vec<_> = plan.iter().filter(is_read).collect();
                    let ranged = |step: &&String| (step.contains("SEARCH") || step.contains("Index")) && step.contains(index);
                    assert!(!reads.is_empty() && reads.iter().all(ranged), "{plan:#?}");
                }
            }
        }
        db.close().await.unwrap();
    }

    async fn every_choice_gives_what_the_tokens_say(database: TestDatabase) {
        let (world, mira) = seeded(database).await;
        let now = Timestamp::from_millis(NOW);
        let all = walk(&world, &mira, &Choice::default()).await;
        assert!(all.len() > 300, "{}", all.len());
        assert!(all.is_sorted_by_key(end), "by their ends");
        assert_eq!(all.iter().map(|line| line.id).collect::<HashSet<_>>().len(), all.len());

        let numbers = page(&world, &mira, &Choice::default()).await.numbers;
        let of = |segment| count(all.iter().filter(|line| belongs(segment, line, now)).count());
        assert_eq!(numbers.all, count(all.len()));
        assert_eq!(numbers.expired, of(Segment::Expired));
        assert_eq!(numbers.within_7, of(Segment::Within(7)));
        assert_eq!(numbers.within_30, of(Segment::Within(30)));
        assert_eq!(numbers.within_60, of(Segment::Within(60)));
        assert_eq!(numbers.never + numbers.unknown, of(Segment::NoExpiry));
        assert_eq!(numbers.invalid, of(Segment::Invalid));
        assert!(numbers.expired > 0 && numbers.within_7 > 0 && numbers.invalid > 0 && numbers.unknown > 0);

        let first = page(&world, &mira, &Choice::default()).await;
        let runtime = first.runtimes.iter().find(|(_, name)| name == "runtime-2").unwrap().clone();
        let provider = first.providers[0].0;
        let places = [
            (None, None, Box::new(|_: &TokenLine| true) as Box<dyn Fn(&TokenLine) -> bool>),
            (Some(runtime.0), None, Box::new(move |line: &TokenLine| line.runtime == runtime.1)),
            (None, Some(provider), Box::new(|_: &TokenLine| true)),
        ];
        let segments = [
            None,
            Some(Segment::Expired),
            Some(Segment::Within(30)),
            Some(Segment::NoExpiry),
            Some(Segment::Invalid),
        ];
        for (runtime, provider, in_place) in &places {
            for segment in segments {
                for (oauth, by_check, descending) in
                    [(None, false, true), (Some(true), false, false), (Some(false), true, true), (None, true, false)]
                {
                    let choice = Choice {
                        segment,
                        runtime: *runtime,
                        provider: *provider,
                        oauth,
                        by_check,
                        descending,
                        ..Choice::default()
                    };
                    let found = walk(&world, &mira, &choice).await;
                    let wanted: HashSet<_> = all
                        .iter()
                        .filter(|line| in_place(line) && segment.is_none_or(|segment| belongs(segment, line, now)))
                        .filter(|line| oauth.is_none_or(|oauth| (line.kind == "OAuth") == oauth))
                        .map(|line| line.id)
                        .collect();
                    assert_eq!(found.iter().map(|line| line.id).collect::<HashSet<_>>(), wanted, "{choice:?}");
                    assert_eq!(found.len(), wanted.len());
                    let by_check = by_check && choice.may_go_by_check();
                    let key = |line: &TokenLine| if by_check { line.checked_at.as_millis() } else { end(line) };
                    let keys: Vec<i64> = found.iter().map(key).collect();
                    assert!(keys.is_sorted_by(|a, b| if descending { a >= b } else { a <= b }), "{choice:?} {keys:?}");
                }
            }
        }
    }

    async fn a_status_and_days_choose_too(database: TestDatabase) {
        let (world, mira) = seeded(database).await;
        let now = Timestamp::from_millis(NOW);
        let all = walk(&world, &mira, &Choice::default()).await;
        for status in TokenStatus::ALL {
            let choice = Choice { status: Some(StatusChoice::Shown(status)), ..Choice::default() };
            let found = walk(&world, &mira, &choice).await;
            let shown = |line: &&TokenLine| match ShownStatus::of(line.status, line.expiry, now) {
                ShownStatus::ExpiresSoon => line.status == status,
                shown => shown == ShownStatus::Checked(status),
            };
            assert_eq!(found.len(), all.iter().filter(shown).count(), "{status:?}");
        }
        let week = page(&world, &mira, &Choice::default()).await.weeks[3];
        let choice = Choice {
            status: Some(StatusChoice::Working),
            from: Some(week.from),
            to: Some(week.to),
            ..Choice::default()
        };
        let found = walk(&world, &mira, &choice).await;
        assert!(week.tokens > 0);
        assert_eq!(count(found.len()), week.tokens, "a bar of the timeline leads to what it counts");
    }

    async fn a_search_finds_people_runtimes_and_logins(database: TestDatabase) {
        let (world, mira) = seeded(database).await;
        let all = walk(&world, &mira, &Choice::default()).await;
        let search = |text: &str| Choice { search: text.to_owned(), ..Choice::default() };
        let person = |name: &str| {
            let name = name.to_owned();
            all.iter().filter(move |line| line.holder.as_ref().is_some_and(|(holder, _)| holder.ends_with(&name)))
        };
        for text in ["seed00017", "Seed00017", "ada seed00017 ", "person00017@acme.dev", "login00017"] {
            let found = walk(&world, &mira, &search(text)).await;
            let wanted = if text.starts_with("ada") { Vec::new() } else { person("Seed00017").map(|line| line.id).collect() };
            assert_eq!(found.iter().map(|line| line.id).collect::<Vec<_>>(), wanted, "{text}");
        }
        let found = walk(&world, &mira, &search("runtime-3")).await;
        assert_eq!(found.len(), all.iter().filter(|line| line.runtime == "runtime-3").count());
        // Who begins so, and each once though the login does too.
        let found = walk(&world, &mira, &search("seed0001")).await;
        let names: HashSet<String> = found.iter().filter_map(|line| line.holder.clone()).map(|(name, _)| name).collect();
        assert!(names.len() > 5 && names.iter().all(|name| name.contains("Seed0001")));
        assert_eq!(found.iter().map(|line| line.id).collect::<HashSet<_>>().len(), found.len());
        let choice = Choice { segment: Some(Segment::Invalid), ..search("seed0001") };
        let invalid = walk(&world, &mira, &choice).await;
        let now = Timestamp::from_millis(NOW);
        assert_eq!(invalid.len(), found.iter().filter(|line| belongs(Segment::Invalid, line, now)).count());
        for nobody in ["nobody", "%", "_", "'"] {
            assert!(walk(&world, &mira, &search(nobody)).await.is_empty(), "{nobody}");
        }
    }

    async fn the_numbers_follow_whatever_happens_to_tokens(database: TestDatabase) {
        let (world, mira) = seeded(database).await;
        let db = Database::connect(world.database_url().expose_secret()).await.unwrap();
        let changes = [
            "UPDATE git_tokens SET status = 'invalid' WHERE status = 'valid' AND identity_login LIKE '%7'",
            "UPDATE git_tokens SET expires_at = NULL, never_expires = true WHERE identity_login LIKE '%8'",
            "UPDATE git_tokens SET entered_expires_at = expires_at, expires_at = NULL WHERE identity_login LIKE '%3'",
            "DELETE FROM git_tokens WHERE identity_login LIKE '%5'",
            "DELETE FROM runtimes WHERE name = 'runtime-1'",
            "DELETE FROM members WHERE user_id IN (SELECT id FROM users WHERE name LIKE '%Seed0004%')",
            "UPDATE users SET name = 'Zoe Seed2' WHERE name LIKE '%Seed00002'",
        ];
        for (step, change) in changes.into_iter().enumerate() {
            db.execute_unprepared(change).await.unwrap();
            // Adding up changes no number.
            for _ in 0..2 {
                let page = page(&world, &mira, &Choice::default()).await;
                let all = walk(&world, &mira, &Choice::default()).await;
                let now = Timestamp::from_millis(NOW);
                let of = |segment| count(all.iter().filter(|line| belongs(segment, line, now)).count());
                assert_eq!(page.numbers.all, count(all.len()), "{change}");
                assert_eq!(page.numbers.expired, of(Segment::Expired), "{change}");
                assert_eq!(page.numbers.within_60, of(Segment::Within(60)), "{change}");
                assert_eq!(page.numbers.invalid, of(Segment::Invalid), "{change}");
                assert_eq!(page.numbers.never + page.numbers.unknown, of(Segment::NoExpiry), "{change}");
                assert_eq!(page.missing, absent(&db).await, "{change}");
                let broken = |line: &&TokenLine| belongs(Segment::Expired, line, now) || belongs(Segment::Invalid, line, now);
                // Whoever left has no need of a token.
                let left = |line: &TokenLine| step >= 5 && line.holder.as_ref().unwrap().0.contains("Seed0004");
                let theirs = all.iter().filter(broken).filter(|line| line.holder.is_some() && !left(line));
                assert_eq!(page.not_valid, count(theirs.count()), "{change}");
                if step % 2 == 0 {
                    world.services.expiring.run_once().await.unwrap();
                }
            }
        }
        let choice = Choice { segment: Some(Segment::Missing), descending: true, ..Choice::default() };
        let last = missing(&page(&world, &mira, &choice).await).remove(0);
        assert_eq!(last.person.0, "Zoe Seed2", "by the name of now");
        db.close().await.unwrap();
    }

    async fn who_has_no_token_is_listed_until_they_have(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        let choice = Choice { segment: Some(Segment::Missing), ..Choice::default() };
        assert_eq!(page(&world, &mira, &choice).await.missing, 0);
        let runtime = world.runtime(&mira, "prod-eu").await;
        let page_before = page(&world, &mira, &choice).await;
        assert_eq!(page_before.missing, 1);
        let line = missing(&page_before).remove(0);
        assert_eq!((line.person.0.as_str(), line.runtime_name.as_str()), ("Mira Rao", "prod-eu"));

        let token = world.forge.create_token(NewToken::classic("mira", ["repo"])).unwrap();
        let form = TokenForm { token: token.value.clone().into(), ..TokenForm::default() };
        world.services.tokens.put(&mira, runtime, &form).await.unwrap();
        let page_after = page(&world, &mira, &choice).await;
        assert_eq!((page_after.missing, missing(&page_after).len()), (0, 0));
        let detail = lines(&page(&world, &mira, &Choice::default()).await).remove(0);
        let detail = world.services.expiring.detail(&mira, detail.id).await.unwrap();
        let [used] = detail.uses.as_slice() else { panic!("one runtime uses it") };
        assert_eq!((used.runtime.as_str(), used.person.as_deref(), used.used_at), ("prod-eu", Some("Mira Rao"), None));
        assert_eq!((detail.people, detail.checks.len()), (0, 1));

        // One that does not work is none; a runtime's own is nobody's.
        world.forge.put_account("robot", Account::with_password(PASSWORD));
        let own = world.forge.create_token(NewToken::classic("robot", ["repo", "admin:repo_hook"])).unwrap();
        let form = TokenForm { token: own.value.into(), ..TokenForm::default() };
        world.services.tokens.put(&mira, At::runtime_token(runtime), &form).await.unwrap();
        for (token, at) in [(token.id, At::from(runtime)), (own.id, At::runtime_token(runtime))] {
            world.forge.revoke_token(token).unwrap();
            world.services.tokens.check(&mira, at).await.unwrap();
        }
        let page_of_broken = page(&world, &mira, &choice).await;
        assert_eq!((page_of_broken.numbers.invalid, page_of_broken.missing, page_of_broken.not_valid), (2, 0, 1));
        let broken: Vec<_> = page_of_broken.broken.0.iter().map(|line| line.holder.clone().unwrap().0).collect();
        assert_eq!((broken.as_slice(), page_of_broken.broken.1), (["Mira Rao".to_owned()].as_slice(), false));

        // Whoever leaves a token behind lacks none, until they are back.
        let jonas = world.admin("Jonas", "jonas@acme.dev").await;
        assert_eq!(page(&world, &jonas, &choice).await.missing, 1);
        world.services.members.remove(&jonas, mira.user(), Fate::Keep).await.unwrap();
        let page_after = page(&world, &jonas, &choice).await;
        assert_eq!((page_after.numbers.invalid, page_after.not_valid, page_after.broken.0.len()), (2, 0, 0));
        let form = InviteForm { role: "admin".to_owned(), ..InviteForm::default() };
        let invited = world.services.members.invite(&jonas, &form).await.unwrap();
        let code = invited.link.expose_secret().rsplit('/').next().unwrap().to_owned();
        let session = world.sign_in("mira@acme.dev").await;
        world.services.members.join(Some(&session), &code).await.unwrap();
        let mira = world.services.access.member(Some(&session), "acme").await.unwrap();
        let page_back = page(&world, &mira, &choice).await;
        assert_eq!((page_back.not_valid, page_back.broken.0.len()), (1, 1));
        world.services.members.remove(&mira, jonas.user(), Fate::Keep).await.unwrap();

        world.services.tokens.delete(&mira, runtime, false).await.unwrap();
        assert_eq!(page(&world, &mira, &choice).await.missing, 1);
    }

    async fn those_without_a_token_are_paged_too(database: TestDatabase) {
        let (world, mira) = seeded(database).await;
        let mut choice = Choice { segment: Some(Segment::Missing), ..Choice::default() };
        let mut all = Vec::new();
        let expected = page(&world, &mira, &choice).await.missing;
        loop {
            let page = page(&world, &mira, &choice).await;
            all.extend(missing(&page));
            match page.turns.1 {
                Some(row) => choice.turn = Some(Turn { back: false, row }),
                None => break,
            }
        }
        assert_eq!(count(all.len()), expected);
        let first = page(&world, &mira, &Choice { turn: None, ..choice.clone() }).await;
        assert!(!first.broken.0.is_empty() && first.broken.0.len() <= PAGE);
        let now = Timestamp::from_millis(NOW);
        let works = |line: &TokenLine| !belongs(Segment::Expired, line, now) && !belongs(Segment::Invalid, line, now);
        assert!(first.broken.0.iter().all(|line| line.holder.is_some() && !works(line)));
        assert!(expected > 90, "nobody has a token for the runtime that was there before");
        assert!(all.is_sorted_by_key(|line| (line.person.0.clone(), line.user)));
        let choice = Choice {
            segment: Some(Segment::Missing),
            search: "seed00017".to_owned(),
            ..Choice::default()
        };
        let found = missing(&page(&world, &mira, &choice).await);
        assert!(!found.is_empty() && found.iter().all(|line| line.person.0.ends_with("Seed00017")));
        let runtime = found.last().unwrap().runtime;
        let both = Choice { runtime: Some(runtime), ..choice.clone() };
        let in_one = missing(&page(&world, &mira, &both).await);
        assert!(in_one.len() == 1 && in_one[0].runtime == runtime);
        let choice = Choice { runtime: Some(runtime), search: String::new(), ..choice };
        let of_runtime = missing(&page(&world, &mira, &choice).await);
        assert!(!of_runtime.is_empty() && of_runtime.iter().all(|line| line.runtime == runtime));
        // By the runtime's name, and by its Git provider.
        let name = of_runtime[0].runtime_name.clone();
        let named = Choice { runtime: None, search: name.clone(), ..choice.clone() };
        let of_name: Vec<_> = walk_missing(&world, &mira, &named).await;
        assert!(of_name.iter().all(|line| line.runtime_name.contains(&name)) && of_name.iter().any(|line| line.runtime == runtime));
        let provider = first.providers[0].0;
        let at_provider = Choice { provider: Some(provider), ..Choice { runtime: None, ..choice.clone() } };
        assert_eq!(walk_missing(&world, &mira, &at_provider).await.len(), all.len());
        let form = GitProviderForm {
            kind: "github".to_owned(),
            base_url: "https://github.com".to_owned(),
            ..GitProviderForm::default()
        };
        let other = world.services.git_providers.register(&mira, form).await.unwrap();
        for choice in [Choice { runtime: None, ..choice.clone() }, choice] {
            let elsewhere = page(&world, &mira, &Choice { provider: Some(other), ..choice }).await;
            assert!(missing(&elsewhere).is_empty() && elsewhere.broken.0.is_empty());
        }
    }

    async fn refresh_tokens_that_end_soon_are_a_list_of_their_own(database: TestDatabase) {
        let (world, mira) = seeded(database).await;
        let choice = Choice { segment: Some(Segment::RefreshEnds), ..Choice::default() };
        let found = walk(&world, &mira, &choice).await;
        assert!(found.is_sorted_by_key(|line| line.refresh_ends));
        assert_eq!(page(&world, &mira, &choice).await.refresh_ends, count(found.len()));
        assert!(!found.is_empty() && found.iter().all(|line| line.kind == "OAuth"));
        // The same among some of them, in every way in which they are found.
        let first = page(&world, &mira, &choice).await;
        let (runtime, name) = first.runtimes.iter().find(|(_, name)| name == "runtime-3").unwrap().clone();
        let ids = |lines: &[TokenLine]| lines.iter().map(|line| line.id).collect::<Vec<_>>();
        let of = |wanted: &dyn Fn(&TokenLine) -> bool| found.iter().filter(|line| wanted(line)).map(|line| line.id).collect::<Vec<_>>();
        let of_runtime = Choice { runtime: Some(runtime), ..choice.clone() };
        let of_name = Choice { search: name.clone(), ..choice.clone() };
        for choice in [&of_runtime, &of_name] {
            assert_eq!(ids(&walk(&world, &mira, choice).await), of(&|line| line.runtime == name), "{choice:?}");
        }
        let person = found[found.len() / 2].holder.clone().unwrap().0;
        let of_person = Choice { search: person.rsplit(' ').next().unwrap().to_lowercase(), ..choice.clone() };
        let expected = of(&|line| line.holder.as_ref().unwrap().0 == person);
        assert!(!expected.is_empty());
        assert_eq!(ids(&walk(&world, &mira, &of_person).await), expected);
        let login = found[0].login.clone();
        let of_login = Choice { search: login.clone(), ..choice.clone() };
        assert_eq!(ids(&walk(&world, &mira, &of_login).await), of(&|line| line.login == login));
        let at_provider = Choice { provider: Some(first.providers[0].0), ..choice.clone() };
        assert_eq!(walk(&world, &mira, &at_provider).await.len(), found.len());
        let backwards = Choice { descending: true, ..of_runtime };
        let mut turned = ids(&walk(&world, &mira, &backwards).await);
        turned.reverse();
        assert_eq!(turned, of(&|line| line.runtime == name));
    }

    async fn a_dated_change_at_a_provider_is_told_with_how_many_it_hits(database: TestDatabase) {
        let (world, mira) = seeded(database).await;
        let first = page(&world, &mira, &Choice::default()).await;
        let all = walk(&world, &mira, &Choice::default()).await;
        let hit = all.iter().filter(|line| line.kind == "Bitbucket app password").count();
        let told: u64 = first.deprecations.iter().map(|(_, tokens)| *tokens).sum();
        // An OAuth token is called OAuth, whatever its format.
        assert!(count(hit) > 0 && told >= count(hit));
        let choice = Choice { format: Some("Bitbucket app password".to_owned()), ..Choice::default() };
        assert_eq!(count(walk(&world, &mira, &choice).await.len()), told);
    }

    async fn what_is_no_members_is_left_out_however_much_of_it_there_is(database: TestDatabase) {
        let (world, mira) = seeded(database).await;
        let now = Timestamp::from_millis(NOW);
        let spans = [Segment::Expired, Segment::Invalid].into_iter().flat_map(|segment| segment.spans(now)).collect();
        let query = TokenQuery {
            account: mira.account(),
            runtime: None,
            provider: None,
            oauth: None,
            format: None,
            spans,
            search: None,
            order: TokenOrder::Ends,
            descending: false,
            after: None,
            limit: 1000,
        };
        let all = world.store.found_tokens(&query).await.unwrap();
        assert_eq!(world.store.found_of_members(&query).await.unwrap(), all, "everybody is a member");
        // Half of them leave: those whose tokens come first, as they do when nobody minds what was left behind.
        let rows = world.store.listed_tokens(mira.account(), &all[..all.len() / 2]).await.unwrap();
        let left: HashSet<_> = rows.iter().filter_map(|row| row.user).collect();
        for user in &left {
            world.services.members.remove(&mira, *user, Fate::Keep).await.unwrap();
        }
        let rows = world.store.listed_tokens(mira.account(), &all).await.unwrap();
        let stay: Vec<_> = rows
            .iter()
            .filter(|row| !left.contains(&row.user.unwrap()))
            .map(|row| (row.key, row.id))
            .collect();
        assert!(stay.len() > 3 && stay.len() < all.len() / 2);
        for limit in [1, 2, stay.len() - 1, stay.len(), stay.len() + 1, all.len(), 1000] {
            let query = TokenQuery { limit: u64::try_from(limit).unwrap(), ..query.clone() };
            let found = world.store.found_of_members(&query).await.unwrap();
            assert_eq!(found, stay[..limit.min(stay.len())], "{limit}");
        }
        let choice = Choice { segment: Some(Segment::Missing), ..Choice::default() };
        let page = page(&world, &mira, &choice).await;
        assert_eq!((page.not_valid, page.broken.0.len()), (count(stay.len()), stay.len().min(PAGE)));
    }

    async fn a_file_of_many_parts_has_every_row_once(database: TestDatabase) {
        let (world, mira) = World::set_up(database).await;
        world.runtime(&mira, "prod-eu").await;
        Seed { runtimes: 4, people: 2700, now: NOW }.sow(&world.database_url()).await;
        let numbers = page(&world, &mira, &Choice::default()).await;
        let of = |segment| Choice { segment, ..Choice::default() };
        for (choice, wanted) in [
            (of(None), numbers.numbers.all),
            (of(Some(Segment::Missing)), numbers.missing + numbers.not_valid),
        ] {
            let mut file = world.services.expiring.file(&mira, choice).unwrap();
            let mut lines = Vec::new();
            while let Some(part) = file.next().await.unwrap() {
                lines.extend(part.lines().map(ToOwned::to_owned));
            }
            assert_eq!(count(lines.len()), wanted + 1);
            assert_eq!(lines.iter().collect::<HashSet<_>>().len(), lines.len());
        }
        assert!(numbers.missing > 1000 && numbers.not_valid > 1000, "each is more than a part");
    }

    async fn a_file_has_every_row_of_a_choice(database: TestDatabase) {
        let (world, mira) = seeded(database).await;
        let invalid = Choice { segment: Some(Segment::Invalid), ..Choice::default() };
        for (choice, head) in [
            (Choice::default(), "runtime,git_provider,holder,email,"),
            (Choice { turn: Some(Turn { back: false, row: "1.x".to_owned() }), ..invalid }, "runtime,git_provider,"),
            (Choice { segment: Some(Segment::Missing), ..Choice::default() }, "person,email,runtime,git_provider,token"),
        ] {
            let mut file = world.services.expiring.file(&mira, choice.clone()).unwrap();
            let mut text = String::new();
            while let Some(part) = file.next().await.unwrap() {
                text.push_str(&part);
            }
            let wanted = match choice.segment {
                Some(Segment::Missing) => {
                    let page = page(&world, &mira, &choice).await;
                    page.missing + page.not_valid
                }
                _ => count(walk(&world, &mira, &Choice { turn: None, ..choice }).await.len()),
            };
            assert!(text.starts_with(head) && text.ends_with("\r\n"));
            assert_eq!(count(text.lines().count()), wanted + 1);
        }
    }

    async fn it_is_the_admins(database: TestDatabase) {
        let (world, _) = World::set_up(database).await;
        let member = world.mira_as_member().await;
        let refused = world.services.expiring.page(&member, &Choice::default()).await;
        assert!(matches!(refused, Err(ExpiringError::Access(AccessError::NotAdmin))));
        let refused = world.services.expiring.file(&member, Choice::default());
        assert!(matches!(refused, Err(ExpiringError::Access(AccessError::NotAdmin))));
    }
}

/// How often a member has no token for a runtime.
async fn absent(db: &sea_orm::DatabaseConnection) -> u64 {
    let pairs = "SELECT count(*) AS pairs FROM members m JOIN runtimes r ON r.account_id = m.account_id \
                 WHERE NOT EXISTS (SELECT 1 FROM git_tokens t WHERE t.runtime_id = r.id AND t.user_id = m.user_id)";
    let statement = sea_orm::Statement::from_string(db.get_database_backend(), pairs);
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    u64::try_from(row.try_get::<i64>("", "pairs").unwrap()).unwrap()
}
