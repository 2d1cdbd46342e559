//! Refresh tokens: one use each, and what happens when they are used again, too late, or by somebody else.

use forge::{Fault, FaultRule, OAuthApplication, OAuthApplicationChange, Provider, RefreshOutcome};
use time::Duration;

use super::{CASES, Case, Tokens, refusal};
use crate::stage::{NOW, forge};

/// What each says of a refresh token that is worth nothing.
fn bad_refresh(provider: Provider) -> (u16, String) {
    let (status, error) = match provider {
        Provider::GitHub => (200, "bad_refresh_token"),
        Provider::BitbucketCloud => (400, "invalid_request"),
        Provider::Gitea | Provider::Forgejo => (400, "unauthorized_client"),
        _ => (400, "invalid_grant"),
    };
    (status, error.to_owned())
}

#[tokio::test]
async fn a_refresh_gives_another_pair_and_at_github_and_gitlab_ends_the_old_one() {
    for case in &CASES {
        let forge = forge().await;
        let application = case.register(&forge);
        let first = case.tokens(&forge, &application).await;
        forge.set_clock(Some(NOW + Duration::seconds(100)));
        let answer = case.refresh(&forge, &application, &first.refresh).await;
        assert_eq!(answer.json()["expires_in"], case.lifetime);
        assert_eq!(answer.json()["scope"].as_str(), case.told);
        let second = Tokens::of(&answer);
        assert_ne!((&first.access, &first.refresh), (&second.access, &second.refresh));
        assert_eq!(case.status(&forge, &second.access).await, 200);
        let strict = matches!(case.provider, Provider::GitHub | Provider::GitLab);
        let expected = if strict { 401 } else { 200 };
        assert_eq!(case.status(&forge, &first.access).await, expected, "{case:?}");
        let end = i64::try_from(case.lifetime).expect("a small number");
        forge.set_clock(Some(NOW + Duration::seconds(end + 99)));
        assert_eq!(case.status(&forge, &second.access).await, 200, "{case:?}");
        assert_eq!(case.status(&forge, &first.access).await, 401, "{case:?}");
        forge.set_clock(Some(NOW + Duration::seconds(end + 100)));
        assert_eq!(case.status(&forge, &second.access).await, 401, "{case:?}");
        let third = Tokens::of(&case.refresh(&forge, &application, &second.refresh).await);
        assert_eq!(case.status(&forge, &third.access).await, 200, "{case:?}");
        let grants = forge.grants();
        assert_eq!(
            (grants.len(), grants[0].refreshes, grants[0].live_tokens.len()),
            (1, 2, 1)
        );
    }
}

#[tokio::test]
async fn a_refresh_token_that_comes_again_ends_the_whole_grant() {
    for case in CASES.iter().filter(|case| case.provider != Provider::BitbucketCloud) {
        let forge = forge().await;
        let application = case.register(&forge);
        let unhurt = case.tokens(&forge, &application).await;
        let first = case.tokens(&forge, &application).await;
        let second = Tokens::of(&case.refresh(&forge, &application, &first.refresh).await);
        let again = case.refresh(&forge, &application, &first.refresh).await;
        assert_eq!(refusal(&again), bad_refresh(case.provider), "{case:?}");
        assert_eq!(case.status(&forge, &second.access).await, 401, "{case:?}");
        refusal(&case.refresh(&forge, &application, &second.refresh).await);
        assert_eq!(case.status(&forge, &unhurt.access).await, 200, "another grant");
        let outcomes: Vec<RefreshOutcome> = forge.refresh_calls().iter().map(|call| call.outcome).collect();
        let expected = [RefreshOutcome::Ok, RefreshOutcome::Reused, RefreshOutcome::Revoked];
        assert_eq!(outcomes, expected);
        let killed: Vec<bool> = forge.grants().iter().map(|grant| grant.killed).collect();
        assert_eq!(killed, [false, true]);
    }
}

