//! Making, seeing and deleting tokens, at the addresses that GitHub's prefilled links have.
//!
//! Classic: `description` and `scopes`. Fine-grained: `name`, `description`, `expires_in` and one parameter per
//! permission, as "Pre-filling fine-grained personal access token details using URL parameters" in GitHub's documents
//! has them.

use axum::Router;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use time::Duration;

use crate::model::{Level, NewToken, TokenId, TokenKind, TokenSummary};
use crate::page::{alert, escape, page};
use crate::provider::Provider;
use crate::sign_in::{Visitor, go};
use crate::state::Shared;

const CLASSIC: &str = "/settings/tokens";
const FINE_GRAINED: &str = "/settings/personal-access-tokens";

const SCOPES: [&str; 16] = [
    "repo",
    "repo:status",
    "public_repo",
    "workflow",
    "read:packages",
    "admin:org",
    "read:org",
    "admin:repo_hook",
    "write:repo_hook",
    "read:repo_hook",
    "admin:org_hook",
    "gist",
    "user",
    "read:user",
    "user:email",
    "delete_repo",
];

/// Repository permissions, by parameter and by the name on the page.
const PERMISSIONS: [(&str, &str); 8] = [
    ("actions", "Actions"),
    ("administration", "Administration"),
    ("contents", "Contents"),
    ("metadata", "Metadata"),
    ("pull_requests", "Pull requests"),
    ("statuses", "Commit statuses"),
    ("repository_hooks", "Webhooks"),
    ("workflows", "Workflows"),
];

const LIFETIMES: [(&str, &str); 6] = [
    ("7", "7 days"),
    ("30", "30 days"),
    ("60", "60 days"),
    ("90", "90 days"),
    ("365", "365 days"),
    ("none", "No expiration"),
];

/// Names and values as a form or a query has them, a name perhaps more than once.
type Fields = Vec<(String, String)>;

pub(super) fn router() -> Router<Shared> {
    Router::new()
        .route(CLASSIC, get(list_classic).post(create_classic))
        .route("/settings/tokens/new", get(new_classic))
        .route(FINE_GRAINED, get(list_fine_grained).post(create_fine_grained))
        .route("/settings/personal-access-tokens/new", get(new_fine_grained))
        .route("/settings/tokens/{id}/delete", post(delete))
}

async fn new_classic(visitor: Visitor, Query(fields): Query<Fields>) -> Html<String> {
    let wanted: Vec<&str> = all(&fields, "scopes")
        .flat_map(|scopes| scopes.split(','))
        .map(str::trim)
        .collect();
    let boxes = SCOPES
        .iter()
        .map(|scope| {
            let checked = if wanted.contains(scope) { " checked" } else { "" };
            format!(
                "<label class=\"box\"><input type=\"checkbox\" name=\"scopes\" value=\"{scope}\"{checked}> \
                 {scope}</label>"
            )
        })
        .collect::<Vec<_>>()
        .concat();
    let body = format!(
        "<form method=\"post\" action=\"{CLASSIC}\">{}{}<fieldset><legend>Select scopes</legend>{boxes}</fieldset>\
         <button>Generate token</button></form>",
        text_input("description", "Note", first(&fields, "description")),
        select("expires_in", "Expiration", &LIFETIMES, "30"),
    );
    page("New personal access token (classic)", Some(&visitor.login), &body)
}

async fn new_fine_grained(visitor: Visitor, Query(fields): Query<Fields>) -> Html<String> {
    let levels = [
        ("none", "No access"),
        ("read", "Read-only"),
        ("write", "Read and write"),
    ];
    let choices: String = PERMISSIONS
        .iter()
        .map(|(name, label)| select(name, label, &levels, first(&fields, name)))
        .collect();
    let lifetime = Some(first(&fields, "expires_in"))
        .filter(|days| !days.is_empty())
        .unwrap_or("30");
    let body = format!(
        "<form method=\"post\" action=\"{FINE_GRAINED}\">{}{}{}{}\
         <fieldset><legend>Repository permissions</legend>{choices}</fieldset>\
         <button>Generate token</button></form>",
        text_input("name", "Token name", first(&fields, "name")),
        text_input("description", "Description", first(&fields, "description")),
        select("expires_in", "Expiration", &LIFETIMES, lifetime),
        text_input(
            "repositories",
            "Only select repositories (owner/name, separated by commas; empty: all)",
            ""
        ),
    );
    page("New fine-grained personal access token", Some(&visitor.login), &body)
}

async fn create_classic(State(shared): State<Shared>, visitor: Visitor, Form(fields): Form<Fields>) -> Response {
    let mut token = NewToken::classic(&visitor.login, all(&fields, "scopes"));
    first(&fields, "description").clone_into(&mut token.name);
    create(&shared, &visitor, token, first(&fields, "expires_in"), CLASSIC)
}

async fn create_fine_grained(State(shared): State<Shared>, visitor: Visitor, Form(fields): Form<Fields>) -> Response {
    let chosen = PERMISSIONS.iter().filter_map(|(name, _)| match first(&fields, name) {
        "read" => Some((*name, Level::Read)),
        "write" => Some((*name, Level::Write)),
        _ => None,
    });
    let mut token = NewToken::fine_grained(&visitor.login, chosen);
    first(&fields, "name").clone_into(&mut token.name);
    let names: Vec<&str> = first(&fields, "repositories")
        .split(',')
        .map(str::trim)
        .filter(|n| !n.is_empty())
        .collect();
    if !names.is_empty() {
        token = token.only_repositories(names);
    }
    create(&shared, &visitor, token, first(&fields, "expires_in"), FINE_GRAINED)
}

