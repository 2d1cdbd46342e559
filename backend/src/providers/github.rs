//! GitHub.com and GitHub Enterprise Server.
//!
//! Facts from GitHub's REST documentation ("Authenticating to the REST API", "Rate limits", "Troubleshooting") and PROVIDERS.md.

use super::{GitProvider, Inquiry};
use crate::egress::{Answer, Request};
use domain::{
    CheckOutcome, Expiry, Findings, GitIdentity, ProviderKind, Refusal, Scope, ScopeFinding, Setback, Timestamp,
    check::Trouble,
    scope::{self, Evidence, Standing},
    token_format::TokenFormat,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use serde::Deserialize;
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
const RATE_REMAINING: &str = "x-ratelimit-remaining";
const RATE_RESET: &str = "x-ratelimit-reset";

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

impl GitProvider for GitHub {
    async fn check(&self, inquiry: Inquiry<'_>) -> CheckOutcome {
        match ask(inquiry).await {
            Ok(findings) => CheckOutcome::Accepted(findings),
            Err(outcome) => outcome,
        }
    }
}

async fn ask(inquiry: Inquiry<'_>) -> Result<Findings, CheckOutcome> {
    let answer = get(inquiry, "/user").await?;
    accept(inquiry, &answer)?;
    let user: User = answer.body_json().map_err(unreachable)?;
    let expiry = expiry(&answer.headers, inquiry.now);
    if let Expiry::At(at) = expiry
        && at <= inquiry.now
    {
        return Err(CheckOutcome::Refused(Refusal::Expired { at }));
    }
    let declared = answer.headers.get(SCOPES).and_then(|list| list.to_str().ok());
    let scopes = match declared {
        Some(list) => {
            let required = scope::required(ProviderKind::GitHub, None);
            scope::compare_declared(ProviderKind::GitHub, &scope::parse_list(list), &required)
        }
        None => probe(inquiry).await?,
    };
    Ok(Findings {
        identity: GitIdentity {
            id: user.id.to_string(),
            login: user.login,
        },
        scopes,
        expiry,
    })
}

/// What a token without declared scopes may do, as far as reading tells. A fine-grained token lists the repositories that it
/// was given; reading the files of a private one shows `contents:read`. Nothing that can be read shows a permission to write.
async fn probe(inquiry: Inquiry<'_>) -> Result<Vec<ScopeFinding>, CheckOutcome> {
    let finding = |name: &str, standing, evidence| ScopeFinding {
        scope: Scope::new(name),
        standing,
        evidence,
    };
    let unknown = |name: &str| finding(name, Standing::Unknown, Evidence::Unknown);
    let probed = |name: &str, there| {
        finding(
            name,
            if there { Standing::Granted } else { Standing::Missing },
            Evidence::Probed,
        )
    };

    // Anybody may read a public repository, so only a private one tells anything.
    let listed = get(inquiry, "/user/repos?visibility=private&per_page=1").await?;
    let (metadata, contents) = match listed.status {
        StatusCode::OK => {
            let repositories: Vec<Repository> = listed.body_json().map_err(unreachable)?;
            match repositories
                .into_iter()
                .find(|repository| repository.private && is_full_name(&repository.full_name))
            {
                Some(repository) => {
                    let path = format!("/repos/{}/contents/", repository.full_name);
                    let read = get(inquiry, &path).await?;
                    let contents = match read.status {
                        // An empty repository has no contents: 404 with the permission, 403 without it.
                        StatusCode::OK | StatusCode::NOT_FOUND => probed("contents:read", true),
                        StatusCode::FORBIDDEN if is_permission_refusal(&read) => probed("contents:read", false),
                        _ => {
                            accept(inquiry, &read)?;
                            unknown("contents:read")
                        }
                    };
                    (probed("metadata:read", true), contents)
                }
                None => (unknown("metadata:read"), unknown("contents:read")),
            }
        }
        StatusCode::FORBIDDEN if is_permission_refusal(&listed) => {
            (probed("metadata:read", false), unknown("contents:read"))
        }
        _ => {
            accept(inquiry, &listed)?;
            (unknown("metadata:read"), unknown("contents:read"))
        }
    };
    Ok(
        scope::required(ProviderKind::GitHub, Some(TokenFormat::GitHubFineGrained))
            .into_iter()
            .map(|scope| match scope.as_str() {
                "metadata:read" => metadata.clone(),
                "contents:read" => contents.clone(),
                other => unknown(other),
            })
            .collect(),
    )
}

async fn get(inquiry: Inquiry<'_>, path: &str) -> Result<Answer, CheckOutcome> {
    let url = Url::parse(&format!("{}{path}", inquiry.api_url)).map_err(|_| unreachable(Trouble::NoConnection))?;
    let asked = url.origin();
    let request = Request::new(url)
        .header(header::ACCEPT, HeaderValue::from_static("application/vnd.github+json"))
        .header(HeaderName::from_static("x-github-api-version"), API_VERSION)
        .bearer(inquiry.token)
        // A stored token is printable ASCII; one that no header can carry cannot be right.
        .map_err(|_| CheckOutcome::Refused(Refusal::BadCredentials))?;
    let answer = inquiry.egress.get(request).await.map_err(unreachable)?;
    // Another origin was asked without the token, so it can tell nothing of it.
    if answer.final_url.origin() == asked {
        Ok(answer)
    } else {
        Err(unreachable(Trouble::UnexpectedAnswer))
    }
}

/// Reads a status as PROVIDERS.md has it: only a success lets the answer be read further.
fn accept(inquiry: Inquiry<'_>, answer: &Answer) -> Result<(), CheckOutcome> {
    match answer.status {
        status if status.is_success() => Ok(()),
        StatusCode::UNAUTHORIZED => Err(CheckOutcome::Refused(Refusal::BadCredentials)),
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS => Err(forbidden(inquiry, answer)),
        status if status.is_server_error() => Err(unreachable(Trouble::ServerError(status.as_u16()))),
        _ => Err(unreachable(Trouble::UnexpectedAnswer)),
    }
}

fn forbidden(inquiry: Inquiry<'_>, answer: &Answer) -> CheckOutcome {
    let text = |name| {
        answer
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::trim)
    };
    if let Some(sso) = text(SSO)
        && sso.starts_with("required")
    {
        return CheckOutcome::Refused(Refusal::SsoRequired {
            url: sso_url(sso, inquiry.base_url),
        });
    }
    let wait = text(header::RETRY_AFTER.as_str()).and_then(|seconds| seconds.parse::<u64>().ok());
    let reset = text(RATE_RESET).and_then(|seconds| seconds.parse::<i64>().ok());
    let exhausted = text(RATE_REMAINING) == Some("0");
    if wait.is_some() || exhausted || answer.status == StatusCode::TOO_MANY_REQUESTS {
        let retry_at = wait
            .map(|seconds| inquiry.now.plus(Duration::from_secs(seconds)))
            .or_else(|| reset.filter(|_| exhausted).map(Timestamp::from_seconds));
        return CheckOutcome::Unchanged(Setback::RateLimited { retry_at });
    }
    CheckOutcome::Unchanged(Setback::Forbidden)
}

/// The address in `X-GitHub-SSO: required; url=...`. It becomes a link, so it must be the provider's own.
fn sso_url(value: &str, base_url: &str) -> Option<String> {
    let url = Url::parse(value.split_once("url=")?.1.trim()).ok()?;
    let base = Url::parse(base_url).ok()?;
    (url.origin() == base.origin()).then(|| url.into())
}

/// Whether a 403 says that the token lacks a permission, rather than anything else.
fn is_permission_refusal(answer: &Answer) -> bool {
    #[derive(Deserialize)]
    struct Message {
        message: String,
    }
    answer
        .body_json::<Message>()
        .is_ok_and(|body| body.message.starts_with("Resource not accessible by"))
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

fn unreachable(trouble: Trouble) -> CheckOutcome {
    CheckOutcome::Unchanged(Setback::Unreachable(trouble))
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
