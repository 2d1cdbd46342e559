//! Every row of "How an answer from a provider is read" (PROVIDERS.md), on the wire. SQLite alone: the check does not touch
//! the database.

use crate::support::{TestDatabase, World};
use backend::{access::Member, tokens::TokenError};
use domain::{
    CheckOutcome, Expiry, Findings, Refusal, RuntimeId, Setback, Timestamp, TokenStatus,
    check::Trouble,
    scope::{Evidence, Standing},
    view::TokenView,
};
use forge::{ExpiryHeader, Fault, FaultRule, Forge, Level, NewToken, Repository};
use time::macros::datetime;

struct Asking {
    world: World,
    mira: Member,
    runtime: RuntimeId,
}

impl Asking {
    async fn new() -> Self {
        let (world, mira) = World::set_up(TestDatabase::sqlite()).await;
        let runtime = world.runtime(&mira, "prod-eu").await;
        world.forge.set_clock(Some(datetime!(2026-11-22 12:00 UTC)));
        Self { world, mira, runtime }
    }

    fn forge(&self) -> &Forge {
        &self.world.forge
    }

    /// What adding a token comes to: the outcome of its check, whether it was taken or not.
    async fn add(&self, token: NewToken) -> CheckOutcome {
        let value = self.forge().create_token(token).unwrap().value;
        match self
            .world
            .services
            .tokens
            .put(&self.mira, self.runtime, &value.into())
            .await
        {
            Ok(_) => {
                let rows = self.world.services.tokens.page(&self.mira).await.unwrap().rows;
                let TokenView {
                    identity,
                    scopes,
                    expiry,
                    ..
                } = rows[0].token.clone().unwrap();
                CheckOutcome::Accepted(Findings {
                    identity,
                    scopes,
                    expiry,
                })
            }
            Err(TokenError::Refused { outcome, .. }) => {
                let rows = self.world.services.tokens.page(&self.mira).await.unwrap().rows;
                assert!(rows[0].token.is_none(), "refused, and stored all the same");
                outcome
            }
            Err(error) => panic!("{error}"),
        }
    }

    async fn add_with(&self, fault: Fault) -> CheckOutcome {
        self.forge().add_fault(FaultRule::new(fault));
        self.add(NewToken::classic("mira", ["repo"])).await
    }
}

fn accepted(outcome: CheckOutcome) -> Findings {
    match outcome {
        CheckOutcome::Accepted(findings) => findings,
        other => panic!("not accepted: {other:?}"),
    }
}

#[tokio::test]
async fn scopes_that_cover_the_profile_are_valid() {
    let findings = accepted(Asking::new().await.add(NewToken::classic("mira", ["repo"])).await);
    assert_eq!(findings.status(), TokenStatus::Valid);
    assert_eq!(
        (findings.identity.login.as_str(), findings.expiry),
        ("mira", Expiry::Never)
    );
    assert!(
        findings
            .scopes
            .iter()
            .all(|finding| finding.evidence == Evidence::Declared)
    );
}

#[tokio::test]
async fn scopes_that_are_short_are_missing() {
    let asking = Asking::new().await;
    for scopes in [vec![], vec!["public_repo"], vec!["gist", "repo:status"]] {
        let findings = accepted(asking.add(NewToken::classic("mira", scopes)).await);
        assert_eq!(findings.status(), TokenStatus::MissingScopes);
        assert_eq!(
            (findings.scopes[0].scope.as_str(), findings.scopes[0].standing),
            ("repo", Standing::Missing)
        );
    }
}

#[tokio::test]
async fn scopes_that_are_not_declared_are_probed_by_reads_and_never_called_verified() {
    let asking = Asking::new().await;
    asking.forge().put_repository("mira", "site", Repository::private());
    let token = NewToken::fine_grained("mira", [("contents", Level::Write), ("metadata", Level::Read)]);
    let findings = accepted(asking.add(token).await);
    assert_eq!(findings.status(), TokenStatus::Unverified);
    let seen: Vec<_> = findings
        .scopes
        .iter()
        .map(|f| (f.scope.as_str(), f.standing, f.evidence))
        .collect();
    assert_eq!(
        seen,
        [
            ("metadata:read", Standing::Granted, Evidence::Probed),
            ("contents:read", Standing::Granted, Evidence::Probed),
            ("contents:write", Standing::Unknown, Evidence::Unknown),
        ]
    );
    assert!(asking.forge().writes().is_empty(), "probing never writes");
}

