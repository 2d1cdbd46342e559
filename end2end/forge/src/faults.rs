//! What can go wrong at a provider, on demand: which requests it befalls, and what they get.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use http_body_util::BodyExt;
use http_body_util::channel::{Channel, Sender};
use serde::{Deserialize, Serialize};

use crate::github;
use crate::model::TokenId;
use crate::provider::Provider;
use crate::state::Shared;

/// The number of a rule, as `add_fault` gave it.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct FaultId(pub u64);

/// What a request gets instead of, or done to, its usual answer.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Fault {
    /// 403 with `X-GitHub-SSO: required; url=...`: the organisation wants the token authorised there. Only GitHub does
    /// this, so it befalls no other provider's requests.
    SsoRequired {
        /// The address to authorise the token at.
        url: String,
    },
    /// The primary rate limit, with all the headers by which the provider tells when it ends (GitHub's are
    /// `x-ratelimit-remaining: 0` and `x-ratelimit-reset`). The token is still good.
    RateLimited {
        /// 403 or 429; GitHub uses both, the others 429.
        status: u16,
        /// Seconds until it ends.
        reset_in: u32,
    },
    /// The secondary rate limit: too much at once, with nothing but `Retry-After`. The token is still good.
    SecondaryRateLimited {
        /// 403 or 429; GitHub uses both, the others 429.
        status: u16,
        /// Seconds in `Retry-After`; the header is sometimes left out.
        #[serde(default)]
        retry_after: Option<u32>,
    },
    /// A failure of the server, such as 500, 502 or 503.
    Status {
        /// The status.
        status: u16,
    },
    /// The usual answer, but nothing is done and not a byte sent before this time is over.
    Delay {
        /// Milliseconds.
        millis: u64,
    },
    /// What was asked is done at once, and the answer kept back for this time.
    LateAnswer {
        /// Milliseconds.
        millis: u64,
    },
    /// What was asked is done, and then the proxy before the provider fails: the answer is lost.
    LostAnswer {
        /// 502, 503 or 504.
        status: u16,
    },
    /// The usual answer with its headers at once, and its body in pieces.
    Drip {
        /// Bytes in a piece; 0 counts as 1.
        chunk: usize,
        /// Milliseconds before each piece.
        millis: u64,
    },
    /// 200 with a web page, as a proxy or a sign-in portal in between gives.
    Html,
    /// 200 with JSON that breaks off in the middle, although the answer is complete.
    MalformedJson,
    /// 200 with valid JSON that is far too long, sent without `Content-Length`.
    HugeBody {
        /// About how long, in MiB.
        mebibytes: usize,
    },
    /// The usual answer, whose connection closes after half of the body.
    CloseMidBody,
    /// Sends the caller elsewhere.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        status: u16,
        /// Where to, as it stands in `Location`.
        location: String,
    },
    /// 200 and JSON by its header, and no body.
    EmptyBody,
}

/// A rate limit in force, as a provider has to answer it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RateLimit {
    /// 403 or 429.
    pub(crate) status: StatusCode,
    /// When it ends, and whether the provider's own headers tell so.
    pub(crate) end: RateLimitEnd,
}

/// How the end of a rate limit is told.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RateLimitEnd {
    /// By the provider's own headers: in so many seconds.
    Told(u32),
    /// By `Retry-After` alone, in seconds, or not at all.
    RetryAfter(Option<u32>),
}

impl RateLimitEnd {
    /// What `Retry-After` says where the provider has no other header for it.
    pub(crate) fn retry_after(self) -> Option<u32> {
        match self {
            Self::Told(seconds) => Some(seconds),
            Self::RetryAfter(seconds) => seconds,
        }
    }
}

/// Which requests a rule befalls: those that fit every part that is given.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FaultScope {
    /// Only paths that begin so.
    pub path_prefix: Option<String>,
    /// Only requests that carry this token.
    pub token: Option<TokenId>,
    /// Only requests with this method, in capitals.
    pub method: Option<String>,
}

/// A fault, whom it befalls, and how often.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultRule {
    /// Whom it befalls; by default every request to a provider.
    #[serde(default)]
    pub scope: FaultScope,
    /// How many requests it befalls; `None` is all until the faults are cleared.
    #[serde(default)]
    pub times: Option<u32>,
    /// What they get.
    pub fault: Fault,
}

