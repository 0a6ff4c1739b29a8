//! The event that registers a plan.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use steward_definitions::Experiment;
use steward_ledger::NewEvent;

use super::Expected;
use crate::CapabilityError;

/// Kind of a registration.
pub const REGISTERED: &str = "experiment.registered";

/// Payload of [`REGISTERED`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RegisteredPayload {
    /// The definition that is bound.
    pub definition: Experiment,
    /// Digests of its metrics.
    pub metrics: BTreeMap<String, String>,
    /// What it is expected to find; `None` without a history.
    pub expected: Option<Expected>,
    /// Citation of the power analysis.
    pub evidence: Vec<Value>,
}

/// The event. Reasons are free text that may name people, so they stand in the private payload.
pub fn registered(actor: &str, payload: &RegisteredPayload, reason: &str) -> Result<NewEvent, CapabilityError> {
    Ok(NewEvent {
        kind: REGISTERED.into(),
        subject: format!("experiment/{}", payload.definition.meta.name),
        actor: actor.into(),
        payload: serde_json::to_value(payload)
            .map_err(|e| CapabilityError::Invalid(format!("cannot write the plan: {e}")))?,
        private: Some(json!({ "reason": reason })),
    })
}
