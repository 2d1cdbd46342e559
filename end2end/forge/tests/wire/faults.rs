//! What goes wrong on demand. Slowness is tested beside the code, where the clock can be stopped.

use forge::{Account, Fault, FaultRule, Forge, IssuedToken, NewToken};
use time::macros::datetime;

use crate::client::{Answer, Request};

async fn forge() -> (Forge, IssuedToken) {
    let forge = Forge::start().await;
    forge.put_account(
        "ada",
        Account {
            id: Some(12345),
            ..Account::with_password("pw")
        },
    );
    let token = forge
        .create_token(NewToken::classic("ada", ["repo"]))
        .expect("the account is there");
    (forge, token)
}

async fn ask(forge: &Forge, token: &IssuedToken) -> Answer {
    Request::get("/api/v3/user")
        .bearer(&token.value)
        .send(forge.address())
        .await
}

async fn with(fault: Fault) -> Answer {
    let (forge, token) = forge().await;
    forge.add_fault(FaultRule::new(fault));
    ask(&forge, &token).await
}

#[tokio::test]
async fn single_sign_on_refuses_with_the_address_to_authorise_at() {
    let url = "https://github.example/orgs/acme/sso?authorization_request=AZSC";
    let answer = with(Fault::SsoRequired { url: url.to_owned() }).await;
    assert_eq!(answer.status, 403);
    assert_eq!(
        answer.header("x-github-sso"),
        Some(format!("required; url={url}").as_str())
    );
    assert_eq!(answer.header("x-oauth-scopes"), Some("repo"));
}

#[tokio::test]
async fn the_primary_rate_limit_leaves_nothing_and_says_until_when() {
    for status in [403, 429] {
        let (forge, token) = forge().await;
        forge.set_clock(Some(datetime!(2026-01-01 00:00 UTC)));
        forge.add_fault(FaultRule::new(Fault::RateLimited { status, reset_in: 1800 }));
        let answer = ask(&forge, &token).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("x-ratelimit-remaining"), Some("0"));
        assert_eq!(answer.header("x-ratelimit-used"), Some("5000"));
        let reset = datetime!(2026-01-01 00:30 UTC).unix_timestamp().to_string();
        assert_eq!(answer.header("x-ratelimit-reset"), Some(reset.as_str()));
        assert_eq!(answer.header("retry-after"), None);
        assert_eq!(answer.json()["message"], "API rate limit exceeded for user ID 12345.");
    }
}

#[tokio::test]
async fn the_secondary_rate_limit_says_when_to_retry_and_leaves_the_hour_alone() {
    let answer = with(Fault::SecondaryRateLimited {
        status: 429,
        retry_after: Some(60),
    })
    .await;
    assert_eq!(answer.status, 429);
    assert_eq!(answer.header("retry-after"), Some("60"));
    assert_ne!(answer.header("x-ratelimit-remaining"), Some("0"));
    assert!(
        answer.json()["message"]
            .as_str()
            .is_some_and(|text| text.contains("secondary rate limit"))
    );
    let silent = with(Fault::SecondaryRateLimited {
        status: 403,
        retry_after: None,
    })
    .await;
    assert_eq!((silent.status, silent.header("retry-after")), (403, None));
}

#[tokio::test]
async fn a_failure_of_the_server_is_a_page_or_json_as_its_origin_has_it() {
    for (status, kind) in [
        (500, "application/json"),
        (502, "text/html; charset=utf-8"),
        (503, "text/html; charset=utf-8"),
    ] {
        let answer = with(Fault::Status { status }).await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("content-type"), Some(kind));
    }
}

#[tokio::test]
async fn a_web_page_may_come_where_json_is_due() {
    let answer = with(Fault::Html).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert_eq!(answer.header("x-oauth-scopes"), None);
}

#[tokio::test]
async fn malformed_json_and_an_empty_body_are_complete_answers() {
    for fault in [Fault::MalformedJson, Fault::EmptyBody] {
        let answer = with(fault).await;
        assert_eq!(answer.status, 200);
        assert!(answer.complete);
        assert_eq!(answer.header("content-type"), Some("application/json; charset=utf-8"));
        assert!(serde_json::from_slice::<serde_json::Value>(&answer.body).is_err());
    }
}

#[tokio::test]
async fn a_huge_body_is_valid_json_without_a_length() {
    let answer = with(Fault::HugeBody { mebibytes: 3 }).await;
    assert_eq!(answer.header("content-length"), None);
    assert!(answer.complete);
    assert!(answer.body.len() > 3 * 1024 * 1024);
    assert!(answer.json()["login"].is_string());
}

#[tokio::test]
async fn a_connection_that_closes_in_the_middle_leaves_half_of_the_body() {
    let answer = with(Fault::CloseMidBody).await;
    assert_eq!(answer.status, 200);
    let promised: usize = answer
        .header("content-length")
        .and_then(|text| text.parse().ok())
        .expect("a length");
    assert!(!answer.complete);
    assert_eq!(answer.body.len(), promised / 2);
}

#[tokio::test]
async fn a_dripping_answer_has_the_usual_body_in_the_end() {
    let (forge, token) = forge().await;
    let usual = ask(&forge, &token).await.json();
    forge.add_fault(FaultRule::new(Fault::Drip { chunk: 100, millis: 1 }));
    assert_eq!(ask(&forge, &token).await.json(), usual);
}

#[tokio::test]
async fn a_redirect_goes_where_the_test_says() {
    for status in [301, 302, 307] {
        let answer = with(Fault::Redirect {
            status,
            location: "http://169.254.169.254/".to_owned(),
        })
        .await;
        assert_eq!(answer.status, status);
        assert_eq!(answer.header("location"), Some("http://169.254.169.254/"));
    }
}

#[tokio::test]
async fn faults_are_used_up_in_the_order_in_which_they_were_added() {
    let (forge, token) = forge().await;
    forge.add_fault(FaultRule::new(Fault::Status { status: 502 }).times(2));
    forge.add_fault(
        FaultRule::new(Fault::RateLimited {
            status: 429,
            reset_in: 60,
        })
        .once(),
    );
    let mut seen = Vec::new();
    for _ in 0..4 {
        seen.push(ask(&forge, &token).await.status);
    }
    assert_eq!(seen, [502, 502, 429, 200]);
}

#[tokio::test]
async fn a_fault_befalls_only_its_token_and_its_paths() {
    let (forge, token) = forge().await;
    let other = forge
        .create_token(NewToken::classic("ada", ["repo"]))
        .expect("the account is there");
    let rule = FaultRule::new(Fault::Status { status: 503 })
        .on_token(token.id)
        .on_path("/api/v3/user");
    forge.add_fault(rule);
    assert_eq!(ask(&forge, &token).await.status, 503);
    assert_eq!(ask(&forge, &other).await.status, 200);
    let meta = Request::get("/api/v3/meta")
        .bearer(&token.value)
        .send(forge.address())
        .await;
    assert_eq!(meta.status, 200);
    forge.clear_faults();
    assert_eq!(ask(&forge, &token).await.status, 200);
}

#[tokio::test]
async fn the_control_is_out_of_reach_of_faults() {
    let (forge, _) = forge().await;
    forge.add_fault(FaultRule::new(Fault::Status { status: 503 }));
    let answer = Request::new("DELETE", "/_control/faults").send(forge.address()).await;
    assert_eq!(answer.status, 204);
    assert_eq!(Request::get("/api/v3/meta").send(forge.address()).await.status, 200);
}
