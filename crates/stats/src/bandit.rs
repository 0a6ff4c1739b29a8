//! Thompson sampling: how often each arm should be played, and when the best one is known.
//!
//! **Question.** With what probability is each arm the best; what is still to be won by going on?
//!
//! **Estimand.** Posterior probability that an arm's expected reward is the largest (that is Thompson's allocation); the
//! expected loss E[max θ] − E[θ_i] of stopping with arm i.
//!
//! **Assumptions.** Independent arms. Bernoulli rewards with beta priors, or Gaussian rewards in numbers that make the
//! mean near normal, with a flat or normal prior.
//!
//! **Formula.** P(i best) = ∫ f_i(x) Π_{j≠i} F_j(x) dx by quadrature, so that the same data give the same allocation. A
//! floor ε mixes in ε/k for each arm: propensities stay away from 0, which an unbiased readout needs.
//!
//! **Reference.** Thompson 1933; Scott 2010 (value remaining); Russo et al. 2018.
//!
//! **Golden source.** `tests/golden/bandit.py` (scipy quadrature).

use serde::{Deserialize, Serialize};

use crate::bayes::{Beta, Better, Nodes};
use crate::{NotEstimable, dist};

/// Most arms.
pub const MOST_ARMS: usize = 200;

/// What is believed of the arms' expected rewards.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Beliefs {
    /// Bernoulli rewards: beta posteriors.
    Bernoulli(Vec<Beta>),
    /// Normal posteriors: (mean, standard deviation).
    Gaussian(Vec<(f64, f64)>),
}

/// When to stop.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stopping {
    /// Stop when the leader is best with at least this probability; above 1 never.
    pub probability: f64,
    /// Stop when the leader's expected loss is at most this; below 0 never.
    pub loss: f64,
}

/// The state of a bandit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bandit {
    /// Probability that each arm is the best.
    pub best: Vec<f64>,
    /// Share of the next batch for each arm, with the floor.
    pub allocation: Vec<f64>,
    /// Expected reward of each arm.
    pub mean: Vec<f64>,
    /// Expected loss of stopping with each arm, in the unit of the reward.
    pub loss: Vec<f64>,
    /// The arm most likely best.
    pub leader: usize,
    /// Whether the stopping rule is met.
    pub stop: bool,
}

impl Beliefs {
    /// Posteriors of Bernoulli arms from (successes, plays) and one prior.
    pub fn bernoulli(arms: &[(u64, u64)], prior: Beta) -> Result<Beliefs, NotEstimable> {
        if !(prior.alpha > 0.0 && prior.beta > 0.0 && prior.alpha.is_finite() && prior.beta.is_finite()) {
            return Err(NotEstimable::out_of_domain(
                format!("the prior is Beta({}, {})", prior.alpha, prior.beta),
                "give two numbers above 0, such as 1 and 1",
            ));
        }
        let posterior = |&(successes, plays): &(u64, u64)| {
            if successes > plays {
                return Err(NotEstimable::out_of_domain(
                    format!("{successes} successes in {plays} plays"),
                    "count plays, each with one reward of 0 or 1",
                ));
            }
            Ok(Beta {
                alpha: prior.alpha + successes as f64,
                beta: prior.beta + (plays - successes) as f64,
            })
        };
        Ok(Beliefs::Bernoulli(
            arms.iter().map(posterior).collect::<Result<_, _>>()?,
        ))
    }

    /// Posteriors of Gaussian arms from (plays, mean, sample variance) of rewards and, if any, one prior (mean, sd).
    pub fn gaussian(arms: &[(u64, f64, f64)], prior: Option<(f64, f64)>) -> Result<Beliefs, NotEstimable> {
        if prior.is_some_and(|(m, s)| !(s > 0.0 && s.is_finite() && m.is_finite())) {
            return Err(NotEstimable::out_of_domain(
                "the prior's standard deviation is not a number above 0",
                "give a finite mean and a standard deviation above 0, or no prior",
            ));
        }
        let posterior = |&(n, mean, variance): &(u64, f64, f64)| {
            if n < 2 && !(n == 0 && prior.is_some()) {
                return Err(NotEstimable::too_few(format!(
                    "an arm was played {n} times, and its rewards' variance is not known"
                )));
            }
            if n == 0 {
                return Ok(prior.unwrap_or((f64::NAN, f64::NAN)));
            }
            if !mean.is_finite() || !variance.is_finite() {
                return Err(NotEstimable::not_finite(format!(
                    "an arm has mean {mean} and variance {variance}"
                )));
            }
            if variance <= 0.0 {
                return Err(NotEstimable::zero_variance(format!(
                    "an arm's rewards have variance {variance}"
                )));
            }
            let v = variance / n as f64;
            Ok(match prior {
                None => (mean, v.sqrt()),
                Some((m, s)) => {
                    let w = s * s;
                    ((mean * w + m * v) / (v + w), (v * w / (v + w)).sqrt())
                }
            })
        };
        Ok(Beliefs::Gaussian(arms.iter().map(posterior).collect::<Result<_, _>>()?))
    }

    fn len(&self) -> usize {
        match self {
            Beliefs::Bernoulli(arms) => arms.len(),
            Beliefs::Gaussian(arms) => arms.len(),
        }
    }
}

