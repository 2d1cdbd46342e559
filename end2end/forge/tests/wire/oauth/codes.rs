//! What a code is good for: one use, soon, by the application that it was given to, as it was asked for.

use forge::{OAuthApplication, Provider};
use time::Duration;

use super::{CALLBACK, CASES, CHALLENGE, Case, OTHER_VERIFIER, Tokens, VERIFIER, parameter, refusal, with_challenges};
use crate::client::Request;
use crate::stage::{NOW, forge};

/// What each says of a code that is worth nothing.
fn bad_code(provider: Provider) -> (u16, String) {
    let (status, error) = match provider {
        Provider::GitHub => (200, "bad_verification_code"),
        Provider::Gitea | Provider::Forgejo => (400, "unauthorized_client"),
        _ => (400, "invalid_grant"),
    };
    (status, error.to_owned())
}

#[tokio::test]
async fn a_code_that_comes_again_is_refused_and_ends_what_it_gave_but_at_gitea() {
    for case in &CASES {
        let forge = forge().await;
        let application = case.register(&forge);
        let code = case.code(&forge, &application, &[]);
        let tokens = Tokens::of(&case.redeem(&forge, &application, &code, "").await);
        assert_eq!(case.status(&forge, &tokens.access).await, 200);
        let again = case.redeem(&forge, &application, &code, "").await;
        assert_eq!(refusal(&again), bad_code(case.provider), "{case:?}");
        let lenient = matches!(case.provider, Provider::Gitea | Provider::Forgejo);
        let (status, killed) = if lenient { (200, false) } else { (401, true) };
        assert_eq!(case.status(&forge, &tokens.access).await, status, "{case:?}");
        assert_eq!(forge.grants()[0].killed, killed);
        let refreshed = case.refresh(&forge, &application, &tokens.refresh).await;
        assert_eq!(refreshed.json().get("access_token").is_some(), lenient, "{case:?}");
    }
}

#[tokio::test]
async fn a_code_is_good_for_ten_minutes() {
    for case in &CASES {
        let forge = forge().await;
        let application = case.register(&forge);
        let codes = [(); 2].map(|()| case.code(&forge, &application, &[]));
        forge.set_clock(Some(NOW + Duration::seconds(599)));
        Tokens::of(&case.redeem(&forge, &application, &codes[0], "").await);
        forge.set_clock(Some(NOW + Duration::seconds(600)));
        let late = refusal(&case.redeem(&forge, &application, &codes[1], "").await);
        match case.provider {
            Provider::Gitea | Provider::Forgejo => assert_eq!(late, (400, "invalid_grant".to_owned())),
            provider => assert_eq!(late, bad_code(provider)),
        }
    }
}

#[tokio::test]
async fn a_code_is_for_the_application_that_it_was_given_to() {
    for case in &CASES {
        let forge = forge().await;
        let (application, other) = (case.register(&forge), case.register(&forge));
        let code = case.code(&forge, &application, &[]);
        refusal(&case.redeem(&forge, &other, &code, "").await);
        Tokens::of(&case.redeem(&forge, &application, &code, "").await);
    }
}

#[tokio::test]
async fn a_code_goes_with_the_redirect_uri_that_it_was_asked_for_with() {
    for case in &CASES {
        let forge = forge().await;
        let second = "https://patchbay.example/second";
        let application = forge.create_oauth_application(case.application().redirect_uri(second));
        let code = case.code(&forge, &application, &[]);
        let fields = |uri| {
            [
                ("grant_type", "authorization_code"),
                ("code", code.as_str()),
                ("redirect_uri", uri),
            ]
        };
        let wrong = refusal(&case.ask(&forge, &application, &fields(second)).await);
        let (status, error) = match case.provider {
            Provider::GitHub => (200, "redirect_uri_mismatch"),
            _ => (400, "invalid_grant"),
        };
        assert_eq!(wrong, (status, error.to_owned()), "{case:?}");
        let without = case.ask(&forge, &application, &fields("")).await;
        // Two of them do not insist on hearing it again.
        let lenient = matches!(case.provider, Provider::GitHub | Provider::BitbucketCloud);
        assert_eq!(without.json().get("access_token").is_some(), lenient, "{case:?}");
        if !lenient {
            Tokens::of(&case.ask(&forge, &application, &fields(CALLBACK)).await);
        }
    }
}

