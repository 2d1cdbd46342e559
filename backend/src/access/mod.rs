//! Who may come in, and as whom: set-up, sign-in, sessions, membership.

mod password;
mod throttle;

use crate::{
    Fault,
    audit::{Action, Actor, AuditEvent},
    clock::Clock,
    keys::AccountKeys,
    notices::MOST_COUNTED,
    random::{self, Random},
    store::{self, MembershipRow, NewPerson, SessionRow, Store, UserRow},
};
use domain::{
    AccountId, FieldErrors, Role, SecretInput, Timestamp, UserId, field,
    status::{ShownStatus, Tone},
    view::Viewer,
};
use password::Passwords;
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use std::{net::IpAddr, sync::Arc, time::Duration};
use throttle::{FORGET_AFTER, Subject};

/// What a person can run into at the door.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// Fields to mend.
    #[error("the form has errors")]
    Invalid(FieldErrors),
    /// No such person, or another password: never told apart.
    #[error("wrong e-mail address or password")]
    WrongCredentials,
    /// Too many tries.
    #[error("too many tries")]
    Throttled {
        /// When the next try is taken.
        retry_at: Timestamp,
    },
    /// The set-up link is wrong, used or replaced by a later start's.
    #[error("the set-up link is not valid")]
    SetUpLink,
    /// Nobody is signed in.
    #[error("not signed in")]
    NotSignedIn,
    /// No such account, or none of the person's: never told apart.
    #[error("not a member")]
    NotFound,
    /// An admin may; this person is a member.
    #[error("not an admin")]
    NotAdmin,
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A browser that somebody has signed in with.
#[derive(Clone, Debug)]
pub struct Session {
    user: UserId,
    token_hash: Vec<u8>,
    actor: Actor,
}

impl Session {
    fn new(user: UserRow, token_hash: Vec<u8>) -> Self {
        Self {
            user: user.id,
            token_hash,
            actor: Actor::Person {
                id: user.id,
                name: user.name,
                email: user.email,
                from: None,
            },
        }
    }

    /// The same, in a request from this network address: it stands in the record of whatever is done.
    #[must_use]
    pub fn from_address(mut self, address: IpAddr) -> Self {
        if let Actor::Person { from, .. } = &mut self.actor {
            *from = Some(address.to_canonical());
        }
        self
    }

    /// Who signed in.
    pub(crate) const fn user(&self) -> UserId {
        self.user
    }

    /// Who signed in, and from where the request comes.
    pub(crate) const fn actor(&self) -> &Actor {
        &self.actor
    }

    /// What tells this browser from the person's others.
    pub(crate) fn token_hash(&self) -> &[u8] {
        &self.token_hash
    }
}

/// A person in an account: the proof that membership was checked. Only [`Access::member`] makes one.
#[derive(Clone, Debug)]
pub struct Member {
    user: UserId,
    place: MembershipRow,
    actor: Actor,
}

impl From<&Member> for Actor {
    fn from(member: &Member) -> Self {
        member.actor.clone()
    }
}

impl Member {
    /// The account that the person was found to be a member of.
    #[must_use]
    pub const fn account(&self) -> AccountId {
        self.place.account
    }

    /// The person.
    #[must_use]
    pub const fn user(&self) -> UserId {
        self.user
    }

    /// The account's part of every address.
    #[must_use]
    pub fn slug(&self) -> &str {
        &self.place.slug
    }

    /// The first line of everything that only an admin may do.
    pub fn require_admin(&self) -> Result<(), AccessError> {
        match self.place.role {
            Role::Admin => Ok(()),
            Role::Member => Err(AccessError::NotAdmin),
        }
    }
}

/// The fields of the set-up page.
#[derive(Clone, Debug)]
pub struct SetUp {
    /// The account's name (field `account_name`).
    pub account_name: String,
    /// The admin's own name (field `name`).
    pub name: String,
    /// The admin's e-mail address (field `email`).
    pub email: String,
    /// The admin's password (field `password`).
    pub password: SecretInput,
}

/// A sign-in that succeeded.
pub struct SignedIn {
    /// The value of the session cookie.
    pub cookie: SecretString,
    /// The slug of the account to show first; `None` for a person who is a member of none.
    pub account: Option<String>,
}

/// The person that `patchbay admin create` makes.
#[derive(Clone, Debug)]
pub struct NewAdmin {
    /// The person's name.
    pub name: String,
    /// The person's e-mail address.
    pub email: String,
    /// The person's password.
    pub password: SecretInput,
}

