//! Evidence: what was concluded, stored under the digest of everything it was computed from.

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
        let _ = (&key, &value, &provenance);
        todo!()
    }
}
