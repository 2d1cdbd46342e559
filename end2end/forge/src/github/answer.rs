//! Who asks, and the headers that every answer of the API has.

use std::hash::{DefaultHasher, Hash, Hasher};

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, USER_AGENT};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use time::format_description::StaticFormatDescription;
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

use crate::clock::random_text;
use crate::identity::{Identity, Standing};
use crate::model::{ExpiryHeader, TokenId, TokenKind};
use crate::provider::Provider;
use crate::state::{KnownAccount, Quota, Shared, State, Token};
use crate::wire::put;

const GITHUB: Provider = Provider::GitHub;
/// The window of the primary rate limit, in seconds.
const HOUR: u32 = 3600;

/// The version of GitHub Enterprise Server that the forge passes for.
pub(crate) const SERVER_VERSION: &str = "3.18.0";

/// What an endpoint asks of a token, as its headers say it.
#[derive(Debug)]
pub(crate) struct Needs {
    /// `X-Accepted-OAuth-Scopes`: any one of these.
    pub(crate) scopes: &'static [&'static str],
    /// `X-Accepted-GitHub-Permissions`.
    pub(crate) permissions: &'static str,
}

impl Needs {
    /// Open to every token, as `/user` is. The value for fine-grained tokens is what github.com sends there.
    pub(crate) const NOTHING: Self = Self {
        scopes: &[],
        permissions: "allows_permissionless_access=true",
    };
    /// A repository's description.
    pub(crate) const REPOSITORY: Self = Self {
        scopes: &["repo"],
        permissions: "metadata=read",
    };
}

/// Who asks, as of the moment when the request came.
#[derive(Debug)]
pub(crate) struct Caller {
    /// The token, when there is one; it works.
    pub(crate) token: Option<Token>,
    /// The token's account.
    pub(crate) account: Option<KnownAccount>,
    /// The forge's base URL.
    pub(crate) url: String,
    now: OffsetDateTime,
    quota: Quota,
    if_none_match: Option<HeaderValue>,
}

impl Caller {
    /// The caller with this token, for an answer that does not depend on whether the token works.
    pub(crate) fn known(state: &State, shared: &Shared, token: Option<TokenId>) -> Self {
        let token = token.and_then(|id| state.token(id));
        let token = token.filter(|token| token.about.kind.provider() == GITHUB).cloned();
        Self {
            account: token
                .as_ref()
                .and_then(|token| state.account(&token.about.account))
                .cloned(),
            quota: state.quota(GITHUB, token.as_ref().map(|token| token.id), HOUR),
            token,
            url: shared.url.to_string(),
            now: state.clock.now(),
            if_none_match: None,
        }
    }

    /// Leaves nothing of the hour's requests, for so many seconds.
    pub(crate) fn exhaust(&mut self, reset_in: u32) {
        self.quota = Quota {
            used: self.limit(),
            reset_at: self.now.unix_timestamp() + i64::from(reset_in),
        };
    }

    /// The state of the hour's requests, as `/rate_limit` shows it.
    pub(crate) fn rate(&self) -> Value {
        let Quota { used, reset_at } = self.quota;
        let remaining = self.limit().saturating_sub(used);
        json!({ "limit": self.limit(), "used": used, "remaining": remaining, "reset": reset_at })
    }

    /// 200 with this body, or 304 when the caller has it already.
    pub(crate) fn answer(&self, needs: &Needs, body: &Value) -> Response {
        let mut response = self.with_headers(StatusCode::OK, needs, body);
        let tag = etag(body);
        if self.if_none_match.as_ref() == Some(&tag) {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = axum::body::Body::empty();
            response.headers_mut().remove(CONTENT_TYPE);
        }
        response.headers_mut().insert(ETAG, tag);
        let cache = HeaderValue::from_static("private, max-age=60, s-maxage=60");
        response.headers_mut().insert(CACHE_CONTROL, cache);
        response
    }

    /// A refusal in GitHub's form.
    pub(crate) fn refuse(&self, status: StatusCode, needs: &Needs, message: &str, documentation: &str) -> Response {
        let code = status.as_u16().to_string();
        self.with_headers(
            status,
            needs,
            &json!({ "message": message, "documentation_url": documentation, "status": code }),
        )
    }

    /// What GitHub says of anything that is not there, or that it will not admit is there.
    pub(crate) fn not_found(&self, needs: &Needs, documentation: &str) -> Response {
        self.refuse(StatusCode::NOT_FOUND, needs, "Not Found", documentation)
    }

    fn limit(&self) -> u32 {
        if self.token.is_some() { 5000 } else { 60 }
    }

