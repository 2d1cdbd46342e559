//! How what was granted is taken back: by the application, by the person, and with the application.

use forge::{Forge, OAuthApplication, OAuthApplicationChange, Provider};
use serde_json::{Value, json};

use super::{CASES, Case, refusal};
use crate::client::{Answer, Request};
use crate::stage::{forge, token};

async fn delete(forge: &Forge, application: &OAuthApplication, what: &str, body: Value) -> Answer {
    let path = format!("/api/v3/applications/{}/{what}", application.client_id);
    let request = Request::new("DELETE", &path).header("user-agent", "patchbay-test");
    let request = request.basic(&application.client_id, &application.client_secret);
    request.json(&body).send(forge.address()).await
}

async fn revoke(forge: &Forge, application: &OAuthApplication, token: &str) -> Answer {
    let fields = [
        ("client_id", application.client_id.as_str()),
        ("client_secret", &application.client_secret),
        ("token", token),
    ];
    let request = Request::new("POST", "/oauth/revoke").form(&fields);
    request.send(forge.address()).await
}

#[tokio::test]
async fn github_takes_back_one_token_or_all_of_a_persons() {
    let case = Case::of(Provider::GitHub);
    for (what, other) in [("token", 200), ("grant", 401)] {
        let forge = forge().await;
        let application = case.register(&forge);
        let tokens = [
            case.tokens(&forge, &application).await,
            case.tokens(&forge, &application).await,
        ];
        let graces = forge
            .issue_grant(application.id, "grace", ["repo"])
            .expect("both are there");
        let foreign = forge
            .issue_grant(case.register(&forge).id, "ada", ["repo"])
            .expect("both are there");
        let answer = delete(&forge, &application, what, json!({ "access_token": tokens[0].access })).await;
        assert_eq!((answer.status, answer.body.len()), (204, 0));
        assert_eq!(case.status(&forge, &tokens[0].access).await, 401);
        refusal(&case.refresh(&forge, &application, &tokens[0].refresh).await);
        assert_eq!(case.status(&forge, &tokens[1].access).await, other, "{what}");
        for unhurt in [graces, foreign] {
            assert_eq!(case.status(&forge, &unhurt.access.value).await, 200, "{what}");
        }
        let again = delete(&forge, &application, what, json!({ "access_token": tokens[0].access })).await;
        assert_eq!(again.status, 404);
        assert!(forge.writes().iter().all(|request| request.method == "DELETE"));
        assert_eq!(forge.writes().len(), 2);
    }
}

#[tokio::test]
async fn github_wants_proof_of_the_application_and_a_token_of_its_own() {
    let forge = forge().await;
    let case = Case::of(Provider::GitHub);
    let application = case.register(&forge);
    let tokens = case.tokens(&forge, &application).await;
    let body = json!({ "access_token": tokens.access });
    let guess = OAuthApplication {
        client_secret: "guess".to_owned(),
        ..application.clone()
    };
    assert_eq!(delete(&forge, &guess, "token", body.clone()).await.status, 404);
    let other = case.register(&forge);
    assert_eq!(delete(&forge, &other, "token", body.clone()).await.status, 404);
    assert_eq!(delete(&forge, &application, "token", json!({})).await.status, 422);
    let path = format!("/api/v3/applications/{}/token", application.client_id);
    let by_bearer = Request::new("DELETE", &path)
        .header("user-agent", "test")
        .bearer(&tokens.access);
    assert_eq!(by_bearer.json(&body).send(forge.address()).await.status, 404);
    let without_agent = Request::new("DELETE", &path).json(&body).send(forge.address()).await;
    assert_eq!(without_agent.status, 403);
    assert_eq!(case.status(&forge, &tokens.access).await, 200);
}

#[tokio::test]
async fn gitlab_takes_back_a_pair_by_either_of_its_tokens() {
    let case = Case::of(Provider::GitLab);
    for by_refresh in [false, true] {
        let forge = forge().await;
        let application = case.register(&forge);
        let tokens = case.tokens(&forge, &application).await;
        let unhurt = case.tokens(&forge, &application).await;
        let named = if by_refresh { &tokens.refresh } else { &tokens.access };
        let answer = revoke(&forge, &application, named).await;
        assert_eq!((answer.status, answer.json()), (200, json!({})));
        let user = Request::get(case.user)
            .bearer(&tokens.access)
            .send(forge.address())
            .await;
        assert_eq!(user.status, 401);
        let words = "Token was revoked. You have to re-authorize from the user.";
        assert_eq!(user.json()["error_description"], words);
        refusal(&case.refresh(&forge, &application, &tokens.refresh).await);
        assert_eq!(case.status(&forge, &unhurt.access).await, 200);
        assert_eq!(forge.writes().len(), 1);
    }
}

