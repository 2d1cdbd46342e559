//! Who asks, and what refuses them.

use std::marker::PhantomData;

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::Response;
use serde_json::{Value, json};

use super::flavour::Flavour;
use crate::credential::Presented;
use crate::identity::{Identity, Standing};
use crate::state::{KnownAccount, Shared};
use crate::wire;

/// Who asks.
#[derive(Debug)]
pub(super) struct Caller<F> {
    pub(super) identity: Identity,
    /// Whether the account's password was sent in place of a token, which opens what no token opens.
    pub(super) by_password: bool,
    flavour: PhantomData<F>,
}

impl<F: Flavour> Caller<F> {
    /// The account, when the token works and may read all of these categories.
    pub(super) fn needs(&self, categories: &[&str]) -> Result<&KnownAccount, Box<Response>> {
        let Some(account) = &self.identity.account else {
            return Err(Box::new(self.refuse(StatusCode::UNAUTHORIZED, "token is required")));
        };
        if self.by_password || categories.iter().all(|category| self.may_read(category)) {
            return Ok(account);
        }
        let required: Vec<String> = categories.iter().map(|category| format!("read:{category}")).collect();
        let granted = self.identity.token.as_ref().map(|token| token.about.scopes.as_slice());
        let words = F::short_of(&required, granted.unwrap_or_default());
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
        // A token goes after `token` or `Bearer`, or as the password of `Basic` beside any name.
        let mut identity = Identity::find(shared, F::PROVIDER, &parts.headers, |_, _, _| true);
        let mut by_password = false;
        if let (Standing::Unknown, Some(presented)) = (identity.standing, &identity.presented) {
            identity.account = account_of_password(shared, presented);
            by_password = identity.account.is_some();
        }
        let good = by_password || matches!(identity.standing, Standing::Works | Standing::Nobody);
        if let (false, Some(presented)) = (good, &identity.presented) {
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

/// The account that this is the name and the password of.
fn account_of_password(shared: &Shared, presented: &Presented) -> Option<KnownAccount> {
    let state = shared.lock();
    let account = state.account(presented.username.as_deref()?)?;
    (presented.secret == account.about.password).then(|| account.clone())
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
