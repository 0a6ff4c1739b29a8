//! From what arms have earned to the shares with which they are played next, and whether the best is known.

use std::collections::BTreeMap;

use steward_definitions::{Algorithm, Bandit, RewardKind, StopRule};
use steward_stats::bandit::{Beliefs, Stopping, thompson};
use steward_stats::bayes::{Beta, Better};
use steward_stats::best_arm::{Arm, Rewards, Threshold, best_arm};
use steward_stats::contextual::{ArmHistory, score};
use steward_stats::{Moments, NotEstimable};

use super::gather::Gathered;
use super::projection::WeighingCell;

/// What follows.
#[derive(Clone, Debug)]
pub struct Allocation {
    /// Share of each arm.
    pub weights: Vec<f64>,
    /// Shares in each context.
    pub cells: Vec<WeighingCell>,
    /// Probability of each arm to be the best, and its expected loss.
    pub best: Vec<f64>,
    /// Expected loss of stopping with each arm.
    pub loss: Vec<f64>,
    /// The leader.
    pub leader: usize,
    /// Whether the stopping rule is met.
    pub stop: bool,
    /// Why, in a sentence.
    pub because: String,
}

/// Which way is good.
pub fn better(bandit: &Bandit) -> Better {
    if bandit.reward.lower_is_better {
        Better::Lower
    } else {
        Better::Higher
    }
}

/// Shares that follow from all plays; the even split while an arm is within its burn-in.
pub fn allocate(bandit: &Bandit, gathered: &Gathered) -> Result<Allocation, NotEstimable> {
    let k = bandit.arms.len();
    let totals = gathered.totals(k);
    let plays = |m: &Moments| m.count();
    let beliefs = beliefs(bandit, &totals)?;
    let stopping = match bandit.stop {
        StopRule::Posterior { probability, loss } => Stopping {
            probability,
            loss: loss.unwrap_or(-1.0),
        },
        StopRule::LikelihoodRatio { .. } => Stopping {
            probability: 2.0,
            loss: -1.0,
        },
    };
    let found = thompson(&beliefs, better(bandit), bandit.floor, stopping)?;
    let (leader, stop) = match bandit.stop {
        StopRule::Posterior { .. } => (found.leader, found.stop),
        StopRule::LikelihoodRatio { delta } => {
            let ratio = likelihood(bandit, &totals, delta)?;
            (ratio.leader, ratio.stop)
        }
    };
    let least = totals.iter().enumerate().min_by_key(|(_, m)| plays(m));
    if let Some((arm, m)) = least
        && m.count() < bandit.burn_in
    {
        let even = vec![1.0 / k as f64; k];
        return Ok(Allocation {
            weights: even,
            cells: Vec::new(),
            best: found.best,
            loss: found.loss,
            leader,
            stop: false,
            because: format!(
                "burn-in: {} has {} of {} plays, so that arms are split evenly",
                bandit.arms[arm],
                m.count(),
                bandit.burn_in
            ),
        });
    }
    let cells = match bandit.algorithm {
        Algorithm::Thompson => Vec::new(),
        _ => by_context(bandit, gathered)?,
    };
    Ok(Allocation {
        because: format!(
            "{} is the best arm with probability {:.3} after {} plays",
            bandit.arms[found.leader],
            found.best[found.leader],
            totals.iter().map(plays).sum::<u64>()
        ),
        weights: found.allocation,
        cells,
        best: found.best,
        loss: found.loss,
        leader,
        stop,
    })
}

fn beliefs(bandit: &Bandit, totals: &[Moments]) -> Result<Beliefs, NotEstimable> {
    match bandit.reward.kind {
        RewardKind::Bernoulli => {
            let counts: Vec<(u64, u64)> = totals
                .iter()
                .map(|m| ((m.mean(0) * m.count() as f64).round().max(0.0) as u64, m.count()))
                .map(|(s, n)| if n == 0 { (0, 0) } else { (s, n) })
                .collect();
            Beliefs::bernoulli(&counts, Beta { alpha: 1.0, beta: 1.0 })
        }
        RewardKind::Gaussian => {
            let arms: Vec<(u64, f64, f64)> = totals
                .iter()
                .map(|m| (m.count(), m.mean(0), m.variance(0).unwrap_or(0.0)))
                .collect();
            Beliefs::gaussian(&arms, None)
        }
    }
}

