//! Initiatives: items of the portfolio.

use serde::{Deserialize, Serialize};

use crate::project::Meta;

/// A portfolio item.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Initiative {
    /// Name, owner, place, digest.
    pub meta: Meta,
    /// The objectives it serves.
    pub objectives: Vec<String>,
    /// The problem, in a sentence.
    pub problem: Option<String>,
    /// The decision that it changes.
    pub decision: Option<String>,
    /// First day (ISO date).
    pub start: Option<String>,
    /// Wanted by (ISO date).
    pub due: Option<String>,
    /// Effort in person-weeks: 10th, 50th and 90th percentile.
    pub effort_weeks: Option<[f64; 3]>,
    /// Initiatives that must come first.
    pub depends_on: Vec<String>,
    /// People on it.
    pub team: Vec<String>,
}
