//! Looking for what is to be told, and for whom nothing happened.
//!
//! When a token is due for a look stands in its row: whatever changes the token makes it due at once, and each look sets the moment
//! at which time alone may change something. So a look reads what there is to do, however many tokens there are, and one that is
//! missed, cut off or made twice changes nothing.

use super::Notices;
use crate::{
    Fault,
    store::{Looked, NewNotice, OpenNotice, Step, Subject, Unminded, Verdict, Watched},
};
use domain::{
    NoticeId, NoticeKind, Timestamp,
    notice::{Condition, GRACE, Standing, sentence},
};
use std::time::Duration;
use tokio::{sync::watch, time::sleep};

/// How often the background looks.
const PERIOD: Duration = Duration::from_secs(20);
/// How many tokens, runtimes or notices one transaction takes.
const PAGE: u64 = 500;
/// How long notices and messages are kept after they are over: longer than anything could make them anew.
const KEPT: Duration = Duration::from_hours(180 * 24);

/// What one run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NoticeRun {
    /// What was looked at.
    pub looked: Looked,
    /// How many messages were taken by their channels.
    pub sent: usize,
    /// How many were not.
    pub failed: usize,
}

pub(super) fn days(days: u16) -> Duration {
    Duration::from_hours(24) * u32::from(days)
}

/// What follows for something that is looked at: pure, so that the store can ask within its transaction.
fn judge(watched: &Watched, now: Timestamp, id: impl Fn() -> NoticeId) -> Verdict {
    let leads = &watched.settings.leads;
    let (conditions, next) = match &watched.subject {
        Subject::Token(_, state) => (state.conditions(leads, now), state.next_look(leads, now)),
        Subject::Runtime(_) => (vec![plain(NoticeKind::NoToken, None)], None),
        Subject::Application(_, end) if *end <= now => (vec![plain(NoticeKind::SecretEnding, Some(*end))], None),
        Subject::Application(_, end) => {
            let ending = Condition::ending(NoticeKind::SecretEnding, *end, leads, now);
            (ending.into_iter().collect(), None)
        }
    };
    // What an admin asked for stays until the token is replaced.
    let open = watched
        .open
        .iter()
        .filter(|open| open.condition.kind != NoticeKind::Reminder);
    let (stays, over): (Vec<&OpenNotice>, Vec<&OpenNotice>) =
        open.partition(|open| conditions.iter().any(|condition| covers(&open.condition, condition)));
    let unminded = over.iter().filter(|open| !open.minded).map(|open| open.standing);
    let unminded = unminded.max_by_key(|standing| standing.level);
    let new = conditions
        .iter()
        .filter(|condition| !stays.iter().any(|open| open.condition.kind == condition.kind))
        .map(|condition| NewNotice {
            id: id(),
            condition: *condition,
            mark: condition.mark(),
            sentence: sentence(condition, &watched.named),
            standing: Standing::begin(&watched.people, unminded, now, days(watched.settings.escalate_days)),
            follows: over
                .iter()
                .find(|open| open.condition.kind == condition.kind)
                .map(|open| open.id),
        });
    Verdict {
        open: new.collect(),
        close: over.iter().map(|open| open.id).collect(),
        next,
    }
}

/// Whether an open notice tells this already: the same end at the same lead time, or at a nearer one that was taken off the list since.
fn covers(open: &Condition, condition: &Condition) -> bool {
    open.kind == condition.kind && open.ends == condition.ends && open.lead <= condition.lead
}

const fn plain(kind: NoticeKind, ends: Option<Timestamp>) -> Condition {
    Condition { kind, lead: 0, ends }
}

impl Notices {
    /// Looks for what is to be told, makes messages of it and sends what is due, of every account.
    pub async fn run_once(&self, now: Timestamp) -> Result<NoticeRun, Fault> {
        self.run_until(now, &watch::channel(false).1).await
    }

    async fn run_until(&self, now: Timestamp, stop: &watch::Receiver<bool>) -> Result<NoticeRun, Fault> {
        let looked = self.look(now, stop).await?;
        self.make_messages(now).await?;
        let (sent, failed) = self.send_due(now, stop).await?;
        Ok(NoticeRun { looked, sent, failed })
    }

    /// Looks for what is to be told and what is over, and tells others of what nobody minded.
    async fn look(&self, now: Timestamp, stop: &watch::Receiver<bool>) -> Result<Looked, Fault> {
        let store = &self.shared.store;
        let judge = |watched: &Watched| judge(watched, now, || self.id());
        let mut looked = store.look_at_secrets(now, judge).await?;
        loop {
            let page = store.look_at_tokens(now, PAGE, judge).await?;
            looked += page;
            if page.at < PAGE || *stop.borrow() {
                break;
            }
        }
        loop {
            let page = store.look_at_runtimes((now, now.minus(GRACE)), PAGE, judge).await?;
            looked += page;
            if page.at < PAGE || *stop.borrow() {
                break;
            }
        }
        let decide = |notice: &Unminded| {
            let after = days(notice.settings.escalate_days);
            if notice.people.holder_is_gone {
                // Straight to the admins.
                return notice
                    .standing
                    .next(&domain::notice::People::default(), now, after)
                    .map_or(Step::Stay, Step::Tell);
            }
            notice
                .standing
                .next(&notice.people, now, after)
                .map_or(Step::Stay, Step::Tell)
        };
        while store.escalate(now, PAGE, decide).await? >= PAGE && !*stop.borrow() {}
        let old = now.minus(KEPT);
        store.prune_notices(old, PAGE).await?;
        store.prune_messages(old, PAGE).await?;
        Ok(looked)
    }

    /// Does that every few seconds until `stop`.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        while !*stop.borrow() {
            match self.run_until(self.shared.now(), &stop).await {
                Ok(run) if run.looked.opened + run.looked.closed > 0 || run.sent + run.failed > 0 => {
                    tracing::info!(
                        opened = run.looked.opened,
                        closed = run.looked.closed,
                        sent = run.sent,
                        failed = run.failed,
                        "looked after notices"
                    );
                }
                Ok(_) => {}
                Err(fault) => tracing::error!(%fault, "notices could not be looked after"),
            }
            tokio::select! {
                () = sleep(PERIOD) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
        }
    }
}
