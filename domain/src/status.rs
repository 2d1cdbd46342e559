//! The status of a stored Git token, and what a person sees of it.

use crate::{check::Expiry, timestamp::Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What the last telling check said of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenStatus {
    /// Accepted, and its scopes cover the profile.
    Valid,
    /// Accepted, and nobody can tell whether its permissions cover the profile.
    Unverified,
    /// Accepted, and it allows more than the profile needs.
    ExcessScopes,
    /// Accepted, but scopes of the profile are missing.
    MissingScopes,
    /// Not accepted: invalid or revoked.
    Invalid,
    /// Its end has passed.
    Expired,
    /// An organisation wants it authorised for single sign-on.
    SsoRequired,
    /// A refresh was interrupted: the provider may have changed it for a new one that never arrived.
    InDoubt,
}

impl TokenStatus {
    /// Every status.
    pub const ALL: [Self; 8] = [
        Self::Valid,
        Self::Unverified,
        Self::ExcessScopes,
        Self::MissingScopes,
        Self::Invalid,
        Self::Expired,
        Self::SsoRequired,
        Self::InDoubt,
    ];

    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Valid => "valid",
            Self::Unverified => "unverified",
            Self::ExcessScopes => "excess_scopes",
            Self::MissingScopes => "missing_scopes",
            Self::Invalid => "invalid",
            Self::Expired => "expired",
            Self::SsoRequired => "sso_required",
            Self::InDoubt => "in_doubt",
        }
    }

    /// Whether a token with this status does what it is for, as long as it does not end.
    #[must_use]
    pub const fn works(self) -> bool {
        match self {
            Self::Valid | Self::Unverified | Self::ExcessScopes => true,
            Self::MissingScopes | Self::Invalid | Self::Expired | Self::SsoRequired | Self::InDoubt => false,
        }
    }

    /// The status that a stored word names.
    #[must_use]
    pub fn from_stored(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// How grave a status is: its colour, never without a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// Works.
    Good,
    /// Works, and wants a look.
    Warn,
    /// Does not work.
    Bad,
    /// Nothing there.
    Idle,
}

/// How long before its end a token is called *Expires soon*.
pub const SOON: Duration = Duration::from_hours(30 * 24);

/// What a person sees of a token at a moment: its status, unless its end is near or past.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ShownStatus {
    /// As the last check found it.
    Checked(TokenStatus),
    /// Works, and ends within [`SOON`].
    ExpiresSoon,
    /// No token.
    NotAuthorized,
}

impl ShownStatus {
    /// What to show of a token at `now`. A token whose end has passed is expired, whenever it was last checked.
    #[must_use]
    pub fn of(status: TokenStatus, expiry: Expiry, now: Timestamp) -> Self {
        match expiry {
            // Whether it has ended, or was changed for another one, is not known.
            _ if status == TokenStatus::InDoubt => Self::Checked(status),
            Expiry::At(end) if end <= now => Self::Checked(TokenStatus::Expired),
            Expiry::At(end) if status.works() && end <= now.plus(SOON) => Self::ExpiresSoon,
            Expiry::At(_) | Expiry::Never | Expiry::Unknown => Self::Checked(status),
        }
    }

