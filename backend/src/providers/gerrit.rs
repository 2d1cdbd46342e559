//! Gerrit Code Review.
//!
//! Facts from Gerrit's documentation ("REST API", "/accounts/ REST API") and PROVIDERS.md. All JSON stands behind a line that
//! keeps it from being run as a script.

use super::{
    GitProvider, Inquiry,
    wire::{Wire, identity, unreachable},
};
use crate::egress::Answer;
use domain::{CheckOutcome, Expiry, Findings, check::Trouble};
use http::{HeaderValue, StatusCode, header::ACCEPT};
use serde::{Deserialize, de::DeserializeOwned};

/// Gerrit on the wire.
pub(super) struct Gerrit;

/// Stands before all JSON.
const PREFIX: &[u8] = b")]}'";

const WIRE: Wire = Wire {
    headers: |request, inquiry| {
        request
            .header(ACCEPT, HeaderValue::from_static("application/json"))
            .basic(inquiry.username.unwrap_or_default(), inquiry.token)
    },
    remaining: "",
    reset: "",
};

/// `GET /accounts/self`, as far as it is read.
#[derive(Deserialize)]
struct Account {
    #[serde(rename = "_account_id")]
    id: u64,
    username: Option<String>,
}

/// One of `GET /accounts/self/tokens` (3.12 and newer), as far as it is read.
#[derive(Deserialize)]
struct Token {
    expiration: Option<String>,
}

impl GitProvider for Gerrit {
    async fn check(&self, inquiry: Inquiry<'_>) -> Result<Findings, CheckOutcome> {
        let answer = WIRE.read(inquiry, "/accounts/self").await?;
        let account: Account = json(&answer).map_err(unreachable)?;
        let login = account.username.as_deref().or(inquiry.username).unwrap_or_default();
        Ok(Findings {
            identity: identity(&account.id, login),
            // There are none: a token may do what its owner may.
            scopes: Vec::new(),
            expiry: expiry(inquiry).await?,
        })
    }
}

/// Nothing tells which of the account's tokens this one is. When none of them ends, it does not; older Gerrits know no ends.
async fn expiry(inquiry: Inquiry<'_>) -> Result<Expiry, CheckOutcome> {
    let answer = WIRE.get(inquiry, "/accounts/self/tokens").await?;
    if answer.status == StatusCode::NOT_FOUND {
        return Ok(Expiry::Never);
    }
    WIRE.accept(inquiry, &answer)?;
    let tokens: Vec<Token> = json(&answer).map_err(unreachable)?;
    let endless = tokens.iter().all(|token| token.expiration.is_none());
    Ok(if endless { Expiry::Never } else { Expiry::Unknown })
}

/// The body as JSON, without what stands before it. Without that it is no answer of Gerrit.
fn json<T: DeserializeOwned>(answer: &Answer) -> Result<T, Trouble> {
    let body = answer.body.strip_prefix(PREFIX).ok_or(Trouble::UnexpectedAnswer)?;
    serde_json::from_slice(body).map_err(|_| Trouble::UnexpectedAnswer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use proptest::prelude::*;

    fn read(body: Vec<u8>) -> Result<u64, Trouble> {
        json::<Account>(&Answer {
            status: StatusCode::OK,
            headers: http::HeaderMap::new(),
            body: Bytes::from(body),
            final_url: "https://review.acme.dev/".parse().expect("a URL"),
        })
        .map(|account| account.id)
    }

    #[test]
    fn only_json_behind_its_prefix_is_an_answer_of_gerrit() {
        assert_eq!(read(b")]}'\n{\"_account_id\":7}\n".to_vec()), Ok(7));
        for body in [
            "{\"_account_id\":7}",
            ")]}'\n",
            ")]}'",
            "",
            "<html>",
            ")]}'\n{\"_account_id\":-7}",
        ] {
            assert_eq!(read(body.into()), Err(Trouble::UnexpectedAnswer), "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_body_from_a_stranger_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..300), prefixed: bool) {
            let mut whole = if prefixed { PREFIX.to_vec() } else { Vec::new() };
            whole.extend(body);
            let _ = read(whole);
        }
    }
}
