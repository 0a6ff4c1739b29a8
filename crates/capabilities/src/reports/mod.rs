//! What does the organisation show its executives, and may it be shown?
//!
//! A pack is pure data; how it looks is the doors' affair. A figure that is stale, missing or unowned fails the build
//! with its file and line.

mod build;
mod money;
mod period;
mod summary;
mod templates;
mod types;
mod uncertainty;

pub use summary::{Moved, Summary};
pub use templates::{TEMPLATES, draft};
pub use types::*;

use std::collections::BTreeMap;

use steward_definitions::nearest::nearest;
use steward_definitions::{BlockContent, Report};

use crate::evidence::Concluded;
use crate::governance::{self, DecisionFilter};
use crate::{CapabilityError, Context};

/// Builds a pack. Figures carry their change since `previous`, if given.
/// [`CapabilityError::Definitions`] holds every problem with its file and line.
pub async fn build(context: &Context, name: &str, previous: Option<&Pack>) -> Result<Pack, CapabilityError> {
    build::build(context, find(context, name)?, previous).await
}

fn find<'c>(context: &'c Context, name: &str) -> Result<&'c Report, CapabilityError> {
    context
        .project
        .reports
        .get(name)
        .ok_or_else(|| CapabilityError::Unknown {
            kind: "report".into(),
            name: name.into(),
            near: nearest(name, context.project.reports.keys().map(String::as_str)).map(str::to_owned),
        })
}

/// As [`build`] against the last pack of that name of an earlier moment, stored as evidence (subject `report/<name>`).
/// Its key holds the digests of the whole project and all its data: a pack speaks of anything.
pub async fn conclude(context: &Context, name: &str) -> Result<Concluded<Pack>, CapabilityError> {
    let report = find(context, name)?;
    let previous = history(context, name, None)
        .await?
        .into_iter()
        .filter(|p| p.pack.as_of_us < context.now_us)
        .max_by_key(|p| p.pack.as_of_us);
    let project = &context.project;
    let mut definitions = BTreeMap::from([(format!("report/{name}"), report.meta.digest.clone())]);
    definitions.extend(
        project
            .metrics
            .values()
            .map(|m| (format!("metric/{}", m.meta.name), m.meta.digest.clone())),
    );
    definitions.extend(
        project
            .semantic_models
            .values()
            .map(|m| (format!("semantic_model/{}", m.meta.name), m.meta.digest.clone())),
    );
    definitions.extend(
        project
            .experiments
            .values()
            .map(|m| (format!("experiment/{}", m.meta.name), m.meta.digest.clone())),
    );
    definitions.extend(
        project
            .objectives
            .values()
            .map(|m| (format!("objective/{}", m.meta.name), m.meta.digest.clone())),
    );
    let mut tables = Vec::new();
    for dataset in project.datasets.keys() {
        // One that cannot be read fails the block that needs it, not the others.
        if context.engine.snapshot(dataset).await.is_ok() {
            tables.push(dataset.clone());
        }
    }
    let mut decided = Vec::new();
    if report
        .blocks
        .iter()
        .any(|b| matches!(b.content, BlockContent::Decisions { .. }))
    {
        let all = governance::decisions(context, &DecisionFilter::default(), None).await?;
        decided = all
            .into_iter()
            .map(|d| serde_json::to_value(d).unwrap_or_default())
            .collect();
    }
    let parameters = serde_json::json!({
        "as_of_us": context.now_us,
        "previous": previous.as_ref().map(|p| &p.evidence),
        "decisions": decided,
    });
    crate::evidence::conclude(
        context,
        &format!("report/{name}"),
        definitions,
        &tables,
        parameters,
        || async {
            let pack = build::build(context, report, previous.as_ref().map(|p| &p.pack)).await?;
            Ok((
                pack,
                serde_json::json!({ "engine": context.engine.name(), "queries": [] }),
            ))
        },
    )
    .await
}

/// Packs of a report built before, oldest first.
pub async fn history(context: &Context, name: &str, as_of_us: Option<i64>) -> Result<Vec<PastPack>, CapabilityError> {
    let all = context
        .ledger
        .evidence_about(&format!("report/{name}"), as_of_us)
        .await?;
    // What an older program wrote in another form is left out.
    Ok(all
        .into_iter()
        .filter_map(|e| {
            Some(PastPack {
                pack: serde_json::from_value(e.value).ok()?,
                evidence: e.id,
                computed_us: e.computed_us,
            })
        })
        .collect())
}
