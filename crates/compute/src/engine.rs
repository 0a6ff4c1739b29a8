//! How a query is run.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use serde::{Deserialize, Serialize};

use crate::{Dialect, Query, TableSource};

/// A future that an engine returns; which runtime drives it is the engine's affair.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What went wrong in an engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The table's files cannot be read as what they are said to be.
    #[error("cannot read table {table} at {location}: {cause}")]
    Table {
        /// Table.
        table: String,
        /// Where.
        location: String,
        /// Cause and what to do.
        cause: String,
    },
    /// The query does not fit the tables: unknown column, type clash, syntax.
    #[error("{label}: {cause}")]
    Plan {
        /// The query's label.
        label: String,
        /// Cause, with near names where a name is unknown.
        cause: String,
    },
    /// It ran and failed.
    #[error("{label} failed while running: {cause}")]
    Run {
        /// The query's label.
        label: String,
        /// Cause.
        cause: String,
    },
    /// It needs more memory or disk than allowed.
    #[error("{label} needs more memory or disk than allowed: {cause}")]
    Resources {
        /// The query's label.
        label: String,
        /// Cause and which limit to raise.
        cause: String,
    },
    /// It was cancelled.
    #[error("{0} was cancelled")]
    Cancelled(String),
    /// The result is not what its reader expects.
    #[error("column {column} of the result cannot be read: {cause}")]
    Decode {
        /// Column.
        column: String,
        /// What was expected and what is there.
        cause: String,
    },
    /// The result cannot be written.
    #[error("cannot write the result as {format}: {cause}")]
    Format {
        /// Format asked for.
        format: String,
        /// Cause.
        cause: String,
    },
    /// The database cannot be reached or refuses.
    #[error("cannot reach {engine}: {cause}")]
    Unreachable {
        /// Engine.
        engine: String,
        /// Cause; holds no secret.
        cause: String,
    },
}

/// Asks a running query to stop.
#[derive(Clone, Debug, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Asks.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it was asked.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Cancellation and progress of one run.
#[derive(Clone, Debug, Default)]
pub struct RunControl {
    /// Asks it to stop.
    pub cancel: Cancel,
    /// Rows read from tables so far.
    pub rows_read: Arc<AtomicU64>,
}

/// A query's result.
#[derive(Clone, Debug)]
pub struct Rows {
    /// Columns; present also when there are no batches.
    pub schema: SchemaRef,
    /// Batches.
    pub batches: Vec<RecordBatch>,
    /// The SQL that was run, in the engine's dialect.
    pub sql: String,
}

/// The version of a table's data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Table.
    pub table: String,
    /// SHA-256 (hex) over the content of its files, or what the database offers (and then `exact` is false).
    pub digest: String,
    /// Whether equal digests mean equal content.
    pub exact: bool,
    /// Files read.
    pub files: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Newest modification, microseconds since 1970 UTC.
    pub modified_us: Option<i64>,
}

/// What file metadata tells about a table without reading its rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableFacts {
    /// Rows, if the metadata says so.
    pub rows: Option<u64>,
    /// By column.
    pub columns: Vec<ColumnFacts>,
}

/// What file metadata tells about a column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ColumnFacts {
    /// Name.
    pub name: String,
    /// Arrow type, printed.
    pub data_type: String,
    /// Nulls.
    pub nulls: Option<u64>,
    /// Smallest, printed.
    pub min: Option<String>,
    /// Largest, printed.
    pub max: Option<String>,
}

/// Something that runs queries. Every implementation passes the same suite (`steward-engines/tests`).
pub trait Engine: Send + Sync {
    /// `datafusion`, `postgres`, ….
    fn name(&self) -> &'static str;

    /// The dialect it runs.
    fn dialect(&self) -> Dialect;

    /// Makes a table known under its name, replacing one of the same name. Answers its actual schema.
    fn register<'a>(&'a self, table: &'a TableSource) -> BoxFuture<'a, Result<SchemaRef, EngineError>>;

    /// Checks a query against the registered tables and answers its columns, without running it.
    fn plan<'a>(&'a self, query: &'a Query) -> BoxFuture<'a, Result<SchemaRef, EngineError>>;

    /// The query's text in a dialect, after the same checks as [`Engine::plan`].
    fn write<'a>(&'a self, query: &'a Query, dialect: Dialect) -> BoxFuture<'a, Result<String, EngineError>>;

    /// Runs a query.
    fn run<'a>(&'a self, query: &'a Query, control: &'a RunControl) -> BoxFuture<'a, Result<Rows, EngineError>>;

    /// The current version of a registered table's data.
    fn snapshot<'a>(&'a self, table: &'a str) -> BoxFuture<'a, Result<Snapshot, EngineError>>;

    /// What metadata tells about a registered table, without reading rows.
    fn facts<'a>(&'a self, table: &'a str) -> BoxFuture<'a, Result<TableFacts, EngineError>>;
}
