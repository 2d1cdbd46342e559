//! The outbox: what goes out over the channels. A message is made once of notices that wait, in one transaction; whoever sends it
//! takes it by a lease that is committed before, and notes the end under that lease.

use super::{
    Store,
    entities::{account, member, user},
    notice_entities::{notice, notice_channel, notice_delivery, notice_message, notice_mute, notice_recipient},
    notice_people::{ToldNotice, told},
    notice_settings::{ChannelRow, channel_row},
};
use crate::{Fault, audit::AuditEvent};
use domain::{AccountId, NoticeChannelId, NoticeMessageId, Timestamp};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, DatabaseTransaction, EntityTrait as _, ExprTrait as _, PaginatorTrait as _, QueryFilter as _,
    QueryOrder as _, QuerySelect as _, QueryTrait as _,
    sea_query::{Expr, LockBehavior, LockType, OnConflict, Query},
};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// How many notices of a message are named.
const NAMED: u64 = 100;
/// How many ids stand in one statement.
const CHUNK: usize = 1000;

/// A message that was taken to be sent.
#[derive(Clone, Debug)]
pub struct OutgoingMessage {
    /// Which.
    pub id: NoticeMessageId,
    /// Over which channel.
    pub channel: ChannelRow,
    /// The account's part of every address.
    pub slug: String,
    /// The account's name.
    pub account_name: String,
    /// To whom, of a mail: name and address.
    pub recipient: Option<(String, String)>,
    /// When it was made.
    pub created_at: Timestamp,
    /// How often it was tried, with this time.
    pub tries: u32,
    /// Until when nobody else takes it.
    pub lease: Timestamp,
    /// What it tells, the oldest first: at most a hundred.
    pub notices: Vec<ToldNotice>,
    /// How many it tells.
    pub count: u64,
}

/// How a try to send ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MessageEnd {
    /// It was taken.
    Sent,
    /// It is tried again.
    Later(Timestamp, String),
    /// It is not tried again, unless an admin says so.
    Dead(String),
    /// Nobody is there any more: the channel is switched off.
    Gone(String),
}

/// A message that is not tried any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeadMessage {
    /// Which.
    pub id: NoticeMessageId,
    /// The name of its channel.
    pub channel: String,
    /// To whom, of a mail.
    pub recipient: Option<String>,
    /// When it was given up.
    pub dead_at: Timestamp,
    /// Why.
    pub failure: String,
}

impl Store {
    /// The channels of all accounts that notices wait for, with the ids of their accounts.
    pub async fn waiting_channels(&self) -> Result<Vec<ChannelRow>, Fault> {
        let waiting = Query::select()
            .expr(Expr::value(1))
            .from(notice_delivery::Entity)
            .and_where(
                Expr::col((notice_delivery::Entity, notice_delivery::Column::ChannelId))
                    .equals((notice_channel::Entity, notice_channel::Column::Id)),
            )
            .cond_where(waits())
            .to_owned();
        let rows = notice_channel::Entity::find()
            .filter(notice_channel::Column::DisabledAt.is_null())
            .filter(Expr::exists(waiting))
            .all(&self.db)
            .await?;
        rows.into_iter().map(channel_row).collect()
    }

    /// Makes messages of up to `limit` notices that wait for a channel: of `each` one, or all together one. Gives how many messages.
    pub async fn make_messages(
        &self,
        channel: &ChannelRow,
        each: bool,
        now: Timestamp,
        limit: u64,
        id: impl Fn() -> NoticeMessageId,
    ) -> Result<u64, Fault> {
        let tx = self.begin().await?;
        if !take_channel(&tx, channel.id).await? {
            tx.rollback().await?;
            return Ok(0);
        }
        let waiting: Vec<Uuid> = notice_delivery::Entity::find()
            .select_only()
            .column(notice_delivery::Column::NoticeId)
            .filter(notice_delivery::Column::ChannelId.eq(channel.id.0))
            .filter(waits())
            .order_by_asc(notice_delivery::Column::CreatedAt)
            .order_by_asc(notice_delivery::Column::NoticeId)
            .limit(limit)
            .into_tuple()
            .all(&tx)
            .await?;
        let mut made = 0;
        for notices in waiting.chunks(if each { 1 } else { waiting.len().max(1) }) {
            let message = id();
            let row = new_message(message, channel, None, now);
            notice_message::Entity::insert(row).exec_without_returning(&tx).await?;
            assign(&tx, channel.id, Uuid::nil(), notices, message).await?;
            made += 1;
        }
        tx.commit().await?;
        Ok(made)
    }

