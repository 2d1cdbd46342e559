//! Every row of "How an answer from a provider is read" (PROVIDERS.md), on the wire, for each kind of provider; and what is
//! special about some.

use crate::support::{TestDatabase, World, on_both_databases};
use backend::{
    access::Member,
    tokens::{TokenError, TokenForm},
};
use domain::{
    CheckOutcome, Expiry, Findings, ProviderKind, Refusal, RuntimeId, Setback, Timestamp, TokenStatus,
    check::Trouble,
    scope::{Evidence, Standing},
    view::TokenView,
};
use forge::{
    Account, ExpiryHeader, Fault, FaultRule, Forge, Level, NewToken, Provider, Repository, TokenChange, TokenKind,
};
use std::collections::BTreeSet;
use time::{OffsetDateTime, macros::datetime};

/// A person who adds tokens for a runtime of one kind of provider.
struct Asking {
    world: World,
    mira: Member,
    runtime: RuntimeId,
    username: &'static str,
}

impl Asking {
    async fn at(kind: &Case, database: TestDatabase) -> Self {
        let (world, mira) = World::set_up(database).await;
        let runtime = world.runtime_at(&mira, kind.kind, kind.provider).await;
        world.forge.set_clock(Some(NOW));
        world.forge.put_repository("mira", "site", Repository::private());
        Self {
            world,
            mira,
            runtime,
            username: kind.username,
        }
    }

    fn forge(&self) -> &Forge {
        &self.world.forge
    }

    /// What adding a token comes to: the outcome of its check, whether it was taken or not.
    async fn add(&self, token: NewToken) -> CheckOutcome {
        let value = self.forge().create_token(token).unwrap().value;
        self.paste(value).await
    }

    async fn paste(&self, value: String) -> CheckOutcome {
        let tokens = &self.world.services.tokens;
        let form = TokenForm {
            token: value.into(),
            username: self.username.to_owned(),
            ..TokenForm::default()
        };
        let stored = tokens.put(&self.mira, self.runtime, &form).await;
        let view = tokens.page(&self.mira).await.unwrap().rows.remove(0).token;
        match (stored, view) {
            (
                Ok(_),
                Some(TokenView {
                    identity,
                    scopes,
                    expiry,
                    ..
                }),
            ) => CheckOutcome::Accepted(Findings {
                identity,
                scopes,
                expiry,
            }),
            (Err(TokenError::Refused { outcome, .. }), None) => outcome,
            (stored, view) => panic!("{stored:?}, and {view:?} is stored"),
        }
    }

    /// Takes away whatever is stored and wrong, for the next row.
    async fn start_again(&self) {
        self.forge().clear_faults();
        self.forge().clear_requests();
        self.forge().set_clock(Some(NOW));
        match self.world.services.tokens.delete(&self.mira, self.runtime, false).await {
            Ok(_) | Err(TokenError::NotFound) => {}
            Err(error) => panic!("{error}"),
        }
    }

    async fn add_with(&self, fault: Fault) -> CheckOutcome {
        self.forge().add_fault(FaultRule::new(fault));
        self.add(NewToken::classic("mira", ["repo"])).await
    }
}

/// Now, to Patchbay and to the forge.
const NOW: OffsetDateTime = datetime!(2026-11-22 12:00 UTC);

/// A kind of provider, and what it makes of the tokens that the rows are about.
struct Case {
    kind: ProviderKind,
    provider: Provider,
    /// What is typed beside the token.
    username: &'static str,
    token: TokenKind,
    /// The scopes of the profile.
    scopes: &'static [&'static str],
    /// What a token with these is.
    status: TokenStatus,
    /// The login that it belongs to.
    login: &'static str,
    /// Scopes that are short, and what is missing.
    short: Option<(&'static [&'static str], &'static [&'static str])>,
    /// More scopes than the profile needs, and what is too much.
    excess: Option<(&'static [&'static str], &'static [&'static str])>,
    /// A token whose scopes nothing tells.
    undeclared: Option<fn() -> NewToken>,
    /// Whether the provider tells when a token ends.
    ends: bool,
    /// What it says of a token that does not.
    endless: Expiry,
    /// Whether a rate limit says when it is over.
    says_when: bool,
}

