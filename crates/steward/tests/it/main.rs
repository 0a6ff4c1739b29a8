//! The house from outside.

mod architecture;
mod engine;
mod licences;
mod rooms;
mod stats;
