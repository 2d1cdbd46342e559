//! What the page *Expiring tokens* shows: what breaks when, and for whom.

use super::{ago, badge, cell, columns, group, mark, name, remark, stack, sub, text, when};
use crate::{
    calls::{expiring::CheckTokens, notices::RemindHolders},
    ssr::{PageQuery, sheets::expiring::action},
};
use backend::expiring::{Choice, ExpiringPage, MissingLine, Rows, StatusChoice, TokenLine, Turn};
use domain::{
    Expiry, Timestamp, TokenStatus,
    expiring::{Deprecation, Segment, Week, horizon, usual},
    page::{Bar, Bit, Block, Chart, Filter, Head, Link, List, Row, Tile},
    sheet::{Action, Field, Pairs, Part},
    status::ShownStatus,
};
use leptos::server_fn::ServerFn as _;

/// The fields that say which page of the list is shown.
const TURN: [&str; 2] = ["after", "before"];

/// What a query chooses. What it does not know chooses nothing.
pub(crate) fn choice(query: &PageQuery) -> Choice {
    let date = |field| Timestamp::from_iso_date(query.get(field));
    let turn = |field: &str, back| {
        let row = query.get(field);
        (!row.is_empty()).then(|| Turn {
            back,
            row: row.to_owned(),
        })
    };
    let format = query.get("format");
    let sort = query.get("sort");
    Choice {
        segment: Segment::from_word(query.get("show")),
        status: match query.get("status") {
            "working" => Some(StatusChoice::Working),
            word => TokenStatus::from_stored(word).map(StatusChoice::Shown),
        },
        runtime: query.get("runtime").parse().ok(),
        provider: query.get("provider").parse().ok(),
        oauth: match query.get("kind") {
            "oauth" => Some(true),
            "token" => Some(false),
            _ => None,
        },
        format: (!format.is_empty()).then(|| format.to_owned()),
        search: query.get("q").to_owned(),
        from: date("from"),
        to: date("to"),
        by_check: sort.trim_start_matches('-') == "checked",
        descending: sort.starts_with('-'),
        turn: turn("after", false).or_else(|| turn("before", true)),
    }
}

/// The page.
pub(crate) fn blocks(page: &ExpiringPage, query: &PageQuery, account: &str) -> Vec<Block> {
    let base = format!("/{account}/admin/expiring");
    let tiles = tiles(page, query, &base);
    let mut blocks = vec![Block::Tiles("Tokens by what is to be done".to_owned(), tiles)];
    if page.numbers.all > 0 {
        blocks.push(Block::Chart(chart(page, &base)));
    }
    if !page.deprecations.is_empty() {
        blocks.push(radar(page, &base).into());
    }
    blocks.push(list(page, query, &base, account).into());
    if !page.broken.0.is_empty() {
        blocks.push(broken(page, query, &base).into());
    }
    blocks
}

fn tiles(page: &ExpiringPage, query: &PageQuery, base: &str) -> Vec<Tile> {
    let shown = Segment::from_word(query.get("show"));
    let numbers = &page.numbers;
    let until = |days| {
        let last = Timestamp::from_millis(horizon(days, page.now) - 1);
        format!("until {}", last.date())
    };
    let tile = |segment: Segment, tone: &str, icon: &str, label: &str, count: u64, remark: String| {
        let current = shown == Some(segment);
        let to = if current { "" } else { segment.as_str() };
        Tile {
            to: PageQuery::default().with("show", to).at(base),
            tone: if count == 0 { "idle" } else { tone }.to_owned(),
            icon: icon.to_owned(),
            label: label.to_owned(),
            count: grouped(count),
            remark,
            current,
        }
    };
    vec![
        tile(
            Segment::Expired,
            "bad",
            "bad",
            "Expired",
            numbers.expired,
            "do not work any more".to_owned(),
        ),
        tile(
            Segment::Within(7),
            "bad",
            "clock",
            "In 7 days",
            numbers.within_7,
            until(7),
        ),
        tile(
            Segment::Within(30),
            "warn",
            "clock",
            "In 30 days",
            numbers.within_30,
            until(30),
        ),
        tile(
            Segment::Within(60),
            "warn",
            "calendar",
            "In 60 days",
            numbers.within_60,
            until(60),
        ),
        tile(
            Segment::NoExpiry,
            "idle",
            "dash",
            "No expiry",
            numbers.never + numbers.unknown,
            format!(
                "{} never end, {} unknown",
                grouped(numbers.never),
                grouped(numbers.unknown)
            ),
        ),
        tile(
            Segment::Invalid,
            "bad",
            "alert",
            "Invalid",
            numbers.invalid,
            "refused or lacking scopes".to_owned(),
        ),
        tile(
            Segment::Missing,
            "warn",
            "user",
            "Missing",
            page.missing + page.not_valid,
            "people without a valid token".to_owned(),
        ),
        tile(
            Segment::RefreshEnds,
            "warn",
            "refresh",
            "Refresh ends",
            page.refresh_ends,
            until(60),
        ),
    ]
}

