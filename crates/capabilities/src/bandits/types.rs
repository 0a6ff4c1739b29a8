//! What the room answers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use steward_stats::Estimate;

use super::projection::{Weighing, WeighingCell};
use crate::experiments::Answer;

/// What a bandit has shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Readout {
    /// Name.
    pub bandit: String,
    /// Human title.
    pub label: Option<String>,
    /// `thompson`, `linear_thompson`, `linucb`.
    pub algorithm: String,
    /// `bernoulli` or `gaussian`.
    pub reward: String,
    /// Less is better.
    pub lower_is_better: bool,
    /// First moment of plays that count; none: all.
    pub from_us: Option<i64>,
    /// End of plays that count, exclusive.
    pub cut_us: i64,
    /// Plays of its arms that have a reward.
    pub plays: u64,
    /// What was left out.
    pub missing: Missing,
    /// Periods of constant weights with plays.
    pub batches: u64,
    /// Its arms, the control first.
    pub arms: Vec<ArmReadout>,
    /// Whether plays follow the weights that were set.
    pub split: Option<Split>,
    /// Weights that would be set now.
    pub next: Next,
    /// Keep running, or stop.
    pub recommendation: Recommendation,
    /// Weights that were set, oldest first.
    pub weighings: Vec<Weighing>,
    /// SQL that was run.
    pub sql: String,
}

/// Rows that do not count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Missing {
    /// Plays of arms that the bandit does not name.
    pub unknown_arms: u64,
    /// Plays without a reward.
    pub rewards: u64,
}

/// An arm.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmReadout {
    /// Name.
    pub arm: String,
    /// The control.
    pub control: bool,
    /// Plays with a reward.
    pub plays: u64,
    /// Plain mean of rewards: biased downwards for arms that were dropped after bad luck.
    pub mean: Option<f64>,
    /// Unbiased value.
    pub value: Answer,
    /// Unbiased difference from the control; none for the control.
    pub difference: Option<Answer>,
    /// Posterior probability of being the best.
    pub best: Option<f64>,
    /// Expected loss of stopping with it, in the reward's unit.
    pub loss: Option<f64>,
    /// Share that it is served with now.
    pub weight: f64,
}

/// Plays against weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// Pearson's statistic, summed over batches and contexts.
    pub chi2: f64,
    /// Its degrees of freedom.
    pub df: u64,
    /// p of plays as the weights have them.
    pub p: f64,
    /// Plays do not follow the weights: no readout is to be believed.
    pub broken: bool,
}

/// Weights that follow from what was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Next {
    /// Share of each arm; none where they cannot be had.
    pub weights: Option<Vec<f64>>,
    /// Shares in each context.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<WeighingCell>,
    /// Why, in a sentence.
    pub because: String,
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// The best arm is not known yet.
    KeepRunning,
    /// It is.
    Stop,
    /// The data cannot be believed.
    Broken,
}

/// What to do, with which arm, and why.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recommendation {
    /// What to do.
    pub state: State,
    /// The leading arm.
    pub arm: Option<String>,
    /// One or two sentences.
    pub summary: String,
}

/// What another policy would have earned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Name of the bandit.
    pub bandit: String,
    /// Share of each arm under the policy, where no context says otherwise.
    pub policy: BTreeMap<String, f64>,
    /// Decisions of the log.
    pub decisions: u64,
    /// Where probabilities of the log come from: `logged` or `weights`.
    pub propensities: String,
    /// Inverse propensity score.
    pub ips: Estimate,
    /// Self-normalised.
    pub snips: Estimate,
    /// Doubly robust, with each arm's mean in its context as the model.
    pub dr: Option<Estimate>,
    /// What was earned: the mean of the log.
    pub logged: Estimate,
    /// Effective sample size.
    pub effective_n: f64,
    /// Largest weight of a decision.
    pub largest_weight: f64,
    /// In words, with what to mind.
    pub summary: String,
    /// SQL that was run.
    pub sql: String,
}
