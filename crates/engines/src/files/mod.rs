//! Tables in local files: which files there are, what they hold, and text turned into typed columns.

pub(crate) mod csv;
pub(crate) mod decode;
pub(crate) mod digest;
pub(crate) mod facts;
pub(crate) mod infer;
pub(crate) mod json;
pub(crate) mod parquet;
pub(crate) mod place;
pub(crate) mod typed;

use std::path::{Path, PathBuf};

use steward_compute::{EngineError, TableSource};

/// An error about a table, at its location.
pub(crate) fn table_error(table: &TableSource, cause: impl Into<String>) -> EngineError {
    EngineError::Table {
        table: table.name.clone(),
        location: table.location.clone(),
        cause: cause.into(),
    }
}

/// An error about one of a table's files.
pub(crate) fn file_error(table: &TableSource, path: &Path, cause: impl std::fmt::Display) -> EngineError {
    EngineError::Table {
        table: table.name.clone(),
        location: path.display().to_string(),
        cause: cause.to_string(),
    }
}

/// A table's rows as Parquet files.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    /// Parquet files to read: the same, or what text was turned into.
    pub(crate) parquet: Vec<PathBuf>,
    /// Schema of the Parquet files as stored.
    pub(crate) schema: datafusion::arrow::datatypes::SchemaRef,
}
