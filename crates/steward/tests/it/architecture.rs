//! The walls of ARCHITECTURE.md, held against what each crate's manifest says it uses.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn crates() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Names under `[dependencies]` of a crate's manifest; development dependencies do not count.
fn uses(name: &str) -> BTreeSet<String> {
    let text = std::fs::read_to_string(crates().join(name).join("Cargo.toml")).unwrap();
    let mut inside = false;
    let mut found = BTreeSet::new();
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line == "[dependencies]";
        } else if inside && let Some(end) = line.find(['.', ' ', '=']) {
            found.insert(line[..end].to_string());
        }
    }
    found
}

#[test]
fn a_crate_uses_only_what_stands_below_it() {
    let allowed: [(&str, &[&str]); 11] = [
        ("definitions", &[]),
        ("stats", &[]),
        ("compute", &["stats", "definitions"]),
        ("ledger", &["stats", "definitions"]),
        ("facts", &["stats", "definitions"]),
        ("runs", &["stats", "definitions"]),
        ("artifacts", &["stats", "definitions"]),
        ("engines", &["compute", "stats", "definitions"]),
        (
            "capabilities",
            &[
                "compute",
                "ledger",
                "facts",
                "runs",
                "artifacts",
                "stats",
                "definitions",
            ],
        ),
        (
            "server",
            &[
                "capabilities",
                "compute",
                "ledger",
                "facts",
                "runs",
                "artifacts",
                "stats",
                "definitions",
            ],
        ),
        ("demo", &["stats"]),
    ];
    for (name, below) in allowed {
        for used in uses(name) {
            if let Some(inner) = used.strip_prefix("steward-") {
                assert!(
                    below.contains(&inner),
                    "crates/{name} uses steward-{inner}, which does not stand below it"
                );
            }
        }
    }
}

#[test]
fn the_ground_and_compute_know_no_runtime() {
    for name in ["definitions", "stats", "compute"] {
        for used in uses(name) {
            let bad = ["tokio", "futures", "axum", "sqlx", "datafusion", "object_store", "rand"];
            assert!(!bad.contains(&used.as_str()), "crates/{name} uses {used}");
        }
    }
}

#[test]
fn what_belongs_to_one_crate_stays_there() {
    let homes: [(&str, &[&str]); 7] = [
        ("datafusion", &["engines"]),
        ("adbc_core", &["engines"]),
        ("adbc_driver_manager", &["engines"]),
        ("axum", &["server"]),
        ("maud", &["server"]),
        ("sqlx", &["ledger", "runs"]),
        ("object_store", &["artifacts"]),
    ];
    let all = [
        "definitions",
        "stats",
        "compute",
        "ledger",
        "facts",
        "runs",
        "artifacts",
        "engines",
        "capabilities",
        "server",
        "steward",
        "demo",
    ];
    for (library, homes) in homes {
        let users: Vec<&str> = all.into_iter().filter(|name| uses(name).contains(library)).collect();
        assert_eq!(users, homes, "{library} belongs in crates/{homes:?}");
    }
}
