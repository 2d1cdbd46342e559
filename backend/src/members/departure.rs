//! Somebody goes, by an admin's wish or their own, and it is asked what becomes of their tokens.

use super::{AT_ONCE, MemberError, Members, called, stays};
use crate::{
    access::Member,
    audit::{Action, Actor},
    credentials::Credentials,
    oauth::Authorizations,
    store::{AccessKeyRow, GrantRow, Holding, LeftTokens, MemberRow, Told},
};
use domain::{Role, RuntimeId, UserId};
use std::{collections::HashMap, sync::Arc};
use tokio::task::JoinSet;

/// How many tokens of one departure are revoked at once.
const TOKENS_AT_ONCE: usize = 4;

/// What becomes of the tokens of somebody who goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// They are deleted here, and their providers are asked to take them back.
    Revoke,
    /// They are deleted here.
    Delete,
    /// They go on serving their runtimes until they end.
    Keep,
}

impl Fate {
    /// The word in a form.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Revoke => "revoke",
            Self::Delete => "delete",
            Self::Keep => "keep",
        }
    }

    /// The fate that a word names.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        [Self::Revoke, Self::Delete, Self::Keep]
            .into_iter()
            .find(|fate| fate.as_str() == word)
    }

    /// What a record says of it.
    const fn detail(self) -> &'static str {
        match self {
            Self::Revoke => "tokens deleted and revoked",
            Self::Delete => "tokens deleted",
            Self::Keep => "tokens kept",
        }
    }
}

/// Somebody who may go, and what goes with them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Departure {
    /// Who.
    pub user: UserId,
    /// The person's name.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// Whether the account would be left without an admin, so that they cannot go.
    pub last_admin: bool,
    /// The runtimes for which they have a token, by name.
    pub runtimes: Vec<String>,
    /// The access keys that they issued, each with its runtime's name: these go on working.
    pub keys: Vec<(String, String)>,
}

impl Members {
    /// What would go with a member. An admin may ask about everybody, and everybody about themself.
    pub async fn departure(&self, member: &Member, user: UserId) -> Result<Departure, MemberError> {
        let row = self.departing(member, user).await?;
        let account = member.account();
        let tokens = self.store.git_tokens_of(account, user).await?;
        let mut runtimes = self.store.runtimes(account).await?;
        let keys = self.store.access_keys_by(account, user).await?;
        let name = |id| runtimes.iter().find(|runtime| runtime.id == id);
        let named = |key: AccessKeyRow| Some((key.name, name(key.runtime)?.name.clone()));
        let keys = keys.into_iter().filter_map(named).collect();
        runtimes.retain(|runtime| tokens.iter().any(|token| token.runtime == runtime.id));
        let others = self.store.members(account).await?;
        let last_admin = row.role == Role::Admin
            && !others
                .iter()
                .any(|other| other.user != user && other.role == Role::Admin);
        Ok(Departure {
            user,
            name: row.name,
            role: row.role,
            last_admin,
            runtimes: runtimes.into_iter().map(|runtime| runtime.name).collect(),
            keys,
        })
    }

    /// Ends a membership: an admin that of anybody, everybody their own, but never that of the last admin. Where the tokens are to be
    /// revoked, that happens in the background, since there may be many.
    pub async fn remove(&self, member: &Member, user: UserId, fate: Fate) -> Result<(), MemberError> {
        let row = self.departing(member, user).await?;
        let account = member.account();
        let actor = member.user();
        let action = if actor == user {
            Action::MemberLeft
        } else {
            Action::MemberRemoved
        };
        let names: HashMap<RuntimeId, String> = self
            .store
            .runtimes(account)
            .await?
            .into_iter()
            .map(|runtime| (runtime.id, runtime.name))
            .collect();
        let records = |told: Told<'_>| match told {
            Told::Wish => self
                .event(member, action, format!("{}, {}", called(&row), fate.detail()))
                .person(user, &row.name),
            Told::Token(token) => self
                .event(
                    member,
                    Action::TokenDeleted,
                    format!("{}, with {}", token.hint, called(&row)),
                )
                .runtime(token.runtime, names.get(&token.runtime).cloned().unwrap_or_default())
                .git_provider(token.git_provider.0, token.git_provider.1)
                .token(token.id)
                .person(user, &row.name),
            Told::Invitation(role, email) => self.orphaned(member, &row, role, email),
        };
        // Nobody closes it; before the transaction, so that stopping waits for what follows from that.
        let running = self.running.clone().acquire_owned().await.ok();
        let now = self.clock.now();
        let delete = fate != Fate::Keep;
        let removed = self.store.remove_member(account, user, actor, delete, now, &records);
        let left = removed.await?.map_err(stays)?;
        let tokens = left.each().count();
        tracing::info!(%account, user = %actor, member = %user, ?fate, tokens, "ended a membership");
        if fate == Fate::Revoke && tokens > 0 {
            let (members, actor) = (self.clone(), Actor::from(member));
            tokio::spawn(async move {
                members.take_back(&actor, &left).await;
                drop(running);
            });
        }
        Ok(())
    }

    /// Waits until the tokens of those who went are revoked, as far as they can be.
    pub async fn finish(&self) {
        drop(self.running.acquire_many(AT_ONCE).await);
    }

    /// Somebody whom this member may ask to go.
    async fn departing(&self, member: &Member, user: UserId) -> Result<MemberRow, MemberError> {
        if user != member.user() {
            member.require_admin()?;
        }
        let row = self.store.member(member.account(), user).await?;
        row.ok_or(MemberError::NotFound)
    }

    /// Has the providers take these tokens back, which also records it.
    async fn take_back(&self, actor: &Actor, left: &LeftTokens) {
        let mut tasks: JoinSet<()> = JoinSet::new();
        for token in wanted(left) {
            if tasks.len() >= TOKENS_AT_ONCE {
                tasks.join_next().await;
            }
            tasks.spawn(token.take_back(self.authorizations.clone(), actor.clone()));
        }
        tasks.join_all().await;
    }
}

/// A token to be revoked.
enum Wanted {
    Personal(Box<Holding>),
    Authorized(Box<GrantRow>),
}

/// Each token once, also if it stood in several rows.
fn wanted(left: &LeftTokens) -> Vec<Wanted> {
    let mut seen = Vec::new();
    let mut is_new = |fingerprint: &Vec<u8>| {
        let new = !seen.contains(fingerprint);
        seen.push(fingerprint.clone());
        new
    };
    let personal = left.personal.iter().filter(|token| is_new(&token.fingerprint));
    let personal: Vec<Wanted> = personal
        .map(|token| Wanted::Personal(Box::new(token.clone())))
        .collect();
    let authorized = left.authorized.iter();
    let authorized = authorized.map(|token| Wanted::Authorized(Box::new(token.clone())));
    personal.into_iter().chain(authorized).collect()
}

impl Wanted {
    async fn take_back(self, authorizations: Arc<Authorizations>, actor: Actor) {
        let (id, asked) = match self {
            Self::Personal(token) => {
                let Authorizations {
                    store,
                    keys,
                    egress,
                    clock,
                    random,
                    ..
                } = Authorizations::clone(&authorizations);
                let credentials = Credentials::new(store, keys, egress, clock, random);
                (token.id, credentials.take_back(&token, &actor).await)
            }
            Self::Authorized(grant) => (grant.token, authorizations.take_back(&grant, &actor).await),
        };
        if let Err(fault) = asked {
            tracing::error!(token = %id, %fault, "a token was not revoked, since that could not be recorded");
        }
    }
}
