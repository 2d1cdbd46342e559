//! Notices: what there is to look at, what is told of it, and to whom. A look takes the rows that it judges, so that two processes never
//! judge the same at once; indexes that allow one open notice of a kind hold beyond that.

use super::{
    Store, also,
    entities::{git_provider, git_token, member, oauth_application, oauth_grant, runtime, user},
    git_tokens::{expiry_of, from_json},
    notice_entities::{notice, notice_channel, notice_delivery, notice_recipient, notice_setting},
    notice_settings::{NoticeSettings, settings_row},
};
use crate::{Fault, audit::AuditEvent};
use domain::{
    AccountId, Ends, Expiry, GitTokenId, NoticeId, NoticeKind, OAuthApplicationId, ProviderKind, Role, RuntimeId,
    Timestamp, TokenStatus, UserId,
    notice::{Condition, Level, Named, People, Standing, TokenState},
    rotation,
};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, Condition as Where, ConnectionTrait, DatabaseTransaction, EntityTrait as _, ExprTrait as _,
    FromQueryResult, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    sea_query::{Expr, LockBehavior, LockType, OnConflict, Query, SelectStatement},
};
use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};
use uuid::Uuid;

/// Something that notices may be about.
#[derive(Clone, Debug)]
pub struct Watched {
    /// Whose.
    pub account: AccountId,
    /// What it is.
    pub subject: Subject,
    /// Its names.
    pub named: Named,
    /// Who could do something about it.
    pub people: People,
    /// Its holder, member or not.
    pub holder: Option<UserId>,
    /// The runtime, if it is about one.
    pub runtime: Option<RuntimeId>,
    /// What its account chose.
    pub settings: Arc<NoticeSettings>,
    /// What is told of it at present.
    pub open: Vec<OpenNotice>,
}

/// What a notice is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A token.
    Token(GitTokenId, TokenState),
    /// A runtime for which no token is stored.
    Runtime(RuntimeId),
    /// An OAuth application, and when its client secret ends.
    Application(OAuthApplicationId, Timestamp),
}

impl Subject {
    const fn id(&self) -> Uuid {
        match self {
            Self::Token(id, _) => id.0,
            Self::Runtime(id) => id.0,
            Self::Application(id, _) => id.0,
        }
    }
}

/// A notice that is open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenNotice {
    /// Which.
    pub id: NoticeId,
    /// What it tells.
    pub condition: Condition,
    /// What makes it the only one of its kind, with the lead time.
    pub mark: i64,
    /// How far it has come.
    pub standing: Standing,
    /// Whether somebody acknowledged it.
    pub minded: bool,
}

/// A notice to be made.
#[derive(Clone, Debug)]
pub struct NewNotice {
    /// Its id.
    pub id: NoticeId,
    /// What it tells.
    pub condition: Condition,
    /// What makes it the only one of its kind, with the lead time; 0 for what comes and goes.
    pub mark: i64,
    /// What it says.
    pub sentence: String,
    /// Who is told, and when somebody else is.
    pub standing: Standing,
    /// The one that it takes the place of: who put that off has put this off.
    pub follows: Option<NoticeId>,
}

/// What a look at something came to.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// What is over.
    pub close: Vec<NoticeId>,
    /// What is to be told.
    pub open: Vec<NewNotice>,
    /// When to look again although nothing was changed; `None`: not before.
    pub next: Option<Timestamp>,
}

/// What many looks came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// How many things were looked at.
    pub at: u64,
    /// How many notices were made.
    pub opened: u64,
    /// How many were over.
    pub closed: u64,
}

impl std::ops::AddAssign for Looked {
    fn add_assign(&mut self, other: Self) {
        self.at += other.at;
        self.opened += other.opened;
        self.closed += other.closed;
    }
}

/// A notice that nobody minded.
#[derive(Clone, Debug)]
pub struct Unminded {
    /// Which.
    pub id: NoticeId,
    /// How far it has come.
    pub standing: Standing,
    /// Who could do something about it.
    pub people: People,
    /// What its account chose.
    pub settings: Arc<NoticeSettings>,
}

/// What becomes of a notice that nobody minded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Others are told.
    Tell(Standing),
    /// Nobody else is.
    Stay,
}

