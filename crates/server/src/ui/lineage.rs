//! What a definition stands on and what stands on it, as a picture over a table.

use std::collections::BTreeMap;

use maud::{Markup, html};
use steward_capabilities::CapabilityError;
use steward_capabilities::governance::{self, Edge, Graph, Node};
use steward_definitions::{Kind, Project, Reference};

use super::parts;
use crate::charts;
use crate::state::Loaded;

/// Columns of the picture, from data to decisions.
const COLUMNS: [&str; 6] = [
    "Datasets",
    "Semantic models",
    "Metrics",
    "Experiments, key results",
    "Objectives, portfolio",
    "Reports, decisions",
];

/// The lineage around a definition, key results between metrics and objectives.
pub async fn around(loaded: &Loaded, reference: &Reference, as_of: Option<i64>) -> Result<Graph, CapabilityError> {
    let context = &loaded.context;
    let mut graph = governance::lineage(context, Some(&reference.to_string()), as_of).await?;
    match as_of {
        None => key_results(&mut graph, &context.project),
        Some(_) => {
            let then = governance::applied(&context.ledger, as_of).await?.unwrap_or_default();
            key_results(&mut graph, &then);
        }
    }
    Ok(graph)
}

/// Puts key results between a metric and the objectives that read it.
fn key_results(graph: &mut Graph, project: &Project) {
    let distance: BTreeMap<String, i32> = graph.nodes.iter().map(|n| (n.id.clone(), n.distance)).collect();
    let metric_to_objective = |e: &Edge| e.from.starts_with("metric/") && e.to.starts_with("objective/");
    let between: Vec<Edge> = graph.edges.iter().filter(|e| metric_to_objective(e)).cloned().collect();
    graph.edges.retain(|e| !metric_to_objective(e));
    for edge in between {
        let name = edge.to.trim_start_matches("objective/");
        let metric = edge.from.trim_start_matches("metric/");
        let Some(objective) = project.objectives.get(name) else {
            continue;
        };
        let steps = |id: &str| distance.get(id).copied().unwrap_or(0);
        for result in objective.key_results.iter().filter(|k| k.metric == metric) {
            let id = format!("key_result/{name}.{}", result.name);
            // It stands beside whichever of the two is farther from the middle.
            let far = [steps(&edge.from), steps(&edge.to)];
            graph.nodes.push(Node {
                id: id.clone(),
                kind: "key_result".into(),
                name: result.name.clone(),
                label: None,
                owner: Some(objective.meta.owner.clone()),
                distance: far.into_iter().max_by_key(|d| d.abs()).unwrap_or(0),
            });
            graph.edges.push(Edge {
                from: edge.from.clone(),
                to: id.clone(),
            });
            graph.edges.push(Edge {
                from: id,
                to: edge.to.clone(),
            });
        }
    }
}

/// Where a node's page is.
fn href(graph: &Graph, node: &Node) -> Option<String> {
    match node.kind.as_str() {
        "decision" => Some(format!("/ledger/{}", node.name)),
        "key_result" => {
            let edge = graph.edges.iter().find(|e| e.from == node.id)?;
            let objective = edge.to.strip_prefix("objective/")?;
            Some(format!(
                "{}#{}",
                parts::address(Kind::Objective, objective),
                parts::encode(&node.name)
            ))
        }
        kind => Some(parts::address(kind.parse().ok()?, &node.name)),
    }
}

fn column(kind: &str) -> usize {
    match kind {
        "dataset" => 0,
        "semantic_model" => 1,
        "metric" => 2,
        "experiment" | "key_result" => 3,
        "objective" | "initiative" | "bet" => 4,
        _ => 5,
    }
}

fn noun(kind: &str) -> String {
    kind.replace('_', " ")
}

