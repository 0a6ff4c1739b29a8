//! Evidence is computed once per key: definitions, data, parameters, seed, program.

use std::collections::BTreeMap;
use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use steward_ledger::{Evidence, EvidenceKey};

use crate::{CapabilityError, Context};

/// The program's version as it stands in evidence keys; raised when a method's numbers change.
pub const PROGRAM: &str = concat!("steward ", env!("CARGO_PKG_VERSION"));

/// A conclusion with the evidence it is stored under.
#[derive(Clone, Debug)]
pub struct Concluded<T> {
    /// The conclusion.
    pub value: T,
    /// Its record.
    pub evidence: Evidence,
    /// Whether it had been computed before.
    pub reused: bool,
}

/// Answers the evidence under `subject`, `definitions` and `parameters` over the current snapshots of `tables`,
/// computing it with `compute` (which answers the conclusion and its provenance) only if it is not there yet.
pub async fn conclude<T, F, Fut>(
    context: &Context,
    subject: &str,
    definitions: BTreeMap<String, String>,
    tables: &[String],
    parameters: Value,
    compute: F,
) -> Result<Concluded<T>, CapabilityError>
where
    T: Serialize + DeserializeOwned,
    F: FnOnce() -> Fut,
    Fut: Future<Output = Result<(T, Value), CapabilityError>>,
{
    let mut data = BTreeMap::new();
    for table in tables {
        data.insert(table.clone(), context.engine.snapshot(table).await?.digest);
    }
    let key = EvidenceKey {
        subject: subject.to_string(),
        definitions,
        data,
        parameters,
        seed: 0,
        program: PROGRAM.to_string(),
    };
    if let Some(evidence) = context.ledger.evidence(&key).await?
        && let Ok(value) = serde_json::from_value(evidence.value.clone())
    {
        return Ok(Concluded {
            value,
            evidence,
            reused: true,
        });
    }
    let (value, provenance) = compute().await?;
    let stored = serde_json::to_value(&value).map_err(|e| CapabilityError::Invalid(format!("{subject}: {e}")))?;
    let evidence = Evidence::new(key, stored, provenance);
    context.ledger.record_evidence(&evidence).await?;
    // As it is recorded: with its time, and what another recorded first, if one did.
    let recorded = context.ledger.evidence(&evidence.key).await?;
    Ok(match recorded {
        Some(first) if first.value != evidence.value => Concluded {
            value: serde_json::from_value(first.value.clone())
                .map_err(|e| CapabilityError::Invalid(format!("{subject}: {e}")))?,
            evidence: first,
            reused: true,
        },
        found => Concluded {
            value,
            evidence: found.unwrap_or(evidence),
            reused: false,
        },
    })
}