    /// Makes the daily mails of a channel: for each person who has not had one for this `moment`, one of all that waited then, except
    /// for what is put off, and without what is over, acknowledged or muted, which is never told. Gives how many.
    pub async fn make_daily_mails(
        &self,
        channel: &ChannelRow,
        moment: Timestamp,
        now: Timestamp,
        id: impl Fn() -> NoticeMessageId,
    ) -> Result<u64, Fault> {
        let tx = self.begin().await?;
        if !take_channel(&tx, channel.id).await? {
            tx.rollback().await?;
            return Ok(0);
        }
        let rows: Vec<(Uuid, Uuid)> = notice_delivery::Entity::find()
            .select_only()
            .columns([notice_delivery::Column::Recipient, notice_delivery::Column::NoticeId])
            .filter(notice_delivery::Column::ChannelId.eq(channel.id.0))
            .filter(notice_delivery::Column::CreatedAt.lte(moment.as_millis()))
            .filter(waits())
            .into_tuple()
            .all(&tx)
            .await?;
        let day = i32::try_from(moment.days()).unwrap_or(i32::MAX);
        let had: HashSet<Uuid> = notice_message::Entity::find()
            .select_only()
            .column(notice_message::Column::Recipient)
            .filter(notice_message::Column::ChannelId.eq(channel.id.0))
            .filter(notice_message::Column::Day.eq(day))
            .into_tuple::<Uuid>()
            .all(&tx)
            .await?
            .into_iter()
            .collect();
        let mut waiting: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        for (recipient, notice) in rows {
            waiting.entry(recipient).or_default().push(notice);
        }
        let mut made = 0;
        for (recipient, notices) in waiting {
            if had.contains(&recipient) {
                continue;
            }
            let Sorted { tell, dropped } = sorted(&tx, channel.account, recipient, &notices, now).await?;
            assign(&tx, channel.id, recipient, &dropped, NEVER).await?;
            if tell.is_empty() {
                continue;
            }
            let message = id();
            let row = new_message(message, channel, Some((recipient, day)), now);
            let once = OnConflict::new().do_nothing().to_owned();
            let new = notice_message::Entity::insert(row)
                .on_conflict(once)
                .exec_without_returning(&tx)
                .await?;
            if new == 1 {
                assign(&tx, channel.id, recipient, &tell, message).await?;
                made += 1;
            }
        }
        tx.commit().await?;
        Ok(made)
    }

