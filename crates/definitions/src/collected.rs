//! Exposures that Steward collects itself: a dataset that no file defines.

use std::collections::BTreeSet;

use crate::project::{Meta, Project};
use crate::{Column, Dataset, Diagnostic, EntityType, Experiment, Exposures, Location, Serve, Settings, Span};

/// The dataset of collected exposures.
pub const COLLECTED: &str = "steward_exposures";
/// Where its files are, seen from the project folder.
pub const COLLECTED_FOLDER: &str = ".steward/facts/exposures";
/// Its columns with their logical types; the first is the key.
pub const COLLECTED_COLUMNS: [(&str, &str, &str); 7] = [
    (
        "id",
        "string",
        "Key given by the sender: a row sent again is not kept again.",
    ),
    ("experiment", "string", "The experiment."),
    ("unit", "string", "The unit that was exposed, as text."),
    ("variant", "string", "The variant that it was exposed to."),
    ("ts", "timestamp", "When it was exposed."),
    ("received", "timestamp", "When the row arrived."),
    ("attributes", "string", "What else the sender says, as JSON."),
];

/// The exposures of an experiment in the dataset of collected ones; a given filter comes on top.
pub(crate) fn exposures(experiment: &str, entity: String, filter: Option<String>, span: Span) -> Exposures {
    let own = format!("experiment = '{experiment}'");
    Exposures {
        dataset: COLLECTED.to_owned(),
        unit: "unit".to_owned(),
        entity,
        variant: "variant".to_owned(),
        time: Some("ts".to_owned()),
        filter: Some(match filter.filter(|f| !f.trim().is_empty()) {
            Some(more) => format!("{own} AND ({more})"),
            None => own,
        }),
        span,
    }
}

fn dataset(settings: &Settings) -> Dataset {
    let columns = COLLECTED_COLUMNS.map(|(name, logical_type, description)| Column {
        name: name.to_owned(),
        logical_type: logical_type.to_owned(),
        description: Some(description.to_owned()),
        required: name != "attributes",
        ..Column::default()
    });
    Dataset {
        meta: Meta {
            name: COLLECTED.to_owned(),
            owner: settings.owner.clone().unwrap_or_default(),
            label: Some("Collected exposures".to_owned()),
            description: Some("What applications sent to `POST /api/v1/exposures`.".to_owned()),
            span: Span {
                file: "steward.yaml".to_owned(),
                line: 0,
                column: 0,
            },
            // Of this form of the dataset; raised with its columns.
            digest: "41808174fbbd0db1193f37a223d49de7ad3f343df8a33c4a8c8bd9982d9c9105".to_owned(),
            ..Meta::default()
        },
        version: "1.0.0".to_owned(),
        status: "active".to_owned(),
        location: Location {
            format: "parquet".to_owned(),
            path: COLLECTED_FOLDER.to_owned(),
            ..Location::default()
        },
        columns: columns.into(),
        ..Dataset::default()
    }
}

/// Adds the dataset where an experiment reads it, and the entity of units that no column tells.
pub(crate) fn complete(project: &mut Project, problems: &mut Vec<Diagnostic>) {
    if let Some(own) = project.datasets.get(COLLECTED) {
        let message = format!("the dataset `{COLLECTED}` is Steward's own: exposures that it collects");
        problems.push(Diagnostic::error("reserved-name", own.meta.span.clone(), message).hint("choose another name"));
        return;
    }
    let reads = |e: &Experiment| e.exposures.dataset == COLLECTED;
    if !project.experiments.values().any(reads) {
        return;
    }
    let open = |e: &Experiment| reads(e) && e.exposures.entity.is_empty();
    let unnamed: Vec<String> = project
        .experiments
        .values()
        .filter(|e| open(e))
        .map(|e| e.meta.name.clone())
        .collect();
    for name in unnamed {
        let found = entities(project, &name);
        let Some(experiment) = project.experiments.get_mut(&name) else {
            continue;
        };
        match found.as_slice() {
            [one] => experiment.exposures.entity.clone_from(one),
            [] => "unit".clone_into(&mut experiment.exposures.entity),
            several => {
                let names: Vec<&str> = several.iter().map(String::as_str).collect();
                let message = format!(
                    "the unit of the experiment `{name}` may be {}",
                    crate::decode::one_of(&names)
                );
                let problem = Diagnostic::error("ambiguous-entity", experiment.exposures.span.clone(), message);
                let example = several.first().map_or("user", String::as_str);
                problems.push(problem.hint(format!(
                    "say which: `exposures: {{dataset: {COLLECTED}, entity: {example}}}`"
                )));
            }
        }
    }
    project
        .datasets
        .insert(COLLECTED.to_owned(), dataset(&project.settings));
}

/// The entity whose key flags split the experiment by; else all that the project has.
fn entities(project: &Project, experiment: &str) -> Vec<String> {
    let by: BTreeSet<&str> = (project.flags.values().flat_map(|f| &f.rules))
        .filter(|rule| matches!(&rule.serve, Serve::Split(split) if split.experiment.as_deref() == Some(experiment)))
        .map(|rule| rule.by.as_str())
        .collect();
    let all = || {
        (project.semantic_models.values().flat_map(|m| &m.entities)).filter(|e| e.entity_type != EntityType::Natural)
    };
    let names = |hashed: bool| -> Vec<String> {
        let found: BTreeSet<&String> = all()
            .filter(|e| !hashed || by.contains(e.name.as_str()) || by.contains(e.expr.as_str()))
            .map(|e| &e.name)
            .collect();
        found.into_iter().cloned().collect()
    };
    let hashed = names(true);
    if hashed.len() == 1 { hashed } else { names(false) }
}

/// Whether a flag assigns the units of an experiment.
pub(crate) fn flag_driven(project: &Project, experiment: &str) -> bool {
    let splits =
        |serve: &Serve| matches!(serve, Serve::Split(split) if split.experiment.as_deref() == Some(experiment));
    project
        .flags
        .values()
        .flat_map(|f| &f.rules)
        .any(|rule| splits(&rule.serve))
}

impl Exposures {
    /// A key of another table, comparable with the unit: units of collected exposures are text.
    pub fn as_unit(&self, key: String, column: &str, dataset: &Dataset) -> String {
        let name = column.trim().trim_matches('"');
        let is_text = || {
            dataset
                .columns
                .iter()
                .any(|c| c.name.eq_ignore_ascii_case(name) && c.logical_type == "string")
        };
        if self.dataset != COLLECTED || dataset.meta.name == COLLECTED || is_text() {
            return key;
        }
        format!("CAST({key} AS VARCHAR)")
    }
}
