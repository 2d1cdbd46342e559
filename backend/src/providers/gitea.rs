//! Gitea.
//!
//! Facts from Gitea's documentation ("API usage") and PROVIDERS.md. A token cannot look itself up. What it may do shows in what
//! it is refused: the words name the scopes that are missing, and Gitea's also those that were granted.

use super::{
    GitProvider, Granted, Inquiry,
    wire::{Wire, identity, message, probed, unknown, unreachable},
};
use crate::egress::Answer;
use domain::{
    CheckOutcome, Expiry, Findings, ProviderKind, Scope, ScopeFinding,
    scope::{self, Standing},
};
use http::{StatusCode, header::AUTHORIZATION};
use serde::Deserialize;
use std::collections::BTreeSet;

/// Gitea on the wire.
pub(super) struct Gitea;

const WIRE: Wire = Wire {
    headers: |request, inquiry| request.secret(AUTHORIZATION, "token ", inquiry.token),
    remaining: "",
    reset: "",
};

/// How the words of a 403 begin that is there for want of a scope.
const SHORT: &str = "token does not have at least one of required scope(s)";
/// Behind this, Gitea lists what the token was granted.
const GRANTED: &str = "token scope=";
/// Granted beside other scopes, it takes private repositories away from all of them.
const PUBLIC_ONLY: &str = "public-only";

/// `GET /user`, as far as it is read.
#[derive(Deserialize)]
struct User {
    id: u64,
    login: String,
}

impl GitProvider for Gitea {
    async fn check(&self, inquiry: Inquiry<'_>) -> Result<Findings, CheckOutcome> {
        ask(ProviderKind::Gitea, inquiry).await
    }
}

/// Asks Gitea, or Forgejo.
pub(super) async fn ask(kind: ProviderKind, inquiry: Inquiry<'_>) -> Result<Findings, CheckOutcome> {
    let required = inquiry.required();
    let answer = WIRE.get(inquiry, "/user").await?;
    let short_of_user = is_short(&answer);
    let identity = if short_of_user {
        identity(&"", "a person who is not named")
    } else {
        WIRE.accept(inquiry, &answer)?;
        let user: User = answer.body_json().map_err(unreachable)?;
        identity(&user.id, &user.login)
    };

    // Each wants another scope besides that for the person, so that a token of the usual scopes is refused one of them, and
    // Gitea then lists the scopes.
    let repositories = WIRE.get(inquiry, "/user/repos?limit=1").await?;
    let organizations = WIRE.get(inquiry, "/user/orgs?limit=1").await?;
    for answer in [&repositories, &organizations] {
        if !is_short(answer) {
            WIRE.accept(inquiry, answer)?;
        }
    }
    let declared = [&answer, &repositories, &organizations].into_iter().find_map(granted);
    // Both scopes are wanted, so a refusal may be for the other one.
    let lacks_repositories = !short_of_user && is_short(&repositories);

    let granted = declared.or_else(|| inquiry.oauth.and_then(Granted::set));
    let scopes = match granted {
        Some(granted) => compare(kind, &granted, &required)
            .into_iter()
            .map(|finding| match finding.scope.as_str() {
                // What was granted is what is said; what is refused is so.
                "write:repository" if lacks_repositories => probed(finding.scope, false),
                "read:user" if short_of_user => probed(finding.scope, false),
                _ => finding,
            })
            .collect(),
        None => required
            .into_iter()
            .map(|scope| match scope.as_str() {
                "read:user" => probed(scope, !short_of_user),
                // Writing includes reading: without the one there is not the other.
                "write:repository" if lacks_repositories => probed(scope, false),
                "read:organization" if !short_of_user => probed(scope, !is_short(&organizations)),
                _ => unknown(scope),
            })
            .collect(),
    };
    Ok(Findings {
        identity,
        scopes,
        // Nothing tells of an end.
        expiry: Expiry::Unknown,
    })
}

fn compare(kind: ProviderKind, granted: &BTreeSet<Scope>, required: &[Scope]) -> Vec<ScopeFinding> {
    let findings = scope::compare_declared(kind, granted, required);
    if !granted.contains(&Scope::new(PUBLIC_ONLY)) {
        return findings;
    }
    // Whether that is enough depends on the runtime's repositories.
    let weakened = |finding: ScopeFinding| match finding.standing {
        Standing::Granted => unknown(finding.scope),
        Standing::Missing | Standing::Excess | Standing::Unknown => finding,
    };
    findings.into_iter().map(weakened).collect()
}

/// Whether an answer refuses the token for want of a scope, rather than for anything else.
fn is_short(answer: &Answer) -> bool {
    answer.status == StatusCode::FORBIDDEN && message(answer).starts_with(SHORT)
}

/// The scopes that a refusal lists as granted.
fn granted(answer: &Answer) -> Option<BTreeSet<Scope>> {
    if !is_short(answer) {
        return None;
    }
    granted_in(&message(answer))
}

fn granted_in(words: &str) -> Option<BTreeSet<Scope>> {
    let (_, list) = words.split_once(GRANTED)?;
    Some(scope::parse_list(list))
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::{HolderKind, ScopeProfile};
    use proptest::prelude::*;

    #[test]
    fn the_words_of_a_refusal_may_list_what_was_granted() {
        let gitea = "token does not have at least one of required scope(s), required=[read:organization], token \
                     scope=read:user,write:repository";
        let scopes = granted_in(gitea).expect("a list");
        assert_eq!(scopes, scope::parse_list("write:repository,read:user"));
        assert_eq!(
            granted_in("token does not have at least one of required scope(s): [read:organization]"),
            None
        );
    }

    #[test]
    fn a_token_for_public_repositories_alone_is_never_called_verified() {
        let required = ScopeProfile::standard(ProviderKind::Gitea, HolderKind::User).required(None);
        let list = scope::parse_list("public-only,write:repository,read:user");
        let standings: Vec<_> = compare(ProviderKind::Gitea, &list, &required)
            .iter()
            .map(|f| f.standing)
            .collect();
        assert_eq!(standings, [Standing::Unknown, Standing::Unknown, Standing::Excess]);
    }

    proptest! {
        #[test]
        fn no_words_from_a_stranger_make_it_panic(before in "\\PC{0,200}", list in "\\PC{0,2000}") {
            let scopes = granted_in(&format!("{before}token scope={list}"));
            prop_assert!(scopes.is_some_and(|scopes| scopes.len() <= scope::MAX_SCOPES));
        }
    }
}
