//! Flags: runtime switches, with the segments, layers and holdouts that they are targeted by.

use serde::{Deserialize, Serialize};

use crate::Span;
use crate::project::Meta;

/// JSON text with its keys in the order in which they were written: feature values and conditions are compared in that
/// order by the clients that receive them.
pub type JsonText = String;

/// A runtime switch.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Flag {
    /// Name, owner, place, digest.
    pub meta: Meta,
    /// What its values are.
    pub value_type: FlagType,
    /// Value when no rule applies.
    pub default: JsonText,
    /// Named values; a boolean flag has `on` and `off` without saying so.
    pub variants: Vec<NamedValue>,
    /// False is the kill switch: everyone gets `default`, whatever the rules say.
    pub enabled: bool,
    /// Values forced for testers, before all rules.
    pub forced: Vec<ForcedValue>,
    /// Flags that gate this one: if one does not hold, everyone gets `default`.
    pub prerequisites: Vec<Prerequisite>,
    /// Tried in order; the first that applies answers.
    pub rules: Vec<FlagRule>,
    /// Day after which the flag should be gone (ISO date).
    pub stale_after: Option<String>,
}

/// What a flag's values are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FlagType {
    /// `true` or `false`.
    #[default]
    Boolean,
    /// Text.
    String,
    /// A whole number within 53 bits.
    Integer,
    /// A finite number.
    Number,
    /// A list or a map.
    Json,
}

/// A value with a name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct NamedValue {
    /// Name.
    pub name: String,
    /// Value.
    pub value: JsonText,
}

/// A value forced for some units.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ForcedValue {
    /// Attribute that identifies the testers.
    pub attribute: String,
    /// Its values.
    pub units: Vec<String>,
    /// What they get.
    pub value: JsonText,
}

/// A condition on another flag's value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Prerequisite {
    /// The flag.
    pub flag: String,
    /// Condition on `value`.
    pub condition: JsonText,
}

/// One rule of a flag.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct FlagRule {
    /// Name, unique in the flag.
    pub name: String,
    /// Condition on attributes.
    pub when: Option<JsonText>,
    /// Segments of which the unit must be in all.
    pub segments: Vec<String>,
    /// Segments of which the unit must be in none.
    pub not_segments: Vec<String>,
    /// Flags that must hold for the rule to apply.
    pub prerequisites: Vec<Prerequisite>,
    /// First moment, inclusive (RFC 3339 or a date).
    pub from: Option<String>,
    /// Last moment, exclusive.
    pub until: Option<String>,
    /// What it does.
    pub serve: Serve,
    /// Attribute whose value is hashed; `id` by default.
    pub by: String,
    /// Attribute used where `by` is missing (sticky bucketing only).
    pub fallback: Option<String>,
    /// Seed of the hash; the flag's name or the experiment's by default.
    pub seed: Option<String>,
    /// 1 or 2.
    pub hash_version: u8,
    /// Share of units included, 0 to 1.
    pub coverage: Option<f64>,
    /// Mutually exclusive slice of a layer.
    pub layer: Option<Slice>,
    /// What stops it by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guarded_by: Option<Guard>,
    /// Where it is defined.
    pub span: Span,
}

/// What stops a rollout by itself: harm that an experiment shows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Guard {
    /// The experiment whose readout is watched.
    pub experiment: String,
    /// Its metrics that are watched; its guardrails, if none is named.
    pub metrics: Vec<String>,
    /// What happens on harm.
    pub action: OnHarm,
}

/// What harm does to a rollout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnHarm {
    /// No more units are included than when harm was seen.
    Freeze,
    /// Nobody is included.
    #[default]
    RollBack,
}

impl OnHarm {
    /// As written in definitions.
    pub fn word(self) -> &'static str {
        match self {
            OnHarm::Freeze => "freeze",
            OnHarm::RollBack => "roll_back",
        }
    }
}

/// What a rule does with units that it applies to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Serve {
    /// One value for all, perhaps by gradual rollout.
    Value {
        /// The value.
        value: JsonText,
        /// Slice of hash values included, from (inclusive) and to (exclusive).
        range: Option<[f64; 2]>,
        /// Coverage that grows by itself.
        ramp: Option<Ramp>,
    },
    /// Units are split between variants.
    Split(Split),
}

impl Default for Serve {
    fn default() -> Self {
        Serve::Value {
            value: String::new(),
            range: None,
            ramp: None,
        }
    }
}

/// A random split.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// The experiment that it assigns for; `None` for a split that no experiment analyses.
    pub experiment: Option<String>,
    /// The bandit whose live weights are the shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bandit: Option<String>,
    /// Key under which it is tracked: the experiment's name, or given, or the flag's.
    pub key: String,
    /// Variants with their values and shares (summing to 1).
    pub arms: Vec<Arm>,
    /// Explicit ranges of hash values, one per arm; they replace shares and coverage.
    pub ranges: Option<Vec<[f64; 2]>>,
    /// Mutual exclusion by a legacy namespace: name, from, to.
    pub namespace: Option<(String, f64, f64)>,
    /// Units keep their variant when shares change.
    pub sticky: bool,
    /// Raised to assign everyone anew.
    pub bucket_version: u64,
    /// Units bucketed by an older version are excluded.
    pub min_bucket_version: u64,
}

/// A variant of a split.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Arm {
    /// Name: the experiment's variant.
    pub name: String,
    /// What its units get.
    pub value: JsonText,
    /// Share, 0 to 1.
    pub weight: f64,
}

/// A slice of a layer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// The layer.
    pub layer: String,
    /// From (inclusive) and to (exclusive), 0 to 1.
    pub range: [f64; 2],
}

/// Coverage that grows by itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ramp {
    /// Steps in order of time; before the first, nobody is included.
    pub steps: Vec<RampStep>,
}

/// A step of a ramp.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RampStep {
    /// Moment (RFC 3339 or a date).
    pub at: String,
    /// Share of units included from then on, 0 to 1.
    pub coverage: f64,
}

/// A named group of units.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Segment {
    /// Name, owner, place, digest.
    pub meta: Meta,
    /// Condition on attributes.
    pub when: Option<JsonText>,
    /// Attribute of the list.
    pub attribute: Option<String>,
    /// Values of the attribute, as a JSON list.
    pub values: JsonText,
}

/// A namespace whose slices exclude each other.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Layer {
    /// Name, owner, place, digest.
    pub meta: Meta,
    /// Attribute whose value is hashed.
    pub by: String,
    /// Seed; the layer's name by default.
    pub seed: String,
}

/// Units held back from all new behaviour.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Holdout {
    /// Name, owner, place, digest.
    pub meta: Meta,
    /// Attribute whose value is hashed.
    pub by: String,
    /// Seed; the holdout's name by default.
    pub seed: String,
    /// Share held back, 0 to 1.
    pub share: f64,
    /// Flags from which they are held back; empty means all.
    pub flags: Vec<String>,
    /// First moment, inclusive.
    pub from: Option<String>,
    /// Last moment, exclusive.
    pub until: Option<String>,
}
