//! The endpoints under `/api/v3`. Only reads, and the way in which a token is revoked: any other write is refused, and the
//! record has it.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Caller, Needs, SERVER_VERSION};
use super::reads::{self, Read};
use super::{root, sso_refusal};
use crate::model::{Level, TokenKind};
use crate::paging::{self, Page};
use crate::provider::Provider;
use crate::state::{KnownAccount, KnownRepository, Shared, Token};
use crate::wire::put;

const DOCUMENTATION: &str = "https://docs.github.com/rest";

pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/api/v3", get(api_root))
        .route("/api/v3/", get(api_root))
        .route("/api/v3/meta", get(meta))
        .route("/api/v3/rate_limit", get(rate_limit))
        .route("/api/v3/user", get(user))
        .route("/api/v3/user/repos", get(user_repositories))
        .route("/api/v3/repos/{owner}/{repo}", get(repository))
        .route("/api/v3/repos/{owner}/{repo}/{*rest}", get(within_repository))
        .route("/api/v3/credentials/revoke", post(revoke))
        .route("/api/v3/{*rest}", any(elsewhere))
        .method_not_allowed_fallback(elsewhere)
}

async fn api_root(caller: Caller) -> Response {
    caller.answer(&Needs::NOTHING, &root(&caller.url))
}

async fn meta(caller: Caller) -> Response {
    let body = json!({ "verifiable_password_authentication": true, "installed_version": SERVER_VERSION });
    caller.answer(&Needs::NOTHING, &body)
}

async fn rate_limit(caller: Caller) -> Response {
    let rate = caller.rate();
    caller.answer(&Needs::NOTHING, &json!({ "resources": { "core": rate }, "rate": rate }))
}

async fn user(caller: Caller) -> Response {
    let documentation = "https://docs.github.com/rest/users/users#get-the-authenticated-user";
    match &caller.account {
        Some(account) => caller.answer(&Needs::NOTHING, &account_json(account, &caller.url)),
        None => requires_authentication(&caller, documentation),
    }
}

#[derive(Deserialize)]
struct Paging {
    #[serde(default = "thirty")]
    per_page: usize,
    #[serde(default = "paging::first")]
    page: usize,
}

fn thirty() -> usize {
    30
}

async fn user_repositories(State(shared): State<Shared>, Query(paging): Query<Paging>, caller: Caller) -> Response {
    let Some(token) = &caller.token else {
        return requires_authentication(&caller, "https://docs.github.com/rest/repos/repos");
    };
    let seen: Vec<KnownRepository> = shared
        .lock()
        .repositories()
        .iter()
        .filter(|repository| sees(&caller, repository))
        .cloned()
        .collect();
    let (hidden, listed): (Vec<_>, Vec<_>) = seen
        .into_iter()
        .partition(|repository| sso_demanded(token, repository).is_some());
    let page = Page::new(paging.page, paging.per_page, listed.len());
    let on_page = page.of(&listed);
    let body: Vec<Value> = on_page.map(|repository| repository_json(&caller, repository)).collect();
    let mut response = caller.answer(&Needs::REPOSITORY, &Value::Array(body));
    if !hidden.is_empty() {
        let partial = HeaderValue::from_static("partial-results; organizations=21955855");
        response.headers_mut().insert("x-github-sso", partial);
    }
    let size = page.size();
    let link = page.link(|number| format!("{}/api/v3/user/repos?per_page={size}&page={number}", caller.url));
    if let Some(link) = link {
        put(response.headers_mut(), "link", &link);
    }
    response
}

async fn repository(
    State(shared): State<Shared>,
    Path((owner, name)): Path<(String, String)>,
    caller: Caller,
) -> Response {
    let documentation = "https://docs.github.com/rest/repos/repos#get-a-repository";
    match find(&shared, &caller, &owner, &name, &Needs::REPOSITORY, documentation) {
        Ok(repository) => caller.answer(&Needs::REPOSITORY, &repository_json(&caller, &repository)),
        Err(refusal) => *refusal,
    }
}