    /// Takes up to `limit` messages that are due until `lease`, and counts the try. Committed when this returns.
    pub async fn take_messages(
        &self,
        now: Timestamp,
        lease: Timestamp,
        limit: u64,
    ) -> Result<Vec<OutgoingMessage>, Fault> {
        let tx = self.begin().await?;
        let rows = notice_message::Entity::find()
            .filter(notice_message::Column::DueAt.lte(now.as_millis()))
            .order_by_asc(notice_message::Column::DueAt)
            .limit(limit)
            .lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked)
            .all(&tx)
            .await?;
        notice_message::Entity::update_many()
            .col_expr(notice_message::Column::DueAt, Expr::value(lease.as_millis()))
            .col_expr(
                notice_message::Column::Tries,
                Expr::col(notice_message::Column::Tries).add(1),
            )
            .filter(notice_message::Column::Id.is_in(rows.iter().map(|row| row.id)))
            .exec(&tx)
            .await?;
        let channels: HashMap<Uuid, notice_channel::Model> = notice_channel::Entity::find()
            .filter(notice_channel::Column::Id.is_in(rows.iter().map(|row| row.channel_id).collect::<HashSet<_>>()))
            .all(&tx)
            .await?
            .into_iter()
            .map(|row| (row.id, row))
            .collect();
        let accounts: HashMap<Uuid, (String, String)> = account::Entity::find()
            .filter(account::Column::Id.is_in(rows.iter().map(|row| row.account_id).collect::<HashSet<_>>()))
            .all(&tx)
            .await?
            .into_iter()
            .map(|row| (row.id, (row.slug, row.name)))
            .collect();
        let people: HashMap<Uuid, (String, String)> = user::Entity::find()
            .filter(user::Column::Id.is_in(rows.iter().filter_map(|row| row.recipient)))
            .all(&tx)
            .await?
            .into_iter()
            .map(|row| (row.id, (row.name, row.email)))
            .collect();
        let mut notices = HashMap::new();
        for row in &rows {
            notices.insert(row.id, notices_of(&tx, row.id).await?);
        }
        tx.commit().await?;
        let taken = rows.into_iter().filter_map(|row| {
            let channel = channels.get(&row.channel_id)?.clone();
            let (slug, account_name) = accounts.get(&row.account_id)?.clone();
            let (told, count) = notices.remove(&row.id).unwrap_or_default();
            Some(channel_row(channel).map(|channel| OutgoingMessage {
                id: NoticeMessageId(row.id),
                channel,
                slug,
                account_name,
                recipient: row.recipient.and_then(|person| people.get(&person).cloned()),
                created_at: Timestamp::from_millis(row.created_at),
                tries: u32::try_from(row.tries).unwrap_or_default().saturating_add(1),
                lease,
                notices: told,
                count,
            }))
        });
        taken.collect()
    }

    /// Notes how sending a message ended, if the lease under which it was sent still holds: `false` if not.
    pub async fn end_message(&self, message: &OutgoingMessage, now: Timestamp, end: MessageEnd) -> Result<bool, Fault> {
        let (due, sent, dead, failure) = match end.clone() {
            MessageEnd::Sent => (None, Some(now), None, None),
            MessageEnd::Later(at, why) => (Some(at), None, None, Some(why)),
            MessageEnd::Dead(why) | MessageEnd::Gone(why) => (None, None, Some(now), Some(why)),
        };
        let millis = |at: Option<Timestamp>| Expr::value(at.map(Timestamp::as_millis));
        let tx = self.begin().await?;
        let done = notice_message::Entity::update_many()
            .col_expr(notice_message::Column::DueAt, millis(due))
            .col_expr(notice_message::Column::SentAt, millis(sent))
            .col_expr(notice_message::Column::DeadAt, millis(dead))
            .col_expr(notice_message::Column::Failure, Expr::value(failure.clone()))
            .filter(notice_message::Column::Id.eq(message.id.0))
            .filter(notice_message::Column::DueAt.eq(message.lease.as_millis()))
            .exec(&tx)
            .await?;
        if let MessageEnd::Gone(_) = end {
            notice_channel::Entity::update_many()
                .col_expr(notice_channel::Column::DisabledAt, millis(Some(now)))
                .filter(notice_channel::Column::Id.eq(message.channel.id.0))
                .filter(notice_channel::Column::DisabledAt.is_null())
                .exec(&tx)
                .await?;
            // What else waits for it would only be refused, too.
            notice_message::Entity::update_many()
                .col_expr(notice_message::Column::DueAt, millis(None))
                .col_expr(notice_message::Column::DeadAt, millis(Some(now)))
                .col_expr(notice_message::Column::Failure, Expr::value(failure))
                .filter(notice_message::Column::ChannelId.eq(message.channel.id.0))
                .filter(notice_message::Column::DueAt.is_not_null())
                .exec(&tx)
                .await?;
        }
        tx.commit().await?;
        Ok(done.rows_affected == 1)
    }

    /// What was given up in an account, the newest first; at most `limit`.
    pub async fn dead_messages(&self, account: AccountId, limit: u64) -> Result<Vec<DeadMessage>, Fault> {
        let rows = notice_message::Entity::find()
            .filter(notice_message::Column::AccountId.eq(account.0))
            .filter(notice_message::Column::DeadAt.is_not_null())
            .order_by_desc(notice_message::Column::DeadAt)
            .limit(limit)
            .all(&self.db)
            .await?;
        let channels: HashMap<NoticeChannelId, String> = self
            .notice_channels(account)
            .await?
            .into_iter()
            .map(|channel| (channel.id, channel.name))
            .collect();
        let people: HashMap<Uuid, String> = user::Entity::find()
            .filter(user::Column::Id.is_in(rows.iter().filter_map(|row| row.recipient)))
            .all(&self.db)
            .await?
            .into_iter()
            .map(|row| (row.id, row.name))
            .collect();
        let dead = rows.into_iter().filter_map(|row| {
            Some(DeadMessage {
                id: NoticeMessageId(row.id),
                channel: channels.get(&NoticeChannelId(row.channel_id))?.clone(),
                recipient: row.recipient.and_then(|person| people.get(&person).cloned()),
                dead_at: Timestamp::from_millis(row.dead_at?),
                failure: row.failure.unwrap_or_default(),
            })
        });
        Ok(dead.collect())
    }

    /// Makes what was given up due again, with all its tries; without an id everything in the account. Gives how many.
    pub async fn send_again(
        &self,
        account: AccountId,
        id: Option<NoticeMessageId>,
        now: Timestamp,
        event: AuditEvent,
    ) -> Result<u64, Fault> {
        let on = Query::select()
            .column(notice_channel::Column::Id)
            .from(notice_channel::Entity)
            .and_where(notice_channel::Column::AccountId.eq(account.0))
            .and_where(notice_channel::Column::DisabledAt.is_null())
            .to_owned();
        let tx = self.begin().await?;
        let done = notice_message::Entity::update_many()
            .col_expr(notice_message::Column::DueAt, Expr::value(now.as_millis()))
            .col_expr(notice_message::Column::DeadAt, Expr::value(None::<i64>))
            .col_expr(notice_message::Column::Tries, Expr::value(0))
            .filter(notice_message::Column::AccountId.eq(account.0))
            .filter(notice_message::Column::DeadAt.is_not_null())
            .filter(notice_message::Column::ChannelId.in_subquery(on))
            .apply_if(id, |query, id| query.filter(notice_message::Column::Id.eq(id.0)))
            .exec(&tx)
            .await?;
        event.end(tx, account, done.rows_affected > 0).await?;
        Ok(done.rows_affected)
    }

    /// Deletes up to `limit` messages that were made before a moment, have nothing left to do and tell of nothing that is still there.
    pub async fn prune_messages(&self, before: Timestamp, limit: u64) -> Result<u64, Fault> {
        let tells = Query::select()
            .expr(Expr::value(1))
            .from(notice_delivery::Entity)
            .and_where(
                Expr::col((notice_delivery::Entity, notice_delivery::Column::MessageId))
                    .equals((notice_message::Entity, notice_message::Column::Id)),
            )
            .to_owned();
        let old = notice_message::Entity::find()
            .select_only()
            .column(notice_message::Column::Id)
            .filter(notice_message::Column::CreatedAt.lt(before.as_millis()))
            .filter(notice_message::Column::DueAt.is_null())
            .filter(Expr::exists(tells).not())
            .limit(limit)
            .into_query();
        let done = notice_message::Entity::delete_many()
            .filter(notice_message::Column::Id.in_subquery(old))
            .exec(&self.db)
            .await?;
        Ok(done.rows_affected)
    }
}

