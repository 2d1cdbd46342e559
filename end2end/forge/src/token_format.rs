//! What the providers' tokens look like.
//!
//! GitHub: prefix, 30 random base62 characters, then the CRC-32 of those 30 in base62, padded with zeros to 6: GitHub's
//! article "Behind GitHub's new authentication token formats" (2021). It does not print the alphabet's order; digits,
//! capitals, small letters is the one that real tokens confirm (see the test). Fine-grained tokens are `github_pat_`, 22
//! characters, `_`, 59 characters; how their checksum is made is not published, so ours are random throughout.
//!
//! GitLab: `glpat-` and 20 characters (its "Token overview"); OAuth tokens are 64 hexadecimal digits. Atlassian's cloud:
//! 192 characters that begin with `ATATT3xFfGF0` or `ATCTT3xFfGN0` and end in `=` and 8 hexadecimal digits, whose meaning is
//! not published; app passwords are `ATBB` and 32 characters. Bitbucket Data Center: `BBDC-`, then the token's number of 12
//! digits, a colon and 20 random bytes in base64 (its REST reference shows one without the prefix, which came later). Gitea
//! and Forgejo: 40 hexadecimal digits. Gerrit: 31 random bytes in base64, unpadded.
//!
//! What applications get: at Gitea and Forgejo JSON Web Tokens (`services/oauth2_provider/token.go`), at Bitbucket Cloud more than
//! 2,500 characters (Atlassian says so of its OAuth tokens), at Data Center nothing that is published, so hexadecimal digits.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};

use crate::clock::{random_bytes, random_text};
use crate::model::TokenKind;

const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const DIGITS: &[u8; 10] = b"0123456789";
pub(crate) const HEX: &[u8; 16] = b"0123456789abcdef";
const HEX_CAPITALS: &[u8; 16] = b"0123456789ABCDEF";

/// What a token may begin with, so that a hint can show it.
const PREFIXES: [&str; 11] = [
    "github_pat_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "glpat-",
    "ATATT",
    "ATCTT",
    "ATBB",
    DATA_CENTER_PREFIX,
];

const DATA_CENTER_PREFIX: &str = "BBDC-";

pub(crate) const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// A new value for a token of this kind.
pub(crate) fn generate(kind: TokenKind) -> String {
    match kind {
        TokenKind::Classic => with_checksum("ghp_", &random_text(BASE62, 30)),
        TokenKind::Oauth => with_checksum("gho_", &random_text(BASE62, 30)),
        TokenKind::FineGrained => format!("github_pat_{}_{}", random_text(BASE62, 22), random_text(BASE62, 59)),
        TokenKind::GitlabPersonal => format!("glpat-{}", random_text(BASE64_URL, 20)),
        TokenKind::GitlabOauth | TokenKind::BitbucketDataCenterOauth => random_text(HEX, 64),
        TokenKind::BitbucketApi => atlassian("ATATT3xFfGF0"),
        TokenKind::BitbucketWorkspace | TokenKind::BitbucketProject | TokenKind::BitbucketRepository => {
            atlassian("ATCTT3xFfGN0")
        }
        TokenKind::BitbucketAppPassword => {
            format!("ATBB{}{}", random_text(BASE62, 24), random_text(HEX_CAPITALS, 8))
        }
        TokenKind::BitbucketOauth => long(),
        TokenKind::BitbucketHttp => data_center(),
        TokenKind::Gitea | TokenKind::Forgejo => random_text(HEX, 40),
        TokenKind::GiteaOauth | TokenKind::ForgejoOauth => json_web_token(),
        TokenKind::GerritToken | TokenKind::GerritPassword => STANDARD_NO_PAD.encode(random_bytes::<31>()),
    }
}

fn atlassian(prefix: &str) -> String {
    format!(
        "{prefix}{}={}",
        random_text(BASE64_URL, 171),
        random_text(HEX_CAPITALS, 8)
    )
}

/// Longer than many a column and many a limit for a header. Only its ends are random, for tests that make very many.
fn long() -> String {
    format!(
        "{}{}{}",
        random_text(BASE64_URL, 60),
        "x".repeat(2_500),
        random_text(BASE64_URL, 60)
    )
}

/// What looks like a JSON Web Token, signed with RSA; the forge never reads one. Only its ends are random, as those of
/// [`long`] are.
pub(crate) fn json_web_token() -> String {
    format!(
        "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCJ9.eyJ{}{}.{}{}",
        random_text(BASE64_URL, 40),
        "x".repeat(57),
        "x".repeat(302),
        random_text(BASE64_URL, 40)
    )
}

fn data_center() -> String {
    let mut bytes = format!("{}:", random_text(DIGITS, 12)).into_bytes();
    bytes.extend(random_bytes::<20>());
    format!("{DATA_CENTER_PREFIX}{}", STANDARD.encode(bytes))
}

/// The number that a token of Bitbucket Data Center has in lists, which its value begins with; none for a value that a
/// test made up.
pub(crate) fn data_center_number(value: &str) -> Option<String> {
    let bytes = STANDARD.decode(value.strip_prefix(DATA_CENTER_PREFIX)?).ok()?;
    let number = bytes.split(|byte| *byte == b':').next()?;
    let number = std::str::from_utf8(number).ok()?;
    let plausible = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    plausible.then(|| number.to_owned())
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
    let prefix = PREFIXES.into_iter().find(|prefix| value.starts_with(prefix));
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
            (TokenKind::GitlabPersonal, "glpat-", 26),
            (TokenKind::GitlabOauth, "", 64),
            (TokenKind::BitbucketApi, "ATATT3", 192),
            (TokenKind::BitbucketWorkspace, "ATCTT3", 192),
            (TokenKind::BitbucketProject, "ATCTT3", 192),
            (TokenKind::BitbucketRepository, "ATCTT3", 192),
            (TokenKind::BitbucketAppPassword, "ATBB", 36),
            (TokenKind::BitbucketOauth, "", 2_620),
            (TokenKind::BitbucketHttp, "BBDC-", 49),
            (TokenKind::BitbucketDataCenterOauth, "", 64),
            (TokenKind::Gitea, "", 40),
            (TokenKind::Forgejo, "", 40),
            (TokenKind::GiteaOauth, "eyJhbGciOi", 480),
            (TokenKind::ForgejoOauth, "eyJhbGciOi", 480),
            (TokenKind::GerritToken, "", 42),
            (TokenKind::GerritPassword, "", 42),
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
    fn a_token_of_bitbucket_data_center_begins_with_its_number() {
        assert_eq!(
            data_center_number("BBDC-MjUyOTczNTE1MDY5On2rDbID2EgYpH8AVOECHv0saruQ").as_deref(),
            Some("252973515069")
        );
        let number = data_center_number(&generate(TokenKind::BitbucketHttp)).expect("a number");
        assert_eq!(number.len(), 12);
        for made_up in ["", "BBDC-", "BBDC-eHg6eQ==", "ghp_x", "BBDC-!"] {
            assert_eq!(data_center_number(made_up), None, "{made_up}");
        }
    }

    #[test]
    fn a_hint_tells_a_token_apart_without_giving_it_away() {
        assert_eq!(hint("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"), "ghp_…Lq17");
        assert_eq!(hint("glpat-zQWBuTSOoRi4A9spHcVY"), "glpat-…HcVY");
        assert_eq!(hint("hunter2"), "…");
    }
}
