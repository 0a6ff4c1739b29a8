//! Parquet files: whole, and of one schema.

use std::fs::File;
use std::path::{Path, PathBuf};

use datafusion::arrow::datatypes::SchemaRef;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use steward_compute::{EngineError, TableSource};

use super::file_error;
use crate::normal;

/// A file's footer.
pub(crate) fn footer(table: &TableSource, path: &Path) -> Result<ArrowReaderMetadata, EngineError> {
    let file = File::open(path).map_err(|e| file_error(table, path, format!("unreadable: {e}")))?;
    ArrowReaderMetadata::load(&file, ArrowReaderOptions::new()).map_err(|e| {
        let cause = format!("not a whole Parquet file ({e}); it may be cut off or of another format: write it again");
        file_error(table, path, cause)
    })
}

/// The schema that all files share.
pub(crate) fn schema(table: &TableSource, files: &[PathBuf]) -> Result<SchemaRef, EngineError> {
    let mut first: Option<(&Path, SchemaRef)> = None;
    for path in files {
        let footer = footer(table, path)?;
        let schema = normal::map_schema(footer.schema(), normal::scan_type);
        match &first {
            None => first = Some((path, schema)),
            Some((before, expected)) => same(table, path, &schema, before, expected)?,
        }
    }
    match first {
        Some((_, schema)) => Ok(schema),
        None => Err(super::table_error(table, "it has no files")),
    }
}

fn same(
    table: &TableSource,
    path: &Path,
    schema: &SchemaRef,
    before: &Path,
    expected: &SchemaRef,
) -> Result<(), EngineError> {
    let names = |of: &SchemaRef, other: &SchemaRef| -> Vec<String> {
        of.fields()
            .iter()
            .filter(|f| other.column_with_name(f.name()).is_none())
            .map(|f| f.name().clone())
            .collect()
    };
    let (missing, extra) = (names(expected, schema), names(schema, expected));
    if !missing.is_empty() || !extra.is_empty() {
        let text = |v: &[String]| v.iter().map(String::clone).collect::<Vec<_>>();
        let (missing, extra) = (text(&missing), text(&extra));
        let missing: Vec<&str> = missing.iter().map(String::as_str).collect();
        let extra: Vec<&str> = extra.iter().map(String::as_str).collect();
        return Err(columns_differ(table, path, before, &missing, &extra));
    }
    for field in expected.fields() {
        let Some((_, own)) = schema.column_with_name(field.name()) else {
            continue;
        };
        if own.data_type() != field.data_type() {
            let cause = format!(
                "column {} is {} here and {} in {}; files of one table share a schema: convert one, or make it a table of its own",
                field.name(),
                normal::table_type(own.data_type()),
                normal::table_type(field.data_type()),
                before.display()
            );
            return Err(file_error(table, path, cause));
        }
    }
    Ok(())
}

/// The error about files of one table with different columns.
pub(crate) fn columns_differ(
    table: &TableSource,
    path: &Path,
    before: &Path,
    missing: &[&str],
    extra: &[&str],
) -> EngineError {
    let mut parts = Vec::new();
    if !missing.is_empty() {
        parts.push(format!("lacks {}", missing.join(", ")));
    }
    if !extra.is_empty() {
        parts.push(format!("adds {}", extra.join(", ")));
    }
    let cause = format!(
        "compared with {}, the file {}; files of one table share their columns: fix it, or make it a table of its own",
        before.display(),
        parts.join(" and ")
    );
    file_error(table, path, cause)
}
