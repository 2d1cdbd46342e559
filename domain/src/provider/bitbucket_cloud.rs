//! Bitbucket Cloud.
//!
//! Facts from Atlassian's documentation ("API tokens", "Access tokens", "Bitbucket OAuth 2.0 scopes", the changelog entries on
//! app passwords) and from PROVIDERS.md.

use super::{About, Rules, TokenSort, UsernameField, nothing};
use crate::{
    guide::{Guide, pieces_of},
    oauth::{AuthorizationServer, Registration, RevocationWay},
    token_format::{TokenFormat, Username},
};
use std::time::Duration;

const API_TOKEN: &str = "ATATT";
const ACCESS_TOKEN: &str = "ATCTT";
const APP_PASSWORD: &str = "ATBB";
/// Where a person manages the API tokens of an Atlassian account. It takes nothing to fill in.
const TOKENS_PAGE: &str = "https://id.atlassian.com/manage-profile/security/api-tokens";

pub(super) const ABOUT: About = About {
    word: "bitbucket_cloud",
    name: "Bitbucket Cloud",
    public: "https://bitbucket.org",
    own: "",
    api_path: "/2.0",
    api_elsewhere: |host| (host == "bitbucket.org").then(|| "https://api.bitbucket.org/2.0".to_owned()),
    formats: &[
        TokenFormat::personal(API_TOKEN, "Bitbucket API token").beside(
            Username::Email,
            "It goes with the e-mail address of your Atlassian account.",
        ),
        TokenFormat::personal(ACCESS_TOKEN, "Bitbucket access token")
            .beside(Username::None, "It goes alone, without a username."),
        TokenFormat::personal(APP_PASSWORD, "Bitbucket app password")
            .beside(
                Username::Name,
                "bitbucket.org has switched app passwords off since 2026-07-28. Generate an API token instead.",
            )
            .ended(),
    ],
};

/// Facts from Atlassian's documentation ("Use OAuth on Bitbucket Cloud").
const OAUTH: AuthorizationServer = AuthorizationServer {
    authorize_path: "/site/oauth2/authorize",
    token_path: "/site/oauth2/access_token",
    authorizations_path: "/account/settings/app-authorizations/",
    revocation: RevocationWay::None,
    pkce: false,
    basic: true,
    sort: "access_token",
    beside: &["account"],
    refresh_lifetime: Some(Duration::from_hours(90 * 24)),
    registration: |base_url| {
        Registration {
        page: base_url.to_owned(),
        steps: vec![
            "Sign in and go to |*Workspace settings › OAuth consumers|.".to_owned(),
            "Choose |*Add consumer|, name it, paste the callback URL as |*Callback URL|, and tick |*This is a private consumer|.".to_owned(),
            "Tick the permissions below: |*Account: Read| and |*Repositories: Write|, and choose |*Save|.".to_owned(),
            "Copy |*Key| and |*Secret| into the fields here.".to_owned(),
        ],
    }
    },
};

pub(super) const RULES: Rules = Rules {
    placeholder: "ATATT… or ATCTT…",
    username: Some(UsernameField {
        label: "Bitbucket username or Atlassian e-mail",
        hint: "API token: the e-mail address of your Atlassian account. App password: your Bitbucket username. Access token of a \
               workspace, project or repository: leave it empty.",
        unknown_format: Username::Optional,
    }),
    sorts: &[
        TokenSort {
            word: "api_token",
            name: "API token",
            prefixes: &[API_TOKEN],
            user: &[
                "read:user:bitbucket",
                "read:workspace:bitbucket",
                "read:repository:bitbucket",
                "write:repository:bitbucket",
            ],
            runtime: &[
                "read:user:bitbucket",
                "read:workspace:bitbucket",
                "read:repository:bitbucket",
                "write:repository:bitbucket",
                "admin:repository:bitbucket",
                "read:webhook:bitbucket",
                "write:webhook:bitbucket",
            ],
        },
        TokenSort {
            word: "access_token",
            name: "Access token of a workspace, project or repository",
            prefixes: &[ACCESS_TOKEN],
            user: &["repository:write"],
            runtime: &["repository:write", "repository:admin", "webhook"],
        },
        TokenSort {
            word: "app_password",
            name: "App password",
            prefixes: &[APP_PASSWORD],
            user: &["account", "team", "repository:write"],
            runtime: &["account", "team", "repository:write", "repository:admin", "webhook"],
        },
    ],
    tells_expiry: false,
    covers: |granted, wanted| implied(granted).contains(&wanted),
    git_username: |format, username, _| match format.map(|format| format.prefix) {
        Some(API_TOKEN) => "x-bitbucket-api-token-auth".to_owned(),
        _ => username.unwrap_or("x-token-auth").to_owned(),
    },
    generate_url: |_, _, _| TOKENS_PAGE.to_owned(),
    offers: nothing,
    guide: |_, scopes| {
        Guide {
        filled_in: false,
        tokens_page: TOKENS_PAGE.to_owned(),
        steps: vec![
            "Sign in to your Atlassian account.".to_owned(),
            "Go to |*Security › Create and manage API tokens|.".to_owned(),
            "Choose |*Create API token with scopes|, name it, set an expiration date within a year, and choose |*Bitbucket|.".to_owned(),
            format!("Select {}", pieces_of(scopes)),
            "*Create token|, copy it and paste it here, with the e-mail address of that account.".to_owned(),
        ],
        remark: "An access token of a workspace, project or repository (ATCTT…) works as well: it needs Repositories: Write, and no \
                 username. App passwords (ATBB…) no longer work: bitbucket.org has switched them off since 2026-07-28."
            .to_owned(),
    }
    },
    oauth: Some(&OAUTH),
};

/// Everything that a granted scope covers besides itself. The scopes of API tokens cover nothing: neither write nor admin
/// includes read.
fn implied(scope: &str) -> &'static [&'static str] {
    match scope {
        "repository:write" | "pullrequest" => &["repository"],
        "pullrequest:write" => &["pullrequest", "repository:write", "repository"],
        "account:write" => &["account", "email"],
        "account" => &["email"],
        "team:write" => &["team"],
        _ => &[],
    }
}
