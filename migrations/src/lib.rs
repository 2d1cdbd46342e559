//! Patchbay's database schema, as steps that run at start, on SQLite and on PostgreSQL alike.
//!
//! Moments are stored as milliseconds since 1970-01-01 UTC, identifiers as UUIDs, secrets as sealed bytes.

pub use sea_orm_migration::MigratorTrait;
use sea_orm_migration::prelude::*;

mod m20261122_000001_skeleton;
mod m20261122_000002_token_username;
mod m20261122_000003_token_life;
mod m20261122_000004_check_schedule;
mod m20261122_000005_rotation;
mod m20261122_000006_oauth;
mod m20261123_000007_audit;
mod m20261123_000008_members;
mod m20261123_000009_expiring;
mod m20261123_000010_notices;
mod m20261123_000011_calendar_feeds;
mod m20261123_000012_access_keys;
mod m20261123_000013_handed_tokens;
mod m20261123_000014_dashboard_filters;

/// Runs the steps that a database has not seen yet.
#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_skeleton::Migration),
            Box::new(m20261122_000002_token_username::Migration),
            Box::new(m20261122_000003_token_life::Migration),
            Box::new(m20261122_000004_check_schedule::Migration),
            Box::new(m20261122_000005_rotation::Migration),
            Box::new(m20261122_000006_oauth::Migration),
            Box::new(m20261123_000007_audit::Migration),
            Box::new(m20261123_000008_members::Migration),
            Box::new(m20261123_000009_expiring::Migration),
            Box::new(m20261123_000010_notices::Migration),
            Box::new(m20261123_000011_calendar_feeds::Migration),
            Box::new(m20261123_000012_access_keys::Migration),
            Box::new(m20261123_000013_handed_tokens::Migration),
            Box::new(m20261123_000014_dashboard_filters::Migration),
        ]
    }
}
