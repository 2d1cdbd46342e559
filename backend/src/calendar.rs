//! What ends when, for calendars: an iCalendar file (RFC 5545) under a secret link of an admin's own, since a calendar cannot sign in.

use crate::{
    Fault,
    access::{AccessError, Member},
    audit::{Action, AuditEvent},
    clock::Clock,
    expiring::ExpiringTokens,
    random::{self, Random},
    store::Store,
};
use chrono::{DateTime, NaiveDate};
use domain::{AccountId, Role, Timestamp, expiring::DaySummary};
use icalendar::{Calendar, Component as _, Event, EventLike as _, Property};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use std::sync::Arc;
use url::Url;

/// What can be run into.
#[derive(Debug, thiserror::Error)]
pub enum CalendarError {
    /// The link leads nowhere: it was removed or made anew, or its owner is no admin any more. Never told apart.
    #[error("no such link")]
    NotFound,
    /// Not an admin.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// Ours.
    #[error(transparent)]
    Fault(#[from] Fault),
}

/// The service.
#[derive(Clone)]
pub struct CalendarFeeds {
    store: Store,
    expiring: ExpiringTokens,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    public_url: Url,
}

impl CalendarFeeds {
    /// Wires the service.
    pub(crate) fn new(
        store: Store,
        expiring: ExpiringTokens,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        public_url: Url,
    ) -> Self {
        Self {
            store,
            expiring,
            clock,
            random,
            public_url,
        }
    }

    /// Makes the admin's link, in place of an earlier one. It is shown this once.
    pub async fn make_link(&self, member: &Member) -> Result<SecretString, CalendarError> {
        member.require_admin()?;
        let secret = random::secret(self.random.as_ref());
        let event = AuditEvent::new(member, Action::CalendarLinkMade, self.clock.now());
        let owner = (member.account(), member.user());
        self.store
            .put_calendar_feed(owner, hash(secret.expose_secret()), self.clock.now(), event)
            .await?;
        Ok(format!("{}api/calendar/{}.ics", self.public_url, secret.expose_secret()).into())
    }

    /// Removes the admin's link: calendars read nothing there any more.
    pub async fn remove_link(&self, member: &Member) -> Result<(), CalendarError> {
        member.require_admin()?;
        let event = AuditEvent::new(member, Action::CalendarLinkRemoved, self.clock.now());
        let removed = self
            .store
            .delete_calendar_feed(member.account(), member.user(), event)
            .await?;
        if removed { Ok(()) } else { Err(CalendarError::NotFound) }
    }

    /// When the admin's link was made, if there is one, and now.
    pub async fn link(&self, member: &Member) -> Result<(Option<Timestamp>, Timestamp), CalendarError> {
        member.require_admin()?;
        let made = self.store.calendar_feed_of(member.account(), member.user()).await?;
        Ok((made, self.clock.now()))
    }

    /// The calendar under a link, by the last part of its path.
    pub async fn read(&self, file: &str) -> Result<String, CalendarError> {
        let secret = file.strip_suffix(".ics").unwrap_or(file);
        // Hashes are looked up, so how long that takes tells nothing of the secret.
        let owner = self.store.calendar_feed_owner(&hash(secret)).await?;
        let (account, user) = owner.ok_or(CalendarError::NotFound)?;
        let places = self.store.memberships(user).await?;
        let place = places
            .into_iter()
            .find(|place| place.account == account && place.role == Role::Admin);
        let place = place.ok_or(CalendarError::NotFound)?;
        let days = self.expiring.days(account).await?;
        Ok(self.calendar(account, &place.slug, &place.account_name, &days))
    }

    fn calendar(&self, account: AccountId, slug: &str, name: &str, days: &[DaySummary]) -> String {
        let mut calendar = Calendar::new();
        calendar.append_property(("PRODID", "-//Patchbay//Expiring tokens//EN"));
        calendar.name(&format!("Git tokens of {name}"));
        let interval = Property::new("REFRESH-INTERVAL", "PT6H")
            .add_parameter("VALUE", "DURATION")
            .done();
        calendar.append_property(interval);
        calendar.append_property(("X-PUBLISHED-TTL", "PT6H"));
        for day in days {
            let Some(date) = date(day.day) else { continue };
            let shown = day.day.iso_date();
            let page = format!(
                "{}{slug}/admin/expiring?status=working&from={shown}&to={shown}",
                self.public_url
            );
            let mut event = Event::new();
            event
                .uid(&format!("{shown}-{account}"))
                .summary(&day.title())
                .description(&format!("{}\n\n{page}", day.lines()))
                .url(&page)
                .all_day(date);
            if let Some(now) = DateTime::from_timestamp_millis(self.clock.now().as_millis()) {
                event.timestamp(now);
            }
            calendar.push(event.done());
        }
        calendar.to_string()
    }
}

fn date(at: Timestamp) -> Option<NaiveDate> {
    Some(DateTime::from_timestamp_millis(at.as_millis())?.date_naive())
}

fn hash(secret: &str) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}
