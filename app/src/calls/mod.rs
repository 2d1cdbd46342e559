//! The server functions: what the pages ask of the server. Each takes who asks and the services, calls one method, and
//! maps the error; the rules are the services'.
//!
//! Arguments are plain text with defaults: a form that was tampered with then meets the services' checks, and no answer
//! of the framework's that would quote it.

pub(crate) mod access;
pub(crate) mod expiring;
pub(crate) mod git_providers;
pub(crate) mod members;
pub(crate) mod oauth;
pub(crate) mod page;
pub(crate) mod runtimes;
pub(crate) mod tokens;
