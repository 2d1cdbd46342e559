//! Bitbucket Data Center: who a token is, when it ends, and what refuses it.

use forge::{Forge, IssuedToken, NewToken, TokenKind};
use serde_json::{Value, json};
use time::macros::datetime;

use crate::client::{Answer, Request};
use crate::stage::{NOW, ask, ask_as_nobody, forge, make, token};

const USERS: &str = "/rest/api/latest/users?limit=1";
const AUTHORISATION: &str = "com.atlassian.bitbucket.AuthorisationException";

fn http<const N: usize>(forge: &Forge, permissions: [&str; N]) -> IssuedToken {
    token(forge, TokenKind::BitbucketHttp, permissions)
}

fn exception(answer: &Answer) -> Value {
    answer.json()["errors"][0]["exceptionName"].clone()
}

#[tokio::test]
async fn the_header_names_who_asks_whoever_comes_first_in_the_list() {
    let forge = forge().await;
    let new = NewToken::of_kind(TokenKind::BitbucketHttp, "grace", ["REPO_READ"]);
    let answer = ask(&forge, USERS, &make(&forge, new)).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-ausername"), Some("grace"));
    let page = answer.json();
    assert_eq!(
        (&page["size"], &page["limit"], &page["isLastPage"]),
        (&json!(1), &json!(1), &json!(false))
    );
    assert_eq!(page["nextPageStart"], 1);
    assert_eq!(page["values"][0]["slug"], "ada");
    assert_eq!(page["values"][0]["emailAddress"], "ada@acme.example");
    assert!(answer.header("x-arequestid").is_some());
}

#[tokio::test]
async fn a_user_is_found_by_name() {
    let forge = forge().await;
    let token = http(&forge, ["REPO_READ"]);
    let ada = ask(&forge, "/rest/api/1.0/users/ada", &token).await;
    assert_eq!((ada.status, &ada.json()["displayName"]), (200, &json!("Ada Lovelace")));
    let missing = ask(&forge, "/rest/api/1.0/users/nobody", &token).await;
    assert_eq!(missing.status, 404);
    assert_eq!(
        exception(&missing),
        json!("com.atlassian.bitbucket.user.NoSuchUserException")
    );
    assert_eq!(ask(&forge, "/rest/api/latest/nothing", &token).await.status, 404);
}

#[tokio::test]
async fn a_token_goes_as_bearer_or_as_the_password_of_its_person() {
    let forge = forge().await;
    let token = http(&forge, ["REPO_READ"]);
    assert!(token.value.starts_with("BBDC-"));
    for (username, status) in [("ada", 200), ("grace", 401)] {
        let request = Request::get(USERS).basic(username, &token.value);
        assert_eq!(request.send(forge.address()).await.status, status, "{username}");
    }
}

#[tokio::test]
async fn a_bad_token_and_a_missing_permission_are_both_401_and_differ_by_the_exception() {
    let forge = forge().await;
    let revoked = http(&forge, ["REPO_ADMIN"]);
    forge.revoke_token(revoked.id).expect("it is there");
    let bad = ask(&forge, USERS, &revoked).await;
    assert_eq!(bad.status, 401);
    assert_eq!(
        bad.json(),
        json!({ "errors": [{
            "context": null,
            "message": "Authentication failed. Please check your credentials and try again.",
            "exceptionName": "com.atlassian.bitbucket.auth.IncorrectPasswordAuthenticationException",
        }]})
    );
    assert_eq!(bad.header("x-ausername"), None);
    let reader = http(&forge, ["REPO_READ"]);
    let refused = ask(&forge, "/rest/api/latest/projects/ACME/repos/web/webhooks", &reader).await;
    assert_eq!((refused.status, exception(&refused)), (401, json!(AUTHORISATION)));
    assert_eq!(refused.header("x-ausername"), Some("ada"));
    let nobody = ask_as_nobody(&forge, USERS).await;
    assert_eq!((nobody.status, exception(&nobody)), (401, json!(AUTHORISATION)));
}

