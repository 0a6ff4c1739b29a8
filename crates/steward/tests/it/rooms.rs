//! The walls between rooms: who may call whom, and only by the front door.

#![allow(clippy::unwrap_used)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Every call from one room to another. A new edge is a decision about the house: add it here and in
/// ARCHITECTURE.md, in the same commit as the code that needs it.
const EDGES: &[(&str, &[&str])] = &[
    ("bandits", &["experiments"]),
    ("calculator", &[]),
    ("experiments", &[]),
    ("exposures", &[]),
    ("finance", &[]),
    ("flags", &["bandits", "experiments", "governance"]),
    ("governance", &["experiments", "finance", "portfolio", "quality"]),
    ("metrics", &[]),
    ("onboarding", &["quality"]),
    ("people", &["governance", "metrics"]),
    (
        "pipelines",
        &["experiments", "flags", "portfolio", "quality", "reports"],
    ),
    ("portfolio", &["experiments", "metrics"]),
    ("programme", &["experiments", "governance"]),
    ("quality", &[]),
    ("registry", &[]),
    (
        "reports",
        &["experiments", "finance", "governance", "metrics", "portfolio"],
    ),
    ("roadmap", &["experiments", "metrics", "value"]),
    ("tracking", &[]),
    (
        "value",
        &["experiments", "governance", "metrics", "portfolio", "programme"],
    ),
];

fn source(of: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(of).join("src")
}

/// Every Rust file under a folder with its text, comments left out.
fn files(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            let text = std::fs::read_to_string(&path).unwrap();
            let code: Vec<&str> = text
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
                .collect();
            found.push((path, code.join("\n")));
        }
    }
    found
}

/// The rooms that exist: the folders of the capabilities crate.
fn rooms() -> BTreeSet<String> {
    std::fs::read_dir(source("capabilities"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect()
}

/// What follows each `crate::` in a text: the first name of every path, those of `crate::{a, b::c}` included.
fn crate_paths(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, mark) in code.match_indices("crate::") {
        let rest = &code[at + mark.len()..];
        match rest.strip_prefix('{') {
            Some(list) => {
                let mut depth = 1;
                let mut item = String::new();
                for c in list.chars() {
                    match c {
                        '{' => depth += 1,
                        '}' => depth -= 1,
                        _ => {}
                    }
                    if depth == 0 || (depth == 1 && c == ',') {
                        found.push(std::mem::take(&mut item).trim().to_string());
                    } else {
                        item.push(c);
                    }
                    if depth == 0 {
                        break;
                    }
                }
            }
            None => {
                found.push(
                    rest.chars()
                        .take_while(|c| c.is_alphanumeric() || "_:".contains(*c))
                        .collect(),
                );
            }
        }
    }
    found
}

#[test]
fn rooms_call_each_other_along_listed_edges_only() {
    let rooms = rooms();
    let allowed: BTreeMap<&str, BTreeSet<&str>> = EDGES
        .iter()
        .map(|(from, to)| (*from, to.iter().copied().collect()))
        .collect();
    assert_eq!(
        rooms.iter().map(String::as_str).collect::<Vec<_>>(),
        allowed.keys().copied().collect::<Vec<_>>(),
        "every room has its line in EDGES"
    );
    let mut walked: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (from, to) in &allowed {
        for (path, code) in files(&source("capabilities").join(from)) {
            for reached in crate_paths(&code) {
                let room = reached.split("::").next().unwrap().to_string();
                if room == *from || !rooms.contains(&room) {
                    continue;
                }
                assert!(
                    to.contains(room.as_str()),
                    "{}: `{from}` calls `{room}`, an edge that EDGES does not list",
                    path.display()
                );
                walked.entry(from).or_default().insert(room);
            }
        }
    }
    for (from, to) in &allowed {
        let used = walked.remove(from).unwrap_or_default();
        let idle: Vec<_> = to.iter().filter(|room| !used.contains(**room)).collect();
        assert!(
            idle.is_empty(),
            "`{from}` no longer calls {idle:?}: take the edge out of EDGES"
        );
    }
}

#[test]
fn no_two_rooms_need_each_other() {
    let edges: BTreeMap<&str, &[&str]> = EDGES.iter().copied().collect();
    fn reaches<'a>(from: &'a str, edges: &BTreeMap<&'a str, &'a [&'a str]>, seen: &mut BTreeSet<&'a str>) {
        for next in edges[from] {
            if seen.insert(next) {
                reaches(next, edges, seen);
            }
        }
    }
    for (room, _) in EDGES {
        let mut seen = BTreeSet::new();
        reaches(room, &edges, &mut seen);
        assert!(!seen.contains(room), "`{room}` reaches itself through {seen:?}");
    }
}

#[test]
fn a_room_is_entered_through_its_front_door() {
    for room in rooms() {
        let door = std::fs::read_to_string(source("capabilities").join(&room).join("mod.rs")).unwrap();
        let open: Vec<&str> = door.lines().filter(|line| line.starts_with("pub mod")).collect();
        assert!(
            open.is_empty(),
            "{room}/mod.rs opens {open:?}: re-export what others need instead"
        );
    }
}

#[test]
fn the_ground_and_compute_touch_no_world() {
    let forbidden = [
        "std::fs",
        "std::net::Tcp",
        "std::net::Udp",
        "SystemTime",
        "Instant::now",
        "std::env",
        "tokio::",
    ];
    for of in ["definitions", "stats", "compute"] {
        for (path, code) in files(&source(of)) {
            for word in forbidden {
                assert!(!code.contains(word), "{}: `{word}` belongs above {of}", path.display());
            }
        }
    }
}
