//! Keeping OAuth tokens alive: each is refreshed ahead of its end, by one caller at a time in all processes.
//!
//! A refresh token works once, and whoever uses it again loses the whole grant. So: the lease of the row is taken, and committed,
//! before the provider is asked; the new pair is saved before anything else is done with it; and only then checked. A row in which
//! it stands that the provider was asked, and whose lease has run out, was left by a process that died: it is *in doubt*, and
//! tried again, since nothing is lost by that which was not lost already.

use super::{Authorizations, NoPair, Pair, refresh_place};
use crate::{
    Fault,
    audit::{Action, Actor, AuditEvent},
    credentials,
    keys::Sealer,
    providers::{self, Allowance, Granted, Inquiry},
    random,
    store::{GrantRow, GrantState, NewGrant, NewPair, RefreshEnd},
};
use domain::{
    AccountId, CheckId, CheckOutcome, GitTokenId, HolderKind, RefreshNote, Refusal, Timestamp, TokenStatus, provider,
    refresh,
    token_format::{self, TokenFormat},
};
use secrecy::{ExposeSecret as _, SecretString};
use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{Semaphore, watch},
    task::JoinSet,
    time::{Instant, sleep, timeout_at},
};

/// How long a caller has a grant to itself: longer than asking, and trying to save, may take.
pub const LEASE: Duration = Duration::from_mins(2);
/// How long a new pair is tried to be saved when the database fails.
const KEEP_TRYING: Duration = Duration::from_mins(1);
/// The pause after the first try; it doubles with each, up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a caller waits for another process that refreshes the same token.
const WAIT: Duration = Duration::from_secs(12);
/// How often it looks.
const LOOK: Duration = Duration::from_millis(100);
/// A provider may refuse a new token for about a second (GitHub's replicas).
const SETTLE: Duration = Duration::from_secs(1);
/// How often the background looks for what is due.
const PERIOD: Duration = Duration::from_secs(15);
/// How many grants it takes up at once.
const BATCH: u64 = 200;
/// How many refreshes run at the same time in this process.
const AT_ONCE: usize = 16;
/// Why a token cannot be used while somebody refreshes it.
const UNDER_WAY: &str = "It is just being refreshed.";

/// A token for whoever wants to use it now.
#[derive(Debug)]
pub enum Live {
    /// It works, as far as is known.
    Token(SecretString),
    /// Not now, and perhaps later.
    Later {
        /// When to ask again.
        retry_at: Timestamp,
        /// Why, as a sentence.
        why: String,
    },
    /// Not any more: the person must authorise access again.
    Dead {
        /// Why, as a sentence.
        why: String,
    },
    /// There is no such OAuth token.
    Gone,
}

/// What is known of an OAuth token without asking its provider.
#[derive(Debug)]
pub(crate) enum Standing {
    /// It works, as far as is known.
    Works,
    /// Not now, and perhaps later, for a reason.
    Later(String),
    /// Not any more, for a reason.
    Dead(String),
}

impl GrantState {
    /// Whether it is to be refreshed before it is used.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.due.is_some_and(|due| due <= now)
    }

    /// Whether its token can be used as it is, going by what the last telling check said.
    pub(crate) fn standing(&self, status: TokenStatus, now: Timestamp) -> Standing {
        let note = self.note.as_ref();
        // What is not refreshed any more works until its end, unless a check found it dead.
        let is_dead = status == TokenStatus::Invalid && note.is_some_and(RefreshNote::is_final);
        // In doubt, the provider may have switched to another one.
        if self.sent_at.is_none() && !is_dead && self.access_ends.is_none_or(|end| now < end) {
            return Standing::Works;
        }
        let why = |otherwise: &str| note.map_or_else(|| otherwise.to_owned(), |note| note.words("The provider"));
        match self.due {
            Some(_) => Standing::Later(why(UNDER_WAY)),
            None => Standing::Dead(why("It has ended, and cannot be refreshed. Authorize access again.")),
        }
    }
}

/// What one run in the background came to, in tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RefreshRun {
    /// Refreshed.
    pub refreshed: usize,
    /// Tried, and not refreshed.
    pub failed: usize,
}

/// What became of one try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// There is a new pair.
    Refreshed,
    /// There is none, and the provider answered.
    Refused,
    /// There is none, and the provider did not answer.
    Unanswered,
    /// Somebody else is at it, or was.
    NotMine,
}

/// Who in this process waits for which token.
type Gates = Arc<Mutex<HashMap<GitTokenId, Arc<tokio::sync::Mutex<()>>>>>;

