//! The hosts of the Git providers: which providers stand on one, and at what pace it is asked. Accounts register the same host each
//! on their own, and it must not notice that.

use crate::store::{DueProvider, GitProviderRow};
use domain::{
    Chance, GitProviderId, Timestamp,
    pace::{Admission, Pace, Sign, Wave},
};
use std::{
    collections::{HashMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use url::Url;

/// A host with its providers that have due tokens, for one turn.
pub(super) struct Host {
    /// Scheme, name and port of the API.
    pub(super) origin: Arc<str>,
    /// The providers whose turn comes, the next one first.
    pub(super) providers: VecDeque<Arc<DueProvider>>,
    /// The provider whose tokens were taken last.
    pub(super) last: Option<GitProviderId>,
}

/// Puts providers together by their hosts.
pub(super) fn by_host(providers: Vec<DueProvider>) -> Vec<Host> {
    let mut hosts: HashMap<Arc<str>, VecDeque<Arc<DueProvider>>> = HashMap::new();
    for provider in providers {
        let origin = origin(&provider.provider);
        hosts.entry(origin.into()).or_default().push_back(Arc::new(provider));
    }
    hosts
        .into_iter()
        .map(|(origin, providers)| Host {
            origin,
            providers,
            last: None,
        })
        .collect()
}

/// Scheme, name and port of a provider's API.
pub(crate) fn origin(provider: &GitProviderRow) -> String {
    let api = provider.api();
    Url::parse(&api).map_or(api, |url| url.origin().ascii_serialization())
}

impl Host {
    /// Orders the providers so that all have their turn: by their ids, and first the one that follows on `last`.
    pub(super) fn begin_after(&mut self, last: Option<GitProviderId>) {
        let providers = self.providers.make_contiguous();
        providers.sort_by_key(|provider| provider.provider.id.0);
        let first = providers.partition_point(|provider| last.is_some_and(|last| provider.provider.id.0 <= last.0));
        providers.rotate_left(first);
    }
}

/// The pace of each host. In memory: after a start, a host that is down is asked once, and is down again.
#[derive(Default)]
pub(super) struct Paces(Mutex<HashMap<Arc<str>, Pace>>);

impl Paces {
    /// Whether a host may be asked, and the wave of a check that begins now.
    pub(super) fn admission(&self, origin: &str, now: Timestamp) -> (Admission, Wave) {
        let pace = self.lock().get(origin).copied().unwrap_or_default();
        (pace.admission(now), pace.wave())
    }

    /// Takes in what a check showed.
    pub(super) fn note(&self, origin: &Arc<str>, wave: Wave, sign: Sign, now: Timestamp, chance: Chance) {
        self.lock()
            .entry(origin.clone())
            .or_default()
            .note(wave, sign, now, chance);
    }

    /// Forgets the hosts of which nothing needs to be known, when none of them is being asked.
    pub(super) fn forget_fresh(&self, is_asked: impl Fn(&str) -> bool) {
        self.lock().retain(|origin, pace| !pace.is_fresh() || is_asked(origin));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Arc<str>, Pace>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
