//! The web: signing in, and making a token by the prefilled links.

use forge::{Account, Forge};

use crate::client::{Answer, Request};

async fn forge() -> Forge {
    let forge = Forge::start().await;
    forge.put_account("ada", Account::with_password("pw"));
    forge
}

async fn sign_in(forge: &Forge, fields: &[(&str, &str)]) -> Answer {
    Request::new("POST", "/session")
        .form(fields)
        .send(forge.address())
        .await
}

async fn signed_in(forge: &Forge) -> String {
    sign_in(forge, &[("login", "ada"), ("password", "pw")]).await.cookie()
}

async fn visit(forge: &Forge, path: &str, cookie: &str) -> Answer {
    Request::get(path).header("cookie", cookie).send(forge.address()).await
}

async fn submit(forge: &Forge, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Answer {
    Request::new("POST", path)
        .header("cookie", cookie)
        .form(fields)
        .send(forge.address())
        .await
}

/// The value between the tags of the element with the id `new-token`.
fn shown_token(page: &str) -> Option<&str> {
    page.split_once("id=\"new-token\">")
        .and_then(|(_, rest)| rest.split_once('<'))
        .map(|(value, _)| value)
}

#[tokio::test]
async fn every_page_says_that_it_is_a_stand_in() {
    let forge = forge().await;
    for path in ["/", "/login", "/sessions/two-factor"] {
        let page = Request::get(path).send(forge.address()).await;
        assert_eq!(page.status, 200);
        assert!(
            page.text().contains("forge</a> – a stand-in for Git providers"),
            "{path}"
        );
    }
}

#[tokio::test]
async fn a_password_signs_in_and_the_home_page_tells_who() {
    let forge = forge().await;
    let answer = sign_in(&forge, &[("login", "ADA"), ("password", "pw")]).await;
    assert_eq!((answer.status, answer.header("location")), (303, Some("/")));
    assert!(
        answer
            .header("set-cookie")
            .is_some_and(|cookie| cookie.ends_with("; Path=/; HttpOnly; SameSite=Lax"))
    );
    let cookie = answer.cookie();
    assert!(
        visit(&forge, "/", &cookie)
            .await
            .text()
            .contains("Signed in as <strong>ada</strong>")
    );
    submit(&forge, "/logout", &cookie, &[]).await;
    assert!(visit(&forge, "/", &cookie).await.text().contains("Nobody is signed in"));
}

#[tokio::test]
async fn a_wrong_password_signs_nobody_in() {
    let forge = forge().await;
    let answer = sign_in(
        &forge,
        &[
            ("login", "ada"),
            ("password", "guess"),
            ("return_to", "/settings/tokens"),
        ],
    )
    .await;
    assert_eq!(answer.status, 401);
    assert_eq!(answer.header("set-cookie"), None);
    assert!(answer.text().contains("role=\"alert\">Incorrect username or password."));
    assert!(answer.text().contains("value=\"/settings/tokens\""));
}

#[tokio::test]
async fn a_second_factor_stands_between_the_password_and_the_page() {
    let forge = Forge::start().await;
    let account = Account {
        second_factor: Some("123456".to_owned()),
        ..Account::with_password("pw")
    };
    forge.put_account("ada", account);
    let answer = sign_in(
        &forge,
        &[("login", "ada"), ("password", "pw"), ("return_to", "/settings/tokens")],
    )
    .await;
    assert_eq!(
        answer.header("location"),
        Some("/sessions/two-factor?return_to=%2Fsettings%2Ftokens")
    );
    let cookie = answer.cookie();
    assert_eq!(visit(&forge, "/settings/tokens", &cookie).await.status, 303);
    let wrong = submit(&forge, "/sessions/two-factor", &cookie, &[("code", "000000")]).await;
    assert_eq!(wrong.status, 401);
    assert_eq!(visit(&forge, "/settings/tokens", &cookie).await.status, 303);
    let fields = [("code", "123456"), ("return_to", "/settings/tokens")];
    let right = submit(&forge, "/sessions/two-factor", &cookie, &fields).await;
    assert_eq!(
        (right.status, right.header("location")),
        (303, Some("/settings/tokens"))
    );
    assert_eq!(visit(&forge, "/settings/tokens", &cookie).await.status, 200);
}

#[tokio::test]
async fn a_prefilled_link_comes_back_whole_after_the_sign_in() {
    let forge = forge().await;
    let link = "/settings/tokens/new?description=Patchbay&scopes=repo,admin:repo_hook";
    let answer = Request::get(link).send(forge.address()).await;
    let encoded =
        "/login?return_to=%2Fsettings%2Ftokens%2Fnew%3Fdescription%3DPatchbay%26scopes%3Drepo%2Cadmin%3Arepo_hook";
    assert_eq!((answer.status, answer.header("location")), (303, Some(encoded)));
    let form = Request::get(encoded).send(forge.address()).await.text();
    assert!(form.contains("value=\"/settings/tokens/new?description=Patchbay&amp;scopes=repo,admin:repo_hook\""));
    let return_to = encoded.trim_start_matches("/login?return_to=");
    let answer = sign_in(
        &forge,
        &[("login", "ada"), ("password", "pw"), ("return_to", return_to)],
    )
    .await;
    assert_eq!(answer.header("location"), Some(link));
}

#[tokio::test]
async fn a_sign_in_never_returns_to_another_host() {
    let forge = forge().await;
    for elsewhere in [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "/%0d%0ax:y",
    ] {
        let fields = [("login", "ada"), ("password", "pw"), ("return_to", elsewhere)];
        assert_eq!(
            sign_in(&forge, &fields).await.header("location"),
            Some("/"),
            "{elsewhere}"
        );
    }
}

#[tokio::test]
async fn the_form_for_a_classic_token_is_filled_in_from_the_link() {
    let forge = forge().await;
    let cookie = signed_in(&forge).await;
    let link = "/settings/tokens/new?description=Argo+%22prod%22&scopes=repo,admin:repo_hook";
    let page = visit(&forge, link, &cookie).await.text();
    assert!(page.contains("name=\"description\" value=\"Argo &quot;prod&quot;\""));
    assert!(page.contains("value=\"repo\" checked>"));
    assert!(page.contains("value=\"admin:repo_hook\" checked>"));
    assert!(page.contains("value=\"gist\">"));
}

#[tokio::test]
async fn a_classic_token_is_shown_once_and_works() {
    let forge = forge().await;
    let cookie = signed_in(&forge).await;
    let fields = [
        ("description", "Argo"),
        ("expires_in", "90"),
        ("scopes", "repo"),
        ("scopes", "gist"),
    ];
    let answer = submit(&forge, "/settings/tokens", &cookie, &fields).await;
    assert_eq!(
        (answer.status, answer.header("location")),
        (303, Some("/settings/tokens"))
    );
    let page = visit(&forge, "/settings/tokens", &cookie).await.text();
    let value = shown_token(&page).expect("the new token").to_owned();
    assert!(value.starts_with("ghp_"));
    let again = visit(&forge, "/settings/tokens", &cookie).await.text();
    assert!(again.contains("Argo") && !again.contains(&value));
    let user = Request::get("/api/v3/user").bearer(&value).send(forge.address()).await;
    assert_eq!(user.json()["login"], "ada");
    assert_eq!(user.header("x-oauth-scopes"), Some("repo, gist"));
    assert!(user.header("github-authentication-token-expiration").is_some());
}

#[tokio::test]
async fn a_fine_grained_token_is_made_with_the_permissions_of_the_link() {
    let forge = forge().await;
    let cookie = signed_in(&forge).await;
    let link = "/settings/personal-access-tokens/new?name=Patchbay&expires_in=60&contents=write";
    let page = visit(&forge, link, &cookie).await.text();
    assert!(page.contains("name=\"name\" value=\"Patchbay\""));
    assert!(page.contains("<option value=\"60\" selected>"));
    assert!(page.contains("<option value=\"write\" selected>Read and write"));
    let fields = [
        ("name", "Patchbay"),
        ("expires_in", "none"),
        ("contents", "write"),
        ("repositories", "acme/web"),
    ];
    submit(&forge, "/settings/personal-access-tokens", &cookie, &fields).await;
    let page = visit(&forge, "/settings/personal-access-tokens", &cookie).await.text();
    assert!(shown_token(&page).is_some_and(|value| value.starts_with("github_pat_")));
    let token = &forge.tokens()[0];
    assert_eq!(token.permissions.get("contents"), Some(&forge::Level::Write));
    assert_eq!(token.expires_at, None);
}

#[tokio::test]
async fn a_token_deleted_on_the_page_is_revoked_but_not_by_another_person() {
    let forge = forge().await;
    forge.put_account("grace", Account::with_password("pw"));
    let token = forge
        .create_token(forge::NewToken::classic("ada", ["repo"]))
        .expect("the account is there");
    let path = format!("/settings/tokens/{}/delete", token.id);
    let grace = sign_in(&forge, &[("login", "grace"), ("password", "pw")])
        .await
        .cookie();
    assert_eq!(submit(&forge, &path, &grace, &[]).await.status, 404);
    assert!(!forge.tokens()[0].revoked);
    let ada = signed_in(&forge).await;
    assert_eq!(submit(&forge, &path, &ada, &[]).await.status, 303);
    assert!(forge.tokens()[0].revoked);
}
