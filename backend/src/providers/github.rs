//! GitHub.com and GitHub Enterprise Server.
//!
//! Facts from GitHub's REST documentation ("Authenticating to the REST API", "Rate limits", "Troubleshooting") and PROVIDERS.md.

use super::{
    GitProvider, Inquiry,
    change::not_revoked,
    wire::{Wire, address, header, identity, message, not_over, probed, unknown, unreachable},
};
use crate::egress::{Answer, Request};
use domain::{
    CheckOutcome, Expiry, Findings, ProviderKind, Refusal, Revocation, ScopeFinding, Timestamp, check::Trouble, scope,
    token_format::TokenFormat,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header::ACCEPT};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use time::{OffsetDateTime, PrimitiveDateTime, format_description::BorrowedFormatItem, macros::format_description};
use url::Url;

/// GitHub on the wire.
pub(super) struct GitHub;

/// The version of the REST API whose answers are read here. Installations that do not know it ignore the header.
const API_VERSION: HeaderValue = HeaderValue::from_static("2022-11-28");
/// How far the provider's clock and ours may be apart.
const CLOCK_SKEW: Duration = Duration::from_mins(5);
const SCOPES: &str = "x-oauth-scopes";
const EXPIRATION: &str = "github-authentication-token-expiration";
const SSO: &str = "x-github-sso";

const WIRE: Wire = Wire {
    headers: |request, inquiry| versioned(request).bearer(inquiry.token),
    remaining: "x-ratelimit-remaining",
    reset: "x-ratelimit-reset",
};

/// `GET /user`, as far as it is read.
#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
}

/// `GET /user/repos`, as far as it is read.
#[derive(Deserialize)]
struct Repository {
    full_name: String,
    private: bool,
}

/// What every request to the API has, also one that comes from nobody.
fn versioned(request: Request) -> Request {
    request
        .header(ACCEPT, HeaderValue::from_static("application/vnd.github+json"))
        .header(HeaderName::from_static("x-github-api-version"), API_VERSION)
}

/// The body of [`REVOKE`].
#[derive(Serialize)]
struct Credentials<'a> {
    credentials: [&'a str; 1],
}

/// "REST API endpoints for revocation". The answer is 202: GitHub does it later.
const REVOKE: &str = "/credentials/revoke";

impl GitProvider for GitHub {
    async fn check(&self, inquiry: Inquiry<'_>) -> Result<Findings, CheckOutcome> {
        let answer = WIRE.get(inquiry, "/user").await?;
        accept(inquiry, &answer)?;
        let user: User = answer.body_json().map_err(unreachable)?;
        let expiry = not_over(expiry(&answer.headers, inquiry.now), inquiry.now)?;
        let scopes = match header(&answer, SCOPES) {
            Some(list) => {
                let required = match inquiry.oauth {
                    Some(_) => inquiry.required(),
                    None => inquiry.profile.required(None),
                };
                scope::compare_declared(ProviderKind::GitHub, &scope::parse_list(list), &required)
            }
            None => probe(inquiry).await?,
        };
        Ok(Findings {
            identity: identity(&user.id, &user.login),
            scopes,
            expiry,
        })
    }

    /// GitHub.com takes this from nobody in particular and refuses whoever signs in; GitHub Enterprise Server may want a token,
    /// for which the one in question will do. To revoke twice is to revoke.
    async fn revoke(&self, inquiry: Inquiry<'_>) -> Revocation {
        let credentials = Credentials {
            credentials: [inquiry.token.expose_secret()],
        };
        let with_body = |request: Result<Request, _>| request.ok()?.json(&credentials).ok();
        let anonymous = address(inquiry, REVOKE).map(|url| versioned(Request::new(url)));
        let (Some(anonymous), Some(signed)) = (with_body(anonymous), with_body(WIRE.request(inquiry, REVOKE))) else {
            return Revocation::Failed(Trouble::NoConnection.words());
        };
        let answer = match inquiry.egress.post(anonymous).await {
            Ok(answer) if answer.status == StatusCode::UNAUTHORIZED => inquiry.egress.post(signed).await,
            answered => answered,
        };
        match answer {
            Ok(answer) if answer.status.is_success() => Revocation::Told,
            Ok(answer) => Revocation::Failed(WIRE.why_not_revoked(inquiry, &answer)),
            Err(failure) => Revocation::Failed(not_revoked(failure)),
        }
    }
}

