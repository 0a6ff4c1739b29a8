//! What a request asks for: its keys, and each metric as a formula over measures.

use std::collections::{BTreeMap, BTreeSet};

use steward_definitions::{
    Aggregation, Measure, MeasureInput, Metric, MetricInput, MetricShape, Project, SemanticModel, TimeWindow,
};

use super::MetricRequest;
use super::graph::Graph;
use super::sql::{Expression, nearest};
use super::time::{Grain, Shift};
use crate::CapabilityError;

/// Metrics that a metric may be nested in.
const DEEPEST: usize = 20;

/// What an answer is grouped by.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Key {
    /// Periods of each measure's own time dimension.
    Time(Grain),
    /// A dimension or entity; with a grain, periods of a time dimension.
    Attribute(String, Option<Grain>),
}

/// Events that follow others.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Conversion {
    /// The entity that both belong to.
    pub entity: String,
    /// Measure of what follows.
    pub measure: String,
    /// Conditions on what follows.
    pub filters: Vec<String>,
    /// How soon.
    pub window: Option<TimeWindow>,
    /// Expressions that must be equal: base, conversion.
    pub constant: Vec<(String, String)>,
}

/// A measure as a request needs it: the smallest thing that is aggregated.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Leaf {
    /// The measure. For a conversion, the one of the base events.
    pub measure: String,
    /// Conditions, all of which hold; the request's own is not among them.
    pub filters: Vec<String>,
    /// How the period is moved; the first is applied first.
    pub shifts: Vec<Shift>,
    /// Counts what follows instead of the base events.
    pub conversion: Option<Conversion>,
}

/// A metric as a formula.
#[derive(Clone, Debug)]
pub(crate) enum Node {
    /// A measure, with the value for missing periods.
    Leaf { leaf: usize, fill: Option<f64> },
    /// Numerator over denominator.
    Ratio {
        numerator: Box<Node>,
        denominator: Box<Node>,
        additive: bool,
    },
    /// An expression over others, by alias.
    Derived {
        expr: Expression,
        inputs: BTreeMap<String, Node>,
    },
}

/// A request, understood.
#[derive(Debug)]
pub(crate) struct Plan<'p> {
    /// Keys with the names they were asked by.
    pub keys: Vec<(String, Key)>,
    /// What is aggregated.
    pub leaves: Vec<Leaf>,
    /// Metrics asked for.
    pub metrics: Vec<(&'p Metric, Node)>,
    /// Whether periods without rows are to be shown.
    pub fill: bool,
    /// Every metric used, also as input.
    pub used: BTreeSet<String>,
}

