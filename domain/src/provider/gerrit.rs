//! Gerrit Code Review.
//!
//! Facts from Gerrit's documentation ("REST API: authentication", "User settings") and from PROVIDERS.md.

use super::{About, Rules, TokenSort, UsernameField, never, nothing};
use crate::{guide::Guide, token_format::Username};

const TOKENS_PAGE: &str = "/settings/#HTTPCredentials";

pub(super) const ABOUT: About = About {
    word: "gerrit",
    name: "Gerrit",
    public: "",
    own: "your Gerrit",
    // What is asked below it must carry a name and a token; without it, one would be nobody.
    api_path: "/a",
    api_elsewhere: never,
    formats: &[],
};

pub(super) const RULES: Rules = Rules {
    placeholder: "Token or HTTP password",
    username: Some(UsernameField {
        label: "Gerrit username",
        hint: "As in your settings at Gerrit, under Profile.",
        unknown_format: Username::Name,
    }),
    // Gerrit knows no scopes: a token may do what its owner may.
    sorts: &TokenSort::only(&[], &[]),
    tells_expiry: false,
    covers: |_, _| false,
    git_username: |_, username, login| username.unwrap_or(login).to_owned(),
    generate_url: |base_url, _, _| format!("{base_url}{TOKENS_PAGE}"),
    // It revokes by id, and tells nowhere which of the account's tokens was sent.
    offers: nothing,
    guide: |base_url, _| Guide {
        filled_in: false,
        tokens_page: format!("{base_url}{TOKENS_PAGE}"),
        steps: vec![
            "Sign in to your Gerrit.".to_owned(),
            "Go to |*Settings › Authentication Tokens|, before version 3.12 |*Settings › HTTP Credentials|.".to_owned(),
            "*Generate new token| (or |*Generate new password|), copy it and paste it here, with your username."
                .to_owned(),
        ],
        remark: "Gerrit's tokens have no scopes: this one may do whatever you may.".to_owned(),
    },
    oauth: None,
};
