//! Parquet files that appear whole or not at all; row groups may be encoded on many threads.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::{ArrowColumnChunk, ArrowRowGroupWriterFactory, ArrowWriterOptions, compute_leaves};
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::ColumnPath;

use crate::DemoError;

/// How a column is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Store {
    /// 64-bit whole number, rarely repeated.
    Id,
    /// 64-bit whole number.
    Long,
    /// 32-bit whole number.
    Int,
    /// 32-bit floating point.
    Float,
    /// 64-bit floating point.
    Double,
    /// Truth value.
    Bool,
    /// UTC moment in microseconds.
    Time,
    /// Calendar day.
    Date,
    /// Money with two decimals.
    Decimal,
    /// Text.
    Text,
    /// Text of few different values, given as a dictionary; read back as plain text.
    Word,
}

impl Store {
    fn arrow(self) -> DataType {
        match self {
            Store::Id | Store::Long => DataType::Int64,
            Store::Int => DataType::Int32,
            Store::Float => DataType::Float32,
            Store::Double => DataType::Float64,
            Store::Bool => DataType::Boolean,
            Store::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC"))),
            Store::Date => DataType::Date32,
            Store::Decimal => DataType::Decimal128(18, 2),
            Store::Text => DataType::Utf8,
            Store::Word => DataType::Dictionary(Box::new(DataType::Int16), Box::new(DataType::Utf8)),
        }
    }
}

/// A table's name and columns; a column whose name ends in `?` may be null.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// File name without extension; may hold a folder.
    pub(crate) name: &'static str,
    /// Columns in order.
    pub(crate) columns: &'static [(&'static str, Store)],
}

impl Layout {
    pub(crate) fn schema(&self) -> SchemaRef {
        let fields: Vec<Field> = self
            .columns
            .iter()
            .map(|(name, store)| {
                let nullable = name.ends_with('?');
                Field::new(name.trim_end_matches('?'), store.arrow(), nullable)
            })
            .collect();
        Arc::new(Schema::new(fields))
    }

    fn properties(&self) -> WriterProperties {
        let mut builder = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_statistics_enabled(EnabledStatistics::Chunk)
            .set_created_by("steward".to_owned());
        for (name, store) in self.columns {
            let path = ColumnPath::from(name.trim_end_matches('?'));
            if matches!(store, Store::Id | Store::Time) {
                builder = builder
                    .set_column_dictionary_enabled(path.clone(), false)
                    .set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
            } else if matches!(store, Store::Text | Store::Float | Store::Double) {
                builder = builder.set_column_dictionary_enabled(path, *store == Store::Text);
            }
        }
        builder.build()
    }
}

/// A row group, encoded.
pub(crate) struct Encoded {
    chunks: Vec<ArrowColumnChunk>,
    rows: u64,
}

/// Encodes row groups of one table on any thread.
pub(crate) struct Encoder {
    schema: SchemaRef,
    factory: ArrowRowGroupWriterFactory,
    name: &'static str,
}

impl Encoder {
    /// Encodes one row group from arrays in the layout's order.
    pub(crate) fn encode(&self, group: usize, arrays: Vec<ArrayRef>) -> Result<Encoded, DemoError> {
        let fail = |e: String| DemoError::Encode {
            table: self.name.to_owned(),
            reason: e,
        };
        let batch = RecordBatch::try_new(self.schema.clone(), arrays).map_err(|e| fail(e.to_string()))?;
        let mut writers = self
            .factory
            .create_column_writers(group)
            .map_err(|e| fail(e.to_string()))?;
        let mut next = writers.iter_mut();
        for (field, column) in self.schema.fields().iter().zip(batch.columns()) {
            for leaf in compute_leaves(field, column).map_err(|e| fail(e.to_string()))? {
                if let Some(writer) = next.next() {
                    writer.write(&leaf).map_err(|e| fail(e.to_string()))?;
                }
            }
        }
        let chunks = writers.into_iter().map(|w| w.close()).collect::<Result<Vec<_>, _>>();
        Ok(Encoded {
            chunks: chunks.map_err(|e| fail(e.to_string()))?,
            rows: batch.num_rows() as u64,
        })
    }
}

