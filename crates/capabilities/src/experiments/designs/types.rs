//! The design's part of a readout. Field names are an interface.

use serde::{Deserialize, Serialize};

use steward_stats::NotEstimable;

use crate::experiments::readout::Answer;

/// How the experiment was randomised, and what follows from it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DesignReadout {
    /// `cluster`, `switchback`, ….
    pub kind: String,
    /// How the lifts were estimated, in a few words.
    pub method: String,
    /// Why a comparison of single units misleads here.
    pub why: String,
    /// That comparison, by metric and treatment, in the order of `metrics`.
    pub naive: Vec<NaiveLift>,
    /// Cluster-randomised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<ClusterReadout>,
    /// Switchback.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub switchback: Option<SwitchbackReadout>,
    /// Factorial.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub factorial: Option<FactorialReadout>,
    /// Units held back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub holdout: Option<HoldoutReadout>,
    /// Treated markets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub geo: Option<GeoReadout>,
}

/// Treated markets against a mixture of the others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GeoReadout {
    /// Seconds of a period.
    pub period_seconds: u64,
    /// Periods before the start that the mixture follows.
    pub periods_before: u64,
    /// Whole periods since.
    pub periods_after: u64,
    /// By metric and treatment.
    pub metrics: Vec<GeoMetric>,
}

/// One metric of treated markets, a mean over them in each period.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GeoMetric {
    /// Metric.
    pub metric: String,
    /// Treatment.
    pub variant: String,
    /// Treated markets.
    pub treated: Vec<String>,
    /// Markets of the control.
    pub donors: u64,
    /// What the mixture is made of.
    pub weights: Vec<GeoWeight>,
    /// Rank of the treated markets' ratio of gaps after to before, among all.
    pub p: f64,
    /// Markets ranked.
    pub ranked: u64,
    /// Root mean squared gap before.
    pub fit_before: f64,
    /// Smallest relative rise that would have been found in 80% of past windows, where that can be told.
    pub detectable_relative: Option<f64>,
    /// Share of past windows that find an effect where there is none.
    pub false_positives: Option<f64>,
    /// Treated and mixture by period.
    pub gaps: Vec<GeoGap>,
    /// Mean effect with the interval and p that placebos allow.
    pub interval: Answer,
}

/// A market of the mixture.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GeoWeight {
    /// Market.
    pub market: String,
    /// Its share.
    pub share: f64,
}

/// A period.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct GeoGap {
    /// Its start, microseconds since 1970 UTC.
    pub at_us: i64,
    /// Mean of the treated markets.
    pub treated: f64,
    /// The mixture.
    pub synthetic: f64,
}

/// A lift as if units had been split one by one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct NaiveLift {
    /// Metric.
    pub metric: String,
    /// Treatment.
    pub variant: String,
    /// Treatment − control.
    pub absolute: Answer,
    /// Relative.
    pub relative: Answer,
}

/// Clusters of a cluster-randomised experiment.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClusterReadout {
    /// What names a cluster.
    pub by: String,
    /// Clusters by variant, in the order of the definition.
    pub clusters: Vec<Counted>,
    /// Clusters with units of several variants; they are left out.
    pub mixed: u64,
    /// Units of clusters left out.
    pub units_left_out: u64,
    /// Small-sample correction of the errors.
    pub correction: String,
    /// With few clusters, the wild cluster bootstrap beside the estimates, by metric and treatment.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bootstrap: Vec<BootstrapLift>,
}

/// A lift by the wild cluster bootstrap, which trusts no t distribution.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BootstrapLift {
    /// Metric.
    pub metric: String,
    /// Treatment.
    pub variant: String,
    /// Treatment − control; ends are null where the clusters are too few to reject anything.
    pub absolute: Answer,
    /// Draws, or combinations of signs.
    pub draws: u64,
    /// Every combination of signs was used.
    pub enumerated: bool,
}

/// So many of a variant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    /// Variant.
    pub variant: String,
    /// How many.
    pub count: u64,
}

/// Periods of a switchback.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SwitchbackReadout {
    /// What names a region.
    pub by: String,
    /// Regions.
    pub regions: Vec<String>,
    /// Seconds of a period.
    pub period_seconds: u64,
    /// Region-periods by variant, in the order of the definition.
    pub periods: Vec<Counted>,
    /// Stretches whose errors may hang together.
    pub blocks: u64,
    /// Region-periods with units of both variants; they are left out.
    pub mixed: u64,
    /// Region-periods between the first and the last without any unit.
    pub empty: u64,
    /// Seconds left out after each switch.
    pub washout_seconds: u64,
    /// Whether what other regions have is part of the effect: then it is of all treated against none.
    pub spillover: bool,
    /// Effects that the whole is made of or judged by, by metric.
    pub effects: Vec<SwitchbackEffects>,
}

/// Parts of a switchback's effect on one metric, in its unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SwitchbackEffects {
    /// Metric.
    pub metric: String,
    /// A region's own treatment, the others' left as they are.
    pub own: Answer,
    /// All other regions' treatment together, with `spillover`.
    pub others: Option<Answer>,
    /// The previous period's treatment: away from 0, a longer washout is needed.
    pub carry_over: Answer,
}

/// Effects of factors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FactorialReadout {
    /// Factors, in order.
    pub factors: Vec<String>,
    /// By metric.
    pub effects: Vec<FactorialEffects>,
}

/// Effects on one metric, in its unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FactorialEffects {
    /// Metric.
    pub metric: String,
    /// Why there are none.
    pub not_estimable: Option<NotEstimable>,
    /// Main effects, then interactions of two factors.
    pub effects: Vec<FactorEffect>,
}

/// What a level does against the factor's first, averaged over the others; or how much that changes from a second factor's
/// first level to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FactorEffect {
    /// One factor, or two.
    pub factors: Vec<String>,
    /// Its level, or theirs.
    pub levels: Vec<String>,
    /// The effect.
    pub effect: Answer,
    /// p by Holm over the metric's effects.
    pub adjusted_p: Option<f64>,
}

/// What those not held back are worth more.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HoldoutReadout {
    /// By metric and variant.
    pub values: Vec<HeldValue>,
}

/// A metric over those not held back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldValue {
    /// Metric.
    pub metric: String,
    /// Variant.
    pub variant: String,
    /// `everything`: whatever was launched or tried; `shipped`: only what was shipped.
    pub scope: String,
    /// Units not held back, with a closed window.
    pub units: u64,
    /// Lift of one of them.
    pub per_unit: Answer,
    /// Lift of all of them.
    pub total: Answer,
    /// The total as it grew, by month.
    pub path: Vec<Cumulative>,
}

/// A total up to a day.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cumulative {
    /// The last day counted (ISO date).
    pub until: String,
    /// Units.
    pub units: u64,
    /// Lift of all of them.
    pub total: Answer,
}