/// A place at which all who want one token wait. The last who leaves takes it away.
struct Gate {
    gates: Gates,
    token: GitTokenId,
    lock: Arc<tokio::sync::Mutex<()>>,
}

impl Gate {
    fn at(gates: &Gates, token: GitTokenId) -> Self {
        let mut known = gates.lock().unwrap_or_else(PoisonError::into_inner);
        Self {
            gates: gates.clone(),
            token,
            lock: known.entry(token).or_default().clone(),
        }
    }
}

impl Drop for Gate {
    fn drop(&mut self) {
        let mut known = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        // The map's own, and this one.
        if Arc::strong_count(&self.lock) == 2 {
            known.remove(&self.token);
        }
    }
}

/// The service.
#[derive(Clone)]
pub struct Refresh {
    shared: Arc<Authorizations>,
    gates: Gates,
    running: Arc<Semaphore>,
}

impl Refresh {
    /// Wires the service.
    pub(crate) fn new(shared: Arc<Authorizations>) -> Self {
        Self {
            shared,
            gates: Gates::default(),
            running: Arc::new(Semaphore::new(AT_ONCE)),
        }
    }

    /// A token that works now: refreshed first, if that is due. However many ask, in however many processes, the provider is
    /// asked once.
    pub async fn live(&self, account: AccountId, token: GitTokenId) -> Result<Live, Fault> {
        if let Some(live) = self.at_hand(account, token).await? {
            return Ok(live);
        }
        let deadline = Instant::now() + WAIT;
        let gate = Gate::at(&self.gates, token);
        match timeout_at(deadline, gate.lock.lock()).await {
            Ok(_entered) => self.refreshed(account, token, deadline).await,
            Err(_) => Ok(self.later()),
        }
    }

    /// What is known of a token that needs no refresh just now; `None` if it does.
    async fn at_hand(&self, account: AccountId, token: GitTokenId) -> Result<Option<Live>, Fault> {
        let Some(stored) = self.shared.store.stored_grant(account, token).await? else {
            return Ok(Some(Live::Gone));
        };
        let now = self.shared.now();
        if stored.state.is_due(now) {
            return Ok(None);
        }
        Ok(Some(match stored.state.standing(stored.status, now) {
            Standing::Works => {
                let place = credentials::place(account, token, stored.user);
                Live::Token(self.shared.keys.unseal(&place, &stored.sealed).await?)
            }
            Standing::Later(why) => Live::Later {
                retry_at: stored.state.due.unwrap_or(now),
                why,
            },
            Standing::Dead(why) => Live::Dead { why },
        }))
    }

    /// Refreshes a token, or waits for whoever does.
    async fn refreshed(&self, account: AccountId, token: GitTokenId, deadline: Instant) -> Result<Live, Fault> {
        loop {
            if let Some(live) = self.at_hand(account, token).await? {
                return Ok(live);
            }
            let Some(grant) = self.shared.store.grant(account, token).await? else {
                return Ok(Live::Gone);
            };
            let now = self.shared.now();
            if grant.due.is_none_or(|due| due > now) {
                // Somebody else was quicker.
                continue;
            }
            if grant.lease_until <= now {
                match timeout_at(deadline, self.in_its_own_task(grant)).await {
                    Ok(outcome) => {
                        if outcome? != Outcome::NotMine {
                            continue;
                        }
                    }
                    // What was begun goes on without the caller, and may have come as far as the new token.
                    Err(_) => return Ok(self.at_hand(account, token).await?.unwrap_or_else(|| self.later())),
                }
            }
            if Instant::now() >= deadline {
                return Ok(self.later());
            }
            sleep(LOOK).await;
        }
    }

    /// Somebody else is at it.
    fn later(&self) -> Live {
        Live::Later {
            retry_at: self.shared.now().plus(WAIT),
            why: UNDER_WAY.to_owned(),
        }
    }

    /// Tries again what was given up, because a person asks.
    pub(crate) async fn try_again(&self, account: AccountId, token: GitTokenId) -> Result<(), Fault> {
        let grant = self.shared.store.grant(account, token).await?;
        if let Some(application) = grant.and_then(|grant| grant.application) {
            let now = self.shared.now();
            self.shared
                .store
                .try_refresh_again(account, application.id, Some(token), now)
                .await?;
        }
        Ok(())
    }

    /// Refreshes what is due, of every account. A provider that does not answer is left alone until the next run.
    pub async fn refresh_due(&self, now: Timestamp) -> Result<RefreshRun, Fault> {
        self.refresh_due_until(now, &watch::channel(false).1).await
    }

