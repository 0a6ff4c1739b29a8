//! A file of one's own: from a CSV to a verdict, and what awkward files do.

use std::fmt::Write as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Answer, Folder};

/// The three-arm e-mail test of MineThatData (Hillstrom 2008), if it is at hand.
fn hillstrom() -> Option<PathBuf> {
    let folder = std::env::var_os("STEWARD_SHARED_DATA").map(PathBuf::from)?;
    Some(folder.join("hillstrom.csv")).filter(|file| file.exists())
}

fn lift<'r>(readout: &'r Value, metric: &str, variant: &str) -> &'r Value {
    let all = readout["metrics"].as_array().unwrap();
    let found = all.iter().find(|m| m["metric"] == metric && m["variant"] == variant);
    found.unwrap_or_else(|| panic!("no {metric} of {variant} in {readout:#}"))
}

#[track_caller]
fn near(estimate: &Value, field: &str, expected: f64, tolerance: f64) {
    let value = estimate[field]
        .as_f64()
        .unwrap_or_else(|| panic!("no {field} in {estimate}"));
    assert!(
        (value - expected).abs() < tolerance,
        "{field} is {value}, not {expected}"
    );
}

#[test]
fn hillstroms_mailings_are_read_as_published() {
    let Some(file) = hillstrom() else {
        eprintln!("SKIPPED: hillstrom.csv is not at hand (STEWARD_SHARED_DATA)");
        return;
    };
    let folder = Folder::new();
    folder.steward(&["init", "--from", file.to_str().unwrap()]).exits(0);
    folder.write(
        "experiments/mailing.yaml",
        "experiment: mailing\nowner: crm\nexposures:\n  dataset: hillstrom\n  unit: '*'\n  variant: segment\nvariants:\n  - {name: No E-Mail, control: true}\n  - {name: Womens E-Mail}\n  - {name: Mens E-Mail}\nmetrics:\n  primary: [visit]\n",
    );
    folder.steward(&["check"]).exits(0);
    folder.steward(&["apply", "-m", "first definitions"]).exits(0);
    folder.steward(&["run"]).exits(0);
    let readout = folder
        .steward(&["experiment", "readout", "mailing", "--json"])
        .exits(0)
        .json();
    assert!(readout["health"]["srm"]["p"].as_f64().unwrap() > 0.01);
    for (variant, lift_of_visits, se) in [("Womens E-Mail", 0.0452, 0.0032), ("Mens E-Mail", 0.0766, 0.0034)] {
        let absolute = &lift(&readout, "visit", variant)["absolute"];
        near(absolute, "point", lift_of_visits, 0.5e-4);
        near(absolute, "se", se, 0.5e-4);
        assert!(
            absolute["p"].as_f64().unwrap() < 1e-40,
            "survival functions keep small p-values: {absolute}"
        );
        assert_eq!(lift(&readout, "visit", variant)["control"], "No E-Mail");
    }
}

/// 3,000 customers, 1,000 an arm; arm B converts 300 to A's 200, C 200; order values that make the means exact.
fn trial(separator: char, decimal: char, quote: bool) -> String {
    let mut text = format!("customer_id{separator}group{separator}note{separator}ordered{separator}spend\n");
    for i in 0..3_000u32 {
        let arm = ["control", "blue", "green"][(i % 3) as usize];
        let within = i / 3;
        let ordered = u32::from(within < if arm == "blue" { 300 } else { 200 });
        let spend = format!("{}{decimal}50", ordered * (10 + within % 2));
        let note = match (quote, within % 4) {
            (true, 0) => format!("\"said \"\"yes\"\"{separator} then\nwent\""),
            (true, 1) => "\"\"".to_owned(),
            _ => "plain".to_owned(),
        };
        let _ = writeln!(
            text,
            "c{i}{separator}{arm}{separator}{note}{separator}{ordered}{separator}{spend}"
        );
    }
    text
}

/// From a file to the readout of the drafted experiment, uncommented as the draft says.
fn whole_path(content: &[u8]) -> Value {
    let folder = Folder::new();
    folder.write("incoming/trial.csv", content);
    folder
        .steward(&["init", "shop", "--from", "incoming/trial.csv"])
        .exits(0);
    let shop = folder.at("shop");
    let draft = shop.join("experiments/trial.yaml");
    let text = std::fs::read_to_string(&draft).unwrap();
    let uncommented: String = text.lines().skip(2).fold(String::new(), |mut all, line| {
        let _ = writeln!(all, "{}", line.strip_prefix("# ").unwrap_or(line));
        all
    });
    std::fs::write(&draft, uncommented).unwrap();
    let call = |arguments: &[&str]| crate::support::steward(&shop, arguments).exits(0);
    call(&["check"]);
    call(&["apply", "-m", "first definitions"]);
    call(&["run"]);
    call(&["experiment", "readout", "trial_group", "--json"]).json()
}

