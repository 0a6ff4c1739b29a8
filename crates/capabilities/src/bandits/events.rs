//! What a bandit leaves in the ledger.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use steward_ledger::NewEvent;

use super::projection::WeighingCell;
use crate::CapabilityError;

/// New weights of a bandit.
pub const WEIGHED: &str = "bandit.weighed";
/// In whose name weights are set.
pub const POLICY: &str = "policy/bandit";

/// Payload of [`WEIGHED`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeighedPayload {
    /// Arms, the control first.
    pub arms: Vec<String>,
    /// From when the weights are served, microseconds since 1970 UTC.
    pub from_us: i64,
    /// Share of each arm.
    pub weights: Vec<f64>,
    /// Shares in each context.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cells: Vec<WeighingCell>,
    /// Plays that they rest on.
    pub plays: u64,
    /// The arm with which the stopping rule says to stop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<String>,
    /// Why, in a sentence.
    pub because: String,
    /// Digest of the bandit's definition.
    pub definition: String,
    /// Evidence cited.
    pub evidence: Vec<Value>,
}

/// The event of new weights.
pub fn weighed(bandit: &str, payload: &WeighedPayload) -> Result<NewEvent, CapabilityError> {
    let payload = serde_json::to_value(payload)
        .map_err(|e| CapabilityError::Invalid(format!("the weights of bandit {bandit} cannot be written: {e}")))?;
    Ok(NewEvent {
        kind: WEIGHED.into(),
        subject: format!("bandit/{bandit}"),
        actor: POLICY.into(),
        payload,
        private: None,
    })
}