    async fn refresh_due_until(&self, now: Timestamp, stop: &watch::Receiver<bool>) -> Result<RefreshRun, Fault> {
        let mut run = RefreshRun::default();
        let mut silent: HashSet<String> = HashSet::new();
        let mut under_way = JoinSet::new();
        let mut waiting = VecDeque::new();
        let mut last = None;
        let mut more = true;
        loop {
            while under_way.len() < AT_ONCE && !*stop.borrow() {
                if waiting.is_empty() && more {
                    // On past those of silent providers, however many they are.
                    waiting.extend(self.shared.store.due_grants(now, last.as_ref(), BATCH).await?);
                    more = waiting.len() as u64 == BATCH;
                    last = waiting.back().cloned();
                }
                let Some(grant) = waiting.pop_front() else { break };
                let host = provider::host(&grant.provider.base_url);
                if silent.contains(&host) {
                    continue;
                }
                let refresh = self.clone();
                under_way.spawn(async move { (host, refresh.in_its_own_task(grant).await) });
            }
            let Some(ended) = under_way.join_next().await else {
                break;
            };
            match ended {
                Ok((_, Ok(Outcome::Refreshed))) => run.refreshed += 1,
                Ok((_, Ok(Outcome::NotMine))) => {}
                Ok((_, Ok(Outcome::Refused))) => run.failed += 1,
                Ok((host, Ok(Outcome::Unanswered))) => {
                    run.failed += 1;
                    silent.insert(host);
                }
                Ok((_, Err(fault))) => {
                    run.failed += 1;
                    tracing::error!(%fault, "a token could not be refreshed");
                }
                Err(error) => tracing::error!(%error, "a refresh broke off"),
            }
        }
        Ok(run)
    }

