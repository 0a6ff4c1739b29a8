//! Why a number is what it is.

use serde_json::Value;

use super::lineage::metas;
use super::projection::Record;
use super::types::{UsedData, UsedDefinition, Why};
use crate::evidence::PROGRAM;
use crate::{CapabilityError, Context};

/// Explains evidence down to SQL, data, definitions and owners.
pub async fn why(context: &Context, id: &str) -> Result<Why, CapabilityError> {
    let found = context.ledger.evidence_by_id(id).await?;
    let evidence = found.ok_or_else(|| CapabilityError::Unknown {
        kind: "evidence".into(),
        name: id.into(),
        near: None,
    })?;
    let metas = metas(&context.project);
    let definitions: Vec<UsedDefinition> = evidence
        .key
        .definitions
        .iter()
        .map(|(reference, digest)| {
            let meta = metas.get(reference);
            UsedDefinition {
                reference: reference.clone(),
                digest: digest.clone(),
                current: meta.is_some_and(|m| m.digest == *digest),
                owner: meta.map(|m| m.owner.clone()),
                place: meta
                    .filter(|m| !m.span.file.is_empty())
                    .map(|m| format!("{}:{}", m.span.file, m.span.line)),
            }
        })
        .collect();
    let mut data = Vec::new();
    for (table, digest) in &evidence.key.data {
        // A table that is gone or unreadable is not what the number rests on any more.
        let now = context.engine.snapshot(table).await;
        let current = now.is_ok_and(|s| s.digest == *digest);
        data.push(UsedData {
            table: table.clone(),
            digest: digest.clone(),
            current,
        });
    }
    let decisions = context.ledger.project::<Record>(None).await?.decisions;
    let current =
        evidence.key.program == PROGRAM && definitions.iter().all(|d| d.current) && data.iter().all(|d| d.current);
    Ok(Why {
        evidence: evidence.id.clone(),
        subject: evidence.key.subject.clone(),
        computed_us: evidence.computed_us,
        program: evidence.key.program.clone(),
        parameters: evidence.key.parameters.clone(),
        seed: evidence.key.seed,
        sql: sql(&evidence.provenance),
        value: evidence.value,
        provenance: evidence.provenance,
        definitions,
        data,
        current,
        decisions: decisions
            .into_iter()
            .filter(|d| d.evidence.iter().any(|c| c.id == evidence.id))
            .collect(),
    })
}

/// SQL texts of a provenance, wherever they stand: under `sql` or `ran`, as text or list.
fn sql(provenance: &Value) -> Vec<String> {
    fn collect(value: &Value, out: &mut Vec<String>) {
        match value {
            Value::Object(map) => {
                for (key, value) in map {
                    match value {
                        Value::String(text) if key == "sql" || key == "ran" => out.push(text.clone()),
                        Value::Array(all) if key == "sql" => {
                            out.extend(all.iter().filter_map(|v| v.as_str().map(str::to_string)));
                        }
                        other => collect(other, out),
                    }
                }
            }
            Value::Array(all) => all.iter().for_each(|v| collect(v, out)),
            _ => {}
        }
    }
    let mut all = Vec::new();
    collect(provenance, &mut all);
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|text| seen.insert(text.clone()));
    all
}
