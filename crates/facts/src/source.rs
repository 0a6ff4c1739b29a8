//! Reading a table of any columns, in batches: Parquet, or CSV whose columns are all taken as text.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::Path;
use std::sync::Arc;

use arrow::csv::ReaderBuilder;
use arrow::csv::reader::Format;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::FactError;

/// Rows read at a time.
const BATCH: usize = 8_192;
const PARQUET: [u8; 4] = *b"PAR1";

/// Batches of a file.
pub type Batches = Box<dyn Iterator<Item = Result<RecordBatch, FactError>> + Send>;

/// A file's columns and its rows.
pub struct Table {
    /// Columns.
    pub schema: SchemaRef,
    /// Rows, in order.
    pub batches: Batches,
}

/// Opens a file by its content: Parquet by its mark, else CSV with a header line and commas or semicolons.
///
/// # Errors
/// If it cannot be read, is empty, or its header names a column twice; later, where a row does not fit the header.
pub fn read(path: &Path) -> Result<Table, FactError> {
    let mut file = File::open(path).map_err(|e| FactError::store(path, e))?;
    let mut mark = Vec::new();
    file.by_ref()
        .take(4)
        .read_to_end(&mut mark)
        .map_err(|e| FactError::store(path, e))?;
    file.rewind().map_err(|e| FactError::store(path, e))?;
    if mark.is_empty() {
        return Err(FactError::store(
            path,
            "the file is empty (0 bytes); was its writing cut off?",
        ));
    }
    if mark == PARQUET {
        parquet(path, file)
    } else {
        csv(path, file)
    }
}

fn parquet(path: &Path, file: File) -> Result<Table, FactError> {
    let broken = |e: parquet::errors::ParquetError| {
        FactError::store(
            path,
            format!("not a whole Parquet file ({e}); it may be cut off: write it again"),
        )
    };
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(broken)?;
    let schema = builder.schema().clone();
    let reader = builder.with_batch_size(BATCH).build().map_err(broken)?;
    let path = path.to_owned();
    Ok(Table {
        schema,
        batches: Box::new(reader.map(move |batch| batch.map_err(|e| FactError::store(&path, e)))),
    })
}

fn csv(path: &Path, file: File) -> Result<Table, FactError> {
    let mut input = BufReader::with_capacity(1 << 20, file);
    let start = input.fill_buf().map_err(|e| FactError::store(path, e))?;
    let skip = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
    input.consume(skip);
    let mut head = String::new();
    let length = input
        .read_line(&mut head)
        .map_err(|_| FactError::store(path, "the header is not UTF-8; write the file as UTF-8, or as Parquet"))?;
    let delimiter = if head.matches(';').count() > head.matches(',').count() {
        b';'
    } else {
        b','
    };
    let format = Format::default().with_header(true).with_delimiter(delimiter);
    let (named, _) = format
        .infer_schema(head.as_bytes(), Some(0))
        .map_err(|e| FactError::store(path, format!("the header cannot be read: {e}")))?;
    let names: Vec<String> = named.fields().iter().map(|f| f.name().trim().to_owned()).collect();
    if let Some((_, twice)) = names.iter().enumerate().find(|(i, n)| names[..*i].contains(n)) {
        return Err(FactError::store(
            path,
            format!("the header names the column {twice:?} twice"),
        ));
    }
    let fields: Vec<Field> = names.iter().map(|n| Field::new(n, DataType::Utf8, true)).collect();
    let schema: SchemaRef = Arc::new(Schema::new(fields));
    let _ = length;
    let reader = ReaderBuilder::new(schema.clone())
        .with_delimiter(delimiter)
        .with_batch_size(BATCH)
        .build_buffered(input)
        .map_err(|e| FactError::store(path, e))?;
    let path = path.to_owned();
    let read = move |batch: Result<RecordBatch, arrow::error::ArrowError>| {
        batch.map_err(|e| {
            let cause = e.to_string();
            let hint = if cause.contains("UTF-8") {
                "; write the file as UTF-8, or as Parquet"
            } else {
                ""
            };
            FactError::store(&path, format!("{cause}{hint}"))
        })
    };
    Ok(Table {
        schema,
        batches: Box::new(reader.map(read)),
    })
}
