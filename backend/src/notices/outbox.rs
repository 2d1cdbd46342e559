//! Sending what waits: a message is taken by a lease that is committed before anything goes out, and its end is noted under that
//! lease. Killed in between, it is sent again with the same id, by which a receiver knows it.

use super::{Notices, mail, webhook};
use crate::{
    Fault, random,
    store::{ChannelKind, ChannelRow, MessageEnd, OutgoingMessage},
    vault::Place,
};
use domain::{
    NoticeMessageId, Timestamp,
    notice::{digest_moment, retry},
};
use secrecy::SecretString;
use std::time::Duration;
use tokio::{sync::watch, task::JoinSet};

/// How long a process has a message to itself: longer than sending may take.
const LEASE: Duration = Duration::from_mins(2);
/// How many messages go out at the same time.
const AT_ONCE: u64 = 8;
/// How many notices one transaction makes messages of, and one chat message tells at most.
const PAGE: u64 = 200;

/// Why a message was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    /// It may be taken later.
    Now(String),
    /// It never will be.
    Ever(String),
    /// Nothing is taken there any more.
    Gone(String),
}

/// Where a channel's secret is sealed.
pub(super) fn place(channel: &ChannelRow) -> Place {
    Place {
        account: channel.account,
        table: "notice_channels",
        row: channel.id.0,
        column: "sealed",
        user: None,
    }
}

impl Notices {
    /// Makes messages of what waits, for every channel.
    pub(super) async fn make_messages(&self, now: Timestamp) -> Result<(), Fault> {
        let store = &self.shared.store;
        let id = || NoticeMessageId(self.uuid());
        for channel in store.waiting_channels().await? {
            match channel.kind {
                ChannelKind::Email => {
                    let settings = store.notice_settings(channel.account).await?;
                    let moment = digest_moment(now, settings.digest_hour);
                    store.make_daily_mails(&channel, moment, now, id).await?;
                }
                ChannelKind::Webhook => while store.make_messages(&channel, true, now, PAGE, id).await? >= PAGE {},
                ChannelKind::Slack => while store.make_messages(&channel, false, now, PAGE, id).await? > 0 {},
            }
        }
        Ok(())
    }

    /// Sends what is due. Gives how many messages were taken by their channels, and how many were not.
    pub(super) async fn send_due(&self, now: Timestamp, stop: &watch::Receiver<bool>) -> Result<(usize, usize), Fault> {
        let (mut sent, mut failed) = (0, 0);
        while !*stop.borrow() {
            let lease = now.plus(LEASE);
            let taken = self.shared.store.take_messages(now, lease, AT_ONCE).await?;
            if taken.is_empty() {
                break;
            }
            let mut under_way = JoinSet::new();
            for message in taken {
                let notices = self.clone();
                under_way.spawn(async move { notices.send(&message, now).await });
            }
            while let Some(ended) = under_way.join_next().await {
                match ended {
                    Ok(Ok(true)) => sent += 1,
                    Ok(Ok(false)) => failed += 1,
                    Ok(Err(fault)) => {
                        failed += 1;
                        tracing::error!(%fault, "a notice could not be sent");
                    }
                    Err(error) => tracing::error!(%error, "sending a notice broke off"),
                }
            }
        }
        Ok((sent, failed))
    }

    /// Sends a message and notes the end; whether it was taken.
    async fn send(&self, message: &OutgoingMessage, now: Timestamp) -> Result<bool, Fault> {
        let outcome = if message.notices.is_empty() {
            // Whatever it told of was deleted or replaced meanwhile.
            Ok(0)
        } else {
            self.hand_over(message, now).await?
        };
        let taken = outcome.is_ok();
        let end = match outcome {
            Ok(_) => MessageEnd::Sent,
            Err(Refused::Ever(why)) => MessageEnd::Dead(why),
            Err(Refused::Gone(why)) => MessageEnd::Gone(why),
            Err(Refused::Now(why)) => {
                let chance = random::chance(self.shared.random.as_ref());
                match retry(message.tries, now, chance) {
                    Some(at) => MessageEnd::Later(at, why),
                    None => MessageEnd::Dead(why),
                }
            }
        };
        if let MessageEnd::Dead(why) | MessageEnd::Gone(why) = &end {
            tracing::warn!(channel = %message.channel.id, message = %message.id, why, "a message was given up");
        }
        self.shared.store.end_message(message, now, end).await?;
        Ok(taken)
    }

    async fn hand_over(&self, message: &OutgoingMessage, now: Timestamp) -> Result<Result<u16, Refused>, Fault> {
        let secret = self.secret_of(&message.channel).await?;
        let egress = &self.shared.egress;
        Ok(match message.channel.kind {
            ChannelKind::Email => match &message.recipient {
                Some(person) => {
                    let letter = mail::digest(message, person, &self.shared.public_url);
                    let smtp = mail::Smtp::of(&message.channel)?;
                    smtp.send(egress, secret.as_ref(), &letter).await
                }
                None => Err(Refused::Ever("The person is not there any more.".to_owned())),
            },
            ChannelKind::Webhook => {
                let body = webhook::body(message, &self.shared.public_url);
                let id = webhook::id(message.id);
                let address = &message.channel.address;
                webhook::send(egress, address, secret.as_ref(), (&id, now), body).await
            }
            ChannelKind::Slack => {
                let text = webhook::slack_text(message, &self.shared.public_url);
                webhook::send_slack(egress, secret.as_ref(), &text).await
            }
        })
    }

    pub(super) async fn secret_of(&self, channel: &ChannelRow) -> Result<Option<SecretString>, Fault> {
        match &channel.sealed {
            Some(sealed) => Ok(Some(self.shared.keys.unseal(&place(channel), sealed).await?)),
            None => Ok(None),
        }
    }
}
