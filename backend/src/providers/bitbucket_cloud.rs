//! Bitbucket Cloud.
//!
//! Facts from Atlassian's documentation ("Using API tokens", "Access tokens", "API request limits") and PROVIDERS.md. That the
//! header `X-OAuth-Scopes` lists a token's scopes is written nowhere, so it is believed only as far as reading bears it out.

use super::{
    GitProvider, Granted, Inquiry,
    wire::{Wire, header, identity, probed, unknown, unreachable},
};
use crate::egress::Answer;
use domain::{
    CheckOutcome, Expiry, Findings, GitIdentity, ProviderKind, Scope, ScopeFinding,
    scope::{self, Standing},
    token_format::{TokenFormat, Username},
};
use http::StatusCode;
use serde::Deserialize;
use std::collections::BTreeSet;

/// Bitbucket Cloud on the wire.
pub(super) struct BitbucketCloud;

const WIRE: Wire = Wire {
    // What goes alone is an access token of a workspace, project or repository.
    headers: |request, inquiry| match inquiry.username {
        Some(username) => request.basic(username, inquiry.token),
        None => request.bearer(inquiry.token),
    },
    // When there are more requests is told by `Retry-After` or by nothing.
    remaining: "",
    reset: "",
};

const SCOPES: &str = "x-oauth-scopes";
const CREDENTIAL: &str = "x-credential-type";

/// `GET /user`, as far as it is read.
#[derive(Deserialize)]
struct User {
    uuid: String,
    username: Option<String>,
    nickname: Option<String>,
}

/// `GET /user/workspaces`, as far as it is read.
#[derive(Deserialize)]
struct Workspaces {
    values: Vec<Access>,
}

#[derive(Deserialize)]
struct Access {
    workspace: Workspace,
}

#[derive(Deserialize)]
struct Workspace {
    slug: String,
}

/// What reading showed of a scope.
type Seen = (Scope, bool);

impl GitProvider for BitbucketCloud {
    async fn check(&self, inquiry: Inquiry<'_>) -> Result<Findings, CheckOutcome> {
        let answer = WIRE.get(inquiry, "/user").await?;
        let (identity, user) = owner(inquiry, &answer)?;
        let declared = header(&answer, SCOPES)
            .map(scope::parse_list)
            .or_else(|| inquiry.oauth.and_then(Granted::set));
        let required = match inquiry.oauth {
            Some(_) => inquiry.required(),
            None => inquiry.profile.required(format(inquiry)),
        };

        let names = scope_names(inquiry);
        let mut seen: Vec<Seen> = user.map(|there| (Scope::new(names.user), there)).into_iter().collect();
        let (workspaces, first) = workspaces(inquiry).await?;
        seen.extend(workspaces.map(|there| (Scope::new(names.workspace), there)));
        if let Some(slug) = first {
            let listed = WIRE.get(inquiry, &format!("/repositories/{slug}?pagelen=1")).await?;
            let there = !is_short(&listed);
            if there {
                WIRE.accept(inquiry, &listed)?;
            }
            seen.push((Scope::new(names.repository), there));
        }
        Ok(Findings {
            identity,
            scopes: judge(declared.as_ref(), &seen, &required),
            // Told nowhere.
            expiry: Expiry::Unknown,
        })
    }
}

/// The scopes that reading shows, in the words of each family of tokens.
struct ScopeNames {
    user: &'static str,
    workspace: &'static str,
    repository: &'static str,
}

fn scope_names(inquiry: Inquiry<'_>) -> ScopeNames {
    if inquiry.username.is_none() {
        // An access token sees its workspace by what it may read there.
        ScopeNames {
            user: "account",
            workspace: "repository",
            repository: "repository",
        }
    } else if format(inquiry).is_some_and(|format| format.username == Username::Name) {
        ScopeNames {
            user: "account",
            workspace: "team",
            repository: "repository",
        }
    } else {
        ScopeNames {
            user: "read:user:bitbucket",
            workspace: "read:workspace:bitbucket",
            repository: "read:repository:bitbucket",
        }
    }
}

