//! Signing in with a password and a second factor: the same pages for the web of GitHub and for what every provider asks a
//! person before it gives an application a token.

use axum::Router;
use axum::extract::{Form, FromRequestParts, Query, State};
use axum::http::header::{COOKIE, LOCATION, SET_COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use url::form_urlencoded::byte_serialize;

use crate::page::{alert, escape, page};
use crate::state::{Shared, SignIn};
use crate::token_format::random_id;

const COOKIE_NAME: &str = "forge_signed_in";

pub(crate) fn router() -> Router<Shared> {
    Router::new()
        .route("/login", get(login))
        .route("/session", post(check_password))
        .route("/sessions/two-factor", get(second_factor).post(check_second_factor))
        .route("/logout", post(sign_out))
}

/// A browser that has signed in to the end. Without that it is sent to the sign-in, and back from there.
#[derive(Debug)]
pub(crate) struct Visitor {
    pub(crate) cookie: String,
    pub(crate) login: String,
}

impl FromRequestParts<Shared> for Visitor {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Response> {
        let wanted = parts.uri.path_and_query().map_or("/", |wanted| wanted.as_str());
        let come_back = || go(&format!("/login?return_to={}", encode(wanted)));
        let cookie = sign_in_cookie(&parts.headers).ok_or_else(come_back)?;
        let state = shared.lock();
        let sign_in = state
            .sign_ins
            .get(&cookie)
            .filter(|sign_in| sign_in.complete)
            .ok_or_else(come_back)?;
        Ok(Self {
            login: sign_in.login.clone(),
            cookie,
        })
    }
}

#[derive(Default, Deserialize)]
struct ReturnTo {
    #[serde(default)]
    return_to: String,
}

async fn login(Query(ReturnTo { return_to }): Query<ReturnTo>) -> Html<String> {
    login_page(&return_to, "")
}

fn login_page(return_to: &str, complaint: &str) -> Html<String> {
    let return_to = escape(return_to);
    page(
        "Sign in",
        None,
        &format!(
            "{complaint}<form method=\"post\" action=\"/session\">\
             <input type=\"hidden\" name=\"return_to\" value=\"{return_to}\">\
             <label for=\"login\">Username or email address</label>\
             <input type=\"text\" id=\"login\" name=\"login\" autocomplete=\"username\" required autofocus>\
             <label for=\"password\">Password</label>\
             <input type=\"password\" id=\"password\" name=\"password\" autocomplete=\"current-password\" required>\
             <div><button>Sign in</button></div></form>"
        ),
    )
}

#[derive(Deserialize)]
struct PasswordForm {
    login: String,
    password: String,
    #[serde(default)]
    return_to: String,
}

async fn check_password(State(shared): State<Shared>, Form(form): Form<PasswordForm>) -> Response {
    let mut state = shared.lock();
    let account = state
        .account(&form.login)
        .filter(|account| account.about.password == form.password);
    let Some(account) = account.cloned() else {
        let complaint = alert("Incorrect username or password.");
        return (StatusCode::UNAUTHORIZED, login_page(&form.return_to, &complaint)).into_response();
    };
    let complete = account.about.second_factor.is_none();
    let cookie = random_id();
    state.sign_ins.insert(
        cookie.clone(),
        SignIn {
            login: account.login,
            complete,
            just_made: None,
        },
    );
    let next = if complete {
        own_path(&form.return_to).to_owned()
    } else {
        format!("/sessions/two-factor?return_to={}", encode(&form.return_to))
    };
    let set_cookie = format!("{COOKIE_NAME}={cookie}; Path=/; HttpOnly; SameSite=Lax");
    ([(SET_COOKIE, set_cookie)], go(&next)).into_response()
}

async fn second_factor(Query(ReturnTo { return_to }): Query<ReturnTo>) -> Html<String> {
    second_factor_page(&return_to, "")
}

fn second_factor_page(return_to: &str, complaint: &str) -> Html<String> {
    let return_to = escape(return_to);
    page(
        "Two-factor authentication",
        None,
        &format!(
            "{complaint}<form method=\"post\" action=\"/sessions/two-factor\">\
             <input type=\"hidden\" name=\"return_to\" value=\"{return_to}\">\
             <label for=\"code\">Authentication code</label>\
             <input type=\"text\" id=\"code\" name=\"code\" inputmode=\"numeric\" autocomplete=\"one-time-code\" \
             required autofocus><div><button>Verify</button></div></form>"
        ),
    )
}

#[derive(Deserialize)]
struct CodeForm {
    code: String,
    #[serde(default)]
    return_to: String,
}

async fn check_second_factor(State(shared): State<Shared>, headers: HeaderMap, Form(form): Form<CodeForm>) -> Response {
    let mut state = shared.lock();
    let begun = sign_in_cookie(&headers).and_then(|cookie| Some((state.sign_ins.get(&cookie)?.clone(), cookie)));
    let Some((sign_in, cookie)) = begun else {
        return go("/login");
    };
    let expected = state
        .account(&sign_in.login)
        .and_then(|account| account.about.second_factor.clone());
    if expected.as_deref() != Some(form.code.trim()) {
        let complaint = alert("Two-factor authentication failed.");
        return (
            StatusCode::UNAUTHORIZED,
            second_factor_page(&form.return_to, &complaint),
        )
            .into_response();
    }
    state.sign_ins.insert(
        cookie,
        SignIn {
            complete: true,
            ..sign_in
        },
    );
    go(own_path(&form.return_to))
}

async fn sign_out(State(shared): State<Shared>, headers: HeaderMap) -> Response {
    if let Some(cookie) = sign_in_cookie(&headers) {
        shared.lock().sign_ins.remove(&cookie);
    }
    go("/login")
}

/// Sends a browser on, with GET whatever it came with.
pub(crate) fn go(path: &str) -> Response {
    (StatusCode::SEE_OTHER, [(LOCATION, path)]).into_response()
}

fn encode(text: &str) -> String {
    byte_serialize(text.as_bytes()).collect()
}

/// Where to go after the sign-in: a path of the forge, and never another host that a link has smuggled in.
fn own_path(wanted: &str) -> &str {
    let ours = wanted.starts_with('/')
        && !wanted.starts_with("//")
        && wanted.chars().all(|c| c.is_ascii_graphic() && c != '\\');
    if ours { wanted } else { "/" }
}

fn sign_in_cookie(headers: &HeaderMap) -> Option<String> {
    let cookies = headers.get(COOKIE)?.to_str().ok()?;
    let (_, value) = cookies
        .split(';')
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, _)| *name == COOKIE_NAME)?;
    Some(value.to_owned())
}
