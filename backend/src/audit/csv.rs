//! Records as CSV.

use super::Record;
use crate::csv;

/// The first line.
pub(super) const HEAD: &str =
    "seq,time,actor,name,email,from,action,outcome,runtime,git_provider,person,token_id,detail,hash\r\n";

/// A record as one line, under [`HEAD`].
pub(super) fn line(record: &Record) -> String {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let cells = [
        record.seq.to_string(),
        record.at.rfc3339(),
        record.actor.clone(),
        text(&record.actor_name),
        text(&record.actor_email),
        text(&record.from),
        record.action.clone(),
        record.outcome.clone(),
        text(&record.runtime),
        text(&record.git_provider),
        text(&record.person),
        record.token_id.map(|id| id.to_string()).unwrap_or_default(),
        record.detail.clone(),
        record.hash.to_string(),
    ];
    csv::line(cells)
}
