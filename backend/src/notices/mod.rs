//! Notices: people hear in time that a token ends, has trouble or is missing, in the page, by mail, by webhook and in a chat.
//!
//! A look at what is stored ([`look`]) makes notices and closes those that are over. Each is told over each channel once: what waits
//! becomes messages, which are sent and sent again until they are taken or given up ([`outbox`]). All of it may run in any number of
//! processes, and be killed anywhere.

mod look;
mod mail;
mod outbox;
mod settings;
mod webhook;

pub use look::NoticeRun;
pub use settings::{
    ChannelView, MailForm, NoticeSettingsPage, SettingsForm, SlackForm, TestAnswer, WebhookForm, WebhookMade,
};

use crate::{
    Fault,
    access::{AccessError, Member},
    audit::{Action, AuditEvent},
    oauth::Authorizations,
    random,
    store::{NewNotice, Subject, ToldNotice, ToldPerson, Verdict},
};
use domain::{
    Expiry, FieldErrors, GitTokenId, NoticeId, NoticeKind, RuntimeId, Timestamp,
    notice::{Condition, LONGEST_SNOOZE, Standing, sentence},
};
use std::{sync::Arc, time::Duration};

/// How many notices a page shows at most.
const SHOWN: u64 = 500;
/// From how many on it no longer matters how many there are.
pub(crate) const MOST_COUNTED: u64 = 1000;
/// How many tokens may be chosen for a reminder at once.
const MOST_REMINDED: usize = 1000;

/// What a person can run into.
#[derive(Debug, thiserror::Error)]
pub enum NoticeError {
    /// Fields to mend.
    #[error("the form has errors")]
    Invalid(FieldErrors),
    /// No such notice, runtime, channel or message.
    #[error("no such notice")]
    NotFound,
    /// Not an admin.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// A person's notices.
#[derive(Clone, Debug)]
pub struct NoticesPage {
    /// The moment for which this is true.
    pub now: Timestamp,
    /// The open ones, the newest first.
    pub notices: Vec<ToldPerson>,
    /// The runtimes of which the person wants to hear nothing, by name.
    pub muted: Vec<(RuntimeId, String)>,
}

/// The service.
#[derive(Clone)]
pub struct Notices {
    shared: Arc<Authorizations>,
}

impl Notices {
    /// Wires the service.
    pub(crate) const fn new(shared: Arc<Authorizations>) -> Self {
        Self { shared }
    }

    /// How many notices want the person's attention; of very many, not exactly.
    pub async fn count(&self, member: &Member) -> Result<u64, NoticeError> {
        let now = self.shared.now();
        Ok(self
            .shared
            .store
            .notice_count(member.account(), member.user(), now, MOST_COUNTED)
            .await?)
    }

    /// Everything the page *Notifications* shows.
    pub async fn page(&self, member: &Member) -> Result<NoticesPage, NoticeError> {
        let (account, user) = (member.account(), member.user());
        Ok(NoticesPage {
            now: self.shared.now(),
            notices: self.shared.store.notices_for(account, user, SHOWN).await?,
            muted: self.shared.store.muted_runtimes(account, user).await?,
        })
    }

    /// Every open notice of the account.
    pub async fn open(&self, member: &Member) -> Result<Vec<ToldNotice>, NoticeError> {
        member.require_admin()?;
        Ok(self.shared.store.open_notices(member.account(), SHOWN).await?)
    }

    /// The person knows, and nobody else needs to be told.
    pub async fn acknowledge(&self, member: &Member, notice: NoticeId) -> Result<(), NoticeError> {
        let now = self.shared.now();
        let (account, user) = (member.account(), member.user());
        let event = AuditEvent::new(member, Action::NoticeAcknowledged, now);
        let store = &self.shared.store;
        found(store.acknowledge_notice(account, user, notice, now, event).await?)
    }

