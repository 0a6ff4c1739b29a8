//! Every metric with what it is, what it can be grouped by, and what uses it.

use std::collections::{BTreeMap, BTreeSet};

use steward_definitions::{
    Aggregation, BlockContent, Kind, MeasureInput, Metric, MetricInput, MetricShape, Project, Reference,
};

use super::graph::{Attribute, Graph};
use super::plan::{Plan, find, time_dimension};
use super::{DimensionInfo, MetricInfo, MetricRequest};
use crate::CapabilityError;

/// See [`super::catalogue`].
pub(crate) fn catalogue(project: &Project) -> Vec<MetricInfo> {
    let uses = uses(project);
    project.metrics.values().map(|m| info(project, m, &uses)).collect()
}

fn info(project: &Project, metric: &Metric, uses: &BTreeMap<String, BTreeSet<Reference>>) -> MetricInfo {
    let name = &metric.meta.name;
    let dimensions = dimensions(project, name);
    let problem = dimensions.as_ref().err().map(ToString::to_string);
    let models = models(project, name).unwrap_or_default();
    let datasets: BTreeSet<String> = models
        .iter()
        .filter_map(|m| project.semantic_models.get(m))
        .map(|m| m.dataset.clone())
        .collect();
    MetricInfo {
        name: name.clone(),
        label: metric.meta.label.clone(),
        owner: metric.meta.owner.clone(),
        description: metric.meta.description.clone(),
        shape: shape(&metric.shape).to_owned(),
        formula: formula(project, metric),
        unit: metric.unit.clone(),
        direction: metric.experiment.direction,
        models: models.into_iter().collect(),
        datasets: datasets.into_iter().collect(),
        inputs: inputs(&metric.shape).iter().map(|i| i.name.clone()).collect(),
        dimensions: dimensions.unwrap_or_default(),
        used_by: uses.get(name).map(|u| u.iter().cloned().collect()).unwrap_or_default(),
        problem,
    }
}

fn shape(shape: &MetricShape) -> &'static str {
    match shape {
        MetricShape::Simple { .. } => "simple",
        MetricShape::Ratio { .. } => "ratio",
        MetricShape::Derived { .. } => "derived",
        MetricShape::Cumulative { .. } => "cumulative",
        MetricShape::Conversion { .. } => "conversion",
    }
}

fn inputs(shape: &MetricShape) -> Vec<&MetricInput> {
    match shape {
        MetricShape::Ratio { numerator, denominator } => vec![numerator, denominator],
        MetricShape::Derived { inputs, .. } => inputs.iter().collect(),
        _ => Vec::new(),
    }
}

fn formula(project: &Project, metric: &Metric) -> String {
    let mut text = match &metric.shape {
        MetricShape::Simple { measure } => of_measure(project, measure),
        MetricShape::Ratio { numerator, denominator } => format!("{} / {}", numerator.name, denominator.name),
        MetricShape::Derived { expr, .. } => expr.clone(),
        MetricShape::Cumulative {
            measure,
            window,
            grain_to_date,
        } => {
            let over = match (window, grain_to_date) {
                (Some(w), _) => format!("over the last {} {}(s)", w.count, w.granularity.trim_end_matches('s')),
                (None, Some(g)) => format!("since the start of the {g}"),
                (None, None) => "over all time".to_owned(),
            };
            format!("{} {over}", of_measure(project, measure))
        }
        MetricShape::Conversion {
            entity,
            base,
            conversion,
            window,
            calculation,
            ..
        } => {
            let within = window
                .as_ref()
                .map(|w| format!(" within {} {}(s)", w.count, w.granularity.trim_end_matches('s')))
                .unwrap_or_default();
            let what = if calculation == "conversions" {
                "number"
            } else {
                "share"
            };
            format!(
                "{what} of {} followed by {} of the same {entity}{within}",
                base.name, conversion.name
            )
        }
    };
    if let Some(filter) = &metric.filter {
        text.push_str(&format!(", where {filter}"));
    }
    text
}

