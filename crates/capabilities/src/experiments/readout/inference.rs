//! How a readout was concluded, and what it recommends.

use serde::{Deserialize, Serialize};

use steward_stats::NotEstimable;

use super::{Answer, RawLift};

/// How one metric of one treatment was concluded, beyond its interval and p-value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MetricInference {
    /// `fixed`, `group_sequential`, `always_valid`, `msprt` or `bayesian`.
    pub method: String,
    /// `two_sided`, `greater` (only better counts) or `less` (only worse); guardrails are always two-sided.
    pub alternative: String,
    /// Share of the planned information: of the planned units, else of the planned time; 1 at the end. `None` if nothing
    /// is planned.
    pub information_fraction: Option<f64>,
    /// Whether a stopping boundary was crossed: at a planned look, or for always-valid methods now. `None` for methods
    /// without boundaries.
    pub boundary_crossed: Option<bool>,
    /// The day of the first look that crossed (group sequential), or of the first day of the path that did.
    pub crossed_on: Option<String>,
    /// Planned looks with their boundaries, also those to come (group sequential).
    pub looks: Vec<LookReadout>,
    /// After stopping, at a crossing or at the end: median-unbiased estimate of the absolute lift with the interval and p
    /// of the stage-wise ordering. The plain estimate overstates the lift at an early stop.
    pub adjusted_estimate: Option<Answer>,
    /// The lifts as if this were the only look, where the method is another than that.
    pub nominal: Option<RawLift>,
    /// What is believed after the data (Bayesian).
    pub posterior: Option<PosteriorReadout>,
    /// How likely it is yet shown to be better: primary metrics of a running fixed-horizon or group sequential experiment.
    #[serde(default)]
    pub outlook: Option<OutlookReadout>,
}

/// Chances that an improvement is shown at one of the looks to come, at the strictest step of the correction.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutlookReadout {
    /// Share of the plan so far.
    pub information_fraction: f64,
    /// Relative improvement planned for: as registered, else the smallest worth having, else the median of the bet.
    pub planned_effect: Option<f64>,
    /// Conditional power: if the effect from now on is the planned one.
    pub at_planned_effect: Option<f64>,
    /// If it goes on as so far.
    pub at_trend: Option<f64>,
    /// If there is no effect from now on.
    pub without_effect: Option<f64>,
    /// Predictive power: averaged over what the data leave possible.
    pub predictive: Option<f64>,
    /// How many times the planned units bring the chance at the trend to 80% (fixed horizon, at most twice).
    pub times_for_power: Option<f64>,
    /// Why there is none.
    pub not_estimable: Option<NotEstimable>,
}

/// A planned look.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LookReadout {
    /// Day of the look; what was known before it counts. `None` while it waits for units to come.
    pub day: Option<String>,
    /// Information fraction: as it was if reached, as planned if not.
    pub information_fraction: f64,
    /// Whether it lies in the past.
    pub reached: bool,
    /// Units of treatment and control that counted.
    pub units: Option<u64>,
    /// Treatment − control as it stood then.
    pub point: Option<f64>,
    /// Its standard error.
    pub se: Option<f64>,
    /// point / se.
    pub z: Option<f64>,
    /// Stop at or beyond this |z|; `None` where nothing is spent yet.
    pub boundary_z: Option<f64>,
    /// The same as a nominal p-value.
    pub boundary_p: Option<f64>,
    /// Error spent up to and with this look.
    pub alpha_spent: Option<f64>,
    /// Whether it was crossed.
    pub crossed: Option<bool>,
}

/// A posterior.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PosteriorReadout {
    /// Chance that the treatment is better than the control, in the metric's good direction.
    pub chance_to_win: f64,
    /// Expected loss of shipping the treatment, in the metric's unit.
    pub risk_of_shipping: f64,
    /// Expected loss of keeping the control, in the metric's unit.
    pub risk_of_keeping: f64,
    /// Risk of shipping as a share of the control; `None` when the control is 0.
    pub relative_risk_of_shipping: Option<f64>,
    /// Risk of keeping as a share of the control.
    pub relative_risk_of_keeping: Option<f64>,
    /// Mean of the prior, in the metric's unit.
    pub prior_mean: f64,
    /// Its standard deviation.
    pub prior_sd: f64,
}

/// Intervals at the level at which a corrected decision was taken: they exclude 0 exactly when it rejects.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AdjustedInterval {
    /// The correction.
    pub correction: String,
    /// Treatment − control; its p is the adjusted one.
    pub absolute: Answer,
    /// Relative.
    pub relative: Answer,
}

/// How the experiment is concluded.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ExperimentInference {
    /// `fixed`, `group_sequential`, `always_valid`, `msprt` or `bayesian`.
    pub method: String,
    /// `two_sided`, `greater` or `less`, in each metric's good direction.
    pub alternative: String,
    /// Units that it is planned to end with.
    pub planned_units: Option<u64>,
    /// Units whose window has closed.
    pub counted_units: u64,
    /// Whether the method allows a decision now: always-valid methods at any time, group sequential after a crossing or
    /// its last look, the others at the end.
    pub may_stop: bool,
    /// A fixed-horizon experiment read before its end: its p-values do not hold for a decision now.
    pub early_look: bool,
    /// Day of the next planned look.
    pub next_look: Option<String>,
}

/// What the decision rule says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recommendation {
    /// Ship the variant.
    Ship,
    /// Keep the control.
    DoNotShip,
    /// Collect more data: what is hoped for might still be there.
    Extend,
    /// Start anew with another design: this one is broken, or could never answer.
    Redesign,
    /// It has not come to its end: go on as planned.
    #[default]
    KeepRunning,
}

impl Recommendation {
    /// In words: `ship`, `do not ship`, `keep running`.
    pub fn word(self) -> &'static str {
        match self {
            Recommendation::Ship => "ship",
            Recommendation::DoNotShip => "do not ship",
            Recommendation::Extend => "extend",
            Recommendation::Redesign => "redesign",
            Recommendation::KeepRunning => "keep running",
        }
    }
}

/// The decision rule with what it found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Decision {
    /// What to do.
    pub recommendation: Recommendation,
    /// The variant to ship, or the one nearest to it.
    pub variant: Option<String>,
    /// The rule in words.
    pub rule: String,
    /// Its conditions for that variant, each with its truth.
    pub conditions: Vec<Condition>,
    /// Why, in at most two sentences.
    pub explanation: String,
}

/// One condition of a decision rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// Stable, snake_case: `trustworthy`, `may_stop`, `primary_better`, `primary_not_worse`, `guardrails`, `effect_lasts`,
    /// `better_by`, `not_worse_than`, `chance_to_win`, `risk_below`.
    pub code: String,
    /// What is asked, in words.
    pub asks: String,
    /// Whether it holds; `None` if it cannot be told.
    pub holds: Option<bool>,
    /// What was found, with numbers.
    pub found: String,
}
