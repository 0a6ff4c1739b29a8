//! Forms that the standard demands of keys which are of no effect here: text, lists of maps, obligatory keys.

use super::{Contract, Edition};
use crate::decode::MapReader;
use crate::yaml::{Node, Value};

/// Keys that hold text wherever they occur; a bare number (`version: 1.0`) is none, and must be quoted.
const TEXTS: &[&str] = &[
    "id",
    "name",
    "version",
    "status",
    "domain",
    "tenant",
    "dataProduct",
    "slaDefaultElement",
    "contractCreatedTs",
    "physicalName",
    "physicalType",
    "businessName",
    "description",
    "dataGranularityDescription",
    "classification",
    "encryptedName",
    "transformLogic",
    "transformDescription",
    "semanticType",
    "username",
    "role",
    "dateIn",
    "dateOut",
    "replacedByUsername",
    "server",
    "type",
    "path",
    "location",
    "host",
    "database",
    "environment",
    "unit",
    "severity",
    "engine",
    "method",
    "scheduler",
    "schedule",
    "businessImpact",
    "dimension",
    "property",
    "element",
    "driver",
    "access",
    "channel",
    "url",
    "tool",
    "scope",
    "invitationUrl",
    "priceCurrency",
    "priceUnit",
    "label",
    "pattern",
    "purpose",
    "usage",
    "limitations",
    "format",
    "delimiter",
    "query",
];

/// Reports numbers, booleans, lists and maps where the standard has text.
pub(super) fn texts(map: &MapReader<'_>) {
    for entry in map.node().entries().iter().filter(|e| TEXTS.contains(&e.key.as_str())) {
        if matches!(entry.value.value, Value::Str(_) | Value::Null) {
            continue;
        }
        // `description` of a contract is a map with texts.
        let what = format!("`{}` of {}", entry.key, map.what());
        let quotable = !matches!(entry.value.value, Value::Seq(_) | Value::Map(_));
        map.decoder().wrong_type(
            &entry.value,
            &what,
            if quotable { "text: put it in quotes" } else { "text" },
        );
    }
}

/// The parts of a contract that are of no effect here.
pub(super) fn contract(contract: &Contract<'_>, map: &mut MapReader<'_>) {
    if let Some(node) = map.get("description")
        && let Some(inner) = contract.decoder.map(node, "`description`")
    {
        texts(&inner);
    }
    custom_properties(contract, map);
    for mut role in map.maps("roles") {
        role.rename("a role");
        role.required("role");
        texts(&role);
    }
    for mut support in map.maps("support") {
        support.rename("a support channel");
        support.required("channel");
        if contract.edition == Edition::V30 {
            support.required("url");
        }
        texts(&support);
    }
    if let Some(mut price) = map.map("price") {
        price.number("priceAmount");
        price.text("id");
        price.ignore(&["priceCurrency", "priceUnit"]);
        texts(&price);
        price.finish();
    }
}

/// `customProperties`: a list of `{property, value}`; `tags`: a list of texts.
pub(super) fn custom_properties(contract: &Contract<'_>, map: &mut MapReader<'_>) {
    for mut property in map.maps("customProperties") {
        property.rename("a custom property");
        texts(&property);
        property.ignore(&["id", "property", "value", "description"]);
        if contract.edition >= Edition::V32 {
            property.required("property");
            property.ignore(&["vendor"]);
        }
        property.finish();
    }
    let Some(tags) = map.node().get("tags") else { return };
    for tag in contract.decoder.list(tags, "`tags`") {
        if !matches!(tag.value, Value::Str(_)) {
            contract.decoder.wrong_type(tag, "a tag", "text: put it in quotes");
        }
    }
}

/// Types of server that the standard knows.
const SERVERS: &[&str] = &[
    "api",
    "athena",
    "azure",
    "bigquery",
    "clickhouse",
    "cloudsql",
    "custom",
    "databricks",
    "db2",
    "denodo",
    "dremio",
    "duckdb",
    "glue",
    "hive",
    "impala",
    "informix",
    "kafka",
    "kinesis",
    "local",
    "mysql",
    "oracle",
    "postgres",
    "postgresql",
    "presto",
    "pubsub",
    "redshift",
    "s3",
    "sftp",
    "snowflake",
    "sqlserver",
    "synapse",
    "trino",
    "vertica",
    "zen",
];

/// A server's type and the keys that it must have; `local` is read elsewhere.
pub(super) fn server(server: &mut MapReader<'_>) -> String {
    server.required("type");
    let kind = server.choice("type", SERVERS).unwrap_or_default();
    let needed: &[&str] = match kind.as_str() {
        "postgres" | "postgresql" => &["host", "port", "database", "schema"],
        "s3" | "sftp" => &["location"],
        "azure" => &["location", "format"],
        "duckdb" => &["database"],
        "bigquery" => &["project", "dataset"],
        "snowflake" => &["account", "database", "schema"],
        _ => &[],
    };
    for key in needed {
        server.required(key);
    }
    texts(server);
    kind
}

/// Options that a logical type may have.
pub(super) fn options(logical_type: &str) -> &'static [&'static str] {
    match logical_type {
        "string" => &["minLength", "maxLength", "pattern", "format"],
        "integer" | "number" => &[
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
            "format",
        ],
        "date" | "timestamp" | "time" => &[
            "format",
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "timezone",
            "defaultTimezone",
        ],
        "object" => &["minProperties", "maxProperties", "required"],
        "array" => &["minItems", "maxItems", "uniqueItems"],
        "map" | "vector" => &[
            "minItems",
            "maxItems",
            "uniqueItems",
            "minProperties",
            "maxProperties",
            "dimension",
            "dimensions",
        ],
        _ => &[],
    }
}

/// A value of `enum` (from 3.2): a map with `value`.
pub(super) fn enum_value(contract: &Contract<'_>, node: &Node) -> Option<String> {
    let mut map = contract.decoder.map(node, "a value of `enum`")?;
    map.ignore(&[
        "id",
        "label",
        "description",
        "tags",
        "customProperties",
        "authoritativeDefinitions",
    ]);
    texts(&map);
    let value = map.required("value").and_then(|n| contract.decoder.text(n, "`value`"));
    map.finish();
    value
}
