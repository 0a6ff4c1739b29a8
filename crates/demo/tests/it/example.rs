//! The definition project parses without a single problem, names what the data hold, and is carried whole.

use std::collections::BTreeSet;

use steward_definitions::{Project, Source};

use crate::table::shared;

fn project() -> Project {
    let sources: Vec<Source> = steward_demo::project_files()
        .iter()
        .map(|(path, text)| Source {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        })
        .collect();
    let (project, problems) = Project::parse(&sources);
    let all: Vec<String> = problems.iter().map(|p| format!("{p:?}")).collect();
    assert!(all.is_empty(), "{}", all.join("\n"));
    project
}

#[test]
fn the_project_has_no_problem() {
    let project = project();
    assert_eq!(project.settings.name, "Larkspur");
    assert_eq!(project.settings.people.len(), 14);
    assert_eq!(project.experiments.len(), 9);
    assert_eq!(project.initiatives.len(), 11);
    assert!(project.metrics.len() >= 25 && project.semantic_models.len() >= 7);
    assert!(project.objectives.len() >= 4 && project.bets.len() >= 4 && project.reports.len() == 1);
}

#[test]
fn every_table_has_a_contract_with_its_columns() {
    let project = project();
    let made = shared();
    let tables: BTreeSet<&str> = made
        .summary
        .tables
        .iter()
        .filter(|t| !t.truth && !t.name.contains("/events/"))
        .map(|t| t.name.as_str())
        .collect();
    let contracts: BTreeSet<&str> = project
        .datasets
        .keys()
        .map(String::as_str)
        .filter(|d| *d != "event_feed")
        .collect();
    assert_eq!(tables, contracts);
    for (name, dataset) in &project.datasets {
        let path = if name == "event_feed" {
            "landing/events/2025-12-31"
        } else {
            name
        };
        let promised: Vec<&str> = dataset.columns.iter().map(|c| c.name.as_str()).collect();
        let table = made.data(path);
        assert_eq!(promised, table.names(), "{name}");
        for column in dataset.columns.iter().filter(|c| c.required) {
            assert!(
                table.nulls(&column.name).iter().all(|null| !null),
                "nulls in {name}.{}",
                column.name
            );
        }
    }
}

#[test]
fn the_project_is_carried_whole() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/larkspur");
    for (path, text) in steward_demo::project_files() {
        assert_eq!(*text, std::fs::read_to_string(root.join(path)).unwrap(), "{path}");
    }
    let folders: BTreeSet<&str> = steward_demo::project_files()
        .iter()
        .filter_map(|(path, _)| path.split_once('/'))
        .map(|(folder, _)| folder)
        .collect();
    let wanted = [
        "bets",
        "bills",
        "budgets",
        "contracts",
        "datasets",
        "experiments",
        "initiatives",
        "metrics",
        "objectives",
        "questions",
        "reports",
        "teams",
    ];
    assert_eq!(folders, BTreeSet::from(wanted));
}
