//! Properties of a schema object: columns with what they promise.

use super::keys::LOGICAL_TYPES;
use super::{Contract, Edition, keys, quality, relationship, shape};
use crate::decode::MapReader;
use crate::yaml::Node;
use crate::{Bound, Check, Column, Dataset, Diagnostic, Rule};

/// At most none.
pub(super) const NONE: Bound = Bound {
    min: None,
    max: Some(0.0),
    exclusive: false,
};

/// Reads a column; what lies inside objects and arrays is checked for its form only.
pub(super) fn read(contract: &Contract<'_>, node: &Node, dataset: &str) -> Option<Column> {
    read_level(contract, node, dataset, true)
}

fn read_level(contract: &Contract<'_>, node: &Node, dataset: &str, named: bool) -> Option<Column> {
    let mut map = contract.decoder.map(node, "a property")?;
    let name = if named {
        map.required_text("name")
    } else {
        map.text("name").unwrap_or_else(|| "items".to_owned())
    };
    map.rename(format!("the column `{name}`"));
    map.ignore(keys::PROPERTY);
    shape::texts(&map);
    shape::custom_properties(contract, &mut map);
    contract.since(&map, Edition::V31, &["id", "relationships"]);
    contract.since(
        &map,
        Edition::V32,
        &["enum", "semanticType", "synonyms", "deprecated", "map"],
    );
    let physical_type = map.text("physicalType");
    let mut column = Column {
        logical_type: read_type(contract, &mut map, physical_type.as_deref()),
        physical_type,
        description: map.text("description"),
        required: map.boolean("required").unwrap_or_default(),
        unique: map.boolean("unique").unwrap_or_default(),
        primary_key: read_primary_key(&mut map),
        classification: map.text("classification"),
        checks: Vec::new(),
        span: contract.decoder.span(node.get("name").map_or(node.place, |n| n.place)),
        name,
    };
    if let Some(physical) = map.text("physicalName")
        && physical != column.name
        && let Some(value) = node.get("physicalName")
    {
        let message = format!(
            "the column is read under its name `{}`, not as `{physical}`",
            column.name
        );
        contract.not_checked(
            value,
            message,
            "give the column in the file as `name`, and its title as `businessName`",
        );
    }
    add_promises(contract, &mut map, &mut column);
    for item in map.list("quality") {
        column
            .checks
            .extend(quality::read(contract, item, dataset, Some(&column.name)));
    }
    for item in map.list("relationships") {
        column
            .checks
            .extend(relationship::read(contract, item, Some(&column.name)));
    }
    for inner in map.list("properties") {
        read_level(contract, inner, dataset, true);
    }
    if let Some(inner) = map.get("items") {
        read_level(contract, inner, dataset, false);
    }
    map.finish();
    (!column.name.is_empty()).then_some(column)
}

fn read_type(contract: &Contract<'_>, map: &mut MapReader<'_>, physical: Option<&str>) -> String {
    let stored = physical.and_then(stored_type);
    let Some(node) = map.get("logicalType") else {
        if stored.is_none() {
            let problem = Diagnostic::warning(
                "no-type",
                map.span(),
                format!("{} has no type and is read as text", map.what()),
            );
            contract.decoder.report(problem.hint("add `logicalType:`"));
        }
        return stored.unwrap_or("string").to_owned();
    };
    let Some(word) = map.choice("logicalType", &LOGICAL_TYPES) else {
        return "string".to_owned();
    };
    let needed = match word.as_str() {
        "timestamp" | "time" => Edition::V31,
        "map" | "vector" => Edition::V32,
        _ => Edition::V30,
    };
    if contract.edition < needed {
        let message = format!("the type `{word}` came with {} of the standard", needed.as_str());
        let problem = Diagnostic::error("newer-key", contract.decoder.span(node.place), message);
        let hint = match word.as_str() {
            "timestamp" => format!(
                "set `apiVersion: {}`, or write `logicalType: date` with `physicalType: timestamp`",
                needed.as_str()
            ),
            _ => format!("set `apiVersion: {}`", needed.as_str()),
        };
        contract.decoder.report(problem.hint(hint));
    }
    // In 3.0, `date` stands for moments too; the stored type says which.
    if word == "date" && stored == Some("timestamp") {
        "timestamp".to_owned()
    } else {
        word
    }
}

