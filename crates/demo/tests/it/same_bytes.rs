//! The files depend on seed and scale, not on threads.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::table::{Made, make, shared};

fn digests(made: &Made) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    collect(&made.dir, &made.dir, &mut all);
    all
}

fn collect(root: &Path, dir: &Path, all: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, all);
        } else {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            let digest = Sha256::digest(std::fs::read(&path).unwrap());
            all.insert(name, digest.iter().map(|b| format!("{b:02x}")).collect());
        }
    }
}

#[test]
fn files_are_the_same_for_any_number_of_threads() {
    // Two groups of users, so that two threads race.
    assert!(shared().summary.rows("users").unwrap() > 4_096);
    let (two, one) = (digests(shared()), digests(&make(20_260_101, 0.075, 1)));
    assert!(two.len() > 80, "only {} files", two.len());
    assert_eq!(two, one);
    assert!(
        two.keys().all(|name| name.ends_with(".parquet")),
        "temporary files are left"
    );
}

#[test]
fn another_seed_is_another_world() {
    let (a, b) = (digests(&make(1, 0.004, 1)), digests(&make(2, 0.004, 1)));
    for table in [
        "users",
        "sessions",
        "orders",
        "exposures",
        "tickets",
        "focus_costs",
        "bets",
    ] {
        let name = format!("data/{table}.parquet");
        assert_ne!(a[&name], b[&name], "{table}");
    }
    // What is written down once does not depend on the seed.
    assert_eq!(a["data/contracts.parquet"], b["data/contracts.parquet"]);
}

#[test]
fn progress_runs_from_nothing_to_all() {
    let dir = tempfile::tempdir().unwrap();
    let seen = std::cell::RefCell::new(Vec::new());
    let world = steward_demo::World {
        seed: 3,
        scale: 0.002,
        threads: 2,
    };
    steward_demo::generate(&world, &dir.path().join("d"), &dir.path().join("t"), &|p| {
        seen.borrow_mut().push(p)
    })
    .unwrap();
    let seen = seen.into_inner();
    assert!(
        seen.windows(2)
            .all(|w| w[0].done <= w[1].done && w[0].total == w[1].total)
    );
    assert_eq!(seen.first().unwrap().done, 0);
    assert_eq!(seen.last().unwrap().done, seen.last().unwrap().total);
}