const GITHUB: Case = Case {
    kind: ProviderKind::GitHub,
    provider: Provider::GitHub,
    username: "",
    token: TokenKind::Classic,
    scopes: &["repo"],
    status: TokenStatus::Valid,
    login: "mira",
    short: Some((&["gist", "repo:status"], &["repo"])),
    excess: Some((&["repo", "delete_repo"], &["delete_repo"])),
    undeclared: Some(|| NewToken::fine_grained("mira", [("contents", Level::Write), ("metadata", Level::Read)])),
    ends: true,
    endless: Expiry::Never,
    says_when: true,
};

const GITLAB: Case = Case {
    kind: ProviderKind::GitLab,
    provider: Provider::GitLab,
    username: "",
    token: TokenKind::GitlabPersonal,
    scopes: &["read_api", "write_repository"],
    status: TokenStatus::Valid,
    login: "mira",
    short: Some((&["read_api", "read_repository"], &["write_repository"])),
    excess: Some((&["api"], &["api"])),
    undeclared: None,
    ends: true,
    endless: Expiry::Never,
    says_when: true,
};

const BITBUCKET_CLOUD: Case = Case {
    kind: ProviderKind::BitbucketCloud,
    provider: Provider::BitbucketCloud,
    username: "mira@example.com",
    token: TokenKind::BitbucketApi,
    scopes: &[
        "read:user:bitbucket",
        "read:workspace:bitbucket",
        "read:repository:bitbucket",
        "write:repository:bitbucket",
    ],
    status: TokenStatus::Valid,
    login: "mira",
    // Writing does not include reading.
    short: Some((
        &[
            "read:user:bitbucket",
            "read:workspace:bitbucket",
            "write:repository:bitbucket",
        ],
        &["read:repository:bitbucket"],
    )),
    excess: Some((
        &[
            "read:user:bitbucket",
            "read:workspace:bitbucket",
            "read:repository:bitbucket",
            "write:repository:bitbucket",
            "delete:repository:bitbucket",
        ],
        &["delete:repository:bitbucket"],
    )),
    undeclared: None,
    ends: false,
    endless: Expiry::Unknown,
    says_when: true,
};

const BITBUCKET_ACCESS_TOKEN: Case = Case {
    username: "",
    token: TokenKind::BitbucketRepository,
    scopes: &["repository", "repository:write"],
    login: "repo access token",
    short: Some((&["repository"], &["repository:write"])),
    excess: Some((&["repository:write", "webhook"], &["webhook"])),
    undeclared: None,
    ..BITBUCKET_CLOUD
};

const BITBUCKET_PROJECT_TOKEN: Case = Case {
    token: TokenKind::BitbucketProject,
    login: "project access token",
    ..BITBUCKET_ACCESS_TOKEN
};

const BITBUCKET_WORKSPACE_TOKEN: Case = Case {
    token: TokenKind::BitbucketWorkspace,
    login: "workspace access token",
    ..BITBUCKET_ACCESS_TOKEN
};

const BITBUCKET_DATA_CENTER: Case = Case {
    kind: ProviderKind::BitbucketDataCenter,
    provider: Provider::BitbucketDataCenter,
    username: "",
    token: TokenKind::BitbucketHttp,
    scopes: &["PROJECT_READ", "REPO_WRITE"],
    status: TokenStatus::Valid,
    login: "mira",
    short: Some((&["PROJECT_READ", "REPO_READ"], &["REPO_WRITE"])),
    excess: Some((&["REPO_ADMIN"], &["REPO_ADMIN"])),
    // One that does not tell its number.
    undeclared: Some(|| {
        NewToken::of_kind(TokenKind::BitbucketHttp, "mira", ["REPO_WRITE"]).value("BBDC-not-base64-0123456789")
    }),
    ends: true,
    endless: Expiry::Never,
    says_when: true,
};

