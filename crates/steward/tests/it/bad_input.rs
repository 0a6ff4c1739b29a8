//! What is wrong is said with its place and its remedy, with the right exit code, and nothing is lost.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::net::TcpListener;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{Answer, Folder};

const CONTRACT: &str = "\
apiVersion: v3.1.0
kind: DataContract
id: trial
name: Trial
version: 1.0.0
status: active
team:
  name: crm
  members:
    - {username: ada, role: owner}
servers:
  - {server: project, type: local, path: data/trial.csv, format: csv}
schema:
  - name: trial
    logicalType: object
    physicalType: file
    properties:
      - {name: unit, logicalType: integer, required: true}
      - {name: arm, logicalType: string, required: true}
      - {name: ordered, logicalType: integer}
      - {name: spend, logicalType: number}
";

const METRICS: &str = "\
semantic_models:
  - name: trial
    model: ref('trial')
    entities: [{name: customer, type: primary, expr: unit}]
    dimensions: [{name: arm, type: categorical}]
    measures:
      - {name: ordered, agg: sum, expr: ordered}
      - {name: spend, agg: sum, expr: spend}
metrics:
  - {name: ordered, label: Ordered, type: simple, type_params: {measure: ordered}}
  - {name: spend, label: Spend, type: simple, type_params: {measure: spend}}
";

const EXPERIMENT: &str = "\
experiment: trial
owner: ada
exposures:
  dataset: trial
  unit: unit
  entity: customer
  variant: arm
variants:
  - {name: a, control: true}
  - {name: b}
metrics:
  primary: [ordered]
  secondary: [spend]
";

/// 200 units an arm: 50 of a and 80 of b ordered; a spends 10 or 12, b 11 or 13.
fn rows(value: impl Fn(usize, bool) -> (i32, f64)) -> String {
    let mut text = String::from("unit,arm,ordered,spend\n");
    for unit in 0..400 {
        let b = unit % 2 == 1;
        let (ordered, spend) = value(unit / 2, b);
        let _ = writeln!(text, "{unit},{},{ordered},{spend:?}", if b { "b" } else { "a" });
    }
    text
}

fn usual(within: usize, b: bool) -> (i32, f64) {
    let ordered = within < if b { 80 } else { 50 };
    (
        i32::from(ordered),
        10.0 + f64::from(u8::from(b)) + 2.0 * (within % 2) as f64,
    )
}

/// A small project in which nothing is wrong.
pub fn shop() -> Folder {
    let folder = Folder::new();
    folder
        .write(
            "steward.yaml",
            "project: shop\nowner: ada\nas_of: 2025-06-01T00:00:00Z\n",
        )
        .write("datasets/trial.yaml", CONTRACT)
        .write("metrics/trial.yaml", METRICS)
        .write("experiments/trial.yaml", EXPERIMENT)
        .write("data/trial.csv", rows(usual));
    folder
}

fn events(folder: &Folder) -> u64 {
    let verified = folder.steward(&["ledger", "verify", "--json"]).exits(0).json();
    verified["events"].as_u64().unwrap()
}

/// The definitions are refused by `check` with this code at this place, and by whatever would use them.
#[track_caller]
fn refused(folder: &Folder, code: &str, place: &str, says: &[&str]) {
    let found = folder.steward(&["check", "--json"]).exits(1).json();
    assert_eq!(found["ok"], false);
    let all = found["diagnostics"].as_array().unwrap();
    let one = all
        .iter()
        .find(|d| d["code"] == code)
        .unwrap_or_else(|| panic!("no {code}: {all:#?}"));
    let span = &one["span"];
    let at = format!("{}:{}", span["file"].as_str().unwrap(), span["line"]);
    assert_eq!(at, place);
    folder.steward(&["check"]).exits(1).says(&[place]).says(says);
    for command in [&["apply", "-m", "x"][..], &["run"], &["query", "--metrics", "spend"]] {
        folder.steward(command).exits(1).says(&[place, "nothing was done"]);
    }
    assert!(!folder.at(".steward/ledger.db").exists(), "a ledger was begun");
}

