//! Mixture sequential probability ratio test: p-values that are valid whenever one looks.
//!
//! **Question.** Is there an effect, when we look as often as we like?
//!
//! **Estimand.** That of the estimates given, against the null value 0.
//!
//! **Assumptions.** Each estimate is near normal with variance V known; the mixing distribution of the effect under the
//! alternative is N(0, τ²), fixed before the first look.
//!
//! **Formula.** Λ = √(V/(V + τ²))·exp(τ²δ²/(2V(V + τ²))); the p-value is the least of 1 and 1/Λ over the looks. Interval:
//! δ ± √(V(V + τ²)/τ²·(ln((V + τ²)/V) − 2 ln a)), intersected over the looks on request of the caller.
//!
//! **Reference.** Robbins 1970; Johari, Koomen, Pekelis & Walsh 2017.
//!
//! **Golden source.** `tests/golden/sequential.py` (the mixture integral in mpmath).

use serde::{Deserialize, Serialize};

use crate::estimate::check_level;
use crate::{Estimate, NotEstimable};

/// The test after the last look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Msprt {
    /// Last estimate, its always-valid interval, and the always-valid p-value over all looks.
    pub estimate: Estimate,
    /// Always-valid p-value after each look; never rises.
    pub p: Vec<f64>,
    /// ln Λ at each look.
    pub log_likelihood_ratio: Vec<f64>,
    /// First look (from 0) with p at most 1 − level.
    pub rejected_at: Option<usize>,
}

/// Tests the looks so far: (effect, standard error) of each, oldest first. `tau` is the standard deviation of plausible
/// effects, in their unit; `n` the units at the last look.
pub fn msprt(looks: &[(f64, f64)], tau: f64, n: u64, level: f64) -> Result<Msprt, NotEstimable> {
    check_level(level)?;
    if !(tau > 0.0 && tau.is_finite()) {
        return Err(NotEstimable::out_of_domain(
            format!("tau is {tau}"),
            "give the standard deviation of plausible effects, in the unit of the effect, above 0",
        ));
    }
    if let Some((e, se)) = looks.iter().find(|(e, se)| !e.is_finite() || !se.is_finite()) {
        return Err(NotEstimable::not_finite(format!(
            "a look has effect {e} and standard error {se}"
        )));
    }
    if looks.iter().any(|(_, se)| *se <= 0.0) {
        return Err(NotEstimable::zero_variance("the standard error of a look is 0"));
    }
    let Some(&(point, se)) = looks.last() else {
        return Err(NotEstimable::too_few("there are no looks"));
    };
    let t2 = tau * tau;
    let log_likelihood_ratio: Vec<f64> = looks
        .iter()
        .map(|&(delta, se)| {
            let v = se * se;
            -0.5 * (t2 / v).ln_1p() + t2 * (delta / se).powi(2) / (2.0 * (v + t2))
        })
        .collect();
    let mut least = 1.0f64;
    let p: Vec<f64> = log_likelihood_ratio
        .iter()
        .map(|l| {
            least = least.min((-l).exp());
            least
        })
        .collect();
    let alpha = 1.0 - level;
    let v = se * se;
    let width = (v * (v + t2) / t2 * ((t2 / v).ln_1p() - 2.0 * alpha.ln())).sqrt();
    Ok(Msprt {
        estimate: Estimate {
            point,
            se,
            low: point - width,
            high: point + width,
            level,
            df: None,
            p: Some(least),
            n,
            method: format!("msprt, normal mixture with tau {tau}"),
        },
        rejected_at: p.iter().position(|&p| p <= alpha),
        p,
        log_likelihood_ratio,
    })
}