    /// Refreshes what is due every few seconds until `stop`.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            match self.refresh_due_until(self.shared.now(), &stop).await {
                Ok(run) if run != RefreshRun::default() => {
                    tracing::info!(refreshed = run.refreshed, failed = run.failed, "refreshed OAuth tokens");
                }
                Ok(_) => {}
                Err(fault) => tracing::error!(%fault, "OAuth tokens could not be refreshed"),
            }
            tokio::select! {
                () = sleep(PERIOD) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
    }

    /// Waits for the refreshes that are under way, and lets none begin.
    pub async fn finish(&self) {
        let all = u32::try_from(AT_ONCE).unwrap_or(u32::MAX);
        if let Ok(permits) = self.running.acquire_many(all).await {
            permits.forget();
        }
        self.running.close();
    }

    /// One try, which is brought to its end also when the caller goes away.
    async fn in_its_own_task(&self, grant: GrantRow) -> Result<Outcome, Fault> {
        let Ok(permit) = self.running.clone().acquire_owned().await else {
            return Ok(Outcome::NotMine);
        };
        let refresh = self.clone();
        let task = tokio::spawn(async move {
            let outcome = refresh.one(&grant).await;
            drop(permit);
            outcome
        });
        task.await
            .unwrap_or_else(|error| Err(Fault::Stored(format!("a refresh broke off: {error}"))))
    }

    async fn one(&self, grant: &GrantRow) -> Result<Outcome, Fault> {
        let shared = &self.shared;
        let (Some(refresh), Some(application)) = (&grant.refresh, &grant.application) else {
            // Deleted just now. Nothing of this is due any more.
            self.give_up(grant, RefreshNote::NoApplication).await?;
            return Ok(Outcome::Refused);
        };
        // All that may fail comes before the provider is asked.
        let Some(client) = shared.client(grant.account, &grant.provider, application).await? else {
            return Ok(Outcome::NotMine);
        };
        let sealer = shared.keys.sealer(grant.account).await?;
        let place = refresh_place(grant.account, grant.token, grant.user);
        let old = match sealer.open(&place, refresh) {
            Ok(old) => old,
            Err(error) => {
                tracing::error!(account = %grant.account, token = %grant.token, %error, "a refresh token does not open");
                self.give_up(grant, RefreshNote::Unreadable).await?;
                return Ok(Outcome::Refused);
            }
        };
        let now = shared.now();
        let left_behind = grant.sent_at.is_some() && !matches!(grant.note, Some(RefreshNote::InDoubt { .. }));
        let event = left_behind.then(|| self.in_doubt(grant));
        if !shared.store.take_refresh(grant, now, now.plus(LEASE), event).await? {
            return Ok(Outcome::NotMine);
        }
        match client.refresh(&old, &grant.redirect_uri).await {
            Ok(pair) => {
                if !self.keep(grant, &sealer, &pair).await? {
                    // Deleted or replaced meanwhile: nobody wants the new token, so it should not live on unseen.
                    let about = shared
                        .token_event(Actor::Patchbay, Action::TokenRevoking, grant)
                        .detail("refreshed while it was deleted");
                    let revocation = shared
                        .recorded(grant.account, about, client.revoke(&pair.access))
                        .await?;
                    tracing::warn!(account = %grant.account, token = %grant.token, ?revocation, "a token was deleted while it was refreshed");
                    return Ok(Outcome::NotMine);
                }
                self.look(grant.account, grant.token, true).await;
                Ok(Outcome::Refreshed)
            }
            Err(why) => {
                let answered = matches!(
                    why,
                    NoPair::Refused { .. } | NoPair::Client { .. } | NoPair::Otherwise { .. }
                );
                self.end(grant, &why).await?;
                Ok(if answered {
                    Outcome::Refused
                } else {
                    Outcome::Unanswered
                })
            }
        }
    }

    /// Notes that a token is not refreshed any more, without asking the provider.
    async fn give_up(&self, grant: &GrantRow, note: RefreshNote) -> Result<(), Fault> {
        let end = RefreshEnd {
            note,
            due: None,
            failures: grant.failures,
            in_doubt: false,
            event: None,
        };
        self.shared.store.end_refresh(grant, end).await
    }

    /// Saves a new pair, whatever happens. `false` if nobody wants it any more.
    async fn keep(&self, grant: &GrantRow, sealer: &Sealer, pair: &Pair) -> Result<bool, Fault> {
        let deadline = Instant::now() + KEEP_TRYING;
        let mut pause = FIRST_PAUSE;
        loop {
            let new = new_pair(grant, sealer, pair)?;
            match self.shared.store.save_refresh(grant, new).await {
                Ok(saved) => return Ok(saved || self.is_saved(grant, sealer, pair).await?),
                Err(fault) if Instant::now() + pause >= deadline => {
                    tracing::error!(account = %grant.account, token = %grant.token, %fault, "a refreshed token could not be saved and is lost");
                    return Err(fault);
                }
                Err(fault) => {
                    tracing::error!(account = %grant.account, token = %grant.token, %fault, "a refreshed token could not be saved: trying again");
                    sleep(pause).await;
                    pause = LONGEST_PAUSE.min(pause * 2);
                }
            }
        }
    }

    /// Whether an earlier try, of which that was not known, has saved the pair.
    async fn is_saved(&self, grant: &GrantRow, sealer: &Sealer, pair: &Pair) -> Result<bool, Fault> {
        let stored = self.shared.store.grant(grant.account, grant.token).await?;
        Ok(stored.is_some_and(|stored| stored.fingerprint == sealer.fingerprint(&pair.access)))
    }

    async fn end(&self, grant: &GrantRow, why: &NoPair) -> Result<(), Fault> {
        let shared = &self.shared;
        let now = shared.now();
        let was_in_doubt = grant.sent_at.is_some();
        let in_doubt = was_in_doubt || matches!(why, NoPair::Unknown { .. });
        let since = match &grant.note {
            Some(RefreshNote::Failing { since, .. } | RefreshNote::InDoubt { since }) => *since,
            _ => grant.sent_at.unwrap_or(now),
        };
        let failures = grant.failures.saturating_add(1);
        let note = match why {
            NoPair::Refused { code, .. } => RefreshNote::Refused {
                code: code.clone(),
                lost: was_in_doubt,
            },
            _ if now >= since.plus(refresh::GIVE_UP) && failures >= refresh::LEAST_TRIES => {
                RefreshNote::GaveUp { why: why.why() }
            }
            _ if in_doubt => RefreshNote::InDoubt { since },
            _ => RefreshNote::Failing { since, why: why.why() },
        };
        let is_final = note.is_final();
        let said = match why {
            NoPair::NotAsked { retry_at, .. } => *retry_at,
            NoPair::Refused { .. } | NoPair::Client { .. } | NoPair::Otherwise { .. } | NoPair::Unknown { .. } => None,
        };
        let next = refresh::retry(failures, now, random::chance(shared.random.as_ref()));
        tracing::warn!(account = %grant.account, token = %grant.token, why = why.why(), is_final, "an OAuth token was not refreshed");
        let newly_in_doubt = matches!(note, RefreshNote::InDoubt { .. })
            && !was_in_doubt
            && !matches!(grant.note, Some(RefreshNote::InDoubt { .. }));
        let event = if is_final {
            let failed = shared.token_event(Actor::Patchbay, Action::TokenRefreshFailed, grant);
            Some(failed.detail(format!("{}: {}", grant.hint, why.why())))
        } else {
            newly_in_doubt.then(|| self.in_doubt(grant))
        };
        let end = RefreshEnd {
            due: (!is_final).then(|| said.map_or(next, |said| said.max(next))),
            in_doubt: in_doubt && !is_final,
            note,
            failures,
            event,
        };
        shared.store.end_refresh(grant, end).await?;
        if is_final {
            // The provider may have killed the access token with it.
            self.check(grant.account, grant.token).await;
        }
        Ok(())
    }

    /// The record that the answer of a provider to a refresh is not known.
    fn in_doubt(&self, grant: &GrantRow) -> AuditEvent {
        self.shared
            .token_event(Actor::Patchbay, Action::TokenInDoubt, grant)
            .detail(grant.hint.clone())
    }

    /// Checks a stored OAuth token as it is and notes what came of it; `None` if that could not be done.
    pub(crate) async fn check(&self, account: AccountId, token: GitTokenId) -> Option<CheckOutcome> {
        self.look(account, token, false).await
    }

    /// The same; of a token that is new a refusal is not believed at once.
    async fn look(&self, account: AccountId, token: GitTokenId, is_new: bool) -> Option<CheckOutcome> {
        let checked = async {
            let Some(grant) = self.shared.store.grant(account, token).await? else {
                return Ok(None);
            };
            let place = credentials::place(account, token, grant.user);
            let secret = self.shared.keys.unseal(&place, &grant.sealed).await?;
            let outcome = self.ask(&grant, &secret, is_new).await?;
            let check = (CheckId(self.shared.uuid()), self.shared.now());
            let seen = (token, grant.fingerprint.as_slice());
            let noted = self.shared.store.note_check(account, seen, check, &outcome).await?;
            Ok::<_, Fault>(noted.then_some(outcome))
        };
        checked.await.unwrap_or_else(|fault| {
            tracing::error!(%account, %token, %fault, "a token could not be checked");
            None
        })
    }

    async fn ask(&self, grant: &GrantRow, secret: &SecretString, is_new: bool) -> Result<CheckOutcome, Fault> {
        let holder = match grant.user {
            Some(_) => HolderKind::User,
            None => HolderKind::Runtime,
        };
        let profile = self.shared.store.scope_profile(&grant.provider, holder).await?;
        let api_url = grant.provider.api();
        let allowance = Allowance::default();
        let inquiry = Inquiry {
            egress: &self.shared.egress,
            base_url: &grant.provider.base_url,
            api_url: &api_url,
            token: secret,
            format: TokenFormat::of(secret.expose_secret()),
            username: None,
            profile: &profile,
            now: self.shared.now(),
            allowance: &allowance,
            oauth: Some(Granted {
                scopes: grant.granted.as_deref(),
                ends: grant.access_ends,
            }),
        };
        Ok(check_new(grant.provider.kind, inquiry, is_new).await)
    }
}