#[test]
fn malformed_yaml() {
    let folder = shop();
    folder.write("experiments/bad.yaml", "experiment: [a\nowner: {");
    refused(
        &folder,
        "yaml-syntax",
        "experiments/bad.yaml:2",
        &["not YAML", "quotes"],
    );
    // Every problem is told at once.
    folder.write("experiments/worse.yaml", "experiment: x\nownr: ada\n");
    folder
        .steward(&["check"])
        .exits(1)
        .says(&["experiments/bad.yaml:2", "did you mean `owner`?"]);
    // Not even text.
    folder.write("experiments/worst.yaml", b"experiment: x\nowner: \xff\xfe");
    folder
        .steward(&["check"])
        .exits(1)
        .says(&["experiments/worst.yaml:2", "UTF-8"]);
}

#[test]
fn duplicate_names() {
    let folder = shop();
    folder.write("experiments/again.yaml", EXPERIMENT);
    refused(
        &folder,
        "duplicate-name",
        "experiments/trial.yaml:1",
        &["experiments/again.yaml:1", "rename"],
    );
}

#[test]
fn a_metric_made_of_itself() {
    let folder = shop();
    folder.write(
        "metrics/trial.yaml",
        format!(
            "{METRICS}\
             \x20 - {{name: x, label: X, type: derived, type_params: {{expr: y + 1, metrics: [y]}}}}\n\
             \x20 - {{name: y, label: Y, type: derived, type_params: {{expr: x + 1, metrics: [x]}}}}\n"
        ),
    );
    refused(&folder, "metric-cycle", "metrics/trial.yaml:12", &["x → y → x"]);
}

#[test]
fn a_metric_over_a_missing_column() {
    let folder = shop();
    folder.write("metrics/trial.yaml", METRICS.replace("expr: spend", "expr: spends"));
    refused(
        &folder,
        "unknown-column",
        "metrics/trial.yaml:8",
        &["spends", "did you mean `spend`?"],
    );
}

#[test]
fn an_experiment_with_one_variant() {
    let folder = shop();
    folder.write("experiments/trial.yaml", EXPERIMENT.replace("  - {name: b}\n", ""));
    refused(
        &folder,
        "too-few-variants",
        "experiments/trial.yaml:9",
        &["1 variant", "at least two"],
    );
}

#[test]
fn a_path_outside_the_project() {
    for outside in ["../elsewhere/trial.csv", "/etc/passwd"] {
        let folder = shop();
        folder.write("datasets/trial.yaml", CONTRACT.replace("data/trial.csv", outside));
        refused(
            &folder,
            "path-outside",
            "datasets/trial.yaml:12",
            &[outside, "allow_outside"],
        );
    }
}

/// The data file cannot be read: every question about it says why, and nothing else fails.
#[track_caller]
fn unreadable(folder: &Folder, file: &str, says: &[&str]) {
    // The definitions are right, whatever the data are.
    folder.steward(&["check"]).exits(0);
    folder.steward(&["apply", "-m", "first"]).exits(0);
    for command in [
        &["query", "--metrics", "spend"][..],
        &["experiment", "readout", "trial"],
        &["dataset", "check", "trial"],
    ] {
        let answer = folder.steward(command).exits(3);
        let error = answer.err.lines().find(|l| l.starts_with("error:")).unwrap();
        assert!(error.contains(file), "{error}");
        for part in says {
            assert!(error.contains(part), "no `{part}` in {error}");
        }
        assert_eq!(answer.out, "");
    }
    let summary = folder.steward(&["run", "--json"]).exits(1).json();
    assert_eq!(summary["failed"], 2);
    assert!(summary["items"][0]["message"].as_str().unwrap().contains(says[0]));
    folder.steward(&["dataset", "list"]).exits(0).says(says);
    assert_eq!(events(folder), 1);
    // Mended, it is computed.
    folder
        .write("datasets/trial.yaml", CONTRACT)
        .write("data/trial.csv", rows(usual));
    folder.steward(&["run"]).exits(0);
}