/// A number with spaces between its thousands.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let first = digits.len() % 3;
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && at % 3 == first {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

fn chart(page: &ExpiringPage, base: &str) -> Chart {
    let highest = page.weeks.iter().map(|week| week.tokens).max().unwrap_or(0).max(1);
    let unusual = page.weeks.iter().filter(|week| week.unusual).count();
    let bars = page.weeks.iter().enumerate().map(|(at, week)| Bar {
        label: label(&page.weeks, at),
        ..bar(week, highest, base)
    });
    let usually = format!("usually {} a week", grouped(usual(&page.weeks)));
    Chart {
        title: "Expiries by week".to_owned(),
        aside: match unusual {
            0 => usually,
            1 => format!("{usually}; 1 week has more than twice that"),
            many => format!("{usually}; {many} weeks have more than twice that"),
        },
        table: "Show as a table".to_owned(),
        heads: ["Week", "Tokens that end", "Remark"].map(ToOwned::to_owned).to_vec(),
        bars: bars.collect(),
    }
}

/// The month, below the first week that ends in it; not where the next one's would run into it.
fn label(weeks: &[Week], at: usize) -> String {
    let month = |at: usize| {
        weeks
            .get(at)
            .and_then(|week| week.to.date().split(' ').nth(1).map(ToOwned::to_owned))
    };
    let begins = at.checked_sub(1).is_none_or(|before| month(before) != month(at));
    if begins && month(at) == month(at + 1) {
        month(at).unwrap_or_default()
    } else {
        String::new()
    }
}

fn bar(week: &Week, highest: u64, base: &str) -> Bar {
    // What is there is seen, however little it is.
    let height = (week.tokens * 100).div_ceil(highest);
    let chosen = PageQuery::default()
        .with("status", "working")
        .with("from", &week.from.iso_date())
        .with("to", &week.to.iso_date());
    Bar {
        name: format!("{} – {}", week.from.date(), week.to.date()),
        count: grouped(week.tokens),
        height: height.to_string(),
        remark: if week.unusual { "more than usual" } else { "" }.to_owned(),
        to: chosen.at(base),
        ..Bar::default()
    }
}

/// The changes at providers that hit tokens of the account.
fn radar(page: &ExpiringPage, base: &str) -> List {
    let row = |(change, tokens): &(Deprecation, u64)| {
        let at = Timestamp::from_millis(change.at);
        let to = PageQuery::default().with("format", change.format).at(base);
        let tokens = match tokens {
            1 => "1 token".to_owned(),
            many => format!("{} tokens", grouped(*many)),
        };
        Row {
            name: change.format.to_owned(),
            head: cell("", vec![stack(vec![name(change.what), sub(change.advice)])]),
            cells: vec![
                cell("date", vec![stack(when(at, page.now).to_vec())]),
                cell("count", vec![Bit::Link("radar".to_owned(), to, tokens)]),
            ],
            ..Row::default()
        }
    };
    List {
        title: "Changes at Git providers that hit your tokens".to_owned(),
        columns: columns(&["Change", "When", "Hits"]),
        rows: page.deprecations.iter().map(row).collect(),
        ..List::default()
    }
}

fn list(page: &ExpiringPage, query: &PageQuery, base: &str, account: &str) -> List {
    let chosen = query.without(&["sort", "after", "before"]);
    let choice = choice(query);
    let nothing_at_all = page.numbers.all == 0 && page.missing == 0;
    let turn = |field: &str, row: &Option<String>, label: &str, icon: &str| {
        row.as_ref().map(|row| Link {
            to: query.without(&TURN).with(field, row).at(base),
            icon: icon.to_owned(),
            label: label.to_owned(),
            ..Link::default()
        })
    };
    let (before, after) = &page.turns;
    let turns = [
        turn("before", before, "Previous", "left"),
        turn("after", after, "Next", "right"),
    ];
    let (rows, heads, bulk) = match &page.rows {
        Rows::Tokens(lines) => (
            lines.iter().map(|line| token_row(line, page, query, base)).collect(),
            heads(query, &choice, base),
            vec![check_soon(account, query), remind(account, query)],
        ),
        Rows::Missing(lines) => (
            lines.iter().map(missing_row).collect(),
            columns(&["Person", "Runtime", "Git provider"]),
            Vec::new(),
        ),
    };
    List {
        title: title(&choice).to_owned(),
        aside: aside(page, &choice),
        icon: if nothing_at_all { "key" } else { "ok" }.to_owned(),
        advice: if nothing_at_all {
            "As soon as somebody has a token for a runtime, it shows here what ends when."
        } else if !page.broken.0.is_empty() {
            "Everybody here has a token. Some do not work: they stand below."
        } else if chosen.is_empty() || choice.search.is_empty() {
            "Nothing here. That is good news, unless it was meant to be found."
        } else {
            "Nobody and nothing is called so. A search looks for people, runtimes and Git identities that begin with it."
        }
        .to_owned(),
        downloads: vec![Link {
            to: query.without(&TURN).at(&format!("{base}/export")),
            icon: "download".to_owned(),
            label: "CSV".to_owned(),
            ..Link::default()
        }],
        register: Some(Action {
            id: "calendar".to_owned(),
            to: query.with("calendar", "link").at(base),
            icon: "calendar".to_owned(),
            label: "Calendar".to_owned(),
            ..Action::default()
        }),
        filter: (!nothing_at_all).then(|| filter(page, query, &choice, base)),
        bulk,
        columns: heads,
        rows,
        turns: turns.into_iter().flatten().collect(),
        ..List::default()
    }
}

/// The people who have a token that has ended or does not work.
fn broken(page: &ExpiringPage, query: &PageQuery, base: &str) -> List {
    let all = |segment: Segment, label: &str| Link {
        to: PageQuery::default().with("show", segment.as_str()).at(base),
        icon: "right".to_owned(),
        label: label.to_owned(),
        ..Link::default()
    };
    let (lines, more) = &page.broken;
    let choice = choice(query);
    List {
        title: "People whose token does not work".to_owned(),
        aside: number_of(lines.len(), *more, &choice, page.not_valid),
        columns: columns(&[
            "Runtime",
            "Holder",
            "Git identity",
            "Status",
            "Expires",
            "Last check",
            "Last use",
        ]),
        rows: lines.iter().map(|line| token_row(line, page, query, base)).collect(),
        turns: if *more {
            vec![
                all(Segment::Expired, "All expired tokens"),
                all(Segment::Invalid, "All invalid tokens"),
            ]
        } else {
            Vec::new()
        },
        ..List::default()
    }
}

fn title(choice: &Choice) -> &'static str {
    match choice.segment {
        None => "Tokens",
        Some(Segment::Expired) => "Expired tokens",
        Some(Segment::Within(7)) => "Tokens that end within 7 days",
        Some(Segment::Within(30)) => "Tokens that end within 30 days",
        Some(Segment::Within(_)) => "Tokens that end within 60 days",
        Some(Segment::NoExpiry) => "Tokens without a known end",
        Some(Segment::Invalid) => "Tokens that do not work",
        Some(Segment::Missing) => "People without a token",
        Some(Segment::RefreshEnds) => "OAuth tokens whose refresh token ends",
    }
}

