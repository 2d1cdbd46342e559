//! Where Gitea and Forgejo differ on the wire.

use crate::provider::Provider;

/// One of the two.
pub(super) trait Flavour: std::fmt::Debug + Send + Sync + 'static {
    /// Which one.
    const PROVIDER: Provider;
    /// What `/version` says.
    const VERSION: &'static str;

    /// What a token that is not good is told.
    fn bad_token(token: &str) -> String;

    /// What a token is told that lacks one of the scopes; it was given others.
    fn short_of(required: &[String], granted: &[String]) -> String;
}

/// Gitea as of 1.24.
#[derive(Debug)]
pub(super) struct Gitea;

impl Flavour for Gitea {
    const PROVIDER: Provider = Provider::Gitea;
    const VERSION: &'static str = "1.24.6";

    fn bad_token(_: &str) -> String {
        "invalid username, password or token".to_owned()
    }

    /// It tells what the token was given: the only place that does.
    fn short_of(required: &[String], granted: &[String]) -> String {
        format!(
            "token does not have at least one of required scope(s), required=[{}], token scope={}",
            required.join(" "),
            granted.join(",")
        )
    }
}

/// Forgejo as of 12.
#[derive(Debug)]
pub(super) struct Forgejo;

/// Forgejo's own version; behind the plus sign stands the version of Gitea that its API is compatible with.
pub(super) const FORGEJO_VERSION: &str = "12.0.4+gitea-1.22.0";

impl Flavour for Forgejo {
    const PROVIDER: Provider = Provider::Forgejo;
    const VERSION: &'static str = FORGEJO_VERSION;

    /// It says the token back, so that whoever shows or logs the message gives it away.
    fn bad_token(token: &str) -> String {
        format!("access token does not exist [sha: {token}]")
    }

    fn short_of(required: &[String], _: &[String]) -> String {
        format!(
            "token does not have at least one of required scope(s): [{}]",
            required.join(" ")
        )
    }
}