#[test]
fn an_empty_parquet_file_and_one_cut_off() {
    let contract = CONTRACT.replace("data/trial.csv, format: csv", "data/trial.parquet, format: parquet");
    let folder = shop();
    folder
        .write("datasets/trial.yaml", &contract)
        .write("data/trial.parquet", b"");
    unreadable(&folder, "trial.parquet", &["empty (0 bytes)"]);
    // Half of a file that was whole: the engine's own copy of the CSV.
    let typed = folder.at(".steward/cache/typed");
    let whole = std::fs::read_dir(&typed)
        .unwrap()
        .map(|e| std::fs::read(e.unwrap().path()).unwrap())
        .find(|bytes| bytes.starts_with(b"PAR1"))
        .unwrap();
    let folder = shop();
    folder
        .write("datasets/trial.yaml", &contract)
        .write("data/trial.parquet", &whole[..whole.len() / 2]);
    unreadable(
        &folder,
        "trial.parquet",
        &["not a whole Parquet file", "write it again"],
    );
}

#[test]
fn ragged_rows_and_a_missing_file() {
    let folder = shop();
    let text = rows(usual);
    let mut lines: Vec<&str> = text.lines().collect();
    lines[6] = "5,b";
    folder.write("data/trial.csv", lines.join("\n"));
    unreadable(&folder, "trial.csv", &["line 7 has 2 fields", "header has 4"]);
    let folder = shop();
    std::fs::remove_file(folder.at("data/trial.csv")).unwrap();
    unreadable(&folder, "trial.csv", &["no such file"]);
}

fn readout(folder: &Folder) -> Value {
    folder
        .steward(&["experiment", "readout", "trial", "--json"])
        .exits(0)
        .json()
}

#[track_caller]
fn near(value: &Value, expected: f64) {
    let found = value.as_f64().unwrap_or_else(|| panic!("{value} is no number"));
    assert!((found - expected).abs() < 1e-9, "{found}, not {expected}");
}

#[test]
fn a_unit_in_two_variants_is_left_out_and_told() {
    let folder = shop();
    folder.write(
        "data/trial.csv",
        format!("{}0,b,1,50.0\n2,b,0,50.0\n900,c,0,1.0\n", rows(usual)),
    );
    let readout = readout(&folder);
    let health = &readout["health"];
    assert_eq!(health["units_in_several_variants"], 2);
    assert_eq!(health["units"], 398);
    let codes: Vec<&str> = health["problems"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p["code"].as_str().unwrap())
        .collect();
    assert!(codes.contains(&"several-variants"), "{codes:?}");
    // Units 0 and 2 of a both ordered: 48 of 198 are left, and 80 of 200.
    near(&readout["metrics"][0]["absolute"]["point"], 0.4 - 48.0 / 198.0);
}

#[test]
fn a_relative_lift_on_a_baseline_of_zero_is_refused_with_its_reason() {
    let folder = shop();
    folder.write(
        "data/trial.csv",
        rows(|within, b| (i32::from(b && within < 80), usual(within, b).1)),
    );
    let all = readout(&folder);
    let metric = &all["metrics"][0];
    near(&metric["absolute"]["point"], 0.4);
    assert_eq!(metric["relative"]["not_estimable"]["reason"], "zero_baseline");
    assert!(
        metric["relative"]["not_estimable"]["fix"]
            .as_str()
            .unwrap()
            .contains("absolute")
    );
    folder
        .steward(&["experiment", "readout", "trial"])
        .exits(0)
        .says(&["not estimable: the control is 0"]);
}

