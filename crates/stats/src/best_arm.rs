//! Is the best arm known? Generalised likelihood ratios of the leader against every other.
//!
//! **Question.** May a comparison of several arms stop with a winner, however arms were chosen and however often we looked?
//!
//! **Estimand.** The arm with the largest expected reward (smallest, where less is better).
//!
//! **Assumptions.** Rewards are Bernoulli, or Gaussian of one variance that is known (the pooled one is taken if none is
//! given); arms are chosen from the past alone. One arm is best.
//!
//! **Formula.** With N_a plays of mean μ_a, and μ the mean of leader a and rival b together: Z_ab = N_a·d(μ_a, μ) +
//! N_b·d(μ_b, μ), d the Kullback–Leibler divergence ((μ_a − μ)²/2σ² for the Gaussian). Stop when min_b Z_ab exceeds the
//! threshold. *Proved*: 2·C(ln((K − 1)/δ)/2) + 4·ln(4 + ln(t/2)) with C of Kaufmann & Koolen for the Gaussian,
//! ln(2t(K − 1)/δ) of Garivier & Kaufmann for Bernoulli: wrong with chance at most δ over all t. *Stylised*: ln((1 + ln t)/δ),
//! which practice uses and simulations hold, without proof.
//!
//! **Reference.** Garivier & Kaufmann 2016; Kaufmann & Koolen 2021; Chernoff 1959.
//!
//! **Golden source.** `tests/golden/rates.py` (the formulas in numpy, C by scipy); simulated errors.

use serde::{Deserialize, Serialize};

use crate::bayes::Better;
use crate::{NotEstimable, Reason};

/// What is known of an arm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// Plays.
    pub plays: u64,
    /// Mean reward.
    pub mean: f64,
}

/// How rewards are distributed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rewards {
    /// 0 or 1.
    Bernoulli,
    /// Normal with this variance.
    Gaussian {
        /// Variance of a reward.
        variance: f64,
    },
}

/// Which threshold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Threshold {
    /// With a proof of the error rate.
    Proved,
    /// As practice has it.
    Stylised,
}

/// The leader against its rivals.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BestArm {
    /// The leading arm.
    pub leader: usize,
    /// Log likelihood ratio of the leader against each arm; 0 for itself.
    pub statistics: Vec<f64>,
    /// The least of them: that of the strongest rival.
    pub statistic: f64,
    /// The strongest rival.
    pub rival: usize,
    /// What the statistic must exceed.
    pub threshold: f64,
    /// Whether it does.
    pub stop: bool,
}

/// Tests whether the leader is the best arm, with error at most `delta`.
pub fn best_arm(
    arms: &[Arm],
    rewards: Rewards,
    better: Better,
    threshold: Threshold,
    delta: f64,
) -> Result<BestArm, NotEstimable> {
    crate::estimate::check_level(1.0 - delta)?;
    let k = arms.len();
    if !(2..=crate::bandit::MOST_ARMS).contains(&k) {
        return Err(NotEstimable::out_of_domain(
            format!("{k} arms"),
            format!("give 2 to {} arms", crate::bandit::MOST_ARMS),
        ));
    }
    for (i, arm) in arms.iter().enumerate() {
        if arm.plays == 0 {
            return Err(NotEstimable::too_few(format!("arm {i} was never played")));
        }
        let fits = match rewards {
            Rewards::Bernoulli => (0.0..=1.0).contains(&arm.mean),
            Rewards::Gaussian { .. } => arm.mean.is_finite(),
        };
        if !fits {
            return Err(NotEstimable::out_of_domain(
                format!("the mean reward of arm {i} is {}", arm.mean),
                "give a share for Bernoulli rewards, a finite mean for Gaussian ones",
            ));
        }
    }
    match rewards {
        Rewards::Gaussian { variance } if !variance.is_finite() => {
            return Err(NotEstimable::not_finite(format!("the variance is {variance}")));
        }
        Rewards::Gaussian { variance } if variance <= 0.0 => {
            return Err(NotEstimable::zero_variance(format!(
                "the variance of a reward is {variance}"
            )));
        }
        _ => {}
    }
    let sign = if better == Better::Higher { 1.0 } else { -1.0 };
    let leader = (0..k)
        .max_by(|&a, &b| (sign * arms[a].mean).total_cmp(&(sign * arms[b].mean)).then(b.cmp(&a)))
        .unwrap_or(0);
    let statistics: Vec<f64> = arms
        .iter()
        .enumerate()
        .map(|(i, b)| {
            if i == leader {
                0.0
            } else {
                ratio(&arms[leader], b, rewards)
            }
        })
        .collect();
    let rival = (0..k)
        .filter(|i| *i != leader)
        .min_by(|&a, &b| statistics[a].total_cmp(&statistics[b]))
        .ok_or_else(|| NotEstimable::new(Reason::TooFew, "one arm only", "give two arms or more"))?;
    let t = arms.iter().map(|a| a.plays as f64).sum::<f64>();
    let threshold = match (threshold, rewards) {
        (Threshold::Stylised, _) => ((1.0 + t.ln()) / delta).ln(),
        (Threshold::Proved, Rewards::Bernoulli) => (2.0 * t * (k as f64 - 1.0) / delta).ln(),
        (Threshold::Proved, Rewards::Gaussian { .. }) => {
            2.0 * mixture(((k as f64 - 1.0) / delta).ln() / 2.0) + 4.0 * (4.0 + (t / 2.0).ln()).ln()
        }
    };
    Ok(BestArm {
        leader,
        statistic: statistics[rival],
        rival,
        stop: statistics[rival] > threshold,
        threshold,
        statistics,
    })
}

