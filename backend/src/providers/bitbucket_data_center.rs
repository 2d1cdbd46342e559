//! Bitbucket Data Center.
//!
//! Facts from Atlassian's REST reference ("HTTP access tokens"), "Adjusting your code for rate limiting", and PROVIDERS.md. A
//! token cannot ask about itself, but may list its owner's tokens; its first characters tell which of them it is.

use super::{
    GitProvider, Granted, Inquiry,
    wire::{Wire, header, identity, not_over, unknown, unreachable},
};
use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use domain::{CheckOutcome, Expiry, Findings, ProviderKind, Setback, Timestamp, check::Trouble, scope};
use http::StatusCode;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, de::IgnoredAny};
use zeroize::Zeroizing;

/// Bitbucket Data Center on the wire.
pub(super) struct BitbucketDataCenter;

const WIRE: Wire = Wire {
    headers: |request, inquiry| request.bearer(inquiry.token),
    remaining: "x-ratelimit-remaining",
    reset: "",
};

/// Names who asks; without it, the server took us for nobody.
const USER_NAME: &str = "x-ausername";
/// The number of that user.
const USER_ID: &str = "x-auserid";
/// What newer tokens begin with.
const PREFIX: &str = "BBDC-";
/// A person has few tokens; a list that does not end is not read to its end.
const MAX_PAGES: usize = 10;

/// `GET /api/latest/users`, as far as it is read: that it is a list.
#[derive(Deserialize)]
struct Users {
    #[serde(rename = "values")]
    _values: Vec<IgnoredAny>,
}

/// `GET /access-tokens/1.0/users/{slug}`, as far as it is read.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tokens {
    values: Vec<Token>,
    next_page_start: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    id: String,
    permissions: Vec<String>,
    /// Milliseconds since 1970; none if the token does not end.
    expiry_date: Option<i64>,
}

impl GitProvider for BitbucketDataCenter {
    async fn check(&self, inquiry: Inquiry<'_>) -> Result<Findings, CheckOutcome> {
        let answer = WIRE.get(inquiry, "/api/latest/users?limit=1").await?;
        let name = header(&answer, USER_NAME);
        if answer.status == StatusCode::UNAUTHORIZED && name.is_some() {
            // A 401 is also the answer to somebody who is known and may not.
            return Err(CheckOutcome::Unchanged(Setback::Forbidden));
        }
        WIRE.accept(inquiry, &answer)?;
        let _: Users = answer.body_json().map_err(unreachable)?;
        let name = name.ok_or_else(|| unreachable(Trouble::UnexpectedAnswer))?;

        let required = inquiry.required();
        let itself = match inquiry.oauth {
            // It is in no list, but its scopes came with it.
            Some(_) => None,
            None => itself(inquiry, name).await?,
        };
        let (scopes, expiry) = match itself {
            Some(token) => {
                let granted = scope::named(token.permissions.iter().map(String::as_str));
                let end = token.expiry_date.map(Timestamp::from_millis);
                (
                    scope::compare_declared(ProviderKind::BitbucketDataCenter, &granted, &required),
                    end.map_or(Expiry::Never, Expiry::At),
                )
            }
            None => match inquiry.oauth.and_then(Granted::set) {
                Some(granted) => (
                    scope::compare_declared(ProviderKind::BitbucketDataCenter, &granted, &required),
                    Expiry::Unknown,
                ),
                None => (required.into_iter().map(unknown).collect(), Expiry::Unknown),
            },
        };
        Ok(Findings {
            identity: identity(&header(&answer, USER_ID).unwrap_or(name), name),
            scopes,
            expiry: not_over(expiry, inquiry.now)?,
        })
    }
}

/// The token in its owner's list; `None` if its number cannot be read, or it is not there.
async fn itself(inquiry: Inquiry<'_>, owner: &str) -> Result<Option<Token>, CheckOutcome> {
    let Some(number) = number(inquiry.token.expose_secret()) else {
        return Ok(None);
    };
    let slug = slug(owner);
    let mut start = 0;
    for _ in 0..MAX_PAGES {
        let path = format!("/access-tokens/1.0/users/{slug}?limit=100&start={start}");
        let answer = WIRE.get(inquiry, &path).await?;
        if matches!(answer.status, StatusCode::UNAUTHORIZED | StatusCode::NOT_FOUND) {
            // Not to be listed, or older than this API. The token itself was accepted a moment ago.
            return Ok(None);
        }
        WIRE.accept(inquiry, &answer)?;
        let page: Tokens = answer.body_json().map_err(unreachable)?;
        if let Some(token) = page.values.into_iter().find(|token| token.id == *number) {
            return Ok(Some(token));
        }
        match page.next_page_start {
            Some(next) if next > start => start = next,
            _ => break,
        }
    }
    Ok(None)
}

/// The number of a token: what stands before the colon in its body, which is base64. It is not secret, but what stands behind
/// it is.
fn number(token: &str) -> Option<Zeroizing<String>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let engine = GeneralPurpose::new(&alphabet::STANDARD, config);
    let body = Zeroizing::new(engine.decode(token.strip_prefix(PREFIX).unwrap_or(token)).ok()?);
    let end = body.iter().position(|b| *b == b':')?;
    let digits = body
        .get(..end)
        .filter(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))?;
    Some(Zeroizing::new(str::from_utf8(digits).ok()?.to_owned()))
}

/// A user's name as it stands in an address.
fn slug(name: &str) -> String {
    let fit = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    name.chars()
        .take(255)
        .map(|c| if fit(c) { c.to_ascii_lowercase() } else { '_' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::prelude::BASE64_STANDARD;
    use proptest::prelude::*;

    fn shown(token: &str) -> Option<String> {
        number(token).map(|number| number.to_string())
    }

    #[test]
    fn a_token_tells_its_number() {
        let body = BASE64_STANDARD.encode(b"123456789012:\x00\xffsecret");
        assert_eq!(shown(&format!("BBDC-{body}")).as_deref(), Some("123456789012"));
        assert_eq!(
            shown(&body).as_deref(),
            Some("123456789012"),
            "older ones have no prefix"
        );
        assert_eq!(shown(body.trim_end_matches('=')).as_deref(), Some("123456789012"));
        for other in ["", "BBDC-", "BBDC-****", "BBDC-YWJjOmRlZg==", "OmRlZg=="] {
            assert_eq!(shown(other), None, "{other}");
        }
    }

    #[test]
    fn a_name_goes_into_a_path_without_changing_it() {
        assert_eq!(slug("Mira.Rao"), "mira.rao");
        assert_eq!(slug("mira@acme.dev/../x?y"), "mira_acme.dev_.._x_y");
    }

    proptest! {
        #[test]
        fn no_token_and_no_name_makes_it_panic(text in "\\PC{0,300}", bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (number(&text), number(&BASE64_STANDARD.encode(&bytes)));
            prop_assert!(!slug(&text).contains('/'));
        }
    }
}