impl<'p> Plan<'p> {
    /// Understands a request.
    pub fn new(project: &'p Project, request: &MetricRequest) -> Result<Plan<'p>, CapabilityError> {
        if request.metrics.is_empty() {
            return Err(CapabilityError::Invalid(
                "no metric was asked for; name at least one".to_owned(),
            ));
        }
        let mut keys: Vec<(String, Key)> = Vec::new();
        for name in &request.by {
            let key = parse_key(name)?;
            if keys.iter().any(|(n, k)| n == name || *k == key) {
                return Err(CapabilityError::Invalid(format!("`by` names {name} twice")));
            }
            keys.push((name.clone(), key));
        }
        if keys.iter().filter(|(_, k)| matches!(k, Key::Time(_))).count() > 1 {
            return Err(CapabilityError::Invalid(
                "`by` holds `time` at two grains; ask twice".to_owned(),
            ));
        }
        let mut plan = Plan {
            keys,
            leaves: Vec::new(),
            metrics: Vec::new(),
            fill: request.fill,
            used: BTreeSet::new(),
        };
        for (i, name) in request.metrics.iter().enumerate() {
            if request.metrics[..i].contains(name) {
                return Err(CapabilityError::Invalid(format!("metric {name} is asked for twice")));
            }
            let metric = find(project, name)?;
            let node = plan.node(project, metric, &[], &[], &mut Vec::new())?;
            plan.metrics.push((metric, node));
        }
        Ok(plan)
    }

    /// The grain of the time key.
    pub fn grain(&self) -> Option<Grain> {
        self.keys.iter().find_map(|(_, k)| match k {
            Key::Time(grain) => Some(*grain),
            Key::Attribute(..) => None,
        })
    }

    fn leaf(&mut self, leaf: Leaf) -> usize {
        if let Some(i) = self.leaves.iter().position(|l| *l == leaf) {
            return i;
        }
        self.leaves.push(leaf);
        self.leaves.len() - 1
    }

    fn node(
        &mut self,
        project: &'p Project,
        metric: &'p Metric,
        filters: &[String],
        shifts: &[Shift],
        above: &mut Vec<String>,
    ) -> Result<Node, CapabilityError> {
        let name = &metric.meta.name;
        if above.contains(name) || above.len() > DEEPEST {
            above.push(name.clone());
            return Err(CapabilityError::Invalid(format!(
                "metrics are computed from each other in a circle: {}",
                above.join(" → ")
            )));
        }
        self.used.insert(name.clone());
        above.push(name.clone());
        let mut filters = filters.to_vec();
        filters.extend(metric.filter.clone());
        let node = match &metric.shape {
            MetricShape::Simple { measure } => self.measure(measure, filters, shifts.to_vec()),
            MetricShape::Cumulative {
                measure,
                window,
                grain_to_date,
            } => {
                let shift = match (window, grain_to_date) {
                    (Some(w), None) => Shift::Trailing(w.clone()),
                    (None, Some(g)) => Shift::GrainToDate(Grain::parse(g)?),
                    (None, None) => Shift::AllTime,
                    (Some(_), Some(_)) => {
                        return Err(CapabilityError::Invalid(format!(
                            "metric {name} has both window and grain_to_date; keep one"
                        )));
                    }
                };
                let mut shifts = shifts.to_vec();
                shifts.push(shift);
                self.measure(measure, filters, shifts)
            }
            MetricShape::Ratio { numerator, denominator } => {
                let additive = additive(project, &numerator.name);
                let n = self.input(project, numerator, &filters, shifts, above)?;
                let d = self.input(project, denominator, &filters, shifts, above)?;
                Node::Ratio {
                    numerator: Box::new(n),
                    denominator: Box::new(d),
                    additive,
                }
            }
            MetricShape::Derived { expr, inputs } => {
                let expr = Expression::parse(expr, &format!("expression of metric {name}"))?;
                let mut named = BTreeMap::new();
                for input in inputs {
                    let alias = input.alias.clone().unwrap_or_else(|| input.name.clone());
                    let node = self.input(project, input, &filters, shifts, above)?;
                    if named.insert(alias.clone(), node).is_some() {
                        return Err(CapabilityError::Invalid(format!(
                            "metric {name} has two inputs called {alias}; give one an alias"
                        )));
                    }
                }
                if let Some(unknown) = expr
                    .names()
                    .into_iter()
                    .find(|n| n.len() != 1 || !named.contains_key(&n[0]))
                {
                    return Err(CapabilityError::Invalid(format!(
                        "expression of metric {name}: {} is none of its inputs ({})",
                        unknown.join("."),
                        named.keys().cloned().collect::<Vec<_>>().join(", ")
                    )));
                }
                Node::Derived { expr, inputs: named }
            }
            MetricShape::Conversion {
                entity,
                base,
                conversion,
                window,
                calculation,
                constant_properties,
            } => {
                let mut base_filters = filters.clone();
                base_filters.extend(base.filter.clone());
                let followed = Leaf {
                    measure: base.name.clone(),
                    filters: base_filters.clone(),
                    shifts: shifts.to_vec(),
                    conversion: Some(Conversion {
                        entity: entity.clone(),
                        measure: conversion.name.clone(),
                        filters: conversion.filter.clone().into_iter().collect(),
                        window: window.clone(),
                        constant: constant_properties.clone(),
                    }),
                };
                if !shifts.is_empty() {
                    return Err(CapabilityError::Invalid(format!(
                        "metric {name} is a conversion metric, which cannot be offset"
                    )));
                }
                let leaf = self.leaf(followed);
                self.fill |= conversion.join_to_timespine;
                let conversions = Node::Leaf {
                    leaf,
                    fill: conversion.fill_nulls_with,
                };
                match calculation.as_str() {
                    "conversions" => conversions,
                    "conversion_rate" | "" => Node::Ratio {
                        numerator: Box::new(conversions),
                        denominator: Box::new(self.measure(base, filters, Vec::new())),
                        additive: true,
                    },
                    other => {
                        return Err(CapabilityError::Invalid(format!(
                            "metric {name}: no calculation {other:?}; choose conversion_rate or conversions"
                        )));
                    }
                }
            }
        };
        above.pop();
        Ok(node)
    }

    fn measure(&mut self, input: &MeasureInput, mut filters: Vec<String>, shifts: Vec<Shift>) -> Node {
        filters.extend(input.filter.clone());
        self.fill |= input.join_to_timespine;
        let leaf = self.leaf(Leaf {
            measure: input.name.clone(),
            filters,
            shifts,
            conversion: None,
        });
        Node::Leaf {
            leaf,
            fill: input.fill_nulls_with,
        }
    }

    fn input(
        &mut self,
        project: &'p Project,
        input: &MetricInput,
        filters: &[String],
        shifts: &[Shift],
        above: &mut Vec<String>,
    ) -> Result<Node, CapabilityError> {
        let metric = find(project, &input.name)?;
        let mut filters = filters.to_vec();
        filters.extend(input.filter.clone());
        let mut shifts = shifts.to_vec();
        shifts.extend(input.offset_window.clone().map(Shift::Offset));
        if let Some(grain) = &input.offset_to_grain {
            shifts.push(Shift::ToGrain(Grain::parse(grain)?));
        }
        self.node(project, metric, &filters, &shifts, above)
    }
}

/// A metric by name.
pub(crate) fn find<'p>(project: &'p Project, name: &str) -> Result<&'p Metric, CapabilityError> {
    project.metrics.get(name).ok_or_else(|| CapabilityError::Unknown {
        kind: "metric".into(),
        name: name.into(),
        near: nearest(name, project.metrics.keys().map(String::as_str)),
    })
}

