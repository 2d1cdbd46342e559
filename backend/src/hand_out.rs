//! Credentials for runtimes: what a runtime gets for its access key. It is recorded in the audit log before it leaves, in the transaction
//! that makes sure that the key was not revoked and no token deleted meanwhile; where that fails, nothing is handed out.

use crate::{
    Fault, access_keys,
    audit::{Action, Actor, AuditEvent},
    credentials,
    oauth::{Authorizations, Refresh, Standing},
    store::{AccessKeyRow, GitProviderRow, GitTokenRow, GrantState, HandOver, Handed, RuntimeRow},
};
use domain::{Expiry, GitTokenId, HolderKind, Timestamp, TokenStatus, UserId, token_format::TokenFormat};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
    net::IpAddr,
    sync::Arc,
    time::Duration,
};
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, timeout_at},
};
use zeroize::Zeroizing;

/// How many OAuth tokens are refreshed at the same time.
const AT_ONCE: usize = 16;
/// How long a runtime waits for that, and how long it is begun anew because a token changed meanwhile.
const WAIT: Duration = Duration::from_secs(15);
/// How often that is tried in any case.
const LEAST_TRIES: usize = 3;

/// Why nothing is handed out.
#[derive(Debug, thiserror::Error)]
pub enum HandOutError {
    /// No key, or one that was revoked. Never told apart.
    #[error("no such access key")]
    UnknownKey,
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What a runtime gets.
#[derive(Debug)]
pub enum HandedOut {
    /// What it has is what there is.
    Unchanged {
        /// What it has, by its tag.
        etag: String,
    },
    /// Everything that there is.
    Credentials {
        /// What it is known by: it changes when any of it does.
        etag: String,
        /// The document, as JSON.
        document: SecretString,
    },
}

/// Everything that a runtime gets; `S` is a secret, or what stands in its place.
#[derive(Serialize)]
struct Document<'a, S> {
    runtime: Named<'a>,
    git_provider: Provider<'a>,
    /// What works.
    credentials: Vec<Credential<'a, S>>,
    /// What is stored, and does not work.
    unusable: Vec<Unusable<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    id: String,
    name: &'a str,
}

#[derive(Serialize)]
struct Provider<'a> {
    kind: &'static str,
    name: &'a str,
    /// Its base URL, below which repositories are.
    url: &'a str,
}

#[derive(Serialize)]
struct Holder<'a> {
    /// `user` or `runtime`.
    kind: &'static str,
    /// The user's id.
    id: Option<UserId>,
    name: Option<&'a str>,
    email: Option<&'a str>,
}

#[derive(Serialize)]
struct Credential<'a, S> {
    id: GitTokenId,
    holder: Holder<'a>,
    /// `oauth` or `pat`.
    kind: &'static str,
    /// For Git over HTTPS.
    username: String,
    /// For Git over HTTPS: the token.
    password: S,
    /// Whose it is at the provider.
    login: &'a str,
    status: &'static str,
    /// RFC 3339; `null`: it never ends, or that is not known.
    expires_at: Option<String>,
}

#[derive(Serialize)]
struct Unusable<'a> {
    id: GitTokenId,
    holder: Holder<'a>,
    status: &'static str,
    why: String,
}

/// A secret that is written into the document.
struct Plain<'a>(&'a SecretString);

impl Serialize for Plain<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.expose_secret())
    }
}

/// What belongs to a key, as it is stored.
struct Place {
    key: AccessKeyRow,
    runtime: RuntimeRow,
    provider: GitProviderRow,
    tokens: Vec<GitTokenRow>,
    /// How it stands with those that came by OAuth.
    grants: HashMap<GitTokenId, GrantState>,
    /// Those that work, as far as is known.
    secrets: HashMap<GitTokenId, SecretString>,
    /// Why each of the others does not.
    unusable: HashMap<GitTokenId, String>,
    names: HashMap<UserId, (String, String)>,
}

/// The service.
#[derive(Clone)]
pub struct HandOut {
    shared: Arc<Authorizations>,
    refresh: Refresh,
}

impl HandOut {
    /// Wires the service.
    pub(crate) fn new(shared: Arc<Authorizations>, refresh: Refresh) -> Self {
        Self { shared, refresh }
    }

