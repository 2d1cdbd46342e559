//! Repositories.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Caller, ok};
use super::flavour::Flavour;
use crate::paging::{self, Page};
use crate::state::{HEAD, KnownRepository, Shared};
use crate::wire::put;

#[derive(Deserialize)]
pub(super) struct Paging {
    #[serde(default = "thirty")]
    limit: usize,
    #[serde(default = "paging::first")]
    page: usize,
}

fn thirty() -> usize {
    30
}

/// It needs both scopes: the list is the user's, what is in it are repositories.
pub(super) async fn list<F: Flavour>(
    State(shared): State<Shared>,
    Query(paging): Query<Paging>,
    caller: Caller<F>,
) -> Response {
    if let Err(refusal) = caller.needs(&["user", "repository"]) {
        return *refusal;
    }
    let seen = caller.identity.repositories(&shared.lock());
    let page = Page::new(paging.page, paging.limit, seen.len());
    let on_page = page.of(&seen).map(|repository| repository_json(&caller, repository));
    let mut response = ok(&on_page.collect());
    let address = |number| {
        let url = &caller.identity.url;
        format!("{url}/api/v1/user/repos?limit={}&page={number}", page.size())
    };
    put(response.headers_mut(), "x-total-count", &page.total().to_string());
    if let Some(link) = page.link(address) {
        put(response.headers_mut(), "link", &link);
    }
    response
}

pub(super) async fn show<F: Flavour>(
    State(shared): State<Shared>,
    Path((owner, name)): Path<(String, String)>,
    caller: Caller<F>,
) -> Response {
    match find(&shared, &caller, &owner, &name) {
        Ok(repository) => ok(&repository_json(&caller, &repository)),
        Err(refusal) => *refusal,
    }
}

pub(super) async fn branches<F: Flavour>(
    State(shared): State<Shared>,
    Path((owner, name)): Path<(String, String)>,
    caller: Caller<F>,
) -> Response {
    match find(&shared, &caller, &owner, &name) {
        Ok(_) => ok(&json!([{
            "name": "main",
            "protected": false,
            "commit": { "id": HEAD, "message": "Start" },
        }])),
        Err(refusal) => *refusal,
    }
}

/// Only who may administer a repository sees its webhooks.
pub(super) async fn hooks<F: Flavour>(
    State(shared): State<Shared>,
    Path((owner, name)): Path<(String, String)>,
    caller: Caller<F>,
) -> Response {
    match find(&shared, &caller, &owner, &name) {
        Ok(repository) if caller.identity.owns(&repository) => ok(&json!([])),
        Ok(_) => caller.refuse(
            StatusCode::FORBIDDEN,
            "user should be an owner or a collaborator with admin write of a repository",
        ),
        Err(refusal) => *refusal,
    }
}

fn find<F: Flavour>(
    shared: &Shared,
    caller: &Caller<F>,
    owner: &str,
    name: &str,
) -> Result<KnownRepository, Box<Response>> {
    caller.needs(&["repository"])?;
    let found = caller.identity.repository(&shared.lock(), owner, name);
    found.ok_or_else(|| Box::new(caller.not_found()))
}

fn repository_json<F: Flavour>(caller: &Caller<F>, repository: &KnownRepository) -> Value {
    let full_name = repository.full_name();
    let url = &caller.identity.url;
    json!({
        "id": repository.id,
        "name": repository.name,
        "full_name": full_name,
        "owner": { "login": repository.owner },
        "private": repository.about.private,
        "fork": false,
        "archived": false,
        "default_branch": "main",
        "html_url": format!("{url}/{full_name}"),
        "clone_url": format!("{url}/{full_name}.git"),
        // What the person may do there, whatever the token was given.
        "permissions": { "admin": caller.identity.owns(repository), "push": true, "pull": true },
    })
}