/// Whether no rows mean zero: sums and counts.
pub(crate) fn is_additive(aggregation: Aggregation) -> bool {
    matches!(
        aggregation,
        Aggregation::Sum | Aggregation::Count | Aggregation::CountDistinct | Aggregation::SumBoolean
    )
}

fn additive(project: &Project, metric: &str) -> bool {
    let graph = Graph { project };
    match project.metrics.get(metric).map(|m| &m.shape) {
        Some(MetricShape::Simple { measure } | MetricShape::Cumulative { measure, .. }) => graph
            .measure(&measure.name)
            .is_ok_and(|(_, m)| is_additive(m.aggregation)),
        _ => false,
    }
}

/// The time dimension of a measure.
pub(crate) fn time_dimension<'p>(
    model: &'p SemanticModel,
    measure: &Measure,
) -> Result<&'p steward_definitions::Dimension, CapabilityError> {
    let time = || model.dimensions.iter().filter(|d| d.time_granularity.is_some());
    let name = measure.time_dimension.as_ref().or(model.time_dimension.as_ref());
    let found = match name {
        Some(name) => time().find(|d| d.name == *name),
        None => {
            let mut all = time();
            all.next().filter(|_| all.next().is_none())
        }
    };
    found.ok_or_else(|| {
        CapabilityError::Invalid(match name {
            Some(name) => format!(
                "measure {}: {name:?} is no time dimension of semantic model {}",
                measure.name, model.meta.name
            ),
            None => format!(
                "measure {} has no time: name an agg_time_dimension of semantic model {}, or ask without `time`, `from` and `to`",
                measure.name, model.meta.name
            ),
        })
    })
}

/// `time:week`, `metric_time__week`, `user__country`, `order__ordered_at:month`.
fn parse_key(name: &str) -> Result<Key, CapabilityError> {
    let (base, grain) = match name.split_once(':') {
        Some((base, grain)) => (base, Some(Grain::parse(grain)?)),
        None => match name.rsplit_once("__") {
            Some((base, last)) if Grain::from_word(last).is_some() => (base, Grain::from_word(last)),
            _ => (name, None),
        },
    };
    Ok(match base {
        "time" | "metric_time" => Key::Time(grain.unwrap_or(Grain::Day)),
        "" => return Err(CapabilityError::Invalid(format!("{name:?} in `by` names nothing"))),
        _ => Key::Attribute(base.to_owned(), grain),
    })
}
