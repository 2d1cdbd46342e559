//! The audit log: written in the transaction of what it tells of, so that neither is there without the other.
//!
//! The head of an account's chain is the last row that such a transaction locks: whoever holds it waits for nobody, and the events
//! of an account are committed in the order of their numbers.

use super::{
    Store,
    entities::{audit_event, audit_head, audit_word, member, user},
};
use crate::{
    Fault,
    audit::{AuditEvent, Hash, Record},
};
use domain::{AccountId, GitProviderId, GitTokenId, RuntimeId, Timestamp, UserId};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait as _, ConnectionTrait, DatabaseTransaction, EntityTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
    sea_query::{LockType, Query},
};

/// How many words are stored by one statement.
const WORDS_AT_ONCE: usize = 1000;

/// The end of an account's chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuditHead {
    /// The account.
    pub account: AccountId,
    /// The number of its last event; 0 while there is none.
    pub seq: i64,
    /// The hash of that.
    pub hash: Hash,
}

impl AuditEvent {
    /// Records it as the last thing that a transaction does: the head of the chain is locked until that ends.
    pub(super) async fn insert(self, db: &impl ConnectionTrait, account: AccountId) -> Result<(), Fault> {
        // On the heap: the future of every change holds it.
        Box::pin(append(db, account, vec![self])).await
    }

    /// Ends a transaction: with this record if it `changed` something, as if it had not been otherwise. Gives `changed`.
    pub(super) async fn end(self, tx: DatabaseTransaction, account: AccountId, changed: bool) -> Result<bool, Fault> {
        if changed {
            self.insert(&tx, account).await?;
            tx.commit().await?;
        } else {
            tx.rollback().await?;
        }
        Ok(changed)
    }
}

/// Records events, in their order.
pub(super) async fn append(
    db: &impl ConnectionTrait,
    account: AccountId,
    events: Vec<AuditEvent>,
) -> Result<(), Fault> {
    let mut named = Vec::with_capacity(events.len());
    for event in events {
        named.push(with_name(db, event).await?);
    }
    let head = audit_head::Entity::find_by_id(account.0).lock(LockType::Update);
    let head = head.one(db).await?;
    let head = head.ok_or_else(|| Fault::Stored(format!("the audit log of account {account} has no head")))?;
    let mut end = (head.seq, Timestamp::from_millis(head.at), hash(head.hash)?);
    let mut rows = Vec::with_capacity(named.len());
    let mut words = Vec::new();
    for event in named {
        let topic = event.action.group().as_str();
        let record = Record::of(event, account, end);
        end = (record.seq, record.at, record.hash);
        words.extend(record.words().into_iter().map(|word| audit_word::ActiveModel {
            account_id: Set(account.0),
            word: Set(word),
            seq: Set(record.seq),
        }));
        rows.push(model(record, topic));
    }
    let (seq, at, hash) = end;
    for rows in chunks(rows, WORDS_AT_ONCE) {
        audit_event::Entity::insert_many(rows)
            .exec_without_returning(db)
            .await?;
    }
    for words in chunks(words, WORDS_AT_ONCE) {
        audit_word::Entity::insert_many(words)
            .exec_without_returning(db)
            .await?;
    }
    let moved = audit_head::Entity::update_many()
        .set(audit_head::ActiveModel {
            seq: Set(seq),
            at: Set(at.as_millis()),
            hash: Set(hash.0.to_vec()),
            ..Default::default()
        })
        .filter(audit_head::Column::AccountId.eq(account.0))
        .filter(audit_head::Column::Seq.eq(head.seq))
        .exec(db)
        .await?;
    if moved.rows_affected == 1 {
        Ok(())
    } else {
        Err(Fault::Stored(format!(
            "the audit log of account {account} was moved meanwhile"
        )))
    }
}

