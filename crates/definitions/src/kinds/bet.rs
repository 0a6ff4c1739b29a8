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
    /// A SELECT that resolves it: one row, one column; true succeeded, false failed, null not yet. Without it, its
    /// experiment does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolve: Option<String>,
    /// Condition over dimensions under which the metric counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// What a unit of the metric is worth; without it, value is told in units only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<UnitValue>,
}

/// What one unit of a metric is worth, and who says so.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UnitValue {
    /// Minor units of the project's currency per unit of the metric.
    pub per_unit_minor: i64,
    /// Share of it that is kept, above 0 and at most 1.
    pub margin: f64,
    /// Days after which half of the effect is gone; `None`: it stays.
    pub half_life_days: Option<f64>,
    /// Days after which the effect ends: it is counted once, and never annualised.
    pub one_off_days: Option<u64>,
    /// Who signed it; unsigned, value is told in units only.
    pub signed_by: Option<String>,
    /// Version of the signed value, from 1.
    pub version: u64,
}
