//! Bitbucket Data Center.
//!
//! Facts from Atlassian's documentation ("HTTP access tokens") and from PROVIDERS.md.

use super::{About, Rules, TokenSort, never, nothing};
use crate::{
    guide::{Guide, pieces_of},
    oauth::{AuthorizationServer, Registration, RevocationWay},
    token_format::TokenFormat,
};
use std::time::Duration;

const TOKENS_PAGE: &str = "/plugins/servlet/access-tokens/manage";

pub(super) const ABOUT: About = About {
    word: "bitbucket_data_center",
    name: "Bitbucket Data Center",
    public: "",
    own: "your Bitbucket Data Center",
    api_path: "/rest",
    api_elsewhere: never,
    // Tokens of older versions have no prefix.
    formats: &[TokenFormat::personal(
        "BBDC-",
        "Bitbucket Data Center HTTP access token",
    )],
};

/// Facts from Atlassian's documentation ("Bitbucket OAuth 2.0 provider API", "Configure an incoming link").
const OAUTH: AuthorizationServer = AuthorizationServer {
    authorize_path: "/rest/oauth2/latest/authorize",
    token_path: "/rest/oauth2/latest/token",
    authorizations_path: "/plugins/servlet/oauth/users/access-tokens",
    revocation: RevocationWay::None,
    pkce: true,
    basic: false,
    sort: "token",
    beside: &[],
    refresh_lifetime: Some(Duration::from_hours(90 * 24)),
    registration: |base_url| Registration {
        page: format!("{base_url}/plugins/servlet/applinks/listApplicationLinks"),
        steps: vec![
            "Sign in as an administrator and go to |*Administration › Application links|.".to_owned(),
            "Choose |*Create link › External application › Incoming|, and name it.".to_owned(),
            "Paste the callback URL as |*Redirect URL|, tick the permission below, and choose |*Save|.".to_owned(),
            "Copy |*Client ID| and |*Client secret| into the fields here.".to_owned(),
        ],
    },
};

pub(super) const RULES: Rules = Rules {
    placeholder: "BBDC-…",
    username: None,
    sorts: &TokenSort::only(&["REPO_WRITE"], &["REPO_ADMIN"]),
    tells_expiry: true,
    covers: |granted, wanted| implied(granted).contains(&wanted),
    git_username: |_, _, login| login.to_owned(),
    generate_url: |base_url, _, _| format!("{base_url}{TOKENS_PAGE}"),
    offers: nothing,
    guide: |base_url, scopes| Guide {
        filled_in: false,
        tokens_page: format!("{base_url}{TOKENS_PAGE}"),
        steps: vec![
            "Sign in to your Bitbucket.".to_owned(),
            "Go to |*Manage account › HTTP access tokens|.".to_owned(),
            format!(
                "Choose |*Create token|, name it, set an expiry and give it the permission |*Repository write|, to the API {}",
                pieces_of(scopes)
            ),
            "*Create|, copy it and paste it here.".to_owned(),
        ],
        remark: String::new(),
    },
    oauth: Some(&OAUTH),
};

/// Everything that a granted permission covers besides itself. Whoever may read a repository may see its project.
fn implied(permission: &str) -> &'static [&'static str] {
    match permission {
        "REPO_READ" => &["PROJECT_READ"],
        "REPO_WRITE" => &["REPO_READ", "PROJECT_READ"],
        "REPO_ADMIN" => &["REPO_WRITE", "REPO_READ", "PROJECT_READ"],
        "PROJECT_READ" => &["REPO_READ"],
        "PROJECT_WRITE" => &["PROJECT_READ", "REPO_WRITE", "REPO_READ"],
        "PROJECT_ADMIN" => &["PROJECT_WRITE", "PROJECT_READ", "REPO_ADMIN", "REPO_WRITE", "REPO_READ"],
        _ => &[],
    }
}