fn aside(page: &ExpiringPage, choice: &Choice) -> String {
    let mut said = Vec::new();
    match (choice.from, choice.to) {
        (Some(from), Some(to)) => said.push(format!("that end from {} to {}", from.date(), to.date())),
        (Some(from), None) => said.push(format!("that end from {} on", from.date())),
        (None, Some(to)) => said.push(format!("that end until {}", to.date())),
        (None, None) => {}
    }
    said.extend(choice.format.clone());
    if let (Some(Segment::Missing), Rows::Missing(lines)) = (choice.segment, &page.rows)
        && !lines.is_empty()
    {
        let others = page.turns.0.is_some() || page.turns.1.is_some();
        said.push(number_of(lines.len(), others, choice, page.missing));
    }
    said.retain(|part| !part.is_empty());
    if page.too_many {
        said.push("More is called so than is looked at. Type more of it.".to_owned());
    }
    said.join("; ")
}

/// How many rows there are: those that are shown, if these are all, and all that there are, if nothing is left out. Otherwise that is not
/// counted.
fn number_of(shown: usize, others: bool, choice: &Choice, all: u64) -> String {
    match (others, choice.is_narrow()) {
        (false, _) => shown.to_string(),
        (true, false) => grouped(all),
        (true, true) => String::new(),
    }
}

