//! The calculator through the command line.
#![allow(clippy::unwrap_used)]

use std::io::Write;
use std::process::{Command, Output, Stdio};

fn steward(arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_steward"))
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A command that never reads closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    child.wait_with_output().unwrap()
}

fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn answers_refusals_and_errors_have_their_exit_codes() {
    // scipy 1.17.1: ttest_ind_from_stats(6, 2, 100, 5, 2, 80, equal_var=False).
    let good = r#"{"control": {"n": 80, "mean": 5, "sd": 2}, "treatment": {"n": 100, "mean": 6, "sd": 2}}"#;
    let answer = steward(&["stats", "welch_t"], good);
    assert_eq!(answer.status.code(), Some(0));
    let p = json(&answer)["absolute"]["p"].as_f64().unwrap();
    assert!((p - 0.001_053_883_937_654_756_8).abs() < 1e-15, "{p}");

    let one = steward(
        &["stats", "welch_t"],
        r#"{"control": {"values": [1]}, "treatment": {"values": [1, 2]}}"#,
    );
    assert_eq!(one.status.code(), Some(1));
    assert_eq!(json(&one)["not_estimable"]["reason"], "too_few");

    let malformed = steward(&["stats", "welch_t"], r#"{"control": {"values": [1, "x"]}}"#);
    assert_eq!(malformed.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&malformed.stderr).contains("$.control.values[1]"));

    let unknown = steward(&["stats", "wlech_t"], "{}");
    assert_eq!(unknown.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("welch_t"));
}

#[test]
fn the_list_gives_both_schemas() {
    let list = json(&steward(&["stats", "--list"], ""));
    let methods = list.as_array().unwrap();
    assert!(methods.iter().any(|m| m["name"] == "srm"));
    for method in methods {
        assert!(
            method["input"]["properties"].is_object() && method["output"]["oneOf"].is_array(),
            "{method}"
        );
    }
}