/// Records an event in each of several accounts, in the order of their ids, so that two of these never wait for each other.
pub(super) async fn append_everywhere(
    db: &impl ConnectionTrait,
    mut events: Vec<(AccountId, AuditEvent)>,
) -> Result<(), Fault> {
    events.sort_by_key(|(account, _)| *account);
    for (account, event) in events {
        event.insert(db, account).await?;
    }
    Ok(())
}

/// Begins the chain of a new account.
pub(super) async fn begin_chain(db: &impl ConnectionTrait, account: AccountId) -> Result<(), Fault> {
    let head = audit_head::ActiveModel {
        account_id: Set(account.0),
        seq: Set(0),
        at: Set(0),
        hash: Set(Hash::default().0.to_vec()),
    };
    audit_head::Entity::insert(head).exec_without_returning(db).await?;
    Ok(())
}

/// The event with the name of the person that it is about, as far as that is known.
async fn with_name(db: &impl ConnectionTrait, event: AuditEvent) -> Result<AuditEvent, Fault> {
    match &event.person {
        Some((id, name)) if name.is_empty() => {
            let id = *id;
            let known = user::Entity::find_by_id(id.0).one(db).await?;
            Ok(event.person(id, known.map(|user| user.name).unwrap_or_default()))
        }
        _ => Ok(event),
    }
}

fn chunks<T>(mut all: Vec<T>, size: usize) -> impl Iterator<Item = Vec<T>> {
    std::iter::from_fn(move || {
        if all.is_empty() {
            return None;
        }
        let rest = all.split_off(size.min(all.len()));
        Some(std::mem::replace(&mut all, rest))
    })
}

impl Store {
    /// Records what is about to be done at a provider, or was done without a transaction of its own. Committed when this returns.
    pub async fn record(&self, account: AccountId, event: AuditEvent) -> Result<(), Fault> {
        let tx = self.begin().await?;
        event.insert(&tx, account).await?;
        Ok(tx.commit().await?)
    }

    /// The end of an account's chain; `None` where it has none.
    pub async fn audit_head(&self, account: AccountId) -> Result<Option<AuditHead>, Fault> {
        let head = audit_head::Entity::find_by_id(account.0).one(&self.db).await?;
        head.map(head_row).transpose()
    }

    /// The ends of all chains.
    pub async fn audit_heads(&self) -> Result<Vec<AuditHead>, Fault> {
        let heads = audit_head::Entity::find().all(&self.db).await?;
        heads.into_iter().map(head_row).collect()
    }

    /// The number of the last event that is there, whatever the head says.
    pub async fn last_audit_event(&self, account: AccountId) -> Result<Option<i64>, Fault> {
        let last = audit_event::Entity::find()
            .select_only()
            .column(audit_event::Column::Seq)
            .filter(audit_event::Column::AccountId.eq(account.0))
            .order_by_desc(audit_event::Column::Seq)
            .into_tuple()
            .one(&self.db)
            .await?;
        Ok(last)
    }

    /// What was done in an account after the event of this number, in order; at most `limit`.
    pub async fn audit_events_after(&self, account: AccountId, seq: i64, limit: u64) -> Result<Vec<Record>, Fault> {
        let rows = audit_event::Entity::find()
            .filter(audit_event::Column::AccountId.eq(account.0))
            .filter(audit_event::Column::Seq.gt(seq))
            .order_by_asc(audit_event::Column::Seq)
            .limit(limit)
            .all(&self.db)
            .await?;
        rows.into_iter().map(record).collect()
    }

    /// The event of this number.
    pub async fn audit_event(&self, account: AccountId, seq: i64) -> Result<Option<Record>, Fault> {
        let row = audit_event::Entity::find_by_id((account.0, seq)).one(&self.db).await?;
        row.map(record).transpose()
    }

    /// The hashes of the events of these numbers.
    pub async fn audit_hashes(&self, account: AccountId, seqs: &[i64]) -> Result<Vec<(i64, Hash)>, Fault> {
        let rows: Vec<(i64, Vec<u8>)> = audit_event::Entity::find()
            .select_only()
            .column(audit_event::Column::Seq)
            .column(audit_event::Column::Hash)
            .filter(audit_event::Column::AccountId.eq(account.0))
            .filter(audit_event::Column::Seq.is_in(seqs.iter().copied()))
            .into_tuple()
            .all(&self.db)
            .await?;
        rows.into_iter().map(|(seq, bytes)| Ok((seq, hash(bytes)?))).collect()
    }

