//! Bandits: splits whose shares follow what arms have earned.

use serde::{Deserialize, Serialize};

use crate::project::Meta;

/// A split between arms that is adapted by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Bandit {
    /// Name, owner, place, digest.
    pub meta: Meta,
    /// Arms by name; the first is the control.
    pub arms: Vec<String>,
    /// What a play earns.
    pub reward: Reward,
    /// Where plays are found.
    pub plays: Plays,
    /// How shares follow from rewards.
    pub algorithm: Algorithm,
    /// What is known of a unit when it is assigned: features with their values.
    pub context: Vec<ContextFeature>,
    /// Least time between two updates, in seconds.
    pub every_seconds: u64,
    /// Time after a play until its reward is complete, in seconds.
    pub delay_seconds: u64,
    /// Share of the traffic that is spread evenly over arms.
    pub floor: f64,
    /// Plays of every arm before shares leave the even split.
    pub burn_in: u64,
    /// When the best arm counts as known.
    pub stop: StopRule,
    /// First moment of plays that count, inclusive.
    pub start: Option<String>,
}

/// How rewards are distributed, and which way is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reward {
    /// Their distribution.
    pub kind: RewardKind,
    /// Less is better.
    pub lower_is_better: bool,
}

/// A reward's distribution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RewardKind {
    /// 0 or 1.
    #[default]
    Bernoulli,
    /// Any number; means are near normal.
    Gaussian,
}

/// The table of plays.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct Plays {
    /// Dataset: a row per play.
    pub dataset: String,
    /// Column of the arm.
    pub arm: String,
    /// Expression of the reward over a row's columns.
    pub reward: String,
    /// Column of the moment.
    pub time: String,
    /// Column of the unit: each counts by its first play. Without it every row counts.
    pub unit: Option<String>,
    /// Column of the probability with which the arm was chosen, where it is logged.
    pub propensity: Option<String>,
}

/// How shares follow from rewards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Algorithm {
    /// The probability of being the best arm.
    #[default]
    Thompson,
    /// The same of a linear model, in each context.
    LinearThompson,
    /// The arm with the largest upper bound of a linear model, in each context; the floor explores.
    Linucb,
}

/// A feature of the context.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
pub struct ContextFeature {
    /// Attribute that flags are asked with.
    pub attribute: String,
    /// Column of the plays.
    pub column: String,
    /// Values; units with others are served as all together.
    pub values: Vec<String>,
}

/// When the best arm counts as known.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StopRule {
    /// The leader is best with this posterior probability, or its expected loss is at most that.
    Posterior {
        /// Probability.
        probability: f64,
        /// Expected loss in the reward's unit; `None`: of no account.
        loss: Option<f64>,
    },
    /// The likelihood ratio against every rival exceeds its threshold: wrong with chance at most delta, however often one looks.
    LikelihoodRatio {
        /// Accepted chance of a wrong arm.
        delta: f64,
    },
}

impl Default for StopRule {
    fn default() -> StopRule {
        StopRule::Posterior {
            probability: 0.95,
            loss: None,
        }
    }
}

impl Bandit {
    /// Every combination of the context's values, the last feature running fastest; one empty without context.
    pub fn cells(&self) -> Vec<Vec<&str>> {
        let mut cells: Vec<Vec<&str>> = vec![Vec::new()];
        for feature in &self.context {
            cells = cells
                .iter()
                .flat_map(|cell| {
                    feature.values.iter().map(move |v| {
                        let mut cell = cell.clone();
                        cell.push(v.as_str());
                        cell
                    })
                })
                .collect();
        }
        cells
    }
}