fn filter(page: &ExpiringPage, query: &PageQuery, choice: &Choice, base: &str) -> Filter {
    let select = |name: &str, label: &str, any: &str, options: Vec<(String, String)>| {
        let field = Field {
            value: query.get(name).to_owned(),
            ..Field::new(name, label)
        };
        let options: Pairs = [(String::new(), any.to_owned())].into_iter().chain(options).collect();
        Part::Select(field, options)
    };
    let mut parts = vec![Part::Field(Field {
        value: choice.search.clone(),
        kind: "search".to_owned(),
        placeholder: "Person, runtime or Git identity".to_owned(),
        optional: true,
        ..Field::new("q", "Search")
    })];
    let runtimes = page.runtimes.iter().map(|(id, name)| (id.to_string(), name.clone()));
    parts.push(select("runtime", "Runtime", "All runtimes", runtimes.collect()));
    let mut own = vec!["q", "runtime", "after", "before"];
    if page.providers.len() > 1 {
        let providers = page
            .providers
            .iter()
            .map(|(id, label)| (id.to_string(), label.name.clone()));
        parts.push(select(
            "provider",
            "Git provider",
            "All Git providers",
            providers.collect(),
        ));
        own.push("provider");
    }
    let by_status = !matches!(choice.segment, Some(Segment::Missing | Segment::RefreshEnds));
    if by_status {
        let statuses = TokenStatus::ALL.map(|status| {
            let words = ShownStatus::Checked(status).words();
            (status.as_str().to_owned(), words.to_owned())
        });
        let working = [("working".to_owned(), "Works".to_owned())];
        let statuses = working.into_iter().chain(statuses).collect();
        parts.push(select("status", "Status", "Any status", statuses));
        let kinds = [("oauth", "OAuth"), ("token", "Personal access token")];
        let kinds = kinds.map(|(word, words)| (word.to_owned(), words.to_owned()));
        parts.push(select("kind", "Kind", "Any kind", kinds.to_vec()));
        own.extend(["status", "kind"]);
    }
    let hidden = query.without(&own);
    let chosen = query.without(&["sort", "after", "before"]);
    Filter {
        to: base.to_owned(),
        hidden: hidden.pairs(),
        parts,
        clear: if chosen.is_empty() {
            String::new()
        } else {
            base.to_owned()
        },
    }
}

/// The heads of the columns; by two of them the list can be ordered.
fn heads(query: &PageQuery, choice: &Choice, base: &str) -> Vec<Head> {
    let sorted = |label: &str, word: &str, here: bool| {
        let (order, next) = match (here, choice.descending) {
            (false, _) => ("", word.to_owned()),
            (true, false) => ("ascending", format!("-{word}")),
            (true, true) => ("descending", word.to_owned()),
        };
        Head {
            label: label.to_owned(),
            to: query.without(&TURN).with("sort", &next).at(base),
            order: order.to_owned(),
        }
    };
    let by_check = choice.by_check && choice.may_go_by_check();
    let mut heads = columns(&["Runtime", "Holder", "Git identity", "Status"]);
    if choice.segment == Some(Segment::RefreshEnds) {
        heads.extend([sorted("Refresh token ends", "ends", true)]);
    } else {
        heads.push(sorted("Expires", "ends", !by_check));
    }
    if choice.may_go_by_check() {
        heads.push(sorted("Last check", "checked", by_check));
    } else {
        heads.extend(columns(&["Last check"]));
    }
    heads.extend(columns(&["Last use"]));
    heads
}