    /// The words of the badge.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Checked(TokenStatus::Valid) => "Valid",
            Self::Checked(TokenStatus::Unverified) => "Permissions unverified",
            Self::Checked(TokenStatus::ExcessScopes) => "Excess scopes",
            Self::Checked(TokenStatus::MissingScopes) => "Missing scopes",
            Self::Checked(TokenStatus::Invalid) => "Invalid or revoked",
            Self::Checked(TokenStatus::Expired) => "Expired",
            Self::Checked(TokenStatus::SsoRequired) => "SSO authorization needed",
            Self::Checked(TokenStatus::InDoubt) => "In doubt",
            Self::ExpiresSoon => "Expires soon",
            Self::NotAuthorized => "Not authorized",
        }
    }

    /// Its colour.
    #[must_use]
    pub const fn tone(self) -> Tone {
        match self {
            Self::Checked(TokenStatus::Valid) => Tone::Good,
            Self::Checked(TokenStatus::Unverified | TokenStatus::ExcessScopes | TokenStatus::InDoubt)
            | Self::ExpiresSoon => Tone::Warn,
            Self::Checked(
                TokenStatus::MissingScopes | TokenStatus::Invalid | TokenStatus::Expired | TokenStatus::SsoRequired,
            ) => Tone::Bad,
            Self::NotAuthorized => Tone::Idle,
        }
    }

    /// What the person does next, as a sentence; empty when there is nothing to do.
    #[must_use]
    pub const fn next_step(self) -> &'static str {
        match self {
            Self::Checked(TokenStatus::Valid) => "",
            Self::Checked(TokenStatus::Unverified) => {
                "The provider does not tell what this kind of token may do. Reading worked; writing was not tried."
            }
            Self::Checked(TokenStatus::ExcessScopes) => {
                "Works, but allows more than this runtime needs. Consider a token with fewer scopes."
            }
            Self::Checked(TokenStatus::MissingScopes) => "Replace it with a token that has the missing scopes.",
            Self::Checked(TokenStatus::Invalid) => "The provider no longer accepts it. Replace it.",
            Self::Checked(TokenStatus::Expired) => "Replace it with a new token.",
            Self::Checked(TokenStatus::SsoRequired) => "Authorize the token for your organization's single sign-on.",
            Self::Checked(TokenStatus::InDoubt) => {
                "A refresh was interrupted. Patchbay tries again; if the provider refuses that, authorize access again."
            }
            Self::ExpiresSoon => "Replace it before it ends.",
            Self::NotAuthorized => "Add a token so that this runtime can act for you.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_000_000;

    fn shown(status: TokenStatus, ends_in_days: i64) -> ShownStatus {
        let end = Timestamp::from_seconds(NOW + ends_in_days * 86_400);
        ShownStatus::of(status, Expiry::At(end), Timestamp::from_seconds(NOW))
    }

    #[test]
    fn a_token_past_its_end_is_expired_whatever_its_last_check_said() {
        for status in TokenStatus::ALL
            .into_iter()
            .filter(|status| *status != TokenStatus::InDoubt)
        {
            assert_eq!(shown(status, 0), ShownStatus::Checked(TokenStatus::Expired));
            assert_eq!(shown(status, -1), ShownStatus::Checked(TokenStatus::Expired));
        }
    }

    #[test]
    fn an_end_that_is_near_hides_no_graver_status() {
        assert_eq!(shown(TokenStatus::Valid, 30), ShownStatus::ExpiresSoon);
        assert_eq!(shown(TokenStatus::Valid, 31), ShownStatus::Checked(TokenStatus::Valid));
        assert_eq!(
            shown(TokenStatus::Invalid, 3),
            ShownStatus::Checked(TokenStatus::Invalid)
        );
        assert_eq!(
            shown(TokenStatus::MissingScopes, 3),
            ShownStatus::Checked(TokenStatus::MissingScopes)
        );
    }

    #[test]
    fn every_status_but_valid_says_what_to_do() {
        for status in TokenStatus::ALL {
            let shown = ShownStatus::Checked(status);
            assert_eq!(shown.next_step().is_empty(), status == TokenStatus::Valid, "{status:?}");
            assert_eq!(TokenStatus::from_stored(status.as_str()), Some(status));
        }
    }

    #[test]
    fn every_status_has_words_of_its_own() {
        let mut words: Vec<_> = TokenStatus::ALL
            .map(|status| ShownStatus::Checked(status).words())
            .to_vec();
        words.extend([ShownStatus::ExpiresSoon.words(), ShownStatus::NotAuthorized.words()]);
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), count);
    }
}
