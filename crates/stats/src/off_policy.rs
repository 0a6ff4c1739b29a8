//! What another policy would have earned, from what one policy has logged.
//!
//! **Question.** Would it pay to choose by a new rule, before anyone is exposed to it?
//!
//! **Estimand.** The expected reward of the target policy over the logged contexts.
//!
//! **Assumptions.** The logging probability of the chosen action is known and above 0 wherever the target would choose
//! it; rewards depend on the action and context alone.
//!
//! **Formula.** With w = π(a|x)/p(a|x): IPS Σwr/n; SNIPS Σwr/Σw (delta method); direct Σq(x, π)/n; DR
//! Σ[q(x, π) + w(r − q(x, a))]/n. Weights above a cap, if one is given, are cut to it. Effective sample size (Σw)²/Σw².
//!
//! **Reference.** Horvitz & Thompson 1952; Swaminathan & Joachims 2015 (SNIPS); Dudík, Langford & Li 2011 (DR).
//!
//! **Golden source.** `tests/golden/bandit.py` (the formulas in numpy, errors by statsmodels); simulated coverage.

use serde::{Deserialize, Serialize};

use crate::{Estimate, Moments, NotEstimable};

/// One logged decision.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logged {
    /// Reward of the action that was taken.
    pub reward: f64,
    /// Probability with which it was taken.
    pub logging: f64,
    /// Probability with which the target policy would take it.
    pub target: f64,
    /// Reward model at the action taken, and its mean over the target policy's actions.
    pub model: Option<(f64, f64)>,
}

/// The target policy's value by each method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Values {
    /// Inverse propensity score.
    pub ips: Estimate,
    /// Self-normalised.
    pub snips: Estimate,
    /// Doubly robust, with a model.
    pub dr: Option<Estimate>,
    /// Value of the logging policy: the mean reward.
    pub logged: Estimate,
    /// Effective sample size of the weights.
    pub effective_n: f64,
    /// Largest weight, after the cap.
    pub largest_weight: f64,
}

/// Evaluates a policy. Intervals are t with n − 1 degrees of freedom.
pub fn evaluate(rows: &[Logged], cap: Option<f64>, level: f64) -> Result<Values, NotEstimable> {
    let n = rows.len();
    if n < 2 {
        return Err(NotEstimable::too_few(format!("{n} decisions were logged")));
    }
    if cap.is_some_and(|c| !(c > 0.0)) {
        return Err(NotEstimable::out_of_domain(
            "the cap of weights is not above 0",
            "give a cap such as 20",
        ));
    }
    for (i, row) in rows.iter().enumerate() {
        if !(row.logging > 0.0 && row.logging <= 1.0 && (0.0..=1.0).contains(&row.target)) {
            return Err(NotEstimable::out_of_domain(
                format!(
                    "decision {i} was taken with probability {}, by the target with {}",
                    row.logging, row.target
                ),
                "give probabilities between 0 and 1; the logging one above 0",
            ));
        }
        let model_finite = row.model.is_none_or(|(a, b)| a.is_finite() && b.is_finite());
        if !row.reward.is_finite() || !model_finite {
            return Err(NotEstimable::not_finite(format!(
                "decision {i} has a reward or model value that is not finite"
            )));
        }
    }
    let weight = |r: &Logged| (r.target / r.logging).min(cap.unwrap_or(f64::INFINITY));
    let weights: Vec<f64> = rows.iter().map(weight).collect();
    let sum: f64 = weights.iter().sum();
    if sum == 0.0 {
        return Err(NotEstimable::too_few(
            "the target policy takes none of the logged actions",
        ));
    }
    let mean = |terms: &dyn Fn(usize) -> f64, name: &str| {
        let value = (0..n).map(terms).sum::<f64>() / n as f64;
        let square = (0..n).map(|i| (terms(i) - value).powi(2)).sum::<f64>();
        let se = (square / (n as f64 - 1.0) / n as f64).sqrt();
        Ok::<Estimate, NotEstimable>(Estimate::new(value, se, Some(n as f64 - 1.0), n as u64, level, name)?.without_p())
    };
    let snips = {
        let value = rows.iter().zip(&weights).map(|(r, w)| r.reward * w).sum::<f64>() / sum;
        let square: f64 = rows
            .iter()
            .zip(&weights)
            .map(|(r, w)| (w * (r.reward - value)).powi(2))
            .sum();
        // The delta method's sum of squares, with the divisor n − 1 of a sample variance.
        let se = (square * n as f64 / (n as f64 - 1.0)).sqrt() / sum;
        Estimate::new(value, se, Some(n as f64 - 1.0), n as u64, level, "snips")?.without_p()
    };
    let dr = if rows.iter().all(|r| r.model.is_some()) {
        Some(mean(
            &|i| {
                rows[i]
                    .model
                    .map_or(f64::NAN, |(own, all)| all + weights[i] * (rows[i].reward - own))
            },
            "doubly robust",
        )?)
    } else {
        None
    };
    Ok(Values {
        ips: mean(&|i| weights[i] * rows[i].reward, "ips")?,
        snips,
        dr,
        logged: mean(&|i| rows[i].reward, "mean of the log")?,
        effective_n: sum * sum / weights.iter().map(|w| w * w).sum::<f64>(),
        largest_weight: weights.iter().copied().fold(0.0, f64::max),
    })
}

