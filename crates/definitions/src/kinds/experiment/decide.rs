//! The decision rule of an experiment, fixed before the data are seen.

use serde::{Deserialize, Serialize};

/// When to ship. A primary metric that is worse, and a guardrail that is harmed, always forbid it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DecisionRule {
    /// How many primary metrics must be better.
    pub primary: Quorum,
    /// Guardrails must be shown to be safe; otherwise it is enough that none is shown to be harmed.
    pub guardrails_safe: bool,
    /// What else must hold, all of it.
    pub ship_if: Vec<ShipCondition>,
    /// Smallest relative lift worth having, above 0: more data are asked for only where it might still be there.
    pub minimum_effect: Option<f64>,
    /// Longest time from the start that data are collected, in seconds.
    pub longest_seconds: Option<u64>,
}

/// How many of the primary metrics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quorum {
    /// At least one.
    #[default]
    Any,
    /// Each.
    All,
}

/// One condition on one metric of the experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ShipCondition {
    /// The metric.
    pub metric: String,
    /// What is asked of it.
    #[serde(flatten)]
    pub demand: Demand,
}

/// What is asked of a metric, in its good direction; shares of the control's value.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Demand {
    /// The whole interval lies at or above this lift.
    BetterBy(f64),
    /// The whole interval lies above this harm.
    NotWorseThan(f64),
    /// The chance to win is at least this (Bayesian).
    ChanceToWin(f64),
    /// The expected loss of shipping is at most this (Bayesian).
    RiskBelow(f64),
}

impl Demand {
    /// Its key in a definition, and its value.
    pub fn parts(&self) -> (&'static str, f64) {
        match *self {
            Demand::BetterBy(x) => ("better_by", x),
            Demand::NotWorseThan(x) => ("not_worse_than", x),
            Demand::ChanceToWin(x) => ("chance_to_win", x),
            Demand::RiskBelow(x) => ("risk_below", x),
        }
    }
}