/// Checks a token. One that `is_new` and refused is asked about once more, a second later.
pub(crate) async fn check_new(kind: domain::ProviderKind, inquiry: Inquiry<'_>, is_new: bool) -> CheckOutcome {
    let outcome = providers::check(kind, inquiry).await;
    if is_new && outcome == CheckOutcome::Refused(Refusal::BadCredentials) {
        sleep(SETTLE).await;
        return providers::check(kind, inquiry).await;
    }
    outcome
}

fn new_pair(grant: &GrantRow, sealer: &Sealer, pair: &Pair) -> Result<NewPair, Fault> {
    let place = credentials::place(grant.account, grant.token, grant.user);
    let refresh = pair
        .refresh
        .as_ref()
        .map(|refresh| sealer.seal(&refresh_place(grant.account, grant.token, grant.user), refresh))
        .transpose()?;
    Ok(NewPair {
        sealed: sealer.seal(&place, &pair.access)?,
        fingerprint: sealer.fingerprint(&pair.access),
        hint: token_format::hint(pair.access.expose_secret()),
        grant: NewGrant {
            // What refreshed it goes on refreshing it: where no new refresh token came, the old one is kept.
            refreshes: true,
            refresh,
            granted: pair.scopes.clone(),
            access_ends: pair.access_ends,
            refresh_ends: pair.refresh_ends,
            received: pair.received,
            redirect_uri: grant.redirect_uri.clone(),
        },
    })
}
