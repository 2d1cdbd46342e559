//! The audit log: what was done in an account, by whom, from where, and what came of it.
//!
//! An event is made in one way, by [`AuditEvent::new`], and stored in the transaction that does what it tells of
//! (`store/audit.rs`), so that neither is there without the other. What cannot be undone, because a provider does it, is recorded
//! before the provider is asked, as *begun*, and again when it is known what came of it.

mod action;
mod csv;
mod event;
mod filter;
mod follow;
mod log;
mod record;
mod verify;

pub use action::{Action, Group, Outcome};
pub use event::{Actor, AuditEvent};
pub use filter::{Direction, Filter, Who};
pub use follow::{Follow, FollowError, Sink};
pub use log::{AuditError, AuditFile, AuditLog, AuditPage, Format};
pub use record::{Hash, Record};
pub use verify::{CompareError, Flaw, Found, compare, verify};
