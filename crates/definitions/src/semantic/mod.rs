//! Semantic models and metrics from dbt's semantic YAML, in both dialects, as they are.
//!
//! - legacy: `semantic_models:` with entities, dimensions and measures; `metrics:` with `type_params`;
//! - latest (dbt Core 1.12, Fusion): `models:` with `semantic_model:`, columns that are entities or dimensions, and
//!   metrics that aggregate by themselves.
//!
//! Each metric that aggregates by itself becomes a measure of the same name and a simple metric over it, so that one
//! shape serves both dialects. What belongs to Steward stands under `config.meta`.

mod check;
mod common;
mod conditions;
mod inputs;
pub mod jinja;
mod latest;
mod legacy;
pub(crate) mod measured;
mod steps;

use std::collections::BTreeMap;

pub use check::{DimensionNames, check};
pub(crate) use latest::{COLUMN_KEYS, MODEL_KEYS};

use crate::decode::Decoder;
use crate::nearest::nearest;
use crate::project::Project;
use crate::yaml::Node;
use crate::{Diagnostic, MeasureInput, Metric, MetricShape, SemanticModel, Settings, Span};

/// Keys of a dbt file that say nothing about metrics: accepted, of no effect.
pub(crate) const OTHER_KEYS: [&str; 18] = [
    "version",
    "saved_queries",
    "sources",
    "seeds",
    "snapshots",
    "exposures",
    "macros",
    "functions",
    "analyses",
    "groups",
    "unit_tests",
    "data_tests",
    "tests",
    "catalogs",
    "selectors",
    "anchors",
    "time_spines",
    "docs",
];

/// Marks a measure input that names a metric (latest dialect) until [`resolve`] has put its measure there.
const BY_METRIC: &str = "metric:";

/// What one file says; filled by the dialects.
struct Collector<'s> {
    settings: &'s Settings,
    models: Vec<SemanticModel>,
    metrics: Vec<Metric>,
}

/// Reads one document of `metrics/`; problems go to the decoder. Metrics of the latest dialect may name metrics of
/// other files where a measure is wanted: [`resolve`] follows these once everything is read.
pub fn read(decoder: &Decoder, document: &Node, settings: &Settings) -> (Vec<SemanticModel>, Vec<Metric>) {
    let mut found = Collector {
        settings,
        models: Vec::new(),
        metrics: Vec::new(),
    };
    let Some(mut map) = decoder.map(document, "a file of metrics") else {
        return (Vec::new(), Vec::new());
    };
    for model in map.maps("semantic_models") {
        legacy::semantic_model(&mut found, model);
    }
    for model in map.maps("models") {
        latest::model(&mut found, model);
    }
    for metric in map.maps("metrics") {
        // As dbt tells them apart.
        if metric.has("type_params") {
            legacy::metric(&mut found, metric);
        } else {
            latest::metric(&mut found, metric, None);
        }
    }
    map.ignore(&OTHER_KEYS);
    map.finish();
    (found.models, found.metrics)
}

/// Puts measures where metrics of the latest dialect name simple metrics instead.
pub fn resolve(project: &mut Project, problems: &mut Vec<Diagnostic>) {
    let mut resolved: Vec<(String, MetricShape)> = Vec::new();
    for (name, metric) in &project.metrics {
        let mut shape = metric.shape.clone();
        let inputs = match &mut shape {
            MetricShape::Cumulative { measure, .. } => vec![measure],
            MetricShape::Conversion { base, conversion, .. } => vec![base, conversion],
            _ => Vec::new(),
        };
        let mut changed = false;
        for input in inputs {
            let Some(by) = input.name.strip_prefix(BY_METRIC).map(str::to_owned) else {
                continue;
            };
            changed = true;
            input.name = by;
            match measure_of(input, &project.metrics) {
                Ok(found) => *input = found,
                Err(problem) => {
                    problems.push(problem.at(name, &metric.meta.span));
                    // Reported: the check of measures has nothing to add.
                    input.name.clear();
                }
            }
        }
        if changed {
            resolved.push((name.clone(), shape));
        }
    }
    for (name, shape) in resolved {
        if let Some(metric) = project.metrics.get_mut(&name) {
            metric.shape = shape;
        }
    }
}

/// Why a metric cannot stand for its measure.
enum Indirect {
    Unknown { name: String, near: Option<String> },
    NotSimple { name: String },
}

impl Indirect {
    fn at(self, metric: &str, span: &Span) -> Diagnostic {
        match self {
            Indirect::Unknown { name, near } => Diagnostic::error(
                "unknown-metric",
                span.clone(),
                format!("metric `{metric}` uses the unknown metric `{name}`"),
            )
            .did_you_mean(near.as_deref()),
            Indirect::NotSimple { name } => Diagnostic::error(
                "metric-type",
                span.clone(),
                format!("metric `{metric}` accumulates or converts `{name}`, which is no simple metric"),
            )
            .expected("a metric of `type: simple`"),
        }
    }
}

/// The measure that a simple metric stands for, with all conditions on the way.
fn measure_of(input: &MeasureInput, metrics: &BTreeMap<String, Metric>) -> Result<MeasureInput, Indirect> {
    let Some(metric) = metrics.get(&input.name) else {
        return Err(Indirect::Unknown {
            name: input.name.clone(),
            near: nearest(&input.name, metrics.keys().map(String::as_str)).map(str::to_owned),
        });
    };
    match &metric.shape {
        MetricShape::Simple { measure } => Ok(MeasureInput {
            name: measure.name.clone(),
            filter: common::all_of(
                [&measure.filter, &metric.filter, &input.filter]
                    .into_iter()
                    .flatten()
                    .cloned(),
            ),
            fill_nulls_with: input.fill_nulls_with.or(measure.fill_nulls_with),
            join_to_timespine: input.join_to_timespine || measure.join_to_timespine,
        }),
        _ => Err(Indirect::NotSimple {
            name: input.name.clone(),
        }),
    }
}
