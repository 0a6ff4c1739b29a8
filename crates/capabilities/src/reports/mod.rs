//! What does the organisation show its executives, and may it be shown?
//!
//! A pack is pure data; how it looks is the doors' affair. A figure that is stale, missing or unowned fails the build
//! with its file and line.

pub mod types;

pub use types::*;

use crate::evidence::Concluded;
use crate::{CapabilityError, Context};

/// Builds a pack. Figures carry their change since `previous`, if given.
/// [`CapabilityError::Definitions`] holds every problem with its file and line.
pub async fn build(context: &Context, name: &str, previous: Option<&Pack>) -> Result<Pack, CapabilityError> {
    let _ = (context, name, previous);
    todo!()
}

/// As [`build`] against the last pack of that name, stored as evidence (subject `report/<name>`).
pub async fn conclude(context: &Context, name: &str) -> Result<Concluded<Pack>, CapabilityError> {
    let _ = (context, name);
    todo!()
}

/// Packs of a report built before, oldest first.
pub async fn history(context: &Context, name: &str, as_of_us: Option<i64>) -> Result<Vec<PastPack>, CapabilityError> {
    let _ = (context, name, as_of_us);
    todo!()
}
