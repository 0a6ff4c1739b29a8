//! Objectives: what the organisation wants, measured by governed metrics.

use serde::{Deserialize, Serialize};

use crate::Span;
use crate::project::Meta;

/// An objective.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Objective {
    /// Name, owner, place, digest.
    pub meta: Meta,
    /// The objective it serves.
    pub parent: Option<String>,
    /// First day, inclusive (ISO date).
    pub start: String,
    /// Last day, inclusive (ISO date).
    pub end: String,
    /// How it is measured; status is computed, never typed.
    pub key_results: Vec<KeyResult>,
}

/// A governed metric with a start and a target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct KeyResult {
    /// Name, unique in the objective.
    pub name: String,
    /// The metric.
    pub metric: String,
    /// Extra condition over dimensions.
    pub filter: Option<String>,
    /// Grain at which the metric is read: `day`, `week`, `month`.
    pub grain: String,
    /// Value at the start; `None` computes it over the period of the same length before `start`.
    pub baseline: Option<f64>,
    /// Value wanted by `end`.
    pub target: f64,
    /// Where it is defined.
    pub span: Span,
}