/// Waits to be told.
fn waits() -> sea_orm::Condition {
    sea_orm::Condition::all().add(notice_delivery::Column::MessageId.is_null())
}

/// Takes a channel, so that nobody else makes messages for it; `false` if somebody is at it.
async fn take_channel(tx: &DatabaseTransaction, channel: NoticeChannelId) -> Result<bool, Fault> {
    let row = notice_channel::Entity::find_by_id(channel.0)
        .filter(notice_channel::Column::DisabledAt.is_null())
        .lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked)
        .one(tx)
        .await?;
    Ok(row.is_some())
}

fn new_message(
    id: NoticeMessageId,
    channel: &ChannelRow,
    mail: Option<(Uuid, i32)>,
    now: Timestamp,
) -> notice_message::ActiveModel {
    notice_message::ActiveModel {
        id: Set(id.0),
        account_id: Set(channel.account.0),
        channel_id: Set(channel.id.0),
        recipient: Set(mail.map(|(recipient, _)| recipient)),
        day: Set(mail.map(|(_, day)| day)),
        created_at: Set(now.as_millis()),
        due_at: Set(Some(now.as_millis())),
        tries: Set(0),
        sent_at: Set(None),
        dead_at: Set(None),
        failure: Set(None),
    }
}

/// In place of a message: never told.
const NEVER: NoticeMessageId = NoticeMessageId(Uuid::nil());

