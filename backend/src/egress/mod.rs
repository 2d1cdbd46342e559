//! The one client for all outgoing HTTP.
//!
//! Addresses come from admins of an account and from providers' redirects, so none is trusted: [`EgressPolicy`] decides
//! after DNS resolution which may be reached, again at every redirect. Time, size and number of tries are bounded. A read
//! is repeated when that may help; a write is sent at most once and follows no redirect.
//!
//! Proxies from the environment (`HTTP_PROXY` and the like) are not used: a proxy resolves names itself, behind the
//! policy's back.

mod address;
mod answer;
mod client;
mod failure;
mod policy;
mod redirect;
mod request;
mod resolver;
mod retry;

pub use answer::{Answer, WriteFailure};
pub use client::{Egress, EgressError, EgressSettings, Reached};
pub use policy::{AllowRule, EgressPolicy, InvalidAllowRule};
pub use request::Request;

#[cfg(test)]
mod tests;
