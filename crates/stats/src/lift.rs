//! Treatment against control: absolute and relative lifts of means, proportions and ratios, with CUPED.

use serde::{Deserialize, Serialize};

use crate::{Estimate, Moments, NotEstimable};

/// Which quantity of a unit-level sample is compared; numbers index variables of [`Moments`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Statistic {
    /// Mean per unit.
    Mean {
        /// The variable.
        y: usize,
    },
    /// Share of units with value 1 (the variable is 0 or 1).
    Proportion {
        /// The variable.
        y: usize,
    },
    /// Sum over sum, delta method over units.
    Ratio {
        /// Variable above.
        numerator: usize,
        /// Variable below.
        denominator: usize,
    },
}

/// How two arms are compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// What.
    pub statistic: Statistic,
    /// Pre-period covariates for CUPED; for a ratio, pairs (numerator, denominator) linearised alike. Empty: raw.
    pub covariates: Vec<usize>,
    /// Coverage of the interval, e.g. 0.95.
    pub level: f64,
}

/// The comparison of one treatment with the control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lift {
    /// Value in the control.
    pub control: Result<Estimate, NotEstimable>,
    /// Value in the treatment.
    pub treatment: Result<Estimate, NotEstimable>,
    /// Treatment − control.
    pub absolute: Result<Estimate, NotEstimable>,
    /// (Treatment − control) / |control|.
    pub relative: Result<Estimate, NotEstimable>,
    /// 1 − Var(adjusted)/Var(raw) of the absolute lift, with covariates.
    pub variance_reduction: Option<f64>,
}

/// Compares a treatment with the control.
pub fn lift(control: &Moments, treatment: &Moments, comparison: &Comparison) -> Lift {
    let _ = (control, treatment, comparison);
    todo!()
}