async fn within_repository(
    State(shared): State<Shared>,
    Path((owner, name, rest)): Path<(String, String, String)>,
    caller: Caller,
) -> Response {
    let place = format!("{}/api/v3/repos/{owner}/{name}", caller.url);
    let Some(read) = reads::find(&rest, &place) else {
        return caller.not_found(&Needs::NOTHING, DOCUMENTATION);
    };
    let repository = match find(&shared, &caller, &owner, &name, &read.needs, read.documentation) {
        Ok(repository) => repository,
        Err(refusal) => return *refusal,
    };
    if let Some(refusal) = lacking(&caller, &repository, &read) {
        return refusal;
    }
    match read.body {
        Some(body) => caller.answer(&read.needs, &body),
        None => caller.not_found(&read.needs, read.documentation),
    }
}

/// Whoever knows a personal access token may have it revoked, at once here, and later in earnest. As on github.com, where
/// "any authenticated requests will return a 403"; GitHub Enterprise Server wants some token instead.
async fn revoke(State(shared): State<Shared>, caller: Caller, body: Bytes) -> Response {
    #[derive(Deserialize)]
    struct Wish {
        credentials: Vec<String>,
    }
    let documentation = "https://docs.github.com/rest/credentials/revoke#revoke-a-list-of-credentials";
    if caller.token.is_some() {
        let message = "This endpoint takes no authenticated requests.";
        return caller.refuse(StatusCode::FORBIDDEN, &Needs::NOTHING, message, documentation);
    }
    let wish: Option<Wish> = serde_json::from_slice(&body).ok();
    let Some(Wish { credentials }) = wish.filter(|wish| (1..=1000).contains(&wish.credentials.len())) else {
        let message = "Validation failed, or the endpoint has been spammed.";
        return caller.refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            &Needs::NOTHING,
            message,
            documentation,
        );
    };
    let mut state = shared.lock();
    for value in credentials {
        // Not a word on what is unknown, or nobody could guess.
        if let Some(id) = state.token_of(Provider::GitHub, &value).map(|token| token.id) {
            _ = state.revoke_token(id);
        }
    }
    drop(state);
    (StatusCode::ACCEPTED, axum::Json(json!({}))).into_response()
}

/// What is not there, and what would change something.
async fn elsewhere(method: Method, caller: Caller) -> Response {
    if method.is_safe() {
        return caller.not_found(&Needs::NOTHING, DOCUMENTATION);
    }
    let message = "The forge takes no writes through the API: the product only reads.";
    caller.refuse(StatusCode::FORBIDDEN, &Needs::NOTHING, message, DOCUMENTATION)
}

fn requires_authentication(caller: &Caller, documentation: &str) -> Response {
    caller.refuse(
        StatusCode::UNAUTHORIZED,
        &Needs::NOTHING,
        "Requires authentication",
        documentation,
    )
}

/// The repository, if this caller may know of it.
fn find(
    shared: &Shared,
    caller: &Caller,
    owner: &str,
    name: &str,
    needs: &Needs,
    documentation: &str,
) -> Result<KnownRepository, Box<Response>> {
    let found = shared
        .lock()
        .repository(owner, name)
        .filter(|repository| sees(caller, repository))
        .cloned();
    let repository = found.ok_or_else(|| Box::new(caller.not_found(needs, documentation)))?;
    match caller.token.as_ref().and_then(|token| sso_demanded(token, &repository)) {
        Some(url) => Err(Box::new(sso_refusal(caller, url))),
        None => Ok(repository),
    }
}

