//! Gitea.
//!
//! Facts from Gitea's documentation ("API usage") and from PROVIDERS.md.

use super::{About, Rules, TokenSort, never, nothing};
use crate::{
    guide::{Guide, pieces_of},
    oauth::{AuthorizationServer, Registration, RevocationWay},
};
use std::time::Duration;

/// The person's page for tokens, which takes nothing to fill in.
const TOKENS_PAGE: &str = "/user/settings/applications";

pub(super) const ABOUT: About = About {
    word: "gitea",
    name: "Gitea",
    public: "",
    own: "your Gitea",
    api_path: "/api/v1",
    api_elsewhere: never,
    // 40 hexadecimal digits, as others have them too.
    formats: &[],
};

/// Facts from Gitea's documentation ("`OAuth2` provider").
pub(super) const OAUTH: AuthorizationServer = AuthorizationServer {
    authorize_path: "/login/oauth/authorize",
    token_path: "/login/oauth/access_token",
    authorizations_path: "/user/settings/applications",
    revocation: RevocationWay::None,
    pkce: true,
    basic: false,
    sort: "token",
    beside: &[],
    refresh_lifetime: Some(Duration::from_hours(730)),
    registration: |base_url| Registration {
        page: format!("{base_url}{TOKENS_PAGE}"),
        steps: vec![
            "Sign in, and for an application of an organization go to its |*Settings › Applications|.".to_owned(),
            "Under |*Manage OAuth2 applications|, name a new one and paste the callback URL as |*Redirect URIs|."
                .to_owned(),
            "Leave |*Confidential client| ticked and choose |*Create application|.".to_owned(),
            "Copy |*Client ID| and |*Client secret| into the fields here.".to_owned(),
        ],
    },
};

pub(super) const RULES: Rules = Rules {
    placeholder: "40 letters and digits",
    username: None,
    sorts: &TokenSort::only(
        &["write:repository", "read:user"],
        &["write:repository", "read:user", "read:organization"],
    ),
    tells_expiry: false,
    covers,
    // Any name will do.
    git_username: |_, _, login| login.to_owned(),
    generate_url: |base_url, _, _| format!("{base_url}{TOKENS_PAGE}"),
    // It revokes only for the account's password.
    offers: nothing,
    guide: |base_url, scopes| Guide {
        filled_in: false,
        tokens_page: format!("{base_url}{TOKENS_PAGE}"),
        steps: vec![
            "Sign in.".to_owned(),
            "Go to |*Settings › Applications › Manage access tokens|.".to_owned(),
            format!(
                "Name the token, open |*Select permissions| and choose repository |*Read and Write|, user |*Read|: {}",
                pieces_of(scopes)
            ),
            "*Generate token|, copy it and paste it here.".to_owned(),
        ],
        remark: String::new(),
    },
    oauth: Some(&OAUTH),
};

/// `write:x` covers `read:x`, and `all` covers everything.
fn covers(granted: &str, wanted: &str) -> bool {
    let written = granted.strip_prefix("write:");
    granted == "all" || (written.is_some() && written == wanted.strip_prefix("read:"))
}
