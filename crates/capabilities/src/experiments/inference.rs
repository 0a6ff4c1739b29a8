//! The statistics that stand beside a lift: the split, corrections for several comparisons, power.

use steward_stats::{NotEstimable, multiplicity, power, srm};

/// Share of true lifts that a detectable one is found with.
const POWER: f64 = 0.8;

/// p and χ² of the planned shares, given counts. χ² is `None` where it is infinite.
pub fn sample_ratio(counts: &[u64], planned: &[f64]) -> Result<(f64, Option<f64>), NotEstimable> {
    let found = srm::sample_ratio(counts, planned)?;
    Ok((found.p, Some(found.chi2).filter(|x| x.is_finite())))
}

/// p-values corrected by `holm` (also when nothing is named), `benjamini-hochberg` or `none`, in the order given.
pub fn correct(method: &str, p: &[f64]) -> Result<Vec<f64>, NotEstimable> {
    if p.is_empty() {
        return Ok(Vec::new());
    }
    match method {
        "none" => Ok(p.to_vec()),
        "benjamini-hochberg" => multiplicity::benjamini_hochberg(p),
        _ => multiplicity::holm(p),
    }
}

/// Smallest difference that a standard error detects with 80% power at two-sided `alpha`.
pub fn detectable(se: f64, alpha: f64) -> Option<f64> {
    power::minimum_detectable(se, alpha, POWER).ok()
}
