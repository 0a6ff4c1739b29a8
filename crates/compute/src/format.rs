//! A result as people and programs take it: a table, CSV, JSON or Arrow IPC.

use std::io::Write;
use std::str::FromStr;

use arrow::csv::WriterBuilder as CsvBuilder;
use arrow::ipc::writer::StreamWriter;
use arrow::json::WriterBuilder as JsonBuilder;
use arrow::json::writer::{JsonArray, LineDelimited};
use arrow::util::pretty::pretty_format_batches_with_schema;
use serde::{Deserialize, Serialize};

use crate::{EngineError, Rows};

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Aligned columns for a terminal.
    Table,
    /// CSV with a header; NULL is an empty field, times are RFC 3339.
    Csv,
    /// One JSON array of objects; NULL is written out.
    Json,
    /// One JSON object per line.
    JsonLines,
    /// Arrow IPC stream.
    Arrow,
}

impl FromStr for Format {
    type Err = EngineError;

    fn from_str(text: &str) -> Result<Self, EngineError> {
        match text {
            "table" => Ok(Format::Table),
            "csv" => Ok(Format::Csv),
            "json" => Ok(Format::Json),
            "jsonl" => Ok(Format::JsonLines),
            "arrow" => Ok(Format::Arrow),
            other => Err(EngineError::Format {
                format: other.to_owned(),
                cause: "no such format; choose table, csv, json, jsonl or arrow".to_owned(),
            }),
        }
    }
}

impl Format {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Csv => "csv",
            Format::Json => "json",
            Format::JsonLines => "jsonl",
            Format::Arrow => "arrow",
        }
    }

    /// Writes a result.
    pub fn write(self, rows: &Rows, mut out: impl Write) -> Result<(), EngineError> {
        let fail = |e: &dyn std::fmt::Display| EngineError::Format {
            format: self.name().to_owned(),
            cause: e.to_string(),
        };
        match self {
            Format::Table => {
                let text =
                    pretty_format_batches_with_schema(rows.schema.clone(), &rows.batches).map_err(|e| fail(&e))?;
                writeln!(out, "{text}").map_err(|e| fail(&e))
            }
            Format::Csv => {
                if rows.batches.is_empty() {
                    let header: Vec<String> = rows.columns().iter().map(|c| csv_field(c)).collect();
                    return writeln!(out, "{}", header.join(",")).map_err(|e| fail(&e));
                }
                let mut writer = CsvBuilder::new().with_header(true).build(&mut out);
                rows.batches
                    .iter()
                    .try_for_each(|b| writer.write(&flat_lists(b)?))
                    .map_err(|e| fail(&e))
            }
            Format::Json => {
                let mut writer = JsonBuilder::new()
                    .with_explicit_nulls(true)
                    .build::<_, JsonArray>(&mut out);
                for batch in &rows.batches {
                    writer.write(batch).map_err(|e| fail(&e))?;
                }
                writer.finish().map_err(|e| fail(&e))?;
                drop(writer);
                writeln!(out).map_err(|e| fail(&e))
            }
            Format::JsonLines => {
                let mut writer = JsonBuilder::new()
                    .with_explicit_nulls(true)
                    .build::<_, LineDelimited>(&mut out);
                for batch in &rows.batches {
                    writer.write(batch).map_err(|e| fail(&e))?;
                }
                writer.finish().map_err(|e| fail(&e))
            }
            Format::Arrow => {
                let mut writer = StreamWriter::try_new(&mut out, &rows.schema).map_err(|e| fail(&e))?;
                for batch in &rows.batches {
                    writer.write(batch).map_err(|e| fail(&e))?;
                }
                writer.finish().map_err(|e| fail(&e))
            }
        }
    }

    /// Writes a result to memory.
    pub fn to_bytes(self, rows: &Rows) -> Result<Vec<u8>, EngineError> {
        let mut bytes = Vec::new();
        self.write(rows, &mut bytes)?;
        Ok(bytes)
    }
}

fn csv_field(text: &str) -> String {
    if text.contains(['"', ',', '\n', '\r']) {
        return format!("\"{}\"", text.replace('"', "\"\""));
    }
    text.to_owned()
}

/// CSV has no lists: they are written as they are printed, `[1.0, 2.0]`.
fn flat_lists(batch: &arrow::array::RecordBatch) -> Result<arrow::array::RecordBatch, arrow::error::ArrowError> {
    use arrow::array::{Array, ArrayRef, RecordBatch, StringArray};
    use arrow::datatypes::{Field, Schema};
    use arrow::util::display::ArrayFormatter;
    use std::sync::Arc;

    let schema = batch.schema();
    if !schema.fields().iter().any(|f| f.data_type().is_nested()) {
        return Ok(batch.clone());
    }
    let options = crate::rows::display_options();
    let mut fields = Vec::with_capacity(batch.num_columns());
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(batch.num_columns());
    for (field, array) in schema.fields().iter().zip(batch.columns()) {
        if !field.data_type().is_nested() {
            fields.push(field.as_ref().clone());
            arrays.push(Arc::clone(array));
            continue;
        }
        let formatter = ArrayFormatter::try_new(array.as_ref(), &options)?;
        let texts = (0..array.len())
            .map(|i| {
                if array.is_null(i) {
                    Ok(None)
                } else {
                    formatter.value(i).try_to_string().map(Some)
                }
            })
            .collect::<Result<StringArray, _>>()?;
        fields.push(Field::new(field.name(), arrow::datatypes::DataType::Utf8, true));
        arrays.push(Arc::new(texts));
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
}
