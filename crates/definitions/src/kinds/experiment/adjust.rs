//! Adjustment of an experiment's lifts for what was known of its units before.

use serde::{Deserialize, Serialize};

/// Regression with interactions on covariates and strata (Lin 2013); `cuped` adds each metric's own past.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Adjustment {
    /// Numbers of a unit.
    pub covariates: Vec<Covariate>,
    /// Attributes of the unit, e.g. `user__country`, whose values crossed are strata.
    pub strata: Vec<String>,
    /// How careful the variance is.
    pub variance: RobustVariance,
}

/// A number of a unit known before it was exposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Covariate {
    /// A metric over the time before exposure.
    Metric {
        /// A simple metric of a sum or a count.
        metric: String,
        /// Seconds before exposure.
        before_seconds: u64,
    },
    /// A numeric attribute of the unit, e.g. `user__birth_year`; where it is missing, a column says so.
    Attribute {
        /// The dimension.
        dimension: String,
    },
}

/// Robust variances of the regression.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RobustVariance {
    /// Unbiased where residuals vary alike.
    #[default]
    Hc2,
    /// Careful in small samples.
    Hc3,
}
