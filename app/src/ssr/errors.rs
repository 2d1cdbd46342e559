//! From the services' errors to what a person sees. Causes end here: in the log, under an id.

use super::refusal::{self, refusal};
use crate::{AppError, error::Problem};
use backend::{
    Fault,
    access::AccessError,
    access_keys::AccessKeyError,
    audit::AuditError,
    calendar::CalendarError,
    check_soon::CheckSoonError,
    expiring::ExpiringError,
    git_providers::GitProviderError,
    members::{JoinError, MemberError},
    notices::NoticeError,
    oauth::OAuthApplicationError,
    rotation::RotationError,
    runtimes::RuntimeError,
    tokens::TokenError,
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
    with_status(
        500,
        "Something went wrong on the server.",
        format!("Try again. If it stays so, give your admin this id from the server's log: {id}."),
    )
}

/// The set-up link is wrong or used.
pub(crate) fn no_set_up_link() -> AppError {
    with_status(
        404,
        "This set-up link does not work.",
        "It was used already, or the server has been started again since: then its log has a new one.",
    )
}

/// What went wrong and what to do, with an HTTP status.
fn with_status(status: u16, title: &str, advice: impl Into<String>) -> AppError {
    let problem = Problem::new(title, advice);
    AppError::from(Problem { status, ..problem })
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
            AccessError::WrongCredentials => with_status(
                401,
                "The e-mail address or the password is wrong.",
                "Check both and try again. If you have forgotten the password, ask your admin.",
            ),
            AccessError::Throttled { retry_at } => with_status(
                429,
                "Too many tries.",
                format!("Wait until {}, then try again.", retry_at.date_time()),
            ),
            AccessError::SetUpLink => no_set_up_link(),
            AccessError::NotSignedIn => Self::NotSignedIn,
            AccessError::NotFound => Self::NotFound,
            AccessError::NotAdmin => Self::NotAdmin,
            AccessError::Fault(fault) => fault.into(),
        }
    }
}

impl From<MemberError> for AppError {
    fn from(error: MemberError) -> Self {
        match error {
            MemberError::Invalid(fields) => Self::Invalid(fields),
            MemberError::NotFound => Self::NotFound,
            MemberError::LastAdmin => Self::from(Problem::new(
                "An account needs an admin, and this is the last one.",
                "Make somebody else an admin first.",
            )),
            MemberError::Access(error) => error.into(),
            MemberError::Fault(fault) => fault.into(),
        }
    }
}

impl From<JoinError> for AppError {
    fn from(error: JoinError) -> Self {
        let over = |title: &str, advice: &str| with_status(410, title, advice);
        match error {
            JoinError::Invalid(fields) => Self::Invalid(fields),
            JoinError::NotFound => with_status(
                404,
                "This invitation link does not work.",
                "Check that you have the whole link, or ask whoever sent it for a new one.",
            ),
            JoinError::Used => over(
                "This invitation was used already.",
                "Each link works once. If it was you, sign in; otherwise ask an admin of the account for a new one.",
            ),
            JoinError::Revoked => over(
                "This invitation was taken back.",
                "Ask an admin of the account for a new one.",
            ),
            JoinError::Ended => over(
                "This invitation has ended.",
                "A link works for a week. Ask an admin of the account for a new one.",
            ),
            JoinError::WrongAddress { invited, own } => with_status(
                403,
                &format!("This invitation is for {invited}."),
                format!(
                    "You are signed in with {own}. Sign out and open the link again, or ask for an invitation of your own."
                ),
            ),
            JoinError::Already { account } => with_status(
                409,
                &format!("You are a member of {account} already."),
                "There is nothing left to do here.",
            ),
            // Not the error of that name: it would take the link into the address of the sign-in page.
            JoinError::NotSignedIn => Self::from(Problem::new("You are signed out.", "Load this page again.")),
            JoinError::Access(error) => error.into(),
            JoinError::Fault(fault) => fault.into(),
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

impl From<AuditError> for AppError {
    fn from(error: AuditError) -> Self {
        match error {
            AuditError::NotFound => Self::NotFound,
            AuditError::Access(error) => error.into(),
            AuditError::Fault(fault) => fault.into(),
        }
    }
}

impl From<ExpiringError> for AppError {
    fn from(error: ExpiringError) -> Self {
        match error {
            ExpiringError::NotFound => Self::NotFound,
            ExpiringError::Access(error) => error.into(),
            ExpiringError::Fault(fault) => fault.into(),
        }
    }
}

impl From<AccessKeyError> for AppError {
    fn from(error: AccessKeyError) -> Self {
        match error {
            AccessKeyError::Invalid(fields) => Self::Invalid(fields),
            AccessKeyError::NotFound => Self::NotFound,
            AccessKeyError::Access(error) => error.into(),
            AccessKeyError::Fault(fault) => fault.into(),
        }
    }
}

impl From<CalendarError> for AppError {
    fn from(error: CalendarError) -> Self {
        match error {
            CalendarError::NotFound => Self::NotFound,
            CalendarError::Access(error) => error.into(),
            CalendarError::Fault(fault) => fault.into(),
        }
    }
}

impl From<NoticeError> for AppError {
    fn from(error: NoticeError) -> Self {
        match error {
            NoticeError::Invalid(fields) => Self::Invalid(fields),
            NoticeError::NotFound => Self::NotFound,
            NoticeError::Access(error) => error.into(),
            NoticeError::Fault(fault) => fault.into(),
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

impl From<OAuthApplicationError> for AppError {
    fn from(error: OAuthApplicationError) -> Self {
        match error {
            OAuthApplicationError::Invalid(fields) => Self::Invalid(fields),
            OAuthApplicationError::NotFound => Self::NotFound,
            OAuthApplicationError::CallbackTaken => with_status(
                409,
                "Another application was registered meanwhile, with this callback URL.",
                "Close this, open it again, and enter the new callback URL at the provider.",
            ),
            OAuthApplicationError::Access(error) => error.into(),
            OAuthApplicationError::Fault(fault) => fault.into(),
        }
    }
}

impl From<GitProviderError> for AppError {
    fn from(error: GitProviderError) -> Self {
        match error {
            GitProviderError::Invalid(fields) => Self::Invalid(fields),
            GitProviderError::NotFound => Self::NotFound,
            GitProviderError::InUse { runtimes } => with_status(
                409,
                "Runtimes still use this Git provider.",
                format!(
                    "Delete these runtimes first, or give them another provider: {}.",
                    runtimes.join(", ")
                ),
            ),
            GitProviderError::Access(error) => error.into(),
            GitProviderError::Fault(fault) => fault.into(),
        }
    }
}
