//! Evidence is computed once per key: definitions, data, parameters, seed, program.

use std::collections::BTreeMap;
use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use steward_definitions::COLLECTED;
use steward_ledger::{Evidence, EvidenceKey, Ledger};

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
    let data = snapshots(context, tables).await?;
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
    // Other readers make facts visible while this one reads: what is half of one moment is no evidence.
    if let Some(before) = key.data.get(COLLECTED)
        && context.engine.snapshot(COLLECTED).await?.digest != *before
    {
        return Err(CapabilityError::Moved(subject.to_string()));
    }
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

/// Digests of the tables as they are now; facts that arrived until now are among them.
async fn snapshots(context: &Context, tables: &[String]) -> Result<BTreeMap<String, String>, CapabilityError> {
    let mut data = BTreeMap::new();
    for table in tables {
        context.facts.seal(table).await?;
        data.insert(table.clone(), context.engine.snapshot(table).await?.digest);
    }
    Ok(data)
}

/// The evidence about a subject that speaks of the latest moment, among those whose key is `wanted`: one computed
/// today as of last year is not the newest. Only its conclusion is read.
pub async fn newest(
    ledger: &Ledger,
    subject: &str,
    wanted: impl Fn(&EvidenceKey) -> bool,
) -> Result<Option<Evidence>, CapabilityError> {
    let keys = ledger.evidence_keys(subject).await?;
    let newest = keys
        .into_iter()
        .filter(|(_, key, _)| wanted(key))
        .max_by_key(|(_, key, computed_us)| (speaks_of(key, *computed_us), *computed_us));
    Ok(match newest {
        Some((id, _, _)) => ledger.evidence_by_id(&id).await?,
        None => None,
    })
}

/// The moment that evidence speaks of, as text that sorts by time: of a contract what it was judged as of (when it was
/// computed, if time plays no part in it), of a readout its cut, of a key result the end of its last period.
fn speaks_of(key: &EvidenceKey, computed_us: i64) -> String {
    let text = |name: &str| key.parameters.get(name).and_then(Value::as_str);
    match key.parameters.get("as_of_us") {
        Some(moment) => format!("{:020}", moment.as_i64().unwrap_or(computed_us)),
        None => text("cut").or(text("before")).unwrap_or_default().to_string(),
    }
}
