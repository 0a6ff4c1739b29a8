//! The house from outside.

mod architecture;
mod licences;
mod rooms;
mod stats;