fn likelihood(
    bandit: &Bandit,
    totals: &[Moments],
    delta: f64,
) -> Result<steward_stats::best_arm::BestArm, NotEstimable> {
    let arms: Vec<Arm> = totals
        .iter()
        .map(|m| Arm {
            plays: m.count(),
            mean: m.mean(0),
        })
        .collect();
    let rewards = match bandit.reward.kind {
        RewardKind::Bernoulli => Rewards::Bernoulli,
        RewardKind::Gaussian => Rewards::Gaussian {
            variance: within(totals),
        },
    };
    best_arm(&arms, rewards, better(bandit), Threshold::Proved, delta)
}

/// Variance within groups, pooled.
fn within<'a>(groups: impl IntoIterator<Item = &'a Moments>) -> f64 {
    let (mut sum, mut df) = (0.0, 0.0);
    for m in groups {
        sum += m.cross(0, 0);
        df += (m.count() as f64 - 1.0).max(0.0);
    }
    if df > 0.0 { sum / df } else { f64::NAN }
}

/// 1, then an indicator for each value but the first of each feature.
fn encoded(bandit: &Bandit, cell: usize) -> Vec<f64> {
    let mut x = vec![1.0];
    let mut rest = cell;
    let mut positions = Vec::new();
    for feature in bandit.context.iter().rev() {
        positions.push(rest % feature.values.len());
        rest /= feature.values.len();
    }
    for (feature, at) in bandit.context.iter().zip(positions.into_iter().rev()) {
        x.extend((1..feature.values.len()).map(|v| f64::from(u8::from(v == at))));
    }
    x
}

fn by_context(bandit: &Bandit, gathered: &Gathered) -> Result<Vec<WeighingCell>, NotEstimable> {
    let k = bandit.arms.len();
    let sign = if bandit.reward.lower_is_better { -1.0 } else { 1.0 };
    let mut seen: BTreeMap<(usize, usize), Moments> = BTreeMap::new();
    for stratum in &gathered.strata {
        let Some(cell) = stratum.cell else { continue };
        for (arm, m) in stratum.arms.iter().enumerate() {
            seen.entry((cell, arm))
                .or_insert_with(|| Moments::empty(1))
                .merge(&m.select(&[0]));
        }
    }
    // A group of n plays in one context is one row of weight n: contexts and rewards by √n.
    let mut arms = vec![
        ArmHistory {
            contexts: Vec::new(),
            rewards: Vec::new(),
        };
        k
    ];
    for ((cell, arm), m) in seen.iter().filter(|(_, m)| m.count() > 0) {
        let root = (m.count() as f64).sqrt();
        arms[*arm]
            .contexts
            .push(encoded(bandit, *cell).iter().map(|x| x * root).collect());
        arms[*arm].rewards.push(sign * m.mean(0) * root);
    }
    let spread = within(seen.values()).sqrt();
    let v = if spread > 0.0 { spread } else { 1.0 };
    bandit
        .cells()
        .iter()
        .enumerate()
        .map(|(at, values)| {
            let scores = score(&arms, &encoded(bandit, at), 1.0, v, v)?;
            let chosen: Vec<f64> = match bandit.algorithm {
                Algorithm::Linucb => (0..k).map(|a| f64::from(u8::from(a == scores.linucb))).collect(),
                _ => scores.thompson,
            };
            Ok(WeighingCell {
                context: named(bandit, values),
                weights: chosen
                    .iter()
                    .map(|p| (1.0 - bandit.floor) * p + bandit.floor / k as f64)
                    .collect(),
            })
        })
        .collect()
}

/// Attribute → value.
pub fn named(bandit: &Bandit, values: &[&str]) -> BTreeMap<String, String> {
    let features = bandit.context.iter().map(|f| f.attribute.clone());
    features.zip(values.iter().map(|v| (*v).to_owned())).collect()
}
