//! Which runtimes one token serves.

use crate::store::{GitTokenRow, RuntimeRow};
use domain::RuntimeId;

/// What serves which runtimes, among some tokens of one holder.
pub(crate) struct Sharing(Vec<(RuntimeId, String, Vec<u8>)>);

impl Sharing {
    /// Among these tokens; the runtimes come in the order given.
    pub(crate) fn of(runtimes: &[RuntimeRow], tokens: &[GitTokenRow]) -> Self {
        let use_of = |runtime: &RuntimeRow| {
            let token = tokens.iter().find(|token| token.runtime == runtime.id)?;
            Some((runtime.id, runtime.name.clone(), token.fingerprint.clone()))
        };
        Self(runtimes.iter().filter_map(use_of).collect())
    }

    /// The runtimes beside its own that a token serves, with their names.
    pub(crate) fn others(&self, token: &GitTokenRow) -> Vec<(RuntimeId, String)> {
        self.0
            .iter()
            .filter(|(id, _, fingerprint)| *id != token.runtime && *fingerprint == token.fingerprint)
            .map(|(id, name, _)| (*id, name.clone()))
            .collect()
    }
}