/// Allocation, expected losses and the stopping rule. `floor` is the share of traffic that is spread evenly.
pub fn thompson(beliefs: &Beliefs, better: Better, floor: f64, stopping: Stopping) -> Result<Bandit, NotEstimable> {
    let k = beliefs.len();
    if !(2..=MOST_ARMS).contains(&k) {
        return Err(NotEstimable::out_of_domain(
            format!("{k} arms"),
            format!("give 2 to {MOST_ARMS} arms"),
        ));
    }
    if !(0.0..=1.0).contains(&floor) {
        return Err(NotEstimable::out_of_domain(
            format!("the floor is {floor}"),
            "give a share between 0 and 1",
        ));
    }
    let sign = if better == Better::Higher { 1.0 } else { -1.0 };
    let (best, mean, loss): (Vec<f64>, Vec<f64>, Vec<f64>) = match beliefs {
        Beliefs::Bernoulli(arms) => {
            // Less is better: the complements are compared.
            let arms: Vec<Beta> = match better {
                Better::Higher => arms.clone(),
                Better::Lower => arms
                    .iter()
                    .map(|a| Beta {
                        alpha: a.beta,
                        beta: a.alpha,
                    })
                    .collect(),
            };
            let nodes = Nodes::over(&arms);
            let constants: Vec<f64> = arms.iter().map(|a| dist::ln_beta(a.alpha, a.beta)).collect();
            let (mut best, mut loss) = (vec![0.0; k], vec![0.0; k]);
            nodes.each(|x, y, w| {
                let below: Vec<f64> = arms.iter().map(|a| a.below(x)).collect();
                for (i, rest) in products_of_others(&below).into_iter().enumerate() {
                    let density = (arms[i].alpha * x.ln() + arms[i].beta * y.ln() - constants[i]).exp();
                    best[i] += w * density * rest;
                    loss[i] += w * x * y * below[i] * (1.0 - rest);
                }
            });
            let mean = arms.iter().map(Beta::mean);
            match better {
                Better::Higher => (best, mean.collect::<Vec<f64>>(), loss),
                Better::Lower => (best, mean.map(|m| 1.0 - m).collect(), loss),
            }
        }
        Beliefs::Gaussian(arms) => {
            if let Some((m, s)) = arms.iter().find(|(m, s)| !(m.is_finite() && *s > 0.0 && s.is_finite())) {
                return Err(NotEstimable::out_of_domain(
                    format!("an arm's posterior has mean {m} and standard deviation {s}"),
                    "give finite means and standard deviations above 0",
                ));
            }
            let flipped: Vec<(f64, f64)> = arms.iter().map(|(m, s)| (sign * m, *s)).collect();
            let (best, loss) = gaussian_best(&flipped);
            (best, arms.iter().map(|a| a.0).collect(), loss)
        }
    };
    let total: f64 = best.iter().sum();
    let best: Vec<f64> = best.iter().map(|b| b / total).collect();
    let allocation = best.iter().map(|b| (1.0 - floor) * b + floor / k as f64).collect();
    let leader = (0..k).max_by(|&a, &b| best[a].total_cmp(&best[b])).unwrap_or(0);
    let stop = best[leader] >= stopping.probability || loss[leader] <= stopping.loss;
    Ok(Bandit {
        best,
        allocation,
        mean,
        loss,
        leader,
        stop,
    })
}

/// For each factor the product of all others.
fn products_of_others(factors: &[f64]) -> Vec<f64> {
    let mut out = vec![1.0; factors.len()];
    let mut product = 1.0;
    for (o, f) in out.iter_mut().zip(factors) {
        *o = product;
        product *= f;
    }
    product = 1.0;
    for (o, f) in out.iter_mut().zip(factors).rev() {
        *o *= product;
        product *= f;
    }
    out
}

/// Of independent normals (mean, sd): the probability of each to be the largest, and how much the largest exceeds it on
/// average.
pub(crate) fn gaussian_best(arms: &[(f64, f64)]) -> (Vec<f64>, Vec<f64>) {
    let k = arms.len();
    // Breaks at every arm's range, so that a narrow one is not stepped over.
    let mut breaks: Vec<f64> = arms
        .iter()
        .flat_map(|(m, s)| [-9.0, -5.0, -2.5, -1.0, 0.0, 1.0, 2.5, 5.0, 9.0].map(|z| m + z * s))
        .collect();
    breaks.sort_by(f64::total_cmp);
    let (mut best, mut loss) = (vec![0.0; k], vec![0.0; k]);
    for pair in breaks.windows(2).filter(|p| p[1] > p[0]) {
        let (half, centre) = (0.5 * (pair[1] - pair[0]), 0.5 * (pair[0] + pair[1]));
        for (node, weight) in GAUSS {
            for x in [centre - half * node, centre + half * node] {
                let w = half * weight;
                let below: Vec<f64> = arms.iter().map(|(m, s)| dist::normal_sf((m - x) / s)).collect();
                for (i, rest) in products_of_others(&below).into_iter().enumerate() {
                    let z = (x - arms[i].0) / arms[i].1;
                    best[i] += w * rest * (-0.5 * z * z).exp() / (arms[i].1 * (2.0 * std::f64::consts::PI).sqrt());
                    loss[i] += w * below[i] * (1.0 - rest);
                }
            }
        }
    }
    (best, loss)
}

/// Gauss–Legendre, 12 points, positive half: (node, weight).
const GAUSS: [(f64, f64); 6] = [
    (0.125_233_408_511_468_92, 0.249_147_045_813_402_77),
    (0.367_831_498_998_180_2, 0.233_492_536_538_354_8),
    (0.587_317_954_286_617_5, 0.203_167_426_723_065_93),
    (0.769_902_674_194_304_7, 0.160_078_328_543_346_2),
    (0.904_117_256_370_474_8, 0.106_939_325_995_318_43),
    (0.981_560_634_246_719_2, 0.047_175_336_386_511_83),
];
