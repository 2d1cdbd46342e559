//! What the page *Audit log* shows: who did what, on what, from where, and what came of it.

use super::{ago, cell, columns, group, icon, name, remark, stack, text};
use crate::ssr::PageQuery;
use backend::audit::{Action, AuditPage, Filter as Choice, Group, Outcome, Record, Who};
use domain::{
    Timestamp,
    page::{Bit, Cell, Filter, Link, List, Row},
    sheet::{self, Field, Pairs, Part},
};
use std::time::Duration;

/// The field that says before which event the page begins.
pub(crate) const TURN: &str = "before";
/// What opens the sheet of an event.
pub(crate) const OPENER: &str = "event";
const DAY: Duration = Duration::from_hours(24);

/// What a query chooses. What it does not know chooses nothing.
pub(crate) fn choice(query: &PageQuery) -> Choice {
    let date = |field| Timestamp::from_iso_date(query.get(field));
    Choice {
        text: query.get("q").to_owned(),
        group: Group::from_word(query.get("about")),
        who: Who::from_word(query.get("who")),
        outcome: Outcome::from_word(query.get("outcome")),
        runtime: query.get("runtime").parse().ok(),
        from: date("from"),
        // The day that is named belongs to it.
        until: date("to").map(|day| day.plus(DAY)),
    }
}

/// The page.
pub(crate) fn list(page: &AuditPage, query: &PageQuery, account: &str) -> List {
    let base = format!("/{account}/admin/audit");
    let chosen = query.without(&[TURN]);
    let nothing_at_all = page.records.is_empty() && query.is_empty();
    let download = |format: &str, label: &str| Link {
        to: chosen.with("format", format).at(&format!("{base}/export")),
        icon: "download".to_owned(),
        label: label.to_owned(),
        ..Link::default()
    };
    let newest = (!query.get(TURN).is_empty()).then(|| Link {
        to: chosen.at(&base),
        icon: "left".to_owned(),
        label: "Newest".to_owned(),
        ..Link::default()
    });
    let older = page.next.map(|seq| Link {
        to: chosen.with(TURN, &seq.to_string()).at(&base),
        icon: "right".to_owned(),
        label: "Older".to_owned(),
        ..Link::default()
    });
    List {
        title: if nothing_at_all {
            "Nothing is recorded yet".to_owned()
        } else {
            "Events".to_owned()
        },
        aside: if nothing_at_all {
            ""
        } else {
            "the newest first; times in UTC"
        }
        .to_owned(),
        icon: "history".to_owned(),
        advice: if nothing_at_all {
            "Whatever anybody does in this account from now on stands here."
        } else {
            "No event fits. Words are found by their beginnings; take a choice away, or name a longer period."
        }
        .to_owned(),
        downloads: vec![download("csv", "CSV"), download("jsonl", "JSON lines")],
        filter: (!nothing_at_all).then(|| filter(page, query, &base)),
        columns: columns(&["When", "Who", "What", "On what", "From", "Outcome"]),
        rows: page
            .records
            .iter()
            .map(|record| row(record, page.now, query, &base))
            .collect(),
        turns: newest.into_iter().chain(older).collect(),
        ..List::default()
    }
}

fn filter(page: &AuditPage, query: &PageQuery, base: &str) -> Filter {
    let select = |name: &str, label: &str, any: &str, options: Vec<(String, String)>| {
        let field = Field {
            value: query.get(name).to_owned(),
            ..Field::new(name, label)
        };
        let options: Pairs = [(String::new(), any.to_owned())].into_iter().chain(options).collect();
        Part::Select(field, options)
    };
    let date = |name: &str, label: &str| {
        Part::Field(Field {
            value: query.get(name).to_owned(),
            kind: "date".to_owned(),
            optional: true,
            ..Field::new(name, label)
        })
    };
    let groups = Group::ALL.map(|group| (group.as_str().to_owned(), group.label().to_owned()));
    let people = page.people.iter().map(|(id, name)| (id.to_string(), name.clone()));
    let others = [Who::Patchbay, Who::CommandLine, Who::AccessKey, Who::Stranger];
    let others = others.map(|who| (who.kind().to_owned(), kind_words(who.kind()).to_owned()));
    let outcomes = Outcome::ALL.map(|outcome| (outcome.as_str().to_owned(), outcome_words(outcome).to_owned()));
    let runtimes = page.runtimes.iter().map(|(id, name)| (id.to_string(), name.clone()));
    Filter {
        to: base.to_owned(),
        hidden: Vec::new(),
        parts: vec![
            Part::Field(Field {
                value: query.get("q").to_owned(),
                kind: "search".to_owned(),
                placeholder: "Person, runtime, provider or detail".to_owned(),
                optional: true,
                ..Field::new("q", "Search")
            }),
            select("about", "About", "Everything", groups.to_vec()),
            select("who", "Who", "Anybody", people.chain(others).collect()),
            select("outcome", "Outcome", "Any outcome", outcomes.to_vec()),
            select("runtime", "Runtime", "All runtimes", runtimes.collect()),
            date("from", "From"),
            date("to", "To"),
        ],
        clear: if query.is_empty() {
            String::new()
        } else {
            base.to_owned()
        },
    }
}

