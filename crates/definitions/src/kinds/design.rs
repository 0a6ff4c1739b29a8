//! How an experiment assigns: what was randomised, and so how it must be read.

use serde::{Deserialize, Serialize};

/// What was randomised.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Design {
    /// Each unit by itself.
    #[default]
    Units,
    /// Each unit by itself, to combinations of several factors.
    Factorial(FactorialDesign),
    /// Whole clusters of units.
    Cluster(ClusterDesign),
    /// Regions by periods of time.
    Switchback(SwitchbackDesign),
    /// Units held back from everything that is launched.
    Holdout(HoldoutDesign),
    /// Some markets, against a mixture of the others.
    Geo(GeoDesign),
}

impl Design {
    /// Its word in definitions.
    pub fn word(&self) -> &'static str {
        match self {
            Design::Units => "units",
            Design::Factorial(_) => "factorial",
            Design::Cluster(_) => "cluster",
            Design::Switchback(_) => "switchback",
            Design::Holdout(_) => "holdout",
            Design::Geo(_) => "geo",
        }
    }

    /// Dimensions that it names.
    pub fn dimensions(&self) -> Vec<&str> {
        match self {
            Design::Cluster(d) => vec![&d.by],
            Design::Switchback(d) => vec![&d.by],
            Design::Units | Design::Factorial(_) | Design::Holdout(_) | Design::Geo(_) => Vec::new(),
        }
    }
}

/// Combinations of factors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FactorialDesign {
    /// What is varied, in order.
    pub factors: Vec<Factor>,
    /// Which variant has which levels, one per factor in their order.
    pub cells: Vec<FactorCell>,
}

/// One thing that is varied.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Factor {
    /// Name.
    pub name: String,
    /// Its levels; the first is the baseline.
    pub levels: Vec<String>,
}

/// A combination of levels.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FactorCell {
    /// The variant.
    pub name: String,
    /// Position of its level, by factor.
    pub levels: Vec<usize>,
}

/// Whole clusters.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ClusterDesign {
    /// Dimension of the unit, or column of the exposures, that names its cluster.
    pub by: String,
}

/// Regions that switch in time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SwitchbackDesign {
    /// Dimension of the unit, or column of the exposures, that names its region.
    pub by: String,
    /// Seconds of a period, counted from the experiment's start.
    pub period_seconds: u64,
    /// Seconds left out after each switch of a region.
    pub washout_seconds: u64,
    /// Seconds of a season whose shape is taken out, e.g. a day.
    pub season_seconds: Option<u64>,
    /// Regions share capacity: what the others have counts too.
    pub spillover: bool,
}

/// Markets by periods.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct GeoDesign {
    /// Seconds of a period, counted from the experiment's start.
    pub period_seconds: u64,
    /// Seconds before the start that the mixture must follow: whole periods.
    pub before_seconds: u64,
}

/// Units held back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct HoldoutDesign {
    /// Variant of units that got whatever was launched or tried.
    pub everything: String,
    /// Variant of units that got what was shipped and were in no experiment.
    pub shipped: Option<String>,
}
