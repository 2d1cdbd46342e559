//! The record of requests.

use forge::{Account, Fault, FaultRule, Forge, NewToken};

use crate::client::Request;

#[tokio::test]
async fn a_request_is_recorded_with_all_but_the_token() {
    let forge = Forge::start().await;
    forge.put_account("ada", Account::with_password("pw"));
    let token = forge
        .create_token(NewToken::classic("ada", ["repo"]))
        .expect("the account is there");
    Request::get("/api/v3/user?x=1")
        .bearer(&token.value)
        .send(forge.address())
        .await;
    let requests = forge.requests();
    let [request] = requests.as_slice() else {
        panic!("one request, not {requests:?}")
    };
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("GET", "/api/v3/user")
    );
    assert_eq!(request.query.as_deref(), Some("x=1"));
    assert_eq!(request.token, Some(token.id));
    assert_eq!(request.token_hint.as_deref(), Some(token.hint.as_str()));
    assert_eq!(request.user_agent.as_deref(), Some("patchbay-test"));
    assert!(request.header_names.contains(&"authorization".to_owned()));
    assert_eq!(
        (request.write, request.token_in_url, request.status),
        (false, false, Some(200))
    );
    let listing = Request::get("/_control/requests").send(forge.address()).await.text();
    assert!(!listing.contains(&token.value));
}

#[tokio::test]
async fn a_token_in_the_address_is_struck_out_and_noticed() {
    let forge = Forge::start().await;
    forge.put_account("ada", Account::with_password("pw"));
    let token = forge
        .create_token(NewToken::classic("ada", ["repo"]))
        .expect("the account is there");
    Request::get(&format!("/api/v3/user?access_token={}", token.value))
        .send(forge.address())
        .await;
    let request = &forge.requests()[0];
    assert_eq!(request.query.as_deref(), Some("access_token=[token]"));
    assert!(request.token_in_url);
}

#[tokio::test]
async fn an_unknown_token_is_recorded_by_its_hint_only() {
    let forge = Forge::start().await;
    let value = "ghp_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa9xYz";
    Request::get("/api/v3/user").bearer(value).send(forge.address()).await;
    let request = &forge.requests()[0];
    assert_eq!(
        (request.token, request.token_hint.as_deref()),
        (None, Some("ghp_…9xYz"))
    );
    assert_eq!(request.status, Some(401));
}

#[tokio::test]
async fn a_request_tells_which_fault_it_met() {
    let forge = Forge::start().await;
    let fault = forge.add_fault(FaultRule::new(Fault::Status { status: 502 }).once());
    Request::get("/api/v3/meta").send(forge.address()).await;
    Request::get("/api/v3/meta").send(forge.address()).await;
    let met: Vec<_> = forge
        .requests()
        .iter()
        .map(|request| (request.fault, request.status))
        .collect();
    assert_eq!(met, [(Some(fault), Some(502)), (None, Some(200))]);
}

#[tokio::test]
async fn the_record_can_be_cleared_and_leaves_out_the_control() {
    let forge = Forge::start().await;
    Request::get("/api/v3/meta").send(forge.address()).await;
    forge.clear_requests();
    Request::get("/_control/requests").send(forge.address()).await;
    assert!(forge.requests().is_empty());
}

#[tokio::test]
async fn signing_in_is_not_a_write_to_the_api() {
    let forge = Forge::start().await;
    let form = Request::new("POST", "/session").form(&[("login", "ada"), ("password", "pw")]);
    form.send(forge.address()).await;
    assert_eq!(forge.requests().len(), 1);
    assert!(forge.writes().is_empty());
}