    fn with_headers(&self, status: StatusCode, needs: &Needs, body: &Value) -> Response {
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        put(headers, "content-type", "application/json; charset=utf-8");
        put(headers, "x-github-media-type", "github.v3; format=json");
        put(headers, "x-github-enterprise-version", SERVER_VERSION);
        put(headers, "x-github-request-id", &request_id());
        let Quota { used, reset_at } = self.quota;
        put(headers, "x-ratelimit-limit", &self.limit().to_string());
        put(
            headers,
            "x-ratelimit-remaining",
            &self.limit().saturating_sub(used).to_string(),
        );
        put(headers, "x-ratelimit-used", &used.to_string());
        put(headers, "x-ratelimit-reset", &reset_at.to_string());
        put(headers, "x-ratelimit-resource", "core");
        if let Some(token) = &self.token {
            describe(headers, token, needs, self.now);
        }
        response
    }
}

impl FromRequestParts<Shared> for Caller {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Response> {
        if !parts.headers.contains_key(USER_AGENT) {
            return Err(without_user_agent());
        }
        // A token goes after `Bearer` or `token`, or as the password of `Basic` beside any name.
        let identity = Identity::find(shared, GITHUB, &parts.headers, |_, _, _| true);
        let token = identity.token.map(|token| token.id);
        let mut state = shared.lock();
        // Asking for the limit is free.
        if parts.uri.path() != "/api/v3/rate_limit" {
            state.count_request(GITHUB, token, HOUR);
        }
        let mut caller = Self::known(&state, shared, token);
        caller.if_none_match = parts.headers.get(IF_NONE_MATCH).cloned();
        if !matches!(identity.standing, Standing::Nobody | Standing::Works) {
            let documentation = "https://docs.github.com/rest";
            return Err(caller.refuse(
                StatusCode::UNAUTHORIZED,
                &Needs::NOTHING,
                "Bad credentials",
                documentation,
            ));
        }
        Ok(caller)
    }
}

/// The headers that speak of the token: scopes for those that declare them, needs for the others, and the expiry.
fn describe(headers: &mut HeaderMap, token: &Token, needs: &Needs, now: OffsetDateTime) {
    if token.about.kind == TokenKind::FineGrained {
        put(headers, "x-accepted-github-permissions", needs.permissions);
    } else {
        // A token without scopes has the header too, empty.
        put(headers, "x-oauth-scopes", &token.about.scopes.join(", "));
        put(headers, "x-accepted-oauth-scopes", &needs.scopes.join(", "));
    }
    if let Some(expiry) = token
        .about
        .expires_at
        .and_then(|at| expiry_text(at, token.about.expiry_header, now))
    {
        put(headers, "github-authentication-token-expiration", &expiry);
    }
}

fn expiry_text(at: OffsetDateTime, form: ExpiryHeader, now: OffsetDateTime) -> Option<String> {
    const UTC: StaticFormatDescription = format_description!("[year]-[month]-[day] [hour]:[minute]:[second] UTC");
    const OFFSET: StaticFormatDescription = format_description!(
        "[year]-[month]-[day] [hour]:[minute]:[second] [offset_hour sign:mandatory][offset_minute]"
    );
    let text = match form {
        ExpiryHeader::Utc => at.to_offset(UtcOffset::UTC).format(UTC),
        ExpiryHeader::Offset(minutes) => {
            let offset = UtcOffset::from_whole_seconds(i32::from(minutes) * 60).unwrap_or(UtcOffset::UTC);
            at.to_offset(offset).format(OFFSET)
        }
        ExpiryHeader::CurrentTime => now.format(UTC),
        ExpiryHeader::Absent => return None,
    };
    text.ok()
}

pub(super) fn without_user_agent() -> Response {
    let message = "Request forbidden by administrative rules. Please make sure your request has a User-Agent header \
                   (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required).\n";
    (StatusCode::FORBIDDEN, message).into_response()
}

fn etag(body: &Value) -> HeaderValue {
    let text = body.to_string();
    // GitHub's tags are weak and have 64 hexadecimal digits.
    let [a, b, c, d] = [0_u8, 1, 2, 3].map(|salt| {
        let mut hasher = DefaultHasher::new();
        (salt, &text).hash(&mut hasher);
        hasher.finish()
    });
    HeaderValue::from_str(&format!("W/\"{a:016x}{b:016x}{c:016x}{d:016x}\""))
        .unwrap_or_else(|_| HeaderValue::from_static("W/\"0\""))
}

/// Such as `5498:3F219F:18172B2:275A386:66084DC8`.
fn request_id() -> String {
    let part = |length| random_text(b"0123456789ABCDEF", length);
    [part(4), part(6), part(7), part(7), part(8)].join(":")
}
