//! Notices as people see them in the page, and what they do about them.

use super::{
    Store,
    entities::runtime,
    notice_entities::{notice, notice_mute, notice_recipient},
    notices::condition,
};
use crate::{Fault, audit::AuditEvent};
use domain::{
    AccountId, GitTokenId, NoticeId, RuntimeId, Timestamp, UserId,
    notice::{Condition, Level},
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
    sea_query::{Alias, Expr, OnConflict, Query},
};
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// What a notice tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldNotice {
    /// Which.
    pub id: NoticeId,
    /// What it tells.
    pub condition: Condition,
    /// What it says.
    pub sentence: String,
    /// The token, if it is about one.
    pub token: Option<GitTokenId>,
    /// The runtime, if it is about one.
    pub runtime: Option<RuntimeId>,
    /// Whose token it is.
    pub holder: Option<UserId>,
    /// Who knows.
    pub level: Level,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A notice that a person was told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToldPerson {
    /// What it tells.
    pub told: ToldNotice,
    /// When somebody acknowledged it.
    pub acknowledged_at: Option<Timestamp>,
    /// Until when the person put it off.
    pub snoozed_until: Option<Timestamp>,
    /// Whether the person wants to hear nothing of the runtime.
    pub muted: bool,
}

impl Store {
    /// The open notices that a person was told, the newest first; at most `limit`.
    pub async fn notices_for(&self, account: AccountId, user: UserId, limit: u64) -> Result<Vec<ToldPerson>, Fault> {
        let mine: HashMap<Uuid, notice_recipient::Model> = recipients(account, user)
            .order_by_desc(notice_recipient::Column::ToldAt)
            .limit(limit)
            .all(&self.db)
            .await?
            .into_iter()
            .map(|row| (row.notice_id, row))
            .collect();
        let rows = notice::Entity::find()
            .filter(notice::Column::Id.is_in(mine.keys().copied()))
            .order_by_desc(notice::Column::CreatedAt)
            .order_by_desc(notice::Column::Id)
            .all(&self.db)
            .await?;
        let acknowledged: HashMap<Uuid, i64> = notice_recipient::Entity::find()
            .select_only()
            .columns([
                notice_recipient::Column::NoticeId,
                notice_recipient::Column::AcknowledgedAt,
            ])
            .filter(notice_recipient::Column::NoticeId.is_in(mine.keys().copied()))
            .filter(notice_recipient::Column::AcknowledgedAt.is_not_null())
            .into_tuple::<(Uuid, i64)>()
            .all(&self.db)
            .await?
            .into_iter()
            .collect();
        let muted: HashSet<RuntimeId> = self
            .muted_runtimes(account, user)
            .await?
            .into_iter()
            .map(|(id, _)| id)
            .collect();
        rows.iter()
            .map(|row| {
                let told = told(row)?;
                Ok(ToldPerson {
                    acknowledged_at: acknowledged.get(&row.id).copied().map(Timestamp::from_millis),
                    snoozed_until: mine
                        .get(&row.id)
                        .and_then(|mine| mine.snoozed_until)
                        .map(Timestamp::from_millis),
                    muted: told.runtime.is_some_and(|runtime| muted.contains(&runtime)),
                    told,
                })
            })
            .collect()
    }

