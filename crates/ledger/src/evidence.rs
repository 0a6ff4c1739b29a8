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

    /// SHA-256 (hex) over the canonical JSON of the conclusion.
    pub fn value_digest(&self) -> String {
        canonical::digest(canonical::text(&self.value).as_bytes())
    }

    /// SHA-256 (hex) over the canonical JSON of the provenance.
    pub fn provenance_digest(&self) -> String {
        canonical::digest(canonical::text(&self.provenance).as_bytes())
    }

    /// What an event says about evidence it rests on: `{"id", "provenance_digest", "value_digest"}`. Anywhere in a
    /// payload, such an object (`provenance_digest` may be left out) binds the evidence to the chain: appending checks
    /// that the evidence is recorded, verifying that it is unchanged.
    pub fn citation(&self) -> Value {
        json!({
            "id": self.id,
            "provenance_digest": self.provenance_digest(),
            "value_digest": self.value_digest(),
        })
    }
}

/// A citation found in a payload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cited<'a> {
    pub id: &'a str,
    pub value_digest: &'a str,
    pub provenance_digest: Option<&'a str>,
}

impl Cited<'_> {
    /// Whether it speaks of this evidence as it is.
    pub fn fits(&self, value_digest: &str, provenance_digest: &str) -> bool {
        self.value_digest == value_digest && self.provenance_digest.is_none_or(|cited| cited == provenance_digest)
    }
}

/// Whether a payload's text may hold a citation; most do not, and need not be parsed to tell.
pub(crate) fn may_cite(payload: &str) -> bool {
    payload.contains("\"value_digest\":")
}

/// The citations in a payload.
pub(crate) fn citations<'a>(payload: &'a Value, found: &mut Vec<Cited<'a>>) {
    match payload {
        Value::Array(items) => items.iter().for_each(|item| citations(item, found)),
        Value::Object(map) => {
            let text = |key: &str| map.get(key).and_then(Value::as_str);
            if let (Some(id), Some(value_digest)) = (text("id"), text("value_digest")) {
                found.push(Cited {
                    id,
                    value_digest,
                    provenance_digest: text("provenance_digest"),
                });
            }
            map.values().for_each(|item| citations(item, found));
        }
        _ => {}
    }
}
