//! Contracts of the Open Data Contract Standard, three versions.

use steward_definitions::{Bound, Rule};

use crate::support::{CONTRACT, METRICS, SETTINGS, first, lines, one, parse};

const V30: &str = include_str!("../fixtures/odcs-3.0.yaml");
const V31: &str = include_str!("../fixtures/odcs-3.1.yaml");
const V32: &str = include_str!("../fixtures/odcs-3.2.yaml");

fn rules(text: &str) -> Vec<String> {
    let (project, problems) = parse(&[("steward.yaml", SETTINGS), ("datasets/a.yaml", text)]);
    assert!(problems.is_empty(), "{}", lines(&problems).join("\n"));
    let checks = project
        .datasets
        .values()
        .flat_map(|d| d.all_checks().map(move |c| (d, c)));
    checks
        .map(|(d, c)| {
            format!(
                "{}/{} {} {}",
                d.meta.name,
                c.name,
                c.severity,
                serde_json::to_string(&c.rule).unwrap()
            )
        })
        .collect()
}

#[test]
fn version_3_0() {
    let (project, problems) = parse(&[("steward.yaml", "project: shop\n"), ("datasets/a.yaml", V30)]);
    assert!(problems.is_empty(), "{}", lines(&problems).join("\n"));
    let orders = &project.datasets["orders"];
    assert_eq!((orders.meta.owner.as_str(), orders.status.as_str()), ("ines", "active"));
    assert_eq!(
        (
            orders.location.format.as_str(),
            orders.location.path.as_str(),
            orders.location.delimiter
        ),
        ("csv", "data/orders.csv", Some(';'))
    );
    assert_eq!(orders.location.encoding.as_deref(), Some("latin1"));
    let types: Vec<_> = orders
        .columns
        .iter()
        .map(|c| (c.name.as_str(), c.logical_type.as_str(), c.primary_key))
        .collect();
    assert_eq!(
        types,
        [
            ("order_id", "integer", Some(1)),
            ("ordered_at", "timestamp", None),
            ("amount", "number", None),
            ("status", "string", None)
        ]
    );
    insta::assert_snapshot!(rules(V30).join("\n"));
}

#[test]
fn version_3_1() {
    let (project, problems) = parse(&[("steward.yaml", "project: shop\n"), ("datasets/a.yaml", V31)]);
    assert!(problems.is_empty(), "{}", lines(&problems).join("\n"));
    let paths: Vec<_> = project
        .datasets
        .values()
        .map(|d| (d.meta.name.as_str(), d.location.path.as_str(), d.meta.owner.as_str()))
        .collect();
    assert_eq!(
        paths,
        [
            ("customers", "data/customers.parquet", "growth"),
            ("sessions", "data/sessions.parquet", "growth")
        ]
    );
    assert_ne!(
        project.datasets["customers"].meta.digest,
        project.datasets["sessions"].meta.digest
    );
    insta::assert_snapshot!(rules(V31).join("\n"));
}

#[test]
fn version_3_2() {
    insta::assert_snapshot!(rules(V32).join("\n"));
}

