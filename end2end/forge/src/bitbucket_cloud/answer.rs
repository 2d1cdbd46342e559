//! Who asks, what refuses them, and the headers that tell of the token.

use axum::extract::FromRequestParts;
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::clock::random_text;
use crate::credential::{Presented, Scheme};
use crate::identity::Identity;
use crate::model::TokenKind;
use crate::provider::Provider;
use crate::state::{KnownAccount, Shared, Token};
use crate::wire::{self, put};

/// What an endpoint asks, in the words of each family of tokens.
#[derive(Debug)]
pub(crate) struct Scope {
    /// The scope of an API token, which no other implies: neither write nor admin includes read.
    pub(crate) api_token: &'static str,
    /// The scope of an access token, which `:write` and `:admin` behind it include.
    pub(crate) access_token: &'static str,
    /// The scope of a token that an application got, which `:write` behind it includes, and `:admin` does not.
    pub(crate) application: &'static str,
}

/// Who asks.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) identity: Identity,
}

impl Caller {
    /// The token and its account, when it works and has the scope.
    pub(crate) fn needs(&self, scope: &Scope) -> Result<(&Token, &KnownAccount), Box<Response>> {
        let (Some(token), Some(account)) = (&self.identity.token, &self.identity.account) else {
            return Err(Box::new(self.unauthorised()));
        };
        let required = match token.about.kind {
            TokenKind::BitbucketApi => scope.api_token,
            TokenKind::BitbucketOauth => scope.application,
            _ => scope.access_token,
        };
        if self.has(token, required) {
            return Ok((token, account));
        }
        let mut body = error("Your credentials lack one or more required privilege scopes.");
        body["error"]["detail"] = json!({ "granted": token.about.scopes, "required": [required] });
        Err(Box::new(self.answer(StatusCode::FORBIDDEN, scope, &body)))
    }

    /// 200 with this body.
    pub(crate) fn ok(&self, scope: &Scope, body: &Value) -> Response {
        self.answer(StatusCode::OK, scope, body)
    }

    /// An answer with the headers that tell what the token is and has, and what the endpoint asks.
    pub(crate) fn answer(&self, status: StatusCode, scope: &Scope, body: &Value) -> Response {
        let mut response = plain(status, body);
        let headers = response.headers_mut();
        if let Some(token) = &self.identity.token {
            let (credential, accepted) = match token.about.kind {
                TokenKind::BitbucketApi => ("api_token", scope.api_token),
                TokenKind::BitbucketWorkspace => ("workspace_access_token", scope.access_token),
                TokenKind::BitbucketProject => ("project_access_token", scope.access_token),
                // The word for this one is our guess.
                TokenKind::BitbucketOauth => ("oauth2_access_token", scope.application),
                _ => ("repo_access_token", scope.access_token),
            };
            put(headers, "x-credential-type", credential);
            put(headers, "x-oauth-scopes", &token.about.scopes.join(", "));
            put(headers, "x-accepted-oauth-scopes", accepted);
        }
        response
    }

    fn has(&self, token: &Token, required: &str) -> bool {
        if token.about.kind == TokenKind::BitbucketApi {
            return self.identity.has(required);
        }
        let applications = token.about.kind == TokenKind::BitbucketOauth;
        let family = |granted: &String| match granted.split_once(':') {
            Some((family, level)) => family == required && !(applications && level == "admin"),
            None => granted == required,
        };
        token.about.scopes.iter().any(family)
    }

    fn unauthorised(&self) -> Response {
        let secret = self
            .identity
            .presented
            .as_ref()
            .map(|presented| presented.secret.as_str());
        let words = match secret {
            Some(secret) if secret.starts_with("ATBB") => {
                "App passwords are deprecated and must be replaced with API tokens."
            }
            Some(secret) if secret.starts_with("AT") || !self.is_basic() => {
                "Token is invalid, expired, or not supported for this endpoint."
            }
            // Without a token, or with a password that looks like none, the body is empty.
            _ => {
                let mut response = StatusCode::UNAUTHORIZED.into_response();
                put(
                    response.headers_mut(),
                    "www-authenticate",
                    "Basic realm=\"Bitbucket.org HTTP\"",
                );
                return response;
            }
        };
        plain(StatusCode::UNAUTHORIZED, &error(words))
    }

    fn is_basic(&self) -> bool {
        let presented = self.identity.presented.as_ref();
        presented.is_some_and(|presented| presented.scheme == Scheme::Basic)
    }
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Response> {
        let identity = Identity::find(shared, Provider::BitbucketCloud, &parts.headers, takes);
        Ok(Self { identity })
    }
}

/// An API token goes beside the account's mail address (beside `x-bitbucket-api-token-auth` only in Git), an access token
/// after `Bearer` (also one that an application got), and an app password nowhere any more.
fn takes(presented: &Presented, token: &Token, account: &KnownAccount) -> bool {
    match token.about.kind {
        TokenKind::BitbucketApi => {
            let username = presented.username.as_deref();
            presented.scheme == Scheme::Basic
                && username.is_some_and(|name| name.eq_ignore_ascii_case(&account.email()))
        }
        TokenKind::BitbucketAppPassword => false,
        _ => presented.scheme == Scheme::Bearer,
    }
}

/// Bitbucket's form of a refusal.
pub(crate) fn error(words: &str) -> Value {
    json!({ "type": "error", "error": { "message": words } })
}

/// An answer that tells nothing of a token.
pub(crate) fn plain(status: StatusCode, body: &Value) -> Response {
    let mut response = wire::json(status, "application/json; charset=utf-8", body);
    put(
        response.headers_mut(),
        "x-request-id",
        &random_text(b"0123456789abcdef", 32),
    );
    response
}
