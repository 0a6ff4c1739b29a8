//! The house from outside.

#![allow(clippy::unwrap_used, clippy::panic)]

mod architecture;
mod bad_input;
mod collected;
mod conventions;
mod engine;
mod flags;
mod larkspur;
mod larkspur_money;
mod licences;
mod own_file;
mod rooms;
mod serving;
mod stats;
mod support;
