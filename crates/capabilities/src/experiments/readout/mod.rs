//! What a readout says. Its JSON form is an interface: later work and scripts rely on the field names.

mod inference;

pub use inference::*;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use steward_stats::assumptions::Assumptions;
use steward_stats::novelty::Pattern;
use steward_stats::outliers::Influence;
use steward_stats::segment_search::Suspect;
use steward_stats::shrinkage::Shrunk;
use steward_stats::{Estimate, NotEstimable};

use super::designs::DesignReadout;
use super::period::Period;

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
    /// The lift as it stood when only units exposed up to each day count.
    pub daily: Vec<DailyPath>,
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
    /// How it was randomised, where units were not split one by one: its estimates stand in `metrics`.
    #[serde(default)]
    pub design: Option<DesignReadout>,
    /// Where the numbers come from.
    pub provenance: Provenance,
}

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
    /// Units followed.
    pub units: u64,
    /// Days in each stretch of time.
    pub days_per_stretch: f64,
    /// (Treatment − control) / |control| in each stretch.
    pub effects: Vec<Estimate>,
    /// Change of the lift a day.
    pub slope: Option<Estimate>,
    /// Lift in the last third of stretches minus that in the first.
    pub late_minus_early: Option<Estimate>,
    /// Lift in the last stretch, on the line: nearer to what will remain than the average.
    pub long_run: Option<Estimate>,
    /// `stable`, `novelty` (fades) or `primacy` (grows).
    pub pattern: Option<Pattern>,
    /// p of the slope, corrected by Holm over metrics and treatments.
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
    /// `mean`, `proportion` or `ratio`, per unit.
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
    /// The lifts without CUPED, when CUPED was used.
    pub raw: Option<RawLift>,
    /// Share of the variance of the absolute lift that CUPED removed.
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
    /// Digest of the metric's definition.
    pub definition: String,
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

/// Results by the values of one dimension. p-values of single segments are not corrected; `tests` are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Breakdown {
    /// Dimension, e.g. `user__country`.
    pub dimension: String,
    /// Asked for at the readout, not declared in the definition: whoever looks long enough finds a segment that differs.
    #[serde(default)]
    pub exploratory: bool,
    /// By value, in order; a missing value is `(none)`.
    pub segments: Vec<Segment>,
    /// Whether the segments differ at all, by metric and treatment.
    #[serde(default)]
    pub tests: Vec<SegmentTest>,
    /// Why there is none.
    pub problem: Option<String>,
}

/// Interaction test of one metric in one treatment over the segments of a dimension (Cochran's Q).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentTest {
    /// Metric.
    pub metric: String,
    /// Treatment.
    pub variant: String,
    /// `relative` or `absolute`: which lifts are compared and shrunk.
    pub scale: String,
    /// Segments with such a lift.
    pub segments: u64,
    /// Cochran's Q, χ² with segments − 1 degrees of freedom.
    pub q: f64,
    /// p of all segments having the same lift.
    pub p: f64,
    /// p corrected by Holm over all such tests of the experiment, of the declared and the exploratory apart.
    pub adjusted_p: f64,
    /// Whether the corrected p is below alpha.
    pub differ: bool,
    /// The lift common to the segments.
    pub common: f64,
    /// Its posterior standard deviation.
    pub common_sd: f64,
    /// Spread of true lifts between segments.
    pub tau: f64,
}

/// One value of a dimension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// The value.
    pub value: String,
    /// Units by variant.
    pub units: BTreeMap<String, u64>,
    /// By metric and treatment.
    pub metrics: Vec<SegmentLift>,
}

/// A metric's lift in a segment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SegmentLift {
    /// Metric.
    pub metric: String,
    /// Treatment.
    pub variant: String,
    /// Treatment − control.
    pub absolute: Answer,
    /// Relative.
    pub relative: Answer,
    /// The lift pulled towards the segments' common one as far as its noise says, on the scale of the breakdown's test.
    #[serde(default)]
    pub shrunk: Option<Shrunk>,
}

/// Lifts over the values of two dimensions crossed. Exploratory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectMap {
    /// The two dimensions.
    pub dimensions: [String; 2],
    /// By the first dimension's value, then the second's.
    pub cells: Vec<MapCell>,
    /// Whether the cells differ at all, by metric and treatment.
    pub tests: Vec<SegmentTest>,
    /// What is not shown, and why.
    pub problem: Option<String>,
}

/// A pair of values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MapCell {
    /// One of each dimension.
    pub values: [String; 2],
    /// Units by variant.
    pub units: BTreeMap<String, u64>,
    /// By metric and treatment; `shrunk` is pulled towards all cells' common lift.
    pub metrics: Vec<SegmentLift>,
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
