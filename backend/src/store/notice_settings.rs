//! What an account chose about notices, and the channels over which they go out.

use super::{
    Store,
    entities::git_token,
    notice_entities::{notice_channel, notice_setting},
};
use crate::{Fault, audit::AuditEvent, vault::Sealed};
use domain::{
    AccountId, NoticeChannelId, Timestamp,
    notice::{DIGEST_HOUR, ESCALATE_AFTER, LeadTimes},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    sea_query::{Expr, OnConflict},
};

/// What an account chose.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoticeSettings {
    /// How many days before an end it is told.
    pub leads: LeadTimes,
    /// After how many days in which nothing happened others are told.
    pub escalate_days: u16,
    /// At which hour (UTC) the daily mails go out.
    pub digest_hour: u8,
}

impl Default for NoticeSettings {
    fn default() -> Self {
        Self {
            leads: LeadTimes::default(),
            escalate_days: ESCALATE_AFTER,
            digest_hour: DIGEST_HOUR,
        }
    }
}

/// What a channel is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChannelKind {
    /// A mail a day to each person, by SMTP.
    Email,
    /// A signed request for each notice.
    Webhook,
    /// A short message, as Slack takes it.
    Slack,
}

impl ChannelKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Email, Self::Webhook, Self::Slack];

    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Webhook => "webhook",
            Self::Slack => "slack",
        }
    }

    /// What a person calls it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Email => "E-mail",
            Self::Webhook => "Webhook",
            Self::Slack => "Slack-compatible",
        }
    }
}

/// A channel as stored.
#[derive(Clone, Debug)]
pub struct ChannelRow {
    /// Which.
    pub id: NoticeChannelId,
    /// Whose.
    pub account: AccountId,
    /// What it is.
    pub kind: ChannelKind,
    /// Its name.
    pub name: String,
    /// Where it leads, as far as a person may see it.
    pub address: String,
    /// How the mail server is reached, as JSON.
    pub settings: Option<String>,
    /// The password, the signing secret or the whole address, sealed.
    pub sealed: Option<Sealed>,
    /// Since when it is switched off.
    pub disabled_at: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
}

impl Store {
    /// What an account chose.
    pub async fn notice_settings(&self, account: AccountId) -> Result<NoticeSettings, Fault> {
        let row = notice_setting::Entity::find_by_id(account.0).one(&self.db).await?;
        row.as_ref().map_or_else(|| Ok(NoticeSettings::default()), settings_row)
    }

    /// Keeps what an account chose. Its tokens that have an end ahead are looked at again by it.
    pub async fn put_notice_settings(
        &self,
        account: AccountId,
        settings: &NoticeSettings,
        event: AuditEvent,
    ) -> Result<(), Fault> {
        let row = notice_setting::ActiveModel {
            account_id: Set(account.0),
            lead_days: Set(settings.leads.to_string()),
            escalate_days: Set(i32::from(settings.escalate_days)),
            digest_hour: Set(i32::from(settings.digest_hour)),
        };
        let all = OnConflict::column(notice_setting::Column::AccountId)
            .update_columns([
                notice_setting::Column::LeadDays,
                notice_setting::Column::EscalateDays,
                notice_setting::Column::DigestHour,
            ])
            .to_owned();
        let tx = self.begin().await?;
        notice_setting::Entity::insert(row)
            .on_conflict(all)
            .exec_without_returning(&tx)
            .await?;
        git_token::Entity::update_many()
            .col_expr(git_token::Column::NoticeDueAt, Expr::value(0_i64))
            .filter(git_token::Column::AccountId.eq(account.0))
            .filter(git_token::Column::NoticeDueAt.gt(0_i64))
            .exec(&tx)
            .await?;
        event.insert(&tx, account).await?;
        Ok(tx.commit().await?)
    }

    /// The channels of an account, by name.
    pub async fn notice_channels(&self, account: AccountId) -> Result<Vec<ChannelRow>, Fault> {
        let rows = notice_channel::Entity::find()
            .filter(notice_channel::Column::AccountId.eq(account.0))
            .order_by_asc(notice_channel::Column::Name)
            .all(&self.db)
            .await?;
        rows.into_iter().map(channel_row).collect()
    }

    /// One channel of an account.
    pub async fn notice_channel(&self, account: AccountId, id: NoticeChannelId) -> Result<Option<ChannelRow>, Fault> {
        let row = notice_channel::Entity::find_by_id(id.0)
            .filter(notice_channel::Column::AccountId.eq(account.0))
            .one(&self.db)
            .await?;
        row.map(channel_row).transpose()
    }

    /// Stores a channel, or changes it. [`super::is_taken`] tells that its name is taken.
    pub async fn put_notice_channel(&self, channel: ChannelRow, event: AuditEvent) -> Result<(), Fault> {
        let account = channel.account;
        let row = notice_channel::ActiveModel {
            id: Set(channel.id.0),
            account_id: Set(account.0),
            kind: Set(channel.kind.as_str().to_owned()),
            name: Set(channel.name),
            address: Set(channel.address),
            settings: Set(channel.settings),
            sealed: Set(channel.sealed.map(Sealed::into_bytes)),
            disabled_at: Set(channel.disabled_at.map(Timestamp::as_millis)),
            created_at: Set(channel.created_at.as_millis()),
        };
        let same = OnConflict::column(notice_channel::Column::Id)
            .update_columns([
                notice_channel::Column::Name,
                notice_channel::Column::Address,
                notice_channel::Column::Settings,
                notice_channel::Column::Sealed,
                notice_channel::Column::DisabledAt,
            ])
            .to_owned();
        let tx = self.begin().await?;
        notice_channel::Entity::insert(row)
            .on_conflict(same)
            .exec_without_returning(&tx)
            .await?;
        event.insert(&tx, account).await?;
        Ok(tx.commit().await?)
    }

    /// Deletes a channel with what is under way there; `false` if it is not there.
    pub async fn delete_notice_channel(
        &self,
        account: AccountId,
        id: NoticeChannelId,
        event: AuditEvent,
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        let done = notice_channel::Entity::delete_many()
            .filter(notice_channel::Column::Id.eq(id.0))
            .filter(notice_channel::Column::AccountId.eq(account.0))
            .exec(&tx)
            .await?;
        event.end(tx, account, done.rows_affected == 1).await
    }
}

pub(super) fn settings_row(row: &notice_setting::Model) -> Result<NoticeSettings, Fault> {
    Ok(NoticeSettings {
        leads: LeadTimes::parse(&row.lead_days).map_err(Fault::Stored)?,
        escalate_days: u16::try_from(row.escalate_days).unwrap_or(ESCALATE_AFTER),
        digest_hour: u8::try_from(row.digest_hour).unwrap_or(DIGEST_HOUR),
    })
}

pub(super) fn channel_row(row: notice_channel::Model) -> Result<ChannelRow, Fault> {
    Ok(ChannelRow {
        id: NoticeChannelId(row.id),
        account: AccountId(row.account_id),
        kind: ChannelKind::ALL
            .into_iter()
            .find(|kind| kind.as_str() == row.kind)
            .ok_or_else(|| Fault::Stored(format!("unknown channel {:?}", row.kind)))?,
        name: row.name,
        address: row.address,
        settings: row.settings,
        sealed: row.sealed.map(Sealed::from),
        disabled_at: row.disabled_at.map(Timestamp::from_millis),
        created_at: Timestamp::from_millis(row.created_at),
    })
}
