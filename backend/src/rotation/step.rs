//! The steps of a rotation, for whoever watches them.

use std::pin::Pin;

/// A step that a rotation has taken. Between two of them the process may end at any moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The keys are loaded and the old token is opened; nothing is changed.
    Prepared,
    /// The database has taken the mark; the provider was not asked yet.
    Taken,
    /// The provider's answer with the new token is read, and nothing else done.
    Answered,
    /// The database did not take the new token; that is tried again.
    NotStored,
    /// The database has the new token.
    Stored,
    /// The new token is checked and that is noted.
    Checked,
}

/// Is told of every step, and holds it up until it has heard. Tests end the process there.
pub trait Watch: Send + Sync + 'static {
    /// The rotation has taken this step.
    fn reached(&self, step: Step) -> Pin<Box<dyn Future<Output = ()> + Send + '_>>;
}

/// Nobody watches.
pub(super) struct Nobody;

impl Watch for Nobody {
    fn reached(&self, step: Step) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        tracing::debug!(?step, "rotation");
        Box::pin(std::future::ready(()))
    }
}