fn row(record: &Record, now: Timestamp, query: &PageQuery, base: &str) -> Row {
    let about = format!("event {}, {}", record.seq, action_words(&record.action));
    let open = sheet::Action {
        id: opener(record.seq),
        label: "Details".to_owned(),
        about: about.clone(),
        icon: "info".to_owned(),
        to: query.with(OPENER, &record.seq.to_string()).at(base),
        ..sheet::Action::default()
    };
    let from = record.from.iter().map(|from| Bit::Code(String::new(), from.clone()));
    Row {
        name: about,
        head: cell(
            "date",
            vec![stack(vec![
                text(&record.at.date_time()),
                group("sub", vec![ago(record.at, now)]),
            ])],
        ),
        cells: vec![
            cell("", vec![stack(who(record))]),
            cell("wide", vec![stack(what(record))]),
            on_what(record),
            cell("origin", from.collect()),
            cell("", vec![outcome(record)]),
        ],
        actions: vec![open],
        ..Row::default()
    }
}

/// The id of the control that opens the sheet of an event.
pub(crate) fn opener(seq: i64) -> String {
    format!("details-{seq}")
}

fn who(record: &Record) -> Vec<Bit> {
    match (&record.actor_name, &record.actor_email) {
        (Some(known), email) => {
            let mut bits = vec![name(known)];
            bits.extend(email.as_deref().and_then(remark));
            bits
        }
        (None, _) => vec![text(kind_words(&record.actor))],
    }
}

fn what(record: &Record) -> Vec<Bit> {
    let mut bits = vec![text(action_words(&record.action))];
    bits.extend(remark(&record.detail));
    bits
}

fn on_what(record: &Record) -> Cell {
    let mut bits: Vec<Bit> = record.runtime.as_deref().map(text).into_iter().collect();
    bits.extend(record.git_provider.as_deref().and_then(remark));
    if record.person_id.is_some() && record.person_id != record.actor_id {
        bits.extend(
            record
                .person
                .as_deref()
                .and_then(|person| remark(&format!("of {person}"))),
        );
    }
    cell("", vec![stack(bits)])
}

/// The outcome as a badge: colour, icon and word.
pub(crate) fn outcome(record: &Record) -> Bit {
    let (tone, mark, words) = match Outcome::from_word(&record.outcome) {
        Some(known) => {
            let (tone, mark) = match known {
                Outcome::Done => ("good", "ok"),
                Outcome::Begun => ("idle", "clock"),
                Outcome::Refused => ("warn", "alert"),
                Outcome::Failed => ("bad", "bad"),
            };
            (tone, mark, outcome_words(known))
        }
        None => ("idle", "help", record.outcome.as_str()),
    };
    group(&format!("status {tone}"), vec![icon("icon", mark), text(words)])
}

const fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "Done",
        Outcome::Begun => "Begun",
        Outcome::Refused => "Refused",
        Outcome::Failed => "Failed",
    }
}

/// What an action is called; one that this version does not know, by its word.
pub(crate) fn action_words(word: &str) -> &str {
    match Action::from_word(word) {
        Some(action) => action.label(),
        None => word,
    }
}

/// Who it was, where that is no person that is known.
pub(crate) fn kind_words(kind: &str) -> &str {
    match kind {
        "patchbay" => "Patchbay",
        "command-line" => "Command line",
        "access-key" => "Access key",
        "stranger" => "Not signed in",
        other => other,
    }
}
