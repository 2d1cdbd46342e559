//! Sending a request within its bounds.

use super::{
    Answer, EgressPolicy, Request, WriteFailure,
    address::is_public,
    failure::Failure,
    redirect::{self, MAX_REDIRECTS},
    resolver::PolicyResolver,
    retry::{self, MAX_RETRIES},
};
use crate::random::Random;
use bytes::Bytes;
use domain::check::Trouble;
use http::Method;
use std::{fmt, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::lookup_host,
    time::{Instant, sleep, timeout_at},
};
use zeroize::Zeroizing;

/// The bounds of a request.
#[derive(Clone, Copy, Debug)]
pub struct EgressSettings {
    /// How long resolving, connecting and the TLS handshake of one try may take. 5 s by default.
    pub connect_timeout: Duration,
    /// How long everything may take, with all tries, pauses and the body. 10 s by default.
    pub total_timeout: Duration,
    /// The longest body, in bytes after decompression. 1 MiB by default.
    pub max_body: usize,
}

impl Default for EgressSettings {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(10),
            max_body: 1024 * 1024,
        }
    }
}

/// The client cannot be made: the system's root certificates cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the HTTP client cannot be made: {0}")]
pub struct EgressError(#[from] reqwest::Error);

/// An address that may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reached {
    /// With its port.
    pub address: SocketAddr,
    /// Whether it is on the internet, rather than in a network that the admin of the server allowed.
    pub is_public: bool,
}

/// The one client for all outgoing HTTP. Clones share connections.
#[derive(Clone)]
pub struct Egress {
    client: reqwest::Client,
    policy: Arc<EgressPolicy>,
    settings: EgressSettings,
    random: Arc<dyn Random>,
}

impl Egress {
    /// A client that reaches what `policy` allows, within the bounds of `settings`. `random` spreads retries.
    pub fn new(policy: EgressPolicy, settings: EgressSettings, random: Arc<dyn Random>) -> Result<Self, EgressError> {
        // reqwest takes the process's provider, and the system's root certificates. It is an error only that one is
        // there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let policy = Arc::new(policy);
        let client = reqwest::Client::builder()
            .user_agent(concat!("Patchbay/", env!("CARGO_PKG_VERSION")))
            .dns_resolver(PolicyResolver(Arc::clone(&policy)))
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            // Tries are counted here, together with those that the library would not make.
            .retry(reqwest::retry::never())
            .connect_timeout(settings.connect_timeout)
            .build()?;
        Ok(Self {
            client,
            policy,
            settings,
            random,
        })
    }

    /// Where a name leads, for what is not HTTP: an address that may be reached, to be connected to as it is. A name that is resolved
    /// again could lead elsewhere.
    pub async fn resolve(&self, host: &str, port: u16) -> Result<Reached, Trouble> {
        let found = timeout_at(
            Instant::now() + self.settings.connect_timeout,
            lookup_host((host, port)),
        )
        .await;
        let found = found
            .map_err(|_| Trouble::TimedOut)?
            .map_err(|_| Trouble::NoConnection)?;
        let allowed = self.policy.filter(host, found.collect());
        let allowed = allowed.map_err(|denied| {
            tracing::warn!(host, cause = %denied, "not connected");
            Trouble::EgressDenied
        })?;
        let address = *allowed.first().ok_or(Trouble::NoConnection)?;
        Ok(Reached {
            address,
            is_public: is_public(address.ip()),
        })
    }

    /// Sends a GET request, follows redirects and tries again what may pass. An answer of any status is an [`Answer`];
    /// a 5xx is not mapped to [`Trouble::ServerError`] here, since a provider may mean something by it.
    pub async fn get(&self, request: Request) -> Result<Answer, Trouble> {
        let started = Instant::now();
        let deadline = started + self.settings.total_timeout;
        let outcome = timeout_at(deadline, self.try_until(deadline, &request)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(over()));
        logged(&Method::GET, &request, started, outcome).map_err(|failure| failure.trouble)
    }

    /// Sends a POST request, at most once: it is tried again only as long as no connection could be made, and no redirect
    /// is followed. An answer of any status is an [`Answer`].
    pub async fn post(&self, request: Request) -> Result<Answer, WriteFailure> {
        self.write(Method::POST, request).await
    }

    /// Sends a DELETE request, as carefully as [`post`](Self::post).
    pub async fn delete(&self, request: Request) -> Result<Answer, WriteFailure> {
        self.write(Method::DELETE, request).await
    }