/// Has the tokens that are ticked checked soon.
fn check_soon(account: &str, query: &PageQuery) -> Action {
    Action {
        id: "check-chosen".to_owned(),
        label: "Check now".to_owned(),
        to: CheckTokens::url().to_owned(),
        post: Some((
            "Starting…".to_owned(),
            vec![
                ("account".to_owned(), account.to_owned()),
                ("back".to_owned(), query.text()),
            ],
        )),
        ..Action::default()
    }
}

/// Asks the holders of the tokens that are ticked to look after them.
fn remind(account: &str, query: &PageQuery) -> Action {
    Action {
        id: "remind-chosen".to_owned(),
        label: "Remind holders".to_owned(),
        to: RemindHolders::url().to_owned(),
        ..check_soon(account, query)
    }
}

fn token_row(line: &TokenLine, page: &ExpiringPage, query: &PageQuery, base: &str) -> Row {
    let (holder, address) = holder(line);
    let end = match (query.get("show") == Segment::RefreshEnds.as_str(), line.refresh_ends) {
        (true, Some(end)) => when(end, page.now).to_vec(),
        (_, refresh) => end(line, refresh, page.now),
    };
    let about = format!("{} of {holder}", line.runtime);
    Row {
        key: line.id.to_string(),
        name: about.clone(),
        head: cell(
            "",
            vec![stack(
                [name(&line.runtime), mark(line.provider.kind, &line.provider.host)]
                    .into_iter()
                    .chain(remark(&shared_by(line.sharing)))
                    .collect(),
            )],
        ),
        cells: vec![
            cell("wide", vec![stack(vec![text(&holder), sub(address)])]),
            cell(
                "wide",
                vec![stack(vec![
                    text(&line.login),
                    group(
                        "sub",
                        vec![
                            Bit::Code(line.kind.clone(), line.hint.clone()),
                            text(if line.oauth { " OAuth" } else { " token" }),
                        ],
                    ),
                ])],
            ),
            cell(
                "wraps",
                vec![badge(ShownStatus::of(line.status, line.expiry, page.now))],
            ),
            cell("date", vec![stack(end)]),
            cell("date", vec![ago(line.checked_at, page.now)]),
            cell(
                "date",
                vec![line.used_at.map_or_else(|| sub("never"), |at| ago(at, page.now))],
            ),
        ],
        actions: vec![action(line.id, &about, query, base)],
    }
}

/// Whose a token is, in words, and at which address.
pub(crate) fn holder(line: &TokenLine) -> (String, &str) {
    match &line.holder {
        Some((name, email)) => (name.clone(), email),
        None => ("Runtime token".to_owned(), "of the runtime itself"),
    }
}

fn end(line: &TokenLine, refresh: Option<Timestamp>, now: Timestamp) -> Vec<Bit> {
    let mut bits = match line.expiry {
        Expiry::At(end) => when(end, now).to_vec(),
        Expiry::Never => vec![text("never")],
        Expiry::Unknown => vec![text("unknown")],
    };
    bits.extend(refresh.and_then(|end| remark(&format!("refresh until {}", end.date()))));
    bits
}

fn shared_by(sharing: u64) -> String {
    match sharing {
        0 | 1 => String::new(),
        many => format!("shared by {many} runtimes"),
    }
}

fn missing_row(line: &MissingLine) -> Row {
    let (person, email) = &line.person;
    Row {
        name: format!("{person}, {}", line.runtime_name),
        head: cell("", vec![stack(vec![name(person), sub(email)])]),
        cells: vec![
            cell("", vec![text(&line.runtime_name)]),
            cell("", vec![mark(line.provider.kind, &line.provider.host)]),
        ],
        ..Row::default()
    }
}
