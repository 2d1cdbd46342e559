//! Projects: the repositories that the token's account sees.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};

use super::READ_API;
use super::answer::{Caller, message};
use crate::paging::{self, Page};
use crate::state::{HEAD, KnownRepository, Shared};
use crate::wire::put;

#[derive(Deserialize)]
pub(crate) struct Paging {
    #[serde(default = "twenty")]
    per_page: usize,
    #[serde(default = "paging::first")]
    page: usize,
}

fn twenty() -> usize {
    20
}

pub(crate) async fn list(State(shared): State<Shared>, Query(paging): Query<Paging>, caller: Caller) -> Response {
    if let Err(refusal) = caller.needs(READ_API) {
        return *refusal;
    }
    let seen = caller.identity.repositories(&shared.lock());
    let page = Page::new(paging.page, paging.per_page, seen.len());
    let on_page = page.of(&seen).map(|project| project_json(&caller, project));
    let mut response = caller.ok(&on_page.collect());
    let next = page.next().map_or_else(String::new, |next| next.to_string());
    let address = |number| {
        let url = &caller.identity.url;
        format!("{url}/api/v4/projects?page={number}&per_page={}", page.size())
    };
    let headers = response.headers_mut();
    put(headers, "x-page", &page.number().to_string());
    put(headers, "x-per-page", &page.size().to_string());
    put(headers, "x-total", &page.total().to_string());
    put(headers, "x-total-pages", &page.last().to_string());
    put(headers, "x-next-page", &next);
    if let Some(link) = page.link(address) {
        put(headers, "link", &link);
    }
    response
}

pub(crate) async fn show(State(shared): State<Shared>, Path(id): Path<String>, caller: Caller) -> Response {
    match find(&shared, &caller, &id) {
        Ok(project) => caller.ok(&project_json(&caller, &project)),
        Err(refusal) => *refusal,
    }
}

/// Only who may administer a project sees its webhooks.
pub(crate) async fn hooks(State(shared): State<Shared>, Path(id): Path<String>, caller: Caller) -> Response {
    match find(&shared, &caller, &id) {
        Ok(project) if caller.identity.owns(&project) => caller.ok(&json!([])),
        Ok(_) => caller.answer(StatusCode::FORBIDDEN, &message("403 Forbidden")),
        Err(refusal) => *refusal,
    }
}

pub(crate) async fn branches(State(shared): State<Shared>, Path(id): Path<String>, caller: Caller) -> Response {
    match find(&shared, &caller, &id) {
        Ok(_) => caller.ok(&json!([{
            "name": "main",
            "default": true,
            "protected": true,
            "merged": false,
            "commit": { "id": HEAD, "title": "Start" },
        }])),
        Err(refusal) => *refusal,
    }
}

/// The project of this number or path (`acme%2Fweb`), if the caller may know of it.
fn find(shared: &Shared, caller: &Caller, id: &str) -> Result<KnownRepository, Box<Response>> {
    caller.needs(READ_API)?;
    let state = shared.lock();
    let found = if let Some((owner, name)) = id.split_once('/') {
        caller.identity.repository(&state, owner, name)
    } else {
        let mut seen = caller.identity.repositories(&state).into_iter();
        seen.find(|project| project.id.to_string() == id)
    };
    drop(state);
    found.ok_or_else(|| Box::new(caller.answer(StatusCode::NOT_FOUND, &message("404 Project Not Found"))))
}

fn project_json(caller: &Caller, project: &KnownRepository) -> Value {
    let path = project.full_name();
    let url = &caller.identity.url;
    // What the person may do there, whatever the token was given: 50 is owner, 30 is developer.
    let level = if caller.identity.owns(project) { 50 } else { 30 };
    json!({
        "id": project.id,
        "name": project.name,
        "path": project.name,
        "path_with_namespace": path,
        "visibility": if project.about.private { "private" } else { "public" },
        "default_branch": "main",
        "archived": false,
        "web_url": format!("{url}/{path}"),
        "http_url_to_repo": format!("{url}/{path}.git"),
        "permissions": { "project_access": { "access_level": level }, "group_access": null },
    })
}
