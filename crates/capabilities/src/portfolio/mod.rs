//! Are we reaching our objectives?

pub mod status;

pub use status::*;

use crate::{CapabilityError, Context};

/// The state of an objective: each key result's progress, trend and probability to hit, computed.
/// `as_of`: only data before this moment counts, microseconds since 1970 UTC; `None` is now.
pub async fn objective_status(
    context: &Context,
    name: &str,
    as_of: Option<i64>,
) -> Result<ObjectiveStatus, CapabilityError> {
    let _ = (context, name, as_of);
    todo!()
}

/// Every objective's state, by name. One that fails is answered with its reason in `problem`.
pub async fn objectives(context: &Context, as_of: Option<i64>) -> Result<Vec<ObjectiveStatus>, CapabilityError> {
    let _ = (context, as_of);
    todo!()
}

/// Initiatives with what they serve and what serves them, by name.
pub fn initiatives(context: &Context) -> Vec<InitiativeView> {
    let _ = context;
    todo!()
}

/// Bets with their state, by name.
pub fn bets(context: &Context) -> Vec<BetView> {
    let _ = context;
    todo!()
}
