//! The services as a story: over a real database, SQLite and PostgreSQL alike, and over the wire to a stand-in provider.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

mod access;
mod accounts_apart;
mod audit;
mod calendar;
mod checks;
mod expiring;
mod git_providers;
mod hand_out;
mod keys;
mod members;
mod migrations;
mod notice_channels;
mod notices;
mod notices_killed;
mod notices_year;
mod oauth;
mod refresh;
mod refresh_races;
mod refresh_stampede;
mod revocation;
mod rotation;
mod rotation_killed;
mod runtimes;
mod sweep;
mod token_life;
mod tokens;