/// A file's temporary name; the file goes with it unless it was published.
struct Temporary {
    path: PathBuf,
    published: bool,
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.published {
            // Best effort: what cannot be removed is overwritten by the next run.
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// A Parquet file being written under a temporary name.
pub(crate) struct TableFile {
    writer: SerializedFileWriter<BufWriter<File>>,
    temporary: Temporary,
    path: PathBuf,
    name: String,
    rows: u64,
}

/// A file that is complete but not yet under its name.
pub(crate) struct Finished {
    temporary: Temporary,
    path: PathBuf,
    /// Table.
    pub(crate) name: String,
    /// Rows.
    pub(crate) rows: u64,
    /// Size in bytes.
    pub(crate) bytes: u64,
}

impl TableFile {
    /// Opens a table's file below a folder.
    pub(crate) fn create(dir: &Path, layout: &Layout) -> Result<(Self, Encoder), DemoError> {
        Self::create_at(dir, layout, layout.name.to_owned())
    }

    /// Opens a file of another name than the layout's.
    pub(crate) fn create_at(dir: &Path, layout: &Layout, name: String) -> Result<(Self, Encoder), DemoError> {
        let path = dir.join(format!("{name}.parquet"));
        let temporary = dir.join(format!("{name}.parquet.partial"));
        let io = |error: std::io::Error| DemoError::Write {
            path: temporary.clone(),
            error,
        };
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(io)?;
        }
        let file = File::create(&temporary).map_err(io)?;
        let temporary = Temporary {
            path: temporary,
            published: false,
        };
        let schema = layout.schema();
        // Without the Arrow schema in the file, dictionaries are read back as plain text.
        let options = ArrowWriterOptions::new()
            .with_properties(layout.properties())
            .with_skip_arrow_metadata(true);
        let fail = |e: parquet::errors::ParquetError| DemoError::Encode {
            table: name.clone(),
            reason: e.to_string(),
        };
        let writer =
            ArrowWriter::try_new_with_options(BufWriter::with_capacity(1 << 20, file), schema.clone(), options)
                .map_err(fail)?;
        let (writer, factory) = writer.into_serialized_writer().map_err(fail)?;
        let encoder = Encoder {
            schema,
            factory,
            name: layout.name,
        };
        Ok((
            Self {
                writer,
                temporary,
                path,
                name,
                rows: 0,
            },
            encoder,
        ))
    }

    /// Appends a row group; one without rows is left out.
    pub(crate) fn append(&mut self, encoded: Encoded) -> Result<(), DemoError> {
        if encoded.rows == 0 {
            return Ok(());
        }
        let table = self.name.clone();
        let fail = |e: parquet::errors::ParquetError| DemoError::Encode {
            table: table.clone(),
            reason: e.to_string(),
        };
        let mut group = self.writer.next_row_group().map_err(fail)?;
        for chunk in encoded.chunks {
            chunk.append_to_row_group(&mut group).map_err(fail)?;
        }
        group.close().map_err(fail)?;
        self.rows += encoded.rows;
        Ok(())
    }

    /// Writes the footer and flushes to disk.
    pub(crate) fn finish(self) -> Result<Finished, DemoError> {
        let Self {
            writer,
            temporary,
            path,
            name,
            rows,
        } = self;
        let io = |error: std::io::Error| DemoError::Write {
            path: temporary.path.clone(),
            error,
        };
        let buffer = writer.into_inner().map_err(|e| DemoError::Encode {
            table: name.clone(),
            reason: e.to_string(),
        })?;
        let file = buffer.into_inner().map_err(|e| io(e.into_error()))?;
        let bytes = file.metadata().map_err(io)?.len();
        Ok(Finished {
            temporary,
            path,
            name,
            rows,
            bytes,
        })
    }
}

impl Finished {
    /// Gives the file its name.
    pub(crate) fn publish(&mut self) -> Result<(), DemoError> {
        std::fs::rename(&self.temporary.path, &self.path).map_err(|error| DemoError::Write {
            path: self.path.clone(),
            error,
        })?;
        self.temporary.published = true;
        Ok(())
    }
}

/// Writes a table of one row group.
pub(crate) fn write_table(dir: &Path, layout: &Layout, arrays: Vec<ArrayRef>) -> Result<Finished, DemoError> {
    let (mut file, encoder) = TableFile::create(dir, layout)?;
    file.append(encoder.encode(0, arrays)?)?;
    file.finish()
}