fn ratio(a: &Arm, b: &Arm, rewards: Rewards) -> f64 {
    let (n, m) = (a.plays as f64, b.plays as f64);
    let middle = (n * a.mean + m * b.mean) / (n + m);
    let d = |x: f64| match rewards {
        Rewards::Gaussian { variance } => (x - middle).powi(2) / (2.0 * variance),
        Rewards::Bernoulli => part(x, middle) + part(1.0 - x, 1.0 - middle),
    };
    n * d(a.mean) + m * d(b.mean)
}

fn part(x: f64, y: f64) -> f64 {
    if x > 0.0 { x * (x / y).ln() } else { 0.0 }
}

/// Kaufmann & Koolen's C(x) = min over λ in (½, 1) of (2λ − 2λ ln 4λ + ln ζ(2λ) − ½ ln(1 − λ) + x)/λ.
fn mixture(x: f64) -> f64 {
    let at = |l: f64| (2.0 * l - 2.0 * l * (4.0 * l).ln() + zeta(2.0 * l).ln() - 0.5 * (1.0 - l).ln() + x) / l;
    let (mut low, mut high) = (0.5 + 1e-9, 1.0 - 1e-12);
    let golden = 0.5 * (5f64.sqrt() - 1.0);
    for _ in 0..200 {
        let (a, b) = (high - golden * (high - low), low + golden * (high - low));
        if at(a) < at(b) {
            high = b;
        } else {
            low = a;
        }
    }
    at(0.5 * (low + high))
}

/// Riemann's zeta for s > 1, by Euler and Maclaurin.
fn zeta(s: f64) -> f64 {
    let n = 20.0f64;
    let head: f64 = (1..20).map(|k| f64::from(k).powf(-s)).sum();
    let tail = n.powf(1.0 - s) / (s - 1.0) + 0.5 * n.powf(-s);
    let corrections = s * n.powf(-s - 1.0) / 12.0 - s * (s + 1.0) * (s + 2.0) * n.powf(-s - 3.0) / 720.0
        + s * (s + 1.0) * (s + 2.0) * (s + 3.0) * (s + 4.0) * n.powf(-s - 5.0) / 30_240.0;
    head + tail + corrections
}

#[cfg(test)]
mod tests {
    use super::zeta;

    #[test]
    fn zeta_of_two_is_known() {
        assert!((zeta(2.0) - std::f64::consts::PI.powi(2) / 6.0).abs() < 1e-13);
        assert!((zeta(1.5) - 2.612_375_348_685_488).abs() < 1e-12);
    }
}
