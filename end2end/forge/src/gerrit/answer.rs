//! Who asks, and the forms of an answer.

use axum::extract::FromRequestParts;
use axum::http::header::CONTENT_TYPE;
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use crate::credential::Presented;
use crate::identity::{Identity, Standing, names_login};
use crate::provider::Provider;
use crate::state::{KnownAccount, Shared, Token};
use crate::wire::put;

/// Stands before all JSON, so that a page elsewhere cannot load it as a script
/// (`rest-api.html#output`). A reader has to take it off.
pub(crate) const JSON_PREFIX: &str = ")]}'\n";

/// Who asks. Under `/a/` somebody does; elsewhere nobody, whatever is sent along.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) identity: Identity,
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Response> {
        // A router within a router sees only the rest of the path.
        let original = parts.extensions.get::<axum::extract::OriginalUri>();
        let path = original.map_or(parts.uri.path(), |original| original.0.path());
        let authenticated = path.starts_with("/a/");
        let takes =
            |presented: &Presented, _: &Token, account: &KnownAccount| authenticated && names_login(presented, account);
        let identity = Identity::find(shared, Provider::Gerrit, &parts.headers, takes);
        if authenticated && identity.standing != Standing::Works {
            let mut refusal = text(StatusCode::UNAUTHORIZED, "Unauthorized");
            let challenge = "Basic realm=\"Gerrit Code Review\"";
            put(refusal.headers_mut(), "www-authenticate", challenge);
            return Err(refusal);
        }
        Ok(Self { identity })
    }
}

/// An answer in JSON, behind its prefix.
pub(crate) fn json(status: StatusCode, body: &Value) -> Response {
    let mut response = (status, format!("{JSON_PREFIX}{body}\n")).into_response();
    let kind = HeaderValue::from_static("application/json; charset=UTF-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// A refusal, which is plain text and has no prefix.
pub(crate) fn text(status: StatusCode, words: &str) -> Response {
    let mut response = (status, words.to_owned()).into_response();
    let kind = HeaderValue::from_static("text/plain; charset=UTF-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}