#[tokio::test]
async fn a_probe_that_is_refused_shows_what_is_missing() {
    let asking = Asking::new().await;
    asking.forge().put_repository("mira", "site", Repository::private());
    let findings = accepted(
        asking
            .add(NewToken::fine_grained("mira", [("metadata", Level::Read)]))
            .await,
    );
    assert_eq!(findings.status(), TokenStatus::MissingScopes);
    let contents = findings
        .scopes
        .iter()
        .find(|f| f.scope.as_str() == "contents:read")
        .unwrap();
    assert_eq!(
        (contents.standing, contents.evidence),
        (Standing::Missing, Evidence::Probed)
    );
}

#[tokio::test]
async fn without_a_private_repository_nothing_can_be_known() {
    let asking = Asking::new().await;
    asking.forge().put_repository("mira", "open", Repository::public());
    let findings = accepted(
        asking
            .add(NewToken::fine_grained("mira", [("metadata", Level::Read)]))
            .await,
    );
    assert_eq!(findings.status(), TokenStatus::Unverified);
    assert!(findings.scopes.iter().all(|f| f.evidence == Evidence::Unknown));
}

#[tokio::test]
async fn more_scopes_than_needed_are_excess() {
    let findings = accepted(
        Asking::new()
            .await
            .add(NewToken::classic("mira", ["repo", "delete_repo"]))
            .await,
    );
    assert_eq!(findings.status(), TokenStatus::ExcessScopes);
    assert_eq!(
        (findings.scopes[1].scope.as_str(), findings.scopes[1].standing),
        ("delete_repo", Standing::Excess)
    );
}

#[tokio::test]
async fn a_401_is_invalid_or_revoked() {
    let outcome = Asking::new().await.add_with(Fault::Status { status: 401 }).await;
    assert_eq!(outcome, CheckOutcome::Refused(Refusal::BadCredentials));
}

#[tokio::test]
async fn an_expiry_in_the_past_is_expired() {
    let asking = Asking::new().await;
    // The provider's clock is a day behind, so it still answers.
    asking.forge().set_clock(Some(datetime!(2026-11-21 00:00 UTC)));
    let end = datetime!(2026-11-22 00:00 UTC);
    let outcome = asking.add(NewToken::classic("mira", ["repo"]).expires_at(end)).await;
    let at = Timestamp::from_seconds(end.unix_timestamp());
    assert_eq!(outcome, CheckOutcome::Refused(Refusal::Expired { at }));
    assert_eq!(outcome.status(), Some(TokenStatus::Expired));
}

#[tokio::test]
async fn both_forms_of_the_expiry_mean_the_same_moment() {
    let asking = Asking::new().await;
    let end = datetime!(2027-03-01 10:00 UTC);
    for form in [ExpiryHeader::Utc, ExpiryHeader::Offset(60), ExpiryHeader::Offset(-450)] {
        let token = NewToken::classic("mira", ["repo"]).expires_at(end).expiry_header(form);
        let findings = accepted(asking.add(token).await);
        assert_eq!(
            findings.expiry,
            Expiry::At(Timestamp::from_seconds(end.unix_timestamp()))
        );
    }
}

#[tokio::test]
async fn an_expiry_that_is_just_the_time_of_the_answer_is_not_believed() {
    let asking = Asking::new().await;
    let token = NewToken::classic("mira", ["repo"])
        .expires_at(datetime!(2027-03-01 10:00 UTC))
        .expiry_header(ExpiryHeader::CurrentTime);
    let findings = accepted(asking.add(token).await);
    assert_eq!(findings.expiry, Expiry::Unknown);
}

#[tokio::test]
async fn a_403_with_an_sso_link_needs_single_sign_on() {
    let asking = Asking::new().await;
    let url = format!("{}/orgs/acme/sso?authorization_request=AZ", asking.forge().url());
    let outcome = asking.add_with(Fault::SsoRequired { url: url.clone() }).await;
    assert_eq!(outcome, CheckOutcome::Refused(Refusal::SsoRequired { url: Some(url) }));
}

