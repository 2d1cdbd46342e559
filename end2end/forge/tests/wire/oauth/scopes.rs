//! What is asked for, what is granted, and what a token then opens.

use forge::{NewOAuthApplication, OAuthApplicationChange, Provider, TokenKind};
use serde_json::json;

use super::{CALLBACK, CASES, Case, Tokens, parameter};
use crate::client::Request;
use crate::stage::forge;

#[tokio::test]
async fn the_tokens_are_of_a_kind_of_their_own_and_know_their_application() {
    for (provider, kind) in [
        (Provider::GitHub, TokenKind::Oauth),
        (Provider::GitLab, TokenKind::GitlabOauth),
        (Provider::BitbucketCloud, TokenKind::BitbucketOauth),
        (Provider::BitbucketDataCenter, TokenKind::BitbucketDataCenterOauth),
        (Provider::Gitea, TokenKind::GiteaOauth),
        (Provider::Forgejo, TokenKind::ForgejoOauth),
    ] {
        let forge = forge().await;
        let case = Case::of(provider);
        case.tokens(&forge, &case.register(&forge)).await;
        let tokens = forge.tokens();
        assert_eq!((tokens[0].kind, tokens[0].name.as_str()), (kind, "Patchbay <prod>"));
        assert_eq!(tokens[0].scopes, case.scopes);
    }
}

#[tokio::test]
async fn a_person_may_grant_less_than_was_asked_for() {
    for case in &CASES {
        let forge = forge().await;
        let application = forge.create_oauth_application(case.application().grants([case.scopes[0]]));
        case.tokens(&forge, &application).await;
        assert_eq!(forge.tokens()[0].scopes, [case.scopes[0]], "{case:?}");
        let change = OAuthApplicationChange {
            grants: Some(None),
            ..OAuthApplicationChange::default()
        };
        forge
            .change_oauth_application(application.id, change)
            .expect("it is there");
        case.tokens(&forge, &application).await;
        assert_eq!(forge.tokens()[1].scopes, case.scopes, "{case:?}");
    }
}

#[tokio::test]
async fn who_asks_for_nothing_gets_what_the_provider_thinks_right() {
    for (provider, scopes) in [
        (Provider::GitHub, vec![]),
        (Provider::GitLab, vec!["api"]),
        (Provider::BitbucketCloud, vec!["account"]),
        (Provider::BitbucketDataCenter, vec!["PUBLIC_REPOS"]),
        (Provider::Gitea, vec!["all"]),
        (Provider::Forgejo, vec!["all"]),
    ] {
        let forge = forge().await;
        let case = Case::of(provider);
        let mut application = NewOAuthApplication::new(provider, CALLBACK);
        if provider == Provider::BitbucketCloud {
            application = application.scopes(["account"]);
        }
        let application = forge.create_oauth_application(application);
        let code = case.code(&forge, &application, &[("scope", "")]);
        Tokens::of(&case.redeem(&forge, &application, &code, "").await);
        assert_eq!(forge.tokens()[0].scopes, scopes, "{provider:?}");
    }
}

#[tokio::test]
async fn gitlab_and_data_center_give_no_more_than_the_application_may_have() {
    for case in &CASES {
        let forge = forge().await;
        let application = case.register(&forge);
        let link = case.link(&forge, &application, &[("scope", "everything")]);
        let back = forge.approve(&link, "ada").expect("an address");
        let strict = matches!(case.provider, Provider::GitLab | Provider::BitbucketDataCenter);
        let error = parameter(&back, "error");
        assert_eq!(error.as_deref() == Some("invalid_scope"), strict, "{case:?}: {error:?}");
    }
}

#[tokio::test]
async fn a_consumer_of_bitbucket_gets_its_scopes_and_a_long_token_whatever_it_asks_for() {
    let forge = forge().await;
    let case = Case::of(Provider::BitbucketCloud);
    let application = case.register(&forge);
    let code = case.code(&forge, &application, &[("scope", "repository:admin")]);
    let answer = case.redeem(&forge, &application, &code, "").await;
    assert_eq!(answer.json()["scope"], "account repository:write");
    let tokens = Tokens::of(&answer);
    assert!(tokens.access.len() > 2_500);
    let user = Request::get(case.user)
        .bearer(&tokens.access)
        .send(forge.address())
        .await;
    assert_eq!(user.header("x-oauth-scopes"), Some("account, repository:write"));
    assert_eq!(user.header("x-accepted-oauth-scopes"), Some("account"));
    let basic = Request::get(case.user).basic("ada@acme.example", &tokens.access);
    assert_eq!(basic.send(forge.address()).await.status, 401);
}

