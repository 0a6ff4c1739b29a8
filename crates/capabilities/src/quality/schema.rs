//! Promised columns against actual ones.

use steward_compute::arrow::datatypes::{DataType, Schema};
use steward_definitions::Dataset;
use steward_definitions::nearest::nearest;

use super::SchemaDifference;

/// Differences, in the order of the contract, then of the table.
pub(crate) fn differences(dataset: &Dataset, actual: &Schema) -> Vec<SchemaDifference> {
    let mut all = Vec::new();
    let extra: Vec<&str> = actual
        .fields()
        .iter()
        .map(|f| f.name().as_str())
        .filter(|name| !dataset.columns.iter().any(|c| c.name == *name))
        .collect();
    for column in &dataset.columns {
        match actual.field_with_name(&column.name) {
            Err(_) => all.push(SchemaDifference::Missing {
                column: column.name.clone(),
                expected: column.logical_type.clone(),
                renamed_to: renamed(&column.name, &column.logical_type, &extra, actual),
                span: column.span.clone(),
            }),
            Ok(field) if !fits(&column.logical_type, field.data_type()) => all.push(SchemaDifference::Type {
                column: column.name.clone(),
                expected: column.logical_type.clone(),
                found: logical(field.data_type()).to_owned(),
                span: column.span.clone(),
            }),
            Ok(_) => {}
        }
    }
    // A contract without columns promises none.
    if !dataset.columns.is_empty() {
        for name in extra {
            if let Ok(field) = actual.field_with_name(name) {
                all.push(SchemaDifference::Extra {
                    column: name.to_owned(),
                    found: logical(field.data_type()).to_owned(),
                });
            }
        }
    }
    all
}

/// The unpromised column of a fitting type whose name is near, or is a part of the promised one.
fn renamed(column: &str, logical_type: &str, extra: &[&str], actual: &Schema) -> Option<String> {
    let fitting: Vec<&str> = extra
        .iter()
        .copied()
        .filter(|name| {
            actual
                .field_with_name(name)
                .is_ok_and(|f| fits(logical_type, f.data_type()))
        })
        .collect();
    let near = nearest(column, fitting.iter().copied());
    let part = || {
        let mut parts = fitting
            .iter()
            .copied()
            .filter(|n| column.contains(n) || n.contains(column));
        parts.next().filter(|_| parts.next().is_none())
    };
    near.or_else(part).map(str::to_owned)
}

/// The ODCS logical type of an Arrow type.
pub(crate) fn logical(data_type: &DataType) -> &'static str {
    match data_type {
        t if t.is_integer() => "integer",
        t if t.is_floating() => "number",
        DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) | DataType::Decimal256(..) => {
            "number"
        }
        DataType::Boolean => "boolean",
        DataType::Date32 | DataType::Date64 => "date",
        DataType::Timestamp(..) => "timestamp",
        DataType::Time32(_) | DataType::Time64(_) => "time",
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(..) => "array",
        DataType::Struct(_) | DataType::Map(..) => "object",
        DataType::Dictionary(_, value) => logical(value),
        _ => "string",
    }
}

/// Whether an actual type keeps a promised one; wider is fine, narrower is not.
fn fits(promised: &str, actual: &DataType) -> bool {
    let found = logical(actual);
    match promised {
        "number" => matches!(found, "number" | "integer"),
        "time" => matches!(found, "time" | "string"),
        "object" | "array" => matches!(found, "object" | "array" | "string"),
        "" => true,
        other => other == found || matches!(actual, DataType::Null),
    }
}
