//! Reads within repositories: what can be learnt of a token's permissions without writing.

use forge::{Account, Forge, Level, NewToken, Repository};

use crate::client::{Answer, Request};

async fn forge() -> Forge {
    let forge = Forge::start().await;
    forge.put_account("ada", Account::with_password("pw"));
    forge.put_repository("acme", "web", Repository::private());
    forge.put_repository("acme", "site", Repository::public());
    forge
}

async fn get(forge: &Forge, path: &str, token: &str) -> Answer {
    Request::get(path).bearer(token).send(forge.address()).await
}

fn make(forge: &Forge, token: NewToken) -> String {
    forge.create_token(token).expect("the account is there").value
}

#[tokio::test]
async fn each_read_needs_its_own_permission_and_names_it_when_refusing() {
    let forge = forge().await;
    let metadata = make(&forge, NewToken::fine_grained("ada", [("metadata", Level::Read)]));
    for (path, permission) in [
        ("contents", "contents"),
        ("contents/README.md", "contents"),
        ("branches", "contents"),
        ("branches/main", "contents"),
        ("git/ref/heads/main", "contents"),
        ("git/matching-refs/heads", "contents"),
        ("commits", "contents"),
        ("pulls", "pull_requests"),
        ("commits/main/status", "statuses"),
        ("hooks", "repository_hooks"),
        ("keys", "administration"),
        ("autolinks", "administration"),
        ("teams", "administration"),
        ("actions/permissions", "administration"),
    ] {
        let path = format!("/api/v3/repos/acme/web/{path}");
        let refused = get(&forge, &path, &metadata).await;
        assert_eq!(refused.status, 403, "{path}");
        assert_eq!(
            refused.json()["message"],
            "Resource not accessible by personal access token"
        );
        assert_eq!(refused.json()["status"], "403");
        let needed = format!("{permission}=read");
        assert_eq!(
            refused.header("x-accepted-github-permissions"),
            Some(needed.as_str()),
            "{path}"
        );
        for level in [Level::Read, Level::Write] {
            let granted = make(&forge, NewToken::fine_grained("ada", [(permission, level)]));
            assert_eq!(get(&forge, &path, &granted).await.status, 200, "{path} at {level:?}");
        }
    }
}

#[tokio::test]
async fn any_repository_permission_brings_metadata() {
    let forge = forge().await;
    let token = make(&forge, NewToken::fine_grained("ada", [("contents", Level::Read)]));
    let answer = get(&forge, "/api/v3/repos/acme/web", &token).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.json()["full_name"], "acme/web");
    assert_eq!(answer.json()["private"], true);
    assert_eq!(answer.header("x-accepted-github-permissions"), Some("metadata=read"));
}

#[tokio::test]
async fn a_repository_that_a_token_cannot_see_is_not_found() {
    let forge = forge().await;
    forge.put_repository(
        "acme",
        "vault",
        Repository {
            private: true,
            visible_to: Some(vec!["grace".to_owned()]),
        },
    );
    let chosen = NewToken::fine_grained("ada", [("contents", Level::Read)]).only_repositories(["acme/site"]);
    for token in [
        make(&forge, chosen),
        make(&forge, NewToken::fine_grained("ada", [("contents", Level::Read); 0])),
        make(&forge, NewToken::classic("ada", ["public_repo"])),
    ] {
        let answer = get(&forge, "/api/v3/repos/acme/web", &token).await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.json()["message"], "Not Found");
    }
    let member_elsewhere = make(&forge, NewToken::classic("ada", ["repo"]));
    assert_eq!(
        get(&forge, "/api/v3/repos/acme/vault", &member_elsewhere).await.status,
        404
    );
}

#[tokio::test]
async fn a_public_repository_shows_its_contents_to_all_but_not_its_administration() {
    let forge = forge().await;
    let token = make(&forge, NewToken::fine_grained("ada", [("contents", Level::Read); 0]));
    assert_eq!(
        get(&forge, "/api/v3/repos/acme/site/contents/README.md", &token)
            .await
            .status,
        200
    );
    assert_eq!(get(&forge, "/api/v3/repos/acme/site/keys", &token).await.status, 403);
    assert_eq!(get(&forge, "/api/v3/repos/acme/site/hooks", &token).await.status, 403);
    let nobody = Request::get("/api/v3/repos/acme/site").send(forge.address()).await;
    assert_eq!(nobody.status, 200);
}