const GITEA: Case = Case {
    kind: ProviderKind::Gitea,
    provider: Provider::Gitea,
    username: "",
    token: TokenKind::Gitea,
    scopes: &["write:repository", "read:user"],
    status: TokenStatus::Valid,
    login: "mira",
    short: Some((&["read:repository", "read:user"], &["write:repository"])),
    excess: Some((&["write:repository", "read:user", "write:issue"], &["write:issue"])),
    // Nothing is refused to it, so nothing lists its scopes.
    undeclared: Some(|| {
        NewToken::of_kind(
            TokenKind::Gitea,
            "mira",
            ["write:repository", "read:user", "read:organization"],
        )
    }),
    ends: false,
    endless: Expiry::Unknown,
    says_when: true,
};

const FORGEJO: Case = Case {
    kind: ProviderKind::Forgejo,
    provider: Provider::Forgejo,
    token: TokenKind::Forgejo,
    status: TokenStatus::Unverified,
    short: Some((&["read:user"], &["write:repository"])),
    excess: None,
    undeclared: Some(|| NewToken::of_kind(TokenKind::Forgejo, "mira", ["all"])),
    ..GITEA
};

const GERRIT: Case = Case {
    kind: ProviderKind::Gerrit,
    provider: Provider::Gerrit,
    username: "mira",
    token: TokenKind::GerritToken,
    scopes: &[],
    status: TokenStatus::Valid,
    login: "mira",
    short: None,
    excess: None,
    undeclared: None,
    ends: false,
    endless: Expiry::Never,
    says_when: true,
};

impl Case {
    fn token(&self, scopes: &[&str]) -> NewToken {
        NewToken::of_kind(self.token, "mira", scopes.iter().copied())
    }

    fn good(&self) -> NewToken {
        self.token(self.scopes)
    }
}

async fn every_row(kind: &Case, database: TestDatabase) {
    let asking = Asking::at(kind, database).await;
    accepted_tokens(kind, &asking).await;
    refused_tokens(kind, &asking).await;
    ends(kind, &asking).await;
    limits(kind, &asking).await;
    troubles(kind, &asking).await;
    a_failure_on_the_way(kind, &asking).await;
    assert!(asking.forge().writes().is_empty(), "a check only reads");
    gone(kind, asking).await;
}

/// 2xx: the scopes cover the profile, are short, not declared, or more than needed.
async fn accepted_tokens(kind: &Case, asking: &Asking) {
    let named = |findings: &Findings, standing| -> Vec<String> {
        let found = findings.scopes.iter().filter(|finding| finding.standing == standing);
        found.map(|finding| finding.scope.to_string()).collect()
    };
    asking.start_again().await;
    let findings = accepted(asking.add(kind.good()).await);
    assert_eq!(findings.status(), kind.status, "{findings:?}");
    assert_eq!(findings.identity.login, kind.login);
    assert_eq!(findings.expiry, kind.endless);
    let requests = asking.forge().requests();
    assert!(
        requests
            .iter()
            .all(|request| request.token.is_some() && !request.token_in_url)
    );

    if let Some((scopes, missing)) = kind.short {
        asking.start_again().await;
        let findings = accepted(asking.add(kind.token(scopes)).await);
        assert_eq!(findings.status(), TokenStatus::MissingScopes);
        assert_eq!(named(&findings, Standing::Missing), missing);
    }
    if let Some((scopes, excess)) = kind.excess {
        asking.start_again().await;
        let findings = accepted(asking.add(kind.token(scopes)).await);
        assert_eq!(findings.status(), TokenStatus::ExcessScopes, "{findings:?}");
        assert_eq!(named(&findings, Standing::Excess), excess);
    }
    if let Some(token) = kind.undeclared {
        asking.start_again().await;
        let findings = accepted(asking.add(token()).await);
        assert_eq!(findings.status(), TokenStatus::Unverified, "{findings:?}");
        assert!(
            findings
                .scopes
                .iter()
                .all(|finding| finding.evidence != Evidence::Declared)
        );
    }
}

