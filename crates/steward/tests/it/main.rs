//! The house from outside.

#![allow(clippy::unwrap_used, clippy::panic)]

mod architecture;
mod engine;
mod larkspur;
mod licences;
mod own_file;
mod rooms;
mod stats;
mod support;
