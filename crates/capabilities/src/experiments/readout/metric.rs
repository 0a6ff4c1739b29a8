//! A metric in a treatment.

use serde::{Deserialize, Serialize};
use steward_stats::{Lift, NotEstimable};

use super::{AdjustedInterval, Answer, MetricInference};
use crate::experiments::period::Period;

/// Part a metric plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Decides.
    Primary,
    /// Informs.
    Secondary,
    /// Must not get worse.
    Guardrail,
    /// Was added after the start: informs, is no part of the decision nor of any corrected family.
    Exploratory,
}

/// What a guardrail says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GuardrailState {
    /// The whole interval lies within the accepted harm.
    Safe,
    /// The interval holds both accepted and unaccepted harm.
    Unclear,
    /// The whole interval lies beyond the accepted harm.
    Harmed,
}

/// One metric in one treatment against the control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MetricReadout {
    /// Metric.
    pub metric: String,
    /// Human title.
    pub label: Option<String>,
    /// Its unit for people: `currency`, `percent`, `count`, ….
    pub unit: Option<String>,
    /// Treatment.
    pub variant: String,
    /// Baseline.
    pub control: String,
    /// Part it plays.
    pub role: Role,
    /// `increase` or `decrease`: which way is good.
    pub direction: String,
    /// `mean`, `proportion`, `ratio` or `quantile`, per unit.
    pub statistic: String,
    /// Treatment − control, in the metric's unit, with the interval and p-value of the experiment's method.
    pub absolute: Answer,
    /// (Treatment − control) / |control|, likewise.
    pub relative: Answer,
    /// Present when nothing could be estimated (then `absolute` and `relative` say the same).
    pub not_estimable: Option<NotEstimable>,
    /// Value in the treatment.
    pub variant_value: Answer,
    /// Value in the control.
    pub control_value: Answer,
    /// p of the absolute lift after the correction: primary metrics, with gatekeeping also the others (for a guardrail
    /// that of the harm being beyond its margin).
    pub adjusted_p: Option<f64>,
    /// The intervals at the level of the corrected decision, if there is a correction.
    #[serde(default)]
    pub adjusted_interval: Option<AdjustedInterval>,
    /// Whether it counts as significant: adjusted p where there is one, p otherwise, below alpha; a boundary crossed at a
    /// planned look (group sequential); a credible interval without 0 (Bayesian).
    pub significant: bool,
    /// How it was concluded.
    #[serde(default)]
    pub inference: MetricInference,
    /// What it was adjusted for, beyond its own past.
    #[serde(default)]
    pub adjustment: Option<AdjustmentReadout>,
    /// The lifts without covariates and strata, when there were any.
    pub raw: Option<RawLift>,
    /// Share of the variance of the absolute lift that covariates and strata removed.
    pub variance_reduction: Option<f64>,
    /// Smallest relative lift that this many units detect with 80% power at alpha.
    pub detectable_relative: Option<f64>,
    /// State, for guardrails.
    pub guardrail: Option<GuardrailState>,
    /// Accepted relative harm, for guardrails.
    pub margin: Option<f64>,
    /// Value at which a unit was capped above.
    pub cap: Option<f64>,
    /// Limits of the unit's value; of a ratio, those of numerator and denominator.
    #[serde(default)]
    pub limits: Vec<Limits>,
    /// Which of a unit's facts count.
    #[serde(default)]
    pub period: Option<Period>,
    /// Its steps, for a funnel.
    #[serde(default)]
    pub funnel: Vec<StepReadout>,
    /// Digest of the metric's definition.
    pub definition: String,
}

/// What a lift was adjusted for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdjustmentReadout {
    /// Numbers of the unit, in order.
    pub covariates: Vec<String>,
    /// Dimensions whose values crossed are strata.
    pub strata: Vec<String>,
    /// Strata compared, small ones put together; 0 without any.
    pub strata_used: u64,
    /// `hc2` or `hc3`.
    pub variance: String,
}

/// A value in both arms, and what lies between.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ValueLift {
    /// In the control.
    pub control: Answer,
    /// In the treatment.
    pub variant: Answer,
    /// Treatment − control.
    pub absolute: Answer,
    /// (Treatment − control) / |control|.
    pub relative: Answer,
}

impl From<Lift> for ValueLift {
    fn from(l: Lift) -> ValueLift {
        ValueLift {
            control: l.control.into(),
            variant: l.treatment.into(),
            absolute: l.absolute.into(),
            relative: l.relative.into(),
        }
    }
}

/// A step of a funnel. p-values are not corrected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StepReadout {
    /// The step's metric.
    pub metric: String,
    /// Units that reached it, of the control and of the treatment.
    pub units: [u64; 2],
    /// Share of all units that reached it: an effect on comparable units.
    pub of_units: ValueLift,
    /// Share of the units of the step before; `None` for the first. It says where the funnel moved, on units that need not
    /// be comparable any more.
    pub of_previous: Option<ValueLift>,
}

/// A metric's lift over its distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantileCurve {
    /// Metric.
    pub metric: String,
    /// Its unit for people.
    pub unit: Option<String>,
    /// Treatment.
    pub variant: String,
    /// `units` or `events`.
    pub of: String,
    /// Only values other than 0 count.
    pub ignore_zeros: bool,
    /// By quantile, rising; intervals are those of each point by itself.
    pub points: Vec<QuantilePoint>,
    /// Why there is none.
    pub not_estimable: Option<NotEstimable>,
}

/// A point of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuantilePoint {
    /// Quantile in (0, 1).
    pub at: f64,
    /// The values there, and their lifts.
    #[serde(flatten)]
    pub lift: ValueLift,
}

/// Where a unit's value was pulled in, in the metric's unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Limits {
    /// Values below became this.
    pub low: Option<f64>,
    /// Values above became this.
    pub high: Option<f64>,
}

/// Lifts before adjustment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RawLift {
    /// Treatment − control.
    pub absolute: Answer,
    /// (Treatment − control) / |control|.
    pub relative: Answer,
}