#[tokio::test]
async fn a_wrong_secret_or_id_gets_nothing_in_each_ones_words() {
    for case in &CASES {
        let forge = forge().await;
        let application = case.register(&forge);
        let code = case.code(&forge, &application, &[]);
        let wrong = OAuthApplication {
            client_secret: "guess".to_owned(),
            ..application.clone()
        };
        let unknown = OAuthApplication {
            client_id: "nobody".to_owned(),
            ..application.clone()
        };
        let (status, secret, id) = match case.provider {
            Provider::GitHub => (200, "incorrect_client_credentials", "incorrect_client_credentials"),
            Provider::GitLab => (401, "invalid_client", "invalid_client"),
            Provider::BitbucketCloud => (400, "unauthorized_client", "unauthorized_client"),
            Provider::BitbucketDataCenter => (400, "invalid_client", "invalid_client"),
            _ => (400, "unauthorized_client", "invalid_client"),
        };
        let answer = case.redeem(&forge, &wrong, &code, "").await;
        assert_eq!(refusal(&answer), (status, secret.to_owned()), "{case:?}");
        let answer = case.redeem(&forge, &unknown, &code, "").await;
        assert_eq!(refusal(&answer), (status, id.to_owned()), "{case:?}");
        Tokens::of(&case.redeem(&forge, &application, &code, "").await);
    }
}

#[tokio::test]
async fn an_application_proves_who_it_is_where_the_provider_looks() {
    for case in &CASES {
        for (in_header, in_body) in [(true, false), (false, true)] {
            let forge = forge().await;
            let application = case.register(&forge);
            let code = case.code(&forge, &application, &[]);
            let (id, secret) = (application.client_id.as_str(), application.client_secret.as_str());
            let mut fields = vec![
                ("grant_type", "authorization_code"),
                ("code", &code),
                ("redirect_uri", CALLBACK),
            ];
            let mut request = Request::new("POST", case.token).header("accept", "application/json");
            if in_header {
                request = request.basic(id, secret);
            }
            if in_body {
                fields.extend([("client_id", id), ("client_secret", secret)]);
            }
            let answer = request.form(&fields).send(forge.address()).await;
            let taken = match case.provider {
                Provider::GitHub | Provider::BitbucketDataCenter => in_body,
                Provider::BitbucketCloud => in_header,
                _ => true,
            };
            assert_eq!(answer.json().get("access_token").is_some(), taken, "{case:?}");
        }
    }
}

#[tokio::test]
async fn a_code_that_was_asked_for_with_a_challenge_wants_its_verifier() {
    for case in with_challenges() {
        let forge = forge().await;
        let application = case.register(&forge);
        let challenge = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
        let code = case.code(&forge, &application, &challenge);
        for wrong in ["", OTHER_VERIFIER, CHALLENGE] {
            let answer = case.redeem(&forge, &application, &code, wrong).await;
            assert_eq!(refusal(&answer), bad_code(case.provider), "{case:?} with {wrong:?}");
        }
        Tokens::of(&case.redeem(&forge, &application, &code, VERIFIER).await);
    }
}

#[tokio::test]
async fn a_challenge_that_was_taken_out_on_the_way_is_noticed_by_the_verifier() {
    for case in with_challenges() {
        let forge = forge().await;
        let application = case.register(&forge);
        let code = case.code(&forge, &application, &[]);
        let answer = case.redeem(&forge, &application, &code, VERIFIER).await;
        assert_eq!(refusal(&answer), bad_code(case.provider), "{case:?}");
        Tokens::of(&case.redeem(&forge, &application, &code, "").await);
    }
}