impl Store {
    /// Looks at up to `limit` tokens that are due for it, of all accounts.
    pub async fn look_at_tokens(
        &self,
        now: Timestamp,
        limit: u64,
        judge: impl Fn(&Watched) -> Verdict,
    ) -> Result<Looked, Fault> {
        let tx = self.begin().await?;
        let due = git_token::Column::NoticeDueAt.lte(now.as_millis());
        let watched = watched_tokens(&tx, Where::all().add(due), limit).await?;
        let mut looked = Looked::default();
        let mut next: HashMap<Option<Timestamp>, Vec<Uuid>> = HashMap::new();
        let crowd = Crowd::of(&tx, &watched).await?;
        for one in &watched {
            let verdict = judge(one);
            next.entry(verdict.next).or_default().push(one.subject.id());
            looked += crowd.carry_out(&tx, one, verdict, now).await?;
        }
        for (at, tokens) in next {
            git_token::Entity::update_many()
                .col_expr(
                    git_token::Column::NoticeDueAt,
                    Expr::value(at.map(Timestamp::as_millis)),
                )
                .filter(git_token::Column::Id.is_in(tokens))
                .exec(&tx)
                .await?;
        }
        if looked.closed > 0 {
            forget_recipients(&tx, now).await?;
        }
        tx.commit().await?;
        Ok(looked)
    }

