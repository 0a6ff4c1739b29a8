//! The run store by its public surface, on SQLite and, where STEWARD_POSTGRES_URL says where, on PostgreSQL.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod durable;
mod examples;
mod grammar;
mod groups;
mod logging;
mod searching;
mod stores;
mod tracing;
