//! An event as stored, and the chain that it stands in.
//!
//! Each record's hash covers the hash of the one before it and every field, so that none can be changed, taken out or put in
//! without all that follow being made anew. How the hash is made is documented for strangers in `docs/audit-log.md`; a change to it
//! is a new [`VERSION`], and what was recorded before stays as it is.

use super::{Actor, AuditEvent};
use domain::{AccountId, GitProviderId, GitTokenId, RuntimeId, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt::{Display, Write as _};

/// The first field of what is hashed.
const VERSION: &str = "patchbay audit 1";

/// The link of a chain: of the first record's predecessor, which there is none, all zeroes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Hash(pub [u8; 32]);

impl Display for Hash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for Hash {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let wrong = "a hash is 64 hexadecimal digits in lower case";
        let digits = text.as_bytes();
        let is_digit = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != 64 || !digits.iter().all(is_digit) {
            return Err(wrong);
        }
        let mut hash = [0; 32];
        for (byte, at) in hash.iter_mut().zip((0..64).step_by(2)) {
            *byte = u8::from_str_radix(&text[at..at + 2], 16).map_err(|_| wrong)?;
        }
        Ok(Self(hash))
    }
}

/// An event as stored. Its fields stand in the order in which they are hashed and exported; what is only of interest to a reader
/// is text, so that a record can be verified by a Patchbay that does not know its action.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Whose account.
    pub account: AccountId,
    /// Its number in the account: 1, 2, 3 and so on.
    pub seq: i64,
    /// When; never before the one before it.
    pub at: Timestamp,
    /// Who did it: `person`, `access-key`, `stranger`, `command-line` or `patchbay`.
    pub actor: String,
    /// Which person.
    pub actor_id: Option<UserId>,
    /// The person's or access key's name of then.
    pub actor_name: Option<String>,
    /// The person's e-mail address of then.
    pub actor_email: Option<String>,
    /// The network address that the request came from.
    pub from: Option<String>,
    /// What was done, as `token.stored`.
    pub action: String,
    /// What came of it: `begun`, `done`, `refused` or `failed`.
    pub outcome: String,
    /// For which runtime.
    pub runtime_id: Option<RuntimeId>,
    /// What that was called.
    pub runtime: Option<String>,
    /// At which Git provider.
    pub git_provider_id: Option<GitProviderId>,
    /// What that was called.
    pub git_provider: Option<String>,
    /// Which token.
    pub token_id: Option<GitTokenId>,
    /// About whom.
    pub person_id: Option<UserId>,
    /// The name of that person.
    pub person: Option<String>,
    /// More, for a person to read.
    pub detail: String,
    /// The hash of the record before it.
    pub previous: Hash,
    /// The hash of this one.
    pub hash: Hash,
}

/// A record as one line of JSON, with its moment once more for who reads it.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    record: &'a Record,
    time: String,
}

impl Record {
    /// The record of an event that follows one with this number, moment and hash.
    pub(crate) fn of(event: AuditEvent, account: AccountId, (seq, at, previous): (i64, Timestamp, Hash)) -> Self {
        let kind = event.actor.kind().to_owned();
        let (actor_id, actor_name, actor_email, from) = match event.actor {
            Actor::Patchbay | Actor::CommandLine => (None, None, None, None),
            Actor::AccessKey { name, from } => (None, Some(name), None, Some(from.to_canonical().to_string())),
            Actor::Stranger { from } => (None, None, None, Some(from.to_canonical().to_string())),
            Actor::Person { id, name, email, from } => {
                (Some(id), Some(name), Some(email), from.map(|from| from.to_string()))
            }
        };
        let mut record = Self {
            account,
            seq: seq + 1,
            at: event.at.max(at),
            actor: kind,
            actor_id,
            actor_name,
            actor_email,
            from,
            action: event.action.as_str().to_owned(),
            outcome: event.outcome.as_str().to_owned(),
            runtime_id: event.runtime.as_ref().map(|(id, _)| *id),
            runtime: event.runtime.map(|(_, name)| name),
            git_provider_id: event.git_provider.as_ref().map(|(id, _)| *id),
            git_provider: event.git_provider.map(|(_, name)| name),
            token_id: event.token,
            person_id: event.person.as_ref().map(|(id, _)| *id),
            person: event.person.map(|(_, name)| name),
            detail: event.detail,
            previous,
            hash: Hash::default(),
        };
        record.hash = record.computed();
        record
    }

    /// The hash that follows from the other fields: SHA-256 of the previous hash, then of each field with its length before it.
    #[must_use]
    pub fn computed(&self) -> Hash {
        let fields = [
            Some(VERSION.to_owned()),
            Some(self.account.to_string()),
            Some(self.seq.to_string()),
            Some(self.at.as_millis().to_string()),
            Some(self.actor.clone()),
            shown(self.actor_id.as_ref()),
            self.actor_name.clone(),
            self.actor_email.clone(),
            self.from.clone(),
            Some(self.action.clone()),
            Some(self.outcome.clone()),
            shown(self.runtime_id.as_ref()),
            self.runtime.clone(),
            shown(self.git_provider_id.as_ref()),
            self.git_provider.clone(),
            shown(self.token_id.as_ref()),
            shown(self.person_id.as_ref()),
            self.person.clone(),
            Some(self.detail.clone()),
        ];
        let mut text = String::new();
        for field in fields {
            // Writing to a String cannot fail.
            let _ = match field {
                Some(field) => write!(text, "{}:{field},", field.len()),
                None => write!(text, "-,"),
            };
        }
        let mut hash = Sha256::new();
        hash.update(self.previous.0);
        hash.update(text.as_bytes());
        Hash(hash.finalize().into())
    }

