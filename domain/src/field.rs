//! What a person typed into ordinary fields, and what is wrong with it.
//!
//! A function here takes the text as typed and gives the value to keep, or a sentence that says what to do.

use crate::{packed::Pack, token_format};
use std::{collections::BTreeSet, vec::IntoIter};
use url::Url;

/// The longest text that an ordinary field takes, in characters.
pub const MAX_LEN: usize = 200;
/// The shortest password, in characters (NIST SP 800-63B-4, section 3.1.1.2: 15 where it is the only factor).
pub const MIN_PASSWORD: usize = 15;
/// The longest password, in characters: enough for any passphrase, and a bound for the work of hashing it.
pub const MAX_PASSWORD: usize = 256;

/// What is wrong with a form, by the name of the field, in the order in which the fields stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldErrors(Vec<(String, String)>);

impl Pack for FieldErrors {
    fn pack(&self, texts: &mut Vec<String>) {
        self.0.pack(texts);
    }

    fn unpack(texts: &mut IntoIter<String>) -> Self {
        Self(Pack::unpack(texts))
    }
}

impl FieldErrors {
    /// One error at one field.
    #[must_use]
    pub fn one(field: &str, message: impl Into<String>) -> Self {
        Self(vec![(field.to_owned(), message.into())])
    }

    /// Keeps the value, or notes the error under the field's name and gives the default in its place. Call
    /// [`FieldErrors::into_result`] before any of the values is used.
    pub fn take<T: Default>(&mut self, field: &str, result: Result<T, String>) -> T {
        result.unwrap_or_else(|message| {
            self.0.push((field.to_owned(), message));
            T::default()
        })
    }

    /// The error at a field.
    #[must_use]
    pub fn at(&self, field: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, _)| name == field)
            .map(|(_, message)| message.as_str())
    }

    /// Every field with its error.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, message)| (name.as_str(), message.as_str()))
    }

    /// `Ok` when nothing is wrong.
    pub fn into_result(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

/// A name that people read: trimmed, one line, not empty, and no token that was pasted into the wrong field.
pub fn name(text: &str, what: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(format!("Enter {what}."));
    }
    if text.chars().count() > MAX_LEN {
        return Err(format!("Use at most {MAX_LEN} characters."));
    }
    if text.chars().any(char::is_control) {
        return Err("Use one line of plain text.".to_owned());
    }
    if token_format::has_token(text) {
        return Err(format!(
            "This looks like a secret, which everybody would see. Enter {what}."
        ));
    }
    Ok(text.to_owned())
}

/// A runtime's name: it appears in manifests, so it follows the label rule of RFC 1123 that Kubernetes uses, up to 63
/// characters.
pub fn runtime_name(text: &str) -> Result<String, String> {
    let text = name(text, "the runtime's name")?;
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if text.len() > 63 {
        return Err("Use at most 63 characters.".to_owned());
    }
    if !text.chars().all(allowed) || text.starts_with('-') || text.ends_with('-') {
        return Err(
            "Use lower-case letters, digits and hyphens, as in prod-eu, with a letter or digit at both ends."
                .to_owned(),
        );
    }
    Ok(text)
}

/// An e-mail address, in lower case: it is how a person signs in, so it must be the same however it is typed.
pub fn email(text: &str) -> Result<String, String> {
    const ADVICE: &str = "Enter an e-mail address, as in mira@example.com.";
    let text = text.trim().to_lowercase();
    let Some((local, host)) = text.rsplit_once('@') else {
        return Err(ADVICE.to_owned());
    };
    let sound = !local.is_empty()
        && !host.is_empty()
        && text.len() <= 254
        && !text
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '"'))
        && !host.starts_with('.')
        && !host.ends_with('.')
        && !host.contains("..");
    if sound { Ok(text) } else { Err(ADVICE.to_owned()) }
}

/// A new password. Length is what counts; nothing else is asked of it (NIST SP 800-63B-4).
pub fn password(text: &str) -> Result<(), String> {
    match text.chars().count() {
        0 => Err("Enter a password.".to_owned()),
        1..MIN_PASSWORD => Err(format!(
            "Use at least {MIN_PASSWORD} characters. A few unrelated words are fine."
        )),
        MIN_PASSWORD..=MAX_PASSWORD => Ok(()),
        _ => Err(format!("Use at most {MAX_PASSWORD} characters.")),
    }
}

/// Words that stand at the beginning of Patchbay's own addresses and so cannot name an account.
const RESERVED: [&str; 15] = [
    "admin", "api", "assets", "favicon", "healthz", "join", "login", "metrics", "oauth", "pkg", "readyz", "setup",
    "sign-in", "sign-out", "static",
];

