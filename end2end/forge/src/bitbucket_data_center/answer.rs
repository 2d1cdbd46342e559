//! Who asks, and what refuses them.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::{Value, json};

use crate::clock::random_text;
use crate::credential::{Presented, Scheme};
use crate::identity::{Identity, Standing, names_login};
use crate::model::TokenKind;
use crate::provider::Provider;
use crate::state::{KnownAccount, Shared, Token};
use crate::wire::{self, put};

/// The caller is known and may not.
pub(crate) const AUTHORISATION: &str = "com.atlassian.bitbucket.AuthorisationException";
const BAD_CREDENTIALS: &str = "com.atlassian.bitbucket.auth.IncorrectPasswordAuthenticationException";

/// Who asks.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) identity: Identity,
}

impl Caller {
    /// The token and its account, when the token works.
    pub(crate) fn authenticated(&self) -> Result<(&Token, &KnownAccount), Box<Response>> {
        match (&self.identity.token, &self.identity.account) {
            (Some(token), Some(account)) => Ok((token, account)),
            _ => Err(Box::new(self.not_permitted())),
        }
    }

    /// 200 with this body.
    pub(crate) fn ok(&self, body: &Value) -> Response {
        self.answer(StatusCode::OK, body)
    }

    /// An answer with the headers that name the caller.
    pub(crate) fn answer(&self, status: StatusCode, body: &Value) -> Response {
        let mut response = plain(status, body);
        if let Some(account) = &self.identity.account {
            put(response.headers_mut(), "x-ausername", &account.login);
            put(response.headers_mut(), "x-auserid", &account.id.to_string());
        }
        response
    }

    /// The caller may not, or is nobody.
    pub(crate) fn not_permitted(&self) -> Response {
        let body = errors("You are not permitted to access this resource", Some(AUTHORISATION));
        self.answer(StatusCode::UNAUTHORIZED, &body)
    }

    /// There is no such thing, or the caller may not know of it.
    pub(crate) fn no_such(&self, what: &str, name: &str, exception: &str) -> Response {
        let body = errors(&format!("{what} {name} does not exist."), Some(exception));
        self.answer(StatusCode::NOT_FOUND, &body)
    }
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = Response;

    /// A credential that is not good is refused wherever it is sent, also where none is needed.
    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Response> {
        let identity = Identity::find(shared, Provider::BitbucketDataCenter, &parts.headers, takes);
        if !matches!(identity.standing, Standing::Works | Standing::Nobody) {
            let words = "Authentication failed. Please check your credentials and try again.";
            return Err(plain(StatusCode::UNAUTHORIZED, &errors(words, Some(BAD_CREDENTIALS))));
        }
        Ok(Self { identity })
    }
}

/// A token of a person goes after `Bearer`, or as the password beside the person's name; one that an application got only
/// after `Bearer`.
fn takes(presented: &Presented, token: &Token, account: &KnownAccount) -> bool {
    let is_persons = token.about.kind == TokenKind::BitbucketHttp;
    presented.scheme == Scheme::Bearer || is_persons && names_login(presented, account)
}

/// The form of a refusal.
pub(crate) fn errors(words: &str, exception: Option<&str>) -> Value {
    json!({ "errors": [{ "context": null, "message": words, "exceptionName": exception }] })
}

/// An answer that names nobody.
pub(crate) fn plain(status: StatusCode, body: &Value) -> Response {
    let mut response = wire::json(status, "application/json;charset=UTF-8", body);
    let id = format!(
        "@{}x{}x{}x0",
        random_text(b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ", 6),
        887,
        1_204_119
    );
    put(response.headers_mut(), "x-arequestid", &id);
    response
}
