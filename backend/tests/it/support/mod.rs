//! What the stories are told with.

mod database;
mod oauth;
mod postgres;
mod seed;
mod sinks;
mod world;

pub(crate) use database::{TestDatabase, on_both_databases};
pub(crate) use oauth::{Vault, accepted, seed_tokens};
pub(crate) use seed::Seed;
pub(crate) use sinks::{HttpSink, MailRules, MailServer};
pub(crate) use world::{ManualClock, PASSWORD, SeededRandom, World, services, services_with};
