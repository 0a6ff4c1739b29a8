//! Data contracts, as far as Steward reads them; the standard's own schema says the rest.

use serde_json::{Value, json};

use crate::read::{LOGICAL_TYPES, PROPERTY};

use super::{boolean, free, list, object, text, texts, words};

const BOUNDS: [&str; 7] = [
    "mustBe",
    "mustNotBe",
    "mustBeGreaterThan",
    "mustBeGreaterOrEqualTo",
    "mustBeLessThan",
    "mustBeLessOrEqualTo",
    "mustBeBetween",
];

/// `datasets/`.
pub(super) fn contract() -> Value {
    let mut keys = vec![
        (
            "apiVersion",
            words(
                "Version of the Open Data Contract Standard.",
                &["v3.0.0", "v3.0.1", "v3.0.2", "v3.1.0", "v3.2.0"],
            ),
        ),
        ("kind", words("", &["DataContract"])),
        ("id", text("Identifier of the contract.")),
        ("version", text("Version of the contract.")),
        (
            "status",
            text("`proposed`, `draft`, `active`, `deprecated`, `retired`."),
        ),
        ("tags", texts("Free tags.")),
        ("servers", list(server(), "Where the rows are.")),
        (
            "schema",
            json!({"type": "array", "minItems": 1, "items": schema_object(), "description": "Each object is one dataset."}),
        ),
        ("slaProperties", list(service_level(), "Promised service levels.")),
    ];
    keys.extend(free(&[
        "name",
        "tenant",
        "dataProduct",
        "description",
        "domain",
        "context",
        "support",
        "price",
        "team",
        "roles",
        "authoritativeDefinitions",
        "customProperties",
        "contractCreatedTs",
        "slaDefaultElement",
    ]));
    object(&["apiVersion", "kind", "id", "version", "schema"], keys)
}

/// Servers of other types have keys of their own.
fn server() -> Value {
    json!({
        "type": "object",
        "required": ["server", "type"],
        "properties": {
            "server": text("Name of the server; one named as a dataset is that dataset's."),
            "type": text("`local` for files; `postgres`, `duckdb` or `custom` for a table in the engine."),
            "path": text("Path or glob relative to the project folder; `{model}` stands for the dataset's name."),
            "format": text("`parquet`, `csv`, `json`, `jsonl` or `ndjson`."),
            "customProperties": {"description": "`delimiter` and `encoding` of a CSV file, as {property, value}."},
        },
    })
}

fn schema_object() -> Value {
    let mut keys = vec![
        ("name", text("Name of the dataset.")),
        ("businessName", text("Human title.")),
        ("description", text("What a row is.")),
        ("tags", texts("Free tags.")),
        ("properties", list(property(2), "Columns in order.")),
        ("quality", list(quality(), "Checks on the table.")),
        ("relationships", json!({"type": "array"})),
    ];
    keys.extend(free(&[
        "id",
        "physicalName",
        "physicalType",
        "logicalType",
        "dataGranularityDescription",
        "authoritativeDefinitions",
        "customProperties",
        "synonyms",
        "deprecated",
        "context",
    ]));
    object(&["name"], keys)
}

/// A column; objects and arrays hold others, written out `depth` levels deep.
fn property(depth: u32) -> Value {
    let mut keys = vec![
        ("name", text("Name, as in the file.")),
        ("logicalType", words("Type.", &LOGICAL_TYPES)),
        ("physicalType", text("Type as the store names it.")),
        ("physicalName", text("Name in the store.")),
        ("description", text("Meaning.")),
        ("required", boolean("Never null.")),
        ("unique", boolean("No value twice.")),
        ("primaryKey", boolean("Part of the primary key.")),
        (
            "primaryKeyPosition",
            json!({"type": "integer", "description": "Position in the primary key, from 1."}),
        ),
        (
            "classification",
            text("`public`, `internal`, `confidential`, `personal`, …."),
        ),
        (
            "logicalTypeOptions",
            json!({"type": "object", "description": "Bounds and patterns of the type."}),
        ),
        (
            "enum",
            json!({"type": "array", "description": "The values that may occur."}),
        ),
        ("quality", list(quality(), "Checks on the column.")),
        ("relationships", json!({"type": "array"})),
    ];
    keys.extend(free(PROPERTY));
    let (properties, items) = match depth {
        0 => (json!({"type": "array"}), json!({"type": "object"})),
        _ => (
            list(property(depth - 1), "Fields of an object."),
            json!({"type": "object"}),
        ),
    };
    keys.push(("properties", properties));
    keys.push(("items", items));
    object(&["name"], keys)
}

fn quality() -> Value {
    let mut keys = vec![
        ("name", text("Name of the check; generated when absent.")),
        ("type", words("Kind of rule.", &["library", "sql", "text", "custom"])),
        (
            "metric",
            text("`nullValues`, `missingValues`, `invalidValues`, `duplicateValues`, `rowCount`."),
        ),
        ("rule", text("The metric, as 3.0 of the standard calls it.")),
        ("arguments", json!({"type": "object"})),
        ("unit", text("`rows` or `percent`.")),
        ("severity", text("`error`, or `warning` to let the run go on.")),
        ("query", text("SQL returning one number.")),
        ("engine", text("`steward` for Steward's own rules.")),
        (
            "implementation",
            json!({"description": "`{rule: delay|shift|volume|range|freshness, …}`."}),
        ),
    ];
    keys.extend(BOUNDS.iter().map(|b| (*b, json!({}))));
    keys.extend(free(&[
        "id",
        "authoritativeDefinitions",
        "businessImpact",
        "customProperties",
        "description",
        "dimension",
        "method",
        "schedule",
        "scheduler",
        "tags",
    ]));
    object(&[], keys)
}

fn service_level() -> Value {
    let mut keys = vec![
        ("property", text("`freshness`, `latency`, `retention`, `frequency`, ….")),
        ("value", text("Value.")),
        ("unit", text("`d`, `h`, `m`, ….")),
        ("element", text("The column concerned, as `table.column`.")),
    ];
    keys.extend(free(&[
        "id",
        "valueExt",
        "driver",
        "description",
        "scheduler",
        "schedule",
        "authoritativeDefinitions",
        "customProperties",
    ]));
    object(&["property", "value"], keys)
}
