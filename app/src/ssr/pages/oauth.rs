//! What the page *Git authentication* shows of OAuth: the applications, and how people authorise access for each runtime.

use super::{cell, columns, group, icon, mark, name, stack, sub, text};
use crate::ssr::sheets::oauth_applications::{actions, method_actions};
use backend::oauth::{ApplicationView, ProviderApplications, RuntimeMethod};
use domain::{
    Timestamp,
    doctor::{Verdict, worst},
    page::{Attention, Bit, List, Row},
    sheet::Action,
};

/// How long before its end a client secret is pointed at.
const SOON: std::time::Duration = std::time::Duration::from_hours(30 * 24);

fn page(account: &str) -> String {
    format!("/{account}/admin/git-authentication")
}

/// A badge of this tone, icon and words.
fn badge(tone: &str, mark: &str, words: &str) -> Bit {
    group(&format!("status {tone}"), vec![icon("icon", mark), text(words)])
}

/// How an application stands.
fn standing(application: &ApplicationView, now: Timestamp) -> Bit {
    if application.secret_ends.is_some_and(|end| end <= now) {
        return badge("bad", "bad", "Secret expired");
    }
    match application.test.as_ref().map(|(_, findings)| worst(findings)) {
        None => badge("idle", "dash", "Not tested"),
        Some(Verdict::Bad) => badge("bad", "bad", "Does not work"),
        Some(_) if application.secret_ends.is_some_and(|end| end <= now.plus(SOON)) => {
            badge("warn", "clock", "Secret expires soon")
        }
        Some(Verdict::Unsure) => badge("warn", "alert", "Wants a look"),
        Some(Verdict::Good | Verdict::Told) => badge("good", "ok", "In order"),
    }
}

/// The OAuth applications of all Git providers, if there are any.
pub(super) fn applications(providers: &[ProviderApplications], now: Timestamp, account: &str) -> Option<List> {
    let page = page(account);
    let rows: Vec<Row> = providers
        .iter()
        .flat_map(|provider| {
            provider
                .applications
                .iter()
                .map(move |application| (provider, application))
        })
        .map(|(provider, found)| application(provider, found, now, &page))
        .collect();
    (!rows.is_empty()).then(|| List {
        title: "OAuth applications".to_owned(),
        columns: columns(&["Name", "Client ID", "Callback URL", "Used by", "Status"]),
        rows,
        ..List::default()
    })
}

fn application(provider: &ProviderApplications, found: &ApplicationView, now: Timestamp, page: &str) -> Row {
    let label = &provider.label;
    let users: Vec<&str> = provider
        .runtimes
        .iter()
        .filter(|runtime| runtime.application == Some(found.id))
        .map(|runtime| runtime.name.as_str())
        .collect();
    let used_by = if users.is_empty() {
        sub("no runtime")
    } else {
        text(&users.join(", "))
    };
    let mut status = vec![standing(found, now)];
    if let Some((at, _)) = &found.test {
        status.push(sub(&format!("tested {}", at.relative_to(now))));
    }
    if let Some(end) = found.secret_ends {
        status.push(sub(&format!("secret until {}", end.date())));
    }
    Row {
        name: found.name.clone(),
        head: cell("", vec![stack(vec![name(&found.name), mark(label.kind, &label.host)])]),
        cells: vec![
            cell("wide", vec![Bit::Code(String::new(), found.client_id.clone())]),
            cell(
                "",
                vec![Bit::Address(
                    found.callback_url.clone(),
                    format!("the callback URL of {}", found.name),
                )],
            ),
            cell("wide", vec![used_by]),
            cell("status-cell", vec![stack(status)]),
        ],
        actions: actions(found, page),
        ..Row::default()
    }
}

/// How people authorise access for the runtimes of a Git provider.
pub(super) fn methods(provider: &ProviderApplications, now: Timestamp, account: &str) -> List {
    let page = page(account);
    let name = &provider.label.name;
    let rows: Vec<Row> = provider
        .runtimes
        .iter()
        .map(|runtime| method(provider, runtime, now, &page))
        .collect();
    List {
        attention: requests(provider, now),
        title: if rows.is_empty() {
            format!("No runtimes at {name} yet")
        } else {
            format!("Runtimes at {name}")
        },
        icon: "cpu".to_owned(),
        advice: "Once a runtime uses it, people authorize access for it by an OAuth application, or provide tokens."
            .to_owned(),
        register: provider.next.as_ref().map(|_| Action {
            id: format!("application-{}", provider.id),
            to: format!("{page}?application={}", provider.id),
            icon: "plus".to_owned(),
            label: "Add OAuth application".to_owned(),
            about: format!("for {name}"),
            primary: provider.applications.is_empty(),
            ..Action::default()
        }),
        columns: columns(&["Runtime", "Method", "Status"]),
        rows,
        ..List::default()
    }
}

/// Who asked for an application.
fn requests(provider: &ProviderApplications, now: Timestamp) -> Option<Attention> {
    let (first, rest) = provider.requests.split_first()?;
    let (person, at) = first;
    Some(Attention {
        tone: "warn".to_owned(),
        title: match rest.len() {
            0 => format!("{person} asked for an OAuth application for {}.", provider.label.name),
            1 => format!(
                "{person} and 1 other asked for an OAuth application for {}.",
                provider.label.name
            ),
            others => format!(
                "{person} and {others} others asked for an OAuth application for {}.",
                provider.label.name
            ),
        },
        reasons: vec![if rest.is_empty() {
            at.relative_to(now)
        } else {
            format!("first {}", at.relative_to(now))
        }],
    })
}

fn method(provider: &ProviderApplications, runtime: &RuntimeMethod, now: Timestamp, page: &str) -> Row {
    let used = provider
        .applications
        .iter()
        .find(|application| Some(application.id) == runtime.application);
    let (way, status) = match used {
        Some(application) => (
            vec![text("OAuth application"), sub(&application.name)],
            standing(application, now),
        ),
        None if provider.next.is_none() => (
            vec![
                text("Tokens only"),
                sub(&format!("{} knows no OAuth", provider.label.kind.name())),
            ],
            badge("idle", "dash", "Tokens only"),
        ),
        None => (vec![text("Tokens only")], badge("idle", "dash", "No OAuth application")),
    };
    Row {
        name: runtime.name.clone(),
        head: cell("", vec![name(&runtime.name)]),
        cells: vec![cell("", vec![stack(way)]), cell("status-cell", vec![status])],
        actions: if provider.next.is_some() {
            method_actions(runtime, page)
        } else {
            Vec::new()
        },
        ..Row::default()
    }
}
