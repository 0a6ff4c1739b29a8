//! The ledger through its public surface.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod append;
mod common;
