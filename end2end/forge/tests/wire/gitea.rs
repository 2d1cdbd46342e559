//! Gitea and Forgejo: the same paths, and where their answers differ.

use forge::{Forge, IssuedToken, Provider, TokenKind};
use serde_json::json;

use crate::client::Request;
use crate::stage::{ask, ask_as_nobody, forge, token};

/// Each with its kind of token and where its API is.
const BOTH: [(TokenKind, Provider, &str); 2] = [
    (TokenKind::Gitea, Provider::Gitea, "/gitea/api/v1"),
    (TokenKind::Forgejo, Provider::Forgejo, "/forgejo/api/v1"),
];

async fn message(forge: &Forge, path: &str, token: &IssuedToken) -> (u16, String) {
    let answer = ask(forge, path, token).await;
    let message = answer.json()["message"].as_str().expect("a message").to_owned();
    (answer.status, message)
}

#[tokio::test]
async fn a_token_is_told_who_it_is_and_nothing_of_itself() {
    let forge = forge().await;
    for (kind, provider, api) in BOTH {
        let token = token(&forge, kind, ["write:repository", "read:user"]);
        assert_eq!(token.value.len(), 40);
        let answer = ask(&forge, &format!("{api}/user"), &token).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json()["login"], "ada");
        assert_eq!(answer.json()["id"], 4711);
        assert_eq!(answer.json()["email"], "ada@acme.example");
        let page = format!("{}/ada", forge.url_of(provider));
        assert_eq!(answer.json()["html_url"], page);
        assert_eq!(answer.header("x-oauth-scopes"), None);
        assert!(!answer.text().contains("write:repository"));
    }
}

#[tokio::test]
async fn a_token_goes_after_token_or_bearer_or_as_a_password() {
    let forge = forge().await;
    for (kind, _, api) in BOTH {
        let value = token(&forge, kind, ["read:user"]).value;
        let user = || Request::get(&format!("{api}/user"));
        for request in [
            user().bearer(&value),
            user().header("authorization", &format!("token {value}")),
            user().basic("anybody", &value),
        ] {
            assert_eq!(request.send(forge.address()).await.status, 200);
        }
        let elsewhere = user().header("private-token", &value);
        assert_eq!(elsewhere.send(forge.address()).await.status, 401);
    }
}

#[tokio::test]
async fn gitea_names_the_missing_scope_and_those_that_there_are() {
    let forge = forge().await;
    let token = token(&forge, TokenKind::Gitea, ["write:repository", "write:issue"]);
    let words = "token does not have at least one of required scope(s), required=[read:user], token \
                 scope=write:repository,write:issue";
    assert_eq!(
        message(&forge, "/gitea/api/v1/user", &token).await,
        (403, words.to_owned())
    );
}

#[tokio::test]
async fn forgejo_names_the_missing_scope_alone() {
    let forge = forge().await;
    let token = token(&forge, TokenKind::Forgejo, ["write:repository"]);
    let words = "token does not have at least one of required scope(s): [read:user]";
    assert_eq!(
        message(&forge, "/forgejo/api/v1/user", &token).await,
        (403, words.to_owned())
    );
    let words = "token does not have at least one of required scope(s): [read:user read:organization]";
    assert_eq!(
        message(&forge, "/forgejo/api/v1/user/orgs", &token).await,
        (403, words.to_owned())
    );
}

#[tokio::test]
async fn writing_includes_reading_and_all_includes_everything() {
    let forge = forge().await;
    for (kind, _, api) in BOTH {
        for (scopes, user, repository, orgs) in [
            (["write:user", "write:repository"], 200, 200, 403),
            (["read:user", "read:organization"], 200, 403, 200),
            (["all", "public-only"], 200, 200, 200),
        ] {
            let token = token(&forge, kind, scopes);
            for (path, status) in [
                ("user", user),
                ("repos/acme/web", repository),
                ("repos/acme/web/branches", repository),
                ("user/repos", repository),
                ("user/orgs", orgs),
            ] {
                let answer = ask(&forge, &format!("{api}/{path}"), &token).await;
                assert_eq!(answer.status, status, "{path} with {scopes:?}");
            }
        }
    }
}