#[tokio::test]
async fn a_classic_token_reads_private_repositories_with_repo_and_webhooks_with_a_hook_scope() {
    let forge = forge().await;
    let repo = make(&forge, NewToken::classic("ada", ["repo"]));
    let answer = get(&forge, "/api/v3/repos/acme/web/contents", &repo).await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-accepted-oauth-scopes"), Some("repo"));
    let hooks = make(&forge, NewToken::classic("ada", ["read:repo_hook"]));
    assert_eq!(get(&forge, "/api/v3/repos/acme/site/hooks", &hooks).await.status, 200);
    let gist = make(&forge, NewToken::classic("ada", ["gist"]));
    assert_eq!(get(&forge, "/api/v3/repos/acme/site/hooks", &gist).await.status, 404);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_a_404_that_differs_from_a_missing_permission() {
    let forge = forge().await;
    let token = make(&forge, NewToken::fine_grained("ada", [("contents", Level::Read)]));
    assert_eq!(
        get(&forge, "/api/v3/repos/acme/web/contents/none", &token).await.status,
        404
    );
    assert_eq!(get(&forge, "/api/v3/repos/acme/web/pulls", &token).await.status, 403);
}

#[tokio::test]
async fn the_list_of_repositories_holds_what_the_token_sees_page_by_page() {
    let forge = forge().await;
    let token = make(&forge, NewToken::classic("ada", ["repo"]));
    let first = get(&forge, "/api/v3/user/repos?per_page=1", &token).await;
    assert_eq!(first.json().as_array().map(Vec::len), Some(1));
    let link = first.header("link").expect("there is more");
    assert!(link.contains("page=2>; rel=\"next\""), "{link}");
    let second = get(&forge, "/api/v3/user/repos?per_page=1&page=2", &token).await;
    assert_eq!(second.json()[0]["full_name"], "acme/site");
    assert_eq!(second.header("link"), None);
    let public = make(&forge, NewToken::classic("ada", ["gist"]));
    assert_eq!(
        get(&forge, "/api/v3/user/repos", &public)
            .await
            .json()
            .as_array()
            .map(Vec::len),
        Some(1)
    );
}

#[tokio::test]
async fn single_sign_on_closes_the_organisation_but_not_the_user() {
    let forge = forge().await;
    forge.put_repository("ada", "notes", Repository::private());
    let url = "https://github.example/orgs/acme/sso?authorization_request=AZSCKtL4";
    let token = make(&forge, NewToken::classic("ada", ["repo"]).sso_required(url));
    assert_eq!(get(&forge, "/api/v3/user", &token).await.status, 200);
    assert_eq!(get(&forge, "/api/v3/repos/ada/notes", &token).await.status, 200);
    let refused = get(&forge, "/api/v3/repos/acme/web", &token).await;
    assert_eq!(refused.status, 403);
    assert_eq!(
        refused.header("x-github-sso"),
        Some(format!("required; url={url}").as_str())
    );
    assert!(
        refused.json()["message"]
            .as_str()
            .is_some_and(|text| text.contains("SAML enforcement"))
    );
    let list = get(&forge, "/api/v3/user/repos", &token).await;
    assert_eq!(list.json().as_array().map(Vec::len), Some(1));
    assert!(
        list.header("x-github-sso")
            .is_some_and(|value| value.starts_with("partial-results; organizations="))
    );
}

#[tokio::test]
async fn a_write_is_refused_and_recorded() {
    let forge = forge().await;
    let token = make(&forge, NewToken::classic("ada", ["repo"]));
    for (method, path) in [
        ("POST", "/api/v3/repos/acme/web/hooks"),
        ("PATCH", "/api/v3/user"),
        ("DELETE", "/api/v3/anything"),
    ] {
        let write = Request::new(method, path).header("user-agent", "test").bearer(&token);
        assert_eq!(write.send(forge.address()).await.status, 403, "{method} {path}");
    }
    let writes = forge.writes();
    assert_eq!(
        writes.iter().map(|write| write.method.as_str()).collect::<Vec<_>>(),
        ["POST", "PATCH", "DELETE"]
    );
}
