//! What governance writes into the ledger. Reasons are free text that may name people, so they stand in the private
//! payload, behind a commitment; what was decided and on which evidence stays.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use steward_definitions::{Person, Project};
use steward_ledger::NewEvent;

pub use crate::applied::APPLIED;

use super::types::{Choice, Hold, PlanView, PolicyCheck};
use crate::CapabilityError;
use crate::experiments::Recommendation;

/// Kind of a decision.
pub const DECIDED: &str = "decision.made";
/// Kind of a waiver.
pub const WAIVED: &str = "waiver.granted";
/// Subject of applications.
pub const PROJECT: &str = "project";

/// Payload of [`APPLIED`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AppliedPayload {
    /// Digest of the definitions.
    pub digest: String,
    /// Git commit of the folder.
    pub git_commit: Option<String>,
    /// What changed.
    pub plan: PlanView,
    /// The definitions, without names and addresses of people.
    pub project: Project,
}

/// Private payload of [`APPLIED`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct AppliedPrivate {
    /// Why.
    pub message: String,
    /// People with their names and addresses.
    pub people: Vec<Person>,
}

/// Payload of [`DECIDED`] and [`WAIVED`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DecidedPayload {
    /// What.
    pub choice: Choice,
    /// Which variant.
    pub variant: Option<String>,
    /// Citations of evidence, as the ledger writes and verifies them.
    pub evidence: Vec<Value>,
    /// The verdict at that moment.
    pub verdict: Option<String>,
    /// Rests on a waiver that was granted with it.
    pub waived: bool,
    /// What the decision rule recommended instead.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overrides: Option<Recommendation>,
    /// Rules checked.
    pub policy: Vec<PolicyCheck>,
    /// The rollout that it stops, or lets go on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Hold>,
}

/// Private payload of [`DECIDED`] and [`WAIVED`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DecidedPrivate {
    /// Why.
    pub reason: String,
}

fn json<T: Serialize>(value: &T) -> Result<Value, CapabilityError> {
    serde_json::to_value(value).map_err(|e| CapabilityError::Invalid(format!("cannot write an event: {e}")))
}

/// The event of an application.
pub fn applied(actor: &str, mut payload: AppliedPayload, message: &str) -> Result<NewEvent, CapabilityError> {
    let people = std::mem::take(&mut payload.project.settings.people);
    payload.project.settings.people = people
        .iter()
        .map(|p| Person {
            name: p.name.clone(),
            team: p.team.clone(),
            ..Person::default()
        })
        .collect();
    Ok(NewEvent {
        kind: APPLIED.into(),
        subject: PROJECT.into(),
        actor: actor.into(),
        payload: json(&payload)?,
        private: Some(json(&AppliedPrivate {
            message: message.into(),
            people,
        })?),
    })
}

/// The event of a decision or waiver.
pub fn decided(
    kind: &str,
    subject: &str,
    actor: &str,
    payload: &DecidedPayload,
    reason: &str,
) -> Result<NewEvent, CapabilityError> {
    Ok(NewEvent {
        kind: kind.into(),
        subject: subject.into(),
        actor: actor.into(),
        payload: json(payload)?,
        private: Some(json(&DecidedPrivate { reason: reason.into() })?),
    })
}
