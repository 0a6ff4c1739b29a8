//! What stands on what: dataset → semantic model → metric → experiment, objective, report → decision.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use steward_definitions::project::Meta;
use steward_definitions::sql::Statement;
use steward_definitions::{BlockContent, MetricShape, Project};

use super::types::{Decision, Edge, Graph, Node};
use crate::CapabilityError;

/// The kinds of definition, in the order of the lineage.
const KINDS: [&str; 8] = [
    "dataset",
    "semantic_model",
    "metric",
    "experiment",
    "initiative",
    "bet",
    "objective",
    "report",
];

/// Every definition's meta by `kind/name`.
pub fn metas(project: &Project) -> BTreeMap<String, &Meta> {
    let mut all = BTreeMap::new();
    let mut add = |kind: &str, name: &str, meta| {
        all.insert(format!("{kind}/{name}"), meta);
    };
    project.datasets.iter().for_each(|(n, d)| add("dataset", n, &d.meta));
    project
        .semantic_models
        .iter()
        .for_each(|(n, d)| add("semantic_model", n, &d.meta));
    project.metrics.iter().for_each(|(n, d)| add("metric", n, &d.meta));
    project
        .experiments
        .iter()
        .for_each(|(n, d)| add("experiment", n, &d.meta));
    project
        .objectives
        .iter()
        .for_each(|(n, d)| add("objective", n, &d.meta));
    project
        .initiatives
        .iter()
        .for_each(|(n, d)| add("initiative", n, &d.meta));
    project.bets.iter().for_each(|(n, d)| add("bet", n, &d.meta));
    project.reports.iter().for_each(|(n, d)| add("report", n, &d.meta));
    all
}

/// Owner of a definition; `None` if there is no such definition.
pub fn owner(project: &Project, kind: &str, name: &str) -> Option<String> {
    metas(project).get(&format!("{kind}/{name}")).map(|m| m.owner.clone())
}

/// The nearest name of that kind.
pub fn nearest(project: &Project, kind: &str, name: &str) -> Option<String> {
    let prefix = format!("{kind}/");
    let names: Vec<String> = metas(project)
        .keys()
        .filter_map(|r| r.strip_prefix(&prefix).map(str::to_string))
        .collect();
    crate::error::nearest(name, names.iter())
}

/// Edges between definitions, from what is used to what uses it.
pub fn edges(project: &Project) -> BTreeSet<Edge> {
    let mut all = BTreeSet::new();
    let mut add = |from: String, to: String| {
        all.insert(Edge { from, to });
    };
    let mut models_of: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, model) in &project.semantic_models {
        add(format!("dataset/{}", model.dataset), format!("semantic_model/{name}"));
        for measure in &model.measures {
            models_of.insert(&measure.name, name);
        }
    }
    for (name, metric) in &project.metrics {
        let to = format!("metric/{name}");
        let (measures, inputs) = match &metric.shape {
            MetricShape::Simple { measure } | MetricShape::Cumulative { measure, .. } => (vec![measure], vec![]),
            MetricShape::Ratio { numerator, denominator } => (vec![], vec![numerator, denominator]),
            MetricShape::Derived { inputs, .. } => (vec![], inputs.iter().collect()),
            MetricShape::Conversion { base, conversion, .. } => (vec![base, conversion], vec![]),
        };
        for measure in measures {
            if let Some(model) = models_of.get(measure.name.as_str()) {
                add(format!("semantic_model/{model}"), to.clone());
            }
        }
        for input in inputs {
            add(format!("metric/{}", input.name), to.clone());
        }
    }
    for (name, experiment) in &project.experiments {
        let to = format!("experiment/{name}");
        add(format!("dataset/{}", experiment.exposures.dataset), to.clone());
        let guardrails = experiment.guardrails.iter().map(|g| &g.metric);
        for metric in experiment.primary.iter().chain(&experiment.secondary).chain(guardrails) {
            add(format!("metric/{metric}"), to.clone());
        }
        if let Some(initiative) = &experiment.initiative {
            add(to, format!("initiative/{initiative}"));
        }
    }
    for (name, objective) in &project.objectives {
        let to = format!("objective/{name}");
        for result in &objective.key_results {
            add(format!("metric/{}", result.metric), to.clone());
        }
        if let Some(parent) = &objective.parent {
            add(to, format!("objective/{parent}"));
        }
    }
    for (name, initiative) in &project.initiatives {
        for objective in &initiative.objectives {
            add(format!("initiative/{name}"), format!("objective/{objective}"));
        }
        for other in &initiative.depends_on {
            add(format!("initiative/{other}"), format!("initiative/{name}"));
        }
    }
    for (name, bet) in &project.bets {
        let to = format!("bet/{name}");
        add(format!("initiative/{}", bet.initiative), to.clone());
        add(format!("metric/{}", bet.metric), to.clone());
        if let Some(experiment) = &bet.experiment {
            add(format!("experiment/{experiment}"), to);
        }
    }
    for (name, report) in &project.reports {
        let to = format!("report/{name}");
        for block in &report.blocks {
            match &block.content {
                BlockContent::Metric { metric, .. } => add(format!("metric/{metric}"), to.clone()),
                BlockContent::Chart { metrics, .. } => {
                    metrics.iter().for_each(|m| add(format!("metric/{m}"), to.clone()));
                }
                BlockContent::Experiment { name } => add(format!("experiment/{name}"), to.clone()),
                BlockContent::Objective { name } => add(format!("objective/{name}"), to.clone()),
                BlockContent::Sql { query, .. } => {
                    tables(query)
                        .into_iter()
                        .for_each(|t| add(format!("dataset/{t}"), to.clone()));
                }
                BlockContent::Prose { .. } | BlockContent::Decisions { .. } => {}
            }
        }
    }
    // A name that nothing defines is a problem for `check`, not a node.
    let known = metas(project);
    all.retain(|e| known.contains_key(&e.from) && known.contains_key(&e.to));
    all
}

