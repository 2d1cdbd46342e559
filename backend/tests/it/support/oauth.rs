//! Many OAuth tokens at once, for tests of what keeps them alive.

use super::{ManualClock, SeededRandom, World};
use crate::oauth::Stage;
use backend::{
    audit::{Action, Actor, AuditEvent},
    clock::Clock as _,
    egress::{Egress, EgressPolicy, EgressSettings, Request},
    keys::AccountKeys,
    random,
    store::{GrantRow, NewGitToken, NewGrant},
    vault::Place,
};
use domain::{
    AccountId, CheckId, Expiry, Findings, GitIdentity, GitTokenId, OAuthApplicationId, RuntimeId, UserId, token_format,
};
use secrecy::{ExposeSecret as _, SecretString};
use std::{sync::Arc, time::Duration};

/// Seals and opens what a world stores, behind the back of its services.
pub(crate) struct Vault {
    keys: AccountKeys,
    random: Arc<SeededRandom>,
    clock: Arc<ManualClock>,
}

impl Vault {
    pub(crate) async fn of(world: &World, seed: u64) -> Self {
        let random = Arc::new(SeededRandom::new(seed));
        let clock = world.clock.clone();
        let opened = AccountKeys::open(world.store.clone(), world.master(), clock.clone(), random.clone());
        Self {
            keys: opened.await.unwrap(),
            random,
            clock,
        }
    }

    /// The access token that is stored.
    pub(crate) async fn open(&self, grant: &GrantRow) -> String {
        let place = place(grant.account, grant.token, grant.user, ("git_tokens", "sealed"));
        let opened = self.keys.unseal(&place, &grant.sealed).await.unwrap();
        opened.expose_secret().to_owned()
    }

    fn uuid(&self) -> uuid::Uuid {
        random::uuid(self.random.as_ref(), self.clock.as_ref())
    }
}

fn place(
    account: AccountId,
    token: GitTokenId,
    user: Option<UserId>,
    (table, column): (&'static str, &'static str),
) -> Place {
    Place {
        account,
        table,
        row: token.0,
        column,
        user,
    }
}

/// Stores for each runtime an OAuth token of Mira, as an authorisation by this application would that took place just now, in place
/// of the one that is there.
pub(crate) async fn seed_tokens(stage: &Stage, vault: &Vault, application: OAuthApplicationId, runtimes: &[RuntimeId]) {
    for runtime in runtimes {
        seed_token(stage, vault, application, *runtime).await;
    }
}

async fn seed_token(stage: &Stage, vault: &Vault, application: OAuthApplicationId, runtime: RuntimeId) {
    let (store, now) = (&stage.world.store, stage.world.clock.now());
    let (account, user) = (stage.mira.account(), stage.mira.user());
    let scopes = ["read_api", "write_repository"];
    let issued = stage
        .world
        .forge
        .issue_grant(stage.at_forge.id, "mira", scopes)
        .unwrap();
    let id = GitTokenId(vault.uuid());
    let sealed = async |text: &str, column| {
        let place = place(account, id, Some(user), column);
        vault.keys.seal(&place, &text.into()).await.unwrap()
    };
    let access = SecretString::from(issued.access.value.as_str());
    let refresh = sealed(&issued.refresh.unwrap(), ("oauth_grants", "sealed_refresh")).await;
    let token = NewGitToken {
        id,
        user: Some(user),
        runtime,
        sealed: sealed(&issued.access.value, ("git_tokens", "sealed")).await,
        fingerprint: vault.keys.fingerprint(account, &access).await.unwrap(),
        hint: token_format::hint(&issued.access.value),
        format: None,
        username: None,
        entered: None,
        copy_of: None,
        grant: Some((
            application,
            NewGrant {
                refreshes: true,
                refresh: Some(refresh),
                granted: None,
                access_ends: issued.expires_in.map(|life| now.plus(Duration::from_secs(life))),
                refresh_ends: None,
                received: now,
                redirect_uri: String::new(),
            },
        )),
        findings: Findings {
            identity: GitIdentity {
                id: "1".to_owned(),
                login: "mira".to_owned(),
            },
            scopes: Vec::new(),
            expiry: Expiry::Never,
        },
        checked: (CheckId(vault.uuid()), now),
        next_check: now,
    };
    let runtime = store.runtime(account, runtime).await.unwrap().unwrap();
    let provider = store
        .git_provider(account, runtime.git_provider)
        .await
        .unwrap()
        .unwrap();
    let event = AuditEvent::new(Actor::Patchbay, Action::TokenAuthorized, now);
    assert!(store.put_git_token(account, &provider, token, event).await.unwrap());
}

/// Which of these access tokens the stand-in's GitLab accepts, in their order.
pub(crate) async fn accepted(world: &World, tokens: &[String]) -> Vec<bool> {
    let policy = EgressPolicy::new(vec!["127.0.0.1".parse().unwrap()]);
    let random = Arc::new(SeededRandom::new(9));
    let client = Egress::new(policy, EgressSettings::default(), random).unwrap();
    let address: url::Url = format!("{}/api/v4/user", world.forge.url()).parse().unwrap();
    let mut accepted = Vec::new();
    for token in tokens {
        let request = Request::new(address.clone()).bearer(&token.as_str().into()).unwrap();
        accepted.push(client.get(request).await.unwrap().status.is_success());
    }
    accepted
}
