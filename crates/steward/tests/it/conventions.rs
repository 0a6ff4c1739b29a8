//! What holds for every command, found by walking the commands themselves.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::bad_input::shop;
use crate::serving::Server;
use crate::support::{Folder, command, steward};

/// Every command that can be given, as its words; `help` lists those below each.
fn commands() -> BTreeSet<Vec<String>> {
    let mut found = BTreeSet::from([Vec::new()]);
    let mut waiting = vec![Vec::new()];
    while let Some(words) = waiting.pop() {
        let help = help(&words);
        let below = help.lines().skip_while(|l| *l != "Commands:").skip(1);
        for line in below.take_while(|l| !l.is_empty()) {
            // Continued descriptions are indented further.
            let Some(name) = line.strip_prefix("  ").filter(|l| !l.starts_with(' ')) else {
                continue;
            };
            let name = name.split_whitespace().next().unwrap();
            if name != "help" {
                let mut all: Vec<String> = words.clone();
                all.push(name.to_owned());
                found.insert(all.clone());
                waiting.push(all);
            }
        }
    }
    assert!(found.len() > 35, "{found:?}");
    found
}

fn help(words: &[String]) -> String {
    let mut arguments: Vec<&str> = words.iter().map(String::as_str).collect();
    arguments.push("--help");
    steward(Path::new("."), &arguments).exits(0).out
}

#[test]
fn every_help_has_examples_and_the_first_has_the_exit_codes() {
    for words in commands() {
        let help = help(&words);
        assert!(
            help.contains("Example:\n") || help.contains("Examples:\n"),
            "steward {} --help has no examples:\n{help}",
            words.join(" ")
        );
        assert!(help.contains("--json"), "{words:?}");
    }
    let help = help(&[]);
    for code in [
        "0 done",
        "1 the answer is no",
        "2 the call is wrong",
        "3 the world is broken",
    ] {
        assert!(help.contains(code), "{help}");
    }
}

