//! What opens over the page *Audit log*: all that is recorded of an event.

use crate::ssr::pages::{
    audit::{action_words, kind_words, opener, outcome},
    text,
};
use backend::audit::Record;
use domain::{
    page::Bit,
    sheet::{Part, Sheet},
};

/// The sheet.
pub(crate) fn sheet(record: &Record) -> Sheet {
    let fact = |what: &str, how: Bit| (what.to_owned(), vec![how]);
    let code = |what: &str, id: Option<String>| id.map(|id| fact(what, Bit::Code(String::new(), id)));
    let said = |what: &str, words: &Option<String>| words.as_ref().map(|words| fact(what, text(words)));
    let who = match (&record.actor_name, &record.actor_email) {
        (Some(name), Some(email)) => format!("{name} · {email}"),
        _ => kind_words(&record.actor).to_owned(),
    };
    let mut facts = vec![
        fact("Number", text(&record.seq.to_string())),
        fact(
            "When",
            Bit::Time(record.at.rfc3339(), record.at.date_time(), record.at.date_time()),
        ),
        fact("Who", text(&who)),
        fact("Action", Bit::Code(String::new(), record.action.clone())),
        fact("Outcome", outcome(record)),
    ];
    facts.extend(code("From", record.from.clone()));
    facts.extend(said("Runtime", &record.runtime));
    facts.extend(said("Git provider", &record.git_provider));
    facts.extend(said("Person", &record.person));
    if !record.detail.is_empty() {
        facts.push(fact("Detail", text(&record.detail)));
    }
    let ids = [
        code("Person who did it", record.actor_id.map(|id| id.to_string())),
        code("Runtime", record.runtime_id.map(|id| id.to_string())),
        code("Git provider", record.git_provider_id.map(|id| id.to_string())),
        code("Token", record.token_id.map(|id| id.to_string())),
        code("Person", record.person_id.map(|id| id.to_string())),
    ];
    let ids: Vec<_> = ids.into_iter().flatten().collect();
    let mut parts = vec![Part::Facts(String::new(), facts)];
    if !ids.is_empty() {
        parts.push(Part::Facts("Ids".to_owned(), ids));
    }
    parts.extend([
        Part::Address("Hash".to_owned(), record.hash.to_string()),
        Part::Address("Hash of the event before".to_owned(), record.previous.to_string()),
        Part::Sub(
            "Each hash covers the event and the hash before it. |$patchbay audit verify| checks them all.".to_owned(),
        ),
    ]);
    Sheet {
        title: action_words(&record.action).to_owned(),
        form: "audit-event".to_owned(),
        opener: opener(record.seq),
        parts,
        ..Sheet::default()
    }
}
