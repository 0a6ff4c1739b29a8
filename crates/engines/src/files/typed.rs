//! Text values into typed columns, written as one Parquet file that the engine scans.
//!
//! A text file is parsed once, when it or its promised types change, and not again for every query.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Float64Builder, Int64Builder, RecordBatch, StringBuilder,
    TimestampMicrosecondBuilder,
};
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use sha2::{Digest, Sha256};
use steward_compute::{EngineError, TableSource};

use super::digest::{Stamp, hex};
use super::infer::{self, Kind};
use super::{file_error, table_error};

/// Raised when the same file would be turned into something else than before.
const VERSION: u32 = 1;
const BATCH_ROWS: usize = 8192;

/// A column being filled from text.
enum Builder {
    Boolean(BooleanBuilder),
    Integer(Int64Builder),
    Number(Float64Builder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Text(StringBuilder),
}

impl Builder {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Boolean => Builder::Boolean(BooleanBuilder::new()),
            Kind::Integer => Builder::Integer(Int64Builder::new()),
            Kind::Number => Builder::Number(Float64Builder::new()),
            Kind::Date => Builder::Date(Date32Builder::new()),
            Kind::Timestamp => Builder::Timestamp(TimestampMicrosecondBuilder::new().with_data_type(kind.data_type())),
            Kind::Text => Builder::Text(StringBuilder::new()),
        }
    }

    /// Appends a value. `false` if it does not fit, which inference over the same file rules out.
    fn append(&mut self, text: &str) -> bool {
        if let Builder::Text(b) = self {
            b.append_option((!text.is_empty()).then_some(text));
            return true;
        }
        let text = text.trim();
        let blank = text.is_empty();
        macro_rules! push {
            ($builder:expr, $parsed:expr) => {{
                let value = if blank { None } else { $parsed };
                $builder.append_option(value);
                blank || value.is_some()
            }};
        }
        match self {
            Builder::Boolean(b) => push!(b, infer::boolean(text)),
            Builder::Integer(b) => push!(b, text.parse::<i64>().ok()),
            Builder::Number(b) => push!(b, infer::number(text)),
            Builder::Date(b) => push!(b, infer::date(text)),
            Builder::Timestamp(b) => push!(b, infer::timestamp(text)),
            Builder::Text(_) => true,
        }
    }

    fn finish(&mut self) -> ArrayRef {
        match self {
            Builder::Boolean(b) => Arc::new(b.finish()),
            Builder::Integer(b) => Arc::new(b.finish()),
            Builder::Number(b) => Arc::new(b.finish()),
            Builder::Date(b) => Arc::new(b.finish()),
            Builder::Timestamp(b) => Arc::new(b.finish()),
            Builder::Text(b) => Arc::new(b.finish()),
        }
    }
}

/// Writes batches to a Parquet file that appears under its name only when it is whole.
pub(crate) struct ParquetFile<'a> {
    table: &'a TableSource,
    target: &'a Path,
    schema: SchemaRef,
    writer: ArrowWriter<tempfile::NamedTempFile>,
}

impl<'a> ParquetFile<'a> {
    pub(crate) fn create(table: &'a TableSource, target: &'a Path, schema: SchemaRef) -> Result<Self, EngineError> {
        let fail = |e: &dyn std::fmt::Display| {
            table_error(
                table,
                format!("its typed copy cannot be written beside {}: {e}", target.display()),
            )
        };
        let folder = target.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).map_err(|e| fail(&e))?;
        let file = tempfile::NamedTempFile::new_in(folder).map_err(|e| fail(&e))?;
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = ArrowWriter::try_new(file, Arc::clone(&schema), Some(properties)).map_err(|e| fail(&e))?;
        Ok(ParquetFile {
            table,
            target,
            schema,
            writer,
        })
    }

    fn fail(&self, e: &dyn std::fmt::Display) -> EngineError {
        let target = self.target.display();
        table_error(
            self.table,
            format!("its typed copy {target} cannot be written (is the disk full?): {e}"),
        )
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<(), EngineError> {
        self.writer.write(batch).map_err(|e| self.fail(&e))
    }

    pub(crate) fn finish(self) -> Result<SchemaRef, EngineError> {
        let ParquetFile {
            table,
            target,
            schema,
            writer,
        } = self;
        let fail = |e: &dyn std::fmt::Display| {
            table_error(
                table,
                format!(
                    "its typed copy {} cannot be written (is the disk full?): {e}",
                    target.display()
                ),
            )
        };
        let mut file = writer.into_inner().map_err(|e| fail(&e))?;
        file.flush().map_err(|e| fail(&e))?;
        file.persist(target).map_err(|e| fail(&e))?;
        Ok(schema)
    }
}

/// Rows of text on their way into a Parquet file.
pub(crate) struct TypedWriter<'a> {
    file: ParquetFile<'a>,
    names: Vec<String>,
    builders: Vec<Builder>,
    rows: usize,
}

impl<'a> TypedWriter<'a> {
    pub(crate) fn create(
        table: &'a TableSource,
        target: &'a Path,
        columns: &[(String, Kind)],
    ) -> Result<Self, EngineError> {
        let fields: Vec<Field> = columns
            .iter()
            .map(|(n, k)| Field::new(n, k.data_type(), true))
            .collect();
        Ok(TypedWriter {
            file: ParquetFile::create(table, target, Arc::new(Schema::new(fields)))?,
            names: columns.iter().map(|(n, _)| n.clone()).collect(),
            builders: columns.iter().map(|(_, k)| Builder::new(*k)).collect(),
            rows: 0,
        })
    }

    /// Appends a row of `path`, whose fields come in the order of the columns.
    pub(crate) fn row<'v>(
        &mut self,
        path: &Path,
        line: u64,
        values: impl Iterator<Item = &'v str>,
    ) -> Result<(), EngineError> {
        for ((builder, name), value) in self.builders.iter_mut().zip(&self.names).zip(values) {
            if !builder.append(value) {
                let cause = format!(
                    "line {line}: {value:?} in column {name} does not fit the column's type; the file changed while it was read"
                );
                return Err(file_error(self.file.table, path, cause));
            }
        }
        self.rows += 1;
        if self.rows == BATCH_ROWS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), EngineError> {
        if self.rows == 0 {
            return Ok(());
        }
        self.rows = 0;
        let columns = self.builders.iter_mut().map(Builder::finish).collect();
        let batch = RecordBatch::try_new(Arc::clone(&self.file.schema), columns).map_err(|e| self.file.fail(&e))?;
        self.file.write(&batch)
    }

    pub(crate) fn finish(mut self) -> Result<SchemaRef, EngineError> {
        self.flush()?;
        self.file.finish()
    }
}

/// Where the typed copy of these files, read with these promises, is kept.
pub(crate) fn target(table: &TableSource, files: &[PathBuf], folder: &Path) -> Result<PathBuf, EngineError> {
    let mut hasher = Sha256::new();
    hasher.update(format!("{VERSION}\n{:?}\n{:?}\n", table.format, table.columns));
    for path in files {
        let stamp = Stamp::of(path).map_err(|e| file_error(table, path, e))?;
        hasher.update(format!("{stamp:?}\n"));
    }
    let name: String = table
        .name
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    Ok(folder.join(format!("{name}-{}.parquet", &hex(&hasher.finalize())[..24])))
}

/// Opens a file for reading.
pub(crate) fn open(table: &TableSource, path: &Path) -> Result<File, EngineError> {
    File::open(path).map_err(|e| file_error(table, path, format!("unreadable: {e}")))
}
