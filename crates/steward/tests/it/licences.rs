//! Every dependency's licence is one that `deny.toml` allows. `cargo deny check` says more (advisories, sources);
//! this holds without it and without a network.

#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

/// Whether an SPDX expression can be met with the allowed licences. `/` is the old way to write OR.
fn permitted(expression: &str, allowed: &BTreeSet<String>) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let (verdict, rest) = any_of(&words, allowed);
    verdict && rest.is_empty()
}

fn any_of<'w>(words: &'w [&'w str], allowed: &BTreeSet<String>) -> (bool, &'w [&'w str]) {
    let (mut verdict, mut rest) = all_of(words, allowed);
    while let ["OR", tail @ ..] = rest {
        let (next, after) = all_of(tail, allowed);
        verdict |= next;
        rest = after;
    }
    (verdict, rest)
}

fn all_of<'w>(words: &'w [&'w str], allowed: &BTreeSet<String>) -> (bool, &'w [&'w str]) {
    let (mut verdict, mut rest) = one(words, allowed);
    while let ["AND", tail @ ..] = rest {
        let (next, after) = one(tail, allowed);
        verdict &= next;
        rest = after;
    }
    (verdict, rest)
}

fn one<'w>(words: &'w [&'w str], allowed: &BTreeSet<String>) -> (bool, &'w [&'w str]) {
    match words {
        ["(", inner @ ..] => {
            let (verdict, rest) = any_of(inner, allowed);
            (verdict, rest.strip_prefix(&[")"]).unwrap_or(rest))
        }
        [licence, "WITH", exception, rest @ ..] => (allowed.contains(&format!("{licence} WITH {exception}")), rest),
        [licence, rest @ ..] => (allowed.contains(*licence), rest),
        [] => (false, words),
    }
}

#[test]
fn expressions_are_read_as_spdx_means_them() {
    let allowed: BTreeSet<String> = ["MIT", "ISC", "Apache-2.0 WITH LLVM-exception"]
        .map(String::from)
        .into();
    for yes in [
        "MIT",
        "MIT/GPL-3.0",
        "GPL-3.0 OR ISC",
        "(GPL-3.0 OR MIT) AND ISC",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(permitted(yes, &allowed), "{yes}");
    }
    for no in [
        "GPL-3.0",
        "MIT AND GPL-3.0",
        "Apache-2.0",
        "(MIT OR ISC) AND GPL-3.0",
        "",
    ] {
        assert!(!permitted(no, &allowed), "{no}");
    }
}

#[test]
fn every_dependency_has_an_allowed_licence() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let deny = std::fs::read_to_string(root.join("deny.toml")).unwrap();
    let list = deny.split_once("allow = [").unwrap().1.split_once(']').unwrap().0;
    let allowed: BTreeSet<String> = list.split('"').skip(1).step_by(2).map(String::from).collect();
    let host = Command::new("rustc").arg("-vV").output().unwrap().stdout;
    let host = String::from_utf8(host).unwrap();
    let triple = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap();
    let output = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--format-version",
            "1",
            "--locked",
            "--offline",
            "--filter-platform",
            triple,
        ])
        .current_dir(&root)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    let used: BTreeSet<&str> = metadata["resolve"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|n| n["id"].as_str().unwrap())
        .collect();
    assert!(used.len() > 100, "only {} packages were seen", used.len());
    let refused: Vec<String> = metadata["packages"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|package| used.contains(package["id"].as_str().unwrap()))
        .filter(|package| !permitted(package["license"].as_str().unwrap_or(""), &allowed))
        .map(|package| format!("{} {} ({})", package["name"], package["version"], package["license"]))
        .collect();
    assert!(refused.is_empty(), "deny.toml allows none of these: {refused:#?}");
}
