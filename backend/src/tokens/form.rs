//! The form for a token: what was typed, and what it means.

use domain::{FieldErrors, GitTokenId, ProviderKind, SecretInput, Timestamp, token_format::TokenFormat};
use secrecy::{ExposeSecret as _, SecretString};
use std::time::Duration;

/// The longest token that is taken, in bytes: Bitbucket's may be longer than 2,500 characters.
const MAX_TOKEN: usize = 8 * 1024;
/// The furthest end that may be entered: whatever is later is a slip of the hand.
const FURTHEST_END: Duration = Duration::from_hours(10 * 366 * 24);

/// What a person types.
#[derive(Clone, Debug, Default)]
pub struct TokenForm {
    /// The token (field `token`).
    pub token: SecretInput,
    /// What goes beside it, if its provider asks for that (field `username`).
    pub username: String,
    /// The date on which it ends, as `2027-01-20`, where the provider does not tell; may be empty (field `ends_on`).
    pub ends_on: String,
    /// The id of the unexpected identity that the token is meant to have; may be empty (field `confirmed`).
    pub confirmed: String,
}

impl From<String> for TokenForm {
    /// A token alone.
    fn from(token: String) -> Self {
        Self {
            token: token.into(),
            ..Self::default()
        }
    }
}

/// A token to be stored.
pub(super) struct NewToken {
    pub(super) secret: SecretString,
    pub(super) username: Option<String>,
    pub(super) ends: Option<Timestamp>,
    /// The stored token that it is a copy of, if it is one.
    pub(super) copy_of: Option<GitTokenId>,
}

/// Reads the form for a provider of this kind.
pub(super) fn read(form: &TokenForm, kind: ProviderKind, now: Timestamp) -> Result<NewToken, FieldErrors> {
    let mut errors = FieldErrors::default();
    let secret = errors.take("token", read_token(&form.token, kind));
    let format = TokenFormat::of(secret.expose_secret());
    let username = errors.take("username", kind.read_username(format, &form.username));
    let ends = errors.take("ends_on", read_end(&form.ends_on, now));
    errors.into_result()?;
    Ok(NewToken {
        secret,
        username,
        ends,
        copy_of: None,
    })
}

/// A token as pasted, without the white space that copying adds at its ends.
fn read_token(token: &SecretInput, kind: ProviderKind) -> Result<SecretString, String> {
    let text = token.expose().trim();
    if text.is_empty() {
        return Err("Paste the token.".to_owned());
    }
    if text.len() > MAX_TOKEN {
        return Err("This is too long for a token. Paste the token alone.".to_owned());
    }
    if !text.bytes().all(|b| b.is_ascii_graphic()) {
        return Err(
            "A token is one word of letters, digits and signs. Copy it again, without anything around it.".to_owned(),
        );
    }
    match TokenFormat::recognise(text, kind).objection(kind) {
        Some(objection) => Err(objection),
        None => Ok(SecretString::from(text)),
    }
}

/// The date on which a token ends. It counts from the start of that day (UTC): better a day too early than too late.
pub(crate) fn read_end(typed: &str, now: Timestamp) -> Result<Option<Timestamp>, String> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(None);
    }
    let end = Timestamp::from_iso_date(typed).ok_or_else(|| "Write the date as in 2027-01-20.".to_owned())?;
    if end <= now {
        return Err("This date has passed. Generate a token with a later one.".to_owned());
    }
    if end > now.plus(FURTHEST_END) {
        return Err("This date is more than ten years away. Leave it empty if the token has no end.".to_owned());
    }
    Ok(Some(end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_date_is_read() {
        let now = Timestamp::from_seconds(1_795_000_000); // 2026-11-18
        let end = read_end(" 2027-01-20 ", now).map(|end| end.map(Timestamp::rfc3339));
        assert_eq!(end, Ok(Some("2027-01-20T00:00:00Z".to_owned())));
        assert_eq!(read_end("", now), Ok(None));
        for bad in ["tomorrow", "2026-02-30", "20.01.2027", "2026-11-01", "2099-01-01"] {
            assert!(read_end(bad, now).is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn nothing_typed_makes_it_panic(typed in "\\PC{0,60}", now in 0i64..4_000_000_000) {
            let _ = read_end(&typed, Timestamp::from_seconds(now));
        }
    }
}