    async fn write(&self, method: Method, request: Request) -> Result<Answer, WriteFailure> {
        let started = Instant::now();
        let deadline = started + self.settings.total_timeout;
        let outcome = timeout_at(deadline, self.write_once(deadline, &method, &request)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(over()));
        logged(&method, &request, started, outcome).map_err(|failure| WriteFailure {
            trouble: failure.trouble,
            sent: failure.sent,
        })
    }

    async fn write_once(&self, deadline: Instant, method: &Method, request: &Request) -> Result<Answer, Failure> {
        self.policy.check(&request.url)?;
        let mut retries = 0;
        loop {
            let mut sending = self
                .client
                .request(method.clone(), request.url.clone())
                .headers(request.headers.clone());
            if let Some(body) = &request.body {
                sending = sending.body(body.clone());
            }
            match sending.send().await.map_err(Failure::from) {
                Ok(response) => return self.read(response).await,
                Err(failure) => {
                    let pause = retry::pause(retries, &*self.random);
                    let again = failure.repeatable && !failure.sent;
                    if !again || retries == MAX_RETRIES || Instant::now() + pause >= deadline {
                        return Err(failure);
                    }
                    retries += 1;
                    sleep(pause).await;
                }
            }
        }
    }

    async fn try_until(&self, deadline: Instant, request: &Request) -> Result<Answer, Failure> {
        let mut retries = 0;
        loop {
            let outcome = self.follow(request).await;
            let again = match &outcome {
                Ok(response) => retry::is_passing(response.status(), response.headers()),
                Err(failure) => failure.repeatable,
            };
            let pause = retry::pause(retries, &*self.random);
            // A pause beyond the deadline would turn what is known into a time-out.
            if !again || retries == MAX_RETRIES || Instant::now() + pause >= deadline {
                return self.read(outcome?).await;
            }
            drop(outcome);
            retries += 1;
            sleep(pause).await;
        }
    }

    async fn follow(&self, request: &Request) -> Result<reqwest::Response, Failure> {
        let Request {
            mut url, mut headers, ..
        } = request.clone();
        for _ in 0..=MAX_REDIRECTS {
            self.policy.check(&url)?;
            let response = self.client.get(url.clone()).headers(headers.clone()).send().await?;
            let Some(next) = redirect::target(&url, response.status(), response.headers())? else {
                return Ok(response);
            };
            if next.origin() != url.origin() {
                redirect::remove_secrets(&mut headers);
            }
            url = next;
        }
        Err(Failure::lasting(Trouble::UnexpectedAnswer, &"too many redirects"))
    }

    async fn read(&self, mut response: reqwest::Response) -> Result<Answer, Failure> {
        let mut chunks = Vec::new();
        let mut length = 0;
        loop {
            // A chunk is decompressed already, so that a small answer cannot grow without end in memory.
            match response.chunk().await {
                Ok(Some(chunk)) if length + chunk.len() <= self.settings.max_body => {
                    length += chunk.len();
                    chunks.push(chunk);
                }
                Ok(Some(_)) => return Err(Failure::lasting(Trouble::UnexpectedAnswer, &"the body is too large")),
                Ok(None) => break,
                Err(error) => return Err(Failure::lasting(Trouble::UnexpectedAnswer, &error.without_url())),
            }
        }
        // An answer may hold a new token: it is kept in one piece of memory, which is cleared.
        let mut body = Zeroizing::new(Vec::with_capacity(length));
        for chunk in &chunks {
            body.extend_from_slice(chunk);
        }
        Ok(Answer {
            status: response.status(),
            headers: std::mem::take(response.headers_mut()),
            body: Bytes::from_owner(body),
            final_url: response.url().clone(),
        })
    }
}

/// The time for the whole request is over. How far it came is not known, so it may have been sent.
fn over() -> Failure {
    Failure::lasting(Trouble::TimedOut, &"the time for the whole request is over")
}

/// Writes down that there was a request and what became of it: neither its query nor anything that it carried.
fn logged(
    method: &Method,
    request: &Request,
    started: Instant,
    outcome: Result<Answer, Failure>,
) -> Result<Answer, Failure> {
    let (host, path) = (request.url.host_str().unwrap_or_default(), request.shown_path());
    let elapsed_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    let method = method.as_str();
    match &outcome {
        Ok(answer) => {
            let status = answer.status.as_u16();
            tracing::info!(method, host, path, status, elapsed_ms, "request");
        }
        Err(Failure { trouble, cause, .. }) => {
            tracing::warn!(method, host, path, ?trouble, cause, elapsed_ms, "request failed");
        }
    }
    outcome
}

impl fmt::Debug for Egress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Egress")
            .field("policy", &self.policy)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
