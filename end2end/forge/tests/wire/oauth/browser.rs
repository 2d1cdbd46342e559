//! The way of a browser: from the application's link by the sign-in to the question, and back.

use forge::{Account, Forge, OAuthApplication, Provider};

use super::{CALLBACK, CASES, Case, Tokens, parameter};
use crate::client::{Answer, Request};
use crate::stage::forge;

/// The path and query of an address of the forge.
fn local(forge: &Forge, url: &str) -> String {
    url.strip_prefix(&forge.url())
        .expect("an address of the forge")
        .to_owned()
}

async fn visit(forge: &Forge, url: &str, cookie: &str) -> Answer {
    let request = Request::get(&local(forge, url)).header("cookie", cookie);
    request.send(forge.address()).await
}

async fn decide(forge: &Forge, url: &str, cookie: &str, decision: &str) -> String {
    let request = Request::new("POST", &local(forge, url)).header("cookie", cookie);
    let answer = request.form(&[("decision", decision)]).send(forge.address()).await;
    assert_eq!(answer.status, 303, "{}", answer.text());
    answer.header("location").expect("an address").to_owned()
}

async fn sign_in(forge: &Forge, login: &str) -> String {
    let request = Request::new("POST", "/session").form(&[("login", login), ("password", "pw")]);
    request.send(forge.address()).await.cookie()
}

#[tokio::test]
async fn a_person_signs_in_is_asked_and_gives_a_token_that_opens_what_was_asked_for() {
    for case in &CASES {
        let forge = forge().await;
        let application = case.register(&forge);
        let link = case.link(&forge, &application, &[]);
        let stranger = Request::get(&local(&forge, &link)).send(forge.address()).await;
        assert_eq!(stranger.status, 303, "{case:?}");
        let login = stranger.header("location").expect("the sign-in").to_owned();
        let return_to = login.strip_prefix("/login?return_to=").expect("the sign-in");
        let form = [("login", "ada"), ("password", "pw"), ("return_to", return_to)];
        let signed_in = Request::new("POST", "/session").form(&form).send(forge.address()).await;
        assert_eq!(
            signed_in.header("location"),
            Some(local(&forge, &link).as_str()),
            "{case:?}"
        );
        let cookie = signed_in.cookie();
        let page = visit(&forge, &link, &cookie).await;
        assert_eq!(page.status, 200, "{case:?}");
        let page = page.text();
        assert!(page.contains("<h1>Authorize Patchbay &lt;prod&gt;</h1>"), "{page}");
        assert!(
            page.contains("<strong>ada</strong>") && page.contains(CALLBACK),
            "{page}"
        );
        assert!(
            page.contains(">Authorize</button>") && page.contains(">Cancel</button>"),
            "{page}"
        );
        for scope in case.scopes {
            assert!(page.contains(&format!("<code>{scope}</code>")), "{page}");
        }
        let back = decide(&forge, &link, &cookie, "authorize").await;
        assert!(back.starts_with(&format!("{CALLBACK}?code=")), "{back}");
        assert_eq!(parameter(&back, "state").as_deref(), Some("s-1?"));
        assert_eq!(parameter(&back, "iss"), None);
        let code = parameter(&back, "code").expect("a code");
        let answer = case.redeem(&forge, &application, &code, "").await;
        let body = answer.json();
        assert_eq!(body["scope"].as_str(), case.told, "{case:?}");
        assert_eq!(body["expires_in"], case.lifetime, "{case:?}");
        assert!(
            body["token_type"]
                .as_str()
                .is_some_and(|kind| kind.eq_ignore_ascii_case("bearer"))
        );
        let tokens = Tokens::of(&answer);
        assert_ne!(tokens.refresh, "", "{case:?}");
        for path in [case.user, case.repository] {
            let opened = Request::get(path).bearer(&tokens.access).send(forge.address()).await;
            assert_eq!(opened.status, 200, "{path}: {}", opened.text());
        }
        assert!(forge.writes().is_empty(), "{case:?}");
    }
}

#[tokio::test]
async fn a_second_factor_stands_before_the_question() {
    let forge = forge().await;
    let account = Account {
        second_factor: Some("123456".to_owned()),
        ..Account::with_password("pw")
    };
    forge.put_account("ada", account);
    let case = Case::of(Provider::GitLab);
    let application = case.register(&forge);
    let link = case.link(&forge, &application, &[]);
    let cookie = sign_in(&forge, "ada").await;
    let not_yet = visit(&forge, &link, &cookie).await;
    assert_eq!(not_yet.status, 303);
    assert!(not_yet.header("location").is_some_and(|to| to.starts_with("/login")));
    let too_soon = Request::new("POST", &local(&forge, &link)).header("cookie", &cookie);
    let too_soon = too_soon.form(&[("decision", "authorize")]).send(forge.address()).await;
    assert!(too_soon.header("location").is_some_and(|to| to.starts_with("/login")));
    let second = Request::new("POST", "/sessions/two-factor").header("cookie", &cookie);
    second.form(&[("code", "123456")]).send(forge.address()).await;
    assert_eq!(visit(&forge, &link, &cookie).await.status, 200);
    assert!(forge.grants().is_empty());
}

