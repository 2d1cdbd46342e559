//! Who asks, and what refuses them.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::{Value, json};

use super::flavour::Flavour;
use crate::credential::{Presented, Scheme};
use crate::identity::{Identity, Standing, names_login};
use crate::state::{KnownAccount, Shared, Token};
use crate::wire;

/// Who asks.
#[derive(Debug)]
pub(super) struct Caller<F> {
    pub(super) identity: Identity,
    /// The account whose password was sent in place of a token, which opens what no token opens.
    pub(super) by_password: Option<KnownAccount>,
    flavour: PhantomData<F>,
}

impl<F: Flavour> Caller<F> {
    /// The account, when the token works and may read all of these categories.
    pub(super) fn needs(&self, categories: &[&str]) -> Result<&KnownAccount, Box<Response>> {
        if let Some(account) = &self.by_password {
            return Ok(account);
        }
        let (Some(token), Some(account)) = (&self.identity.token, &self.identity.account) else {
            return Err(Box::new(self.refuse(StatusCode::UNAUTHORIZED, "token is required")));
        };
        if categories.iter().all(|category| self.may_read(category)) {
            return Ok(account);
        }
        let required: Vec<String> = categories.iter().map(|category| format!("read:{category}")).collect();
        let words = F::short_of(&required, &token.about.scopes);
        Err(Box::new(self.refuse(StatusCode::FORBIDDEN, &words)))
    }

    /// Writing includes reading, and `all` includes everything.
    fn may_read(&self, category: &str) -> bool {
        let scopes = [
            format!("read:{category}"),
            format!("write:{category}"),
            "all".to_owned(),
        ];
        scopes.iter().any(|scope| self.identity.has(scope))
    }

    /// A refusal in Gitea's form.
    pub(super) fn refuse(&self, status: StatusCode, words: &str) -> Response {
        plain(status, &error(&self.identity.url, words))
    }

    /// What is not there, or what it will not admit is there.
    pub(super) fn not_found(&self) -> Response {
        let mut body = error(&self.identity.url, "The target couldn't be found.");
        body["errors"] = json!([]);
        plain(StatusCode::NOT_FOUND, &body)
    }
}

impl<F: Flavour> FromRequestParts<Shared> for Caller<F> {
    type Rejection = Response;

    /// A credential that is not good is refused wherever it is sent, also where none is needed.
    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Response> {
        let identity = Identity::find(shared, F::PROVIDER, &parts.headers, takes);
        let by_password = identity.presented.as_ref().and_then(|presented| {
            let state = shared.lock();
            let account = state.account(presented.username.as_deref()?)?;
            (names_login(presented, account) && presented.secret == account.about.password).then(|| account.clone())
        });
        let good = matches!(identity.standing, Standing::Works | Standing::Nobody);
        if let (false, None, Some(presented)) = (good, &by_password, &identity.presented) {
            let words = F::bad_token(&presented.secret);
            return Err(plain(StatusCode::UNAUTHORIZED, &error(&identity.url, &words)));
        }
        Ok(Self {
            identity,
            by_password,
            flavour: PhantomData,
        })
    }
}

/// A token goes after `token` or `Bearer`, or as the password of `Basic` beside any name.
fn takes(presented: &Presented, _: &Token, _: &KnownAccount) -> bool {
    presented.scheme != Scheme::PrivateToken
}

/// The form of a refusal, which names the page of the API.
pub(super) fn error(url: &str, words: &str) -> Value {
    json!({ "message": words, "url": format!("{url}/api/swagger") })
}

/// 200 with this body.
pub(super) fn ok(body: &Value) -> Response {
    plain(StatusCode::OK, body)
}

/// An answer.
pub(super) fn plain(status: StatusCode, body: &Value) -> Response {
    wire::json(status, "application/json;charset=utf-8", body)
}
