//! YAML that means harm, or was cut off: a clear answer in little time, and never a panic.

use std::fmt::Write as _;
use std::time::Instant;

use steward_definitions::yaml::{self, Value};
use steward_definitions::{Project, Source};

use crate::support::{CONTRACT, EXPERIMENT, METRICS, SETTINGS};

fn problems(text: &str) -> Vec<String> {
    yaml::parse("a.yaml", text).1.iter().map(ToString::to_string).collect()
}

fn first(text: &str) -> String {
    problems(text).into_iter().next().unwrap_or_default()
}

#[test]
fn bombs_are_refused_in_no_time() {
    let started = Instant::now();
    let mut bomb = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n");
    for level in 1..20 {
        let alias = format!("*a{}", level - 1);
        let _ = writeln!(bomb, "a{level}: &a{level} [{}]", vec![alias; 10].join(", "));
    }
    assert!(
        first(&bomb).contains("error[yaml-limit]: the file unfolds to more than 200000 values"),
        "{}",
        first(&bomb)
    );
    let mut chain = String::from("a0: &a0 [x]\n");
    for level in 1..2_000 {
        let _ = writeln!(chain, "a{level}: &a{level} [*a{}]", level - 1);
    }
    assert!(first(&chain).contains("error[yaml-limit]: values are nested more than 64 levels deep"));
    let nested = "&a [".repeat(60) + &"x,".repeat(100_000);
    assert!(!problems(&nested).is_empty());
    for open in ["[", "{a: ", "- ", "? "] {
        assert!(!problems(&open.repeat(50_000)).is_empty(), "{open}");
    }
    let mut keys = String::new();
    for key in 0..50_000 {
        let _ = writeln!(keys, "k{key}: 1");
    }
    assert!(problems(&keys).is_empty());
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}

#[test]
fn anchors_and_merge_keys_work() {
    let (documents, problems) = yaml::parse(
        "a.yaml",
        "base: &b {x: 1, y: 2}\none: {<<: *b, y: 3}\ntwo: {<<: [{x: 9}, *b]}\nquoted: {'<<': 1}\n",
    );
    assert!(problems.is_empty());
    let number = |path: [&str; 2]| documents[0].get(path[0]).unwrap().get(path[1]).unwrap().value.clone();
    assert_eq!(
        (number(["one", "x"]), number(["one", "y"])),
        (Value::Int(1), Value::Int(3))
    );
    assert_eq!(
        (number(["two", "x"]), number(["two", "y"])),
        (Value::Int(9), Value::Int(2))
    );
    assert_eq!(number(["quoted", "<<"]), Value::Int(1));
    assert_eq!(
        first("a: {<<: 3}"),
        "a.yaml:1:5: error[yaml-merge]: `<<` takes a map or a list of maps, not the number `3`"
    );
    assert!(first("a: &a [*a]").contains("error[yaml-alias]"));
    assert!(first("a: *none").contains("error[yaml-syntax]"));
}

#[test]
fn places_and_refusals() {
    assert_eq!(
        first("a: 1\nb: 2\na: 3\n"),
        "a.yaml:3:1: error[duplicate-key]: the key `a` is given twice; it is first given at line 1, column 1; keep one of them"
    );
    assert!(
        first("a:\n\t- b\n").ends_with("YAML is indented with spaces, not with tabs"),
        "{}",
        first("a:\n\t- b\n")
    );
    assert_eq!(
        first("a: b\0c: d"),
        "a.yaml:1:5: error[yaml-character]: the character U+0000 is not allowed in YAML; remove it, or write it as an escape in double quotes"
    );
    assert!(first("[a]: 1").contains("error[yaml-key]"));
    assert!(first("a: !secret x").contains("error[yaml-tag]"));
    assert!(first("a: !!int x").contains("error[yaml-tag]"));
    assert!(first("a: b: c").starts_with("a.yaml:1:") && first("a: [1").contains("yaml-syntax"));
    // A byte order mark and Windows line ends change nothing.
    let (documents, problems) = yaml::parse(
        "a.yaml",
        "\u{feff}a: 1\r\nb: |\r\n  x\r\n  y\r\n---\r\nc: ü # note\r\nd: 1\r\n...\r\n---\r\n# nothing\r\n",
    );
    assert!(problems.is_empty());
    assert_eq!(documents.len(), 2);
    assert_eq!(documents[0].get("b").unwrap().as_str(), Some("x\ny\n"));
    assert_eq!(
        (
            documents[1].entries()[1].place.line,
            documents[1].entries()[1].place.column
        ),
        (7, 1)
    );
}

/// Counter-based noise, the same on every machine.
fn noise(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[test]
fn mutilated_projects_never_panic() {
    let report = "---\nreport: r\n---\n# T\n```metric\nmetric: visit_rate\n```\n```sql\nselect 1\n```\n";
    let objective = "objective: o\nperiod: 2025-Q4\nkey_results: [{metric: visit_rate, target: 0.2}]\n";
    let bet =
        "bet: b\ninitiative: i\nmetric: visit_rate\nprobability: 0.3\neffect: {p10: 1, p50: 2, p90: 3}\ncost: 3.5\n";
    let initiative = "initiative: i\nobjectives: [o]\neffort_weeks: [1, 2, 3]\nteam: [mara]\n";
    let good = [
        ("steward.yaml", SETTINGS),
        ("datasets/d.yaml", CONTRACT),
        ("metrics/m.yaml", METRICS),
        ("experiments/e.yaml", EXPERIMENT),
        ("objectives/o.yaml", objective),
        ("bets/b.yaml", bet),
        ("initiatives/i.yaml", initiative),
        ("reports/r.md", report),
    ];
    let snippets = [
        "\n",
        ":",
        " ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        "&a ",
        "*a",
        "<<: ",
        "\t",
        "'",
        "\"",
        "|",
        "---\n",
        "null",
        "-1",
        "1e999",
        "é",
        "💥",
        "%",
        "#",
        "```",
        "\0",
        "\u{feff}",
        "0",
        ".",
        "2025-13-45",
    ];
    let mut refused = 0;
    for round in 0..1_500u64 {
        let sources: Vec<Source> = good
            .iter()
            .enumerate()
            .map(|(index, (path, text))| {
                let mut chars: Vec<char> = text.chars().collect();
                for step in 0..=(round % 4) {
                    let draw = noise(round * 64 + (index as u64) * 8 + step);
                    let at = (draw % (chars.len() as u64 + 1)) as usize;
                    match (draw >> 32) % 4 {
                        0 => chars.truncate(at),
                        1 => drop(chars.drain(at..(at + 5).min(chars.len()))),
                        _ => drop(chars.splice(at..at, snippets[(draw >> 40) as usize % snippets.len()].chars())),
                    }
                }
                Source {
                    path: (*path).to_owned(),
                    text: chars.into_iter().collect(),
                }
            })
            .collect();
        let (_, problems) = Project::parse(&sources);
        refused += u64::from(!problems.is_empty());
        for problem in &problems {
            assert!(!problem.message.is_empty() && !problem.code.is_empty() && !problem.span.file.is_empty());
        }
    }
    assert!(refused > 1_200, "{refused}");
}
