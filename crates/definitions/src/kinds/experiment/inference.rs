//! How an experiment is concluded: the method, fixed before the data are seen.

use serde::{Deserialize, Serialize};

/// The method of an experiment and what it needs to know beforehand.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Inference {
    /// The method.
    pub method: InferenceMethod,
    /// Which effects count as one.
    pub alternative: Alternative,
    /// Units of all variants together, windows closed, that the experiment is planned to end with.
    pub planned_units: Option<u64>,
}

/// A method.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum InferenceMethod {
    /// One look, at the end.
    #[default]
    Fixed,
    /// A few looks planned beforehand, by alpha spending.
    GroupSequential {
        /// How the error is spent over information.
        spending: Spending,
        /// When is looked; the end is always the last look.
        looks: Looks,
    },
    /// An asymptotic confidence sequence: anyone looks at any time.
    AlwaysValid {
        /// Units of a treatment and the control at which its intervals are tightest.
        tuned_for: Option<u64>,
    },
    /// The mixture sequential probability ratio test: anyone looks at any time.
    Msprt {
        /// Standard deviation of plausible effects, above 0.
        tau: f64,
        /// The unit of `tau`.
        scale: EffectScale,
    },
    /// A normal prior on the effect; chance to win and risk.
    Bayesian {
        /// What is believed beforehand.
        prior: EffectPrior,
    },
}

/// How the error of a group sequential test is spent over information.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Spending {
    /// Little early.
    #[default]
    ObrienFleming,
    /// Nearly even boundaries.
    Pocock,
    /// alpha·t^rho.
    KimDemets {
        /// Above 0.
        rho: f64,
    },
}

/// The looks of a group sequential test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Looks {
    /// So many at even distances, the end among them.
    Number(u64),
    /// At these shares of the planned units, or of the time from start to end where no units are planned; rising, in (0, 1].
    Fractions(Vec<f64>),
    /// At these moments (RFC 3339 or dates), rising; what was seen before counts.
    Moments(Vec<String>),
}

/// Which effects count as one, in the metric's good direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Alternative {
    /// Better or worse.
    #[default]
    TwoSided,
    /// Only better.
    Greater,
    /// Only worse.
    Less,
}

/// The unit of an effect.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectScale {
    /// A share of the control's value: 0.02 is two per cent.
    #[default]
    Relative,
    /// The metric's own unit.
    Absolute,
}

/// A normal prior on an effect.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct EffectPrior {
    /// Its unit.
    pub scale: EffectScale,
    /// Its mean.
    pub mean: f64,
    /// Its standard deviation, above 0.
    pub sd: f64,
}

impl Default for EffectPrior {
    /// Centred on no effect, with nine in ten lifts within ±49%: it says little.
    fn default() -> EffectPrior {
        EffectPrior {
            scale: EffectScale::Relative,
            mean: 0.0,
            sd: 0.3,
        }
    }
}

impl InferenceMethod {
    /// Its name as written in a definition.
    pub fn word(&self) -> &'static str {
        match self {
            InferenceMethod::Fixed => "fixed",
            InferenceMethod::GroupSequential { .. } => "group_sequential",
            InferenceMethod::AlwaysValid { .. } => "always_valid",
            InferenceMethod::Msprt { .. } => "msprt",
            InferenceMethod::Bayesian { .. } => "bayesian",
        }
    }
}