#[tokio::test]
async fn bitbucket_cloud_takes_a_refresh_token_for_ten_minutes_more() {
    let forge = forge().await;
    let case = Case::of(Provider::BitbucketCloud);
    let application = case.register(&forge);
    let first = case.tokens(&forge, &application).await;
    let second = Tokens::of(&case.refresh(&forge, &application, &first.refresh).await);
    forge.set_clock(Some(NOW + Duration::seconds(599)));
    let third = Tokens::of(&case.refresh(&forge, &application, &first.refresh).await);
    // The ten minutes count from the first use.
    forge.set_clock(Some(NOW + Duration::seconds(600)));
    let late = case.refresh(&forge, &application, &first.refresh).await;
    assert_eq!(refusal(&late), bad_refresh(case.provider));
    for tokens in [&second, &third] {
        assert_eq!(case.status(&forge, &tokens.access).await, 401);
        refusal(&case.refresh(&forge, &application, &tokens.refresh).await);
    }
}

#[tokio::test]
async fn a_refresh_token_comes_to_its_end() {
    for case in &CASES {
        let forge = forge().await;
        let application = forge.create_oauth_application(case.application().refresh_lifetime(1_000));
        let tokens = [
            case.tokens(&forge, &application).await,
            case.tokens(&forge, &application).await,
        ];
        forge.set_clock(Some(NOW + Duration::seconds(999)));
        Tokens::of(&case.refresh(&forge, &application, &tokens[0].refresh).await);
        forge.set_clock(Some(NOW + Duration::seconds(1_000)));
        let late = case.refresh(&forge, &application, &tokens[1].refresh).await;
        assert_eq!(refusal(&late), bad_refresh(case.provider), "{case:?}");
        assert_eq!(forge.refresh_calls()[1].outcome, RefreshOutcome::Expired);
        assert!(!forge.grants()[1].killed);
    }
}

#[tokio::test]
async fn the_providers_own_lifetimes_of_refresh_tokens_hold() {
    for (provider, seconds) in [
        (Provider::GitHub, Some(15_897_600)),
        (Provider::GitLab, None),
        (Provider::BitbucketCloud, Some(7_776_000)),
        (Provider::BitbucketDataCenter, Some(7_776_000)),
        (Provider::Gitea, Some(2_628_000)),
        (Provider::Forgejo, Some(2_628_000)),
    ] {
        let forge = forge().await;
        let application = Case::of(provider).register(&forge);
        let issued = forge.issue_grant(application.id, "ada", ["x"]).expect("both are there");
        assert_eq!(issued.refresh_expires_in, seconds, "{provider:?}");
    }
}

#[tokio::test]
async fn a_refresh_token_is_of_use_to_its_own_application_alone() {
    for case in &CASES {
        let forge = forge().await;
        let (application, other) = (case.register(&forge), case.register(&forge));
        let tokens = case.tokens(&forge, &application).await;
        refusal(&case.refresh(&forge, &other, &tokens.refresh).await);
        let guess = OAuthApplication {
            client_secret: "guess".to_owned(),
            ..application.clone()
        };
        let (status, error) = match case.provider {
            Provider::GitHub => (200, "incorrect_client_credentials"),
            Provider::GitLab => (401, "invalid_client"),
            Provider::BitbucketCloud => (400, "unauthorized_client"),
            _ => (400, "invalid_client"),
        };
        let guessed = case.refresh(&forge, &guess, &tokens.refresh).await;
        assert_eq!(refusal(&guessed), (status, error.to_owned()), "{case:?}");
        let unknown = case.refresh(&forge, &application, "ghr_nothing").await;
        assert_eq!(refusal(&unknown), bad_refresh(case.provider), "{case:?}");
        Tokens::of(&case.refresh(&forge, &application, &tokens.refresh).await);
        let grant = Some(forge.grants()[0].id);
        let calls = forge.refresh_calls();
        let calls: Vec<_> = calls
            .iter()
            .map(|call| (call.outcome, call.application, call.grant))
            .collect();
        assert_eq!(
            calls,
            [
                (RefreshOutcome::OtherApplication, Some(other.id), grant),
                (RefreshOutcome::WrongClient, None, grant),
                (RefreshOutcome::Unknown, Some(application.id), None),
                (RefreshOutcome::Ok, Some(application.id), grant),
            ]
        );
        assert_eq!(
            forge.refresh_calls()[3].token,
            forge.tokens().last().map(|token| token.id)
        );
        forge.clear_requests();
        assert!(forge.refresh_calls().is_empty());
    }
}