#[test]
fn a_negative_baseline_keeps_the_sign_of_the_lift() {
    let folder = shop();
    // Losses of 11 on average become losses of 10: better by a point, which is 1/11 of the baseline's size.
    folder.write(
        "data/trial.csv",
        rows(|within, b| {
            (
                usual(within, b).0,
                usual(within, false).1 * -1.0 + f64::from(u8::from(b)),
            )
        }),
    );
    let metric = &readout(&folder)["metrics"][1];
    assert_eq!(metric["metric"], "spend");
    near(&metric["absolute"]["point"], 1.0);
    near(&metric["relative"]["point"], 1.0 / 11.0);
    assert!(metric["relative"]["low"].as_f64().unwrap() > 0.0);
}

#[test]
fn an_unwritable_place() {
    // A file in the folder's place stops even the superuser.
    let folder = shop();
    folder.write(".steward", "");
    folder
        .steward(&["apply", "-m", "x"])
        .exits(3)
        .says(&[".steward is a file", "move it away"]);
    folder
        .steward(&["init", "steward.yaml/new"])
        .exits(3)
        .says(&["steward.yaml is a file", "choose another folder"]);
    folder
        .steward(&["demo", "--dir", "steward.yaml/demo", "--no-serve"])
        .exits(3)
        .says(&["steward.yaml is a file"]);
    assert_eq!(std::fs::read_to_string(folder.at(".steward")).unwrap(), "");

    let folder = shop();
    folder.steward(&["apply", "-m", "x"]).exits(0);
    for command in [
        &["ledger", "export", "nowhere/ledger.jsonl"][..],
        &["schema", "--out", "steward.yaml"],
    ] {
        folder.steward(command).exits(3).says(&[command[2]]);
    }
    // A device is not replaced by a file.
    for command in [&["ledger", "export", "/dev/null"][..]] {
        folder.steward(command).exits(2).says(&["/dev/null", "no regular file"]);
    }
    assert!(!Path::new("/dev/null").metadata().unwrap().is_file());
    assert_eq!(events(&folder), 1);
}

#[cfg(unix)]
#[test]
fn a_folder_without_the_right_to_write() {
    use std::os::unix::fs::PermissionsExt;
    let folder = shop();
    let set = |mode: u32| std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
    set(0o555);
    // The superuser may write everywhere.
    let powerful = std::fs::write(folder.at("probe"), "").is_ok();
    if powerful {
        std::fs::remove_file(folder.at("probe")).unwrap();
    } else {
        folder
            .steward(&["apply", "-m", "x"])
            .exits(3)
            .says(&[".steward", "ermission denied", "writable"]);
    }
    set(0o755);
}

/// Runs `steward` where no file may grow beyond so many kibibytes, as on a disk that is full.
#[cfg(unix)]
fn cramped(folder: &Folder, kibibytes: u32, arguments: &[&str]) -> Answer {
    let mut command = Command::new("bash");
    command
        .arg("-c")
        .arg(format!("trap '' XFSZ; ulimit -f {kibibytes}; exec \"$0\" \"$@\""))
        .arg(env!("CARGO_BIN_EXE_steward"))
        .args(arguments)
        .current_dir(folder.path())
        .env("STEWARD_USER", "ada");
    command.output().unwrap().into()
}

