//! Fact logs, as their users and the engines see them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod append;
mod common;
mod damage;
mod kill;
