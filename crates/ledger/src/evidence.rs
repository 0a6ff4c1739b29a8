//! Evidence: what was concluded, stored under the digest of everything it was computed from.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::canonical;

/// Everything that evidence depends on. The same key is never computed twice.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EvidenceKey {
    /// What was evaluated: `experiment/checkout`, `dataset/orders`, `key_result/growth.orders`, `metric_query`.
    pub subject: String,
    /// Digests of the definitions used, sorted: `metric/revenue` → digest.
    pub definitions: std::collections::BTreeMap<String, String>,
    /// Digests of the data used: table → snapshot digest.
    pub data: std::collections::BTreeMap<String, String>,
    /// Parameters (as-of time, filters, options), canonical JSON.
    pub parameters: Value,
    /// Seed of anything random.
    pub seed: u64,
    /// Version of the program's method: `steward 0.1.0`.
    pub program: String,
}

impl EvidenceKey {
    /// Canonical JSON of the key.
    pub(crate) fn text(&self) -> String {
        canonical::text(&json!({
            "subject": self.subject,
            "definitions": self.definitions,
            "data": self.data,
            "parameters": self.parameters,
            "seed": self.seed,
            "program": self.program,
        }))
    }

    /// SHA-256 (hex) over the key's canonical JSON: the id of the evidence under it.
    pub fn id(&self) -> String {
        canonical::digest(self.text().as_bytes())
    }
}

/// Stored evidence.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// SHA-256 (hex) over the key's canonical JSON.
    pub id: String,
    /// The key.
    pub key: EvidenceKey,
    /// The conclusion, canonical JSON.
    pub value: Value,
    /// How it was computed: SQL texts, engine.
    pub provenance: Value,
    /// When it was first computed, microseconds since 1970 UTC; not part of its identity.
    pub computed_us: i64,
}

impl Evidence {
    /// New evidence under its key; `computed_us` is set when it is recorded.
    pub fn new(key: EvidenceKey, value: Value, provenance: Value) -> Evidence {
        Evidence {
            id: key.id(),
            key,
            value,
            provenance,
            computed_us: 0,
        }
    }

    /// SHA-256 (hex) over the canonical JSON of `{"provenance", "value"}`.
    pub fn digest(&self) -> String {
        digest(&canonical::text(&self.provenance), &canonical::text(&self.value))
    }

    /// What an event says about evidence it rests on: `{"digest", "evidence"}`. Anywhere in a payload, it binds the
    /// evidence to the chain: appending checks that the evidence is recorded, verifying that it is unchanged.
    pub fn citation(&self) -> Value {
        json!({ "digest": self.digest(), "evidence": self.id })
    }
}

/// See [`Evidence::digest`]; both arguments are canonical JSON.
pub(crate) fn digest(provenance: &str, value: &str) -> String {
    canonical::digest(format!("{{\"provenance\":{provenance},\"value\":{value}}}").as_bytes())
}

/// The citations in a payload: pairs of evidence id and digest.
pub(crate) fn citations<'a>(payload: &'a Value, found: &mut Vec<(&'a str, &'a str)>) {
    match payload {
        Value::Array(items) => items.iter().for_each(|item| citations(item, found)),
        Value::Object(map) => {
            if let (2, Some(Value::String(id)), Some(Value::String(digest))) =
                (map.len(), map.get("evidence"), map.get("digest"))
            {
                found.push((id, digest));
            } else {
                map.values().for_each(|item| citations(item, found));
            }
        }
        _ => {}
    }
}