/// What a token without declared scopes may do, as far as reading tells. A fine-grained token lists the repositories that it
/// was given; reading the files of a private one shows `contents:read`. Nothing that can be read shows a permission to write.
async fn probe(inquiry: Inquiry<'_>) -> Result<Vec<ScopeFinding>, CheckOutcome> {
    // Anybody may read a public repository, so only a private one tells anything.
    let listed = WIRE.get(inquiry, "/user/repos?visibility=private&per_page=1").await?;
    let (metadata, contents) = match listed.status {
        StatusCode::OK => {
            let repositories: Vec<Repository> = listed.body_json().map_err(unreachable)?;
            match repositories
                .into_iter()
                .find(|repository| repository.private && is_full_name(&repository.full_name))
            {
                Some(repository) => (Some(true), may_read(inquiry, &repository.full_name).await?),
                None => (None, None),
            }
        }
        StatusCode::FORBIDDEN if is_permission_refusal(&listed) => (Some(false), None),
        _ => {
            accept(inquiry, &listed)?;
            (None, None)
        }
    };
    let fine_grained = TokenFormat::of("github_pat_");
    let findings = inquiry.profile.required(fine_grained).into_iter().map(|scope| {
        let seen = match scope.as_str() {
            "metadata:read" => metadata,
            "contents:read" => contents,
            _ => None,
        };
        match seen {
            Some(there) => probed(scope, there),
            None => unknown(scope),
        }
    });
    Ok(findings.collect())
}

/// Whether the token may read the files of a private repository; `None` if that could not be seen.
async fn may_read(inquiry: Inquiry<'_>, full_name: &str) -> Result<Option<bool>, CheckOutcome> {
    let read = WIRE.get(inquiry, &format!("/repos/{full_name}/contents/")).await?;
    match read.status {
        // An empty repository has no contents: 404 with the permission, 403 without it.
        StatusCode::OK | StatusCode::NOT_FOUND => Ok(Some(true)),
        StatusCode::FORBIDDEN if is_permission_refusal(&read) => Ok(Some(false)),
        _ => accept(inquiry, &read).map(|()| None),
    }
}

/// Reads a status as PROVIDERS.md has it, single sign-on first.
fn accept(inquiry: Inquiry<'_>, answer: &Answer) -> Result<(), CheckOutcome> {
    match header(answer, SSO) {
        Some(sso) if answer.status == StatusCode::FORBIDDEN && sso.starts_with("required") => {
            Err(CheckOutcome::Refused(Refusal::SsoRequired {
                url: sso_url(sso, inquiry.base_url),
            }))
        }
        _ => WIRE.accept(inquiry, answer),
    }
}

/// The address in `X-GitHub-SSO: required; url=...`. It becomes a link, so it must be the provider's own.
fn sso_url(value: &str, base_url: &str) -> Option<String> {
    let url = Url::parse(value.split_once("url=")?.1.trim()).ok()?;
    let base = Url::parse(base_url).ok()?;
    (url.origin() == base.origin()).then(|| url.into())
}

/// Whether a 403 says that the token lacks a permission, rather than anything else.
fn is_permission_refusal(answer: &Answer) -> bool {
    message(answer).starts_with("Resource not accessible by")
}

