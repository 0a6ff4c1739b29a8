//! Sample-ratio mismatch that may be watched all the time.
//!
//! **Question.** Do units arrive in the configured shares, when we look at every arrival?
//!
//! **Estimand.** The multinomial probabilities of the variants, against the configured ones θ⁰.
//!
//! **Assumptions.** Units arrive independently; counts are cumulative.
//!
//! **Formula.** Dirichlet(c·θ⁰) prior over the probabilities under the alternative; the Bayes factor against θ⁰ is
//! Γ(c)/Γ(c + n)·∏ Γ(cθ⁰ᵢ + nᵢ)/Γ(cθ⁰ᵢ)/∏ θ⁰ᵢ^nᵢ, a martingale under the null; p = least of 1 and 1/factor over the looks.
//! A variant of weight 0 is outside the model: units there make p 0.
//!
//! **Reference.** Lindon & Malek 2022 (Anytime-valid inference for multinomial count data), theorem 1.
//!
//! **Golden source.** `tests/golden/sequential.py` (log-gamma at 50 digits in mpmath).

use serde::{Deserialize, Serialize};
use statrs::function::gamma::ln_gamma;

use crate::NotEstimable;

/// The test after the last look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SequentialSampleRatio {
    /// Always-valid p-value over all looks.
    pub p: f64,
    /// The same after each look; never rises.
    pub path: Vec<f64>,
    /// ln of the Bayes factor at each look; `None` where it is infinite.
    pub log_bayes_factor: Vec<Option<f64>>,
    /// Shares at the last look, as the posterior means.
    pub posterior: Vec<f64>,
}

/// Tests cumulative units per variant (one row per look, oldest first) against `weights` (any positive scale).
/// `concentration` is how firmly the alternative sits around the weights: small deviations are found with a large one
/// (10,000 as in the authors' package), coarse ones sooner with a small one.
pub fn sequential_sample_ratio(
    looks: &[Vec<u64>],
    weights: &[f64],
    concentration: f64,
) -> Result<SequentialSampleRatio, NotEstimable> {
    if let Some(w) = weights.iter().find(|w| !w.is_finite() || **w < 0.0) {
        return Err(NotEstimable::out_of_domain(
            format!("a variant has the weight {w}"),
            "give weights of 0 or more, e.g. 0.5 and 0.5",
        ));
    }
    if weights.iter().filter(|w| **w > 0.0).count() < 2 {
        return Err(NotEstimable::out_of_domain(
            "fewer than two variants have a weight above 0",
            "give at least two variants a weight above 0",
        ));
    }
    if !(concentration > 0.0 && concentration.is_finite()) {
        return Err(NotEstimable::out_of_domain(
            format!("the concentration is {concentration}"),
            "give a number above 0, such as 10000",
        ));
    }
    let Some(last) = looks.last() else {
        return Err(NotEstimable::too_few("there are no looks"));
    };
    if let Some(row) = looks.iter().find(|row| row.len() != weights.len()) {
        return Err(NotEstimable::out_of_domain(
            format!("a look has {} counts for {} weights", row.len(), weights.len()),
            "give one count per variant",
        ));
    }
    if looks.windows(2).any(|w| w[0].iter().zip(&w[1]).any(|(a, b)| a > b)) {
        return Err(NotEstimable::out_of_domain(
            "a count falls from one look to the next",
            "give counts since the start, oldest first",
        ));
    }
    if last.iter().all(|&n| n == 0) {
        return Err(NotEstimable::too_few("no units are observed"));
    }
    let total: f64 = weights.iter().sum();
    let shares: Vec<f64> = weights.iter().map(|w| w / total).collect();
    let mut least = 1.0f64;
    let (mut path, mut log_bayes_factor) = (Vec::new(), Vec::new());
    for row in looks {
        let intruders = row.iter().zip(&shares).any(|(&n, &s)| s == 0.0 && n > 0);
        if intruders {
            least = 0.0;
            log_bayes_factor.push(None);
        } else {
            let n: f64 = row.iter().map(|&n| n as f64).sum();
            let mut log = -rising(concentration, n);
            for (&count, &share) in row.iter().zip(&shares).filter(|(_, s)| **s > 0.0) {
                log += rising(concentration * share, count as f64) - count as f64 * share.ln();
            }
            least = least.min((-log).exp());
            log_bayes_factor.push(Some(log));
        }
        path.push(least);
    }
    let n: f64 = last.iter().map(|&n| n as f64).sum();
    Ok(SequentialSampleRatio {
        p: least,
        path,
        log_bayes_factor,
        posterior: last
            .iter()
            .zip(&shares)
            .map(|(&count, s)| (concentration * s + count as f64) / (concentration + n))
            .collect(),
    })
}

/// ln Γ(a + n) − ln Γ(a).
fn rising(a: f64, n: f64) -> f64 {
    if n <= 30.0 {
        // A product keeps all digits where the difference of two large logarithms would not.
        return (0..n as u64).map(|i| (a + i as f64).ln()).sum();
    }
    ln_gamma(a + n) - ln_gamma(a)
}