/// What can keep `patchbay admin create` from making one.
#[derive(Debug, thiserror::Error)]
pub enum CreateAdminError {
    /// Arguments to mend.
    #[error("{}", listed(.0))]
    Invalid(FieldErrors),
    /// Nothing is set up yet.
    #[error("there is no account yet: start the server and open the set-up link that it prints")]
    NoAccount,
    /// No account or another one was named.
    #[error("name the account with --account; there is: {}", .0.join(", "))]
    WhichAccount(Vec<String>),
    /// Somebody has this e-mail address.
    #[error("somebody signs in with this e-mail address already")]
    Exists,
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// What can keep `patchbay account create` from making one.
#[derive(Debug, thiserror::Error)]
pub enum CreateAccountError {
    /// Arguments to mend.
    #[error("{}", listed(.0))]
    Invalid(FieldErrors),
    /// Nobody signs in with this e-mail address.
    #[error(
        "nobody signs in with {0}. Name somebody who does; the first account is made with the set-up link that the server prints \
         when it starts"
    )]
    NoPerson(String),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// Fields and what is wrong with them, on one line.
fn listed(errors: &FieldErrors) -> String {
    let errors: Vec<_> = errors
        .iter()
        .map(|(field, message)| format!("{field}: {message}"))
        .collect();
    errors.join(" ")
}

/// A session that is not used for this long ends.
pub const IDLE_LIFETIME: Duration = Duration::from_hours(12);
/// A session ends after this long, however much it is used.
pub const ABSOLUTE_LIFETIME: Duration = Duration::from_hours(7 * 24);
/// How exactly the last use of a session is noted: one write a minute is enough.
const TOUCH_EVERY: Duration = Duration::from_mins(1);

/// The service at the door.
#[derive(Clone)]
pub struct Access {
    store: Store,
    keys: AccountKeys,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    passwords: Passwords,
}

