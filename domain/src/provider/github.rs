//! GitHub.com and GitHub Enterprise Server.
//!
//! Facts from GitHub's documentation ("Managing your personal access tokens", "Scopes for OAuth apps", "REST API endpoints
//! for revocation", "Getting started with the REST API") and from PROVIDERS.md.

use super::{About, Rules, TokenSort};
use crate::{
    guide::{Guide, pieces_of, with_query},
    oauth::{AuthorizationServer, Registration, RevocationWay},
    revocation::Offers,
    scope::joined,
    token_format::TokenFormat,
};

const CLASSIC: &str = "ghp_";
const FINE_GRAINED: &str = "github_pat_";

pub(super) const ABOUT: About = About {
    word: "github",
    name: "GitHub",
    public: "https://github.com",
    own: "your GitHub Enterprise Server",
    api_path: "/api/v3",
    api_elsewhere,
    formats: &[
        TokenFormat::personal(CLASSIC, "GitHub personal access token (classic)"),
        TokenFormat::personal(FINE_GRAINED, "GitHub fine-grained personal access token"),
        TokenFormat::other("gho_", "GitHub OAuth access token"),
        TokenFormat::other("ghu_", "GitHub App user access token"),
        TokenFormat::other("ghs_", "GitHub App installation token"),
        // It opens nothing itself.
        TokenFormat::other("ghr_", "GitHub refresh token"),
    ],
};

/// Facts from GitHub's documentation ("Authorizing OAuth apps", "REST API endpoints for OAuth authorizations").
const OAUTH: AuthorizationServer = AuthorizationServer {
    authorize_path: "/login/oauth/authorize",
    token_path: "/login/oauth/access_token",
    authorizations_path: "/settings/applications",
    revocation: RevocationWay::GitHub,
    pkce: true,
    basic: false,
    sort: "classic",
    beside: &[],
    // Its answers tell.
    refresh_lifetime: None,
    registration: |base_url| {
        Registration {
        page: format!("{base_url}/settings/applications/new"),
        steps: vec![
            "Sign in, and for an application of your organization go to its |*Settings › Developer settings › OAuth apps|.".to_owned(),
            "Choose |*New OAuth app|, name it, and enter this address as its |*Homepage URL|.".to_owned(),
            "Paste the callback URL as |*Authorization callback URL| and choose |*Register application|.".to_owned(),
            "*Generate a new client secret|, and copy |*Client ID| and the secret into the fields here.".to_owned(),
        ],
    }
    },
};

pub(super) const RULES: Rules = Rules {
    placeholder: "ghp_… or github_pat_…",
    username: None,
    sorts: &[
        TokenSort {
            word: "classic",
            name: "Classic token",
            prefixes: &["ghp_"],
            user: &["repo"],
            runtime: &["repo", "admin:repo_hook"],
        },
        TokenSort {
            word: "fine_grained",
            name: "Fine-grained token",
            prefixes: &[FINE_GRAINED],
            user: &["metadata:read", "contents:read", "contents:write"],
            runtime: &[
                "metadata:read",
                "contents:read",
                "contents:write",
                "administration:write",
                "statuses:write",
                "pull_requests:write",
                "repository_hooks:write",
            ],
        },
    ],
    tells_expiry: true,
    covers: |granted, wanted| implied(granted).contains(&wanted),
    // Any name that is not empty will do.
    git_username: |_, _, _| "x-access-token".to_owned(),
    generate_url: |base_url, name, scopes| {
        let query = [("description", name), ("scopes", &joined(scopes))];
        with_query(&format!("{base_url}/settings/tokens/new"), &query)
    },
    offers: |format| Offers {
        rotation: false,
        // Its list of what it revokes names these two alone ("REST API endpoints for revocation").
        revocation: format.is_some_and(|format| matches!(format.prefix, CLASSIC | FINE_GRAINED)),
    },
    guide: |base_url, scopes| Guide {
        filled_in: true,
        tokens_page: format!("{base_url}/settings/tokens"),
        steps: vec![
            "Sign in to your GitHub account.".to_owned(),
            "Go to |*Settings › Developer settings › Personal access tokens › Tokens (classic)|.".to_owned(),
            "Choose |*Generate new token (classic)|, name it and set an expiration date.".to_owned(),
            format!("Select {}", pieces_of(scopes)),
            "*Generate token|, copy it and paste it here.".to_owned(),
        ],
        remark: String::new(),
    },
    oauth: Some(&OAUTH),
};

/// GitHub.com has a host of its own for its API, and so has GitHub Enterprise Cloud with data residency:
/// `https://SUBDOMAIN.ghe.com` has it at `api.SUBDOMAIN.ghe.com`.
fn api_elsewhere(host: &str) -> Option<String> {
    match host {
        "github.com" | "www.github.com" => Some("https://api.github.com".to_owned()),
        host => host.ends_with(".ghe.com").then(|| format!("https://api.{host}")),
    }
}

/// Everything that a granted scope covers besides itself.
fn implied(scope: &str) -> &'static [&'static str] {
    match scope {
        "repo" => &[
            "repo:status",
            "repo_deployment",
            "public_repo",
            "repo:invite",
            "security_events",
        ],
        "admin:repo_hook" => &["write:repo_hook", "read:repo_hook"],
        "write:repo_hook" => &["read:repo_hook"],
        "admin:org" => &["write:org", "read:org", "manage_runners:org"],
        "write:org" => &["read:org"],
        "admin:public_key" => &["write:public_key", "read:public_key"],
        "write:public_key" => &["read:public_key"],
        "admin:gpg_key" => &["write:gpg_key", "read:gpg_key"],
        "write:gpg_key" => &["read:gpg_key"],
        "admin:enterprise" => &[
            "manage_runners:enterprise",
            "manage_billing:enterprise",
            "read:enterprise",
        ],
        "user" => &["read:user", "user:email", "user:follow"],
        "project" => &["read:project"],
        "write:packages" => &["read:packages"],
        "write:discussion" => &["read:discussion"],
        _ => &[],
    }
}
