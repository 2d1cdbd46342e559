//! Gitea.
//!
//! Facts from Gitea's documentation ("API usage") and from PROVIDERS.md.

use super::{About, Rules, never};
use crate::guide::{Guide, label, scopes_to_select, text};

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
    placeholder: "40 letters and digits",
    username: None,
};

pub(super) const RULES: Rules = Rules {
    required: |_| &["write:repository", "read:user"],
    covers,
    // Any name will do.
    git_username: |_, _, login| login.to_owned(),
    generate_url: |base_url, _, _| format!("{base_url}{TOKENS_PAGE}"),
    guide: |base_url, scopes| Guide {
        filled_in: false,
        tokens_page: format!("{base_url}{TOKENS_PAGE}"),
        steps: vec![
            vec![text("Sign in.")],
            vec![
                text("Go to "),
                label("Settings › Applications › Manage access tokens"),
                text("."),
            ],
            vec![
                text("Name the token, and open "),
                label("Select permissions"),
                text(": repository "),
                label("Read and Write"),
                text(", user "),
                label("Read"),
                text("."),
            ],
            scopes_to_select(scopes),
            vec![label("Generate token"), text(", copy it and paste it here.")],
        ],
        remarks: Vec::new(),
    },
};

/// `write:x` covers `read:x`, and `all` covers everything.
fn covers(granted: &str, wanted: &str) -> bool {
    let written = granted.strip_prefix("write:");
    granted == "all" || (written.is_some() && written == wanted.strip_prefix("read:"))
}
