//! The two answers of every method.

use serde::{Deserialize, Serialize};

/// A value with its uncertainty.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The estimate.
    pub point: f64,
    /// Its standard error, in the unit of `point`.
    pub se: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Coverage of the interval, e.g. 0.95.
    pub level: f64,
    /// Degrees of freedom where the reference distribution has them.
    pub df: Option<f64>,
    /// p-value of the null that the estimand is zero (for lifts), from the survival function.
    pub p: Option<f64>,
    /// Observations used.
    pub n: u64,
    /// Method in a few words, e.g. `welch t, cuped`.
    pub method: String,
}

/// Why there is no estimate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Too few observations.
    TooFew,
    /// No variation.
    ZeroVariance,
    /// A ratio or relative lift over a baseline that is zero (or whose interval holds zero where that forbids it).
    ZeroBaseline,
    /// NaN or infinite input.
    NotFinite,
    /// Input outside the method's domain.
    OutOfDomain,
    /// A matrix that cannot be inverted.
    Singular,
}

/// A refusal with its reason and what would change it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, thiserror::Error)]
#[error("not estimable: {detail}; {fix}")]
pub struct NotEstimable {
    /// Class of reason.
    pub reason: Reason,
    /// What was found, with numbers.
    pub detail: String,
    /// What would make it estimable.
    pub fix: String,
}
