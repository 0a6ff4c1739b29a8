//! A programme of experiments: what its winners added up to, and how often it wins.
//!
//! **Question.** The shipped winners sum to +20%: how much of that is luck of the draw?
//!
//! **Estimand.** Σθᵢ over the experiments that were counted (shipped, or significantly positive), in the effects' unit; the
//! share of experiments whose true effect is positive; the power that the programme's designs have on its own effects.
//!
//! **Assumptions.** Estimates yᵢ ~ N(θᵢ, sᵢ²) independent, all experiments of the programme given, not only the winners;
//! θᵢ ~ N(μ, τ²).
//!
//! **Formula.** Posterior of each θᵢ as [`crate::shrinkage`], so that selecting on yᵢ does not bias it; at given τ², the sum
//! has variance Σ(1 − Bᵢ)sᵢ² + (ΣBᵢ)²·Var μ̂. Mean power: that of a two-sided test at `alpha` on θ ~ N(μ, τ²), P(|N(μ, τ² +
//! s²)| > z·s), averaged over experiments. All are averaged over τ as the prior says.
//!
//! **Reference.** Efron 2011 (selection bias and empirical Bayes); Azevedo et al. 2020; Lee & Shen 2018 (winner's curse).
//!
//! **Golden source.** `tests/golden/heterogeneity.py` (scipy).

use serde::{Deserialize, Serialize};

use crate::meta::check;
use crate::shrinkage::{Prior, Shrunk, moments, nodes, quantile, shrink};
use crate::{Estimate, NotEstimable, dist};

/// What a programme did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Programme {
    /// Each experiment's effect after shrinkage.
    pub effects: Vec<Shrunk>,
    /// Mean of the population of effects.
    pub mean: f64,
    /// Its spread.
    pub tau: f64,
    /// Experiments counted in the sums.
    pub counted: u64,
    /// Sum of their estimates as they were.
    pub naive: f64,
    /// Sum of their shrunk effects.
    pub cumulative: Option<Estimate>,
    /// Naive over shrunk; `None` unless both are positive.
    pub overstatement: Option<f64>,
    /// Share of experiments that were significantly positive.
    pub win_rate: f64,
    /// Share significantly negative.
    pub loss_rate: f64,
    /// Share whose true effect is positive, by the posterior.
    pub positive_rate: f64,
    /// Mean power of the experiments on effects of this programme's kind.
    pub mean_power: f64,
}

/// Sums a programme. `counted[i]` says whether experiment i counts (`None`: those significantly positive at two-sided
/// `alpha`). Effects must point one way: positive is good.
///
/// Refused: fewer than three experiments (one, where the population is known), unlike lengths, values that are not finite, `alpha` outside (0, 1).
pub fn programme(
    effects: &[f64],
    errors: &[f64],
    counted: Option<&[bool]>,
    prior: Prior,
    alpha: f64,
    level: f64,
) -> Result<Programme, NotEstimable> {
    crate::estimate::check_level(alpha)?;
    check(effects, errors, prior.least(3))?;
    if counted.is_some_and(|c| c.len() != effects.len()) {
        return Err(NotEstimable::out_of_domain(
            format!(
                "{} experiments, {} marks",
                effects.len(),
                counted.map_or(0, <[bool]>::len)
            ),
            "mark each experiment as counted or not",
        ));
    }
    let shrunk = shrink(effects, errors, prior, level)?;
    let z = dist::normal_isf(alpha / 2.0);
    let k = effects.len() as f64;
    let share =
        |f: &dyn Fn(f64, f64) -> bool| effects.iter().zip(errors).filter(|(y, s)| f(**y, **s)).count() as f64 / k;
    let chosen: Vec<usize> = (0..effects.len())
        .filter(|&i| counted.map_or(effects[i] > z * errors[i], |c| c[i]))
        .collect();
    let naive: f64 = chosen.iter().map(|&i| effects[i]).sum();
    let mut mean_power = 0.0;
    let mut sums = Vec::new();
    for (weight, tau2) in nodes(effects, errors, prior)? {
        let (mean, mean_variance) = prior.common(effects, errors, tau2);
        let (mut sum, mut own, mut pulled) = (0.0, 0.0, 0.0);
        for &i in &chosen {
            let square = errors[i] * errors[i];
            let b = square / (square + tau2);
            sum += b * mean + (1.0 - b) * effects[i];
            own += (1.0 - b) * square;
            pulled += b;
        }
        sums.push((weight, sum, own + pulled * pulled * mean_variance));
        let power = |s: f64| {
            let spread = (tau2 + s * s).sqrt();
            dist::normal_sf((z * s - mean) / spread) + dist::normal_sf((z * s + mean) / spread)
        };
        mean_power += weight * errors.iter().map(|s| power(*s)).sum::<f64>() / k;
    }
    let (sum, variance) = moments(&sums);
    let tail = (1.0 - level) / 2.0;
    let n = chosen.len() as u64;
    let cumulative = if chosen.is_empty() {
        None
    } else {
        let mut e = Estimate::new(sum, variance.sqrt(), None, n, level, "sum of shrunk effects")?.without_p();
        e.low = quantile(&sums, tail, sum, e.se);
        e.high = quantile(&sums, 1.0 - tail, sum, e.se);
        Some(e)
    };
    Ok(Programme {
        overstatement: (naive > 0.0 && cumulative.is_some() && sum > 0.0).then(|| naive / sum),
        cumulative,
        positive_rate: shrunk.effects.iter().map(|e| e.positive).sum::<f64>() / k,
        effects: shrunk.effects,
        mean: shrunk.mean,
        tau: shrunk.tau,
        counted: n,
        naive,
        win_rate: share(&|y, s| y > z * s),
        loss_rate: share(&|y, s| y < -z * s),
        mean_power,
    })
}
