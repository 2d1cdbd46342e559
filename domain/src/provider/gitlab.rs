//! GitLab.com and self-managed GitLab.
//!
//! Facts from GitLab's documentation ("Personal access tokens", "GitLab token overview") and from PROVIDERS.md.

use super::{About, Rules, TokenSort, never};
use crate::{
    guide::{Guide, pieces_of, with_query},
    oauth::{AuthorizationServer, Registration, RevocationWay},
    revocation::Offers,
    scope::joined,
    token_format::TokenFormat,
};

const TOKENS_PAGE: &str = "/-/user_settings/personal_access_tokens";

pub(super) const ABOUT: About = About {
    word: "gitlab",
    name: "GitLab",
    public: "https://gitlab.com",
    own: "your own GitLab",
    api_path: "/api/v4",
    api_elsewhere: never,
    formats: &[
        // An administrator may change this prefix. Tokens of projects and groups have it too.
        TokenFormat::personal("glpat-", "GitLab personal access token"),
        TokenFormat::other("gldt-", "GitLab deploy token"),
        TokenFormat::other("glrt-", "GitLab runner token"),
        TokenFormat::other("glcbt-", "GitLab job token"),
    ],
};

/// Facts from GitLab's documentation ("OAuth 2.0 identity provider API", "Configure GitLab as an OAuth 2.0 provider").
const OAUTH: AuthorizationServer = AuthorizationServer {
    authorize_path: "/oauth/authorize",
    token_path: "/oauth/token",
    authorizations_path: "/-/user_settings/applications",
    revocation: RevocationWay::Standard("/oauth/revoke"),
    pkce: true,
    basic: false,
    sort: "token",
    beside: &[],
    refresh_lifetime: None,
    registration: |base_url| Registration {
        page: format!("{base_url}/-/user_settings/applications"),
        steps: vec![
            "Sign in, and for an application of a group go to its |*Settings › Applications|.".to_owned(),
            "Choose |*Add new application|, name it, and paste the callback URL as |*Redirect URI|.".to_owned(),
            "Leave |*Confidential| ticked, tick the scopes below, and choose |*Save application|.".to_owned(),
            "Copy |*Application ID| and |*Secret| into the fields here.".to_owned(),
        ],
    },
};

pub(super) const RULES: Rules = Rules {
    placeholder: "glpat-…",
    username: None,
    sorts: &TokenSort::only(&["write_repository", "read_api"], &["api"]),
    tells_expiry: true,
    covers: |granted, wanted| implied(granted).contains(&wanted),
    git_username: |_, _, _| "oauth2".to_owned(),
    generate_url: |base_url, name, scopes| {
        let query = [("name", name), ("scopes", &joined(scopes))];
        with_query(&format!("{base_url}{TOKENS_PAGE}"), &query)
    },
    // By itself; an older GitLab says then that it cannot.
    offers: |_| Offers {
        rotation: true,
        revocation: true,
    },
    guide: |base_url, scopes| Guide {
        filled_in: true,
        tokens_page: format!("{base_url}{TOKENS_PAGE}"),
        steps: vec![
            "Sign in to your GitLab account.".to_owned(),
            "Go to |*Edit profile › Access › Personal access tokens|.".to_owned(),
            "Choose |*Add new token|, name it and set an expiration date.".to_owned(),
            format!("Select {}", pieces_of(scopes)),
            "*Create token|, copy it and paste it here.".to_owned(),
        ],
        remark: "The token ends at the start of its expiration date, at 00:00 UTC.".to_owned(),
    },
    oauth: Some(&OAUTH),
};

/// Everything that a granted scope covers besides itself.
fn implied(scope: &str) -> &'static [&'static str] {
    match scope {
        "api" => &[
            "read_api",
            "read_user",
            "read_repository",
            "write_repository",
            "read_registry",
            "write_registry",
            "create_runner",
            "manage_runner",
            "k8s_proxy",
            "self_rotate",
        ],
        "read_api" => &["read_user"],
        "write_repository" => &["read_repository"],
        "write_registry" => &["read_registry"],
        _ => &[],
    }
}