/// Decisions of one action in one context, by their sums.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Moments of (reward/p, 1/p), p the probability with which the action was taken.
    pub sums: Moments,
    /// Mean reward.
    pub reward: f64,
    /// Sample variance of rewards.
    pub variance: f64,
    /// Probability with which the target policy would take it.
    pub target: f64,
    /// Reward model of the action here, and its mean over the target policy's actions here.
    pub model: Option<(f64, f64)>,
}

/// [`evaluate`] from sums: the target's probability and the model are alike within a group. Weights are not capped.
pub fn evaluate_groups(groups: &[Group], level: f64) -> Result<Values, NotEstimable> {
    let groups: Vec<&Group> = groups.iter().filter(|g| g.sums.count() > 0).collect();
    let n: f64 = groups.iter().map(|g| g.sums.count() as f64).sum();
    if n < 2.0 {
        return Err(NotEstimable::too_few(format!("{n} decisions were logged")));
    }
    for g in &groups {
        let finite = (0..2).all(|i| g.sums.mean(i).is_finite()) && g.reward.is_finite() && g.variance.is_finite();
        if !finite || g.model.is_some_and(|(a, b)| !(a.is_finite() && b.is_finite())) {
            return Err(NotEstimable::not_finite(
                "a reward, a probability or a model value is not finite",
            ));
        }
        if !(0.0..=1.0).contains(&g.target) || g.sums.mean(1) < 1.0 - 1e-9 {
            return Err(NotEstimable::out_of_domain(
                format!(
                    "the target's probability is {}, the mean of 1/p {}",
                    g.target,
                    g.sums.mean(1)
                ),
                "give probabilities between 0 and 1; those of the log above 0",
            ));
        }
    }
    // Of α·reward/p + β/p + γ within a group: its sum, and its sum of squares around a centre.
    let sum =
        |g: &Group, (a, b, c): (f64, f64, f64)| g.sums.count() as f64 * (a * g.sums.mean(0) + b * g.sums.mean(1) + c);
    let squares = |g: &Group, (a, b, c): (f64, f64, f64), centre: f64| {
        let mean = a * g.sums.mean(0) + b * g.sums.mean(1) + c - centre;
        let inner = a * a * g.sums.cross(0, 0) + 2.0 * a * b * g.sums.cross(0, 1) + b * b * g.sums.cross(1, 1);
        g.sums.count() as f64 * mean * mean + inner.max(0.0)
    };
    let weights: f64 = groups.iter().map(|g| sum(g, (0.0, g.target, 0.0))).sum();
    if weights == 0.0 {
        return Err(NotEstimable::too_few(
            "the target policy takes none of the logged actions",
        ));
    }
    let mean = |form: &dyn Fn(&Group) -> (f64, f64, f64), name: &str| {
        let value = groups.iter().map(|g| sum(g, form(g))).sum::<f64>() / n;
        let square: f64 = groups.iter().map(|g| squares(g, form(g), value)).sum();
        let se = (square / (n - 1.0) / n).sqrt();
        Ok::<Estimate, NotEstimable>(Estimate::new(value, se, Some(n - 1.0), n as u64, level, name)?.without_p())
    };
    let snips = {
        let value = groups.iter().map(|g| sum(g, (g.target, 0.0, 0.0))).sum::<f64>() / weights;
        let square: f64 = groups
            .iter()
            .map(|g| squares(g, (g.target, -g.target * value, 0.0), 0.0))
            .sum();
        let se = (square * n / (n - 1.0)).sqrt() / weights;
        Estimate::new(value, se, Some(n - 1.0), n as u64, level, "snips")?.without_p()
    };
    let dr = if groups.iter().all(|g| g.model.is_some()) {
        let form = |g: &Group| {
            let (own, all) = g.model.unwrap_or((f64::NAN, f64::NAN));
            (g.target, -g.target * own, all)
        };
        Some(mean(&form, "doubly robust")?)
    } else {
        None
    };
    let logged = {
        let value = groups.iter().map(|g| g.sums.count() as f64 * g.reward).sum::<f64>() / n;
        let square: f64 = groups
            .iter()
            .map(|g| {
                let count = g.sums.count() as f64;
                count * (g.reward - value).powi(2) + (count - 1.0) * g.variance
            })
            .sum();
        let se = (square / (n - 1.0) / n).sqrt();
        Estimate::new(value, se, Some(n - 1.0), n as u64, level, "mean of the log")?.without_p()
    };
    let square: f64 = groups.iter().map(|g| squares(g, (0.0, g.target, 0.0), 0.0)).sum();
    Ok(Values {
        ips: mean(&|g| (g.target, 0.0, 0.0), "ips")?,
        snips,
        dr,
        logged,
        effective_n: weights * weights / square,
        largest_weight: groups.iter().map(|g| g.target * g.sums.mean(1)).fold(0.0, f64::max),
    })
}