fn holds(readout: &Value) {
    // 300 of 1,000 against 200 of 1,000: +0.1, se √(.3·.7/1000 + .2·.8/1000) (unpooled; n or n − 1 alike at 1e-4).
    let blue = &lift(readout, "ordered", "blue")["absolute"];
    near(blue, "point", 0.1, 1e-12);
    near(blue, "se", (0.21f64 / 1e3 + 0.16 / 1e3).sqrt(), 2e-5);
    near(&lift(readout, "ordered", "green")["absolute"], "point", 0.0, 1e-12);
    // Means of spend: 0.5 for all, and 10 or 11 for those who ordered, in equal number: +10.5 · 0.1.
    near(&lift(readout, "spend", "blue")["absolute"], "point", 1.05, 1e-9);
}

#[test]
fn a_plain_file_goes_from_init_to_a_verdict() {
    let readout = whole_path(trial(',', '.', false).as_bytes());
    holds(&readout);
    assert_eq!(readout["experiment"], "trial_group");
    assert!(
        readout["verdict"].to_string().contains("blue"),
        "{}",
        readout["verdict"]
    );
}

#[test]
fn quotes_commas_and_line_breaks_in_fields_hold() {
    holds(&whole_path(trial(',', '.', true).as_bytes()));
}

#[test]
fn a_byte_order_mark_and_blank_lines_hold() {
    let text = format!("\u{feff}{}\n\n", trial(',', '.', false).replace("c7,", "\nc7,"));
    holds(&whole_path(text.as_bytes()));
}

#[test]
fn semicolons_hold() {
    holds(&whole_path(trial(';', '.', false).as_bytes()));
}

#[test]
fn latin_1_holds() {
    let text = trial(',', '.', false).replace("plain", "Größe");
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    holds(&whole_path(&bytes));
}

fn init(name: &str, content: &[u8]) -> (Folder, Answer) {
    let folder = Folder::new();
    folder.write(name, content);
    let answer = folder.steward(&["init", "shop", "--from", name]);
    (folder, answer)
}

#[test]
fn two_hundred_columns_hold() {
    let mut text = (0..200).map(|c| format!("m{c}")).collect::<Vec<_>>().join(",");
    for row in 0..50 {
        text.push('\n');
        text.push_str(&(0..200).map(|c| (row * c).to_string()).collect::<Vec<_>>().join(","));
    }
    let (folder, answer) = init("wide.csv", text.as_bytes());
    answer.exits(0);
    let shop = folder.at("shop");
    crate::support::steward(&shop, &["check"]).exits(0);
    let total = crate::support::steward(&shop, &["query", "--metrics", "m199", "--format", "json"])
        .exits(0)
        .json();
    assert!(
        total.to_string().contains(&(199 * (0..50).sum::<i32>()).to_string()),
        "{total}"
    );
}

#[test]
fn what_cannot_be_read_is_said_with_its_place() {
    // A file that cannot be read is a broken world, exit code 3; no project is begun over it.
    let cases: [(&str, &[u8], &[&str]); 4] = [
        ("empty.csv", b"", &["empty.csv", "empty"]),
        ("ragged.csv", b"a,b,c\n1,2,3\n4,5\n6,7,8\n", &["ragged.csv", "line 3"]),
        ("twice.csv", b"a,b,a\n1,2,3\n", &["twice.csv", "a"]),
        (
            "broken.parquet",
            b"PAR1 this is no parquet file",
            &["broken.parquet", "Parquet"],
        ),
    ];
    for (name, content, says) in cases {
        let (folder, answer) = init(name, content);
        answer.exits(3).says(says);
        assert!(!folder.at("shop/steward.yaml").exists(), "{name}: a project was begun");
    }
}

#[test]
fn a_mixed_column_is_text_and_a_header_alone_is_a_table() {
    let (folder, answer) = init("mixed.csv", b"id,size\n1,10\n2,large\n3,\n4,12.5\n");
    answer.exits(0);
    let contract = std::fs::read_to_string(folder.at("shop/datasets/mixed.yaml")).unwrap();
    let size = contract.split("name: size").nth(1).unwrap();
    assert!(size.contains("logicalType: string"), "{contract}");
    let (folder, answer) = init("header.csv", b"id,size\n");
    answer.exits(0);
    crate::support::steward(&folder.at("shop"), &["check"]).exits(0);
}