#[tokio::test]
async fn a_person_who_cancels_is_sent_back_with_a_refusal() {
    for case in &CASES {
        let forge = forge().await;
        let application = case.register(&forge);
        let link = case.link(&forge, &application, &[]);
        let cookie = sign_in(&forge, "ada").await;
        let back = decide(&forge, &link, &cookie, "cancel").await;
        assert_eq!(parameter(&back, "error").as_deref(), Some("access_denied"));
        assert_eq!(parameter(&back, "state").as_deref(), Some("s-1?"));
        assert_eq!(parameter(&back, "code"), None);
        assert_eq!(forge.deny(&link), Ok(back));
        assert!(forge.grants().is_empty());
    }
}

#[tokio::test]
async fn an_unknown_application_or_address_sends_nobody_anywhere() {
    for case in &CASES {
        let forge = forge().await;
        let application = case.register(&forge);
        let elsewhere = Case::of(if case.provider == Provider::GitLab {
            Provider::GitHub
        } else {
            Provider::GitLab
        });
        let foreign = elsewhere.register(&forge);
        for wrong in [
            ("client_id", "nobody"),
            ("client_id", ""),
            ("client_id", foreign.client_id.as_str()),
            ("redirect_uri", ""),
            ("redirect_uri", "https://evil.example/"),
            ("redirect_uri", "https://patchbay.example/oauth/callback/deeper"),
            ("redirect_uri", "https://patchbay.example/oauth/callback?next=/"),
        ] {
            let link = case.link(&forge, &application, &[wrong]);
            let cookie = sign_in(&forge, "ada").await;
            for cookie in ["", cookie.as_str()] {
                let answer = visit(&forge, &link, cookie).await;
                assert_eq!((answer.status, answer.header("location")), (400, None), "{wrong:?}");
                assert!(answer.text().contains("role=\"alert\""));
            }
            assert!(forge.approve(&link, "ada").is_err());
        }
    }
}

#[tokio::test]
async fn another_response_type_sends_back_and_github_alone_takes_none() {
    for case in &CASES {
        let forge = forge().await;
        let application = case.register(&forge);
        let implicit = case.link(&forge, &application, &[("response_type", "token")]);
        let back = forge.approve(&implicit, "ada").expect("an address");
        assert_eq!(parameter(&back, "error").as_deref(), Some("unsupported_response_type"));
        let none = case.link(&forge, &application, &[("response_type", "")]);
        let back = forge.approve(&none, "ada").expect("an address");
        let taken = parameter(&back, "code").is_some();
        assert_eq!(taken, case.provider == Provider::GitHub, "{case:?}");
    }
}

#[tokio::test]
async fn who_consented_is_not_asked_again_for_the_same_but_at_bitbucket() {
    for case in &CASES {
        let forge = forge().await;
        let application = forge.create_oauth_application(case.application().scopes::<String>([]));
        let cookie = sign_in(&forge, "ada").await;
        let asks = |application: &OAuthApplication, other: &[(&str, &str)], cookie: &str| {
            let link = case.link(&forge, application, other);
            let (forge, cookie) = (&forge, cookie.to_owned());
            async move { visit(forge, &link, &cookie).await.status == 200 }
        };
        assert!(asks(&application, &[], &cookie).await);
        decide(&forge, &case.link(&forge, &application, &[]), &cookie, "authorize").await;
        let bitbucket = matches!(case.provider, Provider::BitbucketCloud | Provider::BitbucketDataCenter);
        assert_eq!(asks(&application, &[], &cookie).await, bitbucket, "{case:?}");
        assert_eq!(
            asks(&application, &[("scope", case.scopes[0])], &cookie).await,
            bitbucket
        );
        assert!(asks(&case.register(&forge), &[], &cookie).await, "another application");
        let grace = sign_in(&forge, "grace").await;
        assert!(asks(&application, &[], &grace).await, "another person");
        if !bitbucket {
            assert!(asks(&application, &[("scope", "more")], &cookie).await, "another scope");
        }
    }
}

#[tokio::test]
async fn the_redirect_names_the_issuer_only_where_the_application_is_set_so() {
    for case in &CASES {
        let forge = forge().await;
        let issuer = forge.url_of(case.provider);
        let application = forge.create_oauth_application(case.application().send_iss(&issuer));
        let link = case.link(&forge, &application, &[]);
        for back in [forge.approve(&link, "ada"), forge.deny(&link)] {
            let back = back.expect("an address");
            assert_eq!(parameter(&back, "iss").as_deref(), Some(issuer.as_str()), "{back}");
        }
    }
}

#[tokio::test]
async fn only_a_person_and_a_page_that_there_are_can_be_approved() {
    let forge = forge().await;
    let case = Case::of(Provider::Gitea);
    let application = case.register(&forge);
    let link = case.link(&forge, &application, &[]);
    assert!(forge.approve(&link, "nobody").is_err());
    for elsewhere in [
        link.replace(&forge.url(), "https://gitea.example"),
        link.replace("/authorize", "/access_token"),
        link.replace("/gitea/", "/"),
    ] {
        assert!(forge.approve(&elsewhere, "ada").is_err(), "{elsewhere}");
    }
    assert!(forge.approve(&link, "ADA").is_ok());
}