async fn assign(
    tx: &DatabaseTransaction,
    channel: NoticeChannelId,
    recipient: Uuid,
    notices: &[Uuid],
    message: NoticeMessageId,
) -> Result<(), Fault> {
    for some in notices.chunks(CHUNK) {
        notice_delivery::Entity::update_many()
            .col_expr(notice_delivery::Column::MessageId, Expr::value(message.0))
            .filter(notice_delivery::Column::ChannelId.eq(channel.0))
            .filter(notice_delivery::Column::Recipient.eq(recipient))
            .filter(notice_delivery::Column::NoticeId.is_in(some.iter().copied()))
            .exec(tx)
            .await?;
    }
    Ok(())
}

/// What waits for a person, in what is told now and what never is. The rest waits on.
struct Sorted {
    tell: Vec<Uuid>,
    dropped: Vec<Uuid>,
}

async fn sorted(
    tx: &DatabaseTransaction,
    account: AccountId,
    person: Uuid,
    waiting: &[Uuid],
    now: Timestamp,
) -> Result<Sorted, Fault> {
    let is_member = member::Entity::find_by_id((account.0, person)).one(tx).await?.is_some();
    let muted: HashSet<Uuid> = notice_mute::Entity::find()
        .filter(notice_mute::Column::UserId.eq(person))
        .all(tx)
        .await?
        .into_iter()
        .map(|row| row.runtime_id)
        .collect();
    let mut sorted = Sorted {
        tell: Vec::new(),
        dropped: Vec::new(),
    };
    for some in waiting.chunks(CHUNK) {
        let notices: Vec<(Uuid, Option<Uuid>, Option<i64>)> = notice::Entity::find()
            .select_only()
            .columns([notice::Column::Id, notice::Column::RuntimeId, notice::Column::ClosedAt])
            .filter(notice::Column::Id.is_in(some.iter().copied()))
            .into_tuple()
            .all(tx)
            .await?;
        let recipients = notice_recipient::Entity::find()
            .filter(notice_recipient::Column::NoticeId.is_in(some.iter().copied()))
            .all(tx)
            .await?;
        let (mut minded, mut put_off) = (HashSet::new(), HashSet::new());
        for row in recipients {
            if row.acknowledged_at.is_some() {
                minded.insert(row.notice_id);
            }
            if row.user_id == person && row.snoozed_until.is_some_and(|until| until > now.as_millis()) {
                put_off.insert(row.notice_id);
            }
        }
        for (id, runtime, closed_at) in notices {
            let over = !is_member || closed_at.is_some() || minded.contains(&id);
            if over || runtime.is_some_and(|runtime| muted.contains(&runtime)) {
                sorted.dropped.push(id);
            } else if !put_off.contains(&id) {
                sorted.tell.push(id);
            }
        }
    }
    Ok(sorted)
}

/// What a message tells, the oldest first, at most [`NAMED`], and how many that are.
async fn notices_of(tx: &DatabaseTransaction, message: Uuid) -> Result<(Vec<ToldNotice>, u64), Fault> {
    let told_by = notice_delivery::Column::MessageId.eq(message);
    let count = notice_delivery::Entity::find()
        .filter(told_by.clone())
        .count(tx)
        .await?;
    let of_message = Query::select()
        .column(notice_delivery::Column::NoticeId)
        .from(notice_delivery::Entity)
        .and_where(told_by)
        .to_owned();
    let rows = notice::Entity::find()
        .filter(notice::Column::Id.in_subquery(of_message))
        .order_by_asc(notice::Column::CreatedAt)
        .order_by_asc(notice::Column::Id)
        .limit(NAMED)
        .all(tx)
        .await?;
    let told = rows.iter().map(told).collect::<Result<Vec<_>, _>>()?;
    Ok((told, count))
}
