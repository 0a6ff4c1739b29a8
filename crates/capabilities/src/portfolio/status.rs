//! What the state of an objective says.

use serde::{Deserialize, Serialize};
use steward_definitions::Reference;
use steward_stats::Estimate;

/// Computed state of a key result or an objective. Ordered from worst to best.
///
/// When the objective's last period is complete, a key result is `hit` or `missed`. Before, the probability that the
/// last period will meet the target decides: at least 0.70 is `on track`, at least 0.30 `at risk`, below `off track`.
/// An objective is as its worst key result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyResultState {
    /// The last period is complete and does not meet the target.
    Missed,
    /// Probability below 0.30.
    OffTrack,
    /// Probability between 0.30 and 0.70.
    AtRisk,
    /// Cannot be told, with a reason.
    NotEstimable,
    /// Probability at least 0.70.
    OnTrack,
    /// The last period is complete and meets the target.
    Hit,
}

impl KeyResultState {
    /// In words: `on track`.
    pub fn words(self) -> &'static str {
        match self {
            KeyResultState::Missed => "missed",
            KeyResultState::OffTrack => "off track",
            KeyResultState::AtRisk => "at risk",
            KeyResultState::NotEstimable => "not estimable",
            KeyResultState::OnTrack => "on track",
            KeyResultState::Hit => "hit",
        }
    }
}

/// The state of an objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ObjectiveStatus {
    /// Objective.
    pub objective: String,
    /// Human title.
    pub label: Option<String>,
    /// Accountable.
    pub owner: String,
    /// Objective it serves.
    pub parent: Option<String>,
    /// First day, inclusive (ISO date).
    pub start: String,
    /// Last day, inclusive (ISO date).
    pub end: String,
    /// Share of the period that has passed, 0 to 1.
    pub elapsed: f64,
    /// The worst key result's.
    pub state: KeyResultState,
    /// In a sentence.
    pub verdict: String,
    /// Mean progress of the key results that have one, each counted between 0 and 1.
    pub progress: Option<f64>,
    /// In the order of the definition.
    pub key_results: Vec<KeyResultStatus>,
    /// Initiatives that serve it.
    pub initiatives: Vec<String>,
    /// Why it could not be evaluated at all.
    pub problem: Option<String>,
    /// Data before this moment counted, microseconds since 1970 UTC.
    pub as_of_us: i64,
}

/// The state of a key result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyResultStatus {
    /// Name.
    pub name: String,
    /// Metric.
    pub metric: String,
    /// The metric's human title.
    pub label: Option<String>,
    /// The metric's unit.
    pub unit: Option<String>,
    /// Grain at which it is read: `day`, `week`, `month`.
    pub grain: String,
    /// Value at the start.
    pub baseline: Option<f64>,
    /// Whether the definition gives the baseline (else it was computed).
    pub baseline_given: bool,
    /// Value wanted by the end.
    pub target: f64,
    /// Value of the last complete period.
    pub current: Option<f64>,
    /// (current − baseline) / (target − baseline); below 0 when it moved away.
    pub progress: Option<f64>,
    /// Computed state.
    pub state: KeyResultState,
    /// In a sentence.
    pub verdict: String,
    /// Values by period, complete ones since the objective's start (and the baseline's period before it).
    pub series: Vec<SeriesPoint>,
    /// Value expected in the last period of the objective, with a prediction interval.
    pub forecast: Option<Estimate>,
    /// Probability that the last period meets the target.
    pub probability: Option<f64>,
    /// Why something is missing.
    pub problem: Option<String>,
    /// Evidence id.
    pub evidence: Option<String>,
}

/// One period's value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SeriesPoint {
    /// Start of the period (ISO date).
    pub start: String,
    /// Value; `None` where the metric has none.
    pub value: Option<f64>,
    /// Before the objective's start.
    pub before: bool,
}

/// An initiative with its links.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InitiativeView {
    /// Initiative.
    pub name: String,
    /// Human title.
    pub label: Option<String>,
    /// Accountable.
    pub owner: String,
    /// The problem.
    pub problem: Option<String>,
    /// The decision that it changes.
    pub decision: Option<String>,
    /// First day.
    pub start: Option<String>,
    /// Wanted by.
    pub due: Option<String>,
    /// Objectives it serves.
    pub objectives: Vec<String>,
    /// Experiments that belong to it.
    pub experiments: Vec<String>,
    /// Bets on it.
    pub bets: Vec<String>,
    /// Initiatives that must come first.
    pub depends_on: Vec<String>,
    /// People on it.
    pub team: Vec<String>,
    /// Effort in person-weeks: 10th, 50th and 90th percentile.
    pub effort_weeks: Option<[f64; 3]>,
}

/// A bet with its links.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BetView {
    /// Bet.
    pub name: String,
    /// Human title.
    pub label: Option<String>,
    /// Accountable.
    pub owner: String,
    /// The initiative.
    pub initiative: String,
    /// The metric that resolves it.
    pub metric: String,
    /// Stated probability of success.
    pub probability: f64,
    /// Stated relative effect if it succeeds: 10th, 50th and 90th percentile.
    pub effect: [f64; 3],
    /// Cost range in minor units.
    pub cost_minor: Option<[i64; 2]>,
    /// When it is stopped.
    pub kill_criterion: Option<String>,
    /// Experiment that resolves it.
    pub experiment: Option<String>,
    /// Resolved by (ISO date).
    pub resolve_by: Option<String>,
    /// Past `resolve_by` now.
    pub overdue: bool,
    /// Links: initiative, metric, experiment, objectives of the initiative.
    pub links: Vec<Reference>,
}