    /// How many open notices want a person's attention, up to `most`: neither acknowledged, nor put off, nor of a muted runtime.
    pub async fn notice_count(
        &self,
        account: AccountId,
        user: UserId,
        now: Timestamp,
        most: u64,
    ) -> Result<u64, Fault> {
        let others = Alias::new("others");
        let acknowledged = Query::select()
            .expr(Expr::value(1))
            .from_as(notice_recipient::Entity, others.clone())
            .and_where(
                Expr::col((others.clone(), notice_recipient::Column::NoticeId))
                    .equals((notice_recipient::Entity, notice_recipient::Column::NoticeId)),
            )
            .and_where(Expr::col((others, notice_recipient::Column::AcknowledgedAt)).is_not_null())
            .to_owned();
        let muted = Query::select()
            .expr(Expr::value(1))
            .from(notice::Entity)
            .inner_join(
                notice_mute::Entity,
                Expr::col((notice_mute::Entity, notice_mute::Column::RuntimeId))
                    .equals((notice::Entity, notice::Column::RuntimeId)),
            )
            .and_where(
                Expr::col((notice::Entity, notice::Column::Id))
                    .equals((notice_recipient::Entity, notice_recipient::Column::NoticeId)),
            )
            .and_where(Expr::col((notice_mute::Entity, notice_mute::Column::UserId)).eq(user.0))
            .to_owned();
        let some: Vec<Uuid> = recipients(account, user)
            .select_only()
            .column(notice_recipient::Column::NoticeId)
            .filter(Expr::exists(acknowledged).not())
            .filter(Expr::exists(muted).not())
            .filter(
                notice_recipient::Column::SnoozedUntil
                    .is_null()
                    .or(notice_recipient::Column::SnoozedUntil.lte(now.as_millis())),
            )
            .limit(most)
            .into_tuple()
            .all(&self.db)
            .await?;
        Ok(some.len() as u64)
    }

    /// Notes that a person acknowledges a notice: nobody else is told of it. `false` if the person was not told of such a one. The
    /// event is given what the notice says.
    pub async fn acknowledge_notice(
        &self,
        account: AccountId,
        user: UserId,
        notice: NoticeId,
        now: Timestamp,
        event: AuditEvent,
    ) -> Result<bool, Fault> {
        self.mind(account, user, notice, (Some(now), None), (None, event)).await
    }

    /// Puts a notice off for a person until a moment, and telling others of it until `escalates` at least. `false` if the person was
    /// not told of such a one.
    pub async fn snooze_notice(
        &self,
        account: AccountId,
        user: UserId,
        notice: NoticeId,
        (until, escalates): (Timestamp, Timestamp),
        event: AuditEvent,
    ) -> Result<bool, Fault> {
        self.mind(account, user, notice, (None, Some(until)), (Some(escalates), event))
            .await
    }

    async fn mind(
        &self,
        account: AccountId,
        user: UserId,
        id: NoticeId,
        (acknowledged, snoozed): (Option<Timestamp>, Option<Timestamp>),
        (escalates, event): (Option<Timestamp>, AuditEvent),
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        let mut mine = notice_recipient::Entity::update_many()
            .filter(notice_recipient::Column::NoticeId.eq(id.0))
            .filter(notice_recipient::Column::UserId.eq(user.0))
            .filter(notice_recipient::Column::AccountId.eq(account.0));
        if let Some(at) = acknowledged {
            mine = mine.col_expr(notice_recipient::Column::AcknowledgedAt, Expr::value(at.as_millis()));
        }
        if let Some(until) = snoozed {
            mine = mine.col_expr(notice_recipient::Column::SnoozedUntil, Expr::value(until.as_millis()));
        }
        let found = mine.exec(&tx).await?.rows_affected == 1;
        if found {
            let at = escalates.map(Timestamp::as_millis);
            let mut update = notice::Entity::update_many()
                .col_expr(notice::Column::EscalatesAt, Expr::value(at))
                .filter(notice::Column::Id.eq(id.0));
            if let Some(at) = at {
                // What nobody else is told of stays so, and what is told later anyway, too.
                update = update.filter(notice::Column::EscalatesAt.lt(at));
            }
            update.exec(&tx).await?;
            let said: Option<(String, Option<Uuid>)> = notice::Entity::find_by_id(id.0)
                .select_only()
                .columns([notice::Column::Sentence, notice::Column::GitTokenId])
                .into_tuple()
                .one(&tx)
                .await?;
            let (sentence, token) = said.unwrap_or_default();
            let event = event.detail(sentence);
            let event = match token {
                Some(token) => event.token(GitTokenId(token)),
                None => event,
            };
            event.insert(&tx, account).await?;
        }
        tx.commit().await?;
        Ok(found)
    }