impl FaultRule {
    /// This fault for every request, until cleared.
    #[must_use]
    pub fn new(fault: Fault) -> Self {
        Self {
            scope: FaultScope::default(),
            times: None,
            fault,
        }
    }

    /// Only for the next request that it fits.
    #[must_use]
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// Only for the next `times` requests that it fits.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// Only for requests with this token.
    #[must_use]
    pub fn on_token(mut self, token: TokenId) -> Self {
        self.scope.token = Some(token);
        self
    }

    /// Only for requests with this method, in capitals.
    #[must_use]
    pub fn on_method(mut self, method: impl Into<String>) -> Self {
        self.scope.method = Some(method.into());
        self
    }

    /// Only for paths that begin so.
    #[must_use]
    pub fn on_path(mut self, prefix: impl Into<String>) -> Self {
        self.scope.path_prefix = Some(prefix.into());
        self
    }

    /// Whether every number in it makes sense on the wire.
    pub(crate) fn check(&self) -> Result<(), String> {
        let (status, allowed): (u16, &[u16]) = match self.fault {
            Fault::RateLimited { status, .. } | Fault::SecondaryRateLimited { status, .. } => (status, &[403, 429]),
            Fault::Redirect { status, .. } => (status, &[301, 302, 303, 307, 308]),
            Fault::LostAnswer { status } => (status, &[502, 503, 504]),
            Fault::Status { status } if !(400..=599).contains(&status) => {
                return Err(format!("{status} is no failure: 400 to 599"));
            }
            _ => return Ok(()),
        };
        if allowed.contains(&status) {
            Ok(())
        } else {
            Err(format!("{status} is not one of {allowed:?}"))
        }
    }

    fn fits(&self, provider: Provider, method: &Method, path: &str, token: Option<TokenId>) -> bool {
        let exists_there = provider == Provider::GitHub || !matches!(self.fault, Fault::SsoRequired { .. });
        exists_there
            && self.times != Some(0)
            && self
                .scope
                .path_prefix
                .as_deref()
                .is_none_or(|prefix| path.starts_with(prefix))
            && self.scope.token.is_none_or(|wanted| token == Some(wanted))
            && self.scope.method.as_deref().is_none_or(|wanted| method == wanted)
    }
}

/// The rules in force, in the order in which they were added.
#[derive(Debug, Default)]
pub(crate) struct FaultRules {
    rules: Vec<(FaultId, FaultRule)>,
    count: u64,
}

impl FaultRules {
    pub(crate) fn add(&mut self, rule: FaultRule) -> FaultId {
        self.count += 1;
        let id = FaultId(self.count);
        self.rules.push((id, rule));
        id
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The first rule that fits, used up by one.
    pub(crate) fn take(
        &mut self,
        provider: Provider,
        method: &Method,
        path: &str,
        token: Option<TokenId>,
    ) -> Option<(FaultId, Fault)> {
        let (id, rule) = self
            .rules
            .iter_mut()
            .find(|(_, rule)| rule.fits(provider, method, path, token))?;
        rule.times = rule.times.map(|times| times - 1);
        Some((*id, rule.fault.clone()))
    }
}

/// Answers in place of the provider, or with what the fault does to its `usual` answer; only then is that asked for.
pub(crate) async fn answer(
    fault: Fault,
    shared: &Shared,
    provider: Provider,
    token: Option<TokenId>,
    usual: impl Future<Output = Response>,
) -> Response {
    let rate_limited = |status, end| {
        let status = code(status);
        provider.rate_limited(shared, token, RateLimit { status, end })
    };
    match fault {
        Fault::SsoRequired { url } => github::sso_required(shared, token, &url),
        Fault::RateLimited { status, reset_in } => rate_limited(status, RateLimitEnd::Told(reset_in)),
        Fault::SecondaryRateLimited { status, retry_after } => {
            rate_limited(status, RateLimitEnd::RetryAfter(retry_after))
        }
        Fault::Status { status } => failure(shared, provider, code(status)),
        Fault::Delay { millis } => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            usual.await
        }
        Fault::LateAnswer { millis } => {
            let usual = usual.await;
            tokio::time::sleep(Duration::from_millis(millis)).await;
            usual
        }
        Fault::LostAnswer { status } => {
            usual.await;
            failure(shared, provider, code(status))
        }
        Fault::Drip { chunk, millis } => drip(usual.await, chunk.max(1), Duration::from_millis(millis)),
        Fault::Html => {
            Html("<!DOCTYPE html><title>Welcome</title><p>Sign in to the network to go on.</p>").into_response()
        }
        Fault::MalformedJson => json_bytes(format!("{}{{\"login\":\"octocat\",\"id\":", provider.json_prefix())),
        Fault::HugeBody { mebibytes } => huge(provider, mebibytes),
        Fault::CloseMidBody => close_mid_body(usual.await).await,
        Fault::Redirect { status, location } => redirect(code(status), &location),
        Fault::EmptyBody => json_bytes(String::new()),
    }
}

