//! Initiatives: items of the portfolio.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::project::Meta;

/// A portfolio item.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Initiative {
    /// Name, owner, place, digest.
    pub meta: Meta,
    /// The objectives it serves.
    pub objectives: Vec<String>,
    /// The problem, in a sentence.
    pub problem: Option<String>,
    /// The decision that it changes.
    pub decision: Option<String>,
    /// First day (ISO date).
    pub start: Option<String>,
    /// Wanted by (ISO date).
    pub due: Option<String>,
    /// Effort in person-weeks: 10th, 50th and 90th percentile.
    pub effort_weeks: Option<[f64; 3]>,
    /// Initiatives that must come first.
    pub depends_on: Vec<String>,
    /// People on it.
    pub team: Vec<String>,
    /// What sort of work it is.
    #[serde(default)]
    pub work: Work,
    /// Person-weeks of each skill: 10th, 50th and 90th percentile.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub skills: BTreeMap<String, [f64; 3]>,
    /// Work items that are left: 10th, 50th and 90th percentile.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub items: Option<[f64; 3]>,
    /// What a week of delay costs, in minor units of the project's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay_cost_minor: Option<i64>,
    /// Scores for RICE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rice: Option<Rice>,
    /// Scores for WSJF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wsjf: Option<Wsjf>,
    /// What technical debt costs while it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interest: Option<Interest>,
    /// Of a spike: the initiative that it tells about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub informs: Option<String>,
    /// Of a spike: the day on which it ends whatever it found (ISO date).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kill_by: Option<String>,
}

/// Sort of work.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Something new.
    #[default]
    Feature,
    /// Paying back technical debt: worth the interest that ends.
    Debt,
    /// Research that tells whether another initiative is worth its cost: an option with a last day.
    Spike,
}

/// Reach × impact × confidence / effort.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rice {
    /// People reached in a quarter.
    pub reach: f64,
    /// Impact on each: 0.25 minimal to 3 massive.
    pub impact: f64,
    /// Confidence in (0, 1].
    pub confidence: f64,
}

/// (Value + urgency + risk reduced) / effort, each on one relative scale.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Wsjf {
    /// Value to users and the business.
    pub value: f64,
    /// How fast the value goes.
    pub urgency: f64,
    /// Risk reduced or opportunity enabled.
    pub risk: f64,
}

/// What debt costs in a month.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Interest {
    /// Incidents.
    pub incidents: f64,
    /// Cost of one, in minor units.
    pub incident_minor: i64,
    /// Retried runs.
    pub retries: f64,
    /// Cost of one, in minor units.
    pub retry_minor: i64,
    /// Hours of toil.
    pub toil_hours: f64,
    /// Cost of one, in minor units.
    pub hour_minor: i64,
}

impl Interest {
    /// Minor units a month.
    pub fn monthly_minor(&self) -> f64 {
        self.incidents * self.incident_minor as f64
            + self.retries * self.retry_minor as f64
            + self.toil_hours * self.hour_minor as f64
    }
}
