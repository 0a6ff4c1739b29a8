//! The ledger through its public surface.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod append;
mod canonical;
mod common;
mod damage;
mod erase;
mod evidence;
mod export;
mod kill;
mod project;
mod tamper;
