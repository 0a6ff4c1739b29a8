//! `portfolio:` of `steward.yaml`: what the portfolio is judged by.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What the portfolio is judged by.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PortfolioSettings {
    /// Money to spend, in minor units.
    pub budget_minor: Option<i64>,
    /// Person-weeks there are of each skill.
    pub capacity: BTreeMap<String, f64>,
    /// Weeks over which value counts; 52 by default.
    pub horizon_weeks: f64,
    /// Resolved forecasts of the past.
    pub forecasts: Option<ForecastRecord>,
    /// Finished work of the past.
    pub throughput: Option<WorkRecord>,
    /// Stated ranges of the past.
    pub estimates: Option<EstimateRecord>,
    /// Other budgets and capacities, by name.
    pub scenarios: BTreeMap<String, Scenario>,
}

impl PortfolioSettings {
    /// Nothing is set.
    pub fn is_empty(&self) -> bool {
        *self == PortfolioSettings::default()
    }
}

/// Columns of a table of forecasts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ForecastRecord {
    /// Table.
    pub dataset: String,
    /// Who forecast.
    pub forecaster: String,
    /// Stated probability.
    pub probability: String,
    /// Whether it came true; null while open.
    pub outcome: String,
}

/// Columns of a table of work items.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WorkRecord {
    /// Table.
    pub dataset: String,
    /// Initiative that an item belongs to.
    pub initiative: String,
    /// Day on which it was done; null while open.
    pub done: String,
}

/// Columns of a table of stated ranges.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EstimateRecord {
    /// Table.
    pub dataset: String,
    /// 10th percentile.
    pub low: String,
    /// 90th percentile.
    pub high: String,
    /// What it was in the end; null while open.
    pub actual: String,
}

/// Another budget, other capacities, and what must be in or out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Money to spend, in minor units; the project's by default.
    pub budget_minor: Option<i64>,
    /// Person-weeks of skills that differ.
    pub capacity: BTreeMap<String, f64>,
    /// Initiatives that must be in.
    pub require: Vec<String>,
    /// Initiatives that must be out.
    pub exclude: Vec<String>,
}
