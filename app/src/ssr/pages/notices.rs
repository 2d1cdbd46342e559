//! What the page *Notifications* shows: what a person was told, and for an admin what is told in the account.

use super::{ago, cell, columns, group, icon, name, stack, sub, text, when};
use crate::{
    calls::notices::{AcknowledgeNotice, MuteRuntime},
    ssr::sheets::notices::snooze,
};
use backend::{
    notices::NoticesPage,
    store::{ToldNotice, ToldPerson},
};
use domain::{
    NoticeKind, RuntimeId, Timestamp,
    notice::Level,
    page::{Bit, List, Row},
    sheet::Action,
    status::Tone,
};
use leptos::server_fn::ServerFn as _;

/// The lists of the page. `all`: what is told in the account, for an admin.
pub(crate) fn lists(page: &NoticesPage, all: Option<&[ToldNotice]>, account: &str) -> Vec<List> {
    let mut lists = vec![own(page, account)];
    if !page.muted.is_empty() {
        lists.push(muted(page, account));
    }
    if let Some(all) = all {
        lists.push(told_in_account(all, page.now));
    }
    lists
}

fn own(page: &NoticesPage, account: &str) -> List {
    let title = if page.notices.is_empty() {
        "Nothing needs you"
    } else {
        "Your notifications"
    };
    List {
        title: title.to_owned(),
        icon: "bell".to_owned(),
        advice: "When a token of yours ends soon or stops working, you hear of it here.".to_owned(),
        columns: columns(&["Notification", "What", "Ends", "Told", "State"]),
        rows: page
            .notices
            .iter()
            .map(|notice| row(notice, page.now, account))
            .collect(),
        ..List::default()
    }
}

fn row(notice: &ToldPerson, now: Timestamp, account: &str) -> Row {
    let told = &notice.told;
    let put_off = notice.snoozed_until.filter(|until| *until > now);
    let state = match (notice.acknowledged_at, put_off) {
        (Some(at), _) => vec![text("Acknowledged"), sub(&at.date())],
        (None, Some(until)) => vec![text("Put off"), sub(&format!("until {}", until.date()))],
        (None, None) if notice.muted => vec![text("Muted")],
        (None, None) => vec![text("Open")],
    };
    let mut cells = about(told, now);
    cells.push(cell("", vec![stack(state)]));
    Row {
        key: told.id.to_string(),
        name: told.sentence.clone(),
        head: cell("wide", vec![name(&told.sentence)]),
        cells,
        actions: actions(notice, account),
    }
}

/// What it is, when what it is about ends, and since when it is told.
fn about(told: &ToldNotice, now: Timestamp) -> Vec<domain::page::Cell> {
    let ends = match told.condition.ends {
        Some(end) => vec![stack(when(end, now).to_vec())],
        None => vec![sub("–")],
    };
    vec![
        cell("", vec![badge(told.condition.kind)]),
        cell("date", ends),
        cell("date", vec![ago(told.created_at, now)]),
    ]
}

fn badge(kind: NoticeKind) -> Bit {
    let (tone, mark) = match kind.tone() {
        Tone::Bad => ("bad", "bad"),
        _ => ("warn", "clock"),
    };
    group(&format!("status {tone}"), vec![icon("icon", mark), text(kind.words())])
}

fn actions(notice: &ToldPerson, account: &str) -> Vec<Action> {
    let id = notice.told.id.to_string();
    let about = &notice.told.sentence;
    let mut actions = Vec::new();
    if notice.acknowledged_at.is_none() {
        actions.push(Action {
            id: format!("acknowledge-{id}"),
            label: "Acknowledge".to_owned(),
            about: about.clone(),
            icon: "check".to_owned(),
            to: AcknowledgeNotice::url().to_owned(),
            post: Some(("Saving…".to_owned(), vec![field("id", &id), field("account", account)])),
            ..Action::default()
        });
        actions.push(snooze(&id, about, account));
    }
    if let Some(runtime) = notice.told.runtime.filter(|_| !notice.muted) {
        actions.push(mute(runtime, &id, "Mute this runtime", "", account));
    }
    actions
}

fn mute(runtime: RuntimeId, id: &str, label: &str, again: &str, account: &str) -> Action {
    Action {
        id: format!("mute-{id}"),
        label: label.to_owned(),
        icon: if again.is_empty() { "dash" } else { "bell" }.to_owned(),
        to: MuteRuntime::url().to_owned(),
        post: Some((
            "Saving…".to_owned(),
            vec![
                field("runtime", &runtime.to_string()),
                field("again", again),
                field("account", account),
            ],
        )),
        ..Action::default()
    }
}

fn muted(page: &NoticesPage, account: &str) -> List {
    let row = |(id, runtime): &(RuntimeId, String)| Row {
        name: runtime.clone(),
        head: cell("", vec![name(runtime)]),
        actions: vec![mute(*id, &id.to_string(), "Hear of it again", "yes", account)],
        ..Row::default()
    };
    List {
        title: "Muted runtimes".to_owned(),
        aside: "You hear nothing of these, here and by mail.".to_owned(),
        columns: columns(&["Runtime"]),
        rows: page.muted.iter().map(row).collect(),
        ..List::default()
    }
}

fn told_in_account(all: &[ToldNotice], now: Timestamp) -> List {
    let row = |told: &ToldNotice| {
        let who = match told.level {
            Level::Holder => "The holder",
            Level::Owner => "The runtime's owner",
            Level::Admins => "The admins",
        };
        let mut cells = about(told, now);
        cells.push(cell("", vec![text(who)]));
        Row {
            name: told.sentence.clone(),
            head: cell("wide", vec![name(&told.sentence)]),
            cells,
            ..Row::default()
        }
    };
    let title = if all.is_empty() {
        "Nothing is told in the account"
    } else {
        "Told in the account"
    };
    List {
        title: title.to_owned(),
        icon: "users".to_owned(),
        advice: "Every notice that is open shows here, and who knows of it.".to_owned(),
        columns: columns(&["Notification", "What", "Ends", "Told", "Who knows"]),
        rows: all.iter().map(row).collect(),
        ..List::default()
    }
}

fn field(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}

/// A number of days.
pub(crate) fn days(days: u16) -> String {
    if days == 1 {
        "1 day".to_owned()
    } else {
        format!("{days} days")
    }
}
