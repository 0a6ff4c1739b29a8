//! What this room writes into the ledger. Free text may name people and stands in the private payload.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use steward_definitions::Bet;
use steward_ledger::NewEvent;

use crate::CapabilityError;

/// Kind of an approval.
pub const FROZEN: &str = "bet.frozen";
/// Kind of a resolution.
pub const RESOLVED: &str = "bet.resolved";

/// Payload of [`FROZEN`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct FrozenPayload {
    /// From 1.
    pub version: u64,
    /// Digest of the definition.
    pub digest: String,
    /// The definition.
    pub bet: Bet,
}

/// Payload of [`RESOLVED`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ResolvedPayload {
    /// Version that is resolved.
    pub version: u64,
    /// It came true.
    pub succeeded: bool,
    /// `query`, `experiment`, `abandoned`.
    pub by: String,
    /// Citations of evidence.
    pub evidence: Vec<Value>,
}

/// Private payload of both.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Words {
    /// Why, or what was seen.
    pub words: String,
}

/// An event about a bet.
pub fn event<T: Serialize>(
    kind: &str,
    bet: &str,
    actor: &str,
    payload: &T,
    words: &str,
) -> Result<NewEvent, CapabilityError> {
    let json = |e: serde_json::Error| CapabilityError::Invalid(format!("cannot write an event: {e}"));
    let private = Words { words: words.into() };
    Ok(NewEvent {
        kind: kind.into(),
        subject: format!("bet/{bet}"),
        actor: actor.into(),
        payload: serde_json::to_value(payload).map_err(json)?,
        private: Some(serde_json::to_value(private).map_err(json)?),
    })
}