/// The section of a page: the picture, and everything in it as a table.
pub async fn section(loaded: &Loaded, reference: &Reference, as_of: Option<i64>) -> Result<Markup, CapabilityError> {
    let graph = match around(loaded, reference, as_of).await {
        Ok(graph) => graph,
        Err(CapabilityError::Unknown { .. }) if as_of.is_some() => {
            return Ok(html! {
                h2 #lineage { "Lineage" }
                div.card { p.soft { "It was not in force then: no definitions that hold it had been applied." } }
            });
        }
        Err(e) => return Err(e),
    };
    Ok(html! {
        h2 #lineage { "Lineage" }
        div.card { (figure(&graph, reference)) }
    })
}

fn figure(graph: &Graph, reference: &Reference) -> Markup {
    let index: BTreeMap<&str, usize> = graph
        .nodes
        .iter()
        .enumerate()
        .map(|(i, n)| (n.id.as_str(), i))
        .collect();
    let title = |n: &Node| {
        let label = n.label.clone().unwrap_or_else(|| n.name.clone());
        // A decision is labelled with what it is about: under its title, if that is in the graph.
        let about = graph.edges.iter().find(|e| n.kind == "decision" && e.to == n.id);
        let about = about.and_then(|e| graph.nodes.iter().find(|a| a.id == e.from));
        match about.and_then(|a| Some((a, a.label.as_ref()?))) {
            Some((a, title)) => label.replace(&a.id, title),
            None => label,
        }
    };
    let picture = charts::Graph {
        title: format!("Lineage of {} {}", reference.kind.noun(), reference.name),
        columns: COLUMNS.iter().map(|c| (*c).to_string()).collect(),
        nodes: graph
            .nodes
            .iter()
            .map(|n| charts::Node {
                column: column(&n.kind),
                title: title(n),
                caption: noun(&n.kind),
                href: (n.distance != 0).then(|| href(graph, n)).flatten(),
                focus: n.distance == 0,
                rank: n.distance.unsigned_abs(),
            })
            .collect(),
        edges: graph
            .edges
            .iter()
            .filter_map(|e| Some((*index.get(e.from.as_str())?, *index.get(e.to.as_str())?)))
            .collect(),
    };
    let up = graph.nodes.iter().filter(|n| n.distance < 0).count();
    let down = graph.nodes.iter().filter(|n| n.distance > 0).count();
    let mut rows: Vec<&Node> = graph.nodes.iter().filter(|n| n.distance != 0).collect();
    rows.sort_by_key(|n| (n.distance > 0, n.distance.abs(), column(&n.kind), n.name.clone()));
    let uses = |n: &Node| {
        let used = graph.edges.iter().filter(|e| e.to == n.id).map(|e| e.from.as_str());
        used.collect::<Vec<_>>().join(", ")
    };
    let table = html! { table {
        thead { tr { th scope="col" { "Name" } th scope="col" { "Kind" } th scope="col" { "Owner" } th scope="col" { "Where" } th scope="col" { "Stands on" } } }
        tbody { @for n in rows { tr {
            th scope="row" { @match href(graph, n) { Some(href) => a href=(href) { (title(n)) }, None => (title(n)) } }
            td { (noun(&n.kind)) }
            td { (n.owner.as_deref().unwrap_or("nobody")) }
            td { (n.distance.abs()) " " (if n.distance < 0 { "up" } else { "down" }) "stream" }
            td { span.soft { (uses(n)) } }
        } } }
    } };
    html! {
        @if up + down == 0 { p.soft { "It stands alone: nothing uses it, and it uses nothing." } }
        @else { (charts::figure_over(&format!("Stands on {up}, carries {down}"), charts::graph(&picture), table)) }
    }
}

/// The lineage as data for `.json`.
pub async fn data(
    loaded: &Loaded,
    reference: &Reference,
    as_of: Option<i64>,
) -> Result<Option<Graph>, CapabilityError> {
    match around(loaded, reference, as_of).await {
        Ok(graph) => Ok(Some(graph)),
        Err(CapabilityError::Unknown { .. }) if as_of.is_some() => Ok(None),
        Err(e) => Err(e),
    }
}
