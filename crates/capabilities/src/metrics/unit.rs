//! Metrics as values per unit, for experiments and for the uncertainty of figures.

use std::collections::BTreeMap;

use steward_definitions::{MeasureInput, Metric, MetricInput, MetricShape, Project, SemanticModel};

use super::answer::model_definitions;
use super::graph::{Attribute, Graph};
use super::plan::{find, is_additive, time_dimension};
use super::tables::{Table, Times};
use super::time::Zone;
use super::{UnitMeasure, UnitMetric, UnitValue};
use crate::CapabilityError;

/// See [`super::unit_measures`].
pub(crate) fn unit_measures(project: &Project, name: &str, entity: &str) -> Result<UnitMetric, CapabilityError> {
    let metric = find(project, name)?;
    let mut definitions = BTreeMap::new();
    let value = match &metric.shape {
        MetricShape::Simple { measure } => {
            UnitValue::Aggregate(one(project, metric, measure, Vec::new(), entity, &mut definitions)?)
        }
        MetricShape::Ratio { numerator, denominator } => {
            let mut side = |input: &MetricInput| -> Result<UnitMeasure, CapabilityError> {
                let part = find(project, &input.name)?;
                let MetricShape::Simple { measure } = &part.shape else {
                    return Err(refused(name, &format!("{} is not a simple metric", input.name)));
                };
                if input.offset_window.is_some() || input.offset_to_grain.is_some() {
                    return Err(refused(name, &format!("{} is taken at another time", input.name)));
                }
                let filters = metric.filter.iter().chain(&input.filter).cloned().collect();
                let one = one(project, part, measure, filters, entity, &mut definitions)?;
                if one.empty.is_none() {
                    return Err(refused(
                        name,
                        &format!(
                            "{} is no sum or count, and a ratio over units is one of sums",
                            input.name
                        ),
                    ));
                }
                Ok(one)
            };
            UnitValue::Ratio {
                numerator: side(numerator)?,
                denominator: side(denominator)?,
            }
        }
        MetricShape::Derived { .. } => return Err(refused(name, "it is derived from other metrics; name those")),
        MetricShape::Cumulative { .. } => return Err(refused(name, "it accumulates over a window of its own")),
        MetricShape::Conversion { .. } => {
            return Err(refused(
                name,
                "it counts conversions within a window of its own; use a simple metric and the experiment's window",
            ));
        }
    };
    definitions.insert(format!("metric/{name}"), metric.meta.digest.clone());
    Ok(UnitMetric {
        metric: name.to_owned(),
        value,
        definitions,
    })
}

fn refused(metric: &str, why: &str) -> CapabilityError {
    CapabilityError::Invalid(format!("metric {metric} has no value per unit: {why}"))
}

fn one(
    project: &Project,
    metric: &Metric,
    input: &MeasureInput,
    filters: Vec<String>,
    entity: &str,
    definitions: &mut BTreeMap<String, String>,
) -> Result<UnitMeasure, CapabilityError> {
    let graph = Graph { project };
    let (model, measure) = graph.measure(&input.name)?;
    if measure.non_additive.is_some() {
        return Err(refused(
            &metric.meta.name,
            &format!("its measure {} does not add up over time", measure.name),
        ));
    }
    // Expressions of units and filters are of the project's own days only where they say so; moments are UTC.
    let zone = Zone::named(&project.settings.time_zone)?;
    let times = Times::default();
    let mut table = Table::new(graph, model, "fact");
    let time = time_dimension(model, measure).ok();
    let (unit, resolved) = table.attribute(entity)?;
    if !matches!(resolved.attribute, Attribute::Entity(_)) {
        return Err(CapabilityError::Invalid(format!(
            "{entity} is no entity of semantic model {}: name the entity that experiments assign, e.g. user",
            model.meta.name
        )));
    }
    let mut conditions = Vec::new();
    for filter in filters.iter().chain(&metric.filter).chain(&input.filter) {
        conditions.push(format!("({})", table.condition(filter, time, &zone, &times)?));
    }
    let value = table.own(&measure.expr, &format!("measure {}", measure.name))?;
    let value = if conditions.is_empty() {
        value
    } else {
        format!("CASE WHEN {} THEN {value} END", conditions.join(" AND "))
    };
    definitions.insert(format!("metric/{}", metric.meta.name), metric.meta.digest.clone());
    model_definitions(project, &model.meta.name, definitions);
    for joined in &table.joined {
        model_definitions(project, &joined.meta.name, definitions);
    }
    let (time_sql, time_is_date) = match time {
        Some(d) => (Some(table.own(&d.expr, &d.name)?), times.is_date(&graph, model, d)?),
        None => (None, false),
    };
    Ok(UnitMeasure {
        model: model.meta.name.clone(),
        dataset: model.dataset.clone(),
        joins: table.joins_sql(),
        joined: datasets(&table.joined),
        unit,
        time: time_sql,
        time_is_date,
        aggregation: measure.aggregation,
        percentile: measure.percentile,
        input: value,
        empty: is_additive(measure.aggregation).then_some(0.0),
    })
}

fn datasets(models: &[&SemanticModel]) -> Vec<String> {
    let mut all: Vec<String> = models.iter().map(|m| m.dataset.clone()).collect();
    all.sort();
    all.dedup();
    all
}
