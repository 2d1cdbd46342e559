//! What the page *Runtimes* shows.

use super::{badge, cell, columns, group, link_out, mark, name, register, scope_names, stack, sub, text, when};
use crate::ssr::sheets::runtimes::actions;
use domain::{
    Expiry, Scope, Timestamp, TokenStatus,
    guide::plain,
    page::{Bit, List, Row},
    scope::Standing,
    status::ShownStatus,
    view::{RuntimeView, RuntimesPage, TokenView},
};

/// The runtimes of the account; `waiting` is the number of tokens that wait for their check.
pub(crate) fn list(page: &RuntimesPage, waiting: u64, account: &str) -> List {
    let base = format!("/{account}/admin/runtimes");
    // A runtime uses a Git provider, so that comes first.
    let (advice, next) = if page.runtimes.is_empty() && page.providers.is_empty() {
        (
            "A runtime uses a Git provider, so register that first.",
            register(&format!("/{account}/admin/git-authentication"), "Register Git provider"),
        )
    } else {
        (
            "Register one, and everybody in the account can add their token for it.",
            register(&base, "Register runtime"),
        )
    };
    List {
        title: match page.runtimes.len() {
            0 => "No runtimes yet".to_owned(),
            1 => "1 runtime".to_owned(),
            count => format!("{count} runtimes"),
        },
        aside: match waiting {
            0 => String::new(),
            1 => "1 token waits for its check.".to_owned(),
            many => format!("{many} tokens wait for their checks."),
        },
        icon: "cpu".to_owned(),
        advice: advice.to_owned(),
        register: Some(next),
        columns: columns(&["Name", "Git provider", "Runtime token", "Authorized", "Registered"]),
        rows: page
            .runtimes
            .iter()
            .map(|runtime| row(runtime, page, account))
            .collect(),
        ..List::default()
    }
}

fn row(runtime: &RuntimeView, page: &RuntimesPage, account: &str) -> Row {
    let (label, owner) = (&runtime.provider_label, runtime.owner.as_ref());
    let token = match &runtime.token {
        Some(token) => {
            let status = badge(ShownStatus::of(token.status, token.expiry, page.now));
            let lines = lines(token, label.kind.name(), page.now);
            let lines = lines.into_iter().map(|line| group("sub", vec![Bit::Words(line)]));
            stack([status].into_iter().chain(lines).collect())
        }
        None => sub("none"),
    };
    Row {
        name: runtime.name.clone(),
        head: cell(
            "",
            vec![stack(
                [name(&runtime.name)]
                    .into_iter()
                    .chain(owner.map(|(_, owner)| sub(&format!("owner: {owner}"))))
                    .collect(),
            )],
        ),
        cells: vec![
            cell(
                "",
                vec![stack(vec![
                    group("", vec![text(&label.name)]),
                    mark(label.kind, &label.host),
                ])],
            ),
            cell("wide", vec![token]),
            cell("count", vec![people(runtime)]),
            cell("date", vec![stack(when(runtime.created_at, page.now).to_vec())]),
        ],
        actions: actions(runtime, page, account),
        ..Row::default()
    }
}

/// How many of those who may have a token have one.
fn people(runtime: &RuntimeView) -> Bit {
    let tokens = runtime.tokens.saturating_sub(runtime.left);
    let have = match runtime.members {
        1 => format!("{tokens} of 1 person"),
        members => format!("{tokens} of {members} people"),
    };
    let left = match runtime.left {
        0 => None,
        1 => Some(sub("and 1 who was removed")),
        left => Some(sub(&format!("and {left} who were removed"))),
    };
    stack([group("", vec![text(&have)])].into_iter().chain(left).collect())
}

/// What is to be known of a runtime token besides its status.
fn lines(token: &TokenView, provider: &str, now: Timestamp) -> Vec<String> {
    let mut lines = vec![format!("|${}| {}", plain(&token.hint), plain(&token.identity.login))];
    let missing = token
        .scopes
        .iter()
        .filter(|finding| finding.standing == Standing::Missing);
    let missing: Vec<Scope> = missing.map(|finding| finding.scope.clone()).collect();
    if !missing.is_empty() {
        lines.push(format!("missing: {}", scope_names(&missing)));
    }
    lines.extend(said(ShownStatus::of(token.status, token.expiry, now).next_step()));
    if let (TokenStatus::SsoRequired, Some(url)) = (token.status, &token.sso_url) {
        lines.push(link_out(url, &format!("Authorize it at {provider}")));
    }
    lines.push(match token.expiry {
        Expiry::At(end) => format!("expires {} ({})", end.date(), end.relative_to(now)),
        Expiry::Never => "never expires".to_owned(),
        Expiry::Unknown => "expiry unknown".to_owned(),
    });
    lines.extend(said(&token.expiry_note));
    if !token.shared.is_empty() {
        lines.push(format!("shared by {} runtimes", token.shared.len() + 1));
    }
    lines.extend(said(&token.rotation));
    let setback = token
        .setback
        .as_deref()
        .map(|words| format!(": {words}"))
        .unwrap_or_default();
    lines.push(plain(&format!(
        "checked {}{setback}",
        token.checked_at.relative_to(now)
    )));
    lines
}

/// A sentence as a line, if there is one.
fn said(sentence: &str) -> Option<String> {
    (!sentence.is_empty()).then(|| plain(sentence))
}
