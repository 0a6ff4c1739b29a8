//! Frozen bets, folded from events.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use steward_ledger::{Event, Projection};

use super::events::{FROZEN, FrozenPayload, RESOLVED, ResolvedPayload, Words};
use super::types::{FrozenBet, Resolution};

/// Versions by bet, oldest first.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Record(pub BTreeMap<String, Vec<FrozenBet>>);

impl Projection for Record {
    const NAME: &'static str = "value.bets";
    const VERSION: u32 = 1;

    fn apply(&mut self, event: &Event) {
        let Some(name) = event.subject.strip_prefix("bet/") else {
            return;
        };
        match event.kind.as_str() {
            FROZEN => {
                let Ok(payload) = serde_json::from_value::<FrozenPayload>(event.payload.clone()) else {
                    return;
                };
                self.0.entry(name.to_string()).or_default().push(FrozenBet {
                    version: payload.version,
                    digest: payload.digest,
                    bet: payload.bet,
                    at_us: event.at_us,
                    by: event.actor.clone(),
                    sequence: event.sequence,
                    resolution: None,
                });
            }
            RESOLVED => {
                let Ok(payload) = serde_json::from_value::<ResolvedPayload>(event.payload.clone()) else {
                    return;
                };
                let versions = self.0.get_mut(name).into_iter().flatten();
                for version in versions.filter(|v| v.version == payload.version) {
                    let words: Option<Words> = event.private.clone().and_then(|p| serde_json::from_value(p).ok());
                    let cited = payload.evidence.first().and_then(|e| e.get("id")?.as_str());
                    version.resolution.get_or_insert(Resolution {
                        succeeded: payload.succeeded,
                        by: payload.by.clone(),
                        detail: words.map(|w| w.words),
                        evidence: cited.map(str::to_string),
                        at_us: event.at_us,
                        actor: event.actor.clone(),
                        sequence: event.sequence,
                    });
                }
            }
            _ => {}
        }
    }
}
