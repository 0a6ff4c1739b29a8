//! Experiments: randomised comparisons that we assign.

mod adjust;
mod decide;
mod inference;

pub use adjust::*;
pub use decide::*;
pub use inference::*;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Design;
use crate::project::Meta;
use crate::{MetricUse, Span, Trigger};

/// An experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Experiment {
    /// Name, owner, place, digest.
    pub meta: Meta,
    /// What is believed and why.
    pub hypothesis: Option<String>,
    /// Where units and variants are read.
    pub exposures: Exposures,
    /// Variants; the control first.
    pub variants: Vec<Variant>,
    /// First moment of exposure counted (RFC 3339 or a date), inclusive.
    pub start: Option<String>,
    /// Last moment, exclusive.
    pub end: Option<String>,
    /// Metrics that decide.
    pub primary: Vec<String>,
    /// Metrics that inform.
    pub secondary: Vec<String>,
    /// Metrics that must not get worse.
    pub guardrails: Vec<Guardrail>,
    /// Seconds after exposure in which a unit's facts count; `None` means until `end` (plus nothing).
    pub window_seconds: Option<u64>,
    /// Days before exposure used as CUPED covariate; 0 is off.
    pub cuped_days: u32,
    /// Dimensions of the unit by which results are broken down, e.g. `user__country`.
    pub breakdowns: Vec<String>,
    /// Significance level.
    pub alpha: f64,
    /// `holm` (default), `bonferroni`, `benjamini-hochberg`, `dunnett` or `none`, over the primary metrics and variants;
    /// `gatekeeping` over primary, then secondary metrics, then guardrails.
    pub correction: String,
    /// How it is concluded.
    #[serde(default)]
    pub inference: Inference,
    /// When it is shipped.
    #[serde(default)]
    pub decide: DecisionRule,
    /// The initiative it belongs to.
    pub initiative: Option<String>,
    /// What was randomised.
    #[serde(default)]
    pub design: Design,
    /// What the experiment says anew of how a metric is measured, by metric.
    #[serde(default)]
    pub uses: BTreeMap<String, MetricUse>,
    /// What makes an exposed unit part of the experiment.
    #[serde(default)]
    pub trigger: Option<Trigger>,
    /// What lifts are adjusted for, beside the metrics' own past.
    #[serde(default)]
    pub adjust: Option<Adjustment>,
}

/// Where assignments or exposures are read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Exposures {
    /// The dataset.
    pub dataset: String,
    /// Column of the unit; `*` when no column identifies one: each row is its own unit, and only facts of the exposures'
    /// own dataset can be measured.
    pub unit: String,
    /// The entity that the unit is in the semantic models, e.g. `user`.
    pub entity: String,
    /// Column of the variant.
    pub variant: String,
    /// Column of the time of exposure; without it, facts of any time count and there is no pre-period.
    pub time: Option<String>,
    /// SQL condition on the rows.
    pub filter: Option<String>,
    /// Where it is defined.
    pub span: Span,
}

/// An arm.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Variant {
    /// The value in the variant column.
    pub name: String,
    /// Planned share, relative to the others.
    pub weight: f64,
    /// The baseline; exactly one.
    pub control: bool,
    /// Human title.
    pub label: Option<String>,
}

/// A metric that must not get worse.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Guardrail {
    /// The metric.
    pub metric: String,
    /// Largest harm accepted, as a relative change (0.01 is one per cent); 0 means any significant harm counts.
    pub margin: f64,
}