    /// Puts a notice off for so many days, and telling others of it too.
    pub async fn snooze(&self, member: &Member, notice: NoticeId, days: u16) -> Result<(), NoticeError> {
        let (account, user) = (member.account(), member.user());
        let time = Duration::from_hours(24) * u32::from(days);
        if time.is_zero() || time > LONGEST_SNOOZE {
            return Err(NoticeError::Invalid(FieldErrors::one(
                "days",
                "Choose between 1 and 90 days.",
            )));
        }
        let settings = self.shared.store.notice_settings(account).await?;
        let now = self.shared.now();
        let until = now.plus(time);
        let escalates = until.plus(look::days(settings.escalate_days));
        let store = &self.shared.store;
        let event = AuditEvent::new(member, Action::NoticeSnoozed, now);
        found(
            store
                .snooze_notice(account, user, notice, (until, escalates), event)
                .await?,
        )
    }

    /// The person wants to hear nothing of a runtime.
    pub async fn mute(&self, member: &Member, runtime: RuntimeId) -> Result<(), NoticeError> {
        let (store, account, now) = (&self.shared.store, member.account(), self.shared.now());
        let row = store.runtime(account, runtime).await?.ok_or(NoticeError::NotFound)?;
        let event = AuditEvent::new(member, Action::RuntimeMuted, now).runtime(row.id, &row.name);
        store.mute_runtime(account, member.user(), runtime, now, event).await?;
        Ok(())
    }

    /// Takes that back.
    pub async fn unmute(&self, member: &Member, runtime: RuntimeId) -> Result<(), NoticeError> {
        let (store, account, now) = (&self.shared.store, member.account(), self.shared.now());
        let row = store.runtime(account, runtime).await?.ok_or(NoticeError::NotFound)?;
        let event = AuditEvent::new(member, Action::RuntimeUnmuted, now).runtime(row.id, &row.name);
        store.unmute_runtime(account, member.user(), runtime, event).await?;
        Ok(())
    }

    /// Asks the holders of these tokens to look after them, and gives how many people are told. Of each token once a day at most.
    pub async fn remind(&self, member: &Member, tokens: &[GitTokenId]) -> Result<usize, NoticeError> {
        member.require_admin()?;
        let now = self.shared.now();
        let today = now.start_of_day().as_millis();
        let chosen = &tokens[..tokens.len().min(MOST_REMINDED)];
        let judge = |watched: &crate::store::Watched| {
            let Subject::Token(_, state) = &watched.subject else {
                return Verdict::default();
            };
            let reminders = watched
                .open
                .iter()
                .filter(|open| open.condition.kind == NoticeKind::Reminder);
            if reminders.clone().any(|open| open.mark == today) {
                return Verdict::default();
            }
            let condition = Condition {
                kind: NoticeKind::Reminder,
                lead: 0,
                ends: match state.expiry {
                    Expiry::At(end) => Some(end),
                    Expiry::Never | Expiry::Unknown => None,
                },
            };
            Verdict {
                close: reminders.map(|open| open.id).collect(),
                open: vec![NewNotice {
                    id: self.id(),
                    condition,
                    mark: today,
                    sentence: sentence(&condition, &watched.named),
                    standing: Standing {
                        level: watched.people.first(),
                        escalates_at: None,
                    },
                    follows: None,
                }],
                next: None,
            }
        };
        let event = |count: u64| {
            let whom = match count {
                1 => "the holder of 1 token".to_owned(),
                many => format!("the holders of {many} tokens"),
            };
            self.event(member, Action::HoldersReminded, whom)
        };
        let told = self
            .shared
            .store
            .tell_of_tokens(member.account(), chosen, now, judge, event)
            .await?;
        Ok(told.len())
    }

    fn id(&self) -> NoticeId {
        NoticeId(self.uuid())
    }

    fn uuid(&self) -> uuid::Uuid {
        random::uuid(self.shared.random.as_ref(), self.shared.clock.as_ref())
    }

    fn event(&self, member: &Member, action: Action, detail: String) -> AuditEvent {
        AuditEvent::new(member, action, self.shared.now()).detail(detail)
    }
}

fn found(found: bool) -> Result<(), NoticeError> {
    if found { Ok(()) } else { Err(NoticeError::NotFound) }
}
