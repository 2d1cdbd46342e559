//! What one check of a Git token found.
//!
//! The rule of all of it: a token is never called invalid because the provider was down, and never called valid because
//! a check was skipped. So an outcome that says nothing about the token is a [`Setback`], and changes no status.

use crate::{scope::ScopeFinding, scope::Standing, status::TokenStatus, timestamp::Timestamp};
use serde::{Deserialize, Serialize};

/// Who the provider says the token belongs to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GitIdentity {
    /// The provider's own id of the account, which survives renaming.
    pub id: String,
    /// The name by which one signs in there.
    pub login: String,
}

/// When a token ends, as far as is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expiry {
    /// At this moment (UTC).
    At(Timestamp),
    /// Never: the provider says so.
    Never,
    /// The provider gave an expiry that could not be read, or gives none of this kind of token.
    Unknown,
}

/// When a token ends: what its provider told, and what its holder entered where the provider does not tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ends {
    /// By the provider.
    pub told: Expiry,
    /// By the holder.
    pub entered: Option<Timestamp>,
}

impl Ends {
    /// What counts: the provider's word, or what was entered where there is none. A provider that accepts a token at
    /// `accepted_at`, after the end that was entered, shows that this was not its end.
    #[must_use]
    pub fn expiry(self, accepted_at: Option<Timestamp>) -> Expiry {
        match (self.told, self.entered) {
            (Expiry::Unknown, Some(end)) if accepted_at.is_none_or(|at| at < end) => Expiry::At(end),
            (told, _) => told,
        }
    }

    /// The end that was entered, if the provider contradicts it: by another date, or by accepting the token after it.
    #[must_use]
    pub fn contradicted(self, accepted_at: Option<Timestamp>) -> Option<Timestamp> {
        let entered = self.entered?;
        let agrees = match self.told {
            Expiry::At(end) => end.date() == entered.date(),
            Expiry::Never => false,
            Expiry::Unknown => accepted_at.is_none_or(|at| at < entered),
        };
        (!agrees).then_some(entered)
    }
}

/// What a provider told of a token that it accepted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Findings {
    /// Whose it is.
    pub identity: GitIdentity,
    /// Its scopes against the profile.
    pub scopes: Vec<ScopeFinding>,
    /// When it ends.
    pub expiry: Expiry,
}

/// Why a provider does not accept a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// 401: never valid, mistyped or revoked.
    BadCredentials,
    /// Its end has passed.
    Expired {
        /// The end.
        at: Timestamp,
    },
    /// An organisation wants the token authorised for single sign-on.
    SsoRequired {
        /// The provider's page where the person does that; `None` if the provider gave no address of its own.
        url: Option<String>,
    },
}

/// Why a check could not tell anything about the token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setback {
    /// The provider limits how often it answers.
    RateLimited {
        /// From when on it answers again, if it said so.
        retry_at: Option<Timestamp>,
    },
    /// No answer, or one that says that the provider itself is in trouble.
    Unreachable(Trouble),
    /// 403 for a reason that is not the token's, such as an address that the organisation does not allow.
    Forbidden,
}

/// What kept the provider's answer from arriving. An admin sees it; it holds nothing of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// No answer in time.
    TimedOut,
    /// The name has no address, or nothing listens there.
    NoConnection,
    /// The certificate or the encrypted connection failed.
    Tls,
    /// The server of Patchbay may not send requests to that address.
    EgressDenied,
    /// 5xx.
    ServerError(u16),
    /// An answer, but not one of this provider's API: wrong content type, not JSON, too large, broken off.
    UnexpectedAnswer,
}

impl Trouble {
    /// What happened, as the end of "The check did not get through: ...".
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::TimedOut => "it did not answer in time".to_owned(),
            Self::NoConnection => "no connection could be made to it".to_owned(),
            Self::Tls => "its certificate or encrypted connection is not in order".to_owned(),
            Self::EgressDenied => {
                "its address is in a private network that this server may not reach (PATCHBAY_EGRESS_ALLOW)".to_owned()
            }
            Self::ServerError(status) => format!("it answered with the error {status}"),
            Self::UnexpectedAnswer => "its answer is not one of this provider's API".to_owned(),
        }
    }
}

impl Setback {
    /// What happened, after "checked just now: ...".
    #[must_use]
    pub fn words(self, provider: &str) -> String {
        match self {
            Self::RateLimited { .. } => format!("{provider} took no more requests"),
            Self::Unreachable(trouble) => format!("{provider} could not be asked, {}", trouble.words()),
            Self::Forbidden => format!("{provider} refused the request"),
        }
    }
}

