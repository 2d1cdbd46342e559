//! What the page *Settings* shows: when people are told, over which channels, and what was given up.

use super::{cell, columns, group, icon, name, stack, sub, text, when};
use crate::{
    calls::notices::SendAgain,
    ssr::{
        pages::notices::days,
        sheets::settings::{channel_actions, edit_times},
    },
};
use backend::{
    notices::{ChannelView, NoticeSettingsPage},
    store::{ChannelKind, DeadMessage},
};
use domain::{
    page::{Bit, List, Row},
    sheet::Action,
};
use leptos::server_fn::ServerFn as _;

/// The lists of the page.
pub(crate) fn lists(page: &NoticeSettingsPage, account: &str) -> Vec<List> {
    let base = format!("/{account}/admin/settings");
    let mut lists = vec![times(page, &base)];
    lists.extend(ChannelKind::ALL.map(|kind| channels(page, kind, &base, account)));
    if !page.dead.is_empty() {
        lists.push(dead(page, account));
    }
    lists
}

fn times(page: &NoticeSettingsPage, base: &str) -> List {
    let settings = &page.settings;
    let row = |what: &str, how: String| Row {
        name: what.to_owned(),
        head: cell("", vec![name(what)]),
        cells: vec![cell("wide", vec![text(&how)])],
        ..Row::default()
    };
    List {
        title: "When people are told".to_owned(),
        register: Some(edit_times(base)),
        columns: columns(&["What", "When"]),
        rows: vec![
            row("An end", format!("{} days before", settings.leads)),
            row(
                "If nothing happens",
                format!(
                    "the runtime's owner after {after}, the admins after another {after}",
                    after = days(settings.escalate_days)
                ),
            ),
            row("Daily mail", format!("at {}:00 UTC", settings.digest_hour)),
        ],
        ..List::default()
    }
}

fn channels(page: &NoticeSettingsPage, kind: ChannelKind, base: &str, account: &str) -> List {
    let there: Vec<&ChannelView> = page.channels.iter().filter(|channel| channel.kind == kind).collect();
    let (title, mark, advice, label) = match kind {
        ChannelKind::Email => (
            "E-mail",
            "user",
            "With a mail server, each person gets one mail a day at most, with what is new.",
            "Set up e-mail",
        ),
        ChannelKind::Webhook => (
            "Webhooks",
            "plug",
            "A signed request for each notice, as the Standard Webhooks specification has it.",
            "Add webhook",
        ),
        ChannelKind::Slack => (
            "Chats",
            "bell",
            "A short message to Slack, or to whatever takes messages as Slack does.",
            "Add chat",
        ),
    };
    let register = Action {
        id: format!("register-{}", kind.as_str()),
        to: format!("{base}?register={}", kind.as_str()),
        icon: "plus".to_owned(),
        label: label.to_owned(),
        ..Action::default()
    };
    // There is one mail server.
    let register = (kind != ChannelKind::Email || there.is_empty()).then_some(register);
    List {
        title: if there.is_empty() {
            format!("{title}: none")
        } else {
            title.to_owned()
        },
        icon: mark.to_owned(),
        advice: advice.to_owned(),
        register,
        columns: columns(&["Name", "Leads to", "State"]),
        rows: there
            .into_iter()
            .map(|channel| row(channel, page, base, account))
            .collect(),
        ..List::default()
    }
}

fn row(channel: &ChannelView, page: &NoticeSettingsPage, base: &str, account: &str) -> Row {
    let state = match channel.disabled_at {
        None => vec![state("good", "ok", "On")],
        Some(at) => {
            let mut bits = vec![state("bad", "bad", "Off: it answered that it is gone")];
            bits.extend(when(at, page.now));
            bits
        }
    };
    Row {
        name: channel.name.clone(),
        head: cell("", vec![name(&channel.name)]),
        cells: vec![
            cell("wide", vec![Bit::Code(String::new(), channel.address.clone())]),
            cell("", vec![stack(state)]),
        ],
        actions: channel_actions(channel, base, account),
        ..Row::default()
    }
}

fn state(tone: &str, mark: &str, words: &str) -> Bit {
    group(&format!("status {tone}"), vec![icon("icon", mark), text(words)])
}

fn dead(page: &NoticeSettingsPage, account: &str) -> List {
    let row = |message: &DeadMessage| {
        let to = message.recipient.as_ref().map(|person| sub(&format!("to {person}")));
        let mut head = vec![name(&message.channel)];
        head.extend(to);
        Row {
            key: message.id.to_string(),
            name: message.channel.clone(),
            head: cell("", vec![stack(head)]),
            cells: vec![
                cell("wide", vec![text(&message.failure)]),
                cell("date", vec![stack(when(message.dead_at, page.now).to_vec())]),
            ],
            ..Row::default()
        }
    };
    List {
        title: "Not delivered".to_owned(),
        aside: "tried again and again, and given up".to_owned(),
        bulk: vec![Action {
            id: "send-again".to_owned(),
            label: "Send again".to_owned(),
            to: SendAgain::url().to_owned(),
            post: Some(("Starting…".to_owned(), vec![("account".to_owned(), account.to_owned())])),
            ..Action::default()
        }],
        columns: columns(&["Channel", "Why", "Given up"]),
        rows: page.dead.iter().map(row).collect(),
        ..List::default()
    }
}
