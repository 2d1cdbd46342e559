//! The record of what was asked, so that a test can say how often and how the product called.

use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use serde::Serialize;
use time::OffsetDateTime;

use crate::credential;
use crate::faults::FaultId;
use crate::model::TokenId;
use crate::provider::Provider;
use crate::state::{Shared, State};
use crate::token_format;

/// One request to a provider. No field holds the value of a token that the forge knows, nor a refresh token, a code or the
/// secret of an application.
#[derive(Clone, Debug, Serialize)]
pub struct RecordedRequest {
    /// Its place among all requests since the forge started; goes on counting when the record is cleared.
    pub number: u64,
    /// When it came, by the forge's clock.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The method, in capitals.
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, without its question mark.
    pub query: Option<String>,
    /// The token that it carried, when the forge knows it (also a revoked or an expired one).
    pub token: Option<TokenId>,
    /// Prefix and last four characters of the token that it carried, known or not.
    pub token_hint: Option<String>,
    /// Whether a known token's value, or another secret, stood in the path or the query, where it does not belong.
    pub token_in_url: bool,
    /// `User-Agent`, which GitHub demands.
    pub user_agent: Option<String>,
    /// The names of all headers, in small letters, sorted, each once.
    pub header_names: Vec<String>,
    /// Whether it would change something through an API: any method but `GET`, `HEAD` and `OPTIONS` outside the web and
    /// the addresses where applications get tokens.
    pub write: bool,
    /// The fault that it met.
    pub fault: Option<FaultId>,
    /// The status of the answer; `None` while there is none, and for good when the caller hung up first.
    pub status: Option<u16>,
}

/// The requests so far, and the number of the next.
#[derive(Debug, Default)]
pub(crate) struct Record {
    entries: Vec<RecordedRequest>,
    count: u64,
}

impl Record {
    pub(crate) fn entries(&self) -> &[RecordedRequest] {
        &self.entries
    }

    /// Forgets the entries but not their number, so that an answer under way cannot be written to a later request.
    pub(crate) fn clear(&mut self) {
        self.entries.clear();
    }
}

/// Writes a request down as it comes in.
pub(crate) fn record(state: &mut State, parts: &Parts, fault: Option<FaultId>) -> u64 {
    let path = parts.uri.path();
    let presented = credential::presented(&parts.headers).map(|presented| presented.secret);
    // Where applications speak for themselves, that is their secret, of which the record tells nothing at all.
    let presented = presented.filter(|_| !Provider::knows_clients(path));
    let write = !parts.method.is_safe() && Provider::of_api(path).is_some();
    let (path, in_path) = state.secrets.struck_from(path);
    let query = parts.uri.query().map(|query| state.secrets.struck_from(query));
    let (query, in_query) = query.unzip();
    let mut header_names: Vec<String> = parts.headers.keys().map(ToString::to_string).collect();
    header_names.sort_unstable();
    state.record.count += 1;
    let number = state.record.count;
    let entry = RecordedRequest {
        number,
        at: state.clock.now(),
        method: parts.method.to_string(),
        path,
        query,
        token: presented
            .as_deref()
            .and_then(|value| state.token_by_value(value))
            .map(|token| token.id),
        token_hint: presented.as_deref().map(token_format::hint),
        token_in_url: in_path || in_query.unwrap_or(false),
        user_agent: parts
            .headers
            .get(USER_AGENT)
            .map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned()),
        header_names,
        write,
        fault,
        status: None,
    };
    state.record.entries.push(entry);
    number
}

/// Adds what was answered, unless the record was cleared in between.
pub(crate) fn complete(shared: &Shared, number: u64, status: u16) {
    let mut state = shared.lock();
    let entries = &mut state.record.entries;
    // They stand in the order of their numbers, and a load test makes many.
    if let Ok(place) = entries.binary_search_by_key(&number, |entry| entry.number) {
        entries[place].status = Some(status);
    }
}
