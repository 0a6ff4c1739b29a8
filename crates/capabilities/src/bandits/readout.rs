//! What a bandit has shown, without the bias of adapting.

use std::collections::BTreeMap;

use serde_json::json;
use steward_definitions::{Bandit, RewardKind};
use steward_stats::adaptive::{Batch, Weighting, readout_batches};
use steward_stats::{Moments, NotEstimable, dist};

use super::allocate::{Allocation, allocate, named};
use super::gather::{Gathered, gather};
use super::projection::{Weighing, weighings};
use super::types::{ArmReadout, Next, Readout, Recommendation, Split, State};
use crate::evidence::Concluded;
use crate::experiments::{Answer, moment, zone};
use crate::{CapabilityError, Context};

/// A split this unlikely is no accident.
const BROKEN: f64 = 0.001;
const LEVEL: f64 = 0.95;

/// Weights as JSON words of an enum.
fn word(value: impl serde::Serialize) -> String {
    let text = serde_json::to_value(value).ok();
    text.and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}

/// What is read: from when to when, under which weights.
pub struct Frame<'a> {
    /// The definition.
    pub bandit: &'a Bandit,
    /// First moment of plays.
    pub from: Option<i64>,
    /// End of plays.
    pub cut: i64,
    /// Weighings served meanwhile, oldest first.
    pub weighings: Vec<Weighing>,
}

/// Lays the reading of a bandit out.
pub async fn frame<'a>(context: &'a Context, name: &str, as_of: Option<i64>) -> Result<Frame<'a>, CapabilityError> {
    let bandit = super::find(&context.project, name)?;
    let zone = zone(&context.project.settings)?;
    let from = bandit.start.as_deref().map(|s| moment(s, &zone)).transpose()?;
    let delay = i64::try_from(bandit.delay_seconds).unwrap_or(i64::MAX / 2_000_000) * 1_000_000;
    let now = as_of.unwrap_or(context.now_us);
    let cut = now.saturating_sub(delay);
    let mut all = weighings(&context.ledger, None).await?.remove(name).unwrap_or_default();
    // Also those whose plays do not count yet: they are what is served.
    all.retain(|w| w.from_us <= now);
    // What was set before the start only matters as the weights that were served at the start.
    if let Some(from) = from {
        let before = all.iter().filter(|w| w.from_us <= from).count();
        all.drain(..before.saturating_sub(1));
    }
    if let Some(other) = all.iter().find(|w| w.arms != bandit.arms) {
        return Err(CapabilityError::Invalid(format!(
            "bandit {name} had other arms in event {} ({}): give it a `start` after the change, or a new name",
            other.sequence,
            other.arms.join(", ")
        )));
    }
    Ok(Frame {
        bandit,
        from,
        cut,
        weighings: all,
    })
}

impl Frame<'_> {
    /// Probability of each arm in a batch and a context.
    pub fn propensities(&self, batch: usize, cell: Option<usize>) -> Vec<f64> {
        let k = self.bandit.arms.len();
        let context = cell.and_then(|c| {
            let cells = self.bandit.cells();
            cells.get(c).map(|values| named(self.bandit, values))
        });
        match batch.checked_sub(1).and_then(|b| self.weighings.get(b)) {
            Some(weighing) => weighing.in_cell(context.as_ref()).to_vec(),
            None => vec![1.0 / k as f64; k],
        }
    }

    /// What the evidence rests on: definitions, tables and everything else.
    pub fn key(&self, context: &Context) -> (BTreeMap<String, String>, Vec<String>, serde_json::Value) {
        let mut definitions = BTreeMap::from([(
            format!("bandit/{}", self.bandit.meta.name),
            self.bandit.meta.digest.clone(),
        )]);
        let dataset = &self.bandit.plays.dataset;
        if let Some(found) = context.project.datasets.get(dataset) {
            definitions.insert(format!("dataset/{dataset}"), found.meta.digest.clone());
        }
        let sequences: Vec<u64> = self.weighings.iter().map(|w| w.sequence).collect();
        (
            definitions,
            vec![dataset.clone()],
            json!({ "from_us": self.from, "as_of_us": self.cut, "weighings": sequences }),
        )
    }

    /// Plays as sums; rewards that are not of the declared kind are refused.
    pub async fn gather(&self, context: &Context) -> Result<Gathered, CapabilityError> {
        let found = gather(context, self.bandit, (self.from, self.cut), &self.weighings).await?;
        if self.bandit.reward.kind == RewardKind::Bernoulli {
            for (arm, m) in self.bandit.arms.iter().zip(found.totals(self.bandit.arms.len())) {
                let (n, p) = (m.count() as f64, m.mean(0));
                if m.count() > 0 && (m.cross(0, 0) - n * p * (1.0 - p)).abs() > 1e-6 * n {
                    return Err(CapabilityError::Invalid(format!(
                        "rewards of arm {arm} of bandit {} are not all 0 or 1: write `kind: gaussian`, or a `reward` that is",
                        self.bandit.meta.name
                    )));
                }
            }
        }
        Ok(found)
    }
}

