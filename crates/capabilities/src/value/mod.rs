//! What did we promise, what came of it, what was it worth, and can our forecasts be believed?
//!
//! A bet is frozen when it is approved, with everything it says; a query resolves it. From resolved forecasts follows
//! what a stated probability has meant; from shipped experiments, shrunk and held against a holdout, what was earned.

mod calibrate;
mod earned;
mod events;
mod freeze;
mod projection;
mod realise;
mod record;
mod resolve;
mod series;
mod split;
mod types;

pub use earned::*;
pub use record::*;
pub use split::*;
pub use types::*;

use crate::evidence::Concluded;
use crate::{CapabilityError, Context};

/// Every bet, drafted, frozen or resolved, by name; those frozen whose definition is gone too.
pub async fn bets(context: &Context) -> Result<Vec<BetCase>, CapabilityError> {
    freeze::cases(context).await
}

/// One bet.
pub async fn bet(context: &Context, name: &str) -> Result<BetCase, CapabilityError> {
    freeze::case(context, name).await
}

/// Approves a bet: what its definition says now is kept for good, as a new version if an earlier one is frozen already.
/// Freezing what is frozen appends nothing.
pub async fn freeze(context: &Context, name: &str, actor: &str, reason: &str) -> Result<Frozen, CapabilityError> {
    freeze::freeze(context, name, actor, reason).await
}

/// Resolves the frozen versions of a bet by what each says resolves it; with `abandon` (why), as failed.
pub async fn resolve(
    context: &Context,
    name: &str,
    actor: &str,
    abandon: Option<&str>,
) -> Result<Resolved, CapabilityError> {
    resolve::resolve(context, name, actor, abandon).await
}

/// How the forecasters did: scores, recalibration, coverage, by team. `person`: with the scores of this person, for
/// nobody else's eyes.
pub async fn calibration(context: &Context, person: Option<&str>) -> Result<Calibration, CapabilityError> {
    calibrate::calibration(context, person).await
}

/// What shipped experiments earned: plan, naive sum, shrunk, holdout.
pub async fn realised(context: &Context) -> Result<Concluded<Realised>, CapabilityError> {
    realise::realised(context).await
}

/// The progress of a key result: shipped effects, trend, unexplained.
pub async fn progress(
    context: &Context,
    objective: &str,
    as_of: Option<i64>,
) -> Result<Vec<ProgressSplit>, CapabilityError> {
    split::progress(context, objective, as_of).await
}

/// How much of a bet's metric there was in the last year up to now, scaled to a year where the data are shorter.
pub async fn yearly_base(context: &Context, bet: &steward_definitions::Bet) -> Result<f64, CapabilityError> {
    series::yearly(context, bet).await
}
