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
