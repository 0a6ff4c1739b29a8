//! What a readout says. Its JSON form is an interface: later work and scripts rely on the field names.

mod health;
mod inference;
mod metric;
mod segments;

pub use health::*;
pub use inference::*;
pub use metric::*;
pub use segments::*;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use steward_stats::{Estimate, NotEstimable};

use super::designs::DesignReadout;
use super::plan::PlanReadout;

/// How to read an experiment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadoutOptions {
    /// Only exposures and facts before this moment count, microseconds since 1970 UTC; `None` is now.
    pub as_of: Option<i64>,
    /// Dimensions to break down by beyond those declared: exploratory.
    #[serde(default)]
    pub by: Vec<String>,
    /// Two dimensions whose values are crossed to a map of lifts: exploratory.
    #[serde(default)]
    pub map: Option<[String; 2]>,
    /// Metrics whose lift is asked for over their whole distribution.
    #[serde(default)]
    pub quantiles: Vec<String>,
}

/// An estimate, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Answer {
    /// There is one.
    Estimate(Estimate),
    /// There is none: `{"not_estimable": {"reason", "detail", "fix"}}`.
    Refused {
        /// Why, and what would change it.
        not_estimable: NotEstimable,
    },
}

impl Answer {
    /// The estimate, if there is one.
    pub fn estimate(&self) -> Option<&Estimate> {
        match self {
            Answer::Estimate(e) => Some(e),
            Answer::Refused { .. } => None,
        }
    }

    /// The refusal, if there is one.
    pub fn refusal(&self) -> Option<&NotEstimable> {
        match self {
            Answer::Estimate(_) => None,
            Answer::Refused { not_estimable } => Some(not_estimable),
        }
    }
}

impl From<Result<Estimate, NotEstimable>> for Answer {
    fn from(result: Result<Estimate, NotEstimable>) -> Self {
        match result {
            Ok(e) => Answer::Estimate(e),
            Err(not_estimable) => Answer::Refused { not_estimable },
        }
    }
}

/// Where an experiment stands in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExperimentStatus {
    /// Its start lies ahead.
    NotStarted,
    /// Between start and end, or without an end.
    Running,
    /// Past its end; also a table of exposures without time and without an end.
    Ended,
}

/// The verdict for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The split of units is broken (p < 0.001), the variants differed before exposure, or saw different days: no lift may
    /// be read.
    DoNotTrust,
    /// Not started yet.
    NotStarted,
    /// No units, or none in the control or in every treatment.
    NoData,
    /// No primary metric could be estimated.
    NotEstimable,
    /// A variant is better on a primary metric, worse on none, and harms no guardrail.
    Better,
    /// A primary metric got worse and none better.
    Worse,
    /// Better on one primary metric and worse on another.
    Mixed,
    /// A guardrail is harmed, whatever the primary metrics say.
    GuardrailHarmed,
    /// No primary metric differs significantly.
    NoDifference,
}

