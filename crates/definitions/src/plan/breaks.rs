//! Changes that others rest on.

use std::collections::BTreeSet;

use super::fields::bare;
use super::graph::{Graph, Node};
use super::{Action, Breakage, moves};
use crate::project::{Kind, Project, Reference};
use crate::{Column, Dataset, Flag, Metric, SemanticModel};

/// What a change of one definition breaks, in the order of its parts.
pub(super) fn breaking(
    applied: &Project,
    current: &Project,
    reference: &Reference,
    action: Action,
    graph: &Graph<'_>,
) -> Vec<Breakage> {
    let name = reference.name.as_str();
    let mut found = Found {
        reference,
        graph,
        all: Vec::new(),
    };
    match (action, reference.kind) {
        (Action::Added, _) => {}
        (Action::Removed, kind) => {
            let seeds = match kind {
                Kind::Dataset => vec![Node::Dataset(name.to_owned())],
                Kind::SemanticModel => graph.elements(name),
                Kind::Metric => vec![Node::Metric(name.to_owned())],
                _ => vec![Node::Other(reference.clone())],
            };
            found.add("it is removed", None, seeds);
            // A dataset is what others promise on, whether or not anyone here reads it yet.
            if kind != Kind::Dataset {
                found.all.retain(|b| !b.affected.is_empty());
            }
        }
        (Action::Changed, Kind::Dataset) => {
            if let (Some(old), Some(new)) = (applied.datasets.get(name), current.datasets.get(name)) {
                dataset(old, new, &mut found);
            }
        }
        (Action::Changed, Kind::SemanticModel) => {
            if let (Some(old), Some(new)) = (applied.semantic_models.get(name), current.semantic_models.get(name)) {
                semantic_model(old, new, &mut found);
                found.all.retain(|b| !b.affected.is_empty());
            }
        }
        (Action::Changed, Kind::Metric) => {
            if let (Some(old), Some(new)) = (applied.metrics.get(name), current.metrics.get(name)) {
                metric(old, new, &mut found);
                found.all.retain(|b| !b.affected.is_empty());
            }
        }
        (Action::Changed, Kind::Flag) => {
            if let (Some(old), Some(new)) = (applied.flags.get(name), current.flags.get(name)) {
                flag((applied, old), (current, new), &mut found);
            }
        }
        (Action::Changed, _) => {}
    }
    found.all
}

struct Found<'a> {
    reference: &'a Reference,
    graph: &'a Graph<'a>,
    all: Vec<Breakage>,
}

impl Found<'_> {
    fn add(&mut self, what: impl Into<String>, column: Option<&str>, seeds: Vec<Node>) {
        self.all.push(Breakage {
            what: what.into(),
            column: column.map(str::to_owned),
            hint: None,
            affected: self.graph.downstream(self.reference, &seeds),
        });
    }
}

fn dataset(old: &Dataset, new: &Dataset, found: &mut Found<'_>) {
    let name = &old.meta.name;
    let whole = || vec![Node::Dataset(name.clone())];
    let places = |d: &Dataset| (d.location.format.clone(), d.location.path.clone());
    if places(old) != places(new) {
        found.add(
            format!(
                "its rows are read from `{}` instead of `{}`",
                new.location.path, old.location.path
            ),
            None,
            whole(),
        );
    } else if (old.location.delimiter, &old.location.encoding) != (new.location.delimiter, &new.location.encoding) {
        found.add("its file is read with another delimiter or encoding", None, whole());
    }
    if new.status != old.status && matches!(new.status.as_str(), "deprecated" | "retired") {
        found.add(format!("the contract is {}", new.status), None, whole());
    }
    let added: Vec<&Column> = new
        .columns
        .iter()
        .filter(|c| !old.columns.iter().any(|o| o.name == c.name))
        .collect();
    let mut keys_changed = BTreeSet::new();
    for before in &old.columns {
        let seed = vec![Node::Column(name.clone(), before.name.clone())];
        let column = Some(before.name.as_str());
        let Some(after) = new.columns.iter().find(|c| c.name == before.name) else {
            found.add(format!("column `{}` is removed", before.name), column, seed);
            let alike: Vec<&&Column> = added.iter().filter(|c| c.logical_type == before.logical_type).collect();
            if let ([renamed], Some(last)) = (alike.as_slice(), found.all.last_mut()) {
                last.hint = Some(format!("renamed to `{}`?", renamed.name));
            }
            continue;
        };
        if let Some(what) = type_change(before, after) {
            found.add(what, column, seed.clone());
        }
        if before.required && !after.required {
            found.add(
                format!("column `{}` may now be null", before.name),
                column,
                seed.clone(),
            );
        }
        if before.unique && !after.unique {
            found.add(
                format!("column `{}` may now repeat values", before.name),
                column,
                seed.clone(),
            );
        }
        if before.primary_key.is_some() != after.primary_key.is_some() {
            keys_changed.insert(before.name.clone());
            let what = if after.primary_key.is_some() { "joins" } else { "leaves" };
            found.add(
                format!("column `{}` {what} the primary key", before.name),
                column,
                seed.clone(),
            );
        }
        let mut meanings = Vec::new();
        if before.description.is_some() && before.description != after.description {
            meanings.push("description");
        }
        if before.classification.is_some() && before.classification != after.classification {
            meanings.push("classification");
        }
        if !meanings.is_empty() {
            let what = format!(
                "the meaning of column `{}` changes ({})",
                before.name,
                meanings.join(", ")
            );
            found.add(what, column, seed);
        }
    }
}

