//! Unbiased readout of data whose assignment was adapted while they came.
//!
//! **Question.** What is each arm worth, when a bandit played the good ones more?
//!
//! **Estimand.** The expected reward of each arm, and its difference from the control's.
//!
//! **Assumptions.** The probability of every arm at every step is known, above 0, and chosen from the past alone.
//!
//! **Formula.** Scores Γ_t(w) = m_t(w) + 1{W_t = w}/e_t(w)·(Y_t − m_t(w)), with m_t the mean of earlier rewards of the arm
//! (0 before the first; `ipw` has m = 0 throughout). Estimate Σh_tΓ_t/Σh_t, variance Σh_t²(Γ_t − estimate)²/(Σh_t)²:
//! h = 1, or h = √e_t(w), which keeps the studentised estimate normal when an arm's probability decays. Sample means of
//! arms are biased downwards for those that were dropped after bad luck.
//!
//! **Reference.** Hadad, Hirshberg, Zhan, Wager & Athey 2021; Nie, Tian, Taylor & Zou 2018 (the bias).
//!
//! *In batches*, where probabilities stay as they are for a while: m is the mean before the batch, and counts, means and
//! variances of the arms in each batch are enough.
//!
//! **Golden source.** `tests/golden/bandit.py` (the formulas in numpy); simulated coverage.

use serde::{Deserialize, Serialize};

use crate::{Estimate, NotEstimable};

/// How steps are weighted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Weighting {
    /// Inverse propensity without a model of the arm, equal weights.
    Ipw,
    /// Augmented by the running mean, equal weights.
    Uniform,
    /// Augmented by the running mean, weights √e.
    Adaptive,
}

/// One play.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Play {
    /// Arm played.
    pub arm: usize,
    /// Reward.
    pub reward: f64,
    /// Probability of every arm at that moment.
    pub propensities: Vec<f64>,
}

/// Values of the arms, and their differences from the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Readout {
    /// Value of each arm.
    pub values: Vec<Estimate>,
    /// Each other arm less arm 0, in order.
    pub differences: Vec<Estimate>,
}

/// Reads plays (in the order in which they came) out; arm 0 is the control.
pub fn readout(plays: &[Play], weighting: Weighting, level: f64) -> Result<Readout, NotEstimable> {
    crate::estimate::check_level(level)?;
    let k = plays.first().map_or(0, |p| p.propensities.len());
    if plays.len() < 2 || k == 0 {
        return Err(NotEstimable::too_few(format!("{} plays of {k} arms", plays.len())));
    }
    for (t, play) in plays.iter().enumerate() {
        let sum: f64 = play.propensities.iter().sum();
        let fits = play.propensities.len() == k && play.arm < k && (sum - 1.0).abs() < 1e-6;
        if !fits || play.propensities.iter().any(|e| !(*e > 0.0)) {
            return Err(NotEstimable::out_of_domain(
                format!(
                    "play {t} is of arm {} with probabilities {:?}",
                    play.arm, play.propensities
                ),
                "give the probability of every arm at every play: above 0, summing to 1",
            ));
        }
        if !play.reward.is_finite() {
            return Err(NotEstimable::not_finite(format!(
                "the reward of play {t} is {}",
                play.reward
            )));
        }
    }
    let mut influences = Vec::new();
    let mut values = Vec::new();
    for w in 0..k {
        let (mut count, mut mean) = (0.0, 0.0);
        let (mut scores, mut weights) = (Vec::new(), Vec::new());
        for play in plays {
            let e = play.propensities[w];
            let m = if weighting == Weighting::Ipw { 0.0 } else { mean };
            let own = play.arm == w;
            scores.push(m + if own { (play.reward - m) / e } else { 0.0 });
            weights.push(if weighting == Weighting::Adaptive {
                e.sqrt()
            } else {
                1.0
            });
            if own {
                count += 1.0;
                mean += (play.reward - mean) / count;
            }
        }
        if count < 2.0 {
            return Err(NotEstimable::too_few(format!("arm {w} was played {count} times")));
        }
        let total: f64 = weights.iter().sum();
        let value = scores.iter().zip(&weights).map(|(s, h)| s * h).sum::<f64>() / total;
        influences.push(
            scores
                .iter()
                .zip(&weights)
                .map(|(s, h)| h * (s - value) / total)
                .collect::<Vec<f64>>(),
        );
        values.push(value);
    }
    let n = plays.len() as u64;
    let name = match weighting {
        Weighting::Ipw => "inverse propensity",
        Weighting::Uniform => "augmented inverse propensity",
        Weighting::Adaptive => "augmented inverse propensity, adaptive weights",
    };
    let square = |f: &dyn Fn(usize) -> f64| (0..plays.len()).map(|t| f(t).powi(2)).sum::<f64>().sqrt();
    let estimate = |point: f64, se: f64| Estimate::new(point, se, None, n, level, name);
    Ok(Readout {
        values: values
            .iter()
            .zip(&influences)
            .map(|(&v, i)| Ok(estimate(v, square(&|t| i[t]))?.without_p()))
            .collect::<Result<_, NotEstimable>>()?,
        differences: (1..k)
            .map(|w| estimate(values[w] - values[0], square(&|t| influences[w][t] - influences[0][t])))
            .collect::<Result<_, NotEstimable>>()?,
    })
}

