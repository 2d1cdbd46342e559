//! The services, wired once and shared.

use crate::{
    Fault,
    access::Access,
    access_keys::AccessKeys,
    audit::{AuditLog, Follow, FollowError, Sink},
    calendar::CalendarFeeds,
    check_soon::CheckSoon,
    clock::Clock,
    credentials::Credentials,
    egress::Egress,
    expiring::ExpiringTokens,
    flash::FlashSeal,
    git_providers::GitProviders,
    hand_out::HandOut,
    keys::{AccountKeys, MasterKeyError},
    members::Members,
    notices::Notices,
    oauth::{Authorizations, OAuth, OAuthApplications, Refresh},
    random::Random,
    rotation::Rotation,
    runtimes::Runtimes,
    store::Store,
    sweep::Sweep,
    tokens::Tokens,
    vault::MasterKeys,
};
use std::sync::Arc;
use url::Url;

/// Everything a page or endpoint may call.
#[derive(Clone)]
pub struct Services {
    /// Set-up, sign-in, sessions, membership.
    pub access: Access,
    /// The members of an account, and who is invited.
    pub members: Members,
    /// The Git providers of an account.
    pub git_providers: GitProviders,
    /// The runtimes of an account.
    pub runtimes: Runtimes,
    /// The keys by which runtimes fetch their credentials.
    pub access_keys: AccessKeys,
    /// What runtimes get for their keys.
    pub hand_out: HandOut,
    /// The Git tokens of a person.
    pub tokens: Tokens,
    /// Checks many tokens again, for an admin.
    pub check_soon: CheckSoon,
    /// Which tokens stop working when, for an admin.
    pub expiring: ExpiringTokens,
    /// The same for calendars.
    pub calendar: CalendarFeeds,
    /// Checks tokens again in the background.
    pub sweep: Sweep,
    /// Changing tokens for new ones.
    pub rotation: Rotation,
    /// The OAuth applications of an account, and which runtime uses which.
    pub oauth_applications: OAuthApplications,
    /// People on the way to their provider and back.
    pub oauth: OAuth,
    /// Keeps OAuth tokens alive.
    pub refresh: Refresh,
    /// What was done in an account.
    pub audit: AuditLog,
    /// What people hear of, in the page and elsewhere.
    pub notices: Notices,
    /// Seals messages that wait in a cookie for the next page.
    pub flash: FlashSeal,
    store: Store,
}

impl Services {
    /// Wires the services over a migrated database. Refuses master keys that do not belong to it. `public_url` is where people
    /// reach the server, with the path `/`: providers send them back there.
    pub async fn new(
        store: Store,
        master: Arc<MasterKeys>,
        egress: Egress,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        public_url: Url,
    ) -> Result<Self, MasterKeyError> {
        let keys = AccountKeys::open(store.clone(), master.clone(), clock.clone(), random.clone()).await?;
        let sweep = Sweep::new(
            store.clone(),
            keys.clone(),
            egress.clone(),
            clock.clone(),
            random.clone(),
        );
        let expiring = ExpiringTokens::new(store.clone(), clock.clone(), sweep.waker());
        let calendar = CalendarFeeds::new(
            store.clone(),
            expiring.clone(),
            clock.clone(),
            random.clone(),
            public_url.clone(),
        );
        let authorizations = Arc::new(Authorizations {
            store: store.clone(),
            keys: keys.clone(),
            egress: egress.clone(),
            clock: clock.clone(),
            random: random.clone(),
            public_url,
        });
        let access = Access::new(store.clone(), keys.clone(), clock.clone(), random.clone())?;
        let refresh = Refresh::new(authorizations.clone());
        let tokens = Tokens::new(authorizations.clone(), refresh.clone());
        Ok(Self {
            oauth_applications: OAuthApplications::new(authorizations.clone()),
            oauth: OAuth::new(authorizations.clone(), access.clone(), tokens.clone()),
            hand_out: HandOut::new(authorizations.clone(), refresh.clone()),
            access_keys: AccessKeys::new(store.clone(), clock.clone(), random.clone()),
            refresh,
            members: Members::new(authorizations.clone(), access.clone()),
            access,
            git_providers: GitProviders::new(store.clone(), clock.clone(), random.clone()),
            notices: Notices::new(authorizations.clone()),
            runtimes: Runtimes::new(authorizations),
            rotation: Rotation::new(Credentials::new(
                store.clone(),
                keys.clone(),
                egress.clone(),
                clock.clone(),
                random.clone(),
            )),
            tokens,
            calendar,
            expiring,
            check_soon: CheckSoon::new(store.clone(), clock.clone(), sweep.waker()),
            sweep,
            audit: AuditLog::new(store.clone(), clock),
            flash: FlashSeal::new(&master, random),
            store,
        })
    }

    /// Whether the database answers.
    pub async fn ready(&self) -> Result<(), Fault> {
        self.store.ping().await
    }

    /// Writes the audit log to another place, as it grows.
    pub async fn follow_audit(&self, sink: Sink) -> Result<Follow, FollowError> {
        Follow::new(self.store.clone(), sink).await
    }

    /// Waits for the rotations, refreshes and revocations that are under way, and closes the database in order.
    pub async fn close(self) -> Result<(), Fault> {
        self.rotation.finish().await;
        self.refresh.finish().await;
        self.members.finish().await;
        self.store.close().await
    }
}