#[cfg(unix)]
#[test]
fn a_full_disk() {
    let folder = shop();
    folder.steward(&["apply", "-m", "first"]).exits(0);
    folder.steward(&["run"]).exits(0);
    let decide = ["experiment", "decide", "trial", "ship", "--reason", "More orders"];
    cramped(&folder, 4, &decide).exits(3).says(&["ledger.db", "is safe"]);
    assert_eq!(events(&folder), 1, "what was not acknowledged was kept");
    cramped(&folder, 1, &["ledger", "export", "kept.jsonl"]).exits(3);
    assert!(!folder.at("kept.jsonl").exists());
    let parts = std::fs::read_dir(folder.path()).unwrap();
    let left: Vec<_> = parts
        .map(|e| e.unwrap().file_name().into_string().unwrap())
        .filter(|n| n.ends_with(".part"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
    // With room again, all goes on.
    folder.steward(&decide).exits(0);
    assert_eq!(events(&folder), 2);

    if Path::new("/dev/full").exists() {
        let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let answer: Answer = crate::support::command(folder.path())
            .args(["query", "--metrics", "spend"])
            .stdout(full)
            .output()
            .unwrap()
            .into();
        answer.exits(3).says(&["standard output", "No space left"]);
    }
}

#[test]
fn a_port_in_use() {
    let folder = shop();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    folder
        .steward(&["serve", "--listen", &address])
        .exits(3)
        .says(&[&address, "in use", "--listen"]);
    // Said before the work, not after it.
    folder
        .steward(&["demo", "--dir", "demo", "--listen", &address])
        .exits(3)
        .says(&[&address, "--listen"]);
    assert!(!folder.at("demo").exists());
    folder.steward(&["serve", "--listen", "nowhere"]).exits(2);
}

#[test]
fn a_ledger_that_is_garbage_or_of_a_newer_program() {
    let folder = shop();
    folder.steward(&["apply", "-m", "first"]).exits(0);
    let database = folder.at(".steward/ledger.db");
    for companion in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(folder.at(&format!(".steward/ledger.db{companion}")));
    }
    let garbage = vec![0x5au8; 40_960];
    std::fs::write(&database, &garbage).unwrap();
    for command in [&["ledger", "verify"][..], &["apply", "-m", "x"], &["waiting"]] {
        folder.steward(command).exits(3).says(&["ledger.db"]);
    }
    assert_eq!(
        std::fs::read(&database).unwrap(),
        garbage,
        "a damaged ledger was written to"
    );
    // What needs no ledger works.
    folder.steward(&["check"]).exits(0);

    // A newer format: SQLite's user_version, four bytes at 60 of the first page.
    std::fs::remove_file(&database).unwrap();
    folder.steward(&["apply", "-m", "first"]).exits(0);
    settle(&folder);
    let mut bytes = std::fs::read(&database).unwrap();
    bytes[60..64].copy_from_slice(&999u32.to_be_bytes());
    std::fs::write(&database, &bytes).unwrap();
    for command in [&["ledger", "verify"][..], &["apply", "-m", "x"]] {
        folder.steward(command).exits(3).says(&["999", "newer steward"]);
    }
    assert_eq!(std::fs::read(&database).unwrap()[60..64], 999u32.to_be_bytes());
}

#[test]
fn an_edited_ledger_is_found() {
    let folder = shop();
    folder.steward(&["apply", "-m", "first"]).exits(0);
    folder.steward(&["run"]).exits(0);
    let decide = ["experiment", "decide", "trial", "ship", "--reason", "More orders"];
    folder.steward(&decide).exits(0);
    let head = folder.steward(&["ledger", "verify", "--json"]).exits(0).json()["head"].clone();
    settle(&folder);
    let database = folder.at(".steward/ledger.db");
    let whole = std::fs::read(&database).unwrap();
    let at = find(&whole, b"\"choice\":\"ship\"").unwrap();
    let mut edited = whole.clone();
    edited[at + 10..at + 14].copy_from_slice(b"stop");
    std::fs::write(&database, &edited).unwrap();
    folder
        .steward(&["ledger", "verify"])
        .exits(1)
        .says(&["broken at event 2"]);
    std::fs::write(&database, &whole).unwrap();
    folder
        .steward(&["ledger", "verify", "--head", head.as_str().unwrap()])
        .exits(0);
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|w| w == needle)
}

/// Has everything in the ledger's one file, as after a server that ended.
fn settle(folder: &Folder) {
    crate::serving::Server::start(folder.path()).stop();
}