/// Plays made under the same probabilities: a batch, or one context of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    /// Probability of every arm.
    pub propensities: Vec<f64>,
    /// Plays, mean reward and sample variance (0 for fewer than two plays) of every arm.
    pub arms: Vec<(u64, f64, f64)>,
}

/// Reads batches (in the order in which they came) out, from their sums alone; arm 0 is the control. Batches without plays
/// are passed over.
///
/// Refused as [`readout`].
pub fn readout_batches(batches: &[Batch], weighting: Weighting, level: f64) -> Result<Readout, NotEstimable> {
    crate::estimate::check_level(level)?;
    let played: Vec<&Batch> = batches.iter().filter(|b| b.arms.iter().any(|a| a.0 > 0)).collect();
    let k = played.first().map_or(0, |b| b.arms.len());
    let n: u64 = played.iter().flat_map(|b| &b.arms).map(|a| a.0).sum();
    if n < 2 || k == 0 {
        return Err(NotEstimable::too_few(format!("{n} plays of {k} arms")));
    }
    for (t, batch) in played.iter().enumerate() {
        let sum: f64 = batch.propensities.iter().sum();
        let fits = batch.propensities.len() == k && batch.arms.len() == k && (sum - 1.0).abs() < 1e-6;
        if !fits || batch.propensities.iter().any(|e| !(*e > 0.0)) {
            return Err(NotEstimable::out_of_domain(
                format!("batch {t} has probabilities {:?}", batch.propensities),
                "give the probability of every arm in every batch: above 0, summing to 1; keep a floor",
            ));
        }
        if batch
            .arms
            .iter()
            .any(|(n, m, v)| *n > 0 && !(m.is_finite() && v.is_finite() && *v >= 0.0))
        {
            return Err(NotEstimable::not_finite(format!(
                "batch {t} has means and variances {:?}",
                batch.arms
            )));
        }
    }
    // The mean of each arm before each batch, and what it starts from.
    let base: Vec<Vec<f64>> = {
        let (mut counts, mut means) = (vec![0.0; k], vec![0.0; k]);
        played
            .iter()
            .map(|batch| {
                let before = if weighting == Weighting::Ipw {
                    vec![0.0; k]
                } else {
                    means.clone()
                };
                for (w, (n, mean, _)) in batch.arms.iter().enumerate().filter(|(_, a)| a.0 > 0) {
                    counts[w] += *n as f64;
                    means[w] += (mean - means[w]) * *n as f64 / counts[w];
                }
                before
            })
            .collect()
    };
    let weight = |batch: &Batch, w: usize| match weighting {
        Weighting::Adaptive => batch.propensities[w].sqrt(),
        _ => 1.0,
    };
    let size = |batch: &Batch| batch.arms.iter().map(|a| a.0 as f64).sum::<f64>();
    let totals: Vec<f64> = (0..k)
        .map(|w| played.iter().map(|b| weight(b, w) * size(b)).sum())
        .collect();
    let mut values = Vec::new();
    for (w, total) in totals.iter().enumerate() {
        if played.iter().map(|b| b.arms[w].0).sum::<u64>() < 2 {
            return Err(NotEstimable::too_few(format!("arm {w} was played fewer than twice")));
        }
        let sum: f64 = played
            .iter()
            .zip(&base)
            .map(|(b, m)| {
                let (n, mean, _) = b.arms[w];
                weight(b, w) * (size(b) * m[w] + n as f64 * (mean - m[w]) / b.propensities[w])
            })
            .sum();
        values.push(sum / total);
    }
    // Σ over plays of (Σ_w c_w·h_w(Γ_w − value_w)/total_w)², by the arm that was played.
    let square = |contrast: &[f64]| {
        let mut sum = 0.0;
        for (batch, m) in played.iter().zip(&base) {
            let scale = |w: usize| contrast[w] * weight(batch, w) / totals[w];
            let rest: f64 = (0..k)
                .filter(|w| contrast[*w] != 0.0)
                .map(|w| scale(w) * (m[w] - values[w]))
                .sum();
            for (a, (n, mean, variance)) in batch.arms.iter().enumerate().filter(|(_, a)| a.0 > 0) {
                let slope = scale(a) / batch.propensities[a];
                let centre = rest + slope * (mean - m[a]);
                sum += *n as f64 * centre * centre + (*n as f64 - 1.0) * variance * slope * slope;
            }
        }
        sum.sqrt()
    };
    let name = match weighting {
        Weighting::Ipw => "inverse propensity, in batches",
        Weighting::Uniform => "augmented inverse propensity, in batches",
        Weighting::Adaptive => "augmented inverse propensity, adaptive weights, in batches",
    };
    let unit = |w: usize| {
        let mut c = vec![0.0; k];
        c[w] = 1.0;
        c
    };
    Ok(Readout {
        values: (0..k)
            .map(|w| Ok(Estimate::new(values[w], square(&unit(w)), None, n, level, name)?.without_p()))
            .collect::<Result<_, NotEstimable>>()?,
        differences: (1..k)
            .map(|w| {
                let mut contrast = unit(w);
                contrast[0] = -1.0;
                Estimate::new(values[w] - values[0], square(&contrast), None, n, level, name)
            })
            .collect::<Result<_, NotEstimable>>()?,
    })
}
