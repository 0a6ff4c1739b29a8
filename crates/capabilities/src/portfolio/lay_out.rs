//! The periods of a key result and what it rests on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::Date;
use steward_definitions::project::Meta;
use steward_definitions::{KeyResult, MetricInput, MetricShape, Objective};

use super::periods::Grain;
use crate::{CapabilityError, Context};

/// The periods of a key result.
pub struct Layout {
    /// Grain.
    pub grain: Grain,
    /// First day of the objective.
    pub first: Date,
    /// All whole periods of the objective.
    pub periods: Vec<Date>,
    /// Those that are over.
    pub complete: Vec<Date>,
    /// Whole periods in the time of the same length before the objective.
    pub before: Vec<Date>,
}

/// First day and the day after the last.
pub fn bounds(objective: &Objective) -> Result<(Date, Date), CapabilityError> {
    let read = |text: &str, what: &str| {
        text.parse::<Date>().map_err(|_| {
            CapabilityError::Invalid(format!(
                "objective {}: {what} {text:?} is no date: write 2025-07-01",
                objective.meta.name
            ))
        })
    };
    let (first, last) = (read(&objective.start, "start")?, read(&objective.end, "end")?);
    if last < first {
        return Err(CapabilityError::Invalid(format!(
            "objective {} ends ({last}) before it starts ({first})",
            objective.meta.name
        )));
    }
    Ok((first, last.saturating_add(1.day())))
}

impl Layout {
    /// Lays out the periods as of a day, which is not over yet.
    pub fn new(objective: &Objective, result: &KeyResult, today: Date) -> Result<Layout, CapabilityError> {
        let (first, end) = bounds(objective)?;
        let grain = Grain::parse(&result.grain)?;
        let length = first.duration_until(end).as_hours() / 24;
        let periods = grain.within(first, end);
        let complete = periods.iter().copied().filter(|d| grain.next(*d) <= today).collect();
        let before = grain.within(first.saturating_sub(length.days()), first);
        Ok(Layout {
            grain,
            first,
            periods,
            complete,
            before,
        })
    }
}

/// Definitions that a key result rests on, with their digests.
pub fn definitions(context: &Context, objective: &Meta, metric: &str) -> BTreeMap<String, String> {
    let project = &context.project;
    let (metrics, models) = behind(context, metric);
    let mut all = BTreeMap::from([(format!("objective/{}", objective.name), objective.digest.clone())]);
    for name in metrics {
        if let Some(m) = project.metrics.get(&name) {
            all.insert(format!("metric/{name}"), m.meta.digest.clone());
        }
    }
    // A filter or a join may reach any model, so that each counts.
    for (name, model) in &project.semantic_models {
        if models.contains(name) {
            all.insert(format!("semantic_model/{name}"), model.meta.digest.clone());
            if let Some(d) = project.datasets.get(&model.dataset) {
                all.insert(format!("dataset/{}", model.dataset), d.meta.digest.clone());
            }
        }
    }
    all
}

/// Tables that a key result reads.
pub fn tables(context: &Context, metric: &str) -> Vec<String> {
    let (_, models) = behind(context, metric);
    let datasets: BTreeSet<String> = models
        .iter()
        .filter_map(|m| context.project.semantic_models.get(m))
        .map(|m| m.dataset.clone())
        .collect();
    datasets.into_iter().collect()
}

/// Metrics and semantic models behind a metric. Models joined through entities count too, for a filter may reach them.
fn behind(context: &Context, metric: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let project = &context.project;
    let mut metrics = BTreeSet::new();
    let mut models = BTreeSet::new();
    let mut todo = vec![metric.to_string()];
    while let Some(name) = todo.pop() {
        let Some(found) = project.metrics.get(&name) else {
            continue;
        };
        if !metrics.insert(name) {
            continue;
        }
        let names = |inputs: &[&MetricInput]| inputs.iter().map(|i| i.name.clone()).collect::<Vec<_>>();
        let measures = match &found.shape {
            MetricShape::Simple { measure } | MetricShape::Cumulative { measure, .. } => vec![measure],
            MetricShape::Conversion { base, conversion, .. } => vec![base, conversion],
            MetricShape::Ratio { numerator, denominator } => {
                todo.extend(names(&[numerator, denominator]));
                vec![]
            }
            MetricShape::Derived { inputs, .. } => {
                todo.extend(names(&inputs.iter().collect::<Vec<_>>()));
                vec![]
            }
        };
        for measure in measures {
            let of = project
                .semantic_models
                .values()
                .filter(|m| m.measures.iter().any(|x| x.name == measure.name));
            models.extend(of.map(|m| m.meta.name.clone()));
        }
    }
    // Models that share an entity with one already there, until nothing is added.
    loop {
        let entities: BTreeSet<&str> = models
            .iter()
            .filter_map(|m| project.semantic_models.get(m))
            .flat_map(|m| m.entities.iter().map(|e| e.name.as_str()))
            .collect();
        let more: BTreeSet<String> = project
            .semantic_models
            .values()
            .filter(|m| {
                m.entities.iter().any(|e| {
                    entities.contains(e.name.as_str()) && e.entity_type != steward_definitions::EntityType::Foreign
                })
            })
            .map(|m| m.meta.name.clone())
            .collect();
        let size = models.len();
        models.extend(more);
        if models.len() == size {
            return (metrics, models);
        }
    }
}