#[tokio::test]
async fn an_sso_link_to_elsewhere_is_not_passed_on() {
    let outcome = Asking::new()
        .await
        .add_with(Fault::SsoRequired {
            url: "https://evil.example/sso".into(),
        })
        .await;
    assert_eq!(outcome, CheckOutcome::Refused(Refusal::SsoRequired { url: None }));
}

#[tokio::test]
async fn a_rate_limit_says_when_to_try_again_and_nothing_of_the_token() {
    for status in [403, 429] {
        let asking = Asking::new().await;
        let outcome = asking.add_with(Fault::RateLimited { status, reset_in: 1800 }).await;
        let retry_at = Timestamp::from_seconds(datetime!(2026-11-22 12:30 UTC).unix_timestamp());
        assert_eq!(
            outcome,
            CheckOutcome::Unchanged(Setback::RateLimited {
                retry_at: Some(retry_at)
            })
        );

        let asking = Asking::new().await;
        let outcome = asking
            .add_with(Fault::SecondaryRateLimited {
                status,
                retry_after: Some(60),
            })
            .await;
        let retry_at = Timestamp::from_seconds(datetime!(2026-11-22 12:01 UTC).unix_timestamp());
        assert_eq!(
            outcome,
            CheckOutcome::Unchanged(Setback::RateLimited {
                retry_at: Some(retry_at)
            })
        );
        assert_eq!(outcome.status(), None);
    }
}

#[tokio::test]
async fn a_provider_in_trouble_says_nothing_of_the_token() {
    for (fault, trouble) in [
        (Fault::Status { status: 500 }, Trouble::ServerError(500)),
        (Fault::Status { status: 503 }, Trouble::ServerError(503)),
        (Fault::Delay { millis: 60_000 }, Trouble::TimedOut),
        (Fault::Drip { chunk: 1, millis: 500 }, Trouble::TimedOut),
        (Fault::Html, Trouble::UnexpectedAnswer),
        (Fault::MalformedJson, Trouble::UnexpectedAnswer),
        (Fault::EmptyBody, Trouble::UnexpectedAnswer),
        (Fault::HugeBody { mebibytes: 8 }, Trouble::UnexpectedAnswer),
        (Fault::CloseMidBody, Trouble::UnexpectedAnswer),
        (Fault::Status { status: 404 }, Trouble::UnexpectedAnswer),
        (
            Fault::Redirect {
                status: 302,
                location: "http://169.254.169.254/latest".into(),
            },
            Trouble::EgressDenied,
        ),
    ] {
        let asking = Asking::new().await;
        let outcome = asking.add_with(fault.clone()).await;
        assert_eq!(
            outcome,
            CheckOutcome::Unchanged(Setback::Unreachable(trouble)),
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn a_provider_that_is_gone_is_unreachable() {
    let mut asking = Asking::new().await;
    let token = asking
        .forge()
        .create_token(NewToken::classic("mira", ["repo"]))
        .unwrap()
        .value;
    let forge = std::mem::replace(&mut asking.world.forge, Forge::start().await);
    forge.stop().await;
    let refused = asking
        .world
        .services
        .tokens
        .put(&asking.mira, asking.runtime, &token.into())
        .await;
    let Err(TokenError::Refused { outcome, .. }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(
        outcome,
        CheckOutcome::Unchanged(Setback::Unreachable(Trouble::NoConnection))
    );
}

#[tokio::test]
async fn a_403_for_another_reason_blames_no_token() {
    let outcome = Asking::new().await.add_with(Fault::Status { status: 403 }).await;
    assert_eq!(outcome, CheckOutcome::Unchanged(Setback::Forbidden));
}

#[tokio::test]
async fn an_answer_from_another_origin_is_not_believed() {
    let other = Forge::start().await;
    other.put_account("mallory", forge::Account::with_password("correct horse"));
    for status in [302, 307] {
        let asking = Asking::new().await;
        let location = format!("{}/api/v3/user", other.url());
        // It would refuse the token, which it is not given; a good token must not be called invalid for that.
        let outcome = asking.add_with(Fault::Redirect { status, location }).await;
        assert_eq!(
            outcome,
            CheckOutcome::Unchanged(Setback::Unreachable(Trouble::UnexpectedAnswer))
        );
    }
    assert!(
        other
            .requests()
            .iter()
            .all(|request| request.token.is_none() && request.token_hint.is_none())
    );
}