    /// What a runtime gets for its key, unless `has` says that of its tag: then it only hears that nothing changed. `from` is the
    /// network address that asks.
    pub async fn credentials(
        &self,
        key: &SecretString,
        has: impl Fn(&str) -> bool,
        from: IpAddr,
    ) -> Result<HandedOut, HandOutError> {
        let deadline = Instant::now() + WAIT;
        for tries in 1.. {
            let place = self.place(key, deadline).await?;
            let etag = tag(&place)?;
            let now = self.shared.now();
            if has(&etag) {
                let used = place.usable().map(|token| token.id);
                self.shared.store.still_used(&place.key, used, now).await?;
                return Ok(HandedOut::Unchanged { etag });
            }
            let document = place.secret_document()?;
            let over = HandOver {
                key: &place.key,
                runtime: &place.runtime,
                provider: &place.provider,
                tokens: place
                    .usable()
                    .map(|token| (token.id, token.fingerprint.clone()))
                    .collect(),
                from,
                now,
            };
            let events = |new: &HashSet<GitTokenId>| place.events(new, from, now);
            match self.shared.store.hand_out(&over, events).await? {
                Handed::Recorded => {
                    tracing::info!(
                        account = %place.key.account, runtime = %place.runtime.id, key = %place.key.id,
                        tokens = over.tokens.len(), "handed credentials out"
                    );
                    return Ok(HandedOut::Credentials { etag, document });
                }
                Handed::Revoked => return Err(HandOutError::UnknownKey),
                // Refreshing may have taken all of the time.
                Handed::Changed if tries < LEAST_TRIES || Instant::now() < deadline => {}
                Handed::Changed => break,
            }
        }
        Err(Fault::Stored("the tokens of a runtime changed each time that they were read".to_owned()).into())
    }

    /// What belongs to a key, with the OAuth tokens refreshed where that was due.
    async fn place(&self, key: &SecretString, deadline: Instant) -> Result<Place, HandOutError> {
        let store = &self.shared.store;
        // Hashes are looked up, so how long that takes tells nothing of the key.
        let key = store.access_key_with(&access_keys::hash(key)).await?;
        let key = key.ok_or(HandOutError::UnknownKey)?;
        let runtime = store.runtime(key.account, key.runtime).await?;
        let runtime = runtime.ok_or(HandOutError::UnknownKey)?;
        let provider = store.git_provider(key.account, runtime.git_provider).await?;
        let provider = provider.ok_or(HandOutError::UnknownKey)?;
        let grants = self.refreshed(&key, deadline).await?;
        let tokens = store.tokens_for(key.account, key.runtime).await?;
        let people: Vec<_> = tokens.iter().filter_map(|token| token.user).collect();
        let names = store.names_of(&people).await?;
        let sealer = self.shared.keys.sealer(key.account).await?;
        let now = self.shared.now();
        let (mut secrets, mut unusable) = (HashMap::new(), HashMap::new());
        for token in &tokens {
            if let Some(why) = why_not(token, grants.get(&token.id), now) {
                unusable.insert(token.id, why);
                continue;
            }
            match sealer.open(&credentials::place(key.account, token.id, token.user), &token.sealed) {
                Ok(secret) => {
                    secrets.insert(token.id, secret);
                }
                Err(error) => {
                    tracing::error!(account = %key.account, token = %token.id, %error, "a token does not open");
                    let why = "What is stored cannot be opened. Its holder adds the token again.";
                    unusable.insert(token.id, why.to_owned());
                }
            }
        }
        Ok(Place {
            key,
            runtime,
            provider,
            tokens,
            grants,
            secrets,
            unusable,
            names,
        })
    }

    /// How it stands with the OAuth tokens of a runtime, those that are due refreshed, as far as that is done by the deadline.
    async fn refreshed(&self, key: &AccessKeyRow, deadline: Instant) -> Result<HashMap<GitTokenId, GrantState>, Fault> {
        let (account, now) = (key.account, self.shared.now());
        let grants = self.shared.store.grant_states(account, key.runtime).await?;
        let due: Vec<GitTokenId> = grants
            .iter()
            .filter(|(_, grant)| grant.is_due(now))
            .map(|(token, _)| *token)
            .collect();
        if due.is_empty() {
            return Ok(grants);
        }
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        let mut asked = JoinSet::new();
        for token in due {
            let (refresh, at_once) = (self.refresh.clone(), at_once.clone());
            asked.spawn(async move {
                let _turn = at_once.acquire_owned().await;
                (token, refresh.live(account, token).await)
            });
        }
        while let Ok(Some(answer)) = timeout_at(deadline, asked.join_next()).await {
            // What came of it is read below.
            match answer {
                Ok((_, Ok(_))) => {}
                Ok((token, Err(fault))) => {
                    tracing::error!(%account, %token, %fault, "a token could not be refreshed before it is handed out");
                }
                Err(error) => tracing::error!(%account, %error, "a refresh broke off"),
            }
        }
        self.shared.store.grant_states(account, key.runtime).await
    }
}

impl Place {
    /// The tokens that work, as far as is known.
    fn usable(&self) -> impl Iterator<Item = &GitTokenRow> {
        self.tokens.iter().filter(|token| self.secrets.contains_key(&token.id))
    }

