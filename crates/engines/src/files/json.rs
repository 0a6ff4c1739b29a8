//! JSON lines: one object a line, typed over the whole file.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use datafusion::arrow::datatypes::SchemaRef;
use serde_json::{Map, Value};
use steward_compute::{EngineError, TableSource};

use super::decode::DecodeReader;
use super::infer::{Inference, Kind};
use super::typed::{TypedWriter, open};
use super::{file_error, table_error};

/// Calls `row` with each line's number and object.
fn each_row(
    table: &TableSource,
    path: &Path,
    mut row: impl FnMut(u64, Map<String, Value>) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let mut reader: BufReader<DecodeReader<File>> =
        BufReader::new(DecodeReader::new(open(table, path)?, encoding_rs::UTF_8));
    let (mut line, mut bytes) = (0, Vec::new());
    loop {
        bytes.clear();
        let read = reader.read_until(b'\n', &mut bytes);
        if read.map_err(|e| file_error(table, path, format!("unreadable: {e}")))? == 0 {
            return Ok(());
        }
        line += 1;
        let text = bytes.trim_ascii();
        if text.is_empty() {
            continue;
        }
        match serde_json::from_slice(text) {
            Ok(Value::Object(object)) => row(line, object)?,
            Ok(Value::Array(_)) if line == 1 => {
                let cause = "the file is one JSON array; write one object a line (jq -c '.[]' does)";
                return Err(file_error(table, path, cause));
            }
            Ok(other) => {
                let cause = format!("line {line} holds {other}, not an object");
                return Err(file_error(table, path, cause));
            }
            Err(e) => {
                let cause = format!(
                    "line {line}, column {}: {e}; each line must be one whole JSON object",
                    e.column()
                );
                return Err(file_error(table, path, cause));
            }
        }
    }
}

/// A value as the text that types are inferred from; nested values stay JSON.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// What a JSON value says about its column: a string is text unless it is a time, whatever digits it holds.
fn see(inference: &mut Inference, value: &Value) {
    match value {
        Value::String(text) if super::infer::timestamp(text).is_none() => inference.see_text(text),
        other => inference.see(&text(other)),
    }
}

/// Reads the files twice, for types and for values, and writes them as one Parquet file.
pub(crate) fn convert(table: &TableSource, files: &[PathBuf], target: &Path) -> Result<SchemaRef, EngineError> {
    let promised = |name: &str| {
        let logical = table
            .columns
            .iter()
            .find(|(n, _)| n == name)
            .map(|(_, logical)| logical.as_str());
        logical.and_then(Kind::of_contract)
    };
    // Columns in the order in which they first appear; a promised column that never does is absent, as in CSV.
    let mut names: Vec<String> = Vec::new();
    let mut positions: BTreeMap<String, usize> = BTreeMap::new();
    let mut inferences: Vec<Inference> = Vec::new();
    for path in files {
        each_row(table, path, |_, object| {
            for (name, value) in &object {
                let at = *positions.entry(name.clone()).or_insert_with(|| {
                    names.push(name.clone());
                    inferences.push(Inference::new(promised(name)));
                    names.len() - 1
                });
                if let Some(inference) = inferences.get_mut(at) {
                    see(inference, value);
                }
            }
            Ok(())
        })?;
    }
    if names.is_empty() {
        return Err(table_error(
            table,
            "it holds no objects, so that its columns are unknown",
        ));
    }
    let columns: Vec<(String, Kind)> = names.into_iter().zip(inferences.iter().map(Inference::kind)).collect();
    let mut writer = TypedWriter::create(table, target, &columns)?;
    for path in files {
        each_row(table, path, |line, object| {
            let values: Vec<String> = columns
                .iter()
                .map(|(name, _)| object.get(name).map(text).unwrap_or_default())
                .collect();
            writer.row(path, line, values.iter().map(String::as_str))
        })?;
    }
    writer.finish()
}
