//! JSON Schemas (2020-12) of every kind's YAML, for editors. `check` knows more than a schema can say; the schemas know
//! the keys, the words and the shapes.
//!
//! An editor finds a schema through a first line such as
//! `# yaml-language-server: $schema=../.schemas/experiment.schema.json` (see [`modeline`]), or through a setting that
//! maps folders to files (see [`FOLDERS`]).

mod bandit;
mod contract;
mod design;
mod experiment;
mod flags;
mod measured;
mod metrics;
mod money;
mod own;

use serde_json::{Map, Value, json};

/// Which schema serves which files of a project.
pub const FOLDERS: [(&str, &str); 17] = [
    ("steward.yaml", "steward.schema.json"),
    ("datasets/**/*.yaml", "dataset.schema.json"),
    ("metrics/**/*.yaml", "metrics.schema.json"),
    ("experiments/**/*.yaml", "experiment.schema.json"),
    ("objectives/**/*.yaml", "objective.schema.json"),
    ("initiatives/**/*.yaml", "initiative.schema.json"),
    ("bets/**/*.yaml", "bet.schema.json"),
    ("segments/**/*.yaml", "segment.schema.json"),
    ("layers/**/*.yaml", "layer.schema.json"),
    ("flags/**/*.yaml", "flag.schema.json"),
    ("holdouts/**/*.yaml", "holdout.schema.json"),
    ("bills/**/*.yaml", "bill.schema.json"),
    ("budgets/**/*.yaml", "budget.schema.json"),
    ("contracts/**/*.yaml", "contract.schema.json"),
    ("teams/**/*.yaml", "team.schema.json"),
    ("questions/**/*.yaml", "question.schema.json"),
    ("bandits/**/*.yaml", "bandit.schema.json"),
];

/// Every schema by its file name, in the order of [`FOLDERS`].
pub fn all() -> Vec<(&'static str, Value)> {
    vec![
        ("steward.schema.json", document("steward.yaml", own::settings())),
        ("dataset.schema.json", document("A data contract", contract::contract())),
        (
            "metrics.schema.json",
            document("Semantic models and metrics", metrics::file()),
        ),
        (
            "experiment.schema.json",
            document("An experiment", experiment::experiment()),
        ),
        ("objective.schema.json", document("An objective", own::objective())),
        ("initiative.schema.json", document("An initiative", own::initiative())),
        ("bet.schema.json", document("A bet", own::bet())),
        ("segment.schema.json", document("A segment", flags::segment())),
        ("layer.schema.json", document("A layer", flags::layer())),
        ("flag.schema.json", document("A flag", flags::flag())),
        ("holdout.schema.json", document("A holdout", flags::holdout())),
        ("bill.schema.json", document("A bill", money::bill())),
        ("budget.schema.json", document("A budget", money::budget())),
        ("contract.schema.json", document("A contract", money::contract())),
        ("team.schema.json", document("A team", money::team())),
        ("question.schema.json", document("A question", money::question())),
        ("bandit.schema.json", document("A bandit", bandit::bandit())),
    ]
}

/// The first line of a file that tells editors its schema, which lies in `folder` seen from the file.
pub fn modeline(folder: &str, schema: &str) -> String {
    format!(
        "# yaml-language-server: $schema={}/{schema}",
        folder.trim_end_matches('/')
    )
}

fn document(title: &str, mut schema: Value) -> Value {
    if let Value::Object(map) = &mut schema {
        map.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
        map.insert("title".into(), json!(title));
    }
    schema
}

/// A map of known keys; nothing else is accepted.
fn object(required: &[&str], properties: Vec<(&str, Value)>) -> Value {
    let properties: Map<String, Value> = properties.into_iter().map(|(k, v)| (k.to_owned(), v)).collect();
    json!({
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": false,
    })
}

/// Keys that are accepted whatever they hold.
fn free(keys: &[&'static str]) -> Vec<(&'static str, Value)> {
    keys.iter().map(|k| (*k, json!({}))).collect()
}

/// Text; numbers and booleans count as what was written.
fn text(description: &str) -> Value {
    json!({"type": ["string", "number", "boolean"], "description": description})
}

fn words(description: &str, words: &[&str]) -> Value {
    json!({"enum": words, "description": description})
}

fn number(description: &str) -> Value {
    json!({"type": "number", "description": description})
}

fn boolean(description: &str) -> Value {
    json!({"type": "boolean", "description": description})
}

fn list(items: Value, description: &str) -> Value {
    json!({"type": "array", "items": items, "description": description})
}

/// A list of texts, or one alone.
fn texts(description: &str) -> Value {
    json!({"anyOf": [text(""), {"type": "array", "items": text("")}], "description": description})
}

fn either(schemas: Vec<Value>) -> Value {
    json!({"anyOf": schemas})
}
