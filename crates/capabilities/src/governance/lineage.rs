//! What stands on what: dataset → semantic model → metric → experiment, objective, report → decision.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use steward_definitions::project::Meta;
use steward_definitions::{Kind, Project, Reference};

use super::types::{Decision, Edge, Graph, Node};
use crate::CapabilityError;

/// Every definition's meta by `kind/name`.
pub fn metas(project: &Project) -> BTreeMap<String, &Meta> {
    let all = project.definitions();
    all.iter()
        .filter_map(|r| Some((r.to_string(), project.meta(r)?)))
        .collect()
}

/// Owner of a definition; `None` if there is no such definition.
pub fn owner(project: &Project, kind: &str, name: &str) -> Option<String> {
    let reference = Reference::new(kind.parse().ok()?, name);
    project.meta(&reference).map(|m| m.owner.clone())
}

/// The nearest name of that kind.
pub fn nearest(project: &Project, kind: &str, name: &str) -> Option<String> {
    project.suggest(kind.parse().ok()?, name)
}

/// Edges between definitions, from what is used to what uses it. What serves something else is used by it, although
/// the text names it the other way round: experiment → initiative → objective → parent.
fn edges(project: &Project) -> BTreeSet<Edge> {
    let mut all = BTreeSet::new();
    for user in project.definitions() {
        for used in project.references(&user) {
            // A name that nothing defines is a problem for `check`, not a node.
            if !project.contains(&used) {
                continue;
            }
            let serves = matches!(
                (user.kind, used.kind),
                (Kind::Experiment, Kind::Initiative)
                    | (Kind::Initiative, Kind::Objective)
                    | (Kind::Objective, Kind::Objective)
            );
            let (from, to) = if serves { (&user, &used) } else { (&used, &user) };
            all.insert(Edge {
                from: from.to_string(),
                to: to.to_string(),
            });
        }
    }
    all
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
                    kind: if kind.parse::<Kind>().is_ok() {
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