    /// When what is handed out ends: of an OAuth token the access token, also when that is refreshed ahead of its end.
    fn end(&self, token: &GitTokenRow) -> Option<Timestamp> {
        let of_grant = self.grants.get(&token.id).and_then(|grant| grant.access_ends);
        of_grant.or(match token.expiry() {
            Expiry::At(end) => Some(end),
            Expiry::Never | Expiry::Unknown => None,
        })
    }

    /// The document as it leaves.
    fn secret_document(&self) -> Result<SecretString, Fault> {
        let document = self.document(|token| self.secrets.get(&token.id).map(Plain));
        let text = Zeroizing::new(serde_json::to_string(&document).map_err(|error| Fault::Stored(error.to_string()))?);
        Ok(SecretString::from(text.as_str()))
    }

    /// The document, with what stands for the secret of each token that works.
    fn document<'p, S>(&'p self, secret: impl Fn(&'p GitTokenRow) -> Option<S>) -> Document<'p, S> {
        let credentials = self.usable().filter_map(|token| {
            let format = TokenFormat::of(&token.hint);
            Some(Credential {
                id: token.id,
                holder: self.holder(token),
                kind: if token.oauth { "oauth" } else { "pat" },
                username: self
                    .provider
                    .kind
                    .git_username(format, token.username.as_deref(), &token.identity.login),
                password: secret(token)?,
                login: &token.identity.login,
                status: token.status.as_str(),
                expires_at: self.end(token).map(Timestamp::rfc3339),
            })
        });
        let credentials = credentials.collect();
        let unusable = self.tokens.iter().filter_map(|token| {
            Some(Unusable {
                id: token.id,
                holder: self.holder(token),
                status: token.status.as_str(),
                why: self.unusable.get(&token.id)?.clone(),
            })
        });
        Document {
            runtime: Named {
                id: self.runtime.id.to_string(),
                name: &self.runtime.name,
            },
            git_provider: Provider {
                kind: self.provider.kind.as_str(),
                name: &self.provider.name,
                url: &self.provider.base_url,
            },
            credentials,
            unusable: unusable.collect(),
        }
    }

    fn holder(&self, token: &GitTokenRow) -> Holder<'_> {
        let known = token.user.and_then(|user| self.names.get(&user));
        Holder {
            kind: match token.user {
                Some(_) => HolderKind::User.as_str(),
                None => HolderKind::Runtime.as_str(),
            },
            id: token.user,
            name: known.map(|(name, _)| name.as_str()),
            email: known.map(|(_, email)| email.as_str()),
        }
    }

    /// The record of what is handed out: each credential that is `new`, and the whole.
    fn events(&self, new: &HashSet<GitTokenId>, from: IpAddr, now: Timestamp) -> Vec<AuditEvent> {
        let event = |action| {
            let actor = Actor::AccessKey {
                name: self.key.name.clone(),
                from,
            };
            AuditEvent::new(actor, action, now)
                .runtime(self.runtime.id, &self.runtime.name)
                .git_provider(self.provider.id, &self.provider.name)
        };
        let handed = |token: &GitTokenRow| {
            let event = event(Action::TokenHandedOut).token(token.id).detail(&token.hint);
            match token.user {
                Some(user) => event.person(user, self.names.get(&user).map_or("", |(name, _)| name)),
                None => event,
            }
        };
        let all = self.usable().count();
        let mut events: Vec<_> = self
            .usable()
            .filter(|token| new.contains(&token.id))
            .map(handed)
            .collect();
        if all > 0 {
            let detail = format!("{all} in all, {} of them new to this key at this address", events.len());
            events.push(event(Action::CredentialsFetched).detail(detail));
        }
        events
    }
}

/// Why a token does not work, if that is known.
fn why_not(token: &GitTokenRow, grant: Option<&GrantState>, now: Timestamp) -> Option<String> {
    if let Some(Standing::Later(why) | Standing::Dead(why)) = grant.map(|grant| grant.standing(token.status, now)) {
        return Some(why);
    }
    let why = match (token.status, token.expiry()) {
        (TokenStatus::Invalid, _) => "The Git provider does not accept it.",
        (TokenStatus::Expired, _) => "It has expired.",
        (_, Expiry::At(end)) if end <= now => "It has expired.",
        _ => return None,
    };
    Some(why.to_owned())
}

/// What the whole is known by: a hash of the document with each token's keyed fingerprint in its place.
fn tag(place: &Place) -> Result<String, Fault> {
    let document = place.document(|token| Some(&token.fingerprint));
    let text = serde_json::to_vec(&document).map_err(|error| Fault::Stored(error.to_string()))?;
    let digest = Sha256::digest(text);
    let mut etag = String::with_capacity(34);
    etag.push('"');
    for byte in digest.iter().take(16) {
        let _ = write!(etag, "{byte:02x}");
    }
    etag.push('"');
    Ok(etag)
}