    /// Looks at the OAuth applications whose client secrets end, of all accounts.
    pub async fn look_at_secrets(&self, now: Timestamp, judge: impl Fn(&Watched) -> Verdict) -> Result<Looked, Fault> {
        let tx = self.begin().await?;
        let rows: Vec<(Uuid, Uuid, Uuid, String, i64)> = oauth_application::Entity::find()
            .select_only()
            .columns([
                oauth_application::Column::Id,
                oauth_application::Column::AccountId,
                oauth_application::Column::GitProviderId,
                oauth_application::Column::Name,
                oauth_application::Column::SecretExpiresAt,
            ])
            .filter(oauth_application::Column::SecretExpiresAt.is_not_null())
            .lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked)
            .into_tuple()
            .all(&tx)
            .await?;
        let providers = providers_among(&tx, rows.iter().map(|row| row.2)).await?;
        let settings = settings_of(&tx, rows.iter().map(|row| row.1)).await?;
        let mut open = open_notices(&tx, notice::Column::Kind.eq(NoticeKind::SecretEnding.as_str()).into()).await?;
        let watched: Vec<Watched> = rows
            .into_iter()
            .map(|(id, account, provider, name, ends)| Watched {
                account: AccountId(account),
                subject: Subject::Application(OAuthApplicationId(id), Timestamp::from_millis(ends)),
                named: Named {
                    provider: providers
                        .get(&provider)
                        .map(|known| known.name.clone())
                        .unwrap_or_default(),
                    application: name,
                    ..Named::default()
                },
                people: People::default(),
                holder: None,
                runtime: None,
                settings: settings.get(&account).cloned().unwrap_or_default(),
                open: open.remove(&id).unwrap_or_default(),
            })
            .collect();
        let crowd = Crowd::of(&tx, &watched).await?;
        let mut looked = Looked::default();
        for one in &watched {
            looked += crowd.carry_out(&tx, one, judge(one), now).await?;
        }
        // Of an application that was deleted, or whose secret does not end any more.
        let known = Query::select()
            .column(oauth_application::Column::Id)
            .from(oauth_application::Entity)
            .and_where(oauth_application::Column::SecretExpiresAt.is_not_null())
            .to_owned();
        looked.closed += close_where(
            &tx,
            Where::all()
                .add(notice::Column::Kind.eq(NoticeKind::SecretEnding.as_str()))
                .add(notice::Column::Subject.not_in_subquery(known)),
            now,
        )
        .await?;
        if looked.closed > 0 {
            forget_recipients(&tx, now).await?;
        }
        tx.commit().await?;
        Ok(looked)
    }

    /// Looks at up to `limit` runtimes, registered at `before` or earlier, for which no token is stored and of which that is not told.
    pub async fn look_at_runtimes(
        &self,
        (now, before): (Timestamp, Timestamp),
        limit: u64,
        judge: impl Fn(&Watched) -> Verdict,
    ) -> Result<Looked, Fault> {
        let told = Query::select()
            .expr(Expr::value(1))
            .from(notice::Entity)
            .and_where(
                Expr::col((notice::Entity, notice::Column::Subject)).equals((runtime::Entity, runtime::Column::Id)),
            )
            .and_where(Expr::col((notice::Entity, notice::Column::Kind)).eq(NoticeKind::NoToken.as_str()))
            .and_where(Expr::col((notice::Entity, notice::Column::ClosedAt)).is_null())
            .to_owned();
        let tx = self.begin().await?;
        let rows = runtime::Entity::find()
            .filter(runtime::Column::CreatedAt.lte(before.as_millis()))
            .filter(Expr::exists(tokens_of_runtime()).not())
            .filter(Expr::exists(told).not())
            .limit(limit)
            .lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked)
            .all(&tx)
            .await?;
        let providers = providers_among(&tx, rows.iter().map(|row| row.git_provider_id)).await?;
        let settings = settings_of(&tx, rows.iter().map(|row| row.account_id)).await?;
        let members = members_among(&tx, rows.iter().filter_map(|row| Some((row.account_id, row.owner_id?)))).await?;
        let watched: Vec<Watched> = rows
            .into_iter()
            .map(|row| Watched {
                account: AccountId(row.account_id),
                subject: Subject::Runtime(RuntimeId(row.id)),
                named: Named {
                    runtime: row.name,
                    provider: providers
                        .get(&row.git_provider_id)
                        .map(|known| known.name.clone())
                        .unwrap_or_default(),
                    ..Named::default()
                },
                people: People {
                    owner: row
                        .owner_id
                        .filter(|owner| members.contains(&(row.account_id, *owner)))
                        .map(UserId),
                    ..People::default()
                },
                holder: None,
                runtime: Some(RuntimeId(row.id)),
                settings: settings.get(&row.account_id).cloned().unwrap_or_default(),
                open: Vec::new(),
            })
            .collect();
        let crowd = Crowd::of(&tx, &watched).await?;
        let mut looked = Looked::default();
        for one in &watched {
            looked += crowd.carry_out(&tx, one, judge(one), now).await?;
        }
        // Of one that has a token now, or is not there any more.
        let without = Query::select()
            .column(runtime::Column::Id)
            .from(runtime::Entity)
            .and_where(Expr::exists(tokens_of_runtime()).not())
            .to_owned();
        looked.closed += close_where(
            &tx,
            Where::all()
                .add(notice::Column::Kind.eq(NoticeKind::NoToken.as_str()))
                .add(notice::Column::Subject.not_in_subquery(without)),
            now,
        )
        .await?;
        if looked.closed > 0 {
            forget_recipients(&tx, now).await?;
        }
        tx.commit().await?;
        Ok(looked)
    }

    /// Takes up to `limit` notices on whose next step it is time to decide, or whose holder is not a member any more. Gives how many
    /// there were.
    pub async fn escalate(&self, now: Timestamp, limit: u64, decide: impl Fn(&Unminded) -> Step) -> Result<u64, Fault> {
        let still_member = Query::select()
            .expr(Expr::value(1))
            .from(member::Entity)
            .and_where(
                Expr::col((member::Entity, member::Column::AccountId))
                    .equals((notice::Entity, notice::Column::AccountId)),
            )
            .and_where(
                Expr::col((member::Entity, member::Column::UserId)).equals((notice::Entity, notice::Column::HolderId)),
            )
            .to_owned();
        let holder_is_gone = Where::all()
            .add(notice::Column::HolderId.is_not_null())
            .add(notice::Column::Level.lt(Level::Admins.number()))
            .add(Expr::exists(still_member).not());
        let tx = self.begin().await?;
        let mut rows = Vec::new();
        for condition in [
            Where::all().add(notice::Column::EscalatesAt.lte(now.as_millis())),
            holder_is_gone,
        ] {
            let taken = notice::Entity::find()
                .filter(notice::Column::ClosedAt.is_null())
                .filter(condition)
                .limit(limit)
                .lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked)
                .all(&tx)
                .await?;
            rows.extend(taken);
        }
        rows.sort_by_key(|row| row.id);
        rows.dedup_by_key(|row| row.id);
        let count = rows.len() as u64;
        let settings = settings_of(&tx, rows.iter().map(|row| row.account_id)).await?;
        let owners: HashMap<Uuid, Option<Uuid>> = runtime::Entity::find()
            .select_only()
            .columns([runtime::Column::Id, runtime::Column::OwnerId])
            .filter(runtime::Column::Id.is_in(rows.iter().filter_map(|row| row.runtime_id)))
            .into_tuple::<(Uuid, Option<Uuid>)>()
            .all(&tx)
            .await?
            .into_iter()
            .collect();
        let owner = |row: &notice::Model| owners.get(&row.runtime_id?).copied().flatten();
        let wanted = rows.iter().flat_map(|row| {
            let people = [row.holder_id, owner(row)];
            people.into_iter().flatten().map(|person| (row.account_id, person))
        });
        let members = members_among(&tx, wanted).await?;
        let crowd = Crowd::new(&tx, rows.iter().map(|row| row.account_id)).await?;
        for row in rows {
            let member = |person: &Uuid| members.contains(&(row.account_id, *person));
            let unminded = Unminded {
                id: NoticeId(row.id),
                standing: standing(&row)?,
                people: People {
                    holder: row.holder_id.filter(member).map(UserId),
                    owner: owner(&row).filter(member).map(UserId),
                    holder_is_gone: row.holder_id.is_some_and(|holder| !member(&holder)),
                },
                settings: settings.get(&row.account_id).cloned().unwrap_or_default(),
            };
            let step = decide(&unminded);
            let (level, at) = match step {
                Step::Tell(standing) => (standing.level.number(), standing.escalates_at.map(Timestamp::as_millis)),
                Step::Stay => (row.level, None),
            };
            notice::Entity::update_many()
                .col_expr(notice::Column::Level, Expr::value(level))
                .col_expr(notice::Column::EscalatesAt, Expr::value(at))
                .filter(notice::Column::Id.eq(row.id))
                .exec(&tx)
                .await?;
            if let Step::Tell(standing) = step {
                let account = AccountId(row.account_id);
                crowd
                    .tell(&tx, account, NoticeId(row.id), &unminded.people, standing.level, now)
                    .await?;
            }
        }
        tx.commit().await?;
        Ok(count)
    }

    /// Makes a notice about tokens of an account because somebody asks for it: for each what `judge` gives. Gives who is told. The
    /// record is written if anybody is.
    pub async fn tell_of_tokens(
        &self,
        account: AccountId,
        tokens: &[GitTokenId],
        now: Timestamp,
        judge: impl Fn(&Watched) -> Verdict,
        event: impl Fn(u64) -> AuditEvent,
    ) -> Result<HashSet<UserId>, Fault> {
        let tx = self.begin().await?;
        let wanted = Where::all()
            .add(also(git_token::Column::AccountId, account.0))
            .add(git_token::Column::Id.is_in(tokens.iter().map(|token| token.0)));
        let watched = watched_tokens(&tx, wanted, tokens.len() as u64).await?;
        let crowd = Crowd::of(&tx, &watched).await?;
        let mut told = HashSet::new();
        let mut opened = 0;
        for one in &watched {
            let verdict = judge(one);
            let level = verdict.open.first().map(|new| new.standing.level);
            let looked = crowd.carry_out(&tx, one, verdict, now).await?;
            opened += looked.opened;
            if let (Some(level), 1..) = (level, looked.opened) {
                told.extend(crowd.people(account, &one.people, level));
            }
        }
        if opened > 0 {
            forget_recipients(&tx, now).await?;
            event(opened).insert(&tx, account).await?;
        }
        tx.commit().await?;
        Ok(told)
    }

    /// Deletes up to `limit` notices that were over before a moment.
    pub async fn prune_notices(&self, before: Timestamp, limit: u64) -> Result<u64, Fault> {
        let old = notice::Entity::find()
            .select_only()
            .column(notice::Column::Id)
            .filter(notice::Column::ClosedAt.lt(before.as_millis()))
            .limit(limit);
        let old = sea_orm::QueryTrait::into_query(old);
        let done = notice::Entity::delete_many()
            .filter(notice::Column::Id.in_subquery(old))
            .exec(&self.db)
            .await?;
        Ok(done.rows_affected)
    }
}

