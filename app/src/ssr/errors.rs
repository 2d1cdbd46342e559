//! From the services' errors to what a person sees. Causes end here: in the log, under an id.

use super::refusal::{self, refusal};
use crate::{AppError, error::Problem};
use backend::{
    Fault, access::AccessError, check_soon::CheckSoonError, git_providers::GitProviderError, rotation::RotationError,
    runtimes::RuntimeError, tokens::TokenError,
};
use std::{
    fmt::Display,
    hash::{BuildHasher, Hasher, RandomState},
};

/// Logs the cause and gives the error that names it by an id.
pub(super) fn internal(cause: impl Display) -> AppError {
    // The standard library seeds each of these anew: good enough to find one line in a log.
    let id = format!("{:08x}", RandomState::new().build_hasher().finish() >> 32);
    tracing::error!(error.id = %id, %cause, "a request failed");
    AppError::Internal { id }
}

impl From<Fault> for AppError {
    fn from(fault: Fault) -> Self {
        internal(fault)
    }
}

impl From<AccessError> for AppError {
    fn from(error: AccessError) -> Self {
        match error {
            AccessError::Invalid(fields) => Self::Invalid(fields),
            AccessError::WrongCredentials => Self::WrongCredentials,
            AccessError::Throttled { retry_at } => Self::Throttled { retry_at },
            AccessError::SetUpLink => Self::SetUpLink,
            AccessError::NotSignedIn => Self::NotSignedIn,
            AccessError::NotFound => Self::NotFound,
            AccessError::NotAdmin => Self::NotAdmin,
            AccessError::Fault(fault) => fault.into(),
        }
    }
}

impl From<TokenError> for AppError {
    fn from(error: TokenError) -> Self {
        match error {
            TokenError::Invalid(fields) => Self::Invalid(fields),
            TokenError::NotFound => Self::NotFound,
            TokenError::Refused { kind, format, outcome } => Self::from(refusal(kind.name(), format, &outcome)),
            TokenError::Misplaced(misplaced) => refusal::misplaced(&misplaced).into(),
            TokenError::Foreign(foreign) => refusal::foreign(&foreign).into(),
            TokenError::Rotating => Self::from(Problem::new(
                "The token is being rotated, or was just now.",
                "Load the page again and see how it stands, then try again.",
            )),
            TokenError::Access(error) => error.into(),
            TokenError::Fault(fault) => fault.into(),
        }
    }
}

impl From<CheckSoonError> for AppError {
    fn from(error: CheckSoonError) -> Self {
        match error {
            CheckSoonError::NotFound => Self::NotFound,
            CheckSoonError::Access(error) => error.into(),
            CheckSoonError::Fault(fault) => fault.into(),
        }
    }
}

impl From<RotationError> for AppError {
    fn from(error: RotationError) -> Self {
        let refused = |title: &str, advice: &str| Self::from(Problem::new(title, advice));
        match error {
            RotationError::NotFound => Self::NotFound,
            RotationError::Busy => refused(
                "The token is being rotated already.",
                "Load the page again in a moment to see what came of it.",
            ),
            RotationError::LastCheckRefused => refused(
                "The provider refused this token when it was last checked.",
                "It takes the use of a dead token for theft and would revoke all that followed it. Replace the token instead.",
            ),
            RotationError::Stopping => refused("The server is being restarted.", "Try again in a moment."),
            RotationError::Access(error) => error.into(),
            RotationError::Fault(fault) => fault.into(),
        }
    }
}

impl From<RuntimeError> for AppError {
    fn from(error: RuntimeError) -> Self {
        match error {
            RuntimeError::Invalid(fields) => Self::Invalid(fields),
            RuntimeError::NotFound => Self::NotFound,
            RuntimeError::Access(error) => error.into(),
            RuntimeError::Fault(fault) => fault.into(),
        }
    }
}

impl From<GitProviderError> for AppError {
    fn from(error: GitProviderError) -> Self {
        match error {
            GitProviderError::Invalid(fields) => Self::Invalid(fields),
            GitProviderError::NotFound => Self::NotFound,
            GitProviderError::InUse { runtimes } => Self::InUse { runtimes },
            GitProviderError::Access(error) => error.into(),
            GitProviderError::Fault(fault) => fault.into(),
        }
    }
}