#[tokio::test]
async fn no_challenge_but_s256_is_taken() {
    for case in with_challenges() {
        let forge = forge().await;
        let application = case.register(&forge);
        for challenge in [
            [("code_challenge", VERIFIER), ("code_challenge_method", "plain")],
            [("code_challenge", CHALLENGE), ("code_challenge_method", "")],
            [("code_challenge", "short"), ("code_challenge_method", "S256")],
        ] {
            let back = forge.approve(&case.link(&forge, &application, &challenge), "ada");
            let back = back.expect("an address");
            assert_eq!(
                parameter(&back, "error").as_deref(),
                Some("invalid_request"),
                "{challenge:?}"
            );
            assert_eq!(parameter(&back, "state").as_deref(), Some("s-1?"));
        }
    }
}

#[tokio::test]
async fn an_application_may_be_set_to_demand_a_challenge() {
    for case in with_challenges() {
        let forge = forge().await;
        let application = forge.create_oauth_application(case.application().require_pkce());
        let without = forge.approve(&case.link(&forge, &application, &[]), "ada");
        let without = without.expect("an address");
        assert_eq!(parameter(&without, "error").as_deref(), Some("invalid_request"));
        let challenge = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
        let code = case.code(&forge, &application, &challenge);
        Tokens::of(&case.redeem(&forge, &application, &code, VERIFIER).await);
    }
}

#[tokio::test]
async fn bitbucket_cloud_knows_nothing_of_challenges() {
    let forge = forge().await;
    let case = Case::of(Provider::BitbucketCloud);
    let application = case.register(&forge);
    let challenge = [("code_challenge", CHALLENGE), ("code_challenge_method", "S256")];
    let code = case.code(&forge, &application, &challenge);
    Tokens::of(&case.redeem(&forge, &application, &code, OTHER_VERIFIER).await);
}

#[tokio::test]
async fn a_request_for_tokens_that_lacks_something_is_refused() {
    for case in &CASES {
        let forge = forge().await;
        let application = case.register(&forge);
        let code = case.code(&forge, &application, &[]);
        for fields in [
            [("grant_type", "authorization_code"), ("redirect_uri", CALLBACK)],
            [("grant_type", "refresh_token"), ("redirect_uri", CALLBACK)],
            [("grant_type", "password"), ("code", code.as_str())],
        ] {
            refusal(&case.ask(&forge, &application, &fields).await);
        }
        let answer = case
            .ask(&forge, &application, &[("code", &code), ("redirect_uri", CALLBACK)])
            .await;
        let taken = answer.json().get("access_token").is_some();
        assert_eq!(taken, case.provider == Provider::GitHub, "{case:?}");
    }
}

#[tokio::test]
async fn github_answers_as_a_form_unless_asked_for_json() {
    let forge = forge().await;
    let case = Case::of(Provider::GitHub);
    let application = case.register(&forge);
    let code = case.code(&forge, &application, &[]);
    let fields = [
        ("client_id", application.client_id.as_str()),
        ("client_secret", &application.client_secret),
        ("code", &code),
    ];
    let answer = Request::new("POST", case.token)
        .form(&fields)
        .send(forge.address())
        .await;
    let kind = "application/x-www-form-urlencoded; charset=utf-8";
    assert_eq!(answer.header("content-type"), Some(kind));
    let text = answer.text();
    assert!(text.starts_with("access_token=gho_"), "{text}");
    assert!(
        text.contains("&expires_in=28800&") && text.contains("&refresh_token=ghr_"),
        "{text}"
    );
    assert!(text.ends_with("&scope=repo%2Cread%3Aorg&token_type=bearer"), "{text}");
    let again = Request::new("POST", case.token)
        .form(&fields)
        .send(forge.address())
        .await;
    assert_eq!(again.status, 200);
    assert!(
        again
            .text()
            .starts_with("error=bad_verification_code&error_description=")
    );
}