/// Who there is to be told, and over which channels.
struct Crowd {
    admins: HashMap<Uuid, Vec<Uuid>>,
    /// With whether each goes to people rather than to one address.
    channels: HashMap<Uuid, Vec<(Uuid, bool)>>,
}

impl Crowd {
    async fn of(tx: &DatabaseTransaction, watched: &[Watched]) -> Result<Self, Fault> {
        Self::new(tx, watched.iter().map(|one| one.account.0)).await
    }

    async fn new(tx: &DatabaseTransaction, accounts: impl Iterator<Item = Uuid>) -> Result<Self, Fault> {
        let accounts: HashSet<Uuid> = accounts.collect();
        let mut admins: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        let rows = member::Entity::find()
            .filter(member::Column::AccountId.is_in(accounts.iter().copied()))
            .filter(member::Column::Role.eq(Role::Admin.as_str()))
            .all(tx)
            .await?;
        for row in rows {
            admins.entry(row.account_id).or_default().push(row.user_id);
        }
        let mut channels: HashMap<Uuid, Vec<(Uuid, bool)>> = HashMap::new();
        let rows: Vec<(Uuid, Uuid, String)> = notice_channel::Entity::find()
            .select_only()
            .columns([
                notice_channel::Column::Id,
                notice_channel::Column::AccountId,
                notice_channel::Column::Kind,
            ])
            .filter(notice_channel::Column::AccountId.is_in(accounts))
            .filter(notice_channel::Column::DisabledAt.is_null())
            .into_tuple()
            .all(tx)
            .await?;
        for (id, account, kind) in rows {
            channels.entry(account).or_default().push((id, kind == "email"));
        }
        Ok(Self { admins, channels })
    }

