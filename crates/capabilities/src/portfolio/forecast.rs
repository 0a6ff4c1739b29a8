//! Where a key result is heading: a linear trend over equally spaced periods, read at the objective's last one.

use steward_definitions::Direction;
use steward_stats::{Estimate, NotEstimable};

/// A forecast and what it says about the target.
pub struct Forecast {
    /// Expected value with its prediction interval.
    pub estimate: Estimate,
    /// Probability that the value meets the target.
    pub probability: f64,
}

/// Forecasts the value at step `at` from (step, value) points.
pub fn forecast(points: &[(f64, f64)], at: f64, target: f64, direction: Direction) -> Result<Forecast, NotEstimable> {
    let _ = (points, at, target, direction);
    todo!()
}