/// Reads a bandit out, as of now or of a moment; computed once per data and weights.
pub async fn readout(context: &Context, name: &str, as_of: Option<i64>) -> Result<Concluded<Readout>, CapabilityError> {
    let frame = frame(context, name, as_of).await?;
    let (definitions, tables, parameters) = frame.key(context);
    crate::evidence::conclude(
        context,
        &format!("bandit/{name}"),
        definitions,
        &tables,
        parameters,
        || async {
            let gathered = frame.gather(context).await?;
            let found = read(&frame, &gathered);
            let provenance = json!({ "engine": context.engine.name(), "sql": gathered.sql });
            Ok((found, provenance))
        },
    )
    .await
}

fn answer(found: Result<steward_stats::Estimate, NotEstimable>) -> Answer {
    match found {
        Ok(e) => Answer::Estimate(e),
        Err(not_estimable) => Answer::Refused { not_estimable },
    }
}

fn read(frame: &Frame, gathered: &Gathered) -> Readout {
    let bandit = frame.bandit;
    let k = bandit.arms.len();
    let totals = gathered.totals(k);
    let batches: Vec<Batch> = gathered
        .strata
        .iter()
        .map(|s| Batch {
            propensities: frame.propensities(s.batch, s.cell),
            arms: s
                .arms
                .iter()
                .map(|m| {
                    (
                        m.count(),
                        if m.count() > 0 { m.mean(0) } else { 0.0 },
                        m.variance(0).unwrap_or(0.0),
                    )
                })
                .collect(),
        })
        .collect();
    let values = readout_batches(&batches, Weighting::Adaptive, LEVEL);
    let allocation = allocate(bandit, gathered);
    let split = follows(&batches);
    let now = frame.weighings.last();
    let arms = bandit
        .arms
        .iter()
        .enumerate()
        .map(|(at, arm)| ArmReadout {
            arm: arm.clone(),
            control: at == 0,
            plays: totals[at].count(),
            mean: (totals[at].count() > 0).then(|| totals[at].mean(0)),
            value: answer(values.clone().map(|v| v.values[at].clone())),
            difference: (at > 0).then(|| answer(values.clone().map(|v| v.differences[at - 1].clone()))),
            best: allocation.as_ref().ok().map(|a| a.best[at]),
            loss: allocation.as_ref().ok().map(|a| a.loss[at]),
            weight: now.map_or(1.0 / k as f64, |w| w.weights[at]),
        })
        .collect();
    let plays = totals.iter().map(Moments::count).sum();
    let recommendation = recommend(bandit, &allocation, split.as_ref(), plays);
    let next = match &allocation {
        Ok(a) => Next {
            weights: Some(a.weights.clone()),
            cells: a.cells.clone(),
            because: a.because.clone(),
        },
        Err(e) => Next {
            weights: None,
            cells: Vec::new(),
            because: format!("{}; {}", e.detail, e.fix),
        },
    };
    Readout {
        bandit: bandit.meta.name.clone(),
        label: bandit.meta.label.clone(),
        algorithm: word(bandit.algorithm),
        reward: word(bandit.reward.kind),
        lower_is_better: bandit.reward.lower_is_better,
        from_us: frame.from,
        cut_us: frame.cut,
        plays,
        missing: gathered.missing.clone(),
        batches: gathered
            .strata
            .iter()
            .map(|s| s.batch)
            .collect::<std::collections::BTreeSet<_>>()
            .len() as u64,
        arms,
        split,
        next,
        recommendation,
        weighings: frame.weighings.clone(),
        sql: gathered.sql.clone(),
    }
}

/// Pearson's statistic of plays against weights over strata with five expected plays of every arm.
fn follows(batches: &[Batch]) -> Option<Split> {
    let (mut chi2, mut df) = (0.0, 0u64);
    for batch in batches {
        let n: f64 = batch.arms.iter().map(|a| a.0 as f64).sum();
        if batch.propensities.iter().any(|e| e * n < 5.0) {
            continue;
        }
        df += batch.arms.len() as u64 - 1;
        for ((count, ..), e) in batch.arms.iter().zip(&batch.propensities) {
            chi2 += (*count as f64 - e * n).powi(2) / (e * n);
        }
    }
    (df > 0).then(|| {
        let p = dist::chi_square_sf(chi2, df as f64);
        Split {
            chi2,
            df,
            p,
            broken: p < BROKEN,
        }
    })
}

fn recommend(
    bandit: &Bandit,
    allocation: &Result<Allocation, NotEstimable>,
    split: Option<&Split>,
    plays: u64,
) -> Recommendation {
    if let Some(split) = split.filter(|s| s.broken) {
        return Recommendation {
            state: State::Broken,
            arm: None,
            summary: format!(
                "Plays do not follow the weights that were set (p {:.1e}). Find the cause (another split, lost plays, a wrong arm \
                 column) before believing any value.",
                split.p
            ),
        };
    }
    match allocation {
        Err(e) => Recommendation {
            state: State::KeepRunning,
            arm: None,
            summary: format!("Keep running: {}.", e.detail),
        },
        Ok(a) => {
            let arm = bandit.arms[a.leader].clone();
            let summary = if a.stop {
                format!(
                    "Stop with {arm}: it is the best arm with probability {:.3} after {plays} plays, and stopping now loses {:.3} a \
                     play on average.",
                    a.best[a.leader], a.loss[a.leader]
                )
            } else {
                format!(
                    "Keep running: {arm} leads, the best arm with probability {:.3} after {plays} plays.",
                    a.best[a.leader]
                )
            };
            Recommendation {
                state: if a.stop { State::Stop } else { State::KeepRunning },
                arm: Some(arm),
                summary,
            }
        }
    }
}
