//! The audit log: what was done in an account, by whom, from where, and what came of it.
//!
//! An event is made in one way, by [`AuditEvent::new`], and stored in the transaction that does what it tells of
//! (`store/audit.rs`), so that neither is there without the other. What cannot be undone, because a provider does it, is recorded
//! before the provider is asked, as *begun*, and again when it is known what came of it.

mod action;
mod event;

pub use action::{Action, Group, Outcome};
pub use event::{Actor, AuditEvent};
