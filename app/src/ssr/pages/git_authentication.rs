//! What the page *Git authentication* shows.

use super::{cell, columns, mark, name, oauth, register, stack, sub, text, when};
use crate::ssr::sheets::git_authentication::actions;
use backend::oauth::ProviderApplications;
use domain::{
    Timestamp,
    page::{Bit, List, Row},
    view::{ProviderView, ProvidersPage},
};

/// The Git providers of the account, their OAuth applications, and how people authorise access for each runtime.
pub(crate) fn lists(page: &ProvidersPage, oauth: &[ProviderApplications], account: &str) -> Vec<List> {
    let mut lists = vec![list(page, account)];
    if !page.providers.is_empty() {
        lists.extend(oauth::applications(oauth, page.now, account));
        lists.extend(oauth.iter().map(|provider| oauth::methods(provider, page.now, account)));
    }
    lists
}

/// The Git providers of the account.
pub(super) fn list(page: &ProvidersPage, account: &str) -> List {
    let base = format!("/{account}/admin/git-authentication");
    let title = if page.providers.is_empty() {
        "No Git providers yet"
    } else {
        "Git providers"
    };
    List {
        title: title.to_owned(),
        icon: "plug".to_owned(),
        advice: "Register github.com, gitlab.com or a server of your own, then the runtimes that use it.".to_owned(),
        register: Some(register(&base, "Register Git provider")),
        columns: columns(&["Name", "Base URL", "API base", "Runtimes", "Registered"]),
        rows: page
            .providers
            .iter()
            .map(|provider| row(provider, page.now, &base))
            .collect(),
        ..List::default()
    }
}

fn row(provider: &ProviderView, now: Timestamp, base: &str) -> Row {
    let label = &provider.label;
    let address = |address: &str, what: &str| Bit::Address(address.to_owned(), format!("{what} of {}", label.name));
    let mut head = vec![name(&label.name), mark(label.kind, label.kind.name())];
    if provider.allow_unverified {
        head.push(sub("accepts unverified tokens"));
    }
    let origin = if provider.api_url_given {
        "as given"
    } else {
        "from the base URL"
    };
    let runtimes = if provider.runtimes.is_empty() {
        sub("none")
    } else {
        text(&provider.runtimes.join(", "))
    };
    Row {
        name: label.name.clone(),
        head: cell("", vec![stack(head)]),
        cells: vec![
            cell("", vec![address(&label.base_url, "the base URL")]),
            cell(
                "",
                vec![stack(vec![address(&provider.api_url, "the API base"), sub(origin)])],
            ),
            cell("wide", vec![runtimes]),
            cell("date", vec![stack(when(provider.created_at, now).to_vec())]),
        ],
        actions: actions(provider, base),
        ..Row::default()
    }
}
