//! The web, for who has signed in: the home page, and the tokens in `settings`.

mod settings;

use axum::Router;
use axum::response::{Html, Response};
use axum::routing::get;

use crate::page::page;
use crate::sign_in::Visitor;
use crate::state::Shared;

pub(crate) fn router() -> Router<Shared> {
    Router::new().route("/", get(home)).merge(settings::router())
}

async fn home(visitor: Result<Visitor, Response>) -> Html<String> {
    match visitor {
        Ok(Visitor { login, .. }) => {
            let body = "<ul><li><a href=\"/settings/tokens\">Personal access tokens (classic)</a></li>\
                        <li><a href=\"/settings/personal-access-tokens\">Fine-grained tokens</a></li></ul>";
            page("Home", Some(&login), body)
        }
        Err(_) => page("Home", None, "<p>Nobody is signed in.</p>"),
    }
}