#[tokio::test]
async fn gitlab_revokes_nothing_for_strangers_and_says_yes_to_what_is_nothing() {
    let forge = forge().await;
    let case = Case::of(Provider::GitLab);
    let application = case.register(&forge);
    let tokens = case.tokens(&forge, &application).await;
    let personal = token(&forge, forge::TokenKind::GitlabPersonal, ["api"]);
    let other = case.register(&forge);
    for nothing in ["guess", personal.value.as_str()] {
        assert_eq!(revoke(&forge, &application, nothing).await.status, 200);
    }
    assert_eq!(revoke(&forge, &other, &tokens.access).await.status, 200);
    let guess = OAuthApplication {
        client_secret: "guess".to_owned(),
        ..application
    };
    let refused = revoke(&forge, &guess, &tokens.access).await;
    assert_eq!(
        (refused.status, &refused.json()["error"]),
        (403, &json!("unauthorized_client"))
    );
    assert_eq!(case.status(&forge, &tokens.access).await, 200);
    assert_eq!(case.status(&forge, &personal.value).await, 200);
}

#[tokio::test]
async fn the_others_have_no_address_to_take_a_token_back_at() {
    let forge = forge().await;
    for path in [
        "/site/oauth2/revoke",
        "/rest/oauth2/latest/revoke",
        "/gitea/login/oauth/revoke",
        "/forgejo/login/oauth/revoke",
    ] {
        let answer = Request::new("POST", path)
            .form(&[("token", "x")])
            .send(forge.address())
            .await;
        assert!(answer.status >= 400, "{path}");
    }
}

#[tokio::test]
async fn a_person_who_takes_consent_back_ends_the_grant_and_is_asked_again() {
    for case in &CASES {
        let forge = forge().await;
        let application = case.register(&forge);
        let tokens = case.tokens(&forge, &application).await;
        let grant = forge.grants()[0].id;
        forge.revoke_grant(grant).expect("it is there");
        assert_eq!(case.status(&forge, &tokens.access).await, 401, "{case:?}");
        refusal(&case.refresh(&forge, &application, &tokens.refresh).await);
        assert_eq!(forge.refresh_calls()[0].outcome, forge::RefreshOutcome::Revoked);
        assert!(forge.revoke_grant(forge::GrantId(99)).is_err());
    }
}

#[tokio::test]
async fn with_the_application_goes_all_that_it_had() {
    for case in &CASES {
        let forge = forge().await;
        let application = case.register(&forge);
        let tokens = case.tokens(&forge, &application).await;
        let code = case.code(&forge, &application, &[]);
        forge.delete_oauth_application(application.id).expect("it is there");
        assert_eq!(case.status(&forge, &tokens.access).await, 401, "{case:?}");
        refusal(&case.refresh(&forge, &application, &tokens.refresh).await);
        refusal(&case.redeem(&forge, &application, &code, "").await);
        assert!(forge.approve(&case.link(&forge, &application, &[]), "ada").is_err());
        assert!(forge.delete_oauth_application(application.id).is_err());
    }
}

#[tokio::test]
async fn another_secret_is_the_only_one_from_then_on() {
    for case in &CASES {
        let forge = forge().await;
        let old = case.register(&forge);
        let tokens = case.tokens(&forge, &old).await;
        let new = OAuthApplication {
            client_secret: "another-secret-of-the-application".to_owned(),
            ..old.clone()
        };
        let change = OAuthApplicationChange {
            client_secret: Some(new.client_secret.clone()),
            ..OAuthApplicationChange::default()
        };
        forge.change_oauth_application(old.id, change).expect("it is there");
        refusal(&case.refresh(&forge, &old, &tokens.refresh).await);
        super::Tokens::of(&case.refresh(&forge, &new, &tokens.refresh).await);
    }
}