    /// Who belongs to a level.
    fn people(&self, account: AccountId, people: &People, level: Level) -> Vec<UserId> {
        if let Some(person) = people.of(level) {
            return vec![person];
        }
        let admins = self.admins.get(&account.0).into_iter().flatten();
        admins.copied().map(UserId).collect()
    }

    /// Closes what is over, then makes what is new.
    async fn carry_out(
        &self,
        tx: &DatabaseTransaction,
        watched: &Watched,
        verdict: Verdict,
        now: Timestamp,
    ) -> Result<Looked, Fault> {
        let mut looked = Looked {
            at: 1,
            ..Looked::default()
        };
        if !verdict.close.is_empty() {
            let over = Where::all().add(notice::Column::Id.is_in(verdict.close.iter().map(|id| id.0)));
            looked.closed = close_where(tx, over, now).await?;
        }
        for new in verdict.open {
            looked.opened += u64::from(self.open(tx, watched, new, now).await?);
        }
        Ok(looked)
    }

    /// `false` if that was told before.
    async fn open(
        &self,
        tx: &DatabaseTransaction,
        watched: &Watched,
        new: NewNotice,
        now: Timestamp,
    ) -> Result<bool, Fault> {
        let row = notice::ActiveModel {
            id: Set(new.id.0),
            account_id: Set(watched.account.0),
            kind: Set(new.condition.kind.as_str().to_owned()),
            subject: Set(watched.subject.id()),
            lead_days: Set(i32::from(new.condition.lead)),
            mark: Set(new.mark),
            git_token_id: Set(match &watched.subject {
                Subject::Token(id, _) => Some(id.0),
                Subject::Runtime(_) | Subject::Application(..) => None,
            }),
            runtime_id: Set(watched.runtime.map(|id| id.0)),
            holder_id: Set(watched.holder.map(|user| user.0)),
            ends_at: Set(new.condition.ends.map(Timestamp::as_millis)),
            sentence: Set(new.sentence),
            level: Set(new.standing.level.number()),
            escalates_at: Set(new.standing.escalates_at.map(Timestamp::as_millis)),
            created_at: Set(now.as_millis()),
            closed_at: Set(None),
        };
        let made = notice::Entity::insert(row)
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(tx)
            .await?;
        if made == 0 {
            return Ok(false);
        }
        for (channel, personal) in self.channels.get(&watched.account.0).into_iter().flatten() {
            if !personal {
                insert_delivery(tx, new.id, (*channel, Uuid::nil()), now).await?;
            }
        }
        // Of what goes on where another stood, everybody knows who knew of that.
        for level in [Level::Holder, Level::Owner, Level::Admins] {
            if level <= new.standing.level && level >= watched.people.first() {
                self.tell(tx, watched.account, new.id, &watched.people, level, now)
                    .await?;
            }
        }
        if let Some(before) = new.follows {
            let put_off: Vec<(Uuid, i64)> = notice_recipient::Entity::find()
                .select_only()
                .columns([notice_recipient::Column::UserId, notice_recipient::Column::SnoozedUntil])
                .filter(notice_recipient::Column::NoticeId.eq(before.0))
                .filter(notice_recipient::Column::SnoozedUntil.gt(now.as_millis()))
                .into_tuple()
                .all(tx)
                .await?;
            for (person, until) in put_off {
                notice_recipient::Entity::update_many()
                    .col_expr(notice_recipient::Column::SnoozedUntil, Expr::value(until))
                    .filter(notice_recipient::Column::NoticeId.eq(new.id.0))
                    .filter(notice_recipient::Column::UserId.eq(person))
                    .exec(tx)
                    .await?;
            }
        }
        Ok(true)
    }