/// 401: never given out, revoked, or another provider's.
async fn refused_tokens(kind: &Case, asking: &Asking) {
    let refused = CheckOutcome::Refused(Refusal::BadCredentials);
    asking.start_again().await;
    let revoked = asking.forge().create_token(kind.good()).unwrap();
    asking.forge().revoke_token(revoked.id).unwrap();
    assert_eq!(asking.paste(revoked.value).await, refused);
    assert_eq!(
        asking
            .paste("0123456789abcdef0123456789abcdef01234567".to_owned())
            .await,
        refused
    );
    asking.forge().add_fault(FaultRule::new(Fault::Status { status: 401 }));
    assert_eq!(asking.add(kind.good()).await, refused);
}

/// An expiry that is told, and one in the past.
async fn ends(kind: &Case, asking: &Asking) {
    let end = datetime!(2027-03-01 00:00 UTC);
    let at = Timestamp::from_seconds(end.unix_timestamp());
    asking.start_again().await;
    let findings = accepted(asking.add(kind.good().expires_at(end)).await);
    assert_eq!(
        findings.expiry,
        if kind.ends { Expiry::At(at) } else { Expiry::Unknown }
    );

    // The provider's clock is a day behind, so it still answers.
    asking.start_again().await;
    asking.forge().set_clock(Some(datetime!(2026-11-21 00:00 UTC)));
    let end = datetime!(2026-11-22 00:00 UTC);
    let at = Timestamp::from_seconds(end.unix_timestamp());
    if kind.ends {
        let outcome = asking.add(kind.good().expires_at(end)).await;
        assert_eq!(outcome, CheckOutcome::Refused(Refusal::Expired { at }));
        assert_eq!(outcome.status(), Some(TokenStatus::Expired));
    }
    // With the clock right, it does not.
    asking.start_again().await;
    let outcome = asking.add(kind.good().expires_at(end)).await;
    assert_eq!(outcome, CheckOutcome::Refused(Refusal::BadCredentials));
}

/// 403 and 429 with the headers of a rate limit; 403 for another reason.
async fn limits(kind: &Case, asking: &Asking) {
    let limited = |at: Option<OffsetDateTime>| {
        let retry_at = at.map(|at| Timestamp::from_seconds(at.unix_timestamp()));
        CheckOutcome::Unchanged(Setback::RateLimited { retry_at })
    };
    for (fault, outcome) in [
        (
            Fault::RateLimited {
                status: 429,
                reset_in: 1800,
            },
            limited(kind.says_when.then_some(datetime!(2026-11-22 12:30 UTC))),
        ),
        (
            Fault::RateLimited {
                status: 403,
                reset_in: 1800,
            },
            limited(kind.says_when.then_some(datetime!(2026-11-22 12:30 UTC))),
        ),
        (
            Fault::SecondaryRateLimited {
                status: 429,
                retry_after: Some(60),
            },
            limited(Some(datetime!(2026-11-22 12:01 UTC))),
        ),
        (
            Fault::SecondaryRateLimited {
                status: 403,
                retry_after: Some(60),
            },
            limited(Some(datetime!(2026-11-22 12:01 UTC))),
        ),
        (
            Fault::SecondaryRateLimited {
                status: 429,
                retry_after: None,
            },
            limited(None),
        ),
        (
            Fault::Status { status: 403 },
            CheckOutcome::Unchanged(Setback::Forbidden),
        ),
    ] {
        asking.start_again().await;
        asking.forge().add_fault(FaultRule::new(fault.clone()));
        assert_eq!(asking.add(kind.good()).await, outcome, "{fault:?}");
    }
}

