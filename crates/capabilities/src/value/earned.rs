//! What the realised value says.

use serde::{Deserialize, Serialize};
use steward_stats::{Estimate, NotEstimable};

/// What shipped experiments earned so far. Money is in minor units of the project's currency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Realised {
    /// In a few sentences.
    pub summary: String,
    /// Currency.
    pub currency: Option<String>,
    /// By bet, by name.
    pub bets: Vec<EarnedBet>,
    /// By metric: the sums that a holdout can be held against.
    pub metrics: Vec<EarnedMetric>,
    /// Stated probability × stated effect, over what was exposed, of the bets that were shipped.
    pub plan: f64,
    /// Sum of the lifts as they were estimated.
    pub naive: Option<Estimate>,
    /// Sum of the lifts after shrinkage, 80%.
    pub shrunk: Option<Estimate>,
    /// What the global holdout measured, 80%.
    pub holdout: Option<Estimate>,
    /// Shrunk sum − holdout over metrics that have one: what launches took from each other, or never had.
    pub leakage: Option<Estimate>,
    /// Evidence id.
    pub evidence: String,
}

/// What to do with something that was shipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Advice {
    /// Do more of it.
    Scale,
    /// Leave it.
    Keep,
    /// Take it back.
    Stop,
    /// Nothing can be said yet.
    Wait,
}

impl Advice {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Advice::Scale => "scale",
            Advice::Keep => "keep",
            Advice::Stop => "stop",
            Advice::Wait => "wait",
        }
    }
}

/// A bet and what it earned.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarnedBet {
    /// Bet.
    pub bet: String,
    /// Human title.
    pub label: Option<String>,
    /// Initiative.
    pub initiative: String,
    /// Metric.
    pub metric: String,
    /// Experiment that measured it.
    pub experiment: Option<String>,
    /// Shipped from this day (ISO date).
    pub since: Option<String>,
    /// Last day counted (ISO date).
    pub until: Option<String>,
    /// Lift as it was estimated; relative, positive is good.
    pub lift: Option<f64>,
    /// Lift after shrinkage.
    pub shrunk_lift: Option<f64>,
    /// Units of the metric without the change, over what was exposed, after decay: what a lift of 1 would have added.
    pub base: Option<f64>,
    /// Units earned, 80%.
    pub units: Option<Estimate>,
    /// Money earned, 80%; `None` without a signed value per unit.
    pub money: Option<Estimate>,
    /// Money by the estimate as it was.
    pub naive: Option<f64>,
    /// Money by the plan.
    pub plan: Option<f64>,
    /// Stated cost: low, high.
    pub cost_minor: Option<[i64; 2]>,
    /// Who signed the value of a unit, and its version.
    pub signed: Option<(String, u64)>,
    /// The effect ended on its own: the sum is final, and says nothing of a year.
    pub one_off: bool,
    /// What to do.
    pub advice: Advice,
    /// Why.
    pub because: String,
    /// Why something is missing.
    pub problem: Option<String>,
}

/// Sums over one metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EarnedMetric {
    /// Metric.
    pub metric: String,
    /// Shipped bets with a value.
    pub shipped: u64,
    /// As estimated.
    pub naive: Option<Estimate>,
    /// After shrinkage.
    pub shrunk: Option<Estimate>,
    /// The holdout's.
    pub holdout: Option<Estimate>,
    /// Experiment that holds out.
    pub holdout_experiment: Option<String>,
    /// Why there is no sum.
    pub refused: Option<NotEstimable>,
}
