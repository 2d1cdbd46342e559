//! What a client sees on the wire, asked by a client that hides nothing.

mod client;
mod control;
mod faults;
mod record;
mod repositories;
mod sign_in;
mod user;
