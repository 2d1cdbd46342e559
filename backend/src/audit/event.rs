//! One event, and the one way to make it.

use super::{Action, Outcome};
use domain::{GitProviderId, GitTokenId, RuntimeId, Timestamp, UserId};
use std::net::IpAddr;

/// Who did something, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Patchbay itself, in the background.
    Patchbay,
    /// Whoever runs `patchbay` on the server.
    CommandLine,
    /// A runtime, by one of its access keys.
    AccessKey {
        /// What the key is called.
        name: String,
        /// The network address.
        from: IpAddr,
    },
    /// Somebody who is not signed in.
    Stranger {
        /// The network address.
        from: IpAddr,
    },
    /// A person.
    Person {
        /// Who.
        id: UserId,
        /// The person's name of then.
        name: String,
        /// The person's e-mail address of then.
        email: String,
        /// The network address; `None` where there is no request.
        from: Option<IpAddr>,
    },
}

impl Actor {
    /// The word for who it is.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Patchbay => "patchbay",
            Self::CommandLine => "command-line",
            Self::AccessKey { .. } => "access-key",
            Self::Stranger { .. } => "stranger",
            Self::Person { .. } => "person",
        }
    }
}

/// Something that was done, before it is stored. What it is about is named in it, since that may be gone when somebody reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEvent {
    pub(crate) at: Timestamp,
    pub(crate) actor: Actor,
    pub(crate) action: Action,
    pub(crate) outcome: Outcome,
    pub(crate) runtime: Option<(RuntimeId, String)>,
    pub(crate) git_provider: Option<(GitProviderId, String)>,
    pub(crate) token: Option<GitTokenId>,
    pub(crate) person: Option<(UserId, String)>,
    pub(crate) detail: String,
}

impl AuditEvent {
    /// What was done by whom, and when. What it is about is added by the methods below.
    #[must_use]
    pub fn new(actor: impl Into<Actor>, action: Action, at: Timestamp) -> Self {
        Self {
            at,
            actor: actor.into(),
            action,
            outcome: action.outcome(),
            runtime: None,
            git_provider: None,
            token: None,
            person: None,
            detail: String::new(),
        }
    }

    /// The same about what came of it, at this moment.
    pub(crate) fn then(self, action: Action, at: Timestamp) -> Self {
        Self {
            action,
            outcome: action.outcome(),
            at,
            ..self
        }
    }

    /// With this outcome rather than the usual one of the action.
    #[must_use]
    pub fn outcome(self, outcome: Outcome) -> Self {
        Self { outcome, ..self }
    }

    /// For this runtime.
    #[must_use]
    pub fn runtime(self, id: RuntimeId, name: impl Into<String>) -> Self {
        Self {
            runtime: Some((id, name.into())),
            ..self
        }
    }

    /// At this Git provider.
    #[must_use]
    pub fn git_provider(self, id: GitProviderId, name: impl Into<String>) -> Self {
        Self {
            git_provider: Some((id, name.into())),
            ..self
        }
    }

    /// About this token.
    #[must_use]
    pub fn token(self, id: GitTokenId) -> Self {
        Self {
            token: Some(id),
            ..self
        }
    }

    /// About this person, who need not be the one who did it.
    #[must_use]
    pub fn person(self, id: UserId, name: impl Into<String>) -> Self {
        Self {
            person: Some((id, name.into())),
            ..self
        }
    }

    /// About this person's token, or a runtime's own. The store adds the name.
    #[must_use]
    pub fn holder(self, id: Option<UserId>) -> Self {
        Self {
            person: id.map(|id| (id, String::new())),
            ..self
        }
    }

    /// With more for a person to read. Nothing secret.
    #[must_use]
    pub fn detail(self, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..self
        }
    }
}
