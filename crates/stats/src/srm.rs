//! Sample-ratio mismatch with a fixed sample.
//!
//! **Question.** Did units arrive in the variants in the shares that were configured?
//!
//! **Estimand.** The shares of units per variant; the null is that they are the weights.
//!
//! **Assumptions.** Units are assigned independently; expected counts of about 5 or more per variant.
//!
//! **Formula.** χ² = Σ(O − E)²/E over variants with a positive weight, E = n·w/Σw, degrees of freedom one less than
//! there are such variants. A variant of weight 0 takes no part; if it holds units all the same, the design is violated
//! with certainty: χ² is infinite and p is 0.
//!
//! **Reference.** Pearson 1900; Fabijan et al. 2019.
//!
//! **Golden source.** `tests/golden/make.py` (scipy `chisquare`, mpmath for the tail).

use serde::{Deserialize, Serialize};

use crate::{NotEstimable, Reason, dist};

/// The test of observed against configured shares.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleRatio {
    /// Pearson's statistic; infinite when a variant of weight 0 holds units (JSON writes that as null).
    #[serde(deserialize_with = "null_is_infinite")]
    pub chi2: f64,
    /// Degrees of freedom: variants with a positive weight, less one.
    pub df: u32,
    /// p-value from the survival function.
    pub p: f64,
    /// Units observed per variant, as given.
    pub observed: Vec<u64>,
    /// Units expected per variant.
    pub expected: Vec<f64>,
}

/// JSON has no infinity: it is written as null, and read back.
fn null_is_infinite<'de, D: serde::Deserializer<'de>>(d: D) -> Result<f64, D::Error> {
    Ok(Option::<f64>::deserialize(d)?.unwrap_or(f64::INFINITY))
}

/// Tests `observed` units per variant against `weights` (any positive scale, same order).
///
/// Refused: fewer than two variants with weight, unlike lengths, weights that are negative or not finite, no units, or
/// so few that an expected count is under 1, where the χ² approximation says nothing.
pub fn sample_ratio(observed: &[u64], weights: &[f64]) -> Result<SampleRatio, NotEstimable> {
    if observed.len() != weights.len() {
        return Err(NotEstimable::out_of_domain(
            format!("{} counts and {} weights", observed.len(), weights.len()),
            "give one weight per variant",
        ));
    }
    if let Some(w) = weights.iter().find(|w| !w.is_finite() || **w < 0.0) {
        return Err(NotEstimable::out_of_domain(
            format!("a variant has the weight {w}"),
            "give weights of 0 or more, e.g. 0.5 and 0.5",
        ));
    }
    let arms = weights.iter().filter(|w| **w > 0.0).count();
    if arms < 2 {
        return Err(NotEstimable::out_of_domain(
            format!("{arms} variants have a weight above 0"),
            "give at least two variants a weight above 0",
        ));
    }
    let total: f64 = weights.iter().sum();
    let units: f64 = observed.iter().map(|&o| o as f64).sum();
    if units == 0.0 {
        return Err(NotEstimable::new(
            Reason::TooFew,
            "no units are observed",
            "wait for the first units",
        ));
    }
    let expected: Vec<f64> = weights.iter().map(|w| units * (w / total)).collect();
    let df = arms as u32 - 1;
    let intruders = observed.iter().zip(weights).any(|(&o, &w)| w == 0.0 && o > 0);
    if intruders {
        return Ok(SampleRatio {
            chi2: f64::INFINITY,
            df,
            p: 0.0,
            observed: observed.to_vec(),
            expected,
        });
    }
    if let Some(low) = expected.iter().zip(weights).find(|(e, w)| **w > 0.0 && **e < 1.0) {
        return Err(NotEstimable::new(
            Reason::TooFew,
            format!("a variant expects only {} units of {units}", low.0),
            "wait until every variant expects at least 1 unit",
        ));
    }
    let chi2 = observed
        .iter()
        .zip(&expected)
        .filter(|(_, e)| **e > 0.0)
        .map(|(&o, e)| (o as f64 - e) * (o as f64 - e) / e)
        .sum();
    Ok(SampleRatio {
        chi2,
        df,
        p: dist::chi_square_sf(chi2, f64::from(df)),
        observed: observed.to_vec(),
        expected,
    })
}