#[test]
fn bounds_say_what_the_operators_say() {
    let bound = |operators: &str| {
        let text = CONTRACT.to_owned() + &format!("    quality: [{{metric: rowCount, {operators}}}]\n");
        let (project, problems) = parse(&[
            ("steward.yaml", SETTINGS),
            ("datasets/a.yaml", &text),
            ("metrics/m.yaml", METRICS),
        ]);
        assert!(problems.is_empty(), "{}", lines(&problems).join("\n"));
        match project.datasets["visits"].checks.first().map(|c| c.rule.clone()) {
            Some(Rule::Volume { bound, .. }) => bound,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        bound("mustBe: 5"),
        Bound {
            min: Some(5.0),
            max: Some(5.0),
            exclusive: false
        }
    );
    assert_eq!(
        bound("mustBeGreaterThan: 0"),
        Bound {
            min: Some(0.0),
            max: None,
            exclusive: true
        }
    );
    assert_eq!(
        bound("mustBeLessOrEqualTo: 9"),
        Bound {
            min: None,
            max: Some(9.0),
            exclusive: false
        }
    );
    assert_eq!(
        bound("mustBeBetween: [1, 2]"),
        Bound {
            min: Some(1.0),
            max: Some(2.0),
            exclusive: false
        }
    );
}

#[test]
fn contracts_report_each_problem_at_its_place() {
    let path = "datasets/visits.yaml";
    let change = |from: &str, to: &str| {
        assert!(CONTRACT.contains(from), "{from}");
        CONTRACT.replace(from, to)
    };
    let more = |extra: &str| CONTRACT.to_owned() + extra;
    first(
        path,
        &change("v3.1.0", "v4.0.0"),
        "datasets/visits.yaml:1:13: error[bad-value]: `apiVersion` cannot be `v4.0.0`; expected one of",
    );
    one(
        path,
        &change("kind: DataContract", "kind: DataProduct"),
        "datasets/visits.yaml:2:7: error[bad-value]",
    );
    one(
        path,
        &change("path: data/visits.csv", "path: ../visits.csv"),
        "datasets/visits.yaml:7:40: error[path-outside]: the path `../visits.csv` leaves the project folder",
    );
    one(
        path,
        &change("path: data/visits.csv", "path: /etc/passwd"),
        "datasets/visits.yaml:7:40: error[path-outside]",
    );
    one(
        path,
        &change("path: data/visits.csv", "path: 'a\\..\\..\\b'"),
        "datasets/visits.yaml:7:40: error[path-outside]",
    );
    one(
        path,
        &change("format: csv", "format: cvs"),
        "datasets/visits.yaml:7:65: error[bad-value]: `format` of the server `local` cannot be `cvs`; expected one of `parquet`, `csv`, `json`, `jsonl`, `ndjson`; did you mean `csv`?",
    );
    one(
        path,
        &change("format: csv", "format: csv, delimiter: ;"),
        "datasets/visits.yaml:7:70: error[unknown-key]: unknown key `delimiter` in the server `local`; write it under `customProperties`",
    );
    one(
        path,
        &change("logicalType: timestamp", "logicalType: datetime"),
        "datasets/visits.yaml:14:33: error[bad-value]",
    );
    one(
        path,
        &change("required: true", "requird: true"),
        "datasets/visits.yaml:11:51: error[unknown-key]: unknown key `requird` in the column `customer_id`; did you mean `required`?",
    );
    first(
        path,
        &change("name: country", "name: segment"),
        "datasets/visits.yaml:13:9: error[duplicate-name]",
    );
    one(
        path,
        &more("    quality: [{metric: rowcount, mustBe: 1}]\n"),
        "datasets/visits.yaml:16:24: error[bad-value]: `metric` cannot be `rowcount`",
    );
    one(
        path,
        &more("    quality: [{metric: rowCount}]\n"),
        "datasets/visits.yaml:16:15: error[missing-key]",
    );
    one(
        path,
        &more("    quality: [{metric: nullValues, mustBe: 0}]\n"),
        "datasets/visits.yaml:16:24: error[missing-key]: `nullValues` needs a column",
    );
    one(
        path,
        &more("    quality: [{type: sql, query: 'drop table visits', mustBe: 0}]\n"),
        "datasets/visits.yaml:16:15: error[sql-syntax]",
    );
    one(
        path,
        &more("    quality: [{type: sql, query: 'select 1', mustNotBe: 0}]\n"),
        "datasets/visits.yaml:16:57: warning[not-checked]",
    );
    one(
        path,
        &more(
            "    quality: [{type: custom, engine: steward, implementation: {rule: delay, from: ts, to: tss, max: 2h}}]\n",
        ),
        "datasets/visits.yaml:16:15: error[unknown-column]: the check `ts_tss.delay` names the column `tss`",
    );
    one(
        path,
        &more("    quality: [{type: custom, engine: steward, implementation: {rule: dely}}]\n"),
        "datasets/visits.yaml:16:70: error[bad-value]",
    );
    one(
        path,
        &more("    relationships: [{from: customer_id, to: customers.id}]\n"),
        "datasets/visits.yaml:16:45: error[unknown-dataset]",
    );
    one(
        path,
        &more("slaProperties: [{property: freshness, value: 1, unit: d, element: visits.tss}]\n"),
        "datasets/visits.yaml:16:17: error[unknown-column]: the dataset `visits` has no column `tss`; did you mean `ts`?",
    );
    one(
        path,
        &more("slaProperties: [{property: freshness, value: soon, element: visits.ts}]\n"),
        "datasets/visits.yaml:16:17: error[bad-value]",
    );
    one(
        path,
        &change("apiVersion: v3.1.0", "apiVersion: v3.0.2"),
        "datasets/visits.yaml:14:33: error[newer-key]: the type `timestamp` came with v3.1.0 of the standard",
    );
    let two = CONTRACT.to_owned() + "  - name: other\n    properties: [{name: a, logicalType: string}]\n";
    one(
        path,
        &two,
        "datasets/visits.yaml:7:40: error[shared-path]: the 2 datasets of the contract would all be read from `data/visits.csv`; write `{model}` in the path for the dataset's name, or add a server for each dataset, named as it is",
    );
    let (_, problems) = parse(&[
        ("steward.yaml", "project: a\nowner: b\nallow_outside: true\n"),
        ("datasets/v.yaml", &change("data/visits.csv", "/data/visits.csv")),
    ]);
    assert!(problems.is_empty(), "{}", lines(&problems).join("\n"));
}