/// Makes the token, and has the list show its value once: a reload of the list must not make another.
fn create(shared: &Shared, visitor: &Visitor, mut token: NewToken, lifetime: &str, list: &str) -> Response {
    let mut state = shared.lock();
    token.expires_at = lifetime
        .parse()
        .ok()
        .map(|days: i64| state.clock.now() + Duration::days(days));
    match state.create_token(token) {
        Ok(issued) => {
            if let Some(sign_in) = state.sign_ins.get_mut(&visitor.cookie) {
                sign_in.just_made = Some(issued.id);
            }
            go(list)
        }
        Err(unknown) => {
            let body = alert(&unknown.to_string());
            (
                StatusCode::CONFLICT,
                page("No token was made", Some(&visitor.login), &body),
            )
                .into_response()
        }
    }
}

async fn list_classic(State(shared): State<Shared>, visitor: Visitor) -> Html<String> {
    list(
        &shared,
        &visitor,
        "Personal access tokens (classic)",
        CLASSIC,
        TokenKind::Classic,
    )
}

async fn list_fine_grained(State(shared): State<Shared>, visitor: Visitor) -> Html<String> {
    list(
        &shared,
        &visitor,
        "Fine-grained personal access tokens",
        FINE_GRAINED,
        TokenKind::FineGrained,
    )
}

fn list(shared: &Shared, visitor: &Visitor, title: &str, path: &str, kind: TokenKind) -> Html<String> {
    let mut state = shared.lock();
    let just_made = state
        .sign_ins
        .get_mut(&visitor.cookie)
        .and_then(|sign_in| sign_in.just_made.take());
    let flash = just_made
        .and_then(|id| state.token(id))
        .map_or_else(String::new, |token| {
            format!(
                "<div class=\"flash\" role=\"status\"><p>Make sure to copy your personal access token now. \
             You won’t be able to see it again!</p><p><code id=\"new-token\">{}</code></p></div>",
                escape(&token.value)
            )
        });
    let own = |token: &TokenSummary| token.account.eq_ignore_ascii_case(&visitor.login) && token.kind == kind;
    let items: String = state
        .token_summaries()
        .iter()
        .filter(|token| own(token) && !token.revoked)
        .map(list_item)
        .collect();
    let body = format!("{flash}<p><a href=\"{path}/new\">Generate new token</a></p><ul>{items}</ul>");
    page(title, Some(&visitor.login), &body)
}

fn list_item(token: &TokenSummary) -> String {
    let TokenSummary {
        id,
        name,
        hint,
        expires_at,
        scopes,
        ..
    } = token;
    let expiry = expires_at.map_or_else(|| "never expires".to_owned(), |at| format!("expires on {}", at.date()));
    format!(
        "<li><strong>{}</strong> <code>{}</code> {} – {expiry} \
         <form method=\"post\" action=\"/settings/tokens/{id}/delete\">\
         <button aria-label=\"Delete {}\">Delete</button></form></li>",
        escape(name),
        escape(hint),
        escape(&scopes.join(", ")),
        escape(name),
    )
}

async fn delete(State(shared): State<Shared>, visitor: Visitor, Path(id): Path<TokenId>) -> Response {
    let mut state = shared.lock();
    let own = state
        .tokens_of(Provider::GitHub, &visitor.login)
        .find(|token| token.id == id);
    let Some(kind) = own.map(|token| token.about.kind) else {
        return (StatusCode::NOT_FOUND, page("Not found", Some(&visitor.login), "")).into_response();
    };
    match state.revoke_token(id) {
        Ok(()) if kind == TokenKind::FineGrained => go(FINE_GRAINED),
        Ok(()) => go(CLASSIC),
        Err(error) => (StatusCode::NOT_FOUND, alert(&error.to_string())).into_response(),
    }
}

fn first<'fields>(fields: &'fields Fields, name: &str) -> &'fields str {
    fields
        .iter()
        .find(|(field, _)| field == name)
        .map_or("", |(_, value)| value)
}

fn all<'fields>(fields: &'fields Fields, name: &str) -> impl Iterator<Item = &'fields str> {
    fields
        .iter()
        .filter(move |(field, _)| field == name)
        .map(|(_, value)| value.as_str())
}

fn text_input(name: &str, label: &str, value: &str) -> String {
    let value = escape(value);
    format!(
        "<label for=\"{name}\">{label}</label><input type=\"text\" id=\"{name}\" name=\"{name}\" value=\"{value}\">"
    )
}

fn select(name: &str, label: &str, choices: &[(&str, &str)], chosen: &str) -> String {
    let options = choices
        .iter()
        .map(|(value, text)| {
            let selected = if *value == chosen { " selected" } else { "" };
            format!("<option value=\"{value}\"{selected}>{text}</option>")
        })
        .collect::<Vec<_>>()
        .concat();
    format!("<label for=\"{name}\">{label}</label><select id=\"{name}\" name=\"{name}\">{options}</select>")
}