/// Each command as it may be called in a shop of which E is evidence, and its exit code.
fn calls(evidence: &str) -> Vec<(String, i32)> {
    let calls = [
        ("check", 0),
        ("check --format sarif", 0),
        ("schema", 0),
        ("schema --out schemas", 0),
        ("plan", 0),
        ("apply -m again", 0),
        ("applied", 0),
        ("applied --as-of 2020-01-01", 1),
        ("run", 0),
        ("query --metrics spend", 0),
        ("query --metrics spend --explain", 0),
        ("query --sql SELECT(1)", 0),
        ("metric list", 0),
        ("dataset list", 0),
        ("dataset check trial", 0),
        ("dataset history trial", 0),
        ("experiment list", 0),
        ("experiment readout trial", 0),
        ("experiment interactions", 0),
        ("experiment interactions trial none", 2),
        ("experiment plan trial", 0),
        ("experiment plan trial --register --reason agreed", 0),
        ("experiment decide trial extend --reason more", 0),
        ("bandit list", 0),
        ("bandit update", 0),
        ("flag list", 0),
        ("flag show grow", 0),
        ("flag eval grow --explain", 0),
        ("flag stale", 0),
        ("flag resume grow --reason because", 1),
        ("flag set grow rules.rule1.rollout=40%", 0),
        ("flag set grow rules.rule1.rollout=40% --apply -m more", 0),
        ("flag set grow enabled", 2),
        ("model list", 0),
        ("model show none", 2),
        ("model history none", 2),
        ("model alias none champion 1", 2),
        ("model requests", 0),
        ("model approve abcdef", 2),
        ("model reject abcdef", 2),
        ("stats --list", 0),
        ("objective status", 0),
        ("bet list", 0),
        ("bet show none", 2),
        ("bet freeze none --reason sound", 2),
        ("bet resolve none", 2),
        ("value realised", 0),
        ("value calibration", 0),
        ("value progress none", 2),
        ("portfolio priorities", 0),
        ("portfolio optimise --redraws 3", 0),
        ("portfolio optimise --scenario none", 2),
        ("portfolio optimise --budget -1", 2),
        ("portfolio scenario", 0),
        ("portfolio forecast", 2),
        ("decisions", 0),
        ("waiting", 0),
        ("why E", 0),
        ("lineage", 0),
        ("lineage dataset/trial", 0),
        ("experiment library", 0),
        ("bill import none.csv", 2),
        ("bill show", 2),
        ("bill models", 2),
        ("bill anomalies", 2),
        ("budget status", 0),
        ("contract list", 0),
        ("contract calendar", 0),
        ("team status", 0),
        ("team review ada", 0),
        ("question list", 0),
        ("question answer none", 2),
        (
            "intake new twice --problem p --decision d --metric none --effort 1,2,3 --effect 0,0.1,0.2 --kill k",
            1,
        ),
        ("intake preview data/none.csv", 3),
        ("report send pack --relay none --from a@b.cd", 2),
        ("note add --with bob --key none text", 2),
        ("note list --with bob --key none", 2),
        ("report build pack --out pack.pdf", 0),
        ("report build pack --out pack.pptx", 0),
        ("report build pack --out pack.xlsx", 0),
        ("report build pack --out pack.doc", 2),
        ("report list", 0),
        ("report build pack --out pack.html", 0),
        ("report new memo --template decision", 0),
        ("report new memo2 --template decison", 2),
        ("ledger verify", 0),
        ("ledger export kept.jsonl", 0),
        ("ledger verify --export kept.jsonl", 0),
        ("ledger log", 0),
        ("ledger erase 2 --reason asked", 0),
        ("ledger rebuild", 0),
        ("init new", 0),
        ("init other --from data/trial.csv", 0),
        ("completions bash", 0),
        // And what fails.
        ("experiment readout none", 2),
        ("experiment power none", 2),
        ("bandit readout none", 2),
        ("bandit evaluate none --always a", 2),
        ("experiment plan none", 2),
        ("flag eval none", 2),
        ("why ffffffffff", 2),
        ("query --metrics none", 2),
        ("ledger erase 99 --reason asked", 2),
        ("init .", 2),
        ("report build none", 2),
        ("ledger verify --head 00", 2),
    ];
    calls
        .iter()
        .map(|(call, code)| (call.replace(" E", &format!(" {evidence}")), *code))
        .collect()
}

#[test]
fn json_is_one_document_whatever_is_called() {
    let folder = shop();
    folder.write(
        "reports/pack.md",
        "---\nreport: pack\nowner: ada\nlabel: Pack\n---\n\n# Pack\n\nAll is well.\n",
    );
    folder.write("flags/grow.yaml", "flag: grow\nrules: [{value: true, rollout: 30%}]\n");
    folder.steward(&["apply", "-m", "first"]).exits(0);
    let readout = folder
        .steward(&["experiment", "readout", "trial", "--json"])
        .exits(0)
        .json();
    let evidence = readout["provenance"]["evidence"].as_str().unwrap().to_owned();
    let mut called = BTreeSet::from([Vec::new()]);
    for (call, code) in calls(&evidence) {
        let mut arguments: Vec<&str> = call.split(' ').collect();
        let words = commands_of(&arguments);
        called.extend((1..=words.len()).map(|n| words[..n].to_vec()));
        arguments.push("--json");
        let answer = folder.steward(&arguments);
        assert_eq!(answer.code, code, "steward {call}:\n{}\n{}", answer.out, answer.err);
        let document: Result<Value, _> = serde_json::from_str(&answer.out);
        let document = document.unwrap_or_else(|e| panic!("steward {call} --json: {e} in\n{}", answer.out));
        if code >= 2 {
            assert_eq!(document["error"]["exit_code"], code, "steward {call}");
            let message = document["error"]["message"].as_str().unwrap();
            assert!(answer.err.contains(message), "steward {call}");
        }
        for text in [&answer.out, &answer.err] {
            assert!(!text.contains('\u{1b}'), "steward {call} colours what is no terminal");
        }
    }
    // Those that serve, and those that read from standard input or are held elsewhere.
    for elsewhere in ["serve", "demo"] {
        called.insert(vec![elsewhere.to_owned()]);
    }
    let missing: Vec<_> = commands().into_iter().filter(|c| !called.contains(c)).collect();
    assert!(missing.is_empty(), "not called: {missing:?}");
}

