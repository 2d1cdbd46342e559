//! What became of the wish that a provider takes a token back.

use serde::{Deserialize, Serialize};

/// What a provider's API does with a token on its own word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offers {
    /// Changes it for a new one.
    pub rotation: bool,
    /// Takes it back.
    pub revocation: bool,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Revocation {
    /// The provider took the token back.
    Done,
    /// The provider took the wish, and does it in its own time.
    Told,
    /// It was not accepted any more before.
    AlreadyDead,
    /// The provider has no API for it.
    NotOffered,
    /// It failed: the end of "It could not be revoked: ...", without a full stop.
    Failed(String),
}

impl Revocation {
    /// Whether the token may still work at the provider.
    #[must_use]
    pub const fn may_still_work(&self) -> bool {
        match self {
            Self::Done | Self::AlreadyDead => false,
            Self::Told | Self::NotOffered | Self::Failed(_) => true,
        }
    }

    /// What happened and what to do, as sentences. `page` is the provider's page where a person takes tokens back.
    #[must_use]
    pub fn words(&self, provider: &str, page: &str) -> String {
        match self {
            Self::Done => format!("{provider} has revoked it."),
            Self::Told => format!("{provider} was told to revoke it, which may take a moment."),
            Self::AlreadyDead => format!("{provider} did not accept it any more."),
            Self::NotOffered => {
                format!("It is still valid at {provider}, which lets only a person revoke it: {page}")
            }
            Self::Failed(why) => {
                format!(
                    "It could not be revoked at {provider}: {why}. It may still be valid there; revoke it yourself: {page}"
                )
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_may_still_work_says_so_and_where_to_revoke_it() {
        let page = "https://gitlab.com/-/user_settings/personal_access_tokens";
        for revocation in [
            Revocation::NotOffered,
            Revocation::Failed("it did not answer in time".to_owned()),
        ] {
            let words = revocation.words("GitLab", page);
            assert!(
                revocation.may_still_work() && words.contains("still") && words.ends_with(page),
                "{words}"
            );
        }
        assert!(!Revocation::Done.may_still_work() && !Revocation::AlreadyDead.may_still_work());
        let told = Revocation::Told.words("GitHub", page);
        assert!(!told.contains("has revoked"), "it is not known yet: {told}");
    }
}
