//! Whether a readout can be believed.

use serde::{Deserialize, Serialize};
use steward_stats::assumptions::Assumptions;
use steward_stats::novelty::Pattern;
use steward_stats::outliers::Influence;
use steward_stats::segment_search::Suspect;
use steward_stats::{Estimate, NotEstimable};

use super::Answer;

/// Whether a readout can be believed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    /// No problem of severity `error`.
    pub ok: bool,
    /// Sample-ratio check of all exposed units against the planned weights.
    pub srm: SampleRatio,
    /// With a trigger, all exposed units, triggered or not; `srm` is that of the triggered ones then.
    #[serde(default)]
    pub exposed: Option<ExposedSplit>,
    /// Units that count in the comparison (exposed in one known variant).
    pub units: u64,
    /// Units seen in several variants; they are left out.
    pub units_in_several_variants: u64,
    /// Units whose only variant is none of the experiment's; they are left out.
    pub units_in_unknown_variants: u64,
    /// Units whose conversion window has not closed yet; they count in the split, not in the metrics.
    pub units_immature: u64,
    /// Segments that a broken split comes from, the most telling first; searched only when it is broken.
    #[serde(default)]
    pub suspects: Vec<Suspect>,
    /// Were the variants alike before exposure? One test per metric with a covariate and treatment.
    #[serde(default)]
    pub pre_exposure: Vec<PreExposure>,
    /// Do the primary metrics' lifts fade or grow with the time since exposure?
    #[serde(default)]
    pub novelty: Vec<Novelty>,
    /// Do the primary means hang on few units, or on too skewed a distribution?
    #[serde(default)]
    pub tails: Vec<Tails>,
    /// What is wrong, worst first.
    pub problems: Vec<Problem>,
}

/// Exposed units before a trigger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExposedSplit {
    /// By variant, the control first.
    pub units: Vec<VariantUnits>,
    /// Sample-ratio check of these units.
    pub srm: SampleRatio,
}

/// Units of a variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantUnits {
    /// Variant.
    pub variant: String,
    /// Its units.
    pub units: u64,
}

/// Outcome of the sample-ratio check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SampleRatio {
    /// p-value of the planned split; `None` if it cannot be tested. While the experiment runs, that of the sequential
    /// test, which holds however often one looks.
    pub p: Option<f64>,
    /// `fixed` or `sequential` (Lindon & Malek 2022).
    #[serde(default)]
    pub method: String,
    /// p of one look, always.
    #[serde(default)]
    pub fixed_p: Option<f64>,
    /// p of the sequential test over the days so far; never rises. `None` without times.
    #[serde(default)]
    pub sequential_p: Option<f64>,
    /// Below 0.001: broken.
    pub broken: bool,
    /// χ² with (arms − 1) degrees of freedom.
    pub statistic: Option<f64>,
    /// Why there is no p.
    pub not_estimable: Option<NotEstimable>,
}

/// A metric compared over the days before exposure, where the variants should not differ.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PreExposure {
    /// Metric.
    pub metric: String,
    /// Treatment.
    pub variant: String,
    /// Treatment − control before exposure, in the metric's unit.
    pub difference: Answer,
    /// p corrected by Holm over all such tests; below 0.001: broken.
    pub adjusted_p: Option<f64>,
}

/// A metric's relative lift by time since exposure, among units that could be followed all the time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Novelty {
    /// Metric.
    pub metric: String,
    /// Treatment.
    pub variant: String,
    /// Units followed all the time, whose effects these are.
    pub units: u64,
    /// Days in each stretch of time.
    pub days_per_stretch: f64,
    /// (Treatment − control) / |control| in each stretch.
    pub effects: Vec<Estimate>,
    /// Change of the lift a day.
    pub slope: Option<Estimate>,
    /// Lift in the last third of stretches minus that in the first.
    pub late_minus_early: Option<Estimate>,
    /// What will remain rather than the average: of a mean the lift that does not fade, else that of the last stretch on the
    /// line.
    pub long_run: Option<Estimate>,
    /// Units asked whether a mean's lift fades.
    #[serde(default)]
    pub all_units: u64,
    /// A mean's lift at exposure minus the one in the long run.
    #[serde(default)]
    pub fades: Option<Estimate>,
    /// A mean's lift at exposure.
    #[serde(default)]
    pub at_exposure: Option<Estimate>,
    /// How much would have to fade to be found four times in five.
    #[serde(default)]
    pub detectable: Option<f64>,
    /// `stable`, `novelty` (fades) or `primacy` (grows).
    pub pattern: Option<Pattern>,
    /// p of what fades, else of the slope, corrected by Holm over metrics and treatments.
    pub adjusted_p: Option<f64>,
    /// Why it could not be followed.
    pub not_estimable: Option<NotEstimable>,
}

/// The tails of a mean, without covariates: what it owes to its largest units, and whether its interval can be near normal.
/// Units' values are known to half a per cent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tails {
    /// Metric.
    pub metric: String,
    /// Treatment.
    pub variant: String,
    /// Units of both arms.
    pub units: u64,
    /// Units of the smaller arm.
    pub least_arm: u64,
    /// Skewness, and the error that it leaves in the interval.
    pub assumptions: Option<Assumptions>,
    /// The lift without its 1 and 10 most influential units, and how many would overturn it.
    pub influence: Option<Influence>,
}

/// Something that weakens or forbids a reading.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// Stable, kebab-case: `sample-ratio`, `several-variants`, `unknown-variant`, `empty-arm`, `immature`, ….
    pub code: String,
    /// `error` (do not read the lifts) or `warning`.
    pub severity: String,
    /// What was found, with numbers, and what to do.
    pub message: String,
}