/// The words of a call that name its command.
fn commands_of(arguments: &[&str]) -> Vec<String> {
    let groups = [
        "metric",
        "dataset",
        "experiment",
        "bandit",
        "bet",
        "value",
        "portfolio",
        "flag",
        "model",
        "objective",
        "bill",
        "budget",
        "contract",
        "team",
        "question",
        "note",
        "intake",
        "report",
        "ledger",
    ];
    let depth = if groups.contains(&arguments[0]) { 2 } else { 1 };
    arguments[..depth].iter().map(|w| (*w).to_owned()).collect()
}

#[test]
fn a_server_says_where_it_is_in_one_document() {
    let folder = shop();
    let mut child = command(folder.path())
        .args(["serve", "--listen", "127.0.0.1:0", "--json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut documents = serde_json::Deserializer::from_reader(child.stdout.take().unwrap()).into_iter::<Value>();
    let document = documents.next().unwrap().unwrap();
    let ended = Command::new("kill").arg(child.id().to_string()).status().unwrap();
    assert!(ended.success());
    assert!(documents.next().is_none());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let address = document["listening"].as_str().unwrap();
    assert!(address.starts_with("http://127.0.0.1:"), "{address}");
    // In words it is one line.
    Server::start(folder.path()).stop();
}

#[test]
fn words_are_not_coloured_where_nobody_sees_them() {
    let folder = shop();
    folder.write("experiments/bad.yaml", "experiment: [a\n");
    for arguments in [&["check"][..], &["plan"], &["--help"], &["experiments"]] {
        let answer = folder.steward(arguments);
        assert!(
            !answer.out.contains('\u{1b}') && !answer.err.contains('\u{1b}'),
            "{arguments:?}"
        );
    }
}

#[test]
fn wrong_calls_exit_with_two_and_say_what_is_meant() {
    let folder = Folder::new();
    folder.steward(&["chek"]).exits(2).says(&["check"]);
    folder.steward(&["query"]).exits(2).says(&["--metrics"]);
    folder
        .steward(&["check"])
        .exits(2)
        .says(&["steward.yaml", "steward init", "--project"]);
    folder
        .steward(&["--project", "nowhere", "check"])
        .exits(2)
        .says(&["nowhere", "steward.yaml"]);
    let shop = shop();
    // From any folder below the project, and from anywhere with --project.
    steward(&shop.at("data"), &["check"]).exits(0);
    folder
        .steward(&["--project", shop.path().to_str().unwrap(), "check"])
        .exits(0);
    shop.steward(&["experiment", "decide", "trial", "shp", "--reason", "x"])
        .exits(2)
        .says(&["shp", "ship", "extend"]);
}

#[test]
fn completions_are_read_by_their_shells() {
    let folder = Folder::new();
    for (shell, check) in [("bash", "bash"), ("zsh", "zsh"), ("fish", "fish")] {
        let script = folder.steward(&["completions", shell]).exits(0).out;
        for word in ["experiment", "readout", "ledger", "verify"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        let file = format!("steward.{shell}");
        folder.write(&file, script);
        // A shell that is not installed cannot be asked.
        if let Ok(output) = Command::new(check).arg("-n").arg(folder.at(&file)).output() {
            assert!(
                output.status.success(),
                "{shell}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
        } else {
            assert_ne!(shell, "bash", "bash is always there");
            eprintln!("SKIPPED: {shell} is not installed");
        }
    }
}

#[test]
fn a_reader_that_stops_reading_is_no_failure() {
    let folder = shop();
    for arguments in [
        &["completions", "bash"][..],
        &["schema"],
        &["query", "--sql", "SELECT * FROM trial"],
    ] {
        let mut child = command(folder.path())
            .args(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(
            (output.status.code(), String::from_utf8_lossy(&output.stderr).as_ref()),
            (Some(0), ""),
            "{arguments:?}"
        );
    }
}