/// Time-outs, 5xx, and answers that are none of the provider's API.
async fn troubles(kind: &Case, asking: &Asking) {
    let other = Forge::start().await;
    other.put_account("mallory", Account::with_password("correct horse"));
    let elsewhere = |status| Fault::Redirect {
        status,
        location: format!("{}/api/v3/user", other.url()),
    };
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
        // Another origin would refuse the token, which it is not given; a good token must not be called invalid for that.
        (elsewhere(302), Trouble::UnexpectedAnswer),
        (elsewhere(307), Trouble::UnexpectedAnswer),
    ] {
        asking.start_again().await;
        asking.forge().add_fault(FaultRule::new(fault.clone()));
        let outcome = asking.add(kind.good()).await;
        assert_eq!(
            outcome,
            CheckOutcome::Unchanged(Setback::Unreachable(trouble)),
            "{fault:?}"
        );
        assert_eq!(outcome.status(), None);
    }
    assert!(
        other
            .requests()
            .iter()
            .all(|request| request.token.is_none() && request.token_hint.is_none())
    );
}

/// A check asks more than once. Whichever of its requests fails, the stored token keeps its status.
async fn a_failure_on_the_way(kind: &Case, asking: &Asking) {
    asking.start_again().await;
    accepted(asking.add(kind.good()).await);
    let paths: BTreeSet<String> = asking
        .forge()
        .requests()
        .into_iter()
        .map(|request| request.path)
        .collect();
    for path in paths {
        for (fault, setback) in [
            (
                Fault::Status { status: 500 },
                Setback::Unreachable(Trouble::ServerError(500)),
            ),
            (
                Fault::SecondaryRateLimited {
                    status: 429,
                    retry_after: None,
                },
                Setback::RateLimited { retry_at: None },
            ),
        ] {
            asking.forge().clear_faults();
            asking.forge().add_fault(FaultRule::new(fault).on_path(&path));
            let outcome = asking
                .world
                .services
                .tokens
                .check(&asking.mira, asking.runtime)
                .await
                .unwrap();
            assert_eq!(outcome, CheckOutcome::Unchanged(setback), "{path}");
            let view = asking
                .world
                .services
                .tokens
                .page(&asking.mira)
                .await
                .unwrap()
                .rows
                .remove(0)
                .token
                .unwrap();
            assert_eq!(view.status, kind.status, "{path}");
        }
    }
    asking.forge().clear_faults();
    accepted(
        asking
            .world
            .services
            .tokens
            .check(&asking.mira, asking.runtime)
            .await
            .unwrap(),
    );
}

/// Nobody listens.
async fn gone(kind: &Case, mut asking: Asking) {
    asking.start_again().await;
    let token = asking.forge().create_token(kind.good()).unwrap().value;
    let forge = std::mem::replace(&mut asking.world.forge, Forge::start().await);
    forge.stop().await;
    let outcome = asking.paste(token).await;
    assert_eq!(
        outcome,
        CheckOutcome::Unchanged(Setback::Unreachable(Trouble::NoConnection))
    );
}

on_both_databases! {
    async fn github_is_read_row_by_row(database: TestDatabase) {
        Box::pin(every_row(&GITHUB, database)).await;
    }

    async fn gitlab_is_read_row_by_row(database: TestDatabase) {
        Box::pin(every_row(&GITLAB, database)).await;
    }

    async fn bitbucket_cloud_is_read_row_by_row(database: TestDatabase) {
        Box::pin(every_row(&BITBUCKET_CLOUD, database)).await;
    }

    async fn an_access_token_of_bitbucket_cloud_is_read_row_by_row(database: TestDatabase) {
        Box::pin(every_row(&BITBUCKET_ACCESS_TOKEN, database)).await;
    }

    async fn a_project_access_token_of_bitbucket_cloud_is_read_row_by_row(database: TestDatabase) {
        Box::pin(every_row(&BITBUCKET_PROJECT_TOKEN, database)).await;
    }

    async fn a_workspace_access_token_of_bitbucket_cloud_is_read_row_by_row(database: TestDatabase) {
        Box::pin(every_row(&BITBUCKET_WORKSPACE_TOKEN, database)).await;
    }

    async fn bitbucket_data_center_is_read_row_by_row(database: TestDatabase) {
        Box::pin(every_row(&BITBUCKET_DATA_CENTER, database)).await;
    }

    async fn gitea_is_read_row_by_row(database: TestDatabase) {
        Box::pin(every_row(&GITEA, database)).await;
    }

    async fn forgejo_is_read_row_by_row(database: TestDatabase) {
        Box::pin(every_row(&FORGEJO, database)).await;
    }

    async fn gerrit_is_read_row_by_row(database: TestDatabase) {
        Box::pin(every_row(&GERRIT, database)).await;
    }

    async fn a_username_is_stored_beside_its_token_and_used_again(database: TestDatabase) {
        let asking = Asking::at(&GERRIT, database).await;
        accepted(asking.add(GERRIT.good()).await);
        let tokens = &asking.world.services.tokens;
        let view = tokens.page(&asking.mira).await.unwrap().rows.remove(0).token.unwrap();
        assert_eq!((view.username.as_deref(), view.about.as_str()),
            (Some("mira"), "Personal access token. Username for Git over HTTPS: mira"));
        accepted(tokens.check(&asking.mira, asking.runtime).await.unwrap());
    }
}

