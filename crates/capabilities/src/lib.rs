//! What the organisation can do, one room each. Every room has the same shape: `mod.rs` (the question it
//! answers, its public functions), `events.rs` and `projection.rs` where it decides, domain files.
//!
//! Rooms know no HTTP, no HTML and no particular engine or store.

mod applied;
pub mod context;
pub mod error;
pub mod evidence;
pub mod facts;

pub mod bandits;
pub mod calculator;
pub mod experiments;
pub mod exposures;
pub mod finance;
pub mod flags;
pub mod governance;
pub mod metrics;
pub mod onboarding;
pub mod people;
pub mod pipelines;
pub mod portfolio;
pub mod programme;
pub mod quality;
pub mod registry;
pub mod reports;
pub mod roadmap;
pub mod tracking;
pub mod value;

pub use context::Context;
pub use error::CapabilityError;
pub use facts::Facts;
pub use tracking::Tracking;