/// A type that does not hold every value of the old one, or is written differently.
fn type_change(before: &Column, after: &Column) -> Option<String> {
    let (old, new) = (before.logical_type.as_str(), after.logical_type.as_str());
    let name = &before.name;
    if old != new {
        return match (old, new) {
            // Every old value is a new one.
            ("integer", "number") | ("date", "timestamp") => None,
            ("number", "integer") | ("timestamp", "date") => {
                Some(format!("column `{name}` is narrowed from {old} to {new}"))
            }
            _ => Some(format!("column `{name}` turns from {old} to {new}")),
        };
    }
    match (&before.physical_type, &after.physical_type) {
        (Some(old), Some(new)) if !old.eq_ignore_ascii_case(new) => {
            Some(format!("column `{name}` is stored as {new} instead of {old}"))
        }
        _ => None,
    }
}

fn semantic_model(old: &SemanticModel, new: &SemanticModel, found: &mut Found<'_>) {
    let name = &old.meta.name;
    if old.dataset != new.dataset {
        let what = format!("it reads dataset `{}` instead of `{}`", new.dataset, old.dataset);
        let seeds = found.graph.elements(name);
        found.add(what, None, seeds);
        return;
    }
    let what = |kind: &str, element: &str, gone: bool| {
        let verb = if gone { "is removed" } else { "means something else" };
        format!("{kind} `{element}` {verb}")
    };
    for entity in &old.entities {
        let after = new.entities.iter().find(|e| e.name == entity.name);
        if after.is_none_or(|e| (e.entity_type, &e.expr) != (entity.entity_type, &entity.expr)) {
            let seed = Node::Entity(name.clone(), entity.name.clone());
            found.add(what("entity", &entity.name, after.is_none()), None, vec![seed]);
        }
    }
    for dimension in &old.dimensions {
        let after = new.dimensions.iter().find(|d| d.name == dimension.name);
        if after.is_none_or(|d| (&d.time_granularity, &d.expr) != (&dimension.time_granularity, &dimension.expr)) {
            let seed = Node::Dimension(name.clone(), dimension.name.clone());
            found.add(what("dimension", &dimension.name, after.is_none()), None, vec![seed]);
        }
    }
    for measure in &old.measures {
        let after = new.measures.iter().find(|m| m.name == measure.name);
        let told = |m: &crate::Measure, model: &SemanticModel| {
            let mut bare = m.clone();
            bare.label = None;
            bare.span = crate::Span::default();
            bare.time_dimension = bare.time_dimension.or_else(|| model.time_dimension.clone());
            bare
        };
        if after.is_none_or(|m| told(m, new) != told(measure, old)) {
            let seed = Node::Measure(name.clone(), measure.name.clone());
            found.add(what("measure", &measure.name, after.is_none()), None, vec![seed]);
        }
    }
}

/// Splits that would move units between variants while they run.
fn flag((applied, old): (&Project, &Flag), (current, new): (&Project, &Flag), found: &mut Found<'_>) {
    if old.value_type != new.value_type {
        found.add(
            "the type of its values changes",
            None,
            vec![Node::Other(found.reference.clone())],
        );
    }
    let seeds = |experiment: Option<&String>| -> Vec<Node> {
        let experiment = experiment.map(|e| Node::Other(Reference::new(Kind::Experiment, e.as_str())));
        std::iter::once(Node::Other(found.reference.clone()))
            .chain(experiment)
            .collect()
    };
    let mut all = Vec::new();
    for (_, was, after) in moves::pairs(old, new) {
        if after.is_none() {
            let what = format!("the split `{}` ends: its units get other rules", was.key);
            all.push((what, seeds(was.experiment.as_ref()), None));
        }
    }
    for moved in moves::of_flag(applied, current, old, new) {
        all.push((moved.what, seeds(moved.experiment.as_ref()), Some(moved.hint)));
    }
    for (what, seeds, hint) in all {
        found.add(what, None, seeds);
        if let Some(last) = found.all.last_mut() {
            last.hint = hint;
        }
    }
}

fn metric(old: &Metric, new: &Metric, found: &mut Found<'_>) {
    let mut changed = Vec::new();
    if bare(&old.shape) != bare(&new.shape) {
        changed.push("what is computed");
    }
    if old.filter != new.filter {
        changed.push("its filter");
    }
    if old.unit != new.unit {
        changed.push("its unit");
    }
    if old.experiment != new.experiment {
        changed.push("how experiments use it");
    }
    if !changed.is_empty() {
        let seed = vec![Node::Metric(old.meta.name.clone())];
        found.add(format!("its meaning changes: {}", changed.join(", ")), None, seed);
    }
}