async fn github() -> Asking {
    let asking = Asking::at(&GITHUB, TestDatabase::sqlite()).await;
    asking.forge().reset();
    asking
        .forge()
        .put_account("mira", Account::with_password("correct horse"));
    asking.forge().set_clock(Some(NOW));
    asking
}

fn accepted(outcome: CheckOutcome) -> Findings {
    match outcome {
        CheckOutcome::Accepted(findings) => findings,
        other => panic!("not accepted: {other:?}"),
    }
}

#[tokio::test]
async fn scopes_that_are_not_declared_are_probed_by_reads_and_never_called_verified() {
    let asking = github().await;
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
    let asking = github().await;
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
    let asking = github().await;
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
async fn both_forms_of_the_expiry_mean_the_same_moment() {
    let asking = github().await;
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
    let asking = github().await;
    let token = NewToken::classic("mira", ["repo"])
        .expires_at(datetime!(2027-03-01 10:00 UTC))
        .expiry_header(ExpiryHeader::CurrentTime);
    let findings = accepted(asking.add(token).await);
    assert_eq!(findings.expiry, Expiry::Unknown);
}

#[tokio::test]
async fn a_403_with_an_sso_link_needs_single_sign_on() {
    let asking = github().await;
    let url = format!("{}/orgs/acme/sso?authorization_request=AZ", asking.forge().url());
    let outcome = asking.add_with(Fault::SsoRequired { url: url.clone() }).await;
    assert_eq!(outcome, CheckOutcome::Refused(Refusal::SsoRequired { url: Some(url) }));
}

#[tokio::test]
async fn an_sso_link_to_elsewhere_is_not_passed_on() {
    let outcome = github()
        .await
        .add_with(Fault::SsoRequired {
            url: "https://evil.example/sso".into(),
        })
        .await;
    assert_eq!(outcome, CheckOutcome::Refused(Refusal::SsoRequired { url: None }));
}

#[tokio::test]
async fn an_app_password_of_bitbucket_cloud_is_refused_since_it_was_switched_off() {
    let mut asking = Asking::at(&BITBUCKET_CLOUD, TestDatabase::sqlite()).await;
    asking.username = "mira";
    let token = NewToken::of_kind(TokenKind::BitbucketAppPassword, "mira", ["account", "repository:write"]);
    assert_eq!(asking.add(token).await, CheckOutcome::Refused(Refusal::BadCredentials));
}

#[tokio::test]
async fn what_goes_beside_a_token_must_be_right() {
    let mut asking = Asking::at(&BITBUCKET_CLOUD, TestDatabase::sqlite()).await;
    asking.username = "grace@example.com";
    assert_eq!(
        asking.add(BITBUCKET_CLOUD.good()).await,
        CheckOutcome::Refused(Refusal::BadCredentials)
    );
    let token = asking.forge().create_token(BITBUCKET_CLOUD.good()).unwrap().value;
    asking.forge().clear_requests();
    for typed in ["", "mira"] {
        let tokens = &asking.world.services.tokens;
        let form = TokenForm {
            token: token.clone().into(),
            username: typed.to_owned(),
            ..TokenForm::default()
        };
        let refused = tokens.put(&asking.mira, asking.runtime, &form).await;
        let Err(TokenError::Invalid(errors)) = refused else {
            panic!("{refused:?}")
        };
        assert!(
            errors.at("username").is_some_and(|words| words.contains("e-mail")),
            "{typed}"
        );
    }
    assert!(asking.forge().requests().is_empty(), "nobody was asked");
}

#[tokio::test]
async fn an_api_token_that_may_not_read_its_owner_is_told_what_it_lacks() {
    let asking = Asking::at(&BITBUCKET_CLOUD, TestDatabase::sqlite()).await;
    let findings = accepted(asking.add(BITBUCKET_CLOUD.token(&BITBUCKET_CLOUD.scopes[1..])).await);
    assert_eq!(findings.status(), TokenStatus::MissingScopes);
    assert_eq!(
        findings.identity.login, "mira@example.com",
        "the name that it was accepted with"
    );
}

#[tokio::test]
async fn a_gitlab_token_that_may_not_read_its_owner_is_told_what_it_lacks() {
    let asking = Asking::at(&GITLAB, TestDatabase::sqlite()).await;
    let findings = accepted(asking.add(GITLAB.token(&["write_repository"])).await);
    assert_eq!(findings.status(), TokenStatus::MissingScopes);
    assert!(findings.identity.login.starts_with("user "), "{:?}", findings.identity);
}

#[tokio::test]
async fn a_gitea_token_that_may_not_read_its_owner_is_told_what_it_lacks() {
    for kind in [&GITEA, &FORGEJO] {
        let asking = Asking::at(kind, TestDatabase::sqlite()).await;
        let findings = accepted(asking.add(kind.token(&["write:repository"])).await);
        assert_eq!(findings.status(), TokenStatus::MissingScopes);
        assert_eq!(findings.scopes[1].scope.as_str(), "read:user");
        assert_eq!(findings.scopes[1].standing, Standing::Missing);
    }
}

#[tokio::test]
async fn a_data_center_token_is_found_among_many() {
    let asking = Asking::at(&BITBUCKET_DATA_CENTER, TestDatabase::sqlite()).await;
    for _ in 0..150 {
        asking
            .forge()
            .create_token(BITBUCKET_DATA_CENTER.token(&["REPO_READ"]))
            .unwrap();
    }
    let findings = accepted(asking.add(BITBUCKET_DATA_CENTER.good()).await);
    assert_eq!(findings.status(), TokenStatus::Valid);
}

#[tokio::test]
async fn scopes_that_change_are_noticed_by_the_next_check() {
    let asking = Asking::at(&GITEA, TestDatabase::sqlite()).await;
    let token = asking.forge().create_token(GITEA.good()).unwrap();
    accepted(asking.paste(token.value).await);
    let scopes = Some(vec!["read:user".to_owned()]);
    asking
        .forge()
        .change_token(
            token.id,
            TokenChange {
                scopes,
                ..TokenChange::default()
            },
        )
        .unwrap();
    let outcome = asking
        .world
        .services
        .tokens
        .check(&asking.mira, asking.runtime)
        .await
        .unwrap();
    assert_eq!(outcome.status(), Some(TokenStatus::MissingScopes));
}

#[tokio::test]
async fn a_list_of_scopes_that_no_reading_bears_out_is_not_believed() {
    let asking = Asking::at(&BITBUCKET_ACCESS_TOKEN, TestDatabase::sqlite()).await;
    let nothing_there = FaultRule::new(Fault::Status { status: 404 });
    asking.forge().add_fault(nothing_there.on_path("/2.0/user/workspaces"));
    let findings = accepted(asking.add(BITBUCKET_ACCESS_TOKEN.good()).await);
    assert_eq!(findings.status(), TokenStatus::Unverified);
}