    /// Tells those of a level, in the page and by mail.
    async fn tell(
        &self,
        tx: &DatabaseTransaction,
        account: AccountId,
        notice: NoticeId,
        people: &People,
        level: Level,
        now: Timestamp,
    ) -> Result<(), Fault> {
        if level != Level::Admins && people.of(level).is_none() {
            return Ok(());
        }
        for person in self.people(account, people, level) {
            let row = notice_recipient::ActiveModel {
                notice_id: Set(notice.0),
                user_id: Set(person.0),
                account_id: Set(account.0),
                told_at: Set(now.as_millis()),
                acknowledged_at: Set(None),
                snoozed_until: Set(None),
            };
            notice_recipient::Entity::insert(row)
                .on_conflict(OnConflict::new().do_nothing().to_owned())
                .exec_without_returning(tx)
                .await?;
            for (channel, personal) in self.channels.get(&account.0).into_iter().flatten() {
                if *personal {
                    insert_delivery(tx, notice, (*channel, person.0), now).await?;
                }
            }
        }
        Ok(())
    }
}

async fn insert_delivery(
    tx: &DatabaseTransaction,
    notice: NoticeId,
    (channel, recipient): (Uuid, Uuid),
    now: Timestamp,
) -> Result<(), Fault> {
    let row = notice_delivery::ActiveModel {
        notice_id: Set(notice.0),
        channel_id: Set(channel),
        recipient: Set(recipient),
        created_at: Set(now.as_millis()),
        message_id: Set(None),
    };
    notice_delivery::Entity::insert(row)
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx)
        .await?;
    Ok(())
}

/// Forgets who was told of what was closed at `now`.
async fn forget_recipients(tx: &DatabaseTransaction, now: Timestamp) -> Result<(), Fault> {
    let over = Query::select()
        .column(notice::Column::Id)
        .from(notice::Entity)
        .and_where(notice::Column::ClosedAt.eq(now.as_millis()))
        .to_owned();
    notice_recipient::Entity::delete_many()
        .filter(notice_recipient::Column::NoticeId.in_subquery(over))
        .exec(tx)
        .await?;
    Ok(())
}

/// Closes notices. Who was told is forgotten by [`forget_recipients`], when it is no longer asked for.
async fn close_where(tx: &DatabaseTransaction, condition: Where, now: Timestamp) -> Result<u64, Fault> {
    let done = notice::Entity::update_many()
        .col_expr(notice::Column::ClosedAt, Expr::value(now.as_millis()))
        .filter(notice::Column::ClosedAt.is_null())
        .filter(condition)
        .exec(tx)
        .await?;
    Ok(done.rows_affected)
}

/// Any token of the runtime of the query around.
fn tokens_of_runtime() -> SelectStatement {
    Query::select()
        .expr(Expr::value(1))
        .from(git_token::Entity)
        .and_where(
            Expr::col((git_token::Entity, git_token::Column::RuntimeId)).equals((runtime::Entity, runtime::Column::Id)),
        )
        .to_owned()
}

/// Of a token what notices follow from: no secret is read.
#[derive(FromQueryResult)]
struct TokenColumns {
    id: Uuid,
    account_id: Uuid,
    runtime_id: Uuid,
    user_id: Option<Uuid>,
    kind: String,
    status: String,
    expires_at: Option<i64>,
    never_expires: bool,
    entered_expires_at: Option<i64>,
    accepted_at: Option<i64>,
    created_at: i64,
    rotated_at: Option<i64>,
}

impl TokenColumns {
    fn state(
        &self,
        refresh: Option<&RefreshColumns>,
        place: &runtime::Model,
        provider: Option<&AtProvider>,
    ) -> Result<TokenState, Fault> {
        let status = TokenStatus::from_stored(&self.status)
            .ok_or_else(|| Fault::Stored(format!("unknown status {:?}", self.status)))?;
        let ends = Ends {
            told: expiry_of(self.expires_at, self.never_expires),
            entered: self.entered_expires_at.map(Timestamp::from_millis),
        };
        let since = Timestamp::from_millis(self.rotated_at.unwrap_or(self.created_at));
        let unasked = self.kind == "pat"
            && place.rotate_tokens
            && rotation::is_possible(status)
            && provider.is_some_and(|provider| provider.rotates);
        Ok(TokenState {
            status,
            expiry: ends.expiry(self.accepted_at.map(Timestamp::from_millis)),
            refresh: refresh.and_then(|row| row.note.as_deref()).map(from_json).transpose()?,
            refresh_ends: refresh.and_then(RefreshColumns::ends),
            rotates_at: match (ends.told, unasked) {
                (Expiry::At(end), true) => Some(rotation::due_at(since, end)),
                _ => None,
            },
        })
    }
}