/// The token's format; whatever goes alone is taken for an access token.
fn format(inquiry: Inquiry<'_>) -> Option<&'static TokenFormat> {
    let alone = || TokenFormat::of("ATCTT").filter(|_| inquiry.username.is_none());
    inquiry.format.or_else(alone)
}

/// Whose the token is, and whether it may read that. An access token belongs to nobody, so it is refused with a 403 that still
/// names its kind; that alone shows no scope.
fn owner(inquiry: Inquiry<'_>, answer: &Answer) -> Result<(GitIdentity, Option<bool>), CheckOutcome> {
    if answer.status == StatusCode::FORBIDDEN && WIRE.limit(inquiry, answer).is_none() {
        match (inquiry.username, header(answer, CREDENTIAL)) {
            (None, Some(credential)) if credential.ends_with("_access_token") => {
                // No id: there is nobody by whom two of them could be told to be the same.
                return Ok((identity(&"", &credential.replace('_', " ")), None));
            }
            (Some(username), _) if is_short(answer) => return Ok((identity(&"", username), Some(false))),
            _ => {}
        }
    }
    WIRE.accept(inquiry, answer)?;
    let user: User = answer.body_json().map_err(unreachable)?;
    let login = user.username.or(user.nickname);
    Ok((
        identity(&user.uuid, login.as_deref().or(inquiry.username).unwrap_or_default()),
        Some(true),
    ))
}

/// Whether the token may read workspaces, and the first of them. What an access token may ask here is written nowhere: a refusal
/// for another reason tells nothing of it.
async fn workspaces(inquiry: Inquiry<'_>) -> Result<(Option<bool>, Option<String>), CheckOutcome> {
    let answer = WIRE.get(inquiry, "/user/workspaces?pagelen=1").await?;
    if is_short(&answer) {
        return Ok((Some(false), None));
    }
    let refused = answer.status.is_client_error() && WIRE.limit(inquiry, &answer).is_none();
    if inquiry.username.is_none() && refused {
        return Ok((None, None));
    }
    WIRE.accept(inquiry, &answer)?;
    let workspaces: Workspaces = answer.body_json().map_err(unreachable)?;
    let first = workspaces
        .values
        .into_iter()
        .map(|access| access.workspace.slug)
        .find(|slug| is_slug(slug));
    Ok((Some(true), first))
}

/// The declared scopes against the needed ones, if everything that was read agrees with them; otherwise what was read, and
/// nothing more.
fn judge(declared: Option<&BTreeSet<Scope>>, seen: &[Seen], required: &[Scope]) -> Vec<ScopeFinding> {
    let includes = |granted: &BTreeSet<Scope>, scope: &Scope| {
        let finding = scope::compare_declared(ProviderKind::BitbucketCloud, granted, std::slice::from_ref(scope));
        finding
            .first()
            .is_some_and(|finding| finding.standing == Standing::Granted)
    };
    match declared {
        Some(granted) if !seen.is_empty() && seen.iter().all(|(scope, there)| includes(granted, scope) == *there) => {
            scope::compare_declared(ProviderKind::BitbucketCloud, granted, required)
        }
        _ => required
            .iter()
            .map(|wanted| match seen.iter().find(|(scope, _)| scope == wanted) {
                Some((_, there)) => probed(wanted.clone(), *there),
                None => unknown(wanted.clone()),
            })
            .collect(),
    }
}

/// Whether an answer refuses the token for want of a scope, rather than for anything else.
fn is_short(answer: &Answer) -> bool {
    #[derive(Deserialize)]
    struct Body {
        error: Refused,
    }
    #[derive(Deserialize)]
    struct Refused {
        message: String,
    }
    answer.status == StatusCode::FORBIDDEN
        && answer.body_json::<Body>().is_ok_and(|body| {
            body.error
                .message
                .starts_with("Your credentials lack one or more required privilege scopes")
        })
}

/// Whether a name from an answer is a workspace's, and so safe to put into a path.
fn is_slug(name: &str) -> bool {
    !matches!(name, "" | "." | "..")
        && name.len() <= 100
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::scope::Evidence;
    use proptest::prelude::*;

    const WRITE: &str = "write:repository:bitbucket";

    fn judged(declared: Option<&str>, seen: &[(&str, bool)]) -> Vec<(Standing, Evidence)> {
        let seen: Vec<Seen> = seen.iter().map(|(name, there)| (Scope::new(name), *there)).collect();
        let required = ["read:user:bitbucket", WRITE].map(Scope::new);
        judge(declared.map(scope::parse_list).as_ref(), &seen, &required)
            .iter()
            .map(|finding| (finding.standing, finding.evidence))
            .collect()
    }

    #[test]
    fn declared_scopes_are_believed_as_far_as_reading_bears_them_out() {
        let both = Some("read:user:bitbucket, write:repository:bitbucket");
        let granted = (Standing::Granted, Evidence::Declared);
        let unknown = (Standing::Unknown, Evidence::Unknown);
        assert_eq!(judged(both, &[("read:user:bitbucket", true)]), [granted, granted]);
        assert_eq!(judged(both, &[]), [unknown, unknown], "nothing was read");
        assert_eq!(
            judged(both, &[("read:user:bitbucket", false)]),
            [(Standing::Missing, Evidence::Probed), unknown],
            "reading says otherwise"
        );
        assert_eq!(
            judged(None, &[("read:user:bitbucket", true)]),
            [(Standing::Granted, Evidence::Probed), unknown]
        );
        assert_eq!(
            judged(Some("read:user:bitbucket"), &[("read:user:bitbucket", true)])[1],
            (Standing::Missing, Evidence::Declared)
        );
    }

    #[test]
    fn only_a_name_goes_into_a_path() {
        assert!(is_slug("acme-platform_1.x"));
        for bad in ["", ".", "..", "a/b", "a?b", "a b", "{uuid}", "ä", &"a".repeat(101)] {
            assert!(!is_slug(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_list_from_a_stranger_makes_it_panic(list in "\\PC{0,2000}") {
            prop_assert!(judged(Some(&list), &[("read:user:bitbucket", true)]).len() <= scope::MAX_SCOPES + 2);
        }
    }
}
