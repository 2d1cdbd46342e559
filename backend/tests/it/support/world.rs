//! A Patchbay over a test database, with a clock and randomness that the test holds, and a stand-in GitHub.

use super::TestDatabase;
use backend::{
    Services,
    access::{Member, NewAdmin, Session, SetUp, SignedIn},
    clock::Clock,
    egress::{Egress, EgressPolicy, EgressSettings},
    git_providers::GitProviderForm,
    random::Random,
    runtimes::RuntimeForm,
    store::Store,
    vault::MasterKeys,
};
use domain::{ProviderKind, Role, RuntimeId, Timestamp};
use forge::{Account, Forge, Provider};
use secrecy::ExposeSecret as _;
use sha2::{Digest as _, Sha256};
use std::sync::{
    Arc,
    atomic::{AtomicI64, AtomicU64, Ordering},
};

/// The password of everybody here.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A clock that stands until it is moved.
pub(crate) struct ManualClock(AtomicI64);

impl ManualClock {
    /// Standing at so many milliseconds since 1970.
    pub(crate) const fn at(millis: i64) -> Self {
        Self(AtomicI64::new(millis))
    }

    pub(crate) fn forward(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

/// Bytes that look random and are the same in every run: SHA-256 over a count.
pub(crate) struct SeededRandom(AtomicU64);

impl SeededRandom {
    pub(crate) const fn new(seed: u64) -> Self {
        Self(AtomicU64::new(seed << 32))
    }
}

impl Random for SeededRandom {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let block = Sha256::digest(self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}

/// The master keys of every world.
fn master() -> Arc<MasterKeys> {
    let key = base64::Engine::encode(&base64::prelude::BASE64_URL_SAFE_NO_PAD, [7; 32]);
    Arc::new(MasterKeys::parse(&format!("patchbay-master-1:{key}")).unwrap())
}

/// Services over a migrated database of a world; each with a seed of its own, or they would make the same ids.
pub(crate) async fn services(store: Store, clock: Arc<ManualClock>, seed: u64) -> Services {
    // Short enough that a test of silence is quick, long enough for a busy machine.
    let settings = EgressSettings {
        total_timeout: std::time::Duration::from_secs(2),
        ..EgressSettings::default()
    };
    services_with(store, clock, seed, settings).await
}

/// The same with other bounds for requests.
pub(crate) async fn services_with(
    store: Store,
    clock: Arc<ManualClock>,
    seed: u64,
    settings: EgressSettings,
) -> Services {
    let random = Arc::new(SeededRandom::new(seed));
    let policy = EgressPolicy::new(vec!["127.0.0.1".parse().unwrap()]);
    let egress = Egress::new(policy, settings, random.clone()).unwrap();
    Services::new(
        store,
        master(),
        egress,
        clock,
        random,
        "https://patchbay.example/".parse().unwrap(),
    )
    .await
    .unwrap()
}

/// Everything a story needs.
pub(crate) struct World {
    /// On the heap: the futures of whole stories hold them.
    pub(crate) services: Box<Services>,
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) forge: Forge,
    database: TestDatabase,
    master: Arc<MasterKeys>,
}

impl World {
    /// A migrated database, nothing in it.
    pub(crate) async fn empty(database: TestDatabase) -> Self {
        let store = Store::connect(database.url()).await.unwrap();
        store.migrate().await.unwrap();
        let master = master();
        let clock = Arc::new(ManualClock::at(1_795_348_800_000));
        let services = Box::new(services(store.clone(), clock.clone(), 1).await);
        let forge = Forge::start().await;
        forge.put_account("mira", Account::with_password(PASSWORD));
        Self {
            services,
            store,
            clock,
            forge,
            database,
            master,
        }
    }

    /// The account `acme` with its admin Mira, who is signed in.
    pub(crate) async fn set_up(database: TestDatabase) -> (Self, Member) {
        let world = Self::empty(database).await;
        let signed_in = world.set_up_account().await;
        let member = world.member(signed_in.cookie.expose_secret(), "acme").await;
        (world, member)
    }

    /// Walks through the set-up page.
    pub(crate) async fn set_up_account(&self) -> SignedIn {
        let code = self.services.access.issue_set_up_link().await.unwrap().unwrap();
        let form = SetUp {
            account_name: "Acme".to_owned(),
            name: "Mira Rao".to_owned(),
            email: "mira@acme.dev".to_owned(),
            password: PASSWORD.to_owned().into(),
        };
        self.services
            .access
            .set_up(code.expose_secret(), form, std::net::Ipv4Addr::LOCALHOST.into())
            .await
            .unwrap()
    }

    /// The member that a cookie stands for.
    pub(crate) async fn member(&self, cookie: &str, account: &str) -> Member {
        let session = self.services.access.resume(cookie).await.unwrap();
        self.services.access.member(session.as_ref(), account).await.unwrap()
    }

    /// Signs somebody in.
    pub(crate) async fn sign_in(&self, email: &str) -> Session {
        let here = std::net::Ipv4Addr::LOCALHOST.into();
        let password = PASSWORD.to_owned().into();
        let signed_in = self.services.access.sign_in(email, &password, here).await.unwrap();
        let cookie = signed_in.cookie.expose_secret();
        self.services.access.resume(cookie).await.unwrap().unwrap()
    }

    /// Somebody who signs in, as a member of `acme`.
    pub(crate) async fn member_by(&self, email: &str) -> Member {
        let session = self.sign_in(email).await;
        self.services.access.member(Some(&session), "acme").await.unwrap()
    }

    /// A further admin of `acme`.
    pub(crate) async fn admin(&self, name: &str, email: &str) -> Member {
        let admin = NewAdmin {
            name: name.to_owned(),
            email: email.to_owned(),
            password: PASSWORD.to_owned().into(),
        };
        self.services.access.create_admin(Some("acme"), admin).await.unwrap();
        self.member_by(email).await
    }

    /// Mira, no longer an admin.
    pub(crate) async fn mira_as_member(&self) -> Member {
        let mira = self.member_by("mira@acme.dev").await;
        let ada = self.admin("Ada", "ada@acme.dev").await;
        let members = &self.services.members;
        members.change_role(&ada, mira.user(), Role::Member).await.unwrap();
        self.member_by("mira@acme.dev").await
    }

    /// Registers the stand-in as GitHub and a runtime that uses it.
    pub(crate) async fn runtime(&self, admin: &Member, name: &str) -> RuntimeId {
        self.runtime_of(admin, name, self.provider_form()).await
    }

    /// Registers the stand-in as a Git provider of this kind and a runtime that uses it.
    pub(crate) async fn runtime_at(&self, admin: &Member, kind: ProviderKind, provider: Provider) -> RuntimeId {
        self.named_runtime_at(admin, "prod-eu", kind, provider).await
    }

    /// The same with a name for the runtime.
    pub(crate) async fn named_runtime_at(
        &self,
        admin: &Member,
        name: &str,
        kind: ProviderKind,
        provider: Provider,
    ) -> RuntimeId {
        let form = GitProviderForm {
            kind: kind.as_str().to_owned(),
            name: kind.name().to_owned(),
            base_url: self.forge.url_of(provider),
            api_url: String::new(),
            allow_unverified: true,
        };
        self.runtime_of(admin, name, form).await
    }

    async fn runtime_of(&self, admin: &Member, name: &str, form: GitProviderForm) -> RuntimeId {
        let page = self.services.git_providers.page(admin).await.unwrap();
        let provider = match page
            .providers
            .iter()
            .find(|provider| provider.label.base_url == form.base_url && provider.label.kind.as_str() == form.kind)
        {
            Some(provider) => provider.id,
            None => self.services.git_providers.register(admin, form).await.unwrap(),
        };
        let form = RuntimeForm {
            name: name.to_owned(),
            provider: provider.to_string(),
            ..RuntimeForm::default()
        };
        self.services.runtimes.register(admin, form).await.unwrap()
    }

    /// Switches on or off that a runtime's tokens are rotated before they end.
    pub(crate) async fn rotate_tokens(&self, admin: &Member, id: RuntimeId, on: bool) {
        let page = self.services.runtimes.page(admin).await.unwrap();
        let runtime = page.runtimes.into_iter().find(|runtime| runtime.id == id).unwrap();
        let form = RuntimeForm {
            name: runtime.name,
            provider: runtime.provider.to_string(),
            rotate_tokens: on,
            ..RuntimeForm::default()
        };
        self.services.runtimes.edit(admin, id, form).await.unwrap();
    }

    /// The form that registers the stand-in.
    pub(crate) fn provider_form(&self) -> GitProviderForm {
        GitProviderForm {
            kind: "github".to_owned(),
            name: "forge".to_owned(),
            base_url: self.forge.url(),
            api_url: String::new(),
            allow_unverified: true,
        }
    }

    /// The URL of the database, for a second connection to it.
    pub(crate) fn database_url(&self) -> secrecy::SecretString {
        self.database.url()
    }

    /// The master keys, for a second set of services.
    pub(crate) fn master(&self) -> Arc<MasterKeys> {
        self.master.clone()
    }
}