/// Takes tokens with all that notices follow from.
async fn watched_tokens(tx: &DatabaseTransaction, which: Where, limit: u64) -> Result<Vec<Watched>, Fault> {
    let rows = git_token::Entity::find()
        .select_only()
        .columns([
            git_token::Column::Id,
            git_token::Column::AccountId,
            git_token::Column::RuntimeId,
            git_token::Column::UserId,
            git_token::Column::Kind,
            git_token::Column::Status,
            git_token::Column::ExpiresAt,
            git_token::Column::NeverExpires,
            git_token::Column::EnteredExpiresAt,
            git_token::Column::AcceptedAt,
            git_token::Column::CreatedAt,
            git_token::Column::RotatedAt,
        ])
        .filter(which)
        .order_by_asc(git_token::Column::NoticeDueAt)
        .limit(limit)
        .lock_with_behavior(LockType::NoKeyUpdate, LockBehavior::SkipLocked)
        .into_model::<TokenColumns>()
        .all(tx)
        .await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let grants = refreshes_of(tx, rows.iter().filter(|row| row.kind == "oauth").map(|row| row.id)).await?;
    let runtimes: HashMap<Uuid, runtime::Model> = runtime::Entity::find()
        .filter(runtime::Column::Id.is_in(rows.iter().map(|row| row.runtime_id).collect::<HashSet<_>>()))
        .all(tx)
        .await?
        .into_iter()
        .map(|row| (row.id, row))
        .collect();
    let providers = providers_among(tx, runtimes.values().map(|row| row.git_provider_id)).await?;
    let settings = settings_of(tx, rows.iter().map(|row| row.account_id)).await?;
    let owner = |runtime: Uuid| runtimes.get(&runtime).and_then(|runtime| runtime.owner_id);
    let people = rows.iter().flat_map(|row| {
        let people = [row.user_id, owner(row.runtime_id)];
        people.into_iter().flatten().map(|person| (row.account_id, person))
    });
    let members = members_among(tx, people).await?;
    let names = names_of_people(tx, rows.iter().filter_map(|row| row.user_id)).await?;
    let ids = notice::Column::GitTokenId.is_in(rows.iter().map(|row| row.id));
    let mut open = open_notices(tx, ids.into()).await?;
    let watched = rows.into_iter().filter_map(|row| {
        // A token whose runtime is just being deleted is left out.
        let place = runtimes.get(&row.runtime_id)?;
        let provider = providers.get(&place.git_provider_id);
        let member = |person: &Uuid| members.contains(&(row.account_id, *person));
        let holder = row.user_id;
        let watched = |state| Watched {
            account: AccountId(row.account_id),
            subject: Subject::Token(GitTokenId(row.id), state),
            named: Named {
                runtime: place.name.clone(),
                provider: provider.map(|provider| provider.name.clone()).unwrap_or_default(),
                holder: holder
                    .and_then(|holder| names.get(&holder).cloned())
                    .unwrap_or_default(),
                application: String::new(),
            },
            people: People {
                holder: holder.filter(member).map(UserId),
                owner: place.owner_id.filter(member).map(UserId),
                holder_is_gone: holder.is_some_and(|holder| !member(&holder)),
            },
            holder: holder.map(UserId),
            runtime: Some(RuntimeId(row.runtime_id)),
            settings: settings.get(&row.account_id).cloned().unwrap_or_default(),
            open: open.remove(&row.id).unwrap_or_default(),
        };
        Some(row.state(grants.get(&row.id), place, provider).map(watched))
    });
    watched.collect()
}

/// Of an OAuth token what keeps it from being refreshed, and when what refreshes it ends.
#[derive(FromQueryResult)]
struct RefreshColumns {
    git_token_id: Uuid,
    note: Option<String>,
    refresh_ends_at: Option<i64>,
    refresh_since: Option<i64>,
    refreshed_at: Option<i64>,
}

impl RefreshColumns {
    fn ends(&self) -> Option<(Timestamp, Timestamp)> {
        let since = self.refresh_since.or(self.refreshed_at)?;
        Some((
            Timestamp::from_millis(since),
            Timestamp::from_millis(self.refresh_ends_at?),
        ))
    }
}

async fn refreshes_of(
    db: &impl ConnectionTrait,
    tokens: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, RefreshColumns>, Fault> {
    let rows = oauth_grant::Entity::find()
        .select_only()
        .columns([
            oauth_grant::Column::GitTokenId,
            oauth_grant::Column::Note,
            oauth_grant::Column::RefreshEndsAt,
            oauth_grant::Column::RefreshSince,
            oauth_grant::Column::RefreshedAt,
        ])
        .filter(oauth_grant::Column::GitTokenId.is_in(tokens))
        .into_model::<RefreshColumns>()
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| (row.git_token_id, row)).collect())
}