/// The outcome of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckOutcome {
    /// The provider accepted the token and told of it.
    Accepted(Findings),
    /// The provider does not accept the token.
    Refused(Refusal),
    /// Nothing was learned about the token: its status stays.
    Unchanged(Setback),
}

impl CheckOutcome {
    /// The status that follows, or `None` when the status stays as it was.
    #[must_use]
    pub fn status(&self) -> Option<TokenStatus> {
        match self {
            Self::Accepted(findings) => Some(findings.status()),
            Self::Refused(Refusal::BadCredentials) => Some(TokenStatus::Invalid),
            Self::Refused(Refusal::Expired { .. }) => Some(TokenStatus::Expired),
            Self::Refused(Refusal::SsoRequired { .. }) => Some(TokenStatus::SsoRequired),
            Self::Unchanged(_) => None,
        }
    }
}

impl Findings {
    /// The status of an accepted token: what is wanting weighs more than what cannot be known, and that more than excess.
    #[must_use]
    pub fn status(&self) -> TokenStatus {
        let any = |standing| self.scopes.iter().any(|finding| finding.standing == standing);
        if any(Standing::Missing) {
            TokenStatus::MissingScopes
        } else if any(Standing::Unknown) {
            TokenStatus::Unverified
        } else if any(Standing::Excess) {
            TokenStatus::ExcessScopes
        } else {
            TokenStatus::Valid
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scope::{Evidence, Scope};

    fn findings(standings: &[Standing]) -> Findings {
        Findings {
            identity: GitIdentity {
                id: "1".into(),
                login: "mira".into(),
            },
            scopes: standings
                .iter()
                .map(|&standing| ScopeFinding {
                    scope: Scope::new("x"),
                    standing,
                    evidence: Evidence::Declared,
                })
                .collect(),
            expiry: Expiry::Never,
        }
    }

    #[test]
    fn the_gravest_standing_decides() {
        use Standing::{Excess, Granted, Missing, Unknown};
        assert_eq!(findings(&[Granted]).status(), TokenStatus::Valid);
        assert_eq!(findings(&[Granted, Excess]).status(), TokenStatus::ExcessScopes);
        assert_eq!(findings(&[Unknown, Excess]).status(), TokenStatus::Unverified);
        assert_eq!(
            findings(&[Excess, Unknown, Missing]).status(),
            TokenStatus::MissingScopes
        );
    }

    #[test]
    fn what_was_entered_counts_until_the_provider_tells() {
        let (early, end, late) = (
            Timestamp::from_seconds(1),
            Timestamp::from_seconds(86_400 * 3),
            Timestamp::from_seconds(86_400 * 5),
        );
        let ends = |told| Ends {
            told,
            entered: Some(end),
        };
        assert_eq!(ends(Expiry::Unknown).expiry(Some(early)), Expiry::At(end));
        assert_eq!(ends(Expiry::Unknown).contradicted(Some(early)), None);
        assert_eq!(
            ends(Expiry::Unknown).expiry(Some(late)),
            Expiry::Unknown,
            "accepted after its end"
        );
        assert_eq!(ends(Expiry::Unknown).contradicted(Some(late)), Some(end));
        assert_eq!(ends(Expiry::At(late)).expiry(Some(early)), Expiry::At(late));
        assert_eq!(ends(Expiry::At(late)).contradicted(Some(early)), Some(end));
        assert_eq!(ends(Expiry::At(end)).contradicted(Some(early)), None);
        assert_eq!(ends(Expiry::Never).contradicted(None), Some(end));
        let none = Ends {
            told: Expiry::Unknown,
            entered: None,
        };
        assert_eq!(
            (none.expiry(None), none.contradicted(Some(late))),
            (Expiry::Unknown, None)
        );
    }

    #[test]
    fn a_setback_changes_no_status() {
        for setback in [
            Setback::RateLimited { retry_at: None },
            Setback::Unreachable(Trouble::TimedOut),
            Setback::Unreachable(Trouble::ServerError(502)),
            Setback::Forbidden,
        ] {
            assert_eq!(CheckOutcome::Unchanged(setback).status(), None);
        }
    }

    #[test]
    fn a_refusal_has_a_status_of_its_own() {
        let status = |refusal| CheckOutcome::Refused(refusal).status();
        assert_eq!(status(Refusal::BadCredentials), Some(TokenStatus::Invalid));
        assert_eq!(
            status(Refusal::Expired {
                at: Timestamp::from_seconds(0)
            }),
            Some(TokenStatus::Expired)
        );
        assert_eq!(
            status(Refusal::SsoRequired { url: None }),
            Some(TokenStatus::SsoRequired)
        );
    }
}