/// The logical type of a type as stores name it.
fn stored_type(physical: &str) -> Option<&'static str> {
    let lower = physical.trim().to_lowercase();
    let word: String = lower.chars().take_while(char::is_ascii_alphanumeric).collect();
    Some(match word.as_str() {
        "varchar" | "char" | "text" | "string" | "utf8" | "nvarchar" | "uuid" | "character" | "largeutf8" | "clob" => {
            "string"
        }
        "int" | "integer" | "bigint" | "smallint" | "tinyint" | "hugeint" | "int2" | "int4" | "int8" | "int16"
        | "int32" | "int64" | "uint8" | "uint16" | "uint32" | "uint64" | "long" | "serial" | "bigserial" => "integer",
        "double" | "float" | "real" | "decimal" | "numeric" | "number" | "float4" | "float8" | "float32"
        | "float64" | "money" => "number",
        "bool" | "boolean" | "bit" => "boolean",
        "date" | "date32" => "date",
        "timestamp" | "timestamptz" | "datetime" | "datetime2" | "timestampntz" => "timestamp",
        "time" => "time",
        "struct" | "json" | "jsonb" | "object" | "record" => "object",
        "array" | "list" => "array",
        _ => return None,
    })
}

/// Whether it is part of the primary key: its position, 0 if the contract gives none.
fn read_primary_key(map: &mut MapReader<'_>) -> Option<u32> {
    let position = map
        .integer("primaryKeyPosition")
        .filter(|p| *p > 0)
        .and_then(|p| u32::try_from(p).ok());
    map.boolean("primaryKey")
        .unwrap_or_default()
        .then_some(position.unwrap_or(0))
}

/// Numbers the key's columns from 1 and promises that no key occurs twice or is null.
pub(super) fn number_primary_key(dataset: &mut Dataset) {
    let mut order: Vec<(u32, usize)> = dataset
        .columns
        .iter()
        .enumerate()
        .filter_map(|(i, c)| Some((c.primary_key.map(|p| if p == 0 { u32::MAX } else { p })?, i)))
        .collect();
    order.sort_unstable();
    let mut columns = Vec::new();
    let mut span = None;
    for (position, (_, index)) in (1..).zip(order) {
        let Some(column) = dataset.columns.get_mut(index) else {
            continue;
        };
        column.primary_key = Some(position);
        span.get_or_insert(column.span.clone());
        columns.push(column.name.clone());
        if !column.required {
            let rule = Rule::Nulls {
                column: column.name.clone(),
                bound: NONE,
                percent: false,
            };
            column.checks.insert(0, promise(rule, &column.span));
        }
    }
    let Some(span) = span else { return };
    let alone_unique = columns.len() == 1
        && dataset
            .columns
            .iter()
            .any(|c| c.unique && Some(&c.name) == columns.first());
    if !alone_unique {
        dataset.checks.insert(
            0,
            promise(
                Rule::Duplicates {
                    columns,
                    bound: NONE,
                    percent: false,
                },
                &span,
            ),
        );
    }
}

/// A check that follows from the schema; its name is generated.
pub(super) fn promise(rule: Rule, span: &crate::Span) -> Check {
    Check {
        name: String::new(),
        rule,
        severity: "error".to_owned(),
        span: span.clone(),
    }
}