impl Access {
    /// Wires the service.
    pub fn new(store: Store, keys: AccountKeys, clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Result<Self, Fault> {
        let passwords = Passwords::new(random.as_ref())?;
        Ok(Self {
            store,
            keys,
            clock,
            random,
            passwords,
        })
    }

    /// Whether an account exists: until then only the set-up link leads anywhere.
    pub async fn is_set_up(&self) -> Result<bool, AccessError> {
        Ok(self.store.any_account().await?)
    }

    /// The code of a new set-up link, in place of any earlier one; `None` once an account exists.
    pub async fn issue_set_up_link(&self) -> Result<Option<SecretString>, AccessError> {
        if self.is_set_up().await? {
            return Ok(None);
        }
        let code = random::secret(self.random.as_ref());
        self.store
            .put_set_up_link(&hash(code.expose_secret()), self.clock.now())
            .await?;
        Ok(Some(code))
    }

    /// Whether a set-up link still leads somewhere.
    pub async fn is_set_up_link(&self, code: &str) -> Result<bool, AccessError> {
        // Hashes are compared, so how long the comparison takes tells nothing of the code.
        Ok(self
            .store
            .set_up_link()
            .await?
            .is_some_and(|stored| stored == hash(code)))
    }

    /// Makes the first account and its admin, and signs the admin in.
    pub async fn set_up(&self, code: &str, form: SetUp, from: IpAddr) -> Result<SignedIn, AccessError> {
        if !self.is_set_up_link(code).await? {
            return Err(AccessError::SetUpLink);
        }
        let mut errors = FieldErrors::default();
        let account_name = errors.take("account_name", field::name(&form.account_name, "the account's name"));
        let name = errors.take("name", field::name(&form.name, "your name"));
        let email = errors.take("email", field::email(&form.email));
        errors.take("password", field::password(form.password.expose()));
        errors.into_result().map_err(AccessError::Invalid)?;

        let account = AccountId(self.uuid());
        let slug = field::slug(&account_name);
        let admin = self.person(name, email, &form.password).await?;
        let (cookie, session) = self.new_session(admin.id);
        let keys = self.keys.generate(account);
        let now = self.clock.now();
        let actor = Actor::Person {
            id: admin.id,
            name: admin.name.clone(),
            email: admin.email.clone(),
            from: Some(from.to_canonical()),
        };
        let event = AuditEvent::new(actor, Action::AccountCreated, now).detail(account_name.clone());
        let created = self
            .store
            .create_first_account(
                &hash(code),
                (account, &slug, &account_name),
                keys,
                (admin, session),
                now,
                event,
            )
            .await?;
        if !created {
            return Err(AccessError::SetUpLink);
        }
        tracing::info!(%account, "set up the first account");
        Ok(SignedIn {
            cookie,
            account: Some(slug),
        })
    }

    /// Makes a person an admin, from the command line: of the one account there is, or of the account with this slug.
    pub async fn create_admin(&self, account: Option<&str>, form: NewAdmin) -> Result<String, CreateAdminError> {
        let mut errors = FieldErrors::default();
        let name = errors.take("name", field::name(&form.name, "the person's name"));
        let email = errors.take("email", field::email(&form.email));
        errors.take("password", field::password(form.password.expose()));
        errors.into_result().map_err(CreateAdminError::Invalid)?;

        let accounts = self.store.accounts().await?;
        let (id, slug) = match (accounts.as_slice(), account) {
            ([], _) => return Err(CreateAdminError::NoAccount),
            ([only], None) => only.clone(),
            (several, None) => {
                return Err(CreateAdminError::WhichAccount(
                    several.iter().map(|(_, slug)| slug.clone()).collect(),
                ));
            }
            (several, Some(wanted)) => several
                .iter()
                .find(|(_, slug)| slug == wanted)
                .cloned()
                .ok_or_else(|| {
                    CreateAdminError::WhichAccount(several.iter().map(|(_, slug)| slug.clone()).collect())
                })?,
        };
        let person = self.person(name, email, &form.password).await?;
        let now = self.clock.now();
        let event = AuditEvent::new(Actor::CommandLine, Action::MemberCreated, now)
            .person(person.id, person.name.clone())
            .detail(format!("{} as {}", person.email, Role::Admin.as_str()));
        match self.store.create_member(id, person, Role::Admin, now, event).await {
            Err(fault) if store::is_taken(&fault) => Err(CreateAdminError::Exists),
            other => Ok(other.map(|()| slug)?),
        }
    }

    /// Makes a further account, from the command line, with somebody who is known here as its admin. Gives its part of every address.
    pub async fn create_account(&self, name: &str, admin: &str) -> Result<String, CreateAccountError> {
        let mut errors = FieldErrors::default();
        let name = errors.take("name", field::name(name, "the account's name"));
        let email = errors.take("admin", field::email(admin));
        errors.into_result().map_err(CreateAccountError::Invalid)?;
        let admin = self.store.user_by_email(&email).await?;
        let admin = admin.ok_or(CreateAccountError::NoPerson(email))?;

        let wanted = field::slug(&name);
        let mut number = 1;
        loop {
            let slug = match number {
                1 => wanted.clone(),
                number => format!("{wanted}-{number}"),
            };
            let account = AccountId(self.uuid());
            let now = self.clock.now();
            let event = AuditEvent::new(Actor::CommandLine, Action::AccountCreated, now)
                .person(admin.id, admin.name.clone())
                .detail(format!("{name}, with {} <{}> as its admin", admin.name, admin.email));
            let keys = self.keys.generate(account);
            let created = self
                .store
                .create_account((account, &slug, &name), keys, admin.id, now, event)
                .await;
            match created {
                Err(fault) if store::is_taken(&fault) => number += 1,
                other => {
                    other?;
                    tracing::info!(%account, admin = %admin.id, "made a further account");
                    return Ok(slug);
                }
            }
        }
    }

    /// Signs a person in. A try for a person counts as failed until it has succeeded, so that many at once gain nothing. What
    /// failed from an address is not forgotten with a success: whoever guesses may have an account too.
    pub async fn sign_in(&self, email: &str, password: &SecretInput, from: IpAddr) -> Result<SignedIn, AccessError> {
        let mut errors = FieldErrors::default();
        let email = errors.take("email", field::email(email));
        if password.expose().is_empty() {
            errors.take("password", Err::<(), _>("Enter your password.".to_owned()));
        }
        errors.into_result().map_err(AccessError::Invalid)?;

        let person = hash(&format!("person {email}"));
        let address = hash_of_address(from);
        for (subject, key) in [(Subject::Person, &person), (Subject::Address, &address)] {
            self.refuse_throttled(subject, key).await?;
        }
        self.count(&person).await?;

        let user = self.store.user_by_email(&email).await?;
        // A password longer than any that was ever set cannot be right; it is not worth the hashing.
        let plausible = password.expose().chars().count() <= field::MAX_PASSWORD;
        let stored = user
            .as_ref()
            .filter(|_| plausible)
            .map(|user| user.password_hash.as_str());
        let tried = if plausible {
            password.clone()
        } else {
            SecretInput::default()
        };
        let matches = self.passwords.verify(&tried, stored).await?;
        let known = user.as_ref().map(|user| (user.id, user.name.clone()));
        let Some(user) = user.filter(|_| matches) else {
            self.count(&address).await?;
            tracing::warn!(address = %from, "refused a sign-in");
            if let Some((id, name)) = known {
                self.record_refused(id, name, from);
            }
            return Err(AccessError::WrongCredentials);
        };
        self.store.clear_failures(&person).await?;
        let (cookie, row) = self.new_session(user.id);
        let session = Session::new(user, row.token_hash.clone()).from_address(from);
        let events = self.everywhere(&session, Action::SignedIn).await?;
        self.store.create_session(row, events).await?;
        tracing::info!(user = %session.user, address = %from, "signed in");
        Ok(SignedIn {
            cookie,
            account: self.home(&session).await?,
        })
    }

    /// Refuses a try that comes too soon after others that failed.
    async fn refuse_throttled(&self, subject: Subject, key: &[u8]) -> Result<(), AccessError> {
        let Some(row) = self.store.throttle(key).await? else {
            return Ok(());
        };
        match subject.blocked_until(row.failures, row.last_failure_at, self.clock.now()) {
            Some(retry_at) => Err(AccessError::Throttled { retry_at }),
            None => Ok(()),
        }
    }

    /// Refuses a guess at the e-mail addresses that are known here, made with a link, if it comes too soon after others: as patiently
    /// as a person's sign-ins, and as those from one network address. Each counts for its link.
    pub(crate) async fn refuse_guess(&self, link: &[u8], from: IpAddr) -> Result<(), AccessError> {
        let (of_link, of_address) = (hash_of_link(link), hash_of_address(from));
        self.refuse_throttled(Subject::Person, &of_link).await?;
        self.refuse_throttled(Subject::Address, &of_address).await?;
        Ok(self.count(&of_link).await?)
    }

    /// Counts a guess that was right for the address that it came from, too.
    pub(crate) async fn count_guess(&self, from: IpAddr) -> Result<(), Fault> {
        self.count(&hash_of_address(from)).await
    }

    async fn count(&self, subject: &[u8]) -> Result<(), Fault> {
        let now = self.clock.now();
        self.store.count_failure(subject, now, now.minus(FORGET_AFTER)).await
    }

    /// Ends a session.
    pub async fn sign_out(&self, session: &Session) -> Result<(), AccessError> {
        let events = self.everywhere(session, Action::SignedOut).await?;
        Ok(self.store.delete_session(&session.token_hash, events).await?)
    }

    /// The session that a cookie's value belongs to, if it still lives.
    pub async fn resume(&self, cookie: &str) -> Result<Option<Session>, AccessError> {
        let token_hash = hash(cookie);
        let Some(row) = self.store.session(&token_hash).await? else {
            return Ok(None);
        };
        let now = self.clock.now();
        if row.expires_at <= now || row.last_seen_at.plus(IDLE_LIFETIME) <= now {
            self.store.delete_session(&token_hash, Vec::new()).await?;
            return Ok(None);
        }
        if row.last_seen_at.plus(TOUCH_EVERY) <= now {
            self.store.touch_session(&token_hash, now).await?;
        }
        let user = self.store.user(row.user).await?;
        Ok(user.map(|user| Session::new(user, token_hash)))
    }

    /// The slug of the account to show first: the one that was used last, or else the first.
    pub async fn home(&self, session: &Session) -> Result<Option<String>, AccessError> {
        let places = self.store.memberships(session.user).await?;
        // Of equals it gives the last.
        let place = places.into_iter().rev().max_by_key(|place| place.last_seen_at);
        Ok(place.map(|place| place.slug))
    }

    /// The person as a member of the account with this slug.
    pub async fn member(&self, session: Option<&Session>, account: &str) -> Result<Member, AccessError> {
        let session = session.ok_or(AccessError::NotSignedIn)?;
        let mut places = self.store.memberships(session.user).await?;
        let last = places.iter().filter_map(|place| place.last_seen_at).max();
        let at = places.iter().position(|place| place.slug == account);
        let place = places.swap_remove(at.ok_or(AccessError::NotFound)?);
        let now = self.clock.now();
        let seen = place.last_seen_at;
        // Whoever comes from another account is noted at once, so that the last one used is known.
        if seen < last || seen.is_none_or(|seen| seen.plus(TOUCH_EVERY) <= now) {
            self.store.touch_member(place.account, session.user, now).await?;
        }
        Ok(Member {
            user: session.user,
            place,
            actor: session.actor.clone(),
        })
    }

    /// The person as a member of an account that is known by its id.
    pub(crate) async fn member_of(&self, session: &Session, account: AccountId) -> Result<Member, AccessError> {
        let places = self.store.memberships(session.user).await?;
        let place = places
            .into_iter()
            .find(|place| place.account == account)
            .ok_or(AccessError::NotFound)?;
        Ok(Member {
            user: session.user,
            place,
            actor: session.actor.clone(),
        })
    }

    /// What the frame of every page shows of the person.
    pub async fn viewer(&self, member: &Member) -> Result<Viewer, AccessError> {
        let user = self.store.user(member.user).await?.ok_or(AccessError::NotSignedIn)?;
        let now = self.clock.now();
        let tokens = self.store.git_tokens_of(member.account(), member.user).await?;
        let muted = self.store.muted_runtimes(member.account(), member.user).await?;
        let attention = tokens.iter().filter(|token| {
            let shown = ShownStatus::of(token.status, token.expiry(), now);
            let is_muted = muted.iter().any(|(runtime, _)| *runtime == token.runtime);
            !is_muted && (shown == ShownStatus::ExpiresSoon || shown.tone() == Tone::Bad)
        });
        let requests = match member.place.role {
            Role::Admin => self.store.oauth_requests(member.account()).await?.len(),
            Role::Member => 0,
        };
        let notices = self
            .store
            .notice_count(member.account(), member.user, now, MOST_COUNTED)
            .await?;
        let mut accounts: Vec<(String, String)> = self
            .store
            .memberships(member.user)
            .await?
            .into_iter()
            .map(|place| (place.slug, place.account_name))
            .collect();
        accounts.sort_by_cached_key(|(_, name)| name.to_lowercase());
        Ok(Viewer {
            accounts,
            notices,
            requests: u64::try_from(requests).unwrap_or(u64::MAX),
            name: user.name,
            role: member.place.role,
            account: member.place.slug.clone(),
            account_name: member.place.account_name.clone(),
            attention: u64::try_from(attention.count()).unwrap_or(u64::MAX),
        })
    }

    /// The record of what a person did, for each account that the person is a member of.
    async fn everywhere(&self, session: &Session, action: Action) -> Result<Vec<(AccountId, AuditEvent)>, Fault> {
        let event = AuditEvent::new(session.actor.clone(), action, self.clock.now());
        let places = self.store.memberships(session.user).await?;
        Ok(places.into_iter().map(|place| (place.account, event.clone())).collect())
    }

    /// Records a sign-in that was refused, for each account of the person whose it would have been: not before it is answered, or how
    /// long that takes would tell whether there is such a person. Nothing was handed out that this could come too late for.
    fn record_refused(&self, person: UserId, name: String, from: IpAddr) {
        let event =
            AuditEvent::new(Actor::Stranger { from }, Action::SignInRefused, self.clock.now()).person(person, name);
        let store = self.store.clone();
        tokio::spawn(async move {
            let recorded = async {
                for place in store.memberships(person).await? {
                    store.record(place.account, event.clone()).await?;
                }
                Ok::<_, Fault>(())
            };
            if let Err(fault) = recorded.await {
                tracing::error!(%fault, "a refused sign-in could not be recorded");
            }
        });
    }

    /// A new person, to be stored.
    pub(crate) async fn person(&self, name: String, email: String, password: &SecretInput) -> Result<NewPerson, Fault> {
        let password_hash = self.passwords.hash(password, self.random.as_ref()).await?;
        Ok(NewPerson {
            id: UserId(self.uuid()),
            name,
            email,
            password_hash,
        })
    }

    /// A new session, and the value of its cookie.
    pub(crate) fn new_session(&self, user: UserId) -> (SecretString, SessionRow) {
        let cookie = random::secret(self.random.as_ref());
        let now = self.clock.now();
        let row = SessionRow {
            token_hash: hash(cookie.expose_secret()),
            user,
            created_at: now,
            last_seen_at: now,
            expires_at: now.plus(ABSOLUTE_LIFETIME),
        };
        (cookie, row)
    }

    fn uuid(&self) -> uuid::Uuid {
        random::uuid(self.random.as_ref(), self.clock.as_ref())
    }
}

/// SHA-256. Enough for cookies and codes, which are 256 random bits each; for e-mail and network addresses it only makes
/// keys of one length.
pub(crate) fn hash(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
}

/// The key of a network address whose tries are counted.
fn hash_of_address(from: IpAddr) -> Vec<u8> {
    hash(&format!("address {}", network(from)))
}

/// The key of a link, known by its hash, whose tries are counted.
fn hash_of_link(link: &[u8]) -> Vec<u8> {
    Sha256::new()
        .chain_update("link ")
        .chain_update(link)
        .finalize()
        .to_vec()
}

/// What counts as one network address: of IPv6 the first 64 bits, since one household has them all.
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}