/// Whether a name from an answer is `owner/name`, and so safe to put into a path.
fn is_full_name(name: &str) -> bool {
    let part = |text: &str| {
        !matches!(text, "" | "." | "..")
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    name.split_once('/')
        .is_some_and(|(owner, name)| part(owner) && part(name))
}

/// The token's end. Without the header it has none; one that cannot be read is unknown, never "none". So is one that is the
/// time of the answer: GitHub has sent that for some fine-grained tokens that live on (google/go-github, issue 3708).
fn expiry(headers: &HeaderMap, now: Timestamp) -> Expiry {
    let Some(value) = headers.get(EXPIRATION) else {
        return Expiry::Never;
    };
    let at = value.to_str().ok().and_then(parse_expiration);
    let believable = |at: &Timestamp| *at < now.minus(CLOCK_SKEW) || *at > now.plus(CLOCK_SKEW);
    at.filter(believable).map_or(Expiry::Unknown, Expiry::At)
}

/// Reads `2023-12-13 00:00:00 +0100` and `2023-12-13 00:00:00 UTC`.
fn parse_expiration(text: &str) -> Option<Timestamp> {
    const ZONED: &[BorrowedFormatItem<'_>] = format_description!(
        "[year]-[month]-[day] [hour]:[minute]:[second] [offset_hour sign:mandatory][offset_minute]"
    );
    const NAIVE: &[BorrowedFormatItem<'_>] = format_description!("[year]-[month]-[day] [hour]:[minute]:[second]");
    let text = text.trim();
    let at = match text.strip_suffix(" UTC").or_else(|| text.strip_suffix(" Z")) {
        Some(naive) => PrimitiveDateTime::parse(naive, NAIVE).ok()?.assume_utc(),
        None => OffsetDateTime::parse(text, ZONED).ok()?,
    };
    Some(Timestamp::from_seconds(at.unix_timestamp()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> Option<String> {
        parse_expiration(text).map(Timestamp::rfc3339)
    }

    #[test]
    fn both_forms_of_the_expiration_are_read() {
        assert_eq!(
            shown("2023-12-13 00:00:00 +0100").as_deref(),
            Some("2023-12-12T23:00:00Z")
        );
        assert_eq!(
            shown("2023-12-13 00:00:00 UTC").as_deref(),
            Some("2023-12-13T00:00:00Z")
        );
        assert_eq!(
            shown("2023-12-13 00:00:00 -0730").as_deref(),
            Some("2023-12-13T07:30:00Z")
        );
    }

    #[test]
    fn an_expiration_that_cannot_be_read_is_unknown_and_not_none() {
        let mut headers = HeaderMap::new();
        assert_eq!(expiry(&headers, Timestamp::from_seconds(0)), Expiry::Never);
        headers.insert(EXPIRATION, HeaderValue::from_static("next Tuesday"));
        assert_eq!(expiry(&headers, Timestamp::from_seconds(0)), Expiry::Unknown);
    }

    #[test]
    fn only_the_providers_own_address_becomes_the_sso_link() {
        let url = |value: &str| sso_url(value, "https://github.com");
        let own = "https://github.com/orgs/acme/sso?authorization_request=A";
        assert_eq!(url(&format!("required; url={own}")).as_deref(), Some(own));
        assert_eq!(url("required; url=https://evil.example/orgs"), None);
        assert_eq!(url("required; url=javascript:alert(1)"), None);
        assert_eq!(url("required"), None);
    }

    #[test]
    fn only_an_owner_and_a_name_go_into_a_path() {
        assert!(is_full_name("acme/deploy.git_1"));
        for bad in [
            "acme", "acme/", "/x", "../x", "a/..", "a/b/c", "a/b?x=1", "a/b#", "a b/c",
        ] {
            assert!(!is_full_name(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_header_from_a_stranger_makes_the_parsers_panic(text in "\\PC{0,200}") {
            let _ = (parse_expiration(&text), sso_url(&text, "https://github.com"), is_full_name(&text));
        }

        #[test]
        fn every_moment_written_as_github_writes_it_is_read_back(seconds in 0i64..4_000_000_000) {
            let at = Timestamp::from_seconds(seconds);
            let text = at.rfc3339().replace('T', " ").replace('Z', " UTC");
            prop_assert_eq!(parse_expiration(&text), Some(at));
        }
    }
}