/// The account's part of every address, made from its name: `Acme Platform` becomes `acme-platform`.
#[must_use]
pub fn slug(name: &str) -> String {
    let mut slug = String::new();
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
        if slug.len() == 40 {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() || RESERVED.contains(&slug) {
        format!("account-{slug}").trim_end_matches('-').to_owned()
    } else {
        slug.to_owned()
    }
}

/// The address of a Git provider or its API: http or https, with a host, without user, query or fragment, without a
/// slash at the end.
pub fn web_address(text: &str) -> Result<String, String> {
    const ADVICE: &str = "Enter an address that starts with https://, as in https://github.example.com.";
    let text = text.trim();
    if text.chars().count() > MAX_LEN {
        return Err(format!("Use at most {MAX_LEN} characters."));
    }
    let url = Url::parse(text).map_err(|_| ADVICE.to_owned())?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        return Err(ADVICE.to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("Leave user name and password out of the address.".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("Leave out everything from the question mark or hash sign on.".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// The words by which a person is found: those of the name and of the address.
#[must_use]
pub fn person_words(name: &str, email: &str) -> BTreeSet<String> {
    search_words(name).into_iter().chain(search_words(email)).collect()
}

/// The words of what somebody looks for, in lower case.
#[must_use]
pub fn search_words(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_email_is_the_same_however_it_is_typed() {
        assert_eq!(email("  Mira@Example.COM ").as_deref(), Ok("mira@example.com"));
        for bad in [
            "",
            "mira",
            "@example.com",
            "mira@",
            "a b@c.de",
            "x@.com",
            "x@a..b",
            "<x@y.z>",
        ] {
            assert!(email(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_secret_is_no_name() {
        for prefix in ["ghp_", " glpat-", "argocd pbk_", "a,ATATT"] {
            let secret = format!("{prefix}abcdefghijklmnopqrst");
            let refused = name(&secret, "a name").unwrap_err();
            assert!(
                refused.contains("looks like a secret") && !refused.contains("abc"),
                "{refused}"
            );
            assert!(runtime_name(&secret).is_err());
        }
        assert_eq!(runtime_name("glpat-rotator").as_deref(), Ok("glpat-rotator"));
        assert_eq!(name("argocd, the first", "a name").as_deref(), Ok("argocd, the first"));
    }

    #[test]
    fn a_runtime_name_is_a_kubernetes_label() {
        assert_eq!(runtime_name(" prod-eu ").as_deref(), Ok("prod-eu"));
        for bad in ["", "Prod", "prod_eu", "-prod", "prod-", "prod eu", &"a".repeat(64)] {
            assert!(runtime_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_provider_address_is_kept_without_its_last_slash() {
        assert_eq!(web_address("https://github.com/").as_deref(), Ok("https://github.com"));
        assert_eq!(
            web_address("https://git.acme.dev/github/").as_deref(),
            Ok("https://git.acme.dev/github")
        );
        assert_eq!(
            web_address("http://127.0.0.1:4000").as_deref(),
            Ok("http://127.0.0.1:4000")
        );
        for bad in [
            "github.com",
            "ftp://x",
            "https://",
            "https://u:p@x.de",
            "https://x.de/?a",
            "https://x.de/#a",
            "javascript:alert(1)",
        ] {
            assert!(web_address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_is_judged_by_length_in_characters() {
        assert!(password("short").is_err());
        assert!(password("ääääääääääääääa").is_ok());
        assert!(password(&"a".repeat(MAX_PASSWORD + 1)).is_err());
    }

    #[test]
    fn an_account_cannot_take_one_of_our_own_addresses() {
        assert_eq!(slug("Acme Platform"), "acme-platform");
        assert_eq!(slug("Setup"), "account-setup");
        assert_eq!(slug("東京"), "account");
    }

    #[test]
    fn errors_are_found_by_field() {
        let mut errors = FieldErrors::default();
        assert_eq!(errors.take("name", name("  ", "a name")), "");
        assert_eq!(errors.take("email", email("a@b.c")), "a@b.c");
        assert_eq!(errors.at("name"), Some("Enter a name."));
        assert_eq!(errors.at("email"), None);
        assert!(errors.into_result().is_err());
    }

    proptest! {
        #[test]
        fn a_slug_is_always_fit_for_an_address(text in "\\PC{0,80}") {
            let slug = slug(&text);
            prop_assert!(!slug.is_empty() && slug.len() <= 48);
            prop_assert!(slug.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'));
            prop_assert!(!RESERVED.contains(&slug.as_str()));
        }

        #[test]
        fn no_input_makes_a_field_rule_panic(text in "\\PC{0,300}") {
            let _ = (email(&text), web_address(&text), runtime_name(&text), password(&text), name(&text, "x"));
        }
    }
}