#[tokio::test]
async fn a_token_opens_what_its_scopes_open() {
    for (provider, scopes, path, status) in [
        (Provider::GitHub, "gist", "/api/v3/user", 200),
        (Provider::GitHub, "gist", "/api/v3/repos/acme/web", 404),
        (Provider::GitLab, "read_user", "/api/v4/user", 200),
        (Provider::GitLab, "read_user", "/api/v4/projects/acme%2Fweb", 403),
        (Provider::GitLab, "write_repository", "/api/v4/user", 403),
        (Provider::BitbucketCloud, "repository", "/2.0/user", 403),
        (Provider::BitbucketCloud, "repository", "/2.0/user/workspaces", 403),
        (
            Provider::BitbucketCloud,
            "repository:write",
            "/2.0/repositories/acme/web",
            200,
        ),
        (
            Provider::BitbucketCloud,
            "repository:admin",
            "/2.0/repositories/acme/web",
            403,
        ),
        (Provider::BitbucketCloud, "account", "/2.0/user", 200),
        (Provider::BitbucketCloud, "account:write", "/2.0/user/workspaces", 200),
        (
            Provider::BitbucketCloud,
            "webhook",
            "/2.0/repositories/acme/web/hooks",
            200,
        ),
        (
            Provider::BitbucketDataCenter,
            "PUBLIC_REPOS",
            "/rest/api/latest/users/ada",
            200,
        ),
        (
            Provider::BitbucketDataCenter,
            "PUBLIC_REPOS",
            "/rest/api/latest/projects/ACME/repos/web",
            401,
        ),
        (
            Provider::BitbucketDataCenter,
            "REPO_WRITE",
            "/rest/api/latest/projects/ACME/repos/web",
            200,
        ),
        (Provider::Gitea, "write:repository", "/gitea/api/v1/user", 403),
        (Provider::Gitea, "write:repository", "/gitea/api/v1/repos/acme/web", 200),
        (Provider::Forgejo, "all", "/forgejo/api/v1/user", 200),
    ] {
        let forge = forge().await;
        let application = forge.create_oauth_application(NewOAuthApplication::new(provider, CALLBACK));
        let issued = forge
            .issue_grant(application.id, "ada", [scopes])
            .expect("both are there");
        let request = Request::get(path).bearer(&issued.access.value);
        let answer = request.send(forge.address()).await;
        assert_eq!(answer.status, status, "{scopes} at {path}: {}", answer.text());
    }
}

#[tokio::test]
async fn lists_of_personal_tokens_leave_out_what_applications_got() {
    for (provider, path) in [
        (Provider::BitbucketDataCenter, "/rest/access-tokens/latest/users/ada"),
        (Provider::Gitea, "/gitea/api/v1/users/ada/tokens"),
        (Provider::Forgejo, "/forgejo/api/v1/users/ada/tokens"),
    ] {
        let forge = forge().await;
        let case = Case::of(provider);
        let tokens = case.tokens(&forge, &case.register(&forge)).await;
        let request = Request::get(path);
        let request = match provider {
            Provider::BitbucketDataCenter => request.bearer(&tokens.access),
            _ => request.basic("ada", "pw"),
        };
        let list = request.send(forge.address()).await.json();
        let none = list.as_array().or_else(|| list["values"].as_array()).map(Vec::is_empty);
        assert_eq!(none, Some(true), "{list}");
    }
}

#[tokio::test]
async fn gitlab_tells_a_token_its_scopes_its_end_and_its_application() {
    let forge = forge().await;
    let case = Case::of(Provider::GitLab);
    let application = case.register(&forge);
    let tokens = case.tokens(&forge, &application).await;
    let info = Request::get("/oauth/token/info").bearer(&tokens.access);
    let info = info.send(forge.address()).await.json();
    assert_eq!(
        info,
        json!({
            "resource_owner_id": 4711,
            "scope": ["read_user", "read_api"],
            "expires_in": 7200,
            "application": { "uid": application.client_id },
            "created_at": crate::stage::NOW.unix_timestamp(),
        })
    );
}
