//! CSV: every row has as many fields as the header, or the line is named.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder};
use datafusion::arrow::datatypes::SchemaRef;
use encoding_rs::{Encoding, UTF_8};
use steward_compute::{EngineError, TableSource};

use super::decode::{DecodeReader, encoding};
use super::infer::{Inference, Kind};
use super::typed::{TypedWriter, open};
use super::{file_error, table_error};

type Fields = Reader<DecodeReader<std::fs::File>>;

/// Names of a file's columns.
fn header(table: &TableSource, path: &Path, reader: &mut Fields, delimiter: char) -> Result<Vec<String>, EngineError> {
    let record = reader.byte_headers().map_err(|e| read_error(table, path, &e))?.clone();
    if record.is_empty() {
        return Err(file_error(table, path, "the file holds no header line"));
    }
    let mut names = Vec::with_capacity(record.len());
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for (i, field) in record.iter().enumerate() {
        let text = utf8(table, path, 1, &format!("header {}", i + 1), field)?.trim();
        let name = if text.is_empty() {
            format!("column_{}", i + 1)
        } else {
            text.to_owned()
        };
        if let Some(before) = seen.insert(name.clone(), i + 1) {
            let cause = format!(
                "the header names {name:?} twice, as columns {before} and {}; rename one",
                i + 1
            );
            return Err(file_error(table, path, cause));
        }
        names.push(name);
    }
    if let [only] = names.as_slice()
        && let Some(other) = [',', ';', '\t', '|']
            .into_iter()
            .find(|d| *d != delimiter && only.contains(*d))
    {
        let cause =
            format!("the header is one field, {only:?}; set the delimiter to {other:?} instead of {delimiter:?}");
        return Err(file_error(table, path, cause));
    }
    Ok(names)
}

fn utf8<'a>(table: &TableSource, path: &Path, line: u64, what: &str, field: &'a [u8]) -> Result<&'a str, EngineError> {
    std::str::from_utf8(field).map_err(|e| {
        let byte = field.get(e.valid_up_to()).copied().unwrap_or_default();
        let cause = format!(
            "line {line}, {what}: the byte 0x{byte:02X} is not UTF-8; set the dataset's encoding, e.g. windows-1252 or latin1"
        );
        file_error(table, path, cause)
    })
}

fn read_error(table: &TableSource, path: &Path, error: &csv::Error) -> EngineError {
    match error.kind() {
        ErrorKind::Io(e) => file_error(table, path, format!("unreadable: {e}")),
        _ => file_error(table, path, error),
    }
}

fn reader(
    table: &TableSource,
    path: &Path,
    delimiter: char,
    encoding: &'static Encoding,
) -> Result<Fields, EngineError> {
    let Ok(delimiter) = u8::try_from(delimiter) else {
        return Err(table_error(
            table,
            format!("the delimiter {delimiter:?} is not one byte; use , ; | or a tab"),
        ));
    };
    let source = DecodeReader::new(open(table, path)?, encoding);
    // Ragged rows are let through here and reported by `each_row`, with what to look for.
    Ok(ReaderBuilder::new()
        .delimiter(delimiter)
        .flexible(true)
        .from_reader(source))
}

/// Calls `row` with each record's line and fields.
fn each_row(
    table: &TableSource,
    path: &Path,
    reader: &mut Fields,
    width: usize,
    mut row: impl FnMut(u64, &ByteRecord) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let mut record = ByteRecord::new();
    let mut last = 0;
    while reader
        .read_byte_record(&mut record)
        .map_err(|e| read_error(table, path, &e))?
    {
        let line = record.position().map_or(0, csv::Position::line);
        if record.len() != width {
            // A line of spaces is as blank as an empty one.
            if record.len() == 1 && record.get(0).is_some_and(|f| f.trim_ascii().is_empty()) {
                continue;
            }
            let mut cause = format!("line {line} has {} fields, the header has {width}", record.len());
            if record.iter().any(|f| f.contains(&b'\n')) {
                cause += "; a quote opened on that line may not be closed";
            } else if record.len() > width {
                cause += "; a field that holds the delimiter must be in double quotes";
            } else {
                cause += "; the line may be cut off";
            }
            return Err(file_error(table, path, cause));
        }
        last = if record.iter().next_back().is_some_and(|f| f.contains(&b'\n')) {
            line
        } else {
            0
        };
        row(line, &record)?;
    }
    if last > 0 && reader.get_ref().quotes() % 2 == 1 {
        return Err(file_error(
            table,
            path,
            format!("a quote opened on line {last} is not closed by the end of the file"),
        ));
    }
    Ok(())
}

/// Reads the files twice, for types and for values, and writes them as one Parquet file.
pub(crate) fn convert(
    table: &TableSource,
    files: &[PathBuf],
    target: &Path,
    delimiter: char,
    label: Option<&str>,
) -> Result<SchemaRef, EngineError> {
    let encoding = match label {
        None => UTF_8,
        Some(label) => encoding(label).ok_or_else(|| {
            table_error(
                table,
                format!("no encoding is called {label:?}; use e.g. utf-8, latin1, windows-1252, utf-16le"),
            )
        })?,
    };
    let promises: BTreeMap<&str, Option<Kind>> = table
        .columns
        .iter()
        .map(|(name, logical)| (name.as_str(), Kind::of_contract(logical)))
        .collect();

    let mut names: Vec<String> = Vec::new();
    let mut inferences: Vec<Inference> = Vec::new();
    let mut orders = Vec::with_capacity(files.len());
    for path in files {
        let mut reader = reader(table, path, delimiter, encoding)?;
        let own = header(table, path, &mut reader, delimiter)?;
        if names.is_empty() {
            inferences = own
                .iter()
                .map(|n| Inference::new(promises.get(n.as_str()).copied().flatten()))
                .collect();
            names.clone_from(&own);
        }
        let order = order(table, path, &files[0], &names, &own)?;
        each_row(table, path, &mut reader, own.len(), |line, record| {
            for (inference, (&at, name)) in inferences.iter_mut().zip(order.iter().zip(&names)) {
                let field = record.get(at).unwrap_or_default();
                inference.see(utf8(table, path, line, &format!("column {name}"), field)?);
            }
            Ok(())
        })?;
        orders.push(order);
    }

    let columns: Vec<(String, Kind)> = names.into_iter().zip(inferences.iter().map(Inference::kind)).collect();
    let mut writer = TypedWriter::create(table, target, &columns)?;
    for (path, order) in files.iter().zip(&orders) {
        let mut reader = reader(table, path, delimiter, encoding)?;
        header(table, path, &mut reader, delimiter)?;
        each_row(table, path, &mut reader, columns.len(), |line, record| {
            let values = order.iter().map(|&at| {
                // Checked above; a file that changed meanwhile reads as blank here and fails its type below.
                std::str::from_utf8(record.get(at).unwrap_or_default()).unwrap_or_default()
            });
            writer.row(path, line, values)
        })?;
    }
    writer.finish()
}

/// Where each of `names` stands in a file's own header.
fn order(
    table: &TableSource,
    path: &Path,
    first: &Path,
    names: &[String],
    own: &[String],
) -> Result<Vec<usize>, EngineError> {
    let missing: Vec<&str> = names.iter().filter(|n| !own.contains(n)).map(String::as_str).collect();
    let extra: Vec<&str> = own.iter().filter(|n| !names.contains(n)).map(String::as_str).collect();
    if missing.is_empty() && extra.is_empty() {
        return Ok(names.iter().filter_map(|n| own.iter().position(|o| o == n)).collect());
    }
    Err(super::parquet::columns_differ(table, path, first, &missing, &extra))
}