    /// Notes that a person wants to hear nothing of a runtime. `false` if they want that already. [`super::is_referenced`] tells that the
    /// runtime is gone.
    pub async fn mute_runtime(
        &self,
        account: AccountId,
        user: UserId,
        id: RuntimeId,
        now: Timestamp,
        event: AuditEvent,
    ) -> Result<bool, Fault> {
        let row = notice_mute::ActiveModel {
            user_id: Set(user.0),
            runtime_id: Set(id.0),
            account_id: Set(account.0),
            at: Set(now.as_millis()),
        };
        let tx = self.begin().await?;
        let new = notice_mute::Entity::insert(row)
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(&tx)
            .await?;
        event.end(tx, account, new == 1).await
    }

    /// Takes that back; `false` if the runtime was not muted.
    pub async fn unmute_runtime(
        &self,
        account: AccountId,
        user: UserId,
        id: RuntimeId,
        event: AuditEvent,
    ) -> Result<bool, Fault> {
        let tx = self.begin().await?;
        let done = notice_mute::Entity::delete_many()
            .filter(notice_mute::Column::UserId.eq(user.0))
            .filter(notice_mute::Column::RuntimeId.eq(id.0))
            .filter(notice_mute::Column::AccountId.eq(account.0))
            .exec(&tx)
            .await?;
        event.end(tx, account, done.rows_affected == 1).await
    }

    /// The runtimes of which a person wants to hear nothing, by name.
    pub async fn muted_runtimes(&self, account: AccountId, user: UserId) -> Result<Vec<(RuntimeId, String)>, Fault> {
        let muted = Query::select()
            .column(notice_mute::Column::RuntimeId)
            .from(notice_mute::Entity)
            .and_where(notice_mute::Column::UserId.eq(user.0))
            .and_where(notice_mute::Column::AccountId.eq(account.0))
            .to_owned();
        let rows: Vec<(Uuid, String)> = runtime::Entity::find()
            .select_only()
            .columns([runtime::Column::Id, runtime::Column::Name])
            .filter(runtime::Column::Id.in_subquery(muted))
            .order_by_asc(runtime::Column::Name)
            .into_tuple()
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(|(id, name)| (RuntimeId(id), name)).collect())
    }

    /// The open notices of an account, the newest first; at most `limit`.
    pub async fn open_notices(&self, account: AccountId, limit: u64) -> Result<Vec<ToldNotice>, Fault> {
        let rows = notice::Entity::find()
            .filter(notice::Column::AccountId.eq(account.0))
            .filter(notice::Column::ClosedAt.is_null())
            .order_by_desc(notice::Column::CreatedAt)
            .order_by_desc(notice::Column::Id)
            .limit(limit)
            .all(&self.db)
            .await?;
        rows.iter().map(told).collect()
    }
}

fn recipients(account: AccountId, user: UserId) -> Select<notice_recipient::Entity> {
    notice_recipient::Entity::find()
        .filter(notice_recipient::Column::UserId.eq(user.0))
        .filter(notice_recipient::Column::AccountId.eq(account.0))
}

pub(super) fn told(row: &notice::Model) -> Result<ToldNotice, Fault> {
    Ok(ToldNotice {
        id: NoticeId(row.id),
        condition: condition(row)?,
        sentence: row.sentence.clone(),
        token: row.git_token_id.map(GitTokenId),
        runtime: row.runtime_id.map(RuntimeId),
        holder: row.holder_id.map(UserId),
        level: Level::from_stored(row.level).ok_or_else(|| Fault::Stored(format!("unknown level {}", row.level)))?,
        created_at: Timestamp::from_millis(row.created_at),
    })
}