/// Whether the repository is there at all for this caller; GitHub answers 404 otherwise, never 403.
fn sees(caller: &Caller, repository: &KnownRepository) -> bool {
    if !repository.about.private {
        return true;
    }
    let (Some(token), Some(account)) = (&caller.token, &caller.account) else {
        return false;
    };
    let opened = if token.about.kind == TokenKind::FineGrained {
        // GitHub adds Metadata: read to any repository permission, so having one is enough to know of it.
        !token.about.permissions.is_empty() && token.covers(repository)
    } else {
        token.about.scopes.iter().any(|scope| scope == "repo")
    };
    repository.admits(&account.login) && opened
}

/// Where the token must be authorised first: organisations ask for that, a person's own repositories do not.
fn sso_demanded<'token>(token: &'token Token, repository: &KnownRepository) -> Option<&'token str> {
    let own = repository.belongs_to(&token.about.account);
    token.about.sso_required.as_deref().filter(|_| !own)
}

/// The refusal, when the caller sees the repository but not this part of it.
fn lacking(caller: &Caller, repository: &KnownRepository, read: &Read) -> Option<Response> {
    if read.open_when_public && !repository.about.private {
        return None;
    }
    match &caller.token {
        Some(token) if token.about.kind == TokenKind::FineGrained => {
            let level = token.about.permissions.get(read.permission);
            (level < Some(&Level::Read)).then(|| {
                let message = "Resource not accessible by personal access token";
                caller.refuse(StatusCode::FORBIDDEN, &read.needs, message, read.documentation)
            })
        }
        Some(token) => {
            let granted = token
                .about
                .scopes
                .iter()
                .any(|scope| read.needs.scopes.contains(&scope.as_str()));
            (!granted).then(|| caller.not_found(&read.needs, read.documentation))
        }
        None => Some(requires_authentication(caller, read.documentation)),
    }
}

fn account_json(account: &KnownAccount, url: &str) -> Value {
    let KnownAccount { login, id, about } = account;
    let at = format!("{url}/api/v3/users/{login}");
    json!({
        "login": login,
        "id": id,
        "node_id": node_id("U", *id),
        "avatar_url": format!("{url}/avatars/u/{id}?v=4"),
        "gravatar_id": "",
        "url": at,
        "html_url": format!("{url}/{login}"),
        "organizations_url": format!("{at}/orgs"),
        "repos_url": format!("{at}/repos"),
        "type": "User",
        "site_admin": false,
        "name": about.name,
        "company": null,
        "blog": "",
        "location": null,
        "email": about.email,
        "bio": null,
        "public_repos": 2,
        "public_gists": 0,
        "followers": 20,
        "following": 0,
        "created_at": "2018-01-14T04:33:35Z",
        "updated_at": "2025-01-14T04:33:35Z",
    })
}

fn repository_json(caller: &Caller, repository: &KnownRepository) -> Value {
    let full_name = repository.full_name();
    let visibility = if repository.about.private { "private" } else { "public" };
    let mut body = json!({
        "id": repository.id,
        "node_id": node_id("R", repository.id),
        "name": repository.name,
        "full_name": full_name,
        "private": repository.about.private,
        "visibility": visibility,
        "owner": { "login": repository.owner },
        "html_url": format!("{}/{full_name}", caller.url),
        "clone_url": format!("{}/{full_name}.git", caller.url),
        "url": format!("{}/api/v3/repos/{full_name}", caller.url),
        "fork": false,
        "archived": false,
        "default_branch": "main",
    });
    if let Some(account) = &caller.account {
        // What the person may do there, whatever the token was given: a trap for whoever takes it for the token's.
        let owns = repository.belongs_to(&account.login);
        body["permissions"] = json!({ "admin": owns, "maintain": owns, "push": true, "triage": true, "pull": true });
    }
    body
}

/// GitHub's node ids: a prefix for the type, and the number in `MessagePack` and base64.
fn node_id(prefix: &str, id: u32) -> String {
    let mut bytes = vec![0x92, 0x00, 0xce];
    bytes.extend_from_slice(&id.to_be_bytes());
    format!("{prefix}_{}", URL_SAFE_NO_PAD.encode(bytes))
}