#[tokio::test]
async fn gitlab_and_data_center_want_to_hear_the_redirect_uri_again() {
    for case in &CASES {
        let forge = forge().await;
        let application = case.register(&forge);
        let tokens = case.tokens(&forge, &application).await;
        for uri in ["", "https://patchbay.example/other"] {
            let fields = [
                ("grant_type", "refresh_token"),
                ("refresh_token", tokens.refresh.as_str()),
                ("redirect_uri", uri),
            ];
            let answer = case.ask(&forge, &application, &fields).await;
            if matches!(case.provider, Provider::GitLab | Provider::BitbucketDataCenter) {
                assert_eq!(refusal(&answer), (400, "invalid_grant".to_owned()), "{case:?}");
                continue;
            }
            Tokens::of(&answer);
            break;
        }
    }
}

#[tokio::test]
async fn tokens_of_github_do_not_end_unless_the_application_is_set_so() {
    let forge = forge().await;
    let case = Case::of(Provider::GitHub);
    let application = forge::NewOAuthApplication::new(Provider::GitHub, super::CALLBACK);
    let application = forge.create_oauth_application(application);
    let code = case.code(&forge, &application, &[]);
    let body = case.redeem(&forge, &application, &code, "").await.json();
    let fields: Vec<&String> = body.as_object().expect("an object").keys().collect();
    assert_eq!(fields, ["access_token", "scope", "token_type"]);
    let access = body["access_token"].as_str().expect("a token");
    forge.set_clock(Some(NOW + Duration::days(3_000)));
    assert_eq!(case.status(&forge, access).await, 200);
    let change = OAuthApplicationChange {
        expiring: Some(Some(true)),
        access_lifetime: Some(Some(60)),
        ..OAuthApplicationChange::default()
    };
    forge
        .change_oauth_application(application.id, change)
        .expect("it is there");
    let code = case.code(&forge, &application, &[]);
    let body = case.redeem(&forge, &application, &code, "").await.json();
    assert_eq!(
        (&body["expires_in"], &body["refresh_token_expires_in"]),
        (&60.into(), &15_897_600.into())
    );
}

#[tokio::test]
async fn an_application_may_get_tokens_that_end_and_cannot_be_refreshed() {
    for case in &CASES {
        let forge = forge().await;
        let application = forge.create_oauth_application(case.application().access_lifetime(90).without_refresh());
        let code = case.code(&forge, &application, &[]);
        let answer = case.redeem(&forge, &application, &code, "").await;
        assert_eq!(answer.json()["expires_in"], 90, "{case:?}");
        let tokens = Tokens::of(&answer);
        assert_eq!(tokens.refresh, "");
        forge.set_clock(Some(NOW + Duration::seconds(90)));
        assert_eq!(case.status(&forge, &tokens.access).await, 401);
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_has_used_the_refresh_token_up() {
    for case in CASES.iter().filter(|case| case.provider != Provider::BitbucketCloud) {
        let forge = forge().await;
        let application = case.register(&forge);
        let lost = [Fault::LostAnswer { status: 504 }, Fault::CloseMidBody];
        for fault in lost {
            let tokens = case.tokens(&forge, &application).await;
            forge.add_fault(FaultRule::new(fault).once().on_path(case.token).on_method("POST"));
            let answer = case.refresh(&forge, &application, &tokens.refresh).await;
            assert!(answer.status == 504 || !answer.complete);
            let again = case.refresh(&forge, &application, &tokens.refresh).await;
            assert_eq!(refusal(&again), bad_refresh(case.provider), "{case:?}");
        }
        let killed: Vec<bool> = forge.grants().iter().map(|grant| grant.killed).collect();
        assert_eq!(killed, [true, true]);
    }
}

#[tokio::test]
async fn a_failure_before_anything_is_done_has_not() {
    for case in &CASES {
        let forge = forge().await;
        let application = case.register(&forge);
        let tokens = case.tokens(&forge, &application).await;
        for fault in [
            Fault::Status { status: 503 },
            Fault::Status { status: 500 },
            Fault::SecondaryRateLimited {
                status: 429,
                retry_after: Some(3),
            },
        ] {
            forge.add_fault(FaultRule::new(fault).once().on_path(case.token));
            let answer = case.refresh(&forge, &application, &tokens.refresh).await;
            assert!([429, 500, 503].contains(&answer.status));
        }
        Tokens::of(&case.refresh(&forge, &application, &tokens.refresh).await);
        assert_eq!(forge.refresh_calls().len(), 1);
    }
}
