//! What GitHub's tokens look like.
//!
//! Prefix, 30 random base62 characters, then the CRC-32 of those 30 in base62, padded with zeros to 6: GitHub's article
//! "Behind GitHub's new authentication token formats" (2021). It does not print the alphabet's order; digits, capitals,
//! small letters is the one that real tokens confirm (see the test). Fine-grained tokens are `github_pat_`, 22
//! characters, `_`, 59 characters; how their checksum is made is not published, so ours are random throughout.

use crate::clock::random_text;
use crate::model::TokenKind;

const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A new value for a token of this kind.
pub(crate) fn generate(kind: TokenKind) -> String {
    match kind {
        TokenKind::Classic => with_checksum("ghp_", &random_text(BASE62, 30)),
        TokenKind::Oauth => with_checksum("gho_", &random_text(BASE62, 30)),
        TokenKind::FineGrained => format!("github_pat_{}_{}", random_text(BASE62, 22), random_text(BASE62, 59)),
    }
}

/// Random characters that fit a cookie and a URL.
pub(crate) fn random_id() -> String {
    random_text(BASE62, 40)
}

/// Enough of a token to tell which one it is, too little to use it: the prefix and the last four characters.
pub(crate) fn hint(value: &str) -> String {
    // A short value would be given away by its end.
    if value.len() < 20 || !value.is_ascii() {
        return "…".to_owned();
    }
    let prefix = ["github_pat_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_"]
        .into_iter()
        .find(|p| value.starts_with(p));
    format!("{}…{}", prefix.unwrap_or_default(), &value[value.len() - 4..])
}

fn with_checksum(prefix: &str, body: &str) -> String {
    format!("{prefix}{body}{}", checksum(body))
}

fn checksum(body: &str) -> String {
    let mut rest = crc32(body.as_bytes()) as usize;
    let mut digits = [b'0'; 6];
    for digit in digits.iter_mut().rev() {
        *digit = BASE62[rest % 62];
        rest /= 62;
    }
    digits.map(char::from).iter().collect()
}

/// CRC-32 as in zip and Ethernet (reflected, polynomial 0xEDB88320). A token is 30 bytes: a table would not pay.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 {
                (crc >> 1) ^ 0xEDB8_8320
            } else {
                crc >> 1
            }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_published_tokens() {
        // Quoted in public write-ups of the format; long revoked.
        assert_eq!(checksum("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ"), "0mLq17");
    }

    #[test]
    fn a_generated_token_has_the_length_and_prefix_of_its_kind() {
        for (kind, prefix, length) in [
            (TokenKind::Classic, "ghp_", 40),
            (TokenKind::Oauth, "gho_", 40),
            (TokenKind::FineGrained, "github_pat_", 93),
        ] {
            let value = generate(kind);
            assert!(value.starts_with(prefix));
            assert_eq!(value.len(), length);
        }
    }

    #[test]
    fn a_classic_token_ends_in_the_checksum_of_its_body() {
        let value = generate(TokenKind::Classic);
        assert_eq!(checksum(&value[4..34]), value[34..]);
    }

    #[test]
    fn a_hint_tells_a_token_apart_without_giving_it_away() {
        assert_eq!(hint("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"), "ghp_…Lq17");
        assert_eq!(hint("hunter2"), "…");
    }
}