    /// The record as a line of JSON, with its end.
    pub(crate) fn json_line(&self) -> Result<String, serde_json::Error> {
        let line = Line {
            record: self,
            time: self.at.rfc3339(),
        };
        serde_json::to_string(&line).map(|line| line + "\n")
    }

    /// The words that it is found by: of whom and what it names, and of its detail.
    pub(crate) fn words(&self) -> Vec<String> {
        let named = [
            &self.actor_name,
            &self.actor_email,
            &self.from,
            &self.runtime,
            &self.git_provider,
            &self.person,
        ];
        let texts = named.into_iter().flatten().chain([&self.detail]);
        let mut words: Vec<String> = texts.flat_map(|text| words(text)).collect();
        words.sort_unstable();
        words.dedup();
        words.truncate(MOST_WORDS);
        words
    }
}

fn shown<T: Display>(value: Option<&T>) -> Option<String> {
    value.map(ToString::to_string)
}

/// By how many words a record is found at most, and how many letters of each count.
const MOST_WORDS: usize = 100;
const LONGEST_WORD: usize = 64;

/// The words of a text in lower case: what stands between spaces, as `prod-eu` and `mira@acme.dev`, and what these are made of.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for chunk in text.split_whitespace() {
        let whole = term(chunk);
        words.extend(whole.split(|c: char| !c.is_alphanumeric()).map(ToOwned::to_owned));
        words.push(whole);
    }
    words.retain(|word| !word.is_empty());
    words
}

/// One word, in lower case and without signs around it, as it is looked for.
pub(crate) fn term(chunk: &str) -> String {
    let trimmed = chunk.trim_matches(|c: char| !c.is_alphanumeric());
    trimmed.to_lowercase().chars().take(LONGEST_WORD).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::Action;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn record(detail: &str, runtime: Option<&str>) -> Record {
        let event = AuditEvent::new(Actor::Patchbay, Action::TokenStored, Timestamp::from_millis(5)).detail(detail);
        let event = match runtime {
            Some(name) => event.runtime(RuntimeId(Uuid::nil()), name),
            None => event,
        };
        let before = (41, Timestamp::from_millis(7), Hash([9; 32]));
        Record::of(event, AccountId(Uuid::nil()), before)
    }

    #[test]
    fn a_record_follows_the_one_before_it_also_in_time() {
        let record = record("", None);
        assert_eq!(
            (record.seq, record.at.as_millis(), record.previous),
            (42, 7, Hash([9; 32]))
        );
        assert_eq!(record.hash, record.computed());
    }

    /// Made once by hand, in Python, as `docs/audit-log.md` has it: whatever changes it breaks every chain there is.
    #[test]
    fn the_hash_is_what_a_stranger_computes() {
        assert_eq!(
            record("ghp_…3f9a of mira", Some("prod-eu")).hash.to_string(),
            "1d570788c38d37706914a843532d4f87a020934247e7d26c4f4f74c597575b7d"
        );
    }

    #[test]
    fn words_are_whole_and_in_parts_and_in_lower_case() {
        assert_eq!(
            words("(Prod-EU), Mira@acme.dev."),
            ["prod", "eu", "prod-eu", "mira", "acme", "dev", "mira@acme.dev"]
        );
        assert_eq!(words(" - … "), Vec::<String>::new());
    }

    proptest! {
        #[test]
        fn no_field_can_take_over_a_part_of_another(a in ".{0,12}", b in ".{0,12}", c in ".{0,12}", d in ".{0,12}") {
            let (one, other) = (record(&a, Some(&b)), record(&c, Some(&d)));
            prop_assert_eq!(one.hash == other.hash, (a, b) == (c, d));
        }

        #[test]
        fn what_is_missing_is_not_what_is_empty(detail in ".{0,12}") {
            prop_assert_ne!(record(&detail, None).computed(), record(&detail, Some("")).computed());
        }

        #[test]
        fn a_line_is_one_line_and_read_back_as_it_was(detail in "(?s).{0,40}", runtime in ".{0,12}") {
            let record = record(&detail, Some(&runtime));
            let line = record.json_line().unwrap_or_default();
            prop_assert_eq!(line.matches('\n').count(), 1);
            prop_assert_eq!(serde_json::from_str::<Record>(&line).ok(), Some(record));
        }

        #[test]
        fn every_word_of_a_text_is_found_by_its_term(text in "(?s).{0,60}") {
            let words = words(&text);
            for chunk in text.split_whitespace() {
                let term = term(chunk);
                prop_assert!(term.is_empty() || words.contains(&term));
            }
        }
    }
}
