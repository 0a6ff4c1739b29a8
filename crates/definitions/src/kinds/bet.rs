//! Bets: an initiative's business case with stated probability and range.

use serde::{Deserialize, Serialize};

use crate::project::Meta;

/// A business case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bet {
    /// Name, owner, place, digest.
    pub meta: Meta,
    /// The initiative.
    pub initiative: String,
    /// The metric that resolves it.
    pub metric: String,
    /// Stated probability of success in (0, 1).
    pub probability: f64,
    /// Stated relative effect if it succeeds: 10th, 50th and 90th percentile.
    pub effect: [f64; 3],
    /// Cost range in minor units of the project's currency: low, high.
    pub cost_minor: Option<[i64; 2]>,
    /// When it is stopped.
    pub kill_criterion: Option<String>,
    /// Experiment that resolves it.
    pub experiment: Option<String>,
    /// Day by which it is resolved (ISO date).
    pub resolve_by: Option<String>,
}
