//! Forgejo, which began as a copy of Gitea: its scopes and pages are the same.

use super::{About, Rules, gitea};

pub(super) const ABOUT: About = About {
    word: "forgejo",
    name: "Forgejo",
    own: "your Forgejo, as in https://codeberg.org",
    ..gitea::ABOUT
};

pub(super) const RULES: Rules = gitea::RULES;
