//! Projects from short texts.

use steward_definitions::{Diagnostic, Project, Source};

pub const SETTINGS: &str = "project: shop\nowner: mara\ncurrency: EUR\n";

pub const CONTRACT: &str = "\
apiVersion: v3.1.0
kind: DataContract
id: visits
version: 1.0.0
status: active
servers:
  - {server: local, type: local, path: data/visits.csv, format: csv}
schema:
  - name: visits
    properties:
      - {name: customer_id, logicalType: integer, required: true}
      - {name: segment, logicalType: string}
      - {name: country, logicalType: string}
      - {name: ts, logicalType: timestamp}
      - {name: visit, logicalType: integer}
";

pub const METRICS: &str = "\
semantic_models:
  - name: visits
    model: ref('visits')
    entities: [{name: customer, type: primary, expr: customer_id}]
    dimensions:
      - {name: country, type: categorical}
      - {name: ts, type: time, type_params: {time_granularity: day}}
    defaults: {agg_time_dimension: ts}
    measures: [{name: visits, agg: sum, expr: visit}]
metrics:
  - {name: visit_rate, label: Visits, type: simple, type_params: {measure: visits}}
";

pub const EXPERIMENT: &str = "\
experiment: email_test
owner: mara
exposures: {dataset: visits, unit: customer_id, variant: segment}
variants: [No E-Mail, Mens E-Mail, Womens E-Mail]
metrics:
  primary: [visit_rate]
";

/// Parses files given as (path, text).
pub fn parse(files: &[(&str, &str)]) -> (Project, Vec<Diagnostic>) {
    Project::parse(&sources(files))
}

pub fn sources(files: &[(&str, &str)]) -> Vec<Source> {
    files
        .iter()
        .map(|(path, text)| Source {
            path: (*path).to_owned(),
            text: (*text).to_owned(),
        })
        .collect()
}

/// A good project with one file put in place of its own, or added.
pub fn with(path: &str, text: &str) -> (Project, Vec<Diagnostic>) {
    let mut files = vec![
        ("steward.yaml", SETTINGS),
        ("datasets/visits.yaml", CONTRACT),
        ("metrics/visits.yaml", METRICS),
        ("experiments/email.yaml", EXPERIMENT),
    ];
    files.retain(|(p, _)| *p != path);
    files.push((path, text));
    parse(&files)
}

/// The problems as lines.
pub fn lines(problems: &[Diagnostic]) -> Vec<String> {
    problems.iter().map(ToString::to_string).collect()
}

/// Exactly one problem, which begins like this.
#[track_caller]
pub fn one(path: &str, text: &str, start: &str) {
    let (_, problems) = with(path, text);
    let found = lines(&problems);
    assert!(
        found.len() == 1 && found[0].starts_with(start),
        "expected one: {start}\nfound:\n{}",
        found.join("\n")
    );
}

/// At least one problem, the first of which begins like this: others follow from it.
#[track_caller]
pub fn first(path: &str, text: &str, start: &str) {
    let (_, problems) = with(path, text);
    let found = lines(&problems);
    assert!(
        found.first().is_some_and(|f| f.starts_with(start)),
        "expected first: {start}\nfound:\n{}",
        found.join("\n")
    );
}
