//! Metrics: named business quantities, in either dialect of dbt's YAML; experiment settings under `config.meta.steward`.

use serde::{Deserialize, Serialize};

use super::{Funnel, MetricUse, Quantile, Retention};
use crate::project::Meta;

/// A governed metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// Name, owner, place, digest.
    pub meta: Meta,
    /// What is computed.
    pub shape: MetricShape,
    /// SQL conditions over dimensions, Jinja already resolved: `{{ Dimension('user__country') }}` is `user__country`.
    pub filter: Option<String>,
    /// How experiments use it.
    pub experiment: MetricExperimentSettings,
    /// Unit for people: `currency`, `percent`, `count`, or free text.
    pub unit: Option<String>,
}

/// The five shapes.
#[allow(missing_docs, reason = "each variant says what its fields mean")]
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "type")]
pub enum MetricShape {
    /// One measure.
    Simple { measure: MeasureInput },
    /// Numerator over denominator, both metrics.
    Ratio {
        numerator: MetricInput,
        denominator: MetricInput,
    },
    /// An expression over metrics, each under its alias.
    Derived { expr: String, inputs: Vec<MetricInput> },
    /// A metric accumulated over a trailing window, or since the start of a grain, or over all time.
    Cumulative {
        measure: MeasureInput,
        window: Option<TimeWindow>,
        grain_to_date: Option<String>,
    },
    /// Share (or number) of base events followed by a conversion event of the same entity within a window.
    Conversion {
        entity: String,
        base: MeasureInput,
        conversion: MeasureInput,
        window: Option<TimeWindow>,
        calculation: String,
        constant_properties: Vec<(String, String)>,
    },
}

/// A measure as a metric uses it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MeasureInput {
    /// The measure's name.
    pub name: String,
    /// Extra condition.
    pub filter: Option<String>,
    /// Value for missing periods.
    pub fill_nulls_with: Option<f64>,
    /// Show missing periods.
    pub join_to_timespine: bool,
}

/// A metric as another metric uses it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MetricInput {
    /// The metric's name.
    pub name: String,
    /// Name in the expression.
    pub alias: Option<String>,
    /// Extra condition.
    pub filter: Option<String>,
    /// The value so long before.
    pub offset_window: Option<TimeWindow>,
    /// The value at the start of the grain.
    pub offset_to_grain: Option<String>,
}

/// `14 days`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TimeWindow {
    /// How many.
    pub count: u32,
    /// `second`, `minute`, `hour`, `day`, `week`, `month`, `quarter`, `year`.
    pub granularity: String,
}

/// Which way is good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// More is better.
    #[default]
    Increase,
    /// Less is better.
    Decrease,
}

/// Experiment settings of a metric: `config.meta.steward`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MetricExperimentSettings {
    /// Which way is good.
    pub direction: Direction,
    /// What an experiment may say anew: which facts count, caps, CUPED.
    #[serde(flatten)]
    pub measured: MetricUse,
    /// The unit's value is 1 if the aggregate is positive, else 0.
    pub binary: bool,
    /// The unit's value is 1 if it came back then, else 0.
    #[serde(default)]
    pub retention: Option<Retention>,
    /// The unit's value is 1 if it reached the metric's event through these steps, else 0.
    #[serde(default)]
    pub funnel: Option<Funnel>,
    /// A quantile of the units' values is compared.
    #[serde(default)]
    pub quantile: Option<Quantile>,
}

impl MetricExperimentSettings {
    /// Whether a unit's value is 0 or 1.
    pub fn is_share(&self) -> bool {
        self.binary || self.retention.is_some() || self.funnel.is_some()
    }
}
