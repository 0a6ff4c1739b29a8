//! What shipped experiments are worth together, once luck is taken out.
//!
//! **Question.** The winners' sum says two million: what was really earned?
//!
//! **Estimand.** V = Σ wᵢθᵢ over the counted (shipped) experiments: true relative effect θᵢ, times what one unit of relative
//! effect is worth, wᵢ (baseline × exposed units × value per unit × margin × decay, in money).
//!
//! **Assumptions.** As [`crate::programme`]: yᵢ ~ N(θᵢ, sᵢ²), θᵢ ~ N(μ, τ²), all experiments of the programme given, not only
//! the shipped ones; weights known. Effects add up: what they take from each other is for a holdout to show.
//!
//! **Formula.** At given τ², E = Σ wᵢ(Bᵢμ̂ + (1 − Bᵢ)yᵢ) and variance Σ wᵢ²(1 − Bᵢ)sᵢ² + (Σ wᵢBᵢ)²·Var μ̂, averaged over τ as
//! the prior says; quantiles of the mixture. The naive sum is Σ wᵢyᵢ with variance Σ wᵢ²sᵢ².
//!
//! **Reference.** Lee & Shen 2018 (winner's curse); Efron 2011; Morris 1983.
//!
//! **Golden source.** `tests/golden/value.py` (scipy quadrature); coverage on simulated worlds in `tests/it/realised.rs`.

use serde::{Deserialize, Serialize};

use crate::estimate::check_level;
use crate::meta::check;
use crate::shrinkage::{Prior, moments, nodes, quantile};
use crate::{Estimate, NotEstimable};

/// Value of a programme.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Realised {
    /// Shrunk value by experiment, in the order given, also of those not counted; in the unit of the weights.
    pub each: Vec<Estimate>,
    /// Shrunk value of the counted ones together.
    pub total: Estimate,
    /// What their estimates as they were add up to.
    pub naive: Estimate,
}

/// Sums the value of the counted experiments. `weights[i]` is what a relative effect of 1 is worth.
///
/// Refused: fewer than three experiments (one, where the population is known), nothing counted, unlike lengths, weights
/// that are negative or not finite.
pub fn realised(
    effects: &[f64],
    errors: &[f64],
    weights: &[f64],
    counted: &[bool],
    prior: Prior,
    level: f64,
) -> Result<Realised, NotEstimable> {
    check_level(level)?;
    check(effects, errors, prior.least(3))?;
    if weights.len() != effects.len() || counted.len() != effects.len() {
        return Err(NotEstimable::out_of_domain(
            format!(
                "{} effects, {} weights, {} marks",
                effects.len(),
                weights.len(),
                counted.len()
            ),
            "give each experiment a weight and a mark",
        ));
    }
    if let Some(w) = weights.iter().find(|w| !w.is_finite() || **w < 0.0) {
        return Err(NotEstimable::out_of_domain(
            format!("a weight is {w}"),
            "give what a relative effect of 1 is worth, 0 or more",
        ));
    }
    let chosen: Vec<usize> = (0..effects.len())
        .filter(|i| counted[*i] && weights[*i] > 0.0)
        .collect();
    if chosen.is_empty() {
        return Err(NotEstimable::too_few("nothing is shipped that has a value"));
    }
    let spread = nodes(effects, errors, prior)?;
    let sum = |of: &[usize]| {
        let parts: Vec<(f64, f64, f64)> = spread
            .iter()
            .map(|(weight, tau2)| {
                let (mean, mean_variance) = prior.common(effects, errors, *tau2);
                let (mut sum, mut own, mut pulled) = (0.0, 0.0, 0.0);
                for &i in of {
                    let square = errors[i] * errors[i];
                    let b = square / (square + tau2);
                    sum += weights[i] * (b * mean + (1.0 - b) * effects[i]);
                    own += weights[i] * weights[i] * (1.0 - b) * square;
                    pulled += weights[i] * b;
                }
                (*weight, sum, own + pulled * pulled * mean_variance)
            })
            .collect();
        let (mean, variance) = moments(&parts);
        let tail = (1.0 - level) / 2.0;
        let e = Estimate::new(mean, variance.sqrt(), None, of.len() as u64, level, "shrunk value")?.without_p();
        Ok(Estimate {
            low: quantile(&parts, tail, mean, e.se),
            high: quantile(&parts, 1.0 - tail, mean, e.se),
            ..e
        })
    };
    let each = (0..effects.len())
        .map(|i| match weights[i] > 0.0 {
            true => sum(&[i]),
            false => Ok(Estimate {
                point: 0.0,
                se: 0.0,
                low: 0.0,
                high: 0.0,
                level,
                df: None,
                p: None,
                n: 1,
                method: "no weight".into(),
            }),
        })
        .collect::<Result<_, _>>()?;
    let naive: f64 = chosen.iter().map(|&i| weights[i] * effects[i]).sum();
    let variance: f64 = chosen.iter().map(|&i| (weights[i] * errors[i]).powi(2)).sum();
    Ok(Realised {
        each,
        total: sum(&chosen)?,
        naive: Estimate::new(
            naive,
            variance.sqrt(),
            None,
            chosen.len() as u64,
            level,
            "sum as estimated",
        )?
        .without_p(),
    })
}

/// Sum of independent estimates (different metrics), by their normal approximation. `None` of none.
pub fn add(parts: &[Estimate], level: f64) -> Result<Option<Estimate>, NotEstimable> {
    if parts.is_empty() {
        return Ok(None);
    }
    if let [one] = parts
        && one.level == level
    {
        return Ok(Some(one.clone()));
    }
    let point = parts.iter().map(|e| e.point).sum();
    let se = parts.iter().map(|e| e.se * e.se).sum::<f64>().sqrt();
    let n = parts.iter().map(|e| e.n).sum();
    Ok(Some(
        Estimate::new(point, se, None, n, level, "sum of independent parts")?.without_p(),
    ))
}