/// What `required`, `unique`, `enum` and `logicalTypeOptions` promise.
fn add_promises(contract: &Contract<'_>, map: &mut MapReader<'_>, column: &mut Column) {
    let (name, span) = (column.name.clone(), column.span.clone());
    if column.required {
        column.checks.push(promise(
            Rule::Nulls {
                column: name.clone(),
                bound: NONE,
                percent: false,
            },
            &span,
        ));
    }
    if column.unique {
        column.checks.push(promise(
            Rule::Duplicates {
                columns: vec![name.clone()],
                bound: NONE,
                percent: false,
            },
            &span,
        ));
    }
    let allowed = read_enum(contract, map);
    let (mut pattern, mut min_length, mut max_length) = (None, None, None);
    if let Some(mut options) = map.map("logicalTypeOptions") {
        // Some are not tested: `required` in here lists an object's properties, `format` says how a value is written.
        let declared = map.node().get("logicalType").and_then(Node::as_str).unwrap_or_default();
        options.rename(format!("the options of type `{declared}`"));
        options.ignore(shape::options(declared));
        shape::texts(&options);
        if declared == "string" {
            pattern = options.text("pattern");
            min_length = options.count("minLength");
            max_length = options.count("maxLength");
        }
        column
            .checks
            .extend(range(contract, &mut options, column).map(|rule| promise(rule, &span)));
        if let Some(node) = options.node().get("multipleOf") {
            contract.not_checked(
                node,
                "`multipleOf` is not tested",
                "write it as a quality rule of `type: sql`",
            );
        }
        options.finish();
    }
    if allowed.is_some() || pattern.is_some() || min_length.is_some() || max_length.is_some() {
        let rule = Rule::Invalid {
            column: name,
            values: allowed,
            pattern,
            min_length,
            max_length,
            bound: NONE,
            percent: false,
        };
        column.checks.push(promise(rule, &span));
    }
}

fn read_enum(contract: &Contract<'_>, map: &mut MapReader<'_>) -> Option<Vec<String>> {
    map.get("enum")?;
    Some(
        map.list("enum")
            .iter()
            .filter_map(|node| shape::enum_value(contract, node))
            .collect(),
    )
}

/// `minimum`, `maximum` and their exclusive forms, as inclusive bounds.
fn range(contract: &Contract<'_>, options: &mut MapReader<'_>, column: &Column) -> Option<Rule> {
    let keys = ["minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum"];
    if !matches!(column.logical_type.as_str(), "integer" | "number") {
        for key in keys {
            if let Some(node) = options
                .node()
                .get(key)
                .filter(|_| shape::options(&column.logical_type).contains(&key))
            {
                contract.not_checked(
                    node,
                    format!("`{key}` of a {} is not tested", column.logical_type),
                    "write it as a quality rule of `type: sql`",
                );
            }
        }
        return None;
    }
    let whole = column.logical_type == "integer";
    let above = |v: f64| if whole { v.floor() + 1.0 } else { v.next_up() };
    let below = |v: f64| if whole { v.ceil() - 1.0 } else { v.next_down() };
    let (mut min, mut max) = (options.number("minimum"), options.number("maximum"));
    // In 3.0 the exclusive forms are switches on the bound, later they are bounds of their own.
    if contract.edition == Edition::V30 {
        if options.boolean("exclusiveMinimum").unwrap_or_default() {
            min = min.map(above);
        }
        if options.boolean("exclusiveMaximum").unwrap_or_default() {
            max = max.map(below);
        }
    } else {
        min = [min, options.number("exclusiveMinimum").map(above)]
            .into_iter()
            .flatten()
            .reduce(f64::max);
        max = [max, options.number("exclusiveMaximum").map(below)]
            .into_iter()
            .flatten()
            .reduce(f64::min);
    }
    if let (Some(low), Some(high)) = (min, max)
        && low > high
    {
        contract.decoder.error(
            "bad-value",
            options.place(),
            format!("no value of `{}` can lie in its range", column.name),
        );
        return None;
    }
    if min.is_none() && max.is_none() {
        return None;
    }
    Some(Rule::Range {
        column: column.name.clone(),
        min,
        max,
        bound: NONE,
        percent: false,
    })
}