/// The open notices among these, by what they are about.
async fn open_notices(db: &impl ConnectionTrait, which: Where) -> Result<HashMap<Uuid, Vec<OpenNotice>>, Fault> {
    let rows = notice::Entity::find()
        .filter(notice::Column::ClosedAt.is_null())
        .filter(which)
        .all(db)
        .await?;
    let minded: HashSet<Uuid> = notice_recipient::Entity::find()
        .select_only()
        .column(notice_recipient::Column::NoticeId)
        .filter(notice_recipient::Column::NoticeId.is_in(rows.iter().map(|row| row.id)))
        .filter(notice_recipient::Column::AcknowledgedAt.is_not_null())
        .into_tuple::<Uuid>()
        .all(db)
        .await?
        .into_iter()
        .collect();
    let mut open: HashMap<Uuid, Vec<OpenNotice>> = HashMap::new();
    for row in rows {
        let one = OpenNotice {
            id: NoticeId(row.id),
            condition: condition(&row)?,
            mark: row.mark,
            standing: standing(&row)?,
            minded: minded.contains(&row.id),
        };
        open.entry(row.subject).or_default().push(one);
    }
    Ok(open)
}

pub(super) fn condition(row: &notice::Model) -> Result<Condition, Fault> {
    Ok(Condition {
        kind: NoticeKind::from_stored(&row.kind)
            .ok_or_else(|| Fault::Stored(format!("unknown kind of notice {:?}", row.kind)))?,
        lead: u16::try_from(row.lead_days).unwrap_or_default(),
        ends: row.ends_at.map(Timestamp::from_millis),
    })
}

fn standing(row: &notice::Model) -> Result<Standing, Fault> {
    Ok(Standing {
        level: Level::from_stored(row.level).ok_or_else(|| Fault::Stored(format!("unknown level {}", row.level)))?,
        escalates_at: row.escalates_at.map(Timestamp::from_millis),
    })
}

/// What a notice needs to know of a Git provider.
#[derive(Clone)]
struct AtProvider {
    name: String,
    rotates: bool,
}

async fn providers_among(
    db: &impl ConnectionTrait,
    ids: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, AtProvider>, Fault> {
    let rows: Vec<(Uuid, String, String)> = git_provider::Entity::find()
        .select_only()
        .columns([
            git_provider::Column::Id,
            git_provider::Column::Name,
            git_provider::Column::Kind,
        ])
        .filter(git_provider::Column::Id.is_in(ids.collect::<HashSet<_>>()))
        .into_tuple()
        .all(db)
        .await?;
    let known = rows.into_iter().map(|(id, name, kind)| {
        let rotates = ProviderKind::from_word(&kind).is_some_and(|kind| kind.offers(None).rotation);
        (id, AtProvider { name, rotates })
    });
    Ok(known.collect())
}

async fn names_of_people(
    db: &impl ConnectionTrait,
    ids: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, String>, Fault> {
    let rows: Vec<(Uuid, String)> = user::Entity::find()
        .select_only()
        .columns([user::Column::Id, user::Column::Name])
        .filter(user::Column::Id.is_in(ids.collect::<HashSet<_>>()))
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}

/// Those of these people who are members, by account and person.
pub(super) async fn members_among(
    db: &impl ConnectionTrait,
    people: impl Iterator<Item = (Uuid, Uuid)>,
) -> Result<HashSet<(Uuid, Uuid)>, Fault> {
    let (accounts, people): (HashSet<Uuid>, HashSet<Uuid>) = people.unzip();
    let rows: Vec<(Uuid, Uuid)> = member::Entity::find()
        .select_only()
        .columns([member::Column::AccountId, member::Column::UserId])
        .filter(member::Column::AccountId.is_in(accounts))
        .filter(member::Column::UserId.is_in(people))
        .into_tuple()
        .all(db)
        .await?;
    Ok(rows.into_iter().collect())
}

async fn settings_of(
    db: &impl ConnectionTrait,
    accounts: impl Iterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Arc<NoticeSettings>>, Fault> {
    let rows = notice_setting::Entity::find()
        .filter(notice_setting::Column::AccountId.is_in(accounts.collect::<HashSet<_>>()))
        .all(db)
        .await?;
    rows.into_iter()
        .map(|row| Ok((row.account_id, Arc::new(settings_row(&row)?))))
        .collect()
}
