//! Everything of Patchbay that does I/O, and no user interface.
//!
//! A service method is where a rule lives, with its authorisation check first: it takes a [`access::Member`], which only
//! [`access::Access::member`] makes. Errors: each module has one `thiserror` enum; what a person can mend is a variant of its
//! own, everything else is [`Fault`], whose cause is for the log and never for the person.

pub mod access;
pub mod access_keys;
pub mod audit;
pub mod calendar;
pub mod check_soon;
pub mod clock;
mod credentials;
mod csv;
pub mod egress;
pub mod expiring;
pub mod fault;
pub mod flash;
pub mod git_providers;
pub mod hand_out;
pub mod keys;
pub mod members;
pub mod notices;
pub mod oauth;
pub mod providers;
pub mod random;
pub mod revocation;
pub mod rotation;
pub mod runtimes;
pub mod services;
pub mod store;
pub mod sweep;
pub mod tokens;
pub mod vault;

pub use fault::Fault;
pub use services::Services;