/// Tables that a SQL text reads.
fn tables(sql: &str) -> Vec<String> {
    Statement::parse_query(sql)
        .map(|s| s.tables().into_iter().map(str::to_string).collect())
        .unwrap_or_default()
}

/// The graph around a definition, or the whole.
pub fn graph(project: &Project, reference: Option<&str>, decisions: &[Decision]) -> Result<Graph, CapabilityError> {
    let metas = metas(project);
    let mut edges = edges(project);
    let mut made = BTreeMap::new();
    for decision in decisions {
        if metas.contains_key(&decision.subject) {
            let id = format!("decision/{}", decision.sequence);
            edges.insert(Edge {
                from: decision.subject.clone(),
                to: id.clone(),
            });
            made.insert(id, decision);
        }
    }
    let mut distance: BTreeMap<String, i32> = BTreeMap::new();
    match reference {
        None => {
            metas.keys().chain(made.keys()).for_each(|id| {
                distance.insert(id.clone(), 0);
            });
        }
        Some(reference) => {
            let (kind, name) = reference.split_once('/').unwrap_or(("", reference));
            if !metas.contains_key(reference) && !made.contains_key(reference) {
                return Err(CapabilityError::Unknown {
                    kind: if KINDS.contains(&kind) {
                        kind.to_string()
                    } else {
                        "definition (write kind/name)".into()
                    },
                    name: name.to_string(),
                    near: nearest(project, kind, name),
                });
            }
            walk(&edges, reference, 1, &mut distance);
            walk(&edges, reference, -1, &mut distance);
        }
    }
    edges.retain(|e| distance.contains_key(&e.from) && distance.contains_key(&e.to));
    let nodes = distance
        .into_iter()
        .map(|(id, distance)| {
            let (kind, name) = id.split_once('/').unwrap_or(("", &id));
            let (label, owner) = match (metas.get(&id), made.get(&id)) {
                (Some(m), _) => (m.label.clone(), Some(m.owner.clone())),
                (_, Some(d)) => (
                    Some(format!("{} {}", d.choice.word(), d.subject)),
                    Some(d.actor.clone()),
                ),
                _ => (None, None),
            };
            Node {
                kind: kind.to_string(),
                name: name.to_string(),
                label,
                owner,
                distance,
                id: id.clone(),
            }
        })
        .collect();
    Ok(Graph {
        nodes,
        edges: edges.into_iter().collect(),
    })
}

/// Distances along the edges (`step` 1) or against them (−1).
fn walk(edges: &BTreeSet<Edge>, from: &str, step: i32, distance: &mut BTreeMap<String, i32>) {
    distance.insert(from.to_string(), 0);
    let mut queue = VecDeque::from([from.to_string()]);
    while let Some(at) = queue.pop_front() {
        let here = distance.get(&at).copied().unwrap_or(0);
        for edge in edges {
            let (near, far) = if step > 0 {
                (&edge.from, &edge.to)
            } else {
                (&edge.to, &edge.from)
            };
            if *near == at && !distance.contains_key(far) {
                distance.insert(far.clone(), here + step);
                queue.push_back(far.clone());
            }
        }
    }
}
