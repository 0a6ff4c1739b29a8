//! The project that the product ships with has no problem at all.

use std::path::{Path, PathBuf};

use steward_definitions::{Project, Source};

fn folder(path: &Path, root: &Path, sources: &mut Vec<Source>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() {
            folder(&entry, root, sources);
        } else if entry.extension().is_some_and(|e| e == "yaml" || e == "md") {
            let path = entry.strip_prefix(root).unwrap().to_string_lossy().replace('\\', "/");
            sources.push(Source {
                path,
                text: std::fs::read_to_string(&entry).unwrap(),
            });
        }
    }
}

#[test]
fn larkspur_is_without_problems() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/larkspur");
    let mut sources = Vec::new();
    folder(&root, &root, &mut sources);
    assert!(sources.len() > 40, "{}", sources.len());
    let (project, problems) = Project::parse(&sources);
    let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(shown.is_empty(), "{}", shown.join("\n"));
    assert_eq!(
        (project.experiments.len(), project.objectives.len(), project.bets.len()),
        (9, 4, 6)
    );
    assert_eq!(project.datasets["orders"].meta.owner, "sofia");
}
