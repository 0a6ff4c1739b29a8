//! Every version of an experiment's definition that was applied or registered.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use steward_definitions::Experiment;
use steward_ledger::{Event, Projection};

use super::{Expected, REGISTERED, RegisteredPayload};
use crate::applied::APPLIED;

/// One version.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Version {
    /// Event.
    pub sequence: u64,
    /// When, microseconds since 1970 UTC.
    pub at_us: i64,
    /// Who.
    pub actor: String,
    /// Registered as a plan; else applied.
    pub registered: bool,
    /// As it was.
    pub definition: Experiment,
    /// Digests of its metrics.
    pub metrics: BTreeMap<String, String>,
    /// What was expected, if it was registered.
    pub expected: Option<Expected>,
}

/// Versions by experiment, oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Plans(BTreeMap<String, Vec<Version>>);

impl Plans {
    /// The versions of one experiment.
    pub fn of(&self, name: &str) -> &[Version] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    fn push(&mut self, event: &Event, registered: bool, payload: RegisteredPayload) {
        let all = self.0.entry(payload.definition.meta.name.clone()).or_default();
        let last = all.iter().rev().find(|v| !v.registered);
        let same = |v: &Version| v.definition == payload.definition && v.metrics == payload.metrics;
        if !registered && last.is_some_and(same) {
            return;
        }
        all.push(Version {
            sequence: event.sequence,
            at_us: event.at_us,
            actor: event.actor.clone(),
            registered,
            definition: payload.definition,
            metrics: payload.metrics,
            expected: payload.expected,
        });
    }
}

impl Projection for Plans {
    const NAME: &'static str = "experiments.plans";
    const VERSION: u32 = 1;
    const READS_PRIVATE: bool = false;

    fn apply(&mut self, event: &Event) {
        match event.kind.as_str() {
            REGISTERED => {
                if let Ok(payload) = serde_json::from_value(event.payload.clone()) {
                    self.push(event, true, payload);
                }
            }
            APPLIED => {
                let experiments = event.payload.pointer("/project/experiments");
                for definition in experiments
                    .and_then(|e| e.as_object())
                    .into_iter()
                    .flat_map(|e| e.values())
                {
                    let Ok(definition) = serde_json::from_value::<Experiment>(definition.clone()) else {
                        continue;
                    };
                    let digest = |name: &str| {
                        let metric = event.payload.pointer("/project/metrics")?.get(name)?;
                        let digest = metric.pointer("/meta/digest")?.as_str()?;
                        Some((name.to_string(), digest.to_string()))
                    };
                    let payload = RegisteredPayload {
                        metrics: definition.metrics().filter_map(digest).collect(),
                        definition,
                        expected: None,
                        evidence: Vec::new(),
                    };
                    self.push(event, false, payload);
                }
            }
            _ => {}
        }
    }
}
