//! Applications and decisions, folded from events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use steward_ledger::{Event, Projection};

use super::events::{APPLIED, AppliedPayload, AppliedPrivate, DECIDED, DecidedPayload, DecidedPrivate, WAIVED};
use crate::experiments::{REGISTERED, RegisteredPayload};

use super::types::{Application, Citation, Decision, LastChange};

/// What was applied and decided, oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Record {
    /// Applications of definitions.
    pub applications: Vec<Application>,
    /// Decisions and waivers.
    pub decisions: Vec<Decision>,
}

impl Projection for Record {
    const NAME: &'static str = "governance.record";
    const VERSION: u32 = 2;

    fn apply(&mut self, event: &Event) {
        match event.kind.as_str() {
            APPLIED => {
                let Ok(payload) = serde_json::from_value::<AppliedPayload>(event.payload.clone()) else {
                    return;
                };
                let private: Option<AppliedPrivate> = private(event);
                let count = |action: &str| payload.plan.changes.iter().filter(|c| c.action == action).count() as u64;
                self.applications.push(Application {
                    sequence: event.sequence,
                    at_us: event.at_us,
                    actor: event.actor.clone(),
                    message: private.map(|p| p.message),
                    git_commit: payload.git_commit.clone(),
                    added: count("added"),
                    changed: count("changed"),
                    removed: count("removed"),
                    digest: payload.digest.clone(),
                });
            }
            DECIDED | WAIVED => {
                let Ok(payload) = serde_json::from_value::<DecidedPayload>(event.payload.clone()) else {
                    return;
                };
                let reason = private::<DecidedPrivate>(event).map(|p| p.reason);
                let waiver = if payload.waived { self.waiver(event) } else { None };
                self.decisions.push(Decision {
                    sequence: event.sequence,
                    id: event.id.to_string(),
                    at_us: event.at_us,
                    actor: event.actor.clone(),
                    subject: event.subject.clone(),
                    choice: payload.choice,
                    variant: payload.variant,
                    reason,
                    evidence: payload.evidence.iter().filter_map(citation).collect(),
                    verdict: payload.verdict,
                    waiver,
                    overrides: payload.overrides,
                    policy: payload.policy,
                    hold: payload.hold,
                });
            }
            REGISTERED => {
                let Ok(payload) = serde_json::from_value::<RegisteredPayload>(event.payload.clone()) else {
                    return;
                };
                self.decisions.push(Decision {
                    sequence: event.sequence,
                    id: event.id.to_string(),
                    at_us: event.at_us,
                    actor: event.actor.clone(),
                    subject: event.subject.clone(),
                    choice: super::Choice::Register,
                    variant: None,
                    reason: private::<DecidedPrivate>(event).map(|p| p.reason),
                    evidence: payload.evidence.iter().filter_map(citation).collect(),
                    verdict: payload.expected.map(|e| e.summary),
                    waiver: None,
                    overrides: None,
                    policy: Vec::new(),
                    hold: None,
                });
            }
            _ => {}
        }
    }
}

impl Record {
    /// The waiver granted in the same breath: the last one about the same subject by the same person.
    fn waiver(&self, event: &Event) -> Option<u64> {
        let mut all = self.decisions.iter().rev();
        all.find(|d| d.choice == super::Choice::Waive && d.subject == event.subject && d.actor == event.actor)
            .map(|d| d.sequence)
    }
}

fn private<T: for<'de> Deserialize<'de>>(event: &Event) -> Option<T> {
    event.private.clone().and_then(|p| serde_json::from_value(p).ok())
}

fn citation(value: &serde_json::Value) -> Option<Citation> {
    Some(Citation {
        id: value.get("id")?.as_str()?.to_string(),
        value_digest: value.get("value_digest")?.as_str()?.to_string(),
    })
}

/// Who changed what last, by `kind/name`.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LastChanges(pub BTreeMap<String, LastChange>);

impl Projection for LastChanges {
    const NAME: &'static str = "governance.last_changes";
    const VERSION: u32 = 1;
    const READS_PRIVATE: bool = false;

    fn apply(&mut self, event: &Event) {
        if event.kind != APPLIED {
            return;
        }
        let changes = event.payload.pointer("/plan/changes").and_then(|c| c.as_array());
        for reference in changes
            .into_iter()
            .flatten()
            .filter_map(|c| c.get("reference")?.as_str())
        {
            let change = LastChange {
                sequence: event.sequence,
                at_us: event.at_us,
                actor: event.actor.clone(),
            };
            self.0.insert(reference.to_owned(), change);
        }
    }
}
