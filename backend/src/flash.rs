//! Messages that wait in a cookie for the next page, sealed so that nobody else can write one.

use crate::{
    random::{self, Random},
    vault::{MasterKeys, NONCE_LEN, decrypt, encrypt},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use secrecy::SecretBox;
use std::{fmt, sync::Arc};

/// The longest cookie value, in bytes: browsers keep 4,096 for name, value and attributes together (RFC 6265, section
/// 6.1).
const MAX_COOKIE: usize = 3800;
/// Told apart from everything else that is sealed; the number changes with the format.
const ASSOCIATED: &[u8] = b"patchbay flash cookie 1";

/// Seals and opens the cookie of a flash message. Its key follows from the active master key: a message on its way
/// while that changes is lost. [`fmt::Debug`] shows nothing of the key.
#[derive(Clone)]
pub struct FlashSeal {
    key: Arc<SecretBox<[u8; 32]>>,
    random: Arc<dyn Random>,
}

impl FlashSeal {
    /// With a key of its own that follows from the master key.
    #[must_use]
    pub fn new(master: &MasterKeys, random: Arc<dyn Random>) -> Self {
        Self {
            key: Arc::new(master.derive("flash cookie")),
            random,
        }
    }

    /// Seals `message` into text fit for a cookie; `None` if it would be longer than 3,800 bytes.
    #[must_use]
    pub fn seal(&self, message: &[u8]) -> Option<String> {
        let nonce = random::array::<NONCE_LEN>(&*self.random);
        let mut sealed = nonce.to_vec();
        encrypt(&self.key, &nonce, ASSOCIATED, message, &mut sealed);
        let cookie = BASE64_URL_SAFE_NO_PAD.encode(sealed);
        (cookie.len() <= MAX_COOKIE).then_some(cookie)
    }

    /// Opens what [`FlashSeal::seal`] made; `None` for anything else.
    #[must_use]
    pub fn open(&self, cookie: &str) -> Option<Vec<u8>> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(cookie).ok()?;
        let (nonce, ciphertext) = sealed.split_first_chunk()?;
        decrypt(&self.key, nonce, ASSOCIATED, ciphertext)
            .ok()
            .map(|message| message.to_vec())
    }
}

impl fmt::Debug for FlashSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FlashSeal(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::testing::Counting;

    fn flash(line: &str) -> FlashSeal {
        let master = MasterKeys::parse(line).expect("a master key");
        FlashSeal::new(&master, Arc::new(Counting::default()))
    }

    fn one() -> FlashSeal {
        flash(&format!("patchbay-master-1:{}", "A".repeat(43)))
    }

    #[test]
    fn a_message_comes_back_as_it_was() {
        for message in [&b""[..], b"Token added", &[0xff; 2000]] {
            let cookie = one().seal(message).expect("it fits");
            assert_eq!(one().open(&cookie).as_deref(), Some(message));
        }
    }

    #[test]
    fn a_cookie_needs_no_escaping_and_shows_nothing_of_the_message() {
        let cookie = one().seal(b"Token added").expect("it fits");
        assert!(
            cookie
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte)),
            "{cookie}"
        );
        assert_ne!(Some(&cookie), one().seal(b"Token gone!").as_ref());
    }

    #[test]
    fn an_altered_cookie_is_refused() {
        let cookie = one().seal(b"Token added").expect("it fits");
        for at in 0..cookie.len() {
            let mut altered = cookie.clone();
            altered.replace_range(at..=at, if cookie[at..].starts_with('A') { "B" } else { "A" });
            assert_eq!(one().open(&altered), None, "{at}");
            assert_eq!(one().open(&cookie[..at]), None, "{at}");
        }
        assert_eq!(one().open(&format!("{cookie}A")), None);
        assert_eq!(one().open("not base64!"), None);
    }

    #[test]
    fn another_master_key_opens_nothing() {
        let cookie = one().seal(b"Token added").expect("it fits");
        let other = flash(&format!("patchbay-master-1:{}", "B".repeat(42) + "A"));
        assert_eq!(other.open(&cookie), None);
    }

    #[test]
    fn a_message_too_long_for_a_cookie_is_not_sealed() {
        // 40 bytes of nonce and tag, four characters for three bytes.
        let longest = MAX_COOKIE / 4 * 3 - 40;
        assert_eq!(
            one().seal(&vec![b'x'; longest]).map(|cookie| cookie.len()),
            Some(MAX_COOKIE)
        );
        assert_eq!(one().seal(&vec![b'x'; longest + 1]), None);
    }
}
