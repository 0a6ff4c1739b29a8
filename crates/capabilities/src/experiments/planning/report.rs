//! What a power analysis answers. Its JSON form is an interface.

use serde::{Deserialize, Serialize};
use steward_stats::NotEstimable;

use super::history::Source;
use crate::experiments::readout::{Answer, Provenance, Role};

/// What an experiment could find, by how long it runs, from the history of its own metrics.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PowerReport {
    /// The experiment.
    pub experiment: String,
    /// In two sentences: what the planned duration finds, and what would be needed.
    pub summary: String,
    /// The planned duration has less than the wanted power; `None` without a wanted effect or a planned duration.
    pub underpowered: Option<bool>,
    /// Fewest whole weeks in which every primary metric has the wanted power; `None` if eight do not suffice.
    pub recommended_weeks: Option<u32>,
    /// Days from start to end, as defined.
    pub planned_days: Option<i64>,
    /// Relative improvement wanted.
    pub effect: Option<f64>,
    /// Where the wanted effect comes from: `asked for`, or a bet.
    pub effect_from: Option<String>,
    /// Wanted power.
    pub power: f64,
    /// Where the units are counted that would have been exposed.
    pub source: Source,
    /// First and last day of the history.
    pub from: String,
    /// Last day.
    pub to: String,
    /// Whole weeks of history.
    pub weeks: u32,
    /// How units arrive.
    pub traffic: Traffic,
    /// The rule in a word: `fixed`, `group-sequential`, `confidence-sequence`, `msprt`, `bayesian`.
    pub method: String,
    /// `two-sided` or `one-sided`.
    pub sides: String,
    /// False-positive rate over all primary metrics and treatments.
    pub alpha: f64,
    /// Correction over them; planned for at its strictest step.
    pub correction: String,
    /// One entry per metric.
    pub metrics: Vec<MetricPower>,
    /// Where the numbers come from.
    pub provenance: Provenance,
}

/// How units arrive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// Units never seen before in the history, by week from its beginning: returning units make it fall.
    pub new_units_by_week: Vec<f64>,
    /// Share of the new units by weekday, Monday first.
    pub by_weekday: Vec<f64>,
    /// Variance of daily arrivals over that of a Poisson process of the same weeks and weekdays.
    pub dispersion: f64,
    /// Share of the traffic that enters the experiment.
    pub share: f64,
}

/// One metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricPower {
    /// Metric.
    pub metric: String,
    /// Its part.
    pub role: Role,
    /// `mean`, `proportion` or `ratio`.
    pub statistic: String,
    /// `increase` or `decrease`.
    pub direction: String,
    /// Accepted relative harm: the row's power is the chance that no harm beyond it is shown when there is none.
    pub margin: Option<f64>,
    /// False-positive rate of one comparison, after the correction.
    pub alpha: f64,
    /// Correlation of units of one cluster, with its standard error, where clusters are randomised.
    pub icc: Option<(f64, f64)>,
    /// By duration, rising.
    pub rows: Vec<PowerRow>,
    /// Why there are none.
    pub not_estimable: Option<NotEstimable>,
}

/// A duration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PowerRow {
    /// Days of exposure.
    pub days: i64,
    /// Units in all arms.
    pub units: f64,
    /// 95% range of the units, from how unevenly they arrive.
    pub units_range: (f64, f64),
    /// Longer than the history: arrivals go on as in its last week, and the metric stays as it was then.
    pub extrapolated: bool,
    /// The metric in the history, per unit.
    pub baseline: Answer,
    /// Standard deviation between units, before adjustment.
    pub sd: f64,
    /// Share of the variance that CUPED takes away.
    pub variance_reduction: Option<f64>,
    /// Factor of clusters on the variance.
    pub design_effect: f64,
    /// Smallest change found with the wanted power (a guardrail's smallest margin), in the metric's unit.
    pub detectable_absolute: f64,
    /// Over |baseline|.
    pub detectable_relative: Option<f64>,
    /// 95% range of the latter, from the uncertainty of the history (days left out in turn) and of the arrivals.
    pub detectable_relative_range: Option<(f64, f64)>,
    /// Power at the wanted effect; of a guardrail, at its margin and no effect.
    pub power: Option<f64>,
    /// Its 95% range, likewise.
    pub power_range: Option<(f64, f64)>,
    /// Units in all arms that would give the wanted power, with the metric of this duration.
    pub units_needed: Option<f64>,
}