fn code(status: u16) -> StatusCode {
    // `FaultRule::check` lets no other number in.
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

fn json_bytes(body: String) -> Response {
    ([(CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}

/// A provider's own failure is in its own words; 502, 503 and 504 come from the proxy before it, as a page.
fn failure(shared: &Shared, provider: Provider, status: StatusCode) -> Response {
    if matches!(
        status,
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT
    ) {
        let page = format!("<!DOCTYPE html><title>{status}</title><p>We had issues producing the response.</p>");
        return (status, Html(page)).into_response();
    }
    provider.failure(shared, status)
}

fn redirect(status: StatusCode, location: &str) -> Response {
    match HeaderValue::from_str(location) {
        Ok(location) => (status, [(LOCATION, location)]).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "forge: this location fits no header").into_response(),
    }
}

/// A body of unknown length that `fill` writes while it is read. It ends when `fill` does.
fn written_by<F, W>(fill: F) -> Body
where
    F: FnOnce(Sender<Bytes>) -> W,
    W: Future<Output = ()> + Send + 'static,
{
    let (sender, body) = Channel::new(1);
    tokio::spawn(fill(sender));
    Body::new(body)
}

fn drip(usual: Response, chunk: usize, pause: Duration) -> Response {
    let (mut parts, body) = usual.into_parts();
    // Without the length, a client cannot know beforehand that it will be short of time.
    parts.headers.remove(CONTENT_LENGTH);
    let slow = written_by(move |mut sender| async move {
        let Ok(whole) = body.collect().await else { return };
        for piece in whole.to_bytes().chunks(chunk) {
            tokio::time::sleep(pause).await;
            if sender.send_data(Bytes::copy_from_slice(piece)).await.is_err() {
                return;
            }
        }
    });
    Response::from_parts(parts, slow)
}

fn huge(provider: Provider, mebibytes: usize) -> Response {
    let start = Bytes::from(format!("{}{{\"login\":\"", provider.json_prefix()));
    let body = written_by(move |mut sender| async move {
        let padding = Bytes::from(vec![b'a'; 64 * 1024]);
        let pieces = std::iter::repeat_n(padding, mebibytes * 16);
        let all = std::iter::once(start).chain(pieces);
        for piece in all.chain(std::iter::once(Bytes::from_static(b"\"}"))) {
            if sender.send_data(piece).await.is_err() {
                return;
            }
        }
    });
    ([(CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}

async fn close_mid_body(usual: Response) -> Response {
    let (mut parts, body) = usual.into_parts();
    let whole = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    // The length promises more than comes: only so can a client tell that it was cut off.
    parts.headers.insert(CONTENT_LENGTH, HeaderValue::from(whole.len()));
    let half = whole.slice(..whole.len() / 2);
    let body = written_by(move |mut sender| async move {
        // Nobody reading any more is no loss here.
        _ = sender.send_data(half).await;
    });
    // An error drops what is not sent yet. The yield makes the connection wait once, and send, before it meets the error.
    let broken = body.with_trailers(async {
        tokio::task::yield_now().await;
        Some(Err(axum::Error::new("closed on purpose")))
    });
    Response::from_parts(parts, Body::new(broken))
}
