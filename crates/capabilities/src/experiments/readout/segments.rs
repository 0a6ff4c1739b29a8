//! Lifts by the values of dimensions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use steward_stats::shrinkage::Shrunk;

use super::Answer;

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
