//! A secret on its way from a form field to the server.

use serde::{Deserialize, Serialize};
use std::fmt;
use zeroize::Zeroizing;

/// What a person typed into a secret field: a password or a Git token. It travels from the browser to the server and
/// never back; printing it shows only that it is there, and its memory is cleared when it is dropped.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretInput(Zeroizing<String>);

impl SecretInput {
    /// The secret itself. Name the reason at the call: this is the only way out.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether nothing was typed, or only white space.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.0.trim().is_empty()
    }
}

impl From<String> for SecretInput {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl fmt::Debug for SecretInput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretInput(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::SecretInput;

    #[test]
    fn printing_a_secret_does_not_show_it() {
        let secret = SecretInput::from("hunter2-hunter2".to_owned());
        assert_eq!(format!("{secret:?}"), "SecretInput(…)");
        assert_eq!(secret.expose(), "hunter2-hunter2");
    }

    #[test]
    fn white_space_alone_is_blank() {
        assert!(SecretInput::from(" \t\n".to_owned()).is_blank());
        assert!(!SecretInput::from(" x ".to_owned()).is_blank());
    }
}
