//! Credentials for runtimes: what a runtime gets for its access key. Each credential is recorded in the audit log before it leaves, in
//! the transaction that makes sure that the key was not revoked and the token not deleted meanwhile; where that fails, nothing is
//! handed out.

use crate::{
    Fault, access_keys,
    audit::{Action, Actor, AuditEvent},
    credentials,
    oauth::{Authorizations, Live, Refresh},
    store::{AccessKeyRow, GitProviderRow, GitTokenRow, Handed, RuntimeRow},
};
use domain::{Expiry, GitTokenId, HolderKind, Timestamp, TokenStatus, UserId, token_format::TokenFormat};
use secrecy::{ExposeSecret as _, SecretString};
use serde::{Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use std::{collections::HashMap, fmt::Write as _, net::IpAddr, sync::Arc, time::Duration};
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, timeout_at},
};
use zeroize::Zeroizing;

/// How many OAuth tokens are made sure of at the same time.
const AT_ONCE: usize = 16;
/// How long a runtime waits for them: what is not sure by then is told as such.
const WAIT: Duration = Duration::from_secs(15);
/// How often it is begun anew because a token changed meanwhile.
const TRIES: usize = 3;

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
struct Plain(SecretString);

impl Serialize for Plain {
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
    /// Why each of those that do not work does not.
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
        for _ in 0..TRIES {
            let place = self.place(key).await?;
            let etag = tag(&place)?;
            let now = self.shared.now();
            if has(&etag) {
                let used = place.usable().map(|token| token.id);
                self.shared.store.still_used(&place.key, used, now).await?;
                return Ok(HandedOut::Unchanged { etag });
            }
            let document = self.document(&place).await?;
            let tokens: Vec<_> = place
                .usable()
                .map(|token| (token.id, token.fingerprint.clone()))
                .collect();
            let events = place.events(from, now);
            let count = tokens.len();
            match self.shared.store.hand_out(&place.key, &tokens, now, events).await? {
                Handed::Recorded => {
                    tracing::info!(
                        account = %place.key.account, runtime = %place.runtime.id, key = %place.key.id, tokens = count,
                        "handed credentials out"
                    );
                    return Ok(HandedOut::Credentials { etag, document });
                }
                Handed::Revoked => return Err(HandOutError::UnknownKey),
                Handed::Changed => {}
            }
        }
        Err(Fault::Stored("the tokens of a runtime changed each time that they were read".to_owned()).into())
    }

    /// What belongs to a key, with the OAuth tokens refreshed where that was due.
    async fn place(&self, key: &SecretString) -> Result<Place, HandOutError> {
        let store = &self.shared.store;
        // Hashes are looked up, so how long that takes tells nothing of the key.
        let key = store.access_key_with(&access_keys::hash(key)).await?;
        let key = key.ok_or(HandOutError::UnknownKey)?;
        let runtime = store.runtime(key.account, key.runtime).await?;
        let runtime = runtime.ok_or(HandOutError::UnknownKey)?;
        let provider = store.git_provider(key.account, runtime.git_provider).await?;
        let provider = provider.ok_or(HandOutError::UnknownKey)?;
        let mut unusable = self.make_sure(&key).await?;
        // As they are now, with what was refreshed.
        let tokens = store.tokens_for(key.account, key.runtime).await?;
        let now = self.shared.now();
        for token in &tokens {
            if let Some(why) = ended(token, now) {
                unusable.entry(token.id).or_insert_with(|| why.to_owned());
            }
        }
        let people: Vec<_> = tokens.iter().filter_map(|token| token.user).collect();
        let names = store.names_of(&people).await?;
        Ok(Place {
            key,
            runtime,
            provider,
            tokens,
            unusable,
            names,
        })
    }

    /// Has the OAuth tokens of a runtime refreshed where that is due; tells which do not work, and why.
    async fn make_sure(&self, key: &AccessKeyRow) -> Result<HashMap<GitTokenId, String>, Fault> {
        let tokens = self.shared.store.tokens_for(key.account, key.runtime).await?;
        let account = key.account;
        let (at_once, deadline) = (Arc::new(Semaphore::new(AT_ONCE)), Instant::now() + WAIT);
        let mut unusable = HashMap::new();
        let mut asked = JoinSet::new();
        for token in tokens.into_iter().filter(|token| token.oauth).map(|token| token.id) {
            unusable.insert(token, "It is just being refreshed.".to_owned());
            let (refresh, at_once) = (self.refresh.clone(), at_once.clone());
            asked.spawn(async move {
                let _turn = at_once.acquire_owned().await;
                (token, refresh.live(account, token).await)
            });
        }
        while let Ok(Some(answer)) = timeout_at(deadline, asked.join_next()).await {
            let (token, live) = answer?;
            match live? {
                Live::Token(_) | Live::Gone => unusable.remove(&token),
                Live::Later { why, .. } | Live::Dead { why } => unusable.insert(token, why),
            };
        }
        Ok(unusable)
    }

    async fn document(&self, place: &Place) -> Result<SecretString, Fault> {
        let mut secrets = HashMap::new();
        for token in place.usable() {
            let sealed_to = credentials::place(place.key.account, token.id, token.user);
            secrets.insert(token.id, self.shared.keys.unseal(&sealed_to, &token.sealed).await?);
        }
        let document = place.document(|token| secrets.remove(&token.id).map(Plain));
        let text = Zeroizing::new(serde_json::to_string(&document).map_err(|error| Fault::Stored(error.to_string()))?);
        Ok(SecretString::from(text.as_str()))
    }
}

impl Place {
    /// The tokens that work, as far as is known.
    fn usable(&self) -> impl Iterator<Item = &GitTokenRow> {
        self.tokens
            .iter()
            .filter(|token| !self.unusable.contains_key(&token.id))
    }

    fn document<'p, S>(&'p self, mut secret: impl FnMut(&'p GitTokenRow) -> Option<S>) -> Document<'p, S> {
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
                expires_at: match token.expiry() {
                    Expiry::At(end) => Some(end.rfc3339()),
                    Expiry::Never | Expiry::Unknown => None,
                },
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

    /// The record of each credential that is handed out.
    fn events(&self, from: IpAddr, now: Timestamp) -> Vec<AuditEvent> {
        let handed = |token: &GitTokenRow| {
            let actor = Actor::AccessKey {
                name: self.key.name.clone(),
                from,
            };
            let event = AuditEvent::new(actor, Action::TokenHandedOut, now)
                .runtime(self.runtime.id, &self.runtime.name)
                .git_provider(self.provider.id, &self.provider.name)
                .token(token.id)
                .detail(&token.hint);
            match token.user {
                Some(user) => event.person(user, self.names.get(&user).map_or("", |(name, _)| name)),
                None => event,
            }
        };
        self.usable().map(handed).collect()
    }
}

/// Why a token does not work, if that is known of it by itself.
fn ended(token: &GitTokenRow, now: Timestamp) -> Option<&'static str> {
    match (token.status, token.expiry()) {
        (TokenStatus::Invalid, _) => Some("The Git provider does not accept it."),
        (TokenStatus::Expired, _) => Some("It has expired."),
        (_, Expiry::At(end)) if end <= now => Some("It has expired."),
        _ => None,
    }
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
