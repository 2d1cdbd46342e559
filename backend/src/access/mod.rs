//! Who may come in, and as whom: set-up, sign-in, sessions, membership.

mod password;
mod throttle;

use crate::{
    Fault,
    clock::Clock,
    keys::AccountKeys,
    notices::MOST_COUNTED,
    random::{self, Random},
    store::{self, MembershipRow, NewPerson, SessionRow, Store},
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
}

impl Session {
    /// Who signed in.
    pub(crate) const fn user(&self) -> UserId {
        self.user
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
    #[error("{}", .0.iter().map(|(field, message)| format!("{field}: {message}")).collect::<Vec<_>>().join(" "))]
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
    pub async fn set_up(&self, code: &str, form: SetUp) -> Result<SignedIn, AccessError> {
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
        let created = self
            .store
            .create_first_account(
                &hash(code),
                (account, &slug, &account_name),
                keys,
                admin,
                session,
                self.clock.now(),
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
        match self
            .store
            .create_member(id, person, Role::Admin, self.clock.now())
            .await
        {
            Err(fault) if store::is_taken(&fault) => Err(CreateAdminError::Exists),
            other => Ok(other.map(|()| slug)?),
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

        let now = self.clock.now();
        let person = hash(&format!("person {email}"));
        let address = hash(&format!("address {}", network(from)));
        for (subject, key) in [(Subject::Person, &person), (Subject::Address, &address)] {
            if let Some(row) = self.store.throttle(key).await?
                && let Some(retry_at) = subject.blocked_until(row.failures, row.last_failure_at, now)
            {
                return Err(AccessError::Throttled { retry_at });
            }
        }
        let forget_before = now.minus(FORGET_AFTER);
        self.store.count_failure(&person, now, forget_before).await?;

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
        let Some(user) = user.filter(|_| matches) else {
            self.store.count_failure(&address, now, forget_before).await?;
            tracing::warn!(address = %from, "refused a sign-in");
            return Err(AccessError::WrongCredentials);
        };
        self.store.clear_failures(&person).await?;
        let (cookie, row) = self.new_session(user.id);
        let session = Session {
            user: user.id,
            token_hash: row.token_hash.clone(),
        };
        self.store.create_session(row).await?;
        tracing::info!(user = %user.id, address = %from, "signed in");
        Ok(SignedIn {
            cookie,
            account: self.home(&session).await?,
        })
    }

    /// Ends a session.
    pub async fn sign_out(&self, session: &Session) -> Result<(), AccessError> {
        Ok(self.store.delete_session(&session.token_hash).await?)
    }

    /// The session that a cookie's value belongs to, if it still lives.
    pub async fn resume(&self, cookie: &str) -> Result<Option<Session>, AccessError> {
        let token_hash = hash(cookie);
        let Some(row) = self.store.session(&token_hash).await? else {
            return Ok(None);
        };
        let now = self.clock.now();
        if row.expires_at <= now || row.last_seen_at.plus(IDLE_LIFETIME) <= now {
            self.store.delete_session(&token_hash).await?;
            return Ok(None);
        }
        if row.last_seen_at.plus(TOUCH_EVERY) <= now {
            self.store.touch_session(&token_hash, now).await?;
        }
        Ok(Some(Session {
            user: row.user,
            token_hash,
        }))
    }

    /// The slug of the account to show first.
    pub async fn home(&self, session: &Session) -> Result<Option<String>, AccessError> {
        Ok(self
            .store
            .memberships(session.user)
            .await?
            .into_iter()
            .next()
            .map(|place| place.slug))
    }

    /// The person as a member of the account with this slug.
    pub async fn member(&self, session: Option<&Session>, account: &str) -> Result<Member, AccessError> {
        let session = session.ok_or(AccessError::NotSignedIn)?;
        let places = self.store.memberships(session.user).await?;
        let place = places
            .into_iter()
            .find(|place| place.slug == account)
            .ok_or(AccessError::NotFound)?;
        Ok(Member {
            user: session.user,
            place,
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
        })
    }

    /// What the frame of every page shows of the person.
    pub async fn viewer(&self, member: &Member) -> Result<Viewer, AccessError> {
        let user = self.store.user(member.user).await?.ok_or(AccessError::NotSignedIn)?;
        let now = self.clock.now();
        let tokens = self.store.git_tokens_of(member.account(), member.user).await?;
        let attention = tokens.iter().filter(|token| {
            let shown = ShownStatus::of(token.status, token.expiry(), now);
            shown == ShownStatus::ExpiresSoon || shown.tone() == Tone::Bad
        });
        let requests = match member.place.role {
            Role::Admin => self.store.oauth_requests(member.account()).await?.len(),
            Role::Member => 0,
        };
        let notices = self
            .store
            .notice_count(member.account(), member.user, now, MOST_COUNTED)
            .await?;
        Ok(Viewer {
            notices,
            requests: u64::try_from(requests).unwrap_or(u64::MAX),
            name: user.name,
            role: member.place.role,
            account: member.place.slug.clone(),
            account_name: member.place.account_name.clone(),
            attention: u64::try_from(attention.count()).unwrap_or(u64::MAX),
        })
    }

    async fn person(&self, name: String, email: String, password: &SecretInput) -> Result<NewPerson, Fault> {
        let password_hash = self.passwords.hash(password, self.random.as_ref()).await?;
        Ok(NewPerson {
            id: UserId(self.uuid()),
            name,
            email,
            password_hash,
        })
    }

    fn new_session(&self, user: UserId) -> (SecretString, SessionRow) {
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
fn hash(text: &str) -> Vec<u8> {
    Sha256::digest(text.as_bytes()).to_vec()
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
