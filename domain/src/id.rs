//! Identifiers. Each is a UUID of its own type, so that a runtime's id cannot be passed where a user's is meant.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};
use uuid::Uuid;

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self)
            }
        }
    )+};
}

ids! {
    /// What a runtime presents to fetch its credentials.
    AccessKeyId,
    /// The tenant.
    AccountId,
    /// One validation of a Git token against its provider.
    CheckId,
    /// A key that seals the secrets of one account.
    DataKeyId,
    /// One instance of a Git provider, registered in an account.
    GitProviderId,
    /// The credential itself.
    GitTokenId,
    /// A link by which somebody becomes a member of an account.
    InvitationId,
    /// A way out for notices: e-mail, a webhook.
    NoticeChannelId,
    /// Something that people are told of.
    NoticeId,
    /// What goes out over a channel: one notice, or several together.
    NoticeMessageId,
    /// Client id and secret registered at a Git provider.
    OAuthApplicationId,
    /// A provisioned GitOps runtime.
    RuntimeId,
    /// A person who signs in.
    UserId,
}
