//! Weights that were set, folded from events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use steward_ledger::{Event, Ledger, Projection};

use super::events::{WEIGHED, WeighedPayload};
use crate::CapabilityError;

/// Weights that were set once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Weighing {
    /// Event.
    pub sequence: u64,
    /// When it was recorded, microseconds since 1970 UTC.
    pub at_us: i64,
    /// From when it is served.
    pub from_us: i64,
    /// Arms, the control first.
    pub arms: Vec<String>,
    /// Share of each.
    pub weights: Vec<f64>,
    /// Shares in each context.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<WeighingCell>,
    /// Plays that they rest on.
    pub plays: u64,
    /// The arm with which the stopping rule says to stop.
    pub stop: Option<String>,
    /// Why.
    pub because: String,
    /// Evidence cited.
    pub evidence: Option<String>,
}

/// Shares in one context.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeighingCell {
    /// Attribute → value.
    pub context: BTreeMap<String, String>,
    /// Share of each arm.
    pub weights: Vec<f64>,
}

/// By bandit, oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Weighings(BTreeMap<String, Vec<Weighing>>);

impl Projection for Weighings {
    const NAME: &'static str = "bandits.weighings";
    const VERSION: u32 = 1;
    const READS_PRIVATE: bool = false;

    fn apply(&mut self, event: &Event) {
        if event.kind != WEIGHED {
            return;
        }
        let (Some(bandit), Ok(payload)) = (
            event.subject.strip_prefix("bandit/"),
            serde_json::from_value::<WeighedPayload>(event.payload.clone()),
        ) else {
            return;
        };
        let cited = payload
            .evidence
            .first()
            .and_then(|e| e.get("id"))
            .and_then(|id| id.as_str());
        self.0.entry(bandit.to_owned()).or_default().push(Weighing {
            sequence: event.sequence,
            at_us: event.at_us,
            from_us: payload.from_us,
            arms: payload.arms,
            weights: payload.weights,
            cells: payload.cells,
            plays: payload.plays,
            stop: payload.stop,
            because: payload.because,
            evidence: cited.map(str::to_owned),
        });
    }
}

/// Every weighing of every bandit, oldest first: now, or as of a moment.
pub async fn weighings(
    ledger: &Ledger,
    as_of: Option<i64>,
) -> Result<BTreeMap<String, Vec<Weighing>>, CapabilityError> {
    Ok(ledger.project::<Weighings>(as_of).await?.0)
}

impl Weighing {
    /// Share of each arm in a context (the whole, where it is none of those known).
    pub fn in_cell(&self, context: Option<&BTreeMap<String, String>>) -> &[f64] {
        let cell = self.cells.iter().find(|c| Some(&c.context) == context);
        cell.map_or(&self.weights, |c| &c.weights)
    }
}
