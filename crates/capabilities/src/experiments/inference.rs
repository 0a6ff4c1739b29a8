//! The statistics that stand beside a lift: the split, power.

use steward_stats::sequential_srm::sequential_sample_ratio;
use steward_stats::{NotEstimable, power, srm};

/// Share of true lifts that a detectable one is found with.
const POWER: f64 = 0.8;

/// p and χ² of the planned shares, given counts. χ² is `None` where it is infinite.
pub fn sample_ratio(counts: &[u64], planned: &[f64]) -> Result<(f64, Option<f64>), NotEstimable> {
    let found = srm::sample_ratio(counts, planned)?;
    Ok((found.p, Some(found.chi2).filter(|x| x.is_finite())))
}

/// How firmly the alternative of the sequential test sits around the plan: as in the authors' package.
const CONCENTRATION: f64 = 10_000.0;

/// p of the planned shares over all looks, given the counts of units at each, oldest first; it holds at every look.
pub fn sequential_sample_ratio_p(looks: &[Vec<u64>], planned: &[f64]) -> Result<f64, NotEstimable> {
    Ok(sequential_sample_ratio(looks, planned, CONCENTRATION)?.p)
}

/// Smallest difference that a standard error detects with 80% power at two-sided `alpha`.
pub fn detectable(se: f64, alpha: f64) -> Option<f64> {
    power::minimum_detectable(se, alpha, POWER).ok()
}
