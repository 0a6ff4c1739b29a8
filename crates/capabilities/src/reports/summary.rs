//! What a pack's own figures say, by rules: what moved beyond its noise, what stands out, what waits for a decision.
//!
//! A metric with an interval moved if its change exceeds the half-width of the interval times √2, as for a difference of
//! two values of like noise; a total moved if it changed by a tenth. Nothing is said that the pack does not hold.

use serde::{Deserialize, Serialize};
use steward_compute::Value;
use steward_definitions::Direction;

use super::{Figure, Section, SectionContent};
use crate::governance::{self, Waiting};
use crate::{CapabilityError, Context};

/// Change of a total from which it counts as moved.
const TOTAL: f64 = 0.1;
/// Things to decide that are told.
const DECIDE: usize = 5;

/// What moved: a figure of the pack, by the place of its section.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// Section of the pack.
    pub section: usize,
    /// Whether the move is a good one.
    pub good: bool,
}

/// The summary of a pack.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Figures that moved, worst first.
    pub moved: Vec<Moved>,
    /// Sections with figures that did not move beyond their noise.
    pub steady: Vec<usize>,
    /// Sections with objectives and experiments whose verdict is told.
    pub verdicts: Vec<usize>,
    /// What waits for a decision, most urgent first.
    pub decide: Vec<Waiting>,
}

/// Reads the sections of a pack.
pub(super) async fn summarise(context: &Context, sections: &[Section]) -> Result<Summary, CapabilityError> {
    let mut summary = Summary::default();
    for (number, section) in sections.iter().enumerate() {
        match &section.content {
            SectionContent::Figure(figure) => match moved(figure) {
                Some(good) => summary.moved.push(Moved { section: number, good }),
                None if figure.change.is_some() => summary.steady.push(number),
                None => {}
            },
            SectionContent::Objective { .. } | SectionContent::Experiment { .. } => summary.verdicts.push(number),
            _ => {}
        }
    }
    summary.moved.sort_by_key(|m| m.good);
    summary.decide = governance::waiting(context).await?;
    summary.decide.truncate(DECIDE);
    Ok(summary)
}

/// Whether a figure moved, and for the good.
fn moved(figure: &Figure) -> Option<bool> {
    let change = figure.change.filter(|c| c.is_finite() && *c != 0.0)?;
    let beyond = match (&figure.estimate, &figure.value) {
        (Some(e), _) => change.abs() > (e.high - e.low) / 2.0 * std::f64::consts::SQRT_2,
        (None, Value::Integer(_) | Value::Number(_)) => figure.relative_change.is_some_and(|r| r.abs() >= TOTAL),
        _ => false,
    };
    beyond.then_some(match figure.direction {
        Direction::Increase => change > 0.0,
        Direction::Decrease => change < 0.0,
    })
}
