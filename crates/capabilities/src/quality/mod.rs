//! Does the data keep its promises?
//!
//! All row checks of a table run in one pass: one aggregate over the table. Duplicates, references and daily
//! comparisons need groups of their own and stand beside it in the same statement; SQL checks are their own queries.

mod evaluate;
mod rules;
mod schema;
mod types;

pub use types::*;

pub(crate) use schema::logical as logical_type;

use std::collections::{BTreeMap, BTreeSet};

use steward_definitions::nearest::nearest;
use steward_definitions::{Dataset, Kind, Reference, Rule};
use steward_ledger::{Evidence, EvidenceKey};

use crate::evidence::Concluded;
use crate::{CapabilityError, Context};

/// Checks a dataset against its contract: schema, keys, nulls, ranges, volume, freshness, references, SQL.
pub async fn check(context: &Context, dataset: &str, options: &CheckOptions) -> Result<QualityReport, CapabilityError> {
    Ok(conclude(context, dataset, options).await?.value)
}

/// As [`check`], with the evidence record (subject `dataset/<name>`) and whether it had been computed before.
pub async fn conclude(
    context: &Context,
    dataset: &str,
    options: &CheckOptions,
) -> Result<Concluded<QualityReport>, CapabilityError> {
    let project = &context.project;
    let found = project.datasets.get(dataset).ok_or_else(|| CapabilityError::Unknown {
        kind: "dataset".into(),
        name: dataset.into(),
        near: nearest(dataset, project.datasets.keys().map(String::as_str)).map(str::to_owned),
    })?;
    let now_us = context.now_us;
    let slice = |day: &str| evaluate::slice_as_of(day, now_us);
    let as_of_us = options
        .as_of_us
        .unwrap_or_else(|| options.day.as_deref().map_or(now_us, slice));
    let mut tables = BTreeSet::from([dataset.to_owned()]);
    let mut timed = options.as_of_us.is_some();
    for check in rules::checks(found) {
        match &check.rule {
            Rule::References { dataset, .. } => {
                tables.insert(dataset.clone());
            }
            Rule::Sql { query, .. } => {
                if let Ok(statement) = steward_definitions::sql::Statement::parse_query(query) {
                    tables.extend(
                        statement
                            .tables()
                            .into_iter()
                            .filter(|t| project.datasets.contains_key(*t))
                            .map(str::to_owned),
                    );
                }
            }
            Rule::Freshness { .. } | Rule::Volume { by_day: Some(_), .. } => timed = true,
            _ => {}
        }
    }
    let tables: Vec<String> = tables.into_iter().collect();
    let definitions = BTreeMap::from([(format!("dataset/{dataset}"), found.meta.digest.clone())]);
    // The moment counts only where something is measured against it.
    let parameters = serde_json::json!({
        "day": options.day,
        "time_column": options.time_column,
        "sample": options.sample,
        "as_of_us": timed.then_some(as_of_us),
    });
    crate::evidence::conclude(
        context,
        &format!("dataset/{dataset}"),
        definitions,
        &tables,
        parameters,
        || async {
            let report = evaluate::evaluate(context, found, options, as_of_us).await?;
            let queries: Vec<_> = report
                .sql
                .iter()
                .map(|sql| serde_json::json!({ "label": format!("checks of {dataset}"), "sql": sql }))
                .collect();
            let provenance = serde_json::json!({ "engine": context.engine.name(), "queries": queries });
            Ok((report, provenance))
        },
    )
    .await
}

/// Past reports of a dataset, by the moment that they were judged as of, then by when they were computed: one computed
/// today as of last year is not the newest. `as_of_us` is by time of computation.
pub async fn history(
    context: &Context,
    dataset: &str,
    as_of_us: Option<i64>,
) -> Result<Vec<PastReport>, CapabilityError> {
    let all = context
        .ledger
        .evidence_about(&format!("dataset/{dataset}"), as_of_us)
        .await?;
    let mut past: Vec<PastReport> = all.into_iter().filter_map(past).collect();
    past.sort_by_key(|p| (p.report.as_of_us, p.computed_us));
    Ok(past)
}

/// The newest report over all rows, else the newest over one day.
async fn newest(context: &Context, dataset: &str) -> Result<Option<PastReport>, CapabilityError> {
    let subject = format!("dataset/{dataset}");
    let whole = |key: &EvidenceKey| key.parameters.get("day").is_none_or(|day| day.is_null());
    let found = match crate::evidence::newest(&context.ledger, &subject, whole).await? {
        Some(found) => Some(found),
        None => crate::evidence::newest(&context.ledger, &subject, |_| true).await?,
    };
    Ok(found.and_then(past))
}

/// A report from its evidence; what an older program wrote in another form is left out.
fn past(e: Evidence) -> Option<PastReport> {
    Some(PastReport {
        report: serde_json::from_value(e.value).ok()?,
        evidence: e.id,
        computed_us: e.computed_us,
    })
}

/// Every dataset in the catalogue, by name, with its newest report if it was ever checked.
pub async fn catalogue(context: &Context) -> Result<Vec<DatasetInfo>, CapabilityError> {
    let mut all = Vec::new();
    for dataset in context.project.datasets.values() {
        all.push(describe(context, dataset).await?);
    }
    Ok(all)
}

/// One dataset as the catalogue shows it.
pub async fn describe(context: &Context, dataset: &Dataset) -> Result<DatasetInfo, CapabilityError> {
    let name = &dataset.meta.name;
    let mut problem = None;
    let facts = context
        .engine
        .facts(name)
        .await
        .map_err(|e| problem = Some(e.to_string()))
        .ok();
    let snapshot = context
        .engine
        .snapshot(name)
        .await
        .map_err(|e| problem = Some(e.to_string()))
        .ok();
    let models = context.project.semantic_models.values().filter(|m| m.dataset == *name);
    let experiments = context
        .project
        .experiments
        .values()
        .filter(|e| e.exposures.dataset == *name);
    let used_by = models
        .map(|m| (Kind::SemanticModel, &m.meta.name))
        .chain(experiments.map(|e| (Kind::Experiment, &e.meta.name)))
        .map(|(kind, name)| Reference {
            kind,
            name: name.clone(),
        })
        .collect();
    Ok(DatasetInfo {
        name: name.clone(),
        label: dataset.meta.label.clone(),
        owner: dataset.meta.owner.clone(),
        description: dataset.meta.description.clone(),
        version: dataset.version.clone(),
        status: dataset.status.clone(),
        location: dataset.location.path.clone(),
        columns: dataset.columns.len() as u64,
        checks: rules::checks(dataset).len() as u64,
        rows: facts.and_then(|f| f.rows),
        bytes: snapshot.as_ref().map(|s| s.bytes),
        modified_us: snapshot.and_then(|s| s.modified_us),
        last: newest(context, name).await?,
        used_by,
        problem,
    })
}
