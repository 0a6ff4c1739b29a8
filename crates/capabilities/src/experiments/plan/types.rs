//! What a plan says. Its JSON form is an interface.

use serde::{Deserialize, Serialize};

use super::RegisteredPayload;
use crate::experiments::readout::Role;

/// A plan: what was promised, what is so now, and what is expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanReport {
    /// The experiment.
    pub experiment: String,
    /// Human title.
    pub label: Option<String>,
    /// Accountable.
    pub owner: String,
    /// In two sentences: what binds it, and what departs from it.
    pub summary: String,
    /// What froze it; `None` while it is a draft.
    pub registration: Option<Registration>,
    /// What is promised, term by term, beside what the folder says.
    pub terms: Vec<PlannedTerm>,
    /// What the folder says otherwise.
    pub departures: Vec<Departure>,
    /// What it is expected to find: as frozen, else as computed from what was known at its start.
    pub expected: Option<Expected>,
    /// Why nothing could be expected.
    pub expected_problem: Option<String>,
}

/// What a readout says of the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlanReadout {
    /// In two sentences.
    pub summary: String,
    /// What froze it.
    pub registration: Registration,
    /// The part that each metric was planned for.
    pub metrics: Vec<PlannedMetric>,
    /// Breakdowns that were declared.
    pub breakdowns: Vec<String>,
    /// What the definition says otherwise.
    pub departures: Vec<Departure>,
    /// What was expected, if it was frozen with the plan.
    pub expected: Option<Expected>,
}

impl PlanReadout {
    /// What a verdict must say of it: promises that bear on the decision and are not kept.
    pub fn warning(&self) -> Option<String> {
        let decides = |d: &&Departure| match &d.metric {
            Some(metric) => {
                let planned = self.metrics.iter().find(|m| m.metric == *metric);
                planned.is_some_and(|m| m.role != Role::Secondary)
            }
            None => !matches!(d.code.as_str(), "secondary" | "breakdowns"),
        };
        let named: Vec<String> = self
            .departures
            .iter()
            .filter(decides)
            .map(Departure::sentence)
            .collect();
        (!named.is_empty()).then(|| format!("It departs from its plan: {}.", named.join("; ")))
    }
}

/// A planned metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedMetric {
    /// Metric.
    pub metric: String,
    /// Its part.
    pub role: Role,
    /// Accepted harm, for a guardrail.
    pub margin: Option<f64>,
}

/// The decision that froze a plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registration {
    /// Its event.
    pub sequence: u64,
    /// When that was, microseconds since 1970 UTC.
    pub at_us: i64,
    /// Who registered it, or applied the definition.
    pub actor: String,
    /// Registered as a plan; else an application of definitions was in force at the start.
    pub registered: bool,
    /// From when on it binds, microseconds since 1970 UTC: the registration, the start, or the first application after it.
    pub frozen_us: i64,
    /// The day of that in the project's time zone.
    pub frozen_on: String,
    /// It came after the start: whoever wrote it may have seen data.
    pub late: bool,
    /// Digest of the definition that it binds to.
    pub definition: String,
}

/// One promise, in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedTerm {
    /// Stable, snake_case: `primary`, `method`, `alpha`, `duration`, ….
    pub code: String,
    /// For people.
    pub title: String,
    /// As planned.
    pub planned: String,
    /// As the folder says now.
    pub now: String,
}

/// One promise that is not kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// The term's code; `metric_added`, `metric_removed` and `metric_changed` name their metric; `stopped_early` and
    /// `ran_longer` are those of a fixed horizon's `duration`.
    pub code: String,
    /// For people.
    pub title: String,
    /// The metric, where it is about one.
    pub metric: Option<String>,
    /// As planned.
    pub planned: String,
    /// As it is now.
    pub now: String,
    /// When it was applied, microseconds since 1970 UTC; `None` while it stands in the folder only.
    pub since_us: Option<i64>,
    /// The day of that.
    pub since: Option<String>,
    /// Who applied it.
    pub by: Option<String>,
    /// What follows for the reading.
    pub effect: String,
}

impl Departure {
    /// `Level: 0.05, now 0.1 (since 2025-03-05, mara)`.
    pub fn sentence(&self) -> String {
        let when = match (&self.since, &self.by) {
            (Some(day), Some(by)) => format!("since {day}, {by}"),
            _ => "not applied yet".to_string(),
        };
        match (&self.metric, self.code.as_str()) {
            (Some(metric), "metric_added") => format!("{metric} was added as {} ({when})", self.now),
            (Some(metric), "metric_removed") => format!("{metric}, planned as {}, is gone ({when})", self.planned),
            (Some(metric), _) => format!("{metric} is defined anew ({when})"),
            (None, _) => format!("{} is {}, not {} ({when})", self.title, self.now, self.planned),
        }
    }
}

/// What a plan is expected to find in its planned days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Expected {
    /// Computed after the plan was frozen, from what was known at the start.
    pub afterwards: bool,
    /// Days of exposure planned; four weeks where there is no end.
    pub days: i64,
    /// Units in all arms by then.
    pub units: Option<f64>,
    /// Units a day, on average.
    pub units_per_day: Option<f64>,
    /// Units in all arms after so many days: returning units make them come ever slower.
    #[serde(default)]
    pub arrivals: Vec<(i64, f64)>,
    /// Relative improvement wanted.
    pub effect: Option<f64>,
    /// Where that comes from.
    pub effect_from: Option<String>,
    /// Wanted power.
    pub power: f64,
    /// Fewest whole weeks with that power.
    pub recommended_weeks: Option<u32>,
    /// The planned days have less than the wanted power.
    pub underpowered: Option<bool>,
    /// Where the history comes from.
    pub source: String,
    /// The power analysis in two sentences.
    pub summary: String,
    /// By metric.
    pub metrics: Vec<ExpectedMetric>,
    /// Evidence of the power analysis.
    pub evidence: String,
}

/// What is expected of one metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExpectedMetric {
    /// Metric.
    pub metric: String,
    /// Its part.
    pub role: Role,
    /// Its value in the history, per unit.
    pub baseline: Option<f64>,
    /// Smallest relative change found with the wanted power.
    pub detectable_relative: Option<f64>,
    /// Power at the wanted effect.
    pub power: Option<f64>,
    /// Units that would give the wanted power.
    pub units_needed: Option<f64>,
    /// Why there is nothing to expect.
    pub problem: Option<String>,
}

/// What would be frozen now.
pub struct Draft {
    /// What binds already.
    pub bound: Option<Registration>,
    /// The start has passed.
    pub started: bool,
    /// The event's payload.
    pub payload: RegisteredPayload,
}
