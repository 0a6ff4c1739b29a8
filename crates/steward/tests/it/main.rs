//! The house from outside.

mod architecture;
mod engine;
mod larkspur;
mod licences;
mod rooms;
mod stats;
mod support;
