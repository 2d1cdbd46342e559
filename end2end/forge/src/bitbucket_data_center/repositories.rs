//! Repositories, which stand in projects: `acme/web` is the repository `web` of the project `ACME`.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::Response;
use axum::routing::get;
use serde_json::{Value, json};

use super::Paging;
use super::answer::Caller;
use crate::state::{HEAD, KnownRepository, Shared};

/// The permissions that open a repository for reading; of any kind, the higher one includes the lower.
const READ: &[&str] = &[
    "REPO_READ",
    "REPO_WRITE",
    "REPO_ADMIN",
    "PROJECT_READ",
    "PROJECT_WRITE",
    "PROJECT_ADMIN",
];
/// The permissions that show how a repository is set up.
const ADMIN: &[&str] = &["REPO_ADMIN", "PROJECT_ADMIN"];

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route("/repos", get(list))
        .route("/projects/{project}/repos/{slug}", get(show))
        .route("/projects/{project}/repos/{slug}/branches", get(branches))
        .route("/projects/{project}/repos/{slug}/webhooks", get(webhooks))
}

async fn list(State(shared): State<Shared>, Query(paging): Query<Paging>, caller: Caller) -> Response {
    if let Err(refusal) = permitted(&caller, READ) {
        return *refusal;
    }
    let seen = caller.identity.repositories(&shared.lock());
    let all: Vec<Value> = seen
        .iter()
        .map(|repository| repository_json(&caller, repository))
        .collect();
    caller.ok(&paging.of(&all))
}

async fn show(State(shared): State<Shared>, Path((project, slug)): Path<(String, String)>, caller: Caller) -> Response {
    within(&shared, &caller, READ, &project, &slug, |repository| {
        repository_json(&caller, repository)
    })
}

async fn branches(
    State(shared): State<Shared>,
    Path((project, slug)): Path<(String, String)>,
    Query(paging): Query<Paging>,
    caller: Caller,
) -> Response {
    within(&shared, &caller, READ, &project, &slug, |_| {
        paging.of(&[json!({
            "id": "refs/heads/main",
            "displayId": "main",
            "type": "BRANCH",
            "latestCommit": HEAD,
            "isDefault": true,
        })])
    })
}

async fn webhooks(
    State(shared): State<Shared>,
    Path((project, slug)): Path<(String, String)>,
    Query(paging): Query<Paging>,
    caller: Caller,
) -> Response {
    within(&shared, &caller, ADMIN, &project, &slug, |_| paging.of(&[]))
}

/// Answers about a repository with `body`, if the caller may know of it and has one of the permissions.
fn within(
    shared: &Shared,
    caller: &Caller,
    permissions: &[&str],
    project: &str,
    slug: &str,
    body: impl FnOnce(&KnownRepository) -> Value,
) -> Response {
    if let Err(refusal) = permitted(caller, permissions) {
        return *refusal;
    }
    let found = caller.identity.repository(&shared.lock(), project, slug);
    if let Some(repository) = found {
        return caller.ok(&body(&repository));
    }
    let exception = "com.atlassian.bitbucket.repository.NoSuchRepositoryException";
    caller.no_such("Repository", &format!("{project}/{slug}"), exception)
}

fn permitted(caller: &Caller, permissions: &[&str]) -> Result<(), Box<Response>> {
    caller.authenticated()?;
    if permissions.iter().any(|permission| caller.identity.has(permission)) {
        Ok(())
    } else {
        Err(Box::new(caller.not_permitted()))
    }
}

fn repository_json(caller: &Caller, repository: &KnownRepository) -> Value {
    let key = repository.owner.to_ascii_uppercase();
    let url = &caller.identity.url;
    let clone = format!("{url}/scm/{}/{}.git", repository.owner, repository.name);
    json!({
        "id": repository.id,
        "slug": repository.name,
        "name": repository.name,
        "scmId": "git",
        "state": "AVAILABLE",
        "public": !repository.about.private,
        "archived": false,
        "project": { "key": key, "name": repository.owner, "type": "NORMAL" },
        "links": {
            "clone": [{ "name": "http", "href": clone }],
            "self": [{ "href": format!("{url}/projects/{key}/repos/{}/browse", repository.name) }],
        },
    })
}