    /// The members of an account by name, of whom one may ask what they did.
    pub async fn audit_people(&self, account: AccountId) -> Result<Vec<(UserId, String)>, Fault> {
        let members = Query::select()
            .column(member::Column::UserId)
            .from(member::Entity)
            .and_where(member::Column::AccountId.eq(account.0))
            .to_owned();
        let people = user::Entity::find()
            .filter(user::Column::Id.in_subquery(members))
            .order_by_asc(user::Column::Name)
            .all(&self.db)
            .await?;
        Ok(people.into_iter().map(|user| (UserId(user.id), user.name)).collect())
    }

    /// What was done with a token, the newest first; at most `limit`.
    pub async fn audit_of_token(
        &self,
        account: AccountId,
        token: GitTokenId,
        limit: u64,
    ) -> Result<Vec<Record>, Fault> {
        let rows = audit_event::Entity::find()
            .filter(audit_event::Column::AccountId.eq(account.0))
            .filter(audit_event::Column::GitTokenId.eq(token.0))
            .order_by_desc(audit_event::Column::Seq)
            .limit(limit)
            .all(&self.db)
            .await?;
        rows.into_iter().map(record).collect()
    }
}

fn model(record: Record, topic: &str) -> audit_event::ActiveModel {
    audit_event::ActiveModel {
        account_id: Set(record.account.0),
        seq: Set(record.seq),
        at: Set(record.at.as_millis()),
        actor: Set(record.actor),
        actor_id: Set(record.actor_id.map(|id| id.0)),
        actor_name: Set(record.actor_name),
        actor_email: Set(record.actor_email),
        origin: Set(record.from),
        topic: Set(topic.to_owned()),
        action: Set(record.action),
        outcome: Set(record.outcome),
        runtime_id: Set(record.runtime_id.map(|id| id.0)),
        runtime: Set(record.runtime),
        git_provider_id: Set(record.git_provider_id.map(|id| id.0)),
        git_provider: Set(record.git_provider),
        git_token_id: Set(record.token_id.map(|id| id.0)),
        person_id: Set(record.person_id.map(|id| id.0)),
        person: Set(record.person),
        detail: Set(record.detail),
        previous: Set(record.previous.0.to_vec()),
        hash: Set(record.hash.0.to_vec()),
    }
}

pub(super) fn record(row: audit_event::Model) -> Result<Record, Fault> {
    Ok(Record {
        account: AccountId(row.account_id),
        seq: row.seq,
        at: Timestamp::from_millis(row.at),
        actor: row.actor,
        actor_id: row.actor_id.map(UserId),
        actor_name: row.actor_name,
        actor_email: row.actor_email,
        from: row.origin,
        action: row.action,
        outcome: row.outcome,
        runtime_id: row.runtime_id.map(RuntimeId),
        runtime: row.runtime,
        git_provider_id: row.git_provider_id.map(GitProviderId),
        git_provider: row.git_provider,
        token_id: row.git_token_id.map(GitTokenId),
        person_id: row.person_id.map(UserId),
        person: row.person,
        detail: row.detail,
        previous: hash(row.previous)?,
        hash: hash(row.hash)?,
    })
}

fn head_row(row: audit_head::Model) -> Result<AuditHead, Fault> {
    Ok(AuditHead {
        account: AccountId(row.account_id),
        seq: row.seq,
        hash: hash(row.hash)?,
    })
}

fn hash(bytes: Vec<u8>) -> Result<Hash, Fault> {
    let bytes = bytes.try_into();
    bytes
        .map(Hash)
        .map_err(|_| Fault::Stored("a hash of the audit log is not 32 bytes".to_owned()))
}