#[tokio::test]
async fn the_list_of_ones_own_tokens_tells_their_ends() {
    let forge = forge().await;
    let end = datetime!(2026-04-15 10:30 UTC);
    let new = NewToken::of_kind(TokenKind::BitbucketHttp, "ada", ["PROJECT_READ", "REPO_WRITE"]);
    let ending = make(&forge, new.named("argo").expires_at(end));
    let endless = http(&forge, ["REPO_READ"]);
    for version in ["1.0", "latest"] {
        let answer = ask(&forge, &format!("/rest/access-tokens/{version}/users/ada"), &ending).await;
        assert_eq!(answer.status, 200);
        let page = answer.json();
        assert_eq!(page["size"], 2);
        let first = &page["values"][0];
        assert_eq!(first["name"], "argo");
        assert_eq!(first["permissions"], json!(["PROJECT_READ", "REPO_WRITE"]));
        assert_eq!(first["expiryDate"], end.unix_timestamp() * 1000);
        assert_eq!(first["expiryDays"], 90);
        assert_eq!(first["createdDate"], NOW.unix_timestamp() * 1000);
        assert_eq!(page["values"][1]["expiryDate"], Value::Null);
        assert!(!answer.text().contains(&endless.value));
    }
    let foreign = ask(&forge, "/rest/access-tokens/latest/users/grace", &ending).await;
    assert_eq!((foreign.status, exception(&foreign)), (401, json!(AUTHORISATION)));
    forge.set_clock(Some(end));
    assert_eq!(ask(&forge, USERS, &ending).await.status, 401);
    assert_eq!(ask(&forge, USERS, &endless).await.status, 200);
}

#[tokio::test]
async fn a_token_begins_with_the_number_that_it_has_in_the_list() {
    use base64::Engine as _;
    let forge = forge().await;
    let token = http(&forge, ["REPO_READ"]);
    let list = ask(&forge, "/rest/access-tokens/latest/users/ada", &token).await.json();
    let body = token.value.strip_prefix("BBDC-").expect("the prefix");
    let bytes = base64::engine::general_purpose::STANDARD.decode(body).expect("base64");
    let number = list["values"][0]["id"].as_str().expect("a number");
    assert!(bytes.starts_with(format!("{number}:").as_bytes()));
}

#[tokio::test]
async fn a_token_may_neither_make_nor_revoke_tokens() {
    let forge = forge().await;
    let token = http(&forge, ["REPO_ADMIN", "PROJECT_ADMIN"]);
    for (method, path) in [
        ("PUT", "/rest/access-tokens/latest/users/ada"),
        ("DELETE", "/rest/access-tokens/latest/users/ada/123456789012"),
    ] {
        let request = Request::new(method, path).bearer(&token.value).json(&json!({}));
        let answer = request.send(forge.address()).await;
        assert_eq!((answer.status, exception(&answer)), (401, json!(AUTHORISATION)));
    }
    assert_eq!(forge.writes().len(), 2);
    assert_eq!(ask(&forge, USERS, &token).await.status, 200);
}

#[tokio::test]
async fn a_repository_opens_to_its_permission_and_a_higher_one_includes_the_lower() {
    let forge = forge().await;
    let repository = "/rest/api/1.0/projects/ACME/repos/web";
    for (permission, read, admin) in [
        ("REPO_READ", 200, 401),
        ("REPO_WRITE", 200, 401),
        ("REPO_ADMIN", 200, 200),
    ] {
        let token = http(&forge, [permission]);
        assert_eq!(ask(&forge, repository, &token).await.status, read, "{permission}");
        let branches = format!("{repository}/branches");
        assert_eq!(ask(&forge, &branches, &token).await.status, read, "{permission}");
        let webhooks = format!("{repository}/webhooks");
        assert_eq!(ask(&forge, &webhooks, &token).await.status, admin, "{permission}");
    }
    let token = http(&forge, ["REPO_READ"]);
    let list = ask(&forge, "/rest/api/latest/repos", &token).await.json();
    assert_eq!((&list["size"], &list["isLastPage"]), (&json!(2), &json!(true)));
    assert_eq!(list["values"][0]["project"]["key"], "ACME");
    let missing = ask(&forge, "/rest/api/latest/projects/ACME/repos/none", &token).await;
    assert_eq!(missing.status, 404);
    assert_eq!(
        exception(&missing),
        json!("com.atlassian.bitbucket.repository.NoSuchRepositoryException")
    );
}

#[tokio::test]
async fn the_version_is_told_to_anybody_but_not_to_a_bad_token() {
    let forge = forge().await;
    let path = "/rest/api/latest/application-properties";
    let answer = ask_as_nobody(&forge, path).await;
    assert_eq!(
        (answer.status, answer.json()["displayName"].as_str()),
        (200, Some("Bitbucket"))
    );
    let bad = Request::get(path).bearer("BBDC-nobodyknowsthisone");
    assert_eq!(bad.send(forge.address()).await.status, 401);
}