/// The answer to "what did the experiment do, and can we believe it?".
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Readout {
    /// The experiment's name.
    pub experiment: String,
    /// Human title.
    pub label: Option<String>,
    /// Accountable.
    pub owner: String,
    /// What was believed.
    pub hypothesis: Option<String>,
    /// Where it stands in time.
    pub status: ExperimentStatus,
    /// The verdict in a sentence or two.
    pub verdict: String,
    /// The verdict for machines.
    pub outcome: Outcome,
    /// The variant that the verdict speaks of, if it speaks of one.
    pub variant: Option<String>,
    /// Can it be believed? Read this first.
    pub health: Health,
    /// Variants with their units; the control first.
    pub arms: Vec<Arm>,
    /// One entry per metric and treatment: primary, secondary, guardrails, in the order of the definition.
    pub metrics: Vec<MetricReadout>,
    /// The same metrics by each dimension's values.
    pub breakdowns: Vec<Breakdown>,
    /// Lifts over two dimensions at once, where they were asked for.
    #[serde(default)]
    pub maps: Vec<EffectMap>,
    /// Lifts over the distribution, for metrics that are quantiles and for those asked for.
    #[serde(default)]
    pub quantiles: Vec<QuantileCurve>,
    /// The lift as it stood when only units exposed up to each day count.
    pub daily: Vec<DailyPath>,
    /// Units exposed first on each day, in all variants.
    #[serde(default)]
    pub arrivals: Vec<Arrivals>,
    /// What was counted.
    pub window: DataWindow,
    /// Significance level.
    pub alpha: f64,
    /// Correction over the primary metrics and variants.
    pub correction: String,
    /// How it is concluded.
    #[serde(default)]
    pub inference: ExperimentInference,
    /// The decision rule, evaluated.
    #[serde(default)]
    pub decision: Decision,
    /// What was planned before the data were seen, and what departs from it; `None` while nothing is frozen.
    #[serde(default)]
    pub plan: Option<PlanReadout>,
    /// How it was randomised, where units were not split one by one: its estimates stand in `metrics`.
    #[serde(default)]
    pub design: Option<DesignReadout>,
    /// Where the numbers come from.
    pub provenance: Provenance,
}

/// A variant and its units.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// Variant.
    pub variant: String,
    /// Human title.
    pub label: Option<String>,
    /// The baseline.
    pub control: bool,
    /// Exposed units.
    pub units: u64,
    /// Units expected by the planned weights.
    pub expected: f64,
    /// Planned share in (0, 1).
    pub planned_share: f64,
}

/// Units of a day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrivals {
    /// ISO date in the project's time zone.
    pub day: String,
    /// Units of all variants that were exposed first on it.
    pub units: u64,
}

/// How a lift settled: one point per day of exposure, cumulative.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DailyPath {
    /// Metric.
    pub metric: String,
    /// Treatment.
    pub variant: String,
    /// Points by day.
    pub points: Vec<DailyPoint>,
}

/// The lift over all units exposed up to and including a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DailyPoint {
    /// ISO date in the project's time zone.
    pub day: String,
    /// Units of treatment and control together.
    pub units: u64,
    /// Treatment − control; for always-valid and Bayesian methods with their interval, else with that of one look.
    pub absolute: Answer,
    /// Relative.
    pub relative: Answer,
    /// Point over standard error.
    #[serde(default)]
    pub z: Option<f64>,
    /// Boundary of |z| if a planned look is made at the end of this day (group sequential).
    #[serde(default)]
    pub boundary_z: Option<f64>,
}

/// What was counted. Moments in microseconds since 1970 UTC; lower ends inclusive, upper ends exclusive.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DataWindow {
    /// Exposures from.
    pub exposures_from: Option<i64>,
    /// Exposures before.
    pub exposures_before: Option<i64>,
    /// Facts before.
    pub facts_before: Option<i64>,
    /// Seconds after exposure in which facts count; `None` is until `facts_before`.
    pub window_seconds: Option<u64>,
    /// Days before exposure used as covariate.
    pub cuped_days: u32,
    /// First day with an exposure (ISO date).
    pub first_day: Option<String>,
    /// Last day with an exposure (ISO date).
    pub last_day: Option<String>,
}

/// Where numbers come from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Provenance {
    /// Id of the evidence that holds this readout.
    pub evidence: String,
    /// Engine that ran the queries.
    pub engine: String,
    /// Queries as run, with their label.
    pub queries: Vec<RanQuery>,
    /// Table → digest of its data.
    pub data: BTreeMap<String, String>,
    /// Definition (`metric/revenue`) → digest.
    pub definitions: BTreeMap<String, String>,
    /// Program and version.
    pub program: String,
}

/// A query as it was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RanQuery {
    /// What it was for.
    pub label: String,
    /// Text, in the engine's dialect.
    pub sql: String,
}