fn of_measure(project: &Project, input: &MeasureInput) -> String {
    let Ok((model, m)) = (Graph { project }).measure(&input.name) else {
        return format!("measure {}", input.name);
    };
    let how = match m.aggregation {
        Aggregation::Sum => "sum of".to_owned(),
        Aggregation::Count => "number of".to_owned(),
        Aggregation::CountDistinct => "number of different".to_owned(),
        Aggregation::Average => "mean of".to_owned(),
        Aggregation::Min => "smallest".to_owned(),
        Aggregation::Max => "largest".to_owned(),
        Aggregation::Median => "median of".to_owned(),
        Aggregation::Percentile => format!("{} quantile of", m.percentile.unwrap_or(0.5)),
        Aggregation::SumBoolean => "number of rows with".to_owned(),
    };
    let filter = input
        .filter
        .as_ref()
        .map(|f| format!(", where {f}"))
        .unwrap_or_default();
    format!("{how} {} over {}{filter}", m.expr, model.dataset)
}

/// The measures that a metric rests on, through its inputs.
fn measures(project: &Project, metric: &str) -> Result<BTreeSet<String>, CapabilityError> {
    let request = MetricRequest {
        metrics: vec![metric.to_owned()],
        ..MetricRequest::default()
    };
    let plan = Plan::new(project, &request)?;
    let mut all = BTreeSet::new();
    for leaf in &plan.leaves {
        all.insert(leaf.measure.clone());
        all.extend(leaf.conversion.as_ref().map(|c| c.measure.clone()));
    }
    Ok(all)
}

fn models(project: &Project, metric: &str) -> Result<BTreeSet<String>, CapabilityError> {
    let graph = Graph { project };
    measures(project, metric)?
        .iter()
        .map(|m| Ok(graph.measure(m)?.0.meta.name.clone()))
        .collect()
}

/// See [`super::dimensions`].
pub(crate) fn dimensions(project: &Project, metric: &str) -> Result<Vec<DimensionInfo>, CapabilityError> {
    find(project, metric)?;
    let graph = Graph { project };
    let request = MetricRequest {
        metrics: vec![metric.to_owned()],
        ..MetricRequest::default()
    };
    let plan = Plan::new(project, &request)?;
    let mut common: Option<BTreeMap<String, DimensionInfo>> = None;
    let mut timed = true;
    for leaf in &plan.leaves {
        let (model, measure) = graph.measure(&leaf.measure)?;
        timed &= time_dimension(model, measure).is_ok();
        let names: BTreeMap<String, DimensionInfo> = graph
            .names(model)
            .into_iter()
            .filter_map(|(name, r)| match r.attribute {
                Attribute::Dimension(d) => Some((
                    name.clone(),
                    DimensionInfo {
                        name,
                        label: d.label.clone(),
                        time: d.time_granularity.is_some(),
                        model: r.model.meta.name.clone(),
                    },
                )),
                Attribute::Entity(_) => None,
            })
            .collect();
        common = Some(match common {
            None => names,
            Some(mut before) => {
                before.retain(|name, _| names.contains_key(name));
                before
            }
        });
    }
    let mut all = Vec::new();
    if timed {
        all.push(DimensionInfo {
            name: "time".into(),
            label: None,
            time: true,
            model: String::new(),
        });
    }
    all.extend(common.unwrap_or_default().into_values());
    Ok(all)
}

/// Metric → what uses it.
fn uses(project: &Project) -> BTreeMap<String, BTreeSet<Reference>> {
    let mut uses: BTreeMap<String, BTreeSet<Reference>> = BTreeMap::new();
    let mut add = |metric: &str, kind: Kind, name: &str| {
        uses.entry(metric.to_owned()).or_default().insert(Reference {
            kind,
            name: name.to_owned(),
        });
    };
    for m in project.metrics.values() {
        for input in inputs(&m.shape) {
            add(&input.name, Kind::Metric, &m.meta.name);
        }
    }
    for e in project.experiments.values() {
        let guarded = e.guardrails.iter().map(|g| &g.metric);
        for metric in e.primary.iter().chain(&e.secondary).chain(guarded) {
            add(metric, Kind::Experiment, &e.meta.name);
        }
    }
    for o in project.objectives.values() {
        for k in &o.key_results {
            add(&k.metric, Kind::Objective, &o.meta.name);
        }
    }
    for b in project.bets.values() {
        add(&b.metric, Kind::Bet, &b.meta.name);
    }
    for r in project.reports.values() {
        for block in &r.blocks {
            match &block.content {
                BlockContent::Metric { metric, .. } => add(metric, Kind::Report, &r.meta.name),
                BlockContent::Chart { metrics, .. } => {
                    metrics.iter().for_each(|m| add(m, Kind::Report, &r.meta.name));
                }
                _ => {}
            }
        }
    }
    uses
}