#[tokio::test]
async fn a_bad_token_is_refused_everywhere_and_forgejo_says_it_back() {
    let forge = forge().await;
    for (kind, provider, api) in BOTH {
        let revoked = token(&forge, kind, ["all"]);
        forge.revoke_token(revoked.id).expect("it is there");
        let words = match provider {
            Provider::Forgejo => format!("access token does not exist [sha: {}]", revoked.value),
            _ => "invalid username, password or token".to_owned(),
        };
        for path in ["user", "version", "nothing"] {
            let answer = ask(&forge, &format!("{api}/{path}"), &revoked).await;
            assert_eq!(answer.status, 401);
            let swagger = format!("{}/api/swagger", forge.url_of(provider));
            assert_eq!(answer.json(), json!({ "message": words, "url": swagger }));
        }
        let nobody = ask_as_nobody(&forge, &format!("{api}/user")).await;
        assert_eq!(
            (nobody.status, &nobody.json()["message"]),
            (401, &json!("token is required"))
        );
    }
}

#[tokio::test]
async fn the_version_tells_the_two_apart() {
    let forge = forge().await;
    let gitea = ask_as_nobody(&forge, "/gitea/api/v1/version").await.json();
    assert_eq!(gitea, json!({ "version": "1.24.6" }));
    let forgejo = ask_as_nobody(&forge, "/forgejo/api/v1/version").await.json();
    assert!(
        forgejo["version"]
            .as_str()
            .is_some_and(|version| version.contains("+gitea-"))
    );
    let own = ask_as_nobody(&forge, "/forgejo/api/forgejo/v1/version").await;
    assert_eq!((own.status, own.json()), (200, forgejo));
    assert_eq!(ask_as_nobody(&forge, "/gitea/api/forgejo/v1/version").await.status, 404);
}

#[tokio::test]
async fn the_list_of_tokens_opens_to_the_password_and_to_no_token() {
    let forge = forge().await;
    for (kind, _, api) in BOTH {
        let token = token(&forge, kind, ["all"]);
        let path = format!("{api}/users/ada/tokens");
        assert_eq!(message(&forge, &path, &token).await, (401, "auth required".to_owned()));
        let list = Request::get(&path).basic("ada", "pw").send(forge.address()).await;
        assert_eq!(list.json()[0]["scopes"], json!(["all"]));
        assert_eq!(list.json()[0]["sha1"], "");
        assert_eq!(list.json()[0]["token_last_eight"], token.value[32..]);
        let seen = Request::get(&format!("{api}/user/repos")).basic("ada", "pw");
        assert_eq!(seen.send(forge.address()).await.json()[1]["full_name"], "ada/notes");
        let wrong = Request::get(&path).basic("ada", "wrong").send(forge.address()).await;
        assert_eq!(wrong.status, 401);
        let foreign = Request::get(&path).basic("grace", "pw").send(forge.address()).await;
        assert_eq!(foreign.status, 401);
        let remove = Request::new("DELETE", &format!("{path}/{}", token.id)).basic("ada", "pw");
        assert_eq!(remove.send(forge.address()).await.status, 204);
        assert_eq!(ask(&forge, &format!("{api}/user"), &token).await.status, 401);
    }
}

#[tokio::test]
async fn webhooks_are_shown_to_the_owner_alone_and_nothing_hidden_to_anybody() {
    let forge = forge().await;
    for (kind, _, api) in BOTH {
        let token = token(&forge, kind, ["read:repository"]);
        for (path, status) in [("ada/notes/hooks", 200), ("acme/web/hooks", 403), ("acme/none", 404)] {
            let answer = ask(&forge, &format!("{api}/repos/{path}"), &token).await;
            assert_eq!(answer.status, status, "{path}");
        }
    }
}

#[tokio::test]
async fn a_list_comes_in_pages_and_tells_how_much_there_is() {
    let forge = forge().await;
    for (kind, provider, api) in BOTH {
        let token = token(&forge, kind, ["read:user", "read:repository"]);
        let list = ask(&forge, &format!("{api}/user/repos?limit=1"), &token).await;
        assert_eq!(list.json()[0]["full_name"], "acme/web");
        assert_eq!(list.header("x-total-count"), Some("2"));
        let next = format!(
            "<{}/api/v1/user/repos?limit=1&page=2>; rel=\"next\"",
            forge.url_of(provider)
        );
        assert!(list.header("link").is_some_and(|link| link.starts_with(&next)));
    }
}

#[tokio::test]
async fn a_write_is_refused_and_recorded() {
    let forge = forge().await;
    for (kind, _, api) in BOTH {
        let token = token(&forge, kind, ["all"]);
        let request = Request::new("POST", &format!("{api}/user/repos")).bearer(&token.value);
        assert_eq!(request.send(forge.address()).await.status, 403);
    }
    assert_eq!(forge.writes().len(), 2);
}
